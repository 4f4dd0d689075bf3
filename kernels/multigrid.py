"""Transfers between a grid and the next coarser one (z is never coarsened); small sparse matrices.

Arrays (components, levels, ny, nx). In x and in y a fine value lies between two coarse ones,
    fine[i] = (1 - t[i]) coarse[at[i]] + t[i] coarse[at[i] + 1]     (t outside 0..1 extrapolates),
with `at` and `t` given per component; restriction is the transpose.
"""

from warp.kernels import kernel, portion, view


@kernel
def prolong(share, p, active, coarse, atx, tx, aty, ty, components, levels, ny, nx):
    """p = P coarse where `active` is not zero, else 0."""
    zero = tx[0, 0] - tx[0, 0]
    for j in portion(share, ny):
        for a in range(components):
            J, s = aty[a, j], ty[a, j]
            ix, t = atx[a], tx[a]
            for k in range(levels):
                low, high, on, pk = (
                    coarse[a, k, J],
                    coarse[a, k, J + 1],
                    active[a, k, j],
                    p[a, k, j],
                )
                for i in range(nx):
                    I = ix[i]
                    front, back = (
                        low[I] + t[i] * (low[I + 1] - low[I]),
                        high[I] + t[i] * (high[I + 1] - high[I]),
                    )
                    pk[i] = front + s * (back - front) if on[i] != zero else zero


@kernel
def restrict(
    share, out, fine, startx, weightx, starty, weighty, components, levels, ny, nx, my, mx
):
    """out = P^T fine on the coarse grid (ny, nx): my x mx fine values from (starty, startx) on."""
    for j in portion(share, ny):
        for a in range(components):
            for k in range(levels):
                o = out[a, k, j]
                for i in range(nx):
                    o[i] = 0
                for n in range(my):
                    wy, row = weighty[a, n, j], fine[a, k, starty[a, j] + n]
                    for m in range(mx):
                        wx, first = weightx[a, m], startx[a]
                        for i in range(nx):
                            o[i] += wy * wx[i] * row[first[i] + m]


@kernel
def sparse_rows(share, out, x, scale, add, rows, start, column, value, n):
    """out[rows] = add out[rows] + scale (A x) for n rows in CSR form; out and x are flat."""
    for row in portion(share, n):
        total = value[0] * 0
        for e in range(start[row], start[row + 1]):
            total += value[e] * x[column[e]]
        out[rows[row]] = add * out[rows[row]] + scale * total


@kernel
def mask(share, x, active, n):
    """Zero x where `active` is zero; both flat."""
    here = view(share, n)
    xv, inside = x[here], active[here]
    for t in range(len(xv)):
        if inside[t] == 0:
            xv[t] = 0


@kernel
def dense_rows(share, x, r, matrix, at, n):
    """x[at] = matrix^T r[at] with a matrix (n, n); x and r are flat."""
    for row in portion(share, n):
        total = matrix[0, 0] * 0
        for column in range(n):
            total += matrix[column, row] * r[at[column]]
        x[at[row]] = total


@kernel
def noise(share, x, active, n):
    """x = pseudo-random numbers in [-1, 1) where `active`, else 0, the same on every machine.

    x and active are flat.
    """
    here = view(share, n)
    xv, inside = x[here], active[here]
    for t in range(len(xv)):
        h = ((here.start + t) * 2654435761) & 4294967295
        h = ((h ^ (h >> 15)) * 2246822519) & 4294967295
        h = ((h ^ (h >> 13)) * 3266489917) & 4294967295
        xv[t] = ((h ^ (h >> 16)) - 2147483648) / 2147483648 if inside[t] > 0 else 0.0
