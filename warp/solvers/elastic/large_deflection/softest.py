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

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from warp.machine.arrays import Array
from warp.solvers.elastic.large_deflection.law import Law

LITTLE = 1e-4
MOST, LONG, CHANGE, FLOOR = 12, 40, 5e-3, 0.1
"""Most iterations on the way and at the start, of a shape that is not known yet, and the fall of q
in one of them that is none, over q or over FLOOR."""
ALONE = 1e-10
"""Least part of a direction that is not one of the others, by N."""


def softest(
    law: Law,
    precondition: Callable[[Array], Array],
    near: Sequence[Array],
    bending: Callable[[Array], Array],
    most: int = MOST,
) -> tuple[float, Array]:
    """Return q and its shape at the law's last gradient.

    near: one or more shapes that are not far from it; bending: D.
    """

    def products(v: Array) -> list[Array]:
        Hv, Av = law.device.empty(law.A.shape), law.device.empty(law.A.shape)
        law.hessian(Hv, v)
        law.linear(Av, v)
        Av *= LITTLE
        Av += bending(v)
        return [v, Hv, Av]

    starts = [products(x) for x in near]
    weights, q = _least(law, starts)
    found = _sum(zip(weights, starts, strict=True))
    along: list[Array] | None = None
    for _ in range(most):
        better = products(precondition(found[1] - q * found[2]))
        directions = [found, better] if along is None else [found, better, along]
        weights, lower = _least(law, directions)
        fall, q = q - lower, lower
        along = _sum(zip(weights[1:], directions[1:], strict=True))
        found = _sum([(weights[0], found), (1.0, along)])
        if fall < CHANGE * max(abs(q), FLOOR):
            break
    return q, found[0]


def _least(law: Law, directions: list[list[Array]]) -> tuple[np.ndarray, float]:
    """Return the weights of directions that give the least q, and q."""
    vdot = law.device.xp.vdot
    H, N = (
        np.array([[float(vdot(one[0], other[n])) for other in directions] for one in directions])
        for n in (1, 2)
    )
    own = np.sqrt(np.maximum(np.diag(N), 1e-300))
    size, vectors = np.linalg.eigh((N + N.T) / 2 / own / own[:, None])
    kept = size > ALONE * size[-1]
    basis = vectors[:, kept] / np.sqrt(size[kept]) / own[:, None]
    values, inside = np.linalg.eigh(basis.T @ (H + H.T) @ basis / 2)
    return basis @ inside[:, 0], float(values[0])


def _sum(terms: Iterable[tuple[float, list[Array]]]) -> list[Array]:
    """Return the sum of shapes and of their products."""
    (first, shape), *others = terms
    found = [first * one for one in shape]
    for weight, more in others:
        for to, one in zip(found, more, strict=True):
            to += weight * one
    return found
