"""Vectors: sums in a fixed order, and the updates of a conjugate-gradient iteration.

Unknowns x, p, r, q are float64; z, the preconditioned residual, is `real` (usually float32).
Scalars of the iteration stay on the device in a small float64 array `s`; kernels refer to them by
index, so that no number travels to the host inside an iteration.

A sum is the same to the last bit in every run on one device, whatever the number of CPU threads:
the vector is cut into `groups` pieces of `chunk` elements; within a piece, lane t adds the elements
t, t + 256, t + 512, ...; the lanes are added group by group, then lane by lane::

    *_lanes(partial, ...)  extent 256 groups    one partial sum per group and lane
    fold_groups(partial)   extent 256 m         partial[m, 0, t] = sum over g of partial[m, g, t]
    fold_lanes(s, partial) extent m             s[slot + m]      = sum over t of partial[m, 0, t]

The partial sums of m sums are stored one after another. `pieces(n)` gives (groups, chunk);
`partial` holds at least m * groups * 256 float64.
"""

import numpy as np

from warp.kernels import kernel, portion, view

LANES = 256
# Enough lanes to keep the largest GPU busy; fold_groups adds at most as many numbers per lane.
MAX_GROUPS = 512
MIN_ROWS = 8  # a group of fewer rows costs more than it saves


def pieces(n: int) -> tuple[int, int]:
    """Cut n elements into (groups, elements per group); depends on n alone."""
    rows = max(1, -(-n // LANES))
    rows_a_group = max(MIN_ROWS, -(-rows // MAX_GROUPS))
    return -(-rows // rows_a_group), rows_a_group * LANES


@kernel
def dot_lanes(share, partial, x, y, n, chunk, groups):
    """Partial sums of x . y; x float64, y real."""
    for g in portion(share, groups):
        lane = partial[g * 256 : g * 256 + 256]
        lane[:] = 0.0
        for row in range(g * chunk, min((g + 1) * chunk, n), 256):
            here = slice(
                row, min(row + 256, n)
            )  # views: indices that cannot wrap, so the loop vectorises
            xr, yr = x[here], y[here]
            for t in range(len(xr)):
                lane[t] += xr[t] * np.float64(yr[t])


@kernel
def step_lanes(share, x, r, partial, p, q, s, alpha, n, chunk, groups):
    """x += a p and r -= a q with a = s[alpha]; partial sums of the new r . r."""
    for g in portion(share, groups):
        a = s[alpha]
        lane = partial[g * 256 : g * 256 + 256]
        lane[:] = 0.0
        for row in range(g * chunk, min((g + 1) * chunk, n), 256):
            here = slice(row, min(row + 256, n))
            xr, rr, pr, qr = x[here], r[here], p[here], q[here]
            for t in range(len(xr)):
                xr[t] += a * pr[t]
                c = rr[t] - a * qr[t]
                rr[t] = c
                lane[t] += c * c


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
def fold_groups(share, partial, groups, sums):
    """Add the groups of each lane, in order."""
    for b in portion(share, sums * 8):
        first = b // 8 * groups * 256 + b % 8 * 32
        lane = partial[first : first + 32]
        for g in range(1, groups):
            more = partial[first + g * 256 : first + g * 256 + 32]
            for t in range(32):
                lane[t] += more[t]


@kernel
def fold_lanes(share, s, partial, slot, groups, sums):
    """Add the lanes of each sum, in order, into s[slot], s[slot + 1], ..."""
    for m in portion(share, sums):
        c = 0.0
        for t in range(256):
            c += partial[m * groups * 256 + t]
        s[slot + m] = c


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
    """p = s[c] z + s[b] p; z real."""
    here = view(share, n)
    pv, zv = p[here], z[here]
    new, old = s[c], s[b]
    for t in range(len(pv)):
        pv[t] = new * np.float64(zv[t]) + old * pv[t]


@kernel
def narrow(share, y, x, s, c, n):
    """y = s[c] x, rounded to real."""
    here = view(share, n)
    yv, xv = y[here], x[here]
    factor = s[c]
    for t in range(len(yv)):
        yv[t] = factor * xv[t]


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
