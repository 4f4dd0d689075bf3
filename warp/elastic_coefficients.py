"""Coefficients of coarse elastic levels: the energy of a coarse field is nearly that of the fine field interpolated from it.

The normal stiffness of a merged cell is the sum over its cells, but never less than LEAST of what its share in the strain
of stiffer ones beside it asks for: e_zz of a voxel is interpolated from up to four coarse cells, e_xx from two along y,
e_yy from two along x. With the sum alone a soft coarse cell strains at no cost beside a stiff one whose outer voxels follow
by a quarter, and the coarse level overshoots by up to a thirtieth of the contrast. A coarse edge takes the fine edges with
the weights with which their shear strain is interpolated from it. Edges whose displacements or tilt do not exist on the
coarse grid are given the tilt of a neighbour (free_edges) or dropped. Layout as in kernels/elastic.py, in float64 on the
host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from warp.free_edges import PAD, Edges, along, borrow, displacement_shape, own_tilt
from warp.transfer import Merge

if TYPE_CHECKING:
    from warp.elastic import Operator

EDGES_ON_LINES = ((False, True), (True, False), (True, True))
"""Do yz, xz, xy edges stand on lines along x, along y?"""
STRAINS_AT_CENTRES = ((1,), (0,), (0, 1))
"""Axes along which e_xx, e_yy, e_zz are interpolated between centres."""
LEAST = 0.25
"""Takes as many iterations as 1, and leaves alone what differs by less than about 16 and cells that are partly void."""


def spacings(lines) -> list[np.ndarray]:
    """1/width of cells and 1/distance of centres of each direction, at index + 1 of arrays of length n + 3."""
    out = []
    for q in lines:
        d = np.diff(q)
        for inverse in (1 / d, np.r_[1 / d[0], 2 / (q[2:] - q[:-2]), 1 / d[-1]]):
            a = np.zeros(len(d) + PAD)
            a[1 : 1 + len(inverse)] = inverse
            out.append(a)
    return out


def activity(solid: np.ndarray, mirror: tuple[bool, bool]) -> np.ndarray:
    """Which displacements exist: their face touches a solid cell and is not held by a mirror plane."""
    nz, ny, nx = solid.shape
    on = np.zeros(displacement_shape(nx, ny, nz), bool)
    for shift in (0, 1):
        on[0, :nz, :ny, 1 + shift : nx + 1 + shift] |= solid
        on[1, :nz, shift : ny + shift, 1 : nx + 1] |= solid
        on[2, shift : nz + shift, :ny, 1 : nx + 1] |= solid
    on[0, ..., 1] &= not mirror[0]
    on[1, :, 0] &= not mirror[1]
    return on


@dataclass(frozen=True)
class Coefficients:
    """A coarse level on the host: cells C (6, ...), edges K (3, ...) split into plain ones and borrowed tilts."""

    C: np.ndarray
    K: np.ndarray
    total: np.ndarray
    edges: list[Edges]
    active: np.ndarray


def split_edges(C: np.ndarray, total: np.ndarray, mirror: tuple[bool, bool]) -> Coefficients:
    """Sort the edges of a coarse level: plain, with a borrowed tilt, and those between displacements that do not exist."""
    nz, ny, nx = (total.shape[1] - 1, total.shape[2] - 1, total.shape[3] - PAD)
    K = total.copy()
    on = activity(C[0, :nz, :ny, 1 : nx + 1] > 0, mirror)
    u, v = on[0, :nz], on[1, :nz]
    four = np.zeros((nz, ny + 1, nx + PAD), bool)
    four[:, 1:ny, 2 : nx + 1] = (
        u[:, 1:ny, 2 : nx + 1] & u[:, : ny - 1, 2 : nx + 1] & v[:, 1:ny, 2 : nx + 1] & v[:, 1:ny, 1:nx]
    )
    K[2, :nz][~four] = 0
    edges = []
    for face, e in ((0, 1), (1, 0)):
        here = (slice(None), slice(0, ny + face), slice(1, nx + 2 - face))
        k_edge, pair = along(K[e][here], face), along(on[face][here], face)
        w = along(on[2, :, :ny, 1 : nx + 1], face)
        own = own_tilt(w)
        both = np.zeros_like(pair)
        both[1:] = pair[1:] & pair[:-1]
        k, m, p = np.nonzero(both & ~own & (k_edge > 0))
        edges.append(borrow(face, k, m, p, k_edge[k, m, p], w, mirror[face]))
        k_edge[~(both & own)] = 0
    return Coefficients(C, K, total, edges, on)


def merge_coefficients(fine: Coefficients, merge: Merge) -> Coefficients:
    """Coefficients of the next coarser level from stored ones."""
    _, levels, rows, columns = fine.C.shape
    nz, ny, nx = levels - 1, rows - 1, columns - PAD
    NX, NY = len(merge.keep_x) - 1, len(merge.keep_y) - 1
    C, K = (np.zeros((n, *displacement_shape(NX, NY, nz)[1:])) for n in (6, 3))
    C[:, :nz, :NY, 1 : NX + 1] = _merge_cells(fine.C[:, :nz, :ny, 1 : nx + 1], merge)
    for e, on_lines in enumerate(EDGES_ON_LINES):
        part = fine.total[e, :, : ny + on_lines[1], 1 : nx + 1 + on_lines[0]]
        for axis in (0, 1):
            part = _weighted(part, axis, *merge.transposed(axis, True)) if on_lines[axis] else _sum(part, axis, merge)
        K[e, :, : NY + on_lines[1], 1 : NX + 1 + on_lines[0]] = part
    return split_edges(C, K, merge.mirror)


def _merge_cells(cells: np.ndarray, merge: Merge) -> np.ndarray:
    """Sum over merged cells, not less than LEAST of what the strain of fine cells takes from a coarse one."""
    merged = _sum(_sum(cells, 0, merge), 1, merge)
    for a, at_centres in enumerate(STRAINS_AT_CENTRES):
        felt = cells[a]
        for axis in (0, 1):
            felt = _weighted(felt, axis, *merge.shares(axis)) if axis in at_centres else _sum(felt, axis, merge)
        merged[a] = np.where(merged[a] > 0, np.maximum(merged[a], LEAST * felt), 0)
    return merged


def _sum(a: np.ndarray, axis: int, merge: Merge) -> np.ndarray:
    """Sum over merged cells along x (axis 0, the last dimension) or y."""
    return np.add.reduceat(a, (merge.keep_x, merge.keep_y)[axis][:-1], axis=-1 - axis)


def _weighted(a: np.ndarray, axis: int, start: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Sum over m of weight[m] a[start + m] along x (axis 0, the last dimension) or y."""
    a = np.moveaxis(a, -1 - axis, 0)
    total = sum(w.reshape(-1, *[1] * (a.ndim - 1)) * a[start + m] for m, w in enumerate(weight))
    return np.moveaxis(total, 0, -1 - axis)


def merge_media(A: Operator, merge: Merge) -> Coefficients:
    """Coefficients of the first coarse level from material ids."""
    from warp.kernels import elastic_setup

    NX, NY, nz = len(merge.keep_x) - 1, len(merge.keep_y) - 1, A.n[2]
    C, K = (np.zeros((n, *displacement_shape(NX, NY, nz)[1:])) for n in (6, 3))
    lines = merge.transposed(0, True) + merge.transposed(1, True)
    centres = merge.shares(0) + merge.shares(1)
    tables = (A.ids, A.cell, A.soft, *A.widths)
    elastic_setup.media_coarsen(C, K, *tables, merge.keep_x, merge.keep_y, lines, centres, LEAST, NX, NY, nz)
    for edge in A.edges:  # what the lateral free faces carry
        parent = np.searchsorted((merge.keep_y, merge.keep_x)[edge.face], edge.m, "right") - 1
        w = merge.weights(edge.face, True)
        view = along(K[1 - edge.face][:, :, 1:], edge.face)
        for line, share in ((w.at, 1 - w.t), (w.at + 1, w.t)):
            np.add.at(view, (edge.k, parent, line[edge.p]), share[edge.p] * edge.stiffness)
    return split_edges(C, K, merge.mirror)
