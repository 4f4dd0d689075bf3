"""Set up the elastic multigrid levels: coarse coefficients, edges at free faces, ghost values.

Layout and tables as in kernels/elastic.py. `ids` (nz+2, ny+2, nx+3) says which cells are solid,
0 = void, with a border of void: material ids on the finest level, 1 on the others. A displacement
exists if a cell beside its face is solid.
"""

from warp.kernels import called, inline, kernel, portion, release, scratch
from warp.kernels.elastic import edge_x, edge_y, edge_z


@kernel
def media_coefficients(share, C, K, ids, cell, soft, dx, dy, dz, hz, first, levels, nx, ny):
    """Look up C (6, levels, ny+1, nx+3) and K (3, ...) from material ids, from level `first` on."""
    for n in range(levels):
        for j in portion(share, ny + 1):
            k = first + n
            for a in range(6):
                to, row, area = C[a, n, j], ids[k + 1, j + 1], dy[j + 1] * hz[k + 1]
                for i in range(1, nx + 2):
                    to[i] = cell[a, row[i]] * (dx[i] * area)
            for i in range(1, nx + 2):
                K[0, n, j, i] = edge_x(ids, soft, dx, dy, dz, k, j, i)
                K[1, n, j, i] = edge_y(ids, soft, dx, dy, dz, k, j, i)
                K[2, n, j, i] = edge_z(ids, soft, dx, dy, hz, k, j, i)


@inline
def add_row(to, share, row):
    """to += share row."""
    for i in range(len(to)):
        to[i] += share * row[i]


@inline
def sum_cells(to, row, keepx, nx):
    """to[i + 1] = sum of the fine cells in coarse cell i of a row; both store cell i at i + 1."""
    for i in range(nx):
        total = row[keepx[i] + 1]
        for p in range(keepx[i] + 2, keepx[i + 1] + 1):
            total += row[p]
        to[i + 1] = total


@kernel
def coarsen(
    share,
    C,
    K,
    hidden,
    fine_C,
    fine_K,
    keepx,
    keepy,
    startx,
    weightx,
    starty,
    weighty,
    fromx,
    sharex,
    fromy,
    sharey,
    least,
    first,
    levels,
    nx,
    ny,
):
    """Compute the coefficients of levels first .. first + levels - 1 of a coarser grid.

    Cells are summed over the merged ones; edges are weighted as the interpolation weights them.
    Coarse cell i holds the fine cells keepx[i] .. keepx[i+1] - 1. Coarse line i takes the fine
    lines startx[i] + m with weight weightx[m, i]; likewise, fromx and sharex give the share of
    coarse cell i in the strain of fine cells. A cell's normal stiffness is at least `least` times
    the sum of these shares (multigrid/coefficients.py); in a void coarse cell the sums xx, yy, zz
    are stored in `hidden` (3, ...). Whole rows are combined along y first, then along x.
    """
    cells, edges = scratch((8, fine_C.shape[3]), C), scratch((3, fine_C.shape[3]), C)
    along = scratch((nx + 2,), C)
    for n in range(levels):
        for j in portion(share, ny + 1):
            k = first + n
            cells[:] = 0  # sums of rows of fine cells; 6 and 7: weighted by sharey
            edges[:] = 0
            if j < ny:
                for q in range(keepy[j], keepy[j + 1]):
                    for a in range(6):
                        add_row(cells[a], 1.0, fine_C[a, n, q])
                    add_row(edges[1], 1.0, fine_K[1, n, q])
                for m in range(sharey.shape[0]):
                    add_row(cells[6], sharey[m, j], fine_C[0, n, fromy[j] + m])
                    add_row(cells[7], sharey[m, j], fine_C[2, n, fromy[j] + m])
            for m in range(weighty.shape[0]):
                add_row(edges[0], weighty[m, j], fine_K[0, n, starty[j] + m])
                add_row(edges[2], weighty[m, j], fine_K[2, n, starty[j] + m])
            if j < ny:
                for a in range(6):
                    sum_cells(C[a, k, j], cells[a], keepx, nx)
                sum_cells(along, cells[6], keepx, nx)
                xx, yy, zz = C[0, k, j], C[1, k, j], C[2, k, j]
                hx, hy, hz = hidden[0, k, j], hidden[1, k, j], hidden[2, k, j]
                own, share_z = cells[1], cells[7]
                for i in range(nx):
                    y, z = own[0] * 0, own[0] * 0
                    for l in range(sharex.shape[0]):
                        y += sharex[l, i] * own[fromx[i] + l + 1]
                        z += sharex[l, i] * share_z[fromx[i] + l + 1]
                    if xx[i + 1] > 0:
                        xx[i + 1] = max(xx[i + 1], least * along[i + 1])
                        yy[i + 1] = max(yy[i + 1], least * y)
                        zz[i + 1] = max(zz[i + 1], least * z)
                    else:
                        hx[i + 1], hy[i + 1], hz[i + 1] = along[i + 1], y, z
            yz, xz, xy = K[0, k, j], K[1, k, j], K[2, k, j]
            sum_cells(yz, edges[0], keepx, nx)
            yz[nx + 1] = 0
            fine_xz, fine_xy = edges[1], edges[2]
            for i in range(nx + 1):
                to_xz, to_xy = fine_xz[0] * 0, fine_xy[0] * 0
                for l in range(weightx.shape[0]):
                    to_xz += weightx[l, i] * fine_xz[startx[i] + l + 1]
                    to_xy += weightx[l, i] * fine_xy[startx[i] + l + 1]
                xz[i + 1], xy[i + 1] = to_xz, to_xy
    release(cells)
    release(edges)
    release(along)


@inline
def face_x(ids, k, j, i):
    """Tell whether a cell beside the x-face i (index + 1) of row (k, j) is solid."""
    return ids[k + 1, j + 1, i - 1] != 0 or ids[k + 1, j + 1, i] != 0


@inline
def face_y(ids, k, j, i):
    """Tell whether a cell beside the y-face j is solid."""
    return ids[k + 1, j, i] != 0 or ids[k + 1, j + 1, i] != 0


@inline
def face_z(ids, k, j, i):
    """Tell whether a cell beside the z-face k is solid."""
    return ids[k, j + 1, i] != 0 or ids[k + 1, j + 1, i] != 0


@kernel
def sort_edges(share, K, lent, total, ids, mirror_x, mirror_y, nx, ny, nz):
    """K = those edges of `total` that have all their displacements.

    lent (2, ...) = 1 where only the tilt is missing: lent[0] on edges along y, which need dw/dx;
    lent[1] on edges along x, which need dw/dy.
    """
    for j in portion(share, ny + 1):
        for k in range(nz + 1):
            for i in range(1, nx + 2):
                both_u = (
                    face_x(ids, k, j, i)
                    and k > 0
                    and face_x(ids, k - 1, j, i)
                    and not (mirror_x and i == 1)
                )
                both_v = (
                    face_y(ids, k, j, i)
                    and k > 0
                    and face_y(ids, k - 1, j, i)
                    and not (mirror_y and j == 0)
                )
                w = face_z(ids, k, j, i)
                own_u, own_v = (
                    w and face_z(ids, k, j, i - 1),
                    w and j > 0 and face_z(ids, k, j - 1, i),
                )
                four = (
                    j > 0
                    and face_x(ids, k, j, i)
                    and face_x(ids, k, j - 1, i)
                    and face_y(ids, k, j, i)
                    and face_y(ids, k, j, i - 1)
                )
                yz, xz, xy = total[0, k, j, i], total[1, k, j, i], total[2, k, j, i]
                K[0, k, j, i] = yz if both_v and own_v else 0
                K[1, k, j, i] = xz if both_u and own_u else 0
                K[2, k, j, i] = xy if four else 0
                lent[0, k, j, i] = both_u and not own_u and xz > 0
                lent[1, k, j, i] = both_v and not own_v and yz > 0


@inline
def pair(ids, k, j, i):
    """Tell whether cell i (index + 1) of row j on level k and the one below it are both solid."""
    return ids[k, j + 1, i] != 0 and ids[k + 1, j + 1, i] != 0


@kernel
def lateral_edges(share, found, ids, mirror_x, mirror_y, nx, ny, nz):
    """found (2, ...) = 1 at edges with two solid cells, one above the other, on one side only.

    found[0]: on one side in x; found[1]: in y.
    """
    for j in portion(share, ny + 1):
        for k in range(nz + 1):
            for i in range(1, nx + 2):
                here = pair(ids, k, j, i)
                found[0, k, j, i] = here != pair(ids, k, j, i - 1) and not (mirror_x and i == 1)
                found[1, k, j, i] = here != pair(ids, k, j - 1, i) and not (mirror_y and j == 0)


@inline
def tilt(ids, k, j, i, face, mirror):
    """Tell whether w exists on both sides of a plane normal to x (face 0) or y (face 1).

    The plane is `i` (index + 1) or `j`. On a mirror plane, w on the upper side is enough.
    """
    before = ids[k, j + 1 - face, i - 1 + face] != 0 or ids[k + 1, j + 1 - face, i - 1 + face] != 0
    return face_z(ids, k, j, i) and (before or (mirror and (i == 1 if face == 0 else j == 0)))


@kernel
def nearest_tilt(share, level, plane, k, j, i, ids, face, mirror, nx, ny, nz, count):
    """Find where edge n at (k, j, i) takes its tilt from.

    This is its own plane or the next one inside, on the nearest level where one of them has a tilt:
    the lower of two levels, and its own plane rather than the other; -1 if there is none. Planes
    count from 0.
    """
    for n in portion(share, count):
        z, y, x = k[n], j[n], i[n]
        right = face_z(ids, z, y, x)
        left = (
            ids[z, y + 1 - face, x - 1 + face] != 0 or ids[z + 1, y + 1 - face, x - 1 + face] != 0
        )
        step = 0 if left == right else -1 if left else 1
        dy, dx = step * face, step * (1 - face)
        level[n], plane[n] = -1, -1
        far = 0
        while level[n] < 0 and far <= nz and (left or right):
            for side in range(2):
                at = z - far if side == 0 else z + far
                if level[n] < 0 and at >= 0 and at <= nz:
                    if tilt(ids, at, y, x, face, mirror):
                        level[n], plane[n] = at, x - 1 if face == 0 else y
                    elif tilt(ids, at, y + dy, x + dx, face, mirror):
                        level[n], plane[n] = at, x + dx - 1 if face == 0 else y + dy
            far += 1


@inline
def beside_w(ids, k, j, i, nx, ny):
    """Return 0 where w exists, 1 next to such a position along x or y, 2 next to that, else 3."""
    if face_z(ids, k, j, i):
        return 0
    if (
        face_z(ids, k, j - 1, i)
        or face_z(ids, k, j + 1, i)
        or face_z(ids, k, j, i - 1)
        or face_z(ids, k, j, i + 1)
    ):
        return 1
    jm, jp, im, ip = max(j - 2, -1), min(j + 2, ny), max(i - 2, 0), min(i + 2, nx + 1)
    if (
        face_z(ids, k, jm, i)
        or face_z(ids, k, jp, i)
        or face_z(ids, k, j, im)
        or face_z(ids, k, j, ip)
    ):
        return 2
    if (
        face_z(ids, k, j - 1, i - 1)
        or face_z(ids, k, j - 1, i + 1)
        or face_z(ids, k, j + 1, i - 1)
        or face_z(ids, k, j + 1, i + 1)
    ):
        return 2
    return 3


@kernel
def ghost_places(share, turn, ids, mirror_x, mirror_y, nx, ny, nz):
    """turn (3, ...): 0 where a displacement exists, else the turn in which it is extrapolated.

    Only missing displacements beside existing ones are extrapolated; 3: never. u is extended along
    y, v along x, w along both, in two turns. A displacement that a mirror plane holds is not
    missing.
    """
    for j in portion(share, ny + 1):
        for k in range(nz + 1):
            for i in range(nx + 3):
                turn[0, k, j, i], turn[1, k, j, i], turn[2, k, j, i] = 3, 3, 3
            if j < ny:
                for i in range(2 if mirror_x else 1, nx + 2):
                    near = face_x(ids, k, j - 1, i) or face_x(ids, k, j + 1, i)
                    turn[0, k, j, i] = 0 if face_x(ids, k, j, i) else 1 if near else 3
                for i in range(1, nx + 1):
                    turn[2, k, j, i] = beside_w(ids, k, j, i, nx, ny)
            if j > 0 or not mirror_y:
                for i in range(1, nx + 1):
                    near = face_y(ids, k, j, i - 1) or face_y(ids, k, j, i + 1)
                    turn[1, k, j, i] = 0 if face_y(ids, k, j, i) else 1 if near else 3


@called
def stencil(turn, k, j, i, along_x, along_y, ny):
    """Encode how a displacement is obtained: 0 if it exists, -1 if missing, else from neighbours.

    An extrapolated one has a bit for each neighbour that it is extrapolated from.
    turn (nz+1, ny+1, nx+3): one component, from `ghost_places`.
    """
    now = turn[k, j, i]
    if now == 0:
        return 0
    if now == 3:
        return -1
    code = 0
    if along_x and turn[k, j, i - 1] < now:
        code += 3 if i > 1 and turn[k, j, i - 2] < now else 1
    if along_x and turn[k, j, i + 1] < now:
        code += 12 if turn[k, j, i + 2] < now else 4
    if along_y and j > 0 and turn[k, j - 1, i] < now:
        code += 48 if j > 1 and turn[k, j - 2, i] < now else 16
    if along_y and j < ny and turn[k, j + 1, i] < now:
        code += 192 if j + 2 <= ny and turn[k, j + 2, i] < now else 64
    return code


@inline
def repeated(code):
    """Tell whether a displacement is a copy of its only neighbour."""
    return code == 1 or code == 4 or code == 16 or code == 64


@inline
def mixed(p, q):
    """Tell whether two displacements are obtained in different ways, or both exist."""
    return p != q or p == 0


@kernel
def overhangs(share, found, turn, ids, hidden, total, nx, ny, nz):
    """found (4, ...) = 1 where coarse coefficients miss energy beside a void (overhang).

    In this order: xx, yy, zz of cells, and xy edges.
    """
    for j in portion(share, ny):
        for k in range(nz):
            for i in range(1, nx + 1):
                u, v, w = (
                    stencil(turn[0], k, j, i, 0, 1, ny),
                    stencil(turn[1], k, j, i, 1, 0, ny),
                    0,
                )
                if ids[k + 1, j + 1, i] == 0 and hidden[2, k, j, i] > 0:
                    w = stencil(turn[2], k, j, i, 1, 1, ny)
                    found[0, k, j, i] = hidden[0, k, j, i] > 0 and mixed(
                        u, stencil(turn[0], k, j, i + 1, 0, 1, ny)
                    )
                    found[1, k, j, i] = hidden[1, k, j, i] > 0 and mixed(
                        v, stencil(turn[1], k, j + 1, i, 1, 0, ny)
                    )
                    found[2, k, j, i] = mixed(w, stencil(turn[2], k + 1, j, i, 1, 1, ny))
                if j > 0 and i > 1 and total[2, k, j, i] > 0:
                    found[3, k, j, i] = (
                        repeated(u)
                        or repeated(v)
                        or repeated(stencil(turn[0], k, j - 1, i, 0, 1, ny))
                        or repeated(stencil(turn[1], k, j, i - 1, 1, 0, ny))
                    )
