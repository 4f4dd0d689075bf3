"""Thermo-elasticity on the staggered grid: the operator, and the z-line smoother.

Unknown U (3, nz+1, ny+1, nx+3): u on x-faces, v on y-faces, w on z-faces, all with the same
strides. Face and cell i are stored at x-index i + 1: one column of zeros before the first face and
two after the last replace every test at the x ends.

             w[k+1,j,i]
        +--------o--------+           cell (k, j, i): normal strains, energy e:C:e / 2,
        |                 |               C (6, ...) = volume * c
  u[..i]o     (k,j,i)     o u[..i+1]  edge (k, j, i): shear strains, energy K g^2 / 2,
        |                 |               K (3, ...) = volume * G; g_yz on the edge along x
        +--------o--------+               at the cell's lower y and z faces, g_xz along y,
              w[k,j,i]                    g_xy along z

    e_xx = (u[i+1] - u[i]) rdx[i]          g_xz = (u[k] - u[k-1]) rcz[k] + (w[i] - w[i-1]) rcx[i]

rdx = 1 / cell width, rcx[i] = 1 / distance between the centres of cells i-1 and i. Void has C = 0
and K = 0, and so do the entries of C and K beyond the last cell and edge. Order of the
coefficients: c_xx c_yy c_zz c_yz c_xz c_xy, K_yz K_xz K_xy.

The finest level stores no coefficients (`media_...`). It has a material id per cell,
ids (nz+2, ny+2, nx+3) with a border of void, and tables `cell` (6, media) of the normal stiffness
and `soft` (3, media) of 4/G for shear, infinite in void. An edge's K is its dual volume times the
harmonic mean of the four cells' G, weighted by their cross sections: with the cross sections a,
K = length (sum a)^2 / sum (a 4/G), zero as soon as one cell is void.
Cell widths dx, dy, dz are stored at index + 1 and are 1 beyond the ends. So is hz, the height that
weighs normal strains and g_xy of a level in sums over z (`warp.voxels.heights`); where V stands in
C and in K_xy, its height is hz. `media_apply` reads both tables as one, `law`.
"""

from warp.kernels import inline, kernel, portion, release, scratch

# A pivot below this fraction of its diagonal is a free motion of the line, which is held.
TINY = 1e-12
# Its inverse pivot times its diagonal: not 0, because coarse levels must move it with the rest.
HELD = 1e-12


@inline
def force_rows(o, c, s, us, vs, ws, cells, edges, wx, wy, wz, nx):
    """Compute one row of faces, out = c out + s A x: a loop per component, so that each vectorises.

    Naming of rows: ujm is u at j - 1, wkpjm is w at k + 1 and j - 1; cyym is c_yy at j - 1, czzk is
    c_zz at k - 1.
    """
    ou, ov, ow = o
    u, ujm, ujp, ukm, ukp = us
    v, vjm, vjp, vkm, vkp, vkmjp = vs
    w, wjm, wjp, wkm, wkp, wkpjm = ws
    cxx, cyy, czz, cyz, cxz, cxy, cxym, cyym, cyzm, cxzk, cyzk, czzk = cells
    kyz, kyzk, kyzj, kxz, kxzk, kxy, kxyj = edges
    rdx, rcx = wx
    rym, ry, cy, cyp = wy
    rzm, rz, cz, czp = wz
    for i in range(nx + 1):
        sxm = (
            cxx[i] * (u[i + 1] - u[i]) * rdx[i]
            + cxy[i] * (vjp[i] - v[i]) * ry
            + cxz[i] * (wkp[i] - w[i]) * rz
        )
        sx = (
            cxx[i + 1] * (u[i + 2] - u[i + 1]) * rdx[i + 1]
            + cxy[i + 1] * (vjp[i + 1] - v[i + 1]) * ry
            + cxz[i + 1] * (wkp[i + 1] - w[i + 1]) * rz
        )
        txz = kxz[i + 1] * ((u[i + 1] - ukm[i + 1]) * cz + (w[i + 1] - w[i]) * rcx[i + 1])
        txzk = kxzk[i + 1] * ((ukp[i + 1] - u[i + 1]) * czp + (wkp[i + 1] - wkp[i]) * rcx[i + 1])
        txy = kxy[i + 1] * ((u[i + 1] - ujm[i + 1]) * cy + (v[i + 1] - v[i]) * rcx[i + 1])
        txyj = kxyj[i + 1] * ((ujp[i + 1] - u[i + 1]) * cyp + (vjp[i + 1] - vjp[i]) * rcx[i + 1])
        ou[i + 1] = c * ou[i + 1] + s * (
            sxm * rdx[i] - sx * rdx[i + 1] + txz * cz - txzk * czp + txy * cy - txyj * cyp
        )
    for i in range(nx + 1):
        sym = (
            cxym[i + 1] * (ujm[i + 2] - ujm[i + 1]) * rdx[i + 1]
            + cyym[i + 1] * (v[i + 1] - vjm[i + 1]) * rym
            + cyzm[i + 1] * (wkpjm[i + 1] - wjm[i + 1]) * rz
        )
        sy = (
            cxy[i + 1] * (u[i + 2] - u[i + 1]) * rdx[i + 1]
            + cyy[i + 1] * (vjp[i + 1] - v[i + 1]) * ry
            + cyz[i + 1] * (wkp[i + 1] - w[i + 1]) * rz
        )
        tyz = kyz[i + 1] * ((v[i + 1] - vkm[i + 1]) * cz + (w[i + 1] - wjm[i + 1]) * cy)
        tyzk = kyzk[i + 1] * ((vkp[i + 1] - v[i + 1]) * czp + (wkp[i + 1] - wkpjm[i + 1]) * cy)
        txy = kxy[i + 1] * ((u[i + 1] - ujm[i + 1]) * cy + (v[i + 1] - v[i]) * rcx[i + 1])
        txyi = kxy[i + 2] * ((u[i + 2] - ujm[i + 2]) * cy + (v[i + 2] - v[i + 1]) * rcx[i + 2])
        ov[i + 1] = c * ov[i + 1] + s * (
            sym * rym - sy * ry + tyz * cz - tyzk * czp + txy * rcx[i + 1] - txyi * rcx[i + 2]
        )
    for i in range(nx + 1):
        szm = (
            cxzk[i + 1] * (ukm[i + 2] - ukm[i + 1]) * rdx[i + 1]
            + cyzk[i + 1] * (vkmjp[i + 1] - vkm[i + 1]) * ry
            + czzk[i + 1] * (w[i + 1] - wkm[i + 1]) * rzm
        )
        sz = (
            cxz[i + 1] * (u[i + 2] - u[i + 1]) * rdx[i + 1]
            + cyz[i + 1] * (vjp[i + 1] - v[i + 1]) * ry
            + czz[i + 1] * (wkp[i + 1] - w[i + 1]) * rz
        )
        txz = kxz[i + 1] * ((u[i + 1] - ukm[i + 1]) * cz + (w[i + 1] - w[i]) * rcx[i + 1])
        txzi = kxz[i + 2] * ((u[i + 2] - ukm[i + 2]) * cz + (w[i + 2] - w[i + 1]) * rcx[i + 2])
        tyz = kyz[i + 1] * ((v[i + 1] - vkm[i + 1]) * cz + (w[i + 1] - wjm[i + 1]) * cy)
        tyzj = kyzj[i + 1] * ((vjp[i + 1] - vkmjp[i + 1]) * cz + (wjp[i + 1] - w[i + 1]) * cyp)
        ow[i + 1] = c * ow[i + 1] + s * (
            szm * rzm - sz * rz + txz * rcx[i + 1] - txzi * rcx[i + 2] + tyz * cy - tyzj * cyp
        )


@inline
def hold_mirror(u, v, mirror_x, mirror_y, nx):
    """Zero the displacement normal to a mirror plane."""
    if mirror_x:
        u[1] = 0
    if mirror_y:
        for i in range(nx + 3):
            v[i] = 0


@kernel
def elastic_apply(
    share, out, x, c, s, C, K, rdx, rcx, rdy, rcy, rdz, rcz, mirror_x, mirror_y, nx, ny, nz
):
    """out = c out + s A x with stored coefficients.

    The displacement normal to a mirror plane (x = 0, y = 0) is set to zero.
    """
    for j in portion(share, ny + 1):
        jm, jp = max(j - 1, 0), min(j + 1, ny)
        for k in range(nz + 1):
            km, kp = max(k - 1, 0), min(k + 1, nz)
            force_rows(
                (out[0, k, j], out[1, k, j], out[2, k, j]),
                c,
                s,
                (x[0, k, j], x[0, k, jm], x[0, k, jp], x[0, km, j], x[0, kp, j]),
                (x[1, k, j], x[1, k, jm], x[1, k, jp], x[1, km, j], x[1, kp, j], x[1, km, jp]),
                (x[2, k, j], x[2, k, jm], x[2, k, jp], x[2, km, j], x[2, kp, j], x[2, kp, jm]),
                (
                    C[0, k, j],
                    C[1, k, j],
                    C[2, k, j],
                    C[3, k, j],
                    C[4, k, j],
                    C[5, k, j],
                    C[5, k, jm],
                    C[1, k, jm],
                    C[3, k, jm],
                    C[4, km, j],
                    C[3, km, j],
                    C[2, km, j],
                ),
                (
                    K[0, k, j],
                    K[0, kp, j],
                    K[0, k, jp],
                    K[1, k, j],
                    K[1, kp, j],
                    K[2, k, j],
                    K[2, k, jp],
                ),
                (rdx, rcx),
                (rdy[j], rdy[j + 1], rcy[j + 1], rcy[j + 2]),
                (rdz[k], rdz[k + 1], rcz[k + 1], rcz[k + 2]),
                nx,
            )
            hold_mirror(out[0, k, j], out[1, k, j], mirror_x, mirror_y and j == 0, nx)


@inline
def edge_x(ids, soft, dx, dy, dz, k, j, i):
    """Return K_yz of the edge along x at cell column i (index + 1), lower y face j and z face k."""
    a00, a01, a10, a11 = dz[k] * dy[j], dz[k] * dy[j + 1], dz[k + 1] * dy[j], dz[k + 1] * dy[j + 1]
    a = a00 + a01 + a10 + a11
    return (
        dx[i]
        * a
        * a
        / (
            a00 * soft[0, ids[k, j, i]]
            + a01 * soft[0, ids[k, j + 1, i]]
            + a10 * soft[0, ids[k + 1, j, i]]
            + a11 * soft[0, ids[k + 1, j + 1, i]]
        )
    )


@inline
def edge_y(ids, soft, dx, dy, dz, k, j, i):
    """Return K_xz of the edge along y at cell row j, lower x face i (index + 1) and z face k."""
    a00, a01, a10, a11 = dz[k] * dx[i - 1], dz[k] * dx[i], dz[k + 1] * dx[i - 1], dz[k + 1] * dx[i]
    a = a00 + a01 + a10 + a11
    return (
        dy[j + 1]
        * a
        * a
        / (
            a00 * soft[1, ids[k, j + 1, i - 1]]
            + a01 * soft[1, ids[k, j + 1, i]]
            + a10 * soft[1, ids[k + 1, j + 1, i - 1]]
            + a11 * soft[1, ids[k + 1, j + 1, i]]
        )
    )


@inline
def edge_z(ids, soft, dx, dy, hz, k, j, i):
    """Return K_xy of the edge along z at cell level k, lower y face j and x face i (index + 1)."""
    a00, a01, a10, a11 = dy[j] * dx[i - 1], dy[j] * dx[i], dy[j + 1] * dx[i - 1], dy[j + 1] * dx[i]
    a = a00 + a01 + a10 + a11
    return (
        hz[k + 1]
        * a
        * a
        / (
            a00 * soft[2, ids[k + 1, j, i - 1]]
            + a01 * soft[2, ids[k + 1, j, i]]
            + a10 * soft[2, ids[k + 1, j + 1, i - 1]]
            + a11 * soft[2, ids[k + 1, j + 1, i]]
        )
    )


@inline
def edge_rows(
    kyz, kyzj, kxz, syzm, syz, syzp, syzmk, syzk, syzpk, sxz, sxzk, dx, dym, dy, dyp, dz, dzk, nx
):
    """Compute K_yz on the edge lines j and j + 1, and K_xz of row j, between two cell levels.

    Names of compliances end in k for the upper level.
    """
    for i in range(nx + 1):
        a00, a01, a10, a11 = dz * dym, dz * dy, dzk * dym, dzk * dy
        a = a00 + a01 + a10 + a11
        kyz[i + 1] = (
            dx[i + 1]
            * a
            * a
            / (a00 * syzm[i + 1] + a01 * syz[i + 1] + a10 * syzmk[i + 1] + a11 * syzk[i + 1])
        )
    for i in range(nx + 1):
        a00, a01, a10, a11 = dz * dy, dz * dyp, dzk * dy, dzk * dyp
        a = a00 + a01 + a10 + a11
        kyzj[i + 1] = (
            dx[i + 1]
            * a
            * a
            / (a00 * syz[i + 1] + a01 * syzp[i + 1] + a10 * syzk[i + 1] + a11 * syzpk[i + 1])
        )
    for i in range(nx + 1):
        a00, a01, a10, a11 = dz * dx[i], dz * dx[i + 1], dzk * dx[i], dzk * dx[i + 1]
        a = a00 + a01 + a10 + a11
        kxz[i + 1] = (
            dy * a * a / (a00 * sxz[i] + a01 * sxz[i + 1] + a10 * sxzk[i] + a11 * sxzk[i + 1])
        )


@kernel
def media_apply(
    share,
    out,
    x,
    c,
    s,
    ids,
    law,
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
    mirror_x,
    mirror_y,
    nx,
    ny,
    nz,
):
    """out = c out + s A x from material ids.

    A row's coefficients are looked up once and reused for its neighbours in z. `law` (media, 12):
    for each medium c_xx .. c_xy, 1/G_yz, 1/G_xz, 1/G_xy and three numbers of padding.
    """
    four = law.dtype.type(4)
    C = scratch((2, 6, nx + 3), law)  # cells (k, j), by parity of k
    M = scratch((3, nx + 3), law)  # c_xy, c_yy, c_yz of cells (k, j - 1)
    S = scratch(
        (2, 4, nx + 3), law
    )  # 4/G_yz of rows j - 1, j, j + 1 and 4/G_xz of row j, by parity
    Z = scratch((3, nx + 3), law)  # 4/G_xy of rows j - 1, j, j + 1
    K = scratch((2, 3, nx + 3), law)  # K_yz at j and j + 1, K_xz at j, by parity
    L = scratch((2, nx + 3), law)  # K_xy at j and j + 1
    for j in portion(share, ny + 1):
        if c == 0:
            out[:, :, j] = 0  # not read: it may be NaN
        jm, jp = max(j - 1, 0), min(j + 1, ny)
        C[1] = 0  # below the first level
        K[0] = 0
        for k in range(nz + 1):
            now, nxt = k % 2, (k + 1) % 2
            km, kp = max(k - 1, 0), min(k + 1, nz)
            row, rowm, rowp = ids[k + 1, j + 1], ids[k + 1, j], ids[k + 1, min(j + 2, ny + 1)]
            c0, c1, c2, c3, c4, c5 = (
                C[now, 0],
                C[now, 1],
                C[now, 2],
                C[now, 3],
                C[now, 4],
                C[now, 5],
            )
            m5, m1, m3, z0, z1, z2 = M[0], M[1], M[2], Z[0], Z[1], Z[2]
            area, aream = dy[j + 1] * hz[k + 1], dy[j] * hz[k + 1]
            for i in range(nx + 2):  # the cells of level k
                m, v = row[i], area * dx[i]
                c0[i], c1[i], c2[i] = law[m, 0] * v, law[m, 1] * v, law[m, 2] * v
                c3[i], c4[i], c5[i] = law[m, 3] * v, law[m, 4] * v, law[m, 5] * v
                z1[i], z2[i] = four * law[m, 8], four * law[rowp[i], 8]
                m, v = rowm[i], aream * dx[i]
                m5[i], m1[i], m3[i], z0[i] = (
                    law[m, 5] * v,
                    law[m, 1] * v,
                    law[m, 3] * v,
                    four * law[m, 8],
                )
            for n in range(2):
                to, low, high, d0, d1, height = (
                    L[n],
                    Z[n],
                    Z[n + 1],
                    dy[j + n],
                    dy[min(j + n + 1, ny + 1)],
                    hz[k + 1],
                )
                for i in range(nx + 1):
                    a00, a01, a10, a11 = d0 * dx[i], d0 * dx[i + 1], d1 * dx[i], d1 * dx[i + 1]
                    a = a00 + a01 + a10 + a11
                    to[i + 1] = (
                        height
                        * a
                        * a
                        / (a00 * low[i] + a01 * low[i + 1] + a10 * high[i] + a11 * high[i + 1])
                    )
            if k == 0:
                s0, s1, s2, s3 = S[now, 0], S[now, 1], S[now, 2], S[now, 3]
                for i in range(nx + 2):
                    s0[i], s1[i] = four * law[rowm[i], 6], four * law[row[i], 6]
                    s2[i], s3[i] = four * law[rowp[i], 6], four * law[row[i], 7]
            above = min(k + 2, nz + 1)
            up, upm, upp = ids[above, j + 1], ids[above, j], ids[above, min(j + 2, ny + 1)]
            s0, s1, s2, s3 = S[nxt, 0], S[nxt, 1], S[nxt, 2], S[nxt, 3]
            for i in range(
                nx + 2
            ):  # shear compliances of level k + 1, for the edges between the two
                s0[i], s1[i] = four * law[upm[i], 6], four * law[up[i], 6]
                s2[i], s3[i] = four * law[upp[i], 6], four * law[up[i], 7]
            edge_rows(
                K[nxt, 0],
                K[nxt, 1],
                K[nxt, 2],
                S[now, 0],
                S[now, 1],
                S[now, 2],
                S[nxt, 0],
                S[nxt, 1],
                S[nxt, 2],
                S[now, 3],
                S[nxt, 3],
                dx,
                dy[j],
                dy[j + 1],
                dy[min(j + 2, ny + 1)],
                dz[k + 1],
                dz[min(k + 2, nz + 1)],
                nx,
            )
            force_rows(
                (out[0, k, j], out[1, k, j], out[2, k, j]),
                c,
                s,
                (x[0, k, j], x[0, k, jm], x[0, k, jp], x[0, km, j], x[0, kp, j]),
                (x[1, k, j], x[1, k, jm], x[1, k, jp], x[1, km, j], x[1, kp, j], x[1, km, jp]),
                (x[2, k, j], x[2, k, jm], x[2, k, jp], x[2, km, j], x[2, kp, j], x[2, kp, jm]),
                (
                    C[now, 0],
                    C[now, 1],
                    C[now, 2],
                    C[now, 3],
                    C[now, 4],
                    C[now, 5],
                    M[0],
                    M[1],
                    M[2],
                    C[nxt, 4],
                    C[nxt, 3],
                    C[nxt, 2],
                ),
                (K[now, 0], K[nxt, 0], K[now, 1], K[now, 2], K[nxt, 2], L[0], L[1]),
                (rdx, rcx),
                (rdy[j], rdy[j + 1], rcy[j + 1], rcy[j + 2]),
                (rdz[k], rdz[k + 1], rcz[k + 1], rcz[k + 2]),
                nx,
            )
            hold_mirror(out[0, k, j], out[1, k, j], mirror_x, mirror_y and j == 0, nx)
    release(C)
    release(M)
    release(S)
    release(Z)
    release(K)
    release(L)


@kernel
def media_diagonal(
    share, diagonal, ids, cell, soft, dx, dy, dz, hz, rdx, rcx, rdy, rcy, rdz, rcz, nx, ny, nz
):
    """diagonal += A's diagonal, from material ids."""
    for j in portion(share, ny + 1):
        for k in range(nz + 1):
            rym, ry, cy, cyp = rdy[j], rdy[j + 1], rcy[j + 1], rcy[j + 2]
            rzm, rz, cz, czp = rdz[k], rdz[k + 1], rcz[k + 1], rcz[k + 2]
            for i in range(1, nx + 2):
                m, volume = ids[k + 1, j + 1, i], dx[i] * dy[j + 1] * hz[k + 1]
                yz, xz, xy = (
                    edge_x(ids, soft, dx, dy, dz, k, j, i),
                    edge_y(ids, soft, dx, dy, dz, k, j, i),
                    edge_z(ids, soft, dx, dy, hz, k, j, i),
                )
                yzk = edge_x(ids, soft, dx, dy, dz, k + 1, j, i) if k < nz else yz * 0
                xzk = edge_y(ids, soft, dx, dy, dz, k + 1, j, i) if k < nz else yz * 0
                yzj = edge_x(ids, soft, dx, dy, dz, k, j + 1, i) if j < ny else yz * 0
                xyj = edge_z(ids, soft, dx, dy, hz, k, j + 1, i) if j < ny else yz * 0
                xzi, xyi = (
                    edge_y(ids, soft, dx, dy, dz, k, j, i + 1),
                    edge_z(ids, soft, dx, dy, hz, k, j, i + 1),
                )
                diagonal[0, k, j, i] += (
                    cell[0, ids[k + 1, j + 1, i - 1]]
                    * dx[i - 1]
                    * dy[j + 1]
                    * hz[k + 1]
                    * rdx[i - 1]
                    * rdx[i - 1]
                    + cell[0, m] * volume * rdx[i] * rdx[i]
                    + xz * cz * cz
                    + xzk * czp * czp
                    + xy * cy * cy
                    + xyj * cyp * cyp
                )
                diagonal[1, k, j, i] += (
                    cell[1, ids[k + 1, j, i]] * dx[i] * dy[j] * hz[k + 1] * rym * rym
                    + cell[1, m] * volume * ry * ry
                    + yz * cz * cz
                    + yzk * czp * czp
                    + xy * rcx[i] * rcx[i]
                    + xyi * rcx[i + 1] * rcx[i + 1]
                )
                diagonal[2, k, j, i] += (
                    cell[2, ids[k, j + 1, i]] * dx[i] * dy[j + 1] * hz[k] * rzm * rzm
                    + cell[2, m] * volume * rz * rz
                    + xz * rcx[i] * rcx[i]
                    + xzi * rcx[i + 1] * rcx[i + 1]
                    + yz * cy * cy
                    + yzj * cyp * cyp
                )


@kernel
def elastic_diagonal(share, diagonal, C, K, rdx, rcx, rdy, rcy, rdz, rcz, nx, ny, nz):
    """diagonal += A's diagonal, from stored coefficients."""
    for j in portion(share, ny + 1):
        jm, jp = max(j - 1, 0), min(j + 1, ny)
        rym, ry, cy, cyp = rdy[j], rdy[j + 1], rcy[j + 1], rcy[j + 2]
        for k in range(nz + 1):
            km, kp = max(k - 1, 0), min(k + 1, nz)
            rzm, rz, cz, czp = rdz[k], rdz[k + 1], rcz[k + 1], rcz[k + 2]
            for i in range(1, nx + 2):
                diagonal[0, k, j, i] += (
                    C[0, k, j, i - 1] * rdx[i - 1] * rdx[i - 1]
                    + C[0, k, j, i] * rdx[i] * rdx[i]
                    + K[1, k, j, i] * cz * cz
                    + K[1, kp, j, i] * czp * czp
                    + K[2, k, j, i] * cy * cy
                    + K[2, k, jp, i] * cyp * cyp
                )
                diagonal[1, k, j, i] += (
                    C[1, k, jm, i] * rym * rym
                    + C[1, k, j, i] * ry * ry
                    + K[0, k, j, i] * cz * cz
                    + K[0, kp, j, i] * czp * czp
                    + K[2, k, j, i] * rcx[i] * rcx[i]
                    + K[2, k, j, i + 1] * rcx[i + 1] * rcx[i + 1]
                )
                diagonal[2, k, j, i] += (
                    C[2, km, j, i] * rzm * rzm
                    + C[2, k, j, i] * rz * rz
                    + K[1, k, j, i] * rcx[i] * rcx[i]
                    + K[1, k, j, i + 1] * rcx[i + 1] * rcx[i + 1]
                    + K[0, k, j, i] * cy * cy
                    + K[0, k, jp, i] * cyp * cyp
                )


@kernel
def media_lines(
    share, inverse, lower, diagonal, ids, cell, soft, dx, dy, dz, hz, rdz, rcz, nx, ny, nz
):
    """Factor the z lines of A from material ids.

    On entry `lower` holds the coupling with the level below that free edges add.
    """
    for j in portion(share, ny + 1):
        for k in range(nz + 1):
            km, rzm, cz = max(k - 1, 0), rdz[k], rcz[k + 1]
            for i in range(1, nx + 2):
                u = -edge_y(ids, soft, dx, dy, dz, k, j, i) * cz * cz
                v = -edge_x(ids, soft, dx, dy, dz, k, j, i) * cz * cz
                w = -cell[2, ids[k, j + 1, i]] * dx[i] * dy[j + 1] * hz[k] * rzm * rzm
                for a, off in ((0, u), (1, v), (2, w)):
                    full = diagonal[a, k, j, i]
                    off += lower[a, k, j, i]
                    l = off * inverse[a, km, j, i] if k > 0 else off * 0
                    d = full - l * off
                    lower[a, k, j, i] = l
                    inverse[a, k, j, i] = (
                        1 / d if d > full * TINY else HELD / full if full > 0 else d * 0
                    )


@kernel
def elastic_lines(share, inverse, lower, diagonal, beside, C, K, rdz, rcz, nx, ny, nz):
    """Factor the z lines of A from stored coefficients, all in float64.

    `beside`: the coupling with the level below that free edges add. `inverse` and `lower` have the
    smoother's precision.
    """
    above = scratch((3, nx + 3), diagonal)  # inverse pivots of the level below
    for j in portion(share, ny + 1):
        above[:] = 0
        for k in range(nz + 1):
            km, cz, rz = max(k - 1, 0), rcz[k + 1], rdz[k]
            for a, e, scale in ((0, 1, cz * cz), (1, 0, cz * cz), (2, 0, rz * rz)):
                stiff = C[2, km, j] if a == 2 else K[e, k, j]
                full, free, row = diagonal[a, k, j], beside[a, k, j], above[a]
                to, multiplier = inverse[a, k, j], lower[a, k, j]
                for i in range(1, nx + 2):
                    off = free[i] - stiff[i] * scale
                    l = off * row[i]
                    d = full[i] - l * off
                    row[i] = 1 / d if d > full[i] * TINY else HELD / full[i] if full[i] > 0 else 0.0
                    multiplier[i] = l
                    to[i] = row[i]
    release(above)


@kernel
def elastic_lines_step(share, x, p, r, inverse, lower, keep, old, a, b, nx, ny, nz):
    """Take one Chebyshev step with the z lines M.

        x = keep x + old p,  p = a p + b M^-1 r,  x += p

    An array whose factor is 0 is not read. With keep < 0, x is left unchanged and the new p has
    still to be added.
    """
    y = scratch((nz + 1, nx + 3), r)
    for j in portion(share, ny + 1):
        if a == 0 and old == 0:
            p[:, :, j] = 0  # it may be NaN
        for d in range(3):
            for k in range(nz + 1):
                yk, ym, l, rk = y[k], y[max(k - 1, 0)], lower[d, k, j], r[d, k, j]
                for i in range(nx + 3):
                    yk[i] = rk[i] - l[i] * ym[i] if k > 0 else rk[i]
            for k in range(nz, -1, -1):
                kp = min(k + 1, nz)
                yk, yp, l, f = y[k], y[kp], lower[d, kp, j], inverse[d, k, j]
                pk, xk = p[d, k, j], x[d, k, j]
                if keep < 0:
                    for i in range(nx + 3):
                        t = yk[i] * f[i] - l[i] * yp[i] if k < nz else yk[i] * f[i]
                        yk[i] = t
                        pk[i] = a * pk[i] + b * t
                else:
                    if keep == 0:
                        xk[:] = 0
                    for i in range(nx + 3):
                        t = yk[i] * f[i] - l[i] * yp[i] if k < nz else yk[i] * f[i]
                        yk[i] = t
                        before = pk[i]
                        pk[i] = a * before + b * t
                        xk[i] = keep * xk[i] + (old * before + pk[i])
    release(y)
