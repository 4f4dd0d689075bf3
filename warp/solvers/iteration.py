"""One iteration of conjugate gradients on a device: the equations, the vectors and the kernels.

Derivation and conventions: `warp.solvers.krylov`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike

from warp.kernels.reduce import folds, pieces
from warp.machine.arrays import Array
from warp.machine.device import Device

Apply = Callable[[Array, Array, float, float], None]
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

    b: on the device, or on the host of a GPU, which then copies it whenever it is read. `apply(out,
    x, keep, sign)`: out = keep out + sign A x in the precision of x; `coefficients()`:
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


class Iteration:
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
        self.far = device.cuda and isinstance(system.b, np.ndarray)
        self.b = self.wide if self.far else system.b
        scalars = np.zeros(WORDS + 1)
        scalars[[LAST, ONE]] = 1.0
        self.s = device.asarray(scalars)
        sums = len(cycle.parts) * self.groups
        words = (array.nbytes // 2 for array in system.coefficients())
        self.partial = device.zeros(256 * max(sums, *(pieces(n)[0] for n in words), 1))

    def in_double(self) -> Iteration:
        """Return an iteration in float64 that goes on from x."""
        other = Iteration(self.device, self.system, self.cycle, np.float64)
        other.x[...] = self.x
        return other

    def fetch_b(self) -> None:
        """Copy b from the host to scratch memory, where `measure` and `replace` read it."""
        if self.far:
            self.wide.set(self.system.b)

    def measure(self) -> None:
        """Compute |b|^2, the sum of the words of A, and r = b / |b|."""
        b, n = self.b.reshape(-1), self.n
        self._dot(BB, b, b, real=np.float64)
        self._launch("inverse_root", 1, self.s, UNIT, BB)
        self._add_words()
        name = "scale" if self.double else "narrow"
        self._launch(name, n, self.r.reshape(-1), b, self.s, UNIT, n)
        self._dot(RR, self.r.reshape(-1), self.r.reshape(-1))

    def _add_words(self) -> None:
        """Put the sum of the words of A into s[WORDS]; one flipped bit changes it."""
        words = [array.reshape(-1).view(np.uint16) for array in self.system.coefficients()]
        words = sorted((w for w in words if w.size), key=lambda w: -pieces(w.size)[0])
        for n, some in enumerate(words):  # the first has most lanes, and writes all
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
        b, n = self.b.reshape(-1), self.n
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
            self._launch("fold", rest, self.partial, length, rest)
        self._launch("fold_last", 1, self.s, self.partial, slot, left)

    def _launch(self, function: str, extent: int, *args: Any, real: DTypeLike = np.float64) -> None:
        self.device.launch("reduce", function, (extent, 1, 1), *args, real=real)
