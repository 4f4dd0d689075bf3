"""Factor small dense matrices by blocks, so that products of NumPy's do most of the work.

LAPACK's pstrf and trtri would do, but importing SciPy's linear algebra takes longer than a small
solve.
"""

from __future__ import annotations

import numpy as np

BLOCK = 64


def cholesky(A: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray, int]:
    """Factor a symmetric matrix with the largest pivot first; overwrites it.

    Return lower L, the order of rows and the rank r, with A[order][:, order] = L L^T where the
    first r columns of L are not zero. Pivots up to `least` count as zero. Higham, Accuracy and
    Stability of Numerical Algorithms (SIAM, 2002), 10.3.
    """
    n = len(A)
    L, order = np.zeros((n, n)), np.zeros(0, int)
    left = np.arange(n)  # rows that are not eliminated
    while len(left):
        columns, chosen = _panel(A, least)
        L[left, len(order) : len(order) + len(chosen)] = columns
        order = np.append(order, left[chosen])
        rest = np.delete(np.arange(len(left)), chosen)
        left = left[rest]
        if len(chosen) < BLOCK:
            break
        A = A[rest[:, None], rest]
        A -= columns[rest] @ columns[rest].T
    whole = np.append(order, left)
    return L[whole], whole, len(order)


def _panel(A: np.ndarray, least: float) -> tuple[np.ndarray, list[int]]:
    """Eliminate up to BLOCK rows of A; return their columns of L and which rows they are."""
    columns = np.zeros((BLOCK, len(A)))
    pivots = A.diagonal().copy()
    chosen: list[int] = []
    for c, column in enumerate(columns):
        p = int(pivots.argmax())
        if pivots[p] <= least:
            break
        np.matmul(columns[:c, p], columns[:c], out=column)
        np.subtract(A[p], column, out=column)
        column[chosen] = 0
        column /= np.sqrt(pivots[p])
        pivots -= column * column
        pivots[p] = -np.inf
        chosen.append(p)
    return columns[: len(chosen)].T, chosen


def inverse_of_lower(L: np.ndarray) -> np.ndarray:
    """Return the inverse of a lower triangular matrix."""
    n = len(L)
    inverse = np.zeros((n, n))
    for start in range(0, n, BLOCK):
        end = min(start + BLOCK, n)
        corner = np.tril(np.linalg.inv(L[start:end, start:end]))
        inverse[start:end, :start] = -corner @ (L[start:end, :start] @ inverse[:start, :start])
        inverse[start:end, start:end] = corner
    return inverse
