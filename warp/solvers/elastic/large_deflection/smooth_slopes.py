"""The slopes of a bent body as its smooth modes know them, and the tangent frame along them.

    s = sum a_pq P_q(y) P_p(x)   nearest to the slopes at the faces, by area

Layers that differ from place to place (dies in a mould compound) give a body waves of the length
of their pitch. In the frame of the slope itself a smooth shape w would stretch by w times these
waves of the curvature, which a body takes up by moving in the plane as quickly; smooth modes
cannot. Along s they need not: what is left is the slope beside s times the slope of w.

Fields are flat: at columns (ny nx,), and at faces across x (ny (nx+1),) or across y ((ny+1) nx,).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from warp.machine.arrays import Array
from warp.machine.device import Device

DEGREE = 10
"""Highest degree of the polynomials, beside a mirror plane one more for the slope across it."""
FELT = 1e-10
"""Least part of a polynomial's square that a body must feel, over the largest."""
Lines = Sequence[tuple[np.ndarray, bool]]


class SmoothSlopes:
    """Slopes along x and y at faces, and what they are fitted to: `own`, the body's.

    A slope and a shape w at columns with slopes t at faces move faces along the mid-plane by
    s M w + (X s) t.
    """

    def __init__(
        self, solid: np.ndarray, area: np.ndarray, lines: Lines, tabulated: list[list[np.ndarray]]
    ) -> None:
        """solid (ny, nx); area (ny, nx) in m2.

        lines: of the grid along x and y, in m, each with whether it begins at a mirror plane;
        tabulated: polynomials to DEGREE along x and y, of w and of u at cells and of u at faces.
        """
        P, _, R = ([axis[n] for axis in tabulated] for n in range(3))
        self.frames = [_Frame(solid, axis, *lines[axis]) for axis in (0, 1)]
        weights = [frame.face_area(area) for frame in self.frames]
        along = [(P[1], R[0]), (R[1], P[0])]  # of a slope along y and along x
        self.fits = [_Fit(*pair, w) for pair, w in zip(along, weights, strict=True)]
        self.own = [np.zeros(w.size) for w in weights]
        self.smooth = [np.zeros(w.size) for w in weights]

    def take(self, device: Device, slopes: Array) -> None:
        """Take slopes (2, ...) at the faces of u and v in the solver's layout."""
        xp, to_host = device.xp, device.to_host
        present = xp.maximum((slopes != 0).sum(axis=1), 1)
        x, y = to_host(slopes.sum(axis=1) / present)
        (_, nx), (rows, _) = (fit.weight.shape for fit in self.fits)
        self.own = [x[: rows - 1, 1 : nx + 1].reshape(-1), y[:rows, 1:nx].reshape(-1)]
        self.smooth = [fit.nearest(s) for fit, s in zip(self.fits, self.own, strict=True)]

    def along(self, axis: int, w: np.ndarray, tilt: np.ndarray) -> np.ndarray:
        """Return how far w (columns, ...) with slopes (faces, ...) moves faces along an axis."""
        frame, s = self.frames[axis], self.smooth[axis]
        moved: np.ndarray = _by(s, frame.mean @ w) + _by(frame.beyond @ s, tilt)
        return -moved

    def back(self, axis: int, forces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the forces on w and on its slopes from forces (faces,): the transpose."""
        frame, s = self.frames[axis], self.smooth[axis]
        return -(frame.mean.T @ (s * forces)), -(frame.beyond @ s) * forces

    def added(self, axis: int, tilt: np.ndarray) -> np.ndarray:
        """Return the strain (columns, ...) along an axis that slopes of w add to the body's own."""
        found: np.ndarray = self.frames[axis].cells @ _by(self.own[axis], tilt)
        return found


class _Frame:
    """Sparse matrices between columns and the faces across an axis.

    mean: from columns to faces, linear between two, the column's own value at a free face; beyond:
    from faces to free ones, half a cell times the slope of the next face inside; cells: the mean
    from faces to columns, of those that lie between two columns.
    """

    def __init__(self, solid: np.ndarray, axis: int, line: np.ndarray, mirrored: bool) -> None:
        self.axis, self.shape = axis, solid.shape
        along = solid if axis == 0 else solid.T
        self.rows, self.count = along.shape
        padded, width = np.pad(along, ((0, 0), (1, 1))), np.diff(line)
        left, right = padded[:, :-1].copy(), padded[:, 1:]
        inner = left & right
        m, p = np.nonzero(inner)
        share = width[p] / (width[p] + width[p - 1])  # of the column before the face
        entries = [(m, p, p - 1, share), (m, p, p, 1 - share)]
        beyond = []
        self.present = left | right
        if mirrored:
            left[:, 0] = right[:, 0]  # u is zero there, and so is the slope
        for free, own, inside, sense in ((left & ~right, -1, -1, 0.5), (right & ~left, 0, 1, -0.5)):
            m, p = np.nonzero(free)
            entries.append((m, p, p + own, np.ones(len(m))))
            beyond.append((m, p, p + inside, sense * width[p + own]))
        self.mean = self._matrix(entries, self.count)
        self.beyond = self._matrix(beyond, self.count + 1)
        inner = left & right
        counted = inner[:, 1:].astype(int) + inner[:, :-1]
        m, p = np.nonzero(along)
        both = 1 / np.maximum(counted[m, p], 1)
        sides = [(m, p, p + n, both * inner[m, p + n]) for n in (0, 1)]
        self.cells = self._matrix(sides, self.count + 1, self.count)

    def face_area(self, area: np.ndarray) -> np.ndarray:
        """Return the area of half the cells beside each face, 0 beside void alone."""
        own = np.pad(area if self.axis == 0 else area.T, ((0, 0), (1, 1)))
        found = (own[:, 1:] + own[:, :-1]) / 2 * self.present
        return found if self.axis == 0 else found.T

    def _matrix(
        self,
        entries: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]],
        columns: int,
        places: int | None = None,
    ) -> sparse.csr_matrix:
        """Return the matrix of (row of cells, place, column's place, value)."""
        places = self.count + 1 if places is None else places
        m, p, q, values = (np.concatenate(one) for one in zip(*entries, strict=True))
        at = self._number(m, p, places), self._number(m, q, columns)
        return sparse.csr_matrix((values, at), shape=(self.rows * places, self.rows * columns))

    def _number(self, row: np.ndarray, place: np.ndarray, places: int) -> np.ndarray:
        found: np.ndarray = row * places + place if self.axis == 0 else place * self.rows + row
        return found


class _Fit:
    """Products of polynomials along y and x (degrees, places) fitted by weights (rows, columns)."""

    def __init__(self, along_y: np.ndarray, along_x: np.ndarray, weight: np.ndarray) -> None:
        self.y, self.x, self.weight = along_y, along_x, weight
        m, n = len(along_y), len(along_x)
        pairs_x = (along_x[:, None] * along_x).reshape(n * n, -1)
        pairs_y = (along_y[:, None] * along_y).reshape(m * m, -1)
        sums = (pairs_y @ weight @ pairs_x.T).reshape(m, m, n, n)
        matrix = sums.transpose(0, 2, 1, 3).reshape(m * n, m * n)
        size, vectors = np.linalg.eigh(matrix)
        felt = size > FELT * size[-1]
        self.inverse = (vectors[:, felt] / size[felt]) @ vectors[:, felt].T

    def nearest(self, s: np.ndarray) -> np.ndarray:
        """Return the nearest sum of polynomials to a field."""
        sums = self.y @ (self.weight * s.reshape(self.weight.shape)) @ self.x.T
        found = (self.inverse @ sums.reshape(-1)).reshape(sums.shape)
        smooth: np.ndarray = self.y.T @ found @ self.x * (self.weight > 0)
        return smooth.reshape(-1)


def _by(row: np.ndarray, fields: np.ndarray) -> np.ndarray:
    """Return fields (places, ...) times one of places."""
    found: np.ndarray = row.reshape(-1, *(1,) * (fields.ndim - 1)) * fields
    return found
