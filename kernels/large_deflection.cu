#include "elastic.cuh"

// Of slabs, which hold `rows` rows from `first` on
#define SLAB_PLANE ((long long)rows * ROW)
#define SLAB(a, k, j, i) \
    (((a) * (nz + 1) + (k)) * SLAB_PLANE + (long long)((j) - first) * ROW + (i))

#define FACE_Z(k, j, i) (MEDIUM(k, (j) + 1, i) != 0 || MEDIUM((k) + 1, (j) + 1, i) != 0)
// Weights in a cell of the slopes at its lower and upper faces
#define LOWER_X(k, j, i) (FACE_Z(k, j, (i) + 1) ? real(0.25) : real(0.5))
#define UPPER_X(k, j, i) (FACE_Z(k, j, (i) - 1) || (mirror_x && (i) == 1) ? real(0.25) : real(0.5))
#define LOWER_Y(k, j, i) (FACE_Z(k, (j) + 1, i) ? real(0.25) : real(0.5))
#define UPPER_Y(k, j, i) (FACE_Z(k, (j) - 1, i) || (mirror_y && (j) == 0) ? real(0.25) : real(0.5))

static __device__ inline real mean_x(const real *__restrict__ g, long long o, long long plane,
                                     int row)
{
    return (g[o - row] + g[o] + g[o + plane - row] + g[o + plane]) / 4;
}

static __device__ inline real mean_y(const real *__restrict__ g, long long o, long long plane)
{
    return (g[o - 1] + g[o] + g[o + plane - 1] + g[o + plane]) / 4;
}

#define MEAN_X(g, k, j, i) mean_x(g, AT(0, k, j, i), PLANE, ROW)
#define MEAN_Y(g, k, j, i) mean_y(g, AT(1, k, j, i), PLANE)
#define SLAB_MEAN_X(h, k, j, i) mean_x(h, SLAB(0, k, j, i), SLAB_PLANE, ROW)
#define SLAB_MEAN_Y(h, k, j, i) mean_y(h, SLAB(1, k, j, i), SLAB_PLANE)

KERNEL slopes(real *__restrict__ g, const real *__restrict__ x, const uint16 *__restrict__ ids,
              const real *__restrict__ rcx, const real *__restrict__ rcy, int begin, int end,
              int first, int nx, int ny, int nz, int g_dim2)
{
    const int rows = g_dim2;
    EACH_Y(j, begin, end) EACH_Z(k, 0, nz + 1) EACH_X(i, 1, nx + 2) {
        const real w = x[AT(2, k, j, i)];
        real gx = 0, gy = 0;
        if (FACE_Z(k, j, i)) {
            if (FACE_Z(k, j, i - 1)) gx = (w - x[AT(2, k, j, i - 1)]) * rcx[i];
            if (j > 0 && FACE_Z(k, j - 1, i)) gy = (w - x[AT(2, k, j - 1, i)]) * rcy[j + 1];
        }
        g[SLAB(0, k, j, i)] = gx, g[SLAB(1, k, j, i)] = gy;
    }
}

KERNEL added_stress(real *__restrict__ t, const real *__restrict__ x, const real *__restrict__ g,
                    const real *__restrict__ h, const uint16 *__restrict__ ids,
                    const real *__restrict__ cell, const real *__restrict__ K,
                    const real *__restrict__ dx, const real *__restrict__ dy,
                    const real *__restrict__ hz, const real *__restrict__ rdx,
                    const real *__restrict__ rcx, const real *__restrict__ rdy,
                    const real *__restrict__ rcy, const real *__restrict__ rdz, bool mirror_x,
                    bool mirror_y, int begin, int end, int first, int nx, int ny, int nz,
                    int cell_dim1, int t_dim2)
{
    const int rows = t_dim2;
    EACH_Y(j, begin, end) EACH_Z(k, 0, nz + 1) EACH_X(i, 1, nx + 2) {
        const int m = MEDIUM(k + 1, j + 1, i);
        for (int a = 0; a < 7; ++a) t[SLAB(a, k, j, i)] = 0;
        if (m > 0) {
            real xx = 0, yy = 0;
            for (int n = k; n < k + 2; ++n) {
                const long long o = AT(0, n, j, i), p = AT(1, n, j, i), up = AT(1, n, j + 1, i);
                const real *hx = h + SLAB(0, n, j, i), *hy = h + SLAB(1, n, j, i);
                xx += LOWER_X(n, j, i) * g[o] * hx[0];
                xx += UPPER_X(n, j, i) * g[o + 1] * hx[1];
                yy += LOWER_Y(n, j, i) * g[p] * hy[0];
                yy += UPPER_Y(n, j, i) * g[up] * hy[ROW];
            }
            const real ex = (x[AT(0, k, j, i + 1)] - x[AT(0, k, j, i)]) * rdx[i];
            const real ey = (x[AT(1, k, j + 1, i)] - x[AT(1, k, j, i)]) * rdy[j + 1];
            const real ez = (x[AT(2, k + 1, j, i)] - x[AT(2, k, j, i)]) * rdz[k + 1];
            const real v = dx[i] * dy[j + 1] * hz[k + 1];
            const real sx = v * (CELL(0, m) * xx + CELL(5, m) * yy);
            const real sy = v * (CELL(5, m) * xx + CELL(1, m) * yy);
            t[SLAB(0, k, j, i)] = sx, t[SLAB(1, k, j, i)] = sy;
            t[SLAB(2, k, j, i)] = v * (CELL(4, m) * xx + CELL(3, m) * yy);
            t[SLAB(4, k, j, i)] = sx + v * (CELL(0, m) * ex + CELL(5, m) * ey + CELL(4, m) * ez);
            t[SLAB(5, k, j, i)] = sy + v * (CELL(5, m) * ex + CELL(1, m) * ey + CELL(3, m) * ez);
        }
        if (j == 0 || k == nz) continue;
        const real stiffness = K[AT(0, k, j, i)];
        if (stiffness > 0) {
            const real xy = MEAN_X(g, k, j, i) * SLAB_MEAN_Y(h, k, j, i)
                            + MEAN_Y(g, k, j, i) * SLAB_MEAN_X(h, k, j, i);
            const real shear = (x[AT(0, k, j, i)] - x[AT(0, k, j - 1, i)]) * rcy[j + 1]
                               + (x[AT(1, k, j, i)] - x[AT(1, k, j, i - 1)]) * rcx[i];
            t[SLAB(3, k, j, i)] = stiffness * xy, t[SLAB(6, k, j, i)] = stiffness * (xy + shear);
        }
    }
}

KERNEL slope_forces(real *__restrict__ q, const real *__restrict__ t, const real *__restrict__ s,
                    const real *__restrict__ g, const real *__restrict__ h, real e, real c,
                    const uint16 *__restrict__ ids, bool mirror_x, bool mirror_y, int begin,
                    int end, int first, int nx, int ny, int nz, int t_dim2)
{
    const int rows = t_dim2;
    EACH_Y(j, begin, end) EACH_Z(k, 0, nz + 1) EACH_X(i, 1, nx + 2) {
        real qx = 0, qy = 0;
        const bool has_w = FACE_Z(k, j, i), has_x = has_w && FACE_Z(k, j, i - 1),
                   has_y = has_w && j > 0 && FACE_Z(k, j - 1, i);
        for (int n = max(k - 1, 0); n < min(k + 1, nz); ++n) {
            if (has_x) {
                const real more = h[SLAB(0, k, j, i)], hx = c * more,
                           gx = g[AT(0, k, j, i)] + e * more;
                if (MEDIUM(n + 1, j + 1, i) > 0) {
                    const real force = gx * t[SLAB(4, n, j, i)] + hx * s[AT(0, n, j, i)];
                    qx += LOWER_X(k, j, i) * force;
                }
                if (MEDIUM(n + 1, j + 1, i - 1) > 0) {
                    const real force = gx * t[SLAB(4, n, j, i - 1)] + hx * s[AT(0, n, j, i - 1)];
                    qx += UPPER_X(k, j, i - 1) * force;
                }
                for (int p = max(j, 1); p < min(j + 2, ny + 1); ++p) {
                    const real more = SLAB_MEAN_Y(h, n, p, i);
                    qx += (MEAN_Y(g, n, p, i) + e * more) * t[SLAB(6, n, p, i)] / 4;
                    qx += c * more * s[AT(2, n, p, i)] / 4;
                }
            }
            if (has_y) {
                const real more = h[SLAB(1, k, j, i)], hy = c * more,
                           gy = g[AT(1, k, j, i)] + e * more;
                if (MEDIUM(n + 1, j + 1, i) > 0) {
                    const real force = gy * t[SLAB(5, n, j, i)] + hy * s[AT(1, n, j, i)];
                    qy += LOWER_Y(k, j, i) * force;
                }
                if (MEDIUM(n + 1, j, i) > 0) {
                    const real force = gy * t[SLAB(5, n, j - 1, i)] + hy * s[AT(1, n, j - 1, i)];
                    qy += UPPER_Y(k, j - 1, i) * force;
                }
                for (int p = i; p < i + 2; ++p) {
                    const real more = SLAB_MEAN_X(h, n, j, p);
                    qy += (MEAN_X(g, n, j, p) + e * more) * t[SLAB(6, n, j, p)] / 4;
                    qy += c * more * s[AT(2, n, j, p)] / 4;
                }
            }
        }
        q[SLAB(0, k, j, i)] = qx, q[SLAB(1, k, j, i)] = qy;
    }
}

KERNEL add_forces(real *__restrict__ out, const real *__restrict__ t, const real *__restrict__ q,
                  real c, const real *__restrict__ rdx, const real *__restrict__ rcx,
                  const real *__restrict__ rdy, const real *__restrict__ rcy,
                  const real *__restrict__ rdz, bool mirror_x, bool mirror_y, int begin, int end,
                  int first, int nx, int ny, int nz, int t_dim2)
{
    const int rows = t_dim2;
    EACH_Y(j, begin, end) EACH_Z(k, 0, nz + 1) EACH_X(i, 1, nx + 2) {
        const int jm = max(j - 1, 0), jp = min(j + 1, ny), km = max(k - 1, 0);
        if (!(mirror_x && i == 1)) {
            out[AT(0, k, j, i)] +=
                c
                * (t[SLAB(0, k, j, i - 1)] * rdx[i - 1] - t[SLAB(0, k, j, i)] * rdx[i]
                   + t[SLAB(3, k, j, i)] * rcy[j + 1] - t[SLAB(3, k, jp, i)] * rcy[j + 2]);
        }
        if (!(mirror_y && j == 0)) {
            out[AT(1, k, j, i)] +=
                c
                * (t[SLAB(1, k, jm, i)] * rdy[j] - t[SLAB(1, k, j, i)] * rdy[j + 1]
                   + t[SLAB(3, k, j, i)] * rcx[i] - t[SLAB(3, k, j, i + 1)] * rcx[i + 1]);
        }
        out[AT(2, k, j, i)] +=
            c
            * (t[SLAB(2, km, j, i)] * rdz[k] - t[SLAB(2, k, j, i)] * rdz[k + 1]
               + q[SLAB(0, k, j, i)] * rcx[i] - q[SLAB(0, k, j, i + 1)] * rcx[i + 1]
               + q[SLAB(1, k, j, i)] * rcy[j + 1] - q[SLAB(1, k, jp, i)] * rcy[j + 2]);
    }
}
