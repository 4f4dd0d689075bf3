#include "elastic.cuh"

// Cells (3, nz, ny, nx); faces and edges (3, nz + 1, ny + 1, nx + 1) without padding
#define IN_CELL(a, k, j, i) ((((a) * (long long)nz + (k)) * ny + (j)) * nx + (i))
#define ON_FACE(a, k, j, i) ((((a) * (nz + 1LL) + (k)) * (ny + 1) + (j)) * (nx + 1) + (i))
#define SOLID(k, j, i) (MEDIUM(k, j, i) > 0)

#define MEETS_X(k, j, i) (SOLID(k, j, i) && SOLID(k, j + 1, i) && SOLID(k + 1, j, i) \
                          && SOLID(k + 1, j + 1, i))
#define MEETS_Y(k, j, i) (SOLID(k, j + 1, i - 1) && SOLID(k, j + 1, i) \
                          && SOLID(k + 1, j + 1, i - 1) && SOLID(k + 1, j + 1, i))
#define MEETS_Z(k, j, i) (SOLID(k + 1, j, i - 1) && SOLID(k + 1, j, i) \
                          && SOLID(k + 1, j + 1, i - 1) && SOLID(k + 1, j + 1, i))

KERNEL add_strains(real *__restrict__ cell, real *__restrict__ edge, const real *__restrict__ U,
                   const uint16 *__restrict__ ids, const real *__restrict__ rdx,
                   const real *__restrict__ rcx, const real *__restrict__ rdy,
                   const real *__restrict__ rcy, const real *__restrict__ rdz,
                   const real *__restrict__ rcz, int nx, int ny, int nz)
{
#define MOVED(a, k, j, i) U[ON_FACE(a, k, j, i)]
    EACH_Y(j, 0, ny + 1) EACH_Z(k, 0, nz + 1) EACH_X(i, 0, nx + 1) {
        if (SOLID(k + 1, j + 1, i + 1)) {
            cell[IN_CELL(0, k, j, i)] += (MOVED(0, k, j, i + 1) - MOVED(0, k, j, i)) * rdx[i + 1];
            cell[IN_CELL(1, k, j, i)] += (MOVED(1, k, j + 1, i) - MOVED(1, k, j, i)) * rdy[j + 1];
            cell[IN_CELL(2, k, j, i)] += (MOVED(2, k + 1, j, i) - MOVED(2, k, j, i)) * rdz[k + 1];
        }
        if (i < nx && MEETS_X(k, j, i + 1)) {
            edge[ON_FACE(0, k, j, i)] += (MOVED(1, k, j, i) - MOVED(1, k - 1, j, i)) * rcz[k + 1]
                                       + (MOVED(2, k, j, i) - MOVED(2, k, j - 1, i)) * rcy[j + 1];
        }
        if (j < ny && MEETS_Y(k, j, i + 1)) {
            edge[ON_FACE(1, k, j, i)] += (MOVED(0, k, j, i) - MOVED(0, k - 1, j, i)) * rcz[k + 1]
                                       + (MOVED(2, k, j, i) - MOVED(2, k, j, i - 1)) * rcx[i + 1];
        }
        if (k < nz && MEETS_Z(k, j, i + 1)) {
            edge[ON_FACE(2, k, j, i)] += (MOVED(0, k, j, i) - MOVED(0, k, j - 1, i)) * rcy[j + 1]
                                       + (MOVED(1, k, j, i) - MOVED(1, k, j, i - 1)) * rcx[i + 1];
        }
    }
}

KERNEL add_motion(real *__restrict__ U, const real *__restrict__ dU,
                  const uint16 *__restrict__ ids, int nx, int ny, int nz)
{
    EACH_Y(j, 0, ny + 1) EACH_Z(k, 0, nz + 1) EACH_X(i, 0, nx + 1) {
        const bool solid = SOLID(k + 1, j + 1, i + 1);
        for (int a = 0; a < 3; ++a) {
            const long long at = ON_FACE(a, k, j, i);
            const bool there = solid || SOLID(k + (a != 2), j + (a != 1), i + (a != 0));
            U[at] = there ? U[at] + dU[at] : 0;
        }
    }
}

KERNEL cell_stress(real *__restrict__ S, const real *__restrict__ strain,
                   const uint16 *__restrict__ ids, const real *__restrict__ cell,
                   const real *__restrict__ table, const real *__restrict__ T, real first,
                   real per_kelvin, int tk, int tj, int ti, int nx, int ny, int nz, int cell_dim1,
                   int table_dim1, int table_dim2, int T_dim1, int T_dim2)
{
    EACH_Y(j, 0, ny) EACH_Z(k, 0, nz) EACH_X(i, 0, nx) {
        const int m = MEDIUM(k + 1, j + 1, i + 1);
        if (m == 0) {
            for (int a = 0; a < 3; ++a) S[IN_CELL(a, k, j, i)] = 0;
            continue;
        }
        const real x = strain[IN_CELL(0, k, j, i)], y = strain[IN_CELL(1, k, j, i)],
                   z = strain[IN_CELL(2, k, j, i)];
        const real s[3] = {CELL(0, m) * x + CELL(5, m) * y + CELL(4, m) * z,
                           CELL(5, m) * x + CELL(1, m) * y + CELL(3, m) * z,
                           CELL(4, m) * x + CELL(3, m) * y + CELL(2, m) * z};
        const real at = (T[((long long)(k * tk) * T_dim1 + j * tj) * T_dim2 + i * ti] - first)
                      * per_kelvin;
        const int n = min(max(int(at), 0), table_dim2 - 2);
        for (int a = 0; a < 3; ++a) {
            const real *h = table + ((long long)a * table_dim1 + m) * table_dim2 + n;
            S[IN_CELL(a, k, j, i)] = s[a] - (h[0] + (at - n) * (h[1] - h[0]));
        }
    }
}

KERNEL edge_forces(real *__restrict__ t, const real *__restrict__ strain,
                   const uint16 *__restrict__ ids, const real *__restrict__ soft,
                   const real *__restrict__ dx, const real *__restrict__ dy,
                   const real *__restrict__ dz, const real *__restrict__ hz, int nx, int ny, int nz,
                   int soft_dim1)
{
    EACH_Y(j, 0, ny + 1) EACH_Z(k, 0, nz + 1) EACH_X(i, 0, nx + 1) {
        const long long x = ON_FACE(0, k, j, i), y = ON_FACE(1, k, j, i), z = ON_FACE(2, k, j, i);
        t[x] = i < nx && MEETS_X(k, j, i + 1) ? EDGE_X(k, j, i + 1) * strain[x] : 0;
        t[y] = j < ny && MEETS_Y(k, j, i + 1) ? EDGE_Y(k, j, i + 1) * strain[y] : 0;
        t[z] = k < nz && MEETS_Z(k, j, i + 1) ? EDGE_Z(k, j, i + 1) * strain[z] : 0;
    }
}

KERNEL imbalance(real *__restrict__ f, const real *__restrict__ S, const real *__restrict__ t,
                 const uint16 *__restrict__ ids, const real *__restrict__ dx,
                 const real *__restrict__ dy, const real *__restrict__ dz,
                 const real *__restrict__ hz, const real *__restrict__ rcx,
                 const real *__restrict__ rcy, const real *__restrict__ rcz, bool mirror_x,
                 bool mirror_y, int nx, int ny, int nz)
{
#define FORCE(a, k, j, i) t[ON_FACE(a, k, j, i)]
    EACH_Y(j, 0, ny + 1) EACH_Z(k, 0, nz + 1) EACH_X(i, 0, nx + 1) {
        real out[3];
        for (int a = 0; a < 3; ++a) {
            real force = 0;
            for (int side = 0; side < 2; ++side) {
                const int q = 1 - side;
                const int ck = k - q * (a == 2), cj = j - q * (a == 1), ci = i - q * (a == 0);
                if (ck < nz && cj < ny && ci < nx && SOLID(ck + 1, cj + 1, ci + 1)) {
                    force -= S[IN_CELL(a, ck, cj, ci)] * FACE_AREA(a, ck, cj, ci) * (q - side);
                }
            }
            out[a] = force;
        }
        out[0] -= FORCE(1, k, j, i) * rcz[k + 1] + FORCE(2, k, j, i) * rcy[j + 1];
        out[1] -= FORCE(0, k, j, i) * rcz[k + 1] + FORCE(2, k, j, i) * rcx[i + 1];
        out[2] -= FORCE(1, k, j, i) * rcx[i + 1] + FORCE(0, k, j, i) * rcy[j + 1];
        if (k < nz) {
            out[0] += FORCE(1, k + 1, j, i) * rcz[k + 2];
            out[1] += FORCE(0, k + 1, j, i) * rcz[k + 2];
        }
        if (j < ny) {
            out[0] += FORCE(2, k, j + 1, i) * rcy[j + 2];
            out[2] += FORCE(0, k, j + 1, i) * rcy[j + 2];
        }
        if (i < nx) {
            out[1] += FORCE(2, k, j, i + 1) * rcx[i + 2];
            out[2] += FORCE(1, k, j, i + 1) * rcx[i + 2];
        }
        if (mirror_x && i == 0) out[0] = 0;
        if (mirror_y && j == 0) out[1] = 0;
        for (int a = 0; a < 3; ++a) f[AT(a, k, j, i + 1)] = out[a];
    }
}

KERNEL shear_stress(real *__restrict__ out, const real *__restrict__ t,
                    const uint16 *__restrict__ ids, const real *__restrict__ dx,
                    const real *__restrict__ dy, const real *__restrict__ hz,
                    const real *__restrict__ cx, const real *__restrict__ cy,
                    const real *__restrict__ cz, int nx, int ny, int nz)
{
    EACH_Y(j, 0, ny) EACH_Z(k, 0, nz) EACH_X(i, 0, nx) {
        real yz = 0, xz = 0, xy = 0;
        if (SOLID(k + 1, j + 1, i + 1)) {
            for (int p = 0; p < 2; ++p) {
                for (int q = 0; q < 2; ++q) {
                    yz += FORCE(0, k + p, j + q, i) / (dx[i + 1] * cy[j + q] * cz[k + p]);
                    xz += FORCE(1, k + p, j, i + q) / (cx[i + q] * dy[j + 1] * cz[k + p]);
                    xy += FORCE(2, k, j + p, i + q) / (cx[i + q] * cy[j + p] * hz[k + 1]);
                }
            }
        }
        out[IN_CELL(0, k, j, i)] = yz / 4;
        out[IN_CELL(1, k, j, i)] = xz / 4;
        out[IN_CELL(2, k, j, i)] = xy / 4;
    }
}
