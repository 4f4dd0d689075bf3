"""Sparse matrices that touch a few entries of a long vector, stored on those entries only.

Free edges, springs and extrapolated displacements add such matrices to a level. Only the entries
that take part are numbered, so that no array has the length of the vector. A place is the flat
index of an entry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike
from scipy import sparse

from warp.errors import WarpError
from warp.machine.arrays import Array
from warp.machine.device import Device

LARGEST = np.iinfo(np.int32).max
"""Largest place that kernels can address."""


@dataclass(frozen=True)
class Scattered:
    """A `matrix` (n, n) between the places `at` (n), in ascending order."""

    at: np.ndarray
    matrix: sparse.csr_matrix

    @classmethod
    def of(cls, rows: np.ndarray, columns: np.ndarray, values: np.ndarray) -> Scattered:
        """Build from entries; entries at the same place are added."""
        at, number = numbered(np.concatenate([rows, columns]))
        row, column = np.split(number, 2)
        return cls(at, sparse.csr_matrix((values, (row, column)), shape=(len(at),) * 2))

    @classmethod
    def product(cls, B: sparse.csr_matrix, weight: np.ndarray) -> Scattered:
        """Compute B^T diag(weight) B for a matrix whose columns are places."""
        return cls(np.arange(len(weight)), sparse.diags(weight).tocsr()).projected(B)

    def projected(self, B: sparse.csr_matrix) -> Scattered:
        """Compute B^T M B for a matrix with a row for each of `at`, whose columns are places."""
        at, number = numbered(B.indices)
        few = sparse.csr_matrix((B.data, number, B.indptr), shape=(B.shape[0], len(at)))
        return Scattered(at, (few.T @ self.matrix @ few).tocsr())

    def __add__(self, other: Scattered) -> Scattered:
        if not len(self.at) or not len(other.at):
            return self if len(self.at) else other
        pairs = zip(self.entries(), other.entries(), strict=True)
        return Scattered.of(*(np.concatenate(pair) for pair in pairs))

    def entries(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the places of rows, the places of columns and the values of all entries."""
        coo = self.matrix.tocoo()
        return self.at[coo.row], self.at[coo.col], coo.data

    def add_diagonal(self, device: Device, out: Array) -> None:
        """Add the diagonal to an array of the whole size on a device."""
        add(device, out, self.at, self.matrix.diagonal())

    def rows(self, device: Device, *reals: DTypeLike, transposed: bool = False) -> SparseRows:
        """Put the matrix on a device in the given precisions."""
        matrix = self.matrix.T.tocsr() if transposed else self.matrix
        return SparseRows(device, self.at, matrix, self.at, *reals)


NOTHING = Scattered(np.zeros(0, np.int64), sparse.csr_matrix((0, 0)))


def numbered(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted unique places and the number of each place among them.

    As np.unique(return_inverse=True), but faster on ascending runs.
    """
    order = np.argsort(places, kind="stable")
    ascending = places[order]
    first = np.append(True, ascending[1:] != ascending[:-1])[: len(places)]
    number = np.empty(len(places), np.int64)
    number[order] = np.cumsum(first) - 1
    return ascending[first], number


def add(device: Device, out: Array, at: np.ndarray, values: np.ndarray) -> None:
    """Compute out[at] += values on a device, for places that all differ."""
    flat, places = out.reshape(-1), device.asarray(at, np.int64)
    flat[places] += device.asarray(values, out.dtype)


def find(at: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the number of each of `places` among the ascending `at`, -1 if it is absent."""
    last = np.r_[at, -1]  # matches no place
    near = np.searchsorted(at, places)
    return np.where(last[near] == places, near, -1)


class SparseRows:
    """A matrix on a device whose rows and columns are places, for kernel multigrid.sparse_rows."""

    def __init__(
        self,
        device: Device,
        rows: np.ndarray,
        matrix: sparse.csr_matrix,
        columns: np.ndarray,
        *reals: DTypeLike,
    ) -> None:
        """`rows`, `columns`: places of the matrix's rows and columns; `reals`: precisions."""
        last = max((int(a.max(initial=0)) for a in (rows, columns)), default=0)
        if last > LARGEST:
            raise WarpError(
                f"a grid with {last:.3g} displacements is too large: {LARGEST:.3g} at most"
            )
        used = np.flatnonzero(np.diff(matrix.indptr))
        start = np.r_[matrix.indptr[used], matrix.indptr[-1]]
        self.count = len(used)
        self.device = device
        self.places = [
            device.asarray(a, np.int32) for a in (rows[used], start, columns[matrix.indices])
        ]
        value = matrix.data if len(matrix.data) else np.zeros(1)
        self.value = {real: device.asarray(value, real) for real in reals}

    def apply(self, out: Array, x: Array, scale: float, add: float) -> None:
        """Compute out[rows] = add out[rows] + scale (matrix x)[rows]."""
        if self.count:
            real = x.dtype.type
            flat, table = (out.reshape(-1), x.reshape(-1)), (*self.places, self.value[real])
            args = *flat, scale, add, *table, self.count
            self.device.launch("multigrid", "sparse_rows", (self.count, 1, 1), *args, real=real)
