"""Carry the state of a body to a finer grid in plane, as a unit that is cut from it goes on.

The strain since a voxel was attached is the one of its displacement, B U, and an offset o that it
has since then: -B U of the moment of attachment, and what the incremental law and relaxation make
of it.

    strain = B U + o        on the coarse grid o is known;  on the fine one strain' = B' U' + o'

U' interpolates U by cubic splines. The next solve brings the fine body to equilibrium, and by the
total law nothing of U' stays: a body whose parts were there from the start (o = 0) has exactly the
solution of the fine grid. The error is that of o' alone, which is smooth in the plane of a layer:
linear in each coarse cell, with its mean, by slopes to neighbours of the same medium. Shear offsets
are linear between the edges that exist. Edges at free faces, and forces that covered ones hold, act
over half a cell and begin anew.

Branches of relaxing voxels change by what the strain changes, as in a sudden deformation; relaxing
edges begin with the strain that gives the stress that they have.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from warp.solvers.elastic.history.maxwell import ALL, Memory, stiffness_of_branches
from warp.solvers.elastic.history.state import State, between_four, extended, faces_of
from warp.voxels.grid import Grid
from warp.voxels.media import Media
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray
MARGIN = 4
"""Cells beside the unit that an interpolation uses."""


class Parents(NamedTuple):
    """The coarse cell along x and y of each column and row of a finer grid."""

    columns: Array
    rows: Array


def parents(coarse: Grid, fine: Grid) -> Parents:
    """Return the cells of a coarse grid that those of a finer one lie in."""
    return Parents(
        np.searchsorted(coarse.x, fine.xc) - 1,
        np.searchsorted(coarse.y, fine.yc) - 1,
    )


def carried(state: State, before: VoxelModel, after: VoxelModel) -> State:
    """Return the state on the finer grid of `after`, whose z lines are those of `before`."""
    of = parents(before.grid, after.grid)
    solid = after.ids > 0
    exists = between_four(solid)
    motion, own = state.displacement, between_four(state.solid)
    cells = np.where(state.solid, state.strain - cell_strains(motion, before.grid), 0.0)
    loaded = state.shear - _relaxed_shear(state.memory, before)
    edges = np.where(own, loaded - edge_shears(motion, before.grid), 0.0)
    known = faces_of(state.solid) | (motion != 0)
    U = _interpolated(extended(motion, known, np.ones_like(known)), before.grid, after.grid, of)
    offset = _in_cells(cells, before, after.grid, of)
    strain = np.where(solid, cell_strains(U, after.grid) + offset, 0.0)
    shear = edge_shears(U, after.grid) + _on_edges(edges, own, before.grid, after.grid, of)
    none = np.zeros((0, 7), np.int32), np.zeros(0)
    return State(
        np.where(faces_of(solid), U, 0.0),
        solid,
        strain,
        np.where(exists, shear, 0.0),
        *none,
        *none,
        _memory(state, strain, solid, of),
    )


def cell_strains(U: Array, grid: Grid) -> Array:
    """Return xx, yy, zz (3, nz, ny, nx) of a displacement (3, nz+1, ny+1, nx+1)."""
    nz, ny, nx = grid.shape
    return np.stack(
        [
            np.diff(U[0, :nz, :ny], axis=2) / grid.dx,
            np.diff(U[1, :nz, :, :nx], axis=1) / grid.dy[:, None],
            np.diff(U[2, :, :ny, :nx], axis=0) / grid.dz[:, None, None],
        ]
    )


def edge_shears(U: Array, grid: Grid) -> Array:
    """Return yz, xz, xy (3, nz+1, ny+1, nx+1) of a displacement at the edges between four cells."""
    nz, ny, nx = grid.shape
    out = np.zeros_like(U)
    dx, dy, dz = (np.diff(c) for c in (grid.xc, grid.yc, grid.zc))
    u, v, w = U
    by_z, by_y = dz[:, None, None], dy[:, None]
    out[0, 1:nz, 1:ny, :nx] = (
        np.diff(v[:nz, 1:ny, :nx], axis=0) / by_z + np.diff(w[1:nz, :ny, :nx], axis=1) / by_y
    )
    out[1, 1:nz, :ny, 1:nx] = (
        np.diff(u[:nz, :ny, 1:nx], axis=0) / by_z + np.diff(w[1:nz, :ny, :nx], axis=2) / dx
    )
    out[2, :nz, 1:ny, 1:nx] = (
        np.diff(u[:nz, :ny, 1:nx], axis=1) / by_y + np.diff(v[:nz, 1:ny, :nx], axis=2) / dx
    )
    return out


def _interpolated(U: Array, coarse: Grid, fine: Grid, of: Parents) -> Array:
    """Interpolate a displacement that is known everywhere to the faces of a finer grid."""
    nz, ny, nx = fine.shape
    out = np.zeros((3, nz + 1, ny + 1, nx + 1))
    for a in range(3):
        deep, tall, wide = (n + (axis == a) for axis, n in ((2, nz), (1, ny), (0, nx)))
        part = U[a, :deep]
        rows, columns = coarse.shape[1] + (a == 1), coarse.shape[2] + (a == 0)
        part = part[:, :rows, :columns]
        for axis, lines, centres, new, line, which in (
            (2, coarse.x, coarse.xc, fine.x if a == 0 else fine.xc, a == 0, of.columns),
            (1, coarse.y, coarse.yc, fine.y if a == 1 else fine.yc, a == 1, of.rows),
        ):
            low = max(0, int(which[0]) - MARGIN)
            near = slice(low, int(which[-1]) + 2 + MARGIN)
            part = part[(slice(None),) * axis + (near,)]
            at = (lines if line else centres)[near]
            mirrored = coarse.mirror[2 - axis] and low == 0
            part = _spline(at, part, new, axis, mirrored=mirrored, on_plane=line)
        out[a, :deep, :tall, :wide] = part
    return out


def _spline(
    at: Array, values: Array, new: Array, axis: int, *, mirrored: bool, on_plane: bool
) -> Array:
    """Interpolate along an axis; beside a mirror plane, on which the first place may lie."""
    from scipy.interpolate import CubicSpline

    if mirrored:
        first = int(on_plane)
        beside = slice(first, first + MARGIN)
        plane = at[0] if on_plane else 0.0
        image = np.flip(np.take(values, np.arange(len(at))[beside], axis), axis)
        sign = -1.0 if on_plane else 1.0  # a displacement along the axis is odd
        at = np.concatenate([2 * plane - at[beside][::-1], at])
        values = np.concatenate([sign * image, values], axis)
    if len(at) == 1:
        return np.repeat(values, len(new), axis)
    found: Array = CubicSpline(at, values, axis)(new)
    return found


def _in_cells(offset: Array, before: VoxelModel, fine: Grid, of: Parents) -> Array:
    """Return offsets (3, nz, ny, nx) in the cells of a finer grid, linear in each coarse cell."""
    coarse, ids = before.grid, np.asarray(before.ids)
    along_x = _slopes(offset, ids, coarse.xc, 3, coarse.mirror[0])
    along_y = _slopes(offset, ids, coarse.yc, 2, coarse.mirror[1])
    here = np.ix_(np.arange(3), np.arange(len(coarse.dz)), of.rows, of.columns)
    x, y = fine.xc - coarse.xc[of.columns], fine.yc - coarse.yc[of.rows]
    found: Array = offset[here] + along_x[here] * x + along_y[here] * y[:, None]
    return found


def _slopes(values: Array, ids: Array, centres: Array, axis: int, mirrored: bool) -> Array:
    """Return derivatives along an axis from neighbours of the same medium, 0 without any.

    mirrored: the first cell lies beside its own image.
    """
    shape = [1] * values.ndim
    shape[axis] = -1
    step = np.diff(centres).reshape(shape)
    first, last = (np.take(ids, np.arange(len(centres))[s], axis - 1) for s in (_FRONT, _BACK))
    alike = (first == last) & (first > 0)
    quotient = np.where(alike, np.diff(values, axis=axis) / step, 0.0)
    total, count = np.zeros_like(values), np.zeros(ids.shape)
    for side in (_FRONT, _BACK):
        at = (slice(None),) * (axis - 1) + (side,)
        total[(slice(None), *at)] += quotient
        count[at] += alike
    if mirrored:
        count[(slice(None),) * (axis - 1) + (0,)] += 1
    return total / np.maximum(count, 1)


_FRONT, _BACK = slice(0, -1), slice(1, None)


def _on_edges(offset: Array, exists: Array, coarse: Grid, fine: Grid, of: Parents) -> Array:
    """Return shear offsets (3, nz+1, ny+1, nx+1) of a finer grid from those of edges that exist.

    In a mirror plane the shear across it is zero.
    """
    nz, ny, nx = fine.shape
    out = np.zeros((3, nz + 1, ny + 1, nx + 1))
    to_x, to_y = _weights(coarse.x, fine.x), _weights(coarse.y, fine.y)
    for a in range(3):
        value, known = offset[a], exists[a].astype(float)
        if a != 0 and coarse.mirror[0]:
            known[..., 0] = known[..., 1]
        if a != 1 and coarse.mirror[1]:
            known[:, 0] = known[:, 1]
        if a == 0:  # along x: cells in x
            value, known = (part[..., of.columns] for part in (value, known))
        else:
            value, known = (part @ to_x.T for part in (value * known, known))
        if a == 1:  # along y: cells in y
            value, known = (part[:, of.rows] for part in (value, known))
        else:
            value, known = (to_y @ part for part in (value, known))
        wide, tall = value.shape[2], value.shape[1]
        out[a, :, :tall, :wide] = np.where(known > 0, value / np.where(known > 0, known, 1), 0.0)
    return out


def _weights(at: Array, new: Array) -> Array:
    """Return the matrix (new, at) of linear interpolation between lines."""
    right = np.clip(np.searchsorted(at, new), 1, len(at) - 1)
    share = np.clip((new - at[right - 1]) / (at[right] - at[right - 1]), 0.0, 1.0)
    found = np.zeros((len(new), len(at)))
    row = np.arange(len(new))
    found[row, right - 1] = 1 - share
    found[row, right] += share
    return found


def _memory(state: State, strain: Array, solid: Array, of: Parents) -> Memory:
    """Return the branches of the voxels of a finer grid, after their sudden change of strain."""
    memory, shape = state.memory, state.solid.shape
    if not len(memory.voxels):
        return Memory.start()
    number = np.full(shape, -1)
    number.reshape(-1)[memory.voxels] = np.arange(len(memory.voxels))
    own = number[:, of.rows][:, :, of.columns]
    own = np.where(solid, own, -1).reshape(-1)
    voxels = np.flatnonzero(own >= 0)
    coarse = state.strain[:, :, of.rows][..., of.columns].reshape(3, -1)[:, voxels]
    change = strain.reshape(3, -1)[:, voxels] - coarse
    none = np.zeros(0, np.int64)
    branches = memory.strain[..., own[voxels]] + change
    return Memory(
        voxels, branches, memory.temperature[own[voxels]], none, np.zeros((len(branches), 0))
    )


def _relaxed_shear(memory: Memory, before: VoxelModel) -> Array:
    """Return the shear (3, nz+1, ny+1, nx+1) that no longer gives stress by instantaneous moduli.

    An edge has the mean of the voxels around it, of which those that do not relax count as zero.
    """
    nz, ny, nx = before.grid.shape
    out = np.zeros((3, nz + 1, ny + 1, nx + 1))
    if not len(memory.sites):
        return out
    edges, slots = memory.sites // 5, memory.sites % 5
    component, k, j, i = np.unravel_index(edges, out.shape)
    share = np.where(slots == ALL, 1.0, 0.25)
    fractions = _fractions(before.media)
    ids = np.pad(np.asarray(before.ids), 1)
    corners = np.ndindex(2, 2, 2)
    around = np.stack([ids[k + dk, j + dj, i + di] for dk, dj, di in corners])
    medium = np.max(np.where(np.isin(around, list(fractions)), around, 0), axis=0)
    left = np.zeros(len(edges))
    for row, table in fractions.items():
        here = medium == row
        count = min(len(table), len(memory.shear))
        weights = table[:count, component[here]]
        left[here] = (weights * memory.shear[:count, here]).sum(axis=0)
    np.add.at(out.reshape(-1), edges, share * (memory.shear[0] - left))
    return out


def _fractions(media: Media) -> dict[int, Array]:
    """Return the fractions of the shear moduli (terms+1, 3) that the branches of media have."""
    laws = [getattr(material, "relaxation", None) for material in media.materials]
    unit = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    return {
        row: stiffness_of_branches(law, unit, np.ones(3))[1]
        for row, law in enumerate(laws)
        if law is not None
    }
