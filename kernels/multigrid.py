"""Transfers between a grid and the next coarser one (z is never coarsened); small sparse matrices.

Arrays (components, levels, ny, nx). In x and in y a fine value lies between two coarse ones,
    fine[i] = (1 - t[i]) coarse[at[i]] + t[i] coarse[at[i] + 1]     (t outside 0..1 extrapolates),
with `at` and `t` given per component; restriction is the transpose.
"""

from warp.kernels import inline, kernel, portion, release, scratch, view

# Indices of a row from which on it is divided into runs, and of a run whose values follow one
# another, so that they are read without a table.
WIDE = 64
LONG = 16


@inline
def find_runs(begin, step, first, n, pairs):
    """Divide indices 0 .. n - 1 into runs and return their number; the last begin is n.

    step 1: first[i + 1] = first[i] + 1 in the run. step 2: first[i + 1] = first[i] + 2, or with
    `pairs` first[i + 2] = first[i] + 1. step 0: neither, or fewer than LONG indices.
    """
    count, i = 0, 0
    while i < n:
        plain = i + 1
        while plain < n and first[plain] == first[plain - 1] + 1:
            plain += 1
        double = min(i + 1 + pairs, n)
        while double < n and first[double] == first[double - 1 - pairs] + 2 - pairs:
            double += 1
        if pairs:
            double -= (double - i) % 2
        kind, stop = (1, plain) if plain >= double else (2, double)
        if stop - i < LONG:
            kind, stop = 0, i + 1
        if kind > 0 or count == 0 or step[count - 1] > 0:
            begin[count], step[count] = i, kind
            count += 1
        i = stop
    begin[count] = n
    return count


@kernel
def prolong(share, p, active, stored, coarse, atx, tx, aty, ty, components, levels, ny, nx):
    """p = P coarse where `active` (its row stored[j] for row j) is not zero, else 0."""
    zero = tx[0, 0] - tx[0, 0]
    between = scratch((coarse.shape[3],), tx)  # the coarse values between two rows
    begin, step = scratch((nx + 1,), atx), scratch((nx + 1,), atx)
    for a in range(components):
        ix, t, count = atx[a], tx[a], 0
        if nx >= WIDE:
            count = find_runs(begin, step, ix, nx, 1)
        for k in range(levels):
            for j in portion(share, ny):
                J, s, on, pk = aty[a, j], ty[a, j], active[a, k, stored[j]], p[a, k, j]
                low, high, row = coarse[a, k, J], coarse[a, k, J + 1], coarse[a, k, J]
                if s != zero:
                    for I in range(len(between)):
                        between[I] = low[I] + s * (high[I] - low[I])
                    row = between
                if count == 0:
                    for i in range(nx):
                        I = ix[i]
                        value = row[I] + t[i] * (row[I + 1] - row[I])
                        pk[i] = value if on[i] != zero else zero
                for m in range(count):
                    own = slice(begin[m], begin[m + 1])
                    pm, tm, inside, at = pk[own], t[own], on[own], ix[own]
                    n, f = len(pm), at[0]
                    if step[m] == 1:
                        lower, upper = row[f : f + n], row[f + 1 : f + n + 1]
                        for i in range(n):
                            value = lower[i] + tm[i] * (upper[i] - lower[i])
                            pm[i] = value if inside[i] != zero else zero
                    elif step[m] == 2:
                        lower, upper = row[f : f + n // 2], row[f + 1 : f + 1 + n // 2]
                        f = at[1]
                        low_odd, high_odd = row[f : f + n // 2], row[f + 1 : f + 1 + n // 2]
                        for i in range(n // 2):
                            value = lower[i] + tm[2 * i] * (upper[i] - lower[i])
                            odd = low_odd[i] + tm[2 * i + 1] * (high_odd[i] - low_odd[i])
                            pm[2 * i] = value if inside[2 * i] != zero else zero
                            pm[2 * i + 1] = odd if inside[2 * i + 1] != zero else zero
                    else:
                        for i in range(n):
                            I = at[i]
                            value = row[I] + tm[i] * (row[I + 1] - row[I])
                            pm[i] = value if inside[i] != zero else zero
    release(between)
    release(begin)
    release(step)


@kernel
def restrict(
    share, out, fine, startx, weightx, starty, weighty, components, levels, ny, nx, my, mx
):
    """out = P^T fine on the coarse grid (ny, nx): my x mx fine values from (starty, startx) on."""
    zero = weightx[0, 0, 0] * 0
    total = scratch((fine.shape[3],), weightx)  # sums of fine rows
    begin, step = scratch((nx + 1,), startx), scratch((nx + 1,), startx)
    weighs = scratch((mx, nx), startx)  # 1 where a run has weights other than zero
    for a in range(components):
        first, count = startx[a], 0
        if nx >= WIDE:
            count = find_runs(begin, step, first, nx, 0)
        for m in range(mx):
            for q in range(count):
                weighs[m, q] = 0
                for i in range(begin[q], begin[q + 1]):
                    if weightx[a, m, i] != zero:
                        weighs[m, q] = 1
        for k in range(levels):
            for j in portion(share, ny):
                o = out[a, k, j]
                for n in range(my):
                    wy, row = weighty[a, n, j], fine[a, k, starty[a, j] + n]
                    if n == 0:
                        for i in range(len(total)):
                            total[i] = wy * row[i]
                    elif wy != zero:  # most lines survive: their row alone has a weight
                        for i in range(len(total)):
                            total[i] += wy * row[i]
                if count == 0:
                    for m in range(mx):
                        wx = weightx[a, m]
                        for i in range(nx):
                            more = wx[i] * total[first[i] + m]
                            o[i] = more if m == 0 else o[i] + more
                for q in range(count):
                    own = slice(begin[q], begin[q + 1])
                    oq, at, n = o[own], first[own], begin[q + 1] - begin[q]
                    oq[:] = zero
                    for m in range(mx):
                        if weighs[m, q] == 0:
                            continue
                        wx, here = weightx[a, m][own], at[0] + m
                        if step[q] == 1:
                            f = total[here : here + n]
                            for i in range(n):
                                oq[i] += wx[i] * f[i]
                        elif step[q] == 2:
                            f = total[here : here + 2 * n - 1]
                            for i in range(n):
                                oq[i] += wx[i] * f[2 * i]
                        else:
                            for i in range(n):
                                oq[i] += wx[i] * total[at[i] + m]
    release(total)
    release(begin)
    release(step)
    release(weighs)


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
