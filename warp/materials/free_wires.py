"""Bond wires with nothing between them: they conduct along their axis and carry no load.

A loop gives way: its ends move by its bending, and against that its stiffness along a straight line
is E A (d/L)^2 in order of magnitude, of diameter d and length L. The layer is therefore as soft as
positive definiteness allows, FAINT of the wires' own stiffness in every direction.

    E = FAINT f E_wire      k = f k_wire along the wires, FAINT of it across
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from warp.materials.bump_layer import FAINT
from warp.materials.curves import Values
from warp.materials.material import Array, Derived


@dataclass(frozen=True, eq=False)
class LooseWires(Derived):
    """Wires of one medium, a `fraction` of the volume, along x, y, or aslant in plane."""

    fraction: float
    direction: Literal["x", "y", "xy"]
    label: str
    """Its name."""

    @property
    def name(self) -> str:
        """Return the name for tables and messages."""
        return self.label

    @property
    def description(self) -> str:
        """Return one line for a reader."""
        return f"{100 * self.fraction:.4g} % {self.medium.name}, standing free"

    def stiffness(self, T: Values) -> Array:
        """Return the normal block (xx, yy, zz, yz, xz, xy) of the stiffness, Pa."""
        return FAINT * self.fraction * self.medium.stiffness(T)

    def shear(self, T: Values) -> Array:
        """Return the shear moduli (yz, xz, xy), Pa."""
        return FAINT * self.fraction * self.medium.shear(T)

    def conductivity(self, T: Values) -> Array:
        """Return the thermal conductivities, W/(m K)."""
        along = self.fraction * self.medium.conductivity(T)
        return along * np.array([1.0 if axis in self.direction else FAINT for axis in "xyz"])

    @property
    def density(self) -> float:
        """Return the mass per volume in kg/m3."""
        return self.fraction * self.medium.density

    def heat_capacity(self, T: Values) -> Values:
        """Return the volumetric heat capacity, J/(m3 K)."""
        return self.fraction * self.medium.heat_capacity(T)
