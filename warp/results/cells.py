"""What viewers show of each voxel: one array a quantity, layer by layer from the bottom, components last.

Displacement is the mean of the opposite faces. Stress goes in VTK's order xx yy zz xy yz xz. Part and material are
indices, -1 in void voxels, which VTK's ghost type 32 (HIDDENCELL) hides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from warp.results.vtkhdf import HIDDEN_CELL

if TYPE_CHECKING:
    from warp.results.file import Result

VTK_ORDER = [0, 1, 2, 5, 3, 4]  # ours is xx yy zz yz xz xy
OUR_ORDER = [0, 1, 2, 4, 5, 3]
Layered: TypeAlias = tuple[str, np.dtype, tuple[int, ...], Iterator[np.ndarray]]
"""Name, type, shape (nz, ny, nx[, components]) and the layers."""


def arrays(result: Result) -> Iterator[Layered]:
    """Every cell array that a result has, one layer in memory at a time."""
    shape, ids, fields = result.grid.shape, result.ids, result.fields
    layers = range(shape[0])
    names = material_names(result)
    part = np.asarray(result.media.part, np.int16)
    material = np.array([-1, *(names.index(m) for m in result.media.material[1:])], np.int32)
    ghost = np.where(part < 0, HIDDEN_CELL, 0).astype(np.uint8)
    for name, row in (("part", part), ("material", material), ("vtkGhostType", ghost)):
        yield name, row.dtype, shape, _looked_up(row, ids)
    if "temperature" in fields:
        yield "temperature", np.dtype("f8"), shape, (fields["temperature"][k] for k in layers)
    if "displacement" in fields:
        u = result.displacement
        yield (
            "displacement",
            np.dtype("f4"),
            (*shape, 3),
            (centre_displacement(u, ids[k] > 0, k) for k in layers),
        )
    if "stress" in fields:
        s = fields["stress"]
        yield (
            "stress",
            np.dtype("f4"),
            (*shape, 6),
            (np.moveaxis(np.asarray(s[:, k]), 0, -1)[..., VTK_ORDER] for k in layers),
        )


def _looked_up(row: np.ndarray, ids: np.ndarray) -> Iterator[np.ndarray]:
    for layer in ids:
        yield row[layer]


def material_names(result: Result) -> list[str]:
    """What the material indices mean."""
    return sorted(set(result.media.material[1:]))


def centre_displacement(u: np.ndarray, solid: np.ndarray, k: int) -> np.ndarray:
    """Displacement (ny, nx, 3) at the centres of layer k, means of the opposite faces; zero in void cells."""
    centred = np.stack(
        [
            (u[0, k, :-1, :-1] + u[0, k, :-1, 1:]) / 2,
            (u[1, k, :-1, :-1] + u[1, k, 1:, :-1]) / 2,
            (u[2, k, :-1, :-1] + u[2, k + 1, :-1, :-1]) / 2,
        ],
        axis=-1,
    )
    return np.where(solid[..., None], centred, 0)
