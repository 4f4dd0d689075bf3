"""Vectors: sums in a fixed order, and the updates of a conjugate-gradient iteration.

Unknowns x are float64, the vectors p, r, q `real`, and z, the preconditioned residual, float32.
Scalars of the iteration stay on the device in a small float64 array `s`; kernels refer to them by
index, so that no number travels to the host inside an iteration.

A sum is the same to the last bit in every run on one device, whatever the number of CPU threads:
the vector is cut into `groups` pieces of `chunk` elements; within a piece, lane t adds the elements
t, t + 256, t + 512, ...; the lanes of all pieces are added as a tree of RADIX branches::

    *_lanes(partial, ...)   extent 256 groups  one partial sum per group and lane
    fold(partial, ...)      extent rest        partial[i] = sum over e of partial[i + e rest]
    fold_last(s, partial)   extent 1           s[slot] = sum over e of partial[e]

`pieces(n)` gives (groups, chunk), `folds(count)` the (count, rest) of each `fold` and at last how
many numbers are left; `partial` (float64) holds groups * 256, for a sum of several dot products
those of each, one after another.
"""

import numpy as np

from warp.kernels import inline, kernel, portion, release, scratch, view

LANES = 256
# Enough lanes to keep the largest GPU busy.
MAX_GROUPS = 512
MIN_ROWS = 8  # a group of fewer rows costs more than it saves
RADIX = 64
"""Numbers that one thread adds: few threads must not wait for a long chain of loads."""


def pieces(n: int) -> tuple[int, int]:
    """Cut n elements into (groups, elements per group); depends on n alone."""
    rows = max(1, -(-n // LANES))
    rows_a_group = max(MIN_ROWS, -(-rows // MAX_GROUPS))
    return -(-rows // rows_a_group), rows_a_group * LANES


TOGETHER = 16
"""Numbers that a lane adds in their own precision before it goes on in float64."""


def folds(count: int) -> tuple[list[tuple[int, int]], int]:
    """Divide a sum of `count` numbers into folds (count, rest) and the last one's count."""
    steps = []
    while count > RADIX:
        rest = -(-count // RADIX)
        steps.append((count, rest))
        count = rest
    return steps, count


@inline
def _dot(lane, some, x, y, start, end):
    """Partial sums of one piece: lane = sums of x y; some: scratch of the type of x."""
    lane[:] = 0.0
    for block in range(start, end, 256 * TOGETHER):
        some[:] = 0
        for row in range(block, min(block + 256 * TOGETHER, end), 256):
            here = slice(row, min(row + 256, end))
            # views: indices that cannot wrap, so the loop vectorises
            xr, yr = x[here], y[here]
            for t in range(len(xr)):
                some[t] += xr[t] * yr[t]
        for t in range(256):
            lane[t] += some[t]


@kernel
def dot_lanes(share, partial, x, y, n, chunk, groups):
    """Partial sums of x . y, both real."""
    some = scratch((256,), x)
    for g in portion(share, groups):
        lane = partial[g * 256 : g * 256 + 256]
        _dot(lane, some, x, y, g * chunk, min((g + 1) * chunk, n))
    release(some)


@kernel
def dot_narrow_lanes(share, partial, x, y, n, chunk, groups):
    """Partial sums of x . y; x real, y float32."""
    some = scratch((256,), x)
    for g in portion(share, groups):
        lane = partial[g * 256 : g * 256 + 256]
        _dot(lane, some, x, y, g * chunk, min((g + 1) * chunk, n))
    release(some)


@kernel
def step_lanes(share, x, r, partial, p, q, s, alpha, n, chunk, groups):
    """x += a p and r -= a q with a = s[alpha]; partial sums of the new r . r."""
    some, factor = scratch((256,), r), scratch((1,), r)
    for g in portion(share, groups):
        a = s[alpha]
        factor[0] = a
        b = factor[0]
        lane = partial[g * 256 : g * 256 + 256]
        lane[:] = 0.0
        end = min((g + 1) * chunk, n)
        for block in range(g * chunk, end, 256 * TOGETHER):
            some[:] = 0
            for row in range(block, min(block + 256 * TOGETHER, end), 256):
                here = slice(row, min(row + 256, n))
                xr, rr, pr, qr = x[here], r[here], p[here], q[here]
                for t in range(len(xr)):
                    xr[t] += a * np.float64(pr[t])
                    c = rr[t] - b * qr[t]
                    rr[t] = c
                    some[t] += c * c
            for t in range(256):
                lane[t] += some[t]
    release(some)
    release(factor)


@kernel
def residual_lanes(share, r, partial, b, q, n, chunk, groups):
    """r = b - q; partial sums of r . r."""
    for g in portion(share, groups):
        lane = partial[g * 256 : g * 256 + 256]
        lane[:] = 0.0
        for row in range(g * chunk, min((g + 1) * chunk, n), 256):
            here = slice(row, min(row + 256, n))
            rr, br, qr = r[here], b[here], q[here]
            for t in range(len(rr)):
                c = br[t] - qr[t]
                rr[t] = c
                lane[t] += c * c


@kernel
def word_lanes(share, partial, words, keep, n, chunk, groups):
    """Partial sums of 16-bit words, added to `keep` (0 or 1) times those that are there.

    Exact up to 2^53: a flipped bit changes the sum.
    """
    for g in portion(share, groups):
        lane = partial[g * 256 : g * 256 + 256]
        if keep == 0:
            lane[:] = 0.0
        for row in range(g * chunk, min((g + 1) * chunk, n), 256):
            here = words[row : min(row + 256, n)]
            for t in range(len(here)):
                lane[t] += np.float64(here[t])


@kernel
def fold(share, partial, count, rest):
    """Add the numbers i, i + rest, i + 2 rest, ..., in order."""
    here = portion(share, rest)
    total = partial[here.start : here.stop]
    for first in range(rest, count, rest):
        low, high = first + here.start, min(first + here.stop, count)
        if low < high:
            more = partial[low:high]
            for t in range(len(more)):
                total[t] += more[t]


@kernel
def fold_last(share, s, partial, slot, count):
    """Add the numbers that are left, in order, into s[slot]."""
    for _ in portion(share, 1):
        c = 0.0
        for e in range(count):
            c += partial[e]
        s[slot] = c


@kernel
def ratio(share, s, out, numerator, denominator, sign):
    """s[out] = sign s[numerator] / s[denominator]; 0 / 0 = 0 (the exact solution is reached)."""
    for _ in portion(share, 1):
        if s[numerator] == 0.0:
            s[out] = 0.0
        else:
            s[out] = sign * s[numerator] / s[denominator]


@kernel
def inverse_root(share, s, out, square):
    """s[out] = 1 / sqrt(s[square]); 1 for zero.

    With s[square] = r . r it scales r to a unit vector.
    """
    for _ in portion(share, 1):
        if s[square] > 0.0:
            s[out] = 1.0 / np.sqrt(s[square])
        else:
            s[out] = 1.0


@kernel
def direction(share, p, z, s, c, b, n):
    """p = s[c] z + s[b] p; p real, z float32."""
    here = view(share, n)
    pv, zv, factors = p[here], z[here], scratch((2,), p)
    factors[0], factors[1] = s[c], s[b]
    new, old = factors[0], factors[1]
    for t in range(len(pv)):
        pv[t] = new * zv[t] + old * pv[t]
    release(factors)


@kernel
def narrow(share, y, x, s, c, n):
    """y = s[c] x; x real, y float32."""
    here = view(share, n)
    yv, xv, factors = y[here], x[here], scratch((1,), x)
    factors[0] = s[c]
    factor = factors[0]
    for t in range(len(yv)):
        yv[t] = factor * xv[t]
    release(factors)


@kernel
def scale(share, y, x, s, c, n):
    """y = s[c] x, both real."""
    here = view(share, n)
    yv, xv, factors = y[here], x[here], scratch((1,), x)
    factors[0] = s[c]
    factor = factors[0]
    for t in range(len(yv)):
        yv[t] = factor * xv[t]
    release(factors)


@kernel
def copy(share, y, x, n):
    """y = x, both real."""
    for i in portion(share, n):
        y[i] = x[i]


@kernel
def add(share, y, x, n):
    """y += x, both real."""
    here = view(share, n)
    yv, xv = y[here], x[here]
    for t in range(len(yv)):
        yv[t] += xv[t]
