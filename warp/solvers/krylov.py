"""Preconditioned conjugate gradients with a float32 preconditioner, to a true residual in float64.

    z = M^-1 r,   beta = (r . z) / (r . z before),   p = z + beta p
    alpha = (r . z) / (p . A p),   x += alpha p,   r -= alpha A p

r, p and A p are float64, or float32 on a GPU with few units for float64 (`Device.reals`): there r
is computed anew, from b - A x in float64, whenever it has fallen by FALL, and p stays as it is
(van der Vorst and Ye, SIAM J. Sci. Comput. 22 (2000) 835, for such replacements). x is float64.
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
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import DTypeLike

from warp.errors import ConvergenceError
from warp.kernels.reduce import folds, pieces
from warp.machine.arrays import Array
from warp.machine.device import Device

Apply = Callable[[Array, Array, float, float], None]
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
"""Unknowns up to which a record is kept for the next solve; recording larger ones costs little."""
RR, SCALE, RZ, LAST, PQ, ALPHA, BETA, ONE, BB, UNIT, WORDS = range(11)
"""Places of the scalars r . r, 1/|r|, r . z, r . z before, p . A p, alpha, beta and of a 1; of
b . b, 1/|b| and of the sum of the words of A."""


class Vectors(Protocol):
    """Residual `r` and correction `x` of a preconditioner, float32 arrays of one shape."""

    x: Array
    r: Array


class Preconditioner(Protocol):
    """z = M^-1 r in float32: the sum of `parts`, float32 arrays that `run` writes."""

    @property
    def fine(self) -> Vectors: ...

    @property
    def idle(self) -> Array:
        """Scratch memory (float32, two vectors or more) that `run` overwrites."""

    @property
    def parts(self) -> tuple[Array, ...]: ...

    def run(self, write_residual: Callable[[Array], None]) -> None:
        """Do one cycle; `write_residual(out)` writes r in float32, whenever it is wanted."""


class Matrix(Protocol):
    """A that a record can follow from one solve to the next."""

    def apply(self, out: Array, x: Array, keep: float, sign: float) -> None:
        """Compute out = keep out + sign A x, in the precision of x."""

    def coefficients(self) -> Sequence[Array]:
        """Return the arrays that `apply` reads in float64."""

    def stored(self) -> Sequence[Array]:
        """Return the arrays that `apply` reads in either precision."""

    def copied(self) -> Matrix:
        """Return the same matrix with such arrays of its own."""


@dataclass(frozen=True)
class System:
    """The equations A x = b, with a name for error messages.

    `apply(out, x, keep, sign)`: out = keep out + sign A x in the precision of x; `coefficients()`:
    the arrays of A in float64, which must not change during a solve. `matrix`: A, if another solve
    may follow in which nothing but the numbers in its arrays is different.
    """

    name: str
    apply: Apply
    b: Array
    coefficients: Callable[[], Sequence[Array]] = tuple
    matrix: Matrix | None = None

    @classmethod
    def of(cls, name: str, A: Matrix, b: Array) -> System:
        """Take a matrix that later solves may share."""
        return cls(name, A.apply, b, A.coefficients, A)


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
    """What a solve repeats, recorded: the measure of the equations, an iteration, r = b - A x."""

    def __init__(
        self, device: Device, system: System, cycle: Preconditioner, kept: bool = False
    ) -> None:
        """kept: for several solves, so that the solution needs memory of its own."""
        self.kept = kept
        self._record(_Iteration(device, system, cycle, device.real))

    def _record(self, iteration: _Iteration) -> None:
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
        self.measuring.launch()
        return self.true_residual()

    def true_residual(self) -> float:
        """Compute r = b - A x in float64, and its length."""
        self.replacing.launch()
        return self.iteration.residual()

    def solution(self) -> Array:
        """Return x."""
        x = self.iteration.x
        if self.kept:
            return x * self.length
        x *= self.length
        return x


class _Iteration:
    """Vectors and scalars of one solve on a device, and the kernels that work on them.

    A x = b is solved as A (x / |b|) = b / |b|. real: precision of r, p and A p.
    """

    def __init__(
        self, device: Device, system: System, cycle: Preconditioner, real: type[np.floating[Any]]
    ) -> None:
        shape, self.n = cycle.fine.x.shape, cycle.fine.x.size
        self.device, self.system, self.cycle, self.real = device, system, cycle, real
        self.double = real is np.float64
        self.groups, self.chunk = pieces(self.n)
        self.x = device.zeros(shape)
        self.r, self.p = device.zeros(shape, real), device.zeros(shape, real)
        self.wide = cycle.idle[: 2 * self.n].view(np.float64).reshape(shape)
        self.q = self.wide if self.double else cycle.idle[: self.n].reshape(shape)
        scalars = np.zeros(WORDS + 1)
        scalars[[LAST, ONE]] = 1.0
        self.s = device.asarray(scalars)
        sums = len(cycle.parts) * self.groups
        coefficients = (array.nbytes // 2 for array in system.coefficients())
        self.partial = device.zeros(256 * max(sums, *(pieces(n)[0] for n in coefficients), 1))

    def in_double(self) -> _Iteration:
        """Return an iteration in float64 that goes on from x."""
        other = _Iteration(self.device, self.system, self.cycle, np.float64)
        other.x[...] = self.x
        return other

    def measure(self) -> None:
        """Compute |b|^2, the sum of the words of A, and r = b / |b|."""
        b, n = self.system.b.reshape(-1), self.n
        self._dot(BB, b, b, real=np.float64)
        self._launch("inverse_root", 1, self.s, UNIT, BB)
        self._add_words()
        name = "scale" if self.double else "narrow"
        self._launch(name, n, self.r.reshape(-1), b, self.s, UNIT, n)
        self._dot(RR, self.r.reshape(-1), self.r.reshape(-1))

    def _add_words(self) -> None:
        """Put the sum of the words of A into s[WORDS]; one flipped bit changes it."""
        words = [array.reshape(-1).view(np.uint16) for array in self.system.coefficients()]
        words = sorted((w for w in words if w.size), key=lambda w: -w.size)
        for n, some in enumerate(words):  # the first one writes all lanes that others add to
            groups, chunk = pieces(some.size)
            args = self.partial, some, float(n > 0), some.size, chunk, groups
            self._launch("word_lanes", 256 * groups, *args)
        if words:
            self._fold(WORDS, 256 * pieces(words[0].size)[0])

    def run(self) -> None:
        """Do one iteration, from r on; leaves |r|^2 in s[RR]."""
        s, n, real = self.s, self.n, self.real
        x, r, p, q = (a.reshape(-1) for a in (self.x, self.r, self.p, self.q))
        parts = [part.reshape(-1) for part in self.cycle.parts]
        self._launch("inverse_root", 1, s, SCALE, RR)
        self.cycle.run(self._write_unit_residual)
        self._dot(RZ, r, *parts, function="dot_narrow_lanes")
        self._launch("ratio", 1, s, BETA, RZ, LAST, 1.0)
        self._launch("ratio", 1, s, LAST, RZ, ONE, 1.0)
        for part, old in zip(parts, (BETA, ONE), strict=False):
            self._launch("direction", n, p, part, s, ONE, old, n, real=real)
        self.system.apply(self.q, self.p, 0.0, 1.0)
        self._dot(PQ, p, q)
        self._launch("ratio", 1, s, ALPHA, RZ, PQ, 1.0)
        lanes, sizes = 256 * self.groups, (n, self.chunk, self.groups)
        args = x, r, self.partial, p, q, s, ALPHA, *sizes
        self._launch("step_lanes", lanes, *args, real=real)
        self._fold(RR, lanes)

    def _write_unit_residual(self, out: Array) -> None:
        """Compute out = r / |r| in float32."""
        args = out.reshape(-1), self.r.reshape(-1), self.s, SCALE, self.n
        self._launch("narrow", self.n, *args, real=self.real)

    def replace(self) -> None:
        """Compute r = b / |b| - A x in float64, and |r|^2."""
        b, n = self.system.b.reshape(-1), self.n
        wide = self.r if self.double else self.wide
        self._launch("scale", n, wide.reshape(-1), b, self.s, UNIT, n)
        self.system.apply(wide, self.x, 1.0, -1.0)
        if not self.double:
            self._launch("narrow", n, self.r.reshape(-1), wide.reshape(-1), self.s, ONE, n)
        self._dot(RR, wide.reshape(-1), wide.reshape(-1), real=np.float64)

    def forget_direction(self) -> None:
        """Begin anew from r: the next beta is zero."""
        self.p[...] = 0
        self.s[LAST] = np.inf

    def scalars(self) -> np.ndarray:
        """Read the scalars of the iteration."""
        return self.device.to_host(self.s)

    def residual(self) -> float:
        """Read |r| / |b|."""
        length: float = float(self.s[RR]) ** 0.5
        return length

    def _dot(
        self,
        slot: int,
        a: Array,
        *terms: Array,
        function: str = "dot_lanes",
        real: DTypeLike | None = None,
    ) -> None:
        """Put a . b into s[slot], b the sum of `terms`; summed in a fixed order."""
        sizes, lanes = (self.n, self.chunk, self.groups), 256 * self.groups
        for n, b in enumerate(terms):
            args = self.partial[n * lanes :], a, b, *sizes
            self._launch(function, lanes, *args, real=self.real if real is None else real)
        self._fold(slot, len(terms) * lanes)

    def _fold(self, slot: int, count: int) -> None:
        """Add up the first `count` partial sums into s[slot]."""
        steps, left = folds(count)
        for length, rest in steps:
            self._launch("fold", rest, self.partial, count, length, rest, 1)
        self._launch("fold_last", 1, self.s, self.partial, slot, count, left, 1)

    def _launch(self, function: str, extent: int, *args: Any, real: DTypeLike = np.float64) -> None:
        self.device.launch("reduce", function, (extent, 1, 1), *args, real=real)
