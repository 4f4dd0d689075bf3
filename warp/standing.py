"""Bumps, pillars and balls that stand free: one effective layer from a single one between two stiff faces.

Nothing ties neighbours to each other, so the layer is transversely isotropic with hardly any stiffness in its plane.
Each member is a beam along z whose ends stay parallel, of section area A(z) and second moment I(z), z from its middle;
n members stand on a unit of area and h is the height:

    E_z  = n h / INT dz/(E A)                                              axial
    G_xz = G_yz = n h / (INT z^2/(E I) dz + INT 1/(kappa G A) dz)          bending and shear (Timoshenko 1921)
    k_z  = n h / INT dz/(k A)                                              conduction
    kappa = 6 (1 + nu)/(7 + 6 nu) round, 10 (1 + nu)/(12 + 11 nu) square   (Cowper 1966)

Across, the layer has 1e-4 of the axial values: enough to be a sound material, too little to be felt.
Valid for a pitch well above the diameter and faces much stiffer than the members; a stubby member's ends also sink
into the faces, which the beam leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np

from warp.curves import Values
from warp.medium import Medium, normal_matrix

FAINT = 1e-4  # of the axial stiffness and conductivity, for the directions that nothing bridges
POINTS = 64  # of Gauss along the height


@dataclass(frozen=True)
class Member:
    """What its profile says of a member: height in m, INT dz/A in 1/m, INT z^2/I dz in 1/m, volume in m3."""

    height: float
    slenderness: float
    bending: float
    volume: float
    square: bool = False


def column(diameter: float, height: float, square: bool = False) -> Member:
    """A straight column, round or square (`diameter` is then the side)."""
    area = diameter**2 if square else pi * diameter**2 / 4
    second = diameter**4 / 12 if square else pi * diameter**4 / 64
    return Member(height, height / area, height**3 / 12 / second, area * height, square)


def ball(diameter: float, height: float) -> Member:
    """A sphere that two planes cut off at the distance `height`; its necks decide, a whole sphere would touch nothing."""
    node, weight = np.polynomial.legendre.leggauss(POINTS)
    z, dz = node * height / 2, weight * height / 2
    square = diameter**2 / 4 - z**2  # of the radius
    area = pi * square
    return Member(height, float(np.sum(dz / area)), float(np.sum(dz * z**2 / (pi * square**2 / 4))), float(area @ dz))


@dataclass(frozen=True)
class Standing:
    """A layer of members of one medium, `density_of_sites` (1/m2) of them; a medium itself."""

    medium: Medium
    member: Member
    density_of_sites: float
    name: str

    @property
    def source(self) -> str:
        return f"beams of {self.medium.name}, standing free"

    @property
    def description(self) -> str:
        return f"{100 * self.share:.4g} % {self.medium.name}, standing free"

    @property
    def stress_free_temperature(self) -> float | None:
        return self.medium.stress_free_temperature

    @property
    def share(self) -> float:
        """The volume fraction of the members."""
        return self.density_of_sites * self.member.volume / self.member.height

    def stiffness(self, T: Values) -> np.ndarray:
        """Return the normal block (xx, yy, zz, yz, xz, xy) of the stiffness, Pa."""
        axial = self._layer(self.member.slenderness) * _modulus(self.medium, T)
        none = 0.0 * axial
        return np.stack((FAINT * axial, FAINT * axial, axial, none, none, none), axis=-1)

    def shear(self, T: Values) -> np.ndarray:
        """Return the shear moduli (yz, xz, xy), Pa."""
        E, G = _modulus(self.medium, T), self.medium.shear(T)[..., :2].mean(axis=-1)
        nu = np.clip(E / (2 * G) - 1, 0.0, 0.5)
        kappa = 10 * (1 + nu) / (12 + 11 * nu) if self.member.square else 6 * (1 + nu) / (7 + 6 * nu)
        sway = 1 / (self.member.bending / E + self.member.slenderness / (kappa * G))
        across = self.density_of_sites * self.member.height * sway
        return np.stack((across, across, FAINT * across), axis=-1)

    def cte(self, T: Values) -> np.ndarray:
        """Return the instantaneous expansion coefficients, 1/K."""
        return self.medium.cte(T)

    def thermal_strain(self, T: Values, T0: Values) -> np.ndarray:
        """Return the free strain from T0 to T."""
        return self.medium.thermal_strain(T, T0)

    def conductivity(self, T: Values) -> np.ndarray:
        """Return the thermal conductivities, W/(m K)."""
        along = self._layer(self.member.slenderness) * self.medium.conductivity(T)[..., 2]
        return np.stack((FAINT * along, FAINT * along, along), axis=-1)

    @property
    def density(self) -> float:
        return self.share * self.medium.density

    def specific_heat(self, T: Values) -> Values:
        """Return the specific heat, J/(kg K)."""
        return self.medium.specific_heat(T)

    def heat_capacity(self, T: Values) -> Values:
        """Return the volumetric heat capacity, J/(m3 K)."""
        return self.share * self.medium.heat_capacity(T)

    def _layer(self, resistance: float) -> float:
        return self.density_of_sites * self.member.height / resistance


def _modulus(medium: Medium, T: Values) -> np.ndarray:
    """Young's modulus along z."""
    return 1 / np.linalg.inv(normal_matrix(medium.stiffness(T)))[..., 2, 2]
