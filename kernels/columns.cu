#include "common.cuh"

#define TINY 1e-5

// Arrays of faces, cells and edges share one shape (..., nz + 1, ny + 1, nx + 3)
#define ROW (nx + 3)
#define PLANE ((long long)(ny + 1) * ROW)
#define FIELD ((nz + 1) * PLANE)
#define AT(a, k, j, i) ((a) * FIELD + (k) * PLANE + (long long)(j) * ROW + (i))

// Solutions Y (5, nz + 1, ny, nx + 3) and matrices P (5, 6, nz + 2, ny, nx + 3) of columns
#define COLUMN(d, k, j, i) ((((d) * (nz + 1LL) + (k)) * ny + (j)) * ROW + (i))
#define BAND(d, o, k, j, i) (((((d) * 6 + (o)) * (nz + 2LL) + (k)) * ny + (j)) * ROW + (i))

KERNEL columns_fill(real *__restrict__ P, const real *__restrict__ diagonal, const real *__restrict__ C,
                    const real *__restrict__ K, const real *__restrict__ rdx, const real *__restrict__ rcx,
                       const real *__restrict__ rdy, const real *__restrict__ rcy, const real *__restrict__ rdz,
                       const real *__restrict__ rcz, int nx, int ny, int nz)
{
    EACH_Y(j, 0, ny) EACH_Z(k, 0, nz + 1) EACH_X(i, 1, nx + 1) {
        const real ry = rdy[j + 1], cy = rcy[j + 1], cyp = rcy[j + 2];
        const real rz = rdz[k + 1], rzm = rdz[k], cz = rcz[k + 1];
        const int km = max(k - 1, 0);
        for (int d = 0; d < 5; ++d) {
            for (int o = 0; o < 6; ++o) {
                P[BAND(d, o, k, j, i)] = 0;
            }
        }
        const real rx = rdx[i], cx = rcx[i], cxp = rcx[i + 1];
        P[BAND(0, 0, k, j, i)] = diagonal[AT(2, k, j, i)];
        P[BAND(1, 0, k, j, i)] = diagonal[AT(0, k, j, i)], P[BAND(2, 0, k, j, i)] = diagonal[AT(0, k, j, i + 1)];
        P[BAND(3, 0, k, j, i)] = diagonal[AT(1, k, j, i)], P[BAND(4, 0, k, j, i)] = diagonal[AT(1, k, j + 1, i)];
        const real left = K[AT(1, k, j, i)] * cz * cx, right = K[AT(1, k, j, i + 1)] * cz * cxp;
        const real front = K[AT(0, k, j, i)] * cz * cy, back = K[AT(0, k, j + 1, i)] * cz * cyp;
        real cellx = C[AT(4, k, j, i)] * rx * rz, celly = C[AT(3, k, j, i)] * ry * rz;
        P[BAND(1, 1, k, j, i)] = cellx + left, P[BAND(2, 2, k, j, i)] = -cellx - right;
        P[BAND(3, 3, k, j, i)] = celly + front, P[BAND(4, 4, k, j, i)] = -celly - back;
        P[BAND(2, 1, k, j, i)] = -C[AT(0, k, j, i)] * rx * rx;
        P[BAND(4, 1, k, j, i)] = -C[AT(1, k, j, i)] * ry * ry;
        const real xy = C[AT(5, k, j, i)] * rx * ry;
        P[BAND(3, 2, k, j, i)] = xy + K[AT(2, k, j, i)] * cy * cx;
        P[BAND(3, 1, k, j, i)] = -xy - K[AT(2, k, j, i + 1)] * cy * cxp;
        P[BAND(4, 3, k, j, i)] = -xy - K[AT(2, k, j + 1, i)] * cyp * cx;
        P[BAND(4, 2, k, j, i)] = xy + K[AT(2, k, j + 1, i + 1)] * cyp * cxp;
        if (k > 0) {
            cellx = C[AT(4, km, j, i)] * rx * rzm, celly = C[AT(3, km, j, i)] * ry * rzm;
            P[BAND(0, 5, k, j, i)] = -C[AT(2, km, j, i)] * rzm * rzm;
            P[BAND(0, 4, k, j, i)] = -cellx - left, P[BAND(0, 3, k, j, i)] = cellx + right;
            P[BAND(0, 2, k, j, i)] = -celly - front, P[BAND(0, 1, k, j, i)] = celly + back;
            P[BAND(1, 5, k, j, i)] = -K[AT(1, k, j, i)] * cz * cz;
            P[BAND(2, 5, k, j, i)] = -K[AT(1, k, j, i + 1)] * cz * cz;
            P[BAND(3, 5, k, j, i)] = -K[AT(0, k, j, i)] * cz * cz;
            P[BAND(4, 5, k, j, i)] = -K[AT(0, k, j + 1, i)] * cz * cz;
        }
    }
}

KERNEL columns_factor(real *P, int nx, int ny, int nz)
{
    ONE_Z;
    EACH_Y(j, 0, ny) EACH_X(i, 1, nx + 1) {
        for (int row = 0; row < 5 * nz + 5; ++row) {
            const int k = row / 5, d = row % 5;
            if (P[BAND(d, 0, k, j, i)] <= 0) {
                for (int o = 0; o < 6; ++o) {
                    P[BAND(d, o, k, j, i)] = 0;
                }
            } else {
                const real scale = P[BAND(d, 0, k, j, i)];
                for (int o = min(5, row); o > 0; --o) {
                    const int c = row - o;
                    real a = P[BAND(d, o, k, j, i)];
                    for (int m = o + 1; m < min(5, row) + 1; ++m) {
                        const int e = row - m;
                        if (c - e <= 5) {
                            a -= P[BAND(d, m, k, j, i)] * P[BAND(c % 5, c - e, c / 5, j, i)];
                        }
                    }
                    P[BAND(d, o, k, j, i)] = a;
                }
                for (int o = min(5, row); o > 0; --o) {
                    const int c = row - o;
                    const real l = P[BAND(d, o, k, j, i)] * P[BAND(c % 5, 0, c / 5, j, i)];
                    P[BAND(d, 0, k, j, i)] -= l * P[BAND(d, o, k, j, i)];
                    P[BAND(d, o, k, j, i)] = l;
                }
                const real pivot = P[BAND(d, 0, k, j, i)];
                P[BAND(d, 0, k, j, i)] = pivot > scale * real(TINY) ? 1 / pivot : 0;
            }
        }
    }
}

KERNEL columns_solve(real *__restrict__ Y, const real *__restrict__ r, const real *__restrict__ P,
                             int nx, int ny, int nz)
{
    ONE_Z;
    EACH_Y(j, 0, ny) EACH_X(i, 1, nx + 1) {
        for (int row = 0; row < 5 * nz + 5; ++row) {
            const int k = row / 5, d = row % 5;
            real y = d == 0 ? r[AT(2, k, j, i)] : d < 3 ? r[AT(0, k, j, i + d - 1)] : r[AT(1, k, j + d - 3, i)];
            real below = 0;
            for (int o = 1; o < min(5, row) + 1; ++o) {
                const int c = row - o;
                below += P[BAND(d, o, k, j, i)] * Y[COLUMN(c % 5, c / 5, j, i)];
            }
            Y[COLUMN(d, k, j, i)] = y - below;
        }
        for (int row = 5 * nz + 4; row >= 0; --row) {
            const int k = row / 5, d = row % 5;
            real y = Y[COLUMN(d, k, j, i)] * P[BAND(d, 0, k, j, i)];
            for (int o = 1; o < min(5, 5 * nz + 4 - row) + 1; ++o) {
                const int c = row + o;
                y -= P[BAND(c % 5, o, c / 5, j, i)] * Y[COLUMN(c % 5, c / 5, j, i)];
            }
            Y[COLUMN(d, k, j, i)] = y;
        }
    }
}

KERNEL columns_step(real *__restrict__ x, real *__restrict__ p, const real *__restrict__ Y,
                            real keep, real a, real b, int nx, int ny, int nz)
{
    EACH_Y(j, 0, ny + 1) EACH_Z(k, 0, nz + 1) EACH_X(i, 0, nx + 3) {
        real u = a * p[AT(0, k, j, i)], v = a * p[AT(1, k, j, i)], w = a * p[AT(2, k, j, i)];
        if (j < ny) {
            if (i >= 1 && i <= nx) u += b * Y[COLUMN(1, k, j, i)];
            if (i >= 2 && i <= nx + 1) u += b * Y[COLUMN(2, k, j, i - 1)];
            if (i >= 1 && i <= nx) v += b * Y[COLUMN(3, k, j, i)];
            if (i >= 1 && i <= nx) w += b * Y[COLUMN(0, k, j, i)];
        }
        if (j > 0) {
            if (i >= 1 && i <= nx) v += b * Y[COLUMN(4, k, j - 1, i)];
        }
        p[AT(0, k, j, i)] = u, p[AT(1, k, j, i)] = v, p[AT(2, k, j, i)] = w;
        for (int d = 0; d < 3; ++d) {
            x[AT(d, k, j, i)] = keep * x[AT(d, k, j, i)] + p[AT(d, k, j, i)];
        }
    }
}
