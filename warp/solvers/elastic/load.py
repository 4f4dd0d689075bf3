"""Thermal load of the elastic equations: forces on faces from the thermal strain of cells and of free edges.

Cells take the mean of their temperature field between knots; each material's thermal strain counts from its own
stress-free temperature. The forces are the derivative of the energy -V e : C : alpha dT with respect to the displacement.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from warp.solvers.elastic.free_edges import free_shear, stiffness_of, strain_matrix
from warp.solvers.elastic.layout import spacings
from warp.solvers.elastic.operator import Operator
from warp.solvers.sparse import add, numbered
from warp.voxels.voxelize import VoxelModel

NODES = 65
"""Temperatures at which the thermal stress of a medium is tabulated when the temperature varies in space."""


def mean_temperature(model: VoxelModel, temperature: float | np.ndarray) -> np.ndarray:
    """Volume-mean temperature (media,) of each medium."""
    count = len(model.media.materials)
    if not isinstance(temperature, np.ndarray):
        return np.full(count, float(temperature))
    total, volume = np.zeros(count), np.zeros(count)
    for k, dz in enumerate(model.grid.dz):
        row, v = model.ids[k].reshape(-1), model.grid.area.reshape(-1) * dz
        total += np.bincount(row, v * temperature[k].reshape(-1), count)
        volume += np.bincount(row, v, count)
    mean = total[1:].sum() / volume[1:].sum()
    return np.where(
        (volume > 0) & (np.arange(count) > 0), total / np.where(volume > 0, volume, 1), mean
    )


def thermal_stress(model: VoxelModel, normal: np.ndarray, temperature: float | np.ndarray) -> tuple:
    """Kernel arguments (table (3, media, nodes), T, first, per_kelvin, tk, tj, ti) of elastic_load.thermal_load."""
    varies = isinstance(temperature, np.ndarray)
    nodes = temperature_nodes(model, temperature)
    c = normal[:, [[0, 5, 4], [5, 1, 3], [4, 3, 2]]]
    table = np.stack(
        [np.einsum("mab,mb->ma", c, model.media.thermal_strain(float(t))) for t in nodes], axis=-1
    )
    T = np.ascontiguousarray(temperature, float) if varies else np.full((1, 1, 1), nodes[0])
    return (
        np.ascontiguousarray(table.transpose(1, 0, 2)),
        T,
        nodes[0],
        1 / (nodes[1] - nodes[0]),
        *[int(varies)] * 3,
    )


def temperature_nodes(model: VoxelModel, temperature: float | np.ndarray) -> np.ndarray:
    """Temperatures, evenly spaced, that span those of the solid."""
    if not isinstance(temperature, np.ndarray):
        return temperature + np.array([0, 1e-3])
    levels = (t[ids > 0] for t, ids in zip(temperature, model.ids, strict=True))
    spans = [(float(t.min()), float(t.max())) for t in levels if t.size]
    low, high = min(s[0] for s in spans), max(s[1] for s in spans)
    return low + max(high - low, 1e-3) * np.linspace(0, 1, NODES)


def load(model: VoxelModel, A: Operator, temperature: float | np.ndarray, out: Any = None) -> Any:
    """Thermal load f of A U = f in the solver's layout, on A's device, written into `out` if that is given."""
    device, (nx, ny, nz) = A.device, A.n
    f = device.zeros(A.shape) if out is None else out
    f[...] = 0
    table, T, *where = thermal_stress(model, A.cell.T, temperature)
    ids, _, _, *widths = A.arguments(np.float64)[:6]
    args = (
        f,
        ids,
        device.asarray(table),
        device.asarray(T),
        *where,
        *widths,
        *map(int, A.mirror),
        nx,
        ny,
        nz,
    )
    device.launch("elastic_load", "thermal_load", (nx + 1, ny + 1, nz + 1), *args)
    if isinstance(temperature, np.ndarray):
        add(device, f, *free_edge_load(model, A, temperature))
    return f


def free_edge_load(
    model: VoxelModel, A: Operator, temperature: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Bs^T K (free shear) of the lateral free edges, whose tilt is that of a plane inside: flat places, values."""
    strain = free_strain(model, temperature)
    free = [free_shear(e, model.ids, partial(strain, e.face), A.lines) for e in A.edges]
    B = strain_matrix(A.edges, spacings(A.lines)[1::2], A.n)
    at, number = numbered(B.indices)
    forces = np.repeat(stiffness_of(A.edges) * np.concatenate(free), np.diff(B.indptr))
    return at, np.bincount(number, B.data * forces, len(at))


def free_strain(
    model: VoxelModel, temperature: float | np.ndarray
) -> Callable[[int, np.ndarray], np.ndarray]:
    """Return strain(axis, flat cell indices): the thermal strain as `thermal_stress` interpolates it."""
    nodes = temperature_nodes(model, temperature)
    table = np.stack([model.media.thermal_strain(float(t)) for t in nodes])
    ids = model.ids.reshape(-1)

    def strain(axis: int, cells: np.ndarray) -> np.ndarray:
        T = (
            temperature.reshape(-1)[cells]
            if isinstance(temperature, np.ndarray)
            else np.full(len(cells), nodes[0])
        )
        at = (T - nodes[0]) / (nodes[1] - nodes[0])
        n = np.clip(at.astype(int), 0, len(nodes) - 2)
        low, high = (table[m, ids[cells], axis] for m in (n, n + 1))
        return low + (at - n) * (high - low)

    return strain
