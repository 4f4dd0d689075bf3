"""Colours of materials by their class, the same in every picture of a package.

Each class has a colour, and each further material of it a lighter or darker shade, in the order of
their names; a hatch tells those apart that share a shade. Classes differ in lightness too, so that
neighbours can be told apart in grey and with any colour vision.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from warp.errors import WarpError
from warp.geometry.package import Mixture
from warp.materials.library import library
from warp.materials.material import Shrunk
from warp.materials.mixing import Mixed

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.materials.material import MaterialClass, Medium
    from warp.results.file import Result
    from warp.voxels.voxelize import VoxelModel

CLASSES: dict[MaterialClass, str] = {
    "silicon": "#45608A",
    "metal": "#C8743C",
    "solder": "#AEB6BF",
    "polymer": "#EBCB66",
    "laminate": "#5E9E78",
    "ceramic": "#E2B3C6",
    "glass": "#A6D8EA",
}
UNKNOWN = "#8A8A8A"
SHADES = (0.0, 0.5, -0.25, 0.75, -0.45, 0.25)
"""Towards white, or below zero towards black: of the first material of a class, the second, ..."""
HATCHES = ("", "///", "...", "xxx")
WIRE = 0.4
"""Where the colour of bond wires in their fill lies between those of polymer and metal."""
COPPER = 0.2
"""Share of metal from which a mixture is a copper layer, coloured by the share."""


@dataclass(frozen=True)
class Paint:
    """A colour and a hatch."""

    colour: str
    hatch: str = ""


def of(model: VoxelModel | Result, case: Case | None = None) -> dict[str, Paint]:
    """Return the paint of every material of a package by name, whatever of it is in a picture.

    A share of copper in a patterned layer has a colour between those of laminate and metal. case:
    that of the model; by default the one in the file of a result.
    """
    shares = patterns(model)
    known = _known(model, case)
    names = _drawn(model, case) - shares.keys()
    media = {name: known.get(name) for name in names}
    classes = {name: None if m is None else m.material_class for name, m in media.items()}
    seen: dict[str, int] = {}
    found = {}
    before = {name: m.before for name, m in known.items() if isinstance(m, Shrunk)}
    shrunk = {name for name in classes if before.get(name) in classes}
    alike = _alike(classes.keys() - shrunk, case_of(model, case))
    layers = {name: share for name, m in media.items() if (share := _share_of_metal(m)) >= COPPER}
    for name in sorted(classes.keys() - shrunk - alike.keys() - layers.keys()):
        kind = classes[name]
        base = UNKNOWN if kind is None else CLASSES[kind]
        number = seen.get(base, 0)
        seen[base] = number + 1
        shade = SHADES[number % len(SHADES)]
        hatch = HATCHES[number // len(SHADES) % len(HATCHES)]
        found[name] = Paint(_shaded(base, shade), hatch)
    found |= {name: found[before[name]] for name in shrunk}
    found |= {name: found[first] for name, first in alike.items() if first in found}
    found |= {name: _metal_in(media[name], share) for name, share in layers.items()}
    wires = Paint(_between(CLASSES["polymer"], CLASSES["metal"], WIRE))
    found |= dict.fromkeys(wires_of(case_of(model, case)) & found.keys(), wires)
    return found | {name: Paint(of_share(share)) for name, (_, share) in shares.items()}


def _share_of_metal(medium: Medium | None) -> float:
    """Return the share of metal in a mixture of it with a polymer or laminate, else 0."""
    if not isinstance(medium, Mixed):
        return 0.0
    parts = list(zip(medium.media, medium.fractions, strict=True))
    kinds = {None if part is None else part.material_class for part, _ in parts}
    if "metal" not in kinds or not kinds <= {"metal", "polymer", "laminate"} or len(kinds) == 1:
        return 0.0
    return sum(f for part, f in parts if part is not None and part.material_class == "metal")


def _metal_in(medium: Medium | None, share: float) -> Paint:
    """Return the paint of a layer of copper by its share: alike where the shares nearly are."""
    assert isinstance(medium, Mixed)
    kinds = {part.material_class for part in medium.media if part is not None}
    base: MaterialClass = "laminate" if "laminate" in kinds else "polymer"
    return Paint(_between(CLASSES[base], CLASSES["metal"], share))


def of_share(share: float) -> str:
    """Return the colour of a patterned layer at a share of copper."""
    return _between(CLASSES["laminate"], CLASSES["metal"], share)


def _between(first: str, second: str, share: float) -> str:
    """Mix two colours."""
    low, high = ([int(colour[n : n + 2], 16) for n in (1, 3, 5)] for colour in (first, second))
    return "#" + "".join(
        f"{round(a + share * (b - a)):02X}" for a, b in zip(low, high, strict=True)
    )


def patterns(model: VoxelModel | Result) -> Mapping[str, tuple[str, float]]:
    """Return the layer and the share of copper of materials that stand for one (`voxelize`)."""
    own = getattr(model, "patterns", None)
    if own is not None:
        return own
    from warp.report import stored_case
    from warp.voxels import voxelize

    try:
        bodies = stored_case.parsed(model).bodies()  # type: ignore[arg-type]
    except WarpError:
        return {}
    return voxelize.patterns(bodies)


def _alike(names: Iterable[str], case: Case | None) -> dict[str, str]:
    """Return for each mixture the first one that is made of the same, where it is not itself."""
    recipes = {} if case is None else case.package.recipes

    def made(name: str) -> Hashable:
        recipe = recipes.get(name)
        if not isinstance(recipe, Mixture):
            return name
        shares = ((made(part), round(share, 9)) for part, share in recipe.of.items())
        return recipe.rule, frozenset(shares)

    first: dict[Hashable, str] = {}
    pairs = {name: first.setdefault(made(name), name) for name in sorted(names)}
    return {name: other for name, other in pairs.items() if other != name}


def wires_of(case: Case | None) -> set[str]:
    """Return the names of the layers of bond wires, at any of the stages of a case."""
    if case is None:
        return set()
    parts = {("part", name) for name, part in case.parts.items() if part.shape == "wires"}
    assemblies = (case.assembly, *case.stages.values())
    recipes = (recipe for assembly in assemblies for recipe in assembly.package.recipes.items())
    return {name for name, recipe in recipes if recipe.key in parts}


def _drawn(model: VoxelModel | Result, case: Case | None) -> set[str]:
    """Return the materials of a package that a picture may show, at any of its stages."""
    media = model.media
    names = {
        name
        for name, part, shared in zip(media.names, media.part, media.shared, strict=True)
        if part >= 0 and not shared
    }
    case = case_of(model, case)
    assemblies = [] if case is None else [case.assembly, *case.stages.values()]
    bodies = (body for assembly in assemblies for body in assembly.package.bodies)
    return names | {body.material for body in bodies if body.material is not None}


def case_of(model: VoxelModel | Result, case: Case | None) -> Case | None:
    """Return the case of a model: the given one, or that in the file of a result."""
    from warp.report import stored_case

    if case is not None or getattr(model.media, "materials", None) is not None:
        return case
    try:
        return stored_case.parsed(model)  # type: ignore[arg-type]
    except WarpError:
        return None


def _known(model: VoxelModel | Result, case: Case | None) -> Mapping[str, Medium]:
    """Return the media of a package by name: those of its case, the model's own, or the library."""
    case, own = case_of(model, case), getattr(model.media, "materials", None)
    found: dict[str, Medium] = {}
    if case is None:
        if own is None:
            return library()
        media = zip(model.media.names, own, model.media.shared, strict=True)
        return {name: one for name, one, shared in media if one is not None and not shared}
    for stage in case.stages.values():
        found |= stage.media
    return found | dict(case.materials())


def _shaded(colour: str, shade: float) -> str:
    """Mix a colour with white, or with black for a shade below zero."""
    towards = 255 if shade > 0 else 0
    parts = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return "#" + "".join(f"{round(p + abs(shade) * (towards - p)):02X}" for p in parts)
