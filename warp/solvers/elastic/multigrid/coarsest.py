"""Solve the coarsest elastic level directly: assembled and inverted without rigid motion."""

from __future__ import annotations

from typing import Any

import numpy as np

from warp.solvers import levels
from warp.solvers.csr import Csr
from warp.solvers.dense import cholesky, inverse_of_lower
from warp.solvers.elastic.multigrid.matrix import LevelMatrix
from warp.solvers.levels import Memory


class Coarsest(levels.Coarsest):
    """The level that is solved directly: x = R^T R r on the active displacements `at`."""

    def __init__(self, matrix: LevelMatrix, memory: Memory) -> None:
        device = matrix.device
        active = device.asarray(matrix.diagonal(), np.float32)
        at = np.flatnonzero(device.to_host(active).reshape(-1) > 0)
        root = inverse_root(assembled(matrix).part(at).dense())
        super().__init__(device, active, memory)
        self.roots = device.asarray(np.ascontiguousarray(root.T)), device.asarray(root)
        self.at = device.asarray(at, np.int64)

    def solve(self) -> None:
        """Compute x = A^-1 r, without rigid motions; overwrites p."""
        size = len(self.at)
        r, p, x = (a.reshape(-1) for a in (self.r, self.p, self.x))
        for out, given, root in zip((p, x), (r, p), self.roots, strict=True):
            args = out, given, root, self.at, size
            self.device.launch("multigrid", "dense_rows", (size, 1, 1), *args, real=np.float32)


def inverse_root(A: np.ndarray) -> np.ndarray:
    """Return R with R^T R the inverse of A without rigid motions, float32; overwrites A.

    Motions without energy are left out: rigid ones, of loose parts too, show up as pivots that
    vanish in a Cholesky factorisation. An inverse in single precision would have negative values if
    a slender body is far easier to bend than to stretch; R^T R has none, and its error grows only
    with the root of that ratio.
    """
    n = len(A)
    scale = 1 / np.sqrt(A.diagonal())
    A *= scale
    A *= scale[:, None]
    factor, order, rank = cholesky(A, 1e-11)
    scale = scale[order]
    inverse = inverse_of_lower(factor[:rank, :rank])
    motion = np.eye(n, n - rank, -rank)
    motion[:rank] = -(factor[rank:, :rank] @ inverse).T
    Q, _ = np.linalg.qr(motion * scale[:, None])
    inverse *= scale[:rank]
    root = np.zeros((n, n), np.float32)  # inverse scale (1 - Q Q^T)
    root[:rank, order[:rank]] = inverse
    root[:rank, order] -= (inverse @ Q[:rank]) @ Q.T
    return root


def assembled(level: LevelMatrix) -> Csr:
    """Assemble A of a level in float64 on flat displacement arrays, free edges included.

    The stencil reaches one index in each direction: displacements three apart share one product.
    """
    component, k, j, i = np.indices(level.shape)
    number = np.arange(component.size).reshape(level.shape)
    rows, columns, values = [], [], []
    for colour in np.ndindex(3, 3, 3, 3):
        a, ck, cj, ci = colour
        sent = (component == a) & (k % 3 == ck) & (j % 3 == cj) & (i % 3 == ci)
        seen = level.times(sent.astype(float))
        _, rk, rj, ri = at = np.nonzero(seen)
        pairs: Any = (rk, ck), (rj, cj), (ri, ci)
        source = [q + (c - q + 1) % 3 - 1 for q, c in pairs]  # the sender within one index
        inside = [(q >= 0) & (q < n) for q, n in zip(source, level.shape[1:], strict=True)]
        ok = np.all(inside, axis=0)
        rows.append(number[at][ok])
        columns.append(number[(np.full(ok.sum(), a), *(q[ok] for q in source))])
        values.append(seen[at][ok])
    free = level.free.entries()
    row, column, value = (
        np.concatenate([*q, a]) for q, a in zip((rows, columns, values), free, strict=True)
    )
    return Csr.of(row, column, value, (number.size,) * 2)
