"""A package as solids: parts become bodies in absolute metres, of the full package.

Later bodies override earlier ones. A body made of several materials at once (a copper pattern in
its dielectric, lumped layers, an effective bump layer) carries the name of a recipe (`package`).
Pure geometry: neither grid nor temperature.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from warp.errors import Fault
from warp.geometry.fills import present_hosts
from warp.geometry.package import FreeColumns, Package
from warp.geometry.part import Part, Solid
from warp.geometry.place import LEVEL
from warp.geometry.shapes import Bounds
from warp.geometry.stacking import place

__all__ = ["Package", "build"]


def build(
    parts: Mapping[str, Part],
    folder: Path | None = None,
    present: Collection[str] | None = None,
    unknown: Collection[str] = (),
) -> tuple[Package, list[Fault]]:
    """Stack the parts and make their solids; return also the faults, one a part at most.

    Copper images are files relative to `folder`. Parts that are not `present` keep their places
    and have no solids. unknown: parts whose tables are not valid. They and others that cannot be
    placed want only their material.
    """
    fillings = {name: part.filling() for name, part in parts.items() if isinstance(part, Solid)}
    package = Package(folder or Path(), fillings)
    package.places, faults = place(parts, unknown)
    package.hosts = present_hosts(parts, package.places, present)
    for name, part in parts.items():
        if name not in package.places and part.made_of is not None:
            package.want(part.made_of, ("part", name, "material"))
    for name, where in package.places.items():
        if present is not None and name not in present:
            continue
        try:
            package.bodies += parts[name].bodies(name, where, package)
        except Fault as fault:
            faults.append(fault)
    if present is None:
        faults += _beside(parts, package)
    if not faults and not unknown:
        _find_faces(package)
    return package, faults


def _find_faces(package: Package) -> None:
    """Record the materials below and above free-standing members, to a depth of one radius."""
    for body in package.bodies:
        name = package.unturned(body.material)
        recipe = package.recipes.get(name or "")
        if name is None or not isinstance(recipe, FreeColumns):
            continue
        x0, x1, y0, y1, z0, z1 = body.bounds
        depth = recipe.member.radius
        slabs = ((z0 - depth, z0), (z1, z1 + depth))
        found = [_shares(package, (x0, x1, y0, y1, low, high)) for low, high in slabs]
        package.recipes[name] = replace(recipe, faces=tuple(face for face in found if face))


def _shares(package: Package, slab: Bounds) -> dict[str, float]:
    """Return the volume fractions of the materials in a slab, without free-standing layers."""
    x0, x1, y0, y1, low, high = slab
    volumes: dict[str, float] = {}
    for other in package.bodies:
        a0, a1, b0, b1, c0, c1 = other.bounds
        common = [
            min(x1, a1) - max(x0, a0),
            min(y1, b1) - max(y0, b0),
            min(high, c1) - max(low, c0),
        ]
        if other.material is None or min(common) <= LEVEL:
            continue
        recipe = package.recipes.get(package.unturned(other.material) or "")
        if not isinstance(recipe, FreeColumns):
            volume = common[0] * common[1] * common[2]
            volumes[other.material] = volumes.get(other.material, 0.0) + volume
    total = sum(volumes.values())
    return {material: volume / total for material, volume in volumes.items()} if total else {}


def _beside(parts: Mapping[str, Part], package: Package) -> Iterator[Fault]:
    """Find parts that lie beside what they should stand on: neither above nor below any of it."""
    shapes: dict[str, list[Bounds]] = {name: [] for name in parts}
    for body in package.bodies:
        shapes[body.part] += [shape.bounds for shape in body.shapes]
    for name, part in parts.items():
        for key, others in part.contacts().items():
            for other in (other for other in others if shapes[name] and shapes.get(other)):
                if not _meet(np.array(shapes[name]), np.array(shapes[other]), key):
                    where = "within" if key == "inside" else key
                    message = f"{other!r} lies beside it: nothing of {name!r} is {where} it"
                    reference = part.reference()
                    if reference and any(part.at):
                        message += f"; its 'at' counts from the centre of {reference[1]!r}"
                    yield Fault(("part", name, key), message)


def _meet(own: np.ndarray, its: np.ndarray, key: str) -> bool:
    """Tell whether any two shapes of two parts overlap in plane; bounds are (n, 6)."""
    if key == "on":
        own = own[own[:, 4] - own[:, 4].min() < LEVEL]
        its = its[its[:, 5].max() - its[:, 5] < LEVEL]
    low = np.maximum(own[:, None, 0:4:2], its[None, :, 0:4:2])
    high = np.minimum(own[:, None, 1:4:2], its[None, :, 1:4:2])
    return bool((high - low > LEVEL).all(axis=2).any())
