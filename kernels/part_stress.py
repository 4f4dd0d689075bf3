"""Extremes and histograms of the stress of parts.

stress (6, nz, ny, nx) of some layers: xx yy zz yz xz xy in Pa; ids (nz, ny, nx); part (media,): the
part of each medium, -1 for void. Values in the order largest principal, smallest principal, von
Mises stress.
"""

from math import acos, cos, sqrt

from warp.kernels import inline, kernel, portion


@inline
def mean_and_deviators(s, k, j, i):
    """Return the mean stress p and the deviator's invariants J2, J3 (see results/stress.py)."""
    xx, yy, zz = s[0, k, j, i], s[1, k, j, i], s[2, k, j, i]
    yz, xz, xy = s[3, k, j, i], s[4, k, j, i], s[5, k, j, i]
    p = (xx + yy + zz) / 3
    a, b, c = xx - p, yy - p, zz - p
    j2 = (a * a + b * b + c * c) / 2 + yz * yz + xz * xz + xy * xy
    return p, j2, a * b * c + 2 * yz * xz * xy - a * yz * yz - b * xz * xz - c * xy * xy


@inline
def invariants(p, j2, j3):
    """Return the largest and smallest principal stress and the von Mises stress."""
    radius = sqrt(j2 / 3)
    cube = 2 * radius * radius * radius
    near = cos(acos(min(max(j3 / cube, -1.0), 1.0) if cube > 0 else 0.0) / 3)  # 1/2 .. 1
    far = -(near + sqrt(3 * max(1 - near * near, 0.0))) / 2  # a third of a turn further
    return p + 2 * radius * near, p + 2 * radius * far, sqrt(3 * j2)


@kernel
def extremes(share, high, low, at_high, at_low, stress, ids, part, first, nx, ny, nz):
    """Update the largest and smallest value of each part in each row: (ny, lanes, 3, parts).

    Lane t has the voxels t, t + lanes, t + 2 lanes, ... of a row. at_high, at_low: the first flat
    index with that value; `first`: the flat index of the first voxel of these layers. Most voxels
    are skipped because no J3 within its bounds could make them an extreme.
    """
    lanes = high.shape[1]
    for j in portion(share, ny):
        for t in range(lanes):
            for k in range(nz):
                for i in range(t, nx, lanes):
                    q = part[ids[k, j, i]]
                    if q < 0:
                        continue
                    p, j2, j3 = mean_and_deviators(stress, k, j, i)
                    radius, mises = sqrt(j2 / 3), sqrt(3 * j2)
                    if (
                        p + 2 * radius <= high[j, t, 0, q]
                        and p + radius >= low[j, t, 0, q]
                        and p - radius <= high[j, t, 1, q]
                        and p - 2 * radius >= low[j, t, 1, q]
                        and low[j, t, 2, q] <= mises <= high[j, t, 2, q]
                    ):
                        continue
                    values, at = invariants(p, j2, j3), first + (k * ny + j) * nx + i
                    for n in range(3):
                        if values[n] > high[j, t, n, q]:
                            high[j, t, n, q], at_high[j, t, n, q] = values[n], at
                        if values[n] < low[j, t, n, q]:
                            low[j, t, n, q], at_low[j, t, n, q] = values[n], at


@kernel
def add_volumes(share, bins, stress, ids, part, dx, dy, dz, scale, floor, width, count, nx, ny, nz):
    """Add the volume of each voxel to the bins of its values, bins (blocks, 3, parts, count).

    In units of 1 / scale, rounded: sums of whole numbers depend on no order. Bins have `width`
    (3, parts) and start at `floor`. Each of the blocks of rows has bins of its own.
    """
    blocks = bins.shape[0]
    for block in portion(share, blocks):
        for j in range(block * ny // blocks, (block + 1) * ny // blocks):
            for k in range(nz):
                for i in range(nx):
                    q = part[ids[k, j, i]]
                    if q < 0:
                        continue
                    p, j2, j3 = mean_and_deviators(stress, k, j, i)
                    values = invariants(p, j2, j3)
                    volume = int(dx[i] * dy[j] * dz[k] * scale + 0.5)
                    for n in range(3):
                        slot = int(min((values[n] - floor[n, q]) / width[n, q], count - 1.0))
                        bins[block, n, q, slot] += volume
