"""Values of a surface between its vertices: middles, extremes, integrals over its footprint.

In each cell of the footprint the values are the biquadratic through its vertices and the middles
between them (`with_middles`), which lie on parabolas through neighbours: exact where the values are
a polynomial of degree two. Points are vertices and middles, arrays of them (2n+1, 2m+1), the first
axis x, on the device of the surface.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from warp.machine.arrays import Array
from warp.results.peak import peak
from warp.results.surface import Surface, along_line, quadratic_weights

SEARCHED = 17
"""Points a side of the lattice on which an extreme is searched, over two half cells."""
LANES = 32
"""Lanes of a row on a GPU, the threads that read neighbouring points at once; the CPU has one."""
Point: TypeAlias = tuple[float, float, float]
Plane: TypeAlias = tuple[float, float, float]
"""a, b, c of a + b x + c y."""
LEVEL: Plane = (0.0, 0.0, 0.0)
ArgBest: TypeAlias = "Callable[[np.ndarray], np.intp]"


def interpolate(surface: Surface, values: Array, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Interpolate vertex values at points (xs, ys) [m]; NaN off the footprint.

    In each cell the biquadratic through its vertices and the middles of `with_middles`: exact where
    the values are a polynomial of degree two.
    """
    return biquadratic(surface, with_middles(surface, values), xs, ys)


def with_middles(surface: Surface, values: Array) -> Array:
    """Return values (2n+1, 2m+1) at vertices and, from parabolas through neighbours, between them.

    The first axis is x. A middle is finite where the values beside it are, on the footprint or not.
    """
    device = surface.device
    across = along_line(values, surface.x, device)
    rows, columns = across.shape
    out = device.empty((2 * rows - 1, columns))
    args = out, across, device.asarray(surface.y), True
    device.launch("surface", "with_middles", (columns, rows, 1), *args)
    return out.T


def extremes(surface: Surface, values: Array) -> tuple[float, float]:
    """Find the lowest and the highest value of the interpolated surface."""
    low, high = extreme_points(surface, with_middles(surface, values))
    return low[2], high[2]


def extreme_points(surface: Surface, fine: Array, plane: Plane = LEVEL) -> tuple[Point, Point]:
    """Find where values less a plane are lowest and highest: x, y in m and the value there.

    fine (2n+1, 2m+1): from `with_middles`. Evaluated at vertices and midpoints, then on a finer
    raster around the extremes found, then where the slope is zero in the cells of the best point.
    """
    device, (x, y) = surface.device, surface.points
    lanes = _lanes(surface)
    values = device.empty((len(y), lanes, 2))
    at = device.empty((len(y), lanes, 2), np.int64)
    lines = (device.asarray(a) for a in (x, y, np.array(plane)))
    args = values, at, device.asarray(fine.T), surface.mask, *lines
    device.launch("surface", "row_extremes", (lanes, len(y), 1), *args)
    best = values[..., 0].min(), values[..., 1].max()
    points = [
        int(device.xp.where(values[..., n] == best[n], at[..., n], fine.size).min())
        for n in range(2)
    ]
    low, high = (
        refined(surface, fine, point % len(x) * len(y) + point // len(x), argbest, plane)
        for point, argbest in zip(points, (np.nanargmin, np.nanargmax), strict=True)
    )
    return low, high


def _lanes(surface: Surface) -> int:
    return LANES if surface.device.cuda else 1


def refined(
    surface: Surface, fine: Array, at: int, argbest: ArgBest, plane: Plane = LEVEL
) -> Point:
    """Find the extreme of the interpolated surface within half a cell of a point of `fine`.

    at: its flat index; argbest: np.nanargmin or np.nanargmax; plane: taken off.
    """
    x, y = surface.points
    p, r = divmod(at, fine.shape[1])
    xs = np.linspace(x[max(p - 1, 0)], x[min(p + 1, x.size - 1)], SEARCHED)
    ys = np.linspace(y[max(r - 1, 0)], y[min(r + 1, y.size - 1)], SEARCHED)
    here = float(fine[p, r]) - height_of(plane, x[p], y[r])
    near = np.append(biquadratic(surface, fine, xs[None, :], ys[:, None], plane), here)
    best = int(argbest(near))
    place = (x[p], y[r]) if best == SEARCHED**2 else (xs[best % SEARCHED], ys[best // SEARCHED])
    first = float(place[0]), float(place[1]), float(near[best])
    sign = 1.0 if argbest is np.nanargmax else -1.0
    cells = _cells_at(surface, *place)
    found = [_peak(surface, fine, plane, first, sign, i, j) for j, i in cells]
    return max([first, *found], key=lambda point: sign * point[2])


def _cells_at(surface: Surface, x: float, y: float) -> list[tuple[int, int]]:
    """Return the footprint's cells (j, i) that a point belongs to: up to four at a vertex."""
    sides = []
    for lines, at in ((surface.y, y), (surface.x, x)):
        last = lines.size - 2
        right = min(max(int(lines.searchsorted(at, side="right")) - 1, 0), last)
        sides.append({right, max(right - 1, 0)} if at <= lines[right] else {right})
    rows, columns = sides
    return [(j, i) for j in sorted(rows) for i in sorted(columns) if bool(surface.cells[j, i])]


def _peak(
    surface: Surface, fine: Array, plane: Plane, first: Point, sign: float, i: int, j: int
) -> Point:
    """Return the extreme of the biquadratic in cell (j, i) near a point."""
    (x0, x1), (y0, y1) = surface.x[i : i + 2], surface.y[j : j + 2]
    at = _with_middle(x0, x1)[:, None], _with_middle(y0, y1)
    values = surface.device.to_host(fine[2 * i : 2 * i + 3, 2 * j : 2 * j + 3])
    F = sign * (values - height_of(plane, *at))
    s, t, value = peak(F, (first[0] - x0) / (x1 - x0), (first[1] - y0) / (y1 - y0))
    return float(x0 + s * (x1 - x0)), float(y0 + t * (y1 - y0)), sign * value


def _with_middle(first: float, last: float) -> np.ndarray:
    """Return both ends of an edge and its middle."""
    return np.array([first, first + (last - first) / 2, last])


def height_of(plane: Plane, x: Any, y: Any) -> Any:
    """Return a + b x + c y."""
    return plane[0] + plane[1] * x + plane[2] * y


def biquadratic(
    surface: Surface, fine: Array, xs: np.ndarray, ys: np.ndarray, plane: Plane = LEVEL
) -> np.ndarray:
    """Evaluate the values of `with_middles`, less a plane, at points (xs, ys) in m.

    xs and ys broadcast: a lattice from a row and a column looks each of its lines up once.
    """
    xs, ys = np.asarray(xs, float), np.asarray(ys, float)
    i, across = _in_cells(surface.x, xs)
    j, up = _in_cells(surface.y, ys)
    shape = np.broadcast_shapes(xs.shape, ys.shape)
    steps = np.arange(3).reshape(3, *[1] * len(shape))
    p, q = 2 * i + steps[:, None], 2 * j + steps
    device = surface.device
    values = device.to_host(fine[device.asarray(p), device.asarray(q)])
    found = np.zeros(shape)
    for a, weight in enumerate(across):
        for b, other in enumerate(up):
            found += weight * other * values[a, b]
    inside = device.to_host(surface.cells[device.asarray(j), device.asarray(i)])
    return np.where(inside, found - height_of(plane, xs, ys), np.nan)


def _in_cells(
    lines: np.ndarray, at: np.ndarray
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return the cells between lines that points belong to, and the weights of their values."""
    i = np.minimum(np.maximum(lines.searchsorted(at, side="right") - 1, 0), lines.size - 2)
    s = np.minimum(np.maximum((at - lines[i]) / (lines[i + 1] - lines[i]), 0), 1)
    return i, quadratic_weights(s)


def touched(cells: np.ndarray) -> np.ndarray:
    """Mark the vertices and middles (2n+1, 2m+1) that belong to a footprint cell of (n, m)."""
    n, m = cells.shape
    found = np.zeros((2 * n + 1, 2 * m + 1), bool)
    for a in range(3):
        for b in range(3):
            found[a : a + 2 * n - 1 : 2, b : b + 2 * m - 1 : 2] |= cells
    return found


def integrals(
    surface: Surface, fine: Array, origin: tuple[float, float], length: float
) -> tuple[np.ndarray, np.ndarray]:
    """Integrate x^p y^q [q, p] and w x^p y^q over the footprint by Simpson's rule.

    fine (2n+1, 2m+1): w with the middles of `with_middles`; x and y from `origin` in units of
    `length`. Exact where w is a polynomial of degree two.
    """
    x, y = surface.points
    x, y = (x - origin[0]) / length, (y - origin[1]) / length
    device, lanes = surface.device, _lanes(surface)
    sums = device.empty((len(y), lanes, 5))
    lines = (device.asarray(a) for a in (x, y, np.diff(surface.x), np.diff(surface.y)))
    args = sums, device.asarray(fine.T), surface.mask, *lines
    device.launch("surface", "integrals", (lanes, len(y), 1), *args)
    rows = device.to_host(sums.sum(axis=1))
    powers = np.vander(y, 3, increasing=True).T
    return powers @ rows[:, :3], powers[:2] @ rows[:, 3:]


def rms_above(surface: Surface, plane: Plane) -> float:
    """Return the root mean square of w above a plane, by the area that each vertex stands for."""
    device, lanes, (x, y) = surface.device, _lanes(surface), (surface.x, surface.y)
    sums = device.empty((len(y), lanes, 2))
    lines = (device.asarray(a) for a in (x, y, np.diff(x), np.diff(y), np.array(plane)))
    args = sums, device.asarray(surface.w), surface.mask, *lines
    device.launch("surface", "squares", (lanes, len(y), 1), *args)
    area, square = device.to_host(sums.sum(axis=1)).sum(axis=0)
    return float(np.sqrt(square / area))
