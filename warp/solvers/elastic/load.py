"""Thermal load of the elastic equations: forces on faces from thermal strain.

Cells use the mean of their temperature field between knots; each material's thermal strain counts
from its own stress-free temperature. The forces are the derivative of the energy -V e : C : alpha
dT with respect to the displacement.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from warp.machine.arrays import Array
from warp.solvers.elastic.free_edges import free_shear, stiffness_of, strain_matrix
from warp.solvers.elastic.layout import temperature_array
from warp.solvers.elastic.operator import Body, Operator
from warp.solvers.numbering import numbered
from warp.solvers.sparse import add
from warp.voxels.voxelize import VoxelModel

NODES = 129
"""Most temperatures at which thermal stress is tabulated if the temperature varies in space."""
LEAST_SPAN = 1e-3
"""Kelvin that these span at least."""
Strain = Callable[[int, np.ndarray], np.ndarray]
"""Thermal strain along an axis (0, 1, 2) of cells, given by flat index."""


def mean_temperature(model: VoxelModel, temperature: float | np.ndarray) -> np.ndarray:
    """Return the volume-mean temperature (media,) of each medium.

    Media without voxels get the mean over all. The mean of a uniform temperature is exact.
    """
    temperature = temperature_array(temperature)
    count = len(model.media.materials)
    if temperature.size == 1:
        return np.full(count, temperature.item())
    total, volume = np.zeros(count), np.zeros(count)
    for k, dz in enumerate(model.grid.dz):
        row, v = model.ids[k].reshape(-1), model.grid.area.reshape(-1) * dz
        total += np.bincount(row, v * temperature[k].reshape(-1), count)
        volume += np.bincount(row, v, count)
    mean = total[1:].sum() / volume[1:].sum()
    present = (volume > 0) & (np.arange(count) > 0)
    return np.where(present, total / np.where(volume > 0, volume, 1), mean)


def thermal_stress(
    model: VoxelModel, normal: np.ndarray, temperature: np.ndarray
) -> tuple[Any, ...]:
    """Tabulate the stress of the hindered thermal strain, for kernel elastic_load.thermal_load.

    Returns (table (3, media, nodes), T, first node, nodes per kelvin, tk, tj, ti), the last three
    saying along which axes T varies.
    """
    nodes = temperature_nodes(model, temperature)
    c = normal[:, [[0, 5, 4], [5, 1, 3], [4, 3, 2]]]
    strains = model.media.thermal_strains(nodes)
    table = np.stack([np.einsum("mab,mb->ma", c, strain) for strain in strains], axis=-1)
    table = np.ascontiguousarray(table.transpose(1, 0, 2))
    varies = (int(n > 1) for n in temperature.shape)
    return table, temperature, nodes[0], 1 / (nodes[1] - nodes[0]), *varies


def temperature_nodes(model: VoxelModel, temperature: np.ndarray) -> np.ndarray:
    """Return evenly spaced temperatures that span those of the solid.

    Where the temperature varies they are multiples of a power of two in K, so that they stay where
    they are when the field changes a little: what is interpolated between them has a derivative.
    """
    if temperature.size == 1:
        return np.array([temperature.item(), temperature.item() + LEAST_SPAN])
    layers = (t[ids > 0] for t, ids in zip(temperature, model.ids, strict=True))
    spans = [(float(t.min()), float(t.max())) for t in layers if t.size]
    low, high = min(s[0] for s in spans), max(s[1] for s in spans)
    width = 2.0 ** np.ceil(np.log2(max(high - low, LEAST_SPAN) / (NODES - 2)))
    first = np.floor(low / width)
    last = max(np.ceil(high / width), first + 1)
    nodes: np.ndarray = width * np.arange(first, last + 1)
    return nodes


def load(
    model: VoxelModel, A: Operator, temperature: float | np.ndarray, out: Array | None = None
) -> Array:
    """Compute the thermal load f of A U = f in the solver's layout on A's device.

    temperature: K, one or (nz, ny, nx). Written into `out` if given.
    """
    temperature = temperature_array(temperature)
    device, (nx, ny, nz) = A.device, A.n
    f = device.zeros(A.shape) if out is None else out
    f[...] = 0
    table, T, *indices = thermal_stress(model, A.body.moduli.normal, temperature)
    ids, _, _, *widths = A.arguments(np.float64)[:7]
    args = f, ids, *device.together(table, T), *indices, *widths, *map(int, A.mirror), nx, ny, nz
    device.launch("elastic_load", "thermal_load", (nx + 1, ny + 1, nz + 1), *args)
    add(device, f, *free_edge_load(model, A, temperature))
    return f


def free_edge_load(
    model: VoxelModel, A: Operator, temperature: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Compute Bs^T K (free shear) of the lateral free edges: flat indices and values."""
    B = strain_matrix(A.edges, A.body.spacings[1::2], A.n)
    at, number = numbered(B.column)
    shear = free_edge_shear(model, A.body, free_strain(model, temperature))
    forces = np.repeat(stiffness_of(A.edges) * shear, np.diff(B.start))
    return at, np.bincount(number, B.value * forces, len(at))


def free_edge_shear(model: VoxelModel, body: Body, strain: Strain) -> np.ndarray:
    """Return the free shear of the lateral free edges, in the order of `strain_matrix`."""
    free = [free_shear(e, model.ids, partial(strain, e.face), body.lines) for e in body.edges]
    return np.concatenate([np.zeros(0), *free])


def free_strain(model: VoxelModel, temperature: float | np.ndarray) -> Strain:
    """Return the thermal strain of cells, interpolated between nodes as in `thermal_stress`."""
    temperature = temperature_array(temperature)
    nodes = temperature_nodes(model, temperature)
    table = model.media.thermal_strains(nodes)
    ids = model.ids.reshape(-1)

    def strain(axis: int, cells: np.ndarray) -> np.ndarray:
        T = np.take(temperature, cells, mode="clip")  # a uniform one has a single entry
        at = (T - nodes[0]) / (nodes[1] - nodes[0])
        n = np.clip(at.astype(int), 0, len(nodes) - 2)
        low, high = (table[m, ids[cells], axis] for m in (n, n + 1))
        found: np.ndarray = low + (at - n) * (high - low)
        return found

    return strain
