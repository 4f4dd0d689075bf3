"""Heat conduction on the rectilinear grid: fine operator from material ids, coarse levels from stored conductances.

    sum over the six faces of G (T - T_neighbour) + c V T = q        (W; c V T only in a time step, c in W/m3K)

Cell (k, j, i); a face conducts through its two half cells in series, per axis

    G = area / (d_here r_here + d_there r_there),  r = 1 / (2 conductivity)      (void: r = inf, hence G = 0)

`table[id, s]`: s = 0..5 is r towards x-, x+, y-, y+, z-, z+ (an interface resistance R adds R / d to one of them),
s = 6 is c. A neighbour index that would leave the grid is clamped to the cell itself: equal temperatures, no flux.

Coarse levels are coarser in x and y only and store gx, gy, gz (conductance to the neighbour at i+1, j+1, k+1, W/K; zero
at the end) and f (to ambient). Every kernel walks the columns of one j (one CUDA thread: one column) upwards in k.
"""
# READY FOR TWIN

import numpy as np
from numba import prange

from . import kernel


@kernel
def heat_apply(out, T, ids, table, dx, dy, dz, nx, ny, nz, keep, sign):
    """out = keep out + sign A T (films apart: film_apply)."""
    for j in prange(ny):
        fx = np.zeros(nx + 1, T.dtype)
        fz = np.zeros(nx, T.dtype)
        jm = max(j - 1, 0)
        jp = min(j + 1, ny - 1)
        for k in range(nz):
            kp = min(k + 1, nz - 1)
            ax = dy[j] * dz[k]
            for i in range(nx - 1):
                s = dx[i] * table[ids[k, j, i], 1] + dx[i + 1] * table[ids[k, j, i + 1], 0]
                fx[i + 1] = ax * (T[k, j, i] - T[k, j, i + 1]) / s
            for i in range(nx):
                m = ids[k, j, i]
                t = T[k, j, i]
                ay = dx[i] * dz[k]
                az = dx[i] * dy[j]
                q = fx[i + 1] - fx[i] - fz[i] + table[m, 6] * (dx[i] * ax) * t
                q += ay * (t - T[k, jm, i]) / (dy[j] * table[m, 2] + dy[jm] * table[ids[k, jm, i], 3])
                q += ay * (t - T[k, jp, i]) / (dy[j] * table[m, 3] + dy[jp] * table[ids[k, jp, i], 2])
                up = az * (t - T[kp, j, i]) / (dz[k] * table[m, 5] + dz[kp] * table[ids[kp, j, i], 4])
                fz[i] = up
                out[k, j, i] = keep * out[k, j, i] + sign * (q + up)


@kernel
def heat_lateral(s, ids, table, dx, dy, dz, nx, ny, nz):
    """s = the diagonal of A without its z part: sum of the four lateral conductances + c V."""
    for j in prange(ny):
        zero = s.dtype.type(0)
        for k in range(nz):
            ax = dy[j] * dz[k]
            for i in range(nx):
                m = ids[k, j, i]
                ay = dx[i] * dz[k]
                g = table[m, 6] * (dx[i] * ax)
                g += ax / (dx[i] * table[m, 0] + dx[i - 1] * table[ids[k, j, i - 1], 1]) if i > 0 else zero
                g += ax / (dx[i] * table[m, 1] + dx[i + 1] * table[ids[k, j, i + 1], 0]) if i < nx - 1 else zero
                g += ay / (dy[j] * table[m, 2] + dy[j - 1] * table[ids[k, j - 1, i], 3]) if j > 0 else zero
                g += ay / (dy[j] * table[m, 3] + dy[j + 1] * table[ids[k, j + 1, i], 2]) if j < ny - 1 else zero
                s[k, j, i] = g


@kernel
def heat_factor(s, ids, table, dx, dy, dz, nx, ny, nz):
    """Replace s by the inverse pivots of the z lines' L D L^T; sums of positive terms only, so nothing cancels.

    e = s + g_below e_below / p_below,  p = e + g_above,  1 / p (0 in void).
    """
    for j in prange(ny):
        fz = np.zeros(nx, s.dtype)
        zero = s.dtype.type(0)
        one = s.dtype.type(1)
        for k in range(nz):
            for i in range(nx):
                g = zero
                if k < nz - 1:
                    g = dx[i] * dy[j] / (dz[k] * table[ids[k, j, i], 5] + dz[k + 1] * table[ids[k + 1, j, i], 4])
                e = s[k, j, i] + fz[i]
                p = e + g
                inverse = one / p if p > zero else zero
                s[k, j, i] = inverse
                fz[i] = g * e * inverse


@kernel
def heat_lines(x, p, y, r, pivot, ids, table, dx, dy, dz, nx, ny, nz, keep, a, b):
    """p = a p + b M^-1 r and x = keep x + p, M the z lines (diagonal and vertical conductances); y is scratch."""
    for j in prange(ny):
        fz = np.zeros(nx, x.dtype)
        for k in range(nz):
            kp = min(k + 1, nz - 1)
            for i in range(nx):
                t = (r[k, j, i] + fz[i]) * pivot[k, j, i]
                y[k, j, i] = t
                g = dx[i] * dy[j] / (dz[k] * table[ids[k, j, i], 5] + dz[kp] * table[ids[kp, j, i], 4])
                fz[i] = g * t
        fz[:] = x.dtype.type(0)
        for k in range(nz - 1, -1, -1):
            km = max(k - 1, 0)
            for i in range(nx):
                t = y[k, j, i] + fz[i] * pivot[k, j, i]
                g = dx[i] * dy[j] / (dz[k] * table[ids[k, j, i], 4] + dz[km] * table[ids[km, j, i], 5])
                fz[i] = g * t
                t = a * p[k, j, i] + b * t
                p[k, j, i] = t
                x[k, j, i] = keep * x[k, j, i] + t


@kernel
def heat_coarsen(gx, gy, gz, f, ids, table, dx, dy, dz, first_x, first_y, ratio_x, ratio_y, mx, my, nx, ny, nz):
    """Conductances of the first coarse level, mx x my columns; column ic holds fine first_x[ic] .. first_x[ic + 1] - 1.

    Vertical and capacity: sums over the merged cells. Lateral: sum over the fine faces that lie on the coarse face,
    times ratio = fine / coarse centre distance. first_x has mx + 1 entries, ratio_x mx (the last one 0).
    """
    for jc in prange(my):
        zero = f.dtype.type(0)
        jl = first_y[jc + 1] - 1
        jr = min(jl + 1, ny - 1)
        for k in range(nz):
            kp = min(k + 1, nz - 1)
            for ic in range(mx):
                il = first_x[ic + 1] - 1
                ir = min(il + 1, nx - 1)
                sx = zero
                sy = zero
                sz = zero
                sf = zero
                for j in range(first_y[jc], first_y[jc + 1]):
                    s = dx[il] * table[ids[k, j, il], 1] + dx[ir] * table[ids[k, j, ir], 0]
                    sx += dy[j] * dz[k] / s
                    for i in range(first_x[ic], first_x[ic + 1]):
                        m = ids[k, j, i]
                        sf += table[m, 6] * (dx[i] * dy[j] * dz[k])
                        sz += dx[i] * dy[j] / (dz[k] * table[m, 5] + dz[kp] * table[ids[kp, j, i], 4])
                for i in range(first_x[ic], first_x[ic + 1]):
                    s = dy[jl] * table[ids[k, jl, i], 3] + dy[jr] * table[ids[k, jr, i], 2]
                    sy += dx[i] * dz[k] / s
                gx[k, jc, ic] = sx * ratio_x[ic]
                gy[k, jc, ic] = sy * ratio_y[jc]
                gz[k, jc, ic] = sz if k < nz - 1 else zero
                f[k, jc, ic] = sf


@kernel
def film_apply(out, T, cell, g, n, sign):
    """out[cell] += sign g T[cell]; out and T flat, every cell at most once in the list."""
    for m in prange(n):
        out[cell[m]] += sign * g[m] * T[cell[m]]


@kernel
def film_add(s, cell, g, n):
    """s[cell] += g."""
    for m in prange(n):
        s[cell[m]] += g[m]


@kernel
def level_apply(out, T, gx, gy, gz, f, nx, ny, nz, keep, sign):
    """out = keep out + sign A T on a coarse level."""
    for j in prange(ny):
        fx = np.zeros(nx + 1, T.dtype)
        fz = np.zeros(nx, T.dtype)
        jm = max(j - 1, 0)
        jp = min(j + 1, ny - 1)
        for k in range(nz):
            kp = min(k + 1, nz - 1)
            for i in range(nx - 1):
                fx[i + 1] = gx[k, j, i] * (T[k, j, i] - T[k, j, i + 1])
            for i in range(nx):
                t = T[k, j, i]
                q = fx[i + 1] - fx[i] - fz[i] + f[k, j, i] * t
                q += gy[k, jm, i] * (t - T[k, jm, i])
                q += gy[k, j, i] * (t - T[k, jp, i])
                up = gz[k, j, i] * (t - T[kp, j, i])
                fz[i] = up
                out[k, j, i] = keep * out[k, j, i] + sign * (q + up)


@kernel
def level_lateral(s, gx, gy, f, nx, ny, nz):
    """s = the diagonal of A without its z part."""
    for j in prange(ny):
        zero = s.dtype.type(0)
        for k in range(nz):
            for i in range(nx):
                g = f[k, j, i] + gx[k, j, i] + gy[k, j, i]
                g += gx[k, j, i - 1] if i > 0 else zero
                g += gy[k, j - 1, i] if j > 0 else zero
                s[k, j, i] = g


@kernel
def level_factor(s, gz, nx, ny, nz):
    """As heat_factor."""
    for j in prange(ny):
        fz = np.zeros(nx, s.dtype)
        zero = s.dtype.type(0)
        one = s.dtype.type(1)
        for k in range(nz):
            for i in range(nx):
                e = s[k, j, i] + fz[i]
                p = e + gz[k, j, i]
                inverse = one / p if p > zero else zero
                s[k, j, i] = inverse
                fz[i] = gz[k, j, i] * e * inverse


@kernel
def level_lines(x, p, y, r, pivot, gz, nx, ny, nz, keep, a, b):
    """As heat_lines."""
    for j in prange(ny):
        fz = np.zeros(nx, x.dtype)
        for k in range(nz):
            for i in range(nx):
                t = (r[k, j, i] + fz[i]) * pivot[k, j, i]
                y[k, j, i] = t
                fz[i] = gz[k, j, i] * t
        fz[:] = x.dtype.type(0)
        for k in range(nz - 1, -1, -1):
            km = max(k - 1, 0)
            for i in range(nx):
                t = y[k, j, i] + fz[i] * pivot[k, j, i]
                fz[i] = gz[km, j, i] * t
                t = a * p[k, j, i] + b * t
                p[k, j, i] = t
                x[k, j, i] = keep * x[k, j, i] + t


@kernel
def level_coarsen(
    gx, gy, gz, f, fine_gx, fine_gy, fine_gz, fine_f, first_x, first_y, ratio_x, ratio_y, mx, my, nx, ny, nz
):
    """As heat_coarsen, from a coarse level to the next."""
    for jc in prange(my):
        zero = f.dtype.type(0)
        jl = first_y[jc + 1] - 1
        for k in range(nz):
            for ic in range(mx):
                il = first_x[ic + 1] - 1
                sx = zero
                sy = zero
                sz = zero
                sf = zero
                for j in range(first_y[jc], first_y[jc + 1]):
                    sx += fine_gx[k, j, il]
                    for i in range(first_x[ic], first_x[ic + 1]):
                        sf += fine_f[k, j, i]
                        sz += fine_gz[k, j, i]
                for i in range(first_x[ic], first_x[ic + 1]):
                    sy += fine_gy[k, jl, i]
                gx[k, jc, ic] = sx * ratio_x[ic]
                gy[k, jc, ic] = sy * ratio_y[jc]
                gz[k, jc, ic] = sz
                f[k, jc, ic] = sf


@kernel
def level_restrict(rc, r, pivot, lower_x, lower_y, weight_x, weight_y, start_x, start_y, mx, my, nx, ny, nz):
    """rc = P^T r, P the interpolation of level_prolong; pivot is the coarse level's (0 marks void).

    Fine cells start_x[ic]..start_x[mx + ic]-1 see coarse cell ic.
    """
    for jc in prange(my):
        zero = r.dtype.type(0)
        one = r.dtype.type(1)
        row = np.zeros(nx, r.dtype)
        for k in range(nz):
            row[:] = zero
            for j in range(start_y[jc], start_y[my + jc]):
                j0 = lower_y[j]
                j1 = min(j0 + 1, my - 1)
                b = weight_y[j]
                wj = b if j0 < jc else one - b
                for i in range(nx):
                    i0 = lower_x[i]
                    i1 = min(i0 + 1, mx - 1)
                    a = weight_x[i]
                    s = (one - b) * (one - a) if pivot[k, j0, i0] > zero else zero
                    s += (one - b) * a if pivot[k, j0, i1] > zero else zero
                    s += b * (one - a) if pivot[k, j1, i0] > zero else zero
                    s += b * a if pivot[k, j1, i1] > zero else zero
                    row[i] += wj * r[k, j, i] / s if s > zero else zero
            for ic in range(mx):
                q = zero
                for i in range(start_x[ic], start_x[mx + ic]):
                    q += row[i] * (weight_x[i] if lower_x[i] < ic else one - weight_x[i])
                rc[k, jc, ic] = q if pivot[k, jc, ic] > zero else zero


@kernel
def level_prolong(x, p, xc, pivot_c, pivot, lower_x, lower_y, weight_x, weight_y, mx, my, nx, ny, nz):
    """p = P xc and x += p: linear between coarse centres in x and y, weights renormalised over solid coarse cells."""
    for j in prange(ny):
        zero = x.dtype.type(0)
        one = x.dtype.type(1)
        j0 = lower_y[j]
        j1 = min(j0 + 1, my - 1)
        b = weight_y[j]
        for k in range(nz):
            for i in range(nx):
                i0 = lower_x[i]
                i1 = min(i0 + 1, mx - 1)
                a = weight_x[i]
                w00 = (one - b) * (one - a) if pivot_c[k, j0, i0] > zero else zero
                w01 = (one - b) * a if pivot_c[k, j0, i1] > zero else zero
                w10 = b * (one - a) if pivot_c[k, j1, i0] > zero else zero
                w11 = b * a if pivot_c[k, j1, i1] > zero else zero
                t = w00 * xc[k, j0, i0] + w01 * xc[k, j0, i1] + w10 * xc[k, j1, i0] + w11 * xc[k, j1, i1]
                s = w00 + w01 + w10 + w11
                t = t / s if s > zero and pivot[k, j, i] > zero else zero
                p[k, j, i] = t
                x[k, j, i] += t
