"""Compile all kernels that runs call, and what a small package still finds missing."""

import math

import numpy as np

from warp.geometry.shapes import Balls, Body, Box, Columns, Prism
from warp.machine import compiling
from warp.machine.device import Device
from warp.materials import library as materials
from warp.results import metrics
from warp.run.kernels import Progress, compile_groups
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic import stress as elastic_stress
from warp.solvers.elastic.history.state import State
from warp.solvers.heat import solve as heat
from warp.solvers.heat import transient
from warp.solvers.heat.transient import Schedule, Stepping
from warp.voxels import voxelize
from warp.voxels.boundary import Boundary, Film, Interface, Source
from warp.voxels.grid import Grid

MM = 1e-3


def silent(step: str, iteration: int, residual: float) -> None:
    """Report no progress."""


def warmup(device: Device, progress: Progress = silent) -> None:
    """Compile the kernels that any run may need on `device`."""
    compile_groups(compiling.GROUPS, device, progress)
    device.compile_all()
    progress("a small package", 0, math.nan)
    solve_small(device)


def solve_small(device: Device) -> None:
    """Solve a small package in every way: steady, in time, with and without a history."""
    corners = np.array([[2, 2], [8, 2], [8, 6], [2, 6]]) * MM
    joints = np.array([[3, 3], [7, 3], [3, 5], [7, 5]]) * MM
    bodies = [
        Body("substrate", "fr4", (Box(0, 10 * MM, 0, 8 * MM, 0, 1 * MM),)),
        Body("underfill", "silver", (Prism(corners, 1 * MM, 1.2 * MM),)),
        Body("bumps", "copper", (Columns(joints, 0.9 * MM, 1 * MM, 1.2 * MM),)),
        Body("pads", "copper", (Columns(joints, 0.9 * MM, 0.8 * MM, 1 * MM, square=True),)),
        Body("chip", "silicon", (Prism(corners, 1.2 * MM, 2 * MM),)),
        Body("balls", "copper", (Balls(joints, 0.9 * MM, -0.6 * MM, 0),)),
    ]
    z = np.array([-0.6, -0.3, 0, 0.4, 0.8, 1, 1.2, 1.6, 2]) * MM
    grid = Grid(np.linspace(0, 10 * MM, 27), np.linspace(0, 8 * MM, 25), z, (False, False))
    known = materials.library()
    model = voxelize.voxelize(
        bodies, {b.material: known[b.material] for b in bodies if b.material}, grid, 450.0
    )
    voxelize.floating(model)
    voxelize.gaps(model)
    boundaries: list[Boundary] = [Film("chip.top", 1000, 300), Interface("chip", "underfill", 1e-6)]
    warm = heat.solve_steady(model, boundaries, [Source("chip", 1.0)], device)
    transient.solve(
        model,
        boundaries,
        [Source("chip", 1.0)],
        device,
        Schedule(300.0, 1.0),
        Stepping(fixed_step=1.0),
    )
    for temperature in (300.0, warm.temperature):
        solution = elastic.solve(model, temperature, device, State.start(grid.shape))
        stress = elastic_stress.stress(model, temperature, solution.state, device)
        metrics.evaluate(model, warm.temperature, solution.displacement, stress)
