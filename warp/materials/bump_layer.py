"""Bumps, pillars and balls with nothing between them, as one effective layer between two faces.

Neighbours do not touch each other, so the layer is transversely isotropic with hardly any stiffness
in its plane. Each member is a beam along z whose ends stay parallel, of section area A(z) and
second moment I(z), z from its middle; its ends, discs of radius a, sink into the faces and rock
there like rigid punches on half-spaces. With n members on a unit of area, f = n pi a^2 and the
height h:

    E_z = n h / (INT dz/(E A) + SUM c (1 - nu)/(4 G a))                                       axial
    G_xz = n h / (INT z^2/(E I) dz + INT dz/(kappa G A)
                  + SUM [c (2 - nu)/(8 G a) + 3 (1 - nu) (h/2)^2/(8 G a^3)])
    k_z = n h / (INT dz/(k A) + SUM c/(4 k a))                                                heat

kappa = 6 (1 + nu)/(7 + 6 nu) round, 10 (1 + nu)/(12 + 11 nu) square (Cowper 1966); SUM over both
faces with their own G, nu, k: Johnson, Contact Mechanics 1985, 3.7; c = (1 - sqrt f)^1.5 since
neighbours share a face (Cooper, Mikic and Yovanovich 1969, for heat; the fields of a straight push
are alike). Across, the layer has 1e-4 of the axial values: enough for a positive definite
stiffness, too little to matter. Warpage agrees with resolved columns of up to 1.5 diameters in
height to 3 %, of 3 diameters to 8 % (4 cells per diameter).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np

from warp.materials.curves import Values
from warp.materials.material import Array, Derived, Medium, normal_matrix

FAINT = 1e-4  # of the axial stiffness and conductivity, for the directions that nothing bridges
POINTS = 64  # of Gauss along the height


@dataclass(frozen=True)
class Member:
    """A member: height in m, INT dz/A and INT z^2/I dz in 1/m, volume in m3, end radius in m."""

    height: float
    slenderness: float
    bending: float
    volume: float
    radius: float
    """Of the ends in m; of a square, the disc of equal area."""
    square: bool = False


def column(diameter: float, height: float, square: bool = False) -> Member:
    """Return a straight column, round or square (`diameter` is then the side)."""
    area = diameter**2 if square else pi * diameter**2 / 4
    second = diameter**4 / 12 if square else pi * diameter**4 / 64
    return Member(
        height, height / area, height**3 / 12 / second, area * height, sqrt(area / pi), square
    )


def ball(diameter: float, height: float) -> Member:
    """Return a sphere cut by two planes at the distance `height`; its necks decide."""
    node, weight = np.polynomial.legendre.leggauss(POINTS)
    z, dz = node * height / 2, weight * height / 2
    square = diameter**2 / 4 - z**2  # of the radius
    area = pi * square
    bending = float(np.sum(dz * z**2 / (pi * square**2 / 4)))
    neck = sqrt(max(diameter**2 - height**2, 0.0)) / 2
    return Member(height, float(np.sum(dz / area)), bending, float(area @ dz), neck)


@dataclass(frozen=True)
class BumpLayer(Derived):
    """A layer of members of one medium, `density_of_sites` (1/m2) of them."""

    member: Member
    density_of_sites: float
    label: str
    """Its name."""
    faces: tuple[Medium, ...] = ()
    """The media below and above; a face that is not given is rigid."""

    @property
    def name(self) -> str:
        """Return the name for tables and messages."""
        return self.label

    @property
    def source(self) -> str:
        """Return where the values are from."""
        return f"beams of {self.medium.name}, standing free"

    @property
    def description(self) -> str:
        """Return one line for a reader."""
        return f"{100 * self.fraction:.4g} % {self.medium.name}, standing free"

    @property
    def knots(self) -> tuple[float, ...]:
        """Return the temperatures in K at which the members or the faces bend."""
        media = (self.medium, *self.faces)
        return tuple(sorted({knot for medium in media for knot in medium.knots}))

    @property
    def fraction(self) -> float:
        """Return the volume fraction of the members."""
        return self.density_of_sites * self.member.volume / self.member.height

    def stiffness(self, T: Values) -> Array:
        """Return the normal block (xx, yy, zz, yz, xz, xy) of the stiffness, Pa."""
        compliance = self.member.slenderness / _modulus(self.medium, T)
        for G, nu in self._rigidities(T):
            compliance = compliance + self._shared * (1 - nu) / (4 * G * self.member.radius)
        axial = self._layer(compliance)
        none = 0.0 * axial
        return np.stack((FAINT * axial, FAINT * axial, axial, none, none, none), axis=-1)

    def shear(self, T: Values) -> Array:
        """Return the shear moduli (yz, xz, xy), Pa."""
        E, G = _modulus(self.medium, T), self.medium.shear(T)[..., :2].mean(axis=-1)
        nu = np.clip(E / (2 * G) - 1, 0.0, 0.5)
        kappa = (
            10 * (1 + nu) / (12 + 11 * nu) if self.member.square else 6 * (1 + nu) / (7 + 6 * nu)
        )
        compliance = self.member.bending / E + self.member.slenderness / (kappa * G)
        a, arm = self.member.radius, self.member.height / 2
        for G, nu in self._rigidities(T):
            compliance = (
                compliance
                + self._shared * (2 - nu) / (8 * G * a)
                + 3 * (1 - nu) * arm**2 / (8 * G * a**3)
            )
        across = self._layer(compliance)
        return np.stack((across, across, FAINT * across), axis=-1)

    def conductivity(self, T: Values) -> Array:
        """Return the thermal conductivities, W/(m K)."""
        resistance = self.member.slenderness / self.medium.conductivity(T)[..., 2]
        for face in self.faces:
            spread = face.conductivity(T).prod(axis=-1) ** (1 / 3)
            resistance = resistance + self._shared / (4 * spread * self.member.radius)
        along = self._layer(resistance)
        return np.stack((FAINT * along, FAINT * along, along), axis=-1)

    @property
    def density(self) -> float:
        """Return the mass per volume in kg/m3."""
        return self.fraction * self.medium.density

    def heat_capacity(self, T: Values) -> Values:
        """Return the volumetric heat capacity, J/(m3 K)."""
        capacity: Values = self.fraction * self.medium.heat_capacity(T)
        return capacity

    def _layer(self, resistance: Array) -> Array:
        """Return the layer's property from a member's resistance (or compliance)."""
        return self.density_of_sites * self.member.height / resistance

    @property
    def _shared(self) -> float:
        """Return the fraction of a lone punch's compliance that remains beside its neighbours."""
        covered = min(1.0, self.density_of_sites * pi * self.member.radius**2)
        return float((1 - sqrt(covered)) ** 1.5)

    def _rigidities(self, T: Values) -> list[tuple[Array, Array]]:
        """Return shear modulus and Poisson's ratio of the faces, averaged over directions."""
        found = []
        for face in self.faces:
            C = normal_matrix(face.stiffness(T))
            trace = np.einsum("...ii->...", C)
            off = C[..., 0, 1] + C[..., 0, 2] + C[..., 1, 2]
            K, G = (trace + 2 * off) / 9, (trace - off) / 15 + face.shear(T).sum(axis=-1) / 5
            found.append((G, (3 * K - 2 * G) / (2 * (3 * K + G))))
        return found


def _modulus(medium: Medium, T: Values) -> Array:
    """Return Young's modulus along z."""
    return 1 / np.linalg.inv(normal_matrix(medium.stiffness(T)))[..., 2, 2]
