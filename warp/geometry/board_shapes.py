"""Shapes of pads as IPC-2581 and ODB++ name them, as polygons about the origin in mm."""

from __future__ import annotations

from cmath import rect
from math import pi, tau
from typing import Any

from warp.geometry.board import polygon_of, with_holes
from warp.geometry.gerber_macro import rectangle, regular
from warp.geometry.strokes import Outline, disc, line


def circle(diameter: float) -> Outline:
    """Return a disc."""
    return disc(0j, diameter / 2) if diameter > 0.0 else []


def oval(width: float, height: float) -> Outline:
    """Return a rectangle with half discs at its short sides."""
    radius = min(width, height) / 2
    reach = complex(width / 2 - radius, height / 2 - radius)
    return line(-reach, reach, radius) if radius > 0.0 else []


def ellipse(width: float, height: float) -> Outline:
    """Return an ellipse."""
    return [complex(p.real * width, p.imag * height) for p in disc(0j, 0.5)]


def diamond(width: float, height: float) -> Outline:
    """Return a rhombus."""
    return [
        complex(width / 2, 0),
        complex(0, height / 2),
        complex(-width / 2, 0),
        complex(0, -height / 2),
    ]


def rounded(width: float, height: float, radius: float, corners: str = "1234") -> Outline:
    """Return a rectangle with rounded corners, 1 at the upper right and on counter-clockwise."""
    return _corners(width, height, min(radius, width / 2, height / 2), corners, True)


def chamfered(width: float, height: float, cut: float, corners: str = "1234") -> Outline:
    """Return a rectangle with cut corners, 1 at the upper right and on counter-clockwise."""
    return _corners(width, height, min(cut, width / 2, height / 2), corners, False)


def cornered(width: float, height: float, radius: float, cut: float, corners: str) -> Outline:
    """Return a rectangle whose named corners are cut off, and whose others are rounded."""
    least = min(width, height) / 2
    sizes = [min(cut if str(n) in corners else radius, least) for n in (1, 2, 3, 4)]
    return _made(width, height, sizes, [str(n) not in corners for n in (1, 2, 3, 4)])


def _corners(width: float, height: float, size: float, corners: str, rounds: bool) -> Outline:
    sizes = [size if str(n) in corners else 0.0 for n in (1, 2, 3, 4)]
    return _made(width, height, sizes, [rounds] * 4)


def _made(width: float, height: float, sizes: list[float], rounds: list[bool]) -> Outline:
    """Return a rectangle with the size of each corner, which is rounded or cut off."""
    found: Outline = []
    ends = ((1, 1), (-1, 1), (-1, -1), (1, -1))
    for n, (x, y) in enumerate(ends):
        corner = complex(x * width / 2, y * height / 2)
        size = sizes[n]
        if size <= 0.0:
            found.append(corner)
            continue
        centre = corner - complex(x * size, y * size)
        steps = 8 if rounds[n] else 1
        first = n * pi / 2
        found += [centre + rect(size, first + k * pi / 2 / steps) for k in range(steps + 1)]
    return found


def polygon(sides: int, diameter: float, turn: float = 0.0) -> Outline:
    """Return a regular polygon by the diameter of the circle around it, turned (degrees)."""
    factor = rect(1.0, turn * pi / 180)
    return [factor * point for point in regular(float(sides), diameter)]


def triangle(base: float, height: float) -> Outline:
    """Return an isosceles triangle on its base, centred on its height."""
    return [complex(-base / 2, -height / 2), complex(base / 2, -height / 2), complex(0, height / 2)]


def ring(outer: Outline, inner: Outline) -> list[Any]:
    """Return an outline with a hole."""
    return with_holes([outer], [inner])


def thermal(outer: Outline, inner: Outline, spokes: int, gap: float, turn: float) -> list[Any]:
    """Return a ring interrupted by gaps of this width, the first at `turn` degrees."""
    reach = max((abs(point) for point in outer), default=0.0)
    bar = [point + reach / 2 for point in rectangle(reach, gap)]
    bars = [
        [rect(1.0, turn * pi / 180 + n * tau / max(1, spokes)) * point for point in bar]
        for n in range(spokes)
    ]
    return with_holes([outer], [inner, *bars])


def plain(outline: Outline) -> list[Any]:
    """Return an outline as polygons; none where it encloses nothing."""
    return [polygon_of(outline)] if len(outline) > 2 else []
