// Shared by heat.cu and heat_level.cu: index of cell (k, j, i), and the resistances at a coarse
// line (kernels/heat.py). One thread walks one column (j, i) upwards.
#pragma once
#include "common.cuh"

#define AT(k, j, i) (((long long)(k) * ny + (j)) * nx + (i))

struct Arms {
    real a, b;
};

// reach: 4 rows of m
static __device__ Arms arms(real g, real below, real above, const real *__restrict__ reach, int m,
                            int c)
{
    return {below > 0 ? reach[c] * g / below : reach[2 * m + c],
            above > 0 ? reach[m + c] * g / above : reach[3 * m + c]};
}

static __device__ real series(real g, real below, real above, const real *__restrict__ reach, int m,
                              int c)
{
    const Arms s = arms(g, below, above, reach, m, c);
    return g / (1 + s.a + s.b);
}

static __device__ real weight(bool beyond, real g, real below, real above,
                              const real *__restrict__ reach, int m, int c)
{
    const Arms s = arms(g, below, above, reach, m, c);
    return g > 0 ? (s.a + beyond) / (1 + s.a + s.b) : beyond;
}
