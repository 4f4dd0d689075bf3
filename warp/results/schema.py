"""Refuse a result file whose links, types, shapes or tables are not those of its schema.

Checksums and digests find damage, not a file that somebody else wrote: links that lead out of it,
numbers of another type, JSON of another form. Each is a ValueError, which `hdf5.reading` tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from warp.results import metrics as metric_tables
from warp.results.cells import MediaTable
from warp.results.hdf5 import datasets
from warp.results.surface import SIDES
from warp.voxels.grid import Grid

TYPES = {
    "ids": "u2",
    "grid/x": "f8",
    "grid/y": "f8",
    "grid/z": "f8",
    "media/part": "i4",
    "media/stress_free": "f8",
    "media/share": "f8",
    "fields/temperature": "f8 f4",
    "fields/displacement": "f8 f4",
    "fields/stress": "f4",
    "fields/stiffness_gradient": "f4",
    "fields/expansion_gradient": "f4",
}
TEXTS = ("case", "parts", "metrics", "media/material", "provenance/info", "apart")
VECTORS = ("steps", "provenance/residuals")
RECORD = {"step": int, "name": str, "last": bool, "parts": list, "unit": str | None}
WORST = {
    "surface": str,
    "step": int,
    "warpage_um": float | int,
    "temperature_C": float | int | None,
}
UNMOUNTED = {**WORST, "name": str, "board": str}
REFINEMENT = {"voxels": list, "order": str | int | float}
NEEDED = {
    "surfaces.PART.SIDE": ("warpage_um", "zone_x_mm", "zone_y_mm"),
    "temperature.PART": ("max_C", "min_C", "max_at_mm"),
    "stress.PART": ("max_principal_q999_MPa", "max_principal_at_mm"),
    "bond_lines.parts.PART": ("change_um", "change_min_um", "change_max_um"),
}
"""Numbers without which an entry of a group cannot be shown; all others may be absent."""
SOLVER = ("iterations", "residual", "seconds")


def check_datasets(file: h5py.File) -> None:
    """Refuse links that are not hard, data outside the file, and types that are not the schema's.

    Call it before anything is read from the file.
    """
    leads_out = file.visititems_links(_not_hard)
    if leads_out is not None:
        raise ValueError(f"{leads_out} is a link that may lead out of the file")
    for name in file["fields"]:
        if f"fields/{name}" not in TYPES:
            raise ValueError(f"fields/{name} is not a field")
    types = TYPES | dict.fromkeys(TEXTS, "u1")
    types |= {f"{group}/{name}": "f8" for group in VECTORS for name in datasets(file, group)}
    for name, known in types.items():
        if name in file:
            _check_dataset(file[name], [np.dtype(kind) for kind in known.split()])


def _not_hard(name: str, link: Any) -> str | None:
    """Return the name of a soft or external link, which ends the visit."""
    return None if isinstance(link, h5py.HardLink) else name


def _check_dataset(item: Any, known: list[np.dtype[Any]]) -> None:
    if not isinstance(item, h5py.Dataset):
        raise ValueError(f"{item.name} is not a dataset")
    if item.external or item.is_virtual:
        raise ValueError(f"{item.name} is stored in another file")
    if item.dtype not in known:
        raise ValueError(f"{item.name} has the type {item.dtype}, not {known[0]}")


def check_fit(file: h5py.File, grid: Grid, media: MediaTable, parts: Sequence[str]) -> None:
    """Refuse datasets that do not belong together: no checksum finds an edited file."""
    nz, ny, nx = shape = grid.shape
    for axis in "xyz":
        lines = getattr(grid, axis)
        if (
            lines.ndim != 1
            or lines.size < 2
            or not (np.isfinite(lines).all() and (np.diff(lines) > 0).all())
        ):
            raise ValueError(f"grid/{axis} does not rise")
    wanted = {
        "temperature": shape,
        "displacement": (3, nz + 1, ny + 1, nx + 1),
        "stress": (*shape, 6),
    }
    for name in ("ids", *(f"fields/{name}" for name in file["fields"])):
        if file[name].shape != wanted.get(name.removeprefix("fields/"), shape):
            raise ValueError(f"{name} {file[name].shape} does not fit the grid {shape}")
    rows, part = len(media.material), np.asarray(media.part)
    if (
        not part.shape == np.shape(media.stress_free) == (rows,)
        or part.min() < -1
        or part.max() >= len(parts)
    ):
        raise ValueError("the rows of media do not fit each other or the parts")
    if media.fraction is not None and np.shape(media.fraction) != (rows,):
        raise ValueError("media/share does not fit the rows of media")


def check_tables(parts: Any, media: MediaTable, numbers: Any, provenance: Any) -> None:
    """Refuse JSON of another form: names of parts, numbers, records of steps and solvers."""
    for name in parts:
        if not (isinstance(name, str) and _plain(name)):
            raise ValueError(f"{name!r} is not a name of a part")
    if not all(isinstance(name, str) for name in media.material):
        raise ValueError("media/material holds something other than names")
    if not (isinstance(numbers, dict) and isinstance(provenance, dict)):
        raise ValueError("metrics or provenance is not a table")
    _check_numbers(numbers)
    _check_names(parts, numbers)
    for table, keys in (
        ("worst", WORST),
        ("unmounted", UNMOUNTED),
        ("refinement", REFINEMENT),
    ):
        if numbers.get(table):
            _check_keys(table, numbers[table], keys)
    if not all(isinstance(text, str) for text in _list_of(numbers, "warnings")):
        raise ValueError("warnings hold something other than sentences")
    for count in (numbers.get("refinement") or {}).get("voxels", ()):
        _check_number("refinement: voxels", count)
    for record in numbers.get("steps") or []:
        _check_keys("a step", record, RECORD)
        for key in ("time_s", "temperature_C"):
            _check_number(key, record[key])
        _check_numbers(record)
    if not isinstance(provenance.get("case_file", ""), str):
        raise ValueError("provenance: case_file is not text")
    for solver, record in provenance.get("solver", {}).items():
        for key in SOLVER:
            _check_number(f"{solver}.{key}", record[key])


def _list_of(numbers: Mapping[str, Any], key: str) -> list[Any]:
    """Return the list at a key, empty where there is none."""
    values = numbers.get(key) or []
    if not isinstance(values, list):
        raise ValueError(f"{key} is not a list")
    return values


def _check_keys(table: str, values: Mapping[str, Any], kinds: Mapping[str, Any]) -> None:
    for key, kind in kinds.items():
        if key not in values or not isinstance(values[key], kind):
            raise ValueError(f"metrics: {table} has no {key}")


def _check_names(parts: Sequence[str], numbers: Mapping[str, Any]) -> None:
    """Refuse numbers of parts that the result has not, and surfaces that are no top or bottom."""
    for table in ("surfaces", "temperature", "stress"):
        for part in numbers.get(table) or {}:
            if part not in parts:
                raise ValueError(f"metrics: {table} has {part!r}, which is not a part")
    for sides in (numbers.get("surfaces") or {}).values():
        if not set(sides) <= set(SIDES):
            raise ValueError("metrics: a surface is no top or bottom")


def _plain(name: str) -> bool:
    """Tell whether a name follows the rule of case files: a letter, then letters, digits, - _."""
    return name[:1].isalpha() and name.replace("_", "").replace("-", "").isalnum()


def _check_numbers(table: Mapping[str, Any]) -> None:
    """Check each number that the program declares; others are not read."""
    for group, number in metric_tables.declared():
        if number.unit.suffix:
            for where, values in group.entries(table):
                check = _check_position if number.position else _check_number
                check(f"{where} {number.key}", values.get(number.key))
    for group in {group for group, _ in metric_tables.declared()}:
        for where, values in group.entries(table):
            for key in NEEDED.get(group.pattern, ()):
                if values.get(key) is None:
                    raise ValueError(f"{where} has no {key}")


def _check_position(name: str, value: Any) -> None:
    if value is not None:
        if not isinstance(value, list) or len(value) != 3:
            raise ValueError(f"{name} is not a position")
        for coordinate in value:
            _check_number(name, coordinate)


def _check_number(name: str, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ValueError(f"{name} is not a number")
