"""Voxel models made of boxes with nothing but a conductivity, for tests of conduction."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from warp.voxels.grid import Grid
from warp.voxels.media import Media
from warp.voxels.voxelize import VoxelModel


@dataclass(frozen=True)
class Conductor:
    """k(T) W/mK: a number, three, or a function of temperature; `capacity` in J/m3K, a number or a
    function.
    """

    k: Any
    capacity: Any = 1.0

    @property
    def knots(self) -> tuple[float, ...]:
        return tuple(knot for law in (self.k, self.capacity) for knot in getattr(law, "knots", ()))

    def conductivity(self, T: Any) -> np.ndarray:
        k = self.k(T)[..., None] if callable(self.k) else np.asarray(self.k, float)
        return np.broadcast_to(k, (*np.shape(T), 3))

    def heat_capacity(self, T: Any) -> Any:
        return self.capacity(T) if callable(self.capacity) else self.capacity


def boxes(x, y, z, parts: dict[str, tuple], mirror=(False, False)) -> VoxelModel:
    """Voxels whose centres lie in a part's boxes (x0, x1, y0, y1, z0, z1; None: everywhere) take
    its conductor.

    parts: name -> (conductor, box, box, ...); a conductor of None carves void; later parts
    override.
    """
    grid = Grid(np.asarray(x, float), np.asarray(y, float), np.asarray(z, float), mirror)
    X, Y, Z = grid.xc, grid.yc[:, None], grid.zc[:, None, None]
    ids = np.zeros(grid.shape, np.uint16)
    rows, part, names = [None], [-1], []
    for name, (conductor, *places) in parts.items():
        if conductor is not None:
            names.append(name)
            rows.append(conductor if hasattr(conductor, "conductivity") else Conductor(conductor))
            part.append(len(names) - 1)
        for box in places or [None]:
            x0, x1, y0, y1, z0, z1 = box or (-np.inf, np.inf) * 3
            inside = (X > x0) & (X < x1) & (Y > y0) & (Y < y1) & (Z > z0) & (Z < z1)
            ids[inside] = 0 if conductor is None else len(rows) - 1
    media = Media(np.array(part, np.int32), rows, np.zeros(len(rows)), ["void", *names])
    return VoxelModel(grid, ids, media, names)


def uneven(rng, n: int, length: float) -> np.ndarray:
    """n cells of random width, up to 3 : 1."""
    return length * np.concatenate(([0], np.cumsum(w := rng.uniform(1, 3, n)) / w.sum()))
