"""Preconditioned conjugate gradients in float64 with a float32 preconditioner.

    p = z + beta p,   x += alpha p,   r -= alpha A p,   z = M^-1 r,   beta = -(z . A p) / (p . A p)

The last form keeps the directions conjugate although rounding makes M slightly different from one application to the
next. Scalars stay on the device; the host reads one number an iteration, |r|. The residual that decides is computed
anew from b - A x. An iteration is recorded once and replayed (on CUDA as one graph).
Shewchuk, An Introduction to the Conjugate Gradient Method (1994); Notay, SIAM J. Sci. Comput. 22 (2000) 1444.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from warp.device import Device
from warp.errors import ConvergenceError

Progress = Callable[[int, float], None]
LIMIT = 300
RR, SCALE, RZ, QZ, PQ, ALPHA, BETA, ONE = range(8)


class Preconditioner(Protocol):
    """z = M^-1 r in float32: reads `fine.r`, writes `fine.x`."""

    @property
    def fine(self) -> Any: ...

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

    `apply(out, x, keep, sign)`: out = keep out + sign A x in float64. `forcing`: this share of the first residual is
    enough, whatever the tolerance. Raises ConvergenceError after LIMIT iterations.
    """
    from warp.kernels.reduce import pieces

    n = b.size
    groups, chunk = pieces(n)
    x = device.zeros(b.shape) if x is None else x
    p, q = device.zeros(b.shape), device.zeros(b.shape)
    r = b.copy()
    s, partial = device.zeros(8), device.zeros(2 * groups * 256)
    s[ONE] = 1.0
    z, small = cycle.fine.x.reshape(-1), cycle.fine.r.reshape(-1)
    fx, fr, fp, fq = (a.reshape(-1) for a in (x, r, p, q))

    def run(function: str, extent: int, *args, real=np.float64) -> None:
        device.launch("reduce", function, (extent, 1, 1), *args, real=real)

    def fold(slot: int, sums: int) -> None:
        run("fold_groups", 256 * sums, partial, groups, sums)
        run("fold_lanes", sums, s, partial, slot, groups, sums)

    def true_residual() -> float:
        fr[...] = b.reshape(-1)
        apply(r, x, 1.0, -1.0)
        run("dot_lanes", 256 * groups, partial, fr, fr, n, chunk, groups)
        fold(RR, 1)
        return float(s[RR]) ** 0.5

    def iterate() -> None:
        run("inverse_root", 1, s, SCALE, RR)
        run("narrow", n, small, fr, s, SCALE, n, real=np.float32)
        cycle.run()
        run("dot_two_lanes", 256 * groups, partial, fr, fq, z, n, chunk, groups, real=np.float32)
        fold(RZ, 2)
        run("ratio", 1, s, BETA, QZ, PQ, -1.0)
        run("direction", n, fp, z, s, ONE, BETA, n, real=np.float32)
        apply(q, p, 0.0, 1.0)
        run("dot_lanes", 256 * groups, partial, fp, fq, n, chunk, groups)
        fold(PQ, 1)
        run("ratio", 1, s, ALPHA, RZ, PQ, 1.0)
        run("step_lanes", 256 * groups, fx, fr, partial, fp, fq, s, ALPHA, n, chunk, groups)
        fold(RR, 1)

    run("dot_lanes", 256 * groups, partial, b.reshape(-1), b.reshape(-1), n, chunk, groups)
    fold(RR, 1)
    scale = float(s[RR]) ** 0.5
    if scale == 0:
        return device.zeros(b.shape), [0.0]
    history = [true_residual() / scale]
    tolerance = max(tolerance, forcing * history[0]) if history[0] > tolerance else tolerance
    with device.graph() as iteration:
        iterate()
    while history[-1] > tolerance:
        if len(history) > LIMIT or not np.isfinite(history[-1]):
            reached = f"residual {history[-1]:.1e} after {len(history) - 1} iterations"
            raise ConvergenceError(f"{name}: {reached}, {tolerance:.0e} wanted")
        iteration.launch()
        history.append(float(s[RR]) ** 0.5 / scale)
        if history[-1] <= tolerance:
            history[-1] = true_residual() / scale
        if progress:
            progress(len(history) - 1, history[-1])
    return x, history
