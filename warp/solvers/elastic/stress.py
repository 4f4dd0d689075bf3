"""Stress in voxels, from the strains that a state stores and the thermal strain."""

from __future__ import annotations

import numpy as np

from warp.machine.device import Device
from warp.solvers.elastic.history.maxwell import branches, edge_stress, stress_of
from warp.solvers.elastic.history.state import State, between_four
from warp.solvers.elastic.layout import bordered, host_of, padded_widths, temperature_array
from warp.solvers.elastic.load import mean_temperature, thermal_stress
from warp.solvers.elastic.operator import Moduli, moduli, stiffness_tables
from warp.voxels.grid import Grid
from warp.voxels.heights import weighted_heights
from warp.voxels.voxelize import VoxelModel


def stress(
    model: VoxelModel, temperature: float | np.ndarray, state: State, device: Device
) -> np.ndarray:
    """Return the stress (6, nz, ny, nx) in Pa at voxel centres: xx yy zz yz xz xy; zero in void.

    state: the one at `temperature` in K, one or (nz, ny, nx). Computed on the host, with the
    device's host threads.
    """
    temperature = temperature_array(temperature)
    nz, ny, nx = model.grid.shape
    stiffness = moduli(model, mean_temperature(model, temperature))
    cell, soft = stiffness_tables(stiffness)
    host, widths, centres = host_of(device), padded_widths(model.grid), centre_distances(model.grid)
    ids, n = bordered(host, model.ids), (nx, ny, nz)
    levels = *widths[:2], widths[3]
    extent = nx + 1, ny + 1, nz + 1
    out, t = np.zeros((6, nz, ny, nx)), np.empty_like(state.shear)
    thermal = thermal_stress(model, stiffness.normal, temperature)
    host.launch(
        "host.history", "cell_stress", extent, out[:3], state.strain, ids, cell, *thermal, *n
    )
    host.launch("host.history", "edge_forces", extent, t, state.shear, ids, soft, *widths, *n)
    if len(state.memory.voxels):
        _replace_relaxed(out, t, state, model, stiffness)
    host.launch("host.history", "shear_stress", extent, out[3:], t, ids, *levels, *centres, *n)
    out[2] *= (weighted_heights(model.grid) / model.grid.dz)[:, None, None]
    return out


def centre_distances(grid: Grid) -> list[np.ndarray]:
    """Return the distances of cell centres around every line x, y, z; the widths at the ends."""
    return [
        np.concatenate([d[:1], (d[1:] + d[:-1]) / 2, d[-1:]]) for d in (grid.dx, grid.dy, grid.dz)
    ]


def _replace_relaxed(
    out: np.ndarray, t: np.ndarray, state: State, model: VoxelModel, stiffness: Moduli
) -> None:
    """Put in the stress of viscoelastic voxels: `out` normal, `t` shear times volume at edges."""
    memory, anywhere = state.memory, np.full(len(model.media), 300.0)
    law = branches(model.media, stiffness, anywhere, anywhere, 0.0)
    rows = model.ids.reshape(-1)[memory.voxels]
    terms = law.decay.shape[1]
    out[:3].reshape(3, -1)[:, memory.voxels] = stress_of(memory.strain[:terms], law, rows)
    edges, volume, tau = edge_stress(memory, model, law, centre_distances(model.grid))
    inner = between_four(state.solid).reshape(-1)[edges]
    t.reshape(-1)[edges[inner]] = (volume * tau)[inner]
