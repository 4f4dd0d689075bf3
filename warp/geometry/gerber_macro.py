"""Aperture macros of Gerber: primitives with arithmetic, united in their order into one shape.

An exposure of 1 adds a primitive, 0 removes it from what the macro has drawn so far; the holes that
remain leave what lies below a flash untouched (Ucamco, Gerber Layer Format Specification, 4.5).
"""

from __future__ import annotations

import re
from cmath import rect
from collections.abc import Sequence
from math import radians, tau
from typing import Any

from warp.geometry.strokes import Outline, disc

PRECISION = 1e-6  # mm, of unions
DEEPEST = 50  # brackets within brackets
MOST_RINGS = 1000
MOST_OUTLINE = 5000  # the standard's limit
_TOKEN = re.compile(r"\$(\d+)|(\d+\.?\d*|\.\d+)|([-+xX/()])")
_COUNTS = {1: (4, 5), 2: (7,), 20: (7,), 21: (6,), 22: (6,), 5: (6,), 6: (9,), 7: (6,)}
_NAMES = {
    1: "a circle",
    2: "a vector line",
    20: "a vector line",
    21: "a centre line",
    22: "a lower left line",
    4: "an outline",
    5: "a polygon",
    6: "a moire",
    7: "a thermal",
}


def drawn(blocks: Sequence[str], values: Sequence[float], unit: float) -> list[Any]:
    """Return the polygons (gdstk, mm, without overlaps) of a macro with these parameters.

    unit: mm per unit of the file. ValueError says which primitive cannot be read.
    """
    import gdstk

    variables = {number: value for number, value in enumerate(values, 1)}
    shape: list[Any] = []
    for block in blocks:
        if not block or block.startswith("0"):
            continue
        if block.startswith("$"):
            name, equals, formula = block[1:].partition("=")
            if not name.isdigit() or not equals:
                raise ValueError(f"{block!r} assigns to no variable")
            variables[int(name)] = evaluate(formula, variables)
            continue
        code, *numbers = (evaluate(formula, variables) for formula in block.split(","))
        exposed, outlines = _primitive(code, numbers, unit)
        made = [gdstk.Polygon(outline) for outline in outlines if len(outline) > 2]
        shape = gdstk.boolean(shape, made, "or" if exposed else "not", PRECISION)
    return shape


def _primitive(code: float, numbers: Sequence[float], unit: float) -> tuple[bool, list[Outline]]:
    kind = int(code)
    if kind not in _NAMES or kind != code:
        raise ValueError(f"primitive {code:g} of a macro is not known")
    count = len(numbers)
    if kind == 4:
        wanted: tuple[int, ...] = (5 + 2 * int(numbers[1]),) if count > 1 else (5,)
    else:
        wanted = _COUNTS[kind]
    if count not in wanted:
        raise ValueError(f"{_NAMES[kind]} of a macro takes {wanted[-1]} numbers, not {count}")
    if kind in (6, 7):
        exposed, sizes = True, numbers
    else:
        if numbers[0] not in (0.0, 1.0):
            raise ValueError(f"{_NAMES[kind]} of a macro has exposure {numbers[0]:g}, not 0 or 1")
        exposed, sizes = numbers[0] == 1.0, numbers[1:]
    turn = rect(1.0, radians(0.0 if kind == 1 and count == 4 else numbers[-1]))
    found = _SHAPES[kind](sizes, unit)
    return exposed, [[turn * point for point in outline] for outline in found]


def _circle(n: Sequence[float], unit: float) -> list[Outline]:
    return [disc(complex(n[1], n[2]) * unit, _size(n[0]) / 2 * unit)] if n[0] else []


def _vector_line(n: Sequence[float], unit: float) -> list[Outline]:
    start, end = complex(n[1], n[2]) * unit, complex(n[3], n[4]) * unit
    if start == end:
        return []
    side = (end - start) / abs(end - start) * 1j * _size(n[0]) / 2 * unit
    return [[start + side, start - side, end - side, end + side]]


def _centre_line(n: Sequence[float], unit: float) -> list[Outline]:
    return [rectangle(_size(n[0]) * unit, _size(n[1]) * unit, complex(n[2], n[3]) * unit)]


def _lower_left_line(n: Sequence[float], unit: float) -> list[Outline]:
    width, height = _size(n[0]), _size(n[1])
    return [
        rectangle(width * unit, height * unit, complex(n[2] + width / 2, n[3] + height / 2) * unit)
    ]


def _outline(n: Sequence[float], unit: float) -> list[Outline]:
    if n[0] < 3 or n[0] != int(n[0]):
        raise ValueError(f"an outline of a macro has {n[0]:g} corners")
    corners = [complex(x, y) * unit for x, y in zip(n[1:-1:2], n[2:-1:2], strict=True)]
    if len(corners) > MOST_OUTLINE:
        raise ValueError(
            f"an outline of a macro has {len(corners)} corners, not up to {MOST_OUTLINE}"
        )
    return [corners]


def _polygon(n: Sequence[float], unit: float) -> list[Outline]:
    return [regular(n[0], _size(n[3]) * unit, complex(n[1], n[2]) * unit)]


def _moire(n: Sequence[float], unit: float) -> list[Outline]:
    import gdstk

    centre, outer, thickness, gap = complex(n[0], n[1]), _size(n[2]), _size(n[3]), _size(n[4])
    rings, width, length = n[5], _size(n[6]), _size(n[7])
    if rings > MOST_RINGS:
        raise ValueError(f"a moire of a macro has {rings:g} rings")
    found = [
        rectangle(*size, centre * unit)
        for size in ((length * unit, width * unit), (width * unit, length * unit))
    ]
    united = [gdstk.Polygon(outline) for outline in found if width and length]
    for _ in range(int(rings)):
        if outer <= 0.0:
            break
        united = gdstk.boolean(
            united,
            _ring(centre * unit, outer * unit, (outer - 2 * thickness) * unit),
            "or",
            PRECISION,
        )
        outer -= 2 * (thickness + gap)
    return [_complex(polygon) for polygon in united]


def _thermal(n: Sequence[float], unit: float) -> list[Outline]:
    import gdstk

    centre, outer, inner, gap = complex(n[0], n[1]) * unit, *(_size(v) * unit for v in n[2:5])
    if not inner < outer:
        raise ValueError(
            "a thermal of a macro has an inner diameter that is not less than its outer"
        )
    bars = (
        [rectangle(*size, centre) for size in ((2 * outer, gap), (gap, 2 * outer))] if gap else []
    )
    cut = [gdstk.Polygon(bar) for bar in bars]
    return [_complex(p) for p in gdstk.boolean(_ring(centre, outer, inner), cut, "not", PRECISION)]


_SHAPES = {
    1: _circle,
    2: _vector_line,
    20: _vector_line,
    21: _centre_line,
    22: _lower_left_line,
    4: _outline,
    5: _polygon,
    6: _moire,
    7: _thermal,
}


def rectangle(width: float, height: float, centre: complex = 0j) -> Outline:
    """Return the corners of an upright rectangle, counter-clockwise."""
    w, h = width / 2, height / 2
    return [centre + complex(x, y) for x, y in ((-w, -h), (w, -h), (w, h), (-w, h))]


def regular(sides: float, diameter: float, centre: complex = 0j) -> Outline:
    """Return a regular polygon within a circle, its first corner at +x."""
    if sides not in range(3, 13):
        raise ValueError(f"a polygon has {sides:g} corners, not 3 to 12")
    return [centre + rect(diameter / 2, tau * n / sides) for n in range(int(sides))]


def _ring(centre: complex, outer: float, inner: float) -> list[Any]:
    import gdstk

    hole = [gdstk.Polygon(disc(centre, inner / 2))] if inner > 0.0 else []
    return list(gdstk.boolean(gdstk.Polygon(disc(centre, outer / 2)), hole, "not", PRECISION))


def _complex(polygon: Any) -> Outline:
    return [complex(x, y) for x, y in polygon.points]


def _size(value: float) -> float:
    if value < 0.0:
        raise ValueError(f"a primitive of a macro has a size of {value:g}")
    return value


def evaluate(formula: str, variables: dict[int, float]) -> float:
    """Return the value of an expression with + - x / ( ) and $n, where an unset $n is 0."""
    tokens = []
    position = 0
    for found in _TOKEN.finditer(formula):
        if found.start() != position:
            break
        position = found.end()
        tokens.append(found.group())
    if position != len(formula) or not tokens:
        raise ValueError(f"{formula[:40]!r} is not an expression")
    reader = _Expression(tokens, variables)
    value = reader.sum(0)
    if reader.position != len(tokens) or not abs(value) < 1e12:
        raise ValueError(f"{formula[:40]!r} is not an expression")
    return value


class _Expression:
    """Tokens of an expression, read from left to right: sums of products of factors."""

    def __init__(self, tokens: Sequence[str], variables: dict[int, float]) -> None:
        self.tokens = tokens
        self.variables = variables
        self.position = 0

    def sum(self, depth: int) -> float:
        value = self._product(depth)
        while (sign := self._next("+-")) is not None:
            term = self._product(depth)
            value = value + term if sign == "+" else value - term
        return value

    def _product(self, depth: int) -> float:
        value = self._factor(depth)
        while (sign := self._next("xX/")) is not None:
            factor = self._factor(depth)
            if sign == "/" and factor == 0.0:
                raise ValueError("an expression divides by zero")
            value = value / factor if sign == "/" else value * factor
        return value

    def _factor(self, depth: int) -> float:
        negative = False
        while (sign := self._next("+-")) is not None:
            negative ^= sign == "-"
        if self._next("(") is not None:
            if depth == DEEPEST:
                raise ValueError(
                    f"an expression has more than {DEEPEST} brackets within each other"
                )
            value = self.sum(depth + 1)
            if self._next(")") is None:
                raise ValueError("a bracket of an expression is not closed")
        else:
            value = self._number()
        return -value if negative else value

    def _number(self) -> float:
        token = self._next(None)
        if token is None or token in "+-xX/()":
            raise ValueError("an expression ends too early")
        if token.startswith("$"):
            return self.variables.get(int(token[1:]), 0.0)
        return float(token)

    def _next(self, wanted: str | None) -> str | None:
        """Take the next token where it is one of the wanted (None: any)."""
        if self.position == len(self.tokens):
            return None
        token = self.tokens[self.position]
        if wanted is not None and token not in wanted:
            return None
        self.position += 1
        return token
