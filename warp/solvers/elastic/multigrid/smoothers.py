"""The smoothers of thermo-elasticity: exact solutions along z, in float32.

LineSmoother    the z lines of u, v and w, each alone
ColumnSmoother  all displacements of a cell column together (u and v belong to two columns, whose
                solutions are added: additive Schwarz); takes five times the memory; needed where
                cells are wide, and columns bend without shear
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers.elastic.held import set_zero
from warp.solvers.elastic.layout import PAD
from warp.solvers.elastic.multigrid.matrix import StoredMatrix, hold_mirrors
from warp.solvers.elastic.multigrid.rows import stored_once
from warp.solvers.elastic.multigrid.slender import SOFTER, Slender
from warp.solvers.elastic.operator import Operator
from warp.solvers.levels import Unknowns, Vectors, first_part
from warp.solvers.sparse import Scattered, add, find

HALF_WIDTH = 5
"""Half width of the band matrix of a cell column (kernels/columns.py)."""


Entries = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Columns, entries of their matrices, and values."""


class LineSmoother:
    """The z lines of each displacement: inverse pivots and multipliers of L D L^T.

    Shape (3, nz+1, rows, nx+3); `row` (ny+1,): which of these rows each row of the level has
    (rows). In slender parts the lines of the modes of a row of faces (slender).
    """

    def __init__(self, device: Device, inverse: Array, lower: Array, slender: Slender) -> None:
        """Take inverse pivots and multipliers of every row, (3, nz+1, ny+1, nx+3)."""
        self.device, self.slender = device, slender
        (self.inverse, self.lower), self.row = stored_once(device, [inverse, lower])
        self.unknowns = Unknowns(self.inverse, self.row)

    @classmethod
    def of_media(cls, A: Operator) -> LineSmoother:
        """Factor the lines of the finest level from material ids.

        In float64, and narrowed afterwards: a pivot is what is left of its diagonal, and beside a
        thin stiff layer that is next to nothing.
        """
        device, media, mirror = A.device, A.arguments(np.float64), map(int, A.mirror)
        nx, ny, nz = A.n
        inverse, lower = (device.zeros(A.shape) for _ in range(2))
        A.free.add_diagonal(device, inverse)
        beside = line_entries(A.free, A.shape)
        add(device, lower, *beside)
        extent, columns = (nx + PAD, ny + 1, nz + 1), (nx + PAD, ny + 1, 1)
        device.launch("elastic", "media_diagonal", extent, inverse, *media, *A.n)
        hold_mirrors(inverse, A.mirror)
        set_zero(device, inverse, A.held)
        sides = *media[:2], media[7], media[9], SOFTER, *mirror
        slender = Slender(device, A.n, "slender_media", *sides, held=A.held)
        slender.set_lines("slender_media_lines", inverse, lower, A.free, beside, *media)
        args = inverse, lower, inverse, *media[:7], *media[-2:], *A.n
        device.launch("elastic", "media_lines", columns, *args)
        inverse = device.asarray(inverse, np.float32)
        lower = device.asarray(lower, np.float32)
        return cls(device, inverse, lower, slender)

    @classmethod
    def of_stored(cls, matrix: StoredMatrix, diagonal: Array) -> LineSmoother:
        """Factor the lines of a level with stored coefficients; `diagonal` of its matrix."""
        device, (nx, ny, nz), free = matrix.device, matrix.n, matrix.free
        C, K = matrix.coefficients.C, matrix.coefficients.K
        widths = matrix.on_device
        inverse, lower = (device.zeros(matrix.shape, np.float32) for _ in range(2))
        beside, entries = device.zeros(matrix.shape), line_entries(free, matrix.shape)
        add(device, beside, *entries)
        sides = C, widths[0], widths[2], SOFTER, *map(int, matrix.mirror)
        slender = Slender(device, matrix.n, "slender_cells", *sides, held=matrix.held)
        slender.set_lines("slender_lines", diagonal, beside, free, entries, C, K, *widths)
        args = inverse, lower, diagonal, beside, C, K, *widths[4:], nx, ny, nz
        device.launch("elastic", "elastic_lines", (nx + 1, ny + 1, 3), *args, real=np.float32)
        return cls(device, inverse, lower, slender)

    def step(self, level: Vectors, keep: float, old: float, a: float, b: float) -> None:
        """Solve the z lines, as levels.Smoother.step says."""
        _, levels, rows, row = level.shape
        n = row - PAD, rows - 1, levels - 1
        self.slender.to_modes(level.r, level.x, level.p, keep >= 0)
        arrays = level.x, level.p, level.r, self.inverse, self.lower
        flat = (array.reshape(3, levels, -1) for array in arrays)
        args = *flat, self.row, keep, old, a, b, *n
        run = self.device.launch
        run("elastic", "elastic_lines_step", (row, rows, 3), *args, real=np.float32, own=2 * levels)
        self.slender.to_faces(level.r, level.x, level.p, keep >= 0)


class ColumnSmoother:
    """Whole cell columns, factored for kernels/columns.py. `size`: numbers of scratch in `step`."""

    def __init__(self, matrix: StoredMatrix, diagonal: Array) -> None:
        """`diagonal` of the matrix, in float64."""
        self.device, self.n = device, (nx, ny, nz) = matrix.device, matrix.n
        self.shape = 5, nz + 1, ny, nx + PAD
        self.size = int(np.prod(self.shape))
        self.P = device.zeros((5, 6, nz + 2, ny, nx + PAD), np.float32)
        column, entry, value = self._entries(matrix, diagonal)
        start = np.searchsorted(column, np.arange(ny * (nx + PAD) + 1))
        put = device.asarray
        shared = put(start, np.int32), put(entry, np.int32), put(value)
        C, K = matrix.coefficients.C, matrix.coefficients.K
        args = self.P, diagonal, C, K, *matrix.on_device, *shared, *self.n
        device.launch("columns", "columns_factor", (nx, ny, 1), *args, real=np.float32)

    def _entries(self, matrix: StoredMatrix, diagonal: Array) -> Entries:
        """Return what free edges add to the matrices of columns, in ascending order.

        A body one cell wide borrows its tilt from a level beyond the band. Such a value, left out,
        can make the matrix of its column indefinite. With a |value| and |value| / a added to its
        two diagonals D and D' instead the band has at least the energy of the column; with
        a^2 = D / D' both grow by the same share.
        """
        near, (column, entry, value) = column_entries(matrix.free, matrix.shape)
        j, i = np.divmod(column, diagonal.shape[-1])
        k, d = entry // 30, entry % 30 // 6
        displacement = np.array([2, 0, 0, 1, 1])[d], k, j + (d == 4), i + (d == 2)
        at = self.device.asarray(np.ravel_multi_index(displacement, diagonal.shape))
        first, second = self.device.to_host(diagonal.reshape(-1)[at]).reshape(2, -1)
        both = np.sqrt(first * second)
        share = np.divide((first, second), both, out=np.zeros((2, both.size)), where=both > 0)
        beyond = column, entry, value * share.reshape(-1)
        column, entry, value = _joined([near, beyond])
        order = np.lexsort((entry, column))
        return column[order], entry[order], value[order]

    def step(self, level: Vectors, keep: float, old: float, a: float, b: float) -> None:
        """Solve the columns, as levels.Smoother.step says."""
        y = first_part(level.scratch, self.shape)
        rows = (array.reshape(*array.shape[:-2], -1) for array in (y, level.r, self.P))
        self._launch("columns_solve", 1, *rows)
        self._launch("columns_step", self.n[2] + 1, level.x, level.p, y, keep, old, a, b)

    def _launch(self, function: str, levels: int, *args: Any) -> None:
        """Run a kernel for every face column and z level (1 if the kernel walks along z)."""
        nx, ny, _ = self.n
        extent = nx + PAD, ny + 1, levels
        self.device.launch("columns", function, extent, *args, *self.n, real=np.float32)


def line_entries(free: Scattered, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return what free edges couple between a displacement and the one below it on its z line.

    Flat indices of the upper ones, and values. Without it the line of a free face would be far
    stiffer than the face, whose shear is borrowed.
    """
    below = shape[2] * shape[3]
    has_level_below = free.at // below % shape[1] > 0
    wanted = np.where(has_level_below, find(free.at, free.at - below), -1)
    value = free.matrix.at(wanted)
    on = value != 0
    return free.at[on], value[on]


def column_entries(free: Scattered, shape: tuple[int, ...]) -> tuple[Entries, Entries]:
    """Return what free edges couple within one cell column: within and beyond its band.

    Columns j (nx + 3) + i, entries 30 k + 6 d + o of their matrices (kernels/columns.py), and
    values. Beyond the band: |values| at the diagonals of the first of the two displacements, then
    all of them at those of the second.
    """
    row, column, values = free.entries()
    off = row != column

    def members(flat: np.ndarray) -> tuple[tuple[np.ndarray, ...], ...]:
        """Unknown d, level k, row j, column i in both columns that a displacement belongs to."""
        a, k, j, i = np.unravel_index(flat[off], shape)
        lower = np.where(a == 0, 1, np.where(a == 1, 3, 0)), k, j, i
        upper = np.where(a == 0, 2, 4), k, np.where(a == 1, j - 1, j), np.where(a == 0, i - 1, i)
        return (*lower, np.ones(len(a), bool)), (*upper, a < 2)

    found, beyond = [], []
    for d, k, j, i, exists in members(row):
        for e, n, m, h, partner in members(column):
            o = 5 * (k - n) + d - e
            same = (j == m) & (i == h)
            inside = (j >= 0) & (j < shape[2] - 1) & (i >= 1) & (i <= shape[3] - PAD)
            below = exists & partner & same & inside & (o > 0)
            at, value = j * shape[3] + i, values[off]
            ok, far = below & (o <= HALF_WIDTH), below & (o > HALF_WIDTH)
            found.append([a[ok] for a in (at, 30 * k + 6 * d + o, value)])
            beyond += [
                [a[far] for a in (at, 30 * q + 6 * c, abs(value))] for q, c in ((k, d), (n, e))
            ]
    return _joined(found), _joined(beyond[::2] + beyond[1::2])


def _joined(parts: Iterable[Sequence[np.ndarray]]) -> Entries:
    """Return entries one after the other."""
    column, entry, value = (np.concatenate(a) for a in zip(*parts, strict=True))
    return column, entry, value
