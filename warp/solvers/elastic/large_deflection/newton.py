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
from warp.solvers.elastic.large_deflection.stored import Stored

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
    enough: float = np.inf,
    products: int = PRODUCTS,
) -> Shape:
    """Minimise from x, with steps of at most `radius` at first.

    x: overwritten, also on failure. scale: force in N that residuals relate to; most: Newton steps;
    enough: energy in J that may be left to fall, too; products: iterations in a Newton step. The
    law's last gradient is that of the shape, and so is the preconditioner. Raises ConvergenceError
    when the residual does not reach the tolerance.
    """
    norm = law.device.xp.linalg.norm
    energy, g = law.gradient(x)
    pre.update()
    size, iterations = float(norm(g)), 0
    residuals = [size / scale]
    while residuals[-1] > tolerance or np.isfinite(enough):
        if len(residuals) > most or not np.isfinite(residuals[-1]):
            reached = f"residual {residuals[-1]:.1e} after {len(residuals) - 1} Newton steps"
            raise ConvergenceError(f"large deflection: {reached}, {tolerance:.0e} wanted")
        goal = max(min(FORCING, residuals[-1]) * residuals[-1], tolerance / 2) * scale
        least = enough if residuals[-1] <= tolerance else 0.0
        step = _step(law, pre, g, _Region(radius, goal, enough, products), least)
        iterations += step.products
        if step.products == 0:
            del step  # its memory is free for what follows
            break
        del g
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
            del there, step.d
            pre.update()
            residuals.append(size / scale)
            if on_step is not None:
                on_step(residuals[-1])
            if step.at_edge and fall > 0.7 * step.fall:
                radius = 2 * radius
        else:
            del g, there, step.d
            radius = step.length / 4
            _, g = law.gradient(x)
            if step.length == 0 or radius < 1e-12 * np.sqrt(abs(energy) + step.length**2):
                raise ConvergenceError("large deflection: the energy does not fall any further")
    del g
    pre.judge()
    return Shape(x, energy, residuals, iterations, pre.stability)


@dataclass(frozen=True)
class _Region:
    """Where a step ends: its length in the norm of M, residual in N, energy left to fall in J.

    products: iterations.
    """

    radius: float
    goal: float
    enough: float = np.inf
    products: int = PRODUCTS


@dataclass
class _Step:
    """A step d, its length in the norm of M, and the fall of energy that it promises.

    work: -g d in J, of the forces where it starts; products: none if there is nothing to gain.
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
    left = np.inf
    while True:
        law.hessian(pre.wide, x)
        r = pre.wide - right
        law.level(r)
        before, left = left, float(norm(r))
        if left <= goal:
            return x
        if not left < before / 2:
            reached = f"residual {left:.1e} N, {goal:.0e} N wanted"
            raise ConvergenceError(f"large deflection: the last solve stops at {reached}")
        step = _step(law, pre, r, _Region(np.inf, goal / 2))
        if step.at_edge:
            raise ConvergenceError("large deflection: the shape is not stable")
        x += step.d


def _step(law: Law, pre: Preconditioner, r: Array, region: _Region, least: float = 0.0) -> _Step:
    """Solve H d = -r within the trust region, until residual and energy are small.

    Overwrites r, which becomes r + H d. No step if it would gain less than `least` in J. Directions
    and d are stored: what d loses is part of the next residual.
    """
    z = law.device.empty(r.shape)
    radius, product = region.radius, pre.wide
    pre.apply(r, z)
    rz = _dot(law, r, z)
    if least > 0 and rz <= 2 * least:
        return _Step(z, 0.0, 0.0, 0.0, False, 0)
    most = region.products
    if rz <= 0:  # modes are balanced nearly exactly: the rest of a residual may be negative
        rz, most = _dot(law, r, pre.apply(r, z, modes=False)), 1
    gain = max(region.enough / 2, FORCING**2 * rz)
    dd, dp, pp, fall = 0.0, 0.0, rz, 0.0
    direction = Stored.of(z, pre.modes.exists)
    direction.scale(-1.0)
    d = direction.zero()
    for count in range(1, most + 1):
        p = direction.full(z)
        law.hessian(product, p)
        curvature = _dot(law, p, product)
        alpha = rz / curvature if curvature > 0 else np.inf
        longer = dd + 2 * alpha * dp + alpha**2 * pp if np.isfinite(alpha) else np.inf
        if longer >= radius**2 or not np.isfinite(longer):
            edge = radius if np.isfinite(radius) else max(np.sqrt(dd), np.sqrt(pp))
            edge = max(edge, np.sqrt(dd))
            tau = float((-dp + np.sqrt(dp**2 + pp * (edge**2 - dd))) / pp)
            d.add(tau, direction)
            last = tau * rz
            promised = fall + last - tau**2 * curvature / 2
            return _Step(d.full(z), float(edge), promised, 2 * fall + last, True, count)
        d.add(alpha, direction)
        _add(r, alpha, product)
        fall += alpha * rz / 2
        dd = longer
        small = float(law.device.xp.linalg.norm(r)) <= region.goal
        if small and not np.isfinite(region.enough):
            break
        pre.apply(r, z)
        rz, before = _dot(law, r, z), rz
        if (small and rz <= gain) or rz <= 0:
            break
        beta = rz / before
        direction.scale(beta)
        direction.add(-1.0, z)
        dp = beta * (dp + alpha * pp)
        pp = rz + beta**2 * pp
    return _Step(d.full(z), float(np.sqrt(dd)), fall, 2 * fall, False, count)


def _dot(law: Law, a: Array, b: Array) -> float:
    """Return a . b."""
    return float(law.device.xp.vdot(a, b))


def _add(a: Array, factor: float, b: Array) -> None:
    """Compute a += factor b."""
    for component, added in zip(a, b, strict=True):
        for own, other in zip(component, added, strict=True):
            own += factor * other


def _work(law: Law, force: Array, there: Array, x: Array) -> float:
    """Return the work in J of a force on the way from x to `there`."""
    vdot, parts = law.device.xp.vdot, zip(force, there, x, strict=True)
    return sum(float(vdot(own, end - begin)) for own, end, begin in parts)
