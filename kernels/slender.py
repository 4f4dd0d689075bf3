"""Slender parts: rows of one to three stiff cells between soft ones, along x or y.

The faces of a row move together. A row of n cells has n + 1 faces. A z line that holds all of them
but one resists as the cells stretch, and hides how easily the row moves as a whole. The lines of a
row are therefore those of its modes,

    q[m] = sum over f of modes[n, f, m] u[f]
    modes[n, f, m] ~ cos(pi (f + 1/2) m / (n + 1)),  orthonormal:

q[0] moves the row as a whole, the others stretch it. The modes diagonalise both the stretch of the
row and a shear that acts on all its faces alike. The lines join a row to a row of the same kind
above it; they do not join it to other faces above or below.
Indices are flat in the arrays of kernels/elastic.py: `first` is the row's first face (u or v, which
gives its direction), `cells` the number of its cells.
"""

from warp.kernels import inline, kernel, portion
from warp.kernels.elastic import HELD, edge_x, edge_y, edge_z


@inline
def stiff(before, a, b, c, d, ratio):
    """Return how many cells from `a` on form a row of even stiffness between softer ones, or 0."""
    if before < ratio * a and b < ratio * a:
        return 1
    low, high = min(a, b), max(a, b)
    if before < ratio * low and c < ratio * low and ratio * high < low:
        return 2
    low, high = min(low, c), max(high, c)
    if before < ratio * low and d < ratio * low and ratio * high < low:
        return 3
    return 0


@kernel
def slender_cells(share, cells, C, rdx, rdy, ratio, mirror_x, mirror_y, nx, ny, nz):
    """cells (2, nz+1, ny+1, nx+3): the number of cells of the row that begins here, or 0.

    cells[0]: rows along x; cells[1]: rows along y.
    """
    for j in portion(share, ny):
        jm, jp, jq, jr = max(j - 1, 0), min(j + 1, ny), min(j + 2, ny), min(j + 3, ny)
        ym, y, yp, yq, yr = rdy[j], rdy[j + 1], rdy[jp + 1], rdy[jq + 1], rdy[jr + 1]
        for k in range(nz):
            for i in range(1, nx + 1):
                ip, iq, ir = i + 1, min(i + 2, nx + 1), min(i + 3, nx + 1)
                along_x = stiff(
                    C[0, k, j, i - 1] * rdx[i - 1] * rdx[i - 1],
                    C[0, k, j, i] * rdx[i] * rdx[i],
                    C[0, k, j, ip] * rdx[ip] * rdx[ip],
                    C[0, k, j, iq] * rdx[iq] * rdx[iq],
                    C[0, k, j, ir] * rdx[ir] * rdx[ir],
                    ratio,
                )
                along_y = stiff(
                    C[1, k, jm, i] * ym * ym,
                    C[1, k, j, i] * y * y,
                    C[1, k, jp, i] * yp * yp,
                    C[1, k, jq, i] * yq * yq,
                    C[1, k, jr, i] * yr * yr,
                    ratio,
                )
                cells[0, k, j, i] = 0 if mirror_x and i == 1 else along_x
                cells[1, k, j, i] = 0 if mirror_y and j == 0 else along_y


@kernel
def slender_media(share, cells, ids, cell, rdx, rdy, ratio, mirror_x, mirror_y, nx, ny, nz):
    """Count cells as slender_cells does, from material ids."""
    for j in portion(share, ny):
        jm, jp, jq, jr = max(j - 1, 0), min(j + 1, ny), min(j + 2, ny), min(j + 3, ny)
        ym, y, yp, yq, yr = rdy[j], rdy[j + 1], rdy[jp + 1], rdy[jq + 1], rdy[jr + 1]
        for k in range(nz):
            for i in range(1, nx + 1):
                ip, iq, ir = i + 1, min(i + 2, nx + 1), min(i + 3, nx + 1)
                along_x = stiff(
                    cell[0, ids[k + 1, j + 1, i - 1]] * rdx[i - 1],
                    cell[0, ids[k + 1, j + 1, i]] * rdx[i],
                    cell[0, ids[k + 1, j + 1, ip]] * rdx[ip],
                    cell[0, ids[k + 1, j + 1, iq]] * rdx[iq],
                    cell[0, ids[k + 1, j + 1, ir]] * rdx[ir],
                    ratio,
                )
                along_y = stiff(
                    cell[1, ids[k + 1, jm + 1, i]] * ym,
                    cell[1, ids[k + 1, j + 1, i]] * y,
                    cell[1, ids[k + 1, jp + 1, i]] * yp,
                    cell[1, ids[k + 1, jq + 1, i]] * yq,
                    cell[1, ids[k + 1, jr + 1, i]] * yr,
                    ratio,
                )
                cells[0, k, j, i] = 0 if mirror_x and i == 1 else along_x
                cells[1, k, j, i] = 0 if mirror_y and j == 0 else along_y


@kernel
def slender_lines(
    share,
    diagonal,
    lower,
    first,
    cells,
    joined,
    modes,
    free,
    beside,
    C,
    K,
    rdx,
    rcx,
    rdy,
    rcy,
    rdz,
    rcz,
    nx,
    ny,
    nz,
    count,
):
    """Compute the rows' lines: their `diagonal`, and `lower`, the coupling with the level below.

    The entry of a plain face to the level below is still to be added to `lower`. joined: 1 where
    the row continues below, 2 above, 3 both; free, beside (count, 4): what free edges add to the
    diagonal of each face, and to its entry to the level below.
    """
    field, plane, row = (nz + 1) * (ny + 1) * (nx + 3), (ny + 1) * (nx + 3), nx + 3
    for n in portion(share, count):
        a, at, last = first[n] // field, first[n] % field, cells[n]
        k, j, i = at // plane, at % plane // row, at % row
        cz, czp = rcz[k + 1] * rcz[k + 1], rcz[k + 2] * rcz[k + 2]
        for m in range(last + 1):
            d, o, own, hard = free[n, 0] * 0, free[n, 0] * 0, free[n, 0] * 0, free[n, 0] * 0
            for f in range(last + 1):
                y, x = j + a * f, i + (1 - a) * f
                down, up = K[1 - a, k, y, x] * cz, K[1 - a, k + 1, y, x] * czp
                if a == 0:
                    before, after = (
                        C[0, k, y, x - 1] * rdx[x - 1] * rdx[x - 1],
                        C[0, k, y, x] * rdx[x] * rdx[x],
                    )
                    side = (
                        K[2, k, y, x] * rcy[y + 1] * rcy[y + 1]
                        + K[2, k, y + 1, x] * rcy[y + 2] * rcy[y + 2]
                    )
                else:
                    before, after = (
                        C[1, k, max(y - 1, 0), x] * rdy[y] * rdy[y],
                        C[1, k, y, x] * rdy[y + 1] * rdy[y + 1],
                    )
                    side = (
                        K[2, k, y, x] * rcx[x] * rcx[x]
                        + K[2, k, y, x + 1] * rcx[x + 1] * rcx[x + 1]
                    )
                here = modes[last, f, m]
                stretch = here if f == last else modes[last, f + 1, m] - here
                d += here * here * (down + up + side + free[n, f]) + stretch * stretch * after
                d += here * here * before if f == 0 else d * 0
                o += here * here * (beside[n, f] - down)
                own, hard = down if f == m else own, after if f == 0 else hard
                if joined[n] < 2:
                    lower[a, k + 1, y, x] = up
            y, x = j + a * m, i + (1 - a) * m
            diagonal[a, k, y, x] = d if d > hard * HELD else hard / HELD
            lower[a, k, y, x] = own + o if joined[n] % 2 == 1 else own


@kernel
def slender_media_lines(
    share,
    diagonal,
    lower,
    first,
    cells,
    joined,
    modes,
    free,
    beside,
    ids,
    cell,
    soft,
    dx,
    dy,
    dz,
    hz,
    rdx,
    rcx,
    rdy,
    rcy,
    rdz,
    rcz,
    nx,
    ny,
    nz,
    count,
):
    """Compute the rows' lines as slender_lines does, from material ids."""
    field, plane, row = (nz + 1) * (ny + 1) * (nx + 3), (ny + 1) * (nx + 3), nx + 3
    for n in portion(share, count):
        a, at, last = first[n] // field, first[n] % field, cells[n]
        k, j, i = at // plane, at % plane // row, at % row
        cz, czp = rcz[k + 1] * rcz[k + 1], rcz[k + 2] * rcz[k + 2]
        for m in range(last + 1):
            d, o, own, hard = free[n, 0] * 0, free[n, 0] * 0, free[n, 0] * 0, free[n, 0] * 0
            for f in range(last + 1):
                y, x = j + a * f, i + (1 - a) * f
                side = edge_z(ids, soft, dx, dy, hz, k, y, x)
                if a == 0:
                    down, up = (
                        edge_y(ids, soft, dx, dy, dz, k, y, x) * cz,
                        edge_y(ids, soft, dx, dy, dz, k + 1, y, x) * czp,
                    )
                    before = cell[0, ids[k + 1, y + 1, x - 1]] * rdx[x - 1] * dy[y + 1] * hz[k + 1]
                    after = cell[0, ids[k + 1, y + 1, x]] * rdx[x] * dy[y + 1] * hz[k + 1]
                    back = edge_z(ids, soft, dx, dy, hz, k, y + 1, x)
                    side = side * rcy[y + 1] * rcy[y + 1] + back * rcy[y + 2] * rcy[y + 2]
                else:
                    down, up = (
                        edge_x(ids, soft, dx, dy, dz, k, y, x) * cz,
                        edge_x(ids, soft, dx, dy, dz, k + 1, y, x) * czp,
                    )
                    before = cell[1, ids[k + 1, y, x]] * rdy[y] * dx[x] * hz[k + 1]
                    after = cell[1, ids[k + 1, y + 1, x]] * rdy[y + 1] * dx[x] * hz[k + 1]
                    back = edge_z(ids, soft, dx, dy, hz, k, y, x + 1)
                    side = side * rcx[x] * rcx[x] + back * rcx[x + 1] * rcx[x + 1]
                here = modes[last, f, m]
                stretch = here if f == last else modes[last, f + 1, m] - here
                d += here * here * (down + up + side + free[n, f]) + stretch * stretch * after
                d += here * here * before if f == 0 else d * 0
                o += here * here * (beside[n, f] - down)
                own, hard = down if f == m else own, after if f == 0 else hard
                if joined[n] < 2:
                    lower[a, k + 1, y, x] = up
            y, x = j + a * m, i + (1 - a) * m
            diagonal[a, k, y, x] = d if d > hard * HELD else hard / HELD
            lower[a, k, y, x] = own + o if joined[n] % 2 == 1 else own


@inline
def turn(v, at, step, last, modes):
    """v at the faces of a row = modes v."""
    zero = v[at] * 0
    a, b = v[at], v[at + step]
    c, d = v[at + 2 * step] if last > 1 else zero, v[at + 3 * step] if last > 2 else zero
    for m in range(last + 1):
        v[at + m * step] = (
            modes[last, m, 0] * a
            + modes[last, m, 1] * b
            + modes[last, m, 2] * c
            + modes[last, m, 3] * d
        )


@kernel
def slender_turn(share, r, x, p, first, cells, modes, with_x, nx, ny, nz, count):
    """Transform residual r, correction x (if asked for) and direction p, flat, to the rows' modes.

    With the transposed `modes`, transform them back.
    """
    field = (nz + 1) * (ny + 1) * (nx + 3)
    for n in portion(share, count):
        step = 1 if first[n] < field else nx + 3
        turn(r, first[n], step, cells[n], modes)
        if with_x:
            turn(x, first[n], step, cells[n], modes)
        turn(p, first[n], step, cells[n], modes)
