"""Apertures of Gerber: what a flash covers, and the pen that draws with it.

A hole, or a primitive of a macro with its exposure off, is cut from the aperture itself: a flash
leaves what lies below its holes untouched. Lengths in mm.
"""

from __future__ import annotations

from cmath import rect
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import radians
from typing import Any

from warp.geometry import gerber_macro
from warp.geometry.gerber_macro import PRECISION, rectangle, regular
from warp.geometry.strokes import Outline, disc, line

Drawn = list[tuple[Any, bool]]
"""Polygons of gdstk in mm, in the order of drawing; False erases."""


@dataclass(frozen=True)
class Transform:
    """How an aperture is laid: mirrored in x or y, then turned (degrees) and scaled."""

    mirror: str = "N"
    turn: float = 0.0
    scale: float = 1.0

    def apply(self, outline: Outline) -> Outline:
        """Return an outline as it is laid."""
        factor = rect(self.scale, radians(self.turn))
        x, y = self.signs
        return [factor * complex(x * point.real, y * point.imag) for point in outline]

    @property
    def signs(self) -> tuple[int, int]:
        """The factors of x and y."""
        return (-1 if "X" in self.mirror else 1, -1 if "Y" in self.mirror else 1)


@dataclass
class Aperture:
    """An aperture as the file defines it, and its shapes for every transform in use."""

    template: str
    numbers: tuple[float, ...]
    unit: float
    macro: Sequence[str] | None = None
    block: Drawn | None = None
    made: dict[Transform, list[Any]] = field(default_factory=dict)

    def flash(self, at: complex, transform: Transform, dark: bool) -> Drawn:
        """Return the polygons of a flash; a clear one of a block turns its polarities over."""
        if self.block is not None:
            laid = [(_laid(polygon, transform), own == dark) for polygon, own in self.block]
        else:
            laid = [(polygon.copy(), dark) for polygon in self._shapes(transform)]
        return [(polygon.translate(at), polarity) for polygon, polarity in laid]

    def _shapes(self, transform: Transform) -> list[Any]:
        if transform not in self.made:
            outlines = [[complex(x, y) for x, y in p.points] for p in self._template()]
            self.made[transform] = [_polygon(transform.apply(outline)) for outline in outlines]
        return self.made[transform]

    def _template(self) -> list[Any]:
        if self.macro is not None:
            return gerber_macro.drawn(self.macro, self.numbers, self.unit)
        import gdstk

        outer = [_polygon(outline) for outline in [self._outer()] if len(outline) > 2]
        hole = [_polygon(outline) for outline in self._hole()]
        return list(gdstk.boolean(outer, hole, "not", PRECISION)) if hole else outer

    def pen(self, transform: Transform) -> float | Outline:
        """Return a round pen's radius or another's outline; ValueError where it cannot draw."""
        if self.macro is not None or self.block is not None:
            raise ValueError("a macro or a block cannot draw a line, only be flashed")
        if self._hole():
            raise ValueError("an aperture with a hole cannot draw a line, only be flashed")
        if self.template == "C":
            return self.numbers[0] * self.unit * transform.scale / 2
        return transform.apply(self._outer())

    def _outer(self) -> Outline:
        n = self.numbers
        if self.template == "C":
            return disc(0j, n[0] * self.unit / 2) if n[0] else []
        if self.template == "P":
            turn = rect(1.0, radians(n[2] if len(n) > 2 else 0.0))
            return [turn * point for point in regular(n[1], n[0] * self.unit)]
        width, height = n[0] * self.unit, n[1] * self.unit
        if self.template == "R" or not min(width, height):
            return rectangle(width, height)
        radius = min(width, height) / 2
        reach = complex(width / 2 - radius, height / 2 - radius)
        return line(-reach, reach, radius)

    def _hole(self) -> list[Outline]:
        sizes = self.numbers[{"C": 1, "R": 2, "O": 2, "P": 3}[self.template] :]
        if not sizes or not all(sizes):
            return []
        if len(sizes) == 1:
            return [disc(0j, sizes[0] * self.unit / 2)]
        return [rectangle(sizes[0] * self.unit, sizes[1] * self.unit)]


def standard(template: str, numbers: tuple[float, ...], unit: float) -> Aperture:
    """Return a circle, rectangle, obround or polygon; ValueError where its numbers make none."""
    least, most = {"C": (1, 3), "R": (2, 4), "O": (2, 4), "P": (2, 5)}[template]
    if not least <= len(numbers) <= most:
        raise ValueError(
            f"an aperture {template} takes {least} to {most} numbers, not {len(numbers)}"
        )
    sizes = numbers[:1] + numbers[3:] if template == "P" else numbers
    if min(sizes) < 0.0:
        raise ValueError("an aperture has a size below zero")
    found = Aperture(template, numbers, unit)
    found._outer()  # its faults show here, with the line of the definition
    return found


def _laid(polygon: Any, transform: Transform) -> Any:
    found = polygon.copy()
    if transform != Transform():
        x, y = transform.signs
        points = [complex(x * a, y * b) for a, b in found.points]
        factor = rect(transform.scale, radians(transform.turn))
        found = _polygon([factor * point for point in points])
    return found


def _polygon(outline: Outline) -> Any:
    import gdstk

    return gdstk.Polygon(outline)
