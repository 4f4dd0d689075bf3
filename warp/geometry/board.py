"""A printed circuit board or substrate as design files describe it: layers, copper, holes.

Readers of one format each (`ipc2581`, `odbpp`, `kicad`) make it; lengths are mm, x to the right and
y up as seen from the top, as in the file.
"""

from __future__ import annotations

from cmath import rect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import radians
from typing import Any, Literal

from warp.geometry.apertures import Drawn
from warp.geometry.excellon import Hole, barrels
from warp.geometry.gerber_macro import PRECISION
from warp.geometry.strokes import Arc, Outline, arc_strokes, line, swept

MOST_COPIES = 100_000  # of a step in a panel
DEEPEST = 20  # steps or symbols within each other
FOIL, WHOLE = 0.035, 1.6
"""Thickness in mm of copper and of a board, where a file gives none: 1 oz per square foot, and the
commonest, which is KiCad's own default.
"""
LayerKind = Literal["copper", "dielectric", "mask"]


@dataclass(frozen=True)
class BoardLayer:
    """A layer of the stackup: its thickness in mm, and the material as the file calls it."""

    name: str
    kind: LayerKind
    thickness: float
    material: str = ""


@dataclass(frozen=True)
class Drill:
    """A finished hole, its plating, and the copper layers between which it runs."""

    hole: Hole
    plated: bool
    first: str
    last: str


@dataclass(frozen=True)
class Component:
    """A component: its name, its side, and the rectangle of its package (mm)."""

    name: str
    side: Literal["top", "bottom"]
    centre: complex
    size: complex
    height: float = 0.0


@dataclass(frozen=True, eq=False)
class Board:
    """A board: stackup from the top down, outline, holes, components, and how a layer is drawn."""

    outline: Outline
    layers: tuple[BoardLayer, ...]
    drills: tuple[Drill, ...]
    components: tuple[Component, ...]
    draw: Callable[[str], tuple[Drawn, bool]] = field(repr=False)
    """Polygons of a layer by its name, and whether they are the gaps in its copper."""
    drawable: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    """Sentences about what is missing in the file."""

    @property
    def bounds(self) -> tuple[complex, complex]:
        """Return the lower left and upper right corners of the outline."""
        xs, ys = [p.real for p in self.outline], [p.imag for p in self.outline]
        return complex(min(xs), min(ys)), complex(max(xs), max(ys))

    @property
    def middle(self) -> complex:
        """Return the middle of the outline's rectangle."""
        low, high = self.bounds
        return (low + high) / 2

    def copper(self, name: str, plating: float | None) -> tuple[Drawn, bool]:
        """Return the polygons of a copper layer, or the barrels through any other (`barrels`).

        ValueError where the board has no such layer.
        """
        by_name = {layer.name.lower(): layer for layer in self.layers}
        layer = by_name.get(name.lower())
        if layer is None or layer.kind == "copper":
            known = {own.lower(): own for own in self.drawable}
            if name.lower() not in known:
                raise KeyError(name)
            return self.draw(known[name.lower()])
        return barrels([d.hole for d in self.through(layer.name)], plating), False

    def through(self, name: str) -> list[Drill]:
        """Return the plated holes through a layer of the stackup."""
        names = [layer.name for layer in self.layers]
        at = names.index(name)

        def passes(drill: Drill) -> bool:
            ends = [names.index(end) for end in (drill.first, drill.last) if end in names]
            return len(ends) < 2 or min(ends) <= at <= max(ends)

        return [drill for drill in self.drills if drill.plated and passes(drill)]


@dataclass(frozen=True)
class Laying:
    """How a shape or a step is laid: scaled, mirrored in x, turned (radians), moved."""

    factor: complex = 1.0
    mirror: bool = False
    at: complex = 0j

    @classmethod
    def of(
        cls, at: complex, degrees: float = 0.0, mirror: bool = False, scale: float = 1.0
    ) -> Laying:
        """Return a laying with a rotation in degrees, counter-clockwise."""
        return cls(rect(scale, radians(degrees)), mirror, at)

    def point(self, p: complex) -> complex:
        """Return where a point comes to lie."""
        q = complex(-p.real, p.imag) if self.mirror else p
        return self.factor * q + self.at

    def after(self, inner: Laying) -> Laying:
        """Return this laying of what the inner one has laid."""
        turned = inner.factor.conjugate() if self.mirror else inner.factor
        return Laying(self.factor * turned, self.mirror != inner.mirror, self.point(inner.at))

    @property
    def scale(self) -> float:
        """Return the factor of lengths."""
        return abs(self.factor)

    def lay(self, drawn: Drawn) -> Drawn:
        """Return polygons as they are laid."""
        return [
            (polygon_of([self.point(complex(x, y)) for x, y in p.points]), dark)
            for p, dark in drawn
        ]


def polygon_of(outline: Outline) -> Any:
    """Return a polygon of gdstk."""
    import gdstk

    return gdstk.Polygon(outline)


def with_holes(islands: list[Outline], holes: list[Outline]) -> list[Any]:
    """Return outlines as polygons of gdstk, with holes cut out of them."""
    import gdstk

    solid = [polygon_of(outline) for outline in islands if len(outline) > 2]
    cut = [polygon_of(outline) for outline in holes if len(outline) > 2]
    return list(gdstk.boolean(solid, cut, "not", PRECISION)) if cut else solid


def stroke(points: Outline, pen: float | Outline, ends: str = "ROUND") -> list[Outline]:
    """Return what a pen covers along straight pieces: a radius, or the outline of a convex pen.

    ends of a round pen's strokes: "ROUND", "SQUARE" (longer by the radius) or "NONE" (cut off).
    """
    if not isinstance(pen, float):
        return [swept(p, q, pen) for p, q in zip(points, points[1:], strict=False)]
    found = []
    for p, q in zip(points, points[1:], strict=False):
        if ends == "ROUND" or p == q:
            found.append(line(p, q, pen))
            continue
        along = (q - p) / abs(q - p) * pen
        more, side = along if ends == "SQUARE" else 0j, along * 1j
        found.append([p - more - side, q + more - side, q + more + side, p - more + side])
    return found


def arc_stroke(start: complex, end: complex, arc: Arc, pen: float | Outline) -> list[Outline]:
    """Return what a pen covers along an arc."""
    if isinstance(pen, float):
        return arc_strokes(start, end, arc, pen)
    return stroke([start, *arc.between(start, end), end], pen)


@dataclass(frozen=True)
class Placement:
    """A step that a panel repeats."""

    step: str
    laying: Laying
    count: tuple[int, int]
    pitch: complex

    def copies(self) -> Iterator[Laying]:
        """Yield the laying of every copy; ValueError where there are too many."""
        columns, rows = (max(1, n) for n in self.count)
        if columns * rows > MOST_COPIES:
            raise ValueError(f"repeats step {self.step!r} {columns} x {rows} times")
        for row in range(rows):
            for column in range(columns):
                more = complex(column * self.pitch.real, row * self.pitch.imag)
                yield replace(self.laying, at=self.laying.at + more)


def laid_drills(drills: Iterable[Drill], laying: Laying) -> list[Drill]:
    """Return drills as a step is laid."""
    return [
        replace(
            d,
            hole=Hole(
                laying.point(d.hole.start),
                laying.point(d.hole.end),
                d.hole.diameter * laying.scale,
            ),
        )
        for d in drills
    ]


def named(name: str, known: Mapping[str, Any]) -> Any:
    """Return an entry by its name in any case; KeyError where there is none."""
    folded = {key.lower(): value for key, value in known.items()}
    return folded[name.lower()]
