"""Check that a package is its own mirror image in the planes x = 0 and y = 0, loads included.

Every body needs a twin (itself or another) of mirrored shapes, same material and same stress-free
temperature; materials that are made for a part (bumps in their fill, layers with copper) are the
same if they are made alike; where two bodies overlap, their twins must override each other in the
same order; heat and boundaries must mirror too. A mirror plane does not change orthotropic
materials, since their axes are x, y and z. Lengths compare to 0.1 nm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from warp.geometry.package import Recipe
from warp.geometry.shapes import Balls, Body, Box, Columns, Shape, Sheet
from warp.voxels.boundary import Boundary, Film, Interface, Source

MIRRORS = {
    "none": (False, False),
    "half-x": (True, False),
    "half-y": (False, True),
    "quarter": (True, True),
}
"""Whether the planes x = 0 and y = 0 mirror, by the word of the case file."""
FINE = 1e10  # 1/m: coordinates are compared as whole tenths of a nanometre
DIGITS = 9  # of watts, and of the numbers in recipes
FLIP = ({"x-": "x+", "x+": "x-"}, {"y-": "y+", "y+": "y-"})
SIDES = {"sides": ("x-", "x+", "y-", "y+"), "all": ("x-", "x+", "y-", "y+", "bottom", "top")}


def asymmetry(
    bodies: Sequence[Body],
    sources: Sequence[Source],
    boundaries: Sequence[Boundary],
    axis: int,
    recipes: Mapping[str, Recipe],
) -> tuple[str | None, str] | None:
    """Say why x = 0 (axis 0) or y = 0 (axis 1) is no mirror plane; None if it is one.

    The reason is the part to blame (or None) and a sentence. recipes: of the materials that were
    made for a part.
    """
    plane = f"{'xy'[axis]} = 0"
    made_of = {name: _made_of(recipe, recipes) for name, recipe in recipes.items()}
    waiting: dict[Hashable, list[int]] = {}
    for n, body in enumerate(bodies):
        waiting.setdefault(_body(body, None, made_of), []).append(n)
    twin: list[int] = []
    for body in bodies:
        found = waiting.get(_body(body, axis, made_of))
        if not found:
            return (
                body.part,
                f"part {body.part!r} has no mirror image in the plane {plane}{_where(body, axis)}",
            )
        twin.append(found.pop(0))
    clash = _order(bodies, twin)
    if clash:
        a, b = clash
        overlap = f"parts {a!r} and {b!r} overlap"
        return a, f"{overlap}, and mirrored in the plane {plane} the other one would be on top"
    other = {body.part: bodies[n].part for body, n in zip(bodies, twin, strict=True)}
    heat = Counter(_source(source, None, {}) for source in sources)
    for source in sources:
        if heat[_source(source, axis, other)] != heat[_source(source, None, {})]:
            return (
                source.part,
                f"the heat of part {source.part!r} is not mirrored in the plane {plane}",
            )
    films = Counter(key for b in boundaries for key in _boundary(b, None, {}))
    for boundary in boundaries:
        for key, image in zip(
            _boundary(boundary, None, {}), _boundary(boundary, axis, other), strict=True
        ):
            if films[key] != films[image]:
                name = boundary.part if isinstance(boundary, Interface) else boundary.face
                return None, f"the boundary on {name!r} is not mirrored in the plane {plane}"
    return None


def _body(body: Body, axis: int | None, made_of: Mapping[str, Hashable]) -> Hashable:
    shapes = Counter(_shape(shape, axis) for shape in body.shapes)
    material = made_of.get(body.material or "", body.material)
    return material, body.stress_free, frozenset(shapes.items())


def _made_of(value: Any, recipes: Mapping[str, Recipe]) -> Hashable:
    """Return what a recipe makes, without the part that asks for it; numbers to nine digits."""
    if is_dataclass(value):
        own = [_made_of(getattr(value, f.name), recipes) for f in fields(value) if f.name != "key"]
        return type(value).__name__, *own
    if isinstance(value, str):
        return _made_of(recipes[value], recipes) if value in recipes else value
    if isinstance(value, Mapping):
        pairs = value.items()
        return frozenset((_made_of(key, recipes), _made_of(each, recipes)) for key, each in pairs)
    if isinstance(value, tuple):
        return tuple(_made_of(each, recipes) for each in value)
    return f"{float(value):.{DIGITS}g}"


def _shape(shape: Shape, axis: int | None) -> Hashable:
    """Return a shape as whole numbers, mirrored in an axis unless that is None."""
    if isinstance(shape, Sheet):
        outline = Box(*shape.bounds)
        fraction = shape.fraction if axis is None else np.flip(shape.fraction, 1 - axis)
        # Off the halves, at which fractions of exact areas would round by their last bit.
        levels = np.rint(fraction * 1e6 + 0.318).astype(np.int64)
        return ("sheet", _shape(outline, axis), fraction.shape, levels.tobytes())
    if isinstance(shape, Box):
        bounds = list(shape.bounds)
        if axis is not None:
            bounds[2 * axis], bounds[2 * axis + 1] = -bounds[2 * axis + 1], -bounds[2 * axis]
        return ("box", *_whole(np.array(bounds)).tolist())
    heights = tuple(_whole(np.array([shape.z0, shape.z1])).tolist())
    if isinstance(shape, Columns | Balls):
        kind = (
            type(shape).__name__,
            getattr(shape, "square", False),
            _whole(np.array(shape.diameter)).item(),
        )
        return (*kind, *heights, _points(shape.centres, axis))
    return ("prism", *heights, _points(shape.vertices, axis))


def _points(points: np.ndarray, axis: int | None) -> bytes:
    """Return points in an order that does not depend on how they were listed."""
    points = np.array(points, dtype=float)
    if axis is not None:
        points[:, axis] *= -1
    whole = _whole(points)
    return whole[np.lexsort(whole.T)].tobytes()


def _whole(lengths: np.ndarray) -> np.ndarray:
    return np.rint(lengths * FINE).astype(np.int64)


def _order(bodies: Sequence[Body], twin: list[int]) -> tuple[str, str] | None:
    if all(t == n for n, t in enumerate(twin)):
        return None
    bounds = np.array([body.bounds for body in bodies])
    low, high = bounds[:, 0::2], bounds[:, 1::2]
    rank = np.array(twin)
    for n in range(len(bodies) - 1):
        overlap = (
            np.minimum(high[n], high[n + 1 :]) - np.maximum(low[n], low[n + 1 :]) > 1 / FINE
        ).all(axis=1)
        swapped = np.flatnonzero(overlap & (rank[n + 1 :] < rank[n]))
        if len(swapped):
            return bodies[n].part, bodies[n + 1 + int(swapped[0])].part
    return None


def _where(body: Body, axis: int) -> str:
    low, high = body.bounds[2 * axis : 2 * axis + 2]
    if abs(low + high) > 1 / FINE:
        return f": it reaches from {low * 1e3:.6g} to {high * 1e3:.6g} mm"
    return ", although it is centred there"


def _source(source: Source, axis: int | None, other: dict[str, str]) -> Hashable:
    z = None if source.z is None else tuple(_whole(np.array(source.z)).tolist())
    part = other.get(source.part, source.part)
    if source.x is None or source.y is None:
        return part, z, f"{float(source.watts):.{DIGITS}g}"
    lines, watts = [source.x, source.y], np.asarray(source.watts, float)
    if axis is not None:
        lines[axis] = -lines[axis][::-1]
        watts = np.flip(watts, 1 - axis)
    scale = watts.sum() or 1.0
    fractions = np.rint(watts / scale * 10**DIGITS).astype(np.int64).tobytes()
    return part, z, f"{scale:.{DIGITS}g}", *(_whole(line).tobytes() for line in lines), fractions


def _boundary(b: Boundary, axis: int | None, other: dict[str, str]) -> list[Hashable]:
    """Return one entry for every single side that a boundary names."""
    if isinstance(b, Interface):
        return [(frozenset(other.get(part, part) for part in (b.part, b.other)), b.resistance)]
    part, _, side = b.face.rpartition(".")
    film = (b.coefficient, b.ambient, b.natural) if isinstance(b, Film) else ()
    values: tuple[Hashable, ...] = film if isinstance(b, Film) else (b.temperature,)
    flip = {} if axis is None else FLIP[axis]
    return [
        (type(b).__name__, other.get(part, part), flip.get(s, s), *values)
        for s in SIDES.get(side, (side,))
    ]
