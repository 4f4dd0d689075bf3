"""Carry the state of a body to a finer grid in plane, as a unit that is cut from it goes on.

The strain since a voxel was attached is the one of its displacement, B U, and an offset o that it
has since then: -B U of the moment of attachment, and what the incremental law and relaxation make
of it.

    strain = B U + o        on the coarse grid o is known;  on the fine one strain' = B' U' + o'

U' interpolates U by cubic splines. The next solve brings the fine body to equilibrium, and by the
total law nothing of U' stays: a body whose parts were there from the start (o = 0) has exactly the
solution of the fine grid. The error is that of o' alone, which is smooth in the plane of a layer:
linear in each coarse cell, with its mean, by slopes to neighbours of the same medium. Shear offsets
are linear between the edges that exist, those of free faces for themselves. Edges on a cut begin
anew, as do forces that covered edges hold.

Branches of relaxing voxels change by what the strain changes, as in a sudden deformation; those of
edges too (`memory_at_edges`).
"""

from __future__ import annotations

import numpy as np

from warp.machine.device import Device
from warp.solvers.elastic.free_edges import Edges, lateral_faces, strain_matrix
from warp.solvers.elastic.history import memory_at_edges
from warp.solvers.elastic.history.maxwell import Memory
from warp.solvers.elastic.history.parents import Parents, parents
from warp.solvers.elastic.history.state import (
    State,
    between_four,
    edge_rows,
    edges_of,
    extended,
    faces_of,
    flat_indices,
)
from warp.solvers.elastic.layout import bordered, displacement_shape, spacings
from warp.solvers.elastic.load import mean_temperature
from warp.solvers.sparse import FewColumns
from warp.voxels.grid import Grid
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray
MARGIN = 4
"""Cells beside the unit that an interpolation uses."""


def carried(
    state: State,
    before: VoxelModel,
    after: VoxelModel,
    temperature: float | Array,
    device: Device,
) -> State:
    """Return the state on the finer grid of `after`, whose z lines are those of `before`.

    temperature: of the body in K, one or that of the voxels of `after`.
    """
    of = parents(before.grid, after.grid)
    solid = after.ids > 0
    motion, own = state.displacement, between_four(state.solid)
    cells = np.where(state.solid, state.strain - cell_strains(motion, before.grid), 0.0)
    edges = np.where(own, state.shear - edge_shears(motion, before.grid), 0.0)
    known = faces_of(state.solid) | (motion != 0)
    U = _interpolated(extended(motion, known, np.ones_like(known)), before.grid, after.grid, of)
    offset = _in_cells(cells, before, after.grid, of)
    strain = np.where(solid, cell_strains(U, after.grid) + offset, 0.0)
    inside, _ = _on_edges(edges, own, before.grid, after.grid, of)
    shear = np.where(between_four(solid), edge_shears(U, after.grid) + inside, 0.0)
    lateral, tilted = _at_free_faces(state, before, after, U, device)
    at = flat_indices(lateral, solid.shape)
    shear.reshape(-1)[at] = tilted
    voxels = _memory(state, strain, solid, of)
    G = after.media.moduli(mean_temperature(after, temperature))[1]
    sites = memory_at_edges.carried(state, (before, after), of, (shear, at), G)
    none = np.zeros((0, 7), np.int32), np.zeros(0)
    U = np.where(faces_of(solid), U, 0.0)
    no_forces = np.zeros(len(lateral))
    return State(U, solid, strain, shear, lateral, no_forces, *none, Memory(*voxels, *sites))


def _at_free_faces(
    state: State, before: VoxelModel, after: VoxelModel, U: Array, device: Device
) -> tuple[Array, Array]:
    """Return the edges (n, 7) at the free faces of a finer grid, and their shear (n,).

    Those on a cut are left out. U: the displacement on the finer grid.
    """
    was = edges_of(state.lateral, np.zeros(len(state.lateral)))
    at = flat_indices(state.lateral, state.solid.shape)
    offset, free = np.zeros(state.shear.shape), np.zeros(state.shear.shape, bool)
    tilts = _tilts(was, state.displacement, before.grid)
    offset.reshape(-1)[at] = state.shear.reshape(-1)[at] - tilts
    free.reshape(-1)[at] = True
    grid = after.grid
    found, known = _on_edges(offset, free, before.grid, grid, parents(before.grid, grid))
    widths, stiffness = (grid.dx, grid.dy, grid.dz), np.ones((3, len(after.media)))
    ids = bordered(device, after.ids)
    edges = lateral_faces(device, ids, stiffness, widths, grid.mirror)
    now = edge_rows(edges, after.ids > 0)
    at = flat_indices(now, after.ids.shape)
    last = np.where(now[:, 0] == 0, len(grid.dx), len(grid.dy))
    keep = known.reshape(-1)[at] | ((now[:, 3] > 0) & (now[:, 3] < last))
    shear = found.reshape(-1)[at] + _tilts(edges, U, grid)
    return now[keep], shear[keep]


def _tilts(edges: list[Edges], U: Array, grid: Grid) -> Array:
    """Return the shear (n,) that a displacement has at the edges of free faces."""
    nz, ny, nx = grid.shape
    n = nx, ny, nz
    few = FewColumns.of(strain_matrix(edges, spacings((grid.x, grid.y, grid.z))[1::2], n))
    padded = np.zeros(displacement_shape(*n))
    padded[..., 1 : nx + 2] = U
    found: Array = few.matrix.times(padded.reshape(-1)[few.at])
    return found


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


def _on_edges(
    offset: Array, exists: Array, coarse: Grid, fine: Grid, of: Parents
) -> tuple[Array, Array]:
    """Return shear offsets (3, nz+1, ny+1, nx+1) of a finer grid from those of edges that exist.

    In a mirror plane the shear across it is zero. Also mark those with an edge that exists beside
    them; others are 0.
    """
    nz, ny, nx = fine.shape
    out = np.zeros((3, nz + 1, ny + 1, nx + 1))
    beside = np.zeros(out.shape, bool)
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
        there = known > 0
        out[a, :, :tall, :wide] = np.where(there, value / np.where(there, known, 1), 0.0)
        beside[a, :, :tall, :wide] = there
    return out, beside


def _weights(at: Array, new: Array) -> Array:
    """Return the matrix (new, at) of linear interpolation between lines."""
    right = np.clip(np.searchsorted(at, new), 1, len(at) - 1)
    share = np.clip((new - at[right - 1]) / (at[right] - at[right - 1]), 0.0, 1.0)
    found = np.zeros((len(new), len(at)))
    row = np.arange(len(new))
    found[row, right - 1] = 1 - share
    found[row, right] += share
    return found


def _memory(state: State, strain: Array, solid: Array, of: Parents) -> tuple[Array, Array, Array]:
    """Return the voxels of a finer grid that relax, their branches and their temperatures.

    The branches are those after the sudden change of strain.
    """
    memory, shape = state.memory, state.solid.shape
    number = np.full(shape, -1)
    number.reshape(-1)[memory.voxels] = np.arange(len(memory.voxels))
    own = number[:, of.rows][:, :, of.columns]
    own = np.where(solid, own, -1).reshape(-1)
    voxels = np.flatnonzero(own >= 0)
    coarse = state.strain[:, :, of.rows][..., of.columns].reshape(3, -1)[:, voxels]
    change = strain.reshape(3, -1)[:, voxels] - coarse
    return voxels, memory.strain[..., own[voxels]] + change, memory.temperature[own[voxels]]
