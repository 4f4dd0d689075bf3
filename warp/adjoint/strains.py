"""Strains of displacements on a body, their transpose, and how both change with grid lines.

    e = Bn x  in voxels,    g = Bs x  on edges, those at lateral free faces (free_edges) among them

Products of a displacement's strains with given weights, SUM s . Bn x + SUM t . Bs x, depend on grid
lines through the widths of cells and the distances of centres in Bn and Bs (`by_lines`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from warp.adjoint.shear import Lateral
from warp.adjoint.widths import LineSums
from warp.machine.device import Device
from warp.solvers.csr import Csr
from warp.solvers.elastic.free_edges import Edges, stiffness_of, strain_matrix
from warp.solvers.elastic.history.state import edge_rows, flat_indices
from warp.solvers.elastic.layout import host_of
from warp.solvers.elastic.operator import Body
from warp.voxels.grid import Grid
from warp.voxels.heights import weighted_heights
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray


class Strains(NamedTuple):
    """Values of voxels (3, nz, ny, nx) xx yy zz and of edges (3, nz+1, ny+1, nx+1) yz xz xy."""

    cells: Array
    edges: Array


@dataclass(frozen=True, eq=False)
class Kinematics:
    """Bn and Bs of a body: strains of displacements, and forces of stresses."""

    model: VoxelModel
    body: Body

    @cached_property
    def host(self) -> Device:
        """Return the CPU with the host threads of the body's device."""
        return host_of(self.body.device)

    @cached_property
    def ids(self) -> Array:
        """Return the bordered ids on the host."""
        ids: Array = self.body.device.to_host(self.body.ids)
        return ids

    @cached_property
    def volumes(self) -> Array:
        """Return the volume (nz, ny, nx) in m3 by which each voxel counts in sums over z."""
        grid = self.model.grid
        found: Array = weighted_heights(grid)[:, None, None] * grid.area
        return found

    @cached_property
    def lateral(self) -> Array:
        """Return the flat indices of the edges at lateral free faces in an edge array."""
        solid = self.model.ids > 0
        return flat_indices(edge_rows(self.body.edges, solid), solid.shape)

    @cached_property
    def edge_stiffness(self) -> Array:
        """Return K (3, nz+1, ny+1, nx+1) in Pa m3, 0 where no edge exists."""
        (nx, ny, nz), body = self.body.n, self.body
        K, unit = np.zeros((2, 3, nz + 1, ny + 1, nx + 1))
        unit[:] = 1.0
        args = K, unit, self.ids, body.soft, *body.widths, nx, ny, nz
        self.host.launch("history", "edge_forces", (nx + 1, ny + 1, nz + 1), *args)
        K.reshape(-1)[self.lateral] = stiffness_of(body.edges)
        return K

    def matrix(self, edges: Sequence[Edges]) -> Csr:
        """Return the map from displacements in the solver's layout to the shear of edges."""
        return strain_matrix(edges, self.body.spacings[1::2], self.body.n)

    @cached_property
    def _lateral_matrix(self) -> Csr:
        return self.matrix(self.body.edges)

    def padded(self, field: Array) -> Array:
        """Return a displacement (3, nz+1, ny+1, nx+1) in the solver's layout."""
        found = np.zeros(self.body.shape)
        found[..., 1 : self.body.n[0] + 2] = field
        return found

    def of(self, field: Array) -> Strains:
        """Return the strains of a displacement (3, nz+1, ny+1, nx+1) in m."""
        nx, ny, nz = self.body.n
        cells, edges = np.zeros((3, nz, ny, nx)), np.zeros((3, nz + 1, ny + 1, nx + 1))
        args = cells, edges, np.ascontiguousarray(field), self.ids, *self.body.spacings, nx, ny, nz
        self.host.launch("history", "add_strains", (nx + 1, ny + 1, nz + 1), *args)
        edges.reshape(-1)[self.lateral] = self._lateral_matrix.times(self.padded(field).reshape(-1))
        return Strains(cells, edges)

    def transposed(self, by: Strains) -> Array:
        """Return Bn^T s + Bs^T t in the solver's layout; by: s and t."""
        nx, ny, nz = self.body.n
        t = by.edges.copy()
        at_faces = t.reshape(-1)[self.lateral]
        t.reshape(-1)[self.lateral] = 0.0
        f = np.zeros(self.body.shape)
        args = f, by.cells / self.volumes, t, self.ids, *self.body.widths
        args += (*self.body.spacings[1::2], *map(int, self.model.grid.mirror), nx, ny, nz)
        self.host.launch("history", "imbalance", (nx + 1, ny + 1, nz + 1), *args)
        f -= self._lateral_matrix.transposed_times(at_faces).reshape(f.shape)
        return -f

    def by_lines(self, field: Array, by: Strains, sums: LineSums) -> None:
        """Add the derivative of SUM s . Bn x + SUM t . Bs x by grid lines; by: s and t."""
        grid = self.model.grid
        solid = self.model.ids > 0
        rises = _rises(field)
        for axis, width in enumerate((grid.dx, grid.dy, grid.dz)):
            others = tuple({0, 1, 2} - {2 - axis})
            work = np.where(solid, by.cells[axis] * rises[axis], 0.0).sum(axis=others)
            sums.width(axis, slice(None), -work / width**2)
        inner = by.edges.copy()
        inner.reshape(-1)[self.lateral] = 0.0
        _inner_edges(grid, field, inner, sums)
        first = 0
        for edges in self.body.edges:
            flat = self.lateral[first : first + len(edges.k)]
            first += len(edges.k)
            self.lateral_by_lines(edges, field, by.edges.reshape(-1)[flat], sums)

    def lateral_by_lines(self, e: Edges, field: Array, by: Array, sums: LineSums) -> None:
        """Add the derivative of SUM t . B x over lateral edges by grid lines; by: t (n,)."""
        if not len(e.k):
            return
        shear = Lateral.of(e, self.body, self.model.ids).shear(field, self.model.grid)
        sums.distance_at(2, e.k, -by * shear.rise * shear.rz**2 / 2)
        t = e.plane > 0
        sums.distance_at(e.face, e.plane[t], -(by * shear.tilt * shear.rq**2 / 2)[t])


def _rises(field: Array) -> tuple[Array, Array, Array]:
    """Return the differences (nz, ny, nx) of u, v and w across the voxels."""
    _, nz, ny, nx = (n - 1 for n in field.shape)
    x = field[0, :nz, :ny, 1:] - field[0, :nz, :ny, :-1]
    y = field[1, :nz, 1:, :nx] - field[1, :nz, :-1, :nx]
    z = field[2, 1:, :ny, :nx] - field[2, :-1, :ny, :nx]
    return x, y, z


def _inner_edges(grid: Grid, field: Array, by: Array, sums: LineSums) -> None:
    """Add what edges between four voxels change: two differences, each over a distance."""
    widths = grid.dx, grid.dy, grid.dz
    for kind in range(3):
        first, second = sorted({0, 1, 2} - {kind})  # axes across the edge
        for axis, component in ((first, second), (second, first)):
            n = len(widths[axis])
            if n < 2:
                continue
            inner = [slice(None)] * 3
            inner[2 - axis] = slice(1, n)
            rise = np.diff(field[component], axis=2 - axis)
            drop = [slice(None)] * 3
            drop[2 - axis] = slice(0, n - 1)
            work = (by[kind][tuple(inner)] * rise[tuple(drop)]).sum(
                axis=tuple({0, 1, 2} - {2 - axis})
            )
            rate = 2 / (widths[axis][1:] + widths[axis][:-1])
            sums.distance(axis, -work * rate**2 / 2)
