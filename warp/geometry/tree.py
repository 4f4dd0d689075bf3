"""Arrange parts as a tree: each below the first part that it refers to."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from warp.geometry.bump_array import BumpArray
from warp.geometry.package import Package
from warp.geometry.part import Part
from warp.geometry.parts.wires import Wires
from warp.geometry.place import mm


@dataclass(frozen=True)
class Branch:
    """A part in the tree of who stands on whom, with what stands on it."""

    name: str
    note: str
    solid: bool
    children: tuple[Branch, ...]
    alike: tuple[str, ...] = ()
    """Parts beside it that `folded` left out: same notes, and the same stands on them."""


def folded(branches: Sequence[Branch]) -> tuple[Branch, ...]:
    """Keep one of the branches beside each other that are alike but for names and places."""
    found: dict[Hashable, Branch] = {}
    for branch in branches:
        key = _looks(branch)
        first = found.get(key)
        if first is None:
            found[key] = replace(branch, children=folded(branch.children))
        else:
            found[key] = replace(first, alike=(*first.alike, branch.name))
    return tuple(found.values())


def _looks(branch: Branch) -> Hashable:
    return branch.note, branch.solid, tuple(_looks(child) for child in branch.children)


def stack(parts: Mapping[str, Part], package: Package) -> tuple[Branch, ...]:
    """Arrange the parts of a package as a tree: each below the first part that it refers to."""
    children: dict[str | None, list[str]] = {}
    for name, part in parts.items():
        children.setdefault(_parent(part), []).append(name)

    def branch(name: str) -> Branch:
        grown = tuple(branch(child) for child in children.get(name, []))
        note = _note(name, parts[name], package)
        return Branch(name, note, parts[name].shape != "void", grown)

    return tuple(branch(name) for name in children.get(None, []))


def _parent(part: Part) -> str | None:
    named = part.on or part.under
    if named:
        return named[0]
    return part.inside or part.around


def _note(name: str, part: Part, package: Package) -> str:
    """Relation, shape, material, number, size and heights of a part, in one line."""
    place, sites = package.places[name], package.sites.get(name)
    relation = "under, " if part.under and not part.on else "inside, " if part.inside else ""
    what = f"{relation}{part.shape}"
    number = "" if sites is None else f"{sites[2]:,} of {part.each}"
    height = f"z {mm(place.z0)[:-3]} to {mm(place.z1)[:-3]}"
    return " · ".join(
        text
        for text in (
            what,
            part.made_of,
            number,
            part.details,
            _size(name, part, package),
            height,
        )
        if text
    )


def _size(name: str, part: Part, package: Package) -> str:
    """Write the size of a part; of layers of bumps and of wires that of their space."""
    place = package.places[name]
    bounds = [body.bounds for body in package.bodies if body.part == name]
    whole = isinstance(part, Wires) or (isinstance(part, BumpArray) and part.model == "effective")
    if not bounds or not whole:
        return place.size
    width = max(b[1] for b in bounds) - min(b[0] for b in bounds)
    depth = max(b[3] for b in bounds) - min(b[2] for b in bounds)
    return mm(width, depth, place.z1 - place.z0)
