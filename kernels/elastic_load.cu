#include "elastic.cuh"

// Thermal stress in Pa of cell (k, j, i) of medium m, interpolated in its temperature
static __device__ inline real hindered(const real *__restrict__ table, const real *__restrict__ T,
                                       real first, real per_kelvin, int tk, int tj, int ti, int a,
                                       int m, int k, int j, int i, int table_dim1, int table_dim2,
                                       int T_dim1, int T_dim2)
{
    const real at =
        (T[((long long)(k * tk) * T_dim1 + j * tj) * T_dim2 + i * ti] - first) * per_kelvin;
    const int n = min(max(int(at), 0), table_dim2 - 2);
    const real *s = table + ((long long)a * table_dim1 + m) * table_dim2 + n;
    return s[0] + (at - n) * (s[1] - s[0]);
}

#define HINDERED(a, m, k, j, i) hindered(table, T, first, per_kelvin, tk, tj, ti, a, m, k, j, i, \
                                         table_dim1, table_dim2, T_dim1, T_dim2)

KERNEL thermal_load(real *__restrict__ b, const uint16 *__restrict__ ids,
                    const real *__restrict__ table, const real *__restrict__ T, real first,
                    real per_kelvin, int tk, int tj, int ti, const real *__restrict__ dx,
                    const real *__restrict__ dy, const real *__restrict__ dz,
                    const real *__restrict__ hz, bool mirror_x, bool mirror_y, int nx, int ny,
                    int nz, int table_dim1, int table_dim2,
                    int T_dim1, int T_dim2)
{
    EACH_Y(j, 0, ny + 1) EACH_Z(k, 0, nz + 1) EACH_X(i, 0, nx + 1) {
        for (int a = 0; a < 3; ++a) {
            real force = 0;
            for (int side = 0; side < 2; ++side) {
                const int q = 1 - side;
                const int ck = k - q * (a == 2), cj = j - q * (a == 1), ci = i - q * (a == 0);
                const int m = ck < nz && cj < ny && ci < nx ? MEDIUM(ck + 1, cj + 1, ci + 1) : 0;
                if (m != 0) {
                    force += HINDERED(a, m, ck, cj, ci) * FACE_AREA(a, ck, cj, ci) * (q - side);
                }
            }
            if ((a == 0 && mirror_x && i == 0) || (a == 1 && mirror_y && j == 0)) force = 0;
            b[AT(a, k, j, i + 1)] = force;
        }
    }
}

// Displacements (3, nz + 1, ny + 1, nx + 1)
#define MOVED(a, k, j, i) U[(((a) * (nz + 1LL) + (k)) * (ny + 1) + (j)) * (nx + 1) + (i)]

// Solid volume beside the face (k, j, i) of component a
static __device__ inline real beside(const uint16 *__restrict__ ids, const real *__restrict__ dx,
                                     const real *__restrict__ dy, const real *__restrict__ dz,
                                     int ny, int nx, int a, int k, int j, int i)
{
    const int x = i + (a != 0), y = j + (a != 1), z = k + (a != 2);
    const real before = MEDIUM(z, y, x) != 0 ? dx[x] * dy[y] * dz[z] : 0;
    return before + (MEDIUM(k + 1, j + 1, i + 1) != 0 ? dx[i + 1] * dy[j + 1] * dz[k + 1] : 0);
}

KERNEL motion_sums(real *__restrict__ sums, const real *__restrict__ U,
                   const uint16 *__restrict__ ids, const real *__restrict__ dx,
                   const real *__restrict__ dy, const real *__restrict__ dz,
                   const real *__restrict__ x, int nx, int ny, int nz)
{
    EACH_X(j, 0, ny + 1) EACH_Y(k, 0, nz + 1) EACH_Z(a, 0, 3) {
        real s[5] = {};
        for (int i = 0; i < nx + 1; ++i) {
            const real w = beside(ids, dx, dy, dz, ny, nx, a, k, j, i), at = x[a * (nx + 1) + i];
            s[0] += w;
            s[1] += w * at;
            s[2] += w * at * at;
            s[3] += w * MOVED(a, k, j, i);
            s[4] += w * at * MOVED(a, k, j, i);
        }
        for (int n = 0; n < 5; ++n) {
            sums[(((a * (nz + 1LL)) + k) * (ny + 1) + j) * 5 + n] = s[n];
        }
    }
}

KERNEL take_motion(real *__restrict__ U, const real *__restrict__ motion,
                   const uint16 *__restrict__ ids, const real *__restrict__ dx,
                   const real *__restrict__ dy, const real *__restrict__ dz,
                   const real *__restrict__ x, const real *__restrict__ y,
                   const real *__restrict__ z, bool mirror_x, bool mirror_y, int nx, int ny, int nz)
{
    EACH_Y(j, 0, ny + 1) EACH_Z(k, 0, nz + 1) EACH_X(i, 0, nx + 1) {
        for (int a = 0; a < 3; ++a) {
            const real *m = motion + 4 * a;
            const real constant = m[0] + m[2] * y[a * (ny + 1) + j] + m[3] * z[a * (nz + 1) + k];
            const bool held = (mirror_y && a == 1 && j == 0) || (mirror_x && a == 0 && i == 0);
            const bool there = beside(ids, dx, dy, dz, ny, nx, a, k, j, i) > 0 && !held;
            MOVED(a, k, j, i) =
                there ? MOVED(a, k, j, i) - constant - m[1] * x[a * (nx + 1) + i] : 0;
        }
    }
}
