#include "common.cuh"

// One thread walks one column (j, i) upwards; side s of medium m: TABLE(m, s)
#define AT(k, j, i) (((long long)(k) * ny + (j)) * nx + (i))
#define TABLE(m, s) table[7 * (m) + (s)]

KERNEL heat_apply(real *__restrict__ out, const real *__restrict__ T, const uint16 *__restrict__ ids,
                  const real *__restrict__ table, const real *__restrict__ dx, const real *__restrict__ dy,
                  const real *__restrict__ dz, int nx, int ny, int nz, real keep, real sign)
{
    const int i = THREAD_X, j = THREAD_Y;
    if (i >= nx || j >= ny) return;
    real fz = 0;
    const int jm = max(j - 1, 0);
    const int jp = min(j + 1, ny - 1);
    for (int k = 0; k < nz; ++k) {
        const int kp = min(k + 1, nz - 1);
        const real ax = dy[j] * dz[k];
        const int m = ids[AT(k, j, i)];
        const real t = T[AT(k, j, i)];
        real fx = 0, fxm = 0;
        if (i < nx - 1) {
            const real s = dx[i] * TABLE(m, 1) + dx[i + 1] * TABLE(ids[AT(k, j, i + 1)], 0);
            fx = ax * (t - T[AT(k, j, i + 1)]) / s;
        }
        if (i > 0) {
            const real s = dx[i - 1] * TABLE(ids[AT(k, j, i - 1)], 1) + dx[i] * TABLE(m, 0);
            fxm = ax * (T[AT(k, j, i - 1)] - t) / s;
        }
        const real ay = dx[i] * dz[k];
        const real az = dx[i] * dy[j];
        real q = fx - fxm - fz + TABLE(m, 6) * (dx[i] * ax) * t;
        q += ay * (t - T[AT(k, jm, i)]) / (dy[j] * TABLE(m, 2) + dy[jm] * TABLE(ids[AT(k, jm, i)], 3));
        q += ay * (t - T[AT(k, jp, i)]) / (dy[j] * TABLE(m, 3) + dy[jp] * TABLE(ids[AT(k, jp, i)], 2));
        const real up = az * (t - T[AT(kp, j, i)]) / (dz[k] * TABLE(m, 5) + dz[kp] * TABLE(ids[AT(kp, j, i)], 4));
        fz = up;
        out[AT(k, j, i)] = keep * out[AT(k, j, i)] + sign * (q + up);
    }
}

KERNEL heat_lateral(real *__restrict__ s, const uint16 *__restrict__ ids, const real *__restrict__ table,
                    const real *__restrict__ dx, const real *__restrict__ dy, const real *__restrict__ dz,
                    int nx, int ny, int nz)
{
    const int i = THREAD_X, j = THREAD_Y;
    if (i >= nx || j >= ny) return;
    for (int k = 0; k < nz; ++k) {
        const real ax = dy[j] * dz[k];
        const int m = ids[AT(k, j, i)];
        const real ay = dx[i] * dz[k];
        real g = TABLE(m, 6) * (dx[i] * ax);
        if (i > 0) g += ax / (dx[i] * TABLE(m, 0) + dx[i - 1] * TABLE(ids[AT(k, j, i - 1)], 1));
        if (i < nx - 1) g += ax / (dx[i] * TABLE(m, 1) + dx[i + 1] * TABLE(ids[AT(k, j, i + 1)], 0));
        if (j > 0) g += ay / (dy[j] * TABLE(m, 2) + dy[j - 1] * TABLE(ids[AT(k, j - 1, i)], 3));
        if (j < ny - 1) g += ay / (dy[j] * TABLE(m, 3) + dy[j + 1] * TABLE(ids[AT(k, j + 1, i)], 2));
        s[AT(k, j, i)] = g;
    }
}

KERNEL heat_factor(real *__restrict__ s, const uint16 *__restrict__ ids, const real *__restrict__ table,
                   const real *__restrict__ dx, const real *__restrict__ dy, const real *__restrict__ dz,
                   int nx, int ny, int nz)
{
    const int i = THREAD_X, j = THREAD_Y;
    if (i >= nx || j >= ny) return;
    real fz = 0;
    for (int k = 0; k < nz; ++k) {
        real g = 0;
        if (k < nz - 1) {
            g = dx[i] * dy[j] / (dz[k] * TABLE(ids[AT(k, j, i)], 5) + dz[k + 1] * TABLE(ids[AT(k + 1, j, i)], 4));
        }
        const real e = s[AT(k, j, i)] + fz;
        const real p = e + g;
        const real inverse = p > 0 ? 1 / p : 0;
        s[AT(k, j, i)] = inverse;
        fz = g * e * inverse;
    }
}

KERNEL heat_lines(real *__restrict__ x, real *__restrict__ p, real *__restrict__ y, const real *__restrict__ r,
                  const real *__restrict__ pivot, const uint16 *__restrict__ ids, const real *__restrict__ table,
                  const real *__restrict__ dx, const real *__restrict__ dy, const real *__restrict__ dz,
                  int nx, int ny, int nz, real keep, real a, real b)
{
    const int i = THREAD_X, j = THREAD_Y;
    if (i >= nx || j >= ny) return;
    real fz = 0;
    for (int k = 0; k < nz; ++k) {
        const int kp = min(k + 1, nz - 1);
        const real t = (r[AT(k, j, i)] + fz) * pivot[AT(k, j, i)];
        y[AT(k, j, i)] = t;
        const real g = dx[i] * dy[j] / (dz[k] * TABLE(ids[AT(k, j, i)], 5) + dz[kp] * TABLE(ids[AT(kp, j, i)], 4));
        fz = g * t;
    }
    fz = 0;
    for (int k = nz - 1; k >= 0; --k) {
        const int km = max(k - 1, 0);
        real t = y[AT(k, j, i)] + fz * pivot[AT(k, j, i)];
        const real g = dx[i] * dy[j] / (dz[k] * TABLE(ids[AT(k, j, i)], 4) + dz[km] * TABLE(ids[AT(km, j, i)], 5));
        fz = g * t;
        t = a * p[AT(k, j, i)] + b * t;
        p[AT(k, j, i)] = t;
        x[AT(k, j, i)] = keep * x[AT(k, j, i)] + t;
    }
}

KERNEL heat_coarsen(real *__restrict__ gx, real *__restrict__ gy, real *__restrict__ gz, real *__restrict__ f,
                    const uint16 *__restrict__ ids, const real *__restrict__ table, const real *__restrict__ dx,
                    const real *__restrict__ dy, const real *__restrict__ dz, const int *__restrict__ first_x,
                    const int *__restrict__ first_y, const real *__restrict__ ratio_x,
                    const real *__restrict__ ratio_y, int mx, int my, int nx, int ny, int nz)
{
    const int I = THREAD_X, J = THREAD_Y;
    if (I >= mx || J >= my) return;
    const int jl = first_y[J + 1] - 1;
    const int jr = min(jl + 1, ny - 1);
    const int il = first_x[I + 1] - 1;
    const int ir = min(il + 1, nx - 1);
    for (int k = 0; k < nz; ++k) {
        const int kp = min(k + 1, nz - 1);
        real sx = 0, sy = 0, sz = 0, sf = 0;
        for (int j = first_y[J]; j < first_y[J + 1]; ++j) {
            const real s = dx[il] * TABLE(ids[AT(k, j, il)], 1) + dx[ir] * TABLE(ids[AT(k, j, ir)], 0);
            sx += dy[j] * dz[k] / s;
            for (int i = first_x[I]; i < first_x[I + 1]; ++i) {
                const int m = ids[AT(k, j, i)];
                sf += TABLE(m, 6) * (dx[i] * dy[j] * dz[k]);
                sz += dx[i] * dy[j] / (dz[k] * TABLE(m, 5) + dz[kp] * TABLE(ids[AT(kp, j, i)], 4));
            }
        }
        for (int i = first_x[I]; i < first_x[I + 1]; ++i) {
            const real s = dy[jl] * TABLE(ids[AT(k, jl, i)], 3) + dy[jr] * TABLE(ids[AT(k, jr, i)], 2);
            sy += dx[i] * dz[k] / s;
        }
        const long long c = ((long long)k * my + J) * mx + I;
        gx[c] = sx * ratio_x[I];
        gy[c] = sy * ratio_y[J];
        gz[c] = k < nz - 1 ? sz : 0;
        f[c] = sf;
    }
}

KERNEL film_apply(real *__restrict__ out, const real *__restrict__ T, const long long *__restrict__ cell,
                  const real *__restrict__ g, int n, real sign)
{
    const int m = THREAD_X;
    if (m >= n) return;
    out[cell[m]] += sign * g[m] * T[cell[m]];
}

KERNEL film_add(real *__restrict__ s, const long long *__restrict__ cell, const real *__restrict__ g, int n)
{
    const int m = THREAD_X;
    if (m >= n) return;
    s[cell[m]] += g[m];
}

KERNEL level_apply(real *__restrict__ out, const real *__restrict__ T, const real *__restrict__ gx,
                   const real *__restrict__ gy, const real *__restrict__ gz, const real *__restrict__ f,
                   int nx, int ny, int nz, real keep, real sign)
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

KERNEL level_lines(real *__restrict__ x, real *__restrict__ p, real *__restrict__ y, const real *__restrict__ r,
                   const real *__restrict__ pivot, const real *__restrict__ gz, int nx, int ny, int nz,
                   real keep, real a, real b)
{
    const int i = THREAD_X, j = THREAD_Y;
    if (i >= nx || j >= ny) return;
    real fz = 0;
    for (int k = 0; k < nz; ++k) {
        const real t = (r[AT(k, j, i)] + fz) * pivot[AT(k, j, i)];
        y[AT(k, j, i)] = t;
        fz = gz[AT(k, j, i)] * t;
    }
    fz = 0;
    for (int k = nz - 1; k >= 0; --k) {
        const int km = max(k - 1, 0);
        real t = y[AT(k, j, i)] + fz * pivot[AT(k, j, i)];
        fz = gz[AT(km, j, i)] * t;
        t = a * p[AT(k, j, i)] + b * t;
        p[AT(k, j, i)] = t;
        x[AT(k, j, i)] = keep * x[AT(k, j, i)] + t;
    }
}

KERNEL level_coarsen(real *__restrict__ gx, real *__restrict__ gy, real *__restrict__ gz, real *__restrict__ f,
                     const real *__restrict__ fine_gx, const real *__restrict__ fine_gy,
                     const real *__restrict__ fine_gz, const real *__restrict__ fine_f,
                     const int *__restrict__ first_x, const int *__restrict__ first_y,
                     const real *__restrict__ ratio_x, const real *__restrict__ ratio_y,
                     int mx, int my, int nx, int ny, int nz)
{
    const int I = THREAD_X, J = THREAD_Y;
    if (I >= mx || J >= my) return;
    const int jl = first_y[J + 1] - 1;
    const int il = first_x[I + 1] - 1;
    for (int k = 0; k < nz; ++k) {
        real sx = 0, sy = 0, sz = 0, sf = 0;
        for (int j = first_y[J]; j < first_y[J + 1]; ++j) {
            sx += fine_gx[AT(k, j, il)];
            for (int i = first_x[I]; i < first_x[I + 1]; ++i) {
                sf += fine_f[AT(k, j, i)];
                sz += fine_gz[AT(k, j, i)];
            }
        }
        for (int i = first_x[I]; i < first_x[I + 1]; ++i) {
            sy += fine_gy[AT(k, jl, i)];
        }
        const long long c = ((long long)k * my + J) * mx + I;
        gx[c] = sx * ratio_x[I];
        gy[c] = sy * ratio_y[J];
        gz[c] = sz;
        f[c] = sf;
    }
}

KERNEL level_restrict(real *__restrict__ rc, const real *__restrict__ r, const real *__restrict__ pivot,
                      const int *__restrict__ lower_x, const int *__restrict__ lower_y,
                      const real *__restrict__ weight_x, const real *__restrict__ weight_y,
                      const int *__restrict__ start_x, const int *__restrict__ start_y,
                      int mx, int my, int nx, int ny, int nz)
{
    const int I = THREAD_X, J = THREAD_Y;
    if (I >= mx || J >= my) return;
    for (int k = 0; k < nz; ++k) {
        const real *coarse = pivot + (long long)k * my * mx;
        real q = 0;
        for (int i = start_x[I]; i < start_x[mx + I]; ++i) {
            const int i0 = lower_x[i];
            const int i1 = min(i0 + 1, mx - 1);
            const real a = weight_x[i];
            real row = 0;
            for (int j = start_y[J]; j < start_y[my + J]; ++j) {
                const int j0 = lower_y[j];
                const int j1 = min(j0 + 1, my - 1);
                const real b = weight_y[j];
                const real wj = j0 < J ? b : 1 - b;
                real s = coarse[(long long)j0 * mx + i0] > 0 ? (1 - b) * (1 - a) : 0;
                s += coarse[(long long)j0 * mx + i1] > 0 ? (1 - b) * a : 0;
                s += coarse[(long long)j1 * mx + i0] > 0 ? b * (1 - a) : 0;
                s += coarse[(long long)j1 * mx + i1] > 0 ? b * a : 0;
                row += s > 0 ? wj * r[AT(k, j, i)] / s : 0;
            }
            q += row * (i0 < I ? a : 1 - a);
        }
        const long long c = (long long)J * mx + I;
        rc[(long long)k * my * mx + c] = coarse[c] > 0 ? q : 0;
    }
}

KERNEL level_prolong(real *__restrict__ x, real *__restrict__ p, const real *__restrict__ xc,
                     const real *__restrict__ pivot_c, const real *__restrict__ pivot,
                     const int *__restrict__ lower_x, const int *__restrict__ lower_y,
                     const real *__restrict__ weight_x, const real *__restrict__ weight_y,
                     int mx, int my, int nx, int ny, int nz)
{
    const int i = THREAD_X, j = THREAD_Y;
    if (i >= nx || j >= ny) return;
    const int j0 = lower_y[j];
    const int j1 = min(j0 + 1, my - 1);
    const real b = weight_y[j];
    const int i0 = lower_x[i];
    const int i1 = min(i0 + 1, mx - 1);
    const real a = weight_x[i];
    for (int k = 0; k < nz; ++k) {
        const long long c00 = ((long long)k * my + j0) * mx + i0, c01 = c00 + (i1 - i0);
        const long long c10 = ((long long)k * my + j1) * mx + i0, c11 = c10 + (i1 - i0);
        const real w00 = pivot_c[c00] > 0 ? (1 - b) * (1 - a) : 0;
        const real w01 = pivot_c[c01] > 0 ? (1 - b) * a : 0;
        const real w10 = pivot_c[c10] > 0 ? b * (1 - a) : 0;
        const real w11 = pivot_c[c11] > 0 ? b * a : 0;
        real t = w00 * xc[c00] + w01 * xc[c01] + w10 * xc[c10] + w11 * xc[c11];
        const real s = w00 + w01 + w10 + w11;
        t = s > 0 && pivot[AT(k, j, i)] > 0 ? t / s : 0;
        p[AT(k, j, i)] = t;
        x[AT(k, j, i)] += t;
    }
}
