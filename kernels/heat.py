"""Heat conduction on the rectilinear grid, from material ids; conductances and weights of the first coarse level.

    sum over the six faces of G (T - T_neighbour) + c V T = q        (W; c V T only in a time step, c in W/m3K)

Cell (k, j, i); a face conducts through its two half cells in series, per axis

    G = area / (d_here r_here + d_there r_there),  r = 1 / (2 conductivity)      (void: r = inf, hence G = 0)

`table[id, s]`: s = 0..5 is r towards x-, x+, y-, y+, z-, z+ (an interface resistance R adds R / d to one of them),
s = 6 is c. A neighbour index that would leave the grid is clamped to the cell itself: equal temperatures, no flux.

Every kernel walks the columns of one j (one CUDA thread: one column) upwards in k. Coarse levels: kernels/heat_level.py.
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
def heat_coarsen(gx, gy, gz, f, ids, table, dx, dy, dz, first_x, first_y, reach_x, reach_y, mx, my, nx, ny, nz):
    """Conductances of the first coarse level, mx x my columns; column ic holds fine first_x[ic] .. first_x[ic + 1] - 1.

    Vertical and capacity: sums over the merged cells. Lateral: rows side by side, in each the resistances from coarse
    centre to coarse centre in series: the face between, and reach[0] and reach[1] of the faces inside the two cells (one
    at most in each). Where such a face does not conduct, reach[2] and reach[3] of the face between stand for it.
    """
    for jc in prange(my):
        zero = f.dtype.type(0)
        one = f.dtype.type(1)
        jl = first_y[jc + 1] - 1
        jr = min(jl + 1, ny - 1)
        ja = max(jl - 1, 0)
        jb = min(jr + 1, ny - 1)
        for k in range(nz):
            kp = min(k + 1, nz - 1)
            for ic in range(mx):
                il = first_x[ic + 1] - 1
                ir = min(il + 1, nx - 1)
                ia = max(il - 1, 0)
                ib = min(ir + 1, nx - 1)
                sx = zero
                sy = zero
                sz = zero
                sf = zero
                for j in range(first_y[jc], first_y[jc + 1]):
                    ax = dy[j] * dz[k]
                    l = ids[k, j, il]
                    r = ids[k, j, ir]
                    g = ax / (dx[il] * table[l, 1] + dx[ir] * table[r, 0])
                    ga = ax / (dx[ia] * table[ids[k, j, ia], 1] + dx[il] * table[l, 0])
                    gb = ax / (dx[ir] * table[r, 1] + dx[ib] * table[ids[k, j, ib], 0])
                    s = one
                    s += reach_x[0, ic] * g / ga if ga > zero else reach_x[2, ic]
                    s += reach_x[1, ic] * g / gb if gb > zero else reach_x[3, ic]
                    sx += g / s
                    for i in range(first_x[ic], first_x[ic + 1]):
                        m = ids[k, j, i]
                        sf += table[m, 6] * (dx[i] * dy[j] * dz[k])
                        sz += dx[i] * dy[j] / (dz[k] * table[m, 5] + dz[kp] * table[ids[kp, j, i], 4])
                for i in range(first_x[ic], first_x[ic + 1]):
                    ay = dx[i] * dz[k]
                    l = ids[k, jl, i]
                    r = ids[k, jr, i]
                    g = ay / (dy[jl] * table[l, 3] + dy[jr] * table[r, 2])
                    ga = ay / (dy[ja] * table[ids[k, ja, i], 3] + dy[jl] * table[l, 2])
                    gb = ay / (dy[jr] * table[r, 3] + dy[jb] * table[ids[k, jb, i], 2])
                    s = one
                    s += reach_y[0, jc] * g / ga if ga > zero else reach_y[2, jc]
                    s += reach_y[1, jc] * g / gb if gb > zero else reach_y[3, jc]
                    sy += g / s
                gx[k, jc, ic] = sx if ic < mx - 1 else zero
                gy[k, jc, ic] = sy if jc < my - 1 else zero
                gz[k, jc, ic] = sz if k < nz - 1 else zero
                f[k, jc, ic] = sf


@kernel
def heat_weights(
    wx,
    wy,
    ids,
    table,
    dx,
    dy,
    dz,
    lower_x,
    lower_y,
    linear_x,
    linear_y,
    first_x,
    first_y,
    reach_x,
    reach_y,
    mx,
    my,
    nx,
    ny,
    nz,
):
    """Weights of the upper coarse neighbour in the interpolation to every cell, along x and along y.

    Between coarse centres lower and lower + 1 the temperature falls as the resistances in series do (heat_coarsen); with
    equal ones that is linear_x, which stays where it is 0 or 1: no interpolation.
    """
    for j in prange(ny):
        zero = wx.dtype.type(0)
        one = wx.dtype.type(1)
        for k in range(nz):
            for i in range(nx):
                w = linear_x[i]
                if w > zero and w < one:
                    c = lower_x[i]
                    il = first_x[c + 1] - 1
                    ir = il + 1
                    ia = max(il - 1, 0)
                    ib = min(ir + 1, nx - 1)
                    l = ids[k, j, il]
                    r = ids[k, j, ir]
                    g = one / (dx[il] * table[l, 1] + dx[ir] * table[r, 0])
                    ga = one / (dx[ia] * table[ids[k, j, ia], 1] + dx[il] * table[l, 0])
                    gb = one / (dx[ir] * table[r, 1] + dx[ib] * table[ids[k, j, ib], 0])
                    a = reach_x[0, c] * g / ga if ga > zero else reach_x[2, c]
                    b = reach_x[1, c] * g / gb if gb > zero else reach_x[3, c]
                    w = zero if i == il else one
                    if g > zero:
                        w = (a + w) / (one + a + b)
                wx[k, j, i] = w
                w = linear_y[j]
                if w > zero and w < one:
                    c = lower_y[j]
                    jl = first_y[c + 1] - 1
                    jr = jl + 1
                    ja = max(jl - 1, 0)
                    jb = min(jr + 1, ny - 1)
                    l = ids[k, jl, i]
                    r = ids[k, jr, i]
                    g = one / (dy[jl] * table[l, 3] + dy[jr] * table[r, 2])
                    ga = one / (dy[ja] * table[ids[k, ja, i], 3] + dy[jl] * table[l, 2])
                    gb = one / (dy[jr] * table[r, 3] + dy[jb] * table[ids[k, jb, i], 2])
                    a = reach_y[0, c] * g / ga if ga > zero else reach_y[2, c]
                    b = reach_y[1, c] * g / gb if gb > zero else reach_y[3, c]
                    w = zero if j == jl else one
                    if g > zero:
                        w = (a + w) / (one + a + b)
                wy[k, j, i] = w


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
