"""Derivatives of the elastic equations at fixed displacements.

With U the solution of A U = f and lambda that of A lambda = dJ/dU, an input p moves the metric by

    dJ/dp = J_p + L_p,    L(p) = lambda^T (f(p) - A(p) U)

because A is symmetric (J_p: at fixed U). L is a sum over voxels and edges, as the energy is
(solvers/elastic/solve.py). With v, e the normal strains of lambda and of U less the thermal strain,
and g the product of both shear strains,

    L = - SUM V v : C : e - SUM K g + SUM K gamma_lambda (gamma_free - gamma_U)

over voxels, edges between four voxels and edges at lateral free faces. So one pass gives its
derivative by the stiffness and the thermal strain of every voxel and by the width of every cell,
and an input of any kind is a sum over these. Grid lines move and ids stay, and so do the
temperatures at which thermal strain is tabulated (`load`). Layer by layer on the host.
M. B. Giles, N. A. Pierce, Flow Turbul. Combust. 65 (2000) 393, for the method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from warp.adjoint.shear import EdgeSlopes, Lateral, Shear
from warp.adjoint.widths import LineSums
from warp.solvers.elastic.free_edges import Edges, free_shear
from warp.solvers.elastic.layout import temperature_array
from warp.solvers.elastic.load import free_strain, temperature_nodes
from warp.solvers.elastic.operator import Body
from warp.voxels.heights import weighted_heights
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray
PAIRS = ((1, 2), (0, 2), (0, 1))  # of the stiffness yz, xz, xy


@dataclass
class Partials:
    """Derivatives of L, in units of the metric.

    normal (media, 6) and shear (media, 3): by the stiffness, per Pa; strain (nodes, media, 3): by
    the thermal strain at the temperatures `nodes` in K; temperature (nz, ny, nx): by that of each
    voxel where it varies, per K; lines: by grid lines. stiffness, expansion (nz, ny, nx): by the
    relative stiffness and by an equal thermal strain in all directions of each voxel, if wanted.
    """

    normal: Array
    shear: Array
    nodes: Array
    strain: Array
    lines: LineSums
    temperature: Array | None = None
    stiffness: Array | None = None
    expansion: Array | None = None


def partials(
    model: VoxelModel,
    body: Body,
    temperature: float | Array,
    U: Array,
    adjoint: Array,
    maps: bool = False,
) -> Partials:
    """Compute the derivatives of L; U, adjoint (3, nz+1, ny+1, nx+1) in m and metric per N."""
    return _Pass(model, body, temperature_array(temperature), U, adjoint, maps).run()


@dataclass
class _Pass:
    """One pass over the layers of a model, which fills `found`."""

    model: VoxelModel
    body: Body
    T: Array
    U: Array
    adjoint: Array
    maps: bool
    found: Partials = field(init=False)

    def run(self) -> Partials:
        """Walk through the layers, then the lateral free faces."""
        model, count = self.model, len(self.model.media)
        nodes, shape = temperature_nodes(model, self.T), model.ids.shape
        self.table = np.stack([model.media.thermal_strain(float(t)) for t in nodes])
        self.hz, self.soft = weighted_heights(model.grid), self.body.soft
        self.soft_sums = np.zeros((3, count))
        self.lines = LineSums.of(model.grid)
        varies = self.T.size > 1
        self.found = Partials(
            normal=np.zeros((count, 6)),
            shear=np.zeros((count, 3)),
            nodes=nodes,
            strain=np.zeros((len(nodes), count, 3)),
            lines=self.lines,
            temperature=np.zeros(shape) if varies else None,
            stiffness=np.zeros(shape) if self.maps else None,
            expansion=np.zeros(shape) if self.maps else None,
        )
        for k in range(shape[0]):
            self._cells(k)
            self._edges_xy(k)
            if k:
                self._edges_across(k)
        strain = free_strain(model, self.T)
        for edges in self.body.edges:
            if len(edges.k):
                self._lateral(
                    edges,
                    free_shear(edges, model.ids, partial(strain, edges.face), self.body.lines),
                )
        with np.errstate(invalid="ignore"):
            by_shear = -self.soft_sums * self.soft**2 / 4  # soft = 4 / G
        self.found.shear = np.where(np.isfinite(self.soft), by_shear, 0.0).T
        return self.found

    def _strains(self, field: Array, k: int) -> tuple[Array, Array, Array]:
        """Return the normal strains of a displacement in layer k."""
        g = self.model.grid
        _, ny, nx = g.shape
        x = (field[0, k, :ny, 1:] - field[0, k, :ny, :-1]) / g.dx
        y = (field[1, k, 1:, :nx] - field[1, k, :-1, :nx]) / g.dy[:, None]
        z = (field[2, k + 1, :ny, :nx] - field[2, k, :ny, :nx]) / g.dz[k]
        return x, y, z

    def _thermal(self, k: int, ids: Array) -> tuple[Array, Array, Array, Array]:
        """Return the thermal strain (3, ny, nx), its slope, and the node below with the share."""
        nodes, table = self.found.nodes, self.table
        T = self.T[k] if self.T.size > 1 else np.broadcast_to(self.T[0], ids.shape)
        at = (T - nodes[0]) / (nodes[1] - nodes[0])
        n = np.clip(at.astype(int), 0, len(nodes) - 2)
        low, high = np.moveaxis(table[n, ids], -1, 0), np.moveaxis(table[n + 1, ids], -1, 0)
        share = at - n
        return low + share * (high - low), (high - low) / (nodes[1] - nodes[0]), n, share

    def _cells(self, k: int) -> None:
        """Add the voxels of layer k."""
        g, found, ids = self.model.grid, self.found, self.model.ids[k]
        count = len(found.normal)
        C = self.body.cell[:, ids]
        strain, slope, node, share = self._thermal(k, ids)
        u, v = self._strains(self.U, k), self._strains(self.adjoint, k)
        e = [u[a] - strain[a] for a in range(3)]
        V = g.area * self.hz[k]
        stress, pull = _stress(C, e), _stress(C, v)
        work = V * sum(v[a] * stress[a] for a in range(3))
        row = ids.reshape(-1)
        products = [v[a] * e[a] for a in range(3)]
        products += [v[a] * e[b] + v[b] * e[a] for a, b in PAIRS]
        for n, product in enumerate(products):
            found.normal[:, n] -= np.bincount(row, (V * product).reshape(-1), count)
        by_strain = [V * pull[a] for a in range(3)]
        self._add_strain(row, node, share, by_strain)
        along_axis = [V * (v[a] * stress[a] + pull[a] * u[a]) - work for a in range(3)]
        solid = ids > 0
        self.lines.width(0, slice(None), np.where(solid, along_axis[0], 0.0).sum(axis=0) / g.dx)
        self.lines.width(1, slice(None), np.where(solid, along_axis[1], 0.0).sum(axis=1) / g.dy)
        total = float((V * (v[2] * stress[2] + pull[2] * u[2])).sum())
        self.lines.width(2, k, (total - float(work.sum())) / g.dz[k])  # hz is a multiple of dz
        if found.temperature is not None:
            found.temperature[k] += sum(by_strain[a] * slope[a] for a in range(3))
        if found.stiffness is not None and found.expansion is not None:
            found.stiffness[k] -= work
            found.expansion[k] += sum(by_strain)

    def _add_strain(self, row: Array, node: Array, share: Array, by_strain: list[Array]) -> None:
        """Add derivatives by the thermal strain of cells to the nodes of its table."""
        found = self.found
        count = len(found.normal)
        size = len(found.nodes) * count
        at = node.reshape(-1) * count + row
        for a, values in enumerate(by_strain):
            flat, part = values.reshape(-1), share.reshape(-1)
            total = np.bincount(at, (1 - part) * flat, size)
            if part.any():
                total += np.bincount(at + count, part * flat, size)
            found.strain[..., a] += total.reshape(-1, count)

    def _edges_xy(self, k: int) -> None:
        """Add the shear in the plane of layer k."""
        g, U, V = self.model.grid, self.U, self.adjoint
        _, ny, nx = g.shape
        rx, ry = 2 / (g.dx[1:] + g.dx[:-1]), 2 / (g.dy[1:] + g.dy[:-1])[:, None]
        first = [f[0, k, 1:ny, 1:nx] - f[0, k, : ny - 1, 1:nx] for f in (U, V)]
        second = [f[1, k, 1:ny, 1:nx] - f[1, k, 1:ny, : nx - 1] for f in (U, V)]
        sites = [(k, slice(j, ny - 1 + j), slice(i, nx - 1 + i)) for j in (0, 1) for i in (0, 1)]
        widths = _beside(g.dy[:, None], 0), _beside(g.dx[None, :], 1)
        shear = Shear(first, second, ry, rx)
        edge = self._edge(2, sites, self.hz[k], *widths, shear)
        self.lines.width(2, k, edge.length.sum() * self.hz[k] / g.dz[k])
        self._add_widths(1, edge.first, 1)
        self._add_widths(0, edge.second, 0)
        self.lines.distance(1, edge.first_distance.sum(axis=1))
        self.lines.distance(0, edge.second_distance.sum(axis=0))

    def _edges_across(self, k: int) -> None:
        """Add the shear across the plane between the layers k - 1 and k."""
        g, U, V = self.model.grid, self.U, self.adjoint
        _, ny, nx = g.shape
        z = g.dz[k - 1], g.dz[k]
        rz = 2 / (z[0] + z[1])
        for axis in (1, 0):  # y: edges along x, yz; x: edges along y, xz
            q = (g.dx, g.dy)[axis]
            n = len(q)
            keep = np.s_[1:n, :nx] if axis == 1 else np.s_[:ny, 1:n]
            below = np.s_[: n - 1, :nx] if axis == 1 else np.s_[:ny, : n - 1]
            rise = [f[axis, k][keep] - f[axis, k - 1][keep] for f in (U, V)]
            tilt = [f[2, k][keep] - f[2, k][below] for f in (U, V)]
            row = q[:, None] if axis == 1 else q[None, :]
            rq = 2 / sum(_beside(row, 1 - axis))
            length = g.dx[None, :] if axis == 1 else g.dy[:, None]
            cells = [(layer, *side) for layer in (k - 1, k) for side in (below, keep)]
            edge = self._edge(
                1 - axis, cells, length, z, _beside(row, 1 - axis), Shear(rise, tilt, rz, rq)
            )
            self._add_widths(2, edge.first, None, k)
            self._add_widths(axis, edge.second, axis)
            over = 1 if axis == 0 else 0
            self.lines.width(1 - axis, slice(None), edge.length.sum(axis=over))
            self.lines.distance_at(2, k, edge.first_distance.sum())
            self.lines.distance(axis, edge.second_distance.sum(axis=axis))

    def _edge(
        self,
        kind: int,
        cells: Sequence[tuple[int | slice, ...]],
        length: float | Array,
        first: tuple[float | Array, float | Array],
        second: tuple[float | Array, float | Array],
        shear: Shear,
    ) -> EdgeSlopes:
        """Differentiate - K g of edges; add the compliances of the cells around them.

        cells: those around, (first, second) = 00, 01, 10, 11; first, second: their widths.
        """
        ids = [self.model.ids[at] for at in cells]
        soft = self.soft[kind]
        s = [soft[m] for m in ids]
        there = np.isfinite(s[0] + s[1] + s[2] + s[3])
        s = [np.where(there, value, 1.0) for value in s]
        p, q = first, second
        a = (p[0] + p[1]) * (q[0] + q[1])
        series = p[0] * (q[0] * s[0] + q[1] * s[1]) + p[1] * (q[0] * s[2] + q[1] * s[3])
        K = np.where(there, length * a * a / series, 0.0)
        work = K * shear.product
        for m, (i, j), at, value in zip(ids, np.ndindex(2, 2), cells, s, strict=True):
            by_soft = work * p[i] * q[j] / series
            flat = by_soft.reshape(-1)
            self.soft_sums[kind] += np.bincount(m.reshape(-1), flat, self.soft.shape[1])
            if self.found.stiffness is not None:
                self.found.stiffness[at] -= by_soft * value
        rows = [
            q[0] * s[0] + q[1] * s[1],
            q[0] * s[2] + q[1] * s[3],
        ]
        columns = [p[0] * s[0] + p[1] * s[2], p[0] * s[1] + p[1] * s[3]]
        both = work * 2
        return EdgeSlopes(
            length=-work / length,
            first=[-both / (p[0] + p[1]) + work * row / series for row in rows],
            second=[-both / (q[0] + q[1]) + work * column / series for column in columns],
            first_distance=K * shear.by_first * shear.first_rate**2 / 2,
            second_distance=K * shear.by_second * shear.second_rate**2 / 2,
        )

    def _add_widths(
        self, axis: int, by_width: list[Array], keep: int | None, k: int | None = None
    ) -> None:
        """Add derivatives by the widths of the cells before and after edges."""
        for side, values in enumerate(by_width):
            if keep is None:
                assert k is not None
                self.lines.width(axis, k - 1 + side, float(np.sum(values)))
            else:
                total = values.sum(axis=1 if axis == 1 else 0)
                self.lines.width(axis, slice(side, len(total) + side), total)

    def _lateral(self, e: Edges, free: Array) -> None:
        """Add the edges of lateral free faces, x faces or y faces."""
        g, found, ids = self.model.grid, self.found, self.model.ids
        lateral = Lateral.of(e, self.body, ids)
        K, lam, u = e.stiffness, *(lateral.shear(f, g) for f in (self.adjoint, self.U))
        rest = free - u.total
        work = K * lam.total * rest  # of L
        strength = K * lam.total
        below, above = g.dz[e.k - 1], g.dz[e.k]
        widths = (g.dx, g.dy)
        own, other = widths[e.face][lateral.cell], widths[1 - e.face][e.m]
        lower, upper = lateral.lower, lateral.upper
        kind = 1 - e.face
        series = below * self.soft[kind, lower] + above * self.soft[kind, upper]
        count = self.soft.shape[1]
        for m, part, k in ((lower, below, e.k - 1), (upper, above, e.k)):
            by_soft = -work * part / series
            self.soft_sums[kind] += np.bincount(m, by_soft, count)
            if found.stiffness is not None:
                at = lateral.place(k)
                np.add.at(found.stiffness, at, -by_soft * self.soft[kind, m])
        sums = self.lines
        sums.add(e.face, lateral.cell, work / own)
        sums.add(1 - e.face, e.m, work / other)
        for k, m in ((e.k - 1, lower), (e.k, upper)):
            sums.add(2, k, work * (2 / (below + above) - self.soft[kind, m] / series))
        by_rise = K * (lam.rise * rest - lam.total * u.rise)
        sums.distance_at(2, e.k, -by_rise * lam.rz**2 / 2)
        t = e.plane > 0
        by_tilt = K * (lam.tilt * rest - lam.total * u.tilt)
        sums.distance_at(e.face, e.plane[t], -(by_tilt * lam.rq**2 / 2)[t])
        self._free_shear(e, lateral, strength, free)

    def _free_shear(self, e: Edges, at: Lateral, strength: Array, free: Array) -> None:
        """Add the free shear of lateral edges, strength times it."""
        g, found = self.model.grid, self.found
        q, z = (g.x, g.y)[e.face], g.z
        plane = np.maximum(e.plane, 0)
        distance, height = q[e.p] - q[plane], z[e.k + 1] - z[e.k - 1]
        one = self.model.ids[at.place(e.k)] == self.model.ids[at.place(e.k - 1)]
        used = one & (distance != 0)
        if not used.any():
            return
        strength = np.where(used, strength, 0.0)
        rate = np.where(used, free / np.where(used, distance, 1.0), 0.0)
        self.lines.line(e.face, e.p, strength * rate)
        self.lines.line(e.face, plane, -strength * rate)
        self.lines.line(2, e.k + 1, -strength * free / height)
        self.lines.line(2, e.k - 1, strength * free / height)
        for k, sign in ((e.k, 1.0), (e.k - 1, -1.0)):
            place = at.place(k)
            by_strain = sign * strength * 2 * distance / height
            ids = self.model.ids[place]
            T = self.T[place] if self.T.size > 1 else np.full(len(k), self.T.item())
            nodes = found.nodes
            n = np.clip(((T - nodes[0]) / (nodes[1] - nodes[0])).astype(int), 0, len(nodes) - 2)
            share = (T - nodes[0]) / (nodes[1] - nodes[0]) - n
            np.add.at(found.strain[..., e.face], (n, ids), (1 - share) * by_strain)
            np.add.at(found.strain[..., e.face], (n + 1, ids), share * by_strain)
            if found.temperature is not None:
                table = self.table[..., e.face]
                slope = (table[n + 1, ids] - table[n, ids]) / (nodes[1] - nodes[0])
                np.add.at(found.temperature, place, by_strain * slope)
            if found.expansion is not None:
                np.add.at(found.expansion, place, by_strain)


def _stress(C: Array, e: list[Array] | tuple[Array, ...]) -> list[Array]:
    """Return the normal stress C : e; C (6, ...) in the order xx yy zz yz xz xy."""
    return [
        C[0] * e[0] + C[5] * e[1] + C[4] * e[2],
        C[5] * e[0] + C[1] * e[1] + C[3] * e[2],
        C[4] * e[0] + C[3] * e[1] + C[2] * e[2],
    ]


def _beside(widths: Array, axis: int) -> tuple[Array, Array]:
    """Return the widths before and after the inner lines."""
    n = widths.shape[axis]
    return np.take(widths, range(n - 1), axis), np.take(widths, range(1, n), axis)
