"""Layouts with real lengths, GDSII, OASIS (gdstk) and Gerber (gerbonara), as shares of copper per pixel.

Whatever is drawn becomes one set of polygons that do not overlap, in the order in which Gerber draws and erases; circles
and arcs keep to 0.5 um. A pixel's share is the polygons' exact area in it. The layout's point `centre` lies in the
middle of the part; nothing is scaled.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby
from math import atan2, ceil, cos, hypot, pi, sin, sqrt, tau
from pathlib import Path
from typing import Any

import numpy as np

from warp.errors import Fault, Key
from warp.geometry.part import Drawing
from warp.kernels.host import voxelize as kernels

STREAMS = (".gds", ".gdsii", ".gds2", ".oas")
GERBERS = (
    ".gbr",
    ".ger",
    ".gtl",
    ".gbl",
    ".g1",
    ".g2",
    ".g3",
    ".g4",
    ".g5",
    ".g6",
    ".g7",
    ".g8",
    ".art",
    ".pho",
)
REMEDY = "pip install gdstk gerbonara"
MM = 1e-3  # m; lengths here are millimetres
CHORD = 0.5e-3  # mm: most distance of a drawn chord from its arc
PRECISION = 1e-6  # mm, of the union
PIXELS = 1000  # along the longer side
MOST_PIXELS = 30_000_000
FEW_VERTICES, FEW_PIXELS = (
    2000,
    4,
)  # of a tile whose polygons are united at once: a union's time grows with the square
Drawn = list[tuple[Any, bool]]
"""Polygons of gdstk in mm, in the order of drawing; False erases."""
Points = list[tuple[float, float]]


def share(path: Path, drawing: Drawing, size: tuple[float, float], key: Key) -> np.ndarray:
    """Shares (rows, columns) of copper over a rectangle of this size (m), first row at y-."""
    width, depth = size[0] / MM, size[1] / MM
    pixel = (drawing.pixel or max(size) / PIXELS) / MM
    columns, rows = (max(1, ceil(length / pixel - 1e-9)) for length in (width, depth))
    if rows * columns > MOST_PIXELS:
        raise Fault(
            (*key, "pixel"),
            f"makes {columns} x {rows} pixels, more than {MOST_PIXELS:,}: is its unit right?",
        )
    if path.suffix.lower() in STREAMS:
        drawn = _stream(path, drawing, key)
    else:
        given = drawing.model_fields_set & {"layer", "datatype", "cell"}
        if given:
            raise Fault(
                (*key, min(given)), "belongs to a GDSII or OASIS file: a Gerber file is one layer"
            )
        drawn = _gerber(path, key)
    if not drawn:
        raise Fault(key, f"{str(path)!r} draws nothing")
    cx, cy = drawing.centre[0] / MM, drawing.centre[1] / MM
    x, y = (
        np.linspace(cx - width / 2, cx + width / 2, columns + 1),
        np.linspace(cy - depth / 2, cy + depth / 2, rows + 1),
    )
    _check_place(drawn, x, y, key)
    cover = np.zeros((rows, columns))
    _paint(cover, x, y, drawn)
    return np.clip(cover, 0.0, 1.0)


def _check_place(drawn: Drawn, x: np.ndarray, y: np.ndarray, key: Key) -> None:
    """Refuse a layout that lies elsewhere: its origin is often its corner, the part's is its middle."""
    boxes = np.array([polygon.bounding_box() for polygon, _ in drawn])
    (x0, y0), (x1, y1) = boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)
    common = max(0.0, min(x1, x[-1]) - max(x0, x[0])) * max(0.0, min(y1, y[-1]) - max(y0, y[0]))
    if common < 0.5 * (x1 - x0) * (y1 - y0):
        raise Fault(
            key,
            f"lies mostly beside its part: the layout reaches from ({x0:.6g}, {y0:.6g}) to ({x1:.6g}, {y1:.6g}) mm, the part "
            f"from ({x[0]:.6g}, {y[0]:.6g}) to ({x[-1]:.6g}, {y[-1]:.6g}); for the middle of the layout write "
            f'centre = ["{(x0 + x1) / 2:.6g} mm", "{(y0 + y1) / 2:.6g} mm"]',
        )


def _paint(cover: np.ndarray, x: np.ndarray, y: np.ndarray, drawn: Drawn) -> None:
    """Add the polygons' area to the pixels between lines x and y; halved until few polygons are left to unite."""
    vertices = sum(polygon.size for polygon, _ in drawn)
    if not drawn:
        return
    if vertices <= FEW_VERTICES or max(cover.shape) <= FEW_PIXELS:
        for points in _united(drawn):
            kernels.polygon(cover, x, y, points, 1.0)
        return
    axis, half = (
        (0, cover.shape[1] // 2) if cover.shape[1] >= cover.shape[0] else (1, cover.shape[0] // 2)
    )
    below, above = _halved(drawn, axis, float((x, y)[axis][half]))
    if axis == 0:
        _paint(cover[:, :half], x[: half + 1], y, below)
        _paint(cover[:, half:], x[half:], y, above)
    else:
        _paint(cover[:half], x, y[: half + 1], below)
        _paint(cover[half:], x, y[half:], above)


def _halved(drawn: Drawn, axis: int, at: float) -> tuple[Drawn, Drawn]:
    """Polygons on either side of a line, in their order; those that it crosses are cut."""
    import gdstk

    below: Drawn = []
    above: Drawn = []
    for polygon, dark in drawn:
        low, high = polygon.bounding_box()
        if high[axis] <= at:
            below.append((polygon, dark))
        elif low[axis] >= at:
            above.append((polygon, dark))
        else:
            parts = gdstk.slice(polygon, at, "x" if axis == 0 else "y", PRECISION)
            below += [(part, dark) for part in parts[0]]
            above += [(part, dark) for part in parts[1]]
    return below, above


def _united(drawn: Drawn) -> list[np.ndarray]:
    """Draw (True) and erase (False) polygons in their order; what remains, without overlaps."""
    import gdstk

    done: list[Any] = []
    for dark, batch in groupby(drawn, key=lambda entry: entry[1]):
        done = gdstk.boolean(
            done, [polygon for polygon, _ in batch], "or" if dark else "not", PRECISION
        )
    return [np.array(polygon.points) for polygon in done]


def _stream(path: Path, drawing: Drawing, key: Key) -> Drawn:
    try:
        import gdstk
    except ImportError:
        raise Fault(key, f"needs gdstk to read GDSII and OASIS: {REMEDY}") from None
    if drawing.layer is None:
        raise Fault((*key, "layer"), "is missing: say which layer of the file, e.g. layer = 1")
    library = _library(path, key)
    cells = {cell.name: cell for cell in library.cells if isinstance(cell, gdstk.Cell)}
    tops = [cell for cell in library.top_level() if isinstance(cell, gdstk.Cell)]
    if drawing.cell is not None and drawing.cell not in cells:
        raise Fault(
            (*key, "cell"),
            f"there is no cell {drawing.cell!r} in {path.name!r}; there are {_some(cells)}",
        )
    if drawing.cell is None and len(tops) != 1:
        names = _some([cell.name for cell in tops])
        raise Fault((*key, "cell"), f"is missing: the top cells of {path.name!r} are {names}")
    cell = cells[drawing.cell] if drawing.cell is not None else tops[0]
    there = sorted(library.layers_and_datatypes())
    kinds = [
        kind for layer, kind in there if layer == drawing.layer and drawing.datatype in (None, kind)
    ]
    wanted = [
        polygon
        for kind in kinds
        for polygon in cell.get_polygons(layer=drawing.layer, datatype=kind)
    ]
    if not wanted:
        drawn = _some(
            [
                f"{layer}/{kind}"
                for layer, kind in sorted({(p.layer, p.datatype) for p in cell.get_polygons()})
            ]
        )
        asked = f"layer {drawing.layer}" + (
            "" if drawing.datatype is None else f", datatype {drawing.datatype}"
        )
        raise Fault(
            (*key, "layer"),
            f"{path.name!r} has nothing on {asked}; there are {drawn} (layer/datatype)",
        )
    return [(polygon, True) for polygon in wanted]


def _library(path: Path, key: Key) -> Any:
    oasis = path.suffix.lower() == ".oas"
    with path.open("rb") as file:
        start = file.read(16)
    # gdstk prints its complaints and goes on with an empty library.
    if not (start.startswith(b"%SEMI-OASIS") if oasis else start[2:4] == b"\x00\x02"):
        raise Fault(key, f"{str(path)!r} is no {'OASIS' if oasis else 'GDSII'} file")
    try:
        return _opened(str(path), oasis, path.stat().st_mtime_ns)
    except (OSError, RuntimeError, ValueError) as error:
        raise Fault(key, f"{str(path)!r} cannot be read as a layout: {error}") from None


@lru_cache(maxsize=2)
def _opened(path: str, oasis: bool, changed: int) -> Any:
    """Open a file once for all its layers, unless it has changed since."""
    import gdstk

    return (gdstk.read_oas if oasis else gdstk.read_gds)(path, unit=MM)


def _some(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:12]) + (", ..." if len(found) > 12 else "") if found else "none"


def _gerber(path: Path, key: Key) -> Drawn:
    try:
        import gdstk
        from gerbonara import GerberFile
        from gerbonara import utils as gerber_units
    except ImportError:
        raise Fault(key, f"needs gerbonara and gdstk to read Gerber: {REMEDY}") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on stderr, about what many programs write
            return [
                (gdstk.Polygon(outline), primitive.polarity_dark)
                for thing in GerberFile.open(path).objects
                for primitive in thing.to_primitives(unit=gerber_units.MM)
                for outline in _outlines(primitive)
            ]
    except Exception as error:  # the parser raises whatever its input made of it
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Fault(key, f"{str(path)!r} is no Gerber file that can be read: {reason}") from None


def _outlines(shape: Any) -> Iterator[Points]:
    """Polygons (mm) that a Gerber primitive covers; a drawn line is its body and two discs."""
    kind = type(shape).__name__
    if kind == "Circle":
        yield _disc(shape.x, shape.y, shape.r)
    elif kind == "Rectangle":
        c, s = cos(shape.rotation), sin(shape.rotation)
        corners = [
            (a * shape.w / 2, b * shape.h / 2) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ]
        yield [(shape.x + c * u - s * v, shape.y + s * u + c * v) for u, v in corners]
    elif kind == "Line":
        yield from _stroke([(shape.x1, shape.y1), (shape.x2, shape.y2)], shape.width)
    elif kind == "Arc":
        ends = (shape.x1, shape.y1), (shape.x2, shape.y2)
        yield from _stroke(
            [ends[0], *_arc(*ends, (shape.cx, shape.cy), shape.clockwise), ends[1]], shape.width
        )
    elif kind == "ArcPoly":
        outline: Points = []
        for start, end, (clockwise, centre) in shape.segments:
            outline.append(start)
            if clockwise is not None:
                outline += _arc(start, end, centre, clockwise)
        if len(outline) > 2:
            yield outline
    else:
        raise ValueError(f"a shape of the kind {kind} is not known")


def _stroke(line: Points, width: float) -> Iterator[Points]:
    """A line of round pens: a rectangle a piece and a disc at every corner."""
    r = width / 2
    if r <= 0.0:
        return
    for (x0, y0), (x1, y1) in zip(line[:-1], line[1:], strict=True):
        length = hypot(x1 - x0, y1 - y0)
        if length > 0.0:
            u, v = -(y1 - y0) / length * r, (x1 - x0) / length * r
            yield [(x0 + u, y0 + v), (x0 - u, y0 - v), (x1 - u, y1 - v), (x1 + u, y1 + v)]
    for x, y in line:
        yield _disc(x, y, r)


def _disc(x: float, y: float, r: float) -> Points:
    """A regular polygon of the disc's area, its own mirror image in x and in y."""
    n = 4 * ceil(_sides(r, tau) / 4)
    R = r * sqrt(tau / n / sin(tau / n))
    return [(x + R * cos(tau * k / n), y + R * sin(tau * k / n)) for k in range(n)]


def _arc(
    start: tuple[float, float],
    end: tuple[float, float],
    centre: tuple[float, float],
    clockwise: bool,
) -> Points:
    """Points between the ends of an arc; equal ends are a full circle."""
    (x0, y0), (x1, y1), (cx, cy) = start, end, centre
    a, b, r = atan2(y0 - cy, x0 - cx), atan2(y1 - cy, x1 - cx), hypot(x0 - cx, y0 - cy)
    turn = (a - b if clockwise else b - a) % tau
    turn = tau if turn < 1e-9 else turn
    n = _sides(r, turn)
    step = -turn / n if clockwise else turn / n
    return [(cx + r * cos(a + step * k), cy + r * sin(a + step * k)) for k in range(1, n)]


def _sides(r: float, angle: float) -> int:
    """Chords of an arc within CHORD of it, at least one per 30 degrees."""
    each = min(pi / 6, 2 * sqrt(2 * CHORD / r) if r > 0.0 else pi / 6)
    return max(1, ceil(angle / each - 1e-9))
