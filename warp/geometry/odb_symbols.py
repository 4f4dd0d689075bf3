"""Standard symbols of ODB++ by their names: r250, rect800x950xr200, oval, donut, thermal.

Siemens, ODB++Design Format Specification, release 8.1, appendix on standard symbols.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from warp.geometry import board_shapes as shapes
from warp.geometry.gerber_macro import rectangle
from warp.geometry.strokes import Outline

NUMBER = r"(\d+\.?\d*|\.\d+)"


def standard_symbol(name: str, unit: float) -> list[Any] | None:
    """Return the polygons of a standard symbol, None where the name is none."""
    for pattern, make in SYMBOLS:
        found = pattern.fullmatch(name)
        if found is not None:
            return make(unit, found)
    return None


def _sizes(unit: float, found: re.Match[str], count: int) -> list[float]:
    return [unit * float(text) for text in found.groups()[:count]]


def _plain_of(make: Callable[..., Outline], count: int) -> Callable[[float, re.Match[str]], Any]:
    return lambda unit, found: shapes.plain(make(*_sizes(unit, found, count)))


def _cornered(make: Callable[..., Outline]) -> Callable[[float, re.Match[str]], Any]:
    return lambda unit, found: shapes.plain(make(*_sizes(unit, found, 3), found[4] or "1234"))


def _donut(outer: Callable[..., Outline], inner: Callable[..., Outline]) -> Any:
    def make(unit: float, found: re.Match[str]) -> Any:
        a, b = _sizes(unit, found, 2)
        return shapes.ring(outer(a), inner(b))

    return make


def _thermal(make: Callable[[float], Outline]) -> Any:
    def shape(unit: float, found: re.Match[str]) -> Any:
        outer, inner = _sizes(unit, found, 2)
        gap = unit * float(found[5])
        return shapes.thermal(make(outer), make(inner), int(found[4]), gap, float(found[3]))

    return shape


def _square(side: float) -> Outline:
    return rectangle(side, side)


def _octagon(width: float, height: float, cut: float) -> Outline:
    return shapes.chamfered(width, height, cut)


SYMBOLS: list[tuple[re.Pattern[str], Callable[[float, re.Match[str]], Any]]] = [
    (re.compile(pattern.replace("N", NUMBER)), make)
    for pattern, make in (
        ("rN", _plain_of(shapes.circle, 1)),
        ("sN", _plain_of(_square, 1)),
        ("rectNxN", _plain_of(rectangle, 2)),
        (r"rectNxNxrN(?:x([1-4]+))?", _cornered(shapes.rounded)),
        (r"rectNxNxcN(?:x([1-4]+))?", _cornered(shapes.chamfered)),
        ("ovalNxN", _plain_of(shapes.oval, 2)),
        ("diNxN", _plain_of(shapes.diamond, 2)),
        ("elNxN", _plain_of(shapes.ellipse, 2)),
        ("octNxNxN", _plain_of(_octagon, 3)),
        ("triNxN", _plain_of(shapes.triangle, 2)),
        ("donut_rNxN", _donut(shapes.circle, shapes.circle)),
        ("donut_sNxN", _donut(_square, _square)),
        ("donut_srNxN", _donut(_square, shapes.circle)),
        (r"th[rs]NxNxNx(\d+)xN", _thermal(shapes.circle)),
        (r"s_th[rs]?NxNxNx(\d+)xN", _thermal(_square)),
    )
]
