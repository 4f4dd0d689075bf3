"""Heat conduction from material ids; conductances and weights of the first coarse level.

    sum over the six faces of G (T - T_neighbour) + c V T = q        (W)

The term c V T, c in W/m3K, appears only in a time step. Cell (k, j, i); a face conducts through
its two half cells in series, per axis

    G = area / (d_here r_here + d_there r_there),  r = 1 / (2 conductivity)

In void r = inf, hence G = 0. `table[id, s]`: s = 0..5 is r towards x-, x+, y-, y+, z-, z+ (an
interface resistance R adds R / d to one of them), s = 6 is c. A neighbour index that would leave
the grid is clamped to the cell itself: equal temperatures, no flux.

Kernels walk rows upwards in k, those of a solve a block of rows level by level (one CUDA thread:
one column). Coarse levels: kernels/heat_level.py.
"""

from warp.kernels import inline, kernel, portion, release, scratch

# Numbers of the rows that are walked level by level: contiguous memory, few enough for a cache.
# Fewer where all levels of the rows are held.
ROW_NUMBERS, LINE_NUMBERS = 4096, 1024


@inline
def across_x(ids, table, dx, k, j, low, high):
    """Return resistance times area between the centres of the cells i = low and high = low + 1.

    It is infinite beside void.
    """
    return dx[low] * table[ids[k, j, low], 1] + dx[high] * table[ids[k, j, high], 0]


@inline
def across_y(ids, table, dy, k, low, high, i):
    """Compute as across_x, between j = low and high."""
    return dy[low] * table[ids[k, low, i], 3] + dy[high] * table[ids[k, high, i], 2]


@inline
def across_z(ids, table, dz, low, high, j, i):
    """Compute as across_x, between k = low and high."""
    return dz[low] * table[ids[low, j, i], 5] + dz[high] * table[ids[high, j, i], 4]


@inline
def arms(g, below, above, reach, c):
    """Return the resistances from the coarse line c to the coarse centres on its two sides.

    The unit is the resistance of the face on the line, whose conductance is g. below, above:
    conductances of the faces inside the two coarse cells; their coarse centres lie reach[0] and
    reach[1] such resistances away (0 where a cell is not merged). A face that does not conduct
    counts as reach[2] or reach[3] times the face on the line.
    """
    zero = reach.dtype.type(0)
    a = reach[0, c] * g / below if below > zero else reach[2, c]
    b = reach[1, c] * g / above if above > zero else reach[3, c]
    return a, b


@inline
def series(g, below, above, reach, c):
    """Return the conductance between the coarse centres on the two sides of line c."""
    a, b = arms(g, below, above, reach, c)
    return g / (reach.dtype.type(1) + a + b)


@inline
def weight(beyond, g, below, above, reach, c):
    """Return the share of the coarse centre above line c in the cell below it or above it.

    beyond = 0: the cell below the line; beyond = 1: the cell above.
    """
    a, b = arms(g, below, above, reach, c)
    return (a + beyond) / (reach.dtype.type(1) + a + b) if g > reach.dtype.type(0) else beyond


@kernel
def heat_apply(share, out, T, ids, table, dx, dy, dz, nx, ny, nz, keep, sign):
    """out = keep out + sign A T, without films (film_apply)."""
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
                ax = dy[j] * dz[k]
                if keep == 0:
                    out[k, j] = 0  # not read: it may be NaN
                for i in range(nx - 1):
                    across = across_x(ids, table, dx, k, j, i, i + 1)
                    fx[i + 1] = ax * (T[k, j, i] - T[k, j, i + 1]) / across
                for i in range(nx):
                    m = ids[k, j, i]
                    t = T[k, j, i]
                    ay = dx[i] * dz[k]
                    az = dx[i] * dy[j]
                    q = fx[i + 1] - fx[i] - fz[i] + table[m, 6] * (dx[i] * ax) * t
                    q += ay * (t - T[k, jm, i]) / across_y(ids, table, dy, k, jm, j, i)
                    q += ay * (t - T[k, jp, i]) / across_y(ids, table, dy, k, j, jp, i)
                    up = az * (t - T[kp, j, i]) / across_z(ids, table, dz, k, kp, j, i)
                    fz[i] = up
                    out[k, j, i] = keep * out[k, j, i] + sign * (q + up)
    release(fx)
    release(below)


@kernel
def heat_lateral(share, s, ids, table, dx, dy, dz, nx, ny, nz):
    """s = the diagonal of A without its z part: sum of the four lateral conductances + c V."""
    for j in portion(share, ny):
        zero = s.dtype.type(0)
        for k in range(nz):
            ax = dy[j] * dz[k]
            for i in range(nx):
                m = ids[k, j, i]
                ay = dx[i] * dz[k]
                g = table[m, 6] * (dx[i] * ax)
                g += ax / across_x(ids, table, dx, k, j, i - 1, i) if i > 0 else zero
                g += ax / across_x(ids, table, dx, k, j, i, i + 1) if i < nx - 1 else zero
                g += ay / across_y(ids, table, dy, k, j - 1, j, i) if j > 0 else zero
                g += ay / across_y(ids, table, dy, k, j, j + 1, i) if j < ny - 1 else zero
                s[k, j, i] = g


@kernel
def heat_factor(share, s, ids, table, dx, dy, dz, nx, ny, nz):
    """Replace s by the inverse pivots of the z lines' L D L^T.

        e = s + g_below e_below / p_below,  p = e + g_above,  1 / p (0 in void)

    Only positive terms are added, so nothing cancels.
    """
    fz = scratch((nx,), s)
    for j in portion(share, ny):
        fz[:] = 0
        zero = s.dtype.type(0)
        one = s.dtype.type(1)
        for k in range(nz):
            for i in range(nx):
                g = zero
                if k < nz - 1:
                    g = dx[i] * dy[j] / across_z(ids, table, dz, k, k + 1, j, i)
                e = s[k, j, i] + fz[i]
                p = e + g
                inverse = one / p if p > zero else zero
                s[k, j, i] = inverse
                fz[i] = g * e * inverse
    release(fz)


@kernel
def heat_lines(share, x, p, r, pivot, ids, table, dx, dy, dz, nx, ny, nz, keep, old, a, b):
    """Take one Chebyshev step with the z lines M (diagonal and vertical conductances).

        x = keep x + old p,  p = a p + b M^-1 r,  x += p

    An array whose factor is 0 is not read. With keep < 0, x is left unchanged and the new p has
    still to be added.
    """
    rows = portion(share, ny)
    height = max(1, LINE_NUMBERS // nx)
    beside = scratch((height, nx), x)  # what comes from the level before
    y = scratch((nz, height, nx), x)
    for first in range(rows.start, rows.stop, height):
        last = min(first + height, rows.stop)
        beside[:] = 0
        for k in range(nz):
            kp = min(k + 1, nz - 1)
            for j in range(first, last):
                fz, yk = beside[j - first], y[k, j - first]
                for i in range(nx):
                    t = (r[k, j, i] + fz[i]) * pivot[k, j, i]
                    yk[i] = t
                    g = dx[i] * dy[j] / across_z(ids, table, dz, k, kp, j, i)
                    fz[i] = g * t
        beside[:] = 0
        for k in range(nz - 1, -1, -1):
            km = max(k - 1, 0)
            for j in range(first, last):
                fz, yk = beside[j - first], y[k, j - first]
                if a == 0 and old == 0:
                    p[k, j] = 0  # it may be NaN
                if keep == 0:
                    x[k, j] = 0
                for i in range(nx):
                    t = yk[i] + fz[i] * pivot[k, j, i]
                    g = dx[i] * dy[j] / across_z(ids, table, dz, km, k, j, i)
                    fz[i] = g * t
                    before = p[k, j, i]
                    t = a * before + b * t
                    p[k, j, i] = t
                    if keep >= 0:
                        x[k, j, i] = keep * x[k, j, i] + (old * before + t)
    release(beside)
    release(y)


@kernel
def heat_coarsen(
    share,
    gx,
    gy,
    gz,
    f,
    ids,
    table,
    dx,
    dy,
    dz,
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
    """Compute the conductances of the first coarse level, mx x my columns.

    Column ic holds the fine columns first_x[ic] .. first_x[ic + 1] - 1. Vertical conductances and
    capacities are sums over the merged cells. Laterally, rows conduct in parallel, each with the
    resistances from coarse centre to coarse centre in series (arms). A coarse cell merges two cells
    at most.
    """
    for jc in portion(share, my):
        zero = f.dtype.type(0)
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
                    g = ax / across_x(ids, table, dx, k, j, il, ir)
                    below = ax / across_x(ids, table, dx, k, j, ia, il)
                    above = ax / across_x(ids, table, dx, k, j, ir, ib)
                    sx += series(g, below, above, reach_x, ic)
                    for i in range(first_x[ic], first_x[ic + 1]):
                        m = ids[k, j, i]
                        sf += table[m, 6] * (dx[i] * dy[j] * dz[k])
                        sz += dx[i] * dy[j] / across_z(ids, table, dz, k, kp, j, i)
                for i in range(first_x[ic], first_x[ic + 1]):
                    ay = dx[i] * dz[k]
                    g = ay / across_y(ids, table, dy, k, jl, jr, i)
                    below = ay / across_y(ids, table, dy, k, ja, jl, i)
                    above = ay / across_y(ids, table, dy, k, jr, jb, i)
                    sy += series(g, below, above, reach_y, jc)
                gx[k, jc, ic] = sx if ic < mx - 1 else zero
                gy[k, jc, ic] = sy if jc < my - 1 else zero
                gz[k, jc, ic] = sz if k < nz - 1 else zero
                f[k, jc, ic] = sf


@kernel
def heat_weights(
    share,
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
    """Compute the weights of the upper coarse neighbour in the interpolation, along x and along y.

    Between coarse centres lower and lower + 1 the temperature falls as the resistances in series do
    (heat_coarsen); with equal resistances the weight is linear_x. A linear_x of 0 or 1 is kept: no
    interpolation.
    """
    for j in portion(share, ny):
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
                    g = one / across_x(ids, table, dx, k, j, il, ir)
                    below = one / across_x(ids, table, dx, k, j, ia, il)
                    above = one / across_x(ids, table, dx, k, j, ir, ib)
                    w = weight(zero if i == il else one, g, below, above, reach_x, c)
                wx[k, j, i] = w
                w = linear_y[j]
                if w > zero and w < one:
                    c = lower_y[j]
                    jl = first_y[c + 1] - 1
                    jr = jl + 1
                    ja = max(jl - 1, 0)
                    jb = min(jr + 1, ny - 1)
                    g = one / across_y(ids, table, dy, k, jl, jr, i)
                    below = one / across_y(ids, table, dy, k, ja, jl, i)
                    above = one / across_y(ids, table, dy, k, jr, jb, i)
                    w = weight(zero if j == jl else one, g, below, above, reach_y, c)
                wy[k, j, i] = w


@kernel
def film_apply(share, out, T, cell, g, n, sign):
    """out[cell] += sign g T[cell]; out and T flat, every cell at most once in the list."""
    for m in portion(share, n):
        out[cell[m]] += sign * g[m] * T[cell[m]]


@kernel
def film_add(share, s, cell, g, n):
    """s[cell] += g."""
    for m in portion(share, n):
        s[cell[m]] += g[m]
