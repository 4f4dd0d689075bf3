"""Matrices of the heat levels with their z lines, in float32: the operator itself, and coarse ones.

Every matrix also smooths: its z lines (diagonal and vertical conductances) are solved exactly. A
coarse level stores the conductances gx, gy, gz between its voxels and f to the surroundings.
"""

from __future__ import annotations

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers.heat.multigrid.transfer import Merge
from warp.solvers.heat.operator import Operator
from warp.solvers.levels import Vectors

Conductances = tuple[Array, Array, Array, Array]
"""gx, gy, gz towards the next voxel and f to the surroundings, (nz, ny, nx) each."""


class Fine:
    """The operator itself, from material ids. `active`: inverse pivots of the z lines."""

    def __init__(self, A: Operator) -> None:
        self.A, self.device, self.shape = A, A.device, A.shape
        self.active = self.device.zeros(self.shape, np.float32)
        arguments = A.arguments(np.float32)
        self._launch("heat_lateral", self.active, *arguments)
        cell, g, n = A.films(np.float32)
        flat = self.active.reshape(-1)
        self.device.launch("heat", "film_add", (n, 1, 1), flat, cell, g, n, real=np.float32)
        self._launch("heat_factor", self.active, *arguments)

    def subtract(self, r: Array, p: Array) -> None:
        """Compute r -= A p."""
        self.A.apply(r, p, 1.0, -1.0)

    def step(self, level: Vectors, keep: float, old: float, a: float, b: float) -> None:
        """Solve the z lines, as levels.Smoother.step says."""
        fields = level.x, level.p, level.r, self.active
        arguments = self.A.arguments(np.float32)
        own = 2 * self.shape[0]
        self._launch("heat_lines", *fields, *arguments, keep, old, a, b, own=own)

    def coarsen(self, merge: Merge) -> Conductances:
        """Add up the conductances of merged voxels."""
        gx, gy, gz, f = found = merge.conductances()
        nz, my, mx = gx.shape
        args = *self.A.arguments(np.float32)[:5], *merge.merging, *merge.sizes
        launch = self.device.launch
        launch("heat", "heat_coarsen", (mx, my, 1), *found, *args, real=np.float32)
        cell, conductance = merge_films(self.A, merge)
        put, n = self.device.asarray, len(cell)
        films = f.reshape(-1), put(cell, np.int64), put(conductance, np.float32), n
        launch("heat", "film_add", (n, 1, 1), *films, real=np.float32)
        return gx, gy, gz, f

    def weights(self, merge: Merge) -> tuple[Array, Array]:
        """Interpolation weights in x and in y of every voxel, from the resistances around it."""
        found = merge.weights()
        args = *self.A.arguments(np.float32)[:5], *merge.lower, *merge.linear, *merge.merging
        self._launch("heat_weights", *found, *args, *merge.sizes)
        return found

    def _launch(self, function: str, *args: object, own: int = 0) -> None:
        """Run a kernel for every column."""
        extent = self.shape[2], self.shape[1], 1
        self.device.launch("heat", function, extent, *args, real=np.float32, own=own)


class Coarse:
    """A level with merged columns and stored conductances."""

    def __init__(self, device: Device, conductances: Conductances) -> None:
        self.device, self.conductances = device, conductances
        gx, gy, self.gz, f = conductances
        self.shape: tuple[int, int, int] = self.gz.shape
        self.sizes = self.shape[::-1]
        self.active = device.zeros(self.shape, np.float32)
        self._launch("level_lateral", self.active, gx, gy, f, *self.sizes)
        self._launch("level_factor", self.active, self.gz, *self.sizes)

    def subtract(self, r: Array, p: Array) -> None:
        """Compute r -= A p."""
        self._launch("level_apply", r, p, *self.conductances, *self.sizes, 1.0, -1.0)

    def step(self, level: Vectors, keep: float, old: float, a: float, b: float) -> None:
        """Solve the z lines, as levels.Smoother.step says."""
        fields = level.x, level.p, level.r, self.active
        own = 2 * self.shape[0]
        self._launch("level_lines", *fields, self.gz, *self.sizes, keep, old, a, b, own=own)

    def coarsen(self, merge: Merge) -> Conductances:
        """Add up the conductances of merged voxels."""
        found = merge.conductances()
        _, my, mx = found[0].shape
        args = *found, *self.conductances, *merge.merging, *merge.sizes
        self.device.launch("heat_level", "level_coarsen", (mx, my, 1), *args, real=np.float32)
        return found

    def weights(self, merge: Merge) -> tuple[Array, Array]:
        """Interpolation weights in x and in y of every voxel, from the resistances around it."""
        found, (gx, gy, _, _) = merge.weights(), self.conductances
        args = *merge.lower, *merge.linear, *merge.merging, *merge.sizes
        self._launch("level_weights", *found, gx, gy, *args)
        return found

    def _launch(self, function: str, *args: object, own: int = 0) -> None:
        """Run a kernel for every column."""
        extent = self.shape[2], self.shape[1], 1
        self.device.launch("heat_level", function, extent, *args, real=np.float32, own=own)


def merge_films(A: Operator, merge: Merge) -> tuple[np.ndarray, np.ndarray]:
    """Add up the film conductances of merged voxels: flat coarse voxels and W/K."""
    keep_x, keep_y = merge.keep
    k, j, i = np.unravel_index(A.surroundings.cell, A.shape)
    column = np.searchsorted(keep_x, i, "right") - 1
    row = np.searchsorted(keep_y, j, "right") - 1
    cell, where = np.unique(
        np.ravel_multi_index((k, row, column), merge.shape), return_inverse=True
    )
    return cell, np.bincount(where, A.surroundings.conductance, len(cell))
