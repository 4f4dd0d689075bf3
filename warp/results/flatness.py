"""Flatness of a surface: warpage, plane, diagonals, curvature, coplanarity.

Warpage as JEITA ED-7306 and JESD22-B112 define it, over the measuring zone of one surface:

    r = w - (a + b x + c y)            residual from the least-squares plane
    |C| = max r - min r                peak to valley
    sign C = sgn(AB_max + AB_min + CD_max + CD_min)

with AB, CD the two diagonals, each relative to the straight line that joins its ends; up (towards
the lid) is positive. C > 0 is convex: the centre stands away from the board. A pure twist has no
sign by this rule and counts as positive.

The plane is fitted by integrals over the surface, as an even dense scan would give (Simpson's rule
on parabolas: exact for bending by a constant curvature). An unweighted fit through vertices would
follow the fine end of a graded grid.

Curvature kappa_x = -d2w/dx2, so that kappa > 0 is convex too: least-squares quadratic over the
middle quarter of each side, away from the free edges, where laminate theory holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from warp.machine.arrays import Array
from warp.results.surface import Surface, Zone, zoned
from warp.results.surface_points import (
    LEVEL,
    Plane,
    biquadratic,
    extreme_points,
    height_of,
    integrals,
    interpolate,
    rms_above,
    with_middles,
)

UM = 1e-6
ROUND_OFF = 1e-9  # of the height: a smaller sum over the diagonals has no sign


@dataclass(frozen=True)
class Warpage:
    """Hold the flatness of one surface in its measuring zone (m, 1/m).

    surface: the zone; centre: height above the plane in the middle. Corner and edge heights are
    means over the four corners (two middles of edges), minus the centre: negative when convex, NaN
    where the footprint has a hole there.
    """

    surface: Surface
    plane: tuple[float, float, float]
    value: float
    span: float
    rms: float
    highest: float
    lowest: float
    centre: float
    corner_minus_centre: float
    edge_x_minus_centre: float
    edge_y_minus_centre: float
    kappa: tuple[float, float, float]

    @cached_property
    def residual(self) -> np.ndarray:
        """Return the height above the plane at the vertices of the zone."""
        s = self.surface
        height: np.ndarray = s.w - height_of(self.plane, s.x[None, :], s.y[:, None])
        return height


def warpage(surface: Surface, zone: Zone = None) -> Warpage:
    """Measure warpage, heights and curvatures of a surface in its measuring zone.

    zone: default the whole footprint.
    """
    s = zoned(surface, zone)
    fine = with_middles(s, s.w)
    plane = fit_plane(s, fine)
    (*_, lowest), (*_, highest) = extreme_points(s, fine, plane)
    (*_, low), (*_, high) = extreme_points(s, fine)
    x0, x1, y0, y1 = s.bounds
    xm, ym = (x0 + x1) / 2, (y0 + y1) / 2
    at = biquadratic(
        s,
        fine,
        np.array([xm, x0, x1, x0, x1, x0, x1, xm, xm]),
        np.array([ym, y0, y0, y1, y1, ym, ym, y0, y1]),
        plane,
    )
    return Warpage(
        surface=s,
        plane=plane,
        value=(highest - lowest) * _sign(s, fine, plane, highest - lowest),
        span=high - low,
        rms=rms_above(s, plane),
        highest=highest,
        lowest=lowest,
        centre=float(at[0]),
        corner_minus_centre=float(at[1:5].mean() - at[0]),
        edge_x_minus_centre=float(at[5:7].mean() - at[0]),
        edge_y_minus_centre=float(at[7:9].mean() - at[0]),
        kappa=curvature(s),
    )


def fit_plane(surface: Surface, fine: np.ndarray) -> Plane:
    """Return the least-squares plane of w; fine: w with its middles, of `with_middles`."""
    x0, x1, y0, y1 = surface.bounds
    length = max(x1 - x0, y1 - y0)
    a, b, c = _least_squares(
        *integrals(surface, fine, ((x0 + x1) / 2, (y0 + y1) / 2), length), [(0, 0), (1, 0), (0, 1)]
    )
    return (
        float(a - (b * (x0 + x1) + c * (y0 + y1)) / (2 * length)),
        float(b / length),
        float(c / length),
    )


def diagonal(
    surface: Surface, values: np.ndarray, which: int = 0, points: int = 201
) -> tuple[np.ndarray, np.ndarray]:
    """Return distance from the middle [m] and value along a diagonal of the zone.

    NaN off the footprint. which: 0 from (x0, y0) to (x1, y1), 1 from (x0, y1) to (x1, y0).
    """
    distance, xs, ys = _diagonal_points(surface, which, points)
    return distance, interpolate(surface, values, xs, ys)


def _diagonal_points(
    surface: Surface, which: int, points: int = 201
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return distance from the middle, x and y along a diagonal [m]."""
    x0, x1, y0, y1 = surface.bounds
    t = np.linspace(0, 1, points)
    ys = y0 + t * (y1 - y0)
    length = float(np.hypot(x1 - x0, y1 - y0))
    return (t - 0.5) * length, x0 + t * (x1 - x0), ys if which == 0 else ys[::-1]


def diagonal_sign(surface: Surface, values: np.ndarray) -> int:
    """+1 convex, -1 concave, from both diagonals relative to the line that joins their ends."""
    span = float(np.ptp(values[np.isfinite(values)]))
    return _sign(surface, with_middles(surface, values), LEVEL, span)


def _sign(surface: Surface, fine: np.ndarray, plane: Plane, span: float) -> int:
    """Return what `diagonal_sign` does of values less a plane, whose range is `span`."""
    total = 0.0
    for which in (0, 1):
        s, xs, ys = _diagonal_points(surface, which)
        v = biquadratic(surface, fine, xs, ys, plane)
        known = np.flatnonzero(np.isfinite(v))
        if known.size < 3:
            continue
        s, v = s[known], v[known]
        chord = v[0] + (v[-1] - v[0]) * (s - s[0]) / (s[-1] - s[0])
        total += float((v - chord).max() + (v - chord).min())
    return -1 if total < -ROUND_OFF * span else 1


def curvature(surface: Surface, fraction: float = 0.25) -> tuple[float, float, float]:
    """Fit kappa_x, kappa_y, kappa_xy [1/m] over the middle `fraction` of each side.

    They are -d2w/dx2, -d2w/dy2, -d2w/dxdy. The fit takes the vertices as they are, since
    interpolated ones would add a bias of h2/8 w''; it is widened until three lines fit each way,
    and NaN without them.
    """
    x0, x1, y0, y1 = surface.bounds
    lx, ly = x1 - x0, y1 - y0
    middle = middle_of(surface, fraction)
    if middle is None:
        return np.nan, np.nan, np.nan
    xs, ys, area, chosen = middle
    device, w = surface.device, surface.w[chosen]
    xp = device.xp
    across, along = np.vander(xs, 5, increasing=True), np.vander(ys, 5, increasing=True).T
    moment = xp.where(xp.isfinite(w), area * w, 0.0)
    powers = device.asarray(across)
    areas, moments = (
        along @ device.to_host(xp.tensordot(a, powers, axes=1)) for a in (area, moment)
    )
    c = _least_squares(areas, moments, QUADRATIC)
    return float(-2 * c[3] / lx**2), float(-2 * c[4] / ly**2), float(-c[5] / (lx * ly))


QUADRATIC = [(0, 0), (1, 0), (0, 1), (2, 0), (0, 2), (1, 1)]
"""Powers of x and y in the fit of `curvature`."""


def middle_of(
    surface: Surface, fraction: float = 0.25
) -> tuple[np.ndarray, np.ndarray, Array, tuple[slice, slice]] | None:
    """Return the vertices that `curvature` fits: x, y in units of the sides, areas, and index.

    Areas are on the device of the surface. None without three lines each way.
    """
    x0, x1, y0, y1 = surface.bounds
    xs = (surface.x - (x0 + x1) / 2) / (x1 - x0)
    ys = (surface.y - (y0 + y1) / 2) / (y1 - y0)
    device = surface.device
    for f in (fraction, 2 * fraction, 4 * fraction, np.inf):
        i, j = (_inside(q, f / 2 + 1e-9) for q in (xs, ys))
        known = device.xp.isfinite(surface.w[j, i])
        columns, rows = (device.to_host(known.any(axis=axis)).sum() for axis in (0, 1))
        if columns >= 3 and rows >= 3 and int(known.sum()) >= 6:
            dy, dx = (device.asarray(np.gradient(q)) for q in (ys[j], xs[i]))
            area = device.xp.where(known, dy[:, None] * dx[None, :], 0.0)
            return xs[i], ys[j], area, (j, i)
    return None


def _inside(q: np.ndarray, half: float) -> slice:
    """Return the ascending q that lie between -half and half."""
    where = np.flatnonzero(np.abs(q) <= half)
    return slice(int(where[0]), int(where[-1]) + 1) if len(where) else slice(0, 0)


@dataclass(frozen=True)
class Seating:
    """The seating plane of terminals: through three of their vertices, counted over all surfaces.

    height: of the vertex `highest` above it [m]; shares (3,): of the three in the plane there.
    lowest is empty where no plane was found.
    """

    height: float
    highest: int
    lowest: tuple[int, ...]
    shares: np.ndarray


def coplanarity(*surfaces: Surface) -> float:
    """Return the height of the highest point of terminals above their seating plane [m].

    As JESD22-B108 measures it.
    """
    return seating(*surfaces).height


def seating(*surfaces: Surface) -> Seating:
    """Find the seating plane of terminals and the highest vertex above it.

    The plane touches the three lowest points round the centroid: the supporting plane of the lower
    hull under it. The terminals, one part or several (leads and paddle), are taken as coplanar
    before the load, so that only w counts.
    """
    places, weights, heights = [], [], []
    for surface in (surface.on_host() for surface in surfaces):
        known = surface.weights > 0
        x, y = _mesh(surface.x, surface.y)
        places.append(np.column_stack((x[known], y[known])))
        weights.append(surface.weights[known])
        heights.append(surface.w[known])
    points, weight, w = np.concatenate(places), np.concatenate(weights), np.concatenate(heights)
    middle = (points * weight[:, None]).sum(axis=0) / weight.sum()
    points = (points - middle) / np.ptp(points, axis=0).max()
    # Dual simplex on "the highest plane under all points at the centroid", from a huge and far too
    # high triangle round it.
    far = 1e3 * np.array([[0.0, 2.0], [-1.7, -1.0], [1.7, -1.0]])
    points, z = (
        np.vstack((points, far)),
        np.append(w - w.min(), np.full(3, 1e6 * max(np.ptp(w), 1e-30))),
    )
    basis = [z.size - 3, z.size - 2, z.size - 1]
    tolerance = 1e-12 * z[:-3].max(initial=0.0)
    for _ in range(10 * z.size):
        corners = np.column_stack((np.ones(3), points[basis]))
        plane = np.linalg.solve(corners, z[basis])
        above = z[:-3] - (plane[0] + points[:-3] @ plane[1:])
        lowest = int(above.argmin())
        if above[lowest] >= -tolerance:
            highest = int(above.argmax())
            shares = np.linalg.solve(corners.T, np.append(1.0, points[highest]))
            return Seating(float(above[highest]), highest, tuple(basis), shares)
        fraction = np.linalg.solve(corners.T, np.array([1.0, 0.0, 0.0]))
        entering = np.linalg.solve(corners.T, np.append(1.0, points[lowest]))
        ratio = np.where(
            entering > 1e-12, fraction / np.where(entering > 1e-12, entering, 1.0), np.inf
        )
        basis[int(ratio.argmin())] = lowest
    return Seating(float(np.ptp(w)), int(w.argmax()), (), np.zeros(0))


def _mesh(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    xs, ys = np.meshgrid(x, y)
    return xs, ys


def _least_squares(
    area: np.ndarray, moment: np.ndarray, powers: list[tuple[int, int]]
) -> np.ndarray:
    """Return the coefficients of x^p y^q in the fit of w.

    From the integrals of these, and of w times these [q, p]. Minimal norm where the footprint
    leaves a term undetermined.
    """
    gram = np.array([[area[q + s, p + r] for r, s in powers] for p, q in powers])
    return np.linalg.lstsq(gram, np.array([moment[q, p] for p, q in powers]), rcond=1e-12)[0]
