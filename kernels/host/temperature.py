"""Temperatures of parts, on the host: after a solve, layer by layer. Rows sum in a fixed order."""

from warp.kernels import kernel, portion


@kernel
def extremes_and_means(share, low, high, at, volume, heat, T, part, area, dz, k):
    """Add layer k to the extremes and sums of each part in each row, arrays (ny, parts).

    low, high: the coldest and hottest temperature; at: the first flat index of the hottest; volume;
    heat: volume times temperature. T (ny, nx) in K; part (ny, nx): the part of each voxel, -1 in
    void.
    """
    ny, nx = part.shape
    for j in portion(share, ny):
        for i in range(nx):
            q, t = part[j, i], T[j, i]
            if q < 0:
                continue
            low[j, q] = min(low[j, q], t)
            if t > high[j, q]:
                high[j, q], at[j, q] = t, (k * ny + j) * nx + i
            volume[j, q] += area[j, i] * dz
            heat[j, q] += area[j, i] * dz * t
