"""Draw as KiCad does: graphics with their pens, pads with their shapes, as polygons in mm, y up.

Angles count counter-clockwise. An arc of KiCad 6 and later goes through three points; older ones
have a centre, a start and an angle.
"""

from __future__ import annotations

from cmath import rect
from math import radians
from typing import Any

from warp.geometry import board_shapes as shapes
from warp.geometry.board import Laying, arc_stroke, polygon_of, stroke
from warp.geometry.gerber_macro import rectangle
from warp.geometry.kicad_nodes import KicadError, Node, number
from warp.geometry.strokes import Arc, Outline, disc

CHORDS = 32  # of a Bezier curve
CORNERS = {"top_right": "1", "top_left": "2", "bottom_left": "3", "bottom_right": "4"}
GRAPHICS = ("line", "arc", "rect", "circle", "poly", "curve")
"""Kinds of graphics; a board calls them gr_line, a footprint fp_line."""
Path = list[complex]


def kind_of(node: Node) -> str:
    """Return the kind of a graphic, "" for what is none."""
    prefix, _, kind = node.name.partition("_")
    return kind if prefix in ("gr", "fp") and kind in GRAPHICS else ""


def path_of(node: Node) -> Path:
    """Return the points along a graphic, arcs as chords; closed shapes end where they begin."""
    kind = kind_of(node)
    if kind == "rect":
        a, b = node.point("start"), node.point("end")
        corners = [a, complex(b.real, a.imag), b, complex(a.real, b.imag)]
        return [*corners, a]
    if kind == "circle":
        centre, end = node.point("center"), node.point("end")
        return [end, *Arc(end, end, centre, False).between(end, end), end]
    if kind == "arc":
        start, end, arc = _arc(node)
        return [start, *arc.between(start, end), end]
    if kind == "poly":
        points = points_of(node)
        return [*points, points[0]] if points else []
    if kind == "curve":
        return _bezier(points_of(node))
    return [node.point("start"), node.point("end")]


def points_of(node: Node) -> Path:
    """Return the corners of (pts (xy 1 2) ...), its arcs as chords."""
    pts = node.first("pts")
    found: Path = []
    for entry in pts.every("xy", "arc") if pts is not None else ():
        if entry.name == "arc":
            start, end, arc = _arc(entry)
            found += [start, *arc.between(start, end), end]
            continue
        found.append(_place(entry))
    return found


def _place(entry: Node) -> complex:
    """Return the point of a list such as (xy 1 2), y up."""
    found = [value for word in entry.words[:2] if (value := number(word)) is not None]
    if len(found) < 2:
        raise KicadError(f"line {entry.line}: {entry.name} has no two numbers")
    return complex(found[0], -found[1])


def graphic(node: Node) -> list[Any]:
    """Return what a graphic covers: its pen's way, and the inside where it is filled."""
    width = pen_of(node)
    found: list[Outline] = []
    if kind_of(node) == "arc" and width > 0.0:
        start, end, arc = _arc(node)
        found += arc_stroke(start, end, arc, width / 2)
    elif kind_of(node) == "circle":
        return _circle(node, width)
    else:
        path = path_of(node)
        found += stroke(path, width / 2) if width > 0.0 else []
        if is_filled(node):
            found.append(path[:-1])
    return [polygon_of(outline) for outline in found if len(outline) > 2]


def track_arc(node: Node) -> list[Any]:
    """Return what a track along an arc covers."""
    start, end, arc = _arc(node)
    return [polygon_of(o) for o in arc_stroke(start, end, arc, node.number("width") / 2)]


def pen_of(node: Node) -> float:
    """Return the width of a graphic's pen."""
    inner = node.first("stroke")
    return (inner or node).number("width", 0.0)


def is_filled(node: Node) -> bool:
    """Tell whether a graphic is filled; polygons of KiCad 5 always are."""
    own = node.first("fill")
    if own is None:
        return kind_of(node) == "poly"
    word = own.text("type") or (own.words or ["no"])[0]
    return word in ("solid", "yes")


def _circle(node: Node, width: float) -> list[Any]:
    centre = node.point("center")
    radius = abs(node.point("end") - centre)
    outer = disc(centre, radius + width / 2) if radius + width > 0.0 else []
    if is_filled(node) or radius <= width / 2:
        return shapes.plain(outer)
    return shapes.ring(outer, disc(centre, radius - width / 2)) if width > 0.0 else []


def _arc(node: Node) -> tuple[complex, complex, Arc]:
    """Return start, end and arc."""
    if node.first("mid") is not None:
        start, mid, end = (node.point(name) for name in ("start", "mid", "end"))
        centre = _centre(start, mid, end)
        if centre is None:
            raise KicadError(f"line {node.line}: an arc's three points lie on a line")
        turn = ((mid - start).conjugate() * (end - mid)).imag
        return start, end, Arc(start, end, centre, turn < 0.0)
    centre, start = node.point("start"), node.point("end")
    angle = node.number("angle")
    end = centre + (start - centre) * rect(1.0, radians(-angle))
    return start, end, Arc(start, end, centre, angle > 0.0)


def _centre(a: complex, b: complex, c: complex) -> complex | None:
    """Return the centre of the circle through three points."""
    u, v = b - a, c - a
    cross = (u.conjugate() * v).imag
    if abs(cross) <= 1e-12 * abs(u) * abs(v):
        return None
    return a + 1j * (v * abs(u) ** 2 - u * abs(v) ** 2) / (-2 * cross)


def _bezier(control: Path) -> Path:
    if len(control) != 4:
        return control
    a, b, c, d = control
    ways = [n / CHORDS for n in range(CHORDS + 1)]
    return [
        (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
        for t in ways
    ]


def pad(node: Node, layer: str) -> list[Any]:
    """Return the copper of a pad on a layer, about its place and turned.

    layer: "F.Cu", "Inner" or "B.Cu": pads of KiCad 9 may differ on them.
    """
    at = node.numbers("at", 2)
    turn = at[2] if len(at) > 2 else 0.0
    own = _on_layer(node, layer)
    drill = node.first("drill")
    offset = own.first("offset") or (drill.first("offset") if drill is not None else None)
    moved = 0j if offset is None else _place(offset)
    laying = Laying.of(0j, turn).after(Laying(at=moved))
    return [polygon for polygon, _ in laying.lay([(one, True) for one in _shape(node, own)])]


def _on_layer(node: Node, layer: str) -> Node:
    """Return the list that gives a pad's shape on a layer: its own, or one of its stack."""
    stack = node.first("padstack")
    for entry in stack.every("layer") if stack is not None and layer != "F.Cu" else ():
        if entry.words[:1] == [layer]:
            return entry
    return node


def _shape(node: Node, own: Node) -> list[Any]:
    """Return a pad's shape about its own origin."""
    shape = own.text("shape") or (node.words + ["", "", ""])[2]
    size = own.numbers("size", 1)
    width, height = size[0], size[-1]
    if width <= 0.0 or height <= 0.0:
        return []
    if shape == "custom":
        options = own.first("options")
        anchor = "circle" if options is None else options.text("anchor", "circle")
        primitives = own.first("primitives") or Node(own.line)
        drawn = [polygon for one in primitives for polygon in _primitive(one)]
        return drawn + _plain_shape(anchor, width, height, own)
    return _plain_shape(shape, width, height, own)


def _primitive(entry: str | Node) -> list[Any]:
    return graphic(entry) if isinstance(entry, Node) and kind_of(entry) else []


def _plain_shape(shape: str, width: float, height: float, own: Node) -> list[Any]:
    if shape == "circle":
        return shapes.plain(shapes.circle(width))
    if shape == "oval":
        return shapes.plain(shapes.oval(width, height))
    if shape == "rect":
        return shapes.plain(rectangle(width, height))
    if shape == "roundrect":
        return shapes.plain(_rounded(width, height, own))
    if shape == "trapezoid":
        return shapes.plain(_trapezoid(width, height, own))
    raise KicadError(f"line {own.line}: a pad's shape {shape!r} is not understood")


def _rounded(width: float, height: float, own: Node) -> Outline:
    """Return a rectangle whose corners are rounded, or cut off where the pad says so."""
    least = min(width, height)
    radius = own.number("roundrect_rratio", 0.0) * least
    cut = own.first("chamfer")
    corners = "".join(CORNERS.get(word, "") for word in cut.words) if cut is not None else ""
    size = own.number("chamfer_ratio", 0.0) * least
    return shapes.cornered(width, height, radius, size, corners)


def _trapezoid(width: float, height: float, own: Node) -> Outline:
    """Return a trapezoid: one side shorter by the delta, the other longer."""
    across, up = (value / 2 for value in own.numbers("rect_delta", 2)[:2])
    w, h = width / 2, height / 2
    return [
        complex(-w - up, -h - across),
        complex(w + up, -h + across),
        complex(w - up, h - across),
        complex(-w + up, h + across),
    ]
