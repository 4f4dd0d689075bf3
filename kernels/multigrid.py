"""Transfers between a grid and the next coarser one (z is never coarsened); small sparse matrices.

Arrays (components, levels, ny, nx). In x and in y a fine value lies between two coarse ones,
    fine[i] = (1 - t[i]) coarse[at[i]] + t[i] coarse[at[i] + 1]     (t outside 0..1 extrapolates),
with `at` and `t` given per component; restriction is the transpose.
"""

from warp.kernels import kernel, portion, release, scratch, view


@kernel
def prolong(share, p, active, stored, coarse, atx, tx, aty, ty, components, levels, ny, nx):
    """p = P coarse where `active` (its row stored[j] for row j) is not zero, else 0."""
    zero = tx[0, 0] - tx[0, 0]
    row = scratch((coarse.shape[3],), tx)  # the coarse values between two rows
    for a in range(components):
        ix, t = atx[a], tx[a]
        for k in range(levels):
            for j in portion(share, ny):
                J, s = aty[a, j], ty[a, j]
                low, high, on, pk = (
                    coarse[a, k, J],
                    coarse[a, k, J + 1],
                    active[a, k, stored[j]],
                    p[a, k, j],
                )
                for I in range(len(row)):
                    row[I] = low[I] + s * (high[I] - low[I])
                for i in range(nx):
                    I = ix[i]
                    value = row[I] + t[i] * (row[I + 1] - row[I])
                    pk[i] = value if on[i] != zero else zero
    release(row)


@kernel
def restrict(
    share, out, fine, startx, weightx, starty, weighty, components, levels, ny, nx, my, mx
):
    """out = P^T fine on the coarse grid (ny, nx): my x mx fine values from (starty, startx) on."""
    total = scratch((fine.shape[3],), weightx)  # sums of fine rows
    for a in range(components):
        first = startx[a]
        for k in range(levels):
            for j in portion(share, ny):
                for n in range(my):
                    wy, row = weighty[a, n, j], fine[a, k, starty[a, j] + n]
                    if n == 0:
                        for i in range(len(total)):
                            total[i] = wy * row[i]
                    elif wy != 0:  # most lines survive: their row alone has a weight
                        for i in range(len(total)):
                            total[i] += wy * row[i]
                o = out[a, k, j]
                for m in range(mx):
                    wx = weightx[a, m]
                    for i in range(nx):
                        more = wx[i] * total[first[i] + m]
                        o[i] = more if m == 0 else o[i] + more
    release(total)


@kernel
def sparse_rows(share, out, x, scale, add, rows, start, column, value, n):
    """out[rows] = add out[rows] + scale (A x) for n rows in CSR form; out and x are flat."""
    for row in portion(share, n):
        total = value[0] * 0
        for e in range(start[row], start[row + 1]):
            total += value[e] * x[column[e]]
        out[rows[row]] = add * out[rows[row]] + scale * total


@kernel
def mask(share, x, active, stored, planes, rows, n):
    """Zero x (planes, rows, n) where `active`, its row stored[j] for row j, is zero."""
    for k in range(planes):
        for j in portion(share, rows):
            xk, inside = x[k, j], active[k, stored[j]]
            for i in range(n):
                if inside[i] == 0:
                    xk[i] = 0


def dense_pieces(n: int) -> int:
    """Return into how many pieces `dense_rows` divides n columns: threads for a large GPU."""
    return max(1, min(n // 16, 2**17 // n, 64))


@kernel
def dense_rows(share, partial, r, matrix, at, n, pieces):
    """Partial sums (pieces, n) of matrix^T r[at] over its columns; matrix (n, n), r flat."""
    here = view(share, n)
    for piece in range(pieces):
        total = partial[piece][here]
        total[:] = 0
        for column in range(n * piece // pieces, n * (piece + 1) // pieces):
            value, row = r[at[column]], matrix[column][here]
            for t in range(len(row)):
                total[t] += value * row[t]


@kernel
def dense_fold(share, x, partial, at, n, pieces):
    """x[at] = sum of the pieces of `dense_rows`; x is flat."""
    here = view(share, n)
    total = scratch((n,), partial)
    for piece in range(pieces):
        row = partial[piece][here]
        for t in range(len(row)):
            total[t] += row[t]
    for t in range(here.stop - here.start):
        x[at[here.start + t]] = total[t]
    release(total)


@kernel
def noise(share, x, active, stored, planes, rows, n):
    """x = pseudo-random numbers in [-1, 1) where `active`, else 0, the same on every machine.

    x (planes, rows, n); row stored[j] of `active` for row j.
    """
    for j in portion(share, rows):
        for k in range(planes):
            xk, inside, first = x[k, j], active[k, stored[j]], (k * rows + j) * n
            for i in range(n):
                h = ((first + i) * 2654435761) & 4294967295
                h = ((h ^ (h >> 15)) * 2246822519) & 4294967295
                h = ((h ^ (h >> 13)) * 3266489917) & 4294967295
                xk[i] = ((h ^ (h >> 16)) - 2147483648) / 2147483648 if inside[i] > 0 else 0.0
