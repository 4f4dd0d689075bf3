"""Number the media of a section: inside where there is room, else beside it, on lines.

Lines never cross: wherever two do, their numbers change places, which shortens both together.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NARROW = 0.03  # of the section's width: a number does not fit into less
APART = 0.09  # of the section's height: between numbers beside it
LEAST = 0.17  # inches between them: the height of a number
NUMBER = {
    "boxstyle": "circle,pad=0.15",
    "facecolor": "white",
    "edgecolor": "black",
    "linewidth": 0.5,
}
CENTRED = {"ha": "center", "va": "center"}
ABOVE_LINES = 6
Point: TypeAlias = tuple[float, float]


def inside(
    axes: Axes, x: np.ndarray, z: np.ndarray, where: np.ndarray, text: str, room: float
) -> bool:
    """Write a number into the widest run of a medium's cells that has room for it."""
    best: tuple[float, float, float] | None = None
    height = _clear(z, where)
    for k in np.flatnonzero(where.any(axis=1)):
        for a, b in runs(where[k] & (height[k] > room)):
            middle = int(np.searchsorted(x, (x[a] + x[b]) / 2)) - 1
            low, high = next(run for run in runs(where[:, middle]) if run[0] <= k < run[1])
            if best is None or x[b] - x[a] > best[0] * (1 - 1e-9):  # the last is no mirror image
                best = (x[b] - x[a], (x[a] + x[b]) / 2, (z[low] + z[high]) / 2)
    if best is None or best[0] < NARROW * (x[-1] - x[0]):
        return False
    axes.text(
        *best[1:], text, fontsize=8, fontweight="bold", bbox=NUMBER, zorder=ABOVE_LINES, **CENTRED
    )
    return True


def _clear(z: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return for each cell of a medium the height of it without a break, zero elsewhere."""
    clear = np.zeros(where.shape)
    for i in range(where.shape[1]):
        for low, high in runs(where[:, i]):
            clear[low:high, i] = z[high] - z[low]
    return clear


def beside(axes: Axes, x: np.ndarray, z: np.ndarray, media: Mapping[str, np.ndarray]) -> None:
    """Write the numbers of media that are too thin beside the section, on lines."""
    ends = {text: end for text, where in media.items() if (end := _end(x, z, where)) is not None}
    tall, wide = z[-1] - z[0], x[-1] - x[0]
    apart = tall * min(APART, 1 / max(len(ends), 1))
    below, levels = -np.inf, []
    for _, up in sorted(ends.values(), key=lambda end: end[1]):
        below = max(up, below + apart)
        levels.append(below)
    sink = max(0.0, below - z[-1])
    at = x[-1] + 0.04 * wide
    order = sorted(ends, key=lambda text: ends[text][1])
    places = dict(zip(order, [(at, level - sink) for level in levels], strict=True))
    for text, place in uncrossed(ends, places).items():
        _line(axes, ends[text], place)
        axes.text(
            *place, text, fontsize=8, fontweight="bold", bbox=NUMBER, zorder=ABOVE_LINES, **CENTRED
        )


def uncrossed(ends: Mapping[str, Point], places: Mapping[str, Point]) -> dict[str, Point]:
    """Exchange places until no line from an end to its place crosses another one."""
    found = dict(places)
    for _ in range(len(found) ** 2):
        pair = next(
            (
                (a, b)
                for a, b in combinations(found, 2)
                if crossing((ends[a], found[a]), (ends[b], found[b]))
            ),
            None,
        )
        if pair is None:
            break
        a, b = pair
        found[a], found[b] = found[b], found[a]
    return found


def crossing(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """Tell whether two lines between points cross."""

    def side(line: tuple[Point, Point], point: Point) -> float:
        (x0, y0), (x1, y1) = line
        return (x1 - x0) * (point[1] - y0) - (y1 - y0) * (point[0] - x0)

    return (
        side(one, other[0]) * side(one, other[1]) < 0.0
        and side(other, one[0]) * side(other, one[1]) < 0.0
    )


def _end(x: np.ndarray, z: np.ndarray, where: np.ndarray) -> Point | None:
    """Return the point of a medium that its line leads to: near the right end of its widest run."""
    widest = max(
        (
            (x[b] - x[a], a, b, k)
            for k in np.flatnonzero(where.any(axis=1))
            for a, b in runs(where[k])
        ),
        default=None,
    )
    if widest is None:
        return None
    _, a, b, k = widest
    across = x[b] - min(0.2 * (x[b] - x[a]), 0.01 * (x[-1] - x[0]))
    return float(across), float((z[k] + z[k + 1]) / 2)


def _line(axes: Axes, end: Point, place: Point) -> None:
    """Draw the line from a medium to its number, with a point at its end."""
    for colour, width in (("#FFFFFF", 2.0), ("#000000", 0.6)):
        style = {"clip_on": False, "zorder": 4, "solid_capstyle": "butt"}
        axes.plot(*zip(end, place, strict=True), color=colour, linewidth=width, **style)
    axes.plot(*end, "o", color="#000000", markersize=2, zorder=5)


def runs(where: np.ndarray) -> np.ndarray:
    """Return starts and ends of the stretches where `where` holds, (n, 2)."""
    return np.flatnonzero(np.diff(where, prepend=False, append=False)).reshape(-1, 2)
