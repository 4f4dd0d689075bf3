#include "common.cuh"

// A thread has one point, or one lane of a row of points; the CPU has whole rows. In double on
// every device: a surface is read to a few digits of its height less a plane.

// Value i of a row of f, or of a column if `down`
#define ENTRY(i) f[down ? (long long)(i) * columns + row : (long long)row * columns + (i)]
#define CENTRE(i) ((lines[(i) + 1] + lines[i]) / 2)
#define OR_ZERO(a) (isfinite(a) ? (a) : 0.0)
#define CELL(j, i) cells[(long long)(j) * n + (i)]

static __device__ inline double on_line(const double *__restrict__ f,
                                        const double *__restrict__ lines, bool down, int row,
                                        int l, int n, int columns)
{
    const int i = l - 1;
    double value = nan("");
    if (0 < l && l < n) {
        const double rise = (ENTRY(l) - ENTRY(i)) / (CENTRE(l) - CENTRE(i));
        value = ENTRY(i) + rise * (lines[l] - CENTRE(i));
    }
    if (l > 0 && !isfinite(value)) {
        double slope = nan(""), bend = nan("");
        if (i > 0) slope = (ENTRY(i) - ENTRY(i - 1)) / (CENTRE(i) - CENTRE(i - 1));
        if (i > 1) {
            const double before = (ENTRY(i - 1) - ENTRY(i - 2)) / (CENTRE(i - 1) - CENTRE(i - 2));
            bend = (slope - before) / (lines[i] - lines[i - 1]);
        }
        const double h = lines[l] - lines[i];
        value = ENTRY(i) + h / 2 * (OR_ZERO(slope) + h * OR_ZERO(bend));
    }
    if (l < n && !isfinite(value)) {
        double slope = nan(""), bend = nan("");
        if (l < n - 1) slope = (ENTRY(l) - ENTRY(l + 1)) / (CENTRE(l + 1) - CENTRE(l));
        if (l < n - 2) {
            const double after = (ENTRY(l + 1) - ENTRY(l + 2)) / (CENTRE(l + 2) - CENTRE(l + 1));
            bend = (slope - after) / (lines[l + 2] - lines[l + 1]);
        }
        const double h = lines[l + 1] - lines[l];
        value = ENTRY(l) + h / 2 * (OR_ZERO(slope) + h * OR_ZERO(bend));
    }
    return value;
}

KERNEL to_lines(double *__restrict__ out, const double *__restrict__ f,
                const double *__restrict__ lines, bool down, int out_dim0, int out_dim1,
                int f_dim1, int lines_dim0)
{
    ONE_Z;
    EACH_Y(r, 0, out_dim0) EACH_X(q, 0, out_dim1) {
        out[(long long)r * out_dim1 + q] =
            on_line(f, lines, down, down ? q : r, down ? r : q, lines_dim0 - 1, f_dim1);
    }
}

KERNEL cut(double *__restrict__ w, const uint8 *__restrict__ cells, int cells_dim0, int cells_dim1)
{
    ONE_Z;
    const int m = cells_dim0, n = cells_dim1;
    EACH_Y(r, 0, m + 1) EACH_X(p, 0, n + 1) {
        bool touched = false;
        for (int j = max(r - 1, 0); j <= min(r, m - 1); ++j) {
            for (int i = max(p - 1, 0); i <= min(p, n - 1); ++i) touched = touched || CELL(j, i);
        }
        if (!touched) w[(long long)r * (n + 1) + p] = nan("");
    }
}

KERNEL heights(double *__restrict__ out, const double *__restrict__ w,
               const int *__restrict__ face, int face_dim0, int face_dim1)
{
    ONE_Z;
    const long long columns = (long long)face_dim0 * face_dim1;
    EACH_Y(j, 0, face_dim0) EACH_X(i, 0, face_dim1) {
        const long long at = (long long)j * face_dim1 + i;
        out[at] = face[at] >= 0 ? w[face[at] * columns + at] : nan("");
    }
}

static __device__ inline double middle(const double *__restrict__ f,
                                       const double *__restrict__ lines, bool down, int row, int l,
                                       int n, int columns)
{
    const double h = lines[l + 1] - lines[l], here = ENTRY(l), there = ENTRY(l + 1);
    const double rise = (there - here) / h;
    double bend = nan(""), after = nan("");
    if (l > 0) {
        const double before = lines[l] - lines[l - 1];
        bend = 2 * (rise - (here - ENTRY(l - 1)) / before) / (h + before);
    }
    if (l < n - 1) {
        const double more = lines[l + 2] - lines[l + 1];
        after = 2 * ((ENTRY(l + 2) - there) / more - rise) / (more + h);
    }
    const int known = (isfinite(bend) ? 1 : 0) + (isfinite(after) ? 1 : 0);
    const double curvature = (OR_ZERO(bend) + OR_ZERO(after)) / max(known, 1);
    return (here + there) / 2 - h * h / 8 * curvature;
}

KERNEL with_middles(double *__restrict__ out, const double *__restrict__ f,
                    const double *__restrict__ lines, bool down, int out_dim1, int f_dim0,
                    int f_dim1, int lines_dim0)
{
    ONE_Z;
    const int n = lines_dim0 - 1, columns = f_dim1;
    EACH_Y(r, 0, f_dim0) EACH_X(q, 0, f_dim1) {
        const int row = down ? q : r, l = down ? r : q;
        const long long at = down ? 2LL * r * out_dim1 + q : (long long)r * out_dim1 + 2 * q;
        out[at] = ENTRY(l);
        if (l < n) out[at + (down ? out_dim1 : 1)] = middle(f, lines, down, row, l, n, columns);
    }
}

static __device__ inline bool touches(const uint8 *__restrict__ cells, int r, int p, int m, int n)
{
    for (int j = r > 0 ? (r - 1) / 2 : 0; j <= min(r / 2, m - 1); ++j) {
        for (int i = p > 0 ? (p - 1) / 2 : 0; i <= min(p / 2, n - 1); ++i) {
            if (CELL(j, i)) return true;
        }
    }
    return false;
}

KERNEL row_extremes(double *__restrict__ values, long long *__restrict__ at,
                    const double *__restrict__ w, const uint8 *__restrict__ cells,
                    const double *__restrict__ x, const double *__restrict__ y,
                    const double *__restrict__ plane, int values_dim1, int cells_dim0,
                    int cells_dim1)
{
    ONE_Z;
    const int lanes = values_dim1, points = 2 * cells_dim1 + 1;
    EACH_Y(r, 0, 2 * cells_dim0 + 1) EACH_X(t, 0, lanes) {
        const double level = plane[0] + plane[2] * y[r];
        double low = -log(0.0), high = log(0.0);  // infinite
        long long at_low = 0, at_high = 0;
        for (int p = t; p < points; p += lanes) {
            if (!touches(cells, r, p, cells_dim0, cells_dim1)) continue;
            const long long point = (long long)r * points + p;
            const double value = w[point] - (level + plane[1] * x[p]);
            if (value < low) low = value, at_low = point;
            if (value > high) high = value, at_high = point;
        }
        const long long lane = ((long long)r * lanes + t) * 2;
        values[lane] = low, values[lane + 1] = high;
        at[lane] = at_low, at[lane + 1] = at_high;
    }
}

KERNEL squares(double *__restrict__ sums, const double *__restrict__ w,
               const uint8 *__restrict__ cells, const double *__restrict__ x,
               const double *__restrict__ y, const double *__restrict__ dx,
               const double *__restrict__ dy, const double *__restrict__ plane, int sums_dim1,
               int cells_dim0, int cells_dim1)
{
    ONE_Z;
    const int lanes = sums_dim1, m = cells_dim0, n = cells_dim1;
    EACH_Y(r, 0, m + 1) EACH_X(t, 0, lanes) {
        const double level = plane[0] + plane[2] * y[r];
        double total = 0, square = 0;
        for (int p = t; p < n + 1; p += lanes) {
            double area = 0;
            for (int j = max(r - 1, 0); j <= min(r, m - 1); ++j) {
                for (int i = max(p - 1, 0); i <= min(p, n - 1); ++i) {
                    if (CELL(j, i)) area += dx[i] * dy[j] / 4;
                }
            }
            if (area > 0) {
                const double above = w[(long long)r * (n + 1) + p] - (level + plane[1] * x[p]);
                total += area;
                square += area * OR_ZERO(above) * OR_ZERO(above);
            }
        }
        const long long lane = ((long long)r * lanes + t) * 2;
        sums[lane] = total, sums[lane + 1] = square;
    }
}

static __device__ inline double simpson(const uint8 *__restrict__ cells,
                                        const double *__restrict__ heights, int r, int column,
                                        int m, int n)
{
    const int line = r / 2;
    if (r % 2) return CELL(line, column) ? heights[line] * 4 / 6 : 0;
    const double before = r > 0 && CELL(line - 1, column) ? heights[line - 1] / 6 : 0;
    return before + (line < m && CELL(line, column) ? heights[line] / 6 : 0);
}

KERNEL integrals(double *__restrict__ sums, const double *__restrict__ w,
                 const uint8 *__restrict__ cells, const double *__restrict__ x,
                 const double *__restrict__ y, const double *__restrict__ dx,
                 const double *__restrict__ dy, int sums_dim1, int cells_dim0, int cells_dim1)
{
    ONE_Z;
    const int lanes = sums_dim1, m = cells_dim0, n = cells_dim1, points = 2 * n + 1;
    EACH_Y(r, 0, 2 * m + 1) EACH_X(t, 0, lanes) {
        double s[5] = {};
        for (int p = t; p < points; p += lanes) {
            const int i = p / 2;
            double a;
            if (p % 2) {
                a = simpson(cells, dy, r, i, m, n) * dx[i] * 4 / 6;
            } else {
                a = p > 0 ? simpson(cells, dy, r, i - 1, m, n) * dx[i - 1] / 6 : 0;
                a += i < n ? simpson(cells, dy, r, i, m, n) * dx[i] / 6 : 0;
            }
            if (a > 0) {
                const double height = w[(long long)r * points + p];
                s[0] += a;
                s[1] += a * x[p];
                s[2] += a * x[p] * x[p];
                s[3] += a * height;
                s[4] += a * height * x[p];
            }
        }
        for (int e = 0; e < 5; ++e) sums[((long long)r * lanes + t) * 5 + e] = s[e];
    }
}
