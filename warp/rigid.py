"""Rigid motions of a voxel body: those that mirror planes allow, taken out of a displacement, or given to one on a table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from warp.elastic_coefficients import activity
from warp.voxelize import VoxelModel


def remove_rigid_motion(U: np.ndarray, model: VoxelModel) -> None:
    """Take the least-squares translation and rotation out of U (3, nz+1, ny+1, nx+1), those that mirror planes allow.

    The weight of a displacement is the solid volume beside its face.
    """
    grid = model.grid
    nz, ny, nx = grid.shape
    lines = [
        q - (q[0] if mirrored else q.mean())
        for q, mirrored in zip((grid.x, grid.y, grid.z), (*grid.mirror, False), strict=True)
    ]
    volume = np.where(model.ids > 0, grid.dz[:, None, None] * grid.area, 0.0)
    modes = motions(grid.mirror)
    gram, moment = np.zeros((len(modes),) * 2), np.zeros(len(modes))
    components = []
    for a, u in enumerate((U[0, :nz, :ny], U[1, :nz, :, :nx], U[2, :, :ny, :nx])):
        x, y, z = (q if b == a else (q[1:] + q[:-1]) / 2 for b, q in enumerate(lines))
        place = x[None, None, :], y[None, :, None], z[:, None, None]
        fields = [np.broadcast_to(np.asarray(mode(*place)[a], float), u.shape) for mode in modes]
        ends = [(1, 1) if axis == 2 - a else (0, 0) for axis in range(3)]
        beside = np.pad(volume, ends)
        weight = beside.take(range(u.shape[2 - a]), 2 - a) + beside.take(range(1, u.shape[2 - a] + 1), 2 - a)
        for p, field in enumerate(fields):
            moment[p] += np.vdot(field * weight, u)
            gram[p] += [np.vdot(field * weight, other) for other in fields]
        components.append((u, fields, weight > 0))
    unseen = np.diag(gram) <= 1e-24 * gram.max()  # the rotation about a single column of cells moves no face of it
    gram[unseen], gram[:, unseen], moment[unseen] = 0.0, 0.0, 0.0
    gram[unseen, unseen] = 1.0
    amount = np.linalg.solve(gram, moment)
    for u, fields, exists in components:
        for c, field in zip(amount, fields, strict=True):
            u -= c * field
        u *= exists
    U[0, ..., 0] *= not grid.mirror[0]
    U[1, :, 0] *= not grid.mirror[1]


def motions(mirror: tuple[bool, bool]) -> list[Callable]:
    """Rigid motions (u, v, w)(x, y, z) that respect the mirror planes."""
    found: list[Callable] = [lambda x, y, z: (0, 0, 1)]
    if not mirror[0]:
        found += [lambda x, y, z: (1, 0, 0), lambda x, y, z: (z, 0, -x)]
    if not mirror[1]:
        found += [lambda x, y, z: (0, 1, 0), lambda x, y, z: (0, z, -y)]
    if not any(mirror):
        found.append(lambda x, y, z: (-y, x, 0))
    return found


def rising_motions(model: VoxelModel) -> np.ndarray:
    """Rigid motions (n, 3, nz+1, ny+1, nx+3) that raise or tilt the body, the raising by 1 first."""
    grid = model.grid
    exists = activity(model.ids > 0, grid.mirror)
    nz, ny, nx = grid.shape
    lines = [
        q - (q[0] if mirrored else q.mean())
        for q, mirrored in zip((grid.x, grid.y, grid.z), (*grid.mirror, False), strict=True)
    ]
    chosen = [mode for mode in motions(grid.mirror) if mode(1.0, 1.0, 1.0)[2] != 0]
    out = np.zeros((len(chosen), *exists.shape))
    for a, here in enumerate((np.s_[:nz, :ny, 1 : nx + 2], np.s_[:nz, :, 1 : nx + 1], np.s_[:, :ny, 1 : nx + 1])):
        x, y, z = (q if b == a else (q[1:] + q[:-1]) / 2 for b, q in enumerate(lines))
        for field, mode in zip(out, chosen, strict=True):
            field[a][here] = mode(x[None, None, :], y[None, :, None], z[:, None, None])[a]
    return out * exists
