"""Rigid motions of a voxel body: those that mirror planes allow, taken out of a displacement, or given to one on a table."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from warp.device import Device
from warp.solvers.elastic.layout import displacement_shape
from warp.voxels.grid import Grid
from warp.voxels.voxelize import VoxelModel


def remove_rigid_motion(device: Device, U: Any, ids: Any, grid: Grid) -> None:
    """Take the least-squares translation and rotation out of U (3, nz+1, ny+1, nx+1), those that mirror planes allow.

    The weight of a displacement is the solid volume beside its face; ids (nz+2, ny+2, nx+3): 0 in void, both on `device`.
    A component of a rigid motion is linear in x, y and z: moments of first and second order are all that is asked of U.
    """
    nz, ny, nx = grid.shape
    x, y, z = places = [_places(grid, axis) for axis in range(3)]
    there = [device.asarray(a) for a in places]
    widths = [device.asarray(np.r_[1.0, d, 1.0, 1.0]) for d in (grid.dx, grid.dy, grid.dz)]
    sums = device.empty((3, nz + 1, ny + 1, 5))
    device.launch(
        "elastic_load",
        "motion_sums",
        (ny + 1, nz + 1, 3),
        sums,
        U,
        ids,
        *widths,
        there[0],
        nx,
        ny,
        nz,
    )
    w, wx, wxx, wu, wxu = np.moveaxis(device.to_host(sums), -1, 0)
    y, z = y[:, None, :], z[:, :, None]
    second = [w, wx, w * y, w * z, wxx, wx * y, wx * z, w * y * y, w * y * z, w * z * z]
    gram = np.zeros((3, 4, 4))
    for (p, q), moment in zip(combinations_with_replacement(range(4), 2), second, strict=True):
        gram[:, p, q] = gram[:, q, p] = moment.sum(axis=(1, 2))
    moments = np.stack([a.sum(axis=(1, 2)) for a in (wu, wxu, wu * y, wu * z)], axis=1)
    modes = np.array([linear(mode) for mode in motions(grid.mirror)])
    matrix = np.einsum("map,apq,naq->mn", modes, gram, modes)
    unseen = (
        np.diag(matrix) <= 1e-24 * matrix.max()
    )  # the rotation about a single column of cells moves no face of it
    matrix[unseen], matrix[:, unseen] = 0.0, 0.0
    matrix[unseen, unseen] = 1.0
    amount = np.linalg.solve(matrix, np.where(unseen, 0.0, np.einsum("map,ap->m", modes, moments)))
    motion = device.asarray(np.tensordot(amount, modes, axes=1))
    args = (U, motion, ids, *widths, *there, *map(int, grid.mirror), nx, ny, nz)
    device.launch("elastic_load", "take_motion", (nx + 1, ny + 1, nz + 1), *args)


def _places(grid: Grid, axis: int) -> np.ndarray:
    """Coordinate (3, n + 1) along an axis of u, v and w, from the mirror plane or the mean of the lines."""
    q = (grid.x, grid.y, grid.z)[axis]
    q = q - (q[0] if (*grid.mirror, False)[axis] else q.mean())
    centres = np.append((q[1:] + q[:-1]) / 2, 0.0)
    return np.stack([q if a == axis else centres for a in range(3)])


def linear(motion: Callable) -> np.ndarray:
    """Coefficients (3, 4) of 1, x, y, z in the components of a rigid motion."""
    values = np.array([motion(*at) for at in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))], float).T
    return np.concatenate([values[:, :1], values[:, 1:] - values[:, :1]], axis=1)


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
    for a, here in enumerate(
        (np.s_[:nz, :ny, 1 : nx + 2], np.s_[:nz, :, 1 : nx + 1], np.s_[:, :ny, 1 : nx + 1])
    ):
        x, y, z = (q if b == a else (q[1:] + q[:-1]) / 2 for b, q in enumerate(lines))
        for field, mode in zip(out, chosen, strict=True):
            field[a][here] = mode(x[None, None, :], y[None, :, None], z[:, None, None])[a]
    return out * exists


def activity(solid: np.ndarray, mirror: tuple[bool, bool]) -> np.ndarray:
    """Which displacements exist: their face touches a solid cell and is not held by a mirror plane."""
    nz, ny, nx = solid.shape
    on = np.zeros(displacement_shape(nx, ny, nz), bool)
    for shift in (0, 1):
        on[0, :nz, :ny, 1 + shift : nx + 1 + shift] |= solid
        on[1, :nz, shift : ny + shift, 1 : nx + 1] |= solid
        on[2, shift : nz + shift, :ny, 1 : nx + 1] |= solid
    on[0, ..., 1] &= not mirror[0]
    on[1, :, 0] &= not mirror[1]
    return on
