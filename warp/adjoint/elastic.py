"""Derivatives of the elastic equations at fixed displacements.

With U the solution of A U = f and lambda that of A lambda = dJ/dU, an input p moves the metric by

    dJ/dp = J_p + L_p,    L(p) = lambda^T (f(p) - A(p) U)

because A is symmetric (J_p: at fixed U). L is a sum over voxels and edges, as the energy is
(solvers/elastic/solve.py). With v, gamma the strains of lambda, e the strain of U less the thermal
strain, and g its shear less the free shear at lateral faces (free_edges),

    L = - SUM V v : C : e - SUM K gamma g

So one pass (`Form`) gives its derivative by the stiffness and the thermal strain of every voxel and
by V and K, and an input of any kind is a sum over these. Strains change with grid lines, too
(`strains`). The same form belongs to every step of a history (`backwards`), with the strain since
each voxel was attached. Grid lines move and ids stay, and so do the temperatures at which thermal
strain is tabulated (`load`). Layer by layer on the host.
M. B. Giles, N. A. Pierce, Flow Turbul. Combust. 65 (2000) 393, for the method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from warp.adjoint.elastic_partials import Partials
from warp.adjoint.shear import EdgeSlopes, Lateral
from warp.adjoint.strains import Kinematics, Strains
from warp.adjoint.widths import LineSums
from warp.solvers.elastic.free_edges import Edges, free_shear, stiffness_of
from warp.solvers.elastic.history.state import edge_rows, flat_indices
from warp.solvers.elastic.layout import temperature_array
from warp.solvers.elastic.load import free_edge_shear, free_strain, temperature_nodes
from warp.solvers.elastic.operator import Body
from warp.voxels.heights import weighted_heights
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray
PAIRS = ((1, 2), (0, 2), (0, 1))  # of the stiffness yz, xz, xy


def partials(
    model: VoxelModel,
    body: Body,
    temperature: float | Array,
    U: Array,
    adjoint: Array,
    maps: bool = False,
    own: Strains | None = None,
) -> Partials:
    """Compute the derivatives of L; U, adjoint (3, nz+1, ny+1, nx+1) in m and metric per N.

    own: of a metric that depends on stress itself, as `stresses.pulled_back`.
    """
    motion = Kinematics(model, body)
    pull, strain = motion.of(adjoint), motion.of(U)
    form = Form(model, body, temperature_array(temperature), maps)
    loaded = form.loaded(motion, strain)
    form.add(pull, loaded)
    if own is not None:
        form.add(own, loaded, volumes=False)
        pull = Strains(pull.cells + own.cells, pull.edges + own.edges)
    for moved, by in ((adjoint, loaded), (U, pull)):
        motion.by_lines(moved, forces(motion, by), form.lines)
    return form.partials()


@dataclass
class Form:
    """Derivatives of forms - SUM V v : C : e - SUM K gamma g of one model at one temperature."""

    model: VoxelModel
    body: Body
    T: Array
    maps: bool = False
    found: Partials = field(init=False)

    def __post_init__(self) -> None:
        """Tabulate the thermal strain, and begin with derivatives of zero."""
        model, count = self.model, len(self.model.media)
        nodes, shape = temperature_nodes(model, self.T), model.ids.shape
        self.table = model.media.thermal_strains(nodes)
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

    def loaded(self, motion: Kinematics, strain: Strains) -> Strains:
        """Return strains less the thermal strain and less the free shear at lateral faces."""
        cells, edges = strain.cells.copy(), strain.edges.copy()
        for k, ids in enumerate(self.model.ids):
            free = self._thermal(k, ids)[0]
            for a in range(3):
                cells[a, k] = np.where(ids > 0, cells[a, k] - free[a], 0.0)
        free = free_edge_shear(self.model, self.body, free_strain(self.model, self.T))
        edges.reshape(-1)[motion.lateral] -= free
        return Strains(cells, edges)

    def add(self, pull: Strains, loaded: Strains, *, volumes: bool = True) -> None:
        """Add a form of v, gamma (`pull`) and e, g (`loaded`).

        volumes: whether V counts as a function of grid lines; K always does.
        """
        for k in range(self.model.grid.shape[0]):
            self._cells(k, pull.cells[:, k], loaded.cells[:, k], volumes)
        self.add_edges(pull.edges * loaded.edges)
        solid = self.model.ids > 0
        for edges in self.body.edges:
            flat = flat_indices(edge_rows([edges], solid), solid.shape)
            self._free_shear(edges, stiffness_of([edges]) * pull.edges.reshape(-1)[flat])

    def add_edges(self, product: Array) -> None:
        """Add - SUM K product (3, nz+1, ny+1, nx+1) of edges, by their stiffness alone."""
        for k in range(self.model.grid.shape[0]):
            self._edges_xy(k, product[2, k])
            if k:
                self._edges_across(k, product[:2, k])
        solid = self.model.ids > 0
        for edges in self.body.edges:
            flat = flat_indices(edge_rows([edges], solid), solid.shape)
            self.add_lateral(edges, product.reshape(-1)[flat])

    def add_free(self, by: Array) -> None:
        """Add derivatives (3, nz, ny, nx) by the thermal strain of voxels."""
        found = self.found
        for k, ids in enumerate(self.model.ids):
            _, slope, node, share = self._thermal(k, ids)
            values = [by[a, k] for a in range(3)]
            self._add_strain(ids.reshape(-1), node, share, values)
            if found.temperature is not None:
                found.temperature[k] += sum(values[a] * slope[a] for a in range(3))
            if found.expansion is not None:
                found.expansion[k] += sum(values)

    def add_tilt(self, by: Array) -> None:
        """Add derivatives (3, nz+1, ny+1, nx+1) by the free shear of lateral edges."""
        solid = self.model.ids > 0
        for edges in self.body.edges:
            flat = flat_indices(edge_rows([edges], solid), solid.shape)
            self._free_shear(edges, by.reshape(-1)[flat])

    def add_past(self, pull: Strains, stress: Array) -> None:
        """Add - SUM V v : stress, of a stress (3, nz, ny, nx) in Pa that a memory adds.

        By grid lines and by the relative stiffness of voxels.
        """
        g = self.model.grid
        V = g.area * self.hz[:, None, None]
        work = V * (pull.cells * stress).sum(axis=0)
        self.lines.width(0, slice(None), -work.sum(axis=(0, 1)) / g.dx)
        self.lines.width(1, slice(None), -work.sum(axis=(0, 2)) / g.dy)
        self.lines.width(2, slice(None), -work.sum(axis=(1, 2)) / g.dz)
        if self.found.stiffness is not None:
            self.found.stiffness -= work

    def add_shear(self, by: Array) -> None:
        """Add derivatives (media, 3) by the shear moduli, per Pa."""
        finite = np.isfinite(self.soft)
        soft = np.where(finite, self.soft, 1.0)  # 4 / G
        self.soft_sums -= np.where(finite, by.T * 4 / soft**2, 0.0)

    def partials(self) -> Partials:
        """Return the derivatives of all forms that were added."""
        with np.errstate(invalid="ignore"):
            by_shear = -self.soft_sums * self.soft**2 / 4  # soft = 4 / G
        self.found.shear = np.where(np.isfinite(self.soft), by_shear, 0.0).T
        return self.found

    def _thermal(self, k: int, ids: Array) -> tuple[Array, Array, Array, Array]:
        """Return the thermal strain (3, ny, nx), its slope, and the node below with the share."""
        nodes, table = self.found.nodes, self.table
        T = self.T[k] if self.T.size > 1 else np.broadcast_to(self.T[0], ids.shape)
        at = (T - nodes[0]) / (nodes[1] - nodes[0])
        n = np.clip(at.astype(int), 0, len(nodes) - 2)
        low, high = np.moveaxis(table[n, ids], -1, 0), np.moveaxis(table[n + 1, ids], -1, 0)
        share = at - n
        return low + share * (high - low), (high - low) / (nodes[1] - nodes[0]), n, share

    def _cells(self, k: int, v: Array, e: Array, volumes: bool) -> None:
        """Add the voxels of layer k; v, e (3, ny, nx)."""
        g, found, ids = self.model.grid, self.found, self.model.ids[k]
        count = len(found.normal)
        C = self.body.cell[:, ids]
        _, slope, node, share = self._thermal(k, ids)
        V = g.area * self.hz[k]
        stress, pull = _stress(C, e), _stress(C, v)
        work = np.where(ids > 0, V * sum(v[a] * stress[a] for a in range(3)), 0.0)
        row = ids.reshape(-1)
        products = [v[a] * e[a] for a in range(3)]
        products += [v[a] * e[b] + v[b] * e[a] for a, b in PAIRS]
        for n, product in enumerate(products):
            found.normal[:, n] -= np.bincount(row, (V * product).reshape(-1), count)
        by_strain = [V * pull[a] for a in range(3)]
        self._add_strain(row, node, share, by_strain)
        if volumes:
            self.lines.width(0, slice(None), -work.sum(axis=0) / g.dx)
            self.lines.width(1, slice(None), -work.sum(axis=1) / g.dy)
            self.lines.width(2, k, -float(work.sum()) / g.dz[k])  # hz is a multiple of dz
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

    def _edges_xy(self, k: int, product: Array) -> None:
        """Add the shear in the plane of layer k; product (ny+1, nx+1): gamma g."""
        g = self.model.grid
        _, ny, nx = g.shape
        sites = [(k, slice(j, ny - 1 + j), slice(i, nx - 1 + i)) for j in (0, 1) for i in (0, 1)]
        widths = _beside(g.dy[:, None], 0), _beside(g.dx[None, :], 1)
        edge = self._edge(2, sites, self.hz[k], *widths, product[1:ny, 1:nx])
        self.lines.width(2, k, edge.length.sum() * self.hz[k] / g.dz[k])
        self._add_widths(1, edge.first, 1)
        self._add_widths(0, edge.second, 0)

    def _edges_across(self, k: int, product: Array) -> None:
        """Add the shear across the plane between the layers k - 1 and k, yz and xz."""
        g = self.model.grid
        _, ny, nx = g.shape
        z = g.dz[k - 1], g.dz[k]
        for axis in (1, 0):  # y: edges along x, yz; x: edges along y, xz
            q = (g.dx, g.dy)[axis]
            n = len(q)
            keep = np.s_[1:n, :nx] if axis == 1 else np.s_[:ny, 1:n]
            below = np.s_[: n - 1, :nx] if axis == 1 else np.s_[:ny, : n - 1]
            row = q[:, None] if axis == 1 else q[None, :]
            length = g.dx[None, :] if axis == 1 else g.dy[:, None]
            cells = [(layer, *side) for layer in (k - 1, k) for side in (below, keep)]
            found = product[1 - axis][keep]
            edge = self._edge(1 - axis, cells, length, z, _beside(row, 1 - axis), found)
            self._add_widths(2, edge.first, None, k)
            self._add_widths(axis, edge.second, axis)
            over = 1 if axis == 0 else 0
            self.lines.width(1 - axis, slice(None), edge.length.sum(axis=over))

    def _edge(
        self,
        kind: int,
        cells: Sequence[tuple[int | slice, ...]],
        length: float | Array,
        first: tuple[float | Array, float | Array],
        second: tuple[float | Array, float | Array],
        product: Array,
    ) -> EdgeSlopes:
        """Differentiate - K product of edges; add the compliances of the cells around them.

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
        work = K * product
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

    def add_lateral(self, e: Edges, product: Array) -> None:
        """Add - SUM K product over edges of lateral free faces, x faces or y faces."""
        if not len(e.k):
            return
        g, found, ids = self.model.grid, self.found, self.model.ids
        lateral = Lateral.of(e, self.body, ids)
        work = -stiffness_of([e]) * product
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

    def _free_shear(self, e: Edges, strength: Array) -> None:
        """Add the free shear of lateral edges, strength times it."""
        if not len(e.k):
            return
        g, found = self.model.grid, self.found
        at = Lateral.of(e, self.body, self.model.ids)
        strain = partial(free_strain(self.model, self.T), e.face)
        free = free_shear(e, self.model.ids, strain, self.body.lines)
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


def forces(motion: Kinematics, by: Strains) -> Strains:
    """Return - V C : e of voxels in N m and - K g of edges."""
    stress = _stress(motion.body.cell[:, motion.model.ids], by.cells)
    return Strains(-motion.volumes * np.stack(stress), -motion.edge_stiffness * by.edges)


def _stress(C: Array, e: Array) -> list[Array]:
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
