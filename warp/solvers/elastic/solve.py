"""Linear thermo-elasticity of the free body: div sigma = 0, sigma = C (strain - thermal strain).

Unknown: displacement U in m on the faces of the voxels (u on x-faces, v on y-faces, w on z-faces). Finite differences
in energy form: normal strains at cell centres, shear strains on cell edges, so the matrix is symmetric and rigid
motions cost nothing; second order in space, no shear locking at any aspect ratio, thin soft layers exact in series. One
cell through a layer has no bending stiffness of its own: 1 - 1/N^2 of it with N cells. Free surfaces carry no traction;
at a mirror plane the normal displacement is zero; the body floats, its mean displacement and rotation are taken out. In
a step of a process faces may be held, or a table may carry it (supports, contact).
In the notation of kernels/elastic.py,

    A U = f,    A = Bn^T (V C) Bn + Bs^T K Bs,    f = Bn^T (V C thermal strain) + Bs^T K (free shear at lateral faces)

Solved by conjugate gradients in float64, preconditioned by one float32 V-cycle (elastic_level). Stiffness is taken at
the mean temperature of each medium, thermal strain at each voxel's own temperature, from the medium's stress-free one.
Virieux, Geophysics 51 (1986) 889, for the staggered grid.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from warp.device import Device
from warp.solvers import krylov
from warp.solvers.elastic import contact
from warp.solvers.elastic.free_edges import free_shear
from warp.solvers.elastic.history import state as history_state
from warp.solvers.elastic.history import step as history_step
from warp.solvers.elastic.load import free_strain, load, mean_temperature, thermal_stress
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.multigrid.reuse import Reuse
from warp.solvers.elastic.operator import Operator, moduli
from warp.solvers.elastic.rigid import remove_rigid_motion
from warp.solvers.elastic.springs import Springs
from warp.voxels.supports import Carrier, Clamp, Table, flattening, held
from warp.voxels.voxelize import VoxelModel


@dataclass(frozen=True)
class Solution:
    """Displacement (3, nz+1, ny+1, nx+1) in m; the residual of each iteration relative to the load.

    `state`: what the body remembers, where the solve was a step of a process (`before`); `resting`: on a table.
    """

    displacement: np.ndarray
    iterations: int
    residuals: list[float]
    seconds: float
    state: history_state.State | None = None
    resting: contact.Resting | None = None


def solve(
    model: VoxelModel,
    temperature: float | np.ndarray,
    device: Device,
    tolerance: float = 1e-8,
    progress: Callable[[int, float], None] | None = None,
    before: history_state.State | None = None,
    duration: float = 0.0,
    reuse: Reuse | None = None,
    support: Carrier = None,
) -> Solution:
    """Solve for the displacement at `temperature` in K (one, or (nz, ny, nx)); `progress(iteration, residual)`.

    With `before`, a step of a process (history): from the state of the step before (or State.start) on the same grid, in
    `duration` s, which only viscoelastic media notice; without it these have their instantaneous stiffness.
    `reuse` keeps the preconditioner from one step to the next on the same voxels; `support` carries the body in a step.
    Raises ConvergenceError when the relative residual does not reach `tolerance`.
    """
    if before is not None:
        return _step(
            model,
            temperature,
            device,
            tolerance,
            progress,
            before,
            duration,
            reuse or Reuse(),
            support,
        )
    start = time.perf_counter()
    A = Operator(model, device, mean_temperature(model, temperature))
    f = partial(load, model, A, temperature)
    x, residuals = krylov.solve(
        device, A.apply, f, Cycle(A), tolerance, "thermo-elasticity", progress
    )
    U = device.asarray(x[..., 1 : A.n[0] + 2])
    remove_rigid_motion(device, U, A.arguments(np.float64)[0], model.grid)
    return Solution(device.to_host(U), len(residuals) - 1, residuals, time.perf_counter() - start)


def _step(
    model: VoxelModel,
    temperature: float | np.ndarray,
    device: Device,
    tolerance: float,
    progress: Callable[[int, float], None] | None,
    before: history_state.State,
    duration: float,
    reuse: Reuse,
    support: Carrier,
) -> Solution:
    """Solve A dU = -(forces of the present stresses); residuals relative to the load or the forces of the past."""
    start = time.perf_counter()
    mean, strain = mean_temperature(model, temperature), free_strain(model, temperature)
    voxels = history_step.relaxing_voxels(
        before, model, moduli(model, mean), mean, duration, strain
    )
    A = Operator(model, device, mean, (voxels.normal, voxels.shear))
    bent = np.concatenate(
        [
            np.zeros(0),
            *(free_shear(e, model.ids, partial(strain, e.face), A.lines) for e in A.edges),
        ]
    )
    step = history_step.Step(
        before, model, A, voxels, thermal_stress(model, A.cell.T, temperature), bent
    )
    f, hindered = step.imbalance(), device.to_host(load(model, A, temperature))
    scale = max(float(np.linalg.norm(a.reshape(-1))) for a in (f, hindered, f - hindered))
    resting = None
    if isinstance(support, Clamp):
        reuse.forget()
        at, by = held(model, support, A.shape)
        target = (
            flattening(model, step.body.displacement, at, by) if support.flat else np.zeros(len(at))
        )
        x, residuals = _hold(A, f, at, target, scale, tolerance, progress)
    else:
        x, residuals = _float(
            A, f, lambda: reuse.of(A, (voxels.normal, voxels.shear)), scale, tolerance, progress
        )
        reuse.took(residuals)
    if isinstance(support, Table):
        more, ways, resting = contact.rest(
            model, A, f, x, step.body.displacement, scale, tolerance, progress
        )
        x, residuals = x + more, residuals + ways
    field = temperature if isinstance(temperature, np.ndarray) else np.full((1, 1, 1), temperature)
    state = step.after(x, strain, np.broadcast_to(field, model.ids.shape))
    U = device.xp.array(state.displacement)
    remove_rigid_motion(device, U, A.arguments(np.float64)[0], model.grid)
    return Solution(
        device.to_host(U),
        len(residuals) - 1,
        residuals,
        time.perf_counter() - start,
        state,
        resting,
    )


def _float(
    A: Operator, f: np.ndarray, cycle: Callable[[], Cycle], scale: float, tolerance: float, progress
) -> tuple:
    """Solve A x = f with nothing that holds the body; the residuals relative to `scale`."""
    ratio = float(np.linalg.norm(f.reshape(-1))) / scale if scale else 0.0
    if ratio <= tolerance:
        return np.zeros(A.shape), [ratio]
    told = None if progress is None else lambda n, r: progress(n, r * ratio)
    goal = tolerance / ratio
    found, relative = krylov.solve(
        A.device, A.apply, A.device.asarray(f), cycle(), goal, "thermo-elasticity", told
    )
    return A.device.to_host(found), [r * ratio for r in relative]


HELD = 1e10
"""Stiffness of a support in that of a voxel: what it gives way by is below the tolerance, and is then set right."""


def _hold(
    A: Operator,
    f: np.ndarray,
    at: np.ndarray,
    target: np.ndarray,
    scale: float,
    tolerance: float,
    progress,
) -> tuple:
    """The same with x = target at flat places `at`."""
    given = np.zeros(A.shape)
    given.reshape(-1)[at] = target
    f = f - contact.product(A, given)
    f.reshape(-1)[at] = 0.0
    dx, dy, dz = (np.diff(q) for q in A.lines)
    stiff = HELD * float(A.cell[:3].max() * dx.max() * dy.max() / dz.min())
    B = A.on(Springs(at, np.full(len(at), stiff)))
    scale = max(scale, float(np.linalg.norm(f.reshape(-1))))
    x, residuals = _float(B, f, lambda: Cycle(B), scale, tolerance, progress)
    x.reshape(-1)[at] = target
    return x, residuals
