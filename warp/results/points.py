"""Displacement at the corners of voxels, for viewers that deform a body.

A component of U is stored on faces: at the grid lines of its own axis, at the centres of cells
along the two others. Along each of these it is interpolated linearly between solid cells and
extrapolated linearly to a free surface, so that a linear field is exact in every corner of a body
that is at least two cells wide. Void takes no part. Beyond a mirror plane lies the image.
"""

from __future__ import annotations

import numpy as np

from warp.voxels.grid import Grid


def corner_displacement(grid: Grid, u: np.ndarray, solid: np.ndarray) -> np.ndarray:
    """Return the displacement (nz+1, ny+1, nx+1, 3) in m at voxel corners; zero in void.

    u (3, nz+1, ny+1, nx+1) in m on faces; solid (nz, ny, nx).
    """
    lines = (grid.z, grid.y, grid.x)
    found = np.zeros((*(line.size for line in lines), 3), np.float32)
    for component, own in enumerate((2, 1, 0)):
        end = tuple(slice(None) if axis == own else slice(None, -1) for axis in range(3))
        value = np.asarray(u[component][end], np.float64)
        before = np.pad(solid, [(int(axis == own), 0) for axis in range(3)])
        after = np.pad(solid, [(0, int(axis == own)) for axis in range(3)])
        known = before | after
        for axis in range(3):
            if axis != own:
                mirror = (False, grid.mirror[1], grid.mirror[0])[axis]
                value, known = _to_lines(value, known, lines[axis], axis, mirror)
        found[..., component] = np.where(known, value, 0.0)
    return found


def _to_lines(
    value: np.ndarray, known: np.ndarray, line: np.ndarray, axis: int, mirror: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Take values at cell centres along an axis to the grid lines, and mark those that are known.

    A line between two known cells is interpolated, at one known cell extrapolated from it and the
    next one behind it, or given its value where there is none. mirror: the first line is a mirror
    plane, across which all but the component along the axis are even.
    """
    values = np.pad(np.moveaxis(value, axis, -1), [(0, 0), (0, 0), (2, 2)])
    here = np.pad(np.moveaxis(known, axis, -1), [(0, 0), (0, 0), (2, 2)])
    centre = (line[1:] + line[:-1]) / 2
    if mirror:
        values[..., 1], here[..., 1] = values[..., 2], here[..., 2]
    width = np.diff(line)
    outside = (centre[0] - width[0] * np.array([2, 1]), centre[-1] + width[-1] * np.array([1, 2]))
    centre = np.concatenate([outside[0], centre, outside[1]])
    count = line.size

    def at(first: int, second: int) -> np.ndarray:
        a, b = slice(first, first + count), slice(second, second + count)
        share = (line - centre[a]) / (centre[b] - centre[a])
        both = values[..., a] + share * (values[..., b] - values[..., a])
        found: np.ndarray = np.where(here[..., a] & here[..., b], both, values[..., a])
        return found

    below, above = here[..., 1 : 1 + count], here[..., 2 : 2 + count]
    found = np.where(below & above, at(1, 2), np.where(below, at(1, 0), at(2, 3)))
    return np.moveaxis(found, -1, axis), np.moveaxis(below | above, -1, axis)
