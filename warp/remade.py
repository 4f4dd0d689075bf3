"""What a body remembers where its media change while its voxels stay: bumps that stood free and are underfilled.

A voxel that gains a material, free of stress as it comes, bears after it what it bore before. With the strain since
birth e, the stiffness C and the free strain a before and after, at one temperature:

    C' (e' - a') = C (e - a)          voxels
    K' (g' - b') = K (g - b)          edges (shear); b, the free tilt, at lateral free faces only

Viscoelastic voxels hand on the stress of their branches (inherited).
So the bumps keep their stress when underfill surrounds them, nothing moves, and both stiffen what comes later.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from functools import partial

import numpy as np

from warp.device import select
from warp.elastic import free_strain
from warp.free_edges import PAD, bordered, free_shear, lateral_faces
from warp.history import State, between_four, places, table
from warp.inherited import Inheritance
from warp.medium import normal_matrix
from warp.voxelize import VoxelModel

SHARED = re.compile(r" \d+/\d+ in ")  # how media name a voxel that two of them share


def replaced(before: VoxelModel, after: VoxelModel, born: Collection[str]) -> np.ndarray:
    """Voxels (nz, ny, nx) that a part which appears takes from another: they are new, and what they bore is gone."""
    old, new = before.media, after.media
    whole = [np.array([SHARED.search(name) is None for name in media.names]) for media in (old, new)]
    fresh = np.array([part >= 0 and after.parts[part] in born for part in new.part])
    owners = [np.array([model.parts[p] if p >= 0 else "" for p in model.media.part]) for model in (before, after)]
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
    from warp.kernels import history as kernels

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
        bent.reshape(-1)[at] = np.concatenate([free_shear(e, model.ids, partial(strain, e.face), lines) for e in edges])
    else:
        at = np.zeros(0, np.int64)
    return stiffness, bent, at
