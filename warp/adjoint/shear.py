"""Shear strains of the elastic equations, and how they change with the widths of cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warp.solvers.elastic.free_edges import Edges
from warp.solvers.elastic.layout import along
from warp.solvers.elastic.operator import Body
from warp.voxels.grid import Grid

Array = np.ndarray


@dataclass(frozen=True)
class EdgeSlopes:
    """Derivatives of - K product by the length and the four widths."""

    length: Array
    first: list[Array]
    second: list[Array]


@dataclass(frozen=True)
class FaceShear:
    """Shear of lateral edges: total = rise rz + tilt rq."""

    total: Array
    rise: Array
    tilt: Array
    rz: Array
    rq: Array


@dataclass(frozen=True)
class Lateral:
    """Where lateral edges stand: the cell column behind each, and the media of its two voxels."""

    edges: Edges
    cell: Array
    lower: Array
    upper: Array

    @classmethod
    def of(cls, e: Edges, body: Body, ids: Array) -> Lateral:
        """Find the two solid voxels behind each edge."""
        turned = np.pad(along(ids, e.face), ((0, 0), (0, 0), (1, 1)))
        after = (turned[e.k - 1, e.m, e.p + 1] > 0) & (turned[e.k, e.m, e.p + 1] > 0)
        cell = np.where(after, e.p, e.p - 1)
        return cls(e, cell, turned[e.k - 1, e.m, cell + 1], turned[e.k, e.m, cell + 1])

    def place(self, k: Array) -> tuple[Array, Array, Array]:
        """Return the index (k, j, i) of the voxels behind the edges on levels k."""
        j, i = (self.edges.m, self.cell) if self.edges.face == 0 else (self.cell, self.edges.m)
        return k, j, i

    def shear(self, f: Array, grid: Grid) -> FaceShear:
        """Return the shear of a displacement (3, nz+1, ny+1, nx+1), as `strain_matrix` does."""
        e = self.edges
        q = along(f, e.face)
        dz, width = grid.dz, (grid.dx, grid.dy)[e.face]
        rz = 2 / (dz[e.k - 1] + dz[e.k])
        rise = q[e.face, e.k, e.m, e.p] - q[e.face, e.k - 1, e.m, e.p]
        t = e.plane > 0
        plane = np.maximum(e.plane, 1)
        tilt = np.where(t, q[2, e.layer, e.m, plane] - q[2, e.layer, e.m, plane - 1], 0.0)
        inner = np.minimum(plane, len(width) - 1)
        rq = np.where(t, 2 / (width[inner - 1] + width[inner]), 0.0)
        return FaceShear(rise * rz + tilt * rq, rise, tilt, rz, rq)
