"""Name materials whose glass transition is crossed by a law that does not suit it.

Two laws of a stiffness that depends on temperature are in use, and they differ by tens of per cent
(`elastic_law`). Cooled through its transition a polymer follows the incremental one. What is
strained as a glass and then heated to a rubber follows neither: by the incremental law the stress
of the glass stays, and in truth it relaxes within seconds.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from warp.case.case import Case
from warp.errors import listed
from warp.materials.material import Material, Medium, constituents, normal_matrix
from warp.solvers.elastic.history.incremental import means
from warp.units import ZERO_CELSIUS

RELAXATION_TABLE = (
    'relaxation = { youngs_modulus = [["1 s", "45 %"], ["100 s", "50 %"]], '
    'wlf = { reference = "130 degC", c1 = 17.44, c2 = "51.6 K" } }'
)
RELAXATION = (
    "let it relax, by its master curve or roughly: in [material.NAME] one youngs_modulus, that of "
    f"the glass, and {RELAXATION_TABLE}, the reference near its glass transition"
)
"""A remedy that can be written as it stands: c1 and c2 are the universal ones of Williams, Landel
and Ferry, J. Am. Chem. Soc. 77 (1955) 3701."""
TRANSITION = 3.0  # factor of a stiffness; metals soften by less up to their use at 260 degC
APART = 0.5  # relative difference of two stresses; of the warpage it is some tenth


def laws_apart(case: Case) -> list[str]:
    """Name the materials with a transition whose stress depends on the law of their stiffness.

    One sentence for those that give no `elastic_law`, become stiffer or softer by TRANSITION on the
    way from stress free to the temperature of the case farthest from there, and would have stresses
    that differ by APART if they were held.
    """
    if case.heat_alone or case.file.load.elastic_law is not None:
        return []
    found: dict[str, float] = {}
    for _, medium, part_material, (start, *wanted) in uses(case):
        for name, material in constituents(medium, part_material):
            farthest = max(wanted, default=start, key=lambda T: abs(T - start))
            ratio = _ratio_of_laws(material, start, farthest)
            found[name] = max(ratio, found.get(name, 1.0), key=_apart)
    found = {name: ratio for name, ratio in found.items() if _apart(ratio) > np.log1p(APART)}
    if not found:
        return []
    first = sorted(found, key=lambda name: -_apart(found[name]))
    names = listed([f"'{name}' {found[name]:.2g}" for name in first], most=4)
    return [
        f"stress by the total law over that by the incremental one, if held: {names}. Cooled "
        "through a glass transition the incremental one is right: elastic_law = "
        f'"incremental" in [load] or [material.NAME]; heated through one, neither: {RELAXATION}; '
        'elastic_law = "total" says that this is meant'
    ]


def _ratio_of_laws(material: Material, start: float, T: float) -> float:
    """Return the stress by the total law over that by the incremental one, if held from `start`.

    1 where a material has no transition on the way, or names its law. Temperatures in K.
    """
    if material.elastic_law is not None or material.relaxation is not None:
        return 1.0
    first, last = material.stiffness(start)[0], material.stiffness(T)[0]
    if max(first, last) < TRANSITION * min(first, last):
        return 1.0
    total = normal_matrix(material.stiffness(T)) @ material.thermal_strain(T, start)
    return float(total[0] / means(material, start, T)[2][0])


def _apart(ratio: float) -> float:
    return abs(float(np.log(abs(ratio))))


def glass_kept(case: Case) -> list[str]:
    """Name the materials of the incremental law that are solid as a glass and become a rubber.

    One sentence for those whose stiffness falls by TRANSITION from the temperature at which they
    are free of stress to a higher one of the case.
    """
    found: dict[str, str] = {}
    for _, medium, part_material, (start, *wanted) in [] if case.heat_alone else uses(case):
        hottest = max(wanted, default=start)
        for name, material in constituents(medium, part_material):
            if material.elastic_law != "incremental" or hottest <= start:
                continue
            first, last = material.stiffness(start)[0], material.stiffness(hottest)[0]
            if first >= TRANSITION * last:
                found[name] = f"'{name}' ({_degrees(start)}, heated to {_degrees(hottest)} degC)"
    if not found:
        return []
    names = listed(list(found.values()), most=4)
    return [
        f"solid as a glass, then a rubber: {names}; by the incremental law the stress that came "
        f"in the glass, of a cure's shrinkage for instance, stays in the rubber: {RELAXATION}"
    ]


def _degrees(kelvin: float) -> str:
    return f"{kelvin - ZERO_CELSIUS:.0f}"


def uses(case: Case) -> Iterator[tuple[str, Medium, str, list[float]]]:
    """Yield part, medium, its name in the case, and the temperatures that the case prescribes."""
    for stage, assembly in case.stages.items():
        wanted = [step.temperature for step in case.load_steps if step.stage == stage]
        for body in assembly.package.bodies:
            if body.material is not None:
                start = body.free_at(case.loads.stress_free)
                known = [start, *(T for T in wanted if T is not None)]
                yield body.part, assembly.media[body.material], body.material, known
