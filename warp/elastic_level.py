"""The preconditioner of thermo-elasticity: one V-cycle over levels that are coarser in x and y, never in z.

Coarse coefficients: elastic_coefficients. Shear at free faces is one-sided on every level (free_edges). Smoother: two
Chebyshev steps before and after the coarser level. On the finest level they use the z lines of each displacement; below
(and where cells are wide compared with the stack), where u, v and w of a column move together in bending without shear,
whole cell columns: the sum of the exact solutions for the displacements round each column (additive Schwarz). All in
float32; the coarsest level is inverted, rigid motions left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.linalg import lapack, solve_triangular

from warp.device import Device, select
from warp.elastic_coefficients import Coefficients, merge_coefficients, merge_media, spacings
from warp.free_edges import PAD, displacement_shape, energy_matrix
from warp.transfer import Merge, gather, ghosts

if TYPE_CHECKING:
    from warp.elastic import Operator

COARSEST = 3000
"""Places for displacements on the level that is inverted: a lid's foot and cavity must still be seen there."""
ROWS = 16  # of columns that are factored at a time

class SparseRows:
    """A sparse matrix that touches few entries of a flat vector, as the arguments of kernel multigrid.sparse_rows."""

    def __init__(self, matrix: sparse.csr_matrix, device: Device, real) -> None:
        matrix = matrix.tocsr()
        rows = np.flatnonzero(np.diff(matrix.indptr))
        part = matrix[rows]
        self.count = len(rows)
        self.device, self.real = device, real
        self.arrays = [device.asarray(a, np.int64) for a in (rows, part.indptr, part.indices)]
        self.arrays.append(device.asarray(part.data if len(part.data) else np.zeros(1), real))

    def apply(self, out, x, scale: float, add: float) -> None:
        """out[rows] = add out[rows] + scale (matrix x)[rows]."""
        if self.count:
            args = (out.reshape(-1), x.reshape(-1), scale, add, *self.arrays, self.count)
            self.device.launch("multigrid", "sparse_rows", (self.count, 1, 1), *args, real=self.real)


class Level:
    """Vectors that every level has: correction x, direction p, residual r, scratch y; and the smoother's interval."""

    def __init__(self, device: Device, x: np.ndarray, y: np.ndarray, z: np.ndarray, mirror: tuple[bool, bool]) -> None:
        self.device, self.lines, self.mirror = device, (x, y, z), mirror
        self.inverse: Any  # positive where a displacement exists
        self.free: sparse.csr_matrix  # what borrowed tilts add to A
        self.n = len(x) - 1, len(y) - 1, len(z) - 1
        self.shape = displacement_shape(*self.n)
        self.spacing = [device.asarray(a, np.float32) for a in spacings(self.lines)]
        self.x, self.p, self.r = (device.zeros(self.shape, np.float32) for _ in range(3))

    def run(self, module: str, function: str, levels: int, *args) -> None:
        """Launch for every face column and `levels` z levels (1 where the kernel walks along z)."""
        nx, ny, _ = self.n
        self.device.launch(module, function, (nx + PAD, ny + 1, levels), *args, *self.n, real=np.float32)

    def subtract(self) -> None:
        """r -= A p."""
        raise NotImplementedError

    def times(self, x: np.ndarray) -> np.ndarray:
        """A x in float64 on the host, without the free edges."""
        raise NotImplementedError

    def step(self, keep: float, a: float, b: float) -> None:
        """p = a p + b M^-1 r, x = keep x + p with the smoother's M."""
        raise NotImplementedError

    def find_interval(self) -> None:
        """Chebyshev interval [b / 8, b] of M^-1 A, b from power iterations."""
        xp = self.device.xp
        start = np.random.default_rng(1).standard_normal(self.shape, np.float32)
        self.x[...] = self.device.asarray(start) * (self.inverse > 0)
        for _ in range(12):
            self.p[...] = self.x / xp.linalg.norm(self.x.reshape(-1))
            self.r[...] = 0
            self.subtract()
            self.step(0.0, 0.0, -1.0)
        top = 1.1 * float(xp.linalg.norm(self.x.reshape(-1)))
        self.centre, self.radius = top * 9 / 16, top * 7 / 16

    def smooth(self, keep: float) -> None:
        """Two Chebyshev steps from x (keep = 1) or from 0; r follows when they come first."""
        s = self.centre / self.radius
        rho = 1 / s
        self.step(keep, 0.0, 1 / self.centre)
        self.subtract()
        following = 1 / (2 * s - rho)
        self.step(1.0, following * rho, 2 * following / self.radius)
        if keep == 0:
            self.subtract()


class Fine(Level):
    """The operator itself in float32, from material ids; smoothed along z lines."""

    def __init__(self, A: Operator) -> None:
        x, y, z = A.lines
        super().__init__(A.device, x, y, z, A.mirror)
        self.A, self.free = A, A.free
        self.y = self.device.zeros(self.shape, np.float32)
        self.inverse = self.device.asarray(A.free.diagonal().reshape(self.shape), np.float32)
        media = A.arguments(np.float32)
        self.lower = self.device.zeros(self.shape, np.float32)
        self.run("elastic", "media_diagonal", A.n[2] + 1, self.inverse, *media)
        hold(self.inverse, self.mirror)
        self.run("elastic", "media_lines", 1, self.inverse, self.lower, self.inverse, *media[:6], *media[-2:])

    def subtract(self) -> None:
        self.A.apply(self.r, self.p, 1.0, -1.0)

    def times(self, x: np.ndarray) -> np.ndarray:
        """A x in float64 on the host, without the free edges."""
        out = self.device.zeros(self.shape)
        self.A.apply_plain(out, self.device.asarray(x), 0.0, 1.0)
        return self.device.to_host(out)

    def step(self, keep: float, a: float, b: float) -> None:
        self.run("elastic", "elastic_lines_step", 3, self.x, self.p, self.y, self.r, self.inverse, self.lower, keep, a, b)


class Coarse(Level):
    """A level with stored coefficients; smoothed by whole cell columns."""

    def __init__(self, device: Device, merge: Merge, z: np.ndarray, coefficients: Coefficients) -> None:
        x, y = merge.coarse
        super().__init__(device, x, y, z, merge.mirror)
        nx, ny, nz = self.n
        self.coefficients: Coefficients | None = coefficients  # in float64, until the next level is built
        put = self.device.asarray
        self.C, self.K = put(coefficients.C, np.float32), put(coefficients.K, np.float32)
        self.free = energy_matrix(coefficients.edges, spacings(self.lines)[1::2], self.n)
        self.tilts = SparseRows(self.free, self.device, np.float32)
        self.host = self.device if not self.device.cuda else select("cpu")
        diagonal = self.free.diagonal().reshape(self.shape)
        arrays = (coefficients.C, coefficients.K, *spacings(self.lines))
        self.host.launch("elastic", "elastic_diagonal", (1, 1, 1), diagonal, *arrays, *self.n)
        hold(diagonal, self.mirror)
        self.inverse = put(diagonal, np.float32)
        self.P = put(self.column_factors(coefficients, diagonal))
        self.Y = self.device.zeros((5, nz + 1, ny, nx + PAD), np.float32)
        weights = gather(merge)
        self.weights = {
            name: put(a, np.int32 if a.dtype.kind == "i" else np.float32) for name, a in vars(weights).items()
        }
        fill = ghosts(coefficients.active, *merge.coarse, merge.mirror)
        self.fill, self.collect = (SparseRows(m, self.device, np.float32) for m in (fill, fill.T.tocsr()))

    def column_factors(self, coefficients: Coefficients, diagonal: np.ndarray) -> np.ndarray:
        """Factors of all columns in float32 for kernels/columns.py.

        Computed in float64, a few rows of columns at a time: a column bends far more easily than its parts stretch.
        """
        nx, ny, nz = self.n
        rdx, rcx, rdy, rcy, rdz, rcz = spacings(self.lines)
        extra = column_entries(self.free, self.shape)
        P = np.empty((5, 6, nz + 2, ny, nx + PAD), np.float32)
        for first in range(0, ny, ROWS):
            rows = min(ROWS, ny - first)
            whole = diagonal, coefficients.C, coefficients.K
            around = [np.ascontiguousarray(a[:, :, first : first + rows + 1]) for a in whole]
            y_spacings = [np.ascontiguousarray(a[first : first + rows + PAD]) for a in (rdy, rcy)]
            part = np.zeros((5, 6, nz + 2, rows, nx + PAD))
            arrays = (*around, rdx, rcx, *y_spacings, rdz, rcz, nx, rows, nz)
            self.host.launch("columns", "columns_fill", (1, 1, 1), part, *arrays)
            d, offset, k, j, i, value = (a[(extra[3] >= first) & (extra[3] < first + rows)] for a in extra)
            np.add.at(part, (d, offset, k, j - first, i), value)
            self.host.launch("columns", "columns_factor", (1, 1, 1), part, nx, rows, nz)
            P[:, :, :, first : first + rows] = part
        return P

    def subtract(self) -> None:
        args = (self.r, self.p, 1.0, -1.0, self.C, self.K, *self.spacing, *map(int, self.mirror))
        self.run("elastic", "elastic_apply", self.n[2] + 1, *args)
        self.tilts.apply(self.r, self.p, -1.0, 1.0)

    def step(self, keep: float, a: float, b: float) -> None:
        self.run("columns", "columns_solve", 1, self.Y, self.r, self.P)
        self.run("columns", "columns_step", self.n[2] + 1, self.x, self.p, self.Y, keep, a, b)

    def times(self, x: np.ndarray) -> np.ndarray:
        """A x in float64 on the host, without the free edges."""
        out = np.zeros(self.shape)
        assert self.coefficients is not None
        C, K = self.coefficients.C, self.coefficients.K
        args = (out, x, 0.0, 1.0, C, K, *spacings(self.lines), *map(int, self.mirror), *self.n)
        self.host.launch("elastic", "elastic_apply", (1, 1, 1), *args)
        return out

    def restrict(self, fine: Level) -> None:
        """r = P^T fine.r."""
        _, levels, ny, nx = self.shape
        w = self.weights
        sizes = (3, levels, ny, nx, w["weighty"].shape[1], w["weightx"].shape[1])
        args = (self.r, fine.r, w["startx"], w["weightx"], w["starty"], w["weighty"], *sizes)
        self.device.launch("multigrid", "restrict", (nx, ny, levels), *args, real=np.float32)
        self.collect.apply(self.r, self.r, 1.0, 1.0)
        flat = (self.r.reshape(-1), self.inverse.reshape(-1), self.r.size)
        self.device.launch("multigrid", "mask", (self.r.size, 1, 1), *flat, real=np.float32)

    def prolong(self, fine: Level) -> None:
        """fine.p = P x, fine.x += fine.p."""
        self.fill.apply(self.x, self.x, 1.0, 0.0)
        _, levels, ny, nx = fine.shape
        w = self.weights
        args = (fine.p, fine.x, fine.inverse, self.x, w["atx"], w["tx"], w["aty"], w["ty"], 3, levels, ny, nx)
        self.device.launch("multigrid", "prolong", (nx, ny, levels), *args, real=np.float32)


def hold(diagonal, mirror: tuple[bool, bool]) -> None:
    """Take the displacements normal to mirror planes out."""
    if mirror[0]:
        diagonal[0, :, :, 1] = 0
    if mirror[1]:
        diagonal[1, :, 0, :] = 0


def column_entries(free: sparse.csr_matrix, shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """What free edges couple within one cell column: (d, o, k, j, i, value) to be added to its matrix (kernels/columns.py)."""
    entries = free.tocoo()
    off = entries.row != entries.col

    def members(flat):
        a, k, j, i = np.unravel_index(flat[off], shape)
        lower = np.where(a == 0, 1, np.where(a == 1, 3, 0)), k, j, i
        upper = np.where(a == 0, 2, 4), k, np.where(a == 1, j - 1, j), np.where(a == 0, i - 1, i)
        return (*lower, np.ones(len(a), bool)), (*upper, a < 2)

    found = []
    for d, k, j, i, exists in members(entries.row):
        for e, n, m, h, partner in members(entries.col):
            offset = 5 * (k - n) + d - e
            ok = exists & partner & (j == m) & (i == h) & (offset > 0) & (offset <= 5)
            ok &= (j >= 0) & (j < shape[2] - 1) & (i >= 1) & (i <= shape[3] - PAD)
            found.append([a[ok] for a in (d, offset, k, j, i, entries.data[off])])
    return tuple(np.concatenate(a) for a in zip(*found, strict=True))


class Cycle:
    """One V-cycle as a symmetric positive preconditioner in float32: fine.x from fine.r."""

    def __init__(self, A: Operator) -> None:
        self.device = A.device
        x, y, z = A.lines
        self.fine: Level
        if wide(x, y, z):
            same = Merge(x, y, np.arange(len(x)), np.arange(len(y)), A.mirror)
            self.fine = Coarse(A.device, same, z, merge_media(A, same))
        else:
            self.fine = Fine(A)
        self.levels: list[Level] = [self.fine]
        self.coarser: list[Coarse] = []
        while unknowns(self.levels[-1]) > COARSEST and max(len(x), len(y)) > 3:
            merge = Merge.of(x, y, A.mirror)
            finer = self.levels[-1]
            if isinstance(finer, Coarse) and finer.coefficients is not None:
                coefficients = merge_coefficients(finer.coefficients, merge)
                finer.coefficients = None
            else:
                coefficients = merge_media(A, merge)
            self.coarser.append(Coarse(A.device, merge, z, coefficients))
            self.levels.append(self.coarser[-1])
            x, y = merge.coarse
        for level in self.levels[:-1]:
            level.find_interval()
        self.inverse, self.at = invert(self.levels[-1])

    def run(self) -> None:
        """Do one cycle."""
        self._descend(0)

    def _descend(self, n: int) -> None:
        level = self.levels[n]
        if n == len(self.levels) - 1:
            size = len(self.at)
            args = (level.x.reshape(-1), level.r.reshape(-1), self.inverse, self.at, size)
            self.device.launch("multigrid", "dense_rows", (size, 1, 1), *args, real=np.float32)
            return
        level.smooth(0.0)
        self.coarser[n].restrict(level)
        self._descend(n + 1)
        self.coarser[n].prolong(level)
        level.subtract()
        level.smooth(1.0)


def wide(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> bool:
    """Tell whether the cells are on average wider than 3/4 of the stack: then z lines do not smooth the finest level either."""
    return float(np.sqrt((x[-1] - x[0]) / (len(x) - 1) * (y[-1] - y[0]) / (len(y) - 1))) > 0.75 * float(z[-1] - z[0])


def unknowns(level: Level) -> int:
    nx, ny, nz = level.n
    return 3 * nx * ny * nz


def invert(level: Level):
    """Inverse of a small level's matrix on its active displacements, motions without energy left out: (matrix, places).

    Rigid motions, of loose parts too, show up as pivots that vanish in a Cholesky factorisation.
    """
    at = np.flatnonzero(level.device.to_host(level.inverse).reshape(-1) > 0)
    A = matrix(level)[at][:, at].toarray(order="F")
    scale = 1 / np.sqrt(A.diagonal())
    A *= scale
    A *= scale[:, None]
    factor, pivots, rank, _ = lapack.dpstrf(A, tol=1e-11, lower=1, overwrite_a=1)  # large arrays: in place
    kept, loose = np.split(pivots - 1, [rank])
    motion = np.zeros((len(A), len(loose)))
    motion[kept] = -solve_triangular(factor[:rank, :rank], factor[rank:, :rank].T, trans="T", lower=True)
    motion[loose, np.arange(len(loose))] = 1
    lower, _ = lapack.dpotri(np.asfortranarray(factor[:rank, :rank]), lower=1, overwrite_c=1)
    inverse = np.zeros_like(A)
    inverse[np.ix_(kept, kept)] = np.tril(lower)
    del A, factor, lower
    diagonal = inverse.diagonal().copy()
    inverse += inverse.T
    np.fill_diagonal(inverse, diagonal)
    inverse *= scale
    inverse *= scale[:, None]
    Q, _ = np.linalg.qr(motion * scale[:, None])
    inverse -= Q @ (Q.T @ inverse)
    inverse -= (inverse @ Q) @ Q.T
    return level.device.asarray(inverse, np.float32), level.device.asarray(at, np.int64)


def matrix(level: Level) -> sparse.csr_matrix:
    """A of a level in float64 on flat displacement arrays, free edges included.

    The plain part reaches one place in each direction: displacements three apart are sent through it together.
    """
    nx, ny, nz = level.n
    component, k, j, i = np.indices(level.shape)
    number = np.arange(component.size).reshape(level.shape)
    rows, columns, values = [], [], []
    for colour in np.ndindex(3, 3, 3, 3):
        a, ck, cj, ci = colour
        sent = (component == a) & (k % 3 == ck) & (j % 3 == cj) & (i % 3 == ci)
        seen = level.times(sent.astype(float))
        _, rk, rj, ri = at = np.nonzero(seen)
        source = [q + (c - q + 1) % 3 - 1 for q, c in ((rk, ck), (rj, cj), (ri, ci))]  # the sender within one place
        ok = np.all([(q >= 0) & (q < n) for q, n in zip(source, level.shape[1:], strict=True)], axis=0)
        rows.append(number[at][ok])
        columns.append(number[(np.full(ok.sum(), a), *(q[ok] for q in source))])
        values.append(seen[at][ok])
    plain = sparse.csr_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(number.size,) * 2
    )
    return plain + level.free
