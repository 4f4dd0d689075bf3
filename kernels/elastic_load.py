"""Thermo-elasticity before and after a solve: thermal load, stress, rigid motion.

Layout and tables as in kernels/elastic.py. After a solve the displacement is
U (3, nz+1, ny+1, nx+1), without padding.
"""

from warp.kernels import inline, kernel, portion
from warp.kernels.elastic import edge_x, edge_y, edge_z


@kernel
def thermal_load(
    share,
    b,
    ids,
    table,
    T,
    first,
    per_kelvin,
    tk,
    tj,
    ti,
    dx,
    dy,
    dz,
    hz,
    mirror_x,
    mirror_y,
    nx,
    ny,
    nz,
):
    """b = forces that balance the thermal stress of every cell.

    table (3, media, nodes): stress of fully constrained expansion in Pa at the temperatures first +
    n / per_kelvin, linear in between; T (.., .., ..) in K with the index factors tk, tj, ti (0
    where T is the same for all).
    """
    for j in portion(share, ny + 1):
        for k in range(nz + 1):
            for i in range(nx + 1):
                for a in range(3):
                    force = 0.0
                    for side in range(2):  # the cell before the face, then the one after it
                        q = 1 - side
                        ck, cj, ci = k - q * (a == 2), j - q * (a == 1), i - q * (a == 0)
                        m = ids[ck + 1, cj + 1, ci + 1] if ck < nz and cj < ny and ci < nx else 0
                        if m != 0:
                            at = (T[ck * tk, cj * tj, ci * ti] - first) * per_kelvin
                            n = min(max(int(at), 0), table.shape[2] - 2)
                            stress = table[a, m, n] + (at - n) * (
                                table[a, m, n + 1] - table[a, m, n]
                            )
                            area = (
                                dy[cj + 1] * hz[ck + 1]
                                if a == 0
                                else dx[ci + 1] * hz[ck + 1]
                                if a == 1
                                else dx[ci + 1] * dy[cj + 1] * (hz[ck + 1] / dz[ck + 1])
                            )
                            force += stress * area * (q - side)
                    b[a, k, j, i + 1] = force
            if mirror_x:
                b[0, k, j, 1] = 0.0
            if mirror_y and j == 0:
                for i in range(nx + 1):
                    b[1, k, j, i + 1] = 0.0


@kernel
def stress(
    share,
    out,
    U,
    ids,
    cell,
    soft,
    table,
    T,
    first,
    per_kelvin,
    tk,
    tj,
    ti,
    dx,
    dy,
    dz,
    cx,
    cy,
    cz,
    nx,
    ny,
    nz,
):
    """Compute the stress at cell centres, in the order xx yy zz yz xz xy.

    Normal stresses follow Hooke's law; a shear stress is the mean of four edges, and edges without
    four solid cells have none. cx[i], cy[j], cz[k]: distances between the centres beside a grid
    line.
    """
    for k in portion(share, nz):
        for j in range(ny):
            for i in range(nx):
                m = ids[k + 1, j + 1, i + 1]
                if m == 0:
                    continue
                exx = (U[0, k, j, i + 1] - U[0, k, j, i]) / dx[i + 1]
                eyy = (U[1, k, j + 1, i] - U[1, k, j, i]) / dy[j + 1]
                ezz = (U[2, k + 1, j, i] - U[2, k, j, i]) / dz[k + 1]
                at = (T[k * tk, j * tj, i * ti] - first) * per_kelvin
                n = min(max(int(at), 0), table.shape[2] - 2)
                out[0, k, j, i] = cell[0, m] * exx + cell[5, m] * eyy + cell[4, m] * ezz
                out[1, k, j, i] = cell[5, m] * exx + cell[1, m] * eyy + cell[3, m] * ezz
                out[2, k, j, i] = cell[4, m] * exx + cell[3, m] * eyy + cell[2, m] * ezz
                for a in range(3):
                    out[a, k, j, i] -= table[a, m, n] + (at - n) * (
                        table[a, m, n + 1] - table[a, m, n]
                    )
                yz, xz, xy = 0.0, 0.0, 0.0
                for p in range(2):
                    for q in range(2):
                        e, f = k + p, j + q
                        if 0 < e < nz and 0 < f < ny:
                            volume = dx[i + 1] * cy[f] * cz[e]
                            yz += (
                                edge_x(ids, soft, dx, dy, dz, e, f, i + 1)
                                / volume
                                * (
                                    (U[1, e, f, i] - U[1, e - 1, f, i]) / cz[e]
                                    + (U[2, e, f, i] - U[2, e, f - 1, i]) / cy[f]
                                )
                            )
                        e, f = k + p, i + q
                        if 0 < e < nz and 0 < f < nx:
                            volume = cx[f] * dy[j + 1] * cz[e]
                            xz += (
                                edge_y(ids, soft, dx, dy, dz, e, j, f + 1)
                                / volume
                                * (
                                    (U[0, e, j, f] - U[0, e - 1, j, f]) / cz[e]
                                    + (U[2, e, j, f] - U[2, e, j, f - 1]) / cx[f]
                                )
                            )
                        e, f = j + p, i + q
                        if 0 < e < ny and 0 < f < nx:
                            volume = cx[f] * cy[e] * dz[k + 1]
                            xy += (
                                edge_z(ids, soft, dx, dy, dz, k, e, f + 1)
                                / volume
                                * (
                                    (U[0, k, e, f] - U[0, k, e - 1, f]) / cy[e]
                                    + (U[1, k, e, f] - U[1, k, e, f - 1]) / cx[f]
                                )
                            )
                out[3, k, j, i], out[4, k, j, i], out[5, k, j, i] = yz / 4, xz / 4, xy / 4


@inline
def beside(ids, dx, dy, dz, a, k, j, i):
    """Return the solid volume beside the face (k, j, i) of component a."""
    x, y, z = i + (a != 0), j + (a != 1), k + (a != 2)
    before = dx[x] * dy[y] * dz[z] if ids[z, y, x] != 0 else 0.0
    return before + (dx[i + 1] * dy[j + 1] * dz[k + 1] if ids[k + 1, j + 1, i + 1] != 0 else 0.0)


@kernel
def motion_sums(share, sums, U, ids, dx, dy, dz, x, nx, ny, nz):
    """Add w, w x, w x^2, w U and w x U over each row into sums (3, nz+1, ny+1, 5).

    w is the solid volume beside a face; x (3, nx+1).
    """
    for j in portion(share, ny + 1):
        for k in range(nz + 1):
            for a in range(3):
                s0, s1, s2, s3, s4 = 0.0, 0.0, 0.0, 0.0, 0.0
                for i in range(nx + 1):
                    w, at = beside(ids, dx, dy, dz, a, k, j, i), x[a, i]
                    s0 += w
                    s1 += w * at
                    s2 += w * at * at
                    s3 += w * U[a, k, j, i]
                    s4 += w * at * U[a, k, j, i]
                row = sums[a, k, j]
                row[0], row[1], row[2], row[3], row[4] = s0, s1, s2, s3, s4


@kernel
def take_motion(share, U, motion, ids, dx, dy, dz, x, y, z, mirror_x, mirror_y, nx, ny, nz):
    """U[a] -= motion[a] . (1, x, y, z) where the displacement exists, and 0 elsewhere.

    x (3, nx+1), y (3, ny+1), z (3, nz+1).
    """
    for j in portion(share, ny + 1):
        for k in range(nz + 1):
            for a in range(3):
                row, constant = (
                    U[a, k, j],
                    motion[a, 0] + motion[a, 2] * y[a, j] + motion[a, 3] * z[a, k],
                )
                for i in range(nx + 1):
                    there = beside(ids, dx, dy, dz, a, k, j, i) > 0 and not (
                        mirror_y and a == 1 and j == 0
                    )
                    row[i] = row[i] - constant - motion[a, 1] * x[a, i] if there else 0.0
                if mirror_x and a == 0:
                    row[0] = 0.0
