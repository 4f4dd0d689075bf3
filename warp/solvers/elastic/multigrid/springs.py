"""Springs on coarse levels.

A coarse level takes the sum of the fine springs, each with the weights with which its displacement
is interpolated from the coarse ones. That is stiffer than what the interpolated field feels
(Jensen), so that a coarse correction never pulls on a stiff spring.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from warp.solvers.elastic.layout import displacement_shape
from warp.solvers.elastic.multigrid.transfer import ON_LINES, Merge
from warp.solvers.elastic.springs import Springs


def merged_springs(
    springs: Springs, merge: Merge, nz: int, exist: Callable[[np.ndarray], np.ndarray]
) -> Springs:
    """Return the springs of the next level; `exist`: mark the flat indices with a displacement."""
    if not len(springs.at):
        return springs
    fine = displacement_shape(len(merge.x) - 1, len(merge.y) - 1, nz)
    coarse = displacement_shape(len(merge.keep_x) - 1, len(merge.keep_y) - 1, nz)
    component, k, j, i = np.unravel_index(springs.at, fine)
    indices, fractions = [], []
    for a, lines in enumerate(ON_LINES):
        here = component == a
        x, y = merge.weights(0, lines[0]), merge.weights(1, lines[1])
        column, row = i[here] - 1, j[here]
        s, t = np.clip(y.t[row], 0, 1), np.clip(x.t[column], 0, 1)
        for dj, weight_y in ((0, 1 - s), (1, s)):
            for di, weight_x in ((0, 1 - t), (1, t)):
                fraction = weight_y * weight_x * springs.stiffness[here]
                used = fraction > 0
                line, point = y.at[row][used] + dj, x.at[column][used] + di + 1
                index = np.full(used.sum(), a), k[here][used], line, point
                indices.append(np.ravel_multi_index(index, coarse))
                fractions.append(fraction[used])
    at, where = np.unique(np.concatenate(indices), return_inverse=True)
    stiffness = np.bincount(where, np.concatenate(fractions), len(at))
    present = exist(at)
    return Springs(at[present], stiffness[present])
