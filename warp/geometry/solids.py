"""A package as solids: parts become bodies in absolute metres, of the full package; later bodies override earlier.

Boxes, prisms, columns and balls of `shape`; a frame is four boxes, a lid five, a fillet nested frames, a laminate one
box a layer. Where a body is made of several materials at once (a copper pattern in its dielectric, lumped layers, an
effective bump layer) it carries the name of a recipe: the rule and the volume fractions, for `materials` to mix.
Pure geometry: neither grid nor temperature.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from math import hypot, pi
from pathlib import Path

import numpy as np

from warp.errors import Fault, Key
from warp.geometry.laminate import laminate, layer_shape
from warp.geometry.lattice import lay
from warp.geometry.package import VOID, Package, Recipe
from warp.geometry.part import (
    AnyPart,
    Array,
    Blocks,
    Columns,
    Disc,
    Fillet,
    Frame,
    Plate,
    Prism,
    Solid,
    Void,
    Wires,
)
from warp.geometry.rings import (
    blocks,
    box,
    check_cut,
    fillet,
    frame_opening,
    gaps,
    lid_opening,
    mm,
    ring,
    turned,
    without_corners,
)
from warp.geometry.shapes import Balls as BallShapes
from warp.geometry.shapes import Body, Bounds, Box, Shape
from warp.geometry.shapes import Columns as ColumnShapes
from warp.geometry.shapes import Prism as PrismShape
from warp.geometry.stacking import LEVEL, Outline, Place, place
from warp.materials import bump_layer

__all__ = ["Package", "Recipe", "build"]


def build(
    parts: Mapping[str, AnyPart], folder: Path | None = None, present: Collection[str] | None = None
) -> tuple[Package, list[Fault]]:
    """Stack the parts and make their solids; return also what is wrong, one fault a part at most.

    Copper images are files relative to `folder`. Parts that are not `present` keep their places and have no solids.
    """
    package = Package(parts, folder=folder or Path())
    package.places, faults = place(parts)
    for name, where in package.places.items():
        if present is not None and name not in present:
            continue
        try:
            package.bodies += _bodies(name, parts[name], where, package)
        except Fault as fault:
            faults.append(fault)
    if not faults:
        faults += _beside(parts, package) if present is None else ()
        _find_faces(package)
    return package, faults


def _find_faces(package: Package) -> None:
    """Say between what the members of a free-standing layer stand: materials to a depth of one radius."""
    standing_free = {name for name, recipe in package.recipes.items() if recipe.member is not None}
    for body in package.bodies:
        name = (body.material or "").removesuffix(" turned")
        if name not in standing_free:
            continue
        recipe = package.recipes[name]
        assert recipe.member is not None
        x0, x1, y0, y1, z0, z1 = body.bounds
        depth = recipe.member.radius
        faces = []
        for low, high in ((z0 - depth, z0), (z1, z1 + depth)):
            shares: dict[str, float] = {}
            for other in package.bodies:
                a0, a1, b0, b1, c0, c1 = other.bounds
                common = [
                    min(x1, a1) - max(x0, a0),
                    min(y1, b1) - max(y0, b0),
                    min(high, c1) - max(low, c0),
                ]
                if (
                    other.material
                    and other.material.removesuffix(" turned") not in standing_free
                    and min(common) > LEVEL
                ):
                    shares[other.material] = (
                        shares.get(other.material, 0.0) + common[0] * common[1] * common[2]
                    )
            total = sum(shares.values())
            if total:
                faces.append({material: share / total for material, share in shares.items()})
        package.recipes[name] = replace(recipe, faces=tuple(faces))


def _beside(parts: Mapping[str, AnyPart], package: Package) -> Iterator[Fault]:
    """Find parts that lie beside what they should stand on: no shape of theirs is above or below one of it."""
    shapes: dict[str, list[Bounds]] = {name: [] for name in parts}
    for body in package.bodies:
        shapes[body.part] += [shape.bounds for shape in body.shapes]
    for name, part in parts.items():
        for key in ("on", "under", "inside", "over"):
            others = getattr(part, key, None) or ()
            for other in (others,) if isinstance(others, str) else others:
                own, its = np.array(shapes[name]), np.array(shapes[other])
                if key == "on":
                    own = own[own[:, 4] - own[:, 4].min() < LEVEL]
                    its = its[its[:, 5].max() - its[:, 5] < LEVEL]
                low = np.maximum(own[:, None, 0:4:2], its[None, :, 0:4:2])
                high = np.minimum(own[:, None, 1:4:2], its[None, :, 1:4:2])
                if not (high - low > LEVEL).all(axis=2).any():
                    where = "within" if key == "inside" else key
                    yield Fault(
                        ("part", name, key),
                        f"{other!r} lies beside it: nothing of {name!r} is {where} it",
                    )


def _bodies(name: str, part: AnyPart, where: Place, package: Package) -> list[Body]:
    stress_free = part.stress_free if isinstance(part, Solid) else None

    def body(material: str | None, *shapes: Shape) -> Body:
        made_of = None if material == VOID else material
        if made_of and part.turn in (90, 270) and not isinstance(part, Wires):
            recipe = Recipe("turned", {made_of: 1.0}, ("part", name, "turn"))
            package.recipes[f"{made_of} turned"] = recipe
            made_of = f"{made_of} turned"
        return Body(name, made_of, shapes, stress_free)

    outline, z0, z1 = where.outline, where.z0, where.z1
    if isinstance(part, Void):
        _check_hole(name, part, where, package)
        return [body(VOID, box(outline, z0, z1))]
    if isinstance(part, Plate) and part.layers:
        layers = laminate(name, part, where, package)
        return [
            body(made_of, layer_shape(made_of, outline, low, high, part, package))
            for made_of, low, high in layers
        ]
    material = _material(name, part, package)
    shapes: list[Shape]
    if isinstance(part, Array):
        return [
            body(made_of, *shapes)
            for made_of, shapes in _array(name, part, material, where, package)
        ]
    if isinstance(part, Plate):
        shapes = [box(outline, z0, z1)]
    elif isinstance(part, Disc):
        shapes = [ColumnShapes(np.array([[outline.x, outline.y]]), part.diameter, z0, z1)]
    elif isinstance(part, Prism):
        shapes = [PrismShape(_polygon(name, part, outline), z0, z1)]
    elif isinstance(part, Frame):
        inner = frame_opening(name, part, outline, package.places)
        check_cut(
            part.corner_cut,
            min(outline.width - inner.width, outline.depth - inner.depth) / 2,
            ("part", name),
        )
        shapes = [
            *ring(
                outline,
                inner,
                z0,
                z1,
                gaps(part, part.gaps, inner, ("part", name, "gaps")),
                part.corner_cut,
            )
        ]
    elif isinstance(part, Fillet):
        shapes = [*fillet(part, outline, z0)]
    elif isinstance(part, Blocks):
        shapes = [*blocks(part, outline, z0, z1)]
    elif isinstance(part, Wires):
        return [body(made_of, box) for made_of, box in _wires(name, part, material, where, package)]
    else:
        inner = lid_opening(name, part, outline)
        vents = gaps(part, part.vents, inner, ("part", name, "vents"))
        check_cut(
            part.corner_cut,
            min(outline.width - inner.width, outline.depth - inner.depth) / 2,
            ("part", name),
        )
        plate = without_corners(box(outline, where.ceiling, z1), outline, part.corner_cut)
        shapes = [plate, *ring(outline, inner, z0, where.ceiling, vents, part.corner_cut)]
    return [body(material, *shapes)]


def _check_hole(name: str, hole: Void, where: Place, package: Package) -> None:
    """A hole leaves something of what it is in."""
    around = package.places.get(hole.inside or "")
    if around is None:
        return
    low, high = np.array(where.outline.bounds), np.array(around.outline.bounds)
    covers = (low[0::2] <= high[0::2] + LEVEL).all() and (low[1::2] >= high[1::2] - LEVEL).all()
    if covers and where.z0 <= around.z0 + LEVEL and where.z1 >= around.z1 - LEVEL:
        sizes = f"{mm(where.outline.width, where.outline.depth)} out of {mm(around.outline.width, around.outline.depth)}"
        raise Fault(("part", name, "size"), f"removes all of {hole.inside!r}: {sizes}")


def _material(name: str, part: Solid, package: Package) -> str:
    if part.material is None:
        raise Fault(
            ("part", name, "material"),
            'is missing: add material = "silicon" (`warp materials` lists names)',
        )
    return package.want(part.material, ("part", name, "material"))


def _wires(
    name: str, wires: Wires, material: str, where: Place, package: Package
) -> Iterator[tuple[str, Box]]:
    """One box a side: straight wires from the loop's top at the chip's edge to the far end, as fibres across the side.

    The share of wire keeps the conductance of the n wires of a side, n k A / length, in the box's own width and height.
    """
    key: Key = ("part", name)
    if wires.diameter > wires.pitch:
        raise Fault(
            (*key, "diameter"),
            f"is larger than the pitch ({wires.pitch * 1e6:.6g} um): they would overlap",
        )
    if material == VOID or wires.fill == VOID:
        raise Fault(
            (*key, "material" if material == VOID else "fill"),
            "cannot be void: wires lie in mould compound",
        )
    if wires.fill == material:
        raise Fault((*key, "fill"), f"is {material!r} like the wires: name what surrounds them")
    fill = package.want(wires.fill, (*key, "fill"))
    chip = package.places[wires.around or ""].outline
    height = where.z1 - where.z0
    area = pi * wires.diameter**2 / 4
    share = area * wires.reach / hypot(wires.reach, height) / (wires.pitch * height)
    if share > 0.5:
        raise Fault(
            (*key, "pitch"), f"makes {100 * share:.3g} % of the ring wire: is a unit wrong?"
        )
    x0, x1, y0, y1 = chip.bounds
    boxes = {
        "x-": Box(x0 - wires.reach, x0, y0, y1, where.z0, where.z1),
        "x+": Box(x1, x1 + wires.reach, y0, y1, where.z0, where.z1),
        "y-": Box(x0, x1, y0 - wires.reach, y0, where.z0, where.z1),
        "y+": Box(x0, x1, y1, y1 + wires.reach, where.z0, where.z1),
    }
    for side in wires.sides:
        label = f"{name}: wires along {side[0]}"
        package.recipes[label] = Recipe(
            f"{side[0]}-fibres", {material: share, fill: 1.0 - share}, key
        )
        yield label, boxes[side]


def _polygon(name: str, prism: Prism, outline: Outline) -> np.ndarray:
    key: Key = ("part", name, "outline")
    corners = np.array(prism.outline)
    crossing = _crossing(corners)
    if crossing:
        raise Fault(
            key, f"crosses itself: edges {crossing[0]} and {crossing[1]}; list the corners in order"
        )
    x, y = corners.T
    if abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2 < LEVEL**2:
        raise Fault(key, "encloses no area: its corners lie on one line")
    return turned(corners, prism.turn // 90) + [outline.x, outline.y]


def _crossing(p: np.ndarray) -> tuple[int, int] | None:
    """Numbers of two edges that cross, counted from 1."""
    q = np.roll(p, -1, axis=0)

    def left(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        u, v = b - a, c - a
        return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]

    for n in range(len(p) - 2):
        others = slice(n + 2, len(p) - (1 if n == 0 else 0))
        a, b = p[others], q[others]
        apart = (left(p[n], q[n], a) * left(p[n], q[n], b) < 0) & (
            left(a, b, p[n]) * left(a, b, q[n]) < 0
        )
        if apart.any():
            return n + 1, n + 3 + int(np.flatnonzero(apart)[0])
    return None


def _cured(array: Array, package: Package) -> float | None:
    """Stress-free temperature of the fill: its own, or that of the part of the same material which it is a piece of."""
    around = package.parts.get(array.inside or "")
    if (
        array.fill_stress_free is None
        and isinstance(around, Solid)
        and around.material == array.fill
    ):
        return around.stress_free
    return array.fill_stress_free


def _array(
    name: str, array: Array, material: str, where: Place, package: Package
) -> list[tuple[str, tuple[Shape, ...]]]:
    """Material and shapes of an array: its columns or balls, or the rectangles of its effective layer."""
    key: Key = ("part", name)
    height, d = where.z1 - where.z0, array.diameter
    if not isinstance(array, Columns) and height > d:
        raise Fault(
            (*key, "height"),
            f"is larger than the diameter ({d * 1e6:.6g} um): the balls would touch nothing",
        )
    lattice = lay(array, where.outline, key)
    turn = array.turn // 90
    if array.model == "resolved":
        if array.fill not in (None, VOID) and not array.inside:
            raise Fault(
                (*key, "fill"),
                'belongs to model = "effective"; else what fills the space is a part before it',
            )
        centres = turned(lattice.centres(), turn) + [where.outline.x, where.outline.y]
        if isinstance(array, Columns):
            return [
                (
                    material,
                    (
                        ColumnShapes(
                            centres, d, where.z0, where.z1, square=array.section == "square"
                        ),
                    ),
                )
            ]
        return [(material, (BallShapes(centres, d, where.z0, where.z1),))]
    if material == VOID:
        raise Fault((*key, "material"), 'cannot be void in model = "effective": holes are resolved')
    if array.fill is None:
        remedy = 'add what fills the space between, e.g. fill = "underfill-uf9000ae", or "void"'
        raise Fault((*key, "fill"), f"is missing: {remedy}")
    if array.fill == material:
        raise Fault(
            (*key, "fill"), f"is {material!r} like the material itself: nothing to make effective"
        )
    rectangles = lattice.rectangles()
    if not isinstance(array, Columns):
        area = pi * (d**2 / 4 - height**2 / 12)  # mean section between the cutting planes
    else:
        area = d**2 if array.section == "square" else pi * d**2 / 4
    per_area = int(lattice.kept.sum()) / sum(r.area for r in rectangles)
    share = per_area * area
    if array.fill == VOID:
        if isinstance(array, Columns):
            member = bump_layer.column(d, height, array.section == "square")
        else:
            member = bump_layer.ball(d, height)
        package.recipes[f"{name}: effective"] = Recipe(
            "standing", {material: share}, key, {}, member, per_area
        )
    else:
        fill = package.want(array.fill, (*key, "fill"))
        cured = _cured(array, package)
        since = {} if cured is None else {fill: cured}
        package.recipes[f"{name}: effective"] = Recipe(
            "fibres", {material: share, fill: 1.0 - share}, key, since
        )
    boxes = []
    for r in rectangles:
        corners = turned(np.array([[r.x0, r.y0], [r.x1, r.y1]]), turn) + [
            where.outline.x,
            where.outline.y,
        ]
        (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        boxes.append(Box(x0, x1, y0, y1, where.z0, where.z1))
    return [(f"{name}: effective", tuple(boxes))]
