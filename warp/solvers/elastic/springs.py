"""Springs between single displacements and the ground: a support as part of the matrix.

A + S,  S diagonal: stiffness in N/m of the displacements at flat indices of the solver's arrays
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from warp.solvers.csr import Csr
from warp.solvers.sparse import Scattered


class Springs(NamedTuple):
    """Flat indices, each once, and stiffness in N/m."""

    at: np.ndarray
    stiffness: np.ndarray

    @property
    def matrix(self) -> Scattered:
        """Return S."""
        order = np.argsort(self.at)
        return Scattered(self.at[order], Csr.diagonal_of(self.stiffness[order]))


NO_SPRINGS = Springs(np.zeros(0, np.int64), np.zeros(0))
