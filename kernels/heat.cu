#include "heat.cuh"

// Side s of medium m: TABLE(m, s)
#define TABLE(m, s) table[7 * (m) + (s)]
#define ACROSS_X(k, j, low, high) \
    (dx[low] * TABLE(ids[AT(k, j, low)], 1) + dx[high] * TABLE(ids[AT(k, j, high)], 0))
#define ACROSS_Y(k, low, high, i) \
    (dy[low] * TABLE(ids[AT(k, low, i)], 3) + dy[high] * TABLE(ids[AT(k, high, i)], 2))
#define ACROSS_Z(low, high, j, i) \
    (dz[low] * TABLE(ids[AT(low, j, i)], 5) + dz[high] * TABLE(ids[AT(high, j, i)], 4))

KERNEL heat_apply(real *__restrict__ out, const real *__restrict__ T,
                  const uint16 *__restrict__ ids, const real *__restrict__ table,
                  const real *__restrict__ dx, const real *__restrict__ dy,
                  const real *__restrict__ dz, int nx, int ny, int nz, real keep, real sign)
{
    const int i = THREAD_X, j = THREAD_Y;
    if (i >= nx || j >= ny) return;
    const int level = ny * nx;
    const int xm = i > 0 ? -1 : 0, xp = i < nx - 1 ? 1 : 0, jm = j > 0 ? -nx : 0,
              jp = j < ny - 1 ? nx : 0;
    const real wxm = dx[i + xm], wx = dx[i], wxp = dx[i + xp], wy = dy[j];
    const real wym = dy[max(j - 1, 0)], wyp = dy[min(j + 1, ny - 1)];
    int o = j * nx + i, m = ids[o];
    real t = T[o], fz = 0;
    for (int k = 0; k < nz; ++k) {
        const int kp = k < nz - 1 ? o + level : o;
        const int after = k < nz - 2 ? kp + level : kp;
        prefetch(T + after), prefetch(ids + after);
        if (keep != 0) prefetch(out + kp);
        const real *here = &TABLE(m, 0);
        const real wz = dz[k], tp = T[kp];
        const int mp = ids[kp];
        const real q = here[6] * (wx * wy * wz) * t
            + wy * wz * ((t - T[o + xm]) * inverse(wx * here[0] + wxm * TABLE(ids[o + xm], 1))
                         + (t - T[o + xp]) * inverse(wx * here[1] + wxp * TABLE(ids[o + xp], 0)))
            + wx * wz * ((t - T[o + jm]) * inverse(wy * here[2] + wym * TABLE(ids[o + jm], 3))
                         + (t - T[o + jp]) * inverse(wy * here[3] + wyp * TABLE(ids[o + jp], 2)));
        const real up =
            wx * wy * (t - tp) * inverse(wz * here[5] + dz[min(k + 1, nz - 1)] * TABLE(mp, 4));
        const real sum = sign * (q - fz + up);
        out[o] = keep != 0 ? keep * out[o] + sum : sum;
        fz = up, t = tp, m = mp, o = kp;
    }
}

KERNEL heat_lateral(real *__restrict__ s, const uint16 *__restrict__ ids,
                    const real *__restrict__ table, const real *__restrict__ dx,
                    const real *__restrict__ dy, const real *__restrict__ dz, int nx, int ny,
                    int nz)
{
    const int i = THREAD_X, j = THREAD_Y;
    if (i >= nx || j >= ny) return;
    for (int k = 0; k < nz; ++k) {
        const real ax = dy[j] * dz[k];
        const int m = ids[AT(k, j, i)];
        const real ay = dx[i] * dz[k];
        real g = TABLE(m, 6) * (dx[i] * ax);
        if (i > 0) g += ax / ACROSS_X(k, j, i - 1, i);
        if (i < nx - 1) g += ax / ACROSS_X(k, j, i, i + 1);
        if (j > 0) g += ay / ACROSS_Y(k, j - 1, j, i);
        if (j < ny - 1) g += ay / ACROSS_Y(k, j, j + 1, i);
        s[AT(k, j, i)] = g;
    }
}

KERNEL heat_factor(real *__restrict__ s, const uint16 *__restrict__ ids,
                   const real *__restrict__ table, const real *__restrict__ dx,
                   const real *__restrict__ dy, const real *__restrict__ dz, int nx, int ny, int nz)
{
    const int i = THREAD_X, j = THREAD_Y;
    if (i >= nx || j >= ny) return;
    real fz = 0;
    for (int k = 0; k < nz; ++k) {
        const real g = k < nz - 1 ? dx[i] * dy[j] / ACROSS_Z(k, k + 1, j, i) : 0;
        const real e = s[AT(k, j, i)] + fz;
        const real p = e + g;
        const real inverse = p > 0 ? 1 / p : 0;
        s[AT(k, j, i)] = inverse;
        fz = g * e * inverse;
    }
}

KERNEL heat_lines(real *__restrict__ x, real *__restrict__ p, const real *__restrict__ r,
                  const real *__restrict__ pivot, const uint16 *__restrict__ ids,
                  const real *__restrict__ table, const real *__restrict__ dx,
                  const real *__restrict__ dy, const real *__restrict__ dz, int nx, int ny, int nz,
                  real keep, real old, real a, real b)
{
    OWN(real, y);  // 2 nz numbers: right side of back substitution, and upward conductance
    const int i = THREAD_X, j = THREAD_Y;
    if (i >= nx || j >= ny) return;
    const int level = ny * nx;
    const real area = dx[i] * dy[j];
    int o = j * nx + i;
    real fz = 0;
#pragma unroll 4
    for (int k = 0; k < nz; ++k) {
        const int kp = k < nz - 1 ? o + level : o;
        const real t = (r[o] + fz) * pivot[o];
        const real g =
            area * inverse(dz[k] * TABLE(ids[o], 5) + dz[min(k + 1, nz - 1)] * TABLE(ids[kp], 4));
        y[OWN_AT(2 * k)] = t, y[OWN_AT(2 * k + 1)] = g;
        fz = g * t;
        o += level;
    }
    real t = 0;
#pragma unroll 4
    for (int k = nz - 1; k >= 0; --k) {
        o -= level;
        t = y[OWN_AT(2 * k)] + y[OWN_AT(2 * k + 1)] * t * pivot[o];
        const real before = a != 0 || old != 0 ? p[o] : 0;
        const real step = a * before + b * t;
        p[o] = step;
        if (keep >= 0) x[o] = (keep > 0 ? keep * x[o] : 0) + (old * before + step);
    }
}

KERNEL heat_coarsen(real *__restrict__ gx, real *__restrict__ gy, real *__restrict__ gz,
                    real *__restrict__ f, const uint16 *__restrict__ ids,
                    const real *__restrict__ table, const real *__restrict__ dx,
                    const real *__restrict__ dy, const real *__restrict__ dz,
                    const int *__restrict__ first_x, const int *__restrict__ first_y,
                    const real *__restrict__ reach_x, const real *__restrict__ reach_y, int mx,
                    int my, int nx, int ny, int nz)
{
    const int I = THREAD_X, J = THREAD_Y;
    if (I >= mx || J >= my) return;
    const int jl = first_y[J + 1] - 1;
    const int jr = min(jl + 1, ny - 1);
    const int ja = max(jl - 1, 0);
    const int jb = min(jr + 1, ny - 1);
    const int il = first_x[I + 1] - 1;
    const int ir = min(il + 1, nx - 1);
    const int ia = max(il - 1, 0);
    const int ib = min(ir + 1, nx - 1);
    for (int k = 0; k < nz; ++k) {
        const int kp = min(k + 1, nz - 1);
        real sx = 0, sy = 0, sz = 0, sf = 0;
        for (int j = first_y[J]; j < first_y[J + 1]; ++j) {
            const real ax = dy[j] * dz[k];
            const real g = ax / ACROSS_X(k, j, il, ir);
            const real below = ax / ACROSS_X(k, j, ia, il);
            const real above = ax / ACROSS_X(k, j, ir, ib);
            sx += series(g, below, above, reach_x, mx, I);
            for (int i = first_x[I]; i < first_x[I + 1]; ++i) {
                const int m = ids[AT(k, j, i)];
                sf += TABLE(m, 6) * (dx[i] * dy[j] * dz[k]);
                sz += dx[i] * dy[j] / ACROSS_Z(k, kp, j, i);
            }
        }
        for (int i = first_x[I]; i < first_x[I + 1]; ++i) {
            const real ay = dx[i] * dz[k];
            const real g = ay / ACROSS_Y(k, jl, jr, i);
            const real below = ay / ACROSS_Y(k, ja, jl, i);
            const real above = ay / ACROSS_Y(k, jr, jb, i);
            sy += series(g, below, above, reach_y, my, J);
        }
        const long long c = ((long long)k * my + J) * mx + I;
        gx[c] = I < mx - 1 ? sx : 0;
        gy[c] = J < my - 1 ? sy : 0;
        gz[c] = k < nz - 1 ? sz : 0;
        f[c] = sf;
    }
}

KERNEL heat_weights(real *__restrict__ wx, real *__restrict__ wy, const uint16 *__restrict__ ids,
                    const real *__restrict__ table, const real *__restrict__ dx,
                    const real *__restrict__ dy, const real *__restrict__ dz,
                    const int *__restrict__ lower_x, const int *__restrict__ lower_y,
                    const real *__restrict__ linear_x, const real *__restrict__ linear_y,
                    const int *__restrict__ first_x, const int *__restrict__ first_y,
                    const real *__restrict__ reach_x, const real *__restrict__ reach_y, int mx,
                    int my, int nx, int ny, int nz)
{
    const int i = THREAD_X, j = THREAD_Y;
    if (i >= nx || j >= ny) return;
    for (int k = 0; k < nz; ++k) {
        real w = linear_x[i];
        if (w > 0 && w < 1) {
            const int c = lower_x[i];
            const int il = first_x[c + 1] - 1;
            const int ir = il + 1;
            const int ia = max(il - 1, 0);
            const int ib = min(ir + 1, nx - 1);
            const real g = 1 / ACROSS_X(k, j, il, ir);
            const real below = 1 / ACROSS_X(k, j, ia, il);
            const real above = 1 / ACROSS_X(k, j, ir, ib);
            w = weight(i != il, g, below, above, reach_x, mx, c);
        }
        wx[AT(k, j, i)] = w;
        w = linear_y[j];
        if (w > 0 && w < 1) {
            const int c = lower_y[j];
            const int jl = first_y[c + 1] - 1;
            const int jr = jl + 1;
            const int ja = max(jl - 1, 0);
            const int jb = min(jr + 1, ny - 1);
            const real g = 1 / ACROSS_Y(k, jl, jr, i);
            const real below = 1 / ACROSS_Y(k, ja, jl, i);
            const real above = 1 / ACROSS_Y(k, jr, jb, i);
            w = weight(j != jl, g, below, above, reach_y, my, c);
        }
        wy[AT(k, j, i)] = w;
    }
}

KERNEL film_apply(real *__restrict__ out, const real *__restrict__ T,
                  const long long *__restrict__ cell, const real *__restrict__ g, int n, real sign)
{
    const int m = THREAD_X;
    if (m >= n) return;
    out[cell[m]] += sign * g[m] * T[cell[m]];
}

KERNEL film_add(real *__restrict__ s, const long long *__restrict__ cell,
                const real *__restrict__ g, int n)
{
    const int m = THREAD_X;
    if (m >= n) return;
    s[cell[m]] += g[m];
}
