"""Colours of materials by their class, the same in every picture of a package.

Each class has a colour, and each further material of it a lighter or darker shade, in the order of
their names; a hatch tells those apart that share a shade. Classes differ in lightness too, so that
neighbours can be told apart in grey and with any colour vision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from warp.errors import WarpError
from warp.materials.library import library
from warp.materials.material import Material, Shrunk

if TYPE_CHECKING:
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


@dataclass(frozen=True)
class Paint:
    """A colour and a hatch."""

    colour: str
    hatch: str = ""


def of(model: VoxelModel | Result) -> dict[str, Paint]:
    """Return the paint of every material of a package by name, whatever of it is in a picture.

    A share of copper in a patterned layer has a colour between those of laminate and metal.
    """
    shares = patterns(model)
    classes = {name: kind for name, kind in _classes(model).items() if name not in shares}
    seen: dict[str, int] = {}
    found = {}
    known = _known(model)
    before = {name: m.before for name, m in known.items() if isinstance(m, Shrunk)}
    shrunk = {name for name in classes if before.get(name) in classes}
    for name in sorted(classes.keys() - shrunk):
        kind = classes[name]
        base = UNKNOWN if kind is None else CLASSES[kind]
        number = seen.get(base, 0)
        seen[base] = number + 1
        shade = SHADES[number % len(SHADES)]
        hatch = HATCHES[number // len(SHADES) % len(HATCHES)]
        found[name] = Paint(_shaded(base, shade), hatch)
    found |= {name: found[before[name]] for name in shrunk}
    return found | {name: Paint(of_share(share)) for name, (_, share) in shares.items()}


def of_share(share: float) -> str:
    """Return the colour of a patterned layer at a share of copper."""
    ends = CLASSES["laminate"], CLASSES["metal"]
    low, high = ([int(colour[n : n + 2], 16) for n in (1, 3, 5)] for colour in ends)
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


def _classes(model: VoxelModel | Result) -> dict[str, MaterialClass | None]:
    """Return the class of every material of a package, None where it is not known."""
    media, known = model.media, _known(model)
    names = {
        name
        for name, part, shared in zip(media.names, media.part, media.shared, strict=True)
        if part >= 0 and not shared
    }
    if known is not library():
        pure = (Material, Shrunk)
        names |= {name for name, medium in known.items() if isinstance(medium, pure)}
    found = {name: known.get(name) for name in names}
    return {name: None if m is None else m.material_class for name, m in found.items()}


def _known(model: VoxelModel | Result) -> Mapping[str, Medium]:
    """Return the media of a package by name: the model's own, those of its case, or the library."""
    own = getattr(model.media, "materials", None)
    if own is not None:
        return {
            name: medium
            for name, medium, shared in zip(model.media.names, own, model.media.shared, strict=True)
            if medium is not None and not shared
        }
    from warp.report import stored_case

    try:
        case = stored_case.parsed(model)  # type: ignore[arg-type]
    except WarpError:
        return library()
    found: dict[str, Medium] = {}
    for stage in case.stages.values():
        found |= stage.media
    return found | dict(case.materials())


def _shaded(colour: str, shade: float) -> str:
    """Mix a colour with white, or with black for a shade below zero."""
    towards = 255 if shade > 0 else 0
    parts = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return "#" + "".join(f"{round(p + abs(shade) * (towards - p)):02X}" for p in parts)
