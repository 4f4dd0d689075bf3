"""The highest point of a biquadratic in its cell.

    f(s, t) = SUM q_a(s) q_b(t) F_ab,    0 <= s, t <= 1

with F at corners, middles of edges and centre, q the parabolas through three equidistant points.
Newton's method from a point nearby, along the edges where the highest point lies on one; what it
returns is at least as high as where it began. The height is then smooth in F: where the slope is
zero, or the edge holds, a change of the place changes it to second order only.
"""

from __future__ import annotations

import numpy as np

ROUNDS = 20
"""Of Newton's method, which doubles the digits in each."""
SHARES = 0.5 ** np.arange(6)
"""Of a step: it is shortened until it leads upwards."""


def peak(F: np.ndarray, s: float, t: float) -> tuple[float, float, float]:
    """Return the place (s, t) of the highest value nearby and that value; F: (3, 3)."""
    here = np.array([s, t])
    height = _value(F, here)
    for _ in range(ROUNDS):
        slope, curvature = _derivatives(F, here)
        held = ((here <= 0) & (slope <= 0)) | ((here >= 1) & (slope >= 0))
        free = np.flatnonzero(~held)
        if not len(free):
            break
        step = _step(slope[free], curvature[np.ix_(free, free)])
        there, value = here.copy(), -np.inf
        for share in SHARES:
            there[free] = np.clip(here[free] + share * step, 0.0, 1.0)
            value = _value(F, there)
            if value > height:
                break
        if not value > height:
            break
        here, height = there, value
    return float(here[0]), float(here[1]), height


def _step(slope: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    """Return Newton's step upwards; along the slope where the surface does not curve down."""
    if np.linalg.eigvalsh(curvature).max() < 0:
        found: np.ndarray = -np.linalg.solve(curvature, slope)
        return found
    return slope / max(float(np.abs(slope).max()), 1e-300)


def _value(F: np.ndarray, place: np.ndarray) -> float:
    p, q = (_weights(x)[0] for x in place)
    return float(p @ F @ q)


def _derivatives(F: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return slope (2,) and curvature (2, 2)."""
    (p, p1, p2), (q, q1, q2) = (_weights(x) for x in place)
    cross = p1 @ F @ q1
    slope = np.array([p1 @ F @ q, p @ F @ q1])
    return slope, np.array([[p2 @ F @ q, cross], [cross, p @ F @ q2]])


def _weights(s: float) -> np.ndarray:
    """Return the weights of the values at 0, 1/2 and 1, their slopes and their curvatures."""
    return np.array(
        [
            [(1 - s) * (1 - 2 * s), 4 * s * (1 - s), s * (2 * s - 1)],
            [4 * s - 3, 4 - 8 * s, 4 * s - 1],
            [4.0, -8.0, 4.0],
        ]
    )
