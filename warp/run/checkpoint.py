"""Keep what an interrupted process needs to continue, in one HDF5 file beside the result.

    /            attributes format = "warpage checkpoint", schema = [major, minor], fingerprint,
                 done, wall_s
    /records     the numbers of the load steps so far (JSON), as in the result's metrics
    /numbers     the metrics of the last load step (JSON)
    /solvers     iterations and seconds of each solver so far (JSON)
    /state       the arrays of `history.State`
    /temperature of the body after the last load step in K: (1, 1, 1), or the field (nz, ny, nx)
    /shapes      surfaces after the steps so far, as in the result's /steps
    /residuals   of the last load step's solves
    /bodies      names of the bodies beside that of the last load step (JSON)
    /aside/N     the arrays of the N-th one's state, and its temperature
    /cycle       what the preconditioner was made from (`cycle_cache`): the next load step begins
    with it

The file is written whole or not at all after every load step (`hdf5.creating`: temporary name,
flushed, renamed), so a run killed at any time leaves the one before or this one. Arrays come back
bit by bit. `fingerprint` identifies the computation: the case's text, what --set changed, program
and device; a run that differs in any of them does not continue.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from warp.errors import WarpError
from warp.files import whole_file
from warp.results import hdf5
from warp.solvers.elastic.history.state import State

FORMAT = "warpage checkpoint"
SUFFIX = ".checkpoint.h5"
SCHEMA = (6, 0)
GROUPS = ("residuals", "shapes", "cycle")


@dataclass(frozen=True)
class Checkpoint:
    """A process after `done` of its load steps; `temperature` and `state` are those of its body."""

    done: int
    temperature: float | np.ndarray
    state: State | None = None
    records: list[dict[str, Any]] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)
    solvers: dict[str, dict[str, Any]] = field(default_factory=dict)
    residuals: dict[str, np.ndarray] = field(default_factory=dict)
    shapes: dict[str, np.ndarray] = field(default_factory=dict)
    cycle: dict[str, np.ndarray] = field(default_factory=dict)
    """From `cycle_cache.CycleCache`: what the preconditioner was made from that the next load step
    may use.
    """
    seconds: float = 0.0
    """Wall time of the load steps so far, in every run that solved some of them."""
    aside: dict[str, tuple[State, float | np.ndarray]] = field(default_factory=dict)
    """State and temperature of the bodies that are not those of the last load step, by name."""


def beside(result: Path) -> Path:
    """Return the path of the checkpoint of a run that writes `result`."""
    return whole_file.beside(result, SUFFIX)


def fingerprint(*parts: str | bytes) -> str:
    """Return a hash of everything that a computation depends on."""
    found = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        found.update(len(data).to_bytes(8, "little") + data)
    return found.hexdigest()


def write(path: Path, checkpoint: Checkpoint, belongs_to: str) -> None:
    """Replace the checkpoint at `path` in one piece; `belongs_to`: the run's fingerprint."""
    state = {} if checkpoint.state is None else checkpoint.state.arrays()
    with hdf5.creating(path) as file:
        hdf5.put_word(file, "format", FORMAT)
        file.attrs["schema"] = np.array(SCHEMA, np.int64)
        hdf5.put_word(file, "fingerprint", belongs_to)
        file.attrs["done"] = checkpoint.done
        file.attrs["wall_s"] = checkpoint.seconds
        for name in ("records", "numbers", "solvers"):
            hdf5.put_text(file, name, json.dumps(getattr(checkpoint, name)))
        for name, array in state.items():
            hdf5.put(file, f"state/{name}", np.ascontiguousarray(array))
        hdf5.put(file, "temperature", np.array(checkpoint.temperature, ndmin=3))
        hdf5.put_text(file, "bodies", json.dumps(list(checkpoint.aside)))
        for n, (own, temperature) in enumerate(checkpoint.aside.values()):
            for name, array in own.arrays().items():
                hdf5.put(file, f"aside/{n}/{name}", np.ascontiguousarray(array))
            hdf5.put(file, f"aside/{n}/temperature", np.array(temperature, ndmin=3))
        for group in GROUPS:
            for name, array in getattr(checkpoint, group).items():
                hdf5.put(file, f"{group}/{name}", array)


def read(path: Path, belongs_to: str) -> Checkpoint | None:
    """Read the checkpoint at `path`, None if there is none.

    Raises WarpError if its fingerprint is not `belongs_to`, or the file is damaged.
    """
    if not path.exists():
        return None
    with hdf5.reading(path) as file:
        if hdf5.get_word(file, "format") not in (FORMAT, ""):
            raise WarpError(f"{path} is not a checkpoint of `warp run`: move it away")
        fits = tuple(file.attrs["schema"])[0] == SCHEMA[0]
        if not fits or hdf5.get_word(file, "fingerprint") != belongs_to:
            raise WarpError(
                f"{path} belongs to another case, --set, program or device; "
                "run without --resume to begin again"
            )
        hdf5.check_contents(file)
        groups = {
            group: {name: hdf5.checked(file[group][name]) for name in hdf5.datasets(file, group)}
            for group in GROUPS
        }
        aside = {
            name: _aside(file[f"aside/{n}"]) for n, name in enumerate(hdf5.get_json(file["bodies"]))
        }
        return Checkpoint(
            done=int(file.attrs["done"]),
            records=hdf5.get_json(file["records"]),
            numbers=hdf5.get_json(file["numbers"]),
            solvers=hdf5.get_json(file["solvers"]),
            state=State.of({name: hdf5.checked(data) for name, data in file["state"].items()}),
            seconds=float(file.attrs["wall_s"]),
            temperature=_one_or_field(hdf5.checked(file["temperature"])),
            aside=aside,
            **groups,
        )


def _aside(group: Any) -> tuple[State, float | np.ndarray]:
    """Read the state and the temperature of a body that is made apart."""
    arrays = {name: hdf5.checked(data) for name, data in group.items()}
    temperature = _one_or_field(arrays.pop("temperature"))
    return State.of(arrays), temperature


def _one_or_field(temperature: np.ndarray) -> float | np.ndarray:
    return temperature if temperature.size > 1 else float(temperature.item())
