"""Rigid motions of a voxel body that respect its mirror planes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers.elastic.held import NOWHERE
from warp.solvers.elastic.layout import PAD, displacement_shape, padded_widths
from warp.voxels.grid import Grid
from warp.voxels.voxelize import VoxelModel

Motion = Callable[[Any, Any, Any], tuple[Any, Any, Any]]
"""Displacement (u, v, w) at (x, y, z), numbers or arrays."""


def remove_rigid_motion(
    device: Device, U: Array, ids: Array, grid: Grid, held: np.ndarray = NOWHERE
) -> None:
    """Subtract the least-squares rigid motion from U (3, nz+1, ny+1, nx+1) in place.

    Only translations and rotations that mirror planes allow. The weight of a displacement is the
    solid volume beside its face; ids (nz+2, ny+2, nx+3): 0 in void, both on `device`. A component
    of a rigid motion is linear in x, y and z, so sums of first and second order over U suffice.
    With `held`, flat indices in the solver's layout, the motion of these displacements is removed,
    and of the body's only what moves none of them: what is held stays at rest.
    """
    nz, ny, nx = grid.shape
    x, y, z = coordinates = [_coordinates(grid, axis) for axis in range(3)]
    tables = device.together(*coordinates, *padded_widths(grid)[:3])
    on_device, widths = tables[:3], tables[3:]
    sums = device.empty((3, nz + 1, ny + 1, 5))
    args = sums, U, ids, *widths, on_device[0], nx, ny, nz
    device.launch("elastic_load", "motion_sums", (ny + 1, nz + 1, 3), *args)
    w, wx, wxx, wu, wxu = np.moveaxis(device.to_host(sums), -1, 0)
    y, z = y[:, None, :], z[:, :, None]
    second = [w, wx, w * y, w * z, wxx, wx * y, wx * z, w * y * y, w * y * z, w * z * z]
    gram = np.zeros((3, 4, 4))
    for (p, q), term in zip(combinations_with_replacement(range(4), 2), second, strict=True):
        gram[:, p, q] = gram[:, q, p] = term.sum(axis=(1, 2))
    right = np.stack([a.sum(axis=(1, 2)) for a in (wu, wxu, wu * y, wu * z)], axis=1)
    modes = np.array([linear(mode) for mode in motions(grid.mirror)])
    matrix = np.einsum("map,apq,naq->mn", modes, gram, modes)
    # the rotation about a single column of cells moves none of its faces
    unseen = np.diag(matrix) <= 1e-24 * matrix.max()
    matrix[unseen], matrix[:, unseen] = 0.0, 0.0
    matrix[unseen, unseen] = 1.0
    moment = np.where(unseen, 0.0, np.einsum("map,ap->m", modes, right))
    if len(held):
        scale = np.sqrt(np.diag(matrix))
        amount, free = _motion_of(held, device.to_host(U), modes, coordinates, scale)
        rest = free.T @ (moment - matrix @ amount)
        amount += free @ np.linalg.solve(free.T @ matrix @ free, rest)
    else:
        amount = np.linalg.solve(matrix, moment)
    motion = device.asarray(np.tensordot(amount, modes, axes=1))
    args = U, motion, ids, *widths, *on_device, *map(int, grid.mirror), nx, ny, nz
    device.launch("elastic_load", "take_motion", (nx + 1, ny + 1, nz + 1), *args)


def _motion_of(
    held: np.ndarray,
    U: np.ndarray,
    modes: np.ndarray,
    coordinates: list[np.ndarray],
    scale: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Fit the modes to U at held indices; return their amounts, and what moves no held index.

    The second is a basis (modes, n). scale: size of each mode, which makes them comparable.
    """
    component, k, j, i = np.unravel_index(held, (*U.shape[:3], U.shape[3] + PAD - 1))
    i = i - 1
    position = [c[component, index] for c, index in zip(coordinates, (i, j, k), strict=True)]
    at = np.stack([np.ones(len(held)), *position])
    moved = np.einsum("map,pn->nma", modes, at)[np.arange(len(held)), :, component] / scale
    left, size, right = np.linalg.svd(moved, full_matrices=False)
    known = size > 1e-6 * size.max(initial=0.0)
    found = U[component, k, j, i]
    amount = right[known].T @ ((left.T @ found)[known] / size[known]) / scale
    free = np.linalg.svd(right[known], full_matrices=True)[2][known.sum() :].T / scale[:, None]
    return amount, free


def _coordinates(grid: Grid, axis: int) -> np.ndarray:
    """Return the coordinate (3, n + 1) along an axis of u, v and w.

    From the mirror plane or the mean of the lines.
    """
    q = (grid.x, grid.y, grid.z)[axis]
    q = q - (q[0] if (*grid.mirror, False)[axis] else q.mean())
    centres = np.append((q[1:] + q[:-1]) / 2, 0.0)
    return np.stack([q if a == axis else centres for a in range(3)])


def linear(motion: Motion) -> np.ndarray:
    """Return the coefficients (3, 4) of 1, x, y, z in the components of a rigid motion."""
    values = np.array([motion(*at) for at in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))], float).T
    return np.concatenate([values[:, :1], values[:, 1:] - values[:, :1]], axis=1)


def motions(mirror: tuple[bool, bool]) -> list[Motion]:
    """Return the rigid motions that respect the mirror planes."""
    found: list[Motion] = [lambda x, y, z: (0, 0, 1)]
    if not mirror[0]:
        found += [lambda x, y, z: (1, 0, 0), lambda x, y, z: (z, 0, -x)]
    if not mirror[1]:
        found += [lambda x, y, z: (0, 1, 0), lambda x, y, z: (0, z, -y)]
    if not any(mirror):
        found.append(lambda x, y, z: (-y, x, 0))
    return found


def rising_motions(model: VoxelModel) -> np.ndarray:
    """Return the rigid motions (n, 3, nz+1, ny+1, nx+3) that raise or tilt a body.

    The first one raises it by 1.
    """
    grid = model.grid
    exists = activity(model.ids > 0, grid.mirror)
    nz, ny, nx = grid.shape
    lines = [
        q - (q[0] if mirrored else q.mean())
        for q, mirrored in zip((grid.x, grid.y, grid.z), (*grid.mirror, False), strict=True)
    ]
    chosen = [mode for mode in motions(grid.mirror) if mode(1.0, 1.0, 1.0)[2] != 0]
    out = np.zeros((len(chosen), *exists.shape))
    faces = np.s_[:nz, :ny, 1 : nx + 2], np.s_[:nz, :, 1 : nx + 1], np.s_[:, :ny, 1 : nx + 1]
    for a, here in enumerate(faces):
        x, y, z = (q if b == a else (q[1:] + q[:-1]) / 2 for b, q in enumerate(lines))
        for field, mode in zip(out, chosen, strict=True):
            field[a][here] = mode(x[None, None, :], y[None, :, None], z[:, None, None])[a]
    out *= exists
    return out


def activity(solid: np.ndarray, mirror: tuple[bool, bool]) -> np.ndarray:
    """Mark the displacements that exist, in the solver's layout.

    Their face touches a solid cell and is not held by a mirror plane.
    """
    nz, ny, nx = solid.shape
    on = np.zeros(displacement_shape(nx, ny, nz), bool)
    for shift in (0, 1):
        on[0, :nz, :ny, 1 + shift : nx + 1 + shift] |= solid
        on[1, :nz, shift : ny + shift, 1 : nx + 1] |= solid
        on[2, shift : nz + shift, :ny, 1 : nx + 1] |= solid
    on[0, ..., 1] &= not mirror[0]
    on[1, :, 0] &= not mirror[1]
    return on
