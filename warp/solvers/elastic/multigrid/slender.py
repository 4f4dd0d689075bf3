"""Slender parts in the smoother: pins, walls and bumps, whose faces move together.

The z lines of single faces (LineSmoother) hardly move them: a face cannot move without stretching
the stiff cells beside it, and coarse levels, which merge pins a voxel or two apart, cannot move
each pin alone. So the lines of such a row of faces are those of its modes (kernels/slender.py);
their number and length stay the same. Bumps one voxel wide need this most.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers.elastic.held import NOWHERE
from warp.solvers.elastic.layout import displacement_shape
from warp.solvers.sparse import Scattered, find

SOFTER = 0.1
"""Largest stiffness of the cells beside a row over that of its own; its value matters little."""
MOST = 3  # cells in a row


class Slender:
    """The rows of faces of a level.

    `first`: flat indices of their first faces, ascending; `cells`: their numbers of cells.
    """

    def __init__(
        self,
        device: Device,
        n: tuple[int, int, int],
        function: str,
        *coefficients: Any,
        held: np.ndarray = NOWHERE,
    ) -> None:
        """Find the rows with kernel `function` (slender_cells or slender_media).

        None with a face among the flat indices `held`.
        """
        nx, ny, nz = self.n = n
        self.device = device
        marked = device.zeros((2, *displacement_shape(nx, ny, nz)[1:]), np.uint8)
        real = coefficients[1].dtype
        args = marked, *coefficients, nx, ny, nz
        device.launch("slender", function, (nx, ny, nz), *args, real=real)
        self.first = device.xp.flatnonzero(marked)
        self.cells = marked.reshape(-1)[self.first]
        if len(held):
            self._leave_out(held)
        self.count = len(self.first)
        self.modes = device.asarray(modes(), np.float32)
        self.transposed = device.asarray(modes().transpose(0, 2, 1), np.float32)

    def _leave_out(self, held: np.ndarray) -> None:
        """Leave out the rows with a held face."""
        faces, among = self._faces()
        free = ~(np.isin(faces, held) & among).any(axis=1)
        on = self.device.asarray(np.flatnonzero(free), np.int64)
        self.first, self.cells = self.first[on], self.cells[on]

    def _faces(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the flat indices (rows, MOST + 1) of faces, and which belong to a row."""
        first = self.device.to_host(self.first)
        cells = self.device.to_host(self.cells)
        nx, ny, nz = self.n
        step = np.where(first < (nz + 1) * (ny + 1) * (nx + 3), 1, nx + 3)
        face = np.arange(MOST + 1)
        return first[:, None] + face * step[:, None], face <= cells[:, None]

    def set_lines(
        self,
        function: str,
        diagonal: Array,
        lower: Array,
        free: Scattered,
        beside: tuple[np.ndarray, np.ndarray],
        *coefficients: Any,
    ) -> None:
        """Put the entries of the rows into those of the lines.

        function: slender_lines or slender_media_lines. diagonal: of A. lower, and as indices and
        values beside: what free edges couple to the z level below.
        """
        if not self.count:
            return
        first = self.device.to_host(self.first)
        cells = self.device.to_host(self.cells).astype(np.int64)
        faces, among = self._faces()
        nx, ny, _ = self.n
        plane = (ny + 1) * (nx + 3)
        put, real = self.device.asarray, diagonal.dtype
        given = (free.at, free.matrix.diagonal()), beside
        lists = [
            put(np.where(among, at(indices, values, faces), 0.0), real) for indices, values in given
        ]
        neighbours = put(joined(first, cells, plane), np.uint8)
        args = self.first, self.cells, neighbours, put(modes(), real), *lists, *coefficients
        self._launch(function, diagonal, lower, *args, real=real)

    def to_modes(self, r: Array, x: Array, p: Array, with_x: bool = True) -> None:
        """Transform faces to modes in place, before the lines are solved; x if asked for."""
        self._transform(self.transposed, r, x, p, with_x)

    def to_faces(self, r: Array, x: Array, p: Array, with_x: bool = True) -> None:
        """Transform modes back to faces in place; x if asked for."""
        self._transform(self.modes, r, x, p, with_x)

    def _transform(self, matrix: Array, r: Array, x: Array, p: Array, with_x: bool) -> None:
        if self.count:
            flat = (a.reshape(-1) for a in (r, x, p))
            tables = self.first, self.cells, matrix, int(with_x)
            self._launch("slender_turn", *flat, *tables, real=np.float32)

    def _launch(self, function: str, *args: Any, real: DTypeLike) -> None:
        """Run a kernel for every row of faces."""
        self.device.launch(
            "slender", function, (self.count, 1, 1), *args, *self.n, self.count, real=real
        )


def modes() -> np.ndarray:
    """Return orthonormal modes [cells, face, mode] of rows of up to MOST cells.

    They are the modes of a chain with free ends.
    """
    out = np.zeros((MOST + 1,) * 3)
    for n in range(1, MOST + 1):
        face = np.arange(n + 1)
        waves = np.cos(np.pi * np.outer(face + 0.5, face) / (n + 1))
        out[n, : n + 1, : n + 1] = waves / np.linalg.norm(waves, axis=0)
    return out


def joined(first: np.ndarray, cells: np.ndarray, plane: int) -> np.ndarray:
    """Return 1 if the same row continues on the z level below, 2 above, 3 on both.

    plane: indices from one level to the next.
    """
    below, above = (at(first, cells, first + shift) == cells for shift in (-plane, plane))
    found: np.ndarray = below + 2 * above
    return found


def at(indices: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the values at `wanted` of those given at ascending `indices`; 0 elsewhere."""
    which = find(indices, wanted)
    return np.where(which >= 0, np.r_[values, 0][which], 0)
