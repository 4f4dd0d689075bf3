"""The tangent frame of a bent plate: displacements along its mid-plane in place of u and v.

    u = u' - < w,x w' >,    v = v' - < w,y w' >,    w = w'

With the slopes of the body, an increment (u', v', w') of a smooth shape strains the plane by u',x
and by w' times the curvature: the large coupling by the slope itself is gone. < >: at the face of
u. Slopes there at a free face are linear from the two inside; w' is linear between the two cells
beside a face, and beyond a free face it rises with the next slope inside, as the law counts it
there: times the slope inside it does so, times the rest it stays. u is zero on mirror planes.
Slopes at faces are float32 in either precision: any slopes give a frame.
Layout and tables as in kernels/elastic.py, slopes as in kernels/large_deflection.py.
"""

from warp.kernels import inline, kernel, portion
from warp.kernels.elastic_setup import face_z


@inline
def share_x(a, ids, dx, rcx, n, k, j, i, p):
    """Return minus u at line i along x, level k, by w of cell p on z face n."""
    left, right = face_z(ids, n, j, i - 1), face_z(ids, n, j, i)
    here = a[0, k, j, i]
    if left and right:
        share = dx[i] * rcx[i] / 2
        return here * (1 - share) if p == i else (here * share if p == i - 1 else here * 0)
    if left:
        tilt = a[0, k, j, i - 1] * dx[i - 1] * rcx[i - 1] / 2
        tilt = tilt if face_z(ids, n, j, i - 2) else here * 0
        return here + tilt if p == i - 1 else (-tilt if p == i - 2 else here * 0)
    if right:
        tilt = a[0, k, j, i + 1] * dx[i] * rcx[i + 1] / 2
        tilt = tilt if face_z(ids, n, j, i + 1) else here * 0
        return here + tilt if p == i else (-tilt if p == i + 1 else here * 0)
    return here * 0


@inline
def share_y(a, ids, dy, rcy, n, k, j, i, p):
    """Return minus v at line j along y, level k, by w of cell p on z face n."""
    left, right = face_z(ids, n, j - 1, i), face_z(ids, n, j, i)
    here = a[1, k, j, i]
    if left and right:
        share = dy[j + 1] * rcy[j + 1] / 2
        return here * (1 - share) if p == j else (here * share if p == j - 1 else here * 0)
    if left:
        tilt = a[1, k, j - 1, i] * dy[j] * rcy[j] / 2
        tilt = tilt if j > 1 and face_z(ids, n, j - 2, i) else here * 0
        return here + tilt if p == j - 1 else (-tilt if p == j - 2 else here * 0)
    if right:
        tilt = a[1, k, j + 1, i] * dy[j + 1] * rcy[j + 2] / 2
        tilt = tilt if face_z(ids, n, j + 1, i) else here * 0
        return here + tilt if p == j else (-tilt if p == j + 1 else here * 0)
    return here * 0


@inline
def slope_x(g, ids, dx, n, j, i, mirror_x):
    """Slope of z face n at line i along x; linear from the two lines inside at a free face."""
    left, right = face_z(ids, n, j, i - 1), face_z(ids, n, j, i)
    if left and right:
        return g[0, n, j, i]
    if left and not face_z(ids, n, j, i - 2):
        return g[0, n, j, i] * 0
    if left:
        known = face_z(ids, n, j, i - 3) or (mirror_x and i == 3)
        rise = dx[i - 1] / dx[i - 2] if known else 0.0
        return g[0, n, j, i - 1] + rise * (g[0, n, j, i - 1] - g[0, n, j, i - 2])
    if right and face_z(ids, n, j, i + 1):
        rise = dx[i] / dx[i + 1] if face_z(ids, n, j, i + 2) else 0.0
        return g[0, n, j, i + 1] + rise * (g[0, n, j, i + 1] - g[0, n, j, i + 2])
    return g[0, n, j, i] * 0


@inline
def slope_y(g, ids, dy, n, j, i, mirror_y):
    """Slope of z face n at line j along y."""
    left, right = face_z(ids, n, j - 1, i), face_z(ids, n, j, i)
    if left and right:
        return g[1, n, j, i]
    if left and not (j > 1 and face_z(ids, n, j - 2, i)):
        return g[1, n, j, i] * 0
    if left:
        known = (j > 2 and face_z(ids, n, j - 3, i)) or (mirror_y and j == 2)
        rise = dy[j] / dy[j - 1] if known else 0.0
        return g[1, n, j - 1, i] + rise * (g[1, n, j - 1, i] - g[1, n, j - 2, i])
    if right and face_z(ids, n, j + 1, i):
        rise = dy[j + 1] / dy[j + 2] if face_z(ids, n, j + 2, i) else 0.0
        return g[1, n, j + 1, i] + rise * (g[1, n, j + 1, i] - g[1, n, j + 2, i])
    return g[1, n, j, i] * 0


@kernel
def face_slopes(share, a, g, ids, dx, dy, mirror_x, mirror_y, nx, ny, nz):
    """Slopes a (2, ...) at the faces of u and v from those on edges, g."""
    for j in portion(share, ny + 1):
        for k in range(nz + 1):
            for i in range(1, nx + 2):
                ax, ay = g[0, k, j, i] * 0, g[0, k, j, i] * 0
                beside_x = ids[k + 1, j + 1, i - 1] > 0 or ids[k + 1, j + 1, i] > 0
                if k < nz and j < ny and beside_x and not (mirror_x and i == 1):
                    for n in range(k, k + 2):
                        ax += slope_x(g, ids, dx, n, j, i, mirror_x) / 2
                beside_y = ids[k + 1, j, i] > 0 or ids[k + 1, j + 1, i] > 0
                if k < nz and i <= nx and beside_y and not (mirror_y and j == 0):
                    for n in range(k, k + 2):
                        ay += slope_y(g, ids, dy, n, j, i, mirror_y) / 2
                a[0, k, j, i], a[1, k, j, i] = ax, ay


@kernel
def from_tangent(share, x, a, ids, dx, dy, rcx, rcy, nx, ny, nz):
    """x = T x: displacements from those in the tangent frame."""
    for j in portion(share, ny + 1):
        for k in range(nz):
            for i in range(1, nx + 2):
                if a[0, k, j, i] != 0:
                    u = a[0, k, j, i] * 0
                    for n in range(k, k + 2):
                        for p in range(max(i - 2, 1), min(i + 2, nx + 1)):
                            u += share_x(a, ids, dx, rcx, n, k, j, i, p) * x[2, n, j, p]
                    x[0, k, j, i] -= u / 2
                if a[1, k, j, i] != 0:
                    v = a[1, k, j, i] * 0
                    for n in range(k, k + 2):
                        for p in range(max(j - 2, 0), min(j + 2, ny)):
                            v += share_y(a, ids, dy, rcy, n, k, j, i, p) * x[2, n, p, i]
                    x[1, k, j, i] -= v / 2


@kernel
def to_tangent(share, r, a, ids, dx, dy, rcx, rcy, nx, ny, nz):
    """r = T^T r: forces in the tangent frame from forces."""
    for j in portion(share, ny):
        for n in range(nz + 1):
            for i in range(1, nx + 1):
                if face_z(ids, n, j, i):
                    w = r[2, n, j, i] * 0
                    for k in range(max(n - 1, 0), min(n + 1, nz)):
                        for p in range(max(i - 1, 1), min(i + 3, nx + 2)):
                            if a[0, k, j, p] != 0:
                                part = share_x(a, ids, dx, rcx, n, k, j, p, i)
                                w += part * r[0, k, j, p]
                        for p in range(max(j - 1, 0), min(j + 3, ny + 1)):
                            if a[1, k, p, i] != 0:
                                part = share_y(a, ids, dy, rcy, n, k, p, i, j)
                                w += part * r[1, k, p, i]
                    r[2, n, j, i] -= w / 2
