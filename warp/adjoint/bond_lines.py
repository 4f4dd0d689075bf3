"""Bond lines backwards: heat that follows the displacement (run/bond_lines).

    stretch = 1 + (w above - w below) / dz

of the voxels of soft layers enters conduction as the mean of each row of the heat equation. With
dL/d(stretch) of the adjoint temperature, the elastic adjoint gains a load on w, which changes the
adjoint temperature in turn.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from warp.adjoint import heat
from warp.run.bond_lines import thickness_change
from warp.solvers.heat.operator import Operator
from warp.voxels import boundary
from warp.voxels.grid import voxel_volumes
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray
MOST_ROUNDS = 20


class BondLines:
    """The soft layers of a solved case; `stretch` (nz, ny, nx): true over drawn height."""

    def __init__(self, model: VoxelModel, layers: Iterable[str], displacement: Array) -> None:
        self.model = model
        self.soft = np.zeros(len(model.media), bool)
        for name in layers:
            self.soft |= boundary.rows(model, name)
        self.stretch = thickness_change(model, displacement, self.soft)

    @property
    def load_shape(self) -> tuple[int, ...]:
        """Return the shape of a load on w."""
        return tuple(n + 1 for n in self.model.grid.shape)

    def load(self, A: Operator, found: heat.Partials) -> Array:
        """Return the derivative (nz+1, ny+1, nx+1) by w of both sides of the layers' voxels."""
        grid = self.model.grid
        by = self._share(A, found)[A.split.ids] * voxel_volumes(grid) / grid.dz[:, None, None]
        _, ny, nx = grid.shape
        load = np.zeros(self.load_shape)
        load[1:, :ny, :nx] += by
        load[:-1, :ny, :nx] -= by
        return load

    def add_lines(self, A: Operator, found: heat.Partials) -> None:
        """Add what grid lines change in the stretch, and in its means over rows."""
        grid, share = self.model.grid, self._share(A, found)
        more = share[A.split.ids] * voxel_volumes(grid) * (self.stretch - 1)
        found.lines.width(2, slice(None), -more.sum(axis=(1, 2)) / grid.dz)
        heat.add_mean_lines(grid, A.split.ids, share, A.split.stretch, self.stretch, found.lines)

    def _share(self, A: Operator, found: heat.Partials) -> Array:
        """Return the derivatives by the mean stretch of soft rows, per volume."""
        volumes = voxel_volumes(self.model.grid).reshape(-1)
        volume = np.bincount(A.split.ids.reshape(-1), volumes, len(A.split.origin))
        return heat.per_volume(np.where(self.soft[A.split.origin], found.stretch, 0.0), volume)
