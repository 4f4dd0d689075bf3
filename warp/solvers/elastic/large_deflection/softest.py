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

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from warp.machine.arrays import Array
from warp.solvers.elastic.large_deflection.law import Law
from warp.solvers.elastic.large_deflection.stored import Stored

LITTLE = 1e-4
MOST, LONG, CHANGE, FLOOR = 12, 40, 5e-3, 0.1
"""Most iterations on the way and at the start, of a shape that is not known yet, and the fall of q
in one of them that is none, over q or over FLOOR."""
ALONE = 1e-10
"""Least part of a direction that is not one of the others, by N."""


class Scratch(NamedTuple):
    """Memory of the preconditioner that is free while it is not at work, in the solver's layout.

    wide: in float64; left: in float32, from which it may begin; H and N: in float32, overwritten
    when it is applied.
    """

    wide: Array
    left: Array
    H: Array
    N: Array


@dataclass
class Direction:
    """A shape, and H times it in float32: q is wanted to CHANGE."""

    v: Stored
    H: Array

    def scale(self, weight: float) -> None:
        """Multiply by a weight."""
        self.v.scale(weight)
        self.H *= np.float32(weight)

    def add(self, weight: float, other: Direction | Products) -> None:
        """Add a weight times another direction."""
        self.v.add(weight, other.v)
        for own, more in zip(self.H, other.H, strict=True):
            own += np.float32(weight) * more


class Products(NamedTuple):
    """A shape in full, and H and N times it in scratch memory."""

    v: Array
    H: Array
    N: Array


class Search:
    """The search for the softest shape at a law's last gradient.

    precondition(r, out): out = M^-1 r, r in float32; add_bending(out, x): out += D x; exists: of
    displacements in the body.
    """

    def __init__(
        self,
        law: Law,
        precondition: Callable[[Array, Array], Array],
        add_bending: Callable[[Array, Array], None],
        scratch: Scratch,
        exists: Array,
    ) -> None:
        self.law, self.precondition, self.add_bending = law, precondition, add_bending
        self.scratch, self.exists = scratch, exists

    def softest(self, near: list[Array | Stored], most: int = MOST) -> tuple[float, Stored]:
        """Return q and its shape.

        near: one or more shapes that are not far from it, overwritten; most: iterations.
        """
        found, q = self._nearest(near)
        along: Direction | None = None
        N = np.ones((1, 1))  # of products by N of found and along
        for _ in range(most):
            left, wide = self.scratch.left, self.scratch.wide
            self._bend(wide, found.v.full(self._vector()))
            wide *= -q
            wide += found.H
            left[...] = wide
            better = self._products(self.precondition(left, self._vector()))
            known = [found] if along is None else [found, along]
            N = self._with_products(N, known, better)
            weights, lower = least(self._energies([*known, better]), N)
            fall, q = q - lower, lower
            if along is None:
                along = self._own(better)
                along.scale(weights[-1])
            else:
                along.scale(weights[1])
                along.add(weights[-1], better)
            del known, better
            found.scale(weights[0])
            found.add(1.0, along)
            of_along = weights * (np.arange(len(weights)) > 0)
            T = np.stack([weights, of_along])
            N = T @ N @ T.T
            if fall < CHANGE * max(abs(q), FLOOR):
                break
        return q, found.v

    def _nearest(self, near: list[Array | Stored]) -> tuple[Direction, float]:
        """Return the softest combination of shapes, of energy 1 J by N, and q."""
        starts: list[Direction] = []
        N = np.zeros((0, 0))
        while near:
            v = near.pop()
            full = v.full(self._vector()) if isinstance(v, Stored) else v
            one = self._products(full)
            N = self._with_products(N, starts, one)
            starts.append(self._own(one))
            del v, full, one
        weights, q = least(self._energies(starts), N)
        found, *others = starts
        found.scale(weights[0])
        for weight, other in zip(weights[1:], others, strict=True):
            found.add(weight, other)
        return found, q

    def _vector(self) -> Array:
        return self.law.device.empty(self.law.A.shape)

    def _bend(self, out: Array, v: Array) -> None:
        """Compute out = N v."""
        self.law.linear(out, v)
        out *= LITTLE
        self.add_bending(out, v)

    def _products(self, v: Array) -> Products:
        wide, _, H, N = self.scratch
        self._bend(wide, v)
        N[...] = wide
        self.law.hessian(wide, v)
        H[...] = wide
        return Products(v, H, N)

    def _own(self, one: Products) -> Direction:
        """Return a direction in memory of its own."""
        return Direction(Stored.of(one.v, self.exists), one.H.copy())

    def _with_products(
        self, N: np.ndarray, known: Sequence[Direction], one: Products
    ) -> np.ndarray:
        """Return the products by N of known directions (n, n) and one more (n + 1, n + 1)."""
        found = np.pad(N, (0, 1))
        for a, k in np.ndindex(one.N.shape[:2]):
            products = one.N[a, k].astype(np.float64)
            for row, v in enumerate((*(d.v.level(a, k) for d in known), one.v[a, k])):
                found[row, -1] += float(self.law.device.xp.vdot(v, products))
        found[-1] = found[:, -1]
        return found

    def _energies(self, some: Sequence[Direction | Products]) -> np.ndarray:
        """Return the products by H of directions."""
        vdot, n = self.law.device.xp.vdot, len(some)
        H = np.zeros((n, n))
        for row, one in enumerate(some):
            for a, k in np.ndindex(one.H.shape[:2]):
                v = one.v.level(a, k) if isinstance(one.v, Stored) else one.v[a, k]
                for column, other in enumerate(some):
                    H[row, column] += float(vdot(v, other.H[a, k].astype(v.dtype)))
        return (H + H.T) / 2


def least(H: np.ndarray, N: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the weights that give the least q at an energy of 1 J by N, and q."""
    own = np.sqrt(np.maximum(np.diag(N), 1e-300))
    size, vectors = np.linalg.eigh(N / own / own[:, None])
    kept = size > ALONE * size[-1]
    basis = vectors[:, kept] / np.sqrt(size[kept]) / own[:, None]
    values, inside = np.linalg.eigh(basis.T @ H @ basis)
    return basis @ inside[:, 0], float(values[0])
