"""Interpolate surface heights from columns to grid lines and midpoints; integrate; on the host.

Arrays (rows, columns along a line), NaN off the footprint; lines (n + 1): the coordinates at which
the columns begin and end.
"""

import numpy as np

from warp.kernels import inline, kernel, portion, release, scratch


@inline
def or_zero(a):
    """Return a, or 0 if it is not finite."""
    return a if np.isfinite(a) else 0.0


@kernel
def faces(share, bottom, top, ids, first, end, part):
    """bottom, top (parts, ny, nx): lowest and highest z-face of each part in each column, else -1.

    Layers first[n] .. end[n] - 1 of ids are alike; part (media,): -1 is void.
    """
    _, ny, nx = ids.shape
    for j in portion(share, ny):
        bottom[:, j], top[:, j] = -1, -1
        for n in range(len(first)):
            for i in range(nx):
                p = part[ids[first[n], j, i]]
                if p >= 0:
                    top[p, j, i] = end[n]
                    if bottom[p, j, i] < 0:
                        bottom[p, j, i] = first[n]


@kernel
def heights(share, out, w, face):
    """out (ny, nx): w (nz+1, ny+1, nx+1) on the z-face of each column.

    NaN where `face` (ny, nx) is -1.
    """
    ny, nx = face.shape
    for j in portion(share, ny):
        for i in range(nx):
            out[j, i] = w[face[j, i], j, i] if face[j, i] >= 0 else np.nan


@kernel
def whole_columns(share, out, face, below, ids, own):
    """Tell in out (ny, nx) whether the voxel beside each z-face is one of the part's `own` media.

    The voxel lies `below` faces down from the z-face; own (media,).
    """
    ny, nx = face.shape
    for j in portion(share, ny):
        for i in range(nx):
            out[j, i] = face[j, i] >= 0 and own[ids[face[j, i] - below, j, i]]


@kernel
def to_lines(share, out, f, lines):
    """out (rows, n+1): values on the lines, linear between columns; f (rows, n): at column centres.

    Beyond the outermost column the value follows from the slope on the last line, and from the
    change of slope before it where enough columns exist.

            f[i-2]   f[i-1]    f[i]  out[i+1]
           |   o   |   o   |   o   |           slope: on the line before column i
                                               bend: its change over column i-1
    """
    rows, n = f.shape
    c = scratch((n,), lines)
    for i in range(n):
        c[i] = (lines[i + 1] + lines[i]) / 2
    for row in portion(share, rows):
        for l in range(n + 1):
            i = l - 1  # the column before the line
            between, after, before = np.nan, np.nan, np.nan
            if 0 < l < n:
                between = f[row, i] + (f[row, l] - f[row, i]) / (c[l] - c[i]) * (lines[l] - c[i])
            if l > 0 and not np.isfinite(between):
                slope = (f[row, i] - f[row, i - 1]) / (c[i] - c[i - 1]) if i > 0 else np.nan
                last = (f[row, i - 1] - f[row, i - 2]) / (c[i - 1] - c[i - 2]) if i > 1 else np.nan
                bend = (slope - last) / (lines[i] - lines[i - 1]) if i > 1 else np.nan
                h = lines[l] - lines[i]
                after = f[row, i] + h / 2 * (or_zero(slope) + h * or_zero(bend))
            if l < n and not np.isfinite(between) and not np.isfinite(after):
                slope = (f[row, l] - f[row, l + 1]) / (c[l + 1] - c[l]) if l < n - 1 else np.nan
                last = (
                    (f[row, l + 1] - f[row, l + 2]) / (c[l + 2] - c[l + 1]) if l < n - 2 else np.nan
                )
                bend = (slope - last) / (lines[l + 2] - lines[l + 1]) if l < n - 2 else np.nan
                h = lines[l + 1] - lines[l]
                before = f[row, l] + h / 2 * (or_zero(slope) + h * or_zero(bend))
            out[row, l] = (
                between if np.isfinite(between) else after if np.isfinite(after) else before
            )
    release(c)


@kernel
def with_middles(share, out, f, lines):
    """out (rows, 2n+1): values on the lines, f (rows, n+1), and midway between each two.

    A midway value lies on a parabola through a third line, the mean of two if there are two.
    """
    rows, n = f.shape[0], f.shape[1] - 1
    for row in portion(share, rows):
        out[row, 2 * n] = f[row, n]
        bend = np.nan  # at the previous line
        for i in range(n):
            h, after = lines[i + 1] - lines[i], np.nan
            if i < n - 1:
                more = lines[i + 2] - lines[i + 1]
                after = (
                    2
                    * ((f[row, i + 2] - f[row, i + 1]) / more - (f[row, i + 1] - f[row, i]) / h)
                    / (more + h)
                )
            known = np.isfinite(bend) + np.isfinite(after)
            curvature = (or_zero(bend) + or_zero(after)) / max(known, 1)
            out[row, 2 * i] = f[row, i]
            out[row, 2 * i + 1] = (f[row, i] + f[row, i + 1]) / 2 - h**2 / 8 * curvature
            bend = after


@inline
def simpson(cells, widths, line, p):
    """Return Simpson's weight of point p of a row of cells, from the cells beside it.

    Points are half a cell apart.
    """
    if p % 2:
        return widths[p // 2] * 4 / 6 if cells[line, p // 2] else 0.0
    before = widths[p // 2 - 1] / 6 if p > 0 and cells[line, p // 2 - 1] else 0.0
    return before + (widths[p // 2] / 6 if p // 2 < len(widths) and cells[line, p // 2] else 0.0)


@kernel
def integrals(share, sums, w, cells, x, y, dx, dy):
    """Add A, A y, A y^2, A w and A w y over the points of each x into sums (2n+1, 5).

    A is Simpson's weight of a point in the footprint. w (2n+1, 2m+1) at points x and y;
    cells (m, n): the footprint, dx and dy: the widths of its cells.
    """
    for p in portion(share, len(x)):
        s0, s1, s2, s3, s4 = 0.0, 0.0, 0.0, 0.0, 0.0
        for r in range(len(y)):
            if r % 2:
                a = simpson(cells, dx, r // 2, p) * dy[r // 2] * 4 / 6
            else:
                a = simpson(cells, dx, r // 2 - 1, p) * dy[r // 2 - 1] / 6 if r > 0 else 0.0
                a += simpson(cells, dx, r // 2, p) * dy[r // 2] / 6 if r // 2 < len(dy) else 0.0
            if a > 0:
                s0 += a
                s1 += a * y[r]
                s2 += a * y[r] * y[r]
                s3 += a * w[p, r]
                s4 += a * w[p, r] * y[r]
        sums[p, 0], sums[p, 1], sums[p, 2], sums[p, 3], sums[p, 4] = s0, s1, s2, s3, s4
