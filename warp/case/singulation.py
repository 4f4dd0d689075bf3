"""Rectangles in plane: the extent of a package, and the parts that reach into a unit of it."""

from __future__ import annotations

from collections.abc import Mapping

from warp.geometry.place import LEVEL, Place

Rectangle = tuple[float, float, float, float]
"""x0, x1, y0, y1 in m."""


def extent(places: Mapping[str, Place]) -> Rectangle:
    """Return the rectangle that contains every part."""
    bounds = [place.outline.bounds for place in places.values()]
    return (
        min(b[0] for b in bounds),
        max(b[1] for b in bounds),
        min(b[2] for b in bounds),
        max(b[3] for b in bounds),
    )


def meets(place: Place, rectangle: Rectangle) -> bool:
    """Tell whether a part reaches into a rectangle."""
    x0, x1, y0, y1 = place.outline.bounds
    a0, a1, b0, b1 = rectangle
    return min(x1, a1) - max(x0, a0) > LEVEL and min(y1, b1) - max(y0, b0) > LEVEL


def spans_plane(rectangle: Rectangle | None, axis: int) -> bool:
    """Tell whether what remains lies on both sides of x = 0 (axis 0) or y = 0; None: of course."""
    return rectangle is None or rectangle[2 * axis] < -LEVEL
