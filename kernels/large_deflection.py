"""Moderate rotations of a plate: what the slopes of w add to the linear operator.

    e_xx += < g_x h_x >,   e_yy += < g_y h_y >,   g_xy += < g_x > < h_y > + < g_y > < h_x >

g and h are slopes of w. With h those of an increment x and g those half-way through it, these are
the exact differences of (w,x)^2 / 2, (w,y)^2 / 2 and w,x w,y; with g those of the present body,
their derivatives. Slopes (2, ...): w,x on the edges along y, w,y on the edges along x, zero where w
is missing on one side (free faces) and on mirror planes. A cell averages over its four edges; where
one side has no slope, the other counts twice, which extrapolates w linearly. Edges along z average
over the four slopes around them. Layout and tables as in kernels/elastic.py.

Stress t (7, ...), times volume, of increments: from the added strains alone xx, yy, zz of cells and
xy of edges along z; then of all strains, xx and yy of cells and xy of edges.

Slopes h of increments, stress t and forces q on slopes are needed for a few rows at a time: they
hold rows from `first` on, and a kernel computes the rows from `begin` to before `end`.

Left out: products of the gradients of u and v, and rotations in e_zz, g_xz and g_yz. At a slope s
the relative error of strains is of the order s^2: 4 % at 0.2.
"""

from warp.kernels import inline, kernel, portion, release, scratch
from warp.kernels.elastic_setup import face_z


@inline
def lower_x(ids, k, j, i):
    """Weight in a cell of the slope at its lower x face on z face k; i: cell (index + 1)."""
    return 0.25 if face_z(ids, k, j, i + 1) else 0.5


@inline
def upper_x(ids, k, j, i, mirror_x):
    """Weight in a cell of the slope at its upper x face."""
    return 0.25 if face_z(ids, k, j, i - 1) or (mirror_x and i == 1) else 0.5


@inline
def lower_y(ids, k, j, i):
    """Weight in a cell of the slope at its lower y face."""
    return 0.25 if face_z(ids, k, j + 1, i) else 0.5


@inline
def upper_y(ids, k, j, i, mirror_y):
    """Weight in a cell of the slope at its upper y face."""
    return 0.25 if face_z(ids, k, j - 1, i) or (mirror_y and j == 0) else 0.5


@inline
def mean_x(g, k, j, i):
    """Mean slope along x at the edge along z on lines i and j > 0 (row of g), of cell level k."""
    return (g[0, k, j - 1, i] + g[0, k, j, i] + g[0, k + 1, j - 1, i] + g[0, k + 1, j, i]) / 4


@inline
def mean_y(g, k, j, i):
    """Mean slope along y there."""
    return (g[1, k, j, i - 1] + g[1, k, j, i] + g[1, k + 1, j, i - 1] + g[1, k + 1, j, i]) / 4


@kernel
def slopes(share, g, x, ids, rcx, rcy, begin, end, first, nx, ny, nz):
    """g = slopes of w of the displacement x."""
    rows = portion(share, end - begin)
    for j in range(begin + rows.start, begin + rows.stop):
        for k in range(nz + 1):
            for i in range(1, nx + 2):
                w, gx, gy = x[2, k, j, i], x[2, k, j, i] * 0, x[2, k, j, i] * 0
                if face_z(ids, k, j, i):
                    if face_z(ids, k, j, i - 1):
                        gx = (w - x[2, k, j, i - 1]) * rcx[i]
                    if j > 0 and face_z(ids, k, j - 1, i):
                        gy = (w - x[2, k, j - 1, i]) * rcy[j + 1]
                g[0, k, j - first, i], g[1, k, j - first, i] = gx, gy


@kernel
def added_stress(
    share,
    t,
    x,
    g,
    h,
    ids,
    cell,
    K,
    dx,
    dy,
    hz,
    rdx,
    rcx,
    rdy,
    rcy,
    rdz,
    mirror_x,
    mirror_y,
    begin,
    end,
    first,
    nx,
    ny,
    nz,
):
    """t = stress of the increment x times volume; h: slopes of x.

    K (nz+1, ny+1, nx+3): of edges along z, volume times G_xy.
    """
    rows = portion(share, end - begin)
    for j in range(begin + rows.start, begin + rows.stop):
        at = j - first
        for k in range(nz + 1):
            for i in range(1, nx + 2):
                m = ids[k + 1, j + 1, i]
                for a in range(7):
                    t[a, k, at, i] = 0
                if m > 0:
                    xx, yy = x[0, k, j, i] * 0, x[0, k, j, i] * 0
                    for n in range(k, k + 2):
                        xx += lower_x(ids, n, j, i) * g[0, n, j, i] * h[0, n, at, i]
                        xx += (
                            upper_x(ids, n, j, i, mirror_x) * g[0, n, j, i + 1] * h[0, n, at, i + 1]
                        )
                        yy += lower_y(ids, n, j, i) * g[1, n, j, i] * h[1, n, at, i]
                        yy += (
                            upper_y(ids, n, j, i, mirror_y) * g[1, n, j + 1, i] * h[1, n, at + 1, i]
                        )
                    ex = (x[0, k, j, i + 1] - x[0, k, j, i]) * rdx[i]
                    ey = (x[1, k, j + 1, i] - x[1, k, j, i]) * rdy[j + 1]
                    ez = (x[2, k + 1, j, i] - x[2, k, j, i]) * rdz[k + 1]
                    v = dx[i] * dy[j + 1] * hz[k + 1]
                    sx, sy = (
                        v * (cell[0, m] * xx + cell[5, m] * yy),
                        v * (cell[5, m] * xx + cell[1, m] * yy),
                    )
                    t[0, k, at, i], t[1, k, at, i] = sx, sy
                    t[2, k, at, i] = v * (cell[4, m] * xx + cell[3, m] * yy)
                    t[4, k, at, i] = sx + v * (cell[0, m] * ex + cell[5, m] * ey + cell[4, m] * ez)
                    t[5, k, at, i] = sy + v * (cell[5, m] * ex + cell[1, m] * ey + cell[3, m] * ez)
                if j > 0 and k < nz and K[k, j, i] > 0:
                    a, b = mean_x(g, k, j, i), mean_y(g, k, j, i)
                    xy = a * mean_y(h, k, at, i) + b * mean_x(h, k, at, i)
                    shear = (x[0, k, j, i] - x[0, k, j - 1, i]) * rcy[j + 1] + (
                        x[1, k, j, i] - x[1, k, j, i - 1]
                    ) * rcx[i]
                    t[3, k, at, i], t[6, k, at, i] = K[k, j, i] * xy, K[k, j, i] * (xy + shear)


@inline
def edge_row(px, py, g, h, t, s, e, c, k, j, at, nx):
    """Compute the forces of a row of edges along z on each w,x (px) and w,y (py) around them."""
    below_x, here_x = g[0, k, j - 1], g[0, k, j]
    below_xk, here_xk, here_y, here_yk = (
        g[0, k + 1, j - 1],
        g[0, k + 1, j],
        g[1, k, j],
        g[1, k + 1, j],
    )
    more_x, own_x, more_xk, own_xk = (
        h[0, k, at - 1],
        h[0, k, at],
        h[0, k + 1, at - 1],
        h[0, k + 1, at],
    )
    own_y, own_yk, stress, initial = h[1, k, at], h[1, k + 1, at], t[6, k, at], s[2, k, j]
    for i in range(nx + 1):
        x = below_x[i + 1] + here_x[i + 1] + below_xk[i + 1] + here_xk[i + 1]
        y = here_y[i] + here_y[i + 1] + here_yk[i] + here_yk[i + 1]
        hx = more_x[i + 1] + own_x[i + 1] + more_xk[i + 1] + own_xk[i + 1]
        hy = own_y[i] + own_y[i + 1] + own_yk[i] + own_yk[i + 1]
        now, before = stress[i + 1] / 16, c * initial[i + 1] / 16
        px[i + 1] = (y + e * hy) * now + hy * before
        py[i + 1] = (x + e * hx) * now + hx * before


@inline
def row_on_x(q, g, h, t, s, e, c, cells, edges, mirror_x, nx):
    """Add the forces on w,x of a row by the cells of one level to q.

    cells: ids of the level, and of those below and above w; edges: forces of the edges after and
    before the row.
    """
    (level, low, high), (px, before) = cells, edges
    for i in range(nx):  # no slope on the first line
        left, right = (low[i + 1] | high[i + 1]) != 0, (low[i + 2] | high[i + 2]) != 0
        upper = 0.25 if (low[i] | high[i]) != 0 or (mirror_x and i == 0) else 0.5
        lower = 0.25 if (low[i + 3] | high[i + 3]) != 0 else 0.5
        upper, lower = upper * (level[i + 1] != 0), lower * (level[i + 2] != 0)
        now = upper * t[i + 1] + lower * t[i + 2]
        initial = c * (upper * s[i + 1] + lower * s[i + 2])
        force = (g[i + 2] + e * h[i + 2]) * now + h[i + 2] * initial + px[i + 2] + before[i + 2]
        q[i + 2] += force * (left and right)


@inline
def row_on_y(q, g, h, e, c, below, here, sides, py, nx):
    """Add the forces on w,y of a row by the cells of one level.

    below, here: stress t and s, and ids, of the row before and of this one; sides: ids of w two
    rows before, of the next row, and of the two rows about the slope.
    """
    (tb, sb, mb), (th, sh, mh) = below, here
    (u0, u1, always), (l0, l1), (a0, a1, b0, b1) = sides
    for i in range(nx + 1):
        before = 0.25 if (u0[i + 1] | u1[i + 1]) != 0 or always else 0.5
        after = 0.25 if (l0[i + 1] | l1[i + 1]) != 0 else 0.5
        before, after = before * (mb[i + 1] != 0), after * (mh[i + 1] != 0)
        now = before * tb[i + 1] + after * th[i + 1]
        initial = c * (before * sb[i + 1] + after * sh[i + 1])
        force = (g[i + 1] + e * h[i + 1]) * now + h[i + 1] * initial + py[i + 1] + py[i + 2]
        q[i + 1] += force * ((a0[i + 1] | a1[i + 1]) != 0 and (b0[i + 1] | b1[i + 1]) != 0)


@kernel
def slope_forces(
    share, q, t, s, g, h, e, c, ids, mirror_x, mirror_y, begin, end, first, nx, ny, nz
):
    """q (2, ...) = forces on slopes: of the stresses t[4:7] at slopes g + e h, c times of s at h.

    s (3, ...): xx and yy of cells and xy of edges along z, times volume.
    """
    rows = portion(share, end - begin)
    # by rows in turn, of one more than there are
    px, py = scratch((2, nz, nx + 3), g), scratch((2, nz, nx + 3), g)
    for j in range(begin + rows.start - 1, begin + rows.stop):
        now, after, jp, at = j % 2, (j + 1) % 2, j + 1, j - first
        if 0 < jp <= ny:
            for k in range(nz):
                edge_row(px[after, k], py[after, k], g, h, t, s, e, c, k, jp, at + 1, nx)
        else:
            px[after] = 0
            py[after] = 0
        if j < begin + rows.start:
            continue
        for k in range(nz + 1):
            qx, qy, hx, hy = q[0, k, at], q[1, k, at], h[0, k, at], h[1, k, at]
            qx[:] = 0
            qy[:] = 0
            for n in range(max(k - 1, 0), min(k + 1, nz)):
                if j == ny:
                    break
                level, low, high = ids[n + 1, jp], ids[k, jp], ids[k + 1, jp]
                stress, initial, edges = t[4, n, at], s[0, n, j], (px[after, n], px[now, n])
                cells = level, low, high
                row_on_x(qx, g[0, k, j], hx, stress, initial, e, c, cells, edges, mirror_x, nx)
                if j > 0:
                    below = t[5, n, at - 1], s[1, n, j - 1], ids[n + 1, j]
                    here = t[5, n, at], s[1, n, j], level
                    upper = ids[k, j - 1], ids[k + 1, j - 1], mirror_y and j == 1
                    lower = ids[k, j + 2], ids[k + 1, j + 2]
                    there, edges_y = (ids[k, j], ids[k + 1, j], low, high), py[now, n]
                    sides = upper, lower, there
                    row_on_y(qy, g[1, k, j], hy, e, c, below, here, sides, edges_y, nx)
    release(px)
    release(py)


@kernel
def add_forces(
    share, out, t, q, c, rdx, rcx, rdy, rcy, rdz, mirror_x, mirror_y, begin, end, first, nx, ny, nz
):
    """out += c (forces of the stresses t[0:4], and of the forces on slopes q) on displacements."""
    rows = portion(share, end - begin)
    for j in range(begin + rows.start, begin + rows.stop):
        at, jm, jp = j - first, max(j - 1, 0) - first, min(j + 1, ny) - first
        for k in range(nz + 1):
            km = max(k - 1, 0)
            for i in range(1, nx + 2):
                if not (mirror_x and i == 1):
                    out[0, k, j, i] += c * (
                        t[0, k, at, i - 1] * rdx[i - 1]
                        - t[0, k, at, i] * rdx[i]
                        + t[3, k, at, i] * rcy[j + 1]
                        - t[3, k, jp, i] * rcy[j + 2]
                    )
                if not (mirror_y and j == 0):
                    out[1, k, j, i] += c * (
                        t[1, k, jm, i] * rdy[j]
                        - t[1, k, at, i] * rdy[j + 1]
                        + t[3, k, at, i] * rcx[i]
                        - t[3, k, at, i + 1] * rcx[i + 1]
                    )
                out[2, k, j, i] += c * (
                    t[2, km, at, i] * rdz[k]
                    - t[2, k, at, i] * rdz[k + 1]
                    + q[0, k, at, i] * rcx[i]
                    - q[0, k, at, i + 1] * rcx[i + 1]
                    + q[1, k, at, i] * rcy[j + 1]
                    - q[1, k, jp, i] * rcy[j + 2]
                )
