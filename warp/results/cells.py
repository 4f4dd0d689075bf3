"""Arrays that viewers show: one value a voxel, layer by layer from the bottom, components last.

Displacement is the mean of the two opposite faces. Stress is in VTK's order xx yy zz xy yz xz.
Part and material are indices, -1 in void voxels, which VTK's ghost type 32 (HIDDENCELL) hides.
Names of arrays end in their unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from warp.results.vtkhdf import HIDDEN_CELL
from warp.voxels.grid import Grid

VTK_ORDER = [0, 1, 2, 5, 3, 4]  # ours is xx yy zz yz xz xy
OUR_ORDER = [0, 1, 2, 4, 5, 3]
GRADIENTS = ("stiffness_gradient", "expansion_gradient")
"""Fields of `warp sensitivity --map`: change of a metric by each voxel (nz, ny, nx)."""
Layered: TypeAlias = "tuple[str, np.dtype[Any], tuple[int, ...], Iterator[np.ndarray]]"
"""Name, type, shape (nz, ny, nx[, components]) and the layers."""


@dataclass(frozen=True)
class MediaTable:
    """Tell what each value of ids stands for, one row each; row 0 is void.

    part: index into the names of the parts, -1 = void. stress_free: temperature [K]. share: how
    much of such a voxel belongs to the part.
    """

    part: np.ndarray
    material: list[str]
    stress_free: np.ndarray
    fraction: np.ndarray | None = None

    @property
    def names(self) -> list[str]:
        """Return the material names under the name that a voxel model's media use."""
        return self.material

    @property
    def shared(self) -> np.ndarray:
        """Mark the rows of voxels of which only a fraction belongs to the part."""
        if self.fraction is None:
            return np.zeros(len(self.part), bool)
        return np.asarray(self.fraction) < 1.0


def arrays(
    grid: Grid, ids: np.ndarray, media: MediaTable, fields: Mapping[str, Any]
) -> Iterator[Layered]:
    """Yield every cell array of a result, one layer in memory at a time.

    ids (nz, ny, nx); fields as a result holds them: temperature (nz, ny, nx) [K], displacement
    (3, nz+1, ny+1, nx+1) [m] on faces, stress (6, nz, ny, nx) [Pa], GRADIENTS (nz, ny, nx).
    """
    shape = grid.shape
    layers = range(shape[0])
    names = material_names(media)
    part = np.asarray(media.part, np.int16)
    material = np.array([-1, *(names.index(name) for name in media.material[1:])], np.int32)
    ghost = np.where(part < 0, HIDDEN_CELL, 0).astype(np.uint8)
    for name, row in (("part", part), ("material", material), ("vtkGhostType", ghost)):
        yield name, row.dtype, shape, _looked_up(row, ids)
    if "temperature" in fields:
        yield "temperature_K", np.dtype("f8"), shape, (fields["temperature"][k] for k in layers)
    if "displacement" in fields:
        u = np.asarray(fields["displacement"])
        centred = (centre_displacement(u, ids[k] > 0, k) for k in layers)
        yield "displacement_m", np.dtype("f4"), (*shape, 3), centred
    if "stress" in fields:
        s = fields["stress"]
        ordered = (np.moveaxis(np.asarray(s[:, k]), 0, -1)[..., VTK_ORDER] for k in layers)
        yield "stress_Pa", np.dtype("f4"), (*shape, 6), ordered
    for name in GRADIENTS:
        if name in fields:
            values = fields[name]
            yield name, np.dtype("f4"), shape, (np.asarray(values[k]) for k in layers)


def _looked_up(row: np.ndarray, ids: np.ndarray) -> Iterator[np.ndarray]:
    for layer in ids:
        yield row[layer]


def material_names(media: MediaTable) -> list[str]:
    """List the names that the material indices point at."""
    return sorted(set(media.material[1:]))


def centre_displacement(u: np.ndarray, solid: np.ndarray, k: int) -> np.ndarray:
    """Average the displacement of opposite faces at the centres of layer k: (ny, nx, 3) [m].

    Void cells get zero.
    """
    centred = np.stack(
        [
            (u[0, k, :-1, :-1] + u[0, k, :-1, 1:]) / 2,
            (u[1, k, :-1, :-1] + u[1, k, 1:, :-1]) / 2,
            (u[2, k, :-1, :-1] + u[2, k + 1, :-1, :-1]) / 2,
        ],
        axis=-1,
    )
    return np.where(solid[..., None], centred, 0)
