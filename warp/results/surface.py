"""Surfaces of parts: the out-of-plane displacement w where an engineer would measure it.

w lives on z-faces at column centres. In a bent plate without shear the difference of two neighbours
is the slope on the line between them times their distance, so that the columns' values are the
corners of a polygon which touches the deflected surface on the grid lines: w_i = w(x_i) - w'' h_i^2
/ 8. `sample` carries w to the grid's vertices, one direction after the other: linearly between
columns, where the polygon touches; over the outer half of the outermost column with the slope that
the two nearest lines extrapolate. Exact for a constant curvature on any graded grid. Mirror planes
are unfolded first, so that a quarter model yields the full package's surface; not for a part whose
image is another part.

A surface is the outermost z-face of the part in every column of its footprint, seen from above
(top) or below (bottom): the bottom of a lid is the underside of its foot and the ceiling of its
cavity together. Columns of which a curved side cuts off a part do not belong to the footprint:
their corners lie beyond the rim. w > 0 points up, towards the lid, on either side. Lengths in
metres. Arrays [j, i] = (y, x).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from warp.errors import WarpError
from warp.results.peak import peak
from warp.voxels.grid import NONE_APART, Apart, Grid, runs

Side: TypeAlias = Literal["top", "bottom"]
SIDES: tuple[Side, ...] = ("top", "bottom")
WHOLE = 0.98
"""Share of a voxel that must be the part's own for its column to belong to the footprint."""
SEARCHED = 17
"""Points a side of the lattice on which an extreme is searched, over two half cells."""
Zone: TypeAlias = "float | tuple[float, float, float, float] | None"
Point: TypeAlias = tuple[float, float, float]
Plane: TypeAlias = tuple[float, float, float]
"""a, b, c of a + b x + c y."""
LEVEL: Plane = (0.0, 0.0, 0.0)
ArgBest: TypeAlias = "Callable[[np.ndarray], np.intp]"


class Model(Protocol):
    """Name what surfaces and metrics read of a voxel model; a result serves as well.

    ids (nz, ny, nx): rows of media, 0 = void. media.part: index into parts of each row, -1 = void;
    media.fraction: fraction of a voxel that belongs to the part, None = all. A model with mirror
    planes also has `apart`: the parts whose image in x = 0, and in y = 0, is another part.
    """

    @property
    def grid(self) -> Grid: ...

    @property
    def ids(self) -> np.ndarray: ...

    @property
    def media(self) -> Any: ...

    @property
    def parts(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class Surface:
    """Sampled displacement of one side of one part, unfolded to the full package.

    x (n+1,), y (m+1,): vertex lines [m]; w (m+1, n+1): displacement [m], NaN off the footprint;
    cells (m, n): footprint.
    """

    part: str
    side: str
    x: np.ndarray
    y: np.ndarray
    w: np.ndarray
    cells: np.ndarray

    @cached_property
    def weights(self) -> np.ndarray:
        """Return the area that each vertex stands for [m2]; it sums to the footprint.

        That is a quarter of every footprint cell that the vertex touches.
        """
        quarter = np.where(self.cells, np.diff(self.y)[:, None] * np.diff(self.x)[None, :] / 4, 0.0)
        area = np.zeros(self.w.shape)
        for corner in _corners():
            area[corner] += quarter
        return area

    def cut(self) -> Surface:
        """Blank the values of vertices that no footprint cell touches."""
        touched = np.zeros(self.w.shape, bool)
        for corner in _corners():
            touched[corner] |= self.cells
        return self if touched.all() else replace(self, w=np.where(touched, self.w, np.nan))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """x0, x1, y0, y1 of the footprint's bounding rectangle."""
        return float(self.x[0]), float(self.x[-1]), float(self.y[0]), float(self.y[-1])


def faces(model: Model) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest z-face index of every part in every column.

    Two int32 arrays (parts, ny, nx), -1 where the part is absent.
    """
    from warp.kernels.host import surface as kernels

    layers = runs(model.ids)
    first, end = np.array([run.start for run in layers]), np.array([run.stop for run in layers])
    bottom, top = (np.empty((len(model.parts), *model.grid.shape[1:]), np.int32) for _ in range(2))
    kernels.faces(
        bottom, top, np.asarray(model.ids), first, end, np.asarray(model.media.part, np.int32)
    )
    return bottom, top


def part_index(model: Model, part: str) -> int:
    """Index of a named part; an unknown name is an error that lists the parts."""
    if part not in list(model.parts):
        raise WarpError(f"no part '{part}' in this model; its parts are {', '.join(model.parts)}")
    return list(model.parts).index(part)


def sample(
    model: Model, displacement: np.ndarray, part: str, side: Side, face: np.ndarray | None = None
) -> Surface:
    """Sample the displacement of one side of a part at the vertices of its footprint.

    The surface is that of the full package. displacement: (3, nz+1, ny+1, nx+1), w =
    displacement[2] on z-faces. face: this part's slice of `faces`, if at hand.
    """
    if side not in SIDES:
        raise WarpError(f"a surface is 'top' or 'bottom', not '{side}'")
    index = part_index(model, part)
    if face is None:
        bottom, top = faces(model)
        face = (top if side == "top" else bottom)[index]
    cells = face >= 0
    if not cells.any():
        raise WarpError(f"part '{part}' has no voxels, so it has no {side} surface")
    from warp.kernels.host import surface as kernels

    columns = np.empty(cells.shape)
    kernels.heights(columns, np.ascontiguousarray(displacement[2]), np.ascontiguousarray(face))
    cells = footprint(model, face, side)
    x, y = np.asarray(model.grid.x, float), np.asarray(model.grid.y, float)
    x, y = (_unfold(q) if m else q for q, m in zip((x, y), goes_on(model, part), strict=True))
    columns, cells = _whole(model, part, columns), _whole(model, part, cells)
    rows, cols = _extent(cells, 1), _extent(cells, 0)
    x, y = x[cols.start : cols.stop + 1], y[rows.start : rows.stop + 1]
    columns, cells = columns[rows, cols], cells[rows, cols]
    return Surface(part, side, x, y, _to_lines(columns, x, y), cells).cut()


def levels(model: Model, part: str, side: Side) -> np.ndarray:
    """Return the height of a surface in the undeformed package, NaN off the footprint.

    (m, n) in m, one for each cell of `sample`'s surface.
    """
    bottom, top = faces(model)
    face = (top if side == "top" else bottom)[part_index(model, part)]
    cells = footprint(model, face, side)
    found = _whole(model, part, np.where(cells, np.asarray(model.grid.z)[face], np.nan))
    known = np.isfinite(found)
    return found[_extent(known, 1), _extent(known, 0)]


def goes_on(model: Model, part: str) -> tuple[bool, bool]:
    """Tell whether a part goes on beyond the mirror planes x = 0 and y = 0."""
    apart: Apart = getattr(model, "apart", NONE_APART)
    mirror = model.grid.mirror
    return mirror[0] and part not in apart[0], mirror[1] and part not in apart[1]


def _whole(model: Model, part: str, columns: np.ndarray) -> np.ndarray:
    """Unfold values of the columns (ny, nx) of a part to the full package."""
    across, along = goes_on(model, part)
    columns = np.hstack((columns[:, ::-1], columns)) if across else columns
    return np.vstack((columns[::-1], columns)) if along else columns


def footprint(model: Model, face: np.ndarray, side: Side) -> np.ndarray:
    """Mark the columns (ny, nx) that belong to a surface.

    face (ny, nx): its z-face in each, -1 where the part is absent. All columns of the part count
    where none belongs to it alone, e.g. for bumps a voxel wide.
    """
    there = face >= 0
    fraction = model.media.fraction
    if fraction is None:
        return there
    from warp.kernels.host import surface as kernels

    whole, own = np.empty(there.shape, bool), np.asarray(fraction) >= WHOLE
    kernels.whole_columns(
        whole, np.ascontiguousarray(face), int(side == "top"), np.asarray(model.ids), own
    )
    return whole if whole.any() else there


def zoned(surface: Surface, zone: Zone) -> Surface:
    """Cut a surface to a measuring zone.

    zone: a rectangle (x0, x1, y0, y1), or an inset from the footprint's rectangle. Zone borders
    become grid lines, their values on parabolas through the neighbouring vertices.
    """
    if zone is None:
        return surface
    a, b, c, d = surface.bounds
    if isinstance(zone, (int, float)):
        x0, x1, y0, y1 = a + zone, b - zone, c + zone, d - zone
    else:
        x0, x1, y0, y1 = zone
    x0, x1, y0, y1 = max(x0, a), min(x1, b), max(y0, c), min(y1, d)
    if x1 <= x0 or y1 <= y0:
        raise WarpError(
            f"the measuring zone misses the {surface.side} surface of part '{surface.part}'"
        )
    for at in (x0, x1):
        surface = _split(surface, at)
    surface = _transposed(surface)
    for at in (y0, y1):
        surface = _split(surface, at)
    surface = _transposed(surface)
    i, j = _between(surface.x, x0, x1), _between(surface.y, y0, y1)
    cells = surface.cells[j.start : j.stop - 1, i.start : i.stop - 1]
    if not cells.any():
        raise WarpError(
            f"the measuring zone misses the {surface.side} surface of part '{surface.part}'"
        )
    return replace(surface, x=surface.x[i], y=surface.y[j], w=surface.w[j, i], cells=cells).cut()


def interpolate(surface: Surface, values: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Interpolate vertex values at points (xs, ys) [m]; NaN off the footprint.

    In each cell the biquadratic through its vertices and the middles of `with_middles`: exact where
    the values are a polynomial of degree two.
    """
    return biquadratic(surface, with_middles(surface, values), xs, ys)


def with_middles(surface: Surface, values: np.ndarray) -> np.ndarray:
    """Return values (2n+1, 2m+1) at vertices and, from parabolas through neighbours, between them.

    The first axis is x. A middle is finite where the values beside it are, on the footprint or not.
    """
    from warp.kernels.host import surface as kernels

    across = along_line(values, surface.x)
    out = np.empty((2 * across.shape[0] - 1, across.shape[1]))
    kernels.with_middles_down(out, across, surface.y)
    return out.T


def extremes(surface: Surface, values: np.ndarray) -> tuple[float, float]:
    """Find the lowest and the highest value of the interpolated surface."""
    low, high = extreme_points(surface, with_middles(surface, values))
    return low[2], high[2]


def extreme_points(surface: Surface, fine: np.ndarray, plane: Plane = LEVEL) -> tuple[Point, Point]:
    """Find where values less a plane are lowest and highest: x, y in m and the value there.

    fine (2n+1, 2m+1): from `with_middles`. Evaluated at vertices and midpoints, then on a finer
    raster around the extremes found, then where the slope is zero in the cells of the best point.
    """
    from warp.kernels.host import surface as kernels

    x, y = points_of(surface)
    values, at = np.empty((len(y), 2)), np.empty((len(y), 2), np.int64)
    kernels.row_extremes(
        values,
        at,
        np.ascontiguousarray(fine.T),
        np.ascontiguousarray(surface.cells),
        x,
        y,
        np.array(plane),
    )
    low, high = (
        refined(surface, fine, int(at[r, n]) * len(y) + r, argbest, plane)
        for n, r, argbest in (
            (0, int(values[:, 0].argmin()), np.nanargmin),
            (1, int(values[:, 1].argmax()), np.nanargmax),
        )
    )
    return low, high


def points_of(surface: Surface) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of vertices and middles in m."""
    x, y = (along_line(lines[None], lines)[0] for lines in (surface.x, surface.y))
    return x, y


def refined(
    surface: Surface, fine: np.ndarray, at: int, argbest: ArgBest, plane: Plane = LEVEL
) -> Point:
    """Find the extreme of the interpolated surface within half a cell of a point of `fine`.

    at: its flat index; argbest: np.nanargmin or np.nanargmax; plane: taken off.
    """
    x, y = points_of(surface)
    p, r = divmod(at, fine.shape[1])
    xs = np.linspace(x[max(p - 1, 0)], x[min(p + 1, x.size - 1)], SEARCHED)
    ys = np.linspace(y[max(r - 1, 0)], y[min(r + 1, y.size - 1)], SEARCHED)
    here = fine[p, r] - height_of(plane, x[p], y[r])
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
        right = int(np.clip(np.searchsorted(lines, at, side="right") - 1, 0, last))
        sides.append({right, max(right - 1, 0)} if at <= lines[right] else {right})
    rows, columns = sides
    return [(j, i) for j in sorted(rows) for i in sorted(columns) if surface.cells[j, i]]


def _peak(
    surface: Surface, fine: np.ndarray, plane: Plane, first: Point, sign: float, i: int, j: int
) -> Point:
    """Return the extreme of the biquadratic in cell (j, i) near a point."""
    (x0, x1), (y0, y1) = surface.x[i : i + 2], surface.y[j : j + 2]
    at = np.linspace(x0, x1, 3)[:, None], np.linspace(y0, y1, 3)[None, :]
    F = sign * (fine[2 * i : 2 * i + 3, 2 * j : 2 * j + 3] - height_of(plane, *at))
    s, t, value = peak(F, (first[0] - x0) / (x1 - x0), (first[1] - y0) / (y1 - y0))
    return float(x0 + s * (x1 - x0)), float(y0 + t * (y1 - y0)), sign * value


def height_of(plane: Plane, x: Any, y: Any) -> Any:
    """Return a + b x + c y."""
    return plane[0] + plane[1] * x + plane[2] * y


def biquadratic(
    surface: Surface, fine: np.ndarray, xs: np.ndarray, ys: np.ndarray, plane: Plane = LEVEL
) -> np.ndarray:
    """Evaluate the values of `with_middles`, less a plane, at points (xs, ys) in m."""
    xs, ys = np.broadcast_arrays(np.asarray(xs, float), np.asarray(ys, float))
    i = np.clip(np.searchsorted(surface.x, xs, side="right") - 1, 0, surface.x.size - 2)
    j = np.clip(np.searchsorted(surface.y, ys, side="right") - 1, 0, surface.y.size - 2)
    s = np.clip((xs - surface.x[i]) / (surface.x[i + 1] - surface.x[i]), 0, 1)
    t = np.clip((ys - surface.y[j]) / (surface.y[j + 1] - surface.y[j]), 0, 1)
    across, up = quadratic_weights(s), quadratic_weights(t)
    found = np.zeros(xs.shape)
    for a, weight in enumerate(across):
        for b, other in enumerate(up):
            found += weight * other * fine[2 * i + a, 2 * j + b]
    return np.where(surface.cells[j, i], found - height_of(plane, xs, ys), np.nan)


def quadratic_weights(s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weigh the values at 0, 1/2 and 1 in that of their parabola at s."""
    return (1 - s) * (1 - 2 * s), 4 * s * (1 - s), s * (2 * s - 1)


def touched(cells: np.ndarray) -> np.ndarray:
    """Mark the vertices and middles (2n+1, 2m+1) that belong to a footprint cell of (n, m)."""
    n, m = cells.shape
    found = np.zeros((2 * n + 1, 2 * m + 1), bool)
    for a in range(3):
        for b in range(3):
            found[a : a + 2 * n - 1 : 2, b : b + 2 * m - 1 : 2] |= cells
    return found


def integrals(
    surface: Surface, fine: np.ndarray, origin: tuple[float, float], length: float
) -> tuple[np.ndarray, np.ndarray]:
    """Integrate x^p y^q [q, p] and w x^p y^q over the footprint by Simpson's rule.

    fine (2n+1, 2m+1): w with the middles of `with_middles`; x and y from `origin` in units of
    `length`. Exact where w is a polynomial of degree two.
    """
    from warp.kernels.host import surface as kernels

    x, y = points_of(surface)
    x, y = (x - origin[0]) / length, (y - origin[1]) / length
    w, widths = np.ascontiguousarray(fine.T), (np.diff(surface.y), np.diff(surface.x))
    sums = np.empty((len(y), 5))
    kernels.integrals(sums, w, np.ascontiguousarray(surface.cells.T), y, x, *widths)
    powers = np.vander(y, 3, increasing=True).T
    return powers @ sums[:, :3], powers[:2] @ sums[:, 3:]


def rms_above(surface: Surface, plane: Plane) -> float:
    """Return the root mean square of w above a plane, by the area that each vertex stands for."""
    from warp.kernels.host import surface as kernels

    w, cells, x, y = (
        np.ascontiguousarray(a) for a in (surface.w, surface.cells, surface.x, surface.y)
    )
    sums = np.empty((len(y), 2))
    kernels.squares(sums, w, cells, x, y, np.diff(x), np.diff(y), np.array(plane))
    area, square = sums.sum(axis=0)
    return float(np.sqrt(square / area))


def along_line(f: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Insert values between lines (last axis, NaN outside), from parabolas through a third."""
    from warp.kernels.host import surface as kernels

    out = np.empty((f.shape[0], 2 * f.shape[1] - 1))
    kernels.with_middles(out, np.ascontiguousarray(f), np.ascontiguousarray(lines))
    return out


def _corners() -> list[tuple[slice, slice]]:
    """Return the slices of a cell's vertices: lower left, lower right, upper left, upper right."""
    return [
        (rows, columns)
        for rows in (slice(None, -1), slice(1, None))
        for columns in (slice(None, -1), slice(1, None))
    ]


def _unfold(lines: np.ndarray) -> np.ndarray:
    return np.concatenate((2 * lines[0] - lines[:0:-1], lines))


def _extent(cells: np.ndarray, over: int) -> slice:
    where = np.flatnonzero(cells.any(axis=over))
    return slice(int(where[0]), int(where[-1]) + 1)


def _to_lines(f: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Carry values [j, i] from cell centres (NaN outside) to the lines around the cells."""
    from warp.kernels.host import surface as kernels

    m, n = f.shape
    across, out = np.empty((m, n + 1)), np.empty((m + 1, n + 1))
    kernels.to_lines(across, np.ascontiguousarray(f), np.ascontiguousarray(x))
    kernels.to_lines_down(out, across, np.ascontiguousarray(y))
    return out


def _transposed(s: Surface) -> Surface:
    return replace(s, x=s.y, y=s.x, w=s.w.T, cells=s.cells.T)


def _split(s: Surface, at: float) -> Surface:
    """Insert the line x = at, on parabolas through its neighbours, unless a line lies there."""
    if np.abs(s.x - at).min() <= 1e-9 * (s.x[-1] - s.x[0]):
        return s
    i = int(np.searchsorted(s.x, at))
    t = np.array((at - s.x[i - 1]) / (s.x[i] - s.x[i - 1]))
    middle = along_line(s.w, s.x)[:, 2 * i - 1]
    first, between, last = quadratic_weights(t)
    line = first * s.w[:, i - 1] + between * middle + last * s.w[:, i]
    w = np.insert(s.w, i, line, axis=1)
    return replace(
        s, x=np.insert(s.x, i, at), w=w, cells=np.insert(s.cells, i, s.cells[:, i - 1], axis=1)
    )


def _between(lines: np.ndarray, low: float, high: float) -> slice:
    slack = 1e-9 * (lines[-1] - lines[0])
    return slice(
        int(np.searchsorted(lines, low - slack)), int(np.searchsorted(lines, high + slack))
    )
