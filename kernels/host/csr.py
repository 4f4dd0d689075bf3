"""Sparse matrices by compressed rows: sums, products, transposes, rows in order, on the host.

Row n has the entries from start[n] to start[n + 1] of column and value.
"""

from warp.kernels import kernel, portion


@kernel
def by_rows(column, value, place, rows, columns, values):
    """Put entries into their rows, in the order in which they come.

    place (height): where the first entry of each row goes; afterwards where the next would.
    """
    for n in range(len(rows)):
        at = place[rows[n]]
        column[at], value[at] = columns[n], values[n]
        place[rows[n]] = at + 1


@kernel
def sort_rows(share, count, column, value, start):
    """Sort each row by column, and add entries of the same column in the order they had.

    In place by insertion, for short rows; count: the entries that are left at a row's beginning.
    """
    for row in portion(share, len(count)):
        first, kept = start[row], 0
        for n in range(first, start[row + 1]):
            c, v = column[n], value[n]
            at = first + kept
            while at > first and column[at - 1] > c:
                at -= 1
            if at > first and column[at - 1] == c:
                value[at - 1] += v
                continue
            for m in range(first + kept, at, -1):
                column[m], value[m] = column[m - 1], value[m - 1]
            column[at], value[at] = c, v
            kept += 1
        count[row] = kept


@kernel
def move_rows(share, column, value, start, columns, values, starts):
    """Copy the first entries of each row of another matrix: as many as a row of this one has."""
    for row in portion(share, len(start) - 1):
        for n in range(start[row + 1] - start[row]):
            column[start[row] + n] = columns[starts[row] + n]
            value[start[row] + n] = values[starts[row] + n]


@kernel
def transpose(row, value, place, start, columns, values):
    """Put the entries into their columns, rows ascending; place: as in `by_rows`."""
    for r in range(len(start) - 1):
        for n in range(start[r], start[r + 1]):
            at = place[columns[n]]
            row[at], value[at] = r, values[n]
            place[columns[n]] = at + 1


@kernel
def products(share, column, value, start, a_start, a_column, a_value, b_start, b_column, b_value):
    """Write all products of entries of A and B into the rows of A B, one after the other."""
    for row in portion(share, len(start) - 1):
        at = start[row]
        for n in range(a_start[row], a_start[row + 1]):
            for m in range(b_start[a_column[n]], b_start[a_column[n] + 1]):
                column[at], value[at] = b_column[m], a_value[n] * b_value[m]
                at += 1


@kernel
def sums(
    share, count, column, value, start, a_start, a_column, a_value, b_start, b_column, b_value
):
    """Write the rows of A + B, each from start[row] = a_start[row] + b_start[row] on.

    Rows of A and B are in order; count: the entries of each row of the sum.
    """
    for row in portion(share, len(count)):
        n, m, at = a_start[row], b_start[row], start[row]
        end, last = a_start[row + 1], b_start[row + 1]
        while n < end or m < last:
            a_first = n < end and (m == last or a_column[n] <= b_column[m])
            both = n < end and m < last and a_column[n] == b_column[m]
            if both:
                column[at], value[at] = a_column[n], a_value[n] + b_value[m]
                n, m = n + 1, m + 1
            elif a_first:
                column[at], value[at] = a_column[n], a_value[n]
                n += 1
            else:
                column[at], value[at] = b_column[m], b_value[m]
                m += 1
            at += 1
        count[row] = at - start[row]


@kernel
def chosen(share, out, start, column, value, wanted):
    """out (rows,): the value of each row in the column `wanted` for it, 0 without an entry."""
    for row in portion(share, len(out)):
        out[row] = 0.0
        for n in range(start[row], start[row + 1]):
            if column[n] == wanted[row]:
                out[row] = value[n]
