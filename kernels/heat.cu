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
                    const int *__restrict__ first_y, const real *__restrict__ reach_x,
                    const real *__restrict__ reach_y, int mx, int my, int nx, int ny, int nz)
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
            const int l = ids[AT(k, j, il)];
            const int r = ids[AT(k, j, ir)];
            const real g = ax / (dx[il] * TABLE(l, 1) + dx[ir] * TABLE(r, 0));
            const real ga = ax / (dx[ia] * TABLE(ids[AT(k, j, ia)], 1) + dx[il] * TABLE(l, 0));
            const real gb = ax / (dx[ir] * TABLE(r, 1) + dx[ib] * TABLE(ids[AT(k, j, ib)], 0));
            real s = 1;
            s += ga > 0 ? reach_x[I] * g / ga : reach_x[2 * mx + I];
            s += gb > 0 ? reach_x[mx + I] * g / gb : reach_x[3 * mx + I];
            sx += g / s;
            for (int i = first_x[I]; i < first_x[I + 1]; ++i) {
                const int m = ids[AT(k, j, i)];
                sf += TABLE(m, 6) * (dx[i] * dy[j] * dz[k]);
                sz += dx[i] * dy[j] / (dz[k] * TABLE(m, 5) + dz[kp] * TABLE(ids[AT(kp, j, i)], 4));
            }
        }
        for (int i = first_x[I]; i < first_x[I + 1]; ++i) {
            const real ay = dx[i] * dz[k];
            const int l = ids[AT(k, jl, i)];
            const int r = ids[AT(k, jr, i)];
            const real g = ay / (dy[jl] * TABLE(l, 3) + dy[jr] * TABLE(r, 2));
            const real ga = ay / (dy[ja] * TABLE(ids[AT(k, ja, i)], 3) + dy[jl] * TABLE(l, 2));
            const real gb = ay / (dy[jr] * TABLE(r, 3) + dy[jb] * TABLE(ids[AT(k, jb, i)], 2));
            real s = 1;
            s += ga > 0 ? reach_y[J] * g / ga : reach_y[2 * my + J];
            s += gb > 0 ? reach_y[my + J] * g / gb : reach_y[3 * my + J];
            sy += g / s;
        }
        const long long c = ((long long)k * my + J) * mx + I;
        gx[c] = I < mx - 1 ? sx : 0;
        gy[c] = J < my - 1 ? sy : 0;
        gz[c] = k < nz - 1 ? sz : 0;
        f[c] = sf;
    }
}

KERNEL heat_weights(real *__restrict__ wx, real *__restrict__ wy, const uint16 *__restrict__ ids,
                    const real *__restrict__ table, const real *__restrict__ dx, const real *__restrict__ dy,
                    const real *__restrict__ dz, const int *__restrict__ lower_x, const int *__restrict__ lower_y,
                    const real *__restrict__ linear_x, const real *__restrict__ linear_y,
                    const int *__restrict__ first_x, const int *__restrict__ first_y,
                    const real *__restrict__ reach_x, const real *__restrict__ reach_y,
                    int mx, int my, int nx, int ny, int nz)
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
            const int l = ids[AT(k, j, il)];
            const int r = ids[AT(k, j, ir)];
            const real g = 1 / (dx[il] * TABLE(l, 1) + dx[ir] * TABLE(r, 0));
            const real ga = 1 / (dx[ia] * TABLE(ids[AT(k, j, ia)], 1) + dx[il] * TABLE(l, 0));
            const real gb = 1 / (dx[ir] * TABLE(r, 1) + dx[ib] * TABLE(ids[AT(k, j, ib)], 0));
            const real a = ga > 0 ? reach_x[c] * g / ga : reach_x[2 * mx + c];
            const real b = gb > 0 ? reach_x[mx + c] * g / gb : reach_x[3 * mx + c];
            w = i == il ? 0 : 1;
            if (g > 0) w = (a + w) / (1 + a + b);
        }
        wx[AT(k, j, i)] = w;
        w = linear_y[j];
        if (w > 0 && w < 1) {
            const int c = lower_y[j];
            const int jl = first_y[c + 1] - 1;
            const int jr = jl + 1;
            const int ja = max(jl - 1, 0);
            const int jb = min(jr + 1, ny - 1);
            const int l = ids[AT(k, jl, i)];
            const int r = ids[AT(k, jr, i)];
            const real g = 1 / (dy[jl] * TABLE(l, 3) + dy[jr] * TABLE(r, 2));
            const real ga = 1 / (dy[ja] * TABLE(ids[AT(k, ja, i)], 3) + dy[jl] * TABLE(l, 2));
            const real gb = 1 / (dy[jr] * TABLE(r, 3) + dy[jb] * TABLE(ids[AT(k, jb, i)], 2));
            const real a = ga > 0 ? reach_y[c] * g / ga : reach_y[2 * my + c];
            const real b = gb > 0 ? reach_y[my + c] * g / gb : reach_y[3 * my + c];
            w = j == jl ? 0 : 1;
            if (g > 0) w = (a + w) / (1 + a + b);
        }
        wy[AT(k, j, i)] = w;
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
