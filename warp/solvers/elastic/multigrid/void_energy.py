"""Energy of coarse levels beside voids, where a fine strain is interpolated from coarse ones that cost nothing there.

Beside a ledge, a gap or a wall a displacement that does not exist on the coarse grid is extrapolated (transfer.ghosts), and
fine cells and edges follow it by a share. If that is the only thing which resists, the coarse level yields a thousand times
more easily than the field interpolated from it, and its correction overshoots. Two kinds of places miss their energy:

    void cells     whose two displacements come about in different ways: e_xx, e_yy, e_zz with a part of the stiffness that
                   their share in fine cells adds up to (kernels/elastic_setup.py, `hidden`)
    edges along z  with a displacement that repeats its only neighbour, as in a wall one cell thick: g_xy with all of K

Straight walls of two cells and more need neither. These are few displacements: a sparse matrix, joined to the free edges',
that the next coarser level takes over as the field interpolated from it feels it. A lid on a seal of 0.1 MPa takes 22
iterations instead of 41 with it, boxes dropped at random 156 instead of 251, or 423 where they did not converge.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from warp.device import Device
from warp.solvers.elastic.layout import displacement_shape, spacings
from warp.solvers.elastic.multigrid.coefficients import Coefficients
from warp.solvers.elastic.multigrid.transfer import ON_LINES, Merge
from warp.solvers.sparse import Scattered, find

ALONG, UP = 0.1, 0.3
"""Of its share in the stiffness along x or y, and along z times (height / width)^2, what a void cell is given. All of it
would be right where one fine cell follows, and is too much where many do. Along z a coarse cell that is flat cannot bend
without stretching what hangs beside it by width / height times as much, which the z lines set right at once: with 0.1 at
any height an interposer takes 32 iterations instead of 18. UP = 0.1 / 0.3 / 1 / 3: 10 boxes 71 / 68 / 73 / 85.
"""


def overhang(
    device: Device, coefficients: Coefficients, turn: Any, fill: Scattered, lines: tuple
) -> Scattered | None:
    """The missing energy of a level as a matrix, or None; turn, fill: from transfer.ghost_places and ghosts."""
    nx, ny, nz = (len(q) - 1 for q in lines)
    found = device.zeros((4, *coefficients.total.shape[1:]), np.uint8)
    args = found, turn, coefficients.ids, coefficients.hidden, coefficients.total
    device.launch("elastic_setup", "overhangs", (nx, ny, nz), *args, nx, ny, nz)
    row = nx + 3
    plane = (ny + 1) * row
    field = (nz + 1) * plane
    rdx, rcx, rdy, rcy, rdz, _ = spacings(lines)
    strains: list[tuple[tuple[Any, Any], ...]] = []
    weights = []
    for a in range(4):
        where = device.xp.flatnonzero(found[a])
        stiffness = device.to_host(
            (coefficients.total[2] if a == 3 else coefficients.hidden[a]).reshape(-1)[where]
        )
        at = device.to_host(where)
        k, j, i = at // plane, at // row % (ny + 1), at % row
        if a == 3:
            y, x = rcy[j + 1], rcx[i]
            strains.append(((at - row, -y), (at, y), (field + at - 1, -x), (field + at, x)))
        else:
            r = (rdx[i], rdy[j + 1], rdz[k + 1])[a]
            strains.append(((a * field + at, -r), (a * field + at + (1, row, plane)[a], r)))
            flat = np.minimum(np.maximum(rdx[i], rdy[j + 1]) / rdz[k + 1], 1) ** 2
            stiffness = (UP * flat if a == 2 else ALONG) * stiffness
        weights.append(stiffness)
    if not sum(map(len, weights)):
        return None
    first = np.cumsum([0, *map(len, weights)])
    entries = [
        (n + np.arange(len(p)), p, v)
        for n, terms in zip(first, strains, strict=False)
        for p, v in terms
    ]
    rows, places, values = (np.concatenate(a) for a in zip(*entries, strict=True))
    return Scattered.product(
        filled(device, first[-1], rows, places, values, turn, fill), np.concatenate(weights)
    )


def carried(
    device: Device, finer: Scattered, merge: Merge, turn: Any, fill: Scattered
) -> Scattered:
    """The missing energy of the finer level, of the field interpolated from this one."""
    shape = turn.shape
    fine = displacement_shape(len(merge.x) - 1, len(merge.y) - 1, shape[1] - 1)
    component, k, j, i = np.unravel_index(finer.at, fine)
    rows, places, values = [], [], []
    for a, on_lines in enumerate(ON_LINES):
        here = np.flatnonzero(component == a)
        x, y = merge.weights(0, on_lines[0]), merge.weights(1, on_lines[1])
        column, line = i[here] - 1, j[here]
        for dj, share_y in ((0, 1 - y.t[line]), (1, y.t[line])):
            for di, share_x in ((0, 1 - x.t[column]), (1, x.t[column])):
                used = share_y * share_x != 0
                to = (
                    np.full(used.sum(), a),
                    k[here][used],
                    y.at[line][used] + dj,
                    x.at[column][used] + di + 1,
                )
                rows.append(here[used])
                places.append(np.ravel_multi_index(to, shape))
                values.append((share_y * share_x)[used])
    row, place, value = (np.concatenate(a) for a in (rows, places, values))
    return finer.carried(filled(device, len(finer.at), row, place, value, turn, fill))


def filled(
    device: Device, count: int, rows, places, values, turn: Any, fill: Scattered
) -> sparse.csr_matrix:
    """`count` rows of entries with what they ask of missing displacements asked of those that these are extrapolated from."""
    flat = device.asarray(places, np.int64)
    there = device.to_host(turn.reshape(-1)[flat]) == 0
    near = find(fill.at, places)
    ghost = ~there & (near >= 0)
    asked = (
        sparse.csr_matrix((values[ghost], (rows[ghost], near[ghost])), shape=(count, len(fill.at)))
        @ fill.matrix
    )
    more = asked.tocoo()
    row, place = np.r_[rows[there], more.row], np.r_[places[there], fill.at[more.col]]
    return sparse.csr_matrix(
        (np.r_[values[there], more.data], (row, place)), shape=(count, turn.size)
    )
