"""Preconditioned conjugate gradients with a float32 preconditioner, to a true residual in float64.

    z = M^-1 r,   beta = (r . z) / (r . z before),   p = z + beta p
    alpha = (r . z) / (p . A p),   x += alpha p,   r -= alpha A p

r, p and A p are float64, or float32 on a GPU with few units for float64 (`Device.real`) and in
solves above LARGE (`machine.device`), whose memory and traffic are then less: there r is computed
anew, from b - A x in float64, whenever it has fallen by FALL, and p stays as it is (van der Vorst
and Ye, SIAM J. Sci. Comput. 22 (2000) 835, for such replacements). x is float64.
The equations are scaled by |b|, so that no power of a force leaves the range of float32.

Scalars stay on the device; the host reads one number an iteration, |r|. The residual that decides
is computed anew from b - A x. A p shares scratch memory with the preconditioner; each overwrites it
completely before reading. What a solve repeats is recorded once and replayed (on CUDA as graphs),
over several solves with the same preconditioner if the matrix keeps its form (`Kept`).
A bit that flips in memory meanwhile is harmless or found: in x, r, p and the preconditioner by the
true residual, from which the iteration begins anew; in b and in the coefficients of A, which the
residual cannot see, by sums of them before and after.
Shewchuk, An Introduction to the Conjugate Gradient Method (1994).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from warp.errors import ConvergenceError
from warp.machine.arrays import Array
from warp.machine.device import LARGE, Device
from warp.solvers.iteration import BB, WORDS, Iteration
from warp.solvers.iteration import Apply as Apply
from warp.solvers.iteration import Preconditioner as Preconditioner
from warp.solvers.iteration import System as System

Progress = Callable[[int, float], None]
"""Called with the number of an iteration and the relative residual after it."""
PATIENCE = 500
"""Iterations in which the residual must fall to a tenth; slower than that counts as a failure."""
ASTRAY = 100.0
"""Times that the true residual exceeds the updated one where x or r was changed in memory."""
FALL = 100.0
"""Fall of a residual in float32 after which it is replaced by the true one."""
UNSETTLED = 3
"""Replacements in a row that leave the residual as it was, after which float64 goes on."""
KEPT = 4_000_000
"""Unknowns up to which a record is kept: with more, recording takes no part of a solve."""


@dataclass(frozen=True)
class Control:
    """When a solve ends, and what it calls after every iteration."""

    tolerance: float = 1e-8
    """Of |b - A x| / |b|."""
    progress: Progress | None = None


DEFAULT = Control()


@dataclass
class Kept:
    """The record of the last solve, for the next one with the same preconditioner.

    `taken`: the arrays whose numbers it has.
    """

    record: _Record | None = None
    taken: list[Array] = field(default_factory=list)

    def follow(self, device: Device, system: System, cycle: Preconditioner) -> _Record:
        """Return a record of a solve: the present one if it serves, or a new one."""
        A = system.matrix
        if A is None or cycle.fine.x.size > KEPT:
            self.forget()
            return _Record(device, system, cycle)
        stored = list(A.stored())
        own = None if self.record is None else self.record.iteration.system
        if own is None or not self._repeats(own, system, cycle, stored):
            self.forget()  # its memory goes before the new one is made
            own = System.of(system.name, A.copied(), system.b.copy())
            self.record = _Record(device, own, cycle, kept=True)
        elif own.matrix is not None:
            own.b[...] = system.b
            for mine, other, last in zip(own.matrix.stored(), stored, self.taken, strict=True):
                if other is not last:
                    mine[...] = other
        self.taken = stored
        assert self.record is not None
        return self.record

    def forget(self) -> None:
        """Release the record."""
        self.record = None
        self.taken = []

    def _repeats(
        self, own: System, system: System, cycle: Preconditioner, stored: Sequence[Array]
    ) -> bool:
        """Tell whether a solve differs from the last one by the numbers in its arrays alone."""
        assert self.record is not None and own.matrix is not None
        forms = [[(a.shape, a.dtype) for a in arrays] for arrays in (own.matrix.stored(), stored)]
        same = type(own.matrix) is type(system.matrix) and forms[0] == forms[1]
        return same and self.record.iteration.cycle is cycle


def solve(
    device: Device,
    system: System,
    cycle: Preconditioner,
    control: Control,
    x: Array | None = None,
    forcing: float = 0.0,
    kept: Kept | None = None,
) -> tuple[Array, list[float]]:
    """Solve A x = b; return x and the history of |r| / |b|, its last entry computed from b - A x.

    x: the start (default 0). forcing: stop at this share of the first residual even
    if the tolerance is not reached. kept: a record that solves share. Raises ConvergenceError when
    the residual stagnates (PATIENCE), or when A or b is not what it was at the start.
    """
    record = kept.follow(device, system, cycle) if kept else _Record(device, system, cycle)
    begin = record.begin(x)
    if begin.b == 0:
        return device.zeros(cycle.fine.x.shape), [0.0]
    history = [1.0 if x is None else record.true_residual()]
    tolerance = control.tolerance
    if history[0] > tolerance:
        tolerance = max(tolerance, forcing * history[0])
    while not history[-1] <= tolerance:
        if _stagnates(history):
            reached = f"residual {history[-1]:.1e} after {len(history) - 1} iterations"
            raise ConvergenceError(f"{system.name}: {reached}, {tolerance:.0e} wanted")
        history.append(record.iterate(tolerance))
        if control.progress:
            control.progress(len(history) - 1, history[-1])
    if record.measure() != begin:
        raise ConvergenceError(
            f"{system.name}: its equations have changed in memory during the solve: "
            "run it again, and test this machine's memory if it happens again"
        )
    return record.solution(), history


def _stagnates(history: list[float]) -> bool:
    """Return True if the last PATIENCE residuals gained no digit, or the last one is not finite."""
    if not np.isfinite(history[-1]):
        return True
    return len(history) > PATIENCE and min(history[-PATIENCE:]) > 0.1 * min(history[:-PATIENCE])


class Measure(NamedTuple):
    """Norm of b, and sum of the words of A: neither may change during a solve."""

    b: float
    words: float


class _Record:
    """Recorded parts of a solve: the measure of the equations, an iteration, r = b - A x."""

    def __init__(
        self, device: Device, system: System, cycle: Preconditioner, kept: bool = False
    ) -> None:
        """kept: for several solves, so that the solution needs memory of its own."""
        self.kept = kept
        large = cycle.fine.x.size > LARGE and not device.fixed
        self._record(Iteration(device, system, cycle, np.float32 if large else device.real))

    def _record(self, iteration: Iteration) -> None:
        """Record the parts of a solve, each as a graph."""
        self.iteration, graph = iteration, iteration.device.graph
        with graph() as self.measuring:
            iteration.measure()
        with graph() as self.repeated:
            iteration.run()
        with graph() as self.replacing:
            iteration.replace()

    def begin(self, x: Array | None) -> Measure:
        """Measure the equations and start from x (default 0)."""
        iteration = self.iteration
        iteration.forget_direction()
        found = self.measure()
        self.length = found.b
        if x is None or found.b == 0:
            iteration.x[...] = 0
        else:
            iteration.device.xp.divide(x, found.b, out=iteration.x)
        self.replaced, self.unsettled = 1.0, 0
        return found

    def measure(self) -> Measure:
        """Measure the equations; leaves r = b / |b|."""
        self.iteration.fetch_b()
        self.measuring.launch()
        scalars = self.iteration.scalars()
        return Measure(float(scalars[BB]) ** 0.5, float(scalars[WORDS]))

    def iterate(self, tolerance: float) -> float:
        """Do one iteration; return the residual: a true one where it is within the tolerance."""
        self.repeated.launch()
        updated = self.iteration.residual()
        if not self.iteration.double:
            return self._settled(updated, tolerance)
        if updated > tolerance:
            return updated
        found = self.true_residual()
        if found > max(tolerance, ASTRAY * updated):
            self.iteration.forget_direction()
        return found

    def _settled(self, updated: float, tolerance: float) -> float:
        """Replace a residual in float32 that has fallen enough; go on in float64 if that fails."""
        if np.isfinite(updated):
            if updated > max(tolerance, self.replaced / FALL):
                return updated
            before, self.replaced = self.replaced, self.true_residual()
            if self.replaced > max(tolerance, ASTRAY * FALL * updated):
                self.iteration.forget_direction()
            self.unsettled = self.unsettled + 1 if self.replaced > before / 2 else 0
            if self.unsettled < UNSETTLED:
                return self.replaced
        self._record(self.iteration.in_double())
        self.iteration.forget_direction()
        self.measure()
        return self.true_residual()

    def true_residual(self) -> float:
        """Compute r = b - A x in float64, and its length."""
        self.iteration.fetch_b()
        self.replacing.launch()
        return self.iteration.residual()

    def solution(self) -> Array:
        """Return x."""
        x = self.iteration.x
        if self.kept:
            return x * self.length
        x *= self.length
        return x
