"""The preconditioner of heat conduction: one V-cycle over levels coarser in x and y, never in z.

The smoother solves the z lines of the matrix exactly (diagonal and vertical conductances). M is at
least A / 2, so that the eigenvalues of M^-1 A never exceed 2 (Gershgorin); columns of alternating
temperatures come close to it on any grid. A coarse level keeps
conductances: vertical ones, films and capacities are sums over the merged voxels, lateral ones are
resistances in series. All in float32; a scale keeps the numbers near one.
Alcouffe, Brandt, Dendy, Painter, SIAM J. Sci. Stat. Comput. 2 (1981) 430.
"""

from __future__ import annotations

import numpy as np

from warp.solvers import levels
from warp.solvers.heat.multigrid.coarsest import Coarsest, direct
from warp.solvers.heat.multigrid.level import Coarse, Fine
from warp.solvers.heat.multigrid.transfer import Merge, Transfer
from warp.solvers.heat.operator import Operator
from warp.solvers.levels import Level, Memory, Smoothing

FINE = Smoothing(steps=3, top=2.0)
COARSE = Smoothing(steps=4, top=2.0)
"""Fewer steps do not pay: columns a few voxels wide and a few apart need many more iterations."""


class Cycle(levels.Cycle):
    """One V-cycle as a symmetric positive preconditioner in float32."""

    def __init__(self, A: Operator) -> None:
        device, lines = A.device, (A.model.grid.x, A.model.grid.y)
        self.matrices: list[Fine | Coarse] = [Fine(A)]
        transfers = []
        while not direct(self.matrices[-1].shape):
            finer = self.matrices[-1]
            merge = Merge(device, *lines, nz=finer.shape[0])
            lines = merge.lines
            transfers.append(Transfer(merge, finer.weights(merge)))
            self.matrices.append(Coarse(device, finer.coarsen(merge)))
        size = int(np.prod(A.shape))
        idle = device.zeros(2 * size, np.float32)
        memory = Memory(idle[:size], idle[size:])
        smoothed = [
            Level(device, matrix.active, memory, matrix, matrix, COARSE if n else FINE)
            for n, matrix in enumerate(self.matrices[:-1])
        ]
        super().__init__(smoothed, Coarsest(device, self.matrices[-1], memory), transfers, idle)
