"""Interpolation of displacements from a coarse grid to the next finer one, and its transpose.

Along x and y each component stands on lines or at centres; it is interpolated linearly at the true coordinates. Where a
coarse displacement does not exist beside one that does (a part's edge), it is first filled in by linear extrapolation, so
that the shear strain of an interpolated field is the interpolated shear strain: bending without shear stays that.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from warp import coarsen
from warp.free_edges import PAD, displacement_shape

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
        return cls(x, y, *coarsen.next_lines(x, y), mirror)

    @property
    def coarse(self) -> tuple[np.ndarray, np.ndarray]:
        return self.x[self.keep_x], self.y[self.keep_y]

    def weights(self, axis: int, on_lines: bool) -> coarsen.Weights:
        lines, keep = (self.x, self.keep_x) if axis == 0 else (self.y, self.keep_y)
        if on_lines:
            return coarsen.line_weights(lines, keep)
        return coarsen.centre_weights(lines, keep, self.mirror[axis])

    def transposed(self, axis: int, on_lines: bool) -> tuple[np.ndarray, np.ndarray]:
        """First fine index and weights (width, coarse) of every coarse place."""
        count = len(self.keep_x if axis == 0 else self.keep_y) - (not on_lines)
        return transpose(self.weights(axis, on_lines), count)

    def shares(self, axis: int) -> tuple[np.ndarray, np.ndarray]:
        """First fine index and weights (width, coarse) of every coarse centre: its share in fine values, never negative."""
        w = self.weights(axis, False)
        share = abs(w.t) / (abs(w.t) + abs(1 - w.t))
        return transpose(coarsen.Weights(w.at, share), len(self.keep_x if axis == 0 else self.keep_y) - 1)


def transpose(w: coarsen.Weights, count: int) -> tuple[np.ndarray, np.ndarray]:
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


def ghosts(active: np.ndarray, x: np.ndarray, y: np.ndarray, mirror: tuple[bool, bool]) -> sparse.csr_matrix:
    """Extrapolate linearly from active displacements to missing ones beside them (rows: the missing ones).

    u is extended along y, v along x, w along both (twice, for corners): the directions in which they stand at centres.
    """
    nx, ny = len(x) - 1, len(y) - 1
    shape = displacement_shape(nx, ny, active.shape[1] - 1)
    size = int(np.prod(shape))
    index = np.arange(size).reshape(shape)
    centres = {1: (y[1:] + y[:-1]) / 2, 2: (x[1:] + x[:-1]) / 2}
    exists = active.ravel()
    F = sparse.csr_matrix((size, size))
    for a, axes, passes in ((0, (1,), 1), (1, (2,), 1), (2, (1, 2), 2)):
        here = (slice(None), slice(0, ny + (a == 1)), slice(1, nx + (a == 0) + 1))
        on, number = active[a][here].copy(), index[a][here]
        if a == 0 and mirror[0]:  # held, not missing
            on[..., 0] = on[..., 1]
        if a == 1 and mirror[1]:
            on[:, 0] = on[:, 1]
        for _ in range(passes):
            found = [_beside(on, number, axis, step, centres[axis]) for axis in axes for step in (1, -1)]
            ghost, near, far, t = (np.concatenate(f) for f in zip(*found, strict=True))
            times = np.bincount(ghost, minlength=size)
            value = np.r_[1 + t, -t] / np.r_[times[ghost], times[ghost]]
            step = sparse.csr_matrix((value, (np.r_[ghost, ghost], np.r_[near, far])), shape=(size, size))
            onward = step @ F  # from places that an earlier pass has filled
            step.data *= exists[step.indices]
            F = F + step + onward
            on |= times[number] > 0
    F.eliminate_zeros()
    return F


def _beside(on: np.ndarray, number: np.ndarray, axis: int, step: int, centre: np.ndarray) -> tuple:
    """Missing values whose neighbour at +-1 exists: their numbers, the two neighbours to extrapolate from, and how far.

    ghost = (1 + t) near - t far; a single neighbour is repeated (t = 0).
    """
    on, number = np.moveaxis(on, axis, 2), np.moveaxis(number, axis, 2)
    n = on.shape[2]
    here, there = (slice(0, -1), slice(1, None)) if step > 0 else (slice(1, None), slice(0, -1))
    k, m, p = np.nonzero(~on[..., here] & on[..., there])
    p = p + (step < 0)
    q = p + step
    r = np.clip(q + step, 0, n - 1)
    two = (r != q) & on[k, m, r]
    r = np.where(two, r, q)
    t = np.where(two, (centre[p] - centre[q]) / np.where(two, centre[q] - centre[r], 1), 0.0)
    return number[k, m, p], number[k, m, q], number[k, m, r], t
