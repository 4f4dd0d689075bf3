"""Shear strain of edges that borrow a tilt, as rows of a sparse matrix, on the host."""

from warp.kernels import kernel, portion


@kernel
def strain_rows(share, column, value, start, k, m, p, layer, plane, rcz, rcp, face, nx, ny, nz):
    """Write the rows of `free_edges.strain_matrix` of the edges of one face, in ascending columns.

    start (edges + 1): where each row begins, after two entries of du/dz and two of the tilt if the
    edge has one. rcz, rcp: inverse distances of centres along z and across the planes.
    """
    row = nx + 3
    size = (ny + 1) * row
    for n in portion(share, len(k)):
        j, i = (m[n], p[n]) if face == 0 else (p[n], m[n])
        at, upper = start[n], (face * (nz + 1) + k[n]) * size + j * row + i + 1
        h = rcz[k[n] + 1]
        column[at], value[at] = upper - size, -h
        column[at + 1], value[at + 1] = upper, h
        if plane[n] >= 0:
            j, i = (m[n], plane[n]) if face == 0 else (plane[n], m[n])
            after = (2 * (nz + 1) + layer[n]) * size + j * row + i + 1
            d = rcp[plane[n] + 1]
            column[at + 2], value[at + 2] = after - (1 if face == 0 else row), -d
            column[at + 3], value[at + 3] = after, d
