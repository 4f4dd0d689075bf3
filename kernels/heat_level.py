"""Heat conduction on coarse levels: as kernels/heat.py, with stored conductances.

    sum over the six faces of G (T - T_neighbour) + f T = q        (W)

gx, gy, gz: conductance (W/K) to the neighbour at i+1, j+1, k+1, zero at the end; f: films and
capacity. Levels are coarser in x and y only. Kernels walk as those of kernels/heat.py.
"""

from warp.kernels import kernel, portion, release, scratch
from warp.kernels.heat import LINE_NUMBERS, ROW_NUMBERS, series, weight


@kernel
def level_apply(share, out, T, gx, gy, gz, f, nx, ny, nz, keep, sign):
    """out = keep out + sign A T on a coarse level."""
    rows = portion(share, ny)
    height = max(1, ROW_NUMBERS // nx)
    fx = scratch((nx + 1,), T)
    below = scratch((height, nx), T)  # heat from the level below
    for first in range(rows.start, rows.stop, height):
        below[:] = 0
        for k in range(nz):
            kp = min(k + 1, nz - 1)
            for j in range(first, min(first + height, rows.stop)):
                jm = max(j - 1, 0)
                jp = min(j + 1, ny - 1)
                fz = below[j - first]
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
    release(fx)
    release(below)


@kernel
def level_lateral(share, s, gx, gy, f, nx, ny, nz):
    """s = the diagonal of A without its z part."""
    for j in portion(share, ny):
        zero = s.dtype.type(0)
        for k in range(nz):
            for i in range(nx):
                g = f[k, j, i] + gx[k, j, i] + gy[k, j, i]
                g += gx[k, j, i - 1] if i > 0 else zero
                g += gy[k, j - 1, i] if j > 0 else zero
                s[k, j, i] = g


@kernel
def level_factor(share, s, gz, nx, ny, nz):
    """Factor as heat_factor does."""
    fz = scratch((nx,), s)
    for j in portion(share, ny):
        fz[:] = 0
        zero = s.dtype.type(0)
        one = s.dtype.type(1)
        for k in range(nz):
            for i in range(nx):
                e = s[k, j, i] + fz[i]
                p = e + gz[k, j, i]
                inverse = one / p if p > zero else zero
                s[k, j, i] = inverse
                fz[i] = gz[k, j, i] * e * inverse
    release(fz)


@kernel
def level_lines(share, x, p, r, pivot, gz, nx, ny, nz, keep, old, a, b):
    """Take one Chebyshev step, as heat_lines does."""
    rows = portion(share, ny)
    height = max(1, LINE_NUMBERS // nx)
    beside = scratch((height, nx), x)  # what comes from the level before
    y = scratch((nz, height, nx), x)
    for first in range(rows.start, rows.stop, height):
        last = min(first + height, rows.stop)
        beside[:] = 0
        for k in range(nz):
            for j in range(first, last):
                fz, yk = beside[j - first], y[k, j - first]
                for i in range(nx):
                    t = (r[k, j, i] + fz[i]) * pivot[k, j, i]
                    yk[i] = t
                    fz[i] = gz[k, j, i] * t
        beside[:] = 0
        for k in range(nz - 1, -1, -1):
            km = max(k - 1, 0)
            for j in range(first, last):
                fz, yk = beside[j - first], y[k, j - first]
                if a == 0 and old == 0:
                    p[k, j] = 0
                if keep == 0:
                    x[k, j] = 0
                for i in range(nx):
                    t = yk[i] + fz[i] * pivot[k, j, i]
                    fz[i] = gz[km, j, i] * t
                    before = p[k, j, i]
                    t = a * before + b * t
                    p[k, j, i] = t
                    if keep >= 0:
                        x[k, j, i] = keep * x[k, j, i] + (old * before + t)
    release(beside)
    release(y)


@kernel
def level_coarsen(
    share,
    gx,
    gy,
    gz,
    f,
    fine_gx,
    fine_gy,
    fine_gz,
    fine_f,
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
    """Coarsen as heat_coarsen does, from a coarse level to the next."""
    for jc in portion(share, my):
        zero = f.dtype.type(0)
        jl = first_y[jc + 1] - 1
        jr = min(jl + 1, ny - 1)
        ja = max(jl - 1, 0)
        for k in range(nz):
            for ic in range(mx):
                il = first_x[ic + 1] - 1
                ir = min(il + 1, nx - 1)
                ia = max(il - 1, 0)
                sx = zero
                sy = zero
                sz = zero
                sf = zero
                for j in range(first_y[jc], first_y[jc + 1]):
                    sx += series(
                        fine_gx[k, j, il], fine_gx[k, j, ia], fine_gx[k, j, ir], reach_x, ic
                    )
                    for i in range(first_x[ic], first_x[ic + 1]):
                        sf += fine_f[k, j, i]
                        sz += fine_gz[k, j, i]
                for i in range(first_x[ic], first_x[ic + 1]):
                    sy += series(
                        fine_gy[k, jl, i], fine_gy[k, ja, i], fine_gy[k, jr, i], reach_y, jc
                    )
                gx[k, jc, ic] = sx if ic < mx - 1 else zero
                gy[k, jc, ic] = sy if jc < my - 1 else zero
                gz[k, jc, ic] = sz
                f[k, jc, ic] = sf


@kernel
def level_weights(
    share,
    wx,
    wy,
    gx,
    gy,
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
    """Compute weights as heat_weights does, from a coarse level to the next."""
    for j in portion(share, ny):
        zero = wx.dtype.type(0)
        one = wx.dtype.type(1)
        for k in range(nz):
            for i in range(nx):
                w = linear_x[i]
                if w > zero and w < one:
                    c = lower_x[i]
                    il = first_x[c + 1] - 1
                    below, above = gx[k, j, max(il - 1, 0)], gx[k, j, il + 1]
                    w = weight(zero if i == il else one, gx[k, j, il], below, above, reach_x, c)
                wx[k, j, i] = w
                w = linear_y[j]
                if w > zero and w < one:
                    c = lower_y[j]
                    jl = first_y[c + 1] - 1
                    below, above = gy[k, max(jl - 1, 0), i], gy[k, jl + 1, i]
                    w = weight(zero if j == jl else one, gy[k, jl, i], below, above, reach_y, c)
                wy[k, j, i] = w


@kernel
def level_restrict(
    share, rc, r, pivot, wx, wy, lower_x, lower_y, start_x, start_y, mx, my, nx, ny, nz
):
    """rc = P^T r, P the interpolation of level_prolong.

    pivot is the coarse level's (0 marks void). The fine cells start_x[ic] .. start_x[mx + ic] - 1
    contribute to coarse cell ic.
    """
    low = scratch((nx,), r)
    high = scratch((nx,), r)
    along = scratch((mx + 1,), r)  # one more: what the last coarse cell would give its neighbour
    zero = r.dtype.type(0)
    one = r.dtype.type(1)
    for k in range(nz):
        for jc in portion(share, my):
            low[:] = zero
            high[:] = zero
            for j in range(start_y[jc], start_y[my + jc]):
                j0 = lower_y[j]
                j1 = min(j0 + 1, my - 1)
                for i in range(nx):
                    i0 = lower_x[i]
                    i1 = min(i0 + 1, mx - 1)
                    a = wx[k, j, i]
                    b = wy[k, j, i]
                    s = (one - b) * (one - a) if pivot[k, j0, i0] > zero else zero
                    s += (one - b) * a if pivot[k, j0, i1] > zero else zero
                    s += b * (one - a) if pivot[k, j1, i0] > zero else zero
                    s += b * a if pivot[k, j1, i1] > zero else zero
                    t = (b if j0 < jc else one - b) * r[k, j, i] / s if s > zero else zero
                    low[i] += (one - a) * t
                    high[i] += a * t
            along[:] = zero
            for i in range(nx):
                i0 = lower_x[i]
                along[i0] += low[i]
                along[i0 + 1] += high[i]
            for ic in range(mx):
                rc[k, jc, ic] = along[ic] if pivot[k, jc, ic] > zero else zero
    release(along)
    release(low)
    release(high)


@kernel
def level_prolong(share, p, xc, pivot_c, pivot, wx, wy, lower_x, lower_y, mx, my, nx, ny, nz):
    """p = P xc: interpolate between coarse centres in x and y (heat_weights).

    The weights are renormalised over solid cells.
    """
    zero = p.dtype.type(0)
    one = p.dtype.type(1)
    for k in range(nz):
        for j in portion(share, ny):
            j0 = lower_y[j]
            j1 = min(j0 + 1, my - 1)
            for i in range(nx):
                i0 = lower_x[i]
                i1 = min(i0 + 1, mx - 1)
                a = wx[k, j, i]
                b = wy[k, j, i]
                w00 = (one - b) * (one - a) if pivot_c[k, j0, i0] > zero else zero
                w01 = (one - b) * a if pivot_c[k, j0, i1] > zero else zero
                w10 = b * (one - a) if pivot_c[k, j1, i0] > zero else zero
                w11 = b * a if pivot_c[k, j1, i1] > zero else zero
                t = (
                    w00 * xc[k, j0, i0]
                    + w01 * xc[k, j0, i1]
                    + w10 * xc[k, j1, i0]
                    + w11 * xc[k, j1, i1]
                )
                s = w00 + w01 + w10 + w11
                t = t / s if s > zero and pivot[k, j, i] > zero else zero
                p[k, j, i] = t
