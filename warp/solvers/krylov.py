"""Preconditioned conjugate gradients in float64 with a float32 preconditioner.

    z = M^-1 r,   beta = (r . z) / (r . z before),   p = z + beta p
    alpha = (r . z) / (p . A p),   x += alpha p,   r -= alpha A p

Scalars stay on the device; the host reads one number an iteration, |r|. The residual that decides
is computed anew from b - A x. A p shares scratch memory with the preconditioner; each overwrites it
completely before reading. An iteration is recorded once and replayed (on CUDA as one graph).
A bit that flips in memory meanwhile is harmless or found: in x, r, p and the preconditioner by the
true residual, from which the iteration begins anew; in b and in the coefficients of A, which the
residual cannot see, by sums of them before and after.
Shewchuk, An Introduction to the Conjugate Gradient Method (1994).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike

from warp.errors import ConvergenceError
from warp.machine.arrays import Array
from warp.machine.device import Device

Apply = Callable[[Array, Array, float, float], None]
Progress = Callable[[int, float], None]
"""Called with the number of an iteration and the relative residual after it."""
PATIENCE = 500
"""Iterations in which the residual must fall to a tenth; slower than that counts as a failure."""
ASTRAY = 100.0
"""Times that the true residual exceeds the updated one where x or r was changed in memory."""
RR, SCALE, RZ, LAST, PQ, ALPHA, BETA, ONE = range(8)
"""Places of the scalars r . r, 1/|r|, r . z, r . z before, p . A p, alpha, beta and of a 1."""


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


@dataclass(frozen=True)
class System:
    """The equations A x = b, with a name for error messages.

    `apply(out, x, keep, sign)`: out = keep out + sign A x in float64; `write_b(out)`: out = b,
    called whenever b is wanted, so that b needs no memory of its own. `coefficients()`: the arrays
    of A, which must not change during a solve.
    """

    name: str
    apply: Apply
    write_b: Callable[[Array], Any]
    coefficients: Callable[[], Sequence[Array]] = tuple

    @classmethod
    def of(
        cls,
        name: str,
        apply: Apply,
        b: Array,
        coefficients: Callable[[], Sequence[Array]] = tuple,
    ) -> System:
        """Take b as an array."""

        def write_b(out: Array) -> None:
            out[...] = b

        return cls(name, apply, write_b, coefficients)

    def sums(self, device: Device) -> list[int]:
        """Sum the words of each array of A modulo 2^64: one flipped bit changes a sum."""
        words = (array.view(f"u{array.itemsize}") for array in self.coefficients())
        return [int(device.xp.sum(word, dtype=np.uint64)) for word in words]


@dataclass(frozen=True)
class Control:
    """When a solve ends, and what it calls after every iteration."""

    tolerance: float = 1e-8
    """Of |b - A x| / |b|."""
    progress: Progress | None = None


DEFAULT = Control()


def solve(
    device: Device,
    system: System,
    cycle: Preconditioner,
    control: Control,
    x: Array | None = None,
    forcing: float = 0.0,
) -> tuple[Array, list[float]]:
    """Solve A x = b; return x and the history of |r| / |b|, its last entry computed from b - A x.

    x: the start, overwritten (default 0). forcing: stop at this share of the first residual even
    if the tolerance is not reached. Raises ConvergenceError when the residual stagnates (PATIENCE),
    or when A or b is not what it was at the start.
    """
    sums = system.sums(device)
    iteration = _Iteration(device, system, cycle, x)
    system.write_b(iteration.r)
    scale = iteration.length()
    if scale == 0:
        return device.zeros(iteration.x.shape), [0.0]
    history = [1.0 if x is None else iteration.true_residual() / scale]
    tolerance = control.tolerance
    if history[0] > tolerance:
        tolerance = max(tolerance, forcing * history[0])
    with device.graph() as graph:
        iteration.run()
    while not history[-1] <= tolerance:
        if _stagnates(history):
            reached = f"residual {history[-1]:.1e} after {len(history) - 1} iterations"
            raise ConvergenceError(f"{system.name}: {reached}, {tolerance:.0e} wanted")
        graph.launch()
        history.append(iteration.residual() / scale)
        if history[-1] <= tolerance:
            updated = history[-1]
            history[-1] = iteration.true_residual() / scale
            if history[-1] > max(tolerance, ASTRAY * updated):
                iteration.forget_direction()
        if control.progress:
            control.progress(len(history) - 1, history[-1])
    system.write_b(iteration.r)
    if iteration.length() != scale or system.sums(device) != sums:
        raise ConvergenceError(
            f"{system.name}: its equations have changed in memory during the solve: "
            "run it again, and test this machine's memory if it happens again"
        )
    return iteration.x, history


def _stagnates(history: list[float]) -> bool:
    """Return True if the last PATIENCE residuals gained no digit, or the last one is not finite."""
    if not np.isfinite(history[-1]):
        return True
    return len(history) > PATIENCE and min(history[-PATIENCE:]) > 0.1 * min(history[:-PATIENCE])


class _Iteration:
    """Vectors and scalars of one solve on a device, and the kernels that work on them."""

    def __init__(
        self, device: Device, system: System, cycle: Preconditioner, x: Array | None
    ) -> None:
        from warp.kernels.reduce import pieces

        shape, self.n = cycle.fine.x.shape, cycle.fine.x.size
        self.device, self.system, self.cycle = device, system, cycle
        self.groups, self.chunk = pieces(self.n)
        self.x = device.zeros(shape) if x is None else x
        self.r, self.p = device.zeros(shape), device.zeros(shape)
        self.q = cycle.idle[: 2 * self.n].view(np.float64).reshape(shape)
        self.s, self.partial = device.zeros(8), device.zeros(len(cycle.parts) * self.groups * 256)
        self.s[LAST] = self.s[ONE] = 1.0

    def run(self) -> None:
        """Do one iteration, from r on; leaves |r|^2 in s[RR]."""
        s, n = self.s, self.n
        x, r, p, q = (a.reshape(-1) for a in (self.x, self.r, self.p, self.q))
        parts = [part.reshape(-1) for part in self.cycle.parts]
        self._launch("inverse_root", 1, s, SCALE, RR)
        self.cycle.run(self._write_unit_residual)
        self._dot(RZ, r, *parts, real=np.float32)
        self._launch("ratio", 1, s, BETA, RZ, LAST, 1.0)
        self._launch("ratio", 1, s, LAST, RZ, ONE, 1.0)
        for part, old in zip(parts, (BETA, ONE), strict=False):
            self._launch("direction", n, p, part, s, ONE, old, n, real=np.float32)
        self.system.apply(self.q, self.p, 0.0, 1.0)
        self._dot(PQ, p, q)
        self._launch("ratio", 1, s, ALPHA, RZ, PQ, 1.0)
        lanes, pieces = 256 * self.groups, (n, self.chunk, self.groups)
        self._launch("step_lanes", lanes, x, r, self.partial, p, q, s, ALPHA, *pieces)
        self._fold(RR)

    def _write_unit_residual(self, out: Array) -> None:
        """Compute out = r / |r| in float32."""
        args = out.reshape(-1), self.r.reshape(-1), self.s, SCALE, self.n
        self._launch("narrow", self.n, *args, real=np.float32)

    def forget_direction(self) -> None:
        """Begin anew from r: the next beta is zero."""
        self.s[LAST] = np.inf

    def residual(self) -> float:
        """Read |r| as the iteration left it."""
        length: float = float(self.s[RR]) ** 0.5
        return length

    def true_residual(self) -> float:
        """Compute r = b - A x and its length."""
        self.system.write_b(self.r)
        self.system.apply(self.r, self.x, 1.0, -1.0)
        return self.length()

    def length(self) -> float:
        """Compute |r|."""
        r = self.r.reshape(-1)
        self._dot(RR, r, r)
        return self.residual()

    def _dot(self, slot: int, a: Array, *terms: Array, real: DTypeLike = np.float64) -> None:
        """Put a . b into s[slot], b the sum of `terms`; summed in a fixed order."""
        pieces, lanes = (self.n, self.chunk, self.groups), 256 * self.groups
        for n, b in enumerate(terms):
            self._launch("dot_lanes", lanes, self.partial[n * lanes :], a, b, *pieces, real=real)
        self._fold(slot, len(terms))

    def _fold(self, slot: int, terms: int = 1) -> None:
        """Add up the partial sums into s[slot]."""
        groups = terms * self.groups
        self._launch("fold_groups", 256, self.partial, groups, 1)
        self._launch("fold_lanes", 1, self.s, self.partial, slot, groups, 1)

    def _launch(self, function: str, extent: int, *args: Any, real: DTypeLike = np.float64) -> None:
        self.device.launch("reduce", function, (extent, 1, 1), *args, real=real)
