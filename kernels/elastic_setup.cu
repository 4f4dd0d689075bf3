#include "elastic.cuh"

KERNEL media_coefficients(real *__restrict__ C, real *__restrict__ K,
                          const uint16 *__restrict__ ids, const real *__restrict__ cell,
                          const real *__restrict__ soft, const real *__restrict__ dx,
                          const real *__restrict__ dy, const real *__restrict__ dz,
                          const real *__restrict__ hz, int first,
                          int levels, int nx, int ny, int cell_dim1, int soft_dim1)
{
    EACH_Y(j, 0, ny + 1) EACH_Z(n, 0, levels) EACH_X(i, 1, nx + 2) {
        const int k = first + n, m = MEDIUM(k + 1, j + 1, i);
        const real volume = dx[i] * (dy[j + 1] * hz[k + 1]);
        const long long field = levels * PLANE, o = n * PLANE + (long long)j * ROW + i;
        for (int a = 0; a < 6; ++a) {
            C[a * field + o] = CELL(a, m) * volume;
        }
        K[o] = EDGE_X(k, j, i), K[field + o] = EDGE_Y(k, j, i), K[2 * field + o] = EDGE_Z(k, j, i);
    }
}

// Index of a stored coefficient on the finer grid
#define FINE(a, n, j, i) \
    (((a) * (long long)fine_K_dim1 + (n)) * fine_K_dim2 + (j)) * fine_K_dim3 + (i)

KERNEL coarsen(real *__restrict__ C, real *__restrict__ K, real *__restrict__ hidden,
               const real *__restrict__ fine_C, const real *__restrict__ fine_K,
               const int *__restrict__ keepx, const int *__restrict__ keepy,
               const int *__restrict__ startx, const real *__restrict__ weightx,
               const int *__restrict__ starty, const real *__restrict__ weighty,
               const int *__restrict__ fromx, const real *__restrict__ sharex,
               const int *__restrict__ fromy, const real *__restrict__ sharey, real least,
               int first, int levels, int nx, int ny, int K_dim1, int fine_K_dim1, int fine_K_dim2,
               int fine_K_dim3, int weightx_dim0, int weighty_dim0, int sharex_dim0,
               int sharey_dim0)
{
    const int nz = K_dim1 - 1;
    EACH_Y(j, 0, ny + 1) EACH_Z(n, 0, levels) EACH_X(i, 0, nx + 1) {
        const int k = first + n;
        if (i < nx && j < ny) {
            real sum[6];
            for (int a = 0; a < 6; ++a) {
                real c = 0;
                for (int q = keepy[j]; q < keepy[j + 1]; ++q) {
                    for (int p = keepx[i]; p < keepx[i + 1]; ++p) {
                        c += fine_C[FINE(a, n, q, p + 1)];
                    }
                }
                sum[a] = c;
            }
            real xx = 0, yy = 0, zz = 0;
            for (int m = 0; m < sharey_dim0; ++m) {
                const real sy = sharey[m * ny + j];
                for (int p = keepx[i]; p < keepx[i + 1]; ++p) {
                    xx += sy * fine_C[FINE(0, n, fromy[j] + m, p + 1)];
                }
                for (int l = 0; l < sharex_dim0; ++l) {
                    zz += sy * sharex[l * nx + i]
                          * fine_C[FINE(2, n, fromy[j] + m, fromx[i] + l + 1)];
                }
            }
            for (int l = 0; l < sharex_dim0; ++l) {
                for (int q = keepy[j]; q < keepy[j + 1]; ++q) {
                    yy += sharex[l * nx + i] * fine_C[FINE(1, n, q, fromx[i] + l + 1)];
                }
            }
            if (sum[0] > 0) {
                sum[0] = max(sum[0], least * xx), sum[1] = max(sum[1], least * yy),
                sum[2] = max(sum[2], least * zz);
            } else {
                hidden[AT(0, k, j, i + 1)] = xx, hidden[AT(1, k, j, i + 1)] = yy,
                hidden[AT(2, k, j, i + 1)] = zz;
            }
            for (int a = 0; a < 6; ++a) {
                C[AT(a, k, j, i + 1)] = sum[a];
            }
        }
        real yz = 0, xz = 0, xy = 0;
        for (int m = 0; m < weighty_dim0; ++m) {
            const real wy = weighty[m * (ny + 1) + j];
            if (i < nx) {
                for (int p = keepx[i]; p < keepx[i + 1]; ++p) {
                    yz += wy * fine_K[FINE(0, n, starty[j] + m, p + 1)];
                }
            }
            for (int l = 0; l < weightx_dim0; ++l) {
                xy += wy * weightx[l * (nx + 1) + i]
                      * fine_K[FINE(2, n, starty[j] + m, startx[i] + l + 1)];
            }
        }
        if (j < ny) {
            for (int l = 0; l < weightx_dim0; ++l) {
                for (int q = keepy[j]; q < keepy[j + 1]; ++q) {
                    xz += weightx[l * (nx + 1) + i] * fine_K[FINE(1, n, q, startx[i] + l + 1)];
                }
            }
        }
        K[AT(0, k, j, i + 1)] = yz, K[AT(1, k, j, i + 1)] = xz, K[AT(2, k, j, i + 1)] = xy;
    }
}

// Solid cells
#define SOLID const uint16 *__restrict__ ids, int ny, int nx
#define THERE(k, j, i) (MEDIUM(k, j, i) != 0)

static __device__ inline bool face_x(SOLID, int k, int j, int i)
{
    return THERE(k + 1, j + 1, i - 1) || THERE(k + 1, j + 1, i);
}

static __device__ inline bool face_y(SOLID, int k, int j, int i)
{
    return THERE(k + 1, j, i) || THERE(k + 1, j + 1, i);
}

static __device__ inline bool face_z(SOLID, int k, int j, int i)
{
    return THERE(k, j + 1, i) || THERE(k + 1, j + 1, i);
}

#define FACE_X(k, j, i) face_x(ids, ny, nx, k, j, i)
#define FACE_Y(k, j, i) face_y(ids, ny, nx, k, j, i)
#define FACE_Z(k, j, i) face_z(ids, ny, nx, k, j, i)

KERNEL sort_edges(real *__restrict__ K, uint8 *__restrict__ lent, const real *__restrict__ total,
                  const uint16 *__restrict__ ids, bool mirror_x, bool mirror_y, int nx, int ny,
                  int nz)
{
    EACH_Y(j, 0, ny + 1) EACH_Z(k, 0, nz + 1) EACH_X(i, 1, nx + 2) {
        const bool both_u =
            FACE_X(k, j, i) && k > 0 && FACE_X(k - 1, j, i) && !(mirror_x && i == 1);
        const bool both_v =
            FACE_Y(k, j, i) && k > 0 && FACE_Y(k - 1, j, i) && !(mirror_y && j == 0);
        const bool w = FACE_Z(k, j, i);
        const bool own_u = w && FACE_Z(k, j, i - 1), own_v = w && j > 0 && FACE_Z(k, j - 1, i);
        const bool four = j > 0 && FACE_X(k, j, i) && FACE_X(k, j - 1, i) && FACE_Y(k, j, i)
                          && FACE_Y(k, j, i - 1);
        const real yz = total[AT(0, k, j, i)], xz = total[AT(1, k, j, i)],
                   xy = total[AT(2, k, j, i)];
        K[AT(0, k, j, i)] = both_v && own_v ? yz : 0;
        K[AT(1, k, j, i)] = both_u && own_u ? xz : 0;
        K[AT(2, k, j, i)] = four ? xy : 0;
        lent[AT(0, k, j, i)] = both_u && !own_u && xz > 0;
        lent[AT(1, k, j, i)] = both_v && !own_v && yz > 0;
    }
}

static __device__ inline bool pair(SOLID, int k, int j, int i)
{
    return THERE(k, j + 1, i) && THERE(k + 1, j + 1, i);
}

KERNEL lateral_edges(uint8 *__restrict__ found, const uint16 *__restrict__ ids, bool mirror_x,
                     bool mirror_y, int nx, int ny, int nz)
{
    EACH_Y(j, 0, ny + 1) EACH_Z(k, 0, nz + 1) EACH_X(i, 1, nx + 2) {
        const bool here = pair(ids, ny, nx, k, j, i);
        found[AT(0, k, j, i)] = here != pair(ids, ny, nx, k, j, i - 1) && !(mirror_x && i == 1);
        found[AT(1, k, j, i)] = here != pair(ids, ny, nx, k, j - 1, i) && !(mirror_y && j == 0);
    }
}

static __device__ inline bool tilt(SOLID, int k, int j, int i, int face, bool mirror)
{
    const bool before =
        THERE(k, j + 1 - face, i - 1 + face) || THERE(k + 1, j + 1 - face, i - 1 + face);
    return FACE_Z(k, j, i) && (before || (mirror && (face == 0 ? i == 1 : j == 0)));
}

KERNEL nearest_tilt(int *__restrict__ level, int *__restrict__ plane, const int *__restrict__ k,
                    const int *__restrict__ j, const int *__restrict__ i,
                    const uint16 *__restrict__ ids, int face, bool mirror, int nx, int ny, int nz,
                    int count)
{
    EACH_X(n, 0, count) {
        const int z = k[n], y = j[n], x = i[n];
        const bool right = FACE_Z(z, y, x);
        const bool left =
            THERE(z, y + 1 - face, x - 1 + face) || THERE(z + 1, y + 1 - face, x - 1 + face);
        const int step = left == right ? 0 : left ? -1 : 1;
        const int dy = step * face, dx = step * (1 - face);
        int from = -1, in = -1;
        for (int far = 0; from < 0 && far <= nz && (left || right); ++far) {
            for (int side = 0; side < 2; ++side) {
                const int at = side == 0 ? z - far : z + far;
                if (from < 0 && at >= 0 && at <= nz) {
                    if (tilt(ids, ny, nx, at, y, x, face, mirror)) {
                        from = at, in = face == 0 ? x - 1 : y;
                    } else if (tilt(ids, ny, nx, at, y + dy, x + dx, face, mirror)) {
                        from = at, in = face == 0 ? x + dx - 1 : y + dy;
                    }
                }
            }
        }
        level[n] = from, plane[n] = in;
    }
}

static __device__ inline uint8 beside_w(SOLID, int k, int j, int i)
{
    if (FACE_Z(k, j, i)) return 0;
    if (FACE_Z(k, j - 1, i) || FACE_Z(k, j + 1, i) || FACE_Z(k, j, i - 1) || FACE_Z(k, j, i + 1))
        return 1;
    const int jm = max(j - 2, -1), jp = min(j + 2, ny), im = max(i - 2, 0), ip = min(i + 2, nx + 1);
    if (FACE_Z(k, jm, i) || FACE_Z(k, jp, i) || FACE_Z(k, j, im) || FACE_Z(k, j, ip)) return 2;
    if (FACE_Z(k, j - 1, i - 1) || FACE_Z(k, j - 1, i + 1) || FACE_Z(k, j + 1, i - 1)
        || FACE_Z(k, j + 1, i + 1))
        return 2;
    return 3;
}

KERNEL ghost_places(uint8 *__restrict__ turn, const uint16 *__restrict__ ids, bool mirror_x,
                    bool mirror_y, int nx, int ny, int nz)
{
    EACH_Y(j, 0, ny + 1) EACH_Z(k, 0, nz + 1) EACH_X(i, 0, nx + 3) {
        uint8 u = 3, v = 3, w = 3;
        if (j < ny) {
            if (i >= (mirror_x ? 2 : 1) && i < nx + 2) {
                u = FACE_X(k, j, i) ? 0 : FACE_X(k, j - 1, i) || FACE_X(k, j + 1, i) ? 1 : 3;
            }
            if (i >= 1 && i < nx + 1) w = beside_w(ids, ny, nx, k, j, i);
        }
        if ((j > 0 || !mirror_y) && i >= 1 && i < nx + 1) {
            v = FACE_Y(k, j, i) ? 0 : FACE_Y(k, j, i - 1) || FACE_Y(k, j, i + 1) ? 1 : 3;
        }
        turn[AT(0, k, j, i)] = u, turn[AT(1, k, j, i)] = v, turn[AT(2, k, j, i)] = w;
    }
}

#define TURN const uint8 *__restrict__ turn, int nx, int ny, int nz

static __device__ inline int stencil(TURN, int k, int j, int i, bool along_x, bool along_y)
{
    const uint8 *at = turn + AT(0, k, j, i), now = *at;
    if (now == 0) return 0;
    if (now == 3) return -1;
    int code = 0;
    if (along_x && at[-1] < now) code += i > 1 && at[-2] < now ? 3 : 1;
    if (along_x && at[1] < now) code += at[2] < now ? 12 : 4;
    if (along_y && j > 0 && at[-ROW] < now) code += j > 1 && at[-2 * ROW] < now ? 48 : 16;
    if (along_y && j < ny && at[ROW] < now) code += j + 2 <= ny && at[2 * ROW] < now ? 192 : 64;
    return code;
}

static __device__ inline bool repeated(int code)
{
    return code == 1 || code == 4 || code == 16 || code == 64;
}

static __device__ inline bool mixed(int p, int q)
{
    return p != q || p == 0;
}

#define STENCIL(a, k, j, i) stencil(turn + (a) * FIELD, nx, ny, nz, k, j, i, (a) != 0, (a) != 1)

KERNEL overhangs(uint8 *__restrict__ found, const uint8 *__restrict__ turn,
                 const uint16 *__restrict__ ids, const real *__restrict__ hidden,
                 const real *__restrict__ total, int nx, int ny, int nz)
{
    EACH_Y(j, 0, ny) EACH_Z(k, 0, nz) EACH_X(i, 1, nx + 1) {
        const int u = STENCIL(0, k, j, i), v = STENCIL(1, k, j, i);
        if (MEDIUM(k + 1, j + 1, i) == 0 && hidden[AT(2, k, j, i)] > 0) {
            const int w = STENCIL(2, k, j, i);
            found[AT(0, k, j, i)] = hidden[AT(0, k, j, i)] > 0 && mixed(u, STENCIL(0, k, j, i + 1));
            found[AT(1, k, j, i)] = hidden[AT(1, k, j, i)] > 0 && mixed(v, STENCIL(1, k, j + 1, i));
            found[AT(2, k, j, i)] = mixed(w, STENCIL(2, k + 1, j, i));
        }
        if (j > 0 && i > 1 && total[AT(2, k, j, i)] > 0) {
            found[AT(3, k, j, i)] = repeated(u) || repeated(v) || repeated(STENCIL(0, k, j - 1, i))
                                    || repeated(STENCIL(1, k, j, i - 1));
        }
    }
}
