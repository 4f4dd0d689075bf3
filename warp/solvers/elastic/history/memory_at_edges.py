"""Carry what relaxing edges remember to a finer grid in plane.

A voxel that relaxes has a shear q_i of each branch at each of its edges (`maxwell`: a site). Within
a coarse voxel these are linear between its edges; they change by what the strain changes there, as
in a sudden deformation. The voxels around an edge are in series, so that of one with modulus G is

    q_i' = q_i + (shear' - shear) G_mean / G
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from warp.solvers.elastic.history.maxwell import (
    ALL,
    Memory,
    found_in,
    relaxing,
    relaxing_edges,
    slots_of,
)
from warp.solvers.elastic.history.parents import Parents
from warp.solvers.elastic.history.state import State
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray
Ends = Iterator[tuple[Array, int, Array]]
"""Coarse indices, the side on which the voxel lies (0 below, 1 above), and weights."""


def carried(
    state: State,
    models: tuple[VoxelModel, VoxelModel],
    of: Parents,
    strained: tuple[Array, Array],
    G: Array,
) -> tuple[Array, Array]:
    """Return the sites (m,) of the finer grid and their branch shears (terms+1, m).

    models: before and after; strained: shear (3, nz+1, ny+1, nx+1) on the finer grid, and flat
    indices of its edges at free faces; G: shear moduli (media, 3) in Pa.
    """
    (_, after), (shear, lateral), memory = models, strained, state.memory
    relaxes = relaxing(after.media)
    if not len(memory.sites) or not relaxes[after.ids].any():
        return np.zeros(0, np.int64), np.zeros((len(memory.shear), 0))
    edges, rows, weights = relaxing_edges(after, relaxes, lateral)
    kind = edges // (shear.size // 3)
    give = np.where(weights > 0, weights / np.where(rows > 0, G[rows, kind], 1.0), 0.0).sum(axis=0)
    q = np.zeros((4, len(memory.shear), len(edges)))
    known = np.zeros((4, len(edges)), bool)
    for slot in range(4):
        on = np.flatnonzero((weights[slot] > 0) & relaxes[rows[slot]])
        stiff = give[on] * G[rows[slot, on], kind[on]]
        q[slot][:, on], known[slot, on] = _corners(
            state, models, of, slot, edges[on], shear.reshape(-1)[edges[on]] / stiff, 1 / stiff
        )
    return _sites(edges, rows, weights, relaxes, q, known)


def _sites(
    edges: Array, rows: Array, weights: Array, relaxes: Array, q: Array, known: Array
) -> tuple[Array, Array]:
    """Return the sites of edges and their branch shears, those of all voxels as a mean."""
    share = np.where(known, weights, 0.0)
    total = share.sum(axis=0)
    mean = np.einsum("ste,se->te", q, share) / np.where(total > 0, total, 1.0)
    keys, values = [], []
    for slot, which in slots_of(rows, weights, relaxes):
        there = which[(total if slot == ALL else share[slot])[which] > 0]
        keys.append(edges[there] * 5 + slot)
        values.append((mean if slot == ALL else q[slot])[:, there])
    order = np.argsort(np.concatenate(keys), kind="stable")
    return np.concatenate(keys)[order], np.concatenate(values, axis=1)[:, order]


def _corners(
    state: State,
    models: tuple[VoxelModel, VoxelModel],
    of: Parents,
    slot: int,
    edges: Array,
    strained: Array,
    factor: Array,
) -> tuple[Array, Array]:
    """Return the branch shears (terms+1, n) of the voxels in a slot of edges, and which are known.

    strained: the shear of the edges times the factor that takes it to that of the voxels.
    """
    (before, after), memory = models, state.memory
    mirror = before.grid.mirror
    shape = state.shear.shape
    kinds, k, j, i = np.unravel_index(edges, (3, *(n + 1 for n in after.ids.shape)))
    total, weight = np.zeros((len(memory.shear), len(edges))), np.zeros(len(edges))
    was = np.zeros(len(edges))
    for kind in range(3):
        here = np.flatnonzero(kinds == kind)
        side_y, side_x = (slot % 2, -1) if kind == 0 else (slot // 2, slot % 2)
        side_y = -1 if kind == 1 else side_y
        ends_y = list(_ends(j[here], side_y, of.rows, before.grid.y, after.grid.y))
        ends_x = list(_ends(i[here], side_x, of.columns, before.grid.x, after.grid.x))
        for (row, up, a), (column, right, b) in product(ends_y, ends_x):
            own = (2 * (slot // 2) + up, 2 * (slot // 2) + right, 2 * up + right)[kind]
            at = np.ravel_multi_index((np.full(len(here), kind), k[here], row, column), shape)
            there, value = _remembered(memory, at, own)
            there |= (row == 0) & (side_y >= 0) & mirror[1]  # no shear across a mirror plane
            there |= (column == 0) & (side_x >= 0) & mirror[0]
            share = np.where(there, a * b, 0.0)
            total[:, here] += share * value
            was[here] += share * state.shear.reshape(-1)[at]
            weight[here] += share
    known = weight > 0
    each = np.where(known, weight, 1.0)
    return total / each + strained - factor * was / each, known


def _ends(at: Array, side: int, of: Array, coarse: Array, fine: Array) -> Ends:
    """Yield the coarse lines beside the voxels on a side of lines; side -1: cells, not lines."""
    if side < 0:
        yield of[at], 0, np.ones(len(at))
        return
    cell = of[at + side - 1]
    share = (fine[at] - coarse[cell]) / (coarse[cell + 1] - coarse[cell])
    yield cell, 1, 1 - share
    yield cell + 1, 0, share


def _remembered(memory: Memory, edges: Array, slot: int) -> tuple[Array, Array]:
    """Mark the edges with a site of a slot, or of all voxels, and return branch shears, else 0."""
    value, there = np.zeros((len(memory.shear), len(edges))), np.zeros(len(edges), bool)
    for key in (ALL, slot):
        known, at = found_in(memory.sites, edges * 5 + key)
        value[:, known] = memory.shear[:, at]
        there |= known
    return there, value
