"""Find the softest shape of a body: the one whose energy fell most under its load.

    H x = q N x,    q the least,    N = D + LITTLE A

H is the Hessian of the bent body, D what it takes to bend the flat one without stress evenly by the
mean curvature of x, and A the linear operator: its small share keeps shapes without a mean
curvature in bounds. q is 1 without load, or less where stiff and soft parts alternate, since D
bends them alike, and 0 where the body becomes unstable. Locally optimal conjugate gradients
(Knyazev, SIAM J. Sci. Comput. 23 (2001) 517) from the softest of the smooth modes, preconditioned
as a Newton step is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from warp.machine.arrays import Array
from warp.solvers.elastic.large_deflection.law import Law

LITTLE = 1e-4
MOST, LONG, CHANGE, FLOOR = 12, 40, 5e-3, 0.1
"""Most iterations on the way and at the start, of a shape that is not known yet, and the fall of q
in one of them that is none, over q or over FLOOR."""
ALONE = 1e-10
"""Least part of a direction that is not one of the others, by N."""


Direction = list[Array]
"""A shape in float64, and H and N times it in float32: q is wanted to CHANGE."""


def softest(
    law: Law,
    precondition: Callable[[Array, Array], Array],
    near: list[Array],
    add_bending: Callable[[Array, Array], None],
    most: int = MOST,
) -> tuple[float, Array]:
    """Return q and its shape at the law's last gradient.

    near: one or more shapes that are not far from it, overwritten; precondition(r, out): out =
    M^-1 r; add_bending(out, x): out += D x.
    """

    def products(v: Array) -> Direction:
        Av = law.device.empty(law.A.shape)
        law.linear(Av, v)
        Av *= LITTLE
        add_bending(Av, v)
        Nv = Av.astype(np.float32)
        Hv = Av  # its memory is free now
        law.hessian(Hv, v)
        return [v, Hv.astype(np.float32), Nv]

    starts = [products(near.pop()) for _ in range(len(near))]
    weights, q = _least(law, starts)
    found = _sum(weights, starts)
    del starts
    along: Direction | None = None
    for _ in range(most):
        left = found[2].astype(np.float64)
        left *= -q
        left += found[1]
        shape = precondition(left, law.device.empty(law.A.shape))
        del left
        better = products(shape)
        directions = [found, better] if along is None else [found, better, along]
        weights, lower = _least(law, directions)
        fall, q = q - lower, lower
        along = _sum(weights[1:], directions[1:])
        found = _sum(np.array([weights[0], 1.0]), [found, along])
        del directions, better, shape
        if fall < CHANGE * max(abs(q), FLOOR):
            break
    return q, found[0]


def _least(law: Law, directions: list[Direction]) -> tuple[np.ndarray, float]:
    """Return the weights of directions that give the least q, and q."""
    vdot = law.device.xp.vdot

    def dot(a: Array, b: Array) -> float:
        pairs = zip(a, b, strict=True)
        return sum(float(vdot(own, other.astype(own.dtype, copy=False))) for own, other in pairs)

    H, N = (
        np.array([[dot(one[0], other[n]) for other in directions] for one in directions])
        for n in (1, 2)
    )
    own = np.sqrt(np.maximum(np.diag(N), 1e-300))
    size, vectors = np.linalg.eigh((N + N.T) / 2 / own / own[:, None])
    kept = size > ALONE * size[-1]
    basis = vectors[:, kept] / np.sqrt(size[kept]) / own[:, None]
    values, inside = np.linalg.eigh(basis.T @ (H + H.T) @ basis / 2)
    return basis @ inside[:, 0], float(values[0])


def _sum(weights: np.ndarray, directions: list[Direction]) -> Direction:
    """Return the sum of weights times directions in the memory of the first one."""
    (first, *others), (weight, *factors) = directions, [float(w) for w in weights]
    for total in first:
        total *= weight
    for factor, other in zip(factors, others, strict=True):
        for total, own in zip(first, other, strict=True):
            for part, added in zip(total, own, strict=True):
                part += factor * added
    return first
