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


@inline
def entry(f, down, row, i):
    """Return entry i of a row of f, or of a column if `down`."""
    return f[i, row] if down else f[row, i]


@inline
def on_line(f, c, lines, down, row, l):
    """Return the value on line l of a row of columns, linear between their centres c.

    Beyond the outermost column the value follows from the slope on the last line, and from the
    change of slope before it where enough columns exist.

            f[i-2]   f[i-1]    f[i]  out[i+1]
           |   o   |   o   |   o   |           slope: on the line before column i
                                               bend: its change over column i-1
    """
    n = len(lines) - 1
    i = l - 1  # the column before the line
    value = np.nan
    if 0 < l < n:
        rise = (entry(f, down, row, l) - entry(f, down, row, i)) / (c[l] - c[i])
        value = entry(f, down, row, i) + rise * (lines[l] - c[i])
    if l > 0 and not np.isfinite(value):
        slope, bend = np.nan, np.nan
        if i > 0:
            slope = (entry(f, down, row, i) - entry(f, down, row, i - 1)) / (c[i] - c[i - 1])
        if i > 1:
            rise = entry(f, down, row, i - 1) - entry(f, down, row, i - 2)
            bend = (slope - rise / (c[i - 1] - c[i - 2])) / (lines[i] - lines[i - 1])
        h = lines[l] - lines[i]
        value = entry(f, down, row, i) + h / 2 * (or_zero(slope) + h * or_zero(bend))
    if l < n and not np.isfinite(value):
        slope, bend = np.nan, np.nan
        if l < n - 1:
            slope = (entry(f, down, row, l) - entry(f, down, row, l + 1)) / (c[l + 1] - c[l])
        if l < n - 2:
            rise = entry(f, down, row, l + 1) - entry(f, down, row, l + 2)
            bend = (slope - rise / (c[l + 2] - c[l + 1])) / (lines[l + 2] - lines[l + 1])
        h = lines[l + 1] - lines[l]
        value = entry(f, down, row, l) + h / 2 * (or_zero(slope) + h * or_zero(bend))
    return value


@kernel
def to_lines(share, out, f, lines):
    """out (rows, n+1): values on the lines (`on_line`); f (rows, n): at column centres."""
    rows, n = f.shape
    c = scratch((n,), lines)
    for i in range(n):
        c[i] = (lines[i + 1] + lines[i]) / 2
    for row in portion(share, rows):
        for l in range(n + 1):
            out[row, l] = on_line(f, c, lines, False, row, l)
    release(c)


@kernel
def to_lines_down(share, out, f, lines):
    """out (n+1, columns): values on the lines (`on_line`) down the columns of f (n, columns)."""
    n, columns = f.shape
    c = scratch((n,), lines)
    for i in range(n):
        c[i] = (lines[i + 1] + lines[i]) / 2
    for l in portion(share, n + 1):
        for column in range(columns):
            out[l, column] = on_line(f, c, lines, True, column, l)
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


@kernel
def with_middles_down(share, out, f, lines):
    """out (2n+1, columns): as `with_middles` down the columns of f (n+1, columns)."""
    n, columns = f.shape[0] - 1, f.shape[1]
    for l in portion(share, n + 1):
        for i in range(columns):
            out[2 * l, i] = f[l, i]
        if l == n:
            continue
        h, before, more = lines[l + 1] - lines[l], 1.0, 1.0
        if l > 0:
            before = lines[l] - lines[l - 1]
        if l < n - 1:
            more = lines[l + 2] - lines[l + 1]
        for i in range(columns):
            rise, bend, after = (f[l + 1, i] - f[l, i]) / h, np.nan, np.nan
            if l > 0:
                bend = 2 * (rise - (f[l, i] - f[l - 1, i]) / before) / (h + before)
            if l < n - 1:
                after = 2 * ((f[l + 2, i] - f[l + 1, i]) / more - rise) / (more + h)
            known = np.isfinite(bend) + np.isfinite(after)
            curvature = (or_zero(bend) + or_zero(after)) / max(known, 1)
            out[2 * l + 1, i] = (f[l, i] + f[l + 1, i]) / 2 - h**2 / 8 * curvature


@inline
def touches(cells, r, p):
    """Tell whether point (r, p), half a cell apart, belongs to a cell of the footprint (m, n)."""
    m, n = cells.shape
    for j in range(max((r - 1) // 2, 0), min(r // 2, m - 1) + 1):
        for i in range(max((p - 1) // 2, 0), min(p // 2, n - 1) + 1):
            if cells[j, i]:
                return True
    return False


@kernel
def row_extremes(share, values, at, w, cells, x, y, plane):
    """values (2m+1, 2): lowest and highest of w - plane in each row of the footprint; at: where.

    w (2m+1, 2n+1) at points y and x; cells (m, n): the footprint; plane: a, b, c of a + b x + c y.
    inf and -inf where a row has none.
    """
    for r in portion(share, len(y)):
        low, high, at_low, at_high = np.inf, -np.inf, 0, 0
        level = plane[0] + plane[2] * y[r]
        for p in range(len(x)):
            if not touches(cells, r, p):
                continue
            value = w[r, p] - (level + plane[1] * x[p])
            if value < low:
                low, at_low = value, p
            if value > high:
                high, at_high = value, p
        values[r, 0], values[r, 1], at[r, 0], at[r, 1] = low, high, at_low, at_high


@kernel
def squares(share, sums, w, cells, x, y, dx, dy, plane):
    """Add area, and area times (w - plane)^2, of the vertices in each row into sums (m+1, 2).

    w (m+1, n+1) at y and x; cells (m, n): the footprint; dx, dy: the widths of its cells. A vertex
    stands for a quarter of each cell of the footprint that it touches.
    """
    m, n = cells.shape
    for r in portion(share, m + 1):
        total, square = 0.0, 0.0
        level = plane[0] + plane[2] * y[r]
        for p in range(n + 1):
            area = 0.0
            for j in range(max(r - 1, 0), min(r, m - 1) + 1):
                for i in range(max(p - 1, 0), min(p, n - 1) + 1):
                    if cells[j, i]:
                        area += dx[i] * dy[j] / 4
            if area > 0:
                total += area
                square += area * or_zero(w[r, p] - (level + plane[1] * x[p])) ** 2
        sums[r, 0], sums[r, 1] = total, square


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
