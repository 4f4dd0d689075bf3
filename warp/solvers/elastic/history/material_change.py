"""The state of a body whose media change while its voxels stay: free bumps that are underfilled.

Adding stress-free material to a voxel leaves the voxel's stress unchanged. With the strain e since
it was attached, the stiffness C and the free strain a before and after, at one temperature:

    C' (e' - a') = C (e - a)          voxels
    K' (g' - b') = K (g - b)          edges (shear); b, the free tilt, at lateral free faces only

So the bumps keep their stress when underfill surrounds them, nothing moves, and both are stiff
against later loads. In viscoelastic voxels each Maxwell branch keeps its stress:

    C' q_i' = C q_i (voxels),   G' q_i' = G q_i (edges)        if both media relax by one law
    q_i' = C'^-1 stress                                        otherwise: as if just loaded

In either case the difference to the stress before, sum C_i q_i (maxwell), is added to all branches
alike, so that the stress stays the same.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from warp.machine.device import Device
from warp.materials.material import normal_matrix
from warp.solvers.elastic.free_edges import stiffness_of
from warp.solvers.elastic.history.maxwell import (
    Branches,
    Memory,
    Sites,
    Voxels,
    branches,
    media_of,
    recalled,
    relaxing,
    stress_of,
)
from warp.solvers.elastic.history.state import State, between_four, edge_rows, flat_indices
from warp.solvers.elastic.layout import host_of
from warp.solvers.elastic.load import free_edge_shear, free_strain
from warp.solvers.elastic.operator import Body, Moduli
from warp.voxels.voxelize import VoxelModel


def replaced(before: VoxelModel, after: VoxelModel, attached: Collection[str]) -> np.ndarray:
    """Mark the voxels (nz, ny, nx) that newly attached parts take from others.

    They are new, and lose the stress of what they replace.
    """
    old, new = before.media, after.media
    whole = [~media.shared for media in (old, new)]
    fresh = np.array([part >= 0 and after.parts[part] in attached for part in new.part])
    owners = [
        np.array([model.parts[p] if p >= 0 else "" for p in model.media.part])
        for model in (before, after)
    ]
    taken = (whole[0] & (old.part >= 0))[before.ids] & (whole[1] & fresh)[after.ids]
    found: np.ndarray = taken & (owners[0][before.ids] != owners[1][after.ids])
    return found


def stiffened(
    state: State, before: VoxelModel, after: VoxelModel, T: float, device: Device
) -> State:
    """Return the state on voxels that have gained material, at the temperature T in K.

    Computed on the host, with the device's host threads.
    """
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
    host = host_of(device)
    K, tilt, lateral = _edges(before, T, host)
    L, new_tilt, new_lateral = _edges(after, T, host)
    lasting = (K > 0) & (L > 0) & ((K != L) | (tilt != new_tilt))
    shear, memory = state.shear.copy(), state.memory
    transfer = MemoryTransfer(memory, before, after, T) if len(memory.voxels) else None
    if transfer is not None:
        at, own = transfer.strain()
        strain.reshape(3, -1)[:, at] = own + new_free[after.ids.reshape(-1)[at]].T
        edges, offset = transfer.offset(lateral)
        shear.reshape(-1)[edges] -= offset
    shear[lasting] = (shear[lasting] - tilt[lasting]) * K[lasting] / L[lasting] + new_tilt[lasting]
    if transfer is not None:
        memory, edges, offset = transfer.result(new_lateral)
        shear.reshape(-1)[edges] += offset
    return replace(state, strain=strain, shear=shear, memory=memory)


def _edges(model: VoxelModel, T: float, host: Device) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return stiffness K and free tilt (3, nz+1, ny+1, nx+1) of every edge.

    Edges lie between four voxels or at a lateral free face; also the flat indices of the latter.
    """
    nz, ny, nx = model.grid.shape
    moduli = Moduli(model.media.stiffness(T), model.media.shear(T))
    body = Body(model, host, moduli)
    stiffness, tilt = np.zeros((2, 3, nz + 1, ny + 1, nx + 1))
    unit, extent = np.ones_like(stiffness), (nx + 1, ny + 1, nz + 1)
    args = stiffness, unit, body.ids, body.soft, *body.widths, nx, ny, nz
    host.launch("history", "edge_forces", extent, *args)
    solid = model.ids > 0
    stiffness[~between_four(solid)] = 0.0
    at = flat_indices(edge_rows(body.edges, solid), solid.shape)
    stiffness.reshape(-1)[at] = stiffness_of(body.edges)
    tilt.reshape(-1)[at] = free_edge_shear(model, body, free_strain(model, T))
    return stiffness, tilt, at


class MemoryTransfer:
    """Transfers the memory of one model's voxels to another's, at one temperature T in K."""

    def __init__(self, memory: Memory, before: VoxelModel, after: VoxelModel, T: float) -> None:
        self.memory, self.before, self.after, self.T = memory, before, after, T
        models = before, after
        self.moduli = [Moduli(m.media.stiffness(T), m.media.shear(T)) for m in models]
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
        """Return branch strains (terms, 3, n) of the voxels in their new media.

        Meaningless in elastic media.
        """
        found = np.zeros((self.terms, *q.shape[1:]))
        found[: len(q)] = q
        stiff, new_stiff = (moduli.normal for moduli in self.moduli)
        for a, b in np.unique(np.stack(self.rows), axis=1).T:
            same = self.number[0][a] == self.number[1][b]
            if not relaxing(self.after.media)[b] or (
                same and np.array_equal(stiff[a], new_stiff[b])
            ):
                continue
            here = (self.rows[0] == a) & (self.rows[1] == b)
            C, D = normal_matrix(stiff[a]), normal_matrix(new_stiff[b])
            own = 0 * found[..., here]
            if same:
                own = np.einsum("ab,tbn->tan", np.linalg.solve(D, C), found[..., here])
            terms = self.law[1].decay.shape[1]
            stress = stress_of(own[:terms], self.law[1], self.rows[1][here])
            found[..., here] = own + np.linalg.solve(D, self.stress[:, here] - stress)
        return found

    def strain(self) -> tuple[np.ndarray, np.ndarray]:
        """Return voxels by flat index, and their strain (3, n) without the free strain."""
        solid = self.rows[1] > 0
        found = self.branches[0][:, solid]
        elastic = ~relaxing(self.after.media)[self.rows[1][solid]]
        D = normal_matrix(self.moduli[1].normal)[self.rows[1][solid][elastic]]
        stress = self.stress[:, solid][:, elastic].T[..., None]
        found[:, elastic] = np.linalg.solve(D, stress)[..., 0].T
        return self.memory.voxels[solid], found

    def offset(self, lateral: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the edges of the old model by flat index, and their offset (maxwell.Sites)."""
        sites = self._sites(0, self.memory, lateral)
        return sites.edges, sites.offset

    def result(self, lateral: np.ndarray) -> tuple[Memory, np.ndarray, np.ndarray]:
        """Return the memory in the new model, its edges by flat index and their offset."""
        memory = replace(self.memory, strain=self.branches)
        new = self._sites(1, memory, lateral)
        kind = self.memory.sites // 5 // (np.prod([n + 1 for n in self.before.ids.shape]))
        row = media_of(self.memory.sites, self.before)
        G = self.law[0].shear[row, :, kind]  # (sites, terms)
        q = self.memory.shear[: G.shape[1]]
        pattern = np.zeros((self.terms, q.shape[1]))
        pattern[: len(q)] = q * G.sum(axis=1)
        stress = (G.T[: len(q)] * q).sum(axis=0)
        values = np.vstack([pattern, stress, self.number[0][row]])
        known, found = recalled(self.memory.sites, values, new.keys)
        stiffness, whole = new.stiffness[known].T, new.effective[known]
        own = np.where(found[-1] == self.number[1][new.medium[known]], found[:-2] / whole, 0.0)
        own += (found[-2] - (stiffness * own[: len(stiffness)]).sum(axis=0)) / whole
        memory = replace(memory, sites=new.keys[known], shear=own)
        last = self._sites(1, memory, lateral)
        return memory, last.edges, last.offset

    def _sites(self, which: int, memory: Memory, lateral: np.ndarray) -> Sites:
        """Return the edges of the old (0) or the new model (1) in a step without duration."""
        model = (self.before, self.after)[which]
        shape = (3, *(n + 1 for n in model.ids.shape))
        end = np.full(len(model.media), self.T)
        voxels = Voxels(
            memory, model, self.moduli[which], end, 0.0, lambda cells: np.zeros((3, len(cells)))
        )
        return Sites(memory, model, voxels, lateral, np.ones(shape, bool), np.zeros(shape))


def _branches(model: VoxelModel, moduli: Moduli, T: float) -> Branches:
    """Return the branches in a step without duration."""
    at = np.full(len(model.media), T)
    return branches(model.media, moduli, at, at, 0.0)
