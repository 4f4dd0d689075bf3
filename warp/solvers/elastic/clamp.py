"""A body held by its faces: prescribed displacements, which leave the matrix (held)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from warp.machine.arrays import Array
from warp.solvers.elastic.balance import Balance, norm
from warp.solvers.elastic.held import NOWHERE
from warp.solvers.elastic.layout import displacement_shape
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.voxels.supports import Clamp, Support, flattening, held
from warp.voxels.voxelize import VoxelModel


def held_indices(model: VoxelModel, support: Support) -> np.ndarray:
    """Return the flat indices that a clamp holds, in the solver's layout; none for the others."""
    if not isinstance(support, Clamp):
        return NOWHERE
    nz, ny, nx = model.grid.shape
    return held(model, support, displacement_shape(nx, ny, nz))[0]


def clamped(
    model: VoxelModel, clamp: Clamp, balance: Balance, displacement: np.ndarray
) -> tuple[Array, list[float]]:
    """Solve with the faces of a clamp held, or pressed flat first.

    displacement (3, nz+1, ny+1, nx+1): the total one before. Returns the increment in the solver's
    layout and the residuals.
    """
    at, face = held(model, clamp, balance.A.shape)
    target = np.zeros(len(at))
    if clamp.flat:
        target = flattening(model, displacement, at, face)
    return prescribed(balance, at, target)


def prescribed(balance: Balance, at: np.ndarray, target: np.ndarray) -> tuple[Array, list[float]]:
    """Solve A x = f with x = target at the flat indices `at`."""
    A, device = balance.A, balance.A.device
    given, held_at = device.zeros(A.shape), device.asarray(at)
    given.reshape(-1)[held_at] = device.asarray(target)
    f = balance.less(given).f
    f.reshape(-1)[held_at] = 0.0
    B = A.holding(at)
    remaining = replace(balance, A=B, f=f, scale=max(balance.scale, norm(f, device)))
    x, residuals = remaining.solve(lambda: Cycle(B))
    x.reshape(-1)[held_at] = device.asarray(target)
    return x, residuals
