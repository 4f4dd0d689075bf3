"""Area of each medium in the layers of a voxel model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from warp.kernels.host import voxelize as kernels
from warp.voxels.grid import Grid

BLOCKS = 16
"""Blocks of rows that are summed on their own, in a fixed order whatever the number of threads."""


def areas_of(grid: Grid, ids: np.ndarray, layers: Sequence[int], media: int) -> np.ndarray:
    """Return the area (layers, media) in m2 of each medium in some layers k of ids (nz, ny, nx)."""
    found = np.zeros((BLOCKS, len(layers), media))
    kernels.areas(found, ids, np.array(layers, np.int64), grid.dx, grid.dy)
    total: np.ndarray = found.sum(axis=0)
    return total
