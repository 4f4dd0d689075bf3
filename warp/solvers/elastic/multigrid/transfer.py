"""Interpolation of displacements from a coarse level to the next finer one, and its transpose.

Along x and y each component lies on lines or at centres; it is interpolated linearly at the true
coordinates. A coarse displacement that does not exist beside one that does (the edge of a part) is
first filled in by linear extrapolation, so that the shear strain of an interpolated field is the
interpolated shear strain: bending without shear stays free of shear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers import coarsening
from warp.solvers.coarsening import FREE_ENDS, Ends
from warp.solvers.csr import Csr
from warp.solvers.elastic.layout import PAD, displacement_shape
from warp.solvers.levels import Vectors
from warp.solvers.numbering import numbered
from warp.solvers.sparse import Scattered

ON_LINES = ((True, False), (False, True), (False, False))
"""For u, v, w: True if it lies on lines along x, along y; else at centres."""


@dataclass(frozen=True)
class Merge:
    """Two neighbouring levels: the finer lines x, y and the indices of those that survive."""

    x: np.ndarray
    y: np.ndarray
    keep_x: np.ndarray
    keep_y: np.ndarray
    mirror: tuple[bool, bool]

    @classmethod
    def of(
        cls, x: np.ndarray, y: np.ndarray, mirror: tuple[bool, bool], held: Ends = FREE_ENDS
    ) -> Merge:
        """Choose the surviving lines; cells at held ends (`held.held_ends`) do not merge."""
        return cls(x, y, *coarsening.next_lines(x, y, held), mirror)

    @property
    def coarse(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the lines of the coarser level."""
        return self.x[self.keep_x], self.y[self.keep_y]

    def weights(self, axis: int, on_lines: bool) -> coarsening.Weights:
        """Return the interpolation weights along x (0) or y (1) on lines or at centres."""
        lines, keep = (self.x, self.keep_x) if axis == 0 else (self.y, self.keep_y)
        if on_lines:
            return coarsening.line_weights(lines, keep)
        return coarsening.centre_weights(lines, keep, self.mirror[axis])

    def transposed(self, axis: int, on_lines: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return the first fine index and the weights (width, coarse) of every coarse index."""
        count = len(self.keep_x if axis == 0 else self.keep_y) - (not on_lines)
        return transpose(self.weights(axis, on_lines), count)

    def fractions(self, axis: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the fraction of every coarse centre in fine values, never negative.

        First fine index and weights (width, coarse).
        """
        w = self.weights(axis, False)
        fraction = abs(w.t) / (abs(w.t) + abs(1 - w.t))
        count = len(self.keep_x if axis == 0 else self.keep_y) - 1
        return transpose(coarsening.Weights(w.at, fraction), count)


def transpose(w: coarsening.Weights, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Transpose an interpolation: coarse[I] = sum over m of weight[m, I] fine[start[I] + m].

    Given fine[i] = (1 - t) coarse[at] + t coarse[at + 1]; returns start and weight.
    """
    fine = np.arange(len(w.at))
    used = np.r_[w.t != 1, w.t != 0]
    target, source = np.r_[w.at, w.at + 1][used], np.r_[fine, fine][used]
    value = np.r_[1 - w.t, w.t][used]
    first, last = np.full(count, len(fine)), np.full(count, -1)
    np.minimum.at(first, target, source)
    np.maximum.at(last, target, source)
    width = int(max(1, (last - first).max() + 1))
    start = np.clip(first, 0, len(fine) - width)
    weight = np.zeros((width, count))
    weight[source - start[target], target] = value
    return start, weight


@dataclass(frozen=True)
class Gather:
    """Weights for three components: arguments of kernels multigrid.prolong and restrict.

    `prolong` takes at and t, `restrict` start and weight.
    """

    atx: np.ndarray
    tx: np.ndarray
    aty: np.ndarray
    ty: np.ndarray
    startx: np.ndarray
    weightx: np.ndarray
    starty: np.ndarray
    weighty: np.ndarray


def gather(merge: Merge) -> Gather:
    """Arrange the weights in the layout of the solver's arrays."""
    nx, ny = len(merge.x) - 1, len(merge.y) - 1
    NX, NY = len(merge.keep_x) - 1, len(merge.keep_y) - 1
    parts = []
    for axis, n, N, shift in ((0, nx + PAD, NX + PAD, 1), (1, ny + 1, NY + 1, 0)):
        at, t = np.zeros((3, n), np.int32), np.zeros((3, n))
        lists = [merge.transposed(axis, lines[axis]) for lines in ON_LINES]
        width = max(weight.shape[0] for _, weight in lists)
        start, weight = np.zeros((3, N), np.int32), np.zeros((3, width, N))
        for a, lines in enumerate(ON_LINES):
            w = merge.weights(axis, lines[axis])
            at[a, shift : shift + len(w.at)], t[a, shift : shift + len(w.at)] = w.at + shift, w.t
            s, v = lists[a]
            low = np.minimum(s + shift, n - width)  # rows of equal width must end inside the array
            start[a, shift : shift + len(s)] = low
            for m in range(v.shape[0]):
                weight[a, s + shift - low + m, np.arange(len(s)) + shift] = v[m]
        parts.append((at, t, start, weight))
    (atx, tx, startx, weightx), (aty, ty, starty, weighty) = parts
    return Gather(atx, tx, aty, ty, startx, weightx, starty, weighty)


class Transfer:
    """Interpolation P between two levels; `fill` extrapolates to missing displacements (ghosts).

    held: the finer level has held displacements, to which P gives nothing.
    """

    def __init__(self, device: Device, merge: Merge, fill: Scattered, held: bool = False) -> None:
        self.device, self.held = device, held
        self.weights = {
            name: device.asarray(a, np.int32 if a.dtype.kind == "i" else np.float32)
            for name, a in vars(gather(merge)).items()
        }
        self.fill = fill.rows(device, np.float32)
        self.collect = fill.rows(device, np.float32, transposed=True)

    def restrict(self, fine: Vectors, coarse: Vectors) -> None:
        """Compute coarse.r = P^T fine.r; the residual at held indices goes."""
        if self.held:
            self._mask(fine)
        _, levels, ny, nx = coarse.shape
        w, r = self.weights, coarse.r
        sizes = 3, levels, ny, nx, w["weighty"].shape[1], w["weightx"].shape[1]
        args = r, fine.r, w["startx"], w["weightx"], w["starty"], w["weighty"], *sizes
        launch = self.device.launch
        launch("multigrid", "restrict", (nx, ny, levels), *args, real=np.float32)
        self.collect.apply(r, r, 1.0, 1.0)
        self._mask(coarse)

    def _mask(self, level: Vectors) -> None:
        """Set the residual of a level to zero at indices without an unknown."""
        level.mask(level.r)

    def prolong(self, coarse: Vectors, fine: Vectors) -> None:
        """Compute fine.p = P coarse.x, not yet added to fine.x; fills in ghosts in coarse.x."""
        self.fill.apply(coarse.x, coarse.x, 1.0, 0.0)
        _, levels, ny, nx = fine.shape
        w = self.weights
        tables = w["atx"], w["tx"], w["aty"], w["ty"]
        args = fine.p, fine.active, fine.row, coarse.x, *tables, 3, levels, ny, nx
        self.device.launch("multigrid", "prolong", (nx, ny, levels), *args, real=np.float32)


def ghost_places(device: Device, ids: Array, mirror: tuple[bool, bool]) -> Array:
    """Return the order in which missing displacements are extrapolated: (3, nz+1, ny+1, nx+3).

    0 where one exists, 1 or 2 for the first or second turn, 3 never. ids (nz+2, ny+2, nx+3): 0 in
    void.
    """
    nz, ny, nx = ids.shape[0] - 2, ids.shape[1] - 2, ids.shape[2] - PAD
    turn = device.empty(displacement_shape(nx, ny, nz), np.uint8)
    args = turn, ids, *map(int, mirror), nx, ny, nz
    device.launch("elastic_setup", "ghost_places", (nx + PAD, ny + 1, nz + 1), *args)
    return turn


def ghosts(device: Device, turn: Array, x: np.ndarray, y: np.ndarray) -> Scattered:
    """Extrapolate linearly from existing displacements to missing ones beside them.

    Rows of the matrix are the missing ones. u is extended along y, v along x, w along both (twice,
    for corners): the directions in which they lie at centres. turn: from `ghost_places`.
    """
    ways = (0, 1, (1,)), (1, 1, (0,)), (2, 1, (0, 1)), (2, 2, (0, 1))
    found = [_extended(device, turn, a, now, axes, (x, y)) for a, now, axes in ways]
    rows, columns, values = (np.concatenate(a) for a in zip(*found, strict=True))
    at, number = numbered(np.concatenate([rows, columns]))
    row, column = np.split(number, 2)
    later = np.zeros(len(row), bool)
    later[len(row) - len(found[3][0]) :] = True
    missing = np.zeros(len(at), bool)
    missing[row] = True

    def matrix(on: np.ndarray) -> Csr:
        return Csr.of(row[on], column[on], values[on], (len(at),) * 2)

    first, second = matrix(~later), matrix(later)
    onward = second @ first  # from indices that were filled in the first turn
    F = first + matrix(later & ~missing[column]) + onward
    return Scattered(at, F.without_zeros())


def _extended(
    device: Device,
    turn: Array,
    a: int,
    now: int,
    axes: tuple[int, ...],
    lines: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, ...]:
    """Extrapolate component a to its missing indices of turn `now`: rows, columns and values.

    ghost = (1 + t) near - t far; a single neighbour is repeated (t = 0); the mean of several.
    """
    _, _, rows, row = turn.shape
    known, found = turn[a].reshape(-1), []
    ghost = device.xp.flatnonzero(known == now)
    for axis in axes:
        for step in (1, -1):
            stride = step * (1, row)[axis]
            which = device.xp.flatnonzero(known[ghost + stride] < now)
            here = ghost[which]
            two = known[here + 2 * stride] < now
            here, two, which = (device.to_host(q) for q in (here, two, which))
            p = (here % row - 1, here // row % rows)[axis]
            centre = (lines[axis][1:] + lines[axis][:-1]) / 2
            q, r = p + step, np.where(two, p + 2 * step, p + step)
            distance = np.where(two, centre[q] - centre[r], 1)
            t = np.where(two, (centre[p] - centre[q]) / distance, 0.0)
            found.append((which, here, here + stride, here + stride * (1 + two), t))
    which, here, near, far, t = (np.concatenate(f) for f in zip(*found, strict=True))
    flat, several = a * known.size, np.bincount(which)[which]
    values = np.r_[(1 + t) / several, -t / several]
    return np.r_[here, here] + flat, np.r_[near, far] + flat, values
