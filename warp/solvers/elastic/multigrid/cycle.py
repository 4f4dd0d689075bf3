"""The V-cycle: levels from fine to coarse, one smoothing before and one after each correction, an inverse at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from warp.solvers.elastic.layout import PAD
from warp.solvers.elastic.multigrid.coarsest import invert
from warp.solvers.elastic.multigrid.coefficients import merge_coefficients, merge_media, stored
from warp.solvers.elastic.multigrid.level import (
    STEPS,
    WIDE,
    WIDE_FINEST,
    Coarse,
    Fine,
    Level,
    Stored,
    relative_width,
)
from warp.solvers.elastic.multigrid.smoothers import Columns
from warp.solvers.elastic.multigrid.transfer import Merge

if TYPE_CHECKING:
    from warp.solvers.elastic.operator import Operator

COARSEST = 2000, 3000
"""Least and most places for displacements on the level that is inverted, a hundredth of the finest level's in between.

Few where all else takes a second; many where a lid's foot and cavity must be seen, or a wafer: 26 iterations, 45 with 800.
Always the most where the finest cells are wide: coarse levels hardly see such plates bend (40 x 40 cells 50 times wider than
high take 33 iterations, 59 with 2000).
"""


class Cycle:
    """One V-cycle as a symmetric positive preconditioner in float32: fine.x from fine.r."""

    def __init__(self, A: Operator, coarsest: int | None = None) -> None:
        self.device = A.device
        self.fine: Level
        if relative_width(*A.lines) > WIDE_FINEST:
            self.fine = Stored(A.device, A.lines, A.mirror, stored(A), A.springs)
        else:
            self.fine = Fine(A)
        self.levels: list[Level] = [self.fine]
        self.coarser: list[Coarse] = []
        wide = isinstance(self.fine, Stored)
        for merge in merges(A.lines, A.mirror, coarsest):
            finer = self.levels[-1]
            if isinstance(finer, Stored):
                assert finer.coefficients is not None
                coefficients = merge_coefficients(A.device, finer.coefficients, merge)
                finer.factor()
            else:
                coefficients = merge_media(A, merge)
            self.coarser.append(Coarse(A.device, merge, A.lines[2], coefficients, finer))
            self.levels.append(self.coarser[-1])
        *self.roots, self.at = invert(self.levels[-1])
        columns = [
            s
            for s in (getattr(level, "smoother", None) for level in self.levels)
            if isinstance(s, Columns)
        ]
        most = max([int(np.prod(s.shape)) for s in columns], default=0)
        size = int(np.prod(self.fine.shape))
        self.idle = A.device.zeros(size + max(size, most), np.float32)
        for level in self.levels:
            level.steps = STEPS[wide]
            level.allocate(self.idle[:size], self.idle[size:])
        for level in self.levels[:-1]:
            level.find_interval()

    def run(self) -> None:
        """Do one cycle."""
        self._descend(0)

    def _descend(self, n: int) -> None:
        level = self.levels[n]
        if n == len(self.levels) - 1:
            size = len(self.at)
            flat = level.r.reshape(-1), level.p.reshape(-1), level.x.reshape(-1)
            for there, here, root in zip(flat[1:], flat, self.roots, strict=False):
                self.device.launch(
                    "multigrid",
                    "dense_rows",
                    (size, 1, 1),
                    there,
                    here,
                    root,
                    self.at,
                    size,
                    real=np.float32,
                )
            return
        level.smooth(0.0)
        self.coarser[n].restrict(level)
        self._descend(n + 1)
        self.coarser[n].prolong(level)
        level.subtract()
        level.smooth(1.0)


def merges(lines: tuple, mirror: tuple[bool, bool], coarsest: int | None = None) -> Iterator[Merge]:
    """The steps from each level to the next, down to one with at most `coarsest` displacements (default: COARSEST)."""
    x, y, z = lines
    cells = (len(x) - 1) * (len(y) - 1) * (len(z) - 1)
    if coarsest is None:
        coarsest = (
            COARSEST[1]
            if relative_width(x, y, z) > WIDE_FINEST
            else int(np.clip(3 * cells // 100, *COARSEST))
        )
    while 3 * (len(x) - 1) * (len(y) - 1) * (len(z) - 1) > coarsest and max(len(x), len(y)) > 3:
        step = Merge.of(x, y, mirror)
        yield step
        x, y = step.coarse


def bytes_needed(lines: tuple, mirror: tuple[bool, bool]) -> int:
    """Memory of a solve on a grid of these lines x, y, z, iteration vectors included: within 6 % of what packages take."""
    x, y, z = lines
    grids = [(x, y), *(step.coarse for step in merges(lines, mirror))]
    total = most = 0
    for n, (x, y) in enumerate(grids):
        places = (len(x) + PAD - 1) * len(y) * len(z)
        columns = relative_width(x, y, z) > (WIDE if n else WIDE_FINEST)
        coefficients = 36 if n or columns else 4  # C, K; ids on the host and the device
        smoother = (
            132 if columns else 24
        )  # float32: five times six numbers and a diagonal, or twice three
        vectors = (
            24 if n else 96 + 12
        )  # float32: x, r; float64 besides: x, r, p; the idle memory's first part
        total += places * (coefficients + smoother + vectors)
        most = max(
            most, (20 if columns else 0 if n else 12) * places
        )  # its second part: columns' scratch, or q's other half
    return total + most
