"""Springs between single displacements and the ground: a support as part of the matrix, on every level of a V-cycle.

    A + S,  S diagonal: stiffness in N/m of the displacements at flat places of the solver's arrays

A coarse level takes the sum of the fine springs, each with the weights with which its displacement is interpolated from
the coarse ones. That is stiffer than the interpolated field feels (Jensen), so that a coarse correction never pulls on a
hard spring.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import sparse

from warp.solvers.elastic.layout import displacement_shape
from warp.solvers.elastic.multigrid.transfer import ON_LINES, Merge
from warp.solvers.sparse import Scattered


class Springs(NamedTuple):
    """Flat places, each once, and stiffness."""

    at: np.ndarray
    stiffness: np.ndarray

    @property
    def matrix(self) -> Scattered:
        """S."""
        order = np.argsort(self.at)
        return Scattered(self.at[order], sparse.diags(self.stiffness[order]).tocsr())

    def coarser(self, merge: Merge, nz: int, exist: Callable[[np.ndarray], np.ndarray]) -> Springs:
        """Of the next level; `exist`: which of flat places there have a displacement."""
        fine = displacement_shape(len(merge.x) - 1, len(merge.y) - 1, nz)
        coarse = displacement_shape(len(merge.keep_x) - 1, len(merge.keep_y) - 1, nz)
        component, k, j, i = np.unravel_index(self.at, fine)
        places, shares = [], []
        for a, lines in enumerate(ON_LINES):
            here = component == a
            x, y = merge.weights(0, lines[0]), merge.weights(1, lines[1])
            column, row = i[here] - 1, j[here]
            s, t = np.clip(y.t[row], 0, 1), np.clip(x.t[column], 0, 1)
            for dj, share_y in ((0, 1 - s), (1, s)):
                for di, share_x in ((0, 1 - t), (1, t)):
                    share = share_y * share_x * self.stiffness[here]
                    used = share > 0
                    place = (
                        np.full(used.sum(), a),
                        k[here][used],
                        y.at[row][used] + dj,
                        x.at[column][used] + di + 1,
                    )
                    places.append(np.ravel_multi_index(place, coarse))
                    shares.append(share[used])
        at, where = np.unique(np.concatenate(places), return_inverse=True)
        stiffness = np.bincount(where, np.concatenate(shares), len(at))
        there = exist(at)
        return Springs(at[there], stiffness[there])
