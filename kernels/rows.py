"""Find rows of coefficients that repeat, so that each is stored once.

Arrays (planes, rows, n): a row is what stands at [:, j]. `like[j]` <= j is a row that row j may
repeat. Used while a V-cycle is built (`solvers.elastic.multigrid.rows`).
"""

from warp.kernels import kernel, portion


@kernel
def row_sums(share, out, values, planes, rows, n):
    """out (rows, n) = sums over the planes of values times pseudo-random weights in [1, 2).

    Rows that agree have sums that agree; others hardly ever do.
    """
    for j in portion(share, rows):
        o = out[j]
        o[:] = 0
        for k in range(planes):
            v = values[k, j]
            for i in range(n):
                h = ((k * 65599 + i + 1) * 2654435761) & 4294967295
                o[i] += (1 + h / 4294967296) * v[i]


@kernel
def row_differs(share, found, values, like, tolerance, planes, rows, n):
    """Set found[j] to 1 where row j differs from row like[j].

    By more than `tolerance` times the larger of two numbers; else leave it.
    """
    for j in portion(share, rows):
        other = like[j]
        if other == j:
            continue
        for k in range(planes):
            v, w = values[k, j], values[k, other]
            different = 0
            for i in range(n):
                different |= abs(v[i] - w[i]) > tolerance * max(abs(v[i]), abs(w[i]))
            if different:
                found[j] = 1
