"""Interpolation of temperatures from a coarse level to the next finer one, and its transpose.

Interpolation between the coarse centres follows the resistances in series, first in x and then in
y, with weights renormalised over solid cells, so that constants stay constant: the edge of a chip
takes nothing from the underfill beside it.
"""

from __future__ import annotations

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers import coarsening
from warp.solvers.levels import Vectors


class Merge:
    """Two neighbouring levels: which columns merge, as tables on the device.

    `keep`: indices of the surviving lines x, y; `lines`: these lines; `shape` of the coarse level;
    `sizes` = (coarse nx, ny, fine nx, ny, nz), as the kernels take them.
    """

    def __init__(self, device: Device, x: np.ndarray, y: np.ndarray, nz: int) -> None:
        self.device = device
        self.keep = keep_x, keep_y = coarsening.next_lines(x, y)
        self.lines = x[keep_x], y[keep_y]
        coarse_x, coarse_y = len(keep_x) - 1, len(keep_y) - 1
        self.shape, self.fine_shape = (nz, coarse_y, coarse_x), (nz, len(y) - 1, len(x) - 1)
        self.sizes = coarse_x, coarse_y, len(x) - 1, len(y) - 1, nz
        weights_x, weights_y = centre_weights(x, keep_x), centre_weights(y, keep_y)
        put = device.asarray
        kept = [put(a, np.int32) for a in self.keep]
        lengths = [put(reach(x, keep_x), np.float32), put(reach(y, keep_y), np.float32)]
        self.merging = *kept, *lengths
        self.lower = [put(w.at, np.int32) for w in (weights_x, weights_y)]
        self.linear = [put(w.t, np.float32) for w in (weights_x, weights_y)]
        ranges = support(weights_x.at, coarse_x), support(weights_y.at, coarse_y)
        self.support = [put(a, np.int32) for a in ranges]

    def conductances(self) -> tuple[Array, Array, Array, Array]:
        """Allocate the conductances gx, gy, gz, f of the coarse level, zero."""
        gx, gy, gz, f = (self.device.zeros(self.shape, np.float32) for _ in range(4))
        return gx, gy, gz, f

    def weights(self) -> tuple[Array, Array]:
        """Allocate the weights of the fine level in x and in y, without values."""
        along_x, along_y = (self.device.empty(self.fine_shape, np.float32) for _ in range(2))
        return along_x, along_y


class Transfer:
    """Interpolation P between two levels by `weights` in x and in y."""

    def __init__(self, merge: Merge, weights: tuple[Array, Array]) -> None:
        self.device, self.sizes = merge.device, merge.sizes
        self.weights, self.lower, self.support = weights, merge.lower, merge.support

    def restrict(self, fine: Vectors, coarse: Vectors) -> None:
        """Compute coarse.r = P^T fine.r."""
        extent = self.sizes[0], self.sizes[1], 1
        args = coarse.r, fine.r, coarse.active, *self.weights
        args = *args, *self.lower, *self.support, *self.sizes
        self.device.launch("heat_level", "level_restrict", extent, *args, real=np.float32)

    def prolong(self, coarse: Vectors, fine: Vectors) -> None:
        """Compute fine.p = P coarse.x, not yet added to fine.x."""
        extent = self.sizes[2], self.sizes[3], 1
        args = fine.p, coarse.x, coarse.active, fine.active, *self.weights
        args = *args, *self.lower, *self.sizes
        self.device.launch("heat_level", "level_prolong", extent, *args, real=np.float32)


def centre_weights(lines: np.ndarray, keep: np.ndarray) -> coarsening.Weights:
    """Interpolation weights of cell centres, constant beyond the outermost coarse centre.

    No heat leaves there.
    """
    w = coarsening.centre_weights(lines, keep, False)
    return coarsening.Weights(w.at, np.clip(w.t, 0, 1))


def support(at: np.ndarray, count: int) -> np.ndarray:
    """Return the first and the end of the fine cells that take from each coarse cell.

    All firsts, then all ends.
    """
    coarse = np.arange(count)
    first = np.searchsorted(at, coarse - 1, "left")
    end = np.searchsorted(at, coarse, "right")
    return np.concatenate((first, end))


def reach(lines: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Lengths (4, coarse cells) between coarse centres and the coarse line after each cell.

    For the cell before the line and the cell after it: the share of the face inside the cell that
    lies between its coarse centre and the line; then for both the same length in distances of fine
    centres across the line. 0 where a cell is not merged, and at the last line.
    """
    centre, width, count = (lines[1:] + lines[:-1]) / 2, np.diff(lines), len(keep) - 1
    found = np.zeros((4, count))
    for n, line in enumerate(keep[1:-1]):
        across = centre[line] - centre[line - 1]
        for side, cell, far, near in ((0, n, line - 2, line - 1), (1, n + 1, line + 1, line)):
            if keep[cell + 1] - keep[cell] == 2:
                between = width[far] / 2  # from the coarse centre to that of the cell at the line
                inside = (width[far] + width[near]) / 2
                found[side, n], found[side + 2, n] = between / inside, between / across
    return found
