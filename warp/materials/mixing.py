"""Mixing rules: several materials in one volume, as one material.

A rule fixes how the average strain is shared, strain_i = A_i strain; from that follow stiffness and
thermal stress (Levin 1967), without a second assumption:

    C* = SUM f_i C_i A_i,      C* thermal_strain* = SUM f_i A_i^T C_i thermal_strain_i

so a mixture's free strain follows from the phases' integrated strains and their stiffness at the
present temperature.

| rule             | geometry                          | elasticity                 | conduction |
|------------------|-----------------------------------|----------------------------|------------|
| x-, y-, z-layers | layers across that axis           | exact laminate             | exact      |
| columns          | a wall along z cuts the cell      | mean of laminates across   | likewise   |
|                  |                                   | x and y                    |            |
| balls            | a curved surface cuts the cell    | mean of laminates across   | likewise   |
|                  |                                   | x, y and z                 |            |
| particulate      | spheres in the last part          | Mori-Tanaka = lower        | Maxwell or |
|                  |                                   | Hashin-Shtrikman           | other      |
| fibres           | cylinders along z in the last     | cylinder assemblage        | Maxwell,   |
|                  | part, phases isotropic across     | (Hill, Hashin)             | z Voigt    |
| x-, y-fibres     | cylinders along that axis         | likewise                   | likewise   |
| voigt            | equal strain: copper planes       | upper bound                | parallel   |
| reuss            | equal stress                      | lower bound                | series     |
| traces           | signal copper in a dielectric     | in plane mean of Voigt and | likewise   |
|                  | layer                             | Reuss, z Voigt, expansion  |            |
|                  |                                   | by Turner                  |            |

A cell that is cut by a column's wall contains a piece of wall, whose normal lies in the plane and
takes all directions round the column; along z both materials run through and share the strain
(Voigt, exact for a short column between rigid faces), and across they are half in series, half in
parallel. Round a ball the normal takes every direction. Shear across an averaged normal is the mean
of its bounds. `traces` is the rule of ProtonNeutronElectron69/Packaging-TM-modeling-tool
(04-homogenize.js @8532cdd), on engineering constants, kept to compare with it.

None stands for void. A void part leaves the solids' mixture, multiplied by their fraction
(expansion unchanged): the volume is right and a partly filled cell stays connected to its
neighbours; an upper bound. Only a void inside a continuous matrix (particulate, fibres) is a pore
and goes through the rule as a phase of zero stiffness.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np

from warp.materials import composites
from warp.materials.composites import Phases
from warp.materials.curves import Values
from warp.materials.material import (
    ElasticLaw,
    MaterialClass,
    MaterialError,
    Medium,
    normal_block,
    normal_matrix,
)
from warp.materials.relaxation import Relaxation

RULES: dict[str, Callable[[Phases], Phases]] = {
    "x-layers": lambda phases: composites.laminate(phases, 0),
    "y-layers": lambda phases: composites.laminate(phases, 1),
    "z-layers": lambda phases: composites.laminate(phases, 2),
    "columns": lambda phases: composites.turning_laminate(phases, (0, 1)),
    "balls": lambda phases: composites.turning_laminate(phases, (0, 1, 2)),
    "particulate": composites.mori_tanaka,
    "fibres": composites.cylinder_assemblage,
    "x-fibres": lambda phases: composites.along(phases, 0),
    "y-fibres": lambda phases: composites.along(phases, 1),
    "voigt": composites.voigt,
    "reuss": composites.reuss,
    "traces": composites.traces,
}
ConductivityRule = Literal["maxwell", "bruggeman", "lewis-nielsen"]
LAWS: tuple[ElasticLaw, ...] = ("incremental", "total")
FIBRES = ("fibres", "x-fibres", "y-fibres")
CONTINUOUS = ("particulate", *FIBRES)  # the last part is the matrix
ROUND = (
    1e-3  # relative difference of stiffnesses that still counts as round-off of tabulated constants
)


KNOWN = 64
"""Temperatures whose stiffness a mixture keeps."""
LONGEST_LIST = 1024
"""Temperatures of a list whose stiffness a mixture keeps, of the last list alone: stiffness and
shear of the same points are asked for one after the other."""


@dataclass(frozen=True)
class Filler:
    """What conduction through a filled polymer needs beyond the fraction of filler."""

    conductivity_rule: ConductivityRule = "maxwell"
    maximum_packing: float = 0.637  # random close packing of spheres, Nielsen 1974
    particle_size: float | None = None  # diameter, m
    interface_resistance: float = 0.0  # m2 K/W


@dataclass(frozen=True)
class Mixed:
    """Several media as one; a medium itself. Build it with `mix`."""

    media: tuple[Medium | None, ...]
    fractions: tuple[float, ...]
    rule: str
    name: str
    stress_free_temperature: float | None = None
    filler: Filler = field(default_factory=Filler)

    @property
    def source(self) -> str:
        return f"mixed by the rule {self.rule!r} from " + ", ".join(self._part_names)

    @property
    def description(self) -> str:
        return " + ".join(
            f"{100 * f:.4g} % {name}"
            for f, name in zip(self.fractions, self._part_names, strict=True)
        )

    @property
    def material_class(self) -> MaterialClass | None:
        """Return the class of the largest part."""
        return self._largest.material_class

    @property
    def relaxation(self) -> Relaxation | None:
        """Return the law of the matrix, which stiff grains keep; else of the largest part."""
        if self.rule in CONTINUOUS and self.media[-1] is not None:
            return self.media[-1].relaxation
        return self._largest.relaxation

    @property
    def elastic_law(self) -> ElasticLaw | None:
        """Return "incremental" if that is any part's law; to constant parts the law is the same."""
        laws = {medium.elastic_law for medium in self.media if medium is not None}
        return next((law for law in LAWS if law in laws), None)

    @property
    def _largest(self) -> Medium:
        """Return the part of the greatest volume fraction, void aside."""
        parts = zip(self.fractions, self.media, strict=True)
        solid = [(f, medium) for f, medium in parts if medium is not None]
        return max(solid, key=lambda part: part[0])[1]

    @property
    def knots(self) -> tuple[float, ...]:
        """Return the temperatures in K at which a part's property bends."""
        return tuple(
            sorted({knot for medium in self.media if medium is not None for knot in medium.knots})
        )

    def stiffness(self, T: Values) -> np.ndarray:
        """Return the normal block (xx, yy, zz, yz, xz, xy) of the stiffness, Pa."""
        return self._scale * normal_block(self._moduli(T).C)

    def shear(self, T: Values) -> np.ndarray:
        """Return the shear moduli (yz, xz, xy), Pa."""
        return self._scale * self._moduli(T).G

    def cte(self, T: Values) -> np.ndarray:
        """Return the instantaneous expansion coefficients, 1/K."""
        return self._strain(T, lambda medium: medium.cte(T))

    def thermal_strain(self, T: Values, T0: Values) -> np.ndarray:
        """Return the free strain from T0 to T, by the phases' free strains and stiffness at T."""
        return self._strain(T, lambda medium: medium.thermal_strain(T, T0))

    def conductivity(self, T: Values) -> np.ndarray:
        """Return the thermal conductivities, W/(m K)."""
        zero = np.zeros((*np.shape(T), 3))
        k = np.stack(
            [zero if medium is None else medium.conductivity(T) for medium in self._phases]
        )
        f, filler = self._phase_fractions, self.filler
        if len(k) == 1:
            return self._scale * k[0]
        if self.rule == "particulate":
            k = k.mean(axis=-1)  # the rule is for isotropic phases
            if filler.interface_resistance > 0.0:
                if filler.particle_size is None:
                    raise MaterialError(
                        f"material {self.name!r}: interface_resistance needs a particle_size",
                        "mixture",
                    )
                k[:-1] = composites.behind_interface(
                    k[:-1], filler.interface_resistance, filler.particle_size
                )
            filled = 1.0 - float(f[-1])
            if filler.conductivity_rule == "lewis-nielsen" and filled > filler.maximum_packing:
                most = f"maximum_packing of {100 * filler.maximum_packing:.4g} %"
                raise MaterialError(
                    f"material {self.name!r}: {100 * filled:.4g} % filler is more than the {most}; "
                    'take less, or conductivity_rule = "bruggeman" for grains of very different '
                    "sizes",
                    "mixture",
                )
            k_all = composites.spheres_conductivity(
                k, f, filler.conductivity_rule, filler.maximum_packing
            )
            return self._scale * np.stack((k_all,) * 3, axis=-1)
        return self._scale * composites.conduction(k, f, self.rule)

    @property
    def density(self) -> float:
        parts = zip(self.fractions, self.media, strict=True)
        return sum(f * medium.density for f, medium in parts if medium is not None)

    def specific_heat(self, T: Values) -> Values:
        """Return the specific heat, J/(kg K)."""
        return self.heat_capacity(T) / self.density

    def heat_capacity(self, T: Values) -> Values:
        """Return the volumetric heat capacity, J/(m3 K)."""
        parts = zip(self.fractions, self.media, strict=True)
        return sum(f * medium.heat_capacity(T) for f, medium in parts if medium is not None)

    def _moduli(self, T: Values) -> Phases:
        """Return the stiffness, computed once for one temperature: mixtures nest."""

        def elastic() -> Phases:
            return self._elastic(T, lambda medium: np.zeros((*np.shape(T), 3)))

        if isinstance(T, float):
            if T not in self._known:
                if len(self._known) >= KNOWN:
                    self._known.clear()
                self._known[T] = elastic()
            return self._known[T]
        if np.size(T) > LONGEST_LIST:  # a field
            return elastic()
        key = np.shape(T), np.asarray(T, np.float64).tobytes()
        if key not in self._known_list:
            self._known_list.clear()
            self._known_list[key] = elastic()
        return self._known_list[key]

    @cached_property
    def _known(self) -> dict[float, Phases]:
        return {}

    @cached_property
    def _known_list(self) -> dict[tuple[tuple[int, ...], bytes], Phases]:
        return {}

    def _elastic(self, T: Values, strain: Callable[[Medium], np.ndarray]) -> Phases:
        C, G, stress = [], [], []
        for medium in self._phases:
            if medium is None:
                C.append(np.zeros((*np.shape(T), 3, 3)))
                G.append(np.zeros((*np.shape(T), 3)))
                stress.append(np.zeros((*np.shape(T), 3)))
            else:
                C.append(normal_matrix(medium.stiffness(T)))
                G.append(medium.shear(T))
                stress.append(np.einsum("...ij,...j->...i", C[-1], strain(medium)))
        if self.rule in FIBRES and len(C) > 1:
            self._check_round(C, G)
        rule = RULES["voigt" if len(C) == 1 else self.rule]
        found = rule(Phases(self._phase_fractions, np.stack(C), np.stack(G), np.stack(stress)))
        if self.rule == "traces" and np.linalg.eigvalsh(found.C).min() <= 0:
            message = "its parts differ too much in stiffness for the rule 'traces': take z-layers"
            raise MaterialError(f"material {self.name!r}: {message}", "mixture")
        return found

    def _check_round(self, C: Sequence[np.ndarray], G: Sequence[np.ndarray]) -> None:
        """Refuse phases that are not isotropic across the fibres: no closed form is known."""
        axis = {"fibres": 2, "x-fibres": 0, "y-fibres": 1}[self.rule]
        one, other = (axis + 1) % 3, (axis + 2) % 3
        for medium, c, g in zip(self._phases, C, G, strict=True):
            direct, cross = (c[..., one, one] + c[..., other, other]) / 2, c[..., one, other]
            off = (
                c[..., one, one] - c[..., other, other],
                c[..., one, axis] - c[..., other, axis],
                g[..., one] - g[..., other],
                direct - cross - 2 * g[..., axis],
            )
            if (
                max(
                    float(np.max(np.abs(value) / (direct + g[..., axis] + 1e-300))) for value in off
                )
                > ROUND
            ):
                fibres = f"fibres along {'xyz'[axis]}"
                what = f"{fibres} need materials that are alike in all directions across them"
                remedy = 'take an isotropic one, the rule "columns", or resolved columns'
                raise MaterialError(
                    f"{what}; {medium.name if medium else 'void'!r} is not: {remedy}", "mixture"
                )

    def _strain(self, T: Values, strain: Callable[[Medium], np.ndarray]) -> np.ndarray:
        mixed = self._elastic(T, strain)
        return np.linalg.solve(mixed.C, mixed.stress[..., None])[..., 0]

    @cached_property
    def _phases(self) -> tuple[Medium | None, ...]:
        """Return the parts that go through the rule: solids, and pores in a continuous matrix."""
        if self.rule in CONTINUOUS and self.media[-1] is not None:
            return self.media
        return tuple(medium for medium in self.media if medium is not None)

    @cached_property
    def _phase_fractions(self) -> np.ndarray:
        if len(self._phases) == len(self.media):
            return np.array(self.fractions)
        solid = [
            f for f, medium in zip(self.fractions, self.media, strict=True) if medium is not None
        ]
        return np.array(solid) / sum(solid)

    @cached_property
    def _scale(self) -> float:
        """Return the fraction of the volume that goes through the rule; the rest is void."""
        if len(self._phases) == len(self.media):
            return 1.0
        return sum(
            f for f, medium in zip(self.fractions, self.media, strict=True) if medium is not None
        )

    @property
    def _part_names(self) -> list[str]:
        return ["void" if medium is None else medium.name for medium in self.media]


def filled(medium: Medium | None) -> float:
    """Return the fraction of a mixture that is not void, through mixtures of mixtures."""
    if isinstance(medium, Mixed):
        parts = zip(medium.fractions, medium.media, strict=True)
        return sum(f * filled(part) for f, part in parts)
    return 0.0 if medium is None else 1.0


def mix(
    media: Sequence[Medium | None],
    fractions: Sequence[float],
    rule: str,
    name: str | None = None,
    stress_free_temperature: float | None = None,
    filler: Filler | None = None,
) -> Mixed:
    """Return the media, None for void, as one medium.

    For particulate and fibres the last one is the matrix.
    """
    if rule not in RULES:
        raise MaterialError(f"mixing rule {rule!r} is not known: {', '.join(RULES)}", "mixture")
    if len(media) != len(fractions) or min(fractions) < 0.0 or abs(sum(fractions) - 1.0) > 1e-6:
        raise MaterialError(
            f"mixing needs one fraction per material, none negative, sum 1: {list(fractions)}",
            "mixture",
        )
    if not any(f > 0.0 for medium, f in zip(media, fractions, strict=True) if medium is not None):
        raise MaterialError("a mixture needs at least one material besides void", "mixture")
    if rule in FIBRES and len(media) != 2:
        raise MaterialError(f"the rule {rule!r} takes one fibre and one matrix", "mixture")
    present = [
        (medium, float(f))
        for medium, f in zip(media, fractions, strict=True)
        if f > 0.0 or rule in CONTINUOUS
    ]
    found = Mixed(
        tuple(medium for medium, _ in present),
        tuple(f for _, f in present),
        rule,
        name or "",
        stress_free_temperature,
        filler or Filler(),
    )
    return found if name else replace(found, name=found.description)
