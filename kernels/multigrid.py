"""Transfers between a grid and the next coarser one (z is never coarsened); small sparse matrices.

Arrays (components, levels, ny, nx). In x and in y a fine value lies between two coarse ones,
    fine[i] = (1 - t[i]) coarse[at[i]] + t[i] coarse[at[i] + 1]     (t outside 0..1 extrapolates),
with `at` and `t` given per component; restriction is the transpose.
"""

from warp.kernels import kernel, portion, release, scratch, view


@kernel
def prolong(share, p, active, coarse, atx, tx, aty, ty, components, levels, ny, nx):
    """p = P coarse where `active` is not zero, else 0."""
    zero = tx[0, 0] - tx[0, 0]
    row = scratch((coarse.shape[3],), tx)  # the coarse values between two rows
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
    for j in portion(share, ny):
        for a in range(components):
            first = startx[a]
            for k in range(levels):
                for n in range(my):
                    wy, row = weighty[a, n, j], fine[a, k, starty[a, j] + n]
                    for i in range(len(total)):
                        total[i] = wy * row[i] if n == 0 else total[i] + wy * row[i]
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
def mask(share, x, active, n):
    """Zero x where `active` is zero; both flat."""
    here = view(share, n)
    xv, inside = x[here], active[here]
    for t in range(len(xv)):
        if inside[t] == 0:
            xv[t] = 0


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
def alternating(share, x, active, fields, levels, rows, row):
    """x = pseudo-random numbers in [-1/2, 1) by turns plus and minus along x and y, 0 off `active`.

    Arrays (fields, levels, rows, row). Equal on all levels of a column, and on every machine.
    """
    for j in portion(share, rows):
        for a in range(fields):
            for k in range(levels):
                to, on = x[a, k, j], active[a, k, j]
                for i in range(row):
                    h = (((a * rows + j) * row + i) * 2654435761) & 4294967295
                    h = ((h ^ (h >> 15)) * 2246822519) & 4294967295
                    h = ((h ^ (h >> 13)) * 3266489917) & 4294967295
                    size = 1.5 * (h ^ (h >> 16)) / 4294967296 - 0.5 if on[i] > 0 else 0.0
                    to[i] = size if (i + j) % 2 == 0 else -size
