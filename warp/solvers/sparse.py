"""Sparse matrices that touch a few entries of a long vector, stored on those entries only.

Free edges, springs and extrapolated displacements add such matrices to a level. Only the entries
that take part are numbered, so that no array has the length of the vector. An index is the flat
index of an entry.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from warp.errors import WarpError
from warp.kernels.host import numbering as kernels
from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers.csr import Csr
from warp.solvers.numbering import numbered

LARGEST = np.iinfo(np.uint32).max
"""Largest index that kernels can address."""


@dataclass(frozen=True)
class Scattered:
    """A `matrix` (n, n) between the indices `at` (n), in ascending order."""

    at: np.ndarray
    matrix: Csr

    @classmethod
    def product(cls, B: Csr, weight: np.ndarray) -> Scattered:
        """Compute B^T diag(weight) B for a matrix whose columns are indices."""
        few = FewColumns.of(B)
        return cls(few.at, few.matrix.T.times_diagonal(weight) @ few.matrix)

    def projected(self, B: Csr) -> Scattered:
        """Compute B^T M B for a matrix with a row for each of `at`, whose columns are indices."""
        few = FewColumns.of(B)
        return Scattered(few.at, few.matrix.T @ self.matrix @ few.matrix)

    def __add__(self, other: Scattered) -> Scattered:
        if not len(self.at) or not len(other.at):
            return self if len(self.at) else other
        at, number = numbered(np.concatenate([self.at, other.at]))
        mine, others = np.split(number, [len(self.at)])
        n = len(at)
        return Scattered(at, self.matrix.among(mine, n) + other.matrix.among(others, n))

    def entries(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the indices of rows, the indices of columns and the values of all entries."""
        matrix = self.matrix
        return self.at[matrix.row], self.at[matrix.column], matrix.value

    def add_diagonal(self, device: Device, out: Array) -> None:
        """Add the diagonal to an array of the whole size on a device."""
        add(device, out, self.at, self.matrix.diagonal())

    def rows(self, device: Device, *reals: DTypeLike, transposed: bool = False) -> SparseRows:
        """Put the matrix on a device in the given precisions."""
        matrix = self.matrix.T if transposed else self.matrix
        return SparseRows(device, self.at, matrix, self.at, *reals)


NOTHING = Scattered(np.zeros(0, np.int64), Csr.diagonal_of(np.zeros(0)))


@dataclass(frozen=True)
class FewColumns:
    """A `matrix` (n, m) whose columns are the indices `at` (m), in ascending order."""

    at: np.ndarray
    matrix: Csr

    @classmethod
    def of(cls, B: Csr) -> FewColumns:
        """Leave out the columns of a matrix that have no entries."""
        at, number = numbered(B.column)
        return cls(at, Csr(B.start, number, B.value, len(at)))


def add(device: Device, out: Array, at: np.ndarray, values: np.ndarray) -> None:
    """Compute out[at] += values on a device, for indices that all differ."""
    if not len(at):
        return
    given = np.asarray(at, np.int64), np.asarray(values, out.dtype)
    flat, (indices, amounts) = out.reshape(-1), device.together(*given)
    flat[indices] += amounts


def find(at: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Return the number of each of `indices` among the ascending `at`, -1 if it is absent."""
    wanted = np.ascontiguousarray(indices, np.int64)
    number = np.empty(wanted.shape, np.int64)
    kernels.find(number.reshape(-1), np.ascontiguousarray(at, np.int64), wanted.reshape(-1))
    return number


class SparseRows:
    """A matrix on a device whose rows and columns are indices, for kernel multigrid.sparse_rows."""

    def __init__(
        self,
        device: Device,
        rows: np.ndarray,
        matrix: Csr,
        columns: np.ndarray,
        *reals: DTypeLike,
    ) -> None:
        """`rows`, `columns`: indices of the matrix's rows and columns; `reals`: precisions."""
        last = max((int(a.max(initial=0)) for a in (rows, columns)), default=0)
        if last > LARGEST:
            raise WarpError(
                f"a grid with {last:.3g} displacements is too large: {LARGEST:.3g} at most"
            )
        filled = np.diff(matrix.start) > 0
        start = matrix.start
        if not filled.all():
            rows, start = rows[filled], np.append(start[:-1][filled], start[-1])
        self.count = len(rows)
        self.device = device
        self.indices: list[Array] = []
        self.value: dict[DTypeLike, Array] = {}
        if self.count:  # else `apply` launches nothing
            of = np.empty(len(matrix.column), np.uint32)
            kernels.gather(of, np.asarray(columns, np.uint32), matrix.column)
            indices = np.asarray(rows, np.uint32), np.asarray(start, np.int32), of
            values = (np.asarray(matrix.value, real) for real in reals)
            found = device.together(*indices, *values)
            self.indices, self.value = found[:3], dict(zip(reals, found[3:], strict=True))

    def coefficients(self) -> list[Array]:
        """Return the arrays that `apply` reads in float64."""
        return [*self.indices, self.value[np.float64]] if self.count else []

    def stored(self) -> list[Array]:
        """Return the arrays that `apply` reads, in every precision."""
        return [*self.indices, *self.value.values()]

    def copied(self) -> SparseRows:
        """Return the same matrix with arrays of its own."""
        other = copy(self)
        other.indices = [a.copy() for a in self.indices]
        other.value = {real: a.copy() for real, a in self.value.items()}
        return other

    def apply(self, out: Array, x: Array, scale: float, add: float) -> None:
        """Compute out[rows] = add out[rows] + scale (matrix x)[rows]."""
        if self.count:
            real = x.dtype.type
            flat, table = (out.reshape(-1), x.reshape(-1)), (*self.indices, self.value[real])
            args = *flat, scale, add, *table, self.count
            self.device.launch("multigrid", "sparse_rows", (self.count, 1, 1), *args, real=real)
