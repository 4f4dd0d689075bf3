"""Springs between single displacements and the ground: a support as part of the matrix, on every level of a V-cycle.

    A + S,  S diagonal: stiffness in N/m of the displacements at flat places of the solver's arrays

A coarse level takes the sum of the fine springs, each with the weights with which its displacement is interpolated from
the coarse ones. That is stiffer than the interpolated field feels (Jensen), so that a coarse correction never pulls on a
hard spring.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from warp.free_edges import displacement_shape
from warp.transfer import ON_LINES, Merge


class Springs(NamedTuple):
    """Flat places, each once, and stiffness."""

    at: np.ndarray
    stiffness: np.ndarray

    def matrix(self, size: int) -> sparse.csr_matrix:
        """S."""
        return sparse.csr_matrix((self.stiffness, (self.at, self.at)), shape=(size, size))

    def coarser(self, merge: Merge, active: np.ndarray) -> Springs:
        """Of the next level; `active` (3, nz+1, ny+1, nx+3): where it has displacements."""
        nz = active.shape[1] - 1
        fine = displacement_shape(len(merge.x) - 1, len(merge.y) - 1, nz)
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
                    place = np.full(used.sum(), a), k[here][used], y.at[row][used] + dj, x.at[column][used] + di + 1
                    places.append(np.ravel_multi_index(place, active.shape))
                    shares.append(share[used])
        at, where = np.unique(np.concatenate(places), return_inverse=True)
        stiffness = np.bincount(where, np.concatenate(shares), len(at))
        exists = active.reshape(-1)[at]
        return Springs(at[exists], stiffness[exists])
