"""The highest point of a biquadratic in its cell.

    f(s, t) = SUM q_a(s) q_b(t) F_ab,    0 <= s, t <= 1

with F at corners, middles of edges and centre, q the parabolas through three equidistant points.
Newton's method from a point nearby, along the edges where the highest point lies on one; what it
returns is at least as high as where it began. The height is then smooth in F: where the slope is
zero, or the edge holds, a change of the place changes it to second order only.
"""

from __future__ import annotations

import math

import numpy as np

ROUNDS = 20
"""Of Newton's method, which doubles the digits in each."""
HALVINGS = 5
"""Of a step: it is shortened until it leads upwards."""

Weights = tuple[float, float, float]
Rows = tuple[Weights, Weights, Weights]


def peak(F: np.ndarray, s: float, t: float) -> tuple[float, float, float]:
    """Return the place (s, t) of the highest value nearby and that value; F: (3, 3)."""
    first, second, third = F.tolist()
    rows: Rows = tuple(first), tuple(second), tuple(third)
    height = _sum(_values(s), rows, _values(t))
    for _ in range(ROUNDS):
        step = _step(rows, s, t)
        if step is None:
            break
        for halving in range(HALVINGS + 1):
            there = _inside(s + step[0] / 2**halving), _inside(t + step[1] / 2**halving)
            value = _sum(_values(there[0]), rows, _values(there[1]))
            if value > height:
                break
        if not value > height:
            break
        (s, t), height = there, value
    return s, t, height


def _step(F: Rows, s: float, t: float) -> tuple[float, float] | None:
    """Return Newton's step upwards, 0 along a held direction; None where both are held.

    Along the slope where the surface does not curve down.
    """
    p, q, p1, q1 = _values(s), _values(t), _slopes(s), _slopes(t)
    slope_s, slope_t = _sum(p1, F, q), _sum(p, F, q1)
    held_s, held_t = _held(s, slope_s), _held(t, slope_t)
    if held_s and held_t:
        return None
    ss, tt = _sum(CURVATURES, F, q), _sum(p, F, CURVATURES)
    if held_s:
        return 0.0, (-slope_t / tt if tt < 0 else math.copysign(bool(slope_t), slope_t))
    if held_t:
        return (-slope_s / ss if ss < 0 else math.copysign(bool(slope_s), slope_s)), 0.0
    st = _sum(p1, F, q1)
    determinant = ss * tt - st * st
    if ss < 0 and determinant > 0:  # both curvatures are negative
        along_s = (st * slope_t - tt * slope_s) / determinant
        return along_s, (st * slope_s - ss * slope_t) / determinant
    steepest = max(abs(slope_s), abs(slope_t), 1e-300)
    return slope_s / steepest, slope_t / steepest


def _held(x: float, slope: float) -> bool:
    """Tell whether an end of the cell stops the way upwards."""
    return (x <= 0 and slope <= 0) or (x >= 1 and slope >= 0)


def _inside(x: float) -> float:
    return min(max(x, 0.0), 1.0)


def _sum(p: Weights, F: Rows, q: Weights) -> float:
    """Return SUM p_a q_b F_ab."""
    (a, b, c), (d, e, f), (g, h, i) = F
    u, v, w = q
    below, middle, above = a * u + b * v + c * w, d * u + e * v + f * w, g * u + h * v + i * w
    return p[0] * below + p[1] * middle + p[2] * above


CURVATURES = 4.0, -8.0, 4.0
"""Second derivatives of the weights."""


def _values(s: float) -> Weights:
    """Return the weights of the values at 0, 1/2 and 1."""
    return (1 - s) * (1 - 2 * s), 4 * s * (1 - s), s * (2 * s - 1)


def _slopes(s: float) -> Weights:
    """Return the derivatives of the weights."""
    return 4 * s - 3, 4 - 8 * s, 4 * s - 1
