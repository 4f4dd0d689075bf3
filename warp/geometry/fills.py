"""Tell which part brings the fill of a homogenised part: bumps in underfill, bond wires in mould.

Columns and balls with `model = "effective"` and wires name the material between their members. If a
solid part of that material takes the space where they lie, it brings their fill: its stress-free
temperature is that of the fill, and in a process nothing is between the members before it is there.
Without such a part the fill comes with the members.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from warp.geometry.part import Part, Solid
from warp.geometry.place import Place

SHARE = 0.5
"""Of the largest space that a part of the material shares with the members: less is a neighbour."""


def hosts(parts: Mapping[str, Part], places: Mapping[str, Place]) -> dict[str, tuple[str, ...]]:
    """Return the parts that bring the fill of each homogenised part, the largest first.

    The part that members lie `inside` comes first, if it is of their fill. Parts whose fill none
    brings are missing.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, part in parts.items():
        if part.filled_with is None or name not in places:
            continue
        same = {
            other: _common(places[name], places[other])
            for other, solid in parts.items()
            if isinstance(solid, Solid) and other != name and other in places
            if solid.filled_with is None and solid.made_of == part.filled_with
        }
        least = SHARE * max(same.values(), default=0.0)
        inside = part.inside if part.inside in same else None
        near = [other for other, space in same.items() if space > 0.0 and space >= least]
        near.sort(key=lambda other: (other != inside, -same[other]))
        named = [inside] if inside is not None and inside not in near else []
        if order := [*named, *near]:
            found[name] = tuple(order)
    return found


def present_hosts(
    parts: Mapping[str, Part], places: Mapping[str, Place], present: Collection[str] | None
) -> dict[str, str]:
    """Return the first part that brings each fill and is present; None: all parts are."""
    found = {}
    for name, others in hosts(parts, places).items():
        there = [other for other in others if present is None or other in present]
        if there:
            found[name] = there[0]
    return found


def _common(one: Place, other: Place) -> float:
    """Return the volume in m3 that the boxes of two places share."""
    a0, a1, b0, b1 = one.outline.bounds
    c0, c1, d0, d1 = other.outline.bounds
    extents = (
        min(a1, c1) - max(a0, c0),
        min(b1, d1) - max(b0, d0),
        min(one.z1, other.z1) - max(one.z0, other.z0),
    )
    if min(extents) <= 0.0:
        return 0.0
    return extents[0] * extents[1] * extents[2]
