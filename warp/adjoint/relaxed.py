"""Relaxation of one solve backwards: the transposed recursion of Maxwell branches.

In a voxel, with the branch strains q before and q' after a solve, the elastic strain e after it and
the fractions d, w (decay, mean) of history/maxwell,

    q_i' = d_i q_i + w_i (e - q_0),     stress = C_eff e + SUM C_i (d_i q_i - w_i q_0)

and at an edge the same with shears g of the voxels around it (sites), which are in series:

    tau = M (gamma - offset),   g = (tau - past) / G_eff,   offset = - SUM share past / G_eff

With the derivatives y_i by q_i' and P by the past stress, z_i = C_i P + y_i are what q_i passes on:

    by q_i: d_i z_i,     by q_0 in addition: - SUM w_i z_i,     by e: SUM w_i y_i

The derivatives by d, w, C_i, G_i of each medium are summed (`BranchPartials`): what an input makes
of them is evaluated on both sides of it (`linear`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from warp.adjoint.branch_partials import BranchPartials
from warp.adjoint.elastic import Form
from warp.adjoint.strains import Kinematics, Strains
from warp.solvers.elastic.history.maxwell import (
    ALL,
    Memory,
    Sites,
    Voxels,
    corners,
    found_in,
    past,
)
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.history.step import Step
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Remembered:
    """Derivatives by a memory: strain (terms+1, 3, n) of voxels, shear (terms+1, m) of sites."""

    strain: Array
    shear: Array

    @classmethod
    def zero(cls, memory: Memory) -> Remembered:
        """Return derivatives of zero."""
        return cls(np.zeros_like(memory.strain), np.zeros_like(memory.shear))


class Relaxed:
    """The voxels and edges that relax in a solve, for any number of metrics."""

    def __init__(self, model: VoxelModel, step: Step, before: State, motion: Kinematics) -> None:
        """before: the state on the voxels of the solve."""
        self.model, self.step, self.before, self.motion = model, step, before, motion
        self.voxels: Voxels = step.voxels
        self.sites: Sites = step.sites
        self.at, self.edges = self.voxels.at, self.sites.edges
        self.found, self.index = found_in(before.memory.voxels, self.at)
        self.past = self.voxels.past()

    def __bool__(self) -> bool:
        """Tell whether anything relaxes."""
        return len(self.at) > 0

    @cached_property
    def known(self) -> Array:
        """Return the share of the volume of each medium that has a memory."""
        count = len(self.model.media)
        volume = self._volumes()
        total = np.bincount(self.voxels.rows, volume, count)
        own = np.bincount(self.voxels.rows[self.found], volume[self.found], count)
        return own / np.where(total > 0, total, 1.0)

    def _volumes(self) -> Array:
        grid = self.model.grid
        found: Array = (grid.dz[:, None] * grid.area.reshape(-1)).reshape(-1)[self.at]
        return found

    def stressed(self, loaded: Strains) -> Strains:
        """Return the loaded strains with the shear at which edges carry no stress taken off."""
        edges = loaded.edges.copy()
        edges.reshape(-1)[self.edges] -= self.sites.offset
        return Strains(loaded.cells, edges)

    def past_of_cells(self) -> Array:
        """Return the history term of the stress (3, nz, ny, nx) in Pa."""
        found = np.zeros((3, *self.model.ids.shape))
        found.reshape(3, -1)[:, self.at] = self.past
        return found

    def of(self, by: Remembered) -> RelaxedBack:
        """Take the derivatives of a metric by the memory after the solve."""
        return RelaxedBack(self, by)


class RelaxedBack:
    """One metric backwards through what relaxes.

    by_cells (3, nz, ny, nx), by_edges (3, nz+1, ny+1, nx+1): derivatives by the strains after the
    solve through the memory alone.
    """

    def __init__(self, relaxed: Relaxed, by: Remembered) -> None:
        self.relaxed, self.by = relaxed, by
        voxels, sites, model = relaxed.voxels, relaxed.sites, relaxed.model
        w = voxels.branches.mean[voxels.rows]
        self.by_cells = np.zeros((3, *model.ids.shape))
        self.own = np.einsum("nt,tan->an", w, by.strain)
        self.by_cells.reshape(3, -1)[:, relaxed.at] = self.own
        self.by_shear = (sites.mean.T * by.shear).sum(axis=0)  # of the voxels around edges
        count = len(relaxed.edges)
        self.by_tau = np.bincount(sites.which, self.by_shear / sites.effective, count)
        self.by_edges = np.zeros((3, *(n + 1 for n in model.ids.shape)))
        self.by_edges.reshape(-1)[relaxed.edges] = sites.modulus * self.by_tau

    def run(self, pull: Strains, own: Strains, loaded: Strains, form: Form) -> Remembered:
        """Return the derivatives by the memory before; add to `form` what inputs change.

        pull: of the form; own: `elastic.forces` of it; loaded: strains after the solve less the
        free ones.
        """
        r = self.relaxed
        found = BranchPartials.zero(r.voxels, r.known)
        form.found.branches = found
        form.add_free(-self.by_cells)
        form.add_tilt(-self.by_edges)
        form.add_past(pull, r.past_of_cells())
        P = -(r.motion.volumes * pull.cells).reshape(3, -1)[:, r.at]
        strain = self._cells(P, loaded.cells.reshape(3, -1)[:, r.at], found)
        offset = -(own.edges + self.by_edges).reshape(-1)[r.edges]
        shear = self._edges(offset, loaded.edges.reshape(-1)[r.edges], form)
        return Remembered(strain, shear)

    def _cells(self, P: Array, e: Array, found: BranchPartials) -> Array:
        """Return the derivatives by q of voxels; P: by their past stress; e: strain after."""
        voxels, y = self.relaxed.voxels, self.by.strain
        b, rows, q = voxels.branches, voxels.rows, voxels.q
        out = np.empty_like(q)
        for m in np.unique(rows):
            here = rows == m
            d, w, own = b.decay[m], b.mean[m], q[..., here]
            stress = np.einsum("tab,bn->tan", b.normal[m], P[:, here])
            z = stress + y[..., here]
            out[..., here] = d[:, None, None] * z
            out[0][:, here] -= np.tensordot(w, z, axes=1)
            left = d[:, None, None] * own - w[:, None, None] * own[0]
            found.decay[m] += np.einsum("tan,tan->t", z, own)
            found.mean[m] += np.einsum("tan,an->t", y[..., here], e[:, here])
            found.mean[m] -= np.einsum("tan,an->t", z, own[0])
            found.normal[m] += np.einsum("an,tbn->tab", P[:, here], left)
        return out

    def _edges(self, by_offset: Array, gamma: Array, form: Form) -> Array:
        """Return the derivatives by q of sites; gamma: shear of the edges less the free one."""
        s, y, found = self.relaxed.sites, self.by.shear, form.found.branches
        assert found is not None
        medium, kind, count = s.medium, s.kind[s.which], len(self.relaxed.model.media)
        tau = s.modulus * (gamma - s.offset)
        own = (tau[s.which] - s.past) / s.effective
        by_own = self.by_shear / s.effective
        by_share = by_offset[s.which] / s.effective
        P = -by_share * s.fraction - by_own
        z = s.stiffness.T * P + y
        out = s.decay.T * z
        out[0] -= (s.mean.T * z).sum(axis=0)
        left = past(s.q, s.decay, s.mean)
        for t in range(len(z)):
            found.decay[:, t] += np.bincount(medium, z[t] * s.q[t], count)
            found.mean[:, t] += np.bincount(medium, y[t] * own - z[t] * s.q[0], count)
            at = medium * 3 + kind
            total = np.bincount(at, P * left[t], 3 * count)
            found.shear[:, t] += total.reshape(count, 3)
        self._moduli(form, tau, by_share * s.fraction * s.past / s.effective - by_own * own)
        self._shares(form, tau, by_share * s.past)
        if form.maps:
            self._stiffness(form, tau, by_own)
        return out

    def _slots(self, tau: Array) -> tuple[Array, Array]:
        """Return G and by_tau tau M / G of the four voxels around each edge, 0 in void."""
        s = self.relaxed.sites
        G = s.G[s.rows, s.kind]
        solid = (s.rows > 0) & (s.weights > 0)
        G = np.where(solid, G, np.inf)
        return G, self.by_tau * tau * s.modulus / G

    def _moduli(self, form: Form, tau: Array, by_site: Array) -> None:
        """Add derivatives by the moduli of media; by_site: G times those of sites, per Pa."""
        s, count = self.relaxed.sites, len(self.relaxed.model.media)
        G, through = self._slots(tau)
        kind = np.broadcast_to(s.kind, s.rows.shape)
        at = (s.rows.astype(np.int64) * 3 + kind).reshape(-1)
        total = np.bincount(at, (through * s.weights / G).reshape(-1), 3 * count)
        total += np.bincount(s.medium * 3 + s.kind[s.which], by_site, 3 * count)
        form.add_shear(total.reshape(count, 3))

    def _shares(self, form: Form, tau: Array, by_site: Array) -> None:
        """Add derivatives by grid lines through the areas of the voxels around edges."""
        s, model = self.relaxed.sites, self.relaxed.model
        by = -self._slots(tau)[1]
        slot = s.keys % 5
        one = slot != ALL
        by[slot[one], s.which[one]] -= by_site[one]
        shape = tuple(n + 1 for n in model.ids.shape)
        place = np.unravel_index(s.edges, (3, *shape))[1:]
        widths = [np.pad(d, 1) for d in (model.grid.dz, model.grid.dy, model.grid.dx)]
        for e in range(3):
            here = s.kind == e
            shifts = corners(e)
            across = [a for a in range(3) if shifts[0][a] == 0]
            cells = [[place[a][here] + shift[a] for a in across] for shift in shifts]
            sides = [[widths[a][at] for a, at in zip(across, own, strict=True)] for own in cells]
            weights, slopes = s.weights[:, here], by[:, here]
            area = sum((a * b) * (w > 0) for (a, b), w in zip(sides, weights, strict=True))
            mean = (slopes * weights).sum(axis=0)
            for n in range(4):
                slope = np.where(weights[n] > 0, (slopes[n] - mean) / area, 0.0)
                for axis, at, other in zip(across, cells[n], sides[n][::-1], strict=True):
                    used = slope != 0
                    form.lines.add(2 - axis, at[used] - 1, (slope * other)[used])

    def _stiffness(self, form: Form, tau: Array, by_own: Array) -> None:
        """Add derivatives by the relative stiffness of each voxel around edges."""
        s, model = self.relaxed.sites, self.relaxed.model
        assert form.found.stiffness is not None
        by = self._slots(tau)[1] * s.weights
        strength = -by_own * tau[s.which]
        slot = s.keys % 5
        for n in range(4):
            one, all_ = slot == n, slot == ALL
            by[n, s.which[one]] += strength[one]
            by[n, s.which[all_]] += strength[all_] * s.weights[n, s.which[all_]]
        place = np.unravel_index(s.edges, (3, *(n + 1 for n in model.ids.shape)))[1:]
        for e in range(3):
            here = s.kind == e
            for n, shift in enumerate(corners(e)):
                used = here & (s.rows[n] > 0) & (s.weights[n] > 0)
                at = tuple(p[used] + d - 1 for p, d in zip(place, shift, strict=True))
                np.add.at(form.found.stiffness, at, by[n, used])

    def begun(self, by: Remembered, form: Form) -> tuple[Remembered, Strains]:
        """Go back through where branches come from: memory, or the strains of what has none.

        Returns the derivatives by the memory before, and by the strains before.
        """
        r, memory = self.relaxed, self.relaxed.before.memory
        model, begin = r.model, r.step.begin
        found = Remembered.zero(memory)
        terms = min(len(by.strain), len(memory.strain))
        known = r.found
        found.strain[:terms][..., r.index] = by.strain[:terms][..., known]
        cells = np.zeros((3, *model.ids.shape))
        new = r.at[~known]
        solid = r.before.solid.reshape(-1)[new]
        cells.reshape(3, -1)[:, new] = np.where(solid, by.strain[..., ~known].sum(axis=0), 0.0)
        form.add_free(-cells)
        edges = np.zeros(begin.shear.shape)
        lasts = begin.lasting.reshape(-1)[memory.sites // 5]
        own, shear = recalled_back(memory.sites[lasts], r.sites.keys, by.shear)
        terms = min(len(by.shear), len(memory.shear))
        found.shear[:terms, lasts] = shear[:terms]
        edge = r.sites.keys[~own] // 5
        lasting = begin.lasting.reshape(-1)[edge]
        strength = np.where(lasting, by.shear[:, ~own].sum(axis=0), 0.0)
        np.add.at(edges.reshape(-1), edge, strength)
        return found, Strains(cells, edges)


def recalled_back(sites: Array, keys: Array, by: Array) -> tuple[Array, Array]:
    """Return which `keys` have a value, and the derivatives (.., m) by the values of `sites`.

    by (.., n): those by the values that maxwell.recalled returns, of all keys.
    """
    edges, _, count = np.unique(sites // 5, return_index=True, return_counts=True)
    known, at = found_in(edges, keys // 5)
    found = np.zeros((len(by), len(sites)))
    own, index = found_in(sites, keys)
    found[:, index] = by[:, own]
    rest = known & ~own
    if rest.any():
        where, size = at[rest[known]], len(edges)
        spread = np.stack([np.bincount(where, values, size) for values in by[:, rest]])
        found += np.repeat(spread / count, count, axis=1)
    return known, found
