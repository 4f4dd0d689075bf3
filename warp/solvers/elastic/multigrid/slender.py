"""Slender parts in the smoother: pins, walls and bumps one to three voxels wide, whose faces move together.

The z lines of single faces (smoothers.Lines) leave them where they are: a face cannot move without stretching the stiff
cells beside it, and coarse levels, which merge pins a voxel or two apart, cannot move each alone. So the lines of such a
row of faces are those of its modes (kernels/slender.py); they stay as many and as long as they were. Bumps one voxel wide
at a pitch of three take 25 iterations instead of 84, balls two of five wide 56 instead of 95, blocks at random of
1 : 1e5 86 instead of 153.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from warp.device import Device
from warp.solvers.elastic.layout import displacement_shape
from warp.solvers.sparse import Scattered, find

SOFTER = 0.1
"""Stiffness of the cells beside a row in that of its own, at most. 0.03 to 0.3 take as many iterations."""
MOST = 3


class Slender:
    """The rows of a level: flat places of their first faces, ascending, and their numbers of cells."""

    def __init__(
        self, device: Device, n: tuple[int, int, int], function: str, *coefficients: Any
    ) -> None:
        """Find them with kernel `function` (slender_cells or slender_media)."""
        nx, ny, nz = self.n = n
        self.device = device
        marked = device.zeros((2, *displacement_shape(nx, ny, nz)[1:]), np.uint8)
        real = coefficients[1].dtype
        device.launch(
            "slender", function, (nx, ny, nz), marked, *coefficients, nx, ny, nz, real=real
        )
        self.first = device.xp.flatnonzero(marked)
        self.cells = marked.reshape(-1)[self.first]
        self.count = len(self.first)
        self.modes, self.turned = (
            device.asarray(a, np.float32) for a in (modes(), modes().transpose(0, 2, 1))
        )

    def set_lines(
        self,
        function: str,
        diagonal: Any,
        lower: Any,
        free: Scattered,
        beside: Any,
        *coefficients: Any,
    ) -> None:
        """Put the rows' entries into those of the lines, with kernel `function` (slender_lines or slender_media_lines).

        `diagonal`: of A; `lower`, and as places and values `beside`: what free edges couple to the level below.
        """
        if not self.count:
            return
        first, cells = (
            self.device.to_host(self.first),
            self.device.to_host(self.cells).astype(np.int64),
        )
        nx, ny, nz = self.n
        plane, step = (
            (ny + 1) * (nx + 3),
            np.where(first < (nz + 1) * (ny + 1) * (nx + 3), 1, nx + 3),
        )
        face = np.arange(MOST + 1)
        faces = first[:, None] + face * step[:, None]
        put, real, among = self.device.asarray, diagonal.dtype, face <= cells[:, None]
        given = (free.at, free.matrix.diagonal()), beside
        lists = [
            put(np.where(among, at(places, values, faces), 0.0), real) for places, values in given
        ]
        args = (
            self.first,
            self.cells,
            put(joined(first, cells, plane), np.uint8),
            put(modes(), real),
            *lists,
            *coefficients,
        )
        self._launch(function, diagonal, lower, *args, real=real)

    def to_modes(self, r: Any, x: Any, p: Any) -> None:
        """Residual, correction and direction in place, before the lines are solved."""
        self._turn(self.turned, r, x, p)

    def to_faces(self, r: Any, x: Any, p: Any) -> None:
        """And back."""
        self._turn(self.modes, r, x, p)

    def _turn(self, matrix: Any, *vectors: Any) -> None:
        if self.count:
            flat = (a.reshape(-1) for a in vectors)
            self._launch("slender_turn", *flat, self.first, self.cells, matrix, real=np.float32)

    def _launch(self, function: str, *args: Any, real: Any) -> None:
        self.device.launch(
            "slender", function, (self.count, 1, 1), *args, *self.n, self.count, real=real
        )


def modes() -> np.ndarray:
    """Orthonormal modes [cells, face, mode] of rows of up to MOST cells: those of a chain with free ends."""
    out = np.zeros((MOST + 1,) * 3)
    for n in range(1, MOST + 1):
        face = np.arange(n + 1)
        waves = np.cos(np.pi * np.outer(face + 0.5, face) / (n + 1))
        out[n, : n + 1, : n + 1] = waves / np.linalg.norm(waves, axis=0)
    return out


def joined(first: np.ndarray, cells: np.ndarray, plane: int) -> np.ndarray:
    """1 where the same row goes on a level below, `plane` places before, 2 above, 3 both."""
    below, above = (at(first, cells, first + shift) == cells for shift in (-plane, plane))
    return below + 2 * above


def at(places: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Values at `wanted`, of those that are given at ascending `places`; 0 elsewhere."""
    which = find(places, wanted)
    return np.where(which >= 0, np.r_[values, 0][which], 0)
