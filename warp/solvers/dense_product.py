"""Multiply by a small dense matrix on a device, for the coarsest level of a V-cycle."""

from __future__ import annotations

import numpy as np

from warp.kernels.multigrid import dense_pieces
from warp.machine.arrays import Array
from warp.machine.device import Device


class DenseProduct:
    """x[at] = matrix^T r[at] for matrices (n, n) in float32 and flat indices `at` (n,)."""

    def __init__(self, device: Device, at: np.ndarray) -> None:
        self.device, self.at = device, device.asarray(at, np.int64)
        self.n = len(at)
        self.pieces = dense_pieces(max(self.n, 1))
        self.partial = device.zeros((self.pieces, self.n), np.float32)

    def write(self, x: Array, r: Array, matrix: Array) -> None:
        """Compute x[at] = matrix^T r[at]; x and r of any shape."""
        n, pieces, launch = self.n, self.pieces, self.device.launch
        args = self.partial, r.reshape(-1), matrix, self.at, n, pieces
        launch("multigrid", "dense_rows", (n, pieces, 1), *args, real=np.float32)
        places = x.reshape(-1), self.partial, self.at, n, pieces
        launch("multigrid", "dense_fold", (n, 1, 1), *places, real=np.float32)
