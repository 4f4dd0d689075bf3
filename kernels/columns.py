"""Cell columns: the smoother that moves u, v and w of one column together, on coarse levels.

The column of cell (j, i) has, on every level k, the displacements w, u left, u right, v front,
v back (d = 0 .. 4); degree of freedom d of level k has number 5k + d. A restricted to them is a
band matrix of half width 5,

    P[d, o, k, j, i] = A(5k + d, 5k + d - o),  o = 0 .. 5
    P (5, 6, nz+2, ny, nx+3), zero on level nz + 1,

factored once. A step adds the solutions of all columns (additive Schwarz with overlap: each u and
v belongs to two). Layout of displacements and coefficients as in kernels/elastic.py; sums run in a
fixed order.
"""

from warp.kernels import inline, kernel, portion, release, scratch

# A pivot below this fraction of its diagonal is a free motion of the column, which is held.
TINY = 1e-12
# Columns that are solved at once: long rows, and few enough for a cache.
BLOCK = 128


@kernel
def columns_factor(
    share, P, diagonal, C, K, rdx, rcx, rdy, rcy, rdz, rcz, start, entry, value, nx, ny, nz
):
    """Fill the column matrices and factor them, P = L D L^T.

    P holds multipliers at o > 0 and inverse pivots at o = 0 (0 where inactive). Arithmetic is
    float64 up to P itself: a column bends far more easily than its cells stretch. `diagonal`: A's,
    zero where a displacement does not exist. Free edges add value[e] at entry[e] = 30 k + 6 d + o,
    ascending, from e = start[j (nx+3) + i] on.
    """
    A, L = (
        scratch((5, 6), value),
        scratch((5, 6), value),
    )  # rows of level k; factored rows, the latest of each d
    for j in portion(share, ny):
        ry, cy, cyp = rdy[j + 1], rcy[j + 1], rcy[j + 2]
        for i in range(1, nx + 1):
            rx, cx, cxp = rdx[i], rcx[i], rcx[i + 1]
            L[:] = 0
            e, end = start[j * (nx + 3) + i], start[j * (nx + 3) + i + 1]
            for k in range(nz + 1):
                rz, rzm, cz = rdz[k + 1], rdz[k], rcz[k + 1]
                km = max(k - 1, 0)
                A[:] = 0
                A[0, 0] = diagonal[2, k, j, i]
                A[1, 0], A[2, 0] = diagonal[0, k, j, i], diagonal[0, k, j, i + 1]
                A[3, 0], A[4, 0] = diagonal[1, k, j, i], diagonal[1, k, j + 1, i]
                left, right = K[1, k, j, i] * cz * cx, K[1, k, j, i + 1] * cz * cxp
                front, back = K[0, k, j, i] * cz * cy, K[0, k, j + 1, i] * cz * cyp
                cellx, celly = C[4, k, j, i] * rx * rz, C[3, k, j, i] * ry * rz
                A[1, 1], A[2, 2] = cellx + left, -cellx - right
                A[3, 3], A[4, 4] = celly + front, -celly - back
                A[2, 1], A[4, 1] = -C[0, k, j, i] * rx * rx, -C[1, k, j, i] * ry * ry
                xy = C[5, k, j, i] * rx * ry
                A[3, 2] = xy + K[2, k, j, i] * cy * cx
                A[3, 1] = -xy - K[2, k, j, i + 1] * cy * cxp
                A[4, 3] = -xy - K[2, k, j + 1, i] * cyp * cx
                A[4, 2] = xy + K[2, k, j + 1, i + 1] * cyp * cxp
                if k > 0:
                    cellx, celly = C[4, km, j, i] * rx * rzm, C[3, km, j, i] * ry * rzm
                    A[0, 5] = -C[2, km, j, i] * rzm * rzm
                    A[0, 4], A[0, 3] = -cellx - left, cellx + right
                    A[0, 2], A[0, 1] = -celly - front, celly + back
                    A[1, 5], A[2, 5] = -K[1, k, j, i] * cz * cz, -K[1, k, j, i + 1] * cz * cz
                    A[3, 5], A[4, 5] = -K[0, k, j, i] * cz * cz, -K[0, k, j + 1, i] * cz * cz
                while e < end and entry[e] < 30 * k + 30:
                    A[entry[e] // 6 % 5, entry[e] % 6] += value[e]
                    e += 1
                for d in range(5):
                    full = A[d, 0]
                    if full > 0:
                        for o in range(5, 0, -1):
                            for m in range(o + 1, 6):
                                A[d, o] -= A[d, m] * L[(d + 5 - o) % 5, m - o]
                        for o in range(5, 0, -1):
                            l = A[d, o] * L[(d + 5 - o) % 5, 0]
                            A[d, 0] -= l * A[d, o]
                            L[d, o] = l
                        L[d, 0] = 1 / A[d, 0] if A[d, 0] > full * TINY else 0.0
                    else:
                        L[d] = 0
                    for o in range(6):
                        P[d, o, k, j, i] = L[d, o]
    release(A)
    release(L)


@inline
def eliminate(y, b, l1, l2, l3, l4, l5, y1, y2, y3, y4, y5, n):
    """Compute y = b - sum of l y for one degree of freedom of a block of columns."""
    for i in range(n):
        y[i] = b[i] - (
            l1[i] * y1[i] + l2[i] * y2[i] + l3[i] * y3[i] + l4[i] * y4[i] + l5[i] * y5[i]
        )


@kernel
def columns_solve(share, Y, r, P, nx, ny, nz):
    """Solve all columns: Y (5, nz+1, columns) from the residual r (3, nz+1, columns and a row).

    P (5, 6, nz+2, columns), all a row of columns after the other: a block of them is one loop.
    """
    last, columns = 5 * nz + 4, ny * (nx + 3)
    y = scratch((last + 11, BLOCK), r)  # solution of row n at n + 5
    for block in portion(share, (columns + BLOCK - 1) // BLOCK):
        start, stop = block * BLOCK, min(block * BLOCK + BLOCK, columns)
        here, n = slice(start, stop), stop - start
        y[:5] = 0
        y[last + 6 :] = 0
        for row in range(last + 1):
            k, d = row // 5, row % 5
            field = 2 if d == 0 else 0 if d < 3 else 1
            shift = 1 if d == 2 else nx + 3 if d == 4 else 0
            eliminate(
                y[row + 5],
                r[field, k][start + shift : stop + shift],
                P[d, 1, k][here],
                P[d, 2, k][here],
                P[d, 3, k][here],
                P[d, 4, k][here],
                P[d, 5, k][here],
                y[row + 4],
                y[row + 3],
                y[row + 2],
                y[row + 1],
                y[row],
                n,
            )
        for row in range(last, -1, -1):
            k, d = row // 5, row % 5
            c1, c2, c3, c4, c5 = row + 1, row + 2, row + 3, row + 4, row + 5
            full, inverse, solution = y[row + 5], P[d, 0, k][here], Y[d, k][here]
            for i in range(n):
                full[i] = full[i] * inverse[i]
            eliminate(
                full,
                full,
                P[c1 % 5, 1, c1 // 5][here],
                P[c2 % 5, 2, c2 // 5][here],
                P[c3 % 5, 3, c3 // 5][here],
                P[c4 % 5, 4, c4 // 5][here],
                P[c5 % 5, 5, c5 // 5][here],
                y[row + 6],
                y[row + 7],
                y[row + 8],
                y[row + 9],
                y[row + 10],
                n,
            )
            for i in range(n):
                solution[i] = full[i]
    release(y)


@kernel
def columns_step(share, x, p, Y, keep, old, a, b, nx, ny, nz):
    """Take one Chebyshev step with the sum of the columns' solutions, as in elastic_lines_step."""
    for k in range(nz + 1):
        for j in portion(share, ny + 1):
            for d in range(3):
                to, pk = x[d, k, j], p[d, k, j]
                if a == 0 and old == 0:
                    pk[:] = 0
                if keep == 0:
                    to[:] = 0
                if keep >= 0 and (keep != 1 or old != 0):
                    for i in range(nx + 3):
                        to[i] = keep * to[i] + old * pk[i]
                for i in range(nx + 3):
                    pk[i] = a * pk[i]
            if j < ny:
                u, v, w = p[0, k, j], p[1, k, j], p[2, k, j]
                left, right, front, y = Y[1, k, j], Y[2, k, j], Y[3, k, j], Y[0, k, j]
                for i in range(1, nx + 1):
                    u[i] += b * left[i]
                for i in range(1, nx + 1):
                    u[i + 1] += b * right[i]
                for i in range(1, nx + 1):
                    v[i] += b * front[i]
                for i in range(1, nx + 1):
                    w[i] += b * y[i]
            if j > 0:
                v, back = p[1, k, j], Y[4, k, j - 1]
                for i in range(1, nx + 1):
                    v[i] += b * back[i]
            for d in range(3):
                to, pk = x[d, k, j], p[d, k, j]
                if keep >= 0:
                    for i in range(nx + 3):
                        to[i] += pk[i]
