"""Energy of coarse levels beside voids, where only the interpolated field strains.

Beside a ledge, a gap or a wall a displacement that does not exist on the coarse grid is
extrapolated (transfer.ghosts), and fine cells and edges follow it by a fraction. If nothing else
resists, the coarse level yields far more easily than the field interpolated from it, and its
correction overshoots. Two kinds of cells miss their energy:

    void cells     whose two displacements are obtained in different ways: e_xx, e_yy, e_zz with a
                   part of the stiffness that their fraction in fine cells adds up to
                   (kernels/elastic_setup.py, `hidden`)
    edges along z  with a displacement that repeats its only neighbour, as in a wall one cell thick:
                   g_xy with all of K

Straight walls of two cells and more need neither. Few displacements take part: a sparse matrix,
added to that of the free edges, which the next coarser level takes over in the energy of the field
interpolated from it. Lids on a soft seal and loosely packed boxes need it most.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers.csr import Csr
from warp.solvers.elastic.layout import displacement_shape, spacings
from warp.solvers.elastic.multigrid.coefficients import Coefficients
from warp.solvers.elastic.multigrid.transfer import ON_LINES, Merge
from warp.solvers.sparse import NOTHING, Scattered, find

ALONG, UP = 0.1, 0.3
"""Part of its fraction in the stiffness that a void cell gets along x or y, and along z.

Along z times (height / width)^2 of the cell. All of the fraction would be right if one fine cell
followed, and is too much if many do. Along z a flat coarse cell cannot bend without stretching the
overhanging cells beside it by width / height times as much, which the z lines correct at once.
"""


def missing_energy(
    device: Device,
    coefficients: Coefficients,
    turn: Array,
    fill: Scattered,
    lines: tuple[np.ndarray, ...],
) -> Scattered:
    """Return the missing energy of a level as a matrix.

    turn, fill: from transfer.ghost_places and ghosts.
    """
    nx, ny, nz = (len(q) - 1 for q in lines)
    found = device.zeros((4, *coefficients.total.shape[1:]), np.uint8)
    args = found, turn, coefficients.ids, coefficients.hidden, coefficients.total
    device.launch("elastic_setup", "overhangs", (nx, ny, nz), *args, nx, ny, nz)
    row = nx + 3
    plane = (ny + 1) * row
    field = (nz + 1) * plane
    rdx, rcx, rdy, rcy, rdz, _ = spacings(lines)
    strains: list[tuple[tuple[np.ndarray, np.ndarray], ...]] = []
    weights = []
    for a in range(4):
        where = device.xp.flatnonzero(found[a])
        table = coefficients.total[2] if a == 3 else coefficients.hidden[a]
        stiffness = device.to_host(table.reshape(-1)[where])
        at = device.to_host(where)
        k, j, i = at // plane, at // row % (ny + 1), at % row
        if a == 3:
            y, x = rcy[j + 1], rcx[i]
            u, v = ((at - row, -y), (at, y)), ((field + at - 1, -x), (field + at, x))
            strains.append((*u, *v))
        else:
            r = (rdx[i], rdy[j + 1], rdz[k + 1])[a]
            first, second = a * field + at, a * field + at + (1, row, plane)[a]
            strains.append(((first, -r), (second, r)))
            flat = np.minimum(np.maximum(rdx[i], rdy[j + 1]) / rdz[k + 1], 1) ** 2
            stiffness = (UP * flat if a == 2 else ALONG) * stiffness
        weights.append(stiffness)
    if not sum(map(len, weights)):
        return NOTHING
    start = np.cumsum([0, *map(len, weights)])
    entries = [
        (n + np.arange(len(p)), p, v)
        for n, terms in zip(start, strains, strict=False)
        for p, v in terms
    ]
    rows, columns, values = (np.concatenate(a) for a in zip(*entries, strict=True))
    B = filled(device, Entries(start[-1], rows, columns, values), turn, fill)
    return Scattered.product(B, np.concatenate(weights))


def projected(
    device: Device, finer: Scattered, merge: Merge, turn: Array, fill: Scattered
) -> Scattered:
    """Return the missing energy of the finer level in the field interpolated from this one."""
    if not len(finer.at):
        return NOTHING
    shape = turn.shape
    fine = displacement_shape(len(merge.x) - 1, len(merge.y) - 1, shape[1] - 1)
    component, k, j, i = np.unravel_index(finer.at, fine)
    rows, columns, values = [], [], []
    for a, on_lines in enumerate(ON_LINES):
        here = np.flatnonzero(component == a)
        x, y = merge.weights(0, on_lines[0]), merge.weights(1, on_lines[1])
        column, line = i[here] - 1, j[here]
        for dj, weight_y in ((0, 1 - y.t[line]), (1, y.t[line])):
            for di, weight_x in ((0, 1 - x.t[column]), (1, x.t[column])):
                used = weight_y * weight_x != 0
                to_line, to_column = y.at[line][used] + dj, x.at[column][used] + di + 1
                to = np.full(used.sum(), a), k[here][used], to_line, to_column
                rows.append(here[used])
                columns.append(np.ravel_multi_index(to, shape))
                values.append((weight_y * weight_x)[used])
    row, column, value = (np.concatenate(a) for a in (rows, columns, values))
    entries = Entries(len(finer.at), row, column, value)
    return finer.projected(filled(device, entries, turn, fill))


class Entries(NamedTuple):
    """A matrix of `height` rows by its entries; columns are flat indices."""

    height: int
    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray


def filled(device: Device, B: Entries, turn: Array, fill: Scattered) -> Csr:
    """Replace missing displacements in a matrix by those that they are extrapolated from."""
    count, rows, columns, values = B
    flat = device.asarray(columns, np.int64)
    exists = device.to_host(turn.reshape(-1)[flat]) == 0
    near = find(fill.at, columns)
    ghost = ~exists & (near >= 0)
    on_ghosts = Csr.of(rows[ghost], near[ghost], values[ghost], (count, len(fill.at)))
    more = on_ghosts @ fill.matrix
    row, column = np.r_[rows[exists], more.row], np.r_[columns[exists], fill.at[more.column]]
    value = np.r_[values[exists], more.value]
    return Csr.of(row, column, value, (count, turn.size))
