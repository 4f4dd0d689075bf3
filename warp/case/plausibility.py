"""Find what no package can be (a fault), and what looks like a slip (a remark).

Faults stop a case where the answer would be meaningless: parts that expand by more than a tenth,
which small strains do not describe, and a chip thicker than its package is wide. Remarks are
sentences of `warp check` and `warp run`: values far outside the library's for the same class of
material, a part that rises above the top of the one that it lies inside, heat that no step switches
on, a case that is computed at the temperature at which it is free of stress, and a branch of large
deflection in linear theory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import numpy as np

from warp.case.assembly import Assembly, heat_alone
from warp.case.stage import LoadStep
from warp.case.steps.remove import Remove
from warp.case.tables import CaseFile
from warp.errors import Fault, Key, listed
from warp.geometry.package import Strained
from warp.geometry.parts.chip import Chip
from warp.geometry.place import LEVEL, Place, um
from warp.materials.library import library
from warp.materials.material import Material
from warp.units import ZERO_CELSIUS

LARGEST_STRAIN = 0.1
"""Free thermal strain: beyond it, linear strains are off by as much as they are large."""
SPREAD = 5.0
"""How far beyond the library's values of its class a plausible value lies, as a factor."""
SOFT = 1e8  # Pa: a smaller modulus is written in MPa
HOLDS_NOTHING = 1e6  # Pa: a stand-in for something molten, not a slip of a unit
ROOM = 298.15  # K
SAME = 1e-6  # K
NEAR = 10.0  # K: solder joins this far below its melting point at most
UNITS = {
    "youngs_modulus": (1e-9, "GPa"),
    "cte": (1e6, "ppm/K"),
    "conductivity": (1.0, "W/(m K)"),
    "density": (1.0, "kg/m^3"),
}


def faults(file: CaseFile, assembly: Assembly, load_steps: Sequence[LoadStep]) -> Iterator[Fault]:
    """Yield what makes the answer meaningless; `assembly` holds all parts at once."""
    yield from _thick_chips(file, assembly.package.places)
    if heat_alone(assembly, file):
        return
    temperatures = [step.temperature for step in load_steps if step.temperature is not None]
    for body in assembly.package.bodies:
        if body.material is None or body.material not in assembly.package.wanted:
            continue
        start = body.free_at(file.load.stress_free)
        medium = assembly.media[body.material]
        for T in {min(temperatures, default=start), max(temperatures, default=start)}:
            strain = float(np.abs(medium.thermal_strain(T, start)).max())
            if strain > LARGEST_STRAIN:
                words = (
                    f"'{body.material}' changes its length by {strain:.0%} between "
                    f"{_degrees(start)} and {_degrees(T)}: is the unit of its cte right?"
                )
                yield Fault(assembly.package.wanted[body.material], words)
                return


def _thick_chips(file: CaseFile, places: Mapping[str, Place]) -> Iterator[Fault]:
    bounds = np.array([place.outline.bounds for place in places.values()])
    width = min(bounds[:, 1].max() - bounds[:, 0].min(), bounds[:, 3].max() - bounds[:, 2].min())
    for name, part in file.part.items():
        thickness = places[name].z1 - places[name].z0
        if isinstance(part, Chip) and thickness > width:
            key: Key = ("part", name, "thickness")
            words = f"{thickness * 1e3:.3g} mm is more than the package is wide"
            yield Fault(key, f"{words} ({width * 1e3:.3g} mm): is the unit right?")


def remarks(file: CaseFile, assembly: Assembly, load_steps: Sequence[LoadStep]) -> list[str]:
    """List what looks like a slip, one sentence each."""
    return [
        *_implausible_values(file, assembly),
        *_parts_above_their_host(file, assembly.package.places),
        *_unused_heat(file, assembly, load_steps),
        *_no_load(file, assembly, load_steps),
        *_unused_branch(file),
        *_own_shapes(file, assembly, load_steps),
        *_solid_solder(file, assembly, load_steps),
    ]


def _implausible_values(file: CaseFile, assembly: Assembly) -> Iterator[str]:
    """Yield the values of the case's own materials that are far from their class's."""
    for name in file.material:
        medium = assembly.media.get(name)
        if not isinstance(medium, Material):
            continue
        for key, (low, high) in _plausible(medium.material_class).items():
            for value in _values(medium, key):
                if key == "youngs_modulus" and value <= HOLDS_NOTHING and _leaves(name, file):
                    continue
                if not low / SPREAD <= abs(value) <= high * SPREAD and value != 0.0:
                    factor, unit = UNITS[key]
                    if key == "youngs_modulus" and abs(value) < SOFT:
                        factor, unit = 1e-6, "MPa"
                    known = f"{factor * low:.3g} to {factor * high:.3g} {unit}"
                    which = f"of class {medium.material_class} " if medium.material_class else ""
                    yield (
                        f"material '{name}': {key} is {factor * value:.3g} {unit}; the library's "
                        f"materials {which}have {known}: is the unit right?"
                    )
                    break


def _leaves(material: str, file: CaseFile) -> bool:
    """Tell whether steps remove every part of a material: molten solder, a soft stand-in."""
    gone = {part for step in file.step if isinstance(step, Remove) for part in step.parts}
    users = [name for name, part in file.part.items() if part.made_of == material]
    return bool(users) and gone.issuperset(users)


@cache
def _plausible(kind: str | None) -> dict[str, tuple[float, float]]:
    """Return least and largest values of the library by property, of one class or of all."""
    found: dict[str, list[float]] = {}
    for material in library().values():
        if kind is None or material.material_class == kind:
            for key in UNITS:
                found.setdefault(key, []).extend(map(abs, _values(material, key)))
    return {key: (min(values), max(values)) for key, values in found.items() if values}


def _values(material: Material, key: str) -> list[float]:
    """Return the values of a property at room temperature, along each axis; none if unknown."""
    return sorted({float(curve(ROOM)) for curve in material.laws.get(key, ())})


def _parts_above_their_host(file: CaseFile, places: Mapping[str, Place]) -> Iterator[str]:
    for name, part in file.part.items():
        host = part.inside
        if host and host in places and places[name].z1 > places[host].z1 + LEVEL:
            above = um(places[name].z1 - places[host].z1)
            yield f"part '{name}' lies inside '{host}' and rises {above} above its top"


def _unused_heat(
    file: CaseFile, assembly: Assembly, load_steps: Sequence[LoadStep]
) -> Iterator[str]:
    if file.step and assembly.sources and not any(step.powered for step in load_steps):
        parts = sorted({source.part for source in assembly.sources})
        named = listed([f"'{part}'" for part in parts])
        yield f'power of {named} is never switched on: add a step with do = "power", on = true'


def _no_load(file: CaseFile, assembly: Assembly, load_steps: Sequence[LoadStep]) -> Iterator[str]:
    """Yield a sentence if every part is computed at its own stress-free temperature only."""
    start = {
        body.free_at(file.load.stress_free)
        for body in assembly.package.bodies
        if body.material is not None
    }
    wanted = {step.temperature for step in load_steps}
    strained = any(isinstance(r, Strained) for r in assembly.package.recipes.values())
    if file.step or strained or None in wanted or len(start) != 1:
        return
    T = start.pop()
    if all(abs(value - T) < SAME for value in wanted if value is not None):
        yield (
            f"the load temperature is the stress-free temperature ({_degrees(T)}): "
            "nothing warps; change [load] temperature or stress_free"
        )


def _unused_branch(file: CaseFile) -> Iterator[str]:
    if "branch" in file.load.model_fields_set and file.load.large_deflection is False:
        yield "[load] branch is without effect: add large_deflection = true"


def _degrees(kelvin: float) -> str:
    return f"{kelvin - ZERO_CELSIUS:.5g} degC"


def _solid_solder(
    file: CaseFile, assembly: Assembly, load_steps: Sequence[LoadStep]
) -> Iterator[str]:
    """Yield a sentence for each step that joins solder well below its melting point."""
    for step in load_steps:
        since, melting = dict(step.stage.since), dict[str, float]()
        for part in step.attached if step.do == "attach" else ():
            medium = assembly.media.get(file.part[part].made_of or "")
            solidus = None if medium is None else medium.stress_free_temperature
            solder = medium is not None and medium.material_class == "solder"
            if solder and solidus is not None and since[part] < solidus - NEAR:
                melting[part] = solidus
        if melting:
            names = listed([repr(part) for part in melting], most=3)
            yield (
                f"step {step.step + 1} ({step.name}): the solder of {names} joins at "
                f"{_degrees(min(since[part] for part in melting))} and melts at "
                f"{_degrees(min(melting.values()))}"
            )


def _own_shapes(
    file: CaseFile, assembly: Assembly, load_steps: Sequence[LoadStep]
) -> Iterator[str]:
    """Yield a sentence for each step that joins parts with a history in the shape of the body."""
    for step in load_steps[1:]:
        since, T = dict(step.stage.since), step.temperature
        follow = [part for part in step.attached if part not in step.flat]
        own = [part for part in follow if T is not None and abs(since[part] - T) > SAME]
        media = {part: assembly.media.get(file.part[part].made_of or "") for part in own}
        solid = [part for part, m in media.items() if m is None or m.material_class != "solder"]
        joins = step.do == "attach" and not step.flat
        if joins and solid and len(step.stage.present) > len(step.attached):
            yield (
                f"step {step.step + 1} ({step.name}): {listed([repr(part) for part in solid])} "
                "with a stress-free temperature of their own join in the shape of the package: if "
                'they were made apart, attach them in a step of their own, body = "NAME", and '
                'here bodies = "NAME"'
            )
