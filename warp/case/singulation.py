"""Singulation: the rectangle that remains between cut lines, and which parts reach into it.

A kerf is lost half on either side of a cut line; the edge of the whole is not sawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from warp.case.steps import Singulate
from warp.errors import Fault, Key
from warp.geometry.stacking import LEVEL, Place

Rectangle = tuple[float, float, float, float]
"""x0, x1, y0, y1 in m."""


def extent(places: Mapping[str, Place]) -> Rectangle:
    """The whole."""
    bounds = [place.outline.bounds for place in places.values()]
    return (
        min(b[0] for b in bounds),
        max(b[1] for b in bounds),
        min(b[2] for b in bounds),
        max(b[3] for b in bounds),
    )


def meets(place: Place, rectangle: Rectangle) -> bool:
    """Whether a part reaches into a rectangle."""
    x0, x1, y0, y1 = place.outline.bounds
    a0, a1, b0, b1 = rectangle
    return min(x1, a1) - max(x0, a0) > LEVEL and min(y1, b1) - max(y0, b0) > LEVEL


def span(step: Singulate, axis: int, whole: tuple[float, ...], key: Key) -> tuple[float, float]:
    """What remains along one axis, within what is there."""
    word, lines = "xy"[axis], (step.x, step.y)[axis]
    if step.size is not None:
        if step.x or step.y:
            raise Fault((*key, "size"), "stands beside cut lines: keep one")
        low, high = step.at[axis] - step.size[axis] / 2, step.at[axis] + step.size[axis] / 2
        if low < whole[0] - LEVEL or high > whole[1] + LEVEL:
            raise Fault(
                (*key, "size"),
                f"reaches beyond what is there ({_mm(whole[0])} to {_mm(whole[1])} in {word})",
            )
        return low, high
    if not (step.x or step.y):
        raise Fault(
            key,
            'says not what remains: add size = ["14 mm", "14 mm"], or cut lines x = ["-7 mm", "7 mm"] and y',
        )
    cuts = sorted(lines)
    if any(not whole[0] < line < whole[1] for line in cuts):
        raise Fault(
            (*key, word), f"a cut lies beside what is there ({_mm(whole[0])} to {_mm(whole[1])})"
        )
    ends = [whole[0], *cuts, whole[1]]
    for n, (a, b) in enumerate(pairwise(ends)):
        if a - LEVEL <= step.at[axis] < b - LEVEL:
            low = a + (step.kerf / 2 if n > 0 else 0.0)
            high = b - (step.kerf / 2 if n < len(cuts) else 0.0)
            if not low < step.at[axis] < high:
                raise Fault((*key, "at"), f"lies on a cut of {word}")
            return low, high
    raise Fault(
        (*key, "at"), f"lies outside what is there ({_mm(whole[0])} to {_mm(whole[1])} in {word})"
    )


def _mm(metres: float) -> str:
    return f"{metres * 1e3:.6g} mm"
