"""Held displacements on coarse levels.

A coarse displacement is held as soon as one of the fine displacements that it stands for is. Cells
at an end of the grid that is held never merge (`held_ends`), so that a body turns about the same
line on all levels. The interpolated field loses what it would give a held fine displacement. That
strains the cells beside it; along the displacement's own direction and along z the coarse level
takes this energy as springs (`coupling_springs`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from warp.solvers.coarsening import FREE_ENDS, Ends
from warp.solvers.csr import Csr
from warp.solvers.elastic.layout import displacement_shape
from warp.solvers.elastic.multigrid.transfer import ON_LINES, Merge
from warp.solvers.elastic.operator import Operator
from warp.solvers.sparse import NOTHING, Scattered


def merged_indices(
    held: np.ndarray, merge: Merge, nz: int, exist: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Return the flat indices that are held on the next level.

    exist: marks the flat indices there that have a displacement.
    """
    if not len(held):
        return held
    fine = displacement_shape(len(merge.x) - 1, len(merge.y) - 1, nz)
    coarse = displacement_shape(len(merge.keep_x) - 1, len(merge.keep_y) - 1, nz)
    component, k, j, i = np.unravel_index(held, fine)
    found = []
    for a, (on_x, on_y) in enumerate(ON_LINES):
        here = component == a
        column, has_column = _coarse_index(i[here] - 1, merge.keep_x, on_x)
        row, has_row = _coarse_index(j[here], merge.keep_y, on_y)
        use = has_column & has_row
        index = np.full(use.sum(), a), k[here][use], row[use], column[use] + 1
        found.append(np.ravel_multi_index(index, coarse))
    indices = np.unique(np.concatenate(found))
    return indices[exist(indices)]


def _coarse_index(
    index: np.ndarray, keep: np.ndarray, on_lines: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the coarse index of fine lines or cells, and a mask of those that have one."""
    coarse = np.searchsorted(keep, index, "right") - 1
    return coarse, keep[coarse] == index if on_lines else np.ones(len(index), bool)


def without(matrix: Scattered, held: np.ndarray) -> Scattered:
    """Return a matrix without the rows and columns of held indices."""
    if not len(held):
        return matrix
    free = ~np.isin(matrix.at, held)
    if not free.any():
        return NOTHING
    return Scattered(matrix.at[free], matrix.matrix.part(np.flatnonzero(free)))


def coupling_springs(
    times: Callable[[np.ndarray], np.ndarray], held: np.ndarray, shape: tuple[int, ...]
) -> Scattered:
    """Return springs at held indices: what couples each to free displacements of its component.

    For w only to those above and below it; with those beside it, plates would resist bending.
    times: computes A x of the level on the host.
    """
    if not len(held):
        return NOTHING
    component, k, j, i = np.unravel_index(held, shape)
    stiffness = np.zeros(len(held))
    for a in range(3):
        here = component == a
        if not here.any():
            continue
        free = np.zeros(shape)
        if a == 2:
            free[2][:, j[here], i[here]] = 1.0
        else:
            free[a] = 1.0
        free.reshape(-1)[held] = 0.0
        stiffness[here] = np.maximum(-times(free).reshape(-1)[held[here]], 0.0)
    return Scattered(held, Csr.diagonal_of(stiffness))


def held_ends(A: Operator) -> Ends:
    """Mark the ends of the grid at which displacements normal to them are held.

    The cells there stay as they are on all levels. A body turns about what holds it: merged with
    its neighbours, the held cell would lie where the body, turning, has moved already.
    """
    if not len(A.held):
        return FREE_ENDS
    component, _, j, i = np.unravel_index(A.held, A.shape)
    nx, ny, _ = A.n

    def ends(axis: int, index: np.ndarray, last: int) -> tuple[bool, bool]:
        at = index[component == axis]
        return bool((at == 0).any()), bool((at == last).any())

    return ends(0, i - 1, nx), ends(1, j, ny)
