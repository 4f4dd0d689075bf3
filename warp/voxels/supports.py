"""Supports of the body in a step: none, held faces, or a flat table.

    clamped    the increments of displacement of faces are zero from then on; sliding: only those
               normal to the faces
    flat       the faces are also pressed into the plane that fits them best, before they are held
    table      one-sided contact without friction, under the body's own weight (`contact`)

Faces are named as those of boundaries. Displacements along a face lie half a voxel deep (staggered
grid): the outermost voxels are held. When the support ends, its forces end, and the body springs
back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from warp.voxels.faces import faces

if TYPE_CHECKING:
    from warp.voxels.voxelize import VoxelModel


@dataclass(frozen=True)
class Clamp:
    """Faces PART.SIDE that are held."""

    faces: tuple[str, ...]
    sliding: bool = False
    flat: bool = False


@dataclass(frozen=True)
class Table:
    """A rigid plane under the lowest voxels."""


Support = Clamp | Table | None


def held(model: VoxelModel, clamp: Clamp, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the flat indices of held displacements in solver arrays of `shape`, and their faces.

    A face is its number, -1 for displacements along it. Each index occurs once; one that is normal
    to a face counts as such. Displacements that mirror planes hold are left out.
    """
    indices, owner = [], []
    for number, name in enumerate(clamp.faces):
        found = faces(model, name, covered=True)
        k, j, i = np.unravel_index(found.cell, model.ids.shape)
        for a in range(3):
            step = [np.zeros(len(k), int)] * 3
            normal = found.side // 2 == a
            for high in (0, 1):
                step[a] = np.full(len(k), high)
                use = normal & (found.side % 2 == high)
                if not clamp.sliding:
                    use |= ~normal
                at = np.stack([np.full(len(k), a), k + step[2], j + step[1], i + step[0] + 1])[
                    :, use
                ]
                indices.append(np.ravel_multi_index(tuple(at), shape))
                owner.append(np.where(normal[use], number, -1))
    at, by = np.concatenate(indices), np.concatenate(owner)
    order = np.lexsort((-by, at))
    at, by = at[order], by[order]
    first = np.r_[True, at[1:] != at[:-1]][: len(at)]
    at, by = at[first], by[first]
    a, _, j, i = np.unravel_index(at, shape)
    mirrored = (a == 0) & (i == 1) & model.grid.mirror[0] | (a == 1) & (j == 0) & model.grid.mirror[
        1
    ]
    return at[~mirrored], by[~mirrored]


@dataclass(frozen=True, eq=False)
class HeldPlane:
    """Displacements along one axis that a face holds, and the planes over them.

    use: which of the held displacements; index: theirs in a displacement (3, nz+1, ny+1, nx+1);
    cells: their cells along x, y and z. basis (points, 1 to 3): one, and positions in m along the
    axes `along`, whose mean is zero.
    """

    use: np.ndarray
    index: tuple[np.ndarray, ...]
    cells: list[np.ndarray]
    along: list[int]
    basis: np.ndarray


def held_planes(model: VoxelModel, at: np.ndarray, by: np.ndarray) -> list[HeldPlane]:
    """Return the planes over the held displacements of every face; at, by: as `held` returns."""
    grid, found = model.grid, []
    nz, ny, nx = grid.shape
    a, k, j, i = np.unravel_index(at, (3, nz + 1, ny + 1, nx + 3))
    i = i - 1
    centres = grid.xc, grid.yc, grid.zc
    for number in range(by.max(initial=-1) + 1):
        for axis in range(3):
            use = (by == number) & (a == axis)
            if not use.any():
                continue
            index = np.full(use.sum(), axis), k[use], j[use], i[use]
            cells = [
                np.minimum(n[use], len(c) - 1) for n, c in zip((i, j, k), centres, strict=True)
            ]
            along = [b for b in range(3) if b != axis and not (b < 2 and grid.mirror[b])]
            positions = [centres[b][cells[b]] for b in along]
            basis = np.stack([np.ones(use.sum()), *(p - p.mean() for p in positions)], axis=1)
            found.append(HeldPlane(use, index, cells, along, basis))
    return found


def flattening(model: VoxelModel, U: np.ndarray, at: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Return the displacement that brings held faces into planes; zero along the faces.

    U (3, nz+1, ny+1, nx+1) is the displacement so far.
    """
    out = np.zeros(len(at))
    for plane in held_planes(model, at, by):
        moved = U[plane.index]
        out[plane.use] = plane.basis @ np.linalg.lstsq(plane.basis, moved, rcond=None)[0] - moved
    return out
