#include "elastic.cuh"

// Coefficients around face i of row (k, j); m: the cell or edge before (x-, y-, z-), p: the one behind
struct Near {
    real cxx, cyy, czz, cyz, cxz, cxy;
    real cxx_x, cxz_x, cxy_x, cxy_y, cyy_y, cyz_y, cxz_z, cyz_z, czz_z;  // of the cells before in x, y, z
    real kyz, kxz, kxy, kyz_z, kxz_z, kyz_y, kxy_y, kxz_x, kxy_x;        // of the edges behind in z, y, x
};

static __device__ void force(real *out, long long o, const real *__restrict__ x, real c, real s, const Near &n,
                             const real *__restrict__ rdx, const real *__restrict__ rcx,
                             const real *__restrict__ rdy, const real *__restrict__ rcy,
                             const real *__restrict__ rdz, const real *__restrict__ rcz, bool mirror_x, bool mirror_y,
                             int k, int j, int i, int nx, int ny, int nz)
{
    // steps to the neighbours: in x 1, in y jm or jp, in z km or kp
    const int jm = j > 0 ? -ROW : 0, jp = j < ny ? ROW : 0;
    const long long km = k > 0 ? -PLANE : 0, kp = k < nz ? PLANE : 0;
    const real *u = x + o, *v = u + FIELD, *w = v + FIELD;
    const real rxm = rdx[i], rx = rdx[i + 1], cx = rcx[i + 1], cxp = rcx[i + 2];
    const real rym = rdy[j], ry = rdy[j + 1], cy = rcy[j + 1], cyp = rcy[j + 2];
    const real rzm = rdz[k], rz = rdz[k + 1], cz = rcz[k + 1], czp = rcz[k + 2];

    const real txz = n.kxz * ((u[0] - u[km]) * cz + (w[0] - w[-1]) * cx);
    const real txy = n.kxy * ((u[0] - u[jm]) * cy + (v[0] - v[-1]) * cx);
    const real tyz = n.kyz * ((v[0] - v[km]) * cz + (w[0] - w[jm]) * cy);

    const real sxm = n.cxx_x * (u[0] - u[-1]) * rxm + n.cxy_x * (v[jp - 1] - v[-1]) * ry
                   + n.cxz_x * (w[kp - 1] - w[-1]) * rz;
    const real sx = n.cxx * (u[1] - u[0]) * rx + n.cxy * (v[jp] - v[0]) * ry + n.cxz * (w[kp] - w[0]) * rz;
    const real txzk = n.kxz_z * ((u[kp] - u[0]) * czp + (w[kp] - w[kp - 1]) * cx);
    const real txyj = n.kxy_y * ((u[jp] - u[0]) * cyp + (v[jp] - v[jp - 1]) * cx);
    const real fu = sxm * rxm - sx * rx + txz * cz - txzk * czp + txy * cy - txyj * cyp;

    const real sym = n.cxy_y * (u[jm + 1] - u[jm]) * rx + n.cyy_y * (v[0] - v[jm]) * rym
                   + n.cyz_y * (w[kp + jm] - w[jm]) * rz;
    const real sy = n.cxy * (u[1] - u[0]) * rx + n.cyy * (v[jp] - v[0]) * ry + n.cyz * (w[kp] - w[0]) * rz;
    const real tyzk = n.kyz_z * ((v[kp] - v[0]) * czp + (w[kp] - w[kp + jm]) * cy);
    const real txyi = n.kxy_x * ((u[1] - u[jm + 1]) * cy + (v[1] - v[0]) * cxp);
    const real fv = sym * rym - sy * ry + tyz * cz - tyzk * czp + txy * cx - txyi * cxp;

    const real szm = n.cxz_z * (u[km + 1] - u[km]) * rx + n.cyz_z * (v[km + jp] - v[km]) * ry
                   + n.czz_z * (w[0] - w[km]) * rzm;
    const real sz = n.cxz * (u[1] - u[0]) * rx + n.cyz * (v[jp] - v[0]) * ry + n.czz * (w[kp] - w[0]) * rz;
    const real txzi = n.kxz_x * ((u[1] - u[km + 1]) * cz + (w[1] - w[0]) * cxp);
    const real tyzj = n.kyz_y * ((v[jp] - v[km + jp]) * cz + (w[jp] - w[0]) * cyp);
    const real fw = szm * rzm - sz * rz + txz * cx - txzi * cxp + tyz * cy - tyzj * cyp;

    out[o] = mirror_x && i == 0 ? 0 : c * out[o] + s * fu;
    out[o + FIELD] = mirror_y && j == 0 ? 0 : c * out[o + FIELD] + s * fv;
    out[o + 2 * FIELD] = c * out[o + 2 * FIELD] + s * fw;
}

KERNEL elastic_apply(real *__restrict__ out, const real *__restrict__ x, real c, real s,
                     const real *__restrict__ C, const real *__restrict__ K,
                     const real *__restrict__ rdx, const real *__restrict__ rcx, const real *__restrict__ rdy,
                     const real *__restrict__ rcy, const real *__restrict__ rdz, const real *__restrict__ rcz,
                     bool mirror_x, bool mirror_y, int nx, int ny, int nz)
{
    EACH_Y(j, 0, ny + 1) EACH_Z(k, 0, nz + 1) EACH_X(i, 0, nx + 1) {
        const long long o = AT(0, k, j, i + 1);
        const int jm = j > 0 ? -ROW : 0, jp = j < ny ? ROW : 0;
        const long long km = k > 0 ? -PLANE : 0, kp = k < nz ? PLANE : 0;
        const real *cxx = C + o, *cyy = cxx + FIELD, *czz = cyy + FIELD;
        const real *cyz = czz + FIELD, *cxz = cyz + FIELD, *cxy = cxz + FIELD;
        const real *kyz = K + o, *kxz = kyz + FIELD, *kxy = kxz + FIELD;
        const Near n = {cxx[0], cyy[0], czz[0], cyz[0], cxz[0], cxy[0],
                        cxx[-1], cxz[-1], cxy[-1], cxy[jm], cyy[jm], cyz[jm], cxz[km], cyz[km], czz[km],
                        kyz[0], kxz[0], kxy[0], kyz[kp], kxz[kp], kyz[jp], kxy[jp], kxz[1], kxy[1]};
        force(out, o, x, c, s, n, rdx, rcx, rdy, rcy, rdz, rcz, mirror_x, mirror_y, k, j, i, nx, ny, nz);
    }
}

KERNEL media_apply(real *__restrict__ out, const real *__restrict__ x, real c, real s,
                   const uint16 *__restrict__ ids, const real *__restrict__ cell, const real *__restrict__ soft,
                   const real *__restrict__ dx, const real *__restrict__ dy, const real *__restrict__ dz,
                   const real *__restrict__ rdx, const real *__restrict__ rcx, const real *__restrict__ rdy,
                   const real *__restrict__ rcy, const real *__restrict__ rdz, const real *__restrict__ rcz,
                   bool mirror_x, bool mirror_y, int nx, int ny, int nz, int cell_dim1, int soft_dim1)
{
    EACH_Y(j, 0, ny + 1) EACH_Z(k, 0, nz + 1) EACH_X(i, 0, nx + 1) {
        Near n;
        int m = MEDIUM(k + 1, j + 1, i + 1);
        real volume = dy[j + 1] * dz[k + 1] * dx[i + 1];
        n.cxx = CELL(0, m) * volume, n.cyy = CELL(1, m) * volume, n.czz = CELL(2, m) * volume;
        n.cyz = CELL(3, m) * volume, n.cxz = CELL(4, m) * volume, n.cxy = CELL(5, m) * volume;
        m = MEDIUM(k + 1, j + 1, i), volume = dy[j + 1] * dz[k + 1] * dx[i];
        n.cxx_x = CELL(0, m) * volume, n.cxz_x = CELL(4, m) * volume, n.cxy_x = CELL(5, m) * volume;
        m = MEDIUM(k + 1, j, i + 1), volume = dy[j] * dz[k + 1] * dx[i + 1];
        n.cxy_y = CELL(5, m) * volume, n.cyy_y = CELL(1, m) * volume, n.cyz_y = CELL(3, m) * volume;
        m = MEDIUM(k, j + 1, i + 1), volume = dy[j + 1] * dz[k] * dx[i + 1];
        n.cxz_z = CELL(4, m) * volume, n.cyz_z = CELL(3, m) * volume, n.czz_z = CELL(2, m) * volume;
        n.kyz = EDGE_X(k, j, i + 1), n.kxz = EDGE_Y(k, j, i + 1), n.kxy = EDGE_Z(k, j, i + 1);
        n.kyz_z = k < nz ? EDGE_X(k + 1, j, i + 1) : 0, n.kxz_z = k < nz ? EDGE_Y(k + 1, j, i + 1) : 0;
        n.kyz_y = j < ny ? EDGE_X(k, j + 1, i + 1) : 0, n.kxy_y = j < ny ? EDGE_Z(k, j + 1, i + 1) : 0;
        n.kxz_x = i < nx ? EDGE_Y(k, j, i + 2) : 0, n.kxy_x = i < nx ? EDGE_Z(k, j, i + 2) : 0;
        const long long o = AT(0, k, j, i + 1);
        force(out, o, x, c, s, n, rdx, rcx, rdy, rcy, rdz, rcz, mirror_x, mirror_y, k, j, i, nx, ny, nz);
    }
}

KERNEL media_diagonal(real *__restrict__ diagonal, const uint16 *__restrict__ ids, const real *__restrict__ cell,
                      const real *__restrict__ soft, const real *__restrict__ dx, const real *__restrict__ dy,
                      const real *__restrict__ dz, const real *__restrict__ rdx, const real *__restrict__ rcx,
                      const real *__restrict__ rdy, const real *__restrict__ rcy, const real *__restrict__ rdz,
                      const real *__restrict__ rcz, int nx, int ny, int nz, int cell_dim1, int soft_dim1)
{
    EACH_Y(j, 0, ny + 1) EACH_Z(k, 0, nz + 1) EACH_X(i, 1, nx + 2) {
        const real rym = rdy[j], ry = rdy[j + 1], cy = rcy[j + 1], cyp = rcy[j + 2];
        const real rzm = rdz[k], rz = rdz[k + 1], cz = rcz[k + 1], czp = rcz[k + 2];
        const int m = MEDIUM(k + 1, j + 1, i);
        const real volume = dx[i] * dy[j + 1] * dz[k + 1];
        const real yz = EDGE_X(k, j, i), xz = EDGE_Y(k, j, i), xy = EDGE_Z(k, j, i);
        const real yzk = k < nz ? EDGE_X(k + 1, j, i) : 0;
        const real xzk = k < nz ? EDGE_Y(k + 1, j, i) : 0;
        const real yzj = j < ny ? EDGE_X(k, j + 1, i) : 0;
        const real xyj = j < ny ? EDGE_Z(k, j + 1, i) : 0;
        const real xzi = EDGE_Y(k, j, i + 1), xyi = EDGE_Z(k, j, i + 1);
        diagonal[AT(0, k, j, i)] +=
            CELL(0, MEDIUM(k + 1, j + 1, i - 1)) * dx[i - 1] * dy[j + 1] * dz[k + 1] * rdx[i - 1] * rdx[i - 1]
            + CELL(0, m) * volume * rdx[i] * rdx[i] + xz * cz * cz + xzk * czp * czp + xy * cy * cy + xyj * cyp * cyp;
        diagonal[AT(1, k, j, i)] +=
            CELL(1, MEDIUM(k + 1, j, i)) * dx[i] * dy[j] * dz[k + 1] * rym * rym
            + CELL(1, m) * volume * ry * ry + yz * cz * cz + yzk * czp * czp
            + xy * rcx[i] * rcx[i] + xyi * rcx[i + 1] * rcx[i + 1];
        diagonal[AT(2, k, j, i)] +=
            CELL(2, MEDIUM(k, j + 1, i)) * dx[i] * dy[j + 1] * dz[k] * rzm * rzm
            + CELL(2, m) * volume * rz * rz + xz * rcx[i] * rcx[i] + xzi * rcx[i + 1] * rcx[i + 1]
            + yz * cy * cy + yzj * cyp * cyp;
    }
}

KERNEL elastic_diagonal(real *__restrict__ diagonal, const real *__restrict__ C, const real *__restrict__ K,
                        const real *__restrict__ rdx, const real *__restrict__ rcx, const real *__restrict__ rdy,
                        const real *__restrict__ rcy, const real *__restrict__ rdz, const real *__restrict__ rcz,
                        int nx, int ny, int nz)
{
    EACH_Y(j, 0, ny + 1) EACH_Z(k, 0, nz + 1) EACH_X(i, 1, nx + 2) {
        const int jm = max(j - 1, 0), jp = min(j + 1, ny);
        const real rym = rdy[j], ry = rdy[j + 1], cy = rcy[j + 1], cyp = rcy[j + 2];
        const int km = max(k - 1, 0), kp = min(k + 1, nz);
        const real rzm = rdz[k], rz = rdz[k + 1], cz = rcz[k + 1], czp = rcz[k + 2];
        diagonal[AT(0, k, j, i)] +=
            C[AT(0, k, j, i - 1)] * rdx[i - 1] * rdx[i - 1] + C[AT(0, k, j, i)] * rdx[i] * rdx[i]
            + K[AT(1, k, j, i)] * cz * cz + K[AT(1, kp, j, i)] * czp * czp
            + K[AT(2, k, j, i)] * cy * cy + K[AT(2, k, jp, i)] * cyp * cyp;
        diagonal[AT(1, k, j, i)] +=
            C[AT(1, k, jm, i)] * rym * rym + C[AT(1, k, j, i)] * ry * ry
            + K[AT(0, k, j, i)] * cz * cz + K[AT(0, kp, j, i)] * czp * czp
            + K[AT(2, k, j, i)] * rcx[i] * rcx[i] + K[AT(2, k, j, i + 1)] * rcx[i + 1] * rcx[i + 1];
        diagonal[AT(2, k, j, i)] +=
            C[AT(2, km, j, i)] * rzm * rzm + C[AT(2, k, j, i)] * rz * rz
            + K[AT(1, k, j, i)] * rcx[i] * rcx[i] + K[AT(1, k, j, i + 1)] * rcx[i + 1] * rcx[i + 1]
            + K[AT(0, k, j, i)] * cy * cy + K[AT(0, k, jp, i)] * cyp * cyp;
    }
}

// One step of the factorisation of three z lines, off = the entries below the diagonal
static __device__ void line_pivots(real *inverse, real *__restrict__ lower, const real *diagonal, const real *off,
                                   int k, int j, int i, int nx, int ny, int nz)
{
    for (int a = 0; a < 3; ++a) {
        const real full = diagonal[AT(a, k, j, i)];
        const real l = k > 0 ? off[a] * inverse[AT(a, k - 1, j, i)] : 0;
        const real d = full - l * off[a];
        lower[AT(a, k, j, i)] = l;
        inverse[AT(a, k, j, i)] = d > full * real(TINY) ? 1 / d : full > 0 ? real(HELD) / full : 0;
    }
}

KERNEL media_lines(real *inverse, real *__restrict__ lower, const real *diagonal, const uint16 *__restrict__ ids,
                   const real *__restrict__ cell, const real *__restrict__ soft, const real *__restrict__ dx,
                   const real *__restrict__ dy, const real *__restrict__ dz, const real *__restrict__ rdz,
                   const real *__restrict__ rcz, int nx, int ny, int nz, int cell_dim1, int soft_dim1)
{
    ONE_Z;
    EACH_Y(j, 0, ny + 1) EACH_X(i, 1, nx + 2) {
        for (int k = 0; k < nz + 1; ++k) {
            const real rzm = rdz[k], cz = rcz[k + 1];
            const real off[] = {
                lower[AT(0, k, j, i)] - EDGE_Y(k, j, i) * cz * cz, lower[AT(1, k, j, i)] - EDGE_X(k, j, i) * cz * cz,
                lower[AT(2, k, j, i)] - CELL(2, MEDIUM(k, j + 1, i)) * dx[i] * dy[j + 1] * dz[k] * rzm * rzm};
            line_pivots(inverse, lower, diagonal, off, k, j, i, nx, ny, nz);
        }
    }
}

KERNEL elastic_lines(real *__restrict__ inverse, real *__restrict__ lower, const double *__restrict__ diagonal,
                     const double *__restrict__ beside, const double *__restrict__ C, const double *__restrict__ K,
                     const double *__restrict__ rdz, const double *__restrict__ rcz, int nx, int ny, int nz)
{
    EACH_Y(j, 0, ny + 1) EACH_Z(a, 0, 3) EACH_X(i, 1, nx + 2) {
        double above = 0;
        for (int k = 0; k < nz + 1; ++k) {
            const double scale = a == 2 ? rdz[k] * rdz[k] : rcz[k + 1] * rcz[k + 1];
            const double stiff = a == 2 ? C[AT(2, max(k - 1, 0), j, i)] : K[AT(1 - a, k, j, i)];
            const double full = diagonal[AT(a, k, j, i)];
            const double off = beside[AT(a, k, j, i)] - stiff * scale;
            const double l = off * above;
            const double d = full - l * off;
            above = d > full * TINY ? 1 / d : full > 0 ? HELD / full : 0;
            lower[AT(a, k, j, i)] = l;
            inverse[AT(a, k, j, i)] = above;
        }
    }
}

KERNEL elastic_lines_step(real *__restrict__ x, real *__restrict__ p, real *__restrict__ y,
                          const real *__restrict__ r, const real *__restrict__ inverse,
                          const real *__restrict__ lower, real keep, real a, real b, int nx, int ny, int nz)
{
    EACH_Y(j, 0, ny + 1) EACH_Z(d, 0, 3) EACH_X(i, 0, nx + 3) {
        real t = 0;
        for (int k = 0; k < nz + 1; ++k) {
            t = k > 0 ? r[AT(d, k, j, i)] - lower[AT(d, k, j, i)] * t : r[AT(d, k, j, i)];
            y[AT(d, k, j, i)] = t;
        }
        for (int k = nz; k >= 0; --k) {
            const real f = y[AT(d, k, j, i)] * inverse[AT(d, k, j, i)];
            t = k < nz ? f - lower[AT(d, k + 1, j, i)] * t : f;
            y[AT(d, k, j, i)] = t;
            const real step = a * p[AT(d, k, j, i)] + b * t;
            p[AT(d, k, j, i)] = step;
            x[AT(d, k, j, i)] = keep * x[AT(d, k, j, i)] + step;
        }
    }
}
