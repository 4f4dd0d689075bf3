"""Intervals between the lines of one axis, and the lines that a size field puts into them.

A cell is as wide as the size field h where it stands, so n = ceil(integral dx / h) cells share an
interval evenly in h; h grows at most by `growth` per unit distance.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

ROUND_OFF = 1e-9  # relative slack before a count is rounded up


@dataclass(frozen=True)
class Interval:
    """A stretch of one axis from `start` to `end`, and the size field on it.

    h is `h_start` and `h_end` at its ends and at most `h_most` between them; `refine` multiplies
    the count of cells. Lengths in m.
    """

    start: float
    end: float
    h_start: float
    h_end: float
    h_most: float
    growth: float
    refine: float

    def _ascent(self) -> tuple[float, float, float]:
        """Return the end of the rise from the left, the start of the fall, and h between them."""
        g, length = self.growth, self.end - self.start
        peak = min(self.h_most, (self.h_start + self.h_end + g * length) / 2)
        rise = max(0.0, (peak - self.h_start) / g)
        fall = max(0.0, (peak - self.h_end) / g)
        return min(rise, length), max(length - fall, 0.0), peak

    @property
    def count(self) -> int:
        """Return the cells of the interval: the integral of dx / h, rounded up, times `refine`."""
        rise, fall, peak = self._ascent()
        g = self.growth
        cells = (fall - rise) / peak
        cells += np.log(peak / self.h_start) / g if rise > 0 else 0.0
        cells += np.log(peak / self.h_end) / g if fall < self.end - self.start else 0.0
        return max(1, ceil(self.refine * max(1, ceil(cells * (1 - ROUND_OFF)))))

    def lines(self) -> np.ndarray:
        """Return the interval's lines without its end."""
        rise, fall, peak = self._ascent()
        n, length = self.count, self.end - self.start
        if rise <= 0 and fall >= length:
            return self.start + length * np.arange(n) / n
        s = np.unique(np.concatenate([np.linspace(0, length, 2049), [rise, fall]]))
        h = np.minimum(
            peak,
            np.minimum(self.h_start + self.growth * s, self.h_end + self.growth * (length - s)),
        )
        density = (1 / h[1:] + 1 / h[:-1]) / 2
        cells = np.concatenate([[0.0], np.cumsum(density * np.diff(s))])
        return self.start + np.interp(np.arange(n) * cells[-1] / n, cells, s)


def lines(axis: list[Interval]) -> np.ndarray:
    """Join the lines of consecutive intervals of one axis and add the last end."""
    return np.concatenate([*(interval.lines() for interval in axis), [axis[-1].end]])


def spread(at: np.ndarray, rank: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return the edges that get a line: taller ones first, none within 1/20 cell of a taller one.

    Volume fractions serve the others.
    """
    chosen: list[int] = []
    for n in np.argsort(-rank, kind="stable"):
        if all(abs(at[n] - at[m]) >= size[m] / 20 for m in chosen):
            chosen.append(int(n))
    return at[sorted(chosen)]


def insert(nodes: np.ndarray, lines: np.ndarray, gap: float) -> np.ndarray:
    """Add the lines that keep a distance from all nodes and from each other."""
    position = np.searchsorted(nodes, lines)
    left = lines - nodes[np.maximum(position - 1, 0)]
    right = nodes[np.minimum(position, len(nodes) - 1)] - lines
    free = lines[(np.abs(left) >= gap * (1 - 1e-6)) & (np.abs(right) >= gap * (1 - 1e-6))]
    free = free[np.concatenate([[True], np.diff(free) >= gap * (1 - 1e-6)])] if len(free) else free
    return np.sort(np.concatenate([nodes, free]))


def intervals(
    nodes: np.ndarray,
    h: np.ndarray,
    zones: list[tuple[float, float, float]],
    most: float,
    growth: float,
    refine: float,
    uniform: bool = False,
) -> list[Interval]:
    """Split nodes into intervals.

    At a node the size field is the least of its own, its zones' and its neighbours'.
    """
    length = np.diff(nodes)
    middle = nodes[:-1] + length / 2
    plateau = np.full(len(length), most)
    for start, end, size in zones:
        inside = (middle > start) & (middle < end)
        plateau[inside] = np.minimum(plateau[inside], size)
    if uniform:
        ends = plateau, plateau
    else:
        h = h.copy()
        at_ends = np.minimum(
            plateau, 1.25 * length
        )  # beside a short interval of one cell start 1.25 wider at most
        h[:-1] = np.minimum(h[:-1], at_ends)
        h[1:] = np.minimum(h[1:], at_ends)
        for n in range(1, len(h)):
            h[n] = min(h[n], h[n - 1] + growth * length[n - 1])
        for n in range(len(h) - 2, -1, -1):
            h[n] = min(h[n], h[n + 1] + growth * length[n])
        ends = h[:-1], h[1:]
    return [
        Interval(
            float(nodes[n]),
            float(nodes[n + 1]),
            float(a),
            float(b),
            float(plateau[n]),
            growth,
            refine,
        )
        for n, (a, b) in enumerate(zip(*ends, strict=True))
    ]
