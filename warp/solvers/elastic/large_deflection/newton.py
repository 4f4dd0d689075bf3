"""Minimise the energy of moderate rotations: Newton's method in a trust region.

    H(x) d = -g(x)  within  |d|_M <= radius,    x += d  if the energy falls

The step is found by conjugate gradients, preconditioned by the linear V-cycle (M); a direction of
negative curvature is followed to the edge of the region (Steihaug, SIAM J. Numer. Anal. 20 (1983)
626). A minimum is a stable shape. A symmetric body can also come to rest on a saddle point, a dome
that would rather roll up, because no force leads away from it. So the lowest quotient

    stability = min over v of  v H v / v A v

is found from the side of the saddle mode w = x^2 - y^2 (and w = x y without mirror planes): 1
without load, 0 where the shape becomes unstable. An unstable shape is pushed along its mode.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh

from warp.errors import ConvergenceError
from warp.machine.arrays import Array
from warp.solvers.elastic.large_deflection.law import Law
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.rigid import activity
from warp.voxels.voxelize import VoxelModel

STEPS, PRODUCTS = 60, 600
"""Most Newton steps of a solve, and products with the Hessian in one of them."""
FORCING = 0.05
"""Residual of a Newton step over the one before it, at most; it falls with the residual."""
MODE_STEPS = 12
"""Steps towards the lowest mode, from a smooth one."""
PUSH = 0.2
"""Deflection by which an unstable shape is pushed along its mode, over the height of the body."""


@dataclass(frozen=True)
class Shape:
    """An increment x (solver's layout, on the device) in balance, and what shows it.

    residuals: of every Newton step, over the scale of forces; products: with the Hessian, in all;
    stability: see above; mode: where it is taken, of height 1 m.
    """

    x: Array
    energy: float
    residuals: list[float]
    products: int
    stability: float
    mode: Array


def solve(
    model: VoxelModel,
    law: Law,
    cycle: Cycle,
    scale: float,
    tolerance: float = 1e-8,
) -> Shape:
    """Find a stable shape. Where there are several, which one is not chosen.

    scale: force in N that residuals relate to. Raises ConvergenceError when the residual does not
    reach the tolerance.
    """
    x = law.device.zeros(law.A.shape)
    shape = _minimum(model, law, cycle, scale, tolerance, x)
    if shape.stability >= 0:
        return shape
    height = float(model.grid.z[-1] - model.grid.z[0])
    push = PUSH * height * shape.mode
    radius = float(law.device.xp.vdot(push, _times(law.A.apply, push))) ** 0.5
    after = _minimum(model, law, cycle, scale, tolerance, shape.x + push, radius)
    if after.stability < 0:
        raise ConvergenceError("large deflection: no stable shape found beside an unstable one")
    return after


def _minimum(
    model: VoxelModel,
    law: Law,
    cycle: Cycle,
    scale: float,
    tolerance: float,
    x: Array,
    radius: float = np.inf,
) -> Shape:
    """Minimise from x with steps of at most `radius` at first; tell how stable the shape is."""
    norm = law.device.xp.linalg.norm
    energy, g = law.gradient(x)
    residuals, products = [float(norm(g)) / scale], 0
    while residuals[-1] > tolerance:
        if len(residuals) > STEPS or not np.isfinite(residuals[-1]):
            reached = f"residual {residuals[-1]:.1e} after {len(residuals) - 1} Newton steps"
            raise ConvergenceError(f"large deflection: {reached}, {tolerance:.0e} wanted")
        goal = max(min(FORCING, residuals[-1]) * residuals[-1], tolerance / 2) * scale
        step = _step(law, cycle, g, radius, goal)
        products += step.products
        tried, forces = law.gradient(x + step.d)
        fall, noise = energy - tried, 1e-12 * abs(energy)
        closer = float(norm(forces)) < float(norm(g))
        if fall > 0.1 * step.fall or (abs(fall) <= noise and closer):
            x, energy, g = x + step.d, tried, forces
            residuals.append(float(norm(g)) / scale)
            if step.at_edge and fall > 0.7 * step.fall:
                radius = 2 * radius
        else:
            radius = step.length / 4
            law.gradient(x)
            if step.length == 0 or radius < 1e-12 * np.sqrt(abs(energy) + step.length**2):
                raise ConvergenceError("large deflection: the energy does not fall any further")
    stability, mode = lowest(model, law, cycle)
    return Shape(x, energy, residuals, products, stability, mode)


@dataclass(frozen=True)
class _Step:
    """A step d, its length in the norm of M, and the fall of energy that it promises."""

    d: Array
    length: float
    fall: float
    at_edge: bool
    products: int


def _step(law: Law, cycle: Cycle, g: Array, radius: float, goal: float) -> _Step:
    """Solve H d = -g until the residual is at most `goal` in N, within the trust region."""
    xp = law.device.xp

    def dot(a: Array, b: Array) -> float:
        return float(xp.vdot(a, b))

    d, r, Hp = xp.zeros_like(g), g.copy(), xp.empty_like(g)
    z = precondition(cycle, r)
    p, rz = -z, dot(r, z)
    dd, dp, pp = 0.0, 0.0, rz
    for count in range(1, PRODUCTS + 1):
        law.hessian(Hp, p)
        curvature = dot(p, Hp)
        alpha = rz / curvature if curvature > 0 else np.inf
        longer = dd + 2 * alpha * dp + alpha**2 * pp if np.isfinite(alpha) else np.inf
        if longer >= radius**2 or not np.isfinite(longer):
            edge = radius if np.isfinite(radius) else max(np.sqrt(dd), np.sqrt(pp))
            edge = max(edge, np.sqrt(dd))
            tau = (-dp + np.sqrt(dp**2 + pp * (edge**2 - dd))) / pp
            d += tau * p
            r += tau * Hp
            return _Step(d, float(edge), -(dot(g, d) + dot(r, d)) / 2, True, count)
        d += alpha * p
        r += alpha * Hp
        dd = longer
        if float(xp.linalg.norm(r)) <= goal:
            break
        z = precondition(cycle, r)
        rz, before = dot(r, z), rz
        beta = rz / before
        p *= beta
        p -= z
        dp = beta * (dp + alpha * pp)
        pp = rz + beta**2 * pp
    return _Step(d, float(np.sqrt(dd)), -(dot(g, d) + dot(r, d)) / 2, False, count)


def precondition(cycle: Cycle, r: Array) -> Array:
    """Return M^-1 r in float64."""
    size = float((r**2).sum()) ** 0.5
    if size == 0:
        return r.copy()
    cycle.fine.r[...] = r / size
    cycle.run()
    return cycle.fine.x * np.float64(size)


def lowest(model: VoxelModel, law: Law, cycle: Cycle) -> tuple[float, Array]:
    """Return the stability of the shape of the last `gradient`, and its mode of height 1 m.

    Locally optimal steps (Knyazev, SIAM J. Sci. Comput. 23 (2001) 517) from smooth modes.
    """
    device = law.device
    block = [device.asarray(mode) for mode in smooth_modes(model, law.A.shape)]
    history: list[Array] = []
    value, best = np.inf, block[0]
    for _ in range(MODE_STEPS):
        vectors = [*block, *history]
        Hv = [_times(law.hessian, v) for v in vectors]
        Av = [_times(law.A.apply, v) for v in vectors]
        weights, values = _lowest_pair(device.xp.vdot, vectors, Hv, Av)
        new = sum(a * v for a, v in zip(weights, vectors, strict=True))
        r = sum(a * (h - values * k) for a, h, k in zip(weights, Hv, Av, strict=True))
        settled = abs(value - values) < 1e-3 * abs(values)
        value = values
        others = [a * v for a, v in zip(weights[1:], vectors[1:], strict=True)]
        history = [sum(others)] if others else []
        block, best = [new, precondition(cycle, r)], new
        if settled:
            break
    w = best[2]
    return value, best / float(w.max() - w.min())


def _times(apply: Callable[[Array, Array], None], v: Array) -> Array:
    out = v * 0
    apply(out, v)
    return out


def _lowest_pair(
    dot: Callable[[Array, Array], Array], V: list[Array], HV: list[Array], AV: list[Array]
) -> tuple[np.ndarray, float]:
    """Return the weights of the vectors V whose sum has the lowest quotient, and the quotient."""
    H, A = (
        np.array([[float(dot(v, image)) for image in images] for v in V]) for images in (HV, AV)
    )
    scale = 1 / np.sqrt(np.maximum(np.diag(A), 1e-300))
    H, A = (M * scale * scale[:, None] for M in ((H + H.T) / 2, (A + A.T) / 2))
    size, basis = np.linalg.eigh(A)
    basis = basis[:, size > 1e-10] / np.sqrt(size[size > 1e-10])
    values, weights = eigh(basis.T @ H @ basis)
    return scale * (basis @ weights[:, 0]), float(values[0])


def smooth_modes(model: VoxelModel, shape: tuple[int, ...]) -> list[np.ndarray]:
    """Return a saddle in the solver's layout, and a twist where no mirror plane forbids it.

    w = x^2 - y^2 with u = -z w,x and v = -z w,y, z from half the height.
    """
    grid = model.grid
    exists = activity(model.ids > 0, grid.mirror)
    nz, ny, nx = grid.shape
    lines = [
        q - (q[0] if mirrored else q.mean())
        for q, mirrored in zip((grid.x, grid.y, grid.z), (*grid.mirror, False), strict=True)
    ]
    kinds: list[Callable[..., tuple[np.ndarray, ...]]] = [
        lambda x, y, z: (-2 * x * z + 0 * y, 2 * y * z + 0 * x, x**2 - y**2 + 0 * z)
    ]
    if not any(grid.mirror):
        kinds.append(lambda x, y, z: (-y * z + 0 * x, -x * z + 0 * y, x * y + 0 * z))
    faces = np.s_[:nz, :ny, 1 : nx + 2], np.s_[:nz, :, 1 : nx + 1], np.s_[:, :ny, 1 : nx + 1]
    found = []
    for kind in kinds:
        mode = np.zeros(shape)
        for a, here in enumerate(faces):
            x, y, z = (q if b == a else (q[1:] + q[:-1]) / 2 for b, q in enumerate(lines))
            mode[a][here] = kind(x[None, None, :], y[None, :, None], z[:, None, None])[a]
        found.append(mode * exists)
    return found
