#include "elastic.cuh"

static __device__ inline int stiff(real before, real a, real b, real c, real d, real ratio)
{
    if (before < ratio * a && b < ratio * a) return 1;
    real low = min(a, b), high = max(a, b);
    if (before < ratio * low && c < ratio * low && ratio * high < low) return 2;
    low = min(low, c), high = max(high, c);
    if (before < ratio * low && d < ratio * low && ratio * high < low) return 3;
    return 0;
}

KERNEL slender_cells(uint8 *__restrict__ cells, const real *__restrict__ C,
                     const real *__restrict__ rdx, const real *__restrict__ rdy, real ratio,
                     bool mirror_x, bool mirror_y, int nx, int ny, int nz)
{
    EACH_Y(j, 0, ny) EACH_Z(k, 0, nz) EACH_X(i, 1, nx + 1) {
        const int jm = max(j - 1, 0), jp = min(j + 1, ny), jq = min(j + 2, ny), jr = min(j + 3, ny);
        const real ym = rdy[j], y = rdy[j + 1], yp = rdy[jp + 1], yq = rdy[jq + 1],
                   yr = rdy[jr + 1];
        const int ip = i + 1, iq = min(i + 2, nx + 1), ir = min(i + 3, nx + 1);
        const int along_x = stiff(
            C[AT(0, k, j, i - 1)] * rdx[i - 1] * rdx[i - 1], C[AT(0, k, j, i)] * rdx[i] * rdx[i],
            C[AT(0, k, j, ip)] * rdx[ip] * rdx[ip], C[AT(0, k, j, iq)] * rdx[iq] * rdx[iq],
            C[AT(0, k, j, ir)] * rdx[ir] * rdx[ir], ratio);
        const int along_y = stiff(C[AT(1, k, jm, i)] * ym * ym, C[AT(1, k, j, i)] * y * y,
                                  C[AT(1, k, jp, i)] * yp * yp, C[AT(1, k, jq, i)] * yq * yq,
                                  C[AT(1, k, jr, i)] * yr * yr, ratio);
        cells[AT(0, k, j, i)] = mirror_x && i == 1 ? 0 : along_x;
        cells[AT(1, k, j, i)] = mirror_y && j == 0 ? 0 : along_y;
    }
}

KERNEL slender_media(uint8 *__restrict__ cells, const uint16 *__restrict__ ids,
                     const real *__restrict__ cell, const real *__restrict__ rdx,
                     const real *__restrict__ rdy, real ratio, bool mirror_x, bool mirror_y, int nx,
                     int ny, int nz, int cell_dim1)
{
    EACH_Y(j, 0, ny) EACH_Z(k, 0, nz) EACH_X(i, 1, nx + 1) {
        const int jm = max(j - 1, 0), jp = min(j + 1, ny), jq = min(j + 2, ny), jr = min(j + 3, ny);
        const real ym = rdy[j], y = rdy[j + 1], yp = rdy[jp + 1], yq = rdy[jq + 1],
                   yr = rdy[jr + 1];
        const int ip = i + 1, iq = min(i + 2, nx + 1), ir = min(i + 3, nx + 1);
        const int along_x = stiff(CELL(0, MEDIUM(k + 1, j + 1, i - 1)) * rdx[i - 1],
                                  CELL(0, MEDIUM(k + 1, j + 1, i)) * rdx[i],
                                  CELL(0, MEDIUM(k + 1, j + 1, ip)) * rdx[ip],
                                  CELL(0, MEDIUM(k + 1, j + 1, iq)) * rdx[iq],
                                  CELL(0, MEDIUM(k + 1, j + 1, ir)) * rdx[ir], ratio);
        const int along_y =
            stiff(CELL(1, MEDIUM(k + 1, jm + 1, i)) * ym, CELL(1, MEDIUM(k + 1, j + 1, i)) * y,
                  CELL(1, MEDIUM(k + 1, jp + 1, i)) * yp, CELL(1, MEDIUM(k + 1, jq + 1, i)) * yq,
                  CELL(1, MEDIUM(k + 1, jr + 1, i)) * yr, ratio);
        cells[AT(0, k, j, i)] = mirror_x && i == 1 ? 0 : along_x;
        cells[AT(1, k, j, i)] = mirror_y && j == 0 ? 0 : along_y;
    }
}

// Mode m at face f of a row of n cells
#define MODE(n, f, m) modes[16 * (n) + 4 * (f) + (m)]

KERNEL slender_lines(real *__restrict__ diagonal, real *__restrict__ lower,
                     const long long *__restrict__ first, const uint8 *__restrict__ cells,
                     const uint8 *__restrict__ joined, const real *__restrict__ modes,
                     const real *__restrict__ free, const real *__restrict__ beside,
                     const real *__restrict__ C, const real *__restrict__ K,
                     const real *__restrict__ rdx, const real *__restrict__ rcx,
                     const real *__restrict__ rdy, const real *__restrict__ rcy,
                     const real *__restrict__ rdz, const real *__restrict__ rcz, int nx, int ny,
                     int nz, int count)
{
    EACH_X(n, 0, count) {
        const int a = (int)(first[n] / FIELD), last = cells[n];
        const long long at = first[n] % FIELD;
        const int k = (int)(at / PLANE), j = (int)(at % PLANE / ROW), i = (int)(at % ROW);
        const real cz = rcz[k + 1] * rcz[k + 1], czp = rcz[k + 2] * rcz[k + 2];
        for (int m = 0; m < last + 1; ++m) {
            real d = 0, o = 0, own = 0, hard = 0;
            for (int f = 0; f < last + 1; ++f) {
                const int y = j + a * f, x = i + (1 - a) * f;
                const real down = K[AT(1 - a, k, y, x)] * cz, up = K[AT(1 - a, k + 1, y, x)] * czp;
                real before, after, side;
                if (a == 0) {
                    before = C[AT(0, k, y, x - 1)] * rdx[x - 1] * rdx[x - 1],
                    after = C[AT(0, k, y, x)] * rdx[x] * rdx[x];
                    side = K[AT(2, k, y, x)] * rcy[y + 1] * rcy[y + 1]
                           + K[AT(2, k, y + 1, x)] * rcy[y + 2] * rcy[y + 2];
                } else {
                    before = C[AT(1, k, max(y - 1, 0), x)] * rdy[y] * rdy[y];
                    after = C[AT(1, k, y, x)] * rdy[y + 1] * rdy[y + 1];
                    side = K[AT(2, k, y, x)] * rcx[x] * rcx[x]
                           + K[AT(2, k, y, x + 1)] * rcx[x + 1] * rcx[x + 1];
                }
                const real here = MODE(last, f, m);
                const real stretch = f == last ? here : MODE(last, f + 1, m) - here;
                d += here * here * (down + up + side + free[4LL * n + f])
                     + stretch * stretch * after;
                d += f == 0 ? here * here * before : 0;
                o += here * here * (beside[4LL * n + f] - down);
                own = f == m ? down : own, hard = f == 0 ? after : hard;
                if (joined[n] < 2) {
                    lower[AT(a, k + 1, y, x)] = up;
                }
            }
            const int y = j + a * m, x = i + (1 - a) * m;
            diagonal[AT(a, k, y, x)] = d > hard * real(HELD) ? d : hard / real(HELD);
            lower[AT(a, k, y, x)] = joined[n] % 2 == 1 ? own + o : own;
        }
    }
}

KERNEL slender_media_lines(real *__restrict__ diagonal, real *__restrict__ lower,
                           const long long *__restrict__ first, const uint8 *__restrict__ cells,
                           const uint8 *__restrict__ joined, const real *__restrict__ modes,
                           const real *__restrict__ free, const real *__restrict__ beside,
                           const uint16 *__restrict__ ids, const real *__restrict__ cell,
                           const real *__restrict__ soft, const real *__restrict__ dx,
                           const real *__restrict__ dy, const real *__restrict__ dz,
                           const real *__restrict__ hz,
                           const real *__restrict__ rdx, const real *__restrict__ rcx,
                           const real *__restrict__ rdy, const real *__restrict__ rcy,
                           const real *__restrict__ rdz, const real *__restrict__ rcz, int nx,
                           int ny, int nz, int count, int cell_dim1, int soft_dim1)
{
    EACH_X(n, 0, count) {
        const int a = (int)(first[n] / FIELD), last = cells[n];
        const long long at = first[n] % FIELD;
        const int k = (int)(at / PLANE), j = (int)(at % PLANE / ROW), i = (int)(at % ROW);
        const real cz = rcz[k + 1] * rcz[k + 1], czp = rcz[k + 2] * rcz[k + 2];
        for (int m = 0; m < last + 1; ++m) {
            real d = 0, o = 0, own = 0, hard = 0;
            for (int f = 0; f < last + 1; ++f) {
                const int y = j + a * f, x = i + (1 - a) * f;
                real side = EDGE_Z(k, y, x);
                real down, up, before, after;
                if (a == 0) {
                    down = EDGE_Y(k, y, x) * cz, up = EDGE_Y(k + 1, y, x) * czp;
                    before =
                        CELL(0, MEDIUM(k + 1, y + 1, x - 1)) * rdx[x - 1] * dy[y + 1] * hz[k + 1];
                    after = CELL(0, MEDIUM(k + 1, y + 1, x)) * rdx[x] * dy[y + 1] * hz[k + 1];
                    const real back = EDGE_Z(k, y + 1, x);
                    side = side * rcy[y + 1] * rcy[y + 1] + back * rcy[y + 2] * rcy[y + 2];
                } else {
                    down = EDGE_X(k, y, x) * cz, up = EDGE_X(k + 1, y, x) * czp;
                    before = CELL(1, MEDIUM(k + 1, y, x)) * rdy[y] * dx[x] * hz[k + 1];
                    after = CELL(1, MEDIUM(k + 1, y + 1, x)) * rdy[y + 1] * dx[x] * hz[k + 1];
                    const real back = EDGE_Z(k, y, x + 1);
                    side = side * rcx[x] * rcx[x] + back * rcx[x + 1] * rcx[x + 1];
                }
                const real here = MODE(last, f, m);
                const real stretch = f == last ? here : MODE(last, f + 1, m) - here;
                d += here * here * (down + up + side + free[4LL * n + f])
                     + stretch * stretch * after;
                d += f == 0 ? here * here * before : 0;
                o += here * here * (beside[4LL * n + f] - down);
                own = f == m ? down : own, hard = f == 0 ? after : hard;
                if (joined[n] < 2) {
                    lower[AT(a, k + 1, y, x)] = up;
                }
            }
            const int y = j + a * m, x = i + (1 - a) * m;
            diagonal[AT(a, k, y, x)] = d > hard * real(HELD) ? d : hard / real(HELD);
            lower[AT(a, k, y, x)] = joined[n] % 2 == 1 ? own + o : own;
        }
    }
}

static __device__ inline void turn(real *v, long long at, int step, int last,
                                   const real *__restrict__ modes)
{
    const real a = v[at], b = v[at + step], c = last > 1 ? v[at + 2LL * step] : 0,
               d = last > 2 ? v[at + 3LL * step] : 0;
    for (int m = 0; m < last + 1; ++m) {
        v[at + (long long)m * step] = MODE(last, m, 0) * a + MODE(last, m, 1) * b
                                      + MODE(last, m, 2) * c + MODE(last, m, 3) * d;
    }
}

KERNEL slender_turn(real *__restrict__ r, real *__restrict__ x, real *__restrict__ p,
                    const long long *__restrict__ first, const uint8 *__restrict__ cells,
                    const real *__restrict__ modes, int with_x, int nx, int ny, int nz,
                    int count)
{
    EACH_X(n, 0, count) {
        const int step = first[n] < FIELD ? 1 : ROW;
        turn(r, first[n], step, cells[n], modes);
        if (with_x) turn(x, first[n], step, cells[n], modes);
        turn(p, first[n], step, cells[n], modes);
    }
}
