"""Solve the coarsest level directly: its matrix, assembled column by column, and the inverse without rigid motion."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.linalg import lapack, solve_triangular

from warp.solvers.elastic.multigrid.level import Level, Stored


def invert(level: Level):
    """Roots of a small level's inverse R^T R on its active displacements: (R^T, R, places of these).

    Motions without energy are left out: rigid ones, of loose parts too, show up as pivots that vanish in a Cholesky
    factorisation. An inverse in single precision would have negative values where a slender body is 1e8 times easier to
    bend than to stretch; R^T R has none, and its error grows with the root of that ratio only.
    """
    if isinstance(level, Stored):
        level.inverse = level.device.asarray(level.diagonal(), np.float32)
    at = np.flatnonzero(level.device.to_host(level.inverse).reshape(-1) > 0)
    A = matrix(level)[at][:, at].toarray(order="F")
    scale = 1 / np.sqrt(A.diagonal())
    A *= scale
    A *= scale[:, None]
    factor, pivots, rank, _ = lapack.dpstrf(
        A, tol=1e-11, lower=1, overwrite_a=1
    )  # large arrays: in place
    order, loose = pivots - 1, len(A) - rank
    motion = np.zeros((len(A), loose))
    motion[:rank] = -solve_triangular(
        factor[:rank, :rank], factor[rank:, :rank].T, trans="T", lower=True
    )
    motion[rank:] = np.eye(loose)
    Q, _ = np.linalg.qr(motion * scale[order, None])
    factor[rank:, :rank] = 0
    factor[rank:, rank:] = np.eye(loose)
    lower, _ = lapack.dtrtri(factor, lower=1, overwrite_c=1)
    root = np.zeros((len(at), len(at)), np.float32)  # lower scale (1 - Q Q^T)
    for n in range(rank):
        row = np.zeros(len(at))
        row[: n + 1] = lower[n, : n + 1] * scale[order[: n + 1]]
        root[n, order] = row - Q @ (row @ Q)
    put = level.device.asarray
    return put(np.ascontiguousarray(root.T)), put(root), put(at, np.int64)


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
        source = [
            q + (c - q + 1) % 3 - 1 for q, c in ((rk, ck), (rj, cj), (ri, ci))
        ]  # the sender within one place
        ok = np.all(
            [(q >= 0) & (q < n) for q, n in zip(source, level.shape[1:], strict=True)], axis=0
        )
        rows.append(number[at][ok])
        columns.append(number[(np.full(ok.sum(), a), *(q[ok] for q in source))])
        values.append(seen[at][ok])
    assert level.free is not None
    more = level.free.entries()
    row, column, value = (
        np.concatenate([*q, a]) for q, a in zip((rows, columns, values), more, strict=True)
    )
    return sparse.csr_matrix((value, (row, column)), shape=(number.size,) * 2)
