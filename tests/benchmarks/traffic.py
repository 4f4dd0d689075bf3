"""Count the bytes that one iteration of the elastic solve moves: level by level, kernel by kernel.

    python tests/benchmarks/traffic.py [VOXELS ...]

Records the launches of one iteration (V-cycle and conjugate gradients) of the lidded flip chip on
the CPU, whose arguments are those of the GPU, and adds up the arrays that each launch must read and
write: every number once, neighbours from cache. Grids above MOST voxels are not solved: a level's
kernels move the bytes for each of its indices that they move on the recorded level of the same kind
(finest, z lines, cell columns, fewer steps or more), and launch as often. Bytes are those of
the cheapest order of memory; rows that a level stores once and reads for many lines (`row`) count
once. Sparse rows of free edges and ghosts count by their entries.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from warp.case import case
from warp.machine import device as devices
from warp.machine.declarations import signatures
from warp.machine.device import LARGE
from warp.run import model as run_model
from warp.solvers.elastic import load as elastic_load
from warp.solvers.elastic import operator as elastic_operator
from warp.solvers.elastic.multigrid.cycle import Cycle, Planned, planned
from warp.solvers.iteration import Iteration
from warp.solvers.krylov import System
from warp.verify import bench
from warp.voxels.grid import make_grid

MOST = 12_000_000
"""Voxels of the largest grid that is built."""
Values = dict[str, Any]


class Recorder(devices.Device):
    """The CPU that notes every launch while `seen` is a list."""

    def __init__(self) -> None:
        super().__init__("cpu", 1)
        object.__setattr__(self, "seen", None)

    def launch(self, module: str, function: str, extent: Any, *args: Any, **more: Any) -> None:
        """Note the launch, and run it."""
        if self.seen is not None:
            names = (p.name for p in signatures(module)[function] if not p.length_of)
            self.seen.append((module, function, dict(zip(names, args, strict=True))))
        super().launch(module, function, extent, *args, **more)


def times(module: str, function: str, values: Values) -> dict[str, float]:
    """Return how often a launch moves each of its arrays whole: 1 read or written, 2 both."""
    found: dict[str, float] = {
        p.name: 1.0 if p.const else 2.0 for p in signatures(module)[function] if p.pointer
    }
    first = values.get("a") == 0 and values.get("old") == 0
    if function in ("media_apply", "elastic_apply"):
        found["out"] = 1.0 if values["c"] == 0 else 2.0
    elif function in ("elastic_lines_step", "columns_step", "heat_lines", "level_lines"):
        keep = values["keep"]
        found["x"] = 0.0 if keep < 0 else 1.0 if keep == 0 else 2.0
        found["p"] = 1.0 if first else 2.0
    elif function in WRITTEN:
        found[WRITTEN[function]] = 1.0
    elif function == "step_lanes":
        found["partial"] = 1.0
    elif function == "mask":
        found["x"] = 0.0  # written at the few indices without an unknown
    return found


WRITTEN = {
    "columns_solve": "Y",
    "prolong": "p",
    "restrict": "out",
    "narrow": "y",
    "scale": "y",
    "dot_lanes": "partial",
    "dot_narrow_lanes": "partial",
    "fold_last": "s",
}
"""Arrays that are written and not read."""


def moved(module: str, function: str, values: Values) -> dict[str, float]:
    """Return the bytes that a launch must move, by how they grow: `volume`, `rows` or `edges`.

    `rows`: those of tables that store repeated rows once.
    """
    if function == "sparse_rows":
        size = values["x"].itemsize
        tables = sum(values[name].nbytes for name in ("rows", "start", "column", "value"))
        return {"edges": tables + size * (2 * values["rows"].size + values["column"].size)}
    if function == "slender_turn":
        faces = int(np.sum(values["cells"].astype(np.int64) + 1))
        tables = values["first"].nbytes + values["cells"].nbytes
        vectors = 3 if values["with_x"] else 2  # r, p and x, read and written
        return {"edges": tables + 2 * vectors * 4 * faces}
    if function in ("fold", "fold_last"):
        return {"edges": 8 * values["count"]}
    if function in ("dense_rows", "dense_fold"):
        vector = values["r" if function == "dense_rows" else "x"]
        tables = values["partial"].nbytes + values["at"].nbytes
        tables += values["matrix"].nbytes if function == "dense_rows" else 0
        return {"volume": tables + vector.itemsize * values["at"].size}
    found = {"volume": 0.0, "rows": 0.0}
    for name, passes in times(module, function, values).items():
        repeated = name in STORED_ONCE and ("row" in values or "stored" in values)
        size = LANES * values["groups"] if name == "partial" else values[name].nbytes
        found["rows" if repeated else "volume"] += passes * size
    return found


LANES = 256 * 8  # bytes of the partial sums of a group
STORED_ONCE = "C", "K", "inverse", "lower", "active"


def level_of(values: Values, sizes: list[int]) -> int:
    """Return the level of a launch: the finest whose vectors it reads or writes; -1 for none."""
    found = [
        sizes.index(a.size)
        for a in values.values()
        if isinstance(a, np.ndarray) and a.size in sizes and a.size > 1
    ]
    return min(found, default=-1)


@dataclass
class Count:
    """Bytes of one iteration by level, kernel and how they grow; launches by level and kernel."""

    voxels: int
    levels: list[Planned]
    moved: dict[tuple[int, str, str], float] = field(default_factory=lambda: defaultdict(float))
    launches: dict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int))

    def total(self, level: int | None = None) -> float:
        """Return the bytes of a level, or of all."""
        return sum(n for (own, *_), n in self.moved.items() if level in (None, own))

    def scaled(self, voxels: int) -> Count:
        """Return the count of a grid of about `voxels`, from that of this one."""
        x, y, z, mirror = lines(voxels)
        cells = (len(x) - 1) * (len(y) - 1) * (len(z) - 1)
        return self.scaled_to(cells, planned((x, y, z), mirror))

    def scaled_to(self, voxels: int, levels: list[Planned]) -> Count:
        """Return the count of a grid with other levels.

        A level moves for each index what the level of the same kind moves here, and launches as
        often. Sparse rows, of free edges and ghosts, grow with the root of the size; so do tables
        that store repeated rows once, if these are as many on both grids.
        """
        found = Count(voxels, levels)
        for where, amount in self.moved.items():
            if where[0] < 0:  # of scalars
                found.moved[where] = amount
                found.launches[where[:2]] = self.launches[where[:2]]
        for level, own in enumerate(levels):
            like = self._like(level, own, len(levels))
            ratio = own.indices / self.levels[like].indices
            for (at, kernel, growth), amount in self.moved.items():
                if at == like:
                    power = 1.0 if growth == "volume" else 0.5
                    found.moved[level, kernel, growth] = amount * ratio**power
                    found.launches[level, kernel] = self.launches[at, kernel]
        return found

    def _like(self, level: int, own: Planned, count: int) -> int:
        """Return the level here that is of a kind with a level of another grid."""
        last = len(self.levels) - 1
        if level in (0, count - 1):
            return 0 if level == 0 else last
        same = [n for n in range(1, last) if self.levels[n].kind == own.kind]
        if not same:
            same = [n for n in range(1, last) if self.levels[n].columns == own.columns]
        return min(same, key=lambda n: (n != level, n))


def lines(voxels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[bool, bool]]:
    """Return the grid lines of the flip chip at about `voxels` voxels, and its mirror planes."""
    settings = bench.spaced(voxels) | {"grid.max_cells": str(10 * voxels)}
    loaded = case.load(bench.package(), settings)
    grid = make_grid(loaded.bodies(), loaded.grid, loaded.mirror)
    return grid.x, grid.y, grid.z, grid.mirror


def recorded(voxels: int) -> Count:
    """Count one iteration of the flip chip as it is launched."""
    device = Recorder()
    loaded = case.load(bench.package(), bench.spaced(voxels))
    model = run_model.build(loaded, device)
    mean = elastic_load.mean_temperature(model, loaded.loads.temperature)
    A = elastic_operator.operator(model, device, elastic_operator.moduli(model, mean))
    return counted(device, A)


def counted(device: Recorder, A: Any) -> Count:
    """Count one iteration for an operator on a recording device."""
    cycle = Cycle(A)
    real = np.float32 if cycle.fine.x.size > LARGE else np.float64
    iteration = Iteration(device, System("elastic", A.apply, device.zeros(A.shape)), cycle, real)
    object.__setattr__(device, "seen", [])
    iteration.run()
    seen = device.seen
    object.__setattr__(device, "seen", None)
    count = Count(int(np.prod(A.n)), planned(A.lines, A.mirror))
    vectors = [level.x.size for level in cycle.levels]
    for module, function, values in seen:
        level, name = level_of(values, vectors), function
        if function == "media_apply" and module == "elastic" and not values["c"]:
            name = OPERATOR
        for growth, amount in moved(module, function, values).items():
            count.moved[level, name, growth] += amount
        count.launches[level, name] += 1
    return count


def rows(count: Count) -> list[dict[str, Any]]:
    """Return a row for each kernel of the finest level, and one for each coarser level."""
    kernels: dict[str, float] = defaultdict(float)
    for (level, kernel, _), amount in count.moved.items():
        kernels[kernel] += amount if level == 0 else 0
    found = []
    for kernel, amount in sorted(kernels.items(), key=lambda item: -item[1]):
        if launches := count.launches[0, kernel]:
            found.append({"level": 0, "kernel": kernel, "launches": launches, "bytes": amount})
    for level in range(1, len(count.levels)):
        launches = sum(n for (own, _), n in count.launches.items() if own == level)
        row = {"level": level, "kernel": "all", "launches": launches, "bytes": count.total(level)}
        found.append(row)
    return found


OPERATOR = "media_apply, A p"
OUTSIDE = (OPERATOR, "dot_lanes", "dot_narrow_lanes", "direction", "step_lanes", "fold",
           "fold_last", "ratio")  # fmt: skip
"""Kernels of conjugate gradients beside the V-cycle."""


CARDS = {"H200": 4.8e12, "A100": 2.04e12}
"""Bytes a second: NVIDIA, H200 Tensor Core GPU, and A100 80GB (SXM), data sheets."""
TRIAD, REACHED, LAUNCH = 0.90, 0.75, 2e-6
"""Assumed: part of this bandwidth in a triad, part of the triad in a kernel, s of a launch."""


def seconds(count: Count, card: str) -> float:
    """Predict the time of an iteration on a card."""
    moved = count.total() / (CARDS[card] * TRIAD * REACHED)
    return moved + LAUNCH * sum(count.launches.values())


def document(count: Count) -> dict[str, Any]:
    """Return the count of a grid as JSON, in bytes a voxel."""
    cycle = sum(n for (_, kernel, _), n in count.moved.items() if kernel not in OUTSIDE)
    finest = count.levels[0].indices
    return {
        "voxels": count.voxels,
        "indices": [level.indices / finest for level in count.levels],
        "launches": sum(count.launches.values()),
        "bytes_of_iteration": count.total() / count.voxels,
        "bytes_of_cycle": cycle / count.voxels,
        "seconds": {card: seconds(count, card) for card in CARDS},
        "rows": [row | {"bytes": row["bytes"] / count.voxels} for row in rows(count)],
    }


SIZES = [10**6, 10**7, 10**8, 33 * 10**7, 12 * 10**8]


def main() -> None:
    """Count the grids that the command names."""
    sizes = [int(float(word)) for word in sys.argv[1:]] or SIZES
    known = {n: recorded(n) for n in sizes if n <= MOST} or {MOST: recorded(MOST)}
    largest = known[max(known)]
    found = [known[n] if n in known else largest.scaled(n) for n in sizes]
    print(json.dumps([document(count) for count in found], indent=1))


if __name__ == "__main__":
    main()
