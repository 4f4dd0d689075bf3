"""Faces of parts by name, on the voxel model.

A face is named "part.top", "part.bottom", "part.x-", "part.x+", "part.y-", "part.y+", or
"package.top" and so on; ".sides" are the four lateral ones, ".all" all six. A name means the
outermost voxels of the part on that side, line by line, where they border on void or on the end of
the grid; a mirror plane is not a face.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from warp.errors import WarpError

if TYPE_CHECKING:
    from warp.voxels.grid import Grid
    from warp.voxels.voxelize import VoxelModel

SIDES = ("x-", "x+", "y-", "y+", "bottom", "top")
GROUPS = {
    **{side: (s,) for s, side in enumerate(SIDES)},
    "sides": (0, 1, 2, 3),
    "all": (0, 1, 2, 3, 4, 5),
}
FACE_SIDES = tuple(GROUPS)
"""Every word for the sides of a part."""


@dataclass(frozen=True)
class Faces:
    """Voxel faces: flat voxel index and the side (index into SIDES) of each."""

    cell: np.ndarray
    side: np.ndarray

    @property
    def key(self) -> np.ndarray:
        """Return one number per face."""
        return self.cell * 6 + self.side

    def area(self, grid: Grid) -> np.ndarray:
        """Return the face areas in m2."""
        k, j, i = np.unravel_index(self.cell, grid.shape)
        dx, dy, dz = grid.dx[i], grid.dy[j], grid.dz[k]
        return np.choose(self.side // 2, (dy * dz, dx * dz, dx * dy))

    def width(self, grid: Grid) -> np.ndarray:
        """Return the voxel widths across the face in m."""
        k, j, i = np.unravel_index(self.cell, grid.shape)
        return np.choose(self.side // 2, (grid.dx[i], grid.dy[j], grid.dz[k]))


def faces(model: VoxelModel, name: str, covered: bool = False) -> Faces:
    """Find the exposed voxel faces that `name` means; `covered` adds those that touch a solid."""
    part, _, where = name.rpartition(".")
    if where not in GROUPS or not part:
        raise WarpError(f"face '{name}': say PART.SIDE with side one of {', '.join(GROUPS)}")
    belongs = rows(model, part)[model.ids]
    cells, sides = [], []
    for side in GROUPS[where]:
        cell = _outermost(belongs, model, side, covered)
        cells.append(cell)
        sides.append(np.full(len(cell), side))
    found = Faces(np.concatenate(cells), np.concatenate(sides))
    mirror = model.grid.mirror
    halved = any(
        mirror[side // 2] for side in GROUPS[where] if side in (0, 2)
    )  # that face may be in the other half, as all faces of a part that is there
    if not len(found.cell) and not halved and not (any(mirror) and not belongs.any()):
        raise WarpError(
            f"face '{name}' is covered everywhere: nothing of it borders on the outside"
        )
    return found


def rows(model: VoxelModel, part: str) -> np.ndarray:
    """Mark the media rows that belong to the part ("package": all solid ones)."""
    if part == "package":
        return np.asarray(model.media.part) >= 0
    return np.asarray(model.media.part) == _part(model, part)


def _part(model: VoxelModel, part: str) -> int:
    if part not in model.parts:
        raise WarpError(f"no part '{part}'; there are {', '.join(model.parts)}")
    return list(model.parts).index(part)


def _outermost(belongs: np.ndarray, model: VoxelModel, side: int, covered: bool) -> np.ndarray:
    """Find the last voxels towards `side` on every grid line, if their outer neighbour is void."""
    axis = 2 - side // 2  # array axis
    up = side % 2
    n = belongs.shape[axis]
    along = np.flip(belongs, axis) if up else belongs
    first = along.argmax(axis)
    hit = along.any(axis)
    index = n - 1 - first if up else first
    neighbour = index + (1 if up else -1)
    at_end = (neighbour < 0) | (neighbour >= n)
    beyond = np.take_along_axis(
        model.ids, np.expand_dims(np.clip(neighbour, 0, n - 1), axis), axis
    ).squeeze(axis)
    hit &= at_end | (beyond == 0) | covered
    if not up and side < 4 and model.grid.mirror[side // 2]:
        hit &= ~at_end
    at = list(np.nonzero(hit))
    at.insert(axis, index[hit])
    return np.ravel_multi_index(at, belongs.shape)


def neighbours(model: VoxelModel, at: Faces) -> Faces:
    """Return the same faces from the other side; cell = -1 for void or the end of the grid."""
    index = np.array(np.unravel_index(at.cell, model.ids.shape))
    axis, step = 2 - at.side // 2, 2 * (at.side % 2) - 1
    index[axis, np.arange(len(axis))] += step
    size = np.array(model.ids.shape)[:, None]
    inside = np.all((index >= 0) & (index < size), axis=0)
    cell = np.ravel_multi_index(np.clip(index, 0, size - 1), model.ids.shape)
    solid = inside & (model.ids.reshape(-1)[cell] > 0)
    return Faces(np.where(solid, cell, -1), at.side ^ 1)
