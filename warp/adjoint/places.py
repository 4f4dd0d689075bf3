"""Places of a measured surface: weights of its points, of one place, and of its extremes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from warp.results import surface_points
from warp.results.surface import Surface, quadratic_weights

Array = np.ndarray
EQUAL = 1e-7
"""Relative difference of heights, over their range, up to which two extremes are one value."""
NEAR = 0.01
"""Difference, over the range, up to which another extreme could take over."""


@dataclass(frozen=True)
class Extremes:
    """An extreme as weights (2n+1, 2m+1) of points; said: whether it stands alone."""

    weights: Array
    said: str


def simpson_weights(surface: Surface) -> Array:
    """Return the area (2n+1, 2m+1) of each point in Simpson's rule over the footprint."""
    m, n = surface.cells.shape
    area = np.where(surface.cells, np.diff(surface.y)[:, None] * np.diff(surface.x), 0.0).T
    found = np.zeros((2 * n + 1, 2 * m + 1))
    for a, wide in enumerate((1 / 6, 4 / 6, 1 / 6)):
        for b, deep in enumerate((1 / 6, 4 / 6, 1 / 6)):
            found[a : a + 2 * n - 1 : 2, b : b + 2 * m - 1 : 2] += wide * deep * area
    return found


def point_weights(surface: Surface, x: float, y: float) -> Array:
    """Return the weights of the points in the interpolated height at (x, y) in m."""
    i = int(np.clip(np.searchsorted(surface.x, x, side="right") - 1, 0, surface.x.size - 2))
    j = int(np.clip(np.searchsorted(surface.y, y, side="right") - 1, 0, surface.y.size - 2))
    s = np.clip((x - surface.x[i]) / (surface.x[i + 1] - surface.x[i]), 0, 1)
    t = np.clip((y - surface.y[j]) / (surface.y[j + 1] - surface.y[j]), 0, 1)
    found = np.zeros((2 * surface.x.size - 1, 2 * surface.y.size - 1))
    weights = np.outer(quadratic_weights(s), quadratic_weights(t))
    found[2 * i : 2 * i + 3, 2 * j : 2 * j + 3] = weights
    return found


def extremes_of(surface: Surface, values: Array) -> tuple[Extremes, Extremes]:
    """Return the lowest and the highest value as weights; equal extremes have equal shares."""
    fine = surface_points.with_middles(surface, values)
    fine = np.where(surface_points.touched(surface.cells.T), fine, np.nan)
    span = float(np.nanmax(fine) - np.nanmin(fine))
    return _extreme(surface, fine, -1.0, span), _extreme(surface, fine, 1.0, span)


def _extreme(surface: Surface, fine: Array, sign: float, span: float) -> Extremes:
    """Return the extreme of sign times the values."""
    argbest = np.nanargmax if sign > 0 else np.nanargmin
    tops = np.where(np.isfinite(fine), sign * fine, -np.inf)
    local = (tops == ndimage.maximum_filter(tops, size=3)) & np.isfinite(tops)
    best = float(tops.max())
    rivals = np.flatnonzero(local & (tops >= best - NEAR * span))
    points = [surface_points.refined(surface, fine, int(at), argbest) for at in rivals]
    heights = np.array([sign * value for _, _, value in points])
    equal = heights >= heights.max() - EQUAL * span
    weights = [
        point_weights(surface, x, y) for (x, y, _), same in zip(points, equal, strict=True) if same
    ]
    said = "alone" if len(weights) == 1 else f"{len(weights)} equal places, their mean"
    others = len(points) - len(weights)
    if others:
        said += f" ({others} more within {100 * NEAR:g} % of the range: see warpage_p)"
    return Extremes(np.mean(weights, axis=0), said)
