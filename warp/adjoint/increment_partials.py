"""Derivatives by what media of the incremental law enter over one solve (`increments`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warp.materials.material import Medium, normal_matrix
from warp.solvers.elastic.history.incremental import means

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class IncrementPartials:
    """Derivatives of a metric by the tables of each medium.

    first, last (media, 3, 3): by R1 and R2; shift, free (media, 3): by m and a1; shear_first,
    shear_last (media, 3): by the shear moduli at both ends, per Pa. known (media,): share of the
    volume that is at the body's temperature before; the rest begins at its stress-free one. law:
    marks the media.
    """

    first: Array
    last: Array
    shift: Array
    free: Array
    shear_first: Array
    shear_last: Array
    known: Array
    law: Array

    @classmethod
    def zero(cls, known: Array, law: Array) -> IncrementPartials:
        """Return derivatives of zero."""
        count = len(law)
        first, last = np.zeros((2, count, 3, 3))
        shift, free, one, other = np.zeros((4, count, 3))
        return cls(first, last, shift, free, one, other, known, law)

    def times(
        self, row: int, medium: Medium, T1: float, T2: float, free_at: float
    ) -> tuple[float, Array, Array]:
        """Return the derivatives by a row times what a medium makes of it, and <C> (6,), <G> (3,).

        T1, T2: temperatures in K at both ends; free_at: the stress-free one.
        """
        C, G, held = means(medium, T1, T2)
        C1, Cm, C2 = (normal_matrix(c) for c in (medium.stiffness(T1), C, medium.stiffness(T2)))
        a1, a2 = medium.thermal_strain(T1, free_at), medium.thermal_strain(T2, free_at)
        shift = np.linalg.solve(Cm, held - Cm @ (a2 - a1))
        found = (self.first[row] * np.linalg.solve(Cm, C1)).sum()
        found += (self.last[row] * np.linalg.solve(C2, Cm)).sum()
        found += self.shift[row] @ shift + self.free[row] @ a1
        found += self.shear_first[row] @ medium.shear(T1) + self.shear_last[row] @ medium.shear(T2)
        return float(found), C, G
