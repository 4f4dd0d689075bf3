"""Interpolate surface heights from columns to grid lines and between them; integrate.

Arrays [j, i] = (y, x), NaN off the footprint; lines (n + 1): the coordinates at which the columns
begin and end. Points are the vertices and the middles between them, half a cell apart. Sums and
extremes over a row have `lanes`: lane t takes the points t, t + lanes, t + 2 lanes, ... in order.
"""

import numpy as np

from warp.kernels import inline, kernel, portion


@inline
def or_zero(a):
    """Return a, or 0 if it is not finite."""
    return a if np.isfinite(a) else 0.0


@inline
def entry(f, down, row, i):
    """Return entry i of a row of f, or of a column if `down`."""
    return f[i, row] if down else f[row, i]


@inline
def centre(lines, i):
    """Return the coordinate in the middle of a column."""
    return (lines[i + 1] + lines[i]) / 2


@inline
def on_line(f, lines, down, row, l):
    """Return the value on line l of a row of columns, linear between their centres.

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
        rise = (entry(f, down, row, l) - entry(f, down, row, i)) / (
            centre(lines, l) - centre(lines, i)
        )
        value = entry(f, down, row, i) + rise * (lines[l] - centre(lines, i))
    if l > 0 and not np.isfinite(value):
        slope, bend = np.nan, np.nan
        if i > 0:
            step = entry(f, down, row, i) - entry(f, down, row, i - 1)
            slope = step / (centre(lines, i) - centre(lines, i - 1))
        if i > 1:
            rise = entry(f, down, row, i - 1) - entry(f, down, row, i - 2)
            before = rise / (centre(lines, i - 1) - centre(lines, i - 2))
            bend = (slope - before) / (lines[i] - lines[i - 1])
        h = lines[l] - lines[i]
        value = entry(f, down, row, i) + h / 2 * (or_zero(slope) + h * or_zero(bend))
    if l < n and not np.isfinite(value):
        slope, bend = np.nan, np.nan
        if l < n - 1:
            step = entry(f, down, row, l) - entry(f, down, row, l + 1)
            slope = step / (centre(lines, l + 1) - centre(lines, l))
        if l < n - 2:
            rise = entry(f, down, row, l + 1) - entry(f, down, row, l + 2)
            after = rise / (centre(lines, l + 2) - centre(lines, l + 1))
            bend = (slope - after) / (lines[l + 2] - lines[l + 1])
        h = lines[l + 1] - lines[l]
        value = entry(f, down, row, l) + h / 2 * (or_zero(slope) + h * or_zero(bend))
    return value


@kernel
def to_lines(share, out, f, lines, down):
    """Carry columns to the lines around them (`on_line`), along rows of f or `down` its columns.

    f (rows, n), out (rows, n+1); or f (n, columns), out (n+1, columns).
    """
    for r in portion(share, out.shape[0]):
        if down:
            for q in range(out.shape[1]):
                out[r, q] = on_line(f, lines, True, q, r)
        else:
            for q in range(out.shape[1]):
                out[r, q] = on_line(f, lines, False, r, q)


@kernel
def cut(share, w, cells):
    """Blank the vertices w (m+1, n+1) that no cell of the footprint (m, n) touches."""
    m, n = cells.shape
    for r in portion(share, m + 1):
        for p in range(n + 1):
            touched = False
            for j in range(max(r - 1, 0), min(r, m - 1) + 1):
                for i in range(max(p - 1, 0), min(p, n - 1) + 1):
                    touched = touched or cells[j, i]
            if not touched:
                w[r, p] = np.nan


@kernel
def heights(share, out, w, face):
    """out (ny, nx): w (nz+1, ny+1, nx+1) on the z-face of each column.

    NaN where `face` (ny, nx) is -1.
    """
    ny, nx = face.shape
    for j in portion(share, ny):
        for i in range(nx):
            out[j, i] = w[face[j, i], j, i] if face[j, i] >= 0 else np.nan


@inline
def middle(f, lines, down, row, l):
    """Return the value midway between lines l and l + 1.

    It lies on a parabola through a third line, the mean of two if there are two.
    """
    n = len(lines) - 1
    h, bend, after = lines[l + 1] - lines[l], np.nan, np.nan
    here, there = entry(f, down, row, l), entry(f, down, row, l + 1)
    rise = (there - here) / h
    if l > 0:
        before = lines[l] - lines[l - 1]
        bend = 2 * (rise - (here - entry(f, down, row, l - 1)) / before) / (h + before)
    if l < n - 1:
        more = lines[l + 2] - lines[l + 1]
        after = 2 * ((entry(f, down, row, l + 2) - there) / more - rise) / (more + h)
    known = np.isfinite(bend) + np.isfinite(after)
    curvature = (or_zero(bend) + or_zero(after)) / max(known, 1)
    return (here + there) / 2 - h**2 / 8 * curvature


@kernel
def with_middles(share, out, f, lines, down):
    """Insert values midway between lines (`middle`) along the rows of f, or `down` its columns.

    f (rows, n+1), out (rows, 2n+1); or f (n+1, columns), out (2n+1, columns).
    """
    rows, columns = f.shape
    for r in portion(share, rows):
        if down:
            for q in range(columns):
                out[2 * r, q] = f[r, q]
            if r < rows - 1:
                for q in range(columns):
                    out[2 * r + 1, q] = middle(f, lines, True, q, r)
        else:
            for q in range(columns):
                out[r, 2 * q] = f[r, q]
            for q in range(columns - 1):
                out[r, 2 * q + 1] = middle(f, lines, False, r, q)


@inline
def touches(cells, r, p):
    """Tell whether point (r, p) belongs to a cell of the footprint (m, n)."""
    m, n = cells.shape
    for j in range(max((r - 1) // 2, 0), min(r // 2, m - 1) + 1):
        for i in range(max((p - 1) // 2, 0), min(p // 2, n - 1) + 1):
            if cells[j, i]:
                return True
    return False


@kernel
def row_extremes(share, values, at, w, cells, x, y, plane):
    """Find the lowest and the highest w - plane of each row of points, in lanes.

    values (2m+1, lanes, 2): inf and -inf where a lane has none; at: the number of the point, row by
    row. w (2m+1, 2n+1) at points y and x; cells (m, n): the footprint; plane: a, b, c of
    a + b x + c y.
    """
    lanes, n = values.shape[1], len(x)
    for r in portion(share, len(y)):
        level = plane[0] + plane[2] * y[r]
        for t in range(lanes):
            low, high, at_low, at_high = np.inf, -np.inf, 0, 0
            for p in range(t, n, lanes):
                if not touches(cells, r, p):
                    continue
                value = w[r, p] - (level + plane[1] * x[p])
                if value < low:
                    low, at_low = value, r * n + p
                if value > high:
                    high, at_high = value, r * n + p
            values[r, t, 0], values[r, t, 1] = low, high
            at[r, t, 0], at[r, t, 1] = at_low, at_high


@kernel
def squares(share, sums, w, cells, x, y, dx, dy, plane):
    """Add area, and area times (w - plane)^2, of the vertices of each row: sums (m+1, lanes, 2).

    w (m+1, n+1) at y and x; cells (m, n): the footprint; dx, dy: the widths of its cells. A vertex
    stands for a quarter of each cell of the footprint that it touches.
    """
    m, n = cells.shape
    lanes = sums.shape[1]
    for r in portion(share, m + 1):
        level = plane[0] + plane[2] * y[r]
        for t in range(lanes):
            total, square = 0.0, 0.0
            for p in range(t, n + 1, lanes):
                area = 0.0
                for j in range(max(r - 1, 0), min(r, m - 1) + 1):
                    for i in range(max(p - 1, 0), min(p, n - 1) + 1):
                        if cells[j, i]:
                            area += dx[i] * dy[j] / 4
                if area > 0:
                    total += area
                    square += area * or_zero(w[r, p] - (level + plane[1] * x[p])) ** 2
            sums[r, t, 0], sums[r, t, 1] = total, square


@inline
def simpson(cells, heights, r, column):
    """Return Simpson's weight of point r of a column of cells, from the cells beside it."""
    line = r // 2
    if r % 2:
        return heights[line] * 4 / 6 if cells[line, column] else 0.0
    before = heights[line - 1] / 6 if r > 0 and cells[line - 1, column] else 0.0
    return before + (heights[line] / 6 if line < len(heights) and cells[line, column] else 0.0)


@kernel
def integrals(share, sums, w, cells, x, y, dx, dy):
    """Add A, A x, A x^2, A w and A w x over the points of each row into sums (2m+1, lanes, 5).

    A is Simpson's weight of a point in the footprint. w (2m+1, 2n+1) at points y and x;
    cells (m, n): the footprint, dx and dy: the widths of its cells.
    """
    lanes = sums.shape[1]
    for r in portion(share, len(y)):
        for t in range(lanes):
            s0, s1, s2, s3, s4 = 0.0, 0.0, 0.0, 0.0, 0.0
            for p in range(t, len(x), lanes):
                i = p // 2
                if p % 2:
                    a = simpson(cells, dy, r, i) * dx[i] * 4 / 6
                else:
                    a = simpson(cells, dy, r, i - 1) * dx[i - 1] / 6 if p > 0 else 0.0
                    a += simpson(cells, dy, r, i) * dx[i] / 6 if i < len(dx) else 0.0
                if a > 0:
                    s0 += a
                    s1 += a * x[p]
                    s2 += a * x[p] * x[p]
                    s3 += a * w[r, p]
                    s4 += a * w[r, p] * x[p]
            sums[r, t, 0], sums[r, t, 1], sums[r, t, 2] = s0, s1, s2
            sums[r, t, 3], sums[r, t, 4] = s3, s4
