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
def fill(share, ids, own, k0, k1, j0, j1, i0, i1):
    """Give the voxels k0 .. k1 - 1, j0 .. j1 - 1, i0 .. i1 - 1 of ids (nz, ny, nx) a medium."""
    for n in portion(share, (k1 - k0) * (j1 - j0)):
        k, j = k0 + n // (j1 - j0), j0 + n % (j1 - j0)
        for i in range(i0, i1):
            ids[k, j, i] = own


@kernel
def rename(share, ids, row, new, k):
    """Give the voxels of medium `row` in layer k of ids (nz, ny, nx) another medium."""
    for j in portion(share, ids.shape[1]):
        for i in range(ids.shape[2]):
            if ids[k, j, i] == row:
                ids[k, j, i] = new


@kernel
def repeated_layers(share, repeated, ids):
    """Tell in repeated (nz,) whether each layer of ids (nz, ny, nx) is the one below it."""
    nz, ny, nx = ids.shape
    for k in portion(share, nz):
        repeated[k] = k > 0
        for j in range(ny):
            if not repeated[k]:
                break
            different = 0
            for i in range(nx):
                different |= ids[k, j, i] ^ ids[k - 1, j, i]
            repeated[k] = different == 0


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


@inline
def _same_rows(ids, k, j):
    """Tell whether row j of a layer is the row before it."""
    different = 0
    for i in range(ids.shape[2]):
        different |= ids[k, j, i] ^ ids[k, j - 1, i]
    return different == 0


@kernel
def pieces(root, owner, volume, count, ids, layers, part, dx, dy, height):
    """Label solid voxels that share faces: (root, owner, volume) of each label.

    Labels of equal root are connected. A label belongs to one part, its `owner`. count (1,): the
    number of labels, or -1 if `root` is too short. ids (nz, ny, nx); layers: the k to visit, those
    that differ from the layer below; height: of all layers that are alike; part (media,): the part
    of each id, -1 = void. Two layers of labels are stored, not one label per voxel. A row like the
    one before it, above rows with equal labels, has the labels of that row (`like`): only its runs
    of equal labels are visited.
    """
    _, ny, nx = ids.shape
    labels = scratch((2, ny + 1, nx + 1), root)  # one layer and the one below, from index 1 on
    labels[:] = -1
    like = scratch((2, ny + 1), root)
    runs, lengths, count_runs = scratch((nx + 1,), root), scratch((nx + 1,), volume), 0
    near = scratch((3,), root)
    count[0] = 0
    for l in range(len(layers)):
        k, dz = layers[l], height[l]
        here, below = labels[l % 2], labels[(l + 1) % 2]
        same, same_below = like[l % 2], like[(l + 1) % 2]
        for j in range(ny):
            repeats = j > 0 and same_below[j + 1] == same_below[j] and _same_rows(ids, k, j)
            if repeats and count[0] >= 0:
                same[j + 1] = same[j]
                for n in range(count_runs):
                    volume[runs[n]] += lengths[n] * dy[j] * dz
                continue
            same[j + 1] = j + 1
            own, before, under = here[j + 1], here[same[j]], below[same_below[j + 1]]
            count_runs = 0
            for i in range(nx):
                p = part[ids[k, j, i]]
                if p < 0 or count[0] < 0:
                    own[i + 1] = -1
                    continue
                near[0], near[1], near[2] = own[i], before[i + 1], under[i + 1]
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
                own[i + 1] = label
                if count_runs == 0 or runs[count_runs - 1] != label:
                    runs[count_runs], lengths[count_runs] = label, 0.0
                    count_runs += 1
                lengths[count_runs - 1] += dx[i]
    for n in range(count[0]):
        root[n] = _root(root, n)
    release(labels)
    release(like)
    release(runs)
    release(lengths)
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
