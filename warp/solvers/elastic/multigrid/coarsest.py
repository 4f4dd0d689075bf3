"""Solve the coarsest elastic level directly: assembled and inverted without rigid motion.

In unknowns in which plates bend (bending_basis): of single displacements, the matrix of a plate
that is hundreds of times wider than high would have lost its bending energy to rounding.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from warp.solvers import levels
from warp.solvers.csr import Csr
from warp.solvers.dense import cholesky, inverse_of_lower
from warp.solvers.dense_product import DenseProduct
from warp.solvers.elastic.multigrid.bending_basis import bending_basis
from warp.solvers.elastic.multigrid.level import relative_width
from warp.solvers.elastic.multigrid.matrix import LevelMatrix, MediaMatrix, StoredMatrix
from warp.solvers.levels import Memory

BLOCK = 256  # rows whose rigid motions are removed at once
LOOSE = 1e-11
"""Energy of a motion over that of its largest unknown below which it counts as rigid.

Times the square of the width of the cells over the height of the stack if they are wider: so much
of the shear's round-off remains in the energy of bending.
"""


class Coarsest(levels.Coarsest):
    """The level that is solved directly: x = R^T R r on the active displacements `at`."""

    def __init__(self, matrix: LevelMatrix, memory: Memory) -> None:
        if isinstance(matrix, MediaMatrix):
            matrix = StoredMatrix.finest(matrix.A)
        device = matrix.device
        active = device.asarray(matrix.diagonal(), np.float32)
        at = np.flatnonzero(device.to_host(active).reshape(-1) > 0)
        width = max(1.0, relative_width(*matrix.lines))
        root = inverse_root(*bending(matrix, at), LOOSE * width**2)
        super().__init__(device, levels.Unknowns.of(device, active), memory)
        self.roots = device.asarray(np.ascontiguousarray(root.T)), device.asarray(root)
        self.product = DenseProduct(device, at)

    def solve(self) -> None:
        """Compute x = A^-1 r, without rigid motions; overwrites p."""
        first, second = self.roots
        self.product.write(self.p, self.r, first)
        self.product.write(self.x, self.p, second)


def bending(matrix: StoredMatrix, at: np.ndarray) -> tuple[np.ndarray, Csr, np.ndarray]:
    """Return T^T A T, T of displacements x = T y at flat indices `at`, and the scale of each y.

    Scale: 1 / root of the energy of a unit, or of its terms if no more than their round-off is left
    of them, as of a column that rotates alone. The stiffness along z is added to the unknowns that
    strain along z only: in the others it would leave what rounding makes of zero.
    """
    nx, ny, nz = matrix.n
    ids = matrix.device.to_host(matrix.coefficients.ids)
    T, bends = bending_basis(ids[1:-1, 1:-1, 1 : nx + 1] > 0, matrix.lines, at)
    flat, along_z = matrix.without_zz()
    sheared = assembled(flat).part(at)
    terms = replace(T, value=T.value**2).transposed_times(sheared.diagonal())
    alone = Csr.diagonal_of((~bends).astype(float))
    A = T.T @ sheared @ T + alone @ along_z.part(at) @ alone
    energy, unit = A.diagonal(), np.where(terms > 0, terms, 1.0)
    scale = 1 / np.sqrt(np.where(energy > LOOSE * terms, energy, unit))
    return A.dense(), T, scale


def inverse_root(A: np.ndarray, T: Csr, scale: np.ndarray, loosest: float) -> np.ndarray:
    """Return R with R^T R = T A^-1 T^T without rigid motions, float32; overwrites A.

    Motions of an energy below `loosest` over that of single unknowns, in their scale, are rigid.
    They are left out: those of the body and of loose parts show up as pivots that vanish in a
    Cholesky factorisation. An inverse in single precision would have negative values if a slender
    body is far easier to bend than to stretch; R^T R has none, and its error grows only with the
    root of that ratio.
    """
    n = len(A)
    A *= scale
    A *= scale[:, None]
    factor, order, rank = cholesky(A, loosest)
    scale = scale[order]
    inverse = inverse_of_lower(factor[:rank, :rank])
    motion = np.zeros((n, n - rank))
    motion[order[:rank]] = -(factor[rank:, :rank] @ inverse).T * scale[:rank, None]
    motion[order[rank:]] = np.diag(scale[rank:])
    Q, _ = np.linalg.qr(T.times(motion))
    inverse *= scale[:rank]
    root = np.zeros((n, n), np.float32)  # inverse scale T^T (1 - Q Q^T)
    for first in range(0, rank, BLOCK):
        columns = np.zeros((n, min(BLOCK, rank - first)))
        columns[order[:rank]] = inverse[first : first + BLOCK].T
        rows = T.times(columns).T
        root[first : first + len(rows)] = rows - (rows @ Q) @ Q.T
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
