// Shared by the elastic kernels: memory layout, and edges looked up from material ids
// (kernels/elastic.py).
#pragma once
#include "common.cuh"

#define TINY 1e-12
#define HELD 1e-12

// Arrays of faces, cells and edges share one shape (..., nz + 1, ny + 1, nx + 3)
#define ROW (nx + 3)
#define PLANE ((long long)(ny + 1) * ROW)
#define FIELD ((nz + 1) * PLANE)
#define AT(a, k, j, i) ((a) * FIELD + (k) * PLANE + (long long)(j) * ROW + (i))

// Material ids (nz + 2, ny + 2, nx + 3); tables of M media
#define MEDIUM(k, j, i) ids[((long long)(k) * (ny + 2) + (j)) * ROW + (i)]
#define CELL(a, m) cell[(a) * cell_dim1 + (m)]
#define SOFT(a, m) soft[(a) * soft_dim1 + (m)]
#define MEDIA                                                                                   \
    const uint16 *__restrict__ ids, const real *__restrict__ soft, const real *__restrict__ dx, \
        const real *__restrict__ dy, const real *__restrict__ dz, int soft_dim1, int ny, int nx

static __device__ inline real edge_x(MEDIA, int k, int j, int i)
{
    const real a00 = dz[k] * dy[j], a01 = dz[k] * dy[j + 1], a10 = dz[k + 1] * dy[j],
               a11 = dz[k + 1] * dy[j + 1];
    const real a = a00 + a01 + a10 + a11;
    return dx[i] * a * a
           / (a00 * SOFT(0, MEDIUM(k, j, i)) + a01 * SOFT(0, MEDIUM(k, j + 1, i))
              + a10 * SOFT(0, MEDIUM(k + 1, j, i)) + a11 * SOFT(0, MEDIUM(k + 1, j + 1, i)));
}

static __device__ inline real edge_y(MEDIA, int k, int j, int i)
{
    const real a00 = dz[k] * dx[i - 1], a01 = dz[k] * dx[i], a10 = dz[k + 1] * dx[i - 1],
               a11 = dz[k + 1] * dx[i];
    const real a = a00 + a01 + a10 + a11;
    return dy[j + 1] * a * a
           / (a00 * SOFT(1, MEDIUM(k, j + 1, i - 1)) + a01 * SOFT(1, MEDIUM(k, j + 1, i))
              + a10 * SOFT(1, MEDIUM(k + 1, j + 1, i - 1))
              + a11 * SOFT(1, MEDIUM(k + 1, j + 1, i)));
}

static __device__ inline real edge_z(const uint16 *__restrict__ ids, const real *__restrict__ soft,
                                  const real *__restrict__ dx, const real *__restrict__ dy,
                                  const real *__restrict__ hz, int soft_dim1, int ny, int nx, int k,
                                  int j, int i)
{
    const real a00 = dy[j] * dx[i - 1], a01 = dy[j] * dx[i], a10 = dy[j + 1] * dx[i - 1],
               a11 = dy[j + 1] * dx[i];
    const real a = a00 + a01 + a10 + a11;
    return hz[k + 1] * a * a
           / (a00 * SOFT(2, MEDIUM(k + 1, j, i - 1)) + a01 * SOFT(2, MEDIUM(k + 1, j, i))
              + a10 * SOFT(2, MEDIUM(k + 1, j + 1, i - 1))
              + a11 * SOFT(2, MEDIUM(k + 1, j + 1, i)));
}

#define EDGE_X(k, j, i) edge_x(ids, soft, dx, dy, dz, soft_dim1, ny, nx, k, j, i)
#define EDGE_Y(k, j, i) edge_y(ids, soft, dx, dy, dz, soft_dim1, ny, nx, k, j, i)
#define EDGE_Z(k, j, i) edge_z(ids, soft, dx, dy, hz, soft_dim1, ny, nx, k, j, i)

// Area on which the stress of cell (k, j, i) acts, normal to axis a
static __device__ inline real face_area(const real *__restrict__ dx, const real *__restrict__ dy,
                                        const real *__restrict__ dz, const real *__restrict__ hz,
                                        int a, int k, int j, int i)
{
    if (a == 0) return dy[j + 1] * hz[k + 1];
    if (a == 1) return dx[i + 1] * hz[k + 1];
    return dx[i + 1] * dy[j + 1] * (hz[k + 1] / dz[k + 1]);
}

#define FACE_AREA(a, k, j, i) face_area(dx, dy, dz, hz, a, k, j, i)
