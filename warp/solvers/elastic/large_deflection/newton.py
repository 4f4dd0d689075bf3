"""Minimise the energy of moderate rotations: Newton's method in a trust region.

    H(x) d = -g(x)  within  |d|_M <= radius,    x += d  if the energy falls

The step is found by conjugate gradients, preconditioned by M (`preconditioner`); a direction of
negative curvature is followed to the edge of the region (Steihaug, SIAM J. Numer. Anal. 20 (1983)
626). A fall of energy that its round-off would hide follows from the gradients at both ends of a
step, -(g + g') d / 2 (as Hager and Zhang do in line searches, SIAM J. Optim. 16 (2005) 170). A
minimum is a stable shape. A symmetric body can also come to rest on a saddle point, a dome that
would rather roll up, because no force leads away from it: `stability` says so (`path`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from warp.errors import ConvergenceError
from warp.machine.arrays import Array
from warp.solvers.elastic.large_deflection.law import Law
from warp.solvers.elastic.large_deflection.preconditioner import Preconditioner

STEPS, PRODUCTS = 60, 300
"""Most Newton steps of a minimum, and iterations of conjugate gradients in one of them."""
FORCING = 0.05
"""Residual of a Newton step over the one before it, at most; it falls with the residual."""
UNSURE = 1e-9
"""Fall of energy over the terms of the energy below which their round-off may hide it."""
Told = Callable[[float], None]
"""Called with the residual after every Newton step."""


@dataclass(frozen=True)
class Shape:
    """An increment x (solver's layout, on the device) in balance.

    residuals: of every Newton step, over the scale of forces; iterations: of conjugate gradients,
    in all; stability: see `preconditioner`.
    """

    x: Array
    energy: float
    residuals: list[float]
    iterations: int
    stability: float


def minimum(
    law: Law,
    pre: Preconditioner,
    scale: float,
    tolerance: float,
    x: Array,
    radius: float = np.inf,
    on_step: Told | None = None,
    most: int = STEPS,
) -> Shape:
    """Minimise from x, with steps of at most `radius` at first.

    x: overwritten, also on failure. scale: force in N that residuals relate to; most: Newton steps.
    The law's last gradient is that of the shape, and so is the preconditioner. Raises
    ConvergenceError when the residual does not reach the tolerance.
    """
    norm = law.device.xp.linalg.norm
    energy, g = law.gradient(x)
    pre.update()
    size, iterations = float(norm(g)), 0
    residuals = [size / scale]
    while residuals[-1] > tolerance:
        if len(residuals) > most or not np.isfinite(residuals[-1]):
            reached = f"residual {residuals[-1]:.1e} after {len(residuals) - 1} Newton steps"
            raise ConvergenceError(f"large deflection: {reached}, {tolerance:.0e} wanted")
        goal = max(min(FORCING, residuals[-1]) * residuals[-1], tolerance / 2) * scale
        step = _step(law, pre, g, radius, goal)
        iterations += step.products
        there = step.d
        there += x
        tried, g = law.gradient(there)
        fall, now = energy - tried, float(norm(g))
        if step.fall < UNSURE * law.terms:
            fall = (step.work - _work(law, g, there, x)) / 2
        noise = max(1e-12 * abs(energy), law.round_off)
        if fall > 0.1 * step.fall or (abs(fall) <= noise and now < size):
            x[...] = there
            energy, size = tried, now
            pre.update()
            residuals.append(size / scale)
            if on_step is not None:
                on_step(residuals[-1])
            if step.at_edge and fall > 0.7 * step.fall:
                radius = 2 * radius
        else:
            radius = step.length / 4
            _, g = law.gradient(x)
            if step.length == 0 or radius < 1e-12 * np.sqrt(abs(energy) + step.length**2):
                raise ConvergenceError("large deflection: the energy does not fall any further")
        del step, there
    del g
    pre.judge()
    return Shape(x, energy, residuals, iterations, pre.stability)


@dataclass(frozen=True)
class _Step:
    """A step d, its length in the norm of M, and the fall of energy that it promises.

    work: -g d in J, of the forces where it starts.
    """

    d: Array
    length: float
    fall: float
    work: float
    at_edge: bool
    products: int


def tangent(
    law: Law, pre: Preconditioner, right: Array, goal: float, x: Array | None = None
) -> Array:
    """Solve H x = right at the law's last gradient, until the residual is at most `goal` in N.

    x: the start, by default 0. Raises ConvergenceError where the shape is not stable, or when the
    residual stagnates.
    """
    norm = law.device.xp.linalg.norm
    x = law.device.zeros(right.shape) if x is None else x.copy()
    product = law.device.empty(right.shape)
    left = np.inf
    while True:
        law.hessian(product, x)
        r = right - product
        before, left = left, float(norm(r))
        if left <= goal:
            return x
        if not left < before / 2:
            reached = f"residual {left:.1e} N, {goal:.0e} N wanted"
            raise ConvergenceError(f"large deflection: the last solve stops at {reached}")
        r *= -1
        step = _step(law, pre, r, np.inf, goal / 2)
        if step.at_edge:
            raise ConvergenceError("large deflection: the shape is not stable")
        x += step.d


def _step(law: Law, pre: Preconditioner, r: Array, radius: float, goal: float) -> _Step:
    """Solve H d = -r until the residual is at most `goal` in N, within the trust region.

    Overwrites r, which becomes r + H d.
    """
    xp = law.device.xp

    def dot(a: Array, b: Array) -> float:
        return float(xp.vdot(a, b))

    def add(a: Array, factor: float, b: Array) -> None:
        for own, other in zip(a, b, strict=True):
            own += factor * other

    d, spare = xp.zeros_like(r), xp.empty_like(r)  # spare: z and H p in turn
    p = -pre.apply(r, spare)
    rz = -dot(r, p)
    dd, dp, pp, fall = 0.0, 0.0, rz, 0.0
    for count in range(1, PRODUCTS + 1):
        law.hessian(spare, p)
        curvature = dot(p, spare)
        alpha = rz / curvature if curvature > 0 else np.inf
        longer = dd + 2 * alpha * dp + alpha**2 * pp if np.isfinite(alpha) else np.inf
        if longer >= radius**2 or not np.isfinite(longer):
            edge = radius if np.isfinite(radius) else max(np.sqrt(dd), np.sqrt(pp))
            edge = max(edge, np.sqrt(dd))
            tau = float((-dp + np.sqrt(dp**2 + pp * (edge**2 - dd))) / pp)
            add(d, tau, p)
            last = tau * rz
            promised = fall + last - tau**2 * curvature / 2
            return _Step(d, float(edge), promised, 2 * fall + last, True, count)
        add(d, alpha, p)
        add(r, alpha, spare)
        fall += alpha * rz / 2
        dd = longer
        if float(xp.linalg.norm(r)) <= goal:
            break
        z = pre.apply(r, spare)
        rz, before = dot(r, z), rz
        beta = rz / before
        p *= beta
        p -= z
        dp = beta * (dp + alpha * pp)
        pp = rz + beta**2 * pp
    return _Step(d, float(np.sqrt(dd)), fall, 2 * fall, False, count)


def _work(law: Law, force: Array, there: Array, x: Array) -> float:
    """Return the work in J of a force on the way from x to `there`."""
    vdot, parts = law.device.xp.vdot, zip(force, there, x, strict=True)
    return sum(float(vdot(own, end - begin)) for own, end, begin in parts)
