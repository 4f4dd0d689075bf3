"""Matrices of the elastic levels in float32, and the smoother of each.

Coarse coefficients: `coefficients`, and what they miss beside voids: `void_energy`. Shear at free
faces is one-sided on every level (free_edges). The smoother solves the z lines of each
displacement, in pins and thin walls those of their modes (slender), or whole cell columns where
cells are wide compared with the stack, so that the u, v and w of a column bend together without
shear (smoothers).
"""

from __future__ import annotations

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import parts
from warp.solvers.elastic.multigrid.matrix import GridLines, LevelMatrix, MediaMatrix, StoredMatrix
from warp.solvers.elastic.multigrid.rows import stored_once
from warp.solvers.elastic.multigrid.smoothers import ColumnSmoother, LineSmoother
from warp.solvers.elastic.operator import Operator
from warp.solvers.levels import Matrix, Unknowns

WIDE_FINEST, WIDE = 0.75, 0.2
"""Mean cell width over stack height above which whole columns smooth: finest level, other levels.

Lower for the others, where columns take little memory. A smaller bound saves iterations and takes
more memory, a larger one the reverse.
"""


class MediaLevel:
    """The finest level from material ids."""

    def __init__(self, A: Operator) -> None:
        self.A = A

    def subtract(self, r: Array, p: Array) -> None:
        """Compute r -= A p."""
        self.A.apply(r, p, 1.0, -1.0)


class StoredLevel:
    """A level with stored coefficients C and K; `row`: of theirs, for each row of the level."""

    def __init__(self, matrix: StoredMatrix) -> None:
        device = self.device = matrix.device
        self.n, self.mirror = matrix.n, matrix.mirror
        coefficients = matrix.coefficients
        tables = [device.asarray(a, np.float32) for a in (coefficients.C, coefficients.K)]
        (self.C, self.K), self.row = stored_once(device, tables)
        self.spacings = [device.asarray(a, np.float32) for a in matrix.spacings]
        self.free = matrix.free.rows(device, np.float32)

    def subtract(self, r: Array, p: Array) -> None:
        """Compute r -= A p."""
        nx, ny, nz = self.n
        tables = self.C, self.K, self.row, *self.spacings
        args = r, p, 1.0, -1.0, *tables, *map(int, self.mirror), *self.n
        extent = nx + 1, ny + 1, parts((nx + 1) * (ny + 1), nz + 1)
        self.device.launch("elastic", "elastic_apply", extent, *args, real=np.float32)
        self.free.apply(r, p, -1.0, 1.0)


def in_single_precision(
    matrix: LevelMatrix,
) -> tuple[Unknowns, Matrix, LineSmoother | ColumnSmoother]:
    """Return the unknowns of a level, its matrix and its smoother."""
    if isinstance(matrix, MediaMatrix):
        lines = LineSmoother.of_media(matrix.A)
        return lines.unknowns, MediaLevel(matrix.A), lines
    diagonal = matrix.diagonal()
    if relative_width(*matrix.lines) > WIDE:
        device = matrix.device
        active = device.asarray(diagonal, np.float32)
        return Unknowns.of(device, active), StoredLevel(matrix), ColumnSmoother(matrix, diagonal)
    lines = LineSmoother.of_stored(matrix, diagonal)
    return lines.unknowns, StoredLevel(matrix), lines


def relative_width(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> float:
    """Return the mean width of the cells over the height of the stack."""
    width_x, width_y = (x[-1] - x[0]) / (len(x) - 1), (y[-1] - y[0]) / (len(y) - 1)
    return float(np.sqrt(width_x * width_y) / (z[-1] - z[0]))


def wide(lines: GridLines) -> bool:
    """Return True if the cells of the finest level are wide."""
    return relative_width(*lines) > WIDE_FINEST
