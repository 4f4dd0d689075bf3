"""Coefficients of coarse elastic levels: the energy of a coarse field is nearly that of the fine field interpolated from it.

The normal stiffness of a merged cell is the sum over its cells, but never less than LEAST of what its share in the strain
of stiffer ones beside it asks for: e_zz of a voxel is interpolated from up to four coarse cells, e_xx from two along y,
e_yy from two along x. With the sum alone a soft coarse cell strains at no cost beside a stiff one whose outer voxels follow
by a quarter, and the coarse level overshoots by up to a thirtieth of the contrast. A coarse edge takes the fine edges with
the weights with which their shear strain is interpolated from it. Edges whose displacements or tilt do not exist on the
coarse grid are given the tilt of a neighbour (free_edges) or dropped. Layout as in kernels/elastic.py, in float64 on the
device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from warp.device import Device
from warp.solvers.elastic.free_edges import Edges, borrow
from warp.solvers.elastic.layout import PAD, displacement_shape
from warp.solvers.elastic.multigrid.transfer import Merge
from warp.solvers.sparse import add, numbered

if TYPE_CHECKING:
    from warp.solvers.elastic.operator import Operator

LEAST = 0.25
"""Takes as many iterations as 1, and leaves alone what differs by less than about 16 and cells that are partly void."""
AT_ONCE = 1 << 18
"""Places whose coefficients are looked up before they are merged: they stay in a processor's cache."""


@dataclass(frozen=True)
class Coefficients:
    """A level on the device: cells C (6, ...), edges `total` (3, ...) and, of these, K with a tilt of their own.

    ids (nz+2, ny+2, nx+3): 0 in void; edges: those with a borrowed tilt; hidden (3, ...): shares that void cells have in
    the stiffness xx, yy, zz of fine ones (overhang), None on the finest level.
    """

    C: Any
    K: Any
    total: Any
    ids: Any
    edges: list[Edges]
    hidden: Any


def split_edges(
    device: Device, C: Any, total: Any, mirror: tuple[bool, bool], hidden: Any = None
) -> Coefficients:
    """Sort the edges of a level: plain, with a borrowed tilt, and those between displacements that do not exist."""
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
    return Coefficients(C, K, total, ids, edges, hidden)


def merge_coefficients(device: Device, fine: Coefficients, merge: Merge) -> Coefficients:
    """Coefficients of the next coarser level from stored ones."""
    C, K, hidden = empty(device, merge, fine.C.shape[1] - 1)
    _coarsen(device, C, K, hidden, fine.C, fine.total, tables(device, merge), 0)
    return split_edges(device, C, K, merge.mirror, hidden)


def merge_media(A: Operator, merge: Merge) -> Coefficients:
    """Coefficients of the first coarse level from material ids."""
    nx, ny, nz = A.n
    C, K, hidden = empty(A.device, merge, nz)
    levels, weights = max(1, AT_ONCE // ((ny + 1) * (nx + PAD))), tables(A.device, merge)
    for first in range(0, nz + 1, levels):
        _coarsen(
            A.device,
            C,
            K,
            hidden,
            *looked_up(A, first, min(levels, nz + 1 - first)),
            weights,
            first,
        )
    for edge in A.edges:  # what the lateral free faces carry
        m = np.searchsorted((merge.keep_y, merge.keep_x)[edge.face], edge.m, "right") - 1
        w = merge.weights(edge.face, True)
        places, shares = [], []
        for line, share in ((w.at, 1 - w.t), (w.at + 1, w.t)):
            j, i = (m, line[edge.p]) if edge.face == 0 else (line[edge.p], m)
            places.append(np.ravel_multi_index((edge.k, j, i + 1), K.shape[1:], mode="clip"))
            shares.append(share[edge.p] * edge.stiffness)
        at, number = numbered(np.concatenate(places))
        add(A.device, K[1 - edge.face], at, np.bincount(number, np.concatenate(shares), len(at)))
    return split_edges(A.device, C, K, merge.mirror, hidden)


def stored(A: Operator) -> Coefficients:
    """Coefficients of the finest level itself."""
    C, K = looked_up(A, 0, A.n[2] + 1)
    for edge in A.edges:
        j, i = (edge.m, edge.p) if edge.face == 0 else (edge.p, edge.m)
        add(
            A.device,
            K[1 - edge.face],
            np.ravel_multi_index((edge.k, j, i + 1), K.shape[1:]),
            edge.stiffness,
        )
    return split_edges(A.device, C, K, A.mirror)


def looked_up(A: Operator, first: int, levels: int) -> tuple[Any, Any]:
    """Stored coefficients of a few levels of the finest grid."""
    nx, ny, _ = A.n
    C, K = (A.device.zeros((count, levels, ny + 1, nx + PAD)) for count in (6, 3))
    args = (C, K, *A.arguments(np.float64)[:6], first, levels, nx, ny)
    A.device.launch("elastic_setup", "media_coefficients", (nx + 1, ny + 1, levels), *args)
    return C, K


def empty(device: Device, merge: Merge, nz: int) -> tuple[Any, Any, Any]:
    """Cells, edges and hidden shares of the coarser grid, zero."""
    shape = displacement_shape(len(merge.keep_x) - 1, len(merge.keep_y) - 1, nz)[1:]
    return device.zeros((6, *shape)), device.zeros((3, *shape)), device.zeros((3, *shape))


def tables(device: Device, merge: Merge) -> list:
    """Merged lines, weights and shares, as kernel elastic_setup.coarsen takes them."""
    lines = merge.keep_x, merge.keep_y, *merge.transposed(0, True), *merge.transposed(1, True)
    shares = *merge.shares(0), *merge.shares(1)
    return [
        device.asarray(a, np.int32 if a.dtype.kind == "i" else float) for a in (*lines, *shares)
    ]


def _coarsen(
    device: Device, C: Any, K: Any, hidden: Any, fine_C: Any, fine_K: Any, weights: list, first: int
) -> None:
    """Merge levels `first` and above, as many as the fine arrays have; `weights`: `tables`."""
    NX, NY, levels = len(weights[0]) - 1, len(weights[1]) - 1, fine_K.shape[1]
    args = (C, K, hidden, fine_C, fine_K, *weights, LEAST, first, levels, NX, NY)
    device.launch("elastic_setup", "coarsen", (NX + 1, NY + 1, levels), *args)


def exist(device: Device, ids: Any, at: np.ndarray, mirror: tuple[bool, bool]) -> np.ndarray:
    """Which displacements at flat places exist: their face touches a solid cell and is not held by a mirror plane."""
    levels, rows, row = ids.shape
    a, k, j, i = np.unravel_index(at, displacement_shape(row - PAD, rows - 2, levels - 2))
    behind = ((k + 1) * rows + j + 1) * row + i
    before = behind - np.array([1, row, rows * row])[a]
    there = [device.to_host(ids.reshape(-1)[device.asarray(q)]) > 0 for q in (before, behind)]
    held = (mirror[0] & (a == 0) & (i == 1)) | (mirror[1] & (a == 1) & (j == 0))
    return (there[0] | there[1]) & ~held
