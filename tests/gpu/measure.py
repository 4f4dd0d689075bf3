"""Measure where the time goes, and run small solves under a memory checker or a counter of hardware
events.

    python tests/gpu/measure.py VERB [VOXELS]

    shares VOXELS       each kernel of a V-cycle, the V-cycle as one graph, the set-up
    profile VOXELS      a whole run by Python's profiler
    hot VOXELS          the most expensive kernels once, between profiler marks (ncu)
    tiny                small solves that touch every kind of kernel (compute-sanitizer)

The device is GPU_DAY_DEVICE (default cuda; cpu runs anywhere). Prints one JSON object a line.
"""

import cProfile
import os
import pstats
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from parity import package, tell

import warp
from warp.case import case
from warp.kernels.reduce import pieces
from warp.machine.device import Device, select
from warp.run.model import build
from warp.solvers import krylov
from warp.solvers.elastic.load import load, mean_temperature
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.operator import moduli, operator
from warp.solvers.krylov import DEFAULT, System
from warp.verify import bench

TINY = {
    "flip-chip": {"grid.refine": "0.3"},
    "bumps-resolved": {"grid.refine": "0.25"},
    "wafer": {"grid.refine": "0.2"},
}


def device() -> Device:
    """Select the device that GPU_DAY_DEVICE names."""
    return select(os.environ.get("GPU_DAY_DEVICE", "cuda"))


@dataclass
class Prepared:
    """The bench's package, ready to solve, and the seconds of each stage of the set-up."""

    device: Device
    model: Any
    operator: Any
    load: Any
    cycle: Cycle
    seconds: dict[str, float]


def prepared(voxels: str) -> Prepared:
    """Load, voxelize and set up the bench's package at about `voxels` voxels."""
    here, seconds = device(), {}

    def timed(name: str, body: Callable[[], Any]) -> Any:
        here.synchronize()
        start = time.perf_counter()
        found = body()
        here.synchronize()
        seconds[name] = round(time.perf_counter() - start, 3)
        return found

    spacing = bench.spaced(int(float(voxels)))
    loaded = timed("case", lambda: case.load(bench.package(), spacing))
    model = timed("grid and voxels", lambda: build(loaded, here))
    T = loaded.loads.temperature
    mean = mean_temperature(model, T)
    A = timed("operator", lambda: operator(model, here, moduli(model, mean)))
    b = timed("load", lambda: load(model, A, T))
    return Prepared(here, model, A, b, timed("cycle", lambda: Cycle(A)), seconds)


def shares(voxels: str) -> None:
    """Time each recorded kernel of a V-cycle alone, the V-cycle as one graph, and the operator."""
    ready = prepared(voxels)
    here, cells, triad = ready.device, ready.model.grid.cells, bench.stream(ready.device)
    rates = {name: value / 1e9 for name, value in triad.items()}
    tell(shares="setup", voxels=cells, seconds=ready.seconds, GB_per_s=rates)
    start = time.perf_counter()
    system = System("elastic", ready.operator.apply, ready.load)
    _, history = krylov.solve(here, system, ready.cycle, DEFAULT)
    here.synchronize()
    took = round(time.perf_counter() - start, 3)
    tell(shares="solve", iterations=len(history) - 1, seconds=took, residual=history[-1])
    cycle_shares(ready)
    operator_rates(ready, triad["triad"])


def cycle_shares(ready: Prepared) -> None:
    """Print the V-cycle's time as one graph, and each of its kernels' share of the sum."""
    here, cells = ready.device, ready.model.grid.cells
    with here.graph() as whole:
        ready.cycle.run(lambda out: None)
    as_graph = min(here.seconds(whole.launch, 3) for _ in range(3))
    per_voxel = 1e9 * as_graph / cells
    nodes = len(whole.calls)
    tell(shares="V-cycle as a graph", ms=1e3 * as_graph, nodes=nodes, ns_per_voxel=per_voxel)
    rows: dict[tuple, list] = {}
    for n, call in enumerate(whole.calls):
        seconds = min(here.seconds(call, 2) for _ in range(2))
        row = rows.setdefault(identity(call), [0, 0.0, n])
        row[0] += 1
        row[1] += seconds
    total = sum(seconds for _, seconds, _ in rows.values())
    for (name, grid, block), (count, seconds, first) in largest(rows):
        share, ms = round(seconds / total, 4), round(1e3 * seconds, 4)
        tell(kernel=name, grid=grid, block=block, calls=count, ms=ms, share=share, first=first)
    tell(shares="kernels one by one", ms=1e3 * total, over_graph=total / as_graph)
    levels = [
        {"shape": level.shape, "smoother": type(level.smoother).__name__}
        for level in ready.cycle.smoothed
    ]
    tell(shares="levels", levels=[*levels, {"shape": ready.cycle.coarsest.shape}])


def largest(rows: dict[tuple, list], most: int = 25) -> list[tuple[tuple, list]]:
    """Return the rows with the most seconds, in descending order."""
    return sorted(rows.items(), key=lambda item: -item[1][1])[:most]


def identity(call: Any) -> tuple[str, tuple, tuple]:
    """Return (kernel, grid, block) of a recorded call; on the CPU grid and block are zeros."""
    name = getattr(call.func, "name", None) or getattr(call.func, "__name__", "?")
    if len(call.args) > 2 and isinstance(call.args[0], tuple):
        return name, call.args[0], call.args[1]
    return name, (0, 0, 0), (0, 0, 0)


def operator_rates(ready: Prepared, triad: float) -> None:
    """Print the operator's seconds and its least traffic as a share of the triad's bandwidth
    (B/s).
    """
    here, A, cells = ready.device, ready.operator, ready.model.grid.cells
    for real in (np.float64, np.float32):
        x, out = here.zeros(A.shape, real), here.zeros(A.shape, real)
        x += 1
        for keep in (0.0, 1.0):
            with here.graph() as one:
                A.apply(out, x, keep, -1.0 if keep else 1.0)
            seconds = min(here.seconds(one.launch, 3) for _ in range(3))
            arrays = 3 if keep else 2  # x in, out written, and read first where it is kept
            bytes_per_voxel = arrays * 3 * np.dtype(real).itemsize + 2  # and the voxel's id
            share = bytes_per_voxel * cells / seconds / triad
            tell(operator=np.dtype(real).name, keep=keep, ms=1e3 * seconds, of_triad=share)


def profile(voxels: str) -> None:
    """Print the seconds between the solvers' first iterations, and Python's profile of a whole
    run.
    """
    loaded = case.load(bench.package(), bench.spaced(int(float(voxels))))
    stages: list[tuple[str, float]] = []
    begun = ("start", time.perf_counter())

    def on_iteration(name: str, iteration: int, residual: float) -> None:
        nonlocal begun
        if iteration == 0:
            now = time.perf_counter()
            stages.append((begun[0], round(now - begun[1], 2)))
            begun = (name, now)

    profiler = cProfile.Profile()
    profiler.enable()
    result = warp.solve(loaded, device(), on_iteration)
    profiler.disable()
    stages.append((begun[0], round(time.perf_counter() - begun[1], 2)))
    tell(profile=voxels, stages=stages, wall_s=result.provenance["wall_s"])
    pstats.Stats(profiler).sort_stats("tottime").print_stats(22)
    pstats.Stats(profiler).sort_stats("cumulative").print_stats(30)


def tiny() -> None:
    """Run small solves of every kind of smoother, heat and stress; on a GPU each array is an
    allocation of its own.
    """
    here = device()
    if here.cuda:
        here.xp.cuda.set_allocator(None)
    for name, overrides in TINY.items():
        result = warp.solve(case.load(package(name), overrides), here)
        tell(tiny=name, voxels=result.grid.cells)


def hot(voxels: str) -> None:
    """Run the most expensive kernels once to compile them, and once between profilerStart and
    profilerStop.
    """
    ready = prepared(voxels)
    here = ready.device
    hottest_kernels(ready)
    here.synchronize()
    marks = here.xp.cuda.profiler if here.cuda else None
    if marks:
        marks.start()
    hottest_kernels(ready)
    here.synchronize()
    if marks:
        marks.stop()
    tell(hot=voxels, unknowns=ready.load.size)


def hottest_kernels(ready: Prepared) -> None:
    """Run operator, smoothing on two levels, transfer, and two reductions."""
    here, A, cycle = ready.device, ready.operator, ready.cycle
    (fine, coarse), transfer = cycle.smoothed[:2], cycle.transfers[0]
    x = ready.load.copy()
    out = here.zeros(A.shape)
    A.body.apply(out, x, 0.0, 1.0)
    narrow_x, narrow_out = (here.zeros(A.shape, np.float32) for _ in range(2))
    A.body.apply(narrow_out, narrow_x, 1.0, -1.0)
    fine.smoother.step(fine, 1.0, 0.0, 0.1, 0.1)
    coarse.smoother.step(coarse, 1.0, 0.0, 0.1, 0.1)
    coarse.subtract()
    transfer.restrict(fine, coarse)
    transfer.prolong(coarse, fine)
    x, out = x.reshape(-1), out.reshape(-1)
    groups, chunk = pieces(x.size)
    threads, sizes = (256 * groups, 1, 1), (x.size, chunk, groups)
    partial, scalars = here.zeros(groups * 256), here.zeros(8)
    here.launch("reduce", "dot_lanes", threads, partial, x, out, *sizes)
    here.launch("reduce", "step_lanes", threads, x, out, partial, x, out, scalars, 0, *sizes)


if __name__ == "__main__":
    {f.__name__: f for f in (shares, profile, tiny, hot)}[sys.argv[1]](*sys.argv[2:])
