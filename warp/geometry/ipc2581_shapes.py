"""Elements of IPC-2581 as numbers and polygons: units, attributes, outlines, standard shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from warp.geometry import board_shapes as shapes
from warp.geometry.board import with_holes
from warp.geometry.gerber_macro import rectangle
from warp.geometry.strokes import Arc, Outline

UNITS = {"MILLIMETER": 1.0, "MICRON": 1e-3, "INCH": 25.4, "MM": 1.0}  # MM is some writers' own
Element = Any


class Ipc2581Error(ValueError):
    """A file that is no board in IPC-2581; the text says what is wrong, with its line."""


def unit_of(element: Element) -> float:
    """Return the unit that an element gives, in mm."""
    name = element.get("units", "")
    if name not in UNITS:
        raise Ipc2581Error(
            f"line {element.sourceline}: units {name!r}, not one of {', '.join(UNITS)}"
        )
    return UNITS[name]


def number(element: Element, name: str, default: float | None = None) -> float:
    """Return an attribute as a number; Ipc2581Error names its line where it is none."""
    text = element.get(name)
    if text is None and default is not None:
        return default
    try:
        found = float(text)
    except (TypeError, ValueError):
        found = float("nan")
    if not abs(found) < 1e7:
        raise Ipc2581Error(f"line {element.sourceline}: {name} of {element.tag} is no number")
    return found


def is_clockwise(element: Element) -> bool:
    """Tell which way a curve turns."""
    return str(element.get("clockwise", "false")).lower() in ("true", "1")


def outline_of(polygon: Element, unit: float) -> Outline:
    """Return the corners of a Polygon or Cutout, its curves as chords."""
    points: Outline = []
    for step in polygon:
        if step.tag in ("PolyBegin", "PolyStepSegment"):
            points.append(unit * complex(number(step, "x"), number(step, "y")))
        elif step.tag == "PolyStepCurve" and points:
            end = unit * complex(number(step, "x"), number(step, "y"))
            centre = unit * complex(number(step, "centerX"), number(step, "centerY"))
            points += Arc(points[-1], end, centre, is_clockwise(step)).between(points[-1], end)
            points.append(end)
    return points[:-1] if len(points) > 1 and points[0] == points[-1] else points


def _sized(*names: str) -> Callable[[Element, float], list[float]]:
    def sizes(shape: Element, unit: float) -> list[float]:
        return [unit * number(shape, name) for name in names]

    return sizes


def _rounds(shape: Element) -> str:
    corners = ("upperRight", "upperLeft", "lowerLeft", "lowerRight")
    return "".join(
        str(n) for n, word in enumerate(corners, 1) if shape.get(word, "true").lower() != "false"
    )


def _cornered(make: Callable[..., Outline], size: str, shape: Element, unit: float) -> list[Any]:
    return shapes.plain(make(*_sized("width", "height", size)(shape, unit), _rounds(shape)))


def _contour(shape: Element, unit: float) -> list[Any]:
    outer = shape.find("Polygon")
    holes = [outline_of(cut, unit) for cut in shape.findall("Cutout")]
    return [] if outer is None else with_holes([outline_of(outer, unit)], holes)


def _donut(shape: Element, unit: float) -> list[Any]:
    outer, inner = _both(shape, unit)
    return shapes.ring(outer, inner)


def _thermal(shape: Element, unit: float) -> list[Any]:
    outer, inner = _both(shape, unit)
    gap = unit * number(shape, "gap", 0.0)
    spokes = int(number(shape, "spokeCount", 4.0))
    return shapes.thermal(outer, inner, spokes, gap, number(shape, "spokeStartAngle", 0.0))


def _both(shape: Element, unit: float) -> tuple[Outline, Outline]:
    sizes = _sized("outerDiameter", "innerDiameter")(shape, unit)
    form = shape.get("shape", "ROUND")
    if form == "SQUARE":
        return rectangle(sizes[0], sizes[0]), rectangle(sizes[1], sizes[1])
    if form in ("HEXAGON", "OCTAGON"):
        sides = 6 if form == "HEXAGON" else 8
        return shapes.polygon(sides, sizes[0]), shapes.polygon(sides, sizes[1])
    return shapes.circle(sizes[0]), shapes.circle(sizes[1])


def _corner_rectangle(shape: Element, unit: float) -> list[Any]:
    x0, y0, x1, y1 = _sized("lowerLeftX", "lowerLeftY", "upperRightX", "upperRightY")(shape, unit)
    return shapes.plain([complex(x0, y0), complex(x1, y0), complex(x1, y1), complex(x0, y1)])


def _of(make: Callable[..., Outline], *names: str) -> Callable[[Element, float], list[Any]]:
    sizes = _sized(*names)
    return lambda shape, unit: shapes.plain(make(*sizes(shape, unit)))


STROKES = {"Line", "Polyline", "Arc"}
SHAPES: dict[str, Callable[[Element, float], list[Any]]] = {
    "Circle": _of(shapes.circle, "diameter"),
    "RectCenter": _of(rectangle, "width", "height"),
    "RectCorner": _corner_rectangle,
    "RectRound": lambda s, u: _cornered(shapes.rounded, "radius", s, u),
    "RectCham": lambda s, u: _cornered(shapes.chamfered, "chamfer", s, u),
    "Oval": _of(shapes.oval, "width", "height"),
    "Ellipse": _of(shapes.ellipse, "width", "height"),
    "Diamond": _of(shapes.diamond, "width", "height"),
    "Triangle": _of(shapes.triangle, "base", "height"),
    "Hexagon": lambda s, u: shapes.plain(shapes.polygon(6, *_sized("length")(s, u))),
    "Octagon": lambda s, u: shapes.plain(shapes.polygon(8, *_sized("length")(s, u))),
    "Donut": _donut,
    "Thermal": _thermal,
    "Contour": _contour,
    "Polygon": lambda s, u: shapes.plain(outline_of(s, u)),
}
