"""The smoothers of thermo-elasticity: M^-1 r by exact solutions along z, factored once in float64 and kept in float32.

Lines      the z lines of u, v and w, each alone: 24 bytes a voxel
Columns    all displacements round a cell column together (u and v lie in two columns, whose solutions are added:
           additive Schwarz): 120 bytes a voxel; needed where cells are wide, and columns bend without shear
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from warp.device import Device
from warp.solvers.elastic.layout import PAD, spacings
from warp.solvers.elastic.multigrid.coefficients import Coefficients
from warp.solvers.elastic.multigrid.slender import SOFTER, Slender
from warp.solvers.sparse import Scattered, add


class Smoothed(Protocol):
    """What a smoother needs of a level: correction x, direction p, residual r, and how to launch a kernel over it."""

    x: Any
    p: Any
    r: Any
    n: tuple[int, int, int]

    def run(self, module: str, function: str, levels: int, *args, own: int = 0) -> None: ...


class Lines:
    """The z lines of each displacement: inverse pivots and multipliers of L D L^T, shape (3, nz+1, ny+1, nx+3).

    Where parts are slender, those of the modes of a row of faces (slender).
    """

    def __init__(self, inverse: Any, lower: Any, slender: Slender) -> None:
        self.inverse, self.lower, self.slender = inverse, lower, slender

    @classmethod
    def of(
        cls,
        device: Device,
        coefficients: Coefficients,
        diagonal: Any,
        free: Scattered,
        lines,
        mirror,
    ) -> Lines:
        """Factor the lines of a level with stored coefficients; `diagonal` of its matrix in float64, `free` edges' part."""
        nx, ny, nz = n = len(lines[0]) - 1, len(lines[1]) - 1, len(lines[2]) - 1
        C, K, widths = coefficients.C, coefficients.K, [device.asarray(a) for a in spacings(lines)]
        inverse, lower = (device.zeros(diagonal.shape, np.float32) for _ in range(2))
        beside, entries = device.zeros(diagonal.shape), line_entries(free, diagonal.shape)
        add(device, beside, *entries)
        slender = Slender(
            device, n, "slender_cells", C, widths[0], widths[2], SOFTER, *map(int, mirror)
        )
        slender.set_lines("slender_lines", diagonal, beside, free, entries, C, K, *widths)
        args = (inverse, lower, diagonal, beside, C, K, *widths[4:], nx, ny, nz)
        device.launch("elastic", "elastic_lines", (nx + 1, ny + 1, 3), *args, real=np.float32)
        return cls(inverse, lower, slender)

    def step(self, level: Smoothed, keep: float, old: float, a: float, b: float) -> None:
        """x = keep x + old p, p = a p + b M^-1 r, x += p; with keep < 0 the new p is not yet added."""
        self.slender.to_modes(level.r, level.x, level.p)
        arrays = level.x, level.p, level.r, self.inverse, self.lower
        level.run(
            "elastic", "elastic_lines_step", 3, *arrays, keep, old, a, b, own=2 * (level.n[2] + 1)
        )
        self.slender.to_faces(level.r, level.x, level.p)


class Columns:
    """Whole cell columns, factored for kernels/columns.py."""

    def __init__(
        self, device: Device, coefficients: Coefficients, diagonal: Any, free: Scattered, lines
    ) -> None:
        nx, ny, nz = (len(q) - 1 for q in lines)
        self.shape = 5, nz + 1, ny, nx + PAD
        self.P = device.zeros((5, 6, nz + 2, ny, nx + PAD), np.float32)
        column, entry, value = column_entries(free, diagonal.shape)
        start = np.searchsorted(column, np.arange(ny * (nx + PAD) + 1))
        shared = [device.asarray(a, np.int32) for a in (start, entry)] + [
            device.asarray(a) for a in (value, *spacings(lines))
        ]
        args = (
            self.P,
            diagonal,
            coefficients.C,
            coefficients.K,
            *shared[3:],
            *shared[:3],
            nx,
            ny,
            nz,
        )
        device.launch("columns", "columns_factor", (nx, ny, 1), *args, real=np.float32)
        self.y: Any  # scratch of `shape`, shared by all levels

    def step(self, level: Smoothed, keep: float, old: float, a: float, b: float) -> None:
        """As Lines.step."""
        level.run("columns", "columns_solve", 1, self.y, level.r, self.P)
        level.run(
            "columns", "columns_step", level.n[2] + 1, level.x, level.p, self.y, keep, old, a, b
        )


def line_entries(free: Scattered, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """What free edges couple between a displacement and the one below it on its z line: flat places of the upper, values.

    Without it the line of a free face is stiffer by far than the face, whose shear is borrowed: 1.7 times the iterations.
    """
    row, column, value = free.entries()
    below = shape[2] * shape[3]
    on = (row - column == below) & (row // below % shape[1] > 0)
    return row[on], value[on]


def column_entries(free: Scattered, shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """What free edges couple within one cell column: columns j (nx + 3) + i, entries 30 k + 6 d + o, values; ascending.

    They are added to the columns' matrices (kernels/columns.py).
    """
    row, column, values = free.entries()
    off = row != column

    def members(flat):
        a, k, j, i = np.unravel_index(flat[off], shape)
        lower = np.where(a == 0, 1, np.where(a == 1, 3, 0)), k, j, i
        upper = np.where(a == 0, 2, 4), k, np.where(a == 1, j - 1, j), np.where(a == 0, i - 1, i)
        return (*lower, np.ones(len(a), bool)), (*upper, a < 2)

    found = []
    for d, k, j, i, exists in members(row):
        for e, n, m, h, partner in members(column):
            o = 5 * (k - n) + d - e
            ok = exists & partner & (j == m) & (i == h) & (o > 0) & (o <= 5)
            ok &= (j >= 0) & (j < shape[2] - 1) & (i >= 1) & (i <= shape[3] - PAD)
            found.append([a[ok] for a in (j * shape[3] + i, 30 * k + 6 * d + o, values[off])])
    where, entry, value = (np.concatenate(a) for a in zip(*found, strict=True))
    order = np.lexsort((entry, where))
    return where[order], entry[order], value[order]
