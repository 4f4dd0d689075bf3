"""Voxelisation: areas that shapes cover, and connected voxels.

Host only, without a .cu twin: a model is voxelised once, before a device computes with it.
"""

from math import asin, sqrt

import numpy as np

from warp.kernels import inline, kernel, portion, release, scratch


@inline
def _arc(t):
    """Integrate sqrt(1 - s^2) ds from 0 to t."""
    return (t * sqrt(max(0.0, 1.0 - t * t)) + asin(t)) / 2.0


@inline
def _corner(x, y):
    """Return the signed area of the unit disc between the axes and the lines X = x, Y = y.

    y |----.        Under the flat part (X < sqrt(1 - y^2)) the height is y,
      |     `.      beyond it that of the circle.
      |______|_ x
    """
    sign = 1.0
    if x < 0.0:
        x, sign = -x, -sign
    if y < 0.0:
        y, sign = -y, -sign
    x, y = min(x, 1.0), min(y, 1.0)
    flat = min(x, sqrt(1.0 - y * y))
    return sign * (y * flat + _arc(x) - _arc(flat))


@kernel
def discs(cover, x, y, centres, radius, fraction):
    """Add to cover (ny, nx) `fraction` times the fraction of each cell inside discs.

    centres (n, 2); the areas are exact.
    """
    ny, nx = cover.shape
    for n in range(len(centres)):
        cx, cy = centres[n, 0], centres[n, 1]
        i0 = max(0, np.searchsorted(x, cx - radius, side="right") - 1)
        j0 = max(0, np.searchsorted(y, cy - radius, side="right") - 1)
        for j in range(j0, ny):
            b, t = (y[j] - cy) / radius, (y[j + 1] - cy) / radius
            if b >= 1.0:
                break
            for i in range(i0, nx):
                a, r = (x[i] - cx) / radius, (x[i + 1] - cx) / radius
                if a >= 1.0:
                    break
                area = _corner(r, t) - _corner(a, t) - _corner(r, b) + _corner(a, b)
                cover[j, i] += fraction * max(0.0, area) / ((r - a) * (t - b))


@kernel
def squares(cover, x, y, centres, side, fraction):
    """Add to cover (ny, nx) `fraction` times the fraction of each cell inside squares.

    centres (n, 2); the squares are parallel to the axes.
    """
    ny, nx = cover.shape
    for n in range(len(centres)):
        x0, x1 = centres[n, 0] - side / 2, centres[n, 0] + side / 2
        y0, y1 = centres[n, 1] - side / 2, centres[n, 1] + side / 2
        i0 = max(0, np.searchsorted(x, x0, side="right") - 1)
        j0 = max(0, np.searchsorted(y, y0, side="right") - 1)
        for j in range(j0, ny):
            if y[j] >= y1:
                break
            v = (min(y[j + 1], y1) - max(y[j], y0)) / (y[j + 1] - y[j])
            for i in range(i0, nx):
                if x[i] >= x1:
                    break
                u = (min(x[i + 1], x1) - max(x[i], x0)) / (x[i + 1] - x[i])
                cover[j, i] += fraction * max(0.0, u) * max(0.0, v)


@inline
def _clip(count, px, py, qx, qy, axis, at, keep):
    """Cut a polygon of `count` vertices (px, py) at a line and return the new count.

    keep = +1 keeps the part above `at`, -1 the part below.
    """
    out = 0
    for n in range(count):
        ax, ay = px[n], py[n]
        m = n + 1 if n + 1 < count else 0
        bx, by = px[m], py[m]
        da = keep * ((ax if axis == 0 else ay) - at)
        db = keep * ((bx if axis == 0 else by) - at)
        if da >= 0.0:
            qx[out], qy[out] = ax, ay
            out += 1
        if (da > 0.0 and db < 0.0) or (da < 0.0 and db > 0.0):
            s = da / (da - db)
            qx[out] = at if axis == 0 else ax + s * (bx - ax)
            qy[out] = at if axis == 1 else ay + s * (by - ay)
            out += 1
    return out


@kernel
def polygon(cover, x, y, vertices, fraction):
    """Add to cover (ny, nx) `fraction` times the fraction of each cell inside a simple polygon.

    The polygon is clipped to the row of cells, then to the cell. A concave polygon's clip may have
    edges that run back and forth along the cell's border; their areas cancel.
    """
    ny, nx = cover.shape
    size = 2 * len(vertices) + 16
    clips = scratch((8, size), vertices)
    ax, ay, bx, by = clips[0], clips[1], clips[2], clips[3]
    cx, cy, dx, dy = clips[4], clips[5], clips[6], clips[7]
    for j in range(ny):
        count = len(vertices)
        for n in range(count):
            ax[n], ay[n] = vertices[n, 0], vertices[n, 1]
        count = _clip(count, ax, ay, bx, by, 1, y[j], 1.0)
        row = _clip(count, bx, by, cx, cy, 1, y[j + 1], -1.0)
        for i in range(nx):
            if row == 0:
                break
            count = _clip(row, cx, cy, bx, by, 0, x[i], 1.0)
            count = _clip(count, bx, by, dx, dy, 0, x[i + 1], -1.0)
            area = 0.0
            for n in range(count):
                m = n + 1 if n + 1 < count else 0
                area += (dx[n] - x[i]) * (dy[m] - y[j]) - (dx[m] - x[i]) * (dy[n] - y[j])
            cover[j, i] += fraction * abs(area) / 2.0 / ((x[i + 1] - x[i]) * (y[j + 1] - y[j]))
    release(clips)


@kernel
def areas(share, out, ids, layers, dx, dy):
    """Add the area of each medium in some layers into out (blocks, layers, media).

    Each block of rows for itself. ids (nz, ny, nx); layers: the k to visit.
    """
    blocks, ny, nx = out.shape[0], ids.shape[1], ids.shape[2]
    for block in portion(share, blocks):
        for n in range(len(layers)):
            for j in range(block * ny // blocks, (block + 1) * ny // blocks):
                for i in range(nx):
                    out[block, n, ids[layers[n], j, i]] += dx[i] * dy[j]


@inline
def _root(parent, n):
    while parent[n] != n:
        parent[n] = parent[parent[n]]
        n = parent[n]
    return n


@inline
def _unite(parent, a, b):
    a, b = _root(parent, a), _root(parent, b)
    if a < b:
        parent[b] = a
    elif b < a:
        parent[a] = b


@kernel
def pieces(root, owner, volume, count, ids, layers, part, dx, dy, height):
    """Label solid voxels that share faces: (root, owner, volume) of each label.

    Labels of equal root are connected. A label belongs to one part, its `owner`. count (1,): the
    number of labels, or -1 if `root` is too short. ids (nz, ny, nx); layers: the k to visit, those
    that differ from the layer below; height: of all layers that are alike; part (media,): the part
    of each id, -1 = void. Two layers of labels are stored, not one label per voxel.
    """
    _, ny, nx = ids.shape
    labels = scratch((2, ny + 1, nx + 1), root)  # one layer and the one below, from index 1 on
    labels[:] = -1
    near = scratch((3,), root)
    count[0] = 0
    for l in range(len(layers)):
        k, dz = layers[l], height[l]
        here, below = labels[l % 2], labels[(l + 1) % 2]
        for j in range(ny):
            for i in range(nx):
                p = part[ids[k, j, i]]
                if p < 0 or count[0] < 0:
                    here[j + 1, i + 1] = -1
                    continue
                near[0], near[1], near[2] = here[j + 1, i], here[j, i + 1], below[j + 1, i + 1]
                label = -1
                for m in range(3):
                    if near[m] >= 0 and owner[near[m]] == p:
                        label = near[m]
                if label < 0:
                    label = count[0]
                    if label == len(root):
                        count[0] = -1
                        continue
                    root[label], owner[label], volume[label] = label, p, 0.0
                    count[0] += 1
                for m in range(3):
                    if near[m] >= 0 and near[m] != label:
                        _unite(root, label, near[m])
                volume[label] += dx[i] * dy[j] * dz
                here[j + 1, i + 1] = label
    for n in range(count[0]):
        root[n] = _root(root, n)
    release(labels)
    release(near)


@kernel
def gaps(height, area, ids, part, dx, dy, z):
    """Find the least clear height and the facing area for each (part below, part above).

    height, area (P, P): written in full; infinite height where the two never meet across void.
    Height is the least over all columns, area that of the columns where they face each other.
    """
    nz, ny, nx = ids.shape
    height[:] = np.inf
    area[:] = 0.0
    for j in range(ny):
        for i in range(nx):
            last, top = -1, 0
            for k in range(nz):
                p = part[ids[k, j, i]]
                if p < 0:
                    continue
                if last >= 0 and k > top:
                    height[last, p] = min(height[last, p], z[k] - z[top])
                    area[last, p] += dx[i] * dy[j]
                last, top = p, k + 1
