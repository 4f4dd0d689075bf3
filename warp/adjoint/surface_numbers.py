"""Numbers of a measured surface that can be differentiated.

Heights enter linearly except through the places of extremes, which stand still to first order where
they are isolated. `warpage_p` needs no extremes: it replaces them by the p-norms, p = POWER, of
the heights above and below the plane, over the zone's area.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from warp.adjoint.by_fields import Array, ByFields, Measure
from warp.adjoint.heights import Heights, heights
from warp.adjoint.places import Extremes, extremes_of, point_weights, simpson_weights
from warp.errors import WarpError
from warp.results.flatness import (
    QUADRATIC,
    UM,
    Warpage,
    diagonal_sign,
    middle_of,
    seating,
    warpage,
)
from warp.results.metrics.bow_and_twist import bow, twist
from warp.results.metrics.solved import Solved
from warp.results.surface import Side, part_index
from warp.results.surface_points import with_middles
from warp.units import LENGTH, parse

POWER = 16
"""Of `warpage_p`: its peaks are those of a few per cent of the area."""


def surface_measure(text: str, part: str, side: Side, number: str) -> Measure:
    """Return the measure of a surface's number, or of its height at a point."""
    word, _, at = number.partition("@")
    if word == "height" and at:
        try:
            x, y = (parse(one, LENGTH) for one in at.split(","))
        except ValueError:
            raise WarpError(f'{text!r}: write the point as height@"3 mm,4 mm"') from None
        return PointHeight(part, side, x, y)
    if number not in SURFACE_NUMBERS:
        known = ", ".join(SURFACE_NUMBERS)
        raise WarpError(f"{text!r}: the numbers of a surface are {known}, height@X,Y")
    return SurfaceNumber(part, side, number)


@dataclass(frozen=True)
class Functional:
    """A number as weights (vertices,) of the heights, per m; used: as in `ByFields`."""

    weights: Array
    used: str = ""


@dataclass(frozen=True)
class _Flatness:
    """A measured surface with what its numbers are made of."""

    heights: Heights
    warpage: Warpage
    areas: Array = field(init=False)

    def __post_init__(self) -> None:
        """Weigh the points of the zone."""
        object.__setattr__(self, "areas", simpson_weights(self.heights.surface))

    def above_plane(self, points: Array) -> Array:
        """Return the weights of vertices in a sum of heights above the plane.

        points (2n+1, 2m+1): its weights at vertices and middles.
        """
        x, y = self._coordinates()
        ones = np.broadcast_to(1.0, points.shape)
        basis = np.stack([ones, np.broadcast_to(x, points.shape), np.broadcast_to(y, points.shape)])
        gram = np.einsum("aij,ij,bij->ab", basis, self.areas, basis)
        plane = np.linalg.lstsq(gram, np.einsum("aij,ij->a", basis, points), rcond=1e-12)[0]
        rest = points - self.areas * np.einsum("a,aij->ij", plane, basis)
        return self.heights.middles.T @ rest.reshape(-1)

    def _coordinates(self) -> tuple[Array, Array]:
        s = self.heights.surface
        x0, x1, y0, y1 = s.bounds
        length = max(x1 - x0, y1 - y0)
        x, y = (with_middle_lines(q) for q in (s.x, s.y))
        return (x[:, None] - (x0 + x1) / 2) / length, (y[None, :] - (y0 + y1) / 2) / length

    def at(self, xs: list[float], ys: list[float]) -> Array:
        """Return the mean of the weights of points."""
        surface = self.heights.surface
        places = zip(xs, ys, strict=True)
        found: Array = np.mean([point_weights(surface, x, y) for x, y in places], axis=0)
        return found


def with_middle_lines(lines: Array) -> Array:
    """Return lines and the middles between them."""
    found = np.empty(2 * len(lines) - 1)
    found[::2], found[1::2] = lines, (lines[1:] + lines[:-1]) / 2
    return found


def _extreme(f: _Flatness, which: Callable[[Extremes, Extremes], Array]) -> Functional:
    low, high = extremes_of(f.heights.surface, f.warpage.residual)
    said = f"lowest: {low.said}; highest: {high.said}"
    return Functional(f.above_plane(which(low, high)), said)


def _warpage(f: _Flatness) -> Functional:
    sign = diagonal_sign(f.warpage.surface, f.warpage.residual)
    found = _extreme(f, lambda low, high: sign * (high.weights - low.weights))
    return Functional(
        found.weights, f"largest minus smallest height above the plane ({found.used})"
    )


def _norms(f: _Flatness) -> tuple[list[float], Array]:
    """Return the p-norms above and below the plane, and heights of the points."""
    r = np.nan_to_num(with_middles(f.warpage.surface, f.warpage.residual))
    total = f.areas.sum()
    return [
        float(((f.areas * np.maximum(s * r, 0.0) ** POWER).sum() / total) ** (1 / POWER))
        for s in (1.0, -1.0)
    ], r


def _warpage_p(f: _Flatness) -> Functional:
    norms, r = _norms(f)
    sign = diagonal_sign(f.warpage.surface, f.warpage.residual)
    points = np.zeros_like(r)
    for s, size in zip((1.0, -1.0), norms, strict=True):
        if size > 0:
            points += s * f.areas * (np.maximum(s * r, 0.0) / size) ** (POWER - 1)
    used = f"{POWER}-norms of the heights above and below the plane, smooth everywhere"
    return Functional(f.above_plane(sign * points / f.areas.sum()), used)


def _warpage_p_value(w: Warpage, h: Heights) -> float:
    f = _Flatness(h, w)
    return sum(_norms(f)[0]) * diagonal_sign(w.surface, w.residual)


def _corners(bounds: tuple[float, ...]) -> tuple[list[float], list[float]]:
    x0, x1, y0, y1 = bounds
    return [x0, x1, x0, x1], [y0, y0, y1, y1]


def _middle(bounds: tuple[float, ...]) -> tuple[float, float]:
    return (bounds[0] + bounds[1]) / 2, (bounds[2] + bounds[3]) / 2


def _centre(f: _Flatness) -> Functional:
    x, y = _middle(f.heights.surface.bounds)
    return Functional(f.above_plane(f.at([x], [y])))


def _minus_centre(places: Callable[[tuple[float, ...]], tuple[list[float], list[float]]]) -> Law:
    def law(f: _Flatness) -> Functional:
        bounds = f.heights.surface.bounds
        x, y = _middle(bounds)
        return Functional(f.above_plane(f.at(*places(bounds)) - f.at([x], [y])))

    return law


def _edges_x(bounds: tuple[float, ...]) -> tuple[list[float], list[float]]:
    middle = _middle(bounds)[1]
    return [bounds[0], bounds[1]], [middle, middle]


def _edges_y(bounds: tuple[float, ...]) -> tuple[list[float], list[float]]:
    middle = _middle(bounds)[0]
    return [middle, middle], [bounds[2], bounds[3]]


def _curvature(index: int) -> Law:
    def law(f: _Flatness) -> Functional:
        s = f.heights.surface
        middle = middle_of(s)
        weights = np.zeros(s.w.shape)
        if middle is None:
            return Functional(weights.reshape(-1))
        x, y, area, chosen = middle
        x0, x1, y0, y1 = s.bounds
        terms = np.stack([np.outer(y**q, x**p) for p, q in QUADRATIC])
        gram = np.einsum("aji,ji,bji->ab", terms, area, terms)
        row = np.linalg.pinv(gram, rcond=1e-12, hermitian=True)[3 + index]
        scale = (-2 / (x1 - x0) ** 2, -2 / (y1 - y0) ** 2, -1 / ((x1 - x0) * (y1 - y0)))[index]
        weights[chosen] = scale * area * np.einsum("a,aji->ji", row, terms)
        return Functional(weights.reshape(-1))

    return law


def _bow(axis: int) -> Law:
    def law(f: _Flatness) -> Functional:
        s = f.heights.surface
        lines = (s.x, s.y)[axis]
        along = with_middle_lines(lines)
        share = (along - along[0]) / (along[-1] - along[0])
        points = np.zeros((2 * len(s.x) - 1, 2 * len(s.y) - 1))
        values = with_middles(s, s.w)
        edges = (values.T if axis == 0 else values)[[0, -1]]
        gap = edges - (edges[:, :1] * (1 - share) + edges[:, -1:] * share)
        edge, n = np.unravel_index(int(np.abs(gap).argmax()), gap.shape)
        turned = points.T if axis == 0 else points
        row = turned[(0, -1)[edge]]
        scale = 100 / (lines[-1] - lines[0]) * np.sign(gap[edge, n])
        row[n] += scale
        row[0] -= scale * (1 - share[n])
        row[-1] -= scale * share[n]
        return Functional(f.heights.middles.T @ points.reshape(-1), "the largest gap stands alone")

    return law


def _twist(f: _Flatness) -> Functional:
    s = f.heights.surface
    weights = np.zeros(s.w.shape)
    (a, b), (d, c) = s.w[[0, -1]][:, [0, -1]]
    diagonal = np.hypot(s.x[-1] - s.x[0], s.y[-1] - s.y[0])
    scale = 50 / diagonal * (1.0 if a - b + c - d >= 0 else -1.0)
    weights[0, 0], weights[0, -1], weights[-1, -1], weights[-1, 0] = scale, -scale, scale, -scale
    return Functional(weights.reshape(-1))


Law = Callable[[_Flatness], Functional]


@dataclass(frozen=True)
class _Number:
    """A number of a surface: unit, value from its flatness, weights of heights, scale from m."""

    unit: str
    value: Callable[[Warpage, Heights], float]
    law: Law
    scale: float = 1 / UM


def _um(of: Callable[[Warpage], float], law: Law) -> _Number:
    return _Number("um", lambda w, h: of(w) / UM, law)


SURFACE_NUMBERS: Mapping[str, _Number] = {
    "warpage": _um(lambda w: w.value, _warpage),
    "warpage_p": _Number("um", lambda w, h: _warpage_p_value(w, h) / UM, _warpage_p),
    "max": _um(lambda w: w.highest, lambda f: _extreme(f, lambda low, high: high.weights)),
    "min": _um(lambda w: w.lowest, lambda f: _extreme(f, lambda low, high: low.weights)),
    "centre": _um(lambda w: w.centre, _centre),
    "corner_minus_centre": _um(lambda w: w.corner_minus_centre, _minus_centre(_corners)),
    "edge_x_minus_centre": _um(lambda w: w.edge_x_minus_centre, _minus_centre(_edges_x)),
    "edge_y_minus_centre": _um(lambda w: w.edge_y_minus_centre, _minus_centre(_edges_y)),
    "kappa_x": _Number("1/m", lambda w, h: w.kappa[0], _curvature(0), 1.0),
    "kappa_y": _Number("1/m", lambda w, h: w.kappa[1], _curvature(1), 1.0),
    "kappa_xy": _Number("1/m", lambda w, h: w.kappa[2], _curvature(2), 1.0),
    "bow_x": _Number("%", lambda w, h: bow(w, 0), _bow(0), 1.0),
    "bow_y": _Number("%", lambda w, h: bow(w, 1), _bow(1), 1.0),
    "twist": _Number("%", lambda w, h: twist(w), _twist, 1.0),
}
"""Numbers of a surface that have a gradient, named as the result file names them."""


def _measured(solved: Solved, part: str, side: Side) -> _Flatness:
    """Measure a surface with the maps of its heights."""
    assert solved.displacement is not None
    zone, face = solved.zones.get((part, side)), solved.faces[side][part_index(solved.model, part)]
    found = heights(solved.model, solved.displacement, part, side, zone, face)
    return _Flatness(found, warpage(solved.surface(part, side), zone))


def _by_w(solved: Solved, f: _Flatness, weights: Array) -> Array:
    """Return the derivative by w of a sum of heights."""
    assert solved.displacement is not None
    shape = solved.displacement[2].shape
    flat = f.heights.pulled_back(weights, int(np.prod(shape)))
    return flat.reshape(shape)


@dataclass(frozen=True)
class SurfaceNumber:
    """A number of one side of a part."""

    part: str
    side: Side
    number: str

    @property
    def name(self) -> str:
        """Return the surface, and the number unless it is the warpage."""
        end = "" if self.number == "warpage" else f".{self.number}"
        return f"{self.part}.{self.side}{end}"

    @property
    def unit(self) -> str:
        """Return the unit in which the result file has the number."""
        return SURFACE_NUMBERS[self.number].unit

    def value(self, solved: Solved) -> float:
        """Compute the number."""
        w = warpage(solved.surface(self.part, self.side), solved.zones.get((self.part, self.side)))
        number = SURFACE_NUMBERS[self.number]
        maps = _measured(solved, self.part, self.side).heights if "_p" in self.number else None
        return float(number.value(w, cast(Heights, maps)))

    def by_fields(self, solved: Solved) -> ByFields:
        """Differentiate by the solved fields."""
        f, number = _measured(solved, self.part, self.side), SURFACE_NUMBERS[self.number]
        found = number.law(f)
        value = float(number.value(f.warpage, f.heights))
        if not np.isfinite(value):
            raise WarpError(f"{self.name} is not defined here: the surface has a hole there")
        return ByFields(value, _by_w(solved, f, number.scale * found.weights), used=found.used)


@dataclass(frozen=True)
class PointHeight:
    """Height above the least-squares plane at a point of a surface, in um."""

    part: str
    side: Side
    x: float
    y: float
    unit: str = "um"

    @property
    def name(self) -> str:
        """Return the surface and the point."""
        return f"{self.part}.{self.side}.height@{self.x * 1e3:.6g} mm,{self.y * 1e3:.6g} mm"

    def value(self, solved: Solved) -> float:
        """Compute the number."""
        f = _measured(solved, self.part, self.side)
        points = np.nan_to_num(with_middles(f.warpage.surface, f.warpage.residual))
        return float((f.at([self.x], [self.y]) * points).sum() / UM)

    def by_fields(self, solved: Solved) -> ByFields:
        """Differentiate by the solved fields."""
        f = _measured(solved, self.part, self.side)
        weights = f.above_plane(f.at([self.x], [self.y]))
        return ByFields(self.value(solved), _by_w(solved, f, weights / UM))


@dataclass(frozen=True)
class Coplanarity:
    """JESD22-B108: height of the highest terminal above the seating plane."""

    name: str = "coplanarity"
    unit: str = "um"

    def value(self, solved: Solved) -> float:
        """Compute the number."""
        surfaces = [solved.surface(part, "bottom") for part in solved.terminals]
        return seating(*surfaces).height / UM

    def by_fields(self, solved: Solved) -> ByFields:
        """Differentiate by the solved fields."""
        assert solved.displacement is not None
        measured = []
        for part in solved.terminals:
            face = solved.faces["bottom"][part_index(solved.model, part)]
            measured.append(heights(solved.model, solved.displacement, part, "bottom", None, face))
        found = seating(*(m.surface for m in measured))
        known = [m.surface.weights.reshape(-1) > 0 for m in measured]
        count = sum(int(k.sum()) for k in known)
        if not found.lowest or max(found.lowest) >= count:
            raise WarpError("coplanarity: no seating plane was found, so it has no gradient")
        weights = np.zeros(count)
        weights[found.highest] += 1.0
        np.subtract.at(weights, list(found.lowest), found.shares)
        shape = solved.displacement[2].shape
        total, first = np.zeros(int(np.prod(shape))), 0
        for m, k in zip(measured, known, strict=True):
            by_vertex = np.zeros(len(k))
            by_vertex[k] = weights[first : first + int(k.sum())]
            first += int(k.sum())
            total += m.pulled_back(by_vertex / UM, total.size)
        used = "the highest terminal and the three that carry the seating plane stand alone"
        return ByFields(found.height / UM, total.reshape(shape), used=used)
