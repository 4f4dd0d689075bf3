"""Measure this machine: kernels against its true memory bandwidth, and whole solves.

    effective bandwidth = least traffic / time
    least traffic = every vector that must be read or written, once

Nothing counts twice: neighbours come from cache, coefficients from tables. For the elastic operator
that is 3 numbers a voxel read, 3 written and a 2-byte id: 50 bytes in float64, 26 in float32. A
V-cycle is counted by what its passes over the finest level must move, as if coarser levels were
free. The measure is this machine's own triad: two reads and a write, p += z or r = b - q,
whichever is faster. Every time is the best of several. Bytes a voxel: what the process (on a GPU:
its memory pool) holds at most in a solve beyond what it held before the voxels were made.
"""

from __future__ import annotations

import contextlib
import math
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from warp.errors import WarpError
from warp.machine.device import Device

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.voxels.voxelize import VoxelModel

Step = Callable[[str, int, float], None]
Prepared = tuple[Any, Any, Any]
"""Operator, load and cycle of a solver."""
Timed = tuple[str, float, float]
"""Name of a kernel, its seconds, the least bytes a voxel that it moves."""
PACKAGE = "fcbga-lid.toml"
TOLERANCE = 1e-8
EDGE = 10  # spacing at part edges is a tenth of the widest, as in the default grid
ID = 2  # bytes
GUESS, FEWEST, MOST = 220, 100_000, 10**10  # bytes of a voxel to begin with; bounds on voxels
# Passes over the finest level, in vectors of the level, with (reads + writes):
STEP = 5  # x, p read and written, r read
SUBTRACT = 3  # p read, r read and written
# Smoothing before (x is zero, the first step has no p to read), restriction, prolongation,
# smoothing after:
CYCLE = (3 + SUBTRACT) + 1 + (3 + SUBTRACT) + 4
CYCLE_AGAIN = 2 * (SUBTRACT + STEP)  # each further step before and after
PASSES = 4  # of these those that look up ids, for each step: two residuals, two steps


def run(device: Device, voxels: int | None = None, step: Step | None = None) -> dict[str, Any]:
    """Measure `device` with the lidded flip chip, refined or coarsened in plane.

    voxels: approximate number; None: the grid of the case.
    """
    from warp import __version__
    from warp.case import case
    from warp.run import model as run_model
    from warp.run import warmup
    from warp.verify import parity

    tell = step or (lambda *_: None)
    tell("compiling", 0, math.nan)
    warmup.warmup(device)
    tell("grid and voxels", 0, math.nan)
    loaded = case.load(package(), {} if voxels is None else spaced(voxels))
    before = watch_memory(device)
    model = run_model.build(loaded, device)
    kernels, solves = [], []
    for name, measure in (("elastic", elastic), ("heat", heat)):
        found, rows = measure(loaded, model, device, tell, before)
        solves.append({"name": name, **found})
        kernels += rows
    tell("parity with the CPU", 0, math.nan)
    compared = parity.of_package(package(), spaced(parity.SMALL), device)
    tell("bandwidth", 0, math.nan)
    bandwidth = {name: measured / 1e9 for name, measured in stream(device).items()}
    nx, ny, nz = model.grid.shape[::-1]
    return {
        "program": __version__,
        "date": time.strftime("%Y-%m-%d"),
        "machine": {
            "device": device.describe(),
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
            "load_average": load_average(),
        },
        "package": {"case": PACKAGE, "grid": [nx, ny, nz], "voxels": model.grid.cells},
        "bandwidth_GB_per_s": bandwidth,
        "memory": room(device),
        "parity": compared,
        "kernels": [rated(row, model.grid.cells, bandwidth["triad"]) for row in kernels],
        "solves": solves,
    }


def room(device: Device) -> dict[str, float]:
    """Return the memory in GB, and about how many voxels of the package fit into what is free."""
    from warp.case import case
    from warp.run.grids import common_grid
    from warp.run.resources import predicted_bytes

    free, total = device.memory()
    voxels, needed = free / GUESS, 0.0
    for _ in range(2):
        settings = spaced(int(np.clip(voxels, FEWEST, MOST))) | {"grid.max_cells": str(2 * MOST)}
        loaded = case.load(package(), settings)
        grid = common_grid(loaded)
        needed = predicted_bytes(grid, loaded, double=device.always_double) / grid.cells
        voxels = free / needed
    return {"total_GB": total / 1e9, "free_GB": free / 1e9, "voxels": voxels, "bytes": needed}


def spaced(voxels: int, path: Path | None = None) -> dict[str, str]:
    """Find overrides for about `voxels`: the in-plane spacing by bisection, layers as they are."""
    from warp.case import case
    from warp.voxels.grid import make_grid

    loaded = case.load(path or package(), {})
    bodies = loaded.bodies()
    bounds = np.array([body.bounds for body in bodies])
    widest = float(np.ptp(bounds[:, :2]))

    def lengths(exponent: float) -> dict[str, float]:
        spacing = widest * 2.0**-exponent
        return {"spacing": spacing, "edge_spacing": spacing / EDGE}

    def cells(exponent: float) -> int:
        settings: Any = {**lengths(exponent), "max_cells": 10**12}
        return make_grid(bodies, replace(loaded.grid, **settings), loaded.mirror).cells

    low, high = 1.0, 16.0
    if not cells(low) <= voxels <= cells(high):
        raise WarpError(
            f"{voxels} voxels asked for; {cells(low):,} to {cells(high):.2g} are possible"
        )
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if cells(middle) <= voxels else (low, middle)
    return {f"grid.{name}": f"{1e3 * value:.8g} mm" for name, value in lengths(low).items()}


def package() -> Path:
    """Return the path of the case file."""
    from importlib import resources

    return Path(str(resources.files("warp.data") / "packages" / PACKAGE))


def watch_memory(device: Device) -> int:
    """Begin to watch for the most bytes held; return those held now."""
    if device.cuda:
        pool = device.xp.get_default_memory_pool()
        pool.free_all_blocks()
        return int(pool.used_bytes())
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak starts anew
    return held("VmRSS") or most_held(device)


def most_held(device: Device) -> int:
    """Most bytes held since `watch_memory`; on a GPU the pool, which keeps what it once took."""
    if device.cuda:
        return int(device.xp.get_default_memory_pool().total_bytes())
    from warp.run.resources import peak_memory

    return held("VmHWM") or peak_memory()


def held(entry: str) -> int:
    """Bytes from the kernel's account of this process, 0 where there is none."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(entry)), 0)


def best(device: Device, body: Callable[[], Any], most: float = 1.0) -> float:
    """Best time of `body` in s: some runs, no longer than `most` s together after the first."""
    with device.graph() as recorded:
        body()
    recorded.launch()
    first = device.seconds(recorded.launch)
    count = max(1, min(20, int(most / max(first, 1e-6))))
    repeat = max(1, int(2e-3 / max(first, 1e-7)))
    return min(first, *(device.seconds(recorded.launch, repeat) for _ in range(count)))


def stream(device: Device, fraction: float = 0.05) -> dict[str, float]:
    """Bytes per s of a copy and of the triad, on vectors beyond every cache."""
    from warp.kernels.reduce import pieces

    free, _ = device.memory()
    n = int(min(2**27, max(2**22, fraction * free / 8))) // 256 * 256
    n = n if device.cuda else min(n, 2**25)
    groups, chunk = pieces(n)
    p, z, q = (device.zeros(n) for _ in range(3))
    partial = device.zeros(groups * 256)

    def timed(function: str, extent: int, *args: Any) -> float:
        return best(device, lambda: device.launch("reduce", function, (extent, 1, 1), *args))

    copy = timed("copy", n, p, z, n)
    update = timed("add", n, p, z, n)
    difference = timed("residual_lanes", 256 * groups, p, partial, z, q, n, chunk, groups)
    return {"copy": 16 * n / copy, "triad": 24 * n / min(update, difference)}


def rated(row: tuple[str, float, float], voxels: int, triad: float) -> dict[str, Any]:
    """Write a kernel's (name, s, least bytes per voxel) as a line of the table."""
    name, seconds, least = row
    rate = least * voxels / seconds / 1e9
    return {
        "name": name,
        "seconds": seconds,
        "ns_per_voxel": seconds / voxels * 1e9,
        "least_bytes_per_voxel": least,
        "GB_per_s": rate,
        "share_of_triad": rate / triad,
    }


def load_average() -> float | None:
    """Return the processes that wanted the CPU in the last minute.

    A number far from that of the threads says that others worked too.
    """
    import os

    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def elastic(
    case: Case, model: VoxelModel, device: Device, tell: Step, before: int
) -> tuple[dict[str, Any], list[Timed]]:
    """Whole solve of the displacement, then its kernels."""
    from warp.solvers.elastic import load as elastic_load
    from warp.solvers.elastic import operator as elastic_operator
    from warp.solvers.elastic.multigrid.cycle import Cycle

    T = case.loads.temperature
    assert T is not None  # the package is evaluated at one temperature

    def prepare() -> Prepared:
        A = elastic_operator.operator(
            model, device, elastic_operator.moduli(model, elastic_load.mean_temperature(model, T))
        )
        return A, elastic_load.load(model, A, T), Cycle(A)

    return whole("elastic", 3, prepare, model, device, tell, before)


def heat(
    case: Case, model: VoxelModel, device: Device, tell: Step, before: int
) -> tuple[dict[str, Any], list[Timed]]:
    """Whole solve of the temperature (conductivities at one temperature), then its kernels."""
    from warp.solvers.heat.load import load
    from warp.solvers.heat.multigrid.cycle import Cycle
    from warp.solvers.heat.operator import operator
    from warp.voxels import boundary

    def prepare() -> Prepared:
        A = operator(model, case.boundaries, device)
        return A, load(A, boundary.heat_load(model, case.sources)), Cycle(A)

    return whole("heat", 1, prepare, model, device, tell, watch_memory(device))


def whole(
    name: str,
    fields: int,
    prepare: Callable[[], Prepared],
    model: VoxelModel,
    device: Device,
    tell: Step,
    before: int,
) -> tuple[dict[str, Any], list[Timed]]:
    """Time the making of operator, load and cycle, the solve, and then each kernel."""
    from warp.solvers import krylov
    from warp.solvers.krylov import Control, System

    start = time.perf_counter()
    A, b, cycle = prepare()
    b = device.asarray(b)
    device.synchronize()
    middle = time.perf_counter()
    control = Control(TOLERANCE, lambda n, r: tell(name, n, r))
    x, residuals = krylov.solve(device, System(name, A.apply, b), cycle, control)
    device.synchronize()
    found = solved(
        model,
        fields,
        residuals,
        middle - start,
        time.perf_counter() - middle,
        most_held(device) - before,
    )
    del b
    tell(f"{name} kernels", 0, math.nan)
    rows = list(operators(device, A, x, fields)) + list(smoothers(device, cycle, fields))
    return found, [(f"{name} {kernel}", seconds, least) for kernel, seconds, least in rows]


def solved(
    model: VoxelModel, fields: int, residuals: list[float], setup: float, seconds: float, held: int
) -> dict[str, Any]:
    """Write what a solve took."""
    unknowns, iterations = fields * model.grid.cells, len(residuals) - 1
    return {
        "iterations": iterations,
        "residual": residuals[-1],
        "setup_s": setup,
        "solve_s": seconds,
        "unknowns": unknowns,
        "us_per_unknown": seconds / unknowns * 1e6,
        "ns_per_voxel_and_iteration": seconds / model.grid.cells / iterations * 1e9,
        "bytes_per_voxel": held / model.grid.cells,
    }


def operators(device: Device, A: Any, x: Any, fields: int) -> Iterator[tuple[str, float, float]]:
    """Time the operator in both precisions."""
    for real, name in ((np.float64, "float64"), (np.float32, "float32")):
        given = x.astype(real)
        out = device.zeros(given.shape, real)
        seconds = best(device, partial(A.apply, out, given, 0.0, 1.0))
        yield f"operator {name}", seconds, 2 * fields * np.dtype(real).itemsize + ID


def smoothers(device: Device, cycle: Any, fields: int) -> Iterator[tuple[str, float, float]]:
    """Time smoothing on the finest and the first coarser level, and the V-cycle, in float32."""
    vector = fields * 4
    for n, level in enumerate(cycle.smoothed[:2]):
        step = partial(level.smoother.step, level)
        fraction = np.prod(level.shape[-2:]) / np.prod(cycle.levels[0].shape[-2:])
        seconds = best(device, partial(step, 1.0, 0.0, 0.1, 0.1))
        yield (
            f"smoothing step, level {n}",
            seconds,
            (STEP * vector + ID * (n == 0)) * float(fraction),
        )
    steps = cycle.smoothed[0].steps
    yield (
        "V-cycle",
        best(device, partial(cycle.run, lambda residual: None)),  # which stays as it is
        (CYCLE + (steps - 1) * CYCLE_AGAIN) * vector + steps * PASSES * ID,
    )
