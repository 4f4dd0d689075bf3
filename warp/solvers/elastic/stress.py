"""Stress in voxels, from the strains that a state stores and the thermal strain."""

from __future__ import annotations

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers.elastic.history.maxwell import branches, edge_stress, stress_of
from warp.solvers.elastic.history.state import State, between_four
from warp.solvers.elastic.layout import bordered, padded_widths, temperature_array
from warp.solvers.elastic.load import mean_temperature, thermal_stress
from warp.solvers.elastic.operator import Moduli, moduli, stiffness_tables
from warp.voxels.grid import Grid
from warp.voxels.heights import weighted_heights
from warp.voxels.voxelize import VoxelModel


def stress(
    model: VoxelModel, temperature: float | np.ndarray, state: State, device: Device
) -> np.ndarray:
    """Return what `stress_on_device` does, on the host."""
    return device.to_host(stress_on_device(model, temperature, state, device))


def stress_on_device(
    model: VoxelModel, temperature: float | np.ndarray, state: State, device: Device
) -> Array:
    """Return the stress (6, nz, ny, nx) in Pa at voxel centres, on the device; zero in void.

    In the order xx yy zz yz xz xy. state: the one at `temperature` in K, one or (nz, ny, nx).
    """
    temperature = temperature_array(temperature)
    grid = model.grid
    nz, ny, nx = grid.shape
    stiffness = moduli(model, mean_temperature(model, temperature))
    cell, soft = (device.asarray(table) for table in stiffness_tables(stiffness))
    widths = [device.asarray(d) for d in padded_widths(grid)]
    centres = [device.asarray(d) for d in centre_distances(grid)]
    ids, n = bordered(device, model.ids), (nx, ny, nz)
    levels = *widths[:2], widths[3]
    extent = nx + 1, ny + 1, nz + 1
    table, T, *nodes = thermal_stress(model, stiffness.normal, temperature)
    thermal = device.asarray(table), device.asarray(T), *nodes
    out = device.empty((6, nz, ny, nx))
    strain, shear = state.on(device, "strain"), state.on(device, "shear")
    device.launch("history", "cell_stress", extent, out[:3], strain, ids, cell, *thermal, *n)
    t = device.empty(shear.shape)
    device.launch("history", "edge_forces", extent, t, shear, ids, soft, *widths, *n)
    if len(state.memory.voxels):
        _replace_relaxed(device, out, t, state, model, stiffness)
    device.launch("history", "shear_stress", extent, out[3:], t, ids, *levels, *centres, *n)
    out[2] *= device.asarray(weighted_heights(grid) / grid.dz)[:, None, None]
    return out


def centre_distances(grid: Grid) -> list[np.ndarray]:
    """Return the distances of cell centres around every line x, y, z; the widths at the ends."""
    return [
        np.concatenate([d[:1], (d[1:] + d[:-1]) / 2, d[-1:]]) for d in (grid.dx, grid.dy, grid.dz)
    ]


def _replace_relaxed(
    device: Device, out: Array, t: Array, state: State, model: VoxelModel, stiffness: Moduli
) -> None:
    """Put in the stress of viscoelastic voxels: `out` normal, `t` shear times volume at edges."""
    memory, anywhere = state.memory, np.full(len(model.media), 300.0)
    law = branches(model.media, stiffness, anywhere, anywhere, 0.0)
    rows = model.ids.reshape(-1)[memory.voxels]
    terms = law.decay.shape[1]
    normal = device.asarray(stress_of(memory.strain[:terms], law, rows))
    out[:3].reshape(3, -1)[:, device.asarray(memory.voxels)] = normal
    edges, volume, tau = edge_stress(memory, model, law, centre_distances(model.grid))
    last = np.append(edges[1:] != edges[:-1], True)  # all sites of an edge have its stress
    inner = between_four(state.solid).reshape(-1)[edges] & last
    forces = device.asarray((volume * tau)[inner])
    t.reshape(-1)[device.asarray(edges[inner])] = forces
