"""Heat sources on the voxel model: watts per voxel from the heat of the parts. SI units."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from warp.errors import WarpError
from warp.voxels.conditions import Source
from warp.voxels.faces import rows

if TYPE_CHECKING:
    from warp.voxels.voxelize import VoxelModel

SAME = 1e-9  # of a part's width: centred on a mirror plane


def heat_load(
    model: VoxelModel, power: dict[str, float | np.ndarray] | Iterable[Source]
) -> np.ndarray:
    """Return the heat per voxel (nz, ny, nx) in W.

    A dict gives W per part, or (ny, nx) W per grid column of the part. Powers are those of the full
    package: with mirror planes the modelled piece has its fraction.
    """
    q = np.zeros(model.ids.shape)
    for source in sources(model, power):
        _add_source(q, model, source)
    return q


def sources(
    model: VoxelModel, power: dict[str, float | np.ndarray] | Iterable[Source]
) -> list[Source]:
    """Return the sources that `heat_load` adds up."""
    if not isinstance(power, dict):
        return list(power)
    grid = model.grid
    return [
        Source(part, w) if np.ndim(w) == 0 else Source(part, np.asarray(w, float), grid.x, grid.y)
        for part, w in power.items()
    ]


def _add_source(q: np.ndarray, model: VoxelModel, source: Source) -> None:
    grid = model.grid
    dz = grid.dz
    if source.z is not None:
        dz = np.maximum(
            np.minimum(grid.z[1:], source.z[1]) - np.maximum(grid.z[:-1], source.z[0]), 0
        )
    belongs = rows(model, source.part)[model.ids]
    heights = np.tensordot(dz, belongs, 1)  # of the part in every column
    if source.x is None or source.y is None:
        columns = heights * np.outer(grid.dy, grid.dx)
        total = float(source.watts) * modelled_fraction(source.extent, grid.mirror)
    else:
        columns = (
            _overlap(source.y, grid.y).T
            @ np.asarray(source.watts, float)
            @ _overlap(source.x, grid.x)
        )
        total = columns.sum()
        columns = np.where(heights > 0, columns, 0)
    if total == 0:
        return
    if not columns.sum() > 0:
        raise WarpError(f"power of part '{source.part}': none of it falls on the part")
    columns = columns * (total / columns.sum())
    density = np.divide(
        columns, heights, out=np.zeros_like(columns), where=heights > 0
    )  # W per metre of height
    for k in range(len(dz)):
        if dz[k] > 0:
            q[k] += belongs[k] * density * dz[k]


def modelled_fraction(
    extent: tuple[float, float, float, float] | None, mirror: tuple[bool, bool]
) -> float:
    """Return the fraction of a part on the positive side of the mirror planes.

    extent: x0, x1, y0, y1 in m; None for a part that every plane halves. A part beyond a plane has
    none: its image is modelled.
    """
    fraction = 1.0
    for axis in (0, 1):
        low, high = (-1.0, 1.0) if extent is None else extent[2 * axis : 2 * axis + 2]
        if mirror[axis]:
            halved = abs(low + high) <= SAME * (high - low)
            fraction *= 0.5 if halved else min(1.0, max(0.0, high / (high - low)))
    return fraction


def _overlap(lines: np.ndarray, grid_lines: np.ndarray) -> np.ndarray:
    """Return the fraction of each interval of `lines` that lies in each interval of the grid."""
    low = np.maximum(lines[:-1, None], grid_lines[None, :-1])
    high = np.minimum(lines[1:, None], grid_lines[None, 1:])
    return np.maximum(high - low, 0) / np.diff(lines)[:, None]
