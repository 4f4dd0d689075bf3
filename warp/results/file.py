"""The result file: one HDF5 file with the case, the model, the fields, the numbers, their origin.

    /            attributes format = "warpage", schema = [major, minor]
    /case        the case file, verbatim (UTF-8 bytes)
    /parts       names of the parts (JSON)
    /apart       parts whose image in x = 0, and in y = 0, is another part (JSON), if there are any
    /metrics     all numbers (JSON), see `metrics.evaluate`; of a process those of the last load
                 step, and under "steps" those of every one, in order (1.1)
    /grid        x, y, z line coordinates [m];
                 attribute mirror = (x, y): the first line is a mirror plane
    /ids         (nz, ny, nx) row of /media of every voxel, 0 = void
    /media       part (index into /parts, -1 void), stress_free [K], share, material (names, JSON),
                 one entry a row
    /fields      temperature (nz, ny, nx) [K];
                 displacement (3, nz+1, ny+1, nx+1) [m]: u on x-faces, v on y-faces, w on z-faces;
                 stress (nz, ny, nx, 6) [Pa] in VTK's order xx yy zz xy yz xz;
                 stiffness_gradient, expansion_gradient (nz, ny, nx) of `warp sensitivity` (1.3)
    /steps       of a process, since 1.1: N/PART.SIDE/x, y, w after step N: vertices and heights of
                 a measured surface [m], without rigid motion, NaN off the footprint; since 1.3 z:
                 heights of its cells in the undeformed package [m]
    /cells       for viewers: displacement at centres (nz, ny, nx, 3) [m]; part; material (index
                 into material_names, JSON); ghost = 32 in void voxels
    /provenance  info (JSON: program, device, solvers, wall time, memory ...);
                 residuals/<solver>: relative residual of every iteration
    /VTKHDF      links for ParaView (`vtkhdf`)

Since 1.2 every dataset carries digests of its content, checked when it is read (`hdf5.checked`);
since 1.3 the root carries one of all names, shapes, types and attributes (`hdf5.check_contents`).
A change that old readers would misread raises the major schema number; an added dataset raises the
minor one; a number added under /metrics raises neither.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from warp.errors import WarpError
from warp.files import whole_file
from warp.files.whole_file import check_writable
from warp.results import cells, hdf5, schema, surface, views, vtkhdf
from warp.results.cells import OUR_ORDER, MediaTable
from warp.results.flatness import Warpage, warpage
from warp.results.provenance import origin
from warp.voxels.grid import NONE_APART, Apart, Grid

__all__ = ["MediaTable", "Result", "check_result", "read", "summary", "write"]
FORMAT = "warpage"
SCHEMA = (1, 3)
SIDE_ENDINGS = (vtkhdf.SIDE_SUFFIX, ".checkpoint.h5")
PACKED_CELLS = 20_000_000
"""Larger models store real fields unpacked: zlib would take longer than the solve."""


@dataclass(eq=False)
class Result:
    """Hold a solved case; `fields` and `ids` are arrays, or are read from the file on first use.

    It serves as a model for `metrics` and `surface` (grid, ids, media.part, parts).
    provenance["solver"] maps "heat" and "elastic" to iterations, residual, seconds, tolerance;
    `residuals` has their histories.
    """

    case: str
    grid: Grid
    parts: list[str]
    media: MediaTable
    stored_ids: Any
    fields: Mapping[str, Any]
    metrics: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    residuals: dict[str, np.ndarray] = field(default_factory=dict)
    shapes: Mapping[str, Any] = field(default_factory=dict)
    """Measured surfaces of a process after step N: "N/PART.SIDE/x", "/y", "/w" and "/z" [m]."""
    apart: Apart = NONE_APART
    """Parts whose image in the plane x = 0, and in y = 0, is another part."""
    differentiate: Callable[[Result, str], Any] | None = None
    """What `gradient` calls; `warp.solve` and `warp.read` fill it in."""
    states: Mapping[str, Result] = field(default_factory=dict)
    """Results of a process in the states that the case wants besides; `warp.solve` fills it in."""

    def __repr__(self) -> str:
        surfaces = self.metrics.get("surfaces", {}).items()
        found = (
            f"{part}.{side} {n['warpage_um']:+.4g} um"
            for part, sides in surfaces
            for side, n in sides.items()
        )
        fields = ", ".join(self.fields)
        return f"<Result: {self.grid.cells:,} voxels; {fields}; warpage {', '.join(found)}>"

    @classmethod
    def of(
        cls,
        case: str,
        model: Any,
        *,
        heat: Any = None,
        elastic: Any = None,
        temperature: np.ndarray | None = None,
        stress: np.ndarray | None = None,
        numbers: Mapping[str, Any] | None = None,
        tolerances: Mapping[str, float] | None = None,
        provenance: Mapping[str, Any] | None = None,
    ) -> Result:
        """Collect a solved model.

        heat, elastic: their solutions; temperature: the field, if no heat solve made it.
        """
        media = MediaTable(
            np.asarray(model.media.part, np.int32),
            list(model.media.names),
            np.asarray(model.media.stress_free, np.float64),
            model.media.fraction,
        )
        fields: dict[str, Any] = {}
        if heat is not None:
            temperature = heat.temperature
        if temperature is not None:
            fields["temperature"] = temperature
        if elastic is not None:
            fields["displacement"] = elastic.displacement
        if stress is not None:
            fields["stress"] = stress
        solvers, histories = {}, {}
        for name, solution in (("heat", heat), ("elastic", elastic)):
            if solution is not None:
                histories[name] = np.asarray(solution.residuals, np.float64)
                solvers[name] = {
                    "iterations": int(solution.iterations),
                    "residual": float(histories[name][-1]) if histories[name].size else 0.0,
                    "seconds": float(solution.seconds),
                }
                if hasattr(solution, "rounds"):
                    solvers[name]["rounds"] = int(solution.rounds)
                if name in (tolerances or {}):
                    solvers[name]["tolerance"] = float(tolerances[name])  # type: ignore[index]
        info = {**origin(), **(provenance or {}), "solver": solvers}
        return cls(
            case,
            model.grid,
            list(model.parts),
            media,
            model.ids,
            fields,
            dict(numbers or {}),
            info,
            histories,
            apart=getattr(model, "apart", NONE_APART),
        )

    @cached_property
    def ids(self) -> np.ndarray:
        ids = np.asarray(self.stored_ids)
        if ids.size and int(ids.max()) >= len(self.media.material):
            where = getattr(self.stored_ids, "path", "the result")
            raise WarpError(
                f"{where} is damaged: ids point beyond the rows of media; run the case again"
            )
        return ids

    @cached_property
    def temperature(self) -> np.ndarray:
        """(nz, ny, nx) [K] at cell centres."""
        return self._field("temperature")

    @cached_property
    def displacement(self) -> np.ndarray:
        """(3, nz+1, ny+1, nx+1) [m]: u, v, w on x-, y-, z-faces."""
        displacement = self._field("displacement")
        if not np.isfinite(displacement).all():
            where = getattr(self.fields["displacement"], "path", "this result")
            raise hdf5.DamagedFile(f"{where} has displacements that are no numbers")
        return displacement

    @cached_property
    def stress(self) -> np.ndarray:
        """(6, nz, ny, nx) [Pa] at cell centres: xx yy zz yz xz xy."""
        return self._field("stress")

    def warpage(self, part: str, side: surface.Side, zone: surface.Zone = None) -> Warpage:
        """Flatness of a part's top or bottom, with the residual to draw; zone in metres."""
        return warpage(surface.sample(self, self.displacement, part, side), zone)

    def summary(self) -> dict[str, Any]:
        """Return the numbers of this run, ready for JSON."""
        return summary(self)

    def gradient(self, metric: str) -> Any:
        """Differentiate a metric by every input of the case: `warp.gradient(self, metric)`."""
        if self.differentiate is None:
            raise WarpError("this result came from neither warp.solve nor warp.read")
        return self.differentiate(self, metric)

    def write(
        self, path: str | os.PathLike[str], *, single: bool = False, xdmf: bool = True
    ) -> Path:
        """Write the HDF5 file (fields in float32 if `single`) and its XDMF side file."""
        return write(self, path, single=single, xdmf=xdmf)

    def to_xarray(self) -> Any:
        """Return an xarray.Dataset over x, y, z [m]: the fields, part and material.

        Displacement and stress at voxel centres; void is NaN. Every variable has its unit; part
        and material are indices with the attribute `names`.
        """
        return views.to_xarray(self)

    def to_pandas(self) -> Any:
        """Return all numbers as a pandas.DataFrame: where, quantity, value, unit, one a row."""
        return views.to_pandas(self)

    def _repr_html_(self) -> str:
        """Return a table of the surfaces, for notebooks."""
        return views.to_html(self)

    def to_pyvista(self) -> Any:
        """Return the voxels as a pyvista.RectilinearGrid [m], void voxels hidden.

        With the cell data of the .vtr file.
        """
        return views.to_pyvista(self)

    def _field(self, name: str) -> np.ndarray:
        if name not in self.fields:
            raise WarpError(
                f"this result has no {name} field; it has {', '.join(self.fields) or 'none'}"
            )
        return np.asarray(self.fields[name])


def summary(result: Result) -> dict[str, Any]:
    """Return what `warp summary --json` prints: metrics, solvers, size, device, cost."""
    info = result.provenance
    solver = {
        name: {key: value for key, value in record.items() if key != "residuals"}
        for name, record in info.get("solver", {}).items()
    }
    return {
        "program": info.get("program"),
        "device": info.get("device"),
        "compile_s": info.get("compile_s"),
        "wall_s": info.get("wall_s"),
        "peak_memory_MB": info.get("peak_memory_MB"),
        "voxels": result.grid.cells,
        "unknowns": info.get("unknowns", result.grid.unknowns) if "elastic" in solver else 0,
        "solver": solver,
        "surfaces": {},
        "temperature": {},
        **result.metrics,
    }


def write(
    result: Result, path: str | os.PathLike[str], *, single: bool = False, xdmf: bool = True
) -> Path:
    """Write `result` in one piece or not at all."""
    path = Path(path)
    check_result(path)
    with hdf5.creating(path) as file:
        _write_all(file, result, single)
        side = vtkhdf.xdmf(file, path.name)
    if xdmf:
        with whole_file.replacing(vtkhdf.side_file(path)) as temporary:
            temporary.write_text(side, encoding="utf-8")
    return path


def check_result(path: str | os.PathLike[str], need: int = 0, inputs: Iterable[Path] = ()) -> None:
    """Fail before the solve if no result can be written to `path` (`whole_file.check_writable`).

    Names of side files are refused: they would belong to two results.
    """
    path = Path(path)
    for ending in SIDE_ENDINGS:
        if path.name.lower().endswith(ending):
            raise WarpError(
                f"cannot write {path}: names with {ending} are those of side files; "
                f"give a name such as {path.name[: -len(ending)] or 'out'}.h5"
            )
    check_writable(path, need, inputs)


def read(path: str | os.PathLike[str]) -> Result:
    """Open a result file; fields are read when first used.

    A file that is not a whole result is one clear error.
    """
    path = Path(path)
    with hdf5.reading(path) as file:
        _check_schema(path, file)
        schema.check_datasets(file)
        hdf5.check_contents(file)
        grid = Grid(
            hdf5.checked(file["grid/x"]),
            hdf5.checked(file["grid/y"]),
            hdf5.checked(file["grid/z"]),
            (bool(file["grid"].attrs["mirror"][0]), bool(file["grid"].attrs["mirror"][1])),
        )
        media = MediaTable(
            hdf5.checked(file["media/part"]),
            hdf5.get_json(file["media/material"]),
            hdf5.checked(file["media/stress_free"]),
            hdf5.checked(file["media/share"]) if "media/share" in file else None,
        )
        fields = {name: hdf5.Stored(path, f"fields/{name}") for name in file["fields"]}
        if "stress" in fields:
            fields["stress"] = StoredStress(path, "fields/stress")
        result = Result(
            case=hdf5.get_text(file["case"]),
            grid=grid,
            parts=hdf5.get_json(file["parts"]),
            media=media,
            stored_ids=hdf5.Stored(path, "ids"),
            fields=fields,
            metrics=hdf5.get_json(file["metrics"]),
            provenance=hdf5.get_json(file["provenance/info"]),
            residuals={
                name: hdf5.checked(data) for name, data in file["provenance/residuals"].items()
            },
            shapes={
                name: hdf5.Stored(path, f"steps/{name}") for name in hdf5.datasets(file, "steps")
            },
        )
        if "apart" in file:
            across, along = hdf5.get_json(file["apart"])
            result.apart = frozenset(across), frozenset(along)
        schema.check_fit(file, grid, media, result.parts)
        schema.check_tables(result.parts, media, result.metrics, result.provenance)
        return result


class StoredStress(hdf5.Stored):
    """Index stress on disk in VTK's layout as (6, nz, ny, nx).

    `[:, k]` reads one layer, `[:, :, j]` one section.
    """

    def __getitem__(self, key: Any) -> np.ndarray:
        if isinstance(key, tuple) and len(key) > 1:
            return np.moveaxis(super().__getitem__(key[1:])[..., OUR_ORDER], -1, 0)[key[0]]
        whole = np.moveaxis(super().__getitem__(())[..., OUR_ORDER], -1, 0)
        return np.ascontiguousarray(whole)[key]

    @property
    def shape(self) -> tuple[int, ...]:
        return (6, *super().shape[:3])


def _write_all(file: h5py.File, result: Result, single: bool) -> None:
    grid, (nz, ny, nx) = result.grid, result.grid.shape
    real = np.float32 if single else np.float64
    packed = grid.cells <= PACKED_CELLS
    hdf5.put_word(file, "format", FORMAT)
    file.attrs["schema"] = np.array(SCHEMA, np.int64)
    hdf5.put_text(file, "case", result.case)
    hdf5.put_text(file, "parts", json.dumps(list(result.parts)))
    hdf5.put_text(file, "metrics", json.dumps(hdf5.plain(result.metrics)))
    hdf5.put_text(file, "provenance/info", json.dumps(hdf5.plain(result.provenance)))
    residuals = file.require_group("provenance/residuals")
    for name, history in result.residuals.items():
        hdf5.put(residuals, name, np.asarray(history, np.float64))
    for axis in "xyz":
        hdf5.put(file, f"grid/{axis}", np.asarray(getattr(grid, axis), np.float64))
    file["grid"].attrs["mirror"] = np.array(grid.mirror, np.int8)
    if any(result.apart):
        hdf5.put_text(file, "apart", json.dumps([sorted(parts) for parts in result.apart]))
    hdf5.put(file, "media/part", np.asarray(result.media.part, np.int32))
    hdf5.put(file, "media/stress_free", np.asarray(result.media.stress_free, np.float64))
    if result.media.fraction is not None:
        hdf5.put(file, "media/share", np.asarray(result.media.fraction, np.float64))
    hdf5.put_text(file, "media/material", json.dumps(list(result.media.material)))

    for name in result.shapes:
        hdf5.put(file, f"steps/{name}", np.asarray(result.shapes[name], np.float64))

    ids, fields = result.ids, result.fields
    file.create_group("fields")
    hdf5.put_layers(file, "ids", (nz, ny, nx), np.uint16, (ids[k] for k in range(nz)))
    for name, kind, shape, layers in cells.arrays(result.grid, ids, result.media, fields):
        if name != "temperature_K":
            compress = packed or kind.kind in "iu"
            hdf5.put_layers(file, vtkhdf.CELL_DATA[name], shape, kind, layers, compress=compress)
    hdf5.put_text(file, "cells/material_names", json.dumps(cells.material_names(result.media)))
    if "temperature" in fields:
        t = fields["temperature"]
        hdf5.put_layers(
            file,
            "fields/temperature",
            (nz, ny, nx),
            real,
            (t[k] for k in range(nz)),
            compress=packed,
        )
    if "displacement" in fields:
        u = result.displacement
        faces = (3, nz + 1, ny + 1, nx + 1)
        hdf5.put_layers(
            file,
            "fields/displacement",
            faces,
            real,
            u.reshape(-1, *faces[2:]),
            lead=2,
            compress=packed,
        )
    vtkhdf.link(file)


def _check_schema(path: Path, file: h5py.File) -> None:
    if hdf5.get_word(file, "format") not in (FORMAT, "") or "schema" not in file.attrs:
        raise WarpError(f"{path} is an HDF5 file, but not one of `warp run`'s results")
    major, minor = (int(n) for n in file.attrs["schema"])
    if major != SCHEMA[0]:
        cure = "run the case again" if major < SCHEMA[0] else "update the program"
        raise WarpError(
            f"{path} has schema {major}.{minor}; this program reads {SCHEMA[0]}.x: {cure}"
            + (" (its case stands in the dataset /case)" if major < SCHEMA[0] else "")
        )
    if (major, minor) >= (1, 2) and hdf5.DIGEST not in file.attrs:
        raise ValueError("its digests are not there")
    if (major, minor) >= (1, 3) and hdf5.CONTENTS not in file.attrs:
        raise ValueError("the digest of its contents is not there")
