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

Write = Callable[[Array], None]
"""Called with an array of the finest level's shape, which it fills."""


class Memory(NamedTuple):
    """Float32 memory that all levels share; its content matters only while one level is smoothed.

    `directions`: as long as the finest level's vectors; `scratch`: what the smoothers need.
    """

    directions: Array
    scratch: Array


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


class Vectors:
    """Correction x, residual r and direction p of one level.

    `active`: an array of their shape, positive where an unknown exists.
    """

    def __init__(self, device: Device, active: Array, memory: Memory) -> None:
        self.device, self.active, self.shape = device, active, tuple(active.shape)
        self.x, self.r = (device.zeros(self.shape, np.float32) for _ in range(2))
        self.p = first_part(memory.directions, self.shape)
        self.scratch = memory.scratch


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
        active: Array,
        memory: Memory,
        matrix: Matrix,
        smoother: Smoother,
        smoothing: Smoothing,
    ) -> None:
        super().__init__(device, active, memory)
        self.matrix, self.smoother, self.steps = matrix, smoother, smoothing.steps
        top = smoothing.top or 1.1 * self.largest_eigenvalue(smoothing.power_iterations)
        self.centre, self.radius = top * 9 / 16, top * 7 / 16

    def largest_eigenvalue(self, iterations: int) -> float:
        """Estimate the largest eigenvalue of M^-1 A by power iterations; overwrites x, r and p.

        M solves lines along z, so that the field sought hardly varies along z; beside lines it
        alternates along x and y, beside whole columns less so. They start from one like it.
        """
        x, active = (a.reshape(-1, *self.shape[-3:]) for a in (self.x, self.active))
        _, levels, rows, row = x.shape
        args = x, active, *x.shape
        self.device.launch("multigrid", "alternating", (row, rows, levels), *args, real=np.float32)
        xp, norm = self.device.xp, self.device.xp.linalg.norm
        with self.device.graph() as graph:
            self.subtract()
            self.smoother.step(self, 0.0, 0.0, 0.0, -1.0)
        for _ in range(iterations):
            xp.divide(self.x, norm(self.x.reshape(-1)), out=self.p)
            self.r[...] = 0
            graph.launch()
        return float(norm(self.x.reshape(-1)))

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

        x + rest is rounded nowhere. A plate that bends moves far more than it strains: rounded to
        float32, its displacement would strain thin layers by more than bending does.
        """
        x = self.x
        flat = x.reshape(-1), self.p.reshape(-1), x.size
        self.device.launch("reduce", "add", (x.size, 1, 1), *flat, real=np.float32)
        write_residual(self.r)
        self.matrix.subtract(self.r, x)
        self.x = rest
        self.smooth(0.0)
        self.x = x


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
    for a second part on the finest level (`Level.correct`), which may be that of its scratch.
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
