"""A body held by its faces: prescribed displacements, first by stiff springs and then exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from warp.solvers.elastic.balance import Balance, norm
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.springs import Springs
from warp.voxels.supports import Clamp, flattening, held
from warp.voxels.voxelize import VoxelModel

STIFF = 1e10
"""Penalty stiffness of a held face, as a multiple of the stiffest voxel.

The residual motion is below the tolerance and is then replaced by the exact value.
"""


def clamped(
    model: VoxelModel, clamp: Clamp, balance: Balance, displacement: np.ndarray
) -> tuple[np.ndarray, list[float]]:
    """Solve with the faces of a clamp held, or pressed flat first.

    displacement (3, nz+1, ny+1, nx+1): the total one before. Returns the increment in the solver's
    layout and the residuals.
    """
    at, face = held(model, clamp, balance.A.shape)
    target = np.zeros(len(at))
    if clamp.flat:
        target = flattening(model, displacement, at, face)
    return prescribed(balance, at, target)


def prescribed(
    balance: Balance, at: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, list[float]]:
    """Solve A x = f with x = target at the flat places `at`."""
    A = balance.A
    given = np.zeros(A.shape)
    given.reshape(-1)[at] = target
    f = balance.less(given).f
    f.reshape(-1)[at] = 0.0
    dx, dy, dz = (np.diff(q) for q in A.lines)
    stiffness = STIFF * float(A.body.cell[:3].max() * dx.max() * dy.max() / dz.min())
    B = A.on(Springs(at, np.full(len(at), stiffness)))
    on_springs = replace(balance, A=B, f=f, scale=max(balance.scale, norm(f)))
    x, residuals = on_springs.solve(lambda: Cycle(B))
    x.reshape(-1)[at] = target
    return x, residuals
