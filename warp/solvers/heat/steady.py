"""Steady heat conduction: div(conductivity grad T) + heat = 0 on the voxel model.

Unknown: T in K at voxel centres. Finite volumes: the heat through a face is the temperature difference over two half
voxels (and an interface resistance) in series, so layers and material jumps on faces are exact in one dimension;
second order otherwise. Boundaries: `boundary`; whatever is not named is adiabatic, mirror planes too. The matrix is
symmetric positive definite as soon as one film exists. In the notation of kernels/heat.py, with x = T - datum,

    A x = q + sum of films G (T_ambient - datum),    A = conduction + films (+ c V / step in a time step)

Solved by conjugate gradients in float64, preconditioned by one float32 V-cycle: levels coarser in x and y only, z lines
solved exactly, two Chebyshev steps before and after (heat_level). Where conductivity depends on temperature, the voxels
of a medium are sorted into groups of nearly equal temperature, and temperature and conductivity take turns (Picard):
from the temperature at which the films balance the heat, roughly at first, each round from the last one's field.
Patankar, Numerical Heat Transfer and Fluid Flow (1980), ch. 4.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from warp.device import Device
from warp.errors import ConvergenceError
from warp.solvers import krylov
from warp.solvers.heat.multigrid import Cycle
from warp.solvers.heat.operator import (
    _PICARD_LIMIT,
    _PICARD_TOLERANCE,
    CONDUCTIVITY,
    ROOM,
    Operator,
    _absolute,
    conductivity,
    load,
    operator,
    refuse_isolated,
    varying,
)
from warp.voxels import boundary
from warp.voxels.boundary import Boundary, Source
from warp.voxels.voxelize import VoxelModel

_REGROUP = (
    2  # rounds in which voxels are sorted by temperature anew; later only the groups' means follow
)
_ROUGH = 1e-2, 1e-3  # share of a round's first residual that is left, in those rounds and later
_DRIFT = 0.3  # share by which conductivities may differ from those that the V-cycle was made of


@dataclass(frozen=True)
class Solution:
    """Temperature (nz, ny, nx) in K, 0 in void; the residual of each iteration relative to the load."""

    temperature: np.ndarray
    iterations: int
    residuals: list[float]
    seconds: float
    operator: "Operator" = field(repr=False)
    rounds: int = 1
    """Linear solves, each with the conductivities at the temperatures of the one before; `iterations` are of all."""


def solve_steady(
    model: VoxelModel,
    boundaries: Iterable[Boundary],
    power: dict[str, float | np.ndarray] | Iterable[Source],
    device: Device,
    tolerance: float = 1e-8,
    progress: Callable[[int, float], None] | None = None,
    stretch: np.ndarray | None = None,
) -> Solution:
    """Solve for the steady temperature; `progress(iteration, residual)` is called after every iteration.

    `stretch` (nz, ny, nx): thickness of each voxel over the drawn one where displacements have changed it (`bond_lines`).
    Raises WarpError when heat cannot leave, ConvergenceError when `tolerance` is not reached.
    """
    start = time.perf_counter()
    boundaries = list(boundaries)
    q = boundary.heat_load(model, power)
    split = boundary.split_interfaces(model, boundaries)
    if stretch is not None:
        split = boundary.stretched(model, split, stretch)
    A = operator(model, boundaries, device, split=split)
    refuse_isolated(A)
    varies = varying(model, CONDUCTIVITY)
    rows: float | np.ndarray = _level(A, q) if varies.any() else ROOM
    x, residuals, groups, cycle, k = None, [], split, None, np.zeros(0)
    iterations, then = (
        0,
        np.broadcast_to(rows, A.shape),
    )  # then: the temperature that the V-cycle was made for

    def tell(n: int, residual: float) -> None:
        if progress:
            progress(iterations + n, residual)

    for rounds in range(1, _PICARD_LIMIT + 1):
        if varies.any():
            A = operator(model, boundaries, device, rows, split=groups, known=A.surroundings)
        cycle = cycle or Cycle(A)
        rough = _ROUGH[rounds > _REGROUP] if varies.any() else 0.0
        x, history = krylov.solve(
            device, A.apply, load(A, q), cycle, tolerance, "heat", tell, x, rough
        )
        iterations += len(history) - 1
        residuals += history if rounds == 1 else history[1:]
        temperature = _absolute(A, x)
        if not varies.any():
            break
        if rounds <= _REGROUP:
            groups = boundary.split_by(split, temperature, varies)
        rows = boundary.row_means(model.grid, groups, temperature, ROOM)
        before, k = k, conductivity(model, groups, rows)
        settled = rounds > _REGROUP and bool(np.all(np.abs(k - before) <= _PICARD_TOLERANCE * k))
        if settled and history[-1] <= tolerance:
            break
        if np.any(
            np.abs(
                k - conductivity(model, groups, boundary.row_means(model.grid, groups, then, ROOM))
            )
            > _DRIFT * k
        ):
            cycle, then = None, temperature
    else:
        raise ConvergenceError(
            "heat: conductivities and temperatures do not settle; check the temperature tables"
        )
    return Solution(temperature, iterations, residuals, time.perf_counter() - start, A, rounds)


def _level(A: Operator, q: np.ndarray) -> float:
    """One temperature at which the films would carry the heat away: where conductivities are taken first."""
    around = A.surroundings
    return around.datum + float((q.sum() + around.heat.sum()) / around.conductance.sum())


def face_temperature(solution: Solution, name: str) -> tuple[boundary.Faces, np.ndarray]:
    """Temperature in K of every voxel face of a named surface, covered ones included.

    The heat through the half voxel and what follows (half a neighbour, a film, nothing) fixes it; where an interface
    resistance lies on the face, it is the temperature of this part's side.
    """
    A, T = solution.operator, solution.temperature.reshape(-1)
    grid, ids = A.model.grid, A.split.ids.reshape(-1)
    at = boundary.faces(A.model, name, covered=True)
    ours = A.table[ids[at.cell], at.side] * at.width(grid)
    contact = A.split.extra[ids[at.cell], at.side] * at.width(grid)
    other, beyond = np.full(len(ours), np.inf), np.zeros(len(ours))
    neighbour = boundary.neighbours(A.model, at)
    solid = neighbour.cell >= 0
    there = boundary.Faces(neighbour.cell[solid], neighbour.side[solid])
    other[solid] = A.table[ids[there.cell], there.side] * there.width(grid)
    beyond[solid] = T[there.cell]
    for film in A.surroundings.contacts:
        hit = np.isin(at.key, film.faces.key, assume_unique=True)
        other[hit], beyond[hit] = 1 / film.coefficient, film.ambient
    share = (ours - contact) / (ours + other)
    return at, T[at.cell] + share * (beyond - T[at.cell])


def heat_flows(solution: Solution) -> dict[str, float]:
    """Heat in W that leaves the full package through each named film or fixed face."""
    T, copies = solution.temperature.reshape(-1), solution.operator.model.grid.copies
    return {
        c.name: copies * float(np.sum(c.conductance * (T[c.faces.cell] - c.ambient)))
        for c in solution.operator.surroundings.contacts
    }
