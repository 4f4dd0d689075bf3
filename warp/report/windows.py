"""Read the window of a picture, "x=10..14 mm, z=0.4..1 mm", and clip lines of a grid to it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from warp import units
from warp.errors import WarpError

Window = Mapping[str, tuple[float, float]]
"""Least and largest coordinate in m that is shown, by axis; an axis without is shown whole."""


def read_window(text: str) -> Window:
    """Read "x=10..14 mm, z=0.4..1 mm"; WarpError says what it may be."""
    found: dict[str, tuple[float, float]] = {}
    try:
        for entry in text.split(","):
            axis, _, span = (part.strip() for part in entry.partition("="))
            first, dots, last = (part.strip() for part in span.partition(".."))
            if axis not in ("x", "y", "z") or not dots:
                raise ValueError("a range is an axis and two lengths")
            unit = last.lstrip("+-0123456789.eE ")
            both = [end if end[-1:].isalpha() else f"{end} {unit}" for end in (first, last)]
            low, high = (units.convert(end, units.LENGTH) for end in both)
            if not low < high:
                raise ValueError("a range has its lesser length first")
            if axis in found:
                raise ValueError(f"{axis} has two ranges")
            found[axis] = (low, high)
    except ValueError as error:
        words = "write ranges of axes, as in 'x=10..14 mm, z=0.4..1 mm'"
        raise WarpError(f"--window {text}: {words}; {error}") from None
    return found


def clipped(
    lines: np.ndarray, span: tuple[float, float] | None, axis: str
) -> tuple[np.ndarray, slice]:
    """Return the lines in mm within a span in m, its ends among them, and the cells between."""
    if span is None:
        return lines, slice(0, len(lines) - 1)
    low, high = max(1e3 * span[0], lines[0]), min(1e3 * span[1], lines[-1])
    if low >= high:
        raise WarpError(f"the window lies beyond {axis} = {lines[0]:g} to {lines[-1]:g} mm")
    first = int(np.searchsorted(lines, low, side="right")) - 1
    last = int(np.searchsorted(lines, high, side="left"))
    found = lines[first : last + 1].copy()
    found[0], found[-1] = low, high
    return found, slice(first, last)
