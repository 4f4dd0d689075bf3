"""Sparse matrices in compressed rows (CSR), with what solvers need of them.

SciPy's would do, but importing it takes longer than a small solve. Entries of a row stand in
ascending columns, each column once. Sums run in a fixed order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from warp.kernels.host import csr as kernels

LONG = 512
"""Entries of a row that are sorted by insertion."""


@dataclass(frozen=True)
class Csr:
    """A matrix of `width` columns; row n has the entries from start[n] to start[n + 1]."""

    start: np.ndarray
    column: np.ndarray
    value: np.ndarray
    width: int

    @classmethod
    def of(
        cls, rows: np.ndarray, columns: np.ndarray, values: np.ndarray, shape: Sequence[int]
    ) -> Csr:
        """Build from entries in any order; entries at the same place are added."""
        rows, columns = (np.ascontiguousarray(a, np.int64) for a in (rows, columns))
        values = np.ascontiguousarray(values, float)
        start = _starts(np.bincount(rows, minlength=shape[0]))
        column, value = np.empty_like(columns), np.empty_like(values)
        kernels.by_rows(column, value, start[:-1].copy(), rows, columns, values)
        return cls._ordered(start, column, value, shape[1])

    @classmethod
    def _ordered(cls, start: np.ndarray, column: np.ndarray, value: np.ndarray, width: int) -> Csr:
        """Bring rows in order and add what stands at the same place; overwrites its arguments."""
        lengths = np.diff(start)
        if lengths.max(initial=0) > LONG:
            row = np.repeat(np.arange(len(lengths)), lengths)
            order = np.lexsort((column, row))
            column[:], value[:] = column[order], value[order]
        count = np.empty(len(lengths), np.int64)
        kernels.sort_rows(count, column, value, start)
        return cls._close(start, count, column, value, width)

    @classmethod
    def _close(
        cls,
        start: np.ndarray,
        count: np.ndarray,
        column: np.ndarray,
        value: np.ndarray,
        width: int,
    ) -> Csr:
        """Move rows together, of which only the first `count` entries count."""
        kept = _starts(count)
        if kept[-1] == start[-1]:
            return cls(start, column, value, width)
        columns, values = np.empty(kept[-1], np.int64), np.empty(kept[-1])
        kernels.move_rows(columns, values, kept, column, value, start)
        return cls(kept, columns, values, width)

    @classmethod
    def diagonal_of(cls, values: np.ndarray) -> Csr:
        """Build the diagonal matrix of these values."""
        n = len(values)
        return cls(np.arange(n + 1), np.arange(n), np.asarray(values, float), n)

    @classmethod
    def full(cls, matrix: np.ndarray) -> Csr:
        """Build from a dense matrix, without its zeros."""
        rows, columns = np.nonzero(matrix)
        return cls.of(rows, columns, matrix[rows, columns], matrix.shape)

    @property
    def shape(self) -> tuple[int, int]:
        """Return the numbers of rows and columns."""
        return len(self.start) - 1, self.width

    @cached_property
    def row(self) -> np.ndarray:
        """Number the row of each entry."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    @property
    def T(self) -> Csr:
        """Return the transpose."""
        start = _starts(np.bincount(self.column, minlength=self.width))
        row, value = np.empty(len(self.column), np.int64), np.empty(len(self.column))
        kernels.transpose(row, value, start[:-1].copy(), *self._arrays())
        return Csr(start, row, value, self.shape[0])

    def _arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return start, column and value as kernels read them."""
        start, column = (np.ascontiguousarray(a, np.int64) for a in (self.start, self.column))
        return start, column, np.ascontiguousarray(self.value, float)

    def times(self, x: np.ndarray) -> np.ndarray:
        """Multiply a vector (columns), or each column of a dense matrix (columns, m)."""
        if x.ndim == 1:
            return np.bincount(self.row, self.value * x[self.column], self.shape[0])
        product = np.zeros((self.shape[0], x.shape[1]))
        filled = np.diff(self.start) > 0
        terms = self.value[:, None] * x[self.column]
        product[filled] = np.add.reduceat(terms, self.start[:-1][filled], axis=0)
        return product

    def transposed_times(self, x: np.ndarray) -> np.ndarray:
        """Multiply a vector (rows) by the transpose."""
        return np.bincount(self.column, self.value * x[self.row], self.width)

    def __matmul__(self, other: Csr) -> Csr:
        """Multiply two matrices."""
        count = np.diff(other.start)[self.column]  # of products that each entry takes part in
        start = _starts(count)[self.start]
        column, value = np.empty(start[-1], np.int64), np.empty(start[-1])
        kernels.products(column, value, start, *self._arrays(), *other._arrays())
        return self._ordered(start, column, value, other.width)

    def __add__(self, other: Csr) -> Csr:
        (a, *own), (b, *others) = self._arrays(), other._arrays()
        start = a + b
        column, value = np.empty(start[-1], np.int64), np.empty(start[-1])
        count = np.empty(len(start) - 1, np.int64)
        kernels.sums(count, column, value, start, a, *own, b, *others)
        return self._close(start, count, column, value, self.width)

    def among(self, number: np.ndarray, size: int) -> Csr:
        """Return a square matrix of `size` rows, in which row and column n are number[n].

        number: ascending.
        """
        count = np.zeros(size, np.int64)
        count[number] = np.diff(self.start)
        return Csr(_starts(count), number[self.column], self.value, size)

    def times_diagonal(self, values: np.ndarray) -> Csr:
        """Multiply by the diagonal matrix of these values."""
        return Csr(self.start, self.column, self.value * values[self.column], self.width)

    def at(self, columns: np.ndarray) -> np.ndarray:
        """Return the value of each row in the column given for it, 0 without an entry."""
        out = np.empty(len(columns))
        kernels.chosen(out, *self._arrays(), np.ascontiguousarray(columns, np.int64))
        return out

    def diagonal(self) -> np.ndarray:
        """Return the values on the diagonal of a square matrix."""
        return self.at(np.arange(self.width))

    def without_zeros(self) -> Csr:
        """Leave out entries that are zero."""
        return self._some(self.value != 0)

    def part(self, at: np.ndarray) -> Csr:
        """Return the rows and columns `at`, ascending, of a square matrix."""
        number = np.full(self.width, -1)
        number[at] = np.arange(len(at))
        few = self._some((number[self.row] >= 0) & (number[self.column] >= 0))
        return Csr(few.start[np.r_[at, -1]], number[few.column], few.value, len(at))

    def dense(self) -> np.ndarray:
        """Write the matrix out (rows, columns)."""
        full = np.zeros(self.shape)
        full[self.row, self.column] = self.value
        return full

    def _some(self, on: np.ndarray) -> Csr:
        start = _starts(np.bincount(self.row[on], minlength=self.shape[0]))
        return Csr(start, self.column[on], self.value[on], self.width)


def _starts(counts: np.ndarray) -> np.ndarray:
    starts = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts
