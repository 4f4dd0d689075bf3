"""Thermal interfaces on the voxel model: voxels beside a resistive contact get rows of their own.

An interface resistance between two parts adds to the half voxel on one side of every face that they
share. Media rows are split likewise where properties vary with a field: by temperature, or by the
thickness that a soft layer takes under displacement.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from warp.errors import WarpError
from warp.voxels.conditions import Boundary, Interface
from warp.voxels.faces import rows

if TYPE_CHECKING:
    from warp.voxels.grid import Grid
    from warp.voxels.voxelize import VoxelModel

_MEDIA_LIMIT = 65536  # material ids are uint16
GROUPS = 64  # rows that a medium whose properties vary is split into


@dataclass(frozen=True)
class Split:
    """Media rows, split so that voxels at an interface carry its resistance.

    `ids` (nz, ny, nx); `origin`: the model's row of each new row; `extra` (rows, 6): m2K/W per
    metre of voxel added towards each side; `stretch` (rows,): true over drawn thickness.
    """

    ids: np.ndarray
    origin: np.ndarray
    extra: np.ndarray
    stretch: np.ndarray


def split_interfaces(model: VoxelModel, boundaries: Iterable[Boundary]) -> Split:
    """Give voxels at a resistive interface rows of their own."""
    ids, origin = model.ids, np.arange(len(model.media.part))
    extra = np.zeros((len(origin), 6))
    for b in boundaries:
        if not isinstance(b, Interface):
            continue
        if not b.resistance >= 0:
            raise WarpError(f"interface '{b.part}' / '{b.other}': the resistance is negative")
        if ids is model.ids:
            ids = ids.copy()
        touching = 0
        for side in range(6):
            ids, origin, extra, count = _split(model, ids, origin, extra, b, side)
            touching += count
        if not touching and not _beyond(model, b):
            raise WarpError(f"interface '{b.part}' / '{b.other}': these parts do not touch")
    return Split(ids, origin, extra, np.ones(len(origin)))


def _beyond(model: VoxelModel, b: Interface) -> bool:
    """Tell whether a part of the interface is not modelled because a plane mirrors its image."""
    here = np.bincount(model.ids.reshape(-1), minlength=len(model.media.part)) > 0
    return any(model.grid.mirror) and not all(
        (rows(model, part) & here).any() for part in (b.part, b.other)
    )


def _split(
    model: VoxelModel,
    ids: np.ndarray,
    origin: np.ndarray,
    extra: np.ndarray,
    b: Interface,
    side: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Split the voxels of b.part whose neighbour towards `side` is b.other."""
    axis, up = 2 - side // 2, side % 2
    n = ids.shape[axis]
    here = [slice(None)] * 3
    there = [slice(None)] * 3
    here[axis], there[axis] = (
        (slice(0, n - 1), slice(1, n)) if up else (slice(1, n), slice(0, n - 1))
    )
    this, other = rows(model, b.part), rows(model, b.other)
    at = list(np.nonzero(this[model.ids[tuple(here)]] & other[model.ids[tuple(there)]]))
    if not len(at[0]):
        return ids, origin, extra, 0
    if not up:
        at[axis] = at[axis] + 1
    widths, which = np.unique(
        (model.grid.dz, model.grid.dy, model.grid.dx)[axis][at[axis]], return_inverse=True
    )
    pairs, row = np.unique(
        ids[tuple(at)].astype(np.int64) * len(widths) + which, return_inverse=True
    )
    if len(origin) + len(pairs) > _MEDIA_LIMIT:
        raise WarpError(
            f"interface '{b.part}' / '{b.other}': too many media and voxel widths meet there"
        )
    old, width = pairs // len(widths), widths[pairs % len(widths)]
    ids[tuple(at)] = (len(origin) + row).astype(ids.dtype)
    added = extra[old]
    added[:, side] += b.resistance / width
    return ids, np.append(origin, origin[old]), np.vstack((extra, added)), len(at[0])


def split_by(split: Split, values: np.ndarray, varies: np.ndarray, groups: int = GROUPS) -> Split:
    """Give voxels of the rows marked in `varies` a row per interval of `values` (nz, ny, nx)."""
    moves = varies[split.origin][split.ids]
    if not moves.any():
        return split
    low, high = values[moves].min(), values[moves].max()
    count = len(split.origin)
    keys = np.empty(split.ids.shape, np.int32)  # row, and interval within the row
    used = np.zeros(count * groups, bool)
    for k in range(len(keys)):
        interval = (values[k] - low) * (groups / max(high - low, 1e-9))
        interval = np.where(moves[k], np.clip(interval, 0, groups - 1), 0).astype(np.int32)
        keys[k] = split.ids[k] * np.int32(groups) + interval
        used[keys[k]] = True
    used[0] = True  # void stays row 0
    new = np.cumsum(used) - 1
    if new[-1] >= _MEDIA_LIMIT:
        return split_by(split, values, varies, groups // 2)
    origin = np.flatnonzero(used) // groups
    ids = new.astype(split.ids.dtype)[keys]
    return Split(ids, split.origin[origin], split.extra[origin], split.stretch[origin])


def row_means(grid: Grid, split: Split, values: np.ndarray, empty: float) -> np.ndarray:
    """Return the volume mean of `values` (nz, ny, nx) in each row; `empty` for void or no voxel."""
    count = len(split.origin)
    total, volume = np.zeros(count), np.zeros(count)
    area = grid.area.reshape(-1)
    for k, dz in enumerate(grid.dz):
        row = split.ids[k].reshape(-1)
        total += np.bincount(row, area * dz * values[k].reshape(-1), count)
        volume += np.bincount(row, area * dz, count)
    return np.where(
        (volume > 0) & (split.origin > 0), total / np.where(volume > 0, volume, 1), empty
    )


def stretched(model: VoxelModel, split: Split, stretch: np.ndarray) -> Split:
    """Give voxels of changed thickness their own rows; `stretch` (nz, ny, nx) is true / drawn."""
    varies = np.zeros(len(model.media.part), bool)
    varies[model.ids[stretch != 1]] = True
    varies[0] = False
    if not varies.any():
        return split
    groups = split_by(split, stretch, varies)
    return replace(groups, stretch=groups.stretch * row_means(model.grid, groups, stretch, 1.0))
