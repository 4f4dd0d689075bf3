"""A package as solids: parts become bodies in absolute metres, of the full package; later bodies override earlier.

Boxes, prisms, columns and balls of `shape`; a frame is four boxes, a lid five, a fillet nested frames, a laminate one
box a layer. Where a body is made of several materials at once (a copper pattern in its dielectric, lumped layers, an
effective bump layer) it carries the name of a recipe: the rule and the volume fractions, for `materials` to mix.
Pure geometry: neither grid nor temperature.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import hypot, pi

import numpy as np

from warp import standing
from warp.lattice import lay
from warp.part import (
    AnyPart,
    Array,
    Blocks,
    Columns,
    Disc,
    Fillet,
    Frame,
    Gap,
    Layer,
    Lid,
    Lump,
    Plate,
    Prism,
    Solid,
    Void,
    Wires,
)
from warp.shape import Balls as BallShapes
from warp.shape import Body, Bounds, Box, Shape
from warp.shape import Columns as ColumnShapes
from warp.shape import Prism as PrismShape
from warp.stacking import LEVEL, Fault, Key, Outline, Place, place
from warp.standing import Member

VOID = "void"
SIDES = ("x-", "x+", "y-", "y+")
TURNED = {"x+": "y+", "y+": "x-", "x-": "y-", "y-": "x+"}  # counter-clockwise by a quarter


@dataclass(frozen=True)
class Recipe:
    """A mixed material: a rule of `mixing` and volume fractions by material name; `turned` by a quarter about z."""

    rule: str
    of: Mapping[str, float]
    key: Key
    """The part or layer that asks for it."""
    member: Member | None = None
    """For the rule "standing": one of the free-standing members, and how many stand on a square metre."""
    per_area: float = 0.0
    faces: tuple[Mapping[str, float], ...] = ()
    """What they stand between: below and above, shares by material."""


@dataclass
class Package:
    """Bodies in the order in which they override, where the parts lie, and what has to be mixed for them."""

    bodies: list[Body] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    recipes: dict[str, Recipe] = field(default_factory=dict)
    wanted: dict[str, Key] = field(default_factory=dict)
    """Every material that a part names, and the first key that names it."""


def build(parts: Mapping[str, AnyPart]) -> tuple[Package, list[Fault]]:
    """Stack the parts and make their solids; return also what is wrong, one fault a part at most."""
    package = Package()
    package.places, faults = place(parts)
    for name, where in package.places.items():
        try:
            package.bodies += _bodies(name, parts[name], where, package)
        except Fault as fault:
            faults.append(fault)
    if not faults:
        faults += _beside(parts, package)
        _find_faces(package)
    return package, faults


def _find_faces(package: Package) -> None:
    """Say between what the members of a free-standing layer stand: materials to a depth of one radius."""
    for body in package.bodies:
        recipe = package.recipes.get(body.material or "")
        if recipe is None or recipe.member is None:
            continue
        x0, x1, y0, y1, z0, z1 = body.bounds
        depth = recipe.member.radius
        faces = []
        for low, high in ((z0 - depth, z0), (z1, z1 + depth)):
            shares: dict[str, float] = {}
            for other in package.bodies:
                a0, a1, b0, b1, c0, c1 = other.bounds
                common = [min(x1, a1) - max(x0, a0), min(y1, b1) - max(y0, b0), min(high, c1) - max(low, c0)]
                if other.material and other is not body and min(common) > LEVEL:
                    shares[other.material] = shares.get(other.material, 0.0) + common[0] * common[1] * common[2]
            total = sum(shares.values())
            if total:
                faces.append({material: share / total for material, share in shares.items()})
        package.recipes[body.material or ""] = replace(recipe, faces=tuple(faces))


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
                    yield Fault(("part", name, key), f"{other!r} lies beside it: nothing of {name!r} is {where} it")


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
        return [body(VOID, _box(outline, z0, z1))]
    if isinstance(part, Plate) and part.layers:
        return [body(made_of, _box(outline, low, high)) for made_of, low, high in _laminate(name, part, where, package)]
    material = _material(name, part, package)
    shapes: list[Shape]
    if isinstance(part, Array):
        return [body(made_of, *shapes) for made_of, shapes in _array(name, part, material, where, package)]
    if isinstance(part, Plate):
        shapes = [_box(outline, z0, z1)]
    elif isinstance(part, Disc):
        shapes = [ColumnShapes(np.array([[outline.x, outline.y]]), part.diameter, z0, z1)]
    elif isinstance(part, Prism):
        shapes = [PrismShape(_polygon(name, part, outline), z0, z1)]
    elif isinstance(part, Frame):
        opening = _opening(name, part, outline, package.places)
        shapes = [*_ring(outline, opening, z0, z1, _gaps(part, part.gaps, opening, ("part", name, "gaps")))]
    elif isinstance(part, Fillet):
        shapes = [*_fillet(part, outline, z0)]
    elif isinstance(part, Blocks):
        shapes = [*_blocks(part, outline, z0, z1)]
    elif isinstance(part, Wires):
        return [body(made_of, box) for made_of, box in _wires(name, part, material, where, package)]
    else:
        opening = _lid_opening(name, part, outline)
        vents = _gaps(part, part.vents, opening, ("part", name, "vents"))
        shapes = [_box(outline, where.ceiling, z1), *_ring(outline, opening, z0, where.ceiling, vents)]
    return [body(material, *shapes)]


def _material(name: str, part: Solid, package: Package) -> str:
    if part.material is None:
        raise Fault(("part", name, "material"), 'is missing: add material = "silicon" (`warp materials` lists names)')
    return _want(part.material, ("part", name, "material"), package)


def _want(material: str, key: Key, package: Package) -> str:
    if material != VOID:
        package.wanted.setdefault(material, key)
    return material


def _box(outline: Outline, z0: float, z1: float) -> Box:
    return Box(*outline.bounds, z0, z1)


# rings


Spans = list[tuple[float, float]]


def _ring(
    outer: Outline, inner: Outline, z0: float, z1: float, gaps: Mapping[str, Spans] | None = None
) -> Iterator[Box]:
    """Four boxes: the x limbs over the whole depth, the y limbs between them; interrupted where there are gaps."""
    x0, x1, y0, y1 = outer.bounds
    a0, a1, b0, b1 = inner.bounds
    gaps = gaps or {}
    for low, high in _without(y0, y1, gaps.get("x-", [])):
        yield Box(x0, a0, low, high, z0, z1)
    for low, high in _without(y0, y1, gaps.get("x+", [])):
        yield Box(a1, x1, low, high, z0, z1)
    for low, high in _without(a0, a1, gaps.get("y-", [])):
        yield Box(low, high, y0, b0, z0, z1)
    for low, high in _without(a0, a1, gaps.get("y+", [])):
        yield Box(low, high, b1, y1, z0, z1)


def _without(start: float, end: float, gaps: Spans) -> Iterator[tuple[float, float]]:
    """What gaps leave of a range."""
    for low, high in sorted(gaps):
        if low - start > LEVEL:
            yield start, low
        start = max(start, high)
    if end - start > LEVEL:
        yield start, end


def _gaps(part: Frame | Lid, gaps: tuple[Gap, ...], opening: Outline, key: Key) -> dict[str, Spans]:
    """Ranges along each side of a ring that are open, in absolute coordinates; a turned part's sides turn with it."""
    found: dict[str, Spans] = {}
    for number, gap in enumerate(gaps):
        for side in SIDES if gap.side == "all" else (gap.side,):
            at = gap.at
            for _ in range(part.turn // 90):  # (x, y) becomes (-y, x)
                at = -at if side[0] == "x" else at
                side = TURNED[side]
            along_x = side[0] == "y"
            middle = (opening.x if along_x else opening.y) + at
            span = middle - gap.width / 2, middle + gap.width / 2
            low, high = opening.bounds[:2] if along_x else opening.bounds[2:]
            if span[0] < low - LEVEL or span[1] > high + LEVEL:
                raise Fault(
                    (*key, number),
                    f"reaches into the corner: the opening is {(high - low) * 1e3:.6g} mm long on side {gap.side!r}",
                )
            found.setdefault(side, []).append(span)
    return found


def _opening(name: str, frame: Frame, outline: Outline, places: Mapping[str, Place]) -> Outline:
    key: Key = ("part", name)
    turned = frame.turn in (90, 270)
    beside = places.get(frame.around or "")
    around = beside.outline.grown(frame.clearance) if beside else None
    if frame.opening and frame.width:
        raise Fault((*key, "opening"), "follows from size and width: keep two of the three")
    if frame.opening:
        width, depth = frame.opening[::-1] if turned else frame.opening
    elif frame.width:
        wx, wy = frame.width[::-1] if turned and frame.size is not None else frame.width
        width, depth = outline.width - 2 * wx, outline.depth - 2 * wy
    elif around:
        width, depth = around.width, around.depth
    else:
        raise Fault(key, 'a frame needs a width (or opening, or around): add width = "3 mm"')
    blame = (*key, "opening" if frame.opening else "width" if frame.width else "around")
    if width <= 0 or depth <= 0:
        raise Fault(blame, f"closes the opening ({_mm(width, depth)}): make it narrower, or use a plate")
    if width > outline.width - LEVEL or depth > outline.depth - LEVEL:
        sizes = f"outside {_mm(outline.width, outline.depth)}, opening {_mm(width, depth)}"
        raise Fault(blame, f"leaves nothing of the ring: {sizes}")
    if around and (width < around.width - LEVEL or depth < around.depth - LEVEL):
        sizes = f"the opening {_mm(width, depth)} must hold {_mm(around.width, around.depth)}"
        raise Fault(blame, f"cuts into {frame.around!r}: {sizes}")
    return Outline(outline.x, outline.y, width, depth)


def _lid_opening(name: str, lid: Lid, outline: Outline) -> Outline:
    wx, wy = lid.foot_width[::-1] if lid.turn in (90, 270) and not isinstance(lid.size, str) else lid.foot_width
    inner = outline.grown(-wx, -wy)
    if inner.width <= 0 or inner.depth <= 0:
        raise Fault(("part", name, "foot_width"), f"leaves no cavity in a lid of {_mm(outline.width, outline.depth)}")
    return inner


def _fillet(fillet: Fillet, outline: Outline, z0: float) -> Iterator[Box]:
    """Nested rings of equal width, each as high as the wedge in its middle: the wedge's cross-section is kept."""
    step = fillet.width / fillet.steps
    for number in range(fillet.steps):
        outer = outline.grown(-number * step)
        height = fillet.height * (number + 0.5) / fillet.steps
        yield from _ring(outer, outer.grown(-step), z0, z0 + height)


# blocks and wires


def _blocks(blocks: Blocks, outline: Outline, z0: float, z1: float) -> Iterator[Box]:
    width, depth = blocks.size[::-1] if blocks.turn in (90, 270) else blocks.size
    for x, y in _turned(np.array(blocks.sites), blocks.turn // 90) + [outline.x, outline.y]:
        yield _box(Outline(float(x), float(y), width, depth), z0, z1)


def _wires(name: str, wires: Wires, material: str, where: Place, package: Package) -> Iterator[tuple[str, Box]]:
    """One box a side: straight wires from the loop's top at the chip's edge to the far end, as fibres across the side.

    The share of wire keeps the conductance of the n wires of a side, n k A / length, in the box's own width and height.
    """
    key: Key = ("part", name)
    if wires.diameter > wires.pitch:
        raise Fault((*key, "diameter"), f"is larger than the pitch ({wires.pitch * 1e6:.6g} um): they would overlap")
    if material == VOID or wires.fill == VOID:
        raise Fault((*key, "material" if material == VOID else "fill"), "cannot be void: wires lie in mould compound")
    fill = _want(wires.fill, (*key, "fill"), package)
    chip = package.places[wires.around or ""].outline
    height = where.z1 - where.z0
    area = pi * wires.diameter**2 / 4
    share = area * wires.reach / hypot(wires.reach, height) / (wires.pitch * height)
    if share > 0.5:
        raise Fault((*key, "pitch"), f"makes {100 * share:.3g} % of the ring wire: is a unit wrong?")
    x0, x1, y0, y1 = chip.bounds
    boxes = {
        "x-": Box(x0 - wires.reach, x0, y0, y1, where.z0, where.z1),
        "x+": Box(x1, x1 + wires.reach, y0, y1, where.z0, where.z1),
        "y-": Box(x0, x1, y0 - wires.reach, y0, where.z0, where.z1),
        "y+": Box(x0, x1, y1, y1 + wires.reach, where.z0, where.z1),
    }
    for side in wires.sides:
        label = f"{name}: wires along {side[0]}"
        package.recipes[label] = Recipe(f"{side[0]}-fibres", {material: share, fill: 1.0 - share}, key)
        yield label, boxes[side]


# prisms


def _polygon(name: str, prism: Prism, outline: Outline) -> np.ndarray:
    key: Key = ("part", name, "outline")
    corners = np.array(prism.outline)
    crossing = _crossing(corners)
    if crossing:
        raise Fault(key, f"crosses itself: edges {crossing[0]} and {crossing[1]}; list the corners in order")
    x, y = corners.T
    if abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2 < LEVEL**2:
        raise Fault(key, "encloses no area: its corners lie on one line")
    return _turned(corners, prism.turn // 90) + [outline.x, outline.y]


def _crossing(p: np.ndarray) -> tuple[int, int] | None:
    """Numbers of two edges that cross, counted from 1."""
    q = np.roll(p, -1, axis=0)

    def left(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        u, v = b - a, c - a
        return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]

    for n in range(len(p) - 2):
        others = slice(n + 2, len(p) - (1 if n == 0 else 0))
        a, b = p[others], q[others]
        apart = (left(p[n], q[n], a) * left(p[n], q[n], b) < 0) & (left(a, b, p[n]) * left(a, b, q[n]) < 0)
        if apart.any():
            return n + 1, n + 3 + int(np.flatnonzero(apart)[0])
    return None


# arrays


def _array(
    name: str, array: Array, material: str, where: Place, package: Package
) -> list[tuple[str, tuple[Shape, ...]]]:
    """Material and shapes of an array: its columns or balls, or the rectangles of its effective layer."""
    key: Key = ("part", name)
    height, d = where.z1 - where.z0, array.diameter
    if not isinstance(array, Columns) and height > d:
        raise Fault((*key, "height"), f"is larger than the diameter ({d * 1e6:.6g} um): the balls would touch nothing")
    lattice = lay(array, where.outline, key)
    turn = array.turn // 90
    if array.model == "resolved":
        if array.fill not in (None, VOID) and not array.inside:
            raise Fault((*key, "fill"), 'belongs to model = "effective"; else what fills the space is a part before it')
        centres = _turned(lattice.centres(), turn) + [where.outline.x, where.outline.y]
        if isinstance(array, Columns):
            return [(material, (ColumnShapes(centres, d, where.z0, where.z1, square=array.section == "square"),))]
        return [(material, (BallShapes(centres, d, where.z0, where.z1),))]
    if material == VOID:
        raise Fault((*key, "material"), 'cannot be void in model = "effective": holes are resolved')
    if array.fill is None:
        remedy = 'add what fills the space between, e.g. fill = "underfill-uf9000ae", or "void"'
        raise Fault((*key, "fill"), f"is missing: {remedy}")
    if array.fill == material:
        raise Fault((*key, "fill"), f"is {material!r} like the material itself: nothing to make effective")
    rectangles = lattice.rectangles()
    if not isinstance(array, Columns):
        area = pi * (d**2 / 4 - height**2 / 12)  # mean section between the cutting planes
    else:
        area = d**2 if array.section == "square" else pi * d**2 / 4
    per_area = int(lattice.kept.sum()) / sum(r.area for r in rectangles)
    share = per_area * area
    if array.fill == VOID:
        if isinstance(array, Columns):
            member = standing.column(d, height, array.section == "square")
        else:
            member = standing.ball(d, height)
        package.recipes[f"{name}: effective"] = Recipe("standing", {material: share}, key, member, per_area)
    else:
        fill = _want(array.fill, (*key, "fill"), package)
        package.recipes[f"{name}: effective"] = Recipe("fibres", {material: share, fill: 1.0 - share}, key)
    boxes = []
    for r in rectangles:
        corners = _turned(np.array([[r.x0, r.y0], [r.x1, r.y1]]), turn) + [where.outline.x, where.outline.y]
        (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        boxes.append(Box(x0, x1, y0, y1, where.z0, where.z1))
    return [(f"{name}: effective", tuple(boxes))]


def _turned(points: np.ndarray, quarters: int) -> np.ndarray:
    """Turn points (n, 2) counter-clockwise about the origin."""
    for _ in range(quarters):
        points = np.stack([-points[:, 1], points[:, 0]], axis=1)
    return points


# laminates


def _laminate(name: str, plate: Plate, where: Place, package: Package) -> Iterator[tuple[str, float, float]]:
    """Material, bottom and top of each layer, from the top down as the file lists them."""
    top = where.z1
    for number, entry in enumerate(plate.layers or ()):
        key: Key = ("part", name, "layers", number)
        label = f"{name}: {entry.name or f'layer {number + 1}'}"
        if isinstance(entry, Lump):
            thickness = sum(layer.thickness for layer in entry.lump)
            shares: dict[str, float] = {}
            for n, layer in enumerate(entry.lump):
                made_of = _layer(plate, layer, (*key, "lump", n), f"{label}, {layer.name or n + 1}", package)
                shares[made_of] = shares.get(made_of, 0.0) + layer.thickness / thickness
            package.recipes[label] = Recipe("z-layers", shares, key)
            material = label
        else:
            thickness = entry.thickness
            material = _layer(plate, entry, key, label, package)
        bottom = top - thickness
        if number == len(plate.layers or ()) - 1:
            bottom = where.z0  # the sum of thicknesses, without its round-off
        yield material, bottom, top
        top = bottom


def _layer(plate: Plate, layer: Layer, key: Key, label: str, package: Package) -> str:
    """The layer's material: a dielectric, or the recipe of copper in it."""
    dielectric = layer.material or plate.material
    if dielectric is None:
        raise Fault((*key, "material"), f"is missing: add material to the layer, or to part {key[1]!r} for all of them")
    named = (*key, "material") if layer.material else ("part", key[1], "material")
    for word, where in ((dielectric, named), (plate.conductor, ("part", key[1], "conductor"))):
        if word == VOID:
            raise Fault(where, 'cannot be void in a laminate: cut the hole with a part of shape = "void"')
    _want(dielectric, named, package)
    if layer.copper and layer.vias:
        raise Fault((*key, "vias"), "stands beside copper: a layer has a pattern or vias, make it two layers")
    share = layer.copper or layer.vias
    if share == 0.0:
        return dielectric
    conductor = _want(plate.conductor, ("part", key[1], "conductor"), package)
    if share == 1.0 or conductor == dielectric:
        return conductor
    rule = "columns" if layer.vias else "voigt" if layer.pattern == "plane" else "traces"
    package.recipes[label] = Recipe(rule, {conductor: share, dielectric: 1.0 - share}, key)
    return label


def _mm(width: float, depth: float) -> str:
    return f"{width * 1e3:.6g} x {depth * 1e3:.6g} mm"
