"""Rings as blocks: four limbs, interrupted by gaps and with their outer corners cut off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from warp.errors import Fault, Key
from warp.geometry.place import LEVEL, Outline
from warp.geometry.section import Section, Thickness
from warp.geometry.shapes import Box, Prism
from warp.units import Length

SIDES = ("x-", "x+", "y-", "y+")
TURNED = {"x+": "y+", "y+": "x-", "x-": "y-", "y-": "x+"}  # counter-clockwise by a quarter
Spans = list[tuple[float, float]]


class Gap(Section):
    """A place where a ring is interrupted, from its outside to its inside."""

    side: Annotated[Literal["x-", "x+", "y-", "y+", "all"], Field(examples=["y-"])]
    """The side of the ring, as it lies before it is turned."""
    width: Thickness
    """Along the side."""
    at: Length = 0.0
    """Its middle along that side, from the middle of the side."""


def ring(
    outer: Outline,
    inner: Outline,
    z0: float,
    z1: float,
    gaps: Mapping[str, Spans] | None = None,
    cut: float = 0.0,
) -> Iterator[Box | Prism]:
    """Yield the x limbs over the whole depth and the y limbs between them, as blocks.

    `gaps` interrupts the limb of each side over these ranges in m; `cut` is taken off the corners.
    """
    x0, x1, y0, y1 = outer.bounds
    a0, a1, b0, b1 = inner.bounds
    gaps = gaps or {}
    for low, high in _remaining(y0, y1, gaps.get("x-", [])):
        yield without_corners(Box(x0, a0, low, high, z0, z1), outer, cut)
    for low, high in _remaining(y0, y1, gaps.get("x+", [])):
        yield without_corners(Box(a1, x1, low, high, z0, z1), outer, cut)
    for low, high in _remaining(a0, a1, gaps.get("y-", [])):
        yield Box(low, high, y0, b0, z0, z1)
    for low, high in _remaining(a0, a1, gaps.get("y+", [])):
        yield Box(low, high, b1, y1, z0, z1)


def without_corners(box: Box, outer: Outline, cut: float) -> Box | Prism:
    """Cut the corners that a block shares with the outline at 45 degrees, over this length."""
    x0, x1, y0, y1 = outer.bounds
    corners: list[tuple[float, float]] = []
    for x, y, u, v in (
        (box.x0, box.y0, 0, 1),
        (box.x1, box.y0, -1, 0),
        (box.x1, box.y1, 0, -1),
        (box.x0, box.y1, 1, 0),
    ):
        shared = min(abs(x - x0), abs(x - x1)) < LEVEL and min(abs(y - y0), abs(y - y1)) < LEVEL
        if cut > 0.0 and shared:
            # Counter-clockwise: a point on the side that ends at the corner, then on the next one.
            corners += [(x + cut * u, y + cut * v), (x + cut * v, y - cut * u)]
        else:
            corners.append((x, y))
    return box if len(corners) == 4 else Prism(np.array(corners), box.z0, box.z1)


def check_cut(cut: float, outer: Outline, inner: Outline, key: Key) -> None:
    """Refuse cut corners that are wider than the limbs of the ring."""
    width = min(outer.width - inner.width, outer.depth - inner.depth) / 2
    if cut > width + LEVEL:
        limbs = f"is more than the limbs are wide ({width * 1e3:.6g} mm)"
        raise Fault((*key, "corner_cut"), f"{limbs}: it would open the ring")


def open_spans(turn: int, gaps: tuple[Gap, ...], inner: Outline, key: Key) -> dict[str, Spans]:
    """Return the open ranges along each side of a ring in m; sides turn with their part."""
    found: dict[str, Spans] = {}
    for number, gap in enumerate(gaps):
        for side in SIDES if gap.side == "all" else (gap.side,):
            at = gap.at
            for _ in range(turn // 90):  # (x, y) becomes (-y, x)
                at = -at if side[0] == "x" else at
                side = TURNED[side]
            along_x = side[0] == "y"
            middle = (inner.x if along_x else inner.y) + at
            span = middle - gap.width / 2, middle + gap.width / 2
            low, high = inner.bounds[:2] if along_x else inner.bounds[2:]
            if span[0] < low - LEVEL or span[1] > high + LEVEL:
                length = f"the opening is {(high - low) * 1e3:.6g} mm long on side {gap.side!r}"
                raise Fault((*key, number), f"reaches into the corner: {length}")
            found.setdefault(side, []).append(span)
    return found


def _remaining(start: float, end: float, gaps: Spans) -> Iterator[tuple[float, float]]:
    """Yield the pieces of a range that gaps leave."""
    for low, high in sorted(gaps):
        if low - start > LEVEL:
            yield start, low
        start = max(start, high)
    if end - start > LEVEL:
        yield start, end
