"""Linear thermo-elasticity of the free body: div sigma = 0, sigma = C (strain - thermal strain).

Unknown: displacement U in m on the faces of the voxels (u on x-faces, v on y-faces, w on z-faces).
Finite differences in energy form: normal strains at cell centres, shear strains on cell edges, so
the matrix is symmetric and rigid motions cost no energy; second order in space, no shear locking at
any aspect ratio, the exact series compliance of thin soft layers. N cells through a layer have the
fraction 1 - 1/N^2 of its bending stiffness, so one cell has none. Free surfaces carry no traction;
at a mirror plane the normal displacement is zero; the body is unsupported, and its mean
displacement and rotation are removed. Optionally faces are clamped (`clamp`, `held`), or the body
lies on a table (`contact`). Each call computes one step from `state`: stress and viscoelastic
strains of earlier steps, or none (State.start). With Bn, Bs the normal and the shear strain of
displacements, V volumes, C and K the stiffness of cells and of edges (kernels/elastic.py),

    A dU = imbalance of the present forces,    A = Bn^T (V C) Bn + Bs^T K Bs

and from an unstressed state the right-hand side is the thermal load (`load`),

    f = Bn^T (V C thermal strain) + Bs^T K (free shear at lateral faces, `free_edges`)

Solved by conjugate gradients in float64, preconditioned by one float32
V-cycle (multigrid). Stiffness is taken at the mean temperature of each medium, thermal strain at
each voxel's own temperature, relative to the medium's stress-free temperature.
Virieux, Geophysics 51 (1986) 889, for the staggered grid.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers.elastic import contact
from warp.solvers.elastic.balance import Balance, norm, with_room
from warp.solvers.elastic.clamp import clamped, held_indices
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.history.step import Step
from warp.solvers.elastic.layout import temperature_array
from warp.solvers.elastic.load import load
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.multigrid.cycle_cache import CycleCache
from warp.solvers.elastic.operator import Operator
from warp.solvers.elastic.rigid import remove_rigid_motion
from warp.solvers.krylov import DEFAULT, Control
from warp.voxels.supports import Clamp, Support, Table
from warp.voxels.voxelize import VoxelModel

ROOM = 4
"""Displacements that fit beside one that stays on a GPU: stress (two), forces of edges, numbers."""


@dataclass(frozen=True)
class Solution:
    """Displacement (3, nz+1, ny+1, nx+1) in m without rigid motion, and the state after the step.

    moved: the displacement, on the device if it has room for stress beside it, else on the host.
    Rigid motion is that of the body, or of what a clamp holds, which is then at rest.
    `residuals`: of each iteration, relative to `scale_of`; `resting`: contact with a table, if any.
    """

    moved: Array
    iterations: int
    residuals: list[float]
    seconds: float
    state: State
    resting: contact.TableContact | None = None

    @cached_property
    def displacement(self) -> np.ndarray:
        """The displacement on the host; copied there when first read."""
        found: np.ndarray = self.moved if isinstance(self.moved, np.ndarray) else self.moved.get()
        return found


def solve(
    model: VoxelModel,
    temperature: float | np.ndarray,
    device: Device,
    state: State,
    control: Control = DEFAULT,
    *,
    duration: float = 0.0,
    support: Support = None,
    cycle_cache: CycleCache | None = None,
    start: float | np.ndarray | None = None,
) -> Solution:
    """Solve for the displacement after a step from `state` to `temperature`.

    temperature: K at the end of the step, one or (nz, ny, nx). state: before the step, on the same
    grid; State.start(shape) for a first step. duration: s, in which viscoelastic media relax; with
    0 they have their instantaneous stiffness. support: clamp or table during the step; None: free.
    cycle_cache: cache of the preconditioner, replaced when the stiffness has drifted. start: K
    before the step, one or (nz, ny, nx); by default each medium's stress-free temperature; only
    media of the incremental law depend on it (history.incremental). Raises
    ConvergenceError when the relative residual does not reach the tolerance.
    """
    began = time.perf_counter()
    temperature = temperature_array(temperature)
    first = None if start is None else temperature_array(start)
    held = held_indices(model, support)
    frame = None if cycle_cache is None else cycle_cache.frame_of(model, device)
    step = Step(model, temperature, device, state, duration, held, first, frame)
    A, forces = step.A, step.imbalance()
    scale = scale_of(model, A, temperature, forces)
    balance = Balance(A, with_room(A, forces), scale, control)
    del forces
    resting = None
    if isinstance(support, Clamp):
        if cycle_cache is not None:
            cycle_cache.forget()  # a cycle of the free body does not hold these faces
        x, residuals = clamped(model, support, balance, step.displacement)
    elif cycle_cache is None:
        x, residuals = balance.solve(lambda: Cycle(A))
    else:
        x, residuals = balance.solve(partial(cycle_cache.cycle_for, A), cycle_cache.kept)
        cycle_cache.record(residuals)
    if isinstance(support, Table):
        correction, more, resting = contact.rest(model, balance, x, step.displacement)
        x = x + device.asarray(correction)
        residuals = residuals + more
    del balance  # frees its memory before the state is built
    after = step.after(x)
    del x
    U = after.on(device, "displacement").copy()
    remove_rigid_motion(device, U, A.body.ids, model.grid, held)
    if device.cuda and ROOM * U.nbytes > device.memory()[0]:
        U = device.to_host(U)
    seconds = time.perf_counter() - began
    return Solution(U, len(residuals) - 1, residuals, seconds, after, resting)


def scale_of(model: VoxelModel, A: Operator, temperature: np.ndarray, forces: Array) -> float:
    """Return the largest of the forces to balance, the thermal load and earlier steps' forces.

    In N. Residuals are relative to it, so that a step without change needs no iteration.
    """
    thermal = load(model, A, temperature)
    return max(norm(f, A.device) for f in (forces, thermal, forces - thermal))
