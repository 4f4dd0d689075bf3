"""Material answers: elastic, thermal-expansion and heat-conduction properties at a temperature.

Linear thermo-elasticity, stiffness at the current temperature, free strain counted from a
stress-free one:

    sigma = C(T) (strain - thermal_strain(T, T0)),   thermal_strain = INT cte dT from T0 to T

That is the total law. By the incremental one, a choice of each material (`elastic_law`), an
increment of stress has the stiffness of its temperature, d sigma = C(T) (d strain - cte dT).

The elastic axes are the package's axes. Isotropic: youngs_modulus, poissons_ratio. Orthotropic:
three Young's moduli, shear moduli and Poisson's ratios nu_ij = -strain_j / strain_i under a stress
along i, so that the compliance is

    S_ii = 1/E_i,    S_ij = -nu_ij/E_i    (ij = xy, yz, xz),    C = inverse of S

Triples over directions say (x, y, z); over planes (yz, xz, xy). A stiffness is
(C_xx, C_yy, C_zz, C_yz, C_xz, C_xy). Every evaluation takes T in kelvin, a float or an array, and
puts the components on the last axis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from warp.errors import WarpError
from warp.materials.curves import Curve, Triple, Values
from warp.materials.relaxation import Relaxation

Array = np.ndarray
MaterialClass = Literal["silicon", "metal", "solder", "polymer", "laminate", "ceramic", "glass"]
"""What kind of thing a material is: for the colours of pictures and for plausible values."""
ElasticLaw = Literal["total", "incremental"]
"""How stress follows from a stiffness that depends on temperature."""


class MaterialError(WarpError):
    """A material that cannot be; `key` names the offending property if there is one."""

    def __init__(self, message: str, key: str | None = None):
        super().__init__(message)
        self.key = key


class Medium(Protocol):
    """What the solvers ask of a material, a mixture or an effective layer.

    Implemented by Material, by `mixing.Mixed`, and by Derived with its subclasses.
    """

    @property
    def name(self) -> str:
        """Return the name for tables and messages."""

    @property
    def description(self) -> str:
        """Return one line for a reader."""

    @property
    def source(self) -> str:
        """Return where the values are from."""

    @property
    def material_class(self) -> MaterialClass | None:
        """Return the class of the material, or of most of it."""

    @property
    def density(self) -> float:
        """Return the mass per volume in kg/m3."""

    @property
    def stress_free_temperature(self) -> float | None:
        """Return the temperature in K at which the material sets, if it has one."""

    @property
    def relaxation(self) -> Relaxation | None:
        """Return the viscoelastic law of the stiffness, which is then the instantaneous one."""

    @property
    def elastic_law(self) -> ElasticLaw | None:
        """Return the law of a stiffness that depends on temperature; None, by default: total."""

    @property
    def knots(self) -> tuple[float, ...]:
        """Return the temperatures in K at which a property bends."""

    def stiffness(self, T: Values) -> Array:
        """Return the normal block (xx, yy, zz, yz, xz, xy) of the stiffness in Pa."""

    def shear(self, T: Values) -> Array:
        """Return the shear moduli (yz, xz, xy) in Pa."""

    def cte(self, T: Values) -> Array:
        """Return the instantaneous expansion coefficients in 1/K."""

    def thermal_strain(self, T: Values, T0: Values) -> Array:
        """Return the free strain from T0 to T."""

    def conductivity(self, T: Values) -> Array:
        """Return the thermal conductivities in W/(m K)."""

    def specific_heat(self, T: Values) -> Values:
        """Return the specific heat in J/(kg K)."""

    def heat_capacity(self, T: Values) -> Values:
        """Return the volumetric heat capacity in J/(m3 K)."""


@dataclass(frozen=True)
class Material:
    """One material: `laws` holds three curves per property, by the property's name in the file.

    A property may be missing; asking for it is a MaterialError.
    """

    name: str
    laws: Mapping[str, Triple]
    source: str = ""
    description: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    glass_transition: float | None = None
    stress_free_temperature: float | None = None
    temperature_range: tuple[float, float] | None = None
    relaxation: Relaxation | None = None
    """Of the stiffness, which is then the instantaneous one."""
    material_class: MaterialClass | None = None
    elastic_law: ElasticLaw | None = None
    """None: total, by default."""

    @property
    def isotropic(self) -> bool:
        """Tell whether the elastic properties are the same in every direction."""
        return "shear_modulus" not in self.laws

    def stiffness(self, T: Values) -> Array:
        """Return the normal block (xx, yy, zz, yz, xz, xy) of the stiffness, Pa."""
        moduli, ratios = self.law("youngs_modulus"), self.law("poissons_ratio")
        if not self.isotropic:
            return normal_block(np.linalg.inv(compliance(at(moduli, T), at(ratios, T))))
        E, nu = moduli[0](T), ratios[0](T)
        direct = E * (1 - nu) / ((1 + nu) * (1 - 2 * nu))
        cross = E * nu / ((1 + nu) * (1 - 2 * nu))
        return np.stack((direct, direct, direct, cross, cross, cross), axis=-1)

    def shear(self, T: Values) -> Array:
        """Return the shear moduli (yz, xz, xy), Pa."""
        if not self.isotropic:
            return at(self.law("shear_modulus"), T)
        E, nu = self.law("youngs_modulus")[0](T), self.law("poissons_ratio")[0](T)
        return np.stack((E / (2 * (1 + nu)),) * 3, axis=-1)

    def cte(self, T: Values) -> Array:
        """Return the instantaneous expansion coefficients, 1/K."""
        return at(self.law("cte"), T)

    def thermal_strain(self, T: Values, T0: Values) -> Array:
        """Return the free strain from T0 to T: the integral of the instantaneous coefficient."""
        return along(self.law("cte"), lambda curve: curve.integral(T0, T))

    def conductivity(self, T: Values) -> Array:
        """Return the thermal conductivities, W/(m K)."""
        return at(self.law("conductivity"), T)

    @property
    def density(self) -> float:
        """Return the mass per volume in kg/m3, taken as constant."""
        return float(self.law("density")[0](298.15))

    def specific_heat(self, T: Values) -> Values:
        """Return the specific heat, J/(kg K)."""
        return self.law("specific_heat")[0](T)

    def heat_capacity(self, T: Values) -> Values:
        """Return the volumetric heat capacity, J/(m3 K)."""
        return self.density * self.specific_heat(T)

    @property
    def knots(self) -> tuple[float, ...]:
        """Return the temperatures in K at which a property bends."""
        return tuple(
            sorted({knot for law in self.laws.values() for curve in law for knot in curve.knots})
        )

    def law(self, key: str) -> Triple:
        """Return a property's three curves; MaterialError where the material has none."""
        if key not in self.laws:
            raise MaterialError(
                f"material {self.name!r} has no {key}, and this analysis needs it", key
            )
        return self.laws[key]


def at(curves: Triple, T: Values) -> Array:
    """Evaluate three curves at T; components last."""
    return along(curves, lambda curve: curve(T))


def along(curves: Triple, law: Callable[[Curve], Values]) -> Array:
    """Apply a law to each of three curves, once where they are the same; components last."""
    first = law(curves[0])
    others = [first if curve is curves[0] else law(curve) for curve in curves[1:]]
    return np.stack((first, *others), axis=-1)


def compliance(E: Array, nu: Array) -> Array:
    """Return the 3x3 normal compliance on the last axes.

    `E` is (E_x, E_y, E_z), `nu` (nu_yz, nu_xz, nu_xy).
    """
    S = np.empty((*np.shape(E), 3))
    for i in range(3):
        S[..., i, i] = 1 / E[..., i]
    for plane, (i, j) in enumerate(((1, 2), (0, 2), (0, 1))):
        S[..., i, j] = S[..., j, i] = -nu[..., plane] / E[..., i]
    return S


def normal_block(C: Array) -> Array:
    """Pack a symmetric 3x3 as (xx, yy, zz, yz, xz, xy)."""
    return C[..., [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]


def normal_matrix(stiffness: Array) -> Array:
    """Unpack (xx, yy, zz, yz, xz, xy) into a symmetric 3x3."""
    return stiffness[..., [[0, 5, 4], [5, 1, 3], [4, 3, 2]]]


def constituents(medium: Medium, name: str = "") -> Iterator[tuple[str, Material]]:
    """Yield the materials of the library and of the case that a medium is made of, with names.

    name: of the medium itself, for a medium that is a material.
    """
    if isinstance(medium, Material):
        yield name, medium
    for part in (*getattr(medium, "media", ()), getattr(medium, "medium", None)):
        if part is not None:
            yield from constituents(part, part.name)


@dataclass(frozen=True, eq=False)
class Derived:
    """A medium derived from another: its properties, except those that a subclass overrides."""

    medium: Medium

    @property
    def name(self) -> str:
        """Return the name for tables and messages."""
        return self.medium.name

    @property
    def description(self) -> str:
        """Return one line for a reader."""
        return self.medium.description

    @property
    def source(self) -> str:
        """Return where the values are from."""
        return self.medium.source

    @property
    def material_class(self) -> MaterialClass | None:
        """Return the class of the material."""
        return self.medium.material_class

    @property
    def density(self) -> float:
        """Return the mass per volume in kg/m3."""
        return self.medium.density

    @property
    def stress_free_temperature(self) -> float | None:
        """Return the temperature in K at which the material sets, if it has one."""
        return self.medium.stress_free_temperature

    @property
    def relaxation(self) -> Relaxation | None:
        """Return the viscoelastic law of the stiffness."""
        return self.medium.relaxation

    @property
    def elastic_law(self) -> ElasticLaw | None:
        """Return the law of a stiffness that depends on temperature; None, by default: total."""
        return self.medium.elastic_law

    @property
    def knots(self) -> tuple[float, ...]:
        """Return the temperatures in K at which a property bends."""
        return self.medium.knots

    def stiffness(self, T: Values) -> Array:
        """Return the normal block (xx, yy, zz, yz, xz, xy) of the stiffness in Pa."""
        return self.medium.stiffness(T)

    def shear(self, T: Values) -> Array:
        """Return the shear moduli (yz, xz, xy) in Pa."""
        return self.medium.shear(T)

    def cte(self, T: Values) -> Array:
        """Return the instantaneous expansion coefficients in 1/K."""
        return self.medium.cte(T)

    def thermal_strain(self, T: Values, T0: Values) -> Array:
        """Return the free strain from T0 to T."""
        return self.medium.thermal_strain(T, T0)

    def conductivity(self, T: Values) -> Array:
        """Return the thermal conductivities in W/(m K)."""
        return self.medium.conductivity(T)

    def specific_heat(self, T: Values) -> Values:
        """Return the specific heat in J/(kg K)."""
        return self.medium.specific_heat(T)

    def heat_capacity(self, T: Values) -> Values:
        """Return the volumetric heat capacity in J/(m3 K)."""
        return self.medium.heat_capacity(T)


@dataclass(frozen=True, eq=False)
class Phase(Derived):
    """A medium in a mixture, strained since its own stress-free temperature `since` in K."""

    since: float

    def thermal_strain(self, T: Values, T0: Values) -> Array:
        """Return the free strain from `since` to T; the mixture's own temperature T0 is ignored."""
        return self.medium.thermal_strain(T, self.since)


@dataclass(frozen=True, eq=False)
class Shrunk(Derived):
    """A medium that has become shorter by `shrinkage` since it was free of stress, equally."""

    shrinkage: float
    before: str = ""
    """Name of the medium before it shrank, for pictures."""

    def thermal_strain(self, T: Values, T0: Values) -> Array:
        """Return the free strain from T0 to T, less the shrinkage."""
        return self.medium.thermal_strain(T, T0) - self.shrinkage


@dataclass(frozen=True, eq=False)
class Prestressed(Derived):
    """A medium with an intrinsic stress in plane at its stress-free temperature, in Pa.

    That is the stress of a flat film that its substrate holds, tensile if positive; its free strain
    there is -S (stress, stress, 0), with the compliance S at the stress-free temperature.
    """

    intrinsic_stress: float

    def thermal_strain(self, T: Values, T0: Values) -> Array:
        """Return the free strain from T0 to T, less that of the intrinsic stress at T0."""
        in_plane = np.array([self.intrinsic_stress, self.intrinsic_stress, 0.0])
        strain = np.linalg.inv(normal_matrix(self.medium.stiffness(T0))) @ in_plane
        return self.medium.thermal_strain(T, T0) - strain


@dataclass(frozen=True)
class Turned(Derived):
    """A medium turned by a quarter about z: x and y exchange."""

    @property
    def name(self) -> str:
        """Return the name for tables and messages."""
        return f"{self.medium.name} (turned)"

    def stiffness(self, T: Values) -> Array:
        """Return the normal block (xx, yy, zz, yz, xz, xy) of the stiffness in Pa."""
        return self.medium.stiffness(T)[..., [1, 0, 2, 4, 3, 5]]

    def shear(self, T: Values) -> Array:
        """Return the shear moduli (yz, xz, xy) in Pa."""
        return self.medium.shear(T)[..., [1, 0, 2]]

    def cte(self, T: Values) -> Array:
        """Return the instantaneous expansion coefficients in 1/K."""
        return self.medium.cte(T)[..., [1, 0, 2]]

    def thermal_strain(self, T: Values, T0: Values) -> Array:
        """Return the free strain from T0 to T."""
        return self.medium.thermal_strain(T, T0)[..., [1, 0, 2]]

    def conductivity(self, T: Values) -> Array:
        """Return the thermal conductivities in W/(m K)."""
        return self.medium.conductivity(T)[..., [1, 0, 2]]


def rotated(medium: Medium, quarter_turns: int) -> Medium:
    """Return the medium turned about z by quarter turns; two of them are none."""
    if quarter_turns % 2 == 0:
        return medium
    return medium.medium if isinstance(medium, Turned) else Turned(medium)
