"""Steady heat conduction: div(conductivity grad T) + heat = 0 on the voxel model.

Unknown: T in K at voxel centres. Finite volumes: the heat through a face is the temperature
difference over two half voxels (and an interface resistance) in series, so layers and material
jumps on faces are exact in one dimension; second order otherwise. Boundaries: `boundary`; faces
without one are adiabatic, mirror planes too. The matrix is symmetric positive definite as soon as
one film exists. In the notation of kernels/heat.py, with x = T - datum,

    A x = q + sum of films G (T_ambient - datum)
    A = conduction + films (+ c V / step in a time step)

Solved by conjugate gradients in float64, preconditioned by one float32 V-cycle (multigrid). Where
conductivity depends on temperature, the voxels of a medium are sorted into groups of nearly equal
temperature, and temperature and conductivity are updated in turn (Picard): first at the uniform
temperature at which the films balance the heat, then from the field of the round before.
Patankar, Numerical Heat Transfer and Fluid Flow (1980), ch. 4.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from warp.errors import ConvergenceError
from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers import krylov
from warp.solvers.heat.load import load, refuse_isolated
from warp.solvers.heat.multigrid.cycle import Cycle
from warp.solvers.heat.operator import (
    CONDUCTIVITY,
    CONSTANT,
    ROOM,
    Operator,
    conductivity,
    operator,
    varying,
)
from warp.solvers.krylov import DEFAULT, Control, Kept, System
from warp.voxels import boundary
from warp.voxels.boundary import Boundary, Source
from warp.voxels.voxelize import VoxelModel

ROUNDS = 30  # Picard rounds at most
REGROUP = 2
"""Rounds that sort the voxels by temperature anew; later ones only update the groups' means."""
ROUGH, ROUGH_LATER = 1e-2, 1e-3
"""Share of a round's first residual at which it may end, in the regrouping rounds and later."""
DRIFT = 0.3
"""Relative change of a conductivity from which the V-cycle is rebuilt."""


@dataclass(frozen=True)
class Solution:
    """Temperature (nz, ny, nx) in K, 0 in void; residual of each iteration relative to the load.

    `rounds`: linear solves, each with the conductivities at the temperatures of the one before;
    `iterations` are those of all rounds.
    """

    temperature: np.ndarray
    iterations: int
    residuals: list[float]
    seconds: float
    operator: Operator = field(repr=False)
    rounds: int = 1


def solve_steady(
    model: VoxelModel,
    boundaries: Iterable[Boundary],
    power: dict[str, float | np.ndarray] | Iterable[Source],
    device: Device,
    control: Control = DEFAULT,
    stretch: np.ndarray | None = None,
) -> Solution:
    """Solve for the steady temperature.

    power: sources, or W per part. stretch (nz, ny, nx): thickness of each voxel over the drawn one,
    changed by displacements (`bond_lines`). Raises WarpError when heat cannot leave,
    ConvergenceError when the tolerance is not reached.
    """
    start = time.perf_counter()
    boundaries = list(boundaries)
    q = boundary.heat_load(model, power)
    split = boundary.split_interfaces(model, boundaries)
    if stretch is not None:
        split = boundary.stretched(model, split, stretch)
    A = operator(model, boundaries, device, split=split)
    refuse_isolated(A)
    if varying(model, CONDUCTIVITY).any():
        solution = _solve_varying(A, boundaries, q, control)
    else:
        system = System.of("heat", A, load(A, q))
        x, residuals = krylov.solve(device, system, Cycle(A), control)
        solution = Solution(absolute(A, x), len(residuals) - 1, residuals, 0.0, A)
    return replace(solution, seconds=time.perf_counter() - start)


def _solve_varying(
    A: Operator, boundaries: list[Boundary], q: np.ndarray, control: Control
) -> Solution:
    """Update temperature and conductivity in turn until neither changes."""
    model, device, split = A.model, A.device, A.split
    varies = varying(model, CONDUCTIVITY)
    rows: float | np.ndarray = balance_temperature(A, q)
    x, residuals, groups, cycle, k = None, [], split, None, np.zeros(0)
    cycle_temperature = np.broadcast_to(rows, A.shape)
    iterations = 0

    def on_progress(n: int, residual: float) -> None:
        if control.progress:
            control.progress(iterations + n, residual)

    counted, kept = replace(control, progress=on_progress), Kept()
    for rounds in range(1, ROUNDS + 1):
        A = operator(model, boundaries, device, rows, split=groups, known=A.surroundings)
        cycle = cycle or Cycle(A)
        forcing = ROUGH if rounds <= REGROUP else ROUGH_LATER
        system = System.of("heat", A, load(A, q))
        x, history = krylov.solve(device, system, cycle, counted, x, forcing, kept)
        iterations += len(history) - 1
        residuals += history if rounds == 1 else history[1:]
        temperature = absolute(A, x)
        if rounds <= REGROUP:
            groups = boundary.split_by(split, temperature, varies)
        rows = boundary.row_means(model.grid, groups, temperature, ROOM)
        before, k = k, conductivity(model, groups, rows)
        settled = rounds > REGROUP and bool(np.all(np.abs(k - before) <= CONSTANT * k))
        if settled and history[-1] <= control.tolerance:
            return Solution(temperature, iterations, residuals, 0.0, A, rounds)
        cycle_rows = boundary.row_means(model.grid, groups, cycle_temperature, ROOM)
        drift = np.abs(k - conductivity(model, groups, cycle_rows))
        if np.any(drift > DRIFT * k):
            cycle, cycle_temperature = None, temperature
    raise ConvergenceError(
        "heat: conductivities and temperatures do not settle; check the temperature tables"
    )


def absolute(A: Operator, x: Array) -> np.ndarray:
    """Return x + datum on the host, 0 in void."""
    t: np.ndarray = A.device.to_host(x) + A.surroundings.datum
    t[A.model.ids == 0] = 0
    return t


def balance_temperature(A: Operator, q: np.ndarray) -> float:
    """Return the uniform temperature in K at which the films carry away the heat q."""
    around = A.surroundings
    return around.datum + float((q.sum() + around.heat.sum()) / around.conductance.sum())
