"""Elastic work that the host does before and after a solve: coarse coefficients, thermal load, stress.

Layout and tables as in kernels/elastic.py; these run on the CPU on every device.
"""

from numba import prange

from warp.kernels import host
from warp.kernels.elastic import edge_x, edge_y, edge_z


@host
def media_coarsen(C, K, ids, cell, soft, dx, dy, dz, keepx, keepy, lines, centres, least, NX, NY, nz):
    """Coefficients of the first coarse grid: cells summed over merged ones, edges with the interpolation's weights.

    Coarse cell I holds the fine cells keepx[I] .. keepx[I+1]; lines = startx, weightx, starty, weighty: coarse line I
    takes the fine lines startx[I] + m with weight weightx[m, I]; centres alike: the share of a coarse cell in the strain
    of fine ones. Its normal stiffness does not fall below `least` of what these shares add up to (elastic_coefficients).
    """
    startx, weightx, starty, weighty = lines
    fromx, sharex, fromy, sharey = centres
    for J in prange(NY + 1):
        for k in range(nz + 1):
            for I in range(NX + 1):
                if J < NY and I < NX and k < nz:
                    for j in range(keepy[J], keepy[J + 1]):
                        for i in range(keepx[I], keepx[I + 1]):
                            m, volume = ids[k + 1, j + 1, i + 1], dx[i + 1] * dy[j + 1] * dz[k + 1]
                            for a in range(6):
                                C[a, k, J, I + 1] += cell[a, m] * volume
                    xx, yy, zz = 0.0, 0.0, 0.0
                    for n in range(sharey.shape[0]):
                        for m in range(sharex.shape[0]):
                            j, i = fromy[J] + n, fromx[I] + m
                            a, volume = ids[k + 1, j + 1, i + 1], dx[i + 1] * dy[j + 1] * dz[k + 1]
                            x = 1.0 if keepx[I] <= i < keepx[I + 1] else 0.0
                            y = 1.0 if keepy[J] <= j < keepy[J + 1] else 0.0
                            xx += x * sharey[n, J] * cell[0, a] * volume
                            yy += y * sharex[m, I] * cell[1, a] * volume
                            zz += sharex[m, I] * sharey[n, J] * cell[2, a] * volume
                    if C[0, k, J, I + 1] > 0:
                        C[0, k, J, I + 1] = max(C[0, k, J, I + 1], least * xx)
                        C[1, k, J, I + 1] = max(C[1, k, J, I + 1], least * yy)
                        C[2, k, J, I + 1] = max(C[2, k, J, I + 1], least * zz)
                if I < NX:
                    for n in range(weighty.shape[0]):
                        if weighty[n, J] != 0:
                            for i in range(keepx[I], keepx[I + 1]):
                                K[0, k, J, I + 1] += weighty[n, J] * edge_x(ids, soft, dx, dy, dz, k, starty[J] + n, i + 1)
                if J < NY:
                    for n in range(weightx.shape[0]):
                        if weightx[n, I] != 0:
                            for j in range(keepy[J], keepy[J + 1]):
                                K[1, k, J, I + 1] += weightx[n, I] * edge_y(ids, soft, dx, dy, dz, k, j, startx[I] + n + 1)
                if k < nz:
                    for n in range(weighty.shape[0]):
                        for m in range(weightx.shape[0]):
                            if weighty[n, J] * weightx[m, I] != 0:
                                K[2, k, J, I + 1] += (weighty[n, J] * weightx[m, I]
                                                      * edge_z(ids, soft, dx, dy, dz, k, starty[J] + n, startx[I] + m + 1))


@host
def thermal_load(b, ids, table, T, first, per_kelvin, tk, tj, ti, dx, dy, dz, mirror_x, mirror_y, nx, ny, nz):
    """b = forces that balance the thermal stress of every cell.

    table (3, media, nodes): stress of fully hindered expansion in Pa at the temperatures first + n / per_kelvin, linear in
    between; T (.., .., ..) in K with the index factors tk, tj, ti (0 where T is the same for all).
    """
    for j in prange(ny + 1):
        for k in range(nz + 1):
            for i in range(nx + 1):
                for a in range(3):
                    force = 0.0
                    for side in range(2):  # the cell before the face, then the one behind it
                        q = 1 - side
                        ck, cj, ci = k - q * (a == 2), j - q * (a == 1), i - q * (a == 0)
                        m = ids[ck + 1, cj + 1, ci + 1] if ck < nz and cj < ny and ci < nx else 0
                        if m != 0:
                            at = (T[ck * tk, cj * tj, ci * ti] - first) * per_kelvin
                            n = min(max(int(at), 0), table.shape[2] - 2)
                            stress = table[a, m, n] + (at - n) * (table[a, m, n + 1] - table[a, m, n])
                            area = (dy[cj + 1] * dz[ck + 1] if a == 0 else dx[ci + 1] * dz[ck + 1] if a == 1
                                    else dx[ci + 1] * dy[cj + 1])
                            force += stress * area * (q - side)
                    b[a, k, j, i + 1] = force
            if mirror_x:
                b[0, k, j, 1] = 0.0
            if mirror_y and j == 0:
                for i in range(nx + 1):
                    b[1, k, j, i + 1] = 0.0


@host
def stress(out, U, ids, cell, soft, table, T, first, per_kelvin, tk, tj, ti, dx, dy, dz, cx, cy, cz, nx, ny, nz):
    """Stress at cell centres, xx yy zz yz xz xy: Hooke's law for the normal ones, the mean of four edges for shear.

    U (3, nz+1, ny+1, nx+1); cx[i] .. distances of the centres beside line i; edges without four solid cells carry none.
    """
    for k in prange(nz):
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
                    out[a, k, j, i] -= table[a, m, n] + (at - n) * (table[a, m, n + 1] - table[a, m, n])
                yz, xz, xy = 0.0, 0.0, 0.0
                for p in range(2):
                    for q in range(2):
                        e, f = k + p, j + q
                        if 0 < e < nz and 0 < f < ny:
                            volume = dx[i + 1] * cy[f] * cz[e]
                            yz += edge_x(ids, soft, dx, dy, dz, e, f, i + 1) / volume * (
                                (U[1, e, f, i] - U[1, e - 1, f, i]) / cz[e] + (U[2, e, f, i] - U[2, e, f - 1, i]) / cy[f])
                        e, f = k + p, i + q
                        if 0 < e < nz and 0 < f < nx:
                            volume = cx[f] * dy[j + 1] * cz[e]
                            xz += edge_y(ids, soft, dx, dy, dz, e, j, f + 1) / volume * (
                                (U[0, e, j, f] - U[0, e - 1, j, f]) / cz[e] + (U[2, e, j, f] - U[2, e, j, f - 1]) / cx[f])
                        e, f = j + p, i + q
                        if 0 < e < ny and 0 < f < nx:
                            volume = cx[f] * cy[e] * dz[k + 1]
                            xy += edge_z(ids, soft, dx, dy, dz, k, e, f + 1) / volume * (
                                (U[0, k, e, f] - U[0, k, e - 1, f]) / cy[e] + (U[1, k, e, f] - U[1, k, e, f - 1]) / cx[f])
                out[3, k, j, i], out[4, k, j, i], out[5, k, j, i] = yz / 4, xz / 4, xy / 4
