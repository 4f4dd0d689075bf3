#include "elastic.cuh"

// A thread walks upwards in z over its part of the levels, so that quantities between two levels
// are computed once.
// The CPU computes every stress once, in rows that the next row and level read (elastic_rows.py);
// here threads share nothing, and each computes those of its neighbours again.

// Displacements of a level around faces (j, i); xp, yp: next one in x, y; xm, ym: previous one
struct Faces {
    real u, uxp, v, vyp, w, wxm, wxp, wym, wyp;
};

// Shear on edges: K_xz or its stress at i and i + 1, K_yz at j and j + 1
struct Shear {
    real xz, xzp, yz, yzp;
};

// Coefficients of a level: cell (j, i), previous cells in x and y, K_xy at (j, i), j + 1 and i + 1
struct Near {
    real cxx, cyy, czz, cyz, cxz, cxy;
    real cxx_x, cxz_x, cxy_x, cxy_y, cyy_y, cyz_y;
    real kxy, kxy_y, kxy_x;
};

// Spacings around column (j, i)
struct Plane {
    real rxm, rx, cx, cxp, rym, ry, cy, cyp;
};

static __device__ inline Plane plane(const real *__restrict__ rdx, const real *__restrict__ rcx,
                                     const real *__restrict__ rdy, const real *__restrict__ rcy,
                                     int j, int i)
{
    return {rdx[i], rdx[i + 1], rcx[i + 1], rcx[i + 2], rdy[j], rdy[j + 1], rcy[j + 1], rcy[j + 2]};
}

static __device__ inline Faces faces(const real *__restrict__ u, long long field, int jm, int jp)
{
    const real *v = u + field, *w = v + field;
    return {u[0], u[1], v[0], v[jp], w[0], w[-1], w[1], w[jm], w[jp]};
}

// Shear stress on the edges between levels `low` and `high`
static __device__ inline Shear shear(const Faces &low, const Faces &high, const Shear &k,
                                     const Plane &p, real cz)
{
    return {k.xz * ((high.u - low.u) * cz + (high.w - high.wxm) * p.cx),
            k.xzp * ((high.uxp - low.uxp) * cz + (high.wxp - high.w) * p.cxp),
            k.yz * ((high.v - low.v) * cz + (high.w - high.wym) * p.cy),
            k.yzp * ((high.vyp - low.vyp) * cz + (high.wyp - high.w) * p.cyp)};
}

// out = c out + s A x at the faces that x and out point to; t, tp: shear stress below and above;
// szm, sz: normal stress below and above
static __device__ inline void force(real *out, const real *__restrict__ u, real c, real s,
                                    const Near &n, const Plane &p, const Faces &x, const Faces &xp,
                                    const Shear &t, const Shear &tp, real szm, real sz, real rzm,
                                    real rz, real cz, real czp, long long field, int jm, int jp,
                                    bool hold_u, bool hold_v)
{
    const real *v = u + field;
    const real um = u[-1], ujm = u[jm], ujmp = u[jm + 1], ujp = u[jp];
    const real vm = v[-1], vjpm = v[jp - 1], vjm = v[jm], vp = v[1];
    const real exx = (x.uxp - x.u) * p.rx, eyy = (x.vyp - x.v) * p.ry, ezz = (xp.w - x.w) * rz;
    const real gu = (x.u - ujm) * p.cy, gv = (x.v - vm) * p.cx;
    const real txy = n.kxy * (gu + gv);
    const real txyj = n.kxy_y * ((ujp - x.u) * p.cyp + (x.vyp - vjpm) * p.cx);
    const real txyi = n.kxy_x * ((x.uxp - ujmp) * p.cy + (vp - x.v) * p.cxp);

    const real sxm = n.cxx_x * (x.u - um) * p.rxm + n.cxy_x * (vjpm - vm) * p.ry
                     + n.cxz_x * (xp.wxm - x.wxm) * rz;
    const real sx = n.cxx * exx + n.cxy * eyy + n.cxz * ezz;
    const real fu = sxm * p.rxm - sx * p.rx + t.xz * cz - tp.xz * czp + txy * p.cy - txyj * p.cyp;

    const real sym = n.cxy_y * (ujmp - ujm) * p.rx + n.cyy_y * (x.v - vjm) * p.rym
                     + n.cyz_y * (xp.wym - x.wym) * rz;
    const real sy = n.cxy * exx + n.cyy * eyy + n.cyz * ezz;
    const real fv = sym * p.rym - sy * p.ry + t.yz * cz - tp.yz * czp + txy * p.cx - txyi * p.cxp;

    const real fw = szm * rzm - sz * rz + t.xz * p.cx - t.xzp * p.cxp + t.yz * p.cy - t.yzp * p.cyp;

    real *ov = out + field, *ow = ov + field;
    if (c != 0) {
        *out = hold_u ? 0 : c * *out + s * fu;
        *ov = hold_v ? 0 : c * *ov + s * fv;
        *ow = c * *ow + s * fw;
    } else {
        *out = hold_u ? 0 : s * fu;
        *ov = hold_v ? 0 : s * fv;
        *ow = s * fw;
    }
}

// Zero the columns before the first face and after the last one
static __device__ inline void clear_borders(real *out, int i, int j, int nx, int ny, int nz)
{
    if (i != 0 && i != nx) return;
    for (int d = 0; d < 3; ++d) {
#pragma unroll 1
        for (int k = PART_BEGIN(nz + 1); k < PART_END(nz + 1); ++k) {
            if (i == 0) out[AT(d, k, j, 0)] = 0;
            if (i == nx) out[AT(d, k, j, nx + 2)] = 0;
        }
    }
}

KERNEL __launch_bounds__(128, 4)
elastic_apply(real *__restrict__ out, const real *__restrict__ x, real c, real s,
              const real *__restrict__ C, const real *__restrict__ K, const int *__restrict__ row,
              const real *__restrict__ rdx, const real *__restrict__ rcx,
              const real *__restrict__ rdy, const real *__restrict__ rcy,
              const real *__restrict__ rdz, const real *__restrict__ rcz, bool mirror_x,
              bool mirror_y, int nx, int ny, int nz, int C_dim2)
{
    const long long field = FIELD, level = (long long)C_dim2 * ROW, table = (nz + 1) * level;
    EACH_Y(j, 0, ny + 1) EACH_X(i, 0, nx + 1) {
        const int jm = j > 0 ? -ROW : 0, jp = j < ny ? ROW : 0;
        const long long mm = j > 0 ? (row[j - 1] - row[j]) * (long long)ROW : 0;
        const long long mp = j < ny ? (row[j + 1] - row[j]) * (long long)ROW : 0;
        const Plane p = plane(rdx, rcx, rdy, rcy, j, i);
        if (c == 0) clear_borders(out, i, j, nx, ny, nz);
        long long o = AT(0, PART_FIRST(nz + 1), j, i + 1);
        long long e = PART_FIRST(nz + 1) * level + row[j] * (long long)ROW + i + 1;
        Faces here = faces(x + o, field, jm, jp);
        Shear t = {};
        real szm = 0;
        EACH_LEVEL(k, nz + 1) {
            const long long kp = k < nz ? PLANE : 0, kpe = k < nz ? level : 0;
            const real rzm = rdz[k], rz = rdz[k + 1], cz = rcz[k + 1], czp = rcz[k + 2];
            const real *cxx = C + e, *cyy = cxx + table, *czz = cyy + table;
            const real *cyz = czz + table, *cxz = cyz + table, *cxy = cxz + table;
            const real *kyz = K + e, *kxz = kyz + table, *kxy = kxz + table;
            const Faces above = faces(x + o + kp, field, jm, jp);
            const Shear kz = {kxz[kpe], kxz[kpe + 1], kyz[kpe], kyz[kpe + mp]};
            const Near n = {cxx[0],  cyy[0],  czz[0],  cyz[0],  cxz[0], cxy[0],  cxx[-1], cxz[-1],
                            cxy[-1], cxy[mm], cyy[mm], cyz[mm], kxy[0], kxy[mp], kxy[1]};
            const Shear tp = shear(here, above, kz, p, czp);
            const real sz = n.cxz * (here.uxp - here.u) * p.rx + n.cyz * (here.vyp - here.v) * p.ry
                            + n.czz * (above.w - here.w) * rz;
            if (IN_PART(k, nz + 1)) {
                force(out + o, x + o, c, s, n, p, here, above, t, tp, szm, sz, rzm, rz, cz, czp,
                      field, jm, jp, mirror_x && i == 0, mirror_y && j == 0);
            }
            here = above, t = tp, szm = sz;
            o += kp, e += kpe;
        }
    }
}

// Row m of `law`: normal stiffness and 1/G of medium m
struct alignas(16) Law {
    real cxx, cyy, czz, cyz, cxz, cxy, yz, xz, xy, unused[3];
};

// 1/G of a level times widths: G_yz over j - 1, j and j, j + 1; G_xz over i - 1, i and i, i + 1
struct Soft {
    real y, yp, x, xp;
};

// Rearranges the twin's sums so that K and volumes are not needed. With the widths lx, lz of an
// edge's cross section (twice the distances between centres), r = 1 / sum (area / G) and
// q = r (lx du + lz dw), the shear stress there pulls at u with length lx q and at w with length
// lz q; a cell's stress S pulls with the area of its face.
KERNEL __launch_bounds__(128, 4)
media_apply(real *__restrict__ out, const real *__restrict__ x, real c, real s,
            const uint16 *__restrict__ ids, const real *__restrict__ law,
            const real *__restrict__ dx, const real *__restrict__ dy, const real *__restrict__ dz,
            const real *__restrict__ hz, const real *__restrict__ rdx, const real *__restrict__ rcx,
            const real *__restrict__ rdy, const real *__restrict__ rcy,
            const real *__restrict__ rdz, const real *__restrict__ rcz, bool mirror_x,
            bool mirror_y, int nx, int ny, int nz)
{
    const Law *laws = reinterpret_cast<const Law *>(law);
    const real *u = x, *v = u + FIELD, *w = v + FIELD;
    real *ou = out, *ov = ou + FIELD, *ow = ov + FIELD;
    const int level = (ny + 1) * ROW, layer = (ny + 2) * ROW;
    EACH_Y(j, 0, ny + 1) EACH_X(i, 0, nx + 1) {
        const int jm = j > 0 ? -ROW : 0, jp = j < ny ? ROW : 0;
        const real rxm = rdx[i], rx = rdx[i + 1], rym = rdy[j], ry = rdy[j + 1];
        const real dxm = dx[i], dx0 = dx[i + 1], dxp = dx[i + 2], lx = dxm + dx0, lxp = dx0 + dxp;
        const real dym = dy[j], dy0 = dy[j + 1], dyp = dy[min(j + 2, ny + 1)], ly = dym + dy0,
                   lyp = dy0 + dyp;
        const int first = PART_FIRST(nz + 1);
        if (c == 0) clear_borders(out, i, j, nx, ny, nz);
        int o = first * level + j * ROW + i + 1;
        int e = (first + 1) * layer + (j + 1) * ROW + i + 1;
        int m = ids[e], mx = ids[e - 1], mxp = ids[e + 1], my = ids[e - ROW], myp = ids[e + jp];
        Soft low = {dym * laws[my].yz + dy0 * laws[m].yz, dy0 * laws[m].yz + dyp * laws[myp].yz,
                    dxm * laws[mx].xz + dx0 * laws[m].xz, dx0 * laws[m].xz + dxp * laws[mxp].xz};
        real dz0 = dz[first + 1], lz = 0, Szm = 0;
        Shear q = {};
        real u0 = u[o], uxp = u[o + 1], v0 = v[o], vyp = v[o + jp];
        real w0 = w[o], wxm = w[o - 1], wym = w[o + jm];
#pragma unroll(sizeof(real) == 4 ? 2 : 1)
        EACH_LEVEL(k, nz + 1) {
            const int a = k < nz ? o + level : o;
            const real rz = rdz[k + 1], h = hz[k + 1];
            const real dzp = dz[min(k + 2, nz + 1)], lzp = dz0 + dzp;
            const int after = k + 1 < nz ? a + level : a;
            prefetch(u + after), prefetch(v + after), prefetch(w + after),
                prefetch(ids + e + (k < nz ? layer : 0));
            if (c != 0) prefetch(ou + a), prefetch(ov + a), prefetch(ow + a);
            const real uk = u[a], uxpk = u[a + 1], vk = v[a], vypk = v[a + jp];
            const real wk = w[a], wxmk = w[a - 1], wxpk = w[a + 1], wymk = w[a + jm],
                       wypk = w[a + jp];
            const int myx = ids[e - ROW - 1], myxp = ids[e - ROW + 1], mypx = ids[e + jp - 1];

            const Law n = laws[m];
            const real exx = (uxp - u0) * rx, eyy = (vyp - v0) * ry, ezz = (wk - w0) * rz;
            const real Sx = n.cxx * exx + n.cxy * eyy + n.cxz * ezz;
            const real Sy = n.cxy * exx + n.cyy * eyy + n.cyz * ezz;
            const real Sz = (h * rz) * (n.cxz * exx + n.cyz * eyy + n.czz * ezz);
            const real um = u[o - 1], ujm = u[o + jm], ujmp = u[o + jm + 1], ujp = u[o + jp];
            const real vm = v[o - 1], vjpm = v[o + jp - 1], vjm = v[o + jm], vp = v[o + 1];
            const Law left = laws[mx], front = laws[my];
            const real Sxm = left.cxx * ((u0 - um) * rxm) + left.cxy * ((vjpm - vm) * ry)
                             + left.cxz * ((wxmk - wxm) * rz);
            const real Sym = front.cxy * ((ujmp - ujm) * rx) + front.cyy * ((v0 - vjm) * rym)
                             + front.cyz * ((wymk - wym) * rz);

            const real xy = dxm * left.xy + dx0 * n.xy, xyp = dx0 * n.xy + dxp * laws[mxp].xy;
            const real xym = dxm * laws[myx].xy + dx0 * front.xy,
                       xymp = dx0 * front.xy + dxp * laws[myxp].xy;
            const real xypm = dxm * laws[mypx].xy + dx0 * laws[myp].xy;
            const real qxy = (lx * (u0 - ujm) + ly * (v0 - vm)) * inverse(dym * xym + dy0 * xy);
            const real qxyj =
                (lx * (ujp - u0) + lyp * (vyp - vjpm)) * inverse(dy0 * xy + dyp * xypm);
            const real qxyi =
                (lxp * (uxp - ujmp) + ly * (vp - v0)) * inverse(dym * xymp + dy0 * xyp);

            e += k < nz ? layer : 0;
            m = ids[e], mx = ids[e - 1], mxp = ids[e + 1], my = ids[e - ROW], myp = ids[e + jp];
            const Soft high = {
                dym * laws[my].yz + dy0 * laws[m].yz, dy0 * laws[m].yz + dyp * laws[myp].yz,
                dxm * laws[mx].xz + dx0 * laws[m].xz, dx0 * laws[m].xz + dxp * laws[mxp].xz};
            const Shear qp = {
                (lx * (uk - u0) + lzp * (wk - wxmk)) * inverse(dz0 * low.x + dzp * high.x),
                (lxp * (uxpk - uxp) + lzp * (wxpk - wk)) * inverse(dz0 * low.xp + dzp * high.xp),
                (ly * (vk - v0) + lzp * (wk - wymk)) * inverse(dz0 * low.y + dzp * high.y),
                (lyp * (vypk - vyp) + lzp * (wypk - wk)) * inverse(dz0 * low.yp + dzp * high.yp)};
            if (IN_PART(k, nz + 1)) {
                const real fu =
                    dy0 * (h * (Sxm - Sx) + lx * (q.xz - qp.xz)) + h * lx * (qxy - qxyj);
                const real fv =
                    dx0 * (h * (Sym - Sy) + ly * (q.yz - qp.yz)) + h * ly * (qxy - qxyi);
                const real fw =
                    dx0 * dy0 * (Szm - Sz) + lz * (dy0 * (q.xz - q.xzp) + dx0 * (q.yz - q.yzp));
                real bu = 0, bv = 0, bw = 0;
                if (c != 0) bu = c * ou[o], bv = c * ov[o], bw = c * ow[o];
                ou[o] = mirror_x && i == 0 ? 0 : bu + s * fu;
                ov[o] = mirror_y && j == 0 ? 0 : bv + s * fv;
                ow[o] = bw + s * fw;
            }
            u0 = uk, uxp = uxpk, v0 = vk, vyp = vypk, w0 = wk, wxm = wxmk, wym = wymk;
            q = qp, Szm = Sz, low = high, dz0 = dzp, lz = lzp;
            o = a;
        }
    }
}

KERNEL media_diagonal(real *__restrict__ diagonal, const uint16 *__restrict__ ids,
                      const real *__restrict__ cell, const real *__restrict__ soft,
                      const real *__restrict__ dx, const real *__restrict__ dy,
                      const real *__restrict__ dz, const real *__restrict__ hz,
                      const real *__restrict__ rdx, const real *__restrict__ rcx,
                      const real *__restrict__ rdy,
                      const real *__restrict__ rcy, const real *__restrict__ rdz,
                      const real *__restrict__ rcz, int nx, int ny, int nz, int cell_dim1,
                      int soft_dim1)
{
    EACH_Y(j, 0, ny + 1) EACH_Z(k, 0, nz + 1) EACH_X(i, 1, nx + 2) {
        const real rym = rdy[j], ry = rdy[j + 1], cy = rcy[j + 1], cyp = rcy[j + 2];
        const real rzm = rdz[k], rz = rdz[k + 1], cz = rcz[k + 1], czp = rcz[k + 2];
        const int m = MEDIUM(k + 1, j + 1, i);
        const real volume = dx[i] * dy[j + 1] * hz[k + 1];
        const real yz = EDGE_X(k, j, i), xz = EDGE_Y(k, j, i), xy = EDGE_Z(k, j, i);
        const real yzk = k < nz ? EDGE_X(k + 1, j, i) : 0;
        const real xzk = k < nz ? EDGE_Y(k + 1, j, i) : 0;
        const real yzj = j < ny ? EDGE_X(k, j + 1, i) : 0;
        const real xyj = j < ny ? EDGE_Z(k, j + 1, i) : 0;
        const real xzi = EDGE_Y(k, j, i + 1), xyi = EDGE_Z(k, j, i + 1);
        diagonal[AT(0, k, j, i)] += CELL(0, MEDIUM(k + 1, j + 1, i - 1)) * dx[i - 1] * dy[j + 1]
                                        * hz[k + 1] * rdx[i - 1] * rdx[i - 1]
                                    + CELL(0, m) * volume * rdx[i] * rdx[i] + xz * cz * cz
                                    + xzk * czp * czp + xy * cy * cy + xyj * cyp * cyp;
        diagonal[AT(1, k, j, i)] +=
            CELL(1, MEDIUM(k + 1, j, i)) * dx[i] * dy[j] * hz[k + 1] * rym * rym
            + CELL(1, m) * volume * ry * ry + yz * cz * cz + yzk * czp * czp
            + xy * rcx[i] * rcx[i] + xyi * rcx[i + 1] * rcx[i + 1];
        diagonal[AT(2, k, j, i)] +=
            CELL(2, MEDIUM(k, j + 1, i)) * dx[i] * dy[j + 1] * hz[k] * rzm * rzm
            + CELL(2, m) * volume * rz * rz + xz * rcx[i] * rcx[i] + xzi * rcx[i + 1] * rcx[i + 1]
            + yz * cy * cy + yzj * cyp * cyp;
    }
}

KERNEL elastic_diagonal(real *__restrict__ diagonal, const real *__restrict__ C,
                        const real *__restrict__ K, const real *__restrict__ rdx,
                        const real *__restrict__ rcx, const real *__restrict__ rdy,
                        const real *__restrict__ rcy, const real *__restrict__ rdz,
                        const real *__restrict__ rcz, int nx, int ny, int nz)
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

// One step of the factorisation of three z lines; off: the entries below the diagonal
static __device__ void line_pivots(real *inverse, real *__restrict__ lower, const real *diagonal,
                                   const real *off, int k, int j, int i, int nx, int ny, int nz)
{
    for (int a = 0; a < 3; ++a) {
        const real full = diagonal[AT(a, k, j, i)];
        const real l = k > 0 ? off[a] * inverse[AT(a, k - 1, j, i)] : 0;
        const real d = full - l * off[a];
        lower[AT(a, k, j, i)] = l;
        inverse[AT(a, k, j, i)] = d > full * real(TINY) ? 1 / d : full > 0 ? real(HELD) / full : 0;
    }
}

KERNEL media_lines(real *inverse, real *__restrict__ lower, const real *diagonal,
                   const uint16 *__restrict__ ids, const real *__restrict__ cell,
                   const real *__restrict__ soft, const real *__restrict__ dx,
                   const real *__restrict__ dy, const real *__restrict__ dz,
                   const real *__restrict__ hz, const real *__restrict__ rdz,
                   const real *__restrict__ rcz, int nx, int ny,
                   int nz, int cell_dim1, int soft_dim1)
{
    ONE_Z;
    EACH_Y(j, 0, ny + 1) EACH_X(i, 1, nx + 2) {
        for (int k = 0; k < nz + 1; ++k) {
            const real rzm = rdz[k], cz = rcz[k + 1];
            const real off[] = {lower[AT(0, k, j, i)] - EDGE_Y(k, j, i) * cz * cz,
                                lower[AT(1, k, j, i)] - EDGE_X(k, j, i) * cz * cz,
                                lower[AT(2, k, j, i)]
                                    - CELL(2, MEDIUM(k, j + 1, i)) * dx[i] * dy[j + 1] * hz[k] * rzm
                                          * rzm};
            line_pivots(inverse, lower, diagonal, off, k, j, i, nx, ny, nz);
        }
    }
}

KERNEL elastic_lines(real *__restrict__ inverse, real *__restrict__ lower,
                     const double *__restrict__ diagonal, const double *__restrict__ beside,
                     const double *__restrict__ C, const double *__restrict__ K,
                     const double *__restrict__ rdz, const double *__restrict__ rcz, int nx, int ny,
                     int nz)
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

KERNEL elastic_lines_step(real *__restrict__ x, real *__restrict__ p, const real *__restrict__ r,
                          const real *__restrict__ inverse, const real *__restrict__ lower,
                          const int *__restrict__ row, real keep, real old, real a, real b, int nx,
                          int ny, int nz, int lower_dim2)
{
    OWN(real, y);  // 2 (nz + 1) numbers: right side of back substitution, and lower
    const int level = (ny + 1) * ROW;
    EACH_Y(j, 0, ny + 1) EACH_Z(d, 0, 3) EACH_X(i, 0, nx + 3) {
        const long long table = (nz + 1LL) * lower_dim2;
        const real *rd = r + d * FIELD, *ld = lower + d * table, *fd = inverse + d * table;
        real *pd = p + d * FIELD, *xd = x + d * FIELD;
        int o = j * ROW + i, e = row[j] * ROW + i;
        real t = 0, l = 0;
#pragma unroll 4
        for (int k = 0; k < nz + 1; ++k) {
            l = ld[e];
            t = rd[o] - l * t;
            y[OWN_AT(2 * k)] = t, y[OWN_AT(2 * k + 1)] = l;
            o += level, e += lower_dim2;
        }
        t = 0, l = 0;
#pragma unroll 4
        for (int k = nz; k >= 0; --k) {
            o -= level, e -= lower_dim2;
            t = y[OWN_AT(2 * k)] * fd[e] - l * t;
            l = y[OWN_AT(2 * k + 1)];
            const real before = a != 0 || old != 0 ? pd[o] : 0;
            const real step = a * before + b * t;
            pd[o] = step;
            if (keep >= 0) xd[o] = (keep > 0 ? keep * xd[o] : 0) + (old * before + step);
        }
    }
}
