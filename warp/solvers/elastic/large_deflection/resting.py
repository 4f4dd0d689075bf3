"""Precondition a bent body on a table: springs that touch are part of the V-cycle and of the modes.

The V-cycle is that of the linear operator on the springs that touch; a new one is built whenever
other faces touch. The modes include the motions that raise and tilt the body: what the springs
leave of them is balanced exactly, so that the cycle need not hold them.
"""

from __future__ import annotations

import numpy as np

from warp.solvers.elastic import contact
from warp.solvers.elastic.large_deflection import preconditioner
from warp.solvers.elastic.large_deflection.ground import Ground
from warp.solvers.elastic.large_deflection.law import Law
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.springs import Springs
from warp.solvers.levels import Smoothing
from warp.voxels.voxelize import VoxelModel

SURE, SMALL = 60, 100_000
"""Power iterations that find the largest eigenvalue of a smoother, of a body of so many voxels: a
strip of few columns has many that are nearly as large. A cycle that takes one too small is not
positive, and Newton's method ends there."""
PRESSED = 1e-13
"""Least energy of a mode beside springs over that of the stiffest one."""


class Preconditioner(preconditioner.Preconditioner):
    """That of a body on a table, of which `update` takes the faces that touch at the last push."""

    def __init__(self, model: VoxelModel, law: Law, ground: Ground, cycle: Cycle) -> None:
        """cycle: any one of the body, until the first update."""
        super().__init__(model, law, cycle, rigid=True)
        self.ground, self.used = ground, np.zeros(0)
        units = (self.modes.spread(unit) for unit in np.eye(self.modes.count))
        self.raised = np.stack([law.device.to_host(u.reshape(-1)[ground.at]) for u in units])

    def update(self) -> None:
        """Take the Hessian of the law's last gradient, and the springs that touch there."""
        springs = self.device.to_host(self.ground.stiffness)
        if not np.array_equal(springs, self.used):
            self.used = springs
            touch = np.flatnonzero(springs)
            on = Springs(self.ground.faces.at[touch], springs[touch])
            A = self.law.A.on(on)
            iterations = SURE if A.body.ids.size <= SMALL else Smoothing.power_iterations
            self.take(Cycle(A, contact.COARSEST, iterations))
            self.springs = self.raised * springs @ self.raised.T
            pressed = self.plate.linear + self.springs
            self.basis = preconditioner.orthonormal(pressed, PRESSED)
        super().update()

    def energy(self) -> np.ndarray:
        """Return E at the last gradient, with the springs."""
        return super().energy() + self.springs

    def judge(self, most: int = 0) -> None:
        """Leave the stability at 1: branches are chosen before the body is laid down."""
