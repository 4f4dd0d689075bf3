"""Find the cells of a grid in which those of a finer one lie."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from warp.voxels.grid import Grid


class Parents(NamedTuple):
    """The coarse cell along x and y of each column and row of a finer grid."""

    columns: np.ndarray
    rows: np.ndarray


def parents(coarse: Grid, fine: Grid) -> Parents:
    """Return the cells of a coarse grid that those of a finer one lie in."""
    return Parents(
        np.searchsorted(coarse.x, fine.xc) - 1,
        np.searchsorted(coarse.y, fine.yc) - 1,
    )
