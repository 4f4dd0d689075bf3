"""Layouts (GDSII, OASIS, Gerber, drill files, boards) as fractions of copper per pixel.

Whatever is drawn becomes one set of polygons that do not overlap, in the order in which Gerber
draws and erases; circles and arcs keep to 0.5 um. A pixel's fraction is the polygons' exact area in
it. The layout's point `centre` lies in the middle of the part; nothing is scaled.
"""

from __future__ import annotations

from itertools import groupby
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from warp.errors import Fault, Key, nearest
from warp.files.bounded import decoded
from warp.geometry import excellon, gerber, streams
from warp.geometry.apertures import Drawn
from warp.geometry.gerber_macro import PRECISION, rectangle
from warp.geometry.part import Drawing
from warp.geometry.strokes import crossings
from warp.kernels.host import voxelize as kernels

if TYPE_CHECKING:
    from warp.geometry.board import Board

REMEDY = "pip install gdstk"
MM = 1e-3  # m; lengths here are millimetres
PIXELS = 1000  # along the longer side
MOST_PIXELS = 30_000_000
FEW_VERTICES, FEW_PIXELS = 2000, 4  # a tile united at once: a union's time grows with the square
FEW_CORNERS, MOST_CROSSINGS = 200, 1_000_000  # of an outline that is looked at, of all together
CROWDED = 12.0  # times that a tile is covered, beyond which its shapes are united before it is cut
FREE_WORK = 30_000_000  # corners cut and united in all tiles together, whatever is drawn
WORK_A_CORNER = 60  # and for every corner that is drawn
EACH_UNION = 200  # work of a union however small, in corners

_WORDS = {"layer", "datatype", "cell"}
MISSING_PLATING = (
    'is missing: holes need the thickness of copper on their walls, plating = "25 um", or '
    'plating = "filled"'
)
BOARDS = ("ipc2581", "odb++", "kicad")


def fraction(
    content: bytes | Path, kind: str, drawing: Drawing, size: tuple[float, float], key: Key
) -> np.ndarray:
    """Return shares (rows, columns) of copper over a rectangle of this size (m), first row at y-.

    kind: "gdsii", "oasis", "gerber", "excellon", "ipc2581", "kicad" or "odb++", whose content may
    be a folder. Fault names the key and what is wrong.
    """
    width, depth = size[0] / MM, size[1] / MM
    columns, rows = _pixels(drawing, size, key)
    board = read_board(content, kind, drawing, key) if kind in BOARDS else None
    cx, cy = drawing.centre[0] / MM, drawing.centre[1] / MM
    if board is not None and board.outline and "centre" not in drawing.model_fields_set:
        cx, cy = board.middle.real, board.middle.imag
    x = np.linspace(cx - width / 2, cx + width / 2, columns + 1)
    y = np.linspace(cy - depth / 2, cy + depth / 2, rows + 1)
    try:
        import gdstk
    except ImportError:
        raise Fault(key, f"needs gdstk to read layouts: {REMEDY}") from None
    if board is not None:
        drawn, negative = _of_board(board, drawing, key)
    else:
        drawn, negative = _drawn(content, kind, drawing, key)
    if not drawn and board is not None:
        return np.ones((rows, columns)) if negative else np.zeros((rows, columns))
    if not drawn:
        raise Fault(key, f"{drawing.file!r} draws nothing")
    _check_position(drawn, x, y, key)
    _check_outlines(drawn, drawing.file, key)
    if negative:
        whole = gdstk.Polygon(rectangle(width + 2, depth + 2, complex(cx, cy)))
        drawn = [(whole, True), *((polygon, not dark) for polygon, dark in drawn)]
    cover = np.zeros((rows, columns))
    try:
        _Painter(drawn).paint(cover, x, y, drawn)
    except ValueError as error:
        raise Fault(key, f"{drawing.file!r} cannot be drawn: {error}") from None
    return np.clip(cover, 0.0, 1.0)


def _pixels(drawing: Drawing, size: tuple[float, float], key: Key) -> tuple[int, int]:
    pixel = drawing.pixel or max(size) / PIXELS
    columns, rows = (max(1, ceil(length / pixel - 1e-9)) for length in size)
    if rows * columns > MOST_PIXELS:
        raise Fault(
            (*key, "pixel"),
            f"makes {columns} x {rows} pixels, more than {MOST_PIXELS:,}: is its unit right?",
        )
    return columns, rows


def read_board(content: bytes | Path, kind: str, drawing: Drawing, key: Key) -> Board:
    """Return the board of a file, its step named by `cell`; Fault where it is none."""
    from warp.geometry import ipc2581, kicad, odbpp

    try:
        if kind == "ipc2581":
            return ipc2581.read(content, drawing.cell)
        if kind == "kicad" and isinstance(content, bytes):
            return kicad.read(content, drawing.cell)
        if isinstance(content, Path):
            return odbpp.read_folder(content, drawing.cell)
        return odbpp.read(content, drawing.cell)
    except ImportError:
        raise Fault(key, f"needs lxml to read IPC-2581: {ipc2581.REMEDY}") from None
    except ValueError as error:
        raise Fault(key, f"{drawing.file!r} {error}") from None


def _of_board(board: Board, drawing: Drawing, key: Key) -> tuple[Drawn, bool]:
    """Return the polygons of a board's layer, or the copper in the holes through it."""
    known = [layer.name for layer in board.layers] or list(board.drawable)
    if drawing.datatype is not None:
        raise Fault((*key, "datatype"), "belongs to a GDSII or OASIS file")
    if not isinstance(drawing.layer, str):
        names = ", ".join(known)
        raise Fault((*key, "layer"), f"is missing: name a layer of the board: {names}")
    through = {layer.name for layer in board.layers if layer.kind != "copper"}
    if drawing.layer in through and drawing.plating is None:
        raise Fault((*key, "plating"), MISSING_PLATING)
    wall = None if drawing.plating in (None, "filled") else float(drawing.plating) / MM
    try:
        return board.copper(drawing.layer, wall)
    except KeyError:
        near = nearest(drawing.layer, known)
        raise Fault((*key, "layer"), f"the board has no layer {drawing.layer!r}{near}") from None
    except ValueError as error:
        raise Fault(key, f"{drawing.file!r} {error}") from None


def _drawn(content: bytes | Path, kind: str, drawing: Drawing, key: Key) -> tuple[Drawn, bool]:
    """Return the polygons of a layout, and whether the whole is a negative."""
    assert isinstance(content, bytes)  # only a board may be a folder
    given = drawing.model_fields_set
    if kind not in ("gdsii", "oasis") and given & _WORDS:
        raise Fault(
            (*key, min(given & _WORDS)),
            "belongs to a GDSII or OASIS file: a Gerber or drill file is one layer",
        )
    if kind != "excellon" and "plating" in given:
        raise Fault((*key, "plating"), "belongs to a drill file")
    try:
        if kind == "gerber":
            image = gerber.read(decoded(content))
            return image.drawn, image.negative
        if kind == "excellon":
            return _holes(content, drawing, key), False
        return _stream(content, drawing, key), False
    except streams.StreamError as error:
        where = (*key, error.word) if error.word else key
        if error.word == "cell":
            raise Fault(where, str(error)) from None
        raise Fault(where, f"{drawing.file!r} {error}") from None
    except ValueError as error:
        raise Fault(key, f"{drawing.file!r} cannot be read: {error}") from None


def _stream(content: bytes, drawing: Drawing, key: Key) -> Drawn:
    import gdstk

    if not isinstance(drawing.layer, int):
        raise Fault((*key, "layer"), "is missing: say which layer of the file, e.g. layer = 1")
    found = streams.polygons(content, drawing.layer, drawing.datatype, drawing.cell)
    return [(gdstk.Polygon(points.tolist()), True) for points in found]


def _holes(content: bytes, drawing: Drawing, key: Key) -> Drawn:
    if drawing.plating is None:
        raise Fault((*key, "plating"), MISSING_PLATING)
    wall = None if drawing.plating == "filled" else drawing.plating / MM
    return excellon.barrels(excellon.read(decoded(content)), wall)


def _check_position(drawn: Drawn, x: np.ndarray, y: np.ndarray, key: Key) -> None:
    """Refuse a layout that lies beside its part, as one with its origin in a corner does."""
    boxes = np.array([polygon.bounding_box() for polygon, _ in drawn])
    (x0, y0), (x1, y1) = boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)
    across = max(0.0, min(x1, x[-1]) - max(x0, x[0]))
    up = max(0.0, min(y1, y[-1]) - max(y0, y[0]))
    if across * up < 0.5 * (x1 - x0) * (y1 - y0):
        raise Fault(
            key,
            f"lies mostly outside its part: the layout reaches from ({x0:.6g}, {y0:.6g}) to "
            f"({x1:.6g}, {y1:.6g}) mm, the part from ({x[0]:.6g}, {y[0]:.6g}) to "
            f"({x[-1]:.6g}, {y[-1]:.6g}); for the middle of the layout write "
            f'centre = ["{(x0 + x1) / 2:.6g} mm", "{(y0 + y1) / 2:.6g} mm"]',
        )


def _check_outlines(drawn: Drawn, name: str, key: Key) -> None:
    """Refuse outlines that cross themselves so often that they enclose nothing that is meant."""
    total = 0.0
    for polygon, _ in drawn:
        if polygon.size > FEW_CORNERS:
            total += crossings(polygon.points)
            if total > MOST_CROSSINGS:
                raise Fault(key, f"{name!r} has outlines that cross themselves too often")


class _Painter:
    """Adds the area of polygons to pixels, tile by tile, and counts its work."""

    def __init__(self, drawn: Drawn) -> None:
        self.left = max(FREE_WORK, WORK_A_CORNER * _corners(drawn))

    def paint(self, cover: np.ndarray, x: np.ndarray, y: np.ndarray, drawn: Drawn) -> None:
        """Add the polygons' area to the pixels between lines x and y.

        The tile is halved until few polygons are left to unite.
        """
        if not drawn:
            return
        vertices = _corners(drawn)
        self._spend(vertices)
        if vertices > FEW_VERTICES and _crowding(x, y, drawn) > CROWDED:
            drawn = _thinned(drawn)
            vertices = _corners(drawn)
        if vertices <= FEW_VERTICES or max(cover.shape) <= FEW_PIXELS:
            whole = np.ascontiguousarray(cover)  # kernels take no views
            for points in self._united(drawn):
                kernels.polygon(whole, x, y, np.ascontiguousarray(points), 1.0)
            if whole is not cover:
                cover[...] = whole
            return
        axis = 0 if cover.shape[1] >= cover.shape[0] else 1
        half = cover.shape[1 - axis] // 2
        below, above = _halved(drawn, axis, float((x, y)[axis][half]))
        if axis == 0:
            self.paint(cover[:, :half], x[: half + 1], y, below)
            self.paint(cover[:, half:], x[half:], y, above)
        else:
            self.paint(cover[:half], x, y[: half + 1], below)
            self.paint(cover[half:], x, y[half:], above)

    def _united(self, drawn: Drawn) -> list[np.ndarray]:
        """Draw (True) and erase (False) polygons in order; return what remains."""
        import gdstk

        done: list[Any] = []
        for dark, batch in groupby(drawn, key=lambda entry: entry[1]):
            polygons = [polygon for polygon, _ in batch]
            self._spend(sum(polygon.size for polygon in done) + EACH_UNION)
            done = gdstk.boolean(done, polygons, "or" if dark else "not", PRECISION)
        return [np.array(polygon.points) for polygon in done]

    def _spend(self, corners: int) -> None:
        self.left -= corners
        if self.left < 0:
            raise ValueError("its shapes overlap or erase each other too often")


def _corners(drawn: Drawn) -> int:
    return sum(polygon.size for polygon, _ in drawn)


def _crowding(x: np.ndarray, y: np.ndarray, drawn: Drawn) -> float:
    """Return how often the polygons' rectangles cover a tile."""
    boxes = np.array([polygon.bounding_box() for polygon, _ in drawn])
    low = np.maximum(boxes[:, 0], (x[0], y[0]))
    high = np.minimum(boxes[:, 1], (x[-1], y[-1]))
    area = np.maximum(high - low, 0.0).prod(axis=1).sum()
    return float(area / ((x[-1] - x[0]) * (y[-1] - y[0])))


def _thinned(drawn: Drawn) -> Drawn:
    """Unite neighbours in the order of drawing for as long as that leaves fewer corners."""
    before = _corners(drawn)
    while True:
        found: Drawn = []
        for dark, run in groupby(drawn, key=lambda entry: entry[1]):
            for batch in _batches([polygon for polygon, _ in run]):
                found += [(polygon, dark) for polygon in _union(batch)]
        after = _corners(found)
        drawn = found
        if after > 0.7 * before:
            return drawn
        before = after


def _batches(polygons: list[Any]) -> list[list[Any]]:
    batches: list[list[Any]] = [[]]
    corners = 0
    for polygon in polygons:
        if batches[-1] and corners + polygon.size > FEW_VERTICES:
            batches.append([])
            corners = 0
        batches[-1].append(polygon)
        corners += polygon.size
    return batches


def _union(polygons: list[Any]) -> list[Any]:
    import gdstk

    return list(gdstk.boolean(polygons, [], "or", PRECISION))


def _halved(drawn: Drawn, axis: int, at: float) -> tuple[Drawn, Drawn]:
    """Return polygons on either side of a line, in their order; those that it crosses are cut."""
    import gdstk

    below: Drawn = []
    above: Drawn = []
    for polygon, dark in drawn:
        low, high = polygon.bounding_box()
        if high[axis] <= at:
            below.append((polygon, dark))
        elif low[axis] >= at:
            above.append((polygon, dark))
        elif polygon.size > FEW_VERTICES:
            below.append((_beside(polygon, axis, at, -1.0), dark))
            above.append((_beside(polygon, axis, at, 1.0), dark))
        else:
            parts = gdstk.slice(polygon, at, "x" if axis == 0 else "y", PRECISION)
            below += [(part, dark) for part in parts[0]]
            above += [(part, dark) for part in parts[1]]
    return below, above


def _beside(polygon: Any, axis: int, at: float, side: float) -> Any:
    """Return what lies on one side of a line, in time proportional to the corners.

    Pieces stay joined along the line, where they enclose nothing (Sutherland & Hodgman 1974).
    """
    import gdstk

    points = np.array(polygon.points)
    after = np.roll(points, -1, axis=0)
    depth = side * (points[:, axis] - at)
    depth_after = np.roll(depth, -1)
    inside = depth >= 0.0
    crosses = inside != np.roll(inside, -1)
    share = np.divide(depth, depth - depth_after, where=crosses, out=np.zeros_like(depth))
    cut = points + share[:, None] * (after - points)
    cut[:, axis] = at
    both = np.stack([points, cut], axis=1).reshape(-1, 2)
    return gdstk.Polygon(both[np.stack([inside, crosses], axis=1).ravel()])
