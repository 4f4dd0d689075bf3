"""An independent, assembled form of the two discrete problems, as plain as possible: what the
kernels are held against.

Elasticity: the energy

    E(U) = sum_cells V/2 e:C:e + sum_edges K/2 (g - g_free)^2 - U.f

on the staggered grid gives

    A = Bn^T (V C) Bn + Bs^T K Bs        and        f = Bn^T (V C) e_thermal + Bs^T K g_free,

with the strain matrices Bn (cell centres: xx, yy, zz) and Bs (edges: yz, xz, xy) written out entry
by entry. Displacements U (3, nz+1, ny+1, nx+1), flattened in C order: u on x-faces, v on y-faces, w
on z-faces; entries that are no face or touch no solid, and the normal displacement on a mirror
plane, have empty rows and columns.

An edge where four solid cells meet has K = V_edge times the harmonic mean of their shear moduli,
weighted by their cross sections. A vertical free face is one-sided: an xz or yz edge with two solid
cells on one side only has

    K = f G_z (width/2) (other width) (dual dz),    G_z the harmonic mean of these two cells,

and the tilt dw/dx of its own plane where w exists on both sides of it, else of the plane on the
inner side of its column (linear extrapolation of w), else the same two choices on the nearest z
level that has one (the lower of two equally near, counted in levels), else the edge is dead. On a
mirror plane the tilt is zero and the edges are dead. A tilt borrowed from a plane at the distance d
misses what a temperature gradient along z bends freely over d: g_free = d (e[k] - e[k-1])/dz where
both cells are of one medium (else zero), e the thermal strain along x or y.

Optional: the bending of each cell about its own middle, which the sum over z leaves out
(D - sum Q dz^3/12):

    sum V dz^2/24 [q:Q:q + G_xy t^2],

q, t the z-differences of (e_xx, e_yy) and g_xy towards the neighbours in z of the same medium
(their mean square where there are two), Q the plane-stress stiffness. Laminates of two or more
cells a layer are then exact.

Heat: 7-point conduction, two half cells in series per face, films in series with half a cell.
"""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

NORMAL = ((0, 5, 4), (5, 1, 3), (4, 3, 2))  # place of c_ab in (c_xx, c_yy, c_zz, c_yz, c_xz, c_xy)


def numbers(x, y, z):
    """Number the displacements: (3, nz+1, ny+1, nx+1) flat indices."""
    shape = (3, len(z), len(y), len(x))
    return np.arange(np.prod(shape)).reshape(shape)


def active(solid, mirror=(False, False)):
    """Say which displacements exist: their face touches a solid cell and is not held by a mirror
    plane.
    """
    nz, ny, nx = solid.shape
    on = np.zeros((3, nz + 1, ny + 1, nx + 1), bool)
    on[0, :nz, :ny, :nx] |= solid
    on[0, :nz, :ny, 1:] |= solid
    on[1, :nz, :ny, :nx] |= solid
    on[1, :nz, 1:, :nx] |= solid
    on[2, :nz, :ny, :nx] |= solid
    on[2, 1:, :ny, :nx] |= solid
    if mirror[0]:
        on[0, :, :, 0] = False
    if mirror[1]:
        on[1, :, 0, :] = False
    return on


def centres(x):
    """Midpoints between neighbouring lines."""
    return (x[1:] + x[:-1]) / 2


def volumes(x, y, z):
    """Cell volumes (nz, ny, nx)."""
    return np.diff(z)[:, None, None] * np.diff(y)[None, :, None] * np.diff(x)


def matrix(rows, columns):
    """Build a sparse matrix from rows given as lists of (column, value)."""
    entries = [(r, c, v) for r, row in enumerate(rows) for c, v in row]
    r, c, v = zip(*entries, strict=True) if entries else ((), (), ())
    return sparse.csr_matrix((v, (r, c)), shape=(len(rows), columns))


def normal_strain(x, y, z):
    """Bn: rows (component, k, j, i), the three normal strains of every cell."""
    n = numbers(x, y, z)
    nz, ny, nx = len(z) - 1, len(y) - 1, len(x) - 1
    u, v, w = n
    dx, dy, dz = (
        np.broadcast_to(d, (nz, ny, nx)).ravel()
        for d in np.meshgrid(np.diff(z), np.diff(y), np.diff(x), indexing="ij")[::-1]
    )
    faces = (
        (u[:nz, :ny, 1:], u[:nz, :ny, :nx], dx),
        (v[:nz, 1:, :nx], v[:nz, :ny, :nx], dy),
        (w[1:, :ny, :nx], w[:nz, :ny, :nx], dz),
    )
    blocks = []
    for plus, minus, d in faces:
        rows = np.arange(nz * ny * nx)
        at = (np.r_[rows, rows], np.r_[plus.ravel(), minus.ravel()])
        blocks.append(sparse.csr_matrix((np.r_[1 / d, -1 / d], at), shape=(len(rows), n.size)))
    return sparse.vstack(blocks).tocsr()


def normal_stiffness(x, y, z, C):
    """V C as a sparse matrix acting on the rows of Bn."""
    V = volumes(x, y, z)
    return sparse.bmat(
        [[sparse.diags((V * C[NORMAL[a][b]]).ravel()) for b in range(3)] for a in range(3)]
    ).tocsr()


def series(a, G):
    """Harmonic mean of the moduli G with weights a; zero if one is zero."""
    return sum(a) / sum(ai / Gi for ai, Gi in zip(a, G, strict=True)) if min(G) > 0 else 0.0


def tilted_edges(a, other, z, G, solid, t, w, mirrored, free_edge):
    """Collect the edges of one vertical plane (a, z): rows of Bs, their K, and their loans (k, j,
    c, d) if one-sided.

    Arrays are [k, other, a]; t the displacement numbers along a (on a-faces), w those along z;
    mirrored: the first a-plane is a mirror plane. c: the solid column, d: distance of the edge from
    the plane of its tilt.
    """
    nz, m, n = solid.shape
    da, db, dz, ac, zc = np.diff(a), np.diff(other), np.diff(z), centres(a), centres(z)

    def has_w(k, j, c):
        return (k > 0 and solid[k - 1, j, c]) or (k < nz and solid[k, j, c])

    def tilt(k, j, p):
        """Give dw/da on plane p, or None where w does not exist on both sides."""
        if p == 0 and mirrored and has_w(k, j, 0):
            return []
        if p in (0, n) or not (has_w(k, j, p - 1) and has_w(k, j, p)):
            return None
        d = ac[p] - ac[p - 1]
        return [(w[k, j, p], 1 / d), (w[k, j, p - 1], -1 / d)]

    rows, K, lent = [], [], []
    for k in range(1, nz):
        height = zc[k] - zc[k - 1]
        levels = sorted(range(nz + 1), key=lambda level, k=k: (abs(level - k), level))
        for j in range(m):
            for p in range(1 if mirrored else 0, n + 1):
                sides = [
                    c for c in (p - 1, p) if 0 <= c < n and solid[k - 1, j, c] and solid[k, j, c]
                ]
                if not sides:
                    continue
                if len(sides) == 2:
                    cells = [(r, c) for r in (k - 1, k) for c in sides]
                    stiffness = series(
                        [dz[r] * da[c] for r, c in cells], [G[r, j, c] for r, c in cells]
                    )
                    stiffness *= (ac[p] - ac[p - 1]) * db[j] * height
                    slope, loan = tilt(k, j, p), None
                else:
                    (c,) = sides
                    inner = c if c == p - 1 else c + 1
                    stiffness = (
                        free_edge
                        * series(dz[k - 1 : k + 1], G[k - 1 : k + 1, j, c])
                        * da[c]
                        / 2
                        * db[j]
                        * height
                    )
                    found = ((tilt(level, j, q), q) for level in levels for q in (p, inner))
                    slope, plane = next((s for s in found if s[0] is not None), (None, p))
                    loan = (k, j, c, a[p] - a[plane])
                if slope is not None and stiffness > 0:
                    rows.append([(t[k, j, p], 1 / height), (t[k - 1, j, p], -1 / height), *slope])
                    K.append(stiffness)
                    lent.append(loan)
    return rows, K, lent


def shear_strain(x, y, z, G, solid, mirror=(False, False), free_edge=2 / 3):
    """Bs, K and loans: one row per living edge, yz then xz then xy; loans for the first two, (yz,
    xz).
    """
    n = numbers(x, y, z)
    nz, ny, nx = solid.shape
    u, v, w = n
    turn = (0, 2, 1)  # [k, j, i] <-> [k, i, j]
    yz = tilted_edges(
        y,
        x,
        z,
        G[0].transpose(turn),
        solid.transpose(turn),
        v.transpose(turn),
        w.transpose(turn),
        mirror[1],
        free_edge,
    )
    xz = tilted_edges(x, y, z, G[1], solid, u, w, mirror[0], free_edge)
    rows, K = yz[0] + xz[0], yz[1] + xz[1]
    dx, dy, dz, xc, yc = np.diff(x), np.diff(y), np.diff(z), centres(x), centres(y)
    for k in range(nz):
        for j in range(1, ny):
            for i in range(1, nx):
                cells = [(j - 1, i - 1), (j - 1, i), (j, i - 1), (j, i)]
                mean = series(
                    [dy[q] * dx[p] for q, p in cells],
                    [G[2, k, q, p] if solid[k, q, p] else 0.0 for q, p in cells],
                )
                if mean > 0:
                    cx, cy = xc[i] - xc[i - 1], yc[j] - yc[j - 1]
                    du = [(u[k, j, i], 1 / cy), (u[k, j - 1, i], -1 / cy)]
                    dv = [(v[k, j, i], 1 / cx), (v[k, j, i - 1], -1 / cx)]
                    rows.append(du + dv)
                    K.append(mean * cx * cy * dz[k])
    return matrix(rows, n.size), np.array(K), (yz[2], xz[2])


def elastic_matrix(x, y, z, C, G, mirror=(False, False), free_edge=2 / 3, bending=False):
    """Assemble the stiffness A for stiffness C (6, nz, ny, nx) and shear moduli G (3, nz, ny, nx);
    void is zero.
    """
    solid = C[0] > 0
    Bn = normal_strain(x, y, z)
    Bs, K, _ = shear_strain(x, y, z, G, solid, mirror, free_edge)
    A = Bn.T @ normal_stiffness(x, y, z, C) @ Bn + Bs.T @ sparse.diags(K) @ Bs
    if bending:
        Bb, Q = cell_bending(x, y, z, C, G)
        A = A + Bb.T @ Q @ Bb
    on = sparse.diags(active(solid, mirror).ravel().astype(float))
    A = (on @ A @ on).tocsr()
    A.eliminate_zeros()
    return A


def thermal_load(x, y, z, C, strain, mirror=(False, False), G=None, free_edge=2 / 3, bending=False):
    """Load f of A U = f for the thermal strains (3, nz, ny, nx); the shear of borrowed tilts and
    `bending` need G.
    """
    solid = C[0] > 0
    strain = np.asarray(strain, float)
    f = normal_strain(x, y, z).T @ (normal_stiffness(x, y, z, C) @ strain.ravel())
    if G is not None:
        Bs, K, loans = shear_strain(x, y, z, G, solid, mirror, free_edge)
        yz = [free_shear(z, C, strain[1], k, c, j, d) for k, j, c, d in map(borrowed, loans[0])]
        xz = [free_shear(z, C, strain[0], k, j, c, d) for k, j, c, d in map(borrowed, loans[1])]
        f += Bs.T @ (K * np.concatenate([yz, xz, np.zeros(len(K) - len(yz) - len(xz))]))
    if bending:
        Bb, Q = cell_bending(x, y, z, C, G)
        free = np.concatenate(
            [neighbours(z, C)[0] @ strain[0].ravel(), neighbours(z, C)[0] @ strain[1].ravel()]
        )
        f += Bb.T @ (Q @ np.concatenate([free, np.zeros(Bb.shape[0] - len(free))]))
    return f * active(solid, mirror).ravel()


def borrowed(loan):
    """Read a loan, nothing for an edge with a tilt of its own."""
    return loan or (1, 0, 0, 0.0)


def free_shear(z, C, strain, k, j, i, d):
    """Shear that a tilt borrowed over the distance d leaves in a free body with a thermal gradient
    along z.
    """
    one_medium = np.array_equal(C[:, k, j, i], C[:, k - 1, j, i])
    return (
        d * (strain[k, j, i] - strain[k - 1, j, i]) / ((z[k + 1] - z[k - 1]) / 2)
        if one_medium
        else 0.0
    )


def neighbours(z, C):
    """Differences along z between cells of one medium, as a matrix over cells, and both cells'
    shares dz^2/12/count.
    """
    shape = C[0].shape
    cell = np.arange(C[0].size).reshape(shape)
    same = (C[:, 1:] == C[:, :-1]).all(0) & (C[0, 1:] > 0)
    count = np.zeros(shape)
    count[1:] += same
    count[:-1] += same
    share = np.diff(z)[:, None, None] ** 2 / 12 / np.maximum(count, 1)
    height = np.broadcast_to(np.diff(centres(z))[:, None, None], same.shape)[same]
    row = np.arange(same.sum())
    at = (np.r_[row, row], np.r_[cell[1:][same], cell[:-1][same]])
    D = sparse.csr_matrix((np.r_[1 / height, -1 / height], at), shape=(len(row), cell.size))
    return D, same, share


def cell_bending(x, y, z, C, G):
    """Bb and Q: z-differences of e_xx, of e_yy (one row per pair of cells), of g_xy (one per pair
    of inner edges).
    """
    D, same, share = neighbours(z, C)
    cells = C[0].size
    Bn = normal_strain(x, y, z)
    V = volumes(x, y, z) * share
    weight = (V[1:] + V[:-1])[same]
    c = [component[1:][same] for component in C]
    q11, q22, q12 = c[0] - c[4] ** 2 / c[2], c[1] - c[3] ** 2 / c[2], c[5] - c[3] * c[4] / c[2]
    u, v, _ = numbers(x, y, z)
    dz, xc, yc = np.diff(z), centres(x), centres(y)
    rows, K = [], []
    for k, j, i in np.ndindex(len(dz) - 1, len(yc) - 1, len(xc) - 1):
        four = (slice(j, j + 2), slice(i, i + 2))
        if same[k][four].all() and np.ptp(G[2, k][four]) == 0:
            cx, cy, cz = xc[i + 1] - xc[i], yc[j + 1] - yc[j], (dz[k] + dz[k + 1]) / 2
            row = []
            for level, sign in ((k + 1, 1 / cz), (k, -1 / cz)):
                row += [(u[level, j + 1, i + 1], sign / cy), (u[level, j, i + 1], -sign / cy)]
                row += [(v[level, j + 1, i + 1], sign / cx), (v[level, j + 1, i], -sign / cx)]
            rows.append(row)
            K.append(G[2, k, j, i] * cx * cy * (dz[k : k + 2] * share[k : k + 2, j, i]).sum())
    twist = matrix(rows, Bn.shape[1])
    plate = [
        [sparse.diags(weight * q11), sparse.diags(weight * q12)],
        [sparse.diags(weight * q12), sparse.diags(weight * q22)],
    ]
    Q = (
        sparse.block_diag([sparse.bmat(plate), sparse.diags(np.array(K))])
        if K
        else sparse.bmat(plate)
    )
    return sparse.vstack([D @ Bn[:cells], D @ Bn[cells : 2 * cells], twist]).tocsr(), Q.tocsr()


def rigid_modes(x, y, z, solid, mirror=(False, False)):
    """Columns: the rigid motions that the mirror planes leave, zero on inactive displacements."""
    on = active(solid, mirror)

    def field(u, v, w):
        U = np.zeros(on.shape)
        for part, motion in zip(U, (u, v, w), strict=True):
            part[...] = motion
        return (U * on).ravel()

    # positions of the three kinds of faces; the padding of the array (no face) is masked away
    xc, yc, zc = (np.append(centres(q), 0.0) for q in (x, y, z))
    mx, my = mirror
    modes = [field(0, 0, 1)]
    if not mx:
        modes += [field(1, 0, 0), field(zc[:, None, None], 0, -xc[None, None, :])]
    if not my:
        modes += [field(0, 1, 0), field(0, zc[:, None, None], -yc[None, :, None])]
    if not (mx or my):
        modes += [field(-yc[None, :, None], xc[None, None, :], 0)]
    return np.stack(modes, axis=1)


def solve_elastic(x, y, z, C, G, strain, mirror=(False, False), free_edge=2 / 3, bending=False):
    """Solve directly, free of rigid motion (orthogonal to the modes): displacement (3, nz+1, ny+1,
    nx+1).
    """
    A = elastic_matrix(x, y, z, C, G, mirror, free_edge, bending)
    f = thermal_load(x, y, z, C, strain, mirror, G, free_edge, bending)
    return solve_free(A, f, rigid_modes(x, y, z, C[0] > 0, mirror), active(C[0] > 0, mirror))


def solve_free(A, f, modes, on):
    """Solve A U = f on the active displacements with modes.U = 0."""
    keep = on.ravel()
    R, _ = np.linalg.qr(modes[keep])
    A = A[keep][:, keep]
    scale = abs(A.diagonal()).mean()
    pick = sparse.csr_matrix(
        pinning(R)
    )  # a few displacements that hold every mode; their reactions vanish
    U = np.zeros(keep.size)
    v = splu(
        (A + scale * pick.T @ pick).tocsc(), diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    ).solve(f[keep])
    U[keep] = v - R @ (R.T @ v)
    return U.reshape(on.shape)


def pinning(R):
    """Choose one displacement per mode (greedily the best conditioned) and return the selecting
    rows.
    """
    rows, Q = [], R.copy()
    for _ in range(R.shape[1]):
        best = int(np.argmax((Q**2).sum(1)))
        rows.append(best)
        q = Q[best] / np.linalg.norm(Q[best])
        Q -= np.outer(Q @ q, q)
    P = np.zeros((len(rows), len(R)))
    P[np.arange(len(rows)), rows] = 1.0
    return P


def heat_matrix(x, y, z, conductivity, films=()):
    """Assemble 7-point conduction A T = power + b, return (A, b); void cells (no conductivity) have
    empty rows.

    conductivity (3, nz, ny, nx) W/mK; films: (axis, where, h, ambient) with axis 0, 1, 2 = x, y, z;
    where (nz, ny, nx) bool: the cells with a face normal to that axis in contact; h in W/m2K (inf:
    the face itself is at `ambient`).
    """
    nz, ny, nx = conductivity[0].shape
    n = np.arange(nz * ny * nx).reshape(nz, ny, nx)
    widths = np.meshgrid(np.diff(z), np.diff(y), np.diff(x), indexing="ij")[::-1]
    V = volumes(x, y, z)
    r, c, v = [], [], []
    b = np.zeros(n.size)
    with np.errstate(divide="ignore"):
        halves = [
            d / 2 / k for d, k in zip(widths, conductivity, strict=True)
        ]  # m2K/W, infinite in void
    for axis in range(3):
        dim = 2 - axis
        area, half = V / widths[axis], halves[axis]
        lower = [slice(None)] * 3
        upper = [slice(None)] * 3
        lower[dim], upper[dim] = slice(None, -1), slice(1, None)
        p, q = n[tuple(lower)].ravel(), n[tuple(upper)].ravel()
        g = (area[tuple(lower)] / (half[tuple(lower)] + half[tuple(upper)])).ravel()
        r += [p, q, p, q]
        c += [p, q, q, p]
        v += [g, g, -g, -g]
    for axis, where, h, ambient in films:
        p = n[where]
        g = (V / widths[axis])[where] / (halves[axis][where] + 1 / h)
        r.append(p)
        c.append(p)
        v.append(g)
        np.add.at(b, p, g * ambient)
    A = sparse.csr_matrix(
        (np.concatenate(v), (np.concatenate(r), np.concatenate(c))), shape=(n.size, n.size)
    )
    A.eliminate_zeros()
    return A, b
