"""Solve the coarsest level of heat conduction directly: by its dense inverse, or as one z line."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers import levels
from warp.solvers.dense_product import DenseProduct
from warp.solvers.levels import Matrix, Memory, Smoother, Unknowns

DENSE = 500  # unknowns of a dense inverse, which then takes 1 MB


class LineMatrix(Matrix, Smoother, Protocol):
    """A matrix that can solve its z lines. `active`: positive in solid voxels."""

    shape: tuple[int, int, int]
    active: Array


def direct(shape: tuple[int, int, int]) -> bool:
    """Return True if a level of this shape (nz, ny, nx) is solved directly."""
    return small(shape) or max(shape[1:]) == 1


def small(shape: tuple[int, int, int]) -> bool:
    """Return True if a dense inverse is small enough."""
    return int(np.prod(shape)) <= DENSE


class Coarsest(levels.Coarsest):
    """The level that is solved directly; in a single column a z line is the whole problem."""

    def __init__(self, device: Device, matrix: LineMatrix, memory: Memory) -> None:
        super().__init__(device, Unknowns.of(device, matrix.active), memory)
        self.matrix = matrix
        self.inverse = inverse(device, matrix) if small(matrix.shape) else None
        self.product = DenseProduct(device, np.arange(self.x.size))

    def solve(self) -> None:
        """Compute x = A^-1 r."""
        if self.inverse is None:
            self.matrix.step(self, 0.0, 0.0, 0.0, 1.0)
            return
        self.product.write(self.x, self.r, self.inverse)


def inverse(device: Device, level: LineMatrix) -> Array:
    """Invert the matrix of a small level, with ones on the diagonal in void.

    Columns of voxels that have no neighbour in common (seven colours) are read in one product.
    """
    n = int(np.prod(level.shape))
    k, j, i = np.indices(level.shape)
    colour = (i + 2 * j + 3 * k) % 7  # a voxel and its six neighbours all differ
    seen = np.empty((7, n))
    for c in range(7):
        p, r = (
            device.asarray((colour == c).astype(np.float32)),
            device.zeros(level.shape, np.float32),
        )
        level.subtract(r, p)
        seen[c] = -device.to_host(r).reshape(-1)
    matrix = np.zeros((n, n))
    here = np.arange(n).reshape(level.shape)
    matrix[here, here] = np.take_along_axis(seen, colour.reshape(1, -1), 0).reshape(level.shape)
    for axis, turn in ((2, 1), (1, 2), (0, 3)):
        low = here.take(range(level.shape[axis] - 1), axis).reshape(-1)
        high = here.take(range(1, level.shape[axis]), axis).reshape(-1)
        matrix[low, high] = matrix[high, low] = seen[(colour.reshape(-1)[low] + turn) % 7, low]
    void = device.to_host(level.active).reshape(-1) == 0
    matrix[void, void] = 1
    return device.asarray(np.linalg.inv(matrix), np.float32)
