"""Preconditioned conjugate gradients in float64 with a float32 preconditioner.

    z = M^-1 r,   beta = (r . z) / (r . z before),   p = z + beta p
    alpha = (r . z) / (p . A p),   x += alpha p,   r -= alpha A p

Scalars stay on the device; the host reads one number an iteration, |r|. The residual that decides is computed anew from
b - A x. A p lives in memory that the preconditioner needs only while it runs; neither reads what the other left there.
An iteration is recorded once and replayed (on CUDA as one graph).
Shewchuk, An Introduction to the Conjugate Gradient Method (1994).
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from warp.device import Device
from warp.errors import ConvergenceError

Progress = Callable[[int, float], None]
PATIENCE = 500
"""Iterations in which the residual must fall to a tenth: a slow answer is better than none, no progress is a failure."""
RR, SCALE, RZ, LAST, PQ, ALPHA, BETA, ONE = range(8)


class Preconditioner(Protocol):
    """z = M^-1 r in float32: reads `fine.r`, writes `fine.x`."""

    @property
    def fine(self) -> Any: ...

    @property
    def idle(self) -> Any:
        """Float32 memory of two vectors or more, overwritten by `run` and free otherwise."""

    def run(self) -> None: ...


def solve(
    device: Device,
    apply: Callable[[Any, Any, float, float], None],
    b: Any,
    cycle: Preconditioner,
    tolerance: float,
    name: str,
    progress: Progress | None = None,
    x: Any = None,
    forcing: float = 0.0,
) -> tuple[Any, list[float]]:
    """Solve A x = b from x (default 0); return x and the history of |r| / |b|, the last one computed from b - A x.

    `b`: an array, or a function that writes it into one when it is wanted, which saves keeping it.
    `apply(out, x, keep, sign)`: out = keep out + sign A x in float64. `forcing`: this share of the first residual is
    enough, whatever the tolerance. Raises ConvergenceError when the residual stands still (PATIENCE).
    """
    from warp.kernels.reduce import pieces

    shape, n = cycle.fine.x.shape, cycle.fine.x.size
    groups, chunk = pieces(n)
    known = x is not None
    x = x if known else device.zeros(shape)
    r, p, q = (
        device.zeros(shape),
        device.zeros(shape),
        cycle.idle[: 2 * n].view(np.float64).reshape(shape),
    )
    s, partial = device.zeros(8), device.zeros(groups * 256)
    s[LAST] = s[ONE] = 1.0
    z, small = cycle.fine.x.reshape(-1), cycle.fine.r.reshape(-1)
    fx, fr, fp, fq = (a.reshape(-1) for a in (x, r, p, q))

    def run(function: str, extent: int, *args, real=np.float64) -> None:
        device.launch("reduce", function, (extent, 1, 1), *args, real=real)

    def fold(slot: int) -> None:
        run("fold_groups", 256, partial, groups, 1)
        run("fold_lanes", 1, s, partial, slot, groups, 1)

    def load() -> None:
        if callable(b):
            b(r)
        else:
            r[...] = b

    def length() -> float:
        run("dot_lanes", 256 * groups, partial, fr, fr, n, chunk, groups)
        fold(RR)
        return float(s[RR]) ** 0.5

    def true_residual() -> float:
        load()
        apply(r, x, 1.0, -1.0)
        return length()

    def iterate() -> None:
        run("inverse_root", 1, s, SCALE, RR)
        run("narrow", n, small, fr, s, SCALE, n, real=np.float32)
        cycle.run()
        run("dot_lanes", 256 * groups, partial, fr, z, n, chunk, groups, real=np.float32)
        fold(RZ)
        run("ratio", 1, s, BETA, RZ, LAST, 1.0)
        run("ratio", 1, s, LAST, RZ, ONE, 1.0)
        run("direction", n, fp, z, s, ONE, BETA, n, real=np.float32)
        apply(q, p, 0.0, 1.0)
        run("dot_lanes", 256 * groups, partial, fp, fq, n, chunk, groups)
        fold(PQ)
        run("ratio", 1, s, ALPHA, RZ, PQ, 1.0)
        run("step_lanes", 256 * groups, fx, fr, partial, fp, fq, s, ALPHA, n, chunk, groups)
        fold(RR)

    load()
    scale = length()
    if scale == 0:
        return device.zeros(shape), [0.0]
    history = [true_residual() / scale if known else 1.0]
    tolerance = max(tolerance, forcing * history[0]) if history[0] > tolerance else tolerance
    with device.graph() as iteration:
        iterate()
    while not history[-1] <= tolerance:
        still = len(history) > PATIENCE and min(history[-PATIENCE:]) > 0.1 * min(
            history[:-PATIENCE]
        )
        if still or not np.isfinite(history[-1]):
            reached = f"residual {history[-1]:.1e} after {len(history) - 1} iterations"
            raise ConvergenceError(f"{name}: {reached}, {tolerance:.0e} wanted")
        iteration.launch()
        history.append(float(s[RR]) ** 0.5 / scale)
        if history[-1] <= tolerance:
            history[-1] = true_residual() / scale
        if progress:
            progress(len(history) - 1, history[-1])
    return x, history
