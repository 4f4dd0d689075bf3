"""One V-cycle for many load steps of a body, while its media keep nearly their stiffness.

Conjugate gradients solve for the operator as it is, whatever stiffness the preconditioner was built
for; stiffnesses that are all off by up to a fraction s cost at most a factor of about
sqrt((1 + s)/(1 - s)) in iterations. Building a cycle takes longer than a solve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from warp.machine.device import Device
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.operator import Frame, Moduli, Operator, operator
from warp.solvers.krylov import Kept
from warp.voxels.voxelize import VoxelModel

DRIFT = 0.2
"""Largest relative change of a modulus since the cycle was built."""
SLOWER = 1.5
"""Largest iterations a decade over those of the cycle's first solve."""


@dataclass
class CycleCache:
    """A cycle, the moduli that it was built for, and the pace of its first and last solve.

    Pace: iterations a decade of the residual. `kept`: the record of its solves; `frame`: of
    the last body. A body whose voxels change needs a new one.
    """

    cycle: Cycle | None = None
    moduli: Moduli | None = None
    first: float = 0.0
    last: float = 0.0
    kept: Kept = field(default_factory=Kept)
    frame: Frame | None = None

    def cycle_for(self, A: Operator) -> Cycle:
        """Return a cycle for an operator: the present one if it serves, or a new one."""
        if self.cycle is None or not self.serves(A.body.moduli):
            self.forget()  # its memory goes before the new one is built
            self.cycle, self.moduli = Cycle(A), A.body.moduli
        return self.cycle

    def frame_of(self, model: VoxelModel, device: Device) -> Frame:
        """Return what bodies of these voxels share."""
        if self.frame is None or self.frame.model is not model or self.frame.device != device:
            self.frame = Frame(model, device)
        return self.frame

    def forget(self) -> None:
        """Release the cycle: it serves no operator with other supports."""
        self.cycle, self.moduli, self.first, self.last = None, None, 0.0, 0.0
        self.kept.forget()

    def serves(self, moduli: Moduli) -> bool:
        """Return True if the moduli are near enough and the last solve was not slow."""
        if self.moduli is None or self.last > SLOWER * self.first:
            return False
        pairs = zip(moduli, self.moduli, strict=True)
        return all(bool(np.all(np.abs(now - then) <= DRIFT * np.abs(then))) for now, then in pairs)

    def record(self, residuals: Sequence[float]) -> None:
        """Record the pace of a solve."""
        if len(residuals) < 2 or residuals[-1] <= 0:
            return
        fall = np.log10(residuals[0] / residuals[-1])
        if fall > 0:
            self.last = float((len(residuals) - 1) / fall)
            self.first = self.first or self.last

    def arrays(self) -> dict[str, np.ndarray]:
        """Return arrays for a file, from which `restored` rebuilds the cycle; empty without one."""
        if self.moduli is None:
            return {}
        pace = np.array([self.first, self.last])
        return {"normal": self.moduli.normal, "shear": self.moduli.shear, "pace": pace}


def restored(arrays: Mapping[str, np.ndarray], model: VoxelModel, device: Device) -> CycleCache:
    """Rebuild a preconditioner from `CycleCache.arrays`, bit for bit."""
    if not arrays:
        return CycleCache()
    moduli = Moduli(arrays["normal"], arrays["shear"])
    first, last = (float(pace) for pace in arrays["pace"])
    return CycleCache(Cycle(operator(model, device, moduli)), moduli, first, last)
