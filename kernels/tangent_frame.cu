#include "elastic.cuh"

#define FACE_Z(k, j, i) (MEDIUM(k, (j) + 1, i) != 0 || MEDIUM((k) + 1, (j) + 1, i) != 0)
#define SHARE_X(n, k, j, i, p) share_x(a, ids, dx, rcx, nx, ny, nz, n, k, j, i, p)
#define SHARE_Y(n, k, j, i, p) share_y(a, ids, dy, rcy, nx, ny, nz, n, k, j, i, p)

static __device__ inline real share_x(const float *__restrict__ a, const uint16 *__restrict__ ids,
                                      const real *__restrict__ dx, const real *__restrict__ rcx,
                                      int nx, int ny, int nz, int n, int k, int j, int i, int p)
{
    const bool left = FACE_Z(n, j, i - 1), right = FACE_Z(n, j, i);
    const long long o = AT(0, k, j, i);
    if (left && right) {
        const real share = dx[i] * rcx[i] / 2;
        return p == i ? a[o] * (1 - share) : p == i - 1 ? a[o] * share : real(0);
    }
    if (left) {
        const real tilt = FACE_Z(n, j, i - 2) ? a[o - 1] * dx[i - 1] * rcx[i - 1] / 2 : real(0);
        return p == i - 1 ? a[o] + tilt : p == i - 2 ? -tilt : real(0);
    }
    if (!right) return 0;
    const real tilt = FACE_Z(n, j, i + 1) ? a[o + 1] * dx[i] * rcx[i + 1] / 2 : real(0);
    return p == i ? a[o] + tilt : p == i + 1 ? -tilt : real(0);
}

static __device__ inline real share_y(const float *__restrict__ a, const uint16 *__restrict__ ids,
                                      const real *__restrict__ dy, const real *__restrict__ rcy,
                                      int nx, int ny, int nz, int n, int k, int j, int i, int p)
{
    const bool left = FACE_Z(n, j - 1, i), right = FACE_Z(n, j, i);
    const long long o = AT(1, k, j, i);
    if (left && right) {
        const real share = dy[j + 1] * rcy[j + 1] / 2;
        return p == j ? a[o] * (1 - share) : p == j - 1 ? a[o] * share : real(0);
    }
    if (left) {
        const bool inner = j > 1 && FACE_Z(n, j - 2, i);
        const real tilt = inner ? a[o - ROW] * dy[j] * rcy[j] / 2 : real(0);
        return p == j - 1 ? a[o] + tilt : p == j - 2 ? -tilt : real(0);
    }
    if (!right) return 0;
    const real tilt = FACE_Z(n, j + 1, i) ? a[o + ROW] * dy[j + 1] * rcy[j + 2] / 2 : real(0);
    return p == j ? a[o] + tilt : p == j + 1 ? -tilt : real(0);
}

static __device__ inline real slope_x(const real *__restrict__ g, const uint16 *__restrict__ ids,
                                      const real *__restrict__ dx, bool mirror_x, int nx, int ny,
                                      int nz, int n, int j, int i)
{
    const bool left = FACE_Z(n, j, i - 1), right = FACE_Z(n, j, i);
    const long long o = AT(0, n, j, i);
    if (left && right) return g[o];
    if (left) {
        if (!FACE_Z(n, j, i - 2)) return 0;
        const bool known = FACE_Z(n, j, i - 3) || (mirror_x && i == 3);
        return known ? g[o - 1] + dx[i - 1] / dx[i - 2] * (g[o - 1] - g[o - 2]) : g[o - 1];
    }
    if (!right || !FACE_Z(n, j, i + 1)) return 0;
    const bool known = FACE_Z(n, j, i + 2);
    return known ? g[o + 1] + dx[i] / dx[i + 1] * (g[o + 1] - g[o + 2]) : g[o + 1];
}

static __device__ inline real slope_y(const real *__restrict__ g, const uint16 *__restrict__ ids,
                                      const real *__restrict__ dy, bool mirror_y, int nx, int ny,
                                      int nz, int n, int j, int i)
{
    const bool left = FACE_Z(n, j - 1, i), right = FACE_Z(n, j, i);
    const long long o = AT(1, n, j, i);
    if (left && right) return g[o];
    if (left) {
        if (!(j > 1 && FACE_Z(n, j - 2, i))) return 0;
        const bool known = (j > 2 && FACE_Z(n, j - 3, i)) || (mirror_y && j == 2);
        const real near = g[o - ROW];
        return known ? near + dy[j] / dy[j - 1] * (near - g[o - 2 * ROW]) : near;
    }
    if (!right || !FACE_Z(n, j + 1, i)) return 0;
    const real near = g[o + ROW];
    const bool known = FACE_Z(n, j + 2, i);
    return known ? near + dy[j + 1] / dy[j + 2] * (near - g[o + 2 * ROW]) : near;
}

#define SLOPE_X(n, j, i) slope_x(g, ids, dx, mirror_x, nx, ny, nz, n, j, i)
#define SLOPE_Y(n, j, i) slope_y(g, ids, dy, mirror_y, nx, ny, nz, n, j, i)

KERNEL face_slopes(float *__restrict__ a, const real *__restrict__ g, const uint16 *__restrict__ ids,
                   const real *__restrict__ dx, const real *__restrict__ dy, bool mirror_x,
                   bool mirror_y, int nx, int ny, int nz)
{
    EACH_Y(j, 0, ny + 1) EACH_Z(k, 0, nz + 1) EACH_X(i, 1, nx + 2) {
        real ax = 0, ay = 0;
        if (k < nz && j < ny && !(mirror_x && i == 1)
            && (MEDIUM(k + 1, j + 1, i - 1) != 0 || MEDIUM(k + 1, j + 1, i) != 0))
            ax = (SLOPE_X(k, j, i) + SLOPE_X(k + 1, j, i)) / 2;
        if (k < nz && i <= nx && !(mirror_y && j == 0)
            && (MEDIUM(k + 1, j, i) != 0 || MEDIUM(k + 1, j + 1, i) != 0))
            ay = (SLOPE_Y(k, j, i) + SLOPE_Y(k + 1, j, i)) / 2;
        a[AT(0, k, j, i)] = ax, a[AT(1, k, j, i)] = ay;
    }
}

KERNEL from_tangent(real *__restrict__ x, const float *__restrict__ a,
                    const uint16 *__restrict__ ids, const real *__restrict__ dx,
                    const real *__restrict__ dy, const real *__restrict__ rcx,
                    const real *__restrict__ rcy, int nx, int ny, int nz)
{
    EACH_Y(j, 0, ny + 1) EACH_Z(k, 0, nz) EACH_X(i, 1, nx + 2) {
        if (a[AT(0, k, j, i)] != 0) {
            real u = 0;
            for (int n = k; n < k + 2; ++n)
                for (int p = max(i - 2, 1); p < min(i + 2, nx + 1); ++p)
                    u += SHARE_X(n, k, j, i, p) * x[AT(2, n, j, p)];
            x[AT(0, k, j, i)] -= u / 2;
        }
        if (a[AT(1, k, j, i)] != 0) {
            real v = 0;
            for (int n = k; n < k + 2; ++n)
                for (int p = max(j - 2, 0); p < min(j + 2, ny); ++p)
                    v += SHARE_Y(n, k, j, i, p) * x[AT(2, n, p, i)];
            x[AT(1, k, j, i)] -= v / 2;
        }
    }
}

KERNEL to_tangent(real *__restrict__ r, const float *__restrict__ a, const uint16 *__restrict__ ids,
                  const real *__restrict__ dx, const real *__restrict__ dy,
                  const real *__restrict__ rcx, const real *__restrict__ rcy, int nx, int ny,
                  int nz)
{
    EACH_Y(j, 0, ny) EACH_Z(n, 0, nz + 1) EACH_X(i, 1, nx + 1) {
        if (!FACE_Z(n, j, i)) continue;
        real w = 0;
        for (int k = max(n - 1, 0); k < min(n + 1, nz); ++k) {
            for (int p = max(i - 1, 1); p < min(i + 3, nx + 2); ++p)
                if (a[AT(0, k, j, p)] != 0) w += SHARE_X(n, k, j, p, i) * r[AT(0, k, j, p)];
            for (int p = max(j - 1, 0); p < min(j + 3, ny + 1); ++p)
                if (a[AT(1, k, p, i)] != 0) w += SHARE_Y(n, k, p, i, j) * r[AT(1, k, p, i)];
        }
        r[AT(2, n, j, i)] -= w / 2;
    }
}
