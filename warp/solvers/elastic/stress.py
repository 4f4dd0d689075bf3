"""Stress in voxels from displacement and thermal strain, and at the end of a step from the stored strains."""

from __future__ import annotations

import numpy as np

from warp.device import Device, select
from warp.solvers.elastic.history.maxwell import branches, edge_stress, stress_of
from warp.solvers.elastic.history.state import State, between_four
from warp.solvers.elastic.layout import bordered
from warp.solvers.elastic.load import mean_temperature, thermal_stress
from warp.solvers.elastic.operator import moduli
from warp.voxels.voxelize import VoxelModel


def stress(
    model: VoxelModel,
    displacement: np.ndarray,
    temperature: float | np.ndarray,
    state: State | None = None,
    device: Device | None = None,
) -> np.ndarray:
    """Stress (6, nz, ny, nx) in Pa at voxel centres: xx yy zz yz xz xy; zero in void. On the CPU if no device is given.

    Of a step's end it is the stress of the strains since birth in `state`, and the displacement does not matter.
    """
    nz, ny, nx = model.grid.shape
    normal, shear = moduli(model, mean_temperature(model, temperature))
    device = device or select("cpu")
    ids = bordered(select("cpu") if state is not None else device, model.ids)
    with np.errstate(divide="ignore"):
        soft = np.ascontiguousarray(4 / shear.T)
    widths, centres = [], []
    for d in (model.grid.dx, model.grid.dy, model.grid.dz):
        widths.append(np.concatenate([[1.0], d, [1.0, 1.0]]))
        centres.append(np.concatenate([d[:1], (d[1:] + d[:-1]) / 2, d[-1:]]))
    table, T, *where = thermal_stress(model, normal, temperature)
    cell = np.ascontiguousarray(normal.T)
    if state is not None:
        out = np.zeros((6, nz, ny, nx))
        stress_of_state(
            out,
            state,
            model,
            (normal, shear),
            (ids, cell, soft),
            (table, T, *where),
            widths,
            centres,
        )
        return out
    found = device.zeros((6, nz, ny, nx))
    U, *tables = (device.asarray(a) for a in (displacement, cell, soft, table, T))
    lengths = (device.asarray(a) for a in (*widths, *centres))
    device.launch(
        "elastic_load", "stress", (nx, ny, nz), found, U, ids, *tables, *where, *lengths, nx, ny, nz
    )
    return device.to_host(found)


def stress_of_state(
    out: np.ndarray,
    state: State,
    model: VoxelModel,
    moduli: tuple,
    tables: tuple,
    thermal: tuple,
    widths,
    centres,
) -> None:
    """Stress (6, nz, ny, nx) of a state; the arguments are those of kernel elastic_load.stress."""
    from warp.kernels.host import history as kernels

    nz, ny, nx = model.ids.shape
    ids, cell, soft = tables
    t = np.empty_like(state.shear)
    kernels.cell_stress(out[:3], state.strain, ids, cell, *thermal, nx, ny, nz)
    kernels.edge_forces(t, state.shear, ids, soft, *widths, nx, ny, nz)
    memory = state.memory
    if len(memory.voxels):
        anywhere = np.full(len(model.media), 300.0)
        law = branches(model.media, moduli[0], moduli[1], anywhere, anywhere, 0.0)
        rows = model.ids.reshape(-1)[memory.voxels]
        out[:3].reshape(3, -1)[:, memory.voxels] = stress_of(
            memory.strain[: law.decay.shape[1]], law, rows
        )
        edges, volume, tau = edge_stress(memory, model, law, centres)
        inner = between_four(state.solid).reshape(-1)[edges]
        t.reshape(-1)[edges[inner]] = (volume * tau)[inner]
    kernels.shear_stress(out[3:], t, ids, *widths, *centres, nx, ny, nz)
