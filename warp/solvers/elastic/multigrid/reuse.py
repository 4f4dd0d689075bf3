"""One V-cycle for many load steps of a body: while its media keep nearly their stiffness, the cycle of an earlier load step serves.

Conjugate gradients solve for the operator as it is, whatever the preconditioner was made of; stiffnesses that are all off by
up to a share s cost about a factor of sqrt((1 + s)/(1 - s)) in iterations at most. Making a cycle takes longer than a solve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from warp.device import Device
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.operator import Moduli, Operator
from warp.voxels.voxelize import VoxelModel

if TYPE_CHECKING:
    from warp.solvers.elastic.operator import Operator


def restored(arrays: Mapping[str, np.ndarray], model: VoxelModel, device: Device) -> Reuse:
    """Make a preconditioner again from `Reuse.arrays`, with the same numbers."""
    if not arrays:
        return Reuse()
    stiffness = moduli_of(arrays)
    cycle = Cycle(Operator(model, device, np.zeros(0), stiffness))
    return Reuse(cycle, stiffness, *(float(pace) for pace in arrays["pace"]))


DRIFT = 0.2
"""Share by which no modulus of a medium may differ from the one that the cycle was made of."""
SLOWER = 1.5
"""Times the iterations a decade of its first solve: a cycle that needs more is made anew."""


@dataclass
class Reuse:
    """A cycle, the moduli (media, 6) and (media, 3) that it was made of, and the pace of its first and last solve in
    iterations a decade. The voxels stay the same: a body that changes takes a new one."""

    cycle: Cycle | None = None
    moduli: Moduli | None = None
    first: float = 0.0
    last: float = 0.0

    def of(self, A: Operator, moduli: Moduli) -> Cycle:
        """The cycle for an operator of these moduli: the one there is, or a new one."""
        if self.cycle is None or not self.serves(moduli):
            self.cycle = None  # its memory goes first
            self.cycle, self.moduli, self.first, self.last = Cycle(A), moduli, 0.0, 0.0
        return self.cycle

    def forget(self) -> None:
        """Keep nothing: a support is another operator."""
        self.cycle, self.moduli, self.first, self.last = None, None, 0.0, 0.0

    def serves(self, moduli: Moduli) -> bool:
        """Whether the moduli are near enough, and the cycle was not slow when last used."""
        if self.moduli is None or self.last > SLOWER * self.first:
            return False
        pairs = zip(moduli, self.moduli, strict=True)
        return all(bool(np.all(np.abs(now - then) <= DRIFT * np.abs(then))) for now, then in pairs)

    def took(self, residuals: Sequence[float]) -> None:
        """Note a solve by its residuals."""
        fall = (
            np.log10(residuals[0] / residuals[-1])
            if len(residuals) > 1 and residuals[-1] > 0
            else 0.0
        )
        if fall > 0:
            self.last = float((len(residuals) - 1) / fall)
            self.first = self.first or self.last

    def arrays(self) -> dict[str, np.ndarray]:
        """What a cycle of the same numbers can be made of again; empty without one."""
        if self.moduli is None:
            return {}
        return {
            "normal": self.moduli[0],
            "shear": self.moduli[1],
            "pace": np.array([self.first, self.last]),
        }


def moduli_of(arrays: Mapping[str, np.ndarray]) -> Moduli:
    """The moduli among `Reuse.arrays`."""
    return arrays["normal"], arrays["shear"]
