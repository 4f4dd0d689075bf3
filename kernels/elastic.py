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

Both operators walk along y and z and compute every stress once (`elastic_rows`).
"""

from warp.kernels import inline, kernel, portion, release, scratch
from warp.kernels.elastic_rows import (
    differ,
    forces,
    hold_mirror,
    look_up,
    look_up_shear,
    normal_stress,
    shear_stress_x,
    shear_stress_yz,
    stiffness_x,
    stiffness_x_within,
    stiffness_yz,
    stiffness_yz_within,
)

# A pivot below this fraction of its diagonal is a free motion of the line, which is held.
TINY = 1e-12
# Its inverse pivot times its diagonal: not 0, because coarse levels must move it with the rest.
HELD = 1e-12
# Lines that are solved at once: long rows, and few enough for a cache.
BLOCK = 1024
# Rows that are walked level by level: their memory is contiguous, few enough for a cache.
ROW_NUMBERS, MIN_ROWS = 4096, 16


@kernel
def elastic_apply(
    share, out, x, c, s, C, K, row, rdx, rcx, rdy, rcy, rdz, rcz, mirror_x, mirror_y, nx, ny, nz
):
    """out = c out + s A x with stored coefficients: rows row[j] of C and K for row j.

    The displacement normal to a mirror plane (x = 0, y = 0) is set to zero.
    """
    one = rdx.dtype.type(1)
    rows = portion(share, ny + 1)
    height = min(max(MIN_ROWS, ROW_NUMBERS // (nx + 3)), max(len(rows), 1))
    # Stresses by parity of k and row of the block; those that rows j and j + 1 share, of j.
    sz, txz = scratch((2, height + 1, nx + 3), rdx), scratch((2, height + 1, nx + 3), rdx)
    tyz = scratch((2, height + 2, nx + 3), rdx)
    sx, sy, txy = scratch((nx + 3,), rdx), scratch((2, nx + 3), rdx), scratch((2, nx + 3), rdx)
    for first in range(rows.start, rows.stop, height):
        start, stop = max(first - 1, 0), min(first + height, rows.stop)
        sz[1] = 0  # below the first level
        txz[0] = 0
        tyz[0] = 0
        for k in range(nz + 1):
            now, above, kp = k % 2, (k + 1) % 2, min(k + 1, nz)
            rzm, rz, cz, czk = rdz[k], rdz[k + 1], rcz[k + 1], rcz[k + 2]
            sy[start % 2] = 0  # before the first row
            txy[start % 2] = 0
            tyz[above] = 0
            for j in range(start, stop):  # row first - 1 only for the stresses it shares
                jp, before, after, n = min(j + 1, ny), j % 2, (j + 1) % 2, j - start
                m, mp = row[j], row[jp]
                rym, ry, cy, cyj = rdy[j], rdy[j + 1], rcy[j + 1], rcy[j + 2]
                u, v, w, vj, wk = x[0, k, j], x[1, k, j], x[2, k, j], x[1, k, jp], x[2, kp, j]
                stiff = C[0, k, m], C[1, k, m], C[2, k, m], C[3, k, m], C[4, k, m], C[5, k, m]
                normal_stress(
                    sx, sy[after], sz[now, n], stiff, one, u, v, vj, w, wk, rdx, ry, rz, nx
                )
                if j < ny:
                    shear_stress_x(txy[after], K[2, k, mp], one, u, x[0, k, jp], cyj, vj, rcx, nx)
                else:
                    txy[after] = 0
                if k == nz:
                    txz[above, n] = 0
                else:
                    shear_stress_x(
                        txz[above, n], K[1, kp, m], one, u, x[0, kp, j], czk, wk, rcx, nx
                    )
                    if j < ny:
                        edge, vkj, wkj = K[0, kp, mp], x[1, kp, jp], x[2, kp, jp]
                        to = tyz[above, n + 1]
                        shear_stress_yz(to, edge, one, vj, vkj, czk, wk, wkj, cyj, nx)
                if j >= first:
                    normal = sx, sy[before], sy[after], sz[above, n], sz[now, n]
                    xz_xy = txz[now, n], txz[above, n], txy[before], txy[after]
                    shear = *xz_xy, tyz[now, n], tyz[above, n], tyz[now, n + 1]
                    sides_y, sides_z = (rym, ry, cy, cyj), (rzm, rz, cz, czk)
                    ou, ov, ow = out[0, k, j], out[1, k, j], out[2, k, j]
                    forces(ou, ov, ow, c, s, normal, shear, (rdx, rcx), sides_y, sides_z, nx)
                    hold_mirror(ou, ov, mirror_x, mirror_y and j == 0, nx)
    release(sx)
    release(sz)
    release(txz)
    release(sy)
    release(txy)
    release(tyz)


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

    `law` (media, 12): for each medium c_xx .. c_xy, 1/G_yz, 1/G_xz, 1/G_xy and three numbers of
    padding. It is looked up where a row of ids differs from the one before it: most rows of a level
    are equal, and their coefficients differ by the cells' widths only.
    """
    one = law.dtype.type(1)
    rows = portion(share, ny + 1)
    height = min(max(MIN_ROWS, ROW_NUMBERS // (nx + 3)), max(len(rows), 1))
    # Of rows j and j + 1, the latest two that differ: coefficients of cells, 4/G here and above.
    C, S = scratch((2, 6, nx + 3), law), scratch((2, 3, nx + 3), law)
    T = scratch((2, 2, nx + 3), law)
    # Edges per width: K_xy and K_yz between equal rows, K_xz; K between unequal rows.
    Kxy, Kxz, Kyz = scratch((nx + 3,), law), scratch((nx + 3,), law), scratch((nx + 3,), law)
    K = scratch((nx + 3,), law)
    apart = scratch((2, height + 1), ids)  # 1 where row j + 1 differs from row j, by parity of k
    # Stresses by parity of k and row of the block; those that rows j and j + 1 share, of j.
    sz, txz = scratch((2, height + 1, nx + 3), law), scratch((2, height + 1, nx + 3), law)
    tyz = scratch((2, height + 2, nx + 3), law)
    sx, sy, txy = scratch((nx + 3,), law), scratch((2, nx + 3), law), scratch((2, nx + 3), law)
    for first in range(rows.start, rows.stop, height):
        start, stop = max(first - 1, 0), min(first + height, rows.stop)
        sz[1] = 0  # below the first level
        txz[0] = 0
        tyz[0] = 0
        for j in range(start, stop):
            apart[0, j - start] = differ(ids[1, j + 1], ids[1, min(j + 2, ny + 1)], nx + 3)
        for k in range(nz + 1):
            now, above, kp = k % 2, (k + 1) % 2, min(k + 1, nz)
            h, hk, hn = dz[k + 1], dz[kp + 1], hz[k + 1]
            rzm, rz, cz, czk = rdz[k], rdz[k + 1], rcz[k + 1], rcz[k + 2]
            sy[start % 2] = 0  # before the first row
            txy[start % 2] = 0
            tyz[above] = 0
            a, b = 0, 0  # which of the two entries of C and S, and of T, belong to this row
            look_up(C[0], S[0], ids[k + 1, start + 1], law, dx, nx)
            look_up_shear(T[0], ids[kp + 1, start + 1], law, nx)
            fresh, fresh_above = True, True
            for j in range(start, stop):  # row first - 1 only for the stresses it shares
                jp, beside, n = min(j + 1, ny), min(j + 2, ny + 1), j - start
                before, after = j % 2, (j + 1) % 2
                d, dj = dy[j + 1], dy[beside]
                rym, ry, cy, cyj = rdy[j], rdy[j + 1], rcy[j + 1], rcy[j + 2]
                u, v, w, vj, wk = x[0, k, j], x[1, k, j], x[2, k, j], x[1, k, jp], x[2, kp, j]
                stiff = C[a, 0], C[a, 1], C[a, 2], C[a, 3], C[a, 4], C[a, 5]
                normal_stress(
                    sx, sy[after], sz[now, n], stiff, d * hn, u, v, vj, w, wk, rdx, ry, rz, nx
                )
                other, e, f = apart[now, n] != 0, a, b
                if other:
                    e = 1 - a
                    look_up(C[e], S[e], ids[k + 1, beside], law, dx, nx)
                    stiffness_x(K, S[a, 2], S[e, 2], d, dj, dx, nx)
                    shear_stress_x(txy[after], K, hn, u, x[0, k, jp], cyj, vj, rcx, nx)
                else:
                    if fresh:
                        stiffness_x_within(Kxy, S[a, 2], dx, nx)
                    scale = hn * (d + dj)
                    shear_stress_x(txy[after], Kxy, scale, u, x[0, k, jp], cyj, vj, rcx, nx)
                fresh = other
                if k == nz:
                    txz[above, n] = 0
                else:
                    row, rowj = ids[k + 2, j + 1], ids[k + 2, beside]
                    if fresh_above:
                        stiffness_x(Kxz, S[a, 1], T[b, 1], h, hk, dx, nx)
                    shear_stress_x(txz[above, n], Kxz, d, u, x[0, kp, j], czk, wk, rcx, nx)
                    apart[above, n] = differ(row, rowj, nx + 3)
                    if apart[above, n] != 0:
                        other, f = True, 1 - b
                        look_up_shear(T[f], rowj, law, nx)
                    vkj, wkj, to = x[1, kp, jp], x[2, kp, jp], tyz[above, n + 1]
                    if other:
                        stiffness_yz(K, S[a, 0], S[e, 0], T[b, 0], T[f, 0], d, dj, h, hk, dx, nx)
                        shear_stress_yz(to, K, one, vj, vkj, czk, wk, wkj, cyj, nx)
                    else:
                        if fresh_above:
                            stiffness_yz_within(Kyz, S[a, 0], T[b, 0], h, hk, dx, nx)
                        shear_stress_yz(to, Kyz, d + dj, vj, vkj, czk, wk, wkj, cyj, nx)
                    fresh_above = other
                a, b = e, f
                if j >= first:
                    normal = sx, sy[before], sy[after], sz[above, n], sz[now, n]
                    xz_xy = txz[now, n], txz[above, n], txy[before], txy[after]
                    shear = *xz_xy, tyz[now, n], tyz[above, n], tyz[now, n + 1]
                    sides_y, sides_z = (rym, ry, cy, cyj), (rzm, rz, cz, czk)
                    ou, ov, ow = out[0, k, j], out[1, k, j], out[2, k, j]
                    forces(ou, ov, ow, c, s, normal, shear, (rdx, rcx), sides_y, sides_z, nx)
                    hold_mirror(ou, ov, mirror_x, mirror_y and j == 0, nx)
    release(C)
    release(S)
    release(T)
    release(Kxy)
    release(Kxz)
    release(Kyz)
    release(K)
    release(apart)
    release(sx)
    release(sz)
    release(txz)
    release(sy)
    release(txy)
    release(tyz)


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
def elastic_lines_step(share, x, p, r, inverse, lower, row, keep, old, a, b, nx, ny, nz):
    """Take one Chebyshev step with the z lines M.

        x = keep x + old p,  p = a p + b M^-1 r,  x += p

    Arrays (3, nz+1, columns), a row of faces after the other: a block of columns is one loop, as
    long as their factors follow one another. Row j has the factors of the stored row row[j].
    An array whose factor is 0 is not read. With keep < 0, x is left unchanged and the new p has
    still to be added.
    """
    width = nx + 3
    columns = (ny + 1) * width
    y = scratch((nz + 3, BLOCK), r)  # level k at k + 1, zero beyond the ends
    # Runs of columns whose factors follow one another: start in the block, length, first factor.
    runs = scratch((3, BLOCK // width + 2), row)
    begin, length, factors = runs[0], runs[1], runs[2]
    first = a == 0 and (old == 0 or keep < 0)  # p is not read: it may be NaN
    for block in portion(share, (columns + BLOCK - 1) // BLOCK):
        start, end = block * BLOCK, min(block * BLOCK + BLOCK, columns)
        count, here = 0, start
        while here < end:
            j = here // width
            last = j
            while (last + 1) * width < end and row[last + 1] == row[last] + 1:
                last += 1
            stop = min(end, (last + 1) * width)
            begin[count], length[count] = here - start, stop - here
            factors[count] = row[j] * width + here - j * width
            here = stop
            count += 1
        for d in range(3):
            for k in range(nz + 1):
                for m in range(count):
                    own = slice(begin[m], begin[m] + length[m])
                    at = slice(start + begin[m], start + begin[m] + length[m])
                    yk, ym, rk = y[k + 1][own], y[k][own], r[d, k][at]
                    l = lower[d, k][factors[m] : factors[m] + length[m]]
                    for i in range(len(yk)):
                        yk[i] = rk[i] - l[i] * ym[i]
            for k in range(nz, -1, -1):
                for m in range(count):
                    own = slice(begin[m], begin[m] + length[m])
                    at = slice(start + begin[m], start + begin[m] + length[m])
                    there = slice(factors[m], factors[m] + length[m])
                    yk, yp, f = y[k + 1][own], y[k + 2][own], inverse[d, k][there]
                    l, pk, xk = lower[d, min(k + 1, nz)][there], p[d, k][at], x[d, k][at]
                    if first and keep < 0:
                        for i in range(len(yk)):
                            yk[i] = yk[i] * f[i] - l[i] * yp[i]
                            pk[i] = b * yk[i]
                    elif first and keep == 0:
                        for i in range(len(yk)):
                            yk[i] = yk[i] * f[i] - l[i] * yp[i]
                            pk[i] = b * yk[i]
                            xk[i] = pk[i]
                    elif keep < 0:
                        for i in range(len(yk)):
                            yk[i] = yk[i] * f[i] - l[i] * yp[i]
                            pk[i] = a * pk[i] + b * yk[i]
                    else:
                        if first:
                            pk[:] = 0
                        if keep == 0:
                            xk[:] = 0
                        for i in range(len(yk)):
                            yk[i] = yk[i] * f[i] - l[i] * yp[i]
                            before = pk[i]
                            pk[i] = a * before + b * yk[i]
                            xk[i] = keep * xk[i] + (old * before + pk[i])
    release(runs)
    release(y)
