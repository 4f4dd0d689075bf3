"""Interpolation of displacements from a coarse grid to the next finer one, and its transpose.

Along x and y each component stands on lines or at centres; it is interpolated linearly at the true coordinates. Where a
coarse displacement does not exist beside one that does (a part's edge), it is first filled in by linear extrapolation, so
that the shear strain of an interpolated field is the interpolated shear strain: bending without shear stays that.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from warp.device import Device
from warp.solvers import coarsening
from warp.solvers.elastic.layout import PAD, displacement_shape
from warp.solvers.sparse import Scattered, numbered

ON_LINES = ((True, False), (False, True), (False, False))
"""Do u, v, w stand on lines along x, along y?"""


@dataclass(frozen=True)
class Merge:
    """Two grids of one column plane: the finer lines x, y and the indices of those that survive."""

    x: np.ndarray
    y: np.ndarray
    keep_x: np.ndarray
    keep_y: np.ndarray
    mirror: tuple[bool, bool]

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray, mirror: tuple[bool, bool]) -> "Merge":
        return cls(x, y, *coarsening.next_lines(x, y), mirror)

    @property
    def coarse(self) -> tuple[np.ndarray, np.ndarray]:
        return self.x[self.keep_x], self.y[self.keep_y]

    def weights(self, axis: int, on_lines: bool) -> coarsening.Weights:
        lines, keep = (self.x, self.keep_x) if axis == 0 else (self.y, self.keep_y)
        if on_lines:
            return coarsening.line_weights(lines, keep)
        return coarsening.centre_weights(lines, keep, self.mirror[axis])

    def transposed(self, axis: int, on_lines: bool) -> tuple[np.ndarray, np.ndarray]:
        """First fine index and weights (width, coarse) of every coarse place."""
        count = len(self.keep_x if axis == 0 else self.keep_y) - (not on_lines)
        return transpose(self.weights(axis, on_lines), count)

    def shares(self, axis: int) -> tuple[np.ndarray, np.ndarray]:
        """First fine index and weights (width, coarse) of every coarse centre: its share in fine values, never negative."""
        w = self.weights(axis, False)
        share = abs(w.t) / (abs(w.t) + abs(1 - w.t))
        return transpose(
            coarsening.Weights(w.at, share), len(self.keep_x if axis == 0 else self.keep_y) - 1
        )


def transpose(w: coarsening.Weights, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Turn fine[i] = (1-t) coarse[at] + t coarse[at+1] into coarse[I] = sum over m of weight[m, I] fine[start[I] + m]."""
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
    """The arguments of kernels multigrid.prolong (at, t) and multigrid.restrict (start, weight) for three components."""

    atx: np.ndarray
    tx: np.ndarray
    aty: np.ndarray
    ty: np.ndarray
    startx: np.ndarray
    weightx: np.ndarray
    starty: np.ndarray
    weighty: np.ndarray


def gather(merge: Merge) -> Gather:
    """Lay the weights out as the solver's arrays are laid out."""
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


def ghost_places(device: Device, ids: Any, mirror: tuple[bool, bool]) -> Any:
    """In which turn a missing displacement is extrapolated: (3, nz+1, ny+1, nx+3), 0 where it exists, 3 never.

    ids (nz+2, ny+2, nx+3): 0 in void.
    """
    nz, ny, nx = ids.shape[0] - 2, ids.shape[1] - 2, ids.shape[2] - PAD
    turn = device.empty(displacement_shape(nx, ny, nz), np.uint8)
    device.launch(
        "elastic_setup",
        "ghost_places",
        (nx + PAD, ny + 1, nz + 1),
        turn,
        ids,
        *map(int, mirror),
        nx,
        ny,
        nz,
    )
    return turn


def ghosts(device: Device, turn: Any, x: np.ndarray, y: np.ndarray) -> Scattered:
    """Extrapolate linearly from existing displacements to missing ones beside them (rows: the missing ones).

    u is extended along y, v along x, w along both (twice, for corners): the directions in which they stand at centres.
    turn: from `ghost_places`.
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

    def matrix(on: np.ndarray) -> sparse.csr_matrix:
        return sparse.csr_matrix((values[on], (row[on], column[on])), shape=(len(at),) * 2)

    first, second = matrix(~later), matrix(later)
    onward = second @ first  # from places that the first turn has filled
    F = first + matrix(later & ~missing[column]) + onward
    F.eliminate_zeros()
    F.sort_indices()
    return Scattered(at, F)


def _extended(
    device: Device, turn: Any, a: int, now: int, axes: tuple[int, ...], lines: tuple
) -> tuple[np.ndarray, ...]:
    """Extrapolations of component a to its missing places of turn `now`: rows, columns and values.

    ghost = (1 + t) near - t far; a single neighbour is repeated (t = 0). The mean where there are several.
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
            p, centre = (
                (here % row - 1, here // row % rows)[axis],
                (lines[axis][1:] + lines[axis][:-1]) / 2,
            )
            q, r = p + step, np.where(two, p + 2 * step, p + step)
            t = np.where(
                two, (centre[p] - centre[q]) / np.where(two, centre[q] - centre[r], 1), 0.0
            )
            found.append((which, here, here + stride, here + stride * (1 + two), t))
    which, here, near, far, t = (np.concatenate(f) for f in zip(*found, strict=True))
    flat, several = a * known.size, np.bincount(which)[which]
    return np.r_[here, here] + flat, np.r_[near, far] + flat, np.r_[(1 + t) / several, -t / several]
