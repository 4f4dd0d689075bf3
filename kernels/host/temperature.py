"""Temperatures of parts, on the host: read once after a solve, a layer at a time. Rows add up in a fixed order."""

from warp.kernels import kernel, portion


@kernel
def extremes_and_means(share, low, high, at, volume, heat, T, part, area, dz, k):
    """Of each part in each row (ny, parts), layer k added to those seen before: coldest, hottest and the first flat place that
    is, volume and volume times temperature. T (ny, nx) in K, part (ny, nx): of each voxel, -1 in void.
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
