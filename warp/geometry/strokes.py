"""Outlines of what a pen covers: discs, arcs and straight or circular strokes, as polygons.

Points are complex numbers x + iy in mm. A round shape becomes a polygon of the same area whose
sides keep within CHORD of it.
"""

from __future__ import annotations

from cmath import phase, rect
from functools import lru_cache
from math import ceil, pi, sin, sqrt, tau

import numpy as np

SAMPLE = 2000  # pairs of sides of which crossings are counted
LARGEST = 1e6  # mm: radius of a circle
CHORD = 0.5e-3  # mm: largest distance of a side from its arc

Outline = list[complex]


def disc(centre: complex, radius: float) -> Outline:
    """Return a regular polygon with the disc's area, its own mirror image in x and in y."""
    return [centre + point for point in _disc(radius)]


@lru_cache(maxsize=256)
def _disc(radius: float) -> tuple[complex, ...]:
    count = 4 * ceil(_sides(radius, tau) / 4)
    outer = radius * sqrt(tau / count / sin(tau / count))
    return tuple(rect(outer, tau * n / count) for n in range(count))


@lru_cache(maxsize=256)
def _cap(radius: float) -> tuple[complex, ...]:
    """Return the half disc in front of a pen that moves towards +x, with the half disc's area.

    Its ends lie on the stroke's sides, so that the stroke has its width.
    """
    count = max(6, _sides(radius, pi))
    step = pi / count
    # sum of triangles: sin(step) / 2 (2 r q + (count - 2) q^2) = pi r^2 / 2, q = inner points'
    # radius
    a, c = (count - 2) * sin(step), -pi * radius**2
    b = 2 * radius * sin(step)
    inner = (-b + sqrt(b * b - 4 * a * c)) / (2 * a)
    ends = (rect(radius, -pi / 2), rect(radius, pi / 2))
    between = [rect(inner, -pi / 2 + step * n) for n in range(1, count)]
    return (ends[0], *between, ends[1])


def line(start: complex, end: complex, radius: float) -> Outline:
    """Return what a disc covers on its way from one point to another."""
    length = abs(end - start)
    if length == 0.0:
        return disc(start, radius)
    along = (end - start) / length
    cap = [along * point for point in _cap(radius)]
    return [end + point for point in cap] + [start - point for point in cap]


def swept(start: complex, end: complex, pen: Outline) -> Outline:
    """Return what a convex pen covers on its way from one point to another."""
    return hull([start + point for point in pen] + [end + point for point in pen])


def arc_strokes(start: complex, end: complex, arc: Arc, radius: float) -> list[Outline]:
    """Return what a disc covers on its way along an arc, in pieces of at most half a turn."""
    if arc.radius <= 1.01 * radius:
        points = [start, *arc.between(start, end), end]
        return [line(p, q, radius) for p, q in zip(points[:-1], points[1:], strict=True)]
    pieces = max(1, ceil(abs(arc.turn) / pi - 1e-9))
    found = []
    for n in range(pieces):
        first = arc.first + arc.turn * n / pieces
        found.append(_bent(arc, first, arc.turn / pieces, radius))
    return found


class Arc:
    """A circular arc: centre, radius, angle of its start and the signed angle that it turns by."""

    def __init__(self, start: complex, end: complex, centre: complex, clockwise: bool) -> None:
        self.centre = centre
        self.radius = abs(start - centre)
        self.last_radius = abs(end - centre)
        self.first = phase(start - centre)
        turn = (phase(end - centre) - self.first) * (-1 if clockwise else 1) % tau
        if abs(end - start) < 1e-9:
            turn = tau  # equal ends are a full circle
        self.turn = -turn if clockwise else turn

    def between(self, start: complex, end: complex) -> Outline:
        """Return points between the ends; where their radii differ, a spiral joins them."""
        count = _sides(max(self.radius, self.last_radius), abs(self.turn))
        step, change = self.turn / count, (self.last_radius - self.radius) / count
        return [
            self.centre + rect(self.radius + change * n, self.first + step * n)
            for n in range(1, count)
        ]


def _bent(arc: Arc, first: float, turn: float, radius: float) -> Outline:
    count = _sides(arc.radius + radius, abs(turn))
    step = turn / count
    same_area = sqrt(abs(step) / sin(abs(step)))
    outer, inner = (arc.radius + radius) * same_area, (arc.radius - radius) * same_area
    angles = [first + step * n for n in range(count + 1)]
    side = 1j if turn > 0 else -1j
    cap = [point if turn > 0 else point.conjugate() for point in _cap(radius)]
    middle = (arc.centre + rect(arc.radius, angle) for angle in (angles[0], angles[-1]))
    start, end = middle
    ahead, behind = rect(1.0, angles[-1]) * side, -rect(1.0, angles[0]) * side
    return (
        [arc.centre + rect(outer, angle) for angle in angles]
        + [end + ahead * point for point in cap[1:-1]]
        + [arc.centre + rect(inner, angle) for angle in reversed(angles)]
        + [start + behind * point for point in cap[1:-1]]
    )


def hull(points: Outline) -> Outline:
    """Return the convex hull of points, counter-clockwise (monotone chain, Andrew 1979)."""
    ordered = sorted(set(points), key=lambda p: (p.real, p.imag))
    if len(ordered) < 3:
        return ordered
    below = _chain(ordered)
    above = _chain(ordered[::-1])
    return below[:-1] + above[:-1]


def _chain(points: Outline) -> Outline:
    chain: Outline = []
    for point in points:
        while len(chain) > 1 and _turns_right(chain[-2], chain[-1], point):
            chain.pop()
        chain.append(point)
    return chain


def _turns_right(a: complex, b: complex, c: complex) -> bool:
    return ((b - a).conjugate() * (c - b)).imag <= 0.0


def crossings(points: np.ndarray) -> float:
    """Estimate how often the sides of a polygon (corners, 2) cross each other, from random pairs.

    A drawn outline hardly crosses itself; a union's time grows with what does.
    """
    count = len(points)
    chance = np.random.default_rng(0)
    first, second = chance.integers(0, count, (2, SAMPLE))
    a, b = points[first], points[(first + 1) % count]
    c, d = points[second], points[(second + 1) % count]
    apart = (_side(a, b, c) * _side(a, b, d) < 0.0) & (_side(c, d, a) * _side(c, d, b) < 0.0)
    return float(apart.mean()) * count**2 / 2


def _side(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    (x, y), (u, v) = (b - a).T, (c - a).T
    return np.asarray(np.sign(x * v - y * u))


def _sides(radius: float, angle: float) -> int:
    """Return how many chords keep within CHORD of an arc, at least one per 30 degrees."""
    if not radius <= LARGEST:
        raise ValueError(f"a circle of {radius:.3g} mm radius is not a shape of a layout")
    each = min(pi / 6, 2 * sqrt(2 * CHORD / radius)) if radius > 0.0 else pi / 6
    return max(1, ceil(angle / each - 1e-9))
