"""The incremental law backwards (history/incremental): strains at the ends of a solve.

    e' = a1 + R1 (e - a1) - m,    R1 = <C>^-1 C1,    m = <C>^-1 surplus         at its beginning
    e2 = a2 + R2 (e1 - a2),       R2 = C2^-1 <C>                               at its end

of voxels, and at edges with K1, <K>, K2 in place of the matrices and free shear in place of a. In
between the solve is that of a total law with <C>. Both conversions are linear in the strains; the
derivatives by R1, m, a1 and R2 are summed for each medium, those by the edges' stiffness are forms
of `elastic` with the moduli at the start and at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warp.adjoint.elastic import Form
from warp.adjoint.increment_partials import IncrementPartials
from warp.adjoint.strains import Kinematics, Strains
from warp.materials.material import normal_matrix
from warp.solvers.elastic.history import incremental
from warp.solvers.elastic.history.state import State, transferred
from warp.solvers.elastic.history.step import Step, stacked
from warp.solvers.elastic.layout import host_of
from warp.solvers.elastic.load import free_edge_shear
from warp.solvers.elastic.operator import Body, Moduli
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Increment:
    """The voxels of the incremental law in a solve, for any number of metrics.

    T1: K at the beginning, one or (nz, ny, nx). begun: strains before the conversion. known
    (media,): as in `IncrementPartials`. bodies: with the moduli at the start and at the end.
    stiffness (3, nz+1, ny+1, nx+1) in N m: of edges at the start, on the way and at the end. first,
    last (media, 3, 3): R1 and R2. tilt: free shear of edges at the beginning.
    """

    model: VoxelModel
    step: Step
    motion: Kinematics
    T1: Array
    begun: Strains
    known: Array
    bodies: tuple[Body, Body]
    stiffness: tuple[Array, Array, Array]
    first: Array
    last: Array
    tilt: Array

    @classmethod
    def of(
        cls, model: VoxelModel, step: Step, motion: Kinematics, before: State, T1: Array
    ) -> Increment:
        """Take a solve that begins at the temperature T1 in K; before: on its voxels."""
        way, A = step.way, step.A
        lateral = incremental.lateral_edges(A, way.at_start)
        begun = transferred(before, model.ids > 0, lateral)
        ends = way.at_start, way.at_end
        K1, Km, K2 = (
            incremental.edge_stiffness(A, step.host, moduli)
            for moduli in (way.at_start, way.moduli, way.at_end)
        )
        C1, Cm, C2 = (normal_matrix(m.normal) for m in (way.at_start, way.moduli, way.at_end))
        used = way.rows
        R1, R2 = np.zeros((2, len(used), 3, 3))
        R1[used] = np.linalg.solve(Cm[used], C1[used])
        R2[used] = np.linalg.solve(C2[used], Cm[used])
        tilt = np.zeros(before.shear.shape)
        tilt.reshape(-1)[motion.lateral] = free_edge_shear(model, A.body, way.free_strain)
        volumes = motion.volumes.reshape(-1)
        rows = model.ids.reshape(-1)
        old = before.solid.reshape(-1)
        total = np.bincount(rows, volumes, len(used))
        share = np.bincount(rows[old], volumes[old], len(used)) / np.where(total > 0, total, 1.0)
        host = host_of(A.device)
        bodies = tuple(Body(model, host, Moduli(*m)) for m in ends)
        strains = Strains(begun.strain, begun.shear)
        return cls(
            model,
            step,
            motion,
            T1,
            strains,
            share,
            (bodies[0], bodies[1]),
            (K1, Km, K2),
            R1,
            R2,
            tilt,
        )

    @property
    def at(self) -> Array:
        """Return the voxels of the law by flat index."""
        return self.step.way.at

    def solved(self, after: Strains, loaded: Strains) -> Strains:
        """Return the strains less the free ones that the solve ended with, before the conversion.

        loaded: strains `after` less the free ones.
        """
        _, Km, K2 = self.stiffness
        cells = loaded.cells.copy()
        back = np.zeros_like(self.last)
        used = self.step.way.rows
        back[used] = np.linalg.inv(self.last[used])
        self._turn(cells, back)
        ratio = np.divide(K2, Km, out=np.ones_like(K2), where=Km > 0)
        return Strains(cells, loaded.edges * ratio)

    def ended(self, by: Strains, solved: Strains, form: Form) -> Strains:
        """Go back through the conversion at the end; solved: as `solved` returns."""
        found = form.found.increments = IncrementPartials.zero(self.known, self.step.way.rows)
        _, Km, K2 = self.stiffness
        rows = self._rows
        flat = by.cells.reshape(3, -1)[:, self.at]
        e = solved.cells.reshape(3, -1)[:, self.at]
        found.last[...] += _outer(flat, e, rows, len(found.last))
        cells = by.cells.copy()
        self._turn(cells, self.last.transpose(0, 2, 1))
        left = np.zeros_like(cells)
        left.reshape(3, -1)[:, self.at] = (by.cells - cells).reshape(3, -1)[:, self.at]
        form.add_free(left)
        ratio = np.divide(Km, K2, out=np.ones_like(Km), where=K2 > 0)
        edges = by.edges * ratio
        form.add_tilt(by.edges - edges)
        product = by.edges * solved.edges
        self._add_edges(form, None, _over(product, K2))  # Km / K2, through Km
        self._add_edges(form, 1, -_over(product * ratio, K2))
        return Strains(cells, edges)

    def begin(self, by: Strains, form: Form) -> Strains:
        """Go back through the conversion at the beginning."""
        found = form.found.increments
        assert found is not None
        K1, Km, _ = self.stiffness
        rows, count = self._rows, len(found.last)
        free = stacked(self.step.way.free_strain, self.at)
        own = by.cells.reshape(3, -1)[:, self.at]
        e = self.begun.cells.reshape(3, -1)[:, self.at] - free
        found.first[...] += _outer(own, e, rows, count)
        cells = by.cells.copy()
        self._turn(cells, self.first.transpose(0, 2, 1))
        left = own - cells.reshape(3, -1)[:, self.at]
        for a in range(3):
            found.shift[:, a] -= np.bincount(rows, own[a], count)
            found.free[:, a] += np.bincount(rows, left[a], count)
        if form.found.expansion is not None:
            np.add.at(form.found.expansion.reshape(-1), self.at, left.sum(axis=0))
        ratio = np.divide(K1, Km, out=np.ones_like(K1), where=Km > 0)
        edges = by.edges * ratio
        product = by.edges * (self.begun.edges - self.tilt)
        self._add_edges(form, 0, _over(product, Km))  # K1 / Km, through K1
        self._add_edges(form, None, -_over(product * ratio, Km))
        tilted = Form(self.model, self.bodies[0], self.T1)
        tilted.add_tilt(by.edges - edges)
        found.free[...] += tilted.found.strain.sum(axis=0)
        form.lines.join(tilted.lines)
        return Strains(cells, edges)

    @property
    def _rows(self) -> Array:
        rows: Array = self.model.ids.reshape(-1)[self.at]
        return rows

    def _turn(self, cells: Array, matrices: Array) -> None:
        """Multiply the voxels of the law by the matrices (media, 3, 3) of their rows, in place."""
        flat = cells.reshape(3, -1)
        flat[:, self.at] = np.einsum("nab,bn->an", matrices[self._rows], flat[:, self.at])

    def _add_edges(self, form: Form, end: int | None, by: Array) -> None:
        """Add SUM by K of edges; end: 0 at the start, 1 at the end, None: on the way."""
        if not by.any():
            return
        own = form
        if end is not None:
            own = Form(self.model, self.bodies[end], form.T, form.maps)
        own.add_edges(-by)
        if end is None:
            return
        found = form.found.increments
        assert found is not None
        partials, law = own.partials(), self.step.way.rows
        table = (found.shear_first, found.shear_last)[end]
        table[law] += partials.shear[law]
        form.add_shear(np.where(law[:, None], 0.0, partials.shear))
        form.lines.join(own.lines)
        if form.found.stiffness is not None and partials.stiffness is not None:
            form.found.stiffness += partials.stiffness


def _outer(by: Array, e: Array, rows: Array, count: int) -> Array:
    """Return SUM by e^T over the voxels of each row (count, 3, 3); by, e (3, n)."""
    found = np.zeros((count, 3, 3))
    for a in range(3):
        for b in range(3):
            found[:, a, b] = np.bincount(rows, by[a] * e[b], count)
    return found


def _over(values: Array, K: Array) -> Array:
    """Return values / K, 0 where no edge exists."""
    return np.divide(values, K, out=np.zeros_like(values), where=K > 0)
