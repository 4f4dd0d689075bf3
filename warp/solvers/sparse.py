"""Matrices between few of very many places of a flat vector: what free edges, springs and ghosts add to a level.

Only the places that take part are numbered, so that nothing has the length of the vector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from warp.device import Device
from warp.errors import WarpError

MOST = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Scattered:
    """`matrix` (n, n) between the flat places `at` (n), which ascend."""

    at: np.ndarray
    matrix: sparse.csr_matrix

    @classmethod
    def of(cls, rows: np.ndarray, columns: np.ndarray, values: np.ndarray) -> Scattered:
        """From entries; those at one place are added."""
        at, number = numbered(np.concatenate([rows, columns]))
        row, column = np.split(number, 2)
        return cls(at, sparse.csr_matrix((values, (row, column)), shape=(len(at),) * 2))

    @classmethod
    def product(cls, B: sparse.csr_matrix, weight: np.ndarray) -> Scattered:
        """B^T diag(weight) B of a matrix whose columns are places."""
        return cls(np.arange(len(weight)), sparse.diags(weight).tocsr()).carried(B)

    def carried(self, B: sparse.csr_matrix) -> Scattered:
        """B^T M B of a matrix with a row for each of `at`, and whose columns are places."""
        at, number = numbered(B.indices)
        few = sparse.csr_matrix((B.data, number, B.indptr), shape=(B.shape[0], len(at)))
        return Scattered(at, (few.T @ self.matrix @ few).tocsr())

    def __add__(self, other: Scattered) -> Scattered:
        pairs = zip(self.entries(), other.entries(), strict=True)
        return Scattered.of(*(np.concatenate(pair) for pair in pairs))

    def entries(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Places of rows, places of columns, values."""
        coo = self.matrix.tocoo()
        return self.at[coo.row], self.at[coo.col], coo.data

    def add_diagonal(self, device: Device, out: Any) -> None:
        """Add the diagonal to an array of the whole size on a device."""
        add(device, out, self.at, self.matrix.diagonal())

    def rows(self, device: Device, *reals, transposed: bool = False) -> SparseRows:
        """For kernels."""
        return SparseRows(
            device, self.at, self.matrix.T.tocsr() if transposed else self.matrix, self.at, *reals
        )


def numbered(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different ones among `places`, ascending, and which of them each is.

    As np.unique, which takes three times as long where the places come in ascending runs.
    """
    order = np.argsort(places, kind="stable")
    ascending = places[order]
    first = np.append(True, ascending[1:] != ascending[:-1])[: len(places)]
    number = np.empty(len(places), np.int64)
    number[order] = np.cumsum(first) - 1
    return ascending[first], number


def add(device: Device, out: Any, at: np.ndarray, values: np.ndarray) -> None:
    """out[at] += values, flat places that differ, on a device."""
    flat, places = out.reshape(-1), device.asarray(at, np.int64)
    flat[places] += device.asarray(values, out.dtype)


def find(at: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Which of the places `at`, ascending, each of `places` is; -1 where it is none."""
    last = np.r_[at, -1]  # stays out of reach
    near = np.searchsorted(at, places)
    return np.where(last[near] == places, near, -1)


class SparseRows:
    """A matrix whose rows and columns are few flat places, as the arguments of kernel multigrid.sparse_rows."""

    def __init__(
        self,
        device: Device,
        rows: np.ndarray,
        matrix: sparse.csr_matrix,
        columns: np.ndarray,
        *reals,
    ) -> None:
        last = max((int(a.max(initial=0)) for a in (rows, columns)), default=0)
        if last > MOST:
            raise WarpError(
                f"a grid with {last:.3g} displacements is too large: {MOST:.3g} at most"
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

    def apply(self, out, x, scale: float, add: float) -> None:
        """out[rows] = add out[rows] + scale (matrix x)[rows]."""
        if self.count:
            real = x.dtype.type
            args = (
                out.reshape(-1),
                x.reshape(-1),
                scale,
                add,
                *self.places,
                self.value[real],
                self.count,
            )
            self.device.launch("multigrid", "sparse_rows", (self.count, 1, 1), *args, real=real)
