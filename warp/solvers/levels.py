"""Multigrid on any grid: Chebyshev smoothing on one level, and the V-cycle over all of them.

    p = a p + b M^-1 r,   x += p,   r -= A p

M is the smoother's approximation of A that is solved exactly (z lines, cell columns). The
Chebyshev coefficients a, b damp the eigenvalues of M^-1 A in [top/8, top], top known or from power
iterations. Heat conduction and elasticity supply the matrices, the smoothers, the transfers between
levels and the direct solution on the coarsest one. All in float32; with as many steps before as
after the coarser level, the cycle is a symmetric positive operator.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device

MOST_IN_P = 2
"""Steps whose sum a direction can hold: p2 = a p1 + b M^-1 r, and p1 + p2 likewise."""
IN_RANGE = 2
"""Power iterations after which a vector is scaled: its square must stay in float32's range."""

Write = Callable[[Array], None]
"""Called with an array of the finest level's shape, which it fills."""


class Memory(NamedTuple):
    """Float32 memory that all levels share; its content matters only while one level is smoothed.

    `directions`: as long as the finest level's vectors; `scratch`: what the smoothers need.
    `pair`: x and r of a level, if they lie in memory that is free while coarser levels are at work.
    """

    directions: Array
    scratch: Array
    pair: tuple[Array, Array] | None = None


class Matrix(Protocol):
    """A of one level in float32."""

    def subtract(self, r: Array, p: Array) -> None:
        """Compute r -= A p."""


class Smoother(Protocol):
    """M of one level."""

    def step(self, level: Vectors, keep: float, old: float, a: float, b: float) -> None:
        """Compute x = keep x + old p, p = a p + b M^-1 r, x += p on the level's vectors.

        With keep < 0, x stays as it is and the new p is not yet added.
        """


class Unknowns(NamedTuple):
    """Where a level has unknowns: `active` (.., rows stored, columns) is positive there.

    `row` (rows,): which of the stored rows each row of the level has.
    """

    active: Array
    row: Array

    @classmethod
    def of(cls, device: Device, active: Array) -> Unknowns:
        """Take an array that stores every row."""
        return cls(active, device.asarray(np.arange(active.shape[-2]), np.int32))

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of the level's vectors."""
        return *self.active.shape[:-2], len(self.row), self.active.shape[-1]


class Vectors:
    """Correction x, residual r and direction p of one level.

    `active`, `row`: where unknowns exist (`Unknowns`).
    """

    def __init__(self, device: Device, unknowns: Unknowns, memory: Memory) -> None:
        self.device, self.shape = device, unknowns.shape
        self.active, self.row = unknowns
        if memory.pair is None:
            self.x, self.r = (device.zeros(self.shape, np.float32) for _ in range(2))
        else:
            self.x, self.r = (first_part(own, self.shape) for own in memory.pair)
        self.p = first_part(memory.directions, self.shape)
        self.scratch = memory.scratch

    def mask(self, x: Array) -> None:
        """Set a vector of the level to zero at indices without an unknown."""
        self.launch_at_unknowns("mask", x)

    def launch_at_unknowns(self, function: str, x: Array) -> None:
        """Run kernel multigrid.noise or mask on a vector of the level."""
        *planes, rows, n = self.shape
        count = int(np.prod(planes))
        active = self.active.reshape(count, -1, n)
        args = x.reshape(count, rows, n), active, self.row, count, rows, n
        self.device.launch("multigrid", function, (n, rows, count), *args, real=np.float32)


def first_part(memory: Array, shape: tuple[int, ...]) -> Array:
    """View the beginning of an array's memory as an array of `shape`."""
    return memory.reshape(-1)[: int(np.prod(shape))].reshape(shape)


@dataclass(frozen=True)
class Smoothing:
    """Chebyshev steps before and after the coarser level, and how their interval is found.

    `top`: the largest eigenvalue of M^-1 A where it is known; else power iterations estimate it.
    """

    steps: int
    top: float | None = None
    power_iterations: int = 12


class Level(Vectors):
    """A level that is smoothed."""

    def __init__(
        self,
        device: Device,
        unknowns: Unknowns,
        memory: Memory,
        matrix: Matrix,
        smoother: Smoother,
        smoothing: Smoothing,
    ) -> None:
        super().__init__(device, unknowns, memory)
        self.matrix, self.smoother, self.steps = matrix, smoother, smoothing.steps
        top = smoothing.top or 1.1 * self.largest_eigenvalue(smoothing.power_iterations)
        self.centre, self.radius = top * 9 / 16, top * 7 / 16

    def largest_eigenvalue(self, iterations: int) -> float:
        """Estimate the largest eigenvalue of M^-1 A by power iterations; overwrites r and p."""
        norm, p = self.device.xp.linalg.norm, self.p.reshape(-1)
        self.launch_at_unknowns("noise", self.p)
        with self.device.graph() as graph:
            self.subtract()
            self.smoother.step(self, -1.0, 0.0, 0.0, -1.0)  # x is not needed
        for n in range(iterations):
            if n % IN_RANGE == 0 or n == iterations - 1:
                p /= norm(p)
            self.r[...] = 0
            graph.launch()
        return float(norm(p))

    def subtract(self) -> None:
        """Compute r -= A p."""
        self.matrix.subtract(self.r, self.p)

    def smooth(self, keep: float, update: bool = False) -> None:
        """Do the Chebyshev steps, from x + p (keep = 1) or from x = 0 (keep = 0).

        p is added to x in the pass that reads x next. update: leave the residual in r.
        """
        s = self.centre / self.radius
        rho = 1 / s
        late = keep == 0 and self.steps > 1
        self.smoother.step(self, -1.0 if late else keep, keep, 0.0, 1 / self.centre)
        for _ in range(1, self.steps):
            self.subtract()
            following = 1 / (2 * s - rho)
            new, old = (0.0, 1.0) if late else (1.0, 0.0)
            b = 2 * following / self.radius
            self.smoother.step(self, new, old, following * rho, b)
            rho, late = following, False
        if update:
            self.subtract()

    def correct(self, rest: Array, write_residual: Write) -> None:
        """Smooth after the coarser level: rest = smoothed residual of x + p, x = x + p.

        rest: memory of its own, or that of p if the level has two steps at most (`MOST_IN_P`).

        x + rest is rounded nowhere. A plate that bends moves far more than it strains: rounded to
        float32, its displacement would strain thin layers by more than bending does.
        """
        x = self.x
        flat = x.reshape(-1), self.p.reshape(-1), x.size
        self.device.launch("reduce", "add", (x.size, 1, 1), *flat, real=np.float32)
        write_residual(self.r)
        self.matrix.subtract(self.r, x)
        if rest is self.p:
            self._smooth_in_p()
            return
        self.x = rest
        self.smooth(0.0)
        self.x = x

    def _smooth_in_p(self) -> None:
        """Do the Chebyshev steps from 0, two at most; leaves their sum in p, and x as it is."""
        s = self.centre / self.radius
        self.smoother.step(self, -1.0, 0.0, 0.0, 1 / self.centre)
        if self.steps > 1:
            self.subtract()
            rho = 1 / (2 * s - 1 / s)
            self.smoother.step(self, -1.0, 0.0, 1 + rho / s, 2 * rho / self.radius)


class Transfer(Protocol):
    """Interpolation P between two neighbouring levels."""

    def restrict(self, fine: Vectors, coarse: Vectors) -> None:
        """Compute coarse.r = P^T fine.r."""

    def prolong(self, coarse: Vectors, fine: Vectors) -> None:
        """Compute fine.p = P coarse.x, not yet added to fine.x."""


class Coarsest(Vectors, ABC):
    """The level that is solved directly."""

    @abstractmethod
    def solve(self) -> None:
        """Compute x = A^-1 r."""


class Cycle:
    """One V-cycle as a preconditioner: the sum of `parts` from the residual on the finest level.

    `transfers[n]` connects level n with the next coarser one, at last the coarsest. rest: memory
    for a second part on the finest level (`Level.correct`), which may be that of its direction, or
    of its scratch and of coarser levels.
    """

    def __init__(
        self,
        smoothed: Sequence[Level],
        coarsest: Coarsest,
        transfers: Sequence[Transfer],
        idle: Array,
        rest: Array | None = None,
    ) -> None:
        self.smoothed, self.coarsest = smoothed, coarsest
        self.transfers, self.idle = transfers, idle
        self.levels: list[Vectors] = [*smoothed, coarsest]
        self.fine = self.levels[0]
        self.rest = rest if smoothed else None
        self.parts = (self.fine.x,) if self.rest is None else (self.fine.x, self.rest)

    def run(self, write_residual: Write) -> None:
        """Do one cycle. write_residual(out): writes the residual, whenever it is wanted."""
        write_residual(self.fine.r)
        if not self.smoothed:
            self.coarsest.solve()
            return
        level = self.smoothed[0]
        self._correct_from_coarser(0)
        if self.rest is None:
            level.subtract()
            level.smooth(1.0)
        else:
            level.correct(self.rest, write_residual)

    def _descend(self, n: int) -> None:
        if n == len(self.smoothed):
            self.coarsest.solve()
            return
        level = self.smoothed[n]
        self._correct_from_coarser(n)
        level.subtract()
        level.smooth(1.0)

    def _correct_from_coarser(self, n: int) -> None:
        """Smooth level n, and interpolate to its p what coarser levels correct."""
        level, transfer, coarser = self.smoothed[n], self.transfers[n], self.levels[n + 1]
        level.smooth(0.0, update=True)
        transfer.restrict(level, coarser)
        self._descend(n + 1)
        transfer.prolong(coarser, level)
