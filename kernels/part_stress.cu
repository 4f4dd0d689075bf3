#include "common.cuh"

#define STRESS(a) stress[(((a) * (long long)nz + k) * ny + j) * nx + i]

// Largest and smallest principal stress and von Mises stress from p, J2 and J3
static __device__ inline void invariants(double *values, double p, double j2, double j3)
{
    const double radius = sqrt(j2 / 3), cube = 2 * radius * radius * radius;
    const double near = cos(acos(cube > 0 ? min(max(j3 / cube, -1.0), 1.0) : 0.0) / 3);
    const double far = -(near + sqrt(3 * max(1 - near * near, 0.0))) / 2;
    values[0] = p + 2 * radius * near;
    values[1] = p + 2 * radius * far;
    values[2] = sqrt(3 * j2);
}

#define MEAN_AND_DEVIATORS                                                                      \
    const double xx = STRESS(0), yy = STRESS(1), zz = STRESS(2), yz = STRESS(3), xz = STRESS(4), \
                 xy = STRESS(5), p = (xx + yy + zz) / 3, a = xx - p, b = yy - p, c = zz - p;     \
    const double j2 = (a * a + b * b + c * c) / 2 + yz * yz + xz * xz + xy * xy;                 \
    const double j3 = a * b * c + 2 * yz * xz * xy - a * yz * yz - b * xz * xz - c * xy * xy

// (ny, lanes, 3, parts)
#define ROW_OF(n) (((long long)j * lanes + t) * 3 + (n)) * high_dim3 + q

KERNEL extremes(double *__restrict__ high, double *__restrict__ low,
                long long *__restrict__ at_high, long long *__restrict__ at_low,
                const double *__restrict__ stress, const uint16 *__restrict__ ids,
                const int *__restrict__ part, long long first, int nx, int ny, int nz,
                int high_dim1, int high_dim3)
{
    ONE_Z;
    const int lanes = high_dim1;
    EACH_Y(j, 0, ny) EACH_X(t, 0, lanes) for (int k = 0; k < nz; ++k)
    for (int i = t; i < nx; i += lanes) {
        const long long cell = ((long long)k * ny + j) * nx + i;
        const int q = part[ids[cell]];
        if (q < 0) continue;
        MEAN_AND_DEVIATORS;
        const double radius = sqrt(j2 / 3), mises = sqrt(3 * j2);
        if (p + 2 * radius <= high[ROW_OF(0)] && p + radius >= low[ROW_OF(0)]
            && p - radius <= high[ROW_OF(1)] && p - 2 * radius >= low[ROW_OF(1)]
            && low[ROW_OF(2)] <= mises && mises <= high[ROW_OF(2)]) continue;
        double values[3];
        invariants(values, p, j2, j3);
        for (int n = 0; n < 3; ++n) {
            const long long row = ROW_OF(n);
            if (values[n] > high[row]) high[row] = values[n], at_high[row] = first + cell;
            if (values[n] < low[row]) low[row] = values[n], at_low[row] = first + cell;
        }
    }
}

// One thread a voxel, and one block of bins for all of them
KERNEL add_volumes(long long *__restrict__ bins, const double *__restrict__ stress,
                   const uint16 *__restrict__ ids, const int *__restrict__ part,
                   const double *__restrict__ dx, const double *__restrict__ dy,
                   const double *__restrict__ dz, double scale, const double *__restrict__ floor,
                   const double *__restrict__ width, int count, int nx, int ny, int nz,
                   int width_dim1)
{
    EACH_Y(j, 0, ny) EACH_Z(k, 0, nz) EACH_X(i, 0, nx) {
        const int q = part[ids[((long long)k * ny + j) * nx + i]];
        if (q < 0) continue;
        MEAN_AND_DEVIATORS;
        double values[3];
        invariants(values, p, j2, j3);
        const unsigned long long volume = (unsigned long long)(dx[i] * dy[j] * dz[k] * scale + 0.5);
        for (int n = 0; n < 3; ++n) {
            const int row = n * width_dim1 + q;
            const int slot = int(min((values[n] - floor[row]) / width[row], count - 1.0));
            atomicAdd((unsigned long long *)bins + (long long)row * count + slot, volume);
        }
    }
}
