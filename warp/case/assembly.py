"""Build a case from its checked tables: materials, heat sources, boundaries; check that they fit.

Each function returns what it made and the faults it met, so that one run lists them all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from warp.case import power
from warp.case.plan import unknown_parts
from warp.case.singulation import Rectangle, spans_plane
from warp.case.still_air import still_air
from warp.case.symmetry import MIRRORS, asymmetry
from warp.case.tables import BoundarySection, CaseFile, InterfaceSection
from warp.errors import Fault, Key, nearest
from warp.geometry.package import FreeColumns, FreeWires, QuarterTurn, Strained
from warp.geometry.part import Part, Solid
from warp.geometry.solids import Package, build
from warp.materials import library as materials
from warp.materials import mixing
from warp.materials.bump_layer import BumpLayer
from warp.materials.case_law import by_law
from warp.materials.free_wires import LooseWires
from warp.materials.library import MaterialError, Medium
from warp.materials.material import Phase, Prestressed, Shrunk, constituents
from warp.voxels.boundary import FACE_SIDES, Boundary, Film, Fixed, Interface, Source

MECHANICAL = {"youngs_modulus", "shear_modulus", "poissons_ratio", "cte"}


@dataclass(frozen=True, eq=False)
class Assembly:
    """Solids, materials, heat sources and boundaries of a case or of one stage of it."""

    package: Package
    media: Mapping[str, Medium]
    sources: list[Source]
    boundaries: list[Boundary]

    @property
    def heated(self) -> bool:
        """Tell whether there is a temperature field to solve."""
        return any(isinstance(b, Film | Fixed) for b in self.boundaries)

    @property
    def thermal_materials(self) -> list[str]:
        """List the materials of parts that have no mechanical property at all."""
        return sorted(name for name in self.package.wanted if _is_thermal(self.media[name]))


def assemble(
    file: CaseFile,
    folder: Path,
    present: Collection[str] | None = None,
    shrunk: Mapping[str, tuple[str, float]] | None = None,
    unit: Rectangle | None = None,
) -> tuple[Assembly, list[Fault]]:
    """Build everything a case needs; files that it names are relative to `folder`.

    `present`: the parts that are present, by default all; symmetry of a process is that of its
    stages. `shrunk`: for each material that has cured, the one that it was before and its linear
    shrinkage. `unit`: what was cut out, which need be symmetric only about planes that it spans.
    """
    made, faults = gathered(file, folder, present, shrunk)
    faults += _names(file)
    if not faults:
        if present is not None or not file.step:
            faults += _check_symmetry(made, file, unit)
        faults += _check_modelled(made, file)
    if present is None and not any(fault.key[0] in ("boundary", "part") for fault in faults):
        faults += _check_heat(made, file)
    if made.package.wanted.keys() <= made.media.keys():
        faults += _check_laws(made, file)
    return made, faults


def named(file: CaseFile, folder: Path, unknown: Collection[str]) -> list[Fault]:
    """Return the faults of names and places in a file of which some tables are stand-ins.

    unknown: the parts that have a stand-in.
    """
    _, faults = gathered(file, folder, unknown=unknown)
    return [*faults, *_names(file)]


def _names(file: CaseFile) -> list[Fault]:
    """Return the faults of what the file names beside the tables of its parts."""
    return [*_check_bond_lines(file), *_check_output(file), *unknown_parts(file)]


def gathered(
    file: CaseFile,
    folder: Path,
    present: Collection[str] | None = None,
    shrunk: Mapping[str, tuple[str, float]] | None = None,
    unknown: Collection[str] = (),
) -> tuple[Assembly, list[Fault]]:
    """Build as `assemble` does, without checking whether the pieces fit each other.

    unknown: parts whose tables are not valid and that are not built.
    """
    package, faults = build(file.part, folder, present, unknown)
    media, more = _materials(file, package, shrunk or {})
    faults += more
    there = {name: part for name, part in file.part.items() if present is None or name in present}
    sources, more = _gather(_sources(name, part, package, folder) for name, part in there.items())
    faults += more
    absent = file.part.keys() - there.keys()
    boundaries, more = _gather([*_boundaries(file, absent, package), *_interfaces(file, absent)])
    faults += more
    return Assembly(package, media, sources, boundaries), faults


def _is_thermal(medium: Medium) -> bool:
    """Tell whether a medium, or one that it is made of, has no mechanical property at all."""
    return any(not MECHANICAL & found.laws.keys() for _, found in constituents(medium))


def _gather(steps: Iterable[Callable[[], list[Any]]]) -> tuple[list[Any], list[Fault]]:
    found: list[Any] = []
    faults = []
    for step in steps:
        try:
            found += step()
        except Fault as fault:
            faults.append(fault)
    return found, faults


def _materials(
    file: CaseFile, package: Package, shrunk: Mapping[str, tuple[str, float]]
) -> tuple[dict[str, Medium], list[Fault]]:
    """Return every material by its name: the file's own, the library's, and the recipes."""
    faults: list[Fault] = []
    own: dict[str, Medium] = {}
    try:
        own = materials.resolve(file.material)
    except MaterialError as error:
        faults.append(_own_fault(error, file))
    library = materials.library()
    known = {**library, **own}
    law = file.load.elastic_law
    own |= {
        name: Shrunk(known[base], much, base)
        for name, (base, much) in shrunk.items()
        if base in known
    }
    found: dict[str, Medium] = {}
    for name, key in package.wanted.items():
        if name in own or name in library:
            found[name] = own[name] if name in own else library[name]
        elif name not in file.material:
            faults.append(
                Fault(
                    key, f"there is no material {name!r}{nearest(name, [*file.material, *library])}"
                )
            )
    if faults:
        return found, faults
    named = found if law is None else dict(found)
    found = found if law is None else {name: by_law(m, law) for name, m in found.items()}
    for name, recipe in package.recipes.items():
        try:
            _mixed(name, package, found, named)
        except MaterialError as error:
            faults.append(Fault(recipe.key, str(error)))
    return found, faults


def _mixed(
    name: str, package: Package, found: dict[str, Medium], named: dict[str, Medium]
) -> Medium:
    """Make the material of a recipe; named: as `found`, without the law of the whole case."""
    if name not in found:
        recipe = package.recipes[name]
        if isinstance(recipe, Strained):
            base = _mixed(recipe.material, package, named if recipe.stress else found, named)
            found[name] = _strained(base, recipe)
            return found[name]
        media = [_mixed(part, package, found, named) for part in recipe.of]
        if isinstance(recipe, QuarterTurn):
            found[name] = materials.rotated(media[0], 1)
        elif isinstance(recipe, FreeColumns):
            faces = [
                ([_mixed(part, package, found, named) for part in face], list(face.values()))
                for face in recipe.faces
            ]
            between = tuple(
                mixing.mix(media, fractions, "voigt", name) for media, fractions in faces
            )
            found[name] = BumpLayer(media[0], recipe.member, recipe.per_area, name, between)
        elif isinstance(recipe, FreeWires):
            found[name] = LooseWires(media[0], recipe.fraction, recipe.direction, name)
        else:
            phases = [
                Phase(medium, recipe.since[part]) if part in recipe.since else medium
                for part, medium in zip(recipe.of, media, strict=True)
            ]
            found[name] = mixing.mix(phases, list(recipe.of.values()), recipe.rule, name)
    return found[name]


def _strained(medium: Medium, recipe: Strained) -> Medium:
    """Return a medium after its shrinkage and with its intrinsic stress."""
    if medium.elastic_law == "incremental" and recipe.stress:
        message = f"needs the total law, and {recipe.material!r} has the incremental one"
        raise MaterialError(f"{message}: leave it out")
    if recipe.shrinkage:
        medium = Shrunk(medium, recipe.shrinkage)
    return Prestressed(medium, recipe.stress) if recipe.stress else medium


def _own_fault(error: MaterialError, file: CaseFile) -> Fault:
    """Return the fault of a material, at the table and property that the message names."""
    text = str(error)
    names = [name for name in file.material if f"{name!r}" in text]
    if not names:
        return Fault(("material",), text)
    key: Key = ("material", names[0], *([error.key] if error.key else []))
    return Fault(key, text.removeprefix(f"material {names[0]!r}: "))


def _sources(name: str, part: Part, package: Package, folder: Path) -> Callable[[], list[Source]]:
    def step() -> list[Source]:
        if (
            not isinstance(part, Solid)
            or part.power is None
            or name not in package.places
            or removed(part)
        ):
            return []
        return power.sources(
            name, part.power, package.places[name], part.turn, folder, part.active_side()
        )

    return step


def removed(part: Part) -> bool:
    """Tell whether a solid is taken out with material = "void", its heat and faces with it."""
    return isinstance(part, Solid) and part.is_void


def _is_removed(name: str, file: CaseFile, absent: Collection[str]) -> bool:
    return name in absent or (name in file.part and removed(file.part[name]))


def _boundaries(
    file: CaseFile, absent: Collection[str], package: Package
) -> Iterator[Callable[[], list[Boundary]]]:
    for name, section in file.boundary.items():

        def step(name: str = name, section: BoundarySection = section) -> list[Boundary]:
            key = ("boundary", name)
            faces = [
                face
                for face in section.face
                if not _is_removed(face.rpartition(".")[0], file, absent)
            ]
            for face in faces:
                _check_face(face, file, (*key, "face"), FACE_SIDES)
            if section.temperature is not None:
                beside = (section.film, section.ambient, section.convection)
                if any(value is not None for value in beside):
                    raise Fault(
                        (*key, "temperature"),
                        "stands beside a film: keep temperature, or film and ambient",
                    )
                return [Fixed(face, section.temperature) for face in faces]
            if section.film is not None and section.convection is not None:
                raise Fault((*key, "convection"), "stands beside a film: keep one")
            if section.emissivity and section.convection is None:
                raise Fault((*key, "emissivity"), 'belongs to convection = "natural"')
            if section.film is None and section.convection is None:
                raise Fault(key, 'needs film = "1000 W/(m^2 K)" and ambient, or temperature')
            if section.ambient is None:
                raise Fault(key, 'has a film but no ambient: add ambient = "25 degC"')
            if section.film is None:
                return still_air(faces, section.ambient, section.emissivity, package.places)
            return [Film(face, section.film, section.ambient) for face in faces]

        yield step


def _interfaces(file: CaseFile, absent: Collection[str]) -> Iterator[Callable[[], list[Boundary]]]:
    for name, section in file.interface.items():

        def step(name: str = name, section: InterfaceSection = section) -> list[Boundary]:
            key = ("interface", name, "between")
            if any(_is_removed(part, file, absent) for part in section.between):
                return []
            for part in section.between:
                _check_part(part, file, key)
            one, other = section.between
            if one == other:
                raise Fault(key, "names the same part twice")
            return [Interface(one, other, section.resistance)]

        yield step


def _check_part(name: str, file: CaseFile, key: Key) -> None:
    if name not in file.part:
        solid = [other for other, part in file.part.items() if not part.is_void]
        raise Fault(key, f"there is no part {name!r}{nearest(name, solid)}")
    if file.part[name].is_void:
        raise Fault(key, f"part {name!r} is void and has no faces")


def _check_face(face: str, file: CaseFile, key: Key, sides: tuple[str, ...]) -> None:
    part, _, side = face.rpartition(".")
    if side not in sides or not part:
        raise Fault(
            key, f"{face!r} is not a face: write PART.SIDE with side one of {', '.join(sides)}"
        )
    if part != "package" or "all" not in sides:
        _check_part(part, file, key)


def _check_bond_lines(file: CaseFile) -> Iterator[Fault]:
    """Find bond lines that are not layers, or without the solved temperature that they need."""
    names = file.load.bond_lines or ()
    key = ("load", "bond_lines")
    if names and (file.step or file.load.temperature != "solved"):
        remedy = (
            "a case with [[step]] cannot have them"
            if file.step
            else 'add temperature = "solved" to [load]'
        )
        yield Fault(key, f"change with the temperature field only: {remedy}")
        return
    for name in names:
        try:
            _check_part(name, file, key)
        except Fault as fault:
            yield fault
            continue
        part = file.part[name]
        if part.laminated or not part.one_layer:
            what = "a laminate" if part.laminated else f"of shape {part.shape!r}"
            layers = "plate, disc, prism or frame"
            message = f"part {name!r} is {what}, not one layer between two parts: {layers}"
            yield Fault(key, message)


def _check_output(file: CaseFile) -> list[Fault]:
    output = file.output
    surfaces: dict[Key, str] = {
        ("output", "surfaces", n): face for n, face in enumerate(output.surfaces or ())
    }
    surfaces |= {("output", "zones", face): face for face in output.zones}
    parts: dict[Key, str] = {
        ("output", "zones", f): part for f, part in output.zones.items() if isinstance(part, str)
    }
    many = [(("output", "terminals"), part) for part in output.terminals or ()]
    checks = [
        partial(_check_face, face, file, key, ("top", "bottom")) for key, face in surfaces.items()
    ]
    checks += [partial(_check_part, part, file, key) for key, part in (*parts.items(), *many)]
    checks += [
        partial(_check_part, part, file, ("grid", "cells", part)) for part in file.grid.cells or ()
    ]
    faults = []
    for check in checks:
        try:
            check()
        except Fault as fault:
            faults.append(fault)
    return faults


def _check_heat(made: Assembly, file: CaseFile) -> Iterator[Fault]:
    """Find heat without a way out, and a solved temperature with nothing to solve.

    In a process, a step that switches the power on finds it.
    """
    if made.heated or file.step:
        return
    remedy = "add a [boundary.NAME] with a film or a fixed temperature"
    if made.sources:
        yield Fault(("part", made.sources[0].part, "power"), f"has no way out: {remedy}")
    elif file.load.temperature == "solved":
        yield Fault(("load", "temperature"), f'cannot be "solved": {remedy}')


def _check_laws(made: Assembly, file: CaseFile) -> Iterator[Fault]:
    """Find materials, and then mixtures of sound ones, that lack what this analysis needs."""
    recipes = made.package.recipes
    mixtures = {recipe.key: name for name, recipe in recipes.items() if name in made.media}
    sound = True
    for fault in _failing(made, file, made.package.wanted.items()):
        sound = False
        yield fault
    if sound:
        yield from _failing(made, file, ((name, key) for key, name in mixtures.items()))


def _failing(made: Assembly, file: CaseFile, media: Iterable[tuple[str, Key]]) -> Iterator[Fault]:
    load = file.load
    T = load.stress_free if isinstance(load.temperature, str) else load.temperature
    warps = not heat_alone(made, file)
    for name, key in media:
        medium = made.media[name]
        try:
            if warps:
                medium.stiffness(T)
                medium.shear(T)
                medium.thermal_strain(T, load.stress_free)
            if made.heated:
                medium.conductivity(T)
        except MaterialError as error:
            yield Fault(key, str(error))


def heat_alone(made: Assembly, file: CaseFile) -> bool:
    """Tell whether only heat is solved: it flows, and a material has no mechanical property."""
    processed = file.step or file.load.bond_lines
    return made.heated and not processed and bool(made.thermal_materials)


def _check_symmetry(made: Assembly, file: CaseFile, unit: Rectangle | None) -> Iterator[Fault]:
    package = made.package
    found = [
        asymmetry(package.bodies, made.sources, made.boundaries, axis, package.recipes)
        for axis in (0, 1)
    ]
    for axis, (mirrored, why) in enumerate(zip(MIRRORS[file.symmetry], found, strict=True)):
        if mirrored and why is not None and spans_plane(unit, axis):
            holds = tuple(reason is None for reason in found)
            remedy = next(name for name, planes in MIRRORS.items() if planes == holds)
            yield Fault(("symmetry",), f'{why[1]}; use symmetry = "{remedy}"')
            return


def _check_modelled(made: Assembly, file: CaseFile) -> Iterator[Fault]:
    """Find what is to be measured on parts that lie beyond a mirror plane."""
    beyond: dict[str, str] = {}
    for axis, mirrored in enumerate(MIRRORS[file.symmetry]):
        highest: dict[str, float] = {}
        for body in made.package.bodies if mirrored else ():
            high = float(body.bounds[2 * axis + 1])
            highest[body.part] = max(high, highest.get(body.part, high))
        beyond |= {part: "xy"[axis] for part, high in highest.items() if high <= 0}
    output = file.output
    wanted: list[tuple[Key, str]] = [
        (("output", "surfaces", n), face.rpartition(".")[0])
        for n, face in enumerate(output.surfaces or ())
    ]
    wanted += [(("output", "terminals"), part) for part in output.terminals or ()]
    for key, part in wanted:
        if part in beyond:
            yield Fault(
                key,
                f"part {part!r} lies beyond the mirror plane {beyond[part]} = 0 and is not "
                "modelled: name its image on the positive side",
            )
