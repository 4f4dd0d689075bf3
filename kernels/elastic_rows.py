"""Rows of the elastic operator along x, as the kernels of `elastic` compute them.

Every stress is computed once, each by a loop of its own, and kept in a row until the forces on both
sides of it are known. Rows have the layout of kernels/elastic.py: face and cell i at i + 1. Naming:
`vj` is v at j + 1, `uk` is u at k + 1.
"""

from warp.kernels import inline


@inline
def normal_stress(sx, sy, sz, C, scale, u, v, vj, w, wk, rdx, ry, rz, nx):
    """Compute scale C e of a row of cells, with C = (c_xx c_yy c_zz c_yz c_xz c_xy)."""
    cxx, cyy, czz, cyz, cxz, cxy = C
    by, bz = scale * ry, scale * rz
    for i in range(nx + 2):
        x = scale * rdx[i] * (u[i + 1] - u[i])
        y = by * (vj[i] - v[i])
        z = bz * (wk[i] - w[i])
        sx[i] = cxx[i] * x + cxy[i] * y + cxz[i] * z
        sy[i] = cxy[i] * x + cyy[i] * y + cyz[i] * z
        sz[i] = cxz[i] * x + cyz[i] * y + czz[i] * z


@inline
def shear_stress_x(t, K, scale, u, after, c, w, rcx, nx):
    """Compute scale K g of a row of edges, g = (after - u) c + dw/dx: g_xy or g_xz."""
    for i in range(nx + 1):
        g = (after[i + 1] - u[i + 1]) * c + (w[i + 1] - w[i]) * rcx[i + 1]
        t[i + 1] = scale * K[i + 1] * g


@inline
def shear_stress_yz(t, K, scale, v, vk, cz, w, wj, cy, nx):
    """Compute scale K g_yz of a row of edges."""
    for i in range(nx + 1):
        g = (vk[i + 1] - v[i + 1]) * cz + (wj[i + 1] - w[i + 1]) * cy
        t[i + 1] = scale * K[i + 1] * g


@inline
def force_u(out, c, s, sx, txz, txzk, txy, txyj, rdx, cz, czk, cy, cyj, nx):
    """Compute out = c out + s (forces on a row of x-faces)."""
    for i in range(nx + 1):
        out[i + 1] = c * out[i + 1] + s * (
            (sx[i] * rdx[i] - sx[i + 1] * rdx[i + 1])
            + (txz[i + 1] * cz - txzk[i + 1] * czk)
            + (txy[i + 1] * cy - txyj[i + 1] * cyj)
        )


@inline
def force_v(out, c, s, before, sy, tyz, tyzk, txy, rcx, rym, ry, cz, czk, nx):
    """Compute out = c out + s (forces on a row of y-faces); before: s_yy of row j - 1."""
    for i in range(nx + 1):
        out[i + 1] = c * out[i + 1] + s * (
            (before[i + 1] * rym - sy[i + 1] * ry)
            + (tyz[i + 1] * cz - tyzk[i + 1] * czk)
            + (txy[i + 1] * rcx[i + 1] - txy[i + 2] * rcx[i + 2])
        )


@inline
def force_w(out, c, s, below, sz, txz, tyz, tyzj, rcx, rzm, rz, cy, cyj, nx):
    """Compute out = c out + s (forces on a row of z-faces); below: s_zz of level k - 1."""
    for i in range(nx + 1):
        out[i + 1] = c * out[i + 1] + s * (
            (below[i + 1] * rzm - sz[i + 1] * rz)
            + (txz[i + 1] * rcx[i + 1] - txz[i + 2] * rcx[i + 2])
            + (tyz[i + 1] * cy - tyzj[i + 1] * cyj)
        )


@inline
def forces(u, v, w, c, s, normal, shear, along_x, along_y, along_z, nx):
    """Compute rows of forces u, v, w = c (u, v, w) + s A x.

    normal: s_xx; s_yy of row j - 1 and of row j; s_zz of level k - 1 and of level k. shear: t_xz of
    levels k and k + 1; t_xy of rows j and j + 1; t_yz of edges (k, j), (k + 1, j) and (k, j + 1).
    along_x: rdx, rcx; along_y, along_z: rd before and here, rc here and after.
    """
    sx, before, sy, below, sz = normal
    txz, txzk, txy, txyj, tyz, tyzk, tyzj = shear
    rdx, rcx = along_x
    rym, ry, cy, cyj = along_y
    rzm, rz, cz, czk = along_z
    if c == 0:  # not read: they may be NaN
        u[:] = 0
        v[:] = 0
        w[:] = 0
    force_u(u, c, s, sx, txz, txzk, txy, txyj, rdx, cz, czk, cy, cyj, nx)
    force_v(v, c, s, before, sy, tyz, tyzk, txy, rcx, rym, ry, cz, czk, nx)
    force_w(w, c, s, below, sz, txz, tyz, tyzj, rcx, rzm, rz, cy, cyj, nx)


@inline
def hold_mirror(u, v, mirror_x, mirror_y, nx):
    """Zero the displacement normal to a mirror plane."""
    if mirror_x:
        u[1] = 0
    if mirror_y:
        for i in range(nx + 3):
            v[i] = 0


@inline
def differ(a, b, n):
    """Return True if two rows of ids differ."""
    changed = a[0] ^ b[0]
    for i in range(n):
        changed |= a[i] ^ b[i]
    return changed != 0


@inline
def look_up(C, S, ids, law, dx, nx):
    """Look up C per cross section, and 4/G (yz, xz, xy), of a row of cells."""
    four = law.dtype.type(4)
    c0, c1, c2, c3, c4, c5 = C[0], C[1], C[2], C[3], C[4], C[5]
    s0, s1, s2 = S[0], S[1], S[2]
    for i in range(nx + 2):
        m, v = ids[i], dx[i]
        c0[i], c1[i], c2[i] = law[m, 0] * v, law[m, 1] * v, law[m, 2] * v
        c3[i], c4[i], c5[i] = law[m, 3] * v, law[m, 4] * v, law[m, 5] * v
        s0[i], s1[i], s2[i] = four * law[m, 6], four * law[m, 7], four * law[m, 8]


@inline
def look_up_shear(S, ids, law, nx):
    """Look up 4/G (yz and xz) of a row of cells."""
    four = law.dtype.type(4)
    s0, s1 = S[0], S[1]
    for i in range(nx + 2):
        m = ids[i]
        s0[i], s1[i] = four * law[m, 6], four * law[m, 7]


@inline
def stiffness_x(K, below, above, d0, d1, dx, nx):
    """Compute K per length of edges across x between two rows of cells, widths d0 and d1."""
    for i in range(nx + 1):
        a00, a01, a10, a11 = d0 * dx[i], d0 * dx[i + 1], d1 * dx[i], d1 * dx[i + 1]
        a = a00 + a01 + a10 + a11
        K[i + 1] = (
            a * a / (a00 * below[i] + a01 * below[i + 1] + a10 * above[i] + a11 * above[i + 1])
        )


@inline
def stiffness_x_within(K, soft, dx, nx):
    """Compute what `stiffness_x` does between equal rows, per d0 + d1."""
    for i in range(nx + 1):
        a = dx[i] + dx[i + 1]
        K[i + 1] = a * a / (dx[i] * soft[i] + dx[i + 1] * soft[i + 1])


@inline
def stiffness_yz(K, s00, s01, s10, s11, dy, dyj, dz, dzk, dx, nx):
    """Compute K_yz of edges between four rows of cells: s01 at j + 1, s10 at k + 1."""
    a00, a01, a10, a11 = dz * dy, dz * dyj, dzk * dy, dzk * dyj
    a = a00 + a01 + a10 + a11
    for i in range(nx + 1):
        soft = a00 * s00[i + 1] + a01 * s01[i + 1] + a10 * s10[i + 1] + a11 * s11[i + 1]
        K[i + 1] = dx[i + 1] * a * a / soft


@inline
def stiffness_yz_within(K, below, above, dz, dzk, dx, nx):
    """Compute what `stiffness_yz` does between equal rows of either level, per dy + dyj."""
    a = dz + dzk
    for i in range(nx + 1):
        K[i + 1] = dx[i + 1] * a * a / (dz * below[i + 1] + dzk * above[i + 1])
