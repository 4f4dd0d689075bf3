"""Unknowns of the coarsest level in which plates bend: a matrix of theirs keeps the small energies.

    w = w0,    u = -(z - z0) dw0/dx,    v = -(z - z0) dw0/dy        in one piece of a column

One such motion for each uninterrupted piece of a cell column takes the place of the piece's w half
way up; all other displacements stay what they are. It strains neither along z nor by shear across
the plate, so its energy is that of bending. Between single displacements the same energy is a
difference of numbers that are (width / height)^4 times as large, or more with thin films, and is
lost in them: the factorisation could not tell a plate that bends from one that turns.
"""

from __future__ import annotations

import numpy as np

from warp.solvers.csr import Csr
from warp.solvers.elastic.layout import displacement_shape


class Pieces:
    """The pieces of cell columns. ids (nz, ny, nx): True in solid cells; lines x, y, z in m.

    `number` (nz, ny, nx): of the piece that a cell belongs to, -1 in void; `at`: flat index of the
    displacement that the motion of each piece replaces.
    """

    def __init__(self, solid: np.ndarray, lines: tuple[np.ndarray, ...]) -> None:
        nz, ny, nx = solid.shape
        self.shape = displacement_shape(nx, ny, nz)
        self.solid, self.lines = solid, lines
        begins = solid & ~np.pad(solid, ((1, 0), (0, 0), (0, 0)))[:-1]
        ends = solid & ~np.pad(solid, ((0, 1), (0, 0), (0, 0)))[1:]
        j, i, first = np.nonzero(begins.transpose(1, 2, 0))
        last = np.nonzero(ends.transpose(1, 2, 0))[2]
        numbers = np.full((ny, nx, nz), -1)
        numbers[j, i, first] = np.arange(len(j))
        numbers = np.maximum.accumulate(numbers, axis=2).transpose(2, 0, 1)
        self.number = np.where(solid, numbers, -1)
        middle = (first + last + 1) // 2
        self.at = np.ravel_multi_index((np.full(len(j), 2), middle, j, i + 1), self.shape)

    def motions(self) -> Csr:
        """Return the motions (displacements, pieces), as rows of all displacements of the level."""
        z = self.lines[2]
        centre = (z[1:] + z[:-1]) / 2
        middle = centre[np.nonzero(self.solid)[0]].mean()
        found = [self._raised(), *(self._tilted(axis, middle - centre) for axis in (0, 1))]
        rows, columns, values = (np.concatenate(a) for a in zip(*found, strict=True))
        shape = int(np.prod(self.shape)), len(self.at)
        return Csr.of(rows, columns, values, shape)

    def _raised(self) -> tuple[np.ndarray, ...]:
        """Return rows, columns and values of w."""
        k, j, i = np.nonzero(self.solid)
        piece = self.number[k, j, i]
        lower, upper = (
            np.ravel_multi_index((np.full(len(k), 2), k + n, j, i + 1), self.shape) for n in (0, 1)
        )
        top = ~np.pad(self.solid, ((0, 1), (0, 0), (0, 0)))[k + 1, j, i]
        rows, columns = np.append(lower, upper[top]), np.append(piece, piece[top])
        return rows, columns, np.ones(len(rows))

    def _tilted(self, axis: int, lever: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return rows, columns and values of u (axis 0) or v (1): lever times the tilt at faces.

        A free face tilts as the next plane inside; one without such a plane does not.
        """
        line = self.lines[axis]
        solid = self.solid if axis == 0 else self.solid.swapaxes(1, 2)
        number = self.number if axis == 0 else self.number.swapaxes(1, 2)
        padded = np.pad(solid, ((0, 0), (0, 0), (1, 1)))
        before, after = padded[..., :-1], padded[..., 1:]
        plane = np.broadcast_to(np.arange(solid.shape[2] + 1), before.shape).copy()
        plane[before & ~after] -= 1
        plane[after & ~before] += 1
        k, m, p = np.nonzero(before | after)
        at = plane[k, m, p]
        inside = np.pad(before & after, ((0, 0), (0, 0), (0, 1)))[k, m, at]
        k, m, p, at = k[inside], m[inside], p[inside], at[inside]
        tilt = 2 * lever[k] / (line[at + 1] - line[at - 1])
        j, i = (m, p) if axis == 0 else (p, m)
        rows = np.ravel_multi_index((np.full(len(k), axis), k, j, i + 1), self.shape)
        columns = number[k, m, at], number[k, m, at - 1]
        return np.tile(rows, 2), np.concatenate(columns), np.concatenate([tilt, -tilt])


def bending_basis(
    solid: np.ndarray, lines: tuple[np.ndarray, ...], active: np.ndarray
) -> tuple[Csr, np.ndarray]:
    """Return T (active, active) with x = T y, and which y are motions of pieces.

    solid (nz, ny, nx); active: ascending flat indices of the displacements of the level. Pieces
    with a w that is not among them, as where one is held, have no motion.
    """
    pieces = Pieces(solid, lines)
    motions = pieces.motions()
    number = np.full(motions.shape[0], -1)
    number[active] = np.arange(len(active))
    here = number[motions.row]
    raised = motions.row >= np.prod(pieces.shape[1:]) * 2
    missing = motions.column[raised & (here < 0)]
    at = number[pieces.at]
    at[missing] = -1
    moved = (here >= 0) & (at[motions.column] >= 0)
    bends = np.isin(np.arange(len(active)), at)
    alone = np.flatnonzero(~bends)
    rows = np.concatenate([alone, here[moved]])
    columns = np.concatenate([alone, at[motions.column[moved]]])
    values = np.concatenate([np.ones(len(alone)), motions.value[moved]])
    return Csr.of(rows, columns, values, (len(active),) * 2), bends
