#include "elastic.cuh"

// Column solutions Y (5, nz + 1, ny, nx + 3) and matrices P (5, 6, nz + 2, ny, nx + 3)
#define COLUMN(d, k, j, i) ((((d) * (nz + 1LL) + (k)) * ny + (j)) * ROW + (i))
#define BAND(d, o, k, j, i) (((((d) * 6 + (o)) * (nz + 2LL) + (k)) * ny + (j)) * ROW + (i))

KERNEL columns_factor(real *__restrict__ P, const double *__restrict__ diagonal,
                      const double *__restrict__ C, const double *__restrict__ K,
                      const double *__restrict__ rdx, const double *__restrict__ rcx,
                      const double *__restrict__ rdy, const double *__restrict__ rcy,
                      const double *__restrict__ rdz, const double *__restrict__ rcz,
                      const int *__restrict__ start, const int *__restrict__ entry,
                      const double *__restrict__ value, int nx, int ny, int nz)
{
    ONE_Z;
    EACH_Y(j, 0, ny) EACH_X(i, 1, nx + 1) {
        const double rx = rdx[i], cx = rcx[i], cxp = rcx[i + 1], ry = rdy[j + 1], cy = rcy[j + 1],
                     cyp = rcy[j + 2];
        double A[5][6], L[5][6] = {};
        int e = start[(long long)j * ROW + i];
        const int end = start[(long long)j * ROW + i + 1];
        for (int k = 0; k < nz + 1; ++k) {
            const double rz = rdz[k + 1], rzm = rdz[k], cz = rcz[k + 1];
            const int km = max(k - 1, 0);
            for (int d = 0; d < 5; ++d) {
                for (int o = 0; o < 6; ++o) {
                    A[d][o] = 0;
                }
            }
            A[0][0] = diagonal[AT(2, k, j, i)];
            A[1][0] = diagonal[AT(0, k, j, i)], A[2][0] = diagonal[AT(0, k, j, i + 1)];
            A[3][0] = diagonal[AT(1, k, j, i)], A[4][0] = diagonal[AT(1, k, j + 1, i)];
            const double left = K[AT(1, k, j, i)] * cz * cx,
                         right = K[AT(1, k, j, i + 1)] * cz * cxp;
            const double front = K[AT(0, k, j, i)] * cz * cy,
                         back = K[AT(0, k, j + 1, i)] * cz * cyp;
            double cellx = C[AT(4, k, j, i)] * rx * rz, celly = C[AT(3, k, j, i)] * ry * rz;
            A[1][1] = cellx + left, A[2][2] = -cellx - right;
            A[3][3] = celly + front, A[4][4] = -celly - back;
            A[2][1] = -C[AT(0, k, j, i)] * rx * rx, A[4][1] = -C[AT(1, k, j, i)] * ry * ry;
            const double xy = C[AT(5, k, j, i)] * rx * ry;
            A[3][2] = xy + K[AT(2, k, j, i)] * cy * cx;
            A[3][1] = -xy - K[AT(2, k, j, i + 1)] * cy * cxp;
            A[4][3] = -xy - K[AT(2, k, j + 1, i)] * cyp * cx;
            A[4][2] = xy + K[AT(2, k, j + 1, i + 1)] * cyp * cxp;
            if (k > 0) {
                cellx = C[AT(4, km, j, i)] * rx * rzm, celly = C[AT(3, km, j, i)] * ry * rzm;
                A[0][5] = -C[AT(2, km, j, i)] * rzm * rzm;
                A[0][4] = -cellx - left, A[0][3] = cellx + right;
                A[0][2] = -celly - front, A[0][1] = celly + back;
                A[1][5] = -K[AT(1, k, j, i)] * cz * cz, A[2][5] = -K[AT(1, k, j, i + 1)] * cz * cz;
                A[3][5] = -K[AT(0, k, j, i)] * cz * cz, A[4][5] = -K[AT(0, k, j + 1, i)] * cz * cz;
            }
            for (; e < end && entry[e] < 30 * k + 30; ++e) {
                A[entry[e] / 6 % 5][entry[e] % 6] += value[e];
            }
            for (int d = 0; d < 5; ++d) {
                const double full = A[d][0];
                if (full > 0) {
                    for (int o = 5; o > 0; --o) {
                        for (int m = o + 1; m < 6; ++m) {
                            A[d][o] -= A[d][m] * L[(d + 5 - o) % 5][m - o];
                        }
                    }
                    for (int o = 5; o > 0; --o) {
                        const double l = A[d][o] * L[(d + 5 - o) % 5][0];
                        A[d][0] -= l * A[d][o];
                        L[d][o] = l;
                    }
                    L[d][0] = A[d][0] > full * TINY ? 1 / A[d][0] : 0;
                } else {
                    for (int o = 0; o < 6; ++o) {
                        L[d][o] = 0;
                    }
                }
                for (int o = 0; o < 6; ++o) {
                    P[BAND(d, o, k, j, i)] = L[d][o];
                }
            }
        }
    }
}

KERNEL columns_solve(real *__restrict__ Y, const real *__restrict__ r, const real *__restrict__ P,
                     int nx, int ny, int nz)
{
    ONE_Z;
    const long long dof = (nz + 1LL) * ny * ROW, band = (nz + 2LL) * ny * ROW;
    const int level = ny * ROW;
    EACH_Y(j, 0, ny) EACH_X(i, 1, nx + 1) {
        real y[5] = {};  // the last five solutions, by d
        int o = j * ROW + i;
        for (int k = 0; k < nz + 1; ++k) {
            const real right[] = {r[AT(2, k, j, i)], r[AT(0, k, j, i)], r[AT(0, k, j, i + 1)],
                                  r[AT(1, k, j, i)], r[AT(1, k, j + 1, i)]};
#pragma unroll
            for (int d = 0; d < 5; ++d) {
                real below = 0;
#pragma unroll
                for (int n = 1; n < 6; ++n) {
                    below += P[(d * 6 + n) * band + o] * y[(d + 5 - n) % 5];
                }
                y[d] = right[d] - below;
                Y[d * dof + o] = y[d];
            }
            o += level;
        }
        for (int d = 0; d < 5; ++d) {
            y[d] = 0;
        }
        for (int k = nz; k >= 0; --k) {
            o -= level;
#pragma unroll
            for (int d = 4; d >= 0; --d) {
                real t = Y[d * dof + o] * P[d * 6 * band + o];
#pragma unroll
                for (int n = 1; n < 6; ++n) {
                    const int c = d + n;  // level above from 5 on: zero in P above the top
                    t -= P[(c % 5 * 6 + n) * band + o + c / 5 * level] * y[c % 5];
                }
                y[d] = t;
                Y[d * dof + o] = t;
            }
        }
    }
}

KERNEL columns_step(real *__restrict__ x, real *__restrict__ p, const real *__restrict__ Y,
                    real keep, real old, real a, real b, int nx, int ny, int nz)
{
    EACH_Y(j, 0, ny + 1) EACH_Z(k, 0, nz + 1) EACH_X(i, 0, nx + 3) {
        real bu = 0, bv = 0, bw = 0;
        if (a != 0 || old != 0)
            bu = p[AT(0, k, j, i)], bv = p[AT(1, k, j, i)], bw = p[AT(2, k, j, i)];
        real u = a * bu, v = a * bv, w = a * bw;
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
        if (keep < 0) continue;
        u += old * bu, v += old * bv, w += old * bw;
        if (keep > 0)
            u += keep * x[AT(0, k, j, i)], v += keep * x[AT(1, k, j, i)],
                w += keep * x[AT(2, k, j, i)];
        x[AT(0, k, j, i)] = u, x[AT(1, k, j, i)] = v, x[AT(2, k, j, i)] = w;
    }
}
