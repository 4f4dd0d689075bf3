"""Coefficients of coarse elastic levels: nearly the energy of the interpolated field.

The normal stiffness of a merged cell is the sum over its cells, but at least LEAST of what stiffer
cells beside it require by their fraction in its strain: e_zz of a voxel is interpolated from up to
four coarse cells, e_xx from two along y, e_yy from two along x. With the sum alone a soft coarse
cell would strain at no cost beside a stiff one whose outer voxels follow by a quarter, and the
coarse level would overshoot by up to a thirtieth of the contrast. A coarse edge takes the fine
edges with the weights with which their shear strain is interpolated from it. Edges whose
displacements or tilt do not exist on the coarse grid take the tilt of a neighbour (free_edges) or
are dropped. Layout as in kernels/elastic.py, in float64 on the device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers.elastic.free_edges import Edges, borrow
from warp.solvers.elastic.layout import PAD, displacement_shape
from warp.solvers.elastic.multigrid.transfer import Merge
from warp.solvers.elastic.operator import Operator
from warp.solvers.numbering import numbered
from warp.solvers.sparse import add

LEAST = 0.25
"""Small enough to change nothing between similar cells and in cells that are partly void."""
AT_ONCE = 1 << 15
"""Places whose coefficients are looked up before they are merged: few enough for a cache."""


@dataclass(frozen=True)
class Coefficients:
    """Coefficients of a level on the device.

    C (6, ...): cells; total (3, ...): edges; K: edges whose tilt is not borrowed; ids (nz+2, ny+2,
    nx+3): 0 in void; edges: those with a borrowed tilt; hidden (3, ...): fractions that void cells
    have in the stiffness xx, yy, zz of fine cells, until void_energy has used them.
    """

    C: Array
    K: Array
    total: Array
    ids: Array
    edges: list[Edges]
    hidden: Array
    mirror: tuple[bool, bool]


def split_edges(
    device: Device, C: Array, total: Array, hidden: Array, mirror: tuple[bool, bool]
) -> Coefficients:
    """Sort the edges of a level: plain, with a borrowed tilt, or without displacements."""
    nx, ny, nz = n = total.shape[3] - PAD, total.shape[2] - 1, total.shape[1] - 1
    ids = device.zeros((nz + 2, ny + 2, nx + PAD), np.uint16)
    ids[1:, 1:] = C[0] > 0
    K, lent = device.zeros(total.shape), device.zeros((2, *total.shape[1:]), np.uint8)
    args = (K, lent, total, ids, *map(int, mirror), *n)
    device.launch("elastic_setup", "sort_edges", (nx + 1, ny + 1, nz + 1), *args)
    edges = []
    for face in (0, 1):
        at = device.xp.flatnonzero(lent[face].reshape(-1) == 1)
        stiffness = device.to_host(total[1 - face].reshape(-1)[at])
        k, m, p, level, plane, which = borrow(device, ids, face, at, n, mirror[face])
        edges.append(Edges(face, k, m, p, stiffness[which], level, plane))
    return Coefficients(C, K, total, ids, edges, hidden, mirror)


def merge_coefficients(device: Device, fine: Coefficients, merge: Merge) -> Coefficients:
    """Return the coefficients of the next coarser level from stored ones."""
    coarse = empty(device, merge, fine.C.shape[1] - 1)
    _coarsen(device, coarse, (fine.C, fine.total), tables(device, merge), 0)
    return split_edges(device, *coarse, merge.mirror)


def merge_media(A: Operator, merge: Merge) -> Coefficients:
    """Return the coefficients of the first coarse level from material ids."""
    nx, ny, nz = A.n
    C, K, hidden = coarse = empty(A.device, merge, nz)
    levels, weights = max(1, AT_ONCE // ((ny + 1) * (nx + PAD))), tables(A.device, merge)
    for first in range(0, nz + 1, levels):
        fine = looked_up(A, first, min(levels, nz + 1 - first))
        _coarsen(A.device, coarse, fine, weights, first)
    for edge in A.edges:  # those of the lateral free faces
        m = np.searchsorted((merge.keep_y, merge.keep_x)[edge.face], edge.m, "right") - 1
        w = merge.weights(edge.face, True)
        indices, fractions = [], []
        for line, fraction in ((w.at, 1 - w.t), (w.at + 1, w.t)):
            j, i = (m, line[edge.p]) if edge.face == 0 else (line[edge.p], m)
            indices.append(np.ravel_multi_index((edge.k, j, i + 1), K.shape[1:], mode="clip"))
            fractions.append(fraction[edge.p] * edge.stiffness)
        at, number = numbered(np.concatenate(indices))
        add(A.device, K[1 - edge.face], at, np.bincount(number, np.concatenate(fractions), len(at)))
    return split_edges(A.device, C, K, hidden, merge.mirror)


def stored(A: Operator) -> Coefficients:
    """Return the coefficients of the finest level itself."""
    C, K = looked_up(A, 0, A.n[2] + 1)
    for edge in A.edges:
        j, i = (edge.m, edge.p) if edge.face == 0 else (edge.p, edge.m)
        at = np.ravel_multi_index((edge.k, j, i + 1), K.shape[1:])
        add(A.device, K[1 - edge.face], at, edge.stiffness)
    return split_edges(A.device, C, K, nothing(A.device), A.mirror)


def nothing(device: Device) -> Array:
    """Return coefficients of no edges, in place of those that are released."""
    return device.zeros((3, 0, 0, 0))


def looked_up(A: Operator, first: int, levels: int) -> tuple[Array, Array]:
    """Look up C and K of a few z levels of the finest grid."""
    nx, ny, _ = A.n
    C, K = (A.device.zeros((count, levels, ny + 1, nx + PAD)) for count in (6, 3))
    args = (C, K, *A.arguments(np.float64)[:7], first, levels, nx, ny)
    A.device.launch("elastic_setup", "media_coefficients", (nx + 1, ny + 1, levels), *args)
    return C, K


def empty(device: Device, merge: Merge, nz: int) -> tuple[Array, Array, Array]:
    """Allocate cells, edges and hidden shares of the coarser grid, zero."""
    shape = displacement_shape(len(merge.keep_x) - 1, len(merge.keep_y) - 1, nz)[1:]
    return device.zeros((6, *shape)), device.zeros((3, *shape)), device.zeros((3, *shape))


def tables(device: Device, merge: Merge) -> list[Array]:
    """Return merged lines, weights and shares for kernel elastic_setup.coarsen."""
    lines = merge.keep_x, merge.keep_y, *merge.transposed(0, True), *merge.transposed(1, True)
    fractions = *merge.fractions(0), *merge.fractions(1)
    return [
        device.asarray(a, np.int32 if a.dtype.kind == "i" else float) for a in (*lines, *fractions)
    ]


def _coarsen(
    device: Device,
    coarse: tuple[Array, Array, Array],
    fine: tuple[Array, Array],
    weights: list[Array],
    first: int,
) -> None:
    """Merge z levels `first` and above, as many as the fine arrays have; `weights`: `tables`."""
    NX, NY, levels = len(weights[0]) - 1, len(weights[1]) - 1, fine[1].shape[1]
    args: tuple[Any, ...] = *coarse, *fine, *weights, LEAST, first, levels, NX, NY
    device.launch("elastic_setup", "coarsen", (NX + 1, NY + 1, levels), *args)


def exist(device: Device, ids: Array, at: np.ndarray, mirror: tuple[bool, bool]) -> np.ndarray:
    """Mark the displacements at flat indices that exist.

    Their face touches a solid cell and is not held by a mirror plane.
    """
    levels, rows, row = ids.shape
    a, k, j, i = np.unravel_index(at, displacement_shape(row - PAD, rows - 2, levels - 2))
    behind = ((k + 1) * rows + j + 1) * row + i
    before = behind - np.array([1, row, rows * row])[a]
    flat = ids.reshape(-1)
    solid = [device.to_host(flat[device.asarray(q)]) > 0 for q in (before, behind)]
    held = (mirror[0] & (a == 0) & (i == 1)) | (mirror[1] & (a == 1) & (j == 0))
    found: np.ndarray = (solid[0] | solid[1]) & ~held
    return found
