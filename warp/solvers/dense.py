"""Factor small dense matrices by blocks, so that products of NumPy's do most of the work.

LAPACK's pstrf and trtri would do, but importing SciPy's linear algebra takes longer than a small
solve.
"""

from __future__ import annotations

import numpy as np

BLOCK = 160


def cholesky(A: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray, int]:
    """Factor a symmetric matrix with the largest pivot first, in its own memory.

    Return lower L (which is A), the order of rows and the rank r, with A[order][:, order] = L L^T
    where the first r columns of L are not zero. Pivots up to `least` count as zero. Higham,
    Accuracy and Stability of Numerical Algorithms (SIAM, 2002), 10.3.
    """
    n = len(A)
    order, rank = np.arange(n), n
    for start in range(0, n, BLOCK):
        rest = A[start:, start:]
        columns, chosen = _panel(rest, least)
        turned = _first(chosen, len(rest))
        moved = np.flatnonzero(turned != np.arange(len(rest)))
        for a in (rest.T, A[start:], order[start:], columns):
            a[moved] = a[turned[moved]]
        end = start + len(chosen)
        A[start:, start:end] = columns
        A[start:end, end:] = 0
        if len(chosen) < min(BLOCK, n - start):
            A[end:, end:] = 0
            rank = end
            break
        A[end:, end:] -= A[end:, start:end] @ A[end:, start:end].T
    return A, order, rank


def _first(chosen: list[int], n: int) -> np.ndarray:
    """Return an order of n rows that begins with the chosen ones; few others leave their place."""
    order, place = np.arange(n), np.arange(n)
    for to, row in enumerate(chosen):
        at, other = place[row], order[to]
        order[to], order[at] = row, other
        place[row], place[other] = to, at
    return order


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
