"""Join a body that was made apart: one state from two, each with its own strains and memory.

The voxels and edges of the two are different ones, and both are free of forces from outside, so
that nothing moves. What lies between, attached in the same step, is free of stress then. The body
keeps its own displacement but for its rigid motion, about the plane on which it is placed
(`flat`): its warpage goes on from what it was.
"""

from __future__ import annotations

import numpy as np

from warp.machine.device import Device
from warp.solvers.elastic.history.material_change import stiffened
from warp.solvers.elastic.history.maxwell import Memory
from warp.solvers.elastic.history.state import State, faces_of
from warp.solvers.elastic.layout import bordered
from warp.solvers.elastic.rigid import remove_rigid_motion
from warp.voxels.voxelize import VoxelModel


def joined(
    state: State, own: State, alone: VoxelModel, model: VoxelModel, T: float, device: Device
) -> State:
    """Return the state of both on the voxels of `model`, at the temperature T in K.

    state: of the package, with the plane of the body in its displacement (`flat.Flat`). own: of the
    body, whose voxels are those of `alone`.
    """
    own = stiffened(own, alone, model, T, device)
    U = device.asarray(own.displacement).copy()
    remove_rigid_motion(device, U, bordered(device, alone.ids), alone.grid)
    here = faces_of(own.solid) & ~faces_of(state.solid)
    moved = state.displacement + np.where(here, device.to_host(U), 0.0)
    moved[here & (moved == 0.0)] = np.finfo(float).tiny  # 0 is unknown
    return State(
        moved,
        state.solid | own.solid,
        state.strain + own.strain,
        state.shear + own.shear,
        np.concatenate([state.lateral, own.lateral]),
        np.concatenate([state.forces, own.forces]),
        np.concatenate([state.held, own.held]),
        np.concatenate([state.held_forces, own.held_forces]),
        _both(state.memory, own.memory),
    )


def _both(one: Memory, other: Memory) -> Memory:
    """Return the memory of both; sites that they share lie at a face that either covers."""
    voxels = np.concatenate([one.voxels, other.voxels])
    order = np.argsort(voxels, kind="stable")
    temperature = np.concatenate([one.temperature, other.temperature])
    strain = _side_by_side(one.strain, other.strain)
    found, first = np.unique(np.concatenate([one.sites, other.sites]), return_index=True)
    shear = _side_by_side(one.shear, other.shear)
    return Memory(voxels[order], strain[..., order], temperature[order], found, shear[:, first])


def _side_by_side(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Append along the last axis; missing terms of the first axis are zero."""
    terms = max(len(one), len(other))
    padded = [np.pad(a, [(0, terms - len(a)), *[(0, 0)] * (a.ndim - 1)]) for a in (one, other)]
    return np.concatenate(padded, axis=-1)
