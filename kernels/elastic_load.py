"""Thermo-elasticity before and after a solve: thermal load and rigid motion.

Layout and tables as in kernels/elastic.py. After a solve the displacement is
U (3, nz+1, ny+1, nx+1), without padding.
"""

from warp.kernels import inline, kernel, portion


@inline
def face_area(a, k, j, i, dx, dy, dz, hz):
    """Return the area on which the stress of cell (k, j, i) acts, normal to axis a."""
    if a == 0:
        return dy[j + 1] * hz[k + 1]
    if a == 1:
        return dx[i + 1] * hz[k + 1]
    return dx[i + 1] * dy[j + 1] * (hz[k + 1] / dz[k + 1])


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
                            area = face_area(a, ck, cj, ci, dx, dy, dz, hz)
                            force += stress * area * (q - side)
                    b[a, k, j, i + 1] = force
            if mirror_x:
                b[0, k, j, 1] = 0.0
            if mirror_y and j == 0:
                for i in range(nx + 1):
                    b[1, k, j, i + 1] = 0.0


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
