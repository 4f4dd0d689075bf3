"""The preconditioner of thermo-elasticity: one V-cycle over levels coarser in x and y, never in z.

Chebyshev smoothing on every level, a dense inverse without rigid motions on the coarsest. All in
float32; what a level needs in float64 is released once the next one has been made.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from warp.solvers import levels
from warp.solvers.coarsening import FEW, FREE_ENDS, Ends
from warp.solvers.elastic.layout import PAD
from warp.solvers.elastic.multigrid.coarsest import Coarsest
from warp.solvers.elastic.multigrid.held import held_ends
from warp.solvers.elastic.multigrid.level import (
    WIDE,
    WIDE_FINEST,
    in_single_precision,
    relative_width,
    wide,
)
from warp.solvers.elastic.multigrid.matrix import GridLines, MediaMatrix, StoredMatrix, coarser
from warp.solvers.elastic.multigrid.smoothers import ColumnSmoother, LineSmoother
from warp.solvers.elastic.multigrid.transfer import Merge
from warp.solvers.elastic.operator import Operator
from warp.solvers.levels import Level, Memory, Smoothing

COARSEST, COARSEST_SLENDER = 700, 3000
"""Most displacements of the coarsest level; the second if cells are wide or a body is narrow.

Few, because factoring their matrix takes their third power in time. Many where coarse levels hardly
see what bends and twists: plates whose finest cells are wide, and strips of a few columns.
"""
STEPS, STEPS_WIDE = 2, 4
"""Chebyshev steps before and after the coarser level; the second if the finest cells are wide.

A plate then bends over many cells, and coarse levels hardly see it.
"""
STEPS_SMALL, SMALL = 4, 0.1
"""Steps on levels of up to this fraction of the finest level's size.

They take little time there, and make up for a coarsest level that no longer resolves the foot and
the cavity of a lid.
"""
POWER_ITERATIONS, POWER_ITERATIONS_COLUMNS = 6, 12
"""Power iterations for the largest eigenvalue of M^-1 A: z lines, whole columns.

Enough to come within the tenth by which the interval exceeds it. Columns, which need more, smooth
levels that take little time.
"""


class Cycle(levels.Cycle):
    """One V-cycle as a symmetric positive preconditioner in float32."""

    def __init__(self, A: Operator, coarsest: int | None = None) -> None:
        """`coarsest`: most displacements of the coarsest level (default: COARSEST)."""
        matrix: MediaMatrix | StoredMatrix
        matrix = StoredMatrix.finest(A) if wide(A.lines) else MediaMatrix(A)
        parts, transfers = [], []
        for merge in merges(A.lines, A.mirror, coarsest, held_ends(A)):
            next_matrix, transfer = coarser(matrix, merge)
            parts.append(in_single_precision(matrix))
            transfers.append(transfer)
            matrix = next_matrix
        columns = [s.size for _, _, s in parts if isinstance(s, ColumnSmoother)]
        size = int(np.prod(A.shape))
        scratch = max([size, *columns])
        by_columns = bool(parts) and isinstance(parts[0][2], ColumnSmoother)
        idle = A.device.zeros(size + scratch + by_columns * size, np.float32)
        memory = Memory(idle[:size], idle[size : size + scratch])
        rest = idle[-size:] if by_columns else memory.scratch  # which z lines do not use
        last = Coarsest(matrix, memory)
        del matrix
        steps = STEPS_WIDE if wide(A.lines) else STEPS
        smoothed = [
            Level(A.device, active, memory, own, smoother, smoothing)
            for active, own, smoother in parts
            for smoothing in [smoothing_of(smoother, active.size <= SMALL * size, steps)]
        ]
        super().__init__(smoothed, last, transfers, idle, levels.first_part(rest, A.shape))


def smoothing_of(smoother: LineSmoother | ColumnSmoother, small: bool, steps: int) -> Smoothing:
    """Return the smoothing of a level, `small` or with `steps` Chebyshev steps."""
    by_columns = isinstance(smoother, ColumnSmoother)
    return Smoothing(
        STEPS_SMALL if small else steps,
        power_iterations=POWER_ITERATIONS_COLUMNS if by_columns else POWER_ITERATIONS,
    )


def merges(
    lines: GridLines,
    mirror: tuple[bool, bool],
    coarsest: int | None = None,
    held: Ends = FREE_ENDS,
) -> Iterator[Merge]:
    """Yield the merges between levels, until one has at most `coarsest` displacements."""
    x, y, z = lines
    if coarsest is None:
        slender = wide(lines) or min(len(x), len(y)) - 1 <= FEW
        coarsest = COARSEST_SLENDER if slender else COARSEST
    while 3 * (len(x) - 1) * (len(y) - 1) * (len(z) - 1) > coarsest and max(len(x), len(y)) > 3:
        step = Merge.of(x, y, mirror, held)
        if len(step.keep_x) == len(x) and len(step.keep_y) == len(y):
            return
        yield step
        x, y = step.coarse


def _grids(lines: GridLines, mirror: tuple[bool, bool]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the lines x and y of every level, the coarsest last."""
    return [lines[:2], *(step.coarse for step in merges(lines, mirror))]


def _by_columns(n: int, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> bool:
    """Tell whether level n smooths whole columns."""
    return relative_width(x, y, z) > (WIDE if n else WIDE_FINEST)


def coarsest_size(lines: GridLines, mirror: tuple[bool, bool]) -> int:
    """Return the displacements of the coarsest level of a grid without voids."""
    x, y = _grids(lines, mirror)[-1]
    nx, ny, nz = len(x) - 1, len(y) - 1, len(lines[2]) - 1
    return nz * ny * (nx + 1) + nz * (ny + 1) * nx + (nz + 1) * ny * nx


def column_voxels(lines: GridLines, mirror: tuple[bool, bool]) -> int:
    """Count the voxels of all levels that smooth whole columns."""
    z = lines[2]
    smoothed = _grids(lines, mirror)[:-1]
    wide_ones = [(x, y) for n, (x, y) in enumerate(smoothed) if _by_columns(n, x, y, z)]
    return sum((len(x) - 1) * (len(y) - 1) * (len(z) - 1) for x, y in wide_ones)


def bytes_needed(lines: GridLines, mirror: tuple[bool, bool]) -> int:
    """Predict the memory of a solve on a grid of these lines, iteration vectors included."""
    z = lines[2]
    total = most = 0
    for n, (x, y) in enumerate(_grids(lines, mirror)):
        indices = (len(x) + PAD - 1) * len(y) * len(z)
        columns = _by_columns(n, x, y, z)
        coefficients = 36 if n or columns else 4  # C, K; ids on the host and the device
        smoother = 132 if columns else 24  # float32: five times six and a diagonal, or twice three
        vectors = 24  # float32: x, r
        if n == 0:
            # float64: x, r, p; first part of the idle memory; second part of the result
            vectors += 72 + 12 + (12 if columns else 0)
        total += indices * (coefficients + smoother + vectors)
        # second part of the idle memory: scratch of columns, or the other half of q
        most = max(most, (20 if columns else 0 if n else 12) * indices)
    return total + most
