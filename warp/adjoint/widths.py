"""Sums of derivatives by the widths of cells, by distances of centres, and by grid lines.

The width of a cell is the difference of its lines, the distance of the centres beside line n half
the sum of both widths: derivatives by either become derivatives by the lines, which move with the
package's boundaries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warp.voxels.grid import Grid

Array = np.ndarray
At = int | slice


@dataclass(frozen=True)
class LineSums:
    """Derivatives per m by cell widths (n,) and by lines (n+1,), for x, y and z."""

    widths: tuple[Array, Array, Array]
    lines: tuple[Array, Array, Array]

    @classmethod
    def of(cls, grid: Grid) -> LineSums:
        """Return sums of zero."""
        nz, ny, nx = grid.shape
        sizes = nx, ny, nz
        x, y, z = (np.zeros(n) for n in sizes)
        a, b, c = (np.zeros(n + 1) for n in sizes)
        return cls((x, y, z), (a, b, c))

    def width(self, axis: int, cells: At, values: float | Array) -> None:
        """Add derivatives by the widths of cells."""
        self.widths[axis][cells] += values

    def distance(self, axis: int, values: Array) -> None:
        """Add derivatives by the sum of the widths beside every inner line."""
        self.widths[axis][:-1] += values
        self.widths[axis][1:] += values

    def distance_at(self, axis: int, lines: int | Array, values: float | Array) -> None:
        """Add derivatives by the sum of the widths beside listed inner lines."""
        lines = np.asarray(lines)
        for cells in (lines - 1, lines):
            np.add.at(self.widths[axis], cells, values)

    def add(self, axis: int, cells: Array, values: Array) -> None:
        """Add derivatives by the widths of listed cells, which may repeat."""
        np.add.at(self.widths[axis], cells, values)

    def line(self, axis: int, lines: Array, values: Array) -> None:
        """Add derivatives by listed lines, which may repeat."""
        np.add.at(self.lines[axis], lines, values)

    def join(self, other: LineSums) -> None:
        """Add the derivatives of other sums."""
        for own, more in zip(self.widths + self.lines, other.widths + other.lines, strict=True):
            own += more

    def by_line(self, axis: int) -> Array:
        """Return the derivatives (n+1,) by the lines of an axis."""
        found = self.lines[axis].copy()
        found[1:] += self.widths[axis]
        found[:-1] -= self.widths[axis]
        return found
