"""Strains and stress of a body with a load history, and the forces that they leave unbalanced.

Layout and tables as in kernels/elastic.py; displacement U (3, nz+1, ny+1, nx+1) without padding,
strains of cells (3, nz, ny, nx), of edges (3, nz+1, ny+1, nx+1) in the order yz, xz, xy. An edge
exists between four solid cells.
"""

from warp.kernels import inline, kernel, portion
from warp.kernels.elastic import edge_x, edge_y, edge_z
from warp.kernels.elastic_load import face_area


@inline
def meets_x(ids, k, j, i):
    """Tell whether the four cells around the edge along x are solid."""
    return (
        ids[k, j, i] > 0
        and ids[k, j + 1, i] > 0
        and ids[k + 1, j, i] > 0
        and ids[k + 1, j + 1, i] > 0
    )


@inline
def meets_y(ids, k, j, i):
    """Tell whether the four cells around the edge along y are solid."""
    return (
        ids[k, j + 1, i - 1] > 0
        and ids[k, j + 1, i] > 0
        and ids[k + 1, j + 1, i - 1] > 0
        and ids[k + 1, j + 1, i] > 0
    )


@inline
def meets_z(ids, k, j, i):
    """Tell whether the four cells around the edge along z are solid."""
    return (
        ids[k + 1, j, i - 1] > 0
        and ids[k + 1, j, i] > 0
        and ids[k + 1, j + 1, i - 1] > 0
        and ids[k + 1, j + 1, i] > 0
    )


@kernel
def add_strains(share, cell, edge, U, ids, rdx, rcx, rdy, rcy, rdz, rcz, nx, ny, nz):
    """cell += e_xx, e_yy, e_zz and edge += g_yz, g_xz, g_xy of U."""
    for k in portion(share, nz + 1):
        for j in range(ny + 1):
            for i in range(nx + 1):
                if k < nz and j < ny and i < nx and ids[k + 1, j + 1, i + 1] > 0:
                    cell[0, k, j, i] += (U[0, k, j, i + 1] - U[0, k, j, i]) * rdx[i + 1]
                    cell[1, k, j, i] += (U[1, k, j + 1, i] - U[1, k, j, i]) * rdy[j + 1]
                    cell[2, k, j, i] += (U[2, k + 1, j, i] - U[2, k, j, i]) * rdz[k + 1]
                if i < nx and meets_x(ids, k, j, i + 1):
                    edge[0, k, j, i] += (U[1, k, j, i] - U[1, k - 1, j, i]) * rcz[k + 1] + (
                        U[2, k, j, i] - U[2, k, j - 1, i]
                    ) * rcy[j + 1]
                if j < ny and meets_y(ids, k, j, i + 1):
                    edge[1, k, j, i] += (U[0, k, j, i] - U[0, k - 1, j, i]) * rcz[k + 1] + (
                        U[2, k, j, i] - U[2, k, j, i - 1]
                    ) * rcx[i + 1]
                if k < nz and meets_z(ids, k, j, i + 1):
                    edge[2, k, j, i] += (U[0, k, j, i] - U[0, k, j - 1, i]) * rcy[j + 1] + (
                        U[1, k, j, i] - U[1, k, j, i - 1]
                    ) * rcx[i + 1]


@kernel
def add_motion(share, U, dU, ids, nx, ny, nz):
    """U += dU on the faces of solid cells, and 0 on all others."""
    for k in portion(share, nz + 1):
        for j in range(ny + 1):
            for i in range(nx + 1):
                solid = ids[k + 1, j + 1, i + 1] > 0
                x = solid or ids[k + 1, j + 1, i] > 0
                y = solid or ids[k + 1, j, i + 1] > 0
                z = solid or ids[k, j + 1, i + 1] > 0
                U[0, k, j, i] = U[0, k, j, i] + dU[0, k, j, i] if x else 0.0
                U[1, k, j, i] = U[1, k, j, i] + dU[1, k, j, i] if y else 0.0
                U[2, k, j, i] = U[2, k, j, i] + dU[2, k, j, i] if z else 0.0


@kernel
def cell_stress(share, S, strain, ids, cell, table, T, first, per_kelvin, tk, tj, ti, nx, ny, nz):
    """S (3, nz, ny, nx) = C strain - thermal stress, Pa; table and T as in elastic_load.py."""
    for k in portion(share, nz):
        for j in range(ny):
            for i in range(nx):
                m = ids[k + 1, j + 1, i + 1]
                if m == 0:
                    S[0, k, j, i], S[1, k, j, i], S[2, k, j, i] = 0.0, 0.0, 0.0
                    continue
                x, y, z = strain[0, k, j, i], strain[1, k, j, i], strain[2, k, j, i]
                S[0, k, j, i] = cell[0, m] * x + cell[5, m] * y + cell[4, m] * z
                S[1, k, j, i] = cell[5, m] * x + cell[1, m] * y + cell[3, m] * z
                S[2, k, j, i] = cell[4, m] * x + cell[3, m] * y + cell[2, m] * z
                at = (T[k * tk, j * tj, i * ti] - first) * per_kelvin
                n = min(max(int(at), 0), table.shape[2] - 2)
                for a in range(3):
                    S[a, k, j, i] -= table[a, m, n] + (at - n) * (
                        table[a, m, n + 1] - table[a, m, n]
                    )


@kernel
def edge_forces(share, t, strain, ids, soft, dx, dy, dz, hz, nx, ny, nz):
    """t (3, nz+1, ny+1, nx+1) = K strain, Pa m3, zero where an edge does not exist."""
    for k in portion(share, nz + 1):
        for j in range(ny + 1):
            for i in range(nx + 1):
                x, y, z = 0.0, 0.0, 0.0
                if i < nx and meets_x(ids, k, j, i + 1):
                    x = edge_x(ids, soft, dx, dy, dz, k, j, i + 1) * strain[0, k, j, i]
                if j < ny and meets_y(ids, k, j, i + 1):
                    y = edge_y(ids, soft, dx, dy, dz, k, j, i + 1) * strain[1, k, j, i]
                if k < nz and meets_z(ids, k, j, i + 1):
                    z = edge_z(ids, soft, dx, dy, hz, k, j, i + 1) * strain[2, k, j, i]
                t[0, k, j, i], t[1, k, j, i], t[2, k, j, i] = x, y, z


@kernel
def imbalance(share, f, S, t, ids, dx, dy, dz, hz, rcx, rcy, rcz, mirror_x, mirror_y, nx, ny, nz):
    """f = -(Bn^T V S + Bs^T t) in the solver's layout: the forces left unbalanced."""
    for k in portion(share, nz + 1):
        for j in range(ny + 1):
            for i in range(nx + 1):
                for a in range(3):
                    force = 0.0
                    for side in range(2):  # the cell before the face, then the one after it
                        q = 1 - side
                        ck, cj, ci = k - q * (a == 2), j - q * (a == 1), i - q * (a == 0)
                        if ck < nz and cj < ny and ci < nx and ids[ck + 1, cj + 1, ci + 1] > 0:
                            area = face_area(a, ck, cj, ci, dx, dy, dz, hz)
                            force -= S[a, ck, cj, ci] * area * (q - side)
                    f[a, k, j, i + 1] = force
                f[0, k, j, i + 1] -= t[1, k, j, i] * rcz[k + 1] + t[2, k, j, i] * rcy[j + 1]
                f[1, k, j, i + 1] -= t[0, k, j, i] * rcz[k + 1] + t[2, k, j, i] * rcx[i + 1]
                f[2, k, j, i + 1] -= t[1, k, j, i] * rcx[i + 1] + t[0, k, j, i] * rcy[j + 1]
                if k < nz:
                    f[0, k, j, i + 1] += t[1, k + 1, j, i] * rcz[k + 2]
                    f[1, k, j, i + 1] += t[0, k + 1, j, i] * rcz[k + 2]
                if j < ny:
                    f[0, k, j, i + 1] += t[2, k, j + 1, i] * rcy[j + 2]
                    f[2, k, j, i + 1] += t[0, k, j + 1, i] * rcy[j + 2]
                if i < nx:
                    f[1, k, j, i + 1] += t[2, k, j, i + 1] * rcx[i + 2]
                    f[2, k, j, i + 1] += t[1, k, j, i + 1] * rcx[i + 2]
            if mirror_x:
                f[0, k, j, 1] = 0.0
            if mirror_y and j == 0:
                for i in range(nx + 1):
                    f[1, k, j, i + 1] = 0.0


@kernel
def shear_stress(share, out, t, ids, dx, dy, hz, cx, cy, cz, nx, ny, nz):
    """out (3, nz, ny, nx): yz, xz, xy in Pa at cell centres, the mean of four edges.

    cx[i], cy[j], cz[k]: distances between the centres beside a grid line.
    """
    for k in portion(share, nz):
        for j in range(ny):
            for i in range(nx):
                yz, xz, xy = 0.0, 0.0, 0.0
                if ids[k + 1, j + 1, i + 1] > 0:
                    for p in range(2):
                        for q in range(2):
                            yz += t[0, k + p, j + q, i] / (dx[i + 1] * cy[j + q] * cz[k + p])
                            xz += t[1, k + p, j, i + q] / (cx[i + q] * dy[j + 1] * cz[k + p])
                            xy += t[2, k, j + p, i + q] / (cx[i + q] * cy[j + p] * hz[k + 1])
                out[0, k, j, i], out[1, k, j, i], out[2, k, j, i] = yz / 4, xz / 4, xy / 4
