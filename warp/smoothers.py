"""The smoothers of thermo-elasticity: M^-1 r by exact solutions along z, factored once in float64 and kept in float32.

    Lines      the z lines of u, v and w, each alone: 24 bytes a voxel
    Columns    all displacements round a cell column together (u and v lie in two columns, whose solutions are added:
               additive Schwarz): 120 bytes a voxel; needed where cells are wide, and columns bend without shear
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from scipy import sparse

from warp.device import Device
from warp.elastic_coefficients import Coefficients, spacings
from warp.free_edges import PAD, displacement_shape

ROWS = 16  # of columns that are factored at a time
TINY = 1e-5  # a pivot that is this small a part of its diagonal is a free motion of the line: it is held
HELD = 1e-12  # its inverse pivot as a part of its diagonal's: not 0, for coarse levels must move it with the rest


class Smoothed(Protocol):
    """What a smoother needs of a level: correction x, direction p, residual r, and how to launch a kernel over it."""

    x: Any
    p: Any
    r: Any
    n: tuple[int, int, int]

    def run(self, module: str, function: str, levels: int, *args) -> None: ...


class Lines:
    """The z lines of each displacement: inverse pivots and multipliers of L D L^T, shape (3, nz+1, ny+1, nx+3)."""

    def __init__(self, inverse: Any, lower: Any) -> None:
        self.inverse, self.lower, self.shape = inverse, lower, inverse.shape
        self.y: Any  # scratch of `shape`, shared by all levels

    @classmethod
    def of(
        cls, device: Device, coefficients: Coefficients, diagonal: np.ndarray, free: sparse.csr_matrix, z: np.ndarray
    ) -> Lines:
        """Factor the lines of a level with stored coefficients; `diagonal` of its matrix in float64, `free` edges' part."""
        inverse, lower = (np.zeros(diagonal.shape, np.float32) for _ in range(2))
        dz = np.diff(z)
        C, K = coefficients.C, coefficients.K
        beside = line_entries(free, diagonal.shape)
        above = np.zeros(diagonal[:, 0].shape)  # inverse pivots of the level before
        for k in range(len(z)):
            full = pivot = diagonal[:, k]
            if k > 0:
                shear = (2 / (dz[k] + dz[k - 1])) ** 2 if k < len(dz) else 0.0
                off = beside[:, k] - np.stack([K[1, k] * shear, K[0, k] * shear, C[2, k - 1] / dz[k - 1] ** 2])
                lower[:, k] = multiplier = off * above
                pivot = full - multiplier * off
            full = np.where(full > 0, full, np.inf)
            above = np.where(pivot > TINY * full, 1 / np.where(pivot > 0, pivot, 1), HELD / full)
            inverse[:, k] = above
        return cls(device.asarray(inverse), device.asarray(lower))

    def step(self, level: Smoothed, keep: float, a: float, b: float) -> None:
        """p = a p + b M^-1 r, x = keep x + p."""
        arrays = level.x, level.p, self.y, level.r, self.inverse, self.lower
        level.run("elastic", "elastic_lines_step", 3, *arrays, keep, a, b)


class Columns:
    """Whole cell columns, factored for kernels/columns.py."""

    def __init__(
        self, device: Device, host: Device, coefficients: Coefficients, diagonal: np.ndarray, free: sparse.csr_matrix, lines
    ) -> None:
        nx, ny, nz = (len(q) - 1 for q in lines)
        self.P = device.asarray(factors(host, coefficients, diagonal, free, lines))
        self.shape = 5, nz + 1, ny, nx + PAD
        self.y: Any  # scratch of `shape`, shared by all levels

    def step(self, level: Smoothed, keep: float, a: float, b: float) -> None:
        """p = a p + b M^-1 r, x = keep x + p."""
        level.run("columns", "columns_solve", 1, self.y, level.r, self.P)
        level.run("columns", "columns_step", level.n[2] + 1, level.x, level.p, self.y, keep, a, b)


def factors(host: Device, coefficients: Coefficients, diagonal: np.ndarray, free: sparse.csr_matrix, lines) -> np.ndarray:
    """Factors of all columns in float32, from float64: a column bends far more easily than its parts stretch.

    A few rows of columns at a time; `free`: what borrowed tilts add to the level's matrix.
    """
    nx, ny, nz = (len(q) - 1 for q in lines)
    rdx, rcx, rdy, rcy, rdz, rcz = spacings(lines)
    extra = column_entries(free, displacement_shape(nx, ny, nz))
    P = np.empty((5, 6, nz + 2, ny, nx + PAD), np.float32)
    for first in range(0, ny, ROWS):
        rows = min(ROWS, ny - first)
        whole = diagonal, coefficients.C, coefficients.K
        around = [np.ascontiguousarray(a[:, :, first : first + rows + 1]) for a in whole]
        y_spacings = [np.ascontiguousarray(a[first : first + rows + PAD]) for a in (rdy, rcy)]
        part = np.zeros((5, 6, nz + 2, rows, nx + PAD))
        arrays = (*around, rdx, rcx, *y_spacings, rdz, rcz, nx, rows, nz)
        host.launch("columns", "columns_fill", (1, 1, 1), part, *arrays)
        d, offset, k, j, i, value = (a[(extra[3] >= first) & (extra[3] < first + rows)] for a in extra)
        np.add.at(part, (d, offset, k, j - first, i), value)
        host.launch("columns", "columns_factor", (1, 1, 1), part, nx, rows, nz)
        P[:, :, :, first : first + rows] = part
    return P


def line_entries(free: sparse.csr_matrix, shape: tuple[int, ...]) -> np.ndarray:
    """What free edges couple between a displacement and the one below it on its z line, at the upper of the two.

    Without it the line of a free face is stiffer by far than the face, whose shear is borrowed: 1.7 times the iterations.
    """
    out = np.zeros(shape)
    entries, below = free.tocoo(), shape[2] * shape[3]
    on = (entries.row - entries.col == below) & (entries.row // below % shape[1] > 0)
    np.add.at(out.reshape(-1), entries.row[on], entries.data[on])
    return out


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
