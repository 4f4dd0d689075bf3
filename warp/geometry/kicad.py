"""Boards of KiCad, versions 5 to 10: stackup, outline, and what is on each copper layer.

Copper is what KiCad plots: tracks, vias, pads, graphics and the stored fill of zones; a zone that
was not filled draws nothing. Text is left out: it is no copper that counts. Lengths are mm; y is
turned up. A board without a stackup gets copper of 35 um and equal dielectrics between.
KiCad, "Board File Format" and "S-Expression Format", dev-docs.kicad.org.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from typing import Any

from warp.files.bounded import decoded
from warp.geometry import board_shapes as shapes
from warp.geometry import kicad_shapes
from warp.geometry.apertures import Drawn
from warp.geometry.board import (
    FOIL,
    WHOLE,
    Board,
    BoardLayer,
    Component,
    Drill,
    Laying,
    polygon_of,
    stroke,
)
from warp.geometry.excellon import Hole
from warp.geometry.kicad_nodes import MOST_BYTES, KicadError, Node, number, parsed
from warp.geometry.kicad_shapes import Path
from warp.geometry.strokes import line

FILLS_HAVE_NO_PEN = 20230000
"""Versions from which the outline of a filled zone has no width."""
ALL, OUTER = "*.Cu", "F&B.Cu"
EDGE = "Edge.Cuts"
NEAR = 1e-3  # mm, between the ends of an outline's pieces
BODY = (("F.Fab", "B.Fab"), ("F.CrtYd", "B.CrtYd"))
"""Layers of a footprint that draw the body of its component, the best first."""


def is_kicad(text: str) -> bool:
    """Tell a board by its first word."""
    return re.match(r"\s*\(kicad_pcb[\s()]", text) is not None


@lru_cache(maxsize=2)
def read(content: bytes, step: str | None = None) -> Board:
    """Read a board; KicadError where it is none. It has no steps."""
    if step is not None:
        raise KicadError(f"has no step {step!r}: a board of KiCad has none")
    if len(content) > MOST_BYTES:
        raise KicadError(f"holds {len(content) / 1e6:.0f} MB, more than a board does")
    root = parsed(decoded(content))
    if root.name != "kicad_pcb":
        raise KicadError("is no board of KiCad")
    return _Reader(root).board()


@dataclass(eq=False)
class _Reader:
    """The tables of a board."""

    root: Node
    copper: list[str] = field(default_factory=list)
    """Names of the copper layers from the top down."""
    version: int = 0

    def __post_init__(self) -> None:
        """Read version and layers."""
        digits = self.root.text("version", "0")
        self.version = int(digits) if digits.isdecimal() else 0
        table = self.root.first("layers")
        rows = [row for row in table or () if isinstance(row, Node) and len(row.words) > 1]
        kinds = ("signal", "power", "mixed", "jumper")
        named = [(row.name, row.words[0]) for row in rows if row.words[1] in kinds]
        self.copper = [name for _, name in sorted(named, key=_rank)]
        if not self.copper:
            raise KicadError("has no copper layer")

    def board(self) -> Board:
        """Return the board."""

        @cache
        def draw(layer: str) -> tuple[Drawn, bool]:
            return [(polygon, True) for polygon in self._drawn(layer)], False

        return Board(
            self._outline(),
            tuple(self._stackup()),
            tuple(self._drills()),
            tuple(self._components()),
            draw,
            tuple(self.copper),
            remarks=tuple(self._remarks()),
        )

    @property
    def _stack(self) -> Node | None:
        setup = self.root.first("setup")
        return setup.first("stackup") if setup is not None else None

    def _stackup(self) -> Iterator[BoardLayer]:
        """Yield the layers from the top down."""
        stack = self._stack
        if stack is None:
            yield from self._default_stackup()
            return
        for row in stack.every("layer"):
            kind, name = row.text("type").lower(), (row.words or [""])[0]
            thickness = sum(_numbers_of(row, "thickness"))
            if name in self.copper:
                yield BoardLayer(name, "copper", thickness, "copper")
            elif "mask" in kind:
                yield BoardLayer(name, "mask", thickness, row.text("material"))
            elif kind in ("core", "prepreg"):
                yield BoardLayer(name, "dielectric", thickness, row.text("material"))

    def _default_stackup(self) -> Iterator[BoardLayer]:
        general = self.root.first("general")
        whole = WHOLE if general is None else general.number("thickness", WHOLE)
        count = len(self.copper)
        between = max(whole - count * FOIL, 0.0) / max(count - 1, 1)
        for n, name in enumerate(self.copper, start=1):
            yield BoardLayer(name, "copper", FOIL, "copper")
            if n < max(count, 2):
                yield BoardLayer(f"dielectric {n}", "dielectric", between)

    def _remarks(self) -> Iterator[str]:
        if self._stack is None:
            layers = f"{1e3 * FOIL:g} um of copper in each layer, dielectrics of one thickness"
            yield f"ASSUMED, the file has no stackup: {layers}."
        zones = [zone for zone in self.root.every("zone") if zone.first("keepout") is None]
        empty = sum(zone.first("filled_polygon") is None for zone in zones)
        if empty:
            yield f"{empty} of {len(zones)} zones are not filled: fill them in KiCad (B) and save."

    def _has(self, node: Node, layer: str) -> bool:
        """Tell whether something lies on a copper layer."""
        own = node.first("layers") or node.first("layer")
        names = own.words if own is not None else []
        outer = layer in (self.copper[0], self.copper[-1])
        return layer in names or ALL in names or (OUTER in names and outer)

    def _drawn(self, layer: str) -> Iterator[Any]:
        for node in self.root:
            if isinstance(node, Node):
                yield from self._item(node, layer)

    def _item(self, node: Node, layer: str) -> Iterator[Any]:
        if node.name in ("footprint", "module"):
            yield from self._footprint(node, layer)
        elif node.name == "zone":
            yield from self._zone(node, layer)
        elif node.name == "via":
            if self._reaches(node, layer) and self._flashed(node, layer, node.point("at")):
                ring = shapes.circle(_via_size(node, self._place(layer)))
                yield from (one.translate(node.point("at")) for one in shapes.plain(ring))
        elif node.text("layer") == layer or self._has(node, layer):
            if node.name == "segment":
                ends = node.point("start"), node.point("end")
                yield polygon_of(line(*ends, node.number("width") / 2))
            elif node.name == "arc":
                yield from kicad_shapes.track_arc(node)
            elif kicad_shapes.kind_of(node):
                yield from kicad_shapes.graphic(node)

    def _footprint(self, footprint: Node, layer: str) -> Iterator[Any]:
        laying = _laying(footprint)
        for node in footprint:
            if not isinstance(node, Node):
                continue
            if node.name == "zone":
                yield from self._zone(node, layer)
            elif node.name == "pad":
                at = laying.point(node.point("at"))
                has_copper = self._has(node, layer) and not _is_hole_alone(node)
                if has_copper and self._flashed(node, layer, at):
                    for polygon in kicad_shapes.pad(node, self._place(layer)):
                        yield polygon.translate(at)
            elif kicad_shapes.kind_of(node) and node.text("layer") == layer:
                drawn = [(polygon, True) for polygon in kicad_shapes.graphic(node)]
                yield from (polygon for polygon, _ in laying.lay(drawn))

    def _zone(self, zone: Node, layer: str) -> Iterator[Any]:
        """Yield the stored fill; before KiCad 6 its outline had a pen of the least thickness."""
        pen = zone.number("min_thickness", 0.0)
        if zone.text("filled_areas_thickness") == "no" or self.version >= FILLS_HAVE_NO_PEN:
            pen = 0.0
        for fill in zone.every("filled_polygon"):
            if (fill.text("layer") or zone.text("layer")) != layer:
                continue
            points = kicad_shapes.points_of(fill)
            if len(points) > 2:
                yield polygon_of(points)
                around = stroke([*points, points[0]], pen / 2) if pen > 0.0 else []
                yield from (polygon_of(outline) for outline in around)

    def _place(self, layer: str) -> str:
        """Return how a stack of pads calls a layer."""
        if layer == self.copper[0]:
            return "F.Cu"
        return "B.Cu" if layer == self.copper[-1] else "Inner"

    def _reaches(self, via: Node, layer: str) -> bool:
        """Tell whether a via's span holds a layer."""
        ends = [self.copper.index(name) for name in _layer_names(via) if name in self.copper]
        at = self.copper.index(layer)
        return min(ends, default=0) <= at <= max(ends, default=len(self.copper) - 1)

    def _flashed(self, node: Node, layer: str, at: complex) -> bool:
        """Tell whether a pad or via has copper on a layer: unused ones may have been removed."""
        if not _says(node, "remove_unused_layers") and not _says(node, "remove_unused_layer"):
            return True
        if _says(node, "keep_end_layers") and layer in (self.copper[0], self.copper[-1]):
            return True
        zones = node.first("zone_layer_connections")
        used = zones is not None and layer in zones.words
        return used or (layer, _rounded(at)) in self._track_ends

    @cached_property
    def _track_ends(self) -> set[tuple[str, tuple[float, float]]]:
        return {
            (track.text("layer"), _rounded(track.point(end)))
            for track in self.root.every("segment", "arc")
            for end in ("start", "end")
        }

    def _outline(self) -> Path:
        """Return the largest closed line on the layer of edges."""
        pieces = [kicad_shapes.path_of(node) for node in _graphics(self.root, (EDGE,))]
        for footprint in self.root.every("footprint", "module"):
            laying = _laying(footprint)
            paths = [kicad_shapes.path_of(node) for node in _graphics(footprint, (EDGE,))]
            pieces += [[laying.point(point) for point in path] for path in paths]
        return max(_joined(pieces), key=_extent, default=[])

    def _drills(self) -> Iterator[Drill]:
        top, bottom = self.copper[0], self.copper[-1]
        for via in self.root.every("via"):
            at = via.point("at")
            names = _layer_names(via) or [top, bottom]
            diameter = via.number("drill", 0.0)
            if diameter > 0.0:
                yield Drill(Hole(at, at, diameter), True, names[0], names[-1])
        for footprint in self.root.every("footprint", "module"):
            laying = _laying(footprint)
            for pad in footprint.every("pad"):
                if pad.first("drill") is not None:
                    yield from self._pad_drill(pad, laying.point(pad.point("at")))

    def _pad_drill(self, pad: Node, at: complex) -> Iterator[Drill]:
        sizes = _drill_sizes(pad)
        if not sizes:
            return
        angle = pad.numbers("at", 2)
        laying = Laying.of(at, angle[2] if len(angle) > 2 else 0.0)
        width, height = sizes[0], sizes[-1]
        least = min(width, height)
        reach = complex(width - least, height - least) / 2
        hole = Hole(laying.point(-reach), laying.point(reach), least)
        plated = "np_thru_hole" not in pad.words
        yield Drill(hole, plated, self.copper[0], self.copper[-1])

    def _components(self) -> Iterator[Component]:
        """Yield the footprints with the rectangle of their body, or of their pads."""
        for footprint in self.root.every("footprint", "module"):
            laying = _laying(footprint)
            points = _body(footprint)
            if not points:
                points = [pad.point("at") for pad in footprint.every("pad")]
            if len(points) < 2:
                continue
            laid = [laying.point(point) for point in points]
            low = complex(min(p.real for p in laid), min(p.imag for p in laid))
            high = complex(max(p.real for p in laid), max(p.imag for p in laid))
            below = footprint.text("layer") == self.copper[-1]
            side: Any = "bottom" if below else "top"
            yield Component(_reference(footprint), side, (low + high) / 2, high - low)


def _rank(row: tuple[str, str]) -> tuple[int, int]:
    """Return the place of a copper layer from the top: by its name, else by its number."""
    place, name = row
    inner = re.fullmatch(r"In(\d+)\.Cu", name)
    if name in ("F.Cu", "B.Cu") or inner:
        return (0 if name == "F.Cu" else 2 if name == "B.Cu" else 1, int(inner[1]) if inner else 0)
    return (1, int(place) if place.isdecimal() else 0)


def _numbers_of(row: Node, name: str) -> Iterator[float]:
    """Yield the numbers of all lists of a name: a dielectric may have several sheets."""
    for entry in row.every(name):
        found = number((entry.words or [""])[0])
        if found is None:
            raise KicadError(f"line {entry.line}: {name} is no number")
        yield found


def _says(node: Node, word: str) -> bool:
    """Tell whether a pad or via has a switch on: (word), (word yes), or the bare word."""
    own = node.first(word)
    return word in node.words or (own is not None and own.words[:1] != ["no"])


def _layer_names(node: Node) -> list[str]:
    own = node.first("layers")
    return [] if own is None else own.words


def _via_size(via: Node, place: str) -> float:
    stack = via.first("padstack")
    for entry in stack.every("layer") if stack is not None and place != "F.Cu" else ():
        if entry.words[:1] == [place]:
            return entry.number("size")
    return via.number("size")


def _is_hole_alone(pad: Node) -> bool:
    """Tell a hole without copper: not plated, and no larger than its drill."""
    if "np_thru_hole" not in pad.words:
        return False
    sizes = _drill_sizes(pad)
    return bool(sizes) and max(pad.numbers("size", 1)) <= max(sizes) + NEAR


def _drill_sizes(pad: Node) -> list[float]:
    """Return the diameter of a pad's hole, or width and height of a slot; empty without a hole."""
    drill = pad.first("drill")
    words = [] if drill is None else drill.words
    found = [number(word) for word in words if word != "oval"]
    if None in found:
        raise KicadError(f"line {pad.line}: drill of pad is no number")
    return [size for size in found if size is not None]


def _laying(footprint: Node) -> Laying:
    """Return how a footprint lies; on the other side its coordinates are mirrored already."""
    at = footprint.numbers("at", 2)
    return Laying.of(complex(at[0], -at[1]), at[2] if len(at) > 2 else 0.0)


def _reference(footprint: Node) -> str:
    for entry in footprint.every("fp_text", "property"):
        if entry.words[:1] in (["reference"], ["Reference"]) and len(entry.words) > 1:
            return entry.words[1]
    return (footprint.words or ["part"])[0]


def _body(footprint: Node) -> Path:
    """Return points around the body that a footprint draws."""
    for layers in BODY:
        graphics = _graphics(footprint, layers)
        found = [point for node in graphics for point in kicad_shapes.path_of(node)]
        if found:
            return found
    return []


def _graphics(node: Node, layers: tuple[str, ...]) -> Iterator[Node]:
    """Yield the graphics right below a list on some layers."""
    for own in node:
        if isinstance(own, Node) and kicad_shapes.kind_of(own) and own.text("layer") in layers:
            yield own


def _joined(pieces: list[Path]) -> list[Path]:
    """Return closed lines from pieces whose ends meet; open ones are left out."""
    left = [piece for piece in pieces if len(piece) > 1]
    found: list[Path] = []
    while left:
        way = left.pop(0)
        while abs(way[0] - way[-1]) > NEAR:
            nearest = min(left, key=lambda piece: _gap(way, piece), default=None)
            if nearest is None or _gap(way, nearest) > NEAR:
                break
            left.remove(nearest)
            ahead = abs(nearest[0] - way[-1]) <= NEAR
            way = way + (nearest if ahead else nearest[::-1])[1:]
        if abs(way[0] - way[-1]) <= NEAR and len(way) > 3:
            found.append(way[:-1])
    return found


def _gap(way: Path, piece: Path) -> float:
    return min(abs(way[-1] - piece[0]), abs(way[-1] - piece[-1]))


def _rounded(point: complex) -> tuple[float, float]:
    return round(point.real, 3), round(point.imag, 3)


def _extent(outline: Path) -> float:
    xs, ys = [p.real for p in outline], [p.imag for p in outline]
    return (max(xs) - min(xs)) * (max(ys) - min(ys))
