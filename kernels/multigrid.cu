#include "common.cuh"

// The CPU interpolates and restricts a row along y, then along x; here a thread does both at once.

KERNEL prolong(real *__restrict__ p, const real *__restrict__ active,
               const real *__restrict__ coarse, const int *__restrict__ atx,
               const real *__restrict__ tx, const int *__restrict__ aty,
               const real *__restrict__ ty, int components, int levels, int ny, int nx,
               int coarse_dim2, int coarse_dim3)
{
    EACH_Y(j, 0, ny) EACH_X(i, 0, nx) {
        for (int a = 0; a < components; ++a) {
            const int J = aty[a * ny + j], I = atx[a * nx + i];
            const real s = ty[a * ny + j], t = tx[a * nx + i];
            EACH_Z(k, 0, levels) {
                const long long o = (((long long)a * levels + k) * ny + j) * nx + i;
                const real *low =
                    coarse + (((long long)a * levels + k) * coarse_dim2 + J) * coarse_dim3;
                const real *high = low + coarse_dim3;
                const real value = (1 - s) * ((1 - t) * low[I] + t * low[I + 1])
                                 + s * ((1 - t) * high[I] + t * high[I + 1]);
                p[o] = active[o] != 0 ? value : 0;
            }
        }
    }
}

KERNEL restrict(real *__restrict__ out, const real *__restrict__ fine,
                const int *__restrict__ startx, const real *__restrict__ weightx,
                const int *__restrict__ starty, const real *__restrict__ weighty, int components,
                int levels, int ny, int nx, int my, int mx, int fine_dim2, int fine_dim3)
{
    EACH_Y(j, 0, ny) EACH_X(i, 0, nx) {
        for (int a = 0; a < components; ++a) {
            EACH_Z(k, 0, levels) {
                real o = 0;
                for (int n = 0; n < my; ++n) {
                    const real wy = weighty[((long long)a * my + n) * ny + j];
                    const long long first =
                        ((long long)a * levels + k) * fine_dim2 + starty[a * ny + j];
                    const real *row = fine + (first + n) * fine_dim3;
                    for (int m = 0; m < mx; ++m) {
                        o += wy * weightx[((long long)a * mx + m) * nx + i]
                             * row[startx[a * nx + i] + m];
                    }
                }
                out[(((long long)a * levels + k) * ny + j) * nx + i] = o;
            }
        }
    }
}

KERNEL sparse_rows(real *out, const real *x, real scale, real add, const int *__restrict__ rows,
                   const int *__restrict__ start, const int *__restrict__ column,
                   const real *__restrict__ value, int n)
{
    EACH_X(row, 0, n) {
        real total = 0;
        for (int e = start[row]; e < start[row + 1]; ++e) {
            total += value[e] * x[column[e]];
        }
        out[rows[row]] = add * out[rows[row]] + scale * total;
    }
}

KERNEL mask(real *__restrict__ x, const real *__restrict__ active, long long n)
{
    const long long i = THREAD;
    if (i >= n) return;
    if (active[i] == 0) {
        x[i] = 0;
    }
}

KERNEL dense_rows(real *__restrict__ partial, const real *__restrict__ r,
                  const real *__restrict__ matrix, const long long *__restrict__ at, int n,
                  int pieces)
{
    EACH_Y(piece, 0, pieces) EACH_X(row, 0, n) {
        const int first = (int)((long long)n * piece / pieces);
        const int last = (int)((long long)n * (piece + 1) / pieces);
        real total = 0;
#pragma unroll 16  // each thread must have many loads in flight
        for (int column = first; column < last; ++column) {
            total += matrix[(long long)column * n + row] * r[at[column]];
        }
        partial[(long long)piece * n + row] = total;
    }
}

KERNEL dense_fold(real *__restrict__ x, const real *__restrict__ partial,
                  const long long *__restrict__ at, int n, int pieces)
{
    EACH_X(row, 0, n) {
        real total = 0;
#pragma unroll 16
        for (int piece = 0; piece < pieces; ++piece) {
            total += partial[(long long)piece * n + row];
        }
        x[at[row]] = total;
    }
}

KERNEL alternating(real *__restrict__ x, const real *__restrict__ active, int fields, int levels,
                   int rows, int row)
{
    EACH_Y(j, 0, rows) EACH_X(i, 0, row) {
        for (int a = 0; a < fields; ++a) {
            unsigned int h = ((unsigned int)a * rows + j) * row + i;
            h *= 2654435761u;
            h = (h ^ (h >> 15)) * 2246822519u;
            h = (h ^ (h >> 13)) * 3266489917u;
            const double size = 1.5 * (h ^ (h >> 16)) / 4294967296.0 - 0.5;
            EACH_Z(k, 0, levels) {
                const long long o = (((long long)a * levels + k) * rows + j) * row + i;
                x[o] = active[o] > 0 ? real((i + j) % 2 == 0 ? size : -size) : 0;
            }
        }
    }
}
