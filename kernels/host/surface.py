"""Find the surfaces of parts, on the host: their faces in each column, the displacement there."""

from warp.kernels import kernel, portion


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
def whole_columns(share, out, face, below, ids, own):
    """Tell in out (ny, nx) whether the voxel beside each z-face is one of the part's `own` media.

    The voxel lies `below` faces down from the z-face; own (media,).
    """
    ny, nx = face.shape
    for j in portion(share, ny):
        for i in range(nx):
            out[j, i] = face[j, i] >= 0 and own[ids[face[j, i] - below, j, i]]
