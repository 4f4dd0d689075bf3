"""What a body remembers where its media change while its voxels stay: bumps that stood free and are underfilled.

A voxel that gains a material, free of stress as it comes, bears after it what it bore before. With the strain since
birth e, the stiffness C and the free strain a before and after, at one temperature:

    C' (e' - a') = C (e - a)          voxels
    K' (g' - b') = K (g - b)          edges (shear); b, the free tilt, at lateral free faces only

Viscoelastic voxels hand on the stress of their branches (inherited).
So the bumps keep their stress when underfill surrounds them, nothing moves, and both stiffen what comes later.

What viscoelastic voxels remember when their medium becomes another: every branch goes on bearing what it bore.

    C' q_i' = C q_i (voxels),   G' q_i' = G q_i (edges)        where both media relax by one law
    q_i' = C'^-1 stress                                        where they do not: as if just loaded

In either case what is missing of the stress, sum C_i q_i (maxwell), goes to all branches alike: the stress stays.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial

import numpy as np

from warp.device import select
from warp.materials.material import normal_matrix
from warp.solvers.elastic.free_edges import free_shear, lateral_faces
from warp.solvers.elastic.history.maxwell import (
    Branches,
    Memory,
    Sites,
    Voxels,
    branches,
    recalled,
    relaxing,
    rows_of,
    stress_of,
)
from warp.solvers.elastic.history.state import State, between_four, places, table
from warp.solvers.elastic.layout import PAD, bordered
from warp.solvers.elastic.load import free_strain
from warp.voxels.voxelize import VoxelModel


def replaced(before: VoxelModel, after: VoxelModel, born: Collection[str]) -> np.ndarray:
    """Voxels (nz, ny, nx) that a part which appears takes from another: they are new, and what they bore is gone."""
    old, new = before.media, after.media
    whole = [~media.shared for media in (old, new)]
    fresh = np.array([part >= 0 and after.parts[part] in born for part in new.part])
    owners = [
        np.array([model.parts[p] if p >= 0 else "" for p in model.media.part])
        for model in (before, after)
    ]
    taken = (whole[0] & (old.part >= 0))[before.ids] & (whole[1] & fresh)[after.ids]
    return taken & (owners[0][before.ids] != owners[1][after.ids])


def stiffened(state: State, before: VoxelModel, after: VoxelModel, T: float) -> State:
    """The state on voxels that have gained material, at the temperature T in K."""
    both = state.solid & (after.ids > 0)
    pairs = np.unique(np.stack([before.ids[both], after.ids[both]]), axis=1).T
    stiff, new_stiff = (model.media.stiffness(T) for model in (before, after))
    free, new_free = (model.media.thermal_strain(T) for model in (before, after))
    changed = [
        (int(a), int(b))
        for a, b in pairs
        if not (np.array_equal(stiff[a], new_stiff[b]) and np.array_equal(free[a], new_free[b]))
    ]
    if not changed:
        return state
    strain = state.strain.copy()
    C, D = normal_matrix(stiff), normal_matrix(new_stiff)
    for a, b in changed:
        here = both & (before.ids == a) & (after.ids == b)
        stress = C[a] @ (strain[:, here] - free[a][:, None])
        strain[:, here] = np.linalg.solve(D[b], stress) + new_free[b][:, None]
    K, bent, lateral = _edges(before, T)
    L, new_bent, new_lateral = _edges(after, T)
    lasting = (K > 0) & (L > 0) & ((K != L) | (bent != new_bent))
    shear, memory = state.shear.copy(), state.memory
    heir = Inheritance(memory, before, after, T) if len(memory.voxels) else None
    if heir is not None:
        at, own = heir.strain()
        strain.reshape(3, -1)[:, at] = own + new_free[after.ids.reshape(-1)[at]].T
        edges, offset = heir.offset(lateral)
        shear.reshape(-1)[edges] -= offset
    shear[lasting] = (shear[lasting] - bent[lasting]) * K[lasting] / L[lasting] + new_bent[lasting]
    if heir is not None:
        memory, edges, offset = heir.handed_on(new_lateral)
        shear.reshape(-1)[edges] += offset
    return replace(state, strain=strain, shear=shear, memory=memory)


def _edges(model: VoxelModel, T: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stiffness K and free tilt b (3, nz+1, ny+1, nx+1) of every edge, between four voxels or at a lateral free face; flat
    indices of the latter."""
    from warp.kernels.host import history as kernels

    grid = model.grid
    nz, ny, nx = grid.shape
    cpu = select("cpu")
    ids = bordered(cpu, model.ids)
    with np.errstate(divide="ignore"):
        soft = np.ascontiguousarray(4 / model.media.shear(T).T)
    widths = []
    for d in (grid.dx, grid.dy, grid.dz):
        a = np.ones(len(d) + PAD)
        a[1 : len(d) + 1] = d
        widths.append(a)
    stiffness, bent = np.zeros((2, 3, nz + 1, ny + 1, nx + 1))
    kernels.edge_forces(stiffness, np.ones_like(stiffness), ids, soft, *widths, nx, ny, nz)
    solid = model.ids > 0
    stiffness[~between_four(solid)] = 0.0
    edges = lateral_faces(cpu, ids, soft, (grid.dx, grid.dy, grid.dz), grid.mirror)
    strain, lines = free_strain(model, T), (grid.x, grid.y, grid.z)
    if edges:
        at = places(table(edges, solid), solid.shape)
        stiffness.reshape(-1)[at] = np.concatenate([e.stiffness for e in edges])
        bent.reshape(-1)[at] = np.concatenate(
            [free_shear(e, model.ids, partial(strain, e.face), lines) for e in edges]
        )
    else:
        at = np.zeros(0, np.int64)
    return stiffness, bent, at


Moduli = tuple[np.ndarray, np.ndarray]


class Inheritance:
    """The memory of one model's voxels on another's, at one temperature T in K; nothing else of a state."""

    def __init__(self, memory: Memory, before: VoxelModel, after: VoxelModel, T: float) -> None:
        self.memory, self.before, self.after, self.T = memory, before, after, T
        self.moduli = [
            (model.media.stiffness(T), model.media.shear(T)) for model in (before, after)
        ]
        self.law = [
            _branches(model, moduli, T)
            for model, moduli in zip((before, after), self.moduli, strict=True)
        ]
        laws = [
            getattr(m, "relaxation", None)
            for model in (before, after)
            for m in model.media.materials
        ]
        numbers = [next(n for n, other in enumerate(laws) if other == law) for law in laws]
        self.number = np.split(np.array(numbers), [len(before.media)])
        self.terms = max(law.decay.shape[1] for law in self.law)
        self.rows = [model.ids.reshape(-1)[memory.voxels] for model in (before, after)]
        q = memory.strain[: self.law[0].decay.shape[1]]
        self.stress = stress_of(q, self.law[0], self.rows[0])
        self.branches = self._branches(q)

    def _branches(self, q: np.ndarray) -> np.ndarray:
        """Branch strains (terms, 3, n) of the voxels in their new media; unused where these are elastic."""
        found = np.zeros((self.terms, *q.shape[1:]))
        found[: len(q)] = q
        (stiff, _), (new_stiff, _) = self.moduli
        for a, b in np.unique(np.stack(self.rows), axis=1).T:
            same = self.number[0][a] == self.number[1][b]
            if not relaxing(self.after.media)[b] or (
                same and np.array_equal(stiff[a], new_stiff[b])
            ):
                continue
            here = (self.rows[0] == a) & (self.rows[1] == b)
            C, D = normal_matrix(stiff[a]), normal_matrix(new_stiff[b])
            own = (
                np.einsum("ab,tbn->tan", np.linalg.solve(D, C), found[..., here])
                if same
                else 0 * found[..., here]
            )
            borne = stress_of(own[: self.law[1].decay.shape[1]], self.law[1], self.rows[1][here])
            found[..., here] = own + np.linalg.solve(D, self.stress[:, here] - borne)
        return found

    def strain(self) -> tuple[np.ndarray, np.ndarray]:
        """Voxels by flat index, and what they have (3, n) beside the free strain of their new medium."""
        there = self.rows[1] > 0
        found = self.branches[0][:, there]
        elastic = ~relaxing(self.after.media)[self.rows[1][there]]
        D = normal_matrix(self.moduli[1][0])[self.rows[1][there][elastic]]
        found[:, elastic] = np.linalg.solve(D, self.stress[:, there][:, elastic].T[..., None])[
            ..., 0
        ].T
        return self.memory.voxels[there], found

    def offset(self, lateral: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Edges of the old model by flat index, and their shear that bears nothing (maxwell)."""
        sites = self._sites(0, self.memory, lateral)
        return sites.edges, sites.offset

    def handed_on(self, lateral: np.ndarray) -> tuple[Memory, np.ndarray, np.ndarray]:
        """The memory in the new model; its edges by flat index, and their shear that bears nothing."""
        memory = replace(self.memory, strain=self.branches)
        new = self._sites(1, memory, lateral)
        kind = self.memory.sites // 5 // (np.prod([n + 1 for n in self.before.ids.shape]))
        row = rows_of(self.memory.sites, self.before)
        G = self.law[0].shear[row, :, kind]  # (sites, terms)
        q = self.memory.shear[: G.shape[1]]
        pattern = np.zeros((self.terms, q.shape[1]))
        pattern[: len(q)] = q * G.sum(axis=1)
        borne = (G.T[: len(q)] * q).sum(axis=0)
        known, found = recalled(
            self.memory.sites, np.vstack([pattern, borne, self.number[0][row]]), new.keys
        )
        stiffness, whole = new.stiffness[known].T, new.effective[known]
        own = np.where(found[-1] == self.number[1][new.of[known]], found[:-2] / whole, 0.0)
        own += (found[-2] - (stiffness * own[: len(stiffness)]).sum(axis=0)) / whole
        memory = replace(memory, sites=new.keys[known], shear=own)
        last = self._sites(1, memory, lateral)
        return memory, last.edges, last.offset

    def _sites(self, which: int, memory: Memory, lateral: np.ndarray) -> Sites:
        """The edges of the old (0) or the new model (1) when no time passes."""
        model = (self.before, self.after)[which]
        shape = (3, *(n + 1 for n in model.ids.shape))
        end = np.full(len(model.media), self.T)
        voxels = Voxels(
            memory, model, self.moduli[which], end, 0.0, lambda cells: np.zeros((3, len(cells)))
        )
        return Sites(memory, model, voxels, lateral, np.ones(shape, bool), np.zeros(shape))


def _branches(model: VoxelModel, moduli: Moduli, T: float) -> Branches:
    at = np.full(len(model.media), T)
    return branches(model.media, *moduli, at, at, 0.0)
