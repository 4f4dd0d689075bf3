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

Left out: products of the gradients of u and v, and rotations in e_zz, g_xz and g_yz. At a slope s
the relative error of strains is of the order s^2: 4 % at 0.2.
"""

from warp.kernels import inline, kernel, portion
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
    """Mean slope along x at the edge along z on lines j > 0 and i, of cell level k."""
    return (g[0, k, j - 1, i] + g[0, k, j, i] + g[0, k + 1, j - 1, i] + g[0, k + 1, j, i]) / 4


@inline
def mean_y(g, k, j, i):
    """Mean slope along y there."""
    return (g[1, k, j, i - 1] + g[1, k, j, i] + g[1, k + 1, j, i - 1] + g[1, k + 1, j, i]) / 4


@kernel
def slopes(share, g, x, ids, rcx, rcy, nx, ny, nz):
    """g = slopes of w of the displacement x."""
    for j in portion(share, ny + 1):
        for k in range(nz + 1):
            for i in range(1, nx + 2):
                w, gx, gy = x[2, k, j, i], x[2, k, j, i] * 0, x[2, k, j, i] * 0
                if face_z(ids, k, j, i):
                    if face_z(ids, k, j, i - 1):
                        gx = (w - x[2, k, j, i - 1]) * rcx[i]
                    if j > 0 and face_z(ids, k, j - 1, i):
                        gy = (w - x[2, k, j - 1, i]) * rcy[j + 1]
                g[0, k, j, i], g[1, k, j, i] = gx, gy


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
    nx,
    ny,
    nz,
):
    """t = stress of the increment x times volume; h: slopes of x.

    K (nz+1, ny+1, nx+3): of edges along z, volume times G_xy.
    """
    for j in portion(share, ny + 1):
        for k in range(nz + 1):
            for i in range(1, nx + 2):
                m = ids[k + 1, j + 1, i]
                for a in range(7):
                    t[a, k, j, i] = 0
                if m > 0:
                    xx, yy = x[0, k, j, i] * 0, x[0, k, j, i] * 0
                    for n in range(k, k + 2):
                        xx += lower_x(ids, n, j, i) * g[0, n, j, i] * h[0, n, j, i]
                        xx += (
                            upper_x(ids, n, j, i, mirror_x) * g[0, n, j, i + 1] * h[0, n, j, i + 1]
                        )
                        yy += lower_y(ids, n, j, i) * g[1, n, j, i] * h[1, n, j, i]
                        yy += (
                            upper_y(ids, n, j, i, mirror_y) * g[1, n, j + 1, i] * h[1, n, j + 1, i]
                        )
                    ex = (x[0, k, j, i + 1] - x[0, k, j, i]) * rdx[i]
                    ey = (x[1, k, j + 1, i] - x[1, k, j, i]) * rdy[j + 1]
                    ez = (x[2, k + 1, j, i] - x[2, k, j, i]) * rdz[k + 1]
                    v = dx[i] * dy[j + 1] * hz[k + 1]
                    sx, sy = (
                        v * (cell[0, m] * xx + cell[5, m] * yy),
                        v * (cell[5, m] * xx + cell[1, m] * yy),
                    )
                    t[0, k, j, i], t[1, k, j, i] = sx, sy
                    t[2, k, j, i] = v * (cell[4, m] * xx + cell[3, m] * yy)
                    t[4, k, j, i] = sx + v * (cell[0, m] * ex + cell[5, m] * ey + cell[4, m] * ez)
                    t[5, k, j, i] = sy + v * (cell[5, m] * ex + cell[1, m] * ey + cell[3, m] * ez)
                if j > 0 and k < nz and K[k, j, i] > 0:
                    a, b = mean_x(g, k, j, i), mean_y(g, k, j, i)
                    xy = a * mean_y(h, k, j, i) + b * mean_x(h, k, j, i)
                    shear = (x[0, k, j, i] - x[0, k, j - 1, i]) * rcy[j + 1] + (
                        x[1, k, j, i] - x[1, k, j, i - 1]
                    ) * rcx[i]
                    t[3, k, j, i], t[6, k, j, i] = K[k, j, i] * xy, K[k, j, i] * (xy + shear)


@kernel
def slope_forces(share, q, t, s, g, h, c, ids, mirror_x, mirror_y, nx, ny, nz):
    """q (2, ...) = forces on slopes: of the stresses t[4:7] at slopes g, c times of s at slopes h.

    s (3, ...): xx and yy of cells and xy of edges along z, times volume.
    """
    for j in portion(share, ny + 1):
        for k in range(nz + 1):
            for i in range(1, nx + 2):
                qx, qy = g[0, k, j, i] * 0, g[0, k, j, i] * 0
                has_w = face_z(ids, k, j, i)
                has_x, has_y = (
                    has_w and face_z(ids, k, j, i - 1),
                    has_w and j > 0 and face_z(ids, k, j - 1, i),
                )
                for n in range(max(k - 1, 0), min(k + 1, nz)):
                    if has_x:
                        gx, hx = g[0, k, j, i], c * h[0, k, j, i]
                        if ids[n + 1, j + 1, i] > 0:
                            force = gx * t[4, n, j, i] + hx * s[0, n, j, i]
                            qx += lower_x(ids, k, j, i) * force
                        if ids[n + 1, j + 1, i - 1] > 0:
                            force = gx * t[4, n, j, i - 1] + hx * s[0, n, j, i - 1]
                            qx += upper_x(ids, k, j, i - 1, mirror_x) * force
                        for p in range(max(j, 1), min(j + 2, ny + 1)):
                            qx += mean_y(g, n, p, i) * t[6, n, p, i] / 4
                            qx += c * mean_y(h, n, p, i) * s[2, n, p, i] / 4
                    if has_y:
                        gy, hy = g[1, k, j, i], c * h[1, k, j, i]
                        if ids[n + 1, j + 1, i] > 0:
                            force = gy * t[5, n, j, i] + hy * s[1, n, j, i]
                            qy += lower_y(ids, k, j, i) * force
                        if ids[n + 1, j, i] > 0:
                            force = gy * t[5, n, j - 1, i] + hy * s[1, n, j - 1, i]
                            qy += upper_y(ids, k, j - 1, i, mirror_y) * force
                        for p in range(i, i + 2):
                            qy += mean_x(g, n, j, p) * t[6, n, j, p] / 4
                            qy += c * mean_x(h, n, j, p) * s[2, n, j, p] / 4
                q[0, k, j, i], q[1, k, j, i] = qx, qy


@kernel
def add_forces(share, out, t, q, c, rdx, rcx, rdy, rcy, rdz, mirror_x, mirror_y, nx, ny, nz):
    """out += c (forces of the stresses t[0:4], and of the forces on slopes q) on displacements."""
    for j in portion(share, ny + 1):
        jm, jp = max(j - 1, 0), min(j + 1, ny)
        for k in range(nz + 1):
            km = max(k - 1, 0)
            for i in range(1, nx + 2):
                if not (mirror_x and i == 1):
                    out[0, k, j, i] += c * (
                        t[0, k, j, i - 1] * rdx[i - 1]
                        - t[0, k, j, i] * rdx[i]
                        + t[3, k, j, i] * rcy[j + 1]
                        - t[3, k, jp, i] * rcy[j + 2]
                    )
                if not (mirror_y and j == 0):
                    out[1, k, j, i] += c * (
                        t[1, k, jm, i] * rdy[j]
                        - t[1, k, j, i] * rdy[j + 1]
                        + t[3, k, j, i] * rcx[i]
                        - t[3, k, j, i + 1] * rcx[i + 1]
                    )
                out[2, k, j, i] += c * (
                    t[2, km, j, i] * rdz[k]
                    - t[2, k, j, i] * rdz[k + 1]
                    + q[0, k, j, i] * rcx[i]
                    - q[0, k, j, i + 1] * rcx[i + 1]
                    + q[1, k, j, i] * rcy[j + 1]
                    - q[1, k, jp, i] * rcy[j + 2]
                )
