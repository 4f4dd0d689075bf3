#include "heat.cuh"

KERNEL level_apply(real *__restrict__ out, const real *__restrict__ T, const real *__restrict__ gx,
                   const real *__restrict__ gy, const real *__restrict__ gz,
                   const real *__restrict__ f, int nx, int ny, int nz, real keep, real sign)
{
    const int i = THREAD_X, j = THREAD_Y;
    if (i >= nx || j >= ny) return;
    real fz = 0;
    const int jm = max(j - 1, 0);
    const int jp = min(j + 1, ny - 1);
    for (int k = 0; k < nz; ++k) {
        const int kp = min(k + 1, nz - 1);
        const real t = T[AT(k, j, i)];
        const real fx = i < nx - 1 ? gx[AT(k, j, i)] * (t - T[AT(k, j, i + 1)]) : 0;
        const real fxm = i > 0 ? gx[AT(k, j, i - 1)] * (T[AT(k, j, i - 1)] - t) : 0;
        real q = fx - fxm - fz + f[AT(k, j, i)] * t;
        q += gy[AT(k, jm, i)] * (t - T[AT(k, jm, i)]);
        q += gy[AT(k, j, i)] * (t - T[AT(k, jp, i)]);
        const real up = gz[AT(k, j, i)] * (t - T[AT(kp, j, i)]);
        fz = up;
        out[AT(k, j, i)] = keep * out[AT(k, j, i)] + sign * (q + up);
    }
}

KERNEL level_lateral(real *__restrict__ s, const real *__restrict__ gx, const real *__restrict__ gy,
                     const real *__restrict__ f, int nx, int ny, int nz)
{
    const int i = THREAD_X, j = THREAD_Y;
    if (i >= nx || j >= ny) return;
    for (int k = 0; k < nz; ++k) {
        real g = f[AT(k, j, i)] + gx[AT(k, j, i)] + gy[AT(k, j, i)];
        if (i > 0) g += gx[AT(k, j, i - 1)];
        if (j > 0) g += gy[AT(k, j - 1, i)];
        s[AT(k, j, i)] = g;
    }
}

KERNEL level_factor(real *__restrict__ s, const real *__restrict__ gz, int nx, int ny, int nz)
{
    const int i = THREAD_X, j = THREAD_Y;
    if (i >= nx || j >= ny) return;
    real fz = 0;
    for (int k = 0; k < nz; ++k) {
        const real e = s[AT(k, j, i)] + fz;
        const real p = e + gz[AT(k, j, i)];
        const real inverse = p > 0 ? 1 / p : 0;
        s[AT(k, j, i)] = inverse;
        fz = gz[AT(k, j, i)] * e * inverse;
    }
}

KERNEL level_lines(real *__restrict__ x, real *__restrict__ p, const real *__restrict__ r,
                   const real *__restrict__ pivot, const real *__restrict__ gz, int nx, int ny,
                   int nz, real keep, real old, real a, real b)
{
    OWN(real, y);  // as in heat_lines
    const int i = THREAD_X, j = THREAD_Y;
    if (i >= nx || j >= ny) return;
    const int level = ny * nx;
    int o = j * nx + i;
    real fz = 0;
#pragma unroll 4
    for (int k = 0; k < nz; ++k) {
        const real t = (r[o] + fz) * pivot[o];
        const real g = gz[o];
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

KERNEL level_coarsen(real *__restrict__ gx, real *__restrict__ gy, real *__restrict__ gz,
                     real *__restrict__ f, const real *__restrict__ fine_gx,
                     const real *__restrict__ fine_gy, const real *__restrict__ fine_gz,
                     const real *__restrict__ fine_f, const int *__restrict__ first_x,
                     const int *__restrict__ first_y, const real *__restrict__ reach_x,
                     const real *__restrict__ reach_y, int mx, int my, int nx, int ny, int nz)
{
    const int I = THREAD_X, J = THREAD_Y;
    if (I >= mx || J >= my) return;
    const int jl = first_y[J + 1] - 1;
    const int jr = min(jl + 1, ny - 1);
    const int ja = max(jl - 1, 0);
    const int il = first_x[I + 1] - 1;
    const int ir = min(il + 1, nx - 1);
    const int ia = max(il - 1, 0);
    for (int k = 0; k < nz; ++k) {
        real sx = 0, sy = 0, sz = 0, sf = 0;
        for (int j = first_y[J]; j < first_y[J + 1]; ++j) {
            sx += series(fine_gx[AT(k, j, il)], fine_gx[AT(k, j, ia)], fine_gx[AT(k, j, ir)],
                         reach_x, mx, I);
            for (int i = first_x[I]; i < first_x[I + 1]; ++i) {
                sf += fine_f[AT(k, j, i)];
                sz += fine_gz[AT(k, j, i)];
            }
        }
        for (int i = first_x[I]; i < first_x[I + 1]; ++i) {
            sy += series(fine_gy[AT(k, jl, i)], fine_gy[AT(k, ja, i)], fine_gy[AT(k, jr, i)],
                         reach_y, my, J);
        }
        const long long c = ((long long)k * my + J) * mx + I;
        gx[c] = I < mx - 1 ? sx : 0;
        gy[c] = J < my - 1 ? sy : 0;
        gz[c] = sz;
        f[c] = sf;
    }
}

KERNEL level_weights(real *__restrict__ wx, real *__restrict__ wy, const real *__restrict__ gx,
                     const real *__restrict__ gy, const int *__restrict__ lower_x,
                     const int *__restrict__ lower_y, const real *__restrict__ linear_x,
                     const real *__restrict__ linear_y, const int *__restrict__ first_x,
                     const int *__restrict__ first_y, const real *__restrict__ reach_x,
                     const real *__restrict__ reach_y, int mx, int my, int nx, int ny, int nz)
{
    const int i = THREAD_X, j = THREAD_Y;
    if (i >= nx || j >= ny) return;
    for (int k = 0; k < nz; ++k) {
        real w = linear_x[i];
        if (w > 0 && w < 1) {
            const int c = lower_x[i];
            const int il = first_x[c + 1] - 1;
            const real g = gx[AT(k, j, il)];
            const real below = gx[AT(k, j, max(il - 1, 0))];
            const real above = gx[AT(k, j, il + 1)];
            w = weight(i != il, g, below, above, reach_x, mx, c);
        }
        wx[AT(k, j, i)] = w;
        w = linear_y[j];
        if (w > 0 && w < 1) {
            const int c = lower_y[j];
            const int jl = first_y[c + 1] - 1;
            const real g = gy[AT(k, jl, i)];
            const real below = gy[AT(k, max(jl - 1, 0), i)];
            const real above = gy[AT(k, jl + 1, i)];
            w = weight(j != jl, g, below, above, reach_y, my, c);
        }
        wy[AT(k, j, i)] = w;
    }
}

KERNEL level_restrict(real *__restrict__ rc, const real *__restrict__ r,
                      const real *__restrict__ pivot, const real *__restrict__ wx,
                      const real *__restrict__ wy, const int *__restrict__ lower_x,
                      const int *__restrict__ lower_y, const int *__restrict__ start_x,
                      const int *__restrict__ start_y, int mx, int my, int nx, int ny, int nz)
{
    const int I = THREAD_X, J = THREAD_Y;
    if (I >= mx || J >= my) return;
    for (int k = 0; k < nz; ++k) {
        const real *coarse = pivot + (long long)k * my * mx;
        real q = 0;
        for (int i = start_x[I]; i < start_x[mx + I]; ++i) {
            const int i0 = lower_x[i];
            const int i1 = min(i0 + 1, mx - 1);
            real row = 0;
            for (int j = start_y[J]; j < start_y[my + J]; ++j) {
                const int j0 = lower_y[j];
                const int j1 = min(j0 + 1, my - 1);
                const real a = wx[AT(k, j, i)];
                const real b = wy[AT(k, j, i)];
                real s = coarse[(long long)j0 * mx + i0] > 0 ? (1 - b) * (1 - a) : 0;
                s += coarse[(long long)j0 * mx + i1] > 0 ? (1 - b) * a : 0;
                s += coarse[(long long)j1 * mx + i0] > 0 ? b * (1 - a) : 0;
                s += coarse[(long long)j1 * mx + i1] > 0 ? b * a : 0;
                const real t = s > 0 ? (j0 < J ? b : 1 - b) * r[AT(k, j, i)] * inverse(s) : 0;
                row += (i0 < I ? a : 1 - a) * t;
            }
            q += row;
        }
        const long long c = (long long)J * mx + I;
        rc[(long long)k * my * mx + c] = coarse[c] > 0 ? q : 0;
    }
}

KERNEL level_prolong(real *__restrict__ p, const real *__restrict__ xc,
                     const real *__restrict__ pivot_c, const real *__restrict__ pivot,
                     const real *__restrict__ wx, const real *__restrict__ wy,
                     const int *__restrict__ lower_x, const int *__restrict__ lower_y,
                     int mx, int my, int nx, int ny, int nz)
{
    const int i = THREAD_X, j = THREAD_Y;
    if (i >= nx || j >= ny) return;
    const int j0 = lower_y[j];
    const int j1 = min(j0 + 1, my - 1);
    const int i0 = lower_x[i];
    const int i1 = min(i0 + 1, mx - 1);
    for (int k = 0; k < nz; ++k) {
        const long long c00 = ((long long)k * my + j0) * mx + i0, c01 = c00 + (i1 - i0);
        const long long c10 = ((long long)k * my + j1) * mx + i0, c11 = c10 + (i1 - i0);
        const real a = wx[AT(k, j, i)];
        const real b = wy[AT(k, j, i)];
        const real w00 = pivot_c[c00] > 0 ? (1 - b) * (1 - a) : 0;
        const real w01 = pivot_c[c01] > 0 ? (1 - b) * a : 0;
        const real w10 = pivot_c[c10] > 0 ? b * (1 - a) : 0;
        const real w11 = pivot_c[c11] > 0 ? b * a : 0;
        real t = w00 * xc[c00] + w01 * xc[c01] + w10 * xc[c10] + w11 * xc[c11];
        const real s = w00 + w01 + w10 + w11;
        t = s > 0 && pivot[AT(k, j, i)] > 0 ? t * inverse(s) : 0;
        p[AT(k, j, i)] = t;
    }
}
