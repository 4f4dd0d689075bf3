"""Metrics of stress itself where a material relaxes: stress = SUM C_i q_i at the end of a solve.

An edge between four voxels carries volume times tau = SUM G_i g_i of any of the voxels around it,
which are in series.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warp.adjoint.elastic import Form
from warp.adjoint.relaxed import Remembered
from warp.adjoint.strains import Kinematics, Strains
from warp.solvers.elastic.history.maxwell import (
    Branches,
    branches,
    corners,
    edge_stress,
    media_of,
)
from warp.solvers.elastic.history.state import State, between_four
from warp.solvers.elastic.operator import Moduli
from warp.solvers.elastic.stress import centre_distances

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class RelaxedStress:
    """The voxels and edges whose stress is that of a memory, at one temperature in K."""

    motion: Kinematics
    state: State
    law: Branches
    at: Array
    rows: Array
    sites: Array
    """Of state.memory, one for each edge between four voxels."""
    edges: Array

    @classmethod
    def of(cls, motion: Kinematics, state: State, T: float) -> RelaxedStress:
        """Find them in a state."""
        model, memory = motion.model, state.memory
        anywhere = np.full(len(model.media), T)
        moduli = Moduli(model.media.stiffness(T), model.media.shear(T))
        law = branches(model.media, moduli, anywhere, anywhere, 0.0)
        edges = memory.sites // 5
        inner = np.flatnonzero(between_four(state.solid).reshape(-1)[edges])
        _, last = np.unique(edges[inner][::-1], return_index=True)
        sites = inner[::-1][last]
        rows = model.ids.reshape(-1)[memory.voxels]
        return cls(motion, state, law, memory.voxels, rows, sites, edges[sites])

    @property
    def forces(self) -> Array:
        """Return volume times tau of the edges, in N m."""
        model = self.motion.model
        found = edge_stress(self.state.memory, model, self.law, centre_distances(model.grid))
        whole: Array = found[1] * found[2]
        return whole[self.sites]

    def elastic(self, own: Strains) -> Strains:
        """Return strains of a form (`stresses.pulled_back`) without what relaxes."""
        cells, edges = own.cells.copy(), own.edges.copy()
        cells.reshape(3, -1)[:, self.at] = 0.0
        edges.reshape(-1)[self.edges] = 0.0
        return Strains(cells, edges)

    def by_memory(self, own: Strains) -> Remembered:
        """Return the derivatives of the metric by the memory."""
        found, (s, t) = Remembered.zero(self.state.memory), self._by(own)
        for m in np.unique(self.rows):
            here = self.rows == m
            terms = self.law.normal[m][: len(found.strain)]
            found.strain[: len(terms), :, here] = np.einsum("tab,bn->tan", terms, s[:, here])
        medium, kind, volume = self._around()
        G = self.law.shear[medium, :, kind].T[: len(found.shear)]
        found.shear[: len(G), self.sites] = G * (t * volume)
        return found

    def add(self, own: Strains, form: Form) -> None:
        """Add what inputs change in the stress at the memory as it is."""
        memory, found, (s, t) = self.state.memory, form.found.branches, self._by(own)
        assert found is not None
        for m in np.unique(self.rows):
            here = self.rows == m
            terms = min(found.normal.shape[1], len(memory.strain))
            q = memory.strain[:terms][..., here]
            found.normal[m, :terms] += np.einsum("an,tbn->tab", s[:, here], q)
        medium, kind, volume = self._around()
        terms = min(found.shear.shape[1], len(memory.shear))
        for n in range(terms):
            by = t * volume * memory.shear[n, self.sites]
            np.add.at(found.shear[:, n], (medium, kind), by)
        self._lines(t * self.forces, kind, form)

    def _by(self, own: Strains) -> tuple[Array, Array]:
        """Return the derivatives by the normal stress of voxels and by the forces of edges."""
        s = -(self.motion.volumes * own.cells).reshape(3, -1)[:, self.at]
        return s, -own.edges.reshape(-1)[self.edges]

    def _around(self) -> tuple[Array, Array, Array]:
        """Return the medium, the kind and the volume in m3 of each edge."""
        model, memory = self.motion.model, self.state.memory
        volume = edge_stress(memory, model, self.law, centre_distances(model.grid))[1]
        kind = self.edges // (self.state.shear.size // 3)
        return media_of(memory.sites[self.sites], model), kind, volume[self.sites]

    def _lines(self, by: Array, kind: Array, form: Form) -> None:
        """Add derivatives by grid lines through the volumes of edges; by: volume times those."""
        grid = self.motion.model.grid
        place = np.unravel_index(self.edges, self.state.shear.shape)[1:]
        widths = grid.dz, grid.dy, grid.dx
        for e in range(3):
            here = kind == e
            for a in range(3):
                at, values, d = place[a][here], by[here], widths[a]
                if corners(e)[0][a]:
                    form.lines.add(2 - a, at, values / d[at])
                else:
                    form.lines.distance_at(2 - a, at, values / (d[at - 1] + d[at]))
