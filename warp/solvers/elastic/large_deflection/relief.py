"""Let a body that has been let go stretch in the plane first, before it bends.

A carrier that is taken off a panel, or a clamp that has pressed a plate flat, leaves it under a
tension or compression in the plane that buckles a thin plate many times over, and that is gone as
soon as its edges move. Linear theory finds both at once, the stretch and a bending that is far too
large. Less the bending of its mid-surface about the neutral plane,

    u = u_linear + (z - z_n) w,x,   v = v_linear + (z - z_n) w,y,   w = w_linear - mean over z

it leaves moments only, which grow from there as any other load.
"""

from __future__ import annotations

import numpy as np

from warp.machine.arrays import Array
from warp.solvers.elastic.large_deflection.law import Law
from warp.solvers.elastic.large_deflection.plate import moments
from warp.solvers.elastic.large_deflection.plate_modes import PlateModes
from warp.voxels.voxelize import VoxelModel


def stretched(model: VoxelModel, law: Law, modes: PlateModes, linear: np.ndarray) -> Array:
    """Return an increment by linear theory (solver's layout) without its bending."""
    x: Array = law.device.asarray(linear) * modes.exists
    ny, nx = modes.solid.shape
    w = modes.column_means(x).reshape(-1)
    put, column = law.device.asarray, np.s_[:, None, None]
    sums = moments(model, law, modes.middle)
    whole, first, _ = (float(sum(a.sum() for a in one[:2])) for one in sums)
    neutral = first / whole
    nz = len(model.grid.zc)
    u, v = x[0, :nz, :ny, 1 : nx + 2], x[1, :nz, :, 1 : nx + 1]
    height = x[2, :, :ny, 1 : nx + 1]
    height -= put(w.reshape(ny, nx))
    for axis, to in enumerate((u, v)):
        slope = modes.tilt[axis] @ w
        to -= (modes.lever + neutral)[column] * put(slope.reshape(to.shape[1:]))
        bent = put((modes.stretch[axis] @ slope).reshape(ny, nx))
        thinner = modes.levers[2 + axis] + neutral * modes.levers[axis]
        height -= thinner[column] * bent
    x *= modes.exists
    return x
