"""The preconditioner of heat conduction: one V-cycle over levels that are coarser in x and y, never in z.

Smoother: Chebyshev steps with the z lines of the matrix (diagonal and vertical conductances) solved exactly, three before
and three after on the finest level, four on the others. (Two everywhere take as long on a package; columns two voxels wide
and three apart take 37 iterations instead of 25.) A coarse level keeps conductances: vertical ones, films and capacities
are sums over the merged voxels; lateral ones are sums over rows, in each the resistances between the coarse centres in
series. Interpolation between the coarse centres follows the same resistances in x and in y, weights renormalised over
solid cells, so that constants stay constant: a chip's edge takes nothing from the underfill beside it (linear
interpolation: 31 iterations instead of 11).
All in float32; a scale keeps the numbers near one. The cycle is a symmetric positive operator.
Alcouffe, Brandt, Dendy, Painter, SIAM J. Sci. Stat. Comput. 2 (1981) 430.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from warp.device import Device
from warp.solvers import coarsening

if TYPE_CHECKING:
    from warp.solvers.heat.operator import Operator

_DENSE = 500  # unknowns solved directly on the coarsest level: an inverse of 1 MB


class Cycle:
    """One V-cycle as a symmetric positive preconditioner in float32."""

    def __init__(self, A: Operator) -> None:
        self.levels: list[_Level] = [_Fine(A)]
        self.coarser: list[_Coarse] = []
        while max(self.levels[-1].columns) > 1 and self.levels[-1].unknowns > _DENSE:
            self.coarser.append(_Coarse(self.levels[-1]))
            self.levels.append(self.coarser[-1])
        self.bottom = _inverse(self.levels[-1])
        self.places = A.device.asarray(np.arange(self.levels[-1].unknowns), np.int64)
        for level in self.levels[:-1]:
            level.find_interval()

    @property
    def fine(self) -> _Level:
        """The level that holds r and x."""
        return self.levels[0]

    @property
    def idle(self) -> Any:
        """Memory that `run` overwrites."""
        return self.fine.idle.reshape(-1)

    def run(self) -> None:
        """Do one cycle: fine.x from fine.r."""
        self._descend(0)

    def _descend(self, n: int) -> None:
        level = self.levels[n]
        if n == len(self.levels) - 1:
            if self.bottom is None:
                level.lines(0.0, 0.0, 0.0, 1.0)  # one column: a line is the whole problem
            else:
                n = level.unknowns
                args = (level.x.reshape(-1), level.r.reshape(-1), self.bottom, self.places, n)
                level.device.launch("multigrid", "dense_rows", (n, 1, 1), *args, real=np.float32)
            return
        level.smooth(0.0)
        coarse = self.coarser[n]
        coarse.restrict(level)
        self._descend(n + 1)
        coarse.prolong(level)
        level.subtract()
        level.smooth(1.0)


class _Level:
    """Arrays that every level has: correction x, residual r, inverse pivots of the z lines; idle between two runs:
    direction p.
    """

    steps = 4

    def __init__(self, device: Device, shape: tuple[int, int, int]) -> None:
        self.device, self.shape = device, shape
        self.lines_xy: tuple[np.ndarray, np.ndarray]
        self.x, self.r, self.pivot = (device.zeros(shape, np.float32) for _ in range(3))
        self.idle = device.zeros((2, *shape), np.float32)
        self.p = self.idle[0]

    @property
    def columns(self) -> tuple[int, int]:
        return self.shape[1:]

    @property
    def unknowns(self) -> int:
        return int(np.prod(self.shape))

    @property
    def sizes(self) -> tuple[int, int, int]:
        return self.shape[::-1]

    def run(self, function: str, *args, own: int = 0) -> None:
        nz, ny, nx = self.shape
        module = "heat_level" if function.startswith("level_") else "heat"
        self.device.launch(module, function, (nx, ny, 1), *args, real=np.float32, own=own)

    def subtract(self) -> None:
        """r -= A p."""
        raise NotImplementedError

    def lines(self, keep: float, old: float, a: float, b: float) -> None:
        """x = keep x + old p, p = a p + b M^-1 r, x += p, M the z lines; with keep < 0 the new p is not yet added."""
        raise NotImplementedError

    def coarsen(self, coarse: _Coarse) -> None:
        """Fill the coarse level's conductances from this level's."""
        raise NotImplementedError

    def find_interval(self) -> None:
        """Chebyshev interval [b / 8, b] of M^-1 A, b from power iterations and never above 2 (Gershgorin: A <= 2 M)."""
        flat = self.x.reshape(-1), self.pivot.reshape(-1), self.x.size
        self.device.launch("multigrid", "noise", (self.x.size, 1, 1), *flat, real=np.float32)
        xp, norm = self.device.xp, self.device.xp.linalg.norm
        for _ in range(8):
            xp.divide(self.x, norm(self.x.reshape(-1)), out=self.p)
            self.r[...] = 0
            self.subtract()
            self.lines(0.0, 0.0, 0.0, -1.0)
        top = min(1.1 * float(norm(self.x.reshape(-1))), 2.0)
        self.centre, self.radius = top * 9 / 16, top * 7 / 16

    def smooth(self, keep: float) -> None:
        """Chebyshev steps from x + p (keep = 1) or from 0; r follows when they come first. p is added to x where it is read."""
        s = self.centre / self.radius
        rho = 1 / s
        late = keep == 0 and self.steps > 1
        self.lines(-1.0 if late else keep, keep, 0.0, 1 / self.centre)
        for _ in range(1, self.steps):
            self.subtract()
            following = 1 / (2 * s - rho)
            kept, old = (0.0, 1.0) if late else (1.0, 0.0)
            self.lines(kept, old, following * rho, 2 * following / self.radius)
            rho, late = following, False
        if keep == 0:
            self.subtract()


class _Fine(_Level):
    """The operator itself, in float32, from material ids."""

    steps = 3

    def __init__(self, A: Operator) -> None:
        super().__init__(A.device, A.shape)
        self.A, self.grid = A, A.model.grid
        self.lines_xy = (np.asarray(self.grid.x), np.asarray(self.grid.y))
        self.run("heat_lateral", self.pivot, *A.arguments(np.float32))
        cell, g, n = A.films(np.float32)
        A.device.launch(
            "heat", "film_add", (n, 1, 1), self.pivot.reshape(-1), cell, g, n, real=np.float32
        )
        self.run("heat_factor", self.pivot, *A.arguments(np.float32))

    def subtract(self) -> None:
        self.A.apply(self.r, self.p, 1.0, -1.0)

    def lines(self, keep: float, old: float, a: float, b: float) -> None:
        fields = (self.x, self.p, self.r, self.pivot)
        self.run(
            "heat_lines",
            *fields,
            *self.A.arguments(np.float32),
            keep,
            old,
            a,
            b,
            own=2 * self.shape[0],
        )

    def coarsen(self, coarse: _Coarse) -> None:
        args = (*coarse.conductances, *self.A.arguments(np.float32)[:5], *coarse.merging)
        coarse.run("heat_coarsen", *args, *coarse.sizes[:2], *self.sizes)
        args = (
            *coarse.weights,
            *self.A.arguments(np.float32)[:5],
            *coarse.lower,
            *coarse.linear,
            *coarse.merging,
        )
        self.run("heat_weights", *args, *coarse.sizes[:2], *self.sizes)
        films = _merge_films(self.A, coarse)  # part of f from here on
        cell, g, n = (
            self.device.asarray(films[0], np.int64),
            self.device.asarray(films[1], np.float32),
            len(films[0]),
        )
        self.device.launch(
            "heat", "film_add", (n, 1, 1), coarse.f.reshape(-1), cell, g, n, real=np.float32
        )


class _Coarse(_Level):
    """A level with merged columns and stored conductances."""

    def __init__(self, fine: _Level) -> None:
        x, y = fine.lines_xy
        keep_x, keep_y = coarsening.next_lines(x, y)
        super().__init__(fine.device, (fine.shape[0], len(keep_y) - 1, len(keep_x) - 1))
        self.lines_xy = (x[keep_x], y[keep_y])
        self.fine_sizes = fine.sizes
        put, device = self.device.asarray, self.device
        mx, my, _ = self.sizes
        tx, ty = _transfer(x, keep_x), _transfer(y, keep_y)
        self.merging = tuple(put(a, np.int32) for a in (keep_x, keep_y)) + tuple(
            put(_reach(lines, keep), np.float32) for lines, keep in ((x, keep_x), (y, keep_y))
        )
        self.lower = tuple(put(a, np.int32) for a in (tx.at, ty.at))
        self.linear = tuple(put(a, np.float32) for a in (tx.t, ty.t))
        self.weights = tuple(device.empty(fine.shape, np.float32) for _ in range(2))
        self.support = tuple(put(_support(w.at, m), np.int32) for w, m in ((tx, mx), (ty, my)))
        self.conductances = tuple(device.zeros(self.shape, np.float32) for _ in range(4))
        self.gx, self.gy, self.gz, self.f = self.conductances
        self.keep = keep_x, keep_y
        fine.coarsen(self)
        self.run("level_lateral", self.pivot, self.gx, self.gy, self.f, *self.sizes)
        self.run("level_factor", self.pivot, self.gz, *self.sizes)

    def subtract(self) -> None:
        self.run("level_apply", self.r, self.p, *self.conductances, *self.sizes, 1.0, -1.0)

    def lines(self, keep: float, old: float, a: float, b: float) -> None:
        fields = (self.x, self.p, self.r, self.pivot)
        self.run(
            "level_lines", *fields, self.gz, *self.sizes, keep, old, a, b, own=2 * self.shape[0]
        )

    def coarsen(self, coarse: _Coarse) -> None:
        args = (*coarse.conductances, *self.conductances, *coarse.merging)
        coarse.run("level_coarsen", *args, *coarse.sizes[:2], *self.sizes)
        args = (*coarse.weights, self.gx, self.gy, *coarse.lower, *coarse.linear, *coarse.merging)
        self.run("level_weights", *args, *coarse.sizes[:2], *self.sizes)

    def restrict(self, fine: _Level) -> None:
        """r = P^T fine.r."""
        sizes = (*self.sizes[:2], *self.fine_sizes)
        self.run(
            "level_restrict",
            self.r,
            fine.r,
            self.pivot,
            *self.weights,
            *self.lower,
            *self.support,
            *sizes,
        )

    def prolong(self, fine: _Level) -> None:
        """fine.p = P x, not yet added to fine.x."""
        sizes = (*self.sizes[:2], *self.fine_sizes)
        fine.run(
            "level_prolong",
            fine.p,
            self.x,
            self.pivot,
            fine.pivot,
            *self.weights,
            *self.lower,
            *sizes,
        )


def _transfer(lines: np.ndarray, keep: np.ndarray) -> coarsening.Weights:
    """Interpolation weights of cell centres, constant beyond the outermost coarse centre (no flux leaves there)."""
    w = coarsening.centre_weights(lines, keep, False)
    return coarsening.Weights(w.at, np.clip(w.t, 0, 1))


def _support(at: np.ndarray, count: int) -> np.ndarray:
    """First and end of the fine cells that see each coarse cell, one after the other."""
    coarse = np.arange(count)
    return np.concatenate(
        (np.searchsorted(at, coarse - 1, "left"), np.searchsorted(at, coarse, "right"))
    )


def _reach(lines: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """(4, coarse cells), across each coarse line, for its two cells: the share of the face inside the cell that lies
    between the coarse centre and the line, and the same length in centre distances across the line; 0 where a cell is
    not merged, and at the last line."""
    centre, width, count = (lines[1:] + lines[:-1]) / 2, np.diff(lines), len(keep) - 1
    reach = np.zeros((4, count))
    for n, line in enumerate(keep[1:-1]):
        across = centre[line] - centre[line - 1]
        for side, cell, far in ((0, n, line - 2), (1, n + 1, line + 1)):
            if keep[cell + 1] - keep[cell] == 2:
                between = width[far] / 2  # from the coarse centre to that of the cell at the line
                inside = (width[far] + width[line - 1 if side == 0 else line]) / 2
                reach[side, n], reach[side + 2, n] = between / inside, between / across
    return reach


def _merge_films(A: Operator, coarse: _Coarse) -> tuple[np.ndarray, np.ndarray]:
    """Film conductances summed over the merged cells of the first coarse level."""
    keep_x, keep_y = coarse.keep
    k, j, i = np.unravel_index(A.surroundings.cell, A.shape)
    at = (k, np.searchsorted(keep_y, j, "right") - 1, np.searchsorted(keep_x, i, "right") - 1)
    cell, where = np.unique(np.ravel_multi_index(at, coarse.shape), return_inverse=True)
    return cell, np.bincount(where, A.surroundings.conductance, len(cell))


def _inverse(level: _Level):
    """The inverse of a small level's matrix, void as identity; None for a single column of any height."""
    if level.unknowns > _DENSE:
        return None
    n, device = level.unknowns, level.device
    k, j, i = np.indices(level.shape)
    colour = (i + 2 * j + 3 * k) % 7  # a voxel and its six neighbours all differ
    seen = np.empty((7, n))
    for c in range(7):
        level.p[...] = device.asarray((colour == c).astype(np.float32))
        level.r[...] = 0
        level.subtract()
        seen[c] = -device.to_host(level.r).reshape(-1)
    matrix = np.zeros((n, n))
    here = np.arange(n).reshape(level.shape)
    matrix[here, here] = np.take_along_axis(seen, colour.reshape(1, -1), 0).reshape(level.shape)
    for axis, turn in ((2, 1), (1, 2), (0, 3)):
        low = here.take(range(level.shape[axis] - 1), axis).reshape(-1)
        high = here.take(range(1, level.shape[axis]), axis).reshape(-1)
        matrix[low, high] = matrix[high, low] = seen[(colour.reshape(-1)[low] + turn) % 7, low]
    void = device.to_host(level.pivot).reshape(-1) == 0
    matrix[void, void] = 1
    return device.asarray(np.linalg.inv(matrix), np.float32)
