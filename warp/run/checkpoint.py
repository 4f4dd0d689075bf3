"""What a killed run left: everything the next moment of a process begins with, in one HDF5 file beside the result.

    /            attributes format = "warpage checkpoint", schema = [major, minor], mark, done
    /records     the numbers of the moments so far (JSON), as in the result's metrics
    /state       the arrays of `history.State`
    /temperature the field (nz, ny, nx) in K, where the last moment has one
    /shapes      surfaces after the steps so far, as in the result's /steps
    /residuals   of the last moment's solves
    /cycle       what the preconditioner was made of (`reuse`): the next moment begins with the same one

Written whole or not at all after every moment (`hdf5.creating`: temporary name, flushed, renamed), so that a run
killed at any time leaves the one before or this one. Arrays come back bit by bit. `mark` says which computation it
belongs to: the case's text, what --set changed, program and device; a run that differs in any of them does not go on.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from warp.errors import WarpError
from warp.results import hdf5
from warp.solvers.elastic.history.state import State

FORMAT = "warpage checkpoint"
SCHEMA = (1, 1)


@dataclass
class Progress:
    """A process after `done` of its moments."""

    done: int = 0
    records: list[dict[str, Any]] = field(default_factory=list)
    state: State | None = None
    temperature: np.ndarray | None = None
    residuals: dict[str, np.ndarray] = field(default_factory=dict)
    shapes: dict[str, np.ndarray] = field(default_factory=dict)
    cycle: dict[str, np.ndarray] = field(default_factory=dict)
    """Of `reuse.Reuse`: what the preconditioner that the next moment may take was made of."""


def beside(result: Path) -> Path:
    """The checkpoint of a run that writes `result`."""
    return result.with_name(f"{result.stem}.checkpoint.h5")


def mark(*parts: str | bytes) -> str:
    """A fingerprint of what a computation depends on."""
    found = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        found.update(len(data).to_bytes(8, "little") + data)
    return found.hexdigest()


def write(path: Path, progress: Progress, belongs_to: str) -> None:
    """Put the checkpoint in the place of the one before, in one piece."""
    assert progress.state is not None
    with hdf5.creating(path) as file:
        file.attrs["format"] = FORMAT
        file.attrs["schema"] = np.array(SCHEMA, np.int64)
        file.attrs["mark"] = belongs_to
        file.attrs["done"] = progress.done
        hdf5.put_text(file, "records", json.dumps(progress.records))
        for name, array in progress.state.arrays().items():
            hdf5.put(file, f"state/{name}", np.ascontiguousarray(array))
        if progress.temperature is not None:
            hdf5.put(file, "temperature", progress.temperature)
        for group, arrays in (
            ("residuals", progress.residuals),
            ("shapes", progress.shapes),
            ("cycle", progress.cycle),
        ):
            for name, array in arrays.items():
                hdf5.put(file, f"{group}/{name}", array)


def read(path: Path, belongs_to: str) -> Progress | None:
    """The checkpoint at `path`, None where there is none; WarpError if it belongs to another computation."""
    if not path.exists():
        return None
    with hdf5.reading(path) as file:
        if file.attrs.get("format") != FORMAT:
            raise WarpError(f"{path} is no checkpoint of `warp run`: move it away")
        if tuple(file.attrs["schema"])[0] != SCHEMA[0] or file.attrs["mark"] != belongs_to:
            raise WarpError(
                f"{path} belongs to another case, --set, program or device; run without --resume to begin again"
            )
        return Progress(
            done=int(file.attrs["done"]),
            records=hdf5.get_json(file["records"]),
            state=State.of({name: data[()] for name, data in file["state"].items()}),
            temperature=file["temperature"][()] if "temperature" in file else None,
            residuals={
                name: file["residuals"][name][()] for name in hdf5.datasets(file, "residuals")
            },
            shapes={name: file["shapes"][name][()] for name in hdf5.datasets(file, "shapes")},
            cycle={name: file["cycle"][name][()] for name in hdf5.datasets(file, "cycle")},
        )


def tidy(*paths: Path) -> None:
    """Remove what killed runs left half written beside these files."""
    for path in paths:
        for left in _unfinished(path):
            left.unlink(missing_ok=True)


def _unfinished(path: Path) -> Iterable[Path]:
    pattern = re.compile(re.escape(f".{path.name}.") + r"(\d+)\.tmp")
    for other in path.parent.glob(f".{path.name}.*.tmp"):
        match = pattern.fullmatch(other.name)
        if match and not _alive(int(match[1])):
            yield other


def _alive(process: int) -> bool:
    if os.name != "posix":  # signal 0 would end a process there
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
