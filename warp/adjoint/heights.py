"""Heights of a surface as linear maps of the solved displacement: from columns to vertices.

`results.surface` carries w from columns to the vertices of the measuring zone and from there to the
middles between them. All of it is linear in w while the footprint stays, so sparse matrices say
what a height depends on. Their rows hold the weights of `kernels/surface.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from warp.results import surface as surfaces
from warp.results.surface import Model, Side, Surface, Zone
from warp.voxels.grid import NONE_APART, Apart

Array = np.ndarray


@dataclass(frozen=True)
class Heights:
    """A measured surface with the maps that made it.

    surface: the zone, w (m+1, n+1). vertices: sparse (vertices, columns), columns: their flat
    indices in w (nz+1, ny+1, nx+1), each may occur several times where a mirror plane unfolds.
    middles: sparse (points, vertices), from [j, i] to points (2n+1, 2m+1) [i, j] of `with_middles`.
    """

    surface: Surface
    vertices: sparse.csr_matrix
    columns: Array
    middles: sparse.csr_matrix

    def pulled_back(self, by_vertex: Array, size: int) -> Array:
        """Return the derivative by w (flat, `size` entries) from that by the vertices."""
        by_column = self.vertices.T @ by_vertex.reshape(-1)
        return np.bincount(self.columns, by_column, size)


def heights(
    model: Model, displacement: Array, part: str, side: Side, zone: Zone, face: Array
) -> Heights:
    """Sample a surface in its measuring zone, and keep what it depends on.

    face (ny, nx): the part's slice of `surface.faces`.
    """
    whole = surfaces.sample(model, displacement, part, side, face)
    vertices, columns = _sampled(model, part, side, face, whole)
    measured = surfaces.zoned(whole, zone)
    vertices = _zoned(whole, measured) @ vertices
    finite = np.isfinite(measured.w)
    keep = sparse.diags(finite.reshape(-1).astype(float))
    return Heights(measured, (keep @ vertices).tocsr(), columns, _middles(measured, finite))


def _sampled(
    model: Model, part: str, side: Side, face: Array, whole: Surface
) -> tuple[sparse.csr_matrix, Array]:
    """Return the map from columns to the vertices of a surface, and the columns."""
    ny, nx = face.shape
    x, y = np.asarray(model.grid.x, float), np.asarray(model.grid.y, float)
    apart: Apart = getattr(model, "apart", NONE_APART)
    j, i = np.indices(face.shape)
    place = np.where(face >= 0, (face * (ny + 1) + j) * (nx + 1) + i, -1)
    if model.grid.mirror[0] and part not in apart[0]:
        x, place = _unfolded(x), np.hstack((place[:, ::-1], place))
    if model.grid.mirror[1] and part not in apart[1]:
        y, place = _unfolded(y), np.vstack((place[::-1], place))
    first = [int(np.abs(q - at).argmin()) for q, at in ((y, whole.y[0]), (x, whole.x[0]))]
    m, n = len(whole.y) - 1, len(whole.x) - 1
    place = place[first[0] : first[0] + m, first[1] : first[1] + n]
    known = place >= 0
    across = line_map(known, whole.x)  # (m (n+1), m n)
    reached = np.asarray(across.sum(axis=1)).reshape(m, n + 1) != 0
    up = line_map(reached.T, whole.y)  # ((n+1)(m+1), (n+1) m)
    maps = transposed(n + 1, m + 1) @ up @ transposed(m, n + 1) @ across
    return maps.tocsr(), np.where(known, place, 0).reshape(-1)


def _unfolded(lines: Array) -> Array:
    return np.concatenate((2 * lines[0] - lines[:0:-1], lines))


def _zoned(whole: Surface, measured: Surface) -> sparse.csr_matrix:
    """Return the map from the vertices of a surface to those of its measuring zone."""
    finite = np.isfinite(whole.w)
    m, n = finite.shape
    across = _resampled(finite, whole.x, measured.x)
    reached = np.asarray(across.sum(axis=1)).reshape(m, len(measured.x)) != 0
    up = _resampled(reached.T, whole.y, measured.y)
    found = transposed(len(measured.x), len(measured.y)) @ up
    found = found @ transposed(m, len(measured.x)) @ across
    return found.tocsr()


def _resampled(finite: Array, lines: Array, wanted: Array) -> sparse.csr_matrix:
    """Return the map of rows from `lines` to `wanted`, on parabolas where there is no line."""
    middles = middle_map(finite, lines)
    rows, n = finite.shape
    slack = 1e-9 * (lines[-1] - lines[0])
    picks = []
    for at in wanted:
        near = int(np.abs(lines - at).argmin())
        if abs(lines[near] - at) <= slack:
            picks.append(([2 * near], [1.0]))
        else:
            i = int(np.searchsorted(lines, at))
            t = np.array((at - lines[i - 1]) / (lines[i] - lines[i - 1]))
            weights = [float(w) for w in surfaces.quadratic_weights(t)]
            picks.append(([2 * i - 2, 2 * i - 1, 2 * i], weights))
    out = np.repeat(np.arange(len(wanted)), [len(p[0]) for p in picks])
    pick = sparse.csr_matrix(
        (np.concatenate([p[1] for p in picks]), (out, np.concatenate([p[0] for p in picks]))),
        shape=(len(wanted), 2 * n - 1),
    )
    return (sparse.kron(sparse.identity(rows), pick) @ middles).tocsr()


def _middles(measured: Surface, finite: Array) -> sparse.csr_matrix:
    """Return the map from vertices [j, i] to the points [i, j] of `surface_points.with_middles`."""
    m, n = finite.shape
    across = middle_map(finite, measured.x)
    reached = np.asarray(abs(across).sum(axis=1)).reshape(m, 2 * n - 1) != 0
    up = middle_map(reached.T, measured.y)
    return (up @ transposed(m, 2 * n - 1) @ across).tocsr()


def transposed(rows: int, columns: int) -> sparse.csr_matrix:
    """Return the permutation that transposes a flat array (rows, columns)."""
    count = rows * columns
    order = np.arange(count).reshape(rows, columns).T.reshape(-1)
    return sparse.csr_matrix((np.ones(count), (np.arange(count), order)), shape=(count, count))


def line_map(known: Array, lines: Array) -> sparse.csr_matrix:
    """Return the map of rows from cell centres to lines: kernel `to_lines`.

    known (rows, n): which centres have a value.
    """
    rows, n = known.shape
    c = (lines[1:] + lines[:-1]) / 2
    between = np.zeros((rows, n + 1), bool)
    between[:, 1:n] = known[:, 1:] & known[:, :-1]
    share = (lines[1:n] - c[:-1]) / np.diff(c)
    taps = _Taps(rows, n, n + 1)
    inner = np.arange(1, n)
    taps.add(inner, inner - 1, np.where(between[:, 1:n], 1 - share, 0.0))
    taps.add(inner, inner, np.where(between[:, 1:n], share, 0.0))
    after = np.zeros((rows, n + 1), bool)
    after[:, 1:] = known & ~between[:, 1:]
    _extrapolate(taps, known, lines, after[:, 1:], np.arange(1, n + 1), np.arange(n))
    before = known & ~between[:, :n] & ~after[:, :n]
    back = np.arange(n)[::-1]
    _extrapolate(taps, known[:, ::-1], -lines[::-1], before[:, ::-1], back, back)
    return taps.matrix()


def _extrapolate(
    taps: _Taps, known: Array, lines: Array, wanted: Array, to: Array, columns: Array
) -> None:
    """Add the values half a cell after each centre i, by the slope and its change before it.

    wanted (rows, n); to, columns (n,): the lines and the centres that these are in the map.
    """
    _, n = known.shape
    h, c = np.diff(lines), (lines[1:] + lines[:-1]) / 2
    one, two = np.zeros_like(known), np.zeros_like(known)
    one[:, 1:] = known[:, :-1] & known[:, 1:]
    two[:, 2:] = one[:, 2:] & one[:, 1:-1]
    a, b, bend = np.zeros(n), np.zeros(n), np.zeros(n)
    a[1:] = 1 / np.diff(c)
    b[2:] = a[1:-1]
    bend[1:] = h[1:] / h[:-1]
    half = h / 2
    first = half * (a * one + bend * a * two)
    last = half * bend * b * two
    middle = -half * (a * one + bend * (a + b) * two)
    taps.add(to, columns, np.where(wanted, 1 + first, 0.0))
    taps.add(to[1:], columns[:-1], np.where(wanted, middle, 0.0)[:, 1:])
    taps.add(to[2:], columns[:-2], np.where(wanted, last, 0.0)[:, 2:])


def middle_map(finite: Array, lines: Array) -> sparse.csr_matrix:
    """Return the map of rows from lines to lines and middles: kernel `with_middles`."""
    rows, count = finite.shape
    n, h = count - 1, np.diff(lines)
    taps = _Taps(rows, count, 2 * n + 1)
    at = np.arange(count)
    taps.add(2 * at, at, finite.astype(float))
    cells = np.arange(n)
    known = finite[:, 1:] & finite[:, :-1]
    for q in (0, 1):
        taps.add(2 * cells + 1, cells + q, np.where(known, 0.5, 0.0))
    curved = np.zeros((rows, count), bool)
    curved[:, 1:-1] = finite[:, :-2] & finite[:, 1:-1] & finite[:, 2:]
    bends = curved[:, :-1].astype(int) + curved[:, 1:]
    weight = np.where(known & (bends > 0), -(h**2) / 8 / np.maximum(bends, 1), 0.0)
    for q in (0, 1):  # the bend at the line before the cell, and after it
        inner = cells[1:] if q == 0 else cells[:-1]
        line = inner + q
        share = np.where(curved[:, line], weight[:, inner], 0.0) * 2 / (h[line] + h[line - 1])
        taps.add(2 * inner + 1, line - 1, share / h[line - 1])
        taps.add(2 * inner + 1, line, -share / h[line] - share / h[line - 1])
        taps.add(2 * inner + 1, line + 1, share / h[line])
    return taps.matrix()


class _Taps:
    """Entries of a map that acts on every row alike: from n places to m of them."""

    def __init__(self, rows: int, n: int, m: int) -> None:
        self.rows, self.n, self.m = rows, n, m
        self.entries: list[tuple[Array, Array, Array]] = []

    def add(self, to: Array, at: Array, weights: Array) -> None:
        """Add weights (rows, len(to)) of the places `at` in the places `to`."""
        row, entry = np.nonzero(weights)
        values = weights[row, entry]
        self.entries.append((row * self.m + to[entry], row * self.n + at[entry], values))

    def matrix(self) -> sparse.csr_matrix:
        """Return the map as a sparse matrix of flat arrays."""
        out, into, values = (np.concatenate(parts) for parts in zip(*self.entries, strict=True))
        shape = self.rows * self.m, self.rows * self.n
        return sparse.csr_matrix((values, (out, into)), shape=shape)
