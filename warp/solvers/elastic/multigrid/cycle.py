"""The preconditioner of thermo-elasticity: one V-cycle over levels coarser in x and y, never in z.

Chebyshev smoothing on every level, a dense inverse without rigid motions on the coarsest. All in
float32; what a level needs in float64 is released once the next one has been made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from warp.machine.device import LARGE
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
from warp.solvers.elastic.multigrid.rows import FEWER, FEWEST, expected
from warp.solvers.elastic.multigrid.smoothers import ColumnSmoother
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


class Cycle(levels.Cycle):
    """One V-cycle as a symmetric positive preconditioner in float32.

    x and r of coarser levels lie where r of the finest level, or the second part of the result, is
    computed after them, as far as they fit; but r of the first of them, which is restricted from
    that of the finest level, behind the directions.
    """

    def __init__(
        self,
        A: Operator,
        coarsest: int | None = None,
        power_iterations: int = Smoothing.power_iterations,
    ) -> None:
        """`coarsest`: most displacements of the coarsest level (default: COARSEST)."""
        matrix: MediaMatrix | StoredMatrix
        matrix = StoredMatrix.finest(A) if wide(A.lines) else MediaMatrix(A)
        parts, transfers = [], []
        for merge in merges(A.lines, A.mirror, coarsest, held_ends(A)):
            parts.append(in_single_precision(matrix))
            matrix.release()
            matrix, transfer = coarser(matrix, merge)
            transfers.append(transfer)
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
        free = rest[0 if by_columns else max(columns, default=0) :]
        in_p = steps <= levels.MOST_IN_P and bool(parts) and not by_columns
        smoothed: list[Level] = []
        for unknowns, own, smoother in parts:
            length = int(np.prod(unknowns.shape))
            count = STEPS_SMALL if length <= SMALL * size else steps
            smoothing = Smoothing(count, power_iterations=power_iterations)
            own_memory = memory
            if not smoothed and in_p:
                x = A.device.zeros(size, np.float32)
                own_memory = memory._replace(pair=(x, rest))
            elif len(smoothed) == 1 and in_p:
                if 2 * length <= size and length <= free.size:
                    own_memory = memory._replace(pair=(free[:length], idle[size - length : size]))
                    free = free[length:]
            elif smoothed and 2 * length <= free.size:
                own_memory = memory._replace(pair=(free[:length], free[length : 2 * length]))
                free = free[2 * length :]
            smoothed.append(Level(A.device, unknowns, own_memory, own, smoother, smoothing))
        second = smoothed[0].p if in_p else levels.first_part(rest, A.shape)
        super().__init__(smoothed, last, transfers, idle, second)


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


class Planned(NamedTuple):
    """A level of a grid without voids: its indices, and how it is smoothed.

    `columns`: whole cell columns, else z lines; `steps`: before and after the coarser level, 0 on
    the coarsest one, which is solved directly.
    """

    indices: int
    columns: bool
    steps: int

    @property
    def kind(self) -> tuple[bool, int]:
        """Return how it is smoothed."""
        return self.columns, self.steps


def planned(lines: GridLines, mirror: tuple[bool, bool]) -> list[Planned]:
    """Return the levels of a grid of these lines, the finest first."""
    grids, z = _grids(lines, mirror), lines[2]
    found: list[Planned] = []
    steps = STEPS_WIDE if wide(lines) else STEPS
    for n, (x, y) in enumerate(grids):
        indices = (len(x) + PAD - 1) * len(y) * len(z)
        small = indices <= SMALL * (found[0].indices if found else np.inf)
        count = 0 if n == len(grids) - 1 else STEPS_SMALL if small and n else steps
        found.append(Planned(indices, _by_columns(n, x, y, z), count))
    return found


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


def bytes_needed(
    lines: GridLines,
    mirror: tuple[bool, bool],
    edges: np.ndarray | None = None,
    *,
    double: bool = False,
) -> int:
    """Predict the memory of a solve on a grid of these lines, iteration vectors included.

    edges: y in m at which a package made of boxes changes (`rows.expected`); None: all rows of
    coefficients may differ. double: vectors are float64 however many unknowns there are.
    """
    levels, stored = planned(lines, mirror), _stored(lines, mirror, edges)
    size = levels[0].indices
    short = 3 * size > LARGE and not double
    total = sum(stored) + size * (ID + (2 * VECTOR + DOUBLE if short else 3 * DOUBLE))
    scratch = max([size, *(5 * level.indices // 3 for level in levels if level.columns)])
    total += VECTOR * (size + scratch + (size if levels[0].columns else 0))
    free = VECTOR * scratch
    in_p = levels[0].steps == STEPS and not levels[0].columns
    for n, level in enumerate(levels):
        vector, inner = VECTOR * level.indices, 0 < n < len(levels) - 1
        if n == 0 and in_p:
            total += vector
        elif n == 1 and inner and in_p:
            fits = 2 * level.indices <= size and vector <= free
            free -= vector if fits else 0
            total += 0 if fits else 2 * vector
        elif inner and 2 * vector <= free:
            free -= 2 * vector
        else:
            total += 2 * vector
    return max(total, _setup(levels, stored))


def _stored(lines: GridLines, mirror: tuple[bool, bool], edges: np.ndarray | None) -> list[int]:
    """Predict the bytes of the coefficients and the factors of each level, in float32."""
    found = []
    levels, grids = planned(lines, mirror), _grids(lines, mirror)
    for n, (level, (_, y)) in enumerate(zip(levels, grids, strict=True)):
        part = expected(y, edges) / len(y) if level.indices >= FEWEST else 1.0
        part = part if part <= FEWER else 1.0
        coefficients = C_AND_K * part if n > 0 or level.columns else 0
        smoother = COLUMNS if level.columns else 2 * VECTOR * part
        found.append(round(level.indices * (coefficients + smoother)))
    return found


def _setup(levels: list[Planned], stored: list[int]) -> int:
    """Predict the most bytes while a level is factored, or the next one merged from it."""
    kept = most = ID * levels[0].indices
    for n, level in enumerate(levels[:-1]):
        own = MERGED if n else 0
        most = max(most, kept + level.indices * (own + FACTORED))
        kept += stored[n]
        most = max(most, kept + level.indices * own + levels[n + 1].indices * MERGING)
    return most


FACTORED, MERGED, MERGING = 96, 72, 120
"""Bytes of an index while it is set up, in float64: K, a diagonal and factors beside C and total;
these two; and those of the level that is merged from them, with the fractions of void cells."""


ID, VECTOR, DOUBLE, C_AND_K, COLUMNS = 4, 12, 24, 36, 132
"""Bytes of an index: media on host and device, three numbers in either precision, coefficients in
float32, factors of cell columns (five times six) with a diagonal."""
