"""Derivatives by the Maxwell branches of media over one solve, and what a medium makes of them.

A medium that relaxes enters a solve through decay d, mean w and stiffness C_i, G_i of its branches
(history/maxwell) and through its effective stiffness, C_eff = SUM w_i C_i and G_eff = SUM w_i G_i.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warp.materials.material import Medium, normal_block
from warp.solvers.elastic.history.maxwell import Voxels, stiffness_of_branches

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class BranchPartials:
    """Derivatives of a metric by the branches of media over one solve, as in maxwell.Branches.

    known (media,): share of the volume of each medium that has relaxed before, at the body's
    temperature; the rest begins at its stress-free one.
    """

    decay: Array
    mean: Array
    normal: Array
    shear: Array
    known: Array

    @classmethod
    def zero(cls, voxels: Voxels, known: Array) -> BranchPartials:
        """Return derivatives of zero."""
        b = voxels.branches
        decay, mean, normal, shear = map(np.zeros_like, (b.decay, b.mean, b.normal, b.shear))
        return cls(decay, mean, normal, shear, known)

    def times(self, row: int, branches: MediumBranches) -> float:
        """Return the derivatives by the branches of a row times those of a medium."""
        n = len(branches.decay)
        found = self.decay[row, :n] @ branches.decay + self.mean[row, :n] @ branches.mean
        found += (self.normal[row, :n] * branches.normal).sum()
        found += (self.shear[row, :n] * branches.shear).sum()
        return float(found)


@dataclass(frozen=True, eq=False)
class MediumBranches:
    """The branches of one medium over one solve: arrays as in maxwell.Branches, of one row."""

    decay: Array
    mean: Array
    normal: Array
    shear: Array

    @classmethod
    def of(cls, medium: Medium, start: float, end: float, duration: float) -> MediumBranches:
        """Relax a medium for `duration` s on its way from `start` to `end` in K."""
        law = medium.relaxation
        assert law is not None
        decay, mean = law.step(start, end, duration)
        stiffness = stiffness_of_branches(law, medium.stiffness(end), medium.shear(end))
        return cls(decay, mean, *stiffness)

    @property
    def effective(self) -> tuple[Array, Array]:
        """Return C_eff (6,) and G_eff (3,) in Pa."""
        C = np.einsum("t,tab->ab", self.mean, self.normal)
        return normal_block(C), self.mean @ self.shear
