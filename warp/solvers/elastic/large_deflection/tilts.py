"""The tilt of a body that floats, of which the energy of moderate rotations is not quite free.

Rotated, a bent body is strained in the third order. That is far less than its shape weighs, but
nothing else holds its tilt, and the way to the least of it is long: an equal turn strains the body
in its plane unless it moves along a curve. So the tilt stays where it is: forces and increments
have no part in the rotations

    w = x, u = -z        and        w = y, v = -z

that mirror planes allow, by their products with these.
"""

from __future__ import annotations

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers.elastic.rigid import activity
from warp.voxels.voxelize import VoxelModel


class Tilts:
    """Rotations of a body about x and y. Each is a component -z and w, functions of one axis."""

    def __init__(self, device: Device, model: VoxelModel) -> None:
        grid = model.grid
        nz, ny, nx = grid.shape
        self.device = device
        self.exists = device.asarray(activity(model.ids > 0, grid.mirror))
        x, y, z = np.zeros(nx + 3), np.zeros(ny + 1), np.zeros(nz + 1)
        x[1 : nx + 1] = grid.xc - grid.xc.mean()
        y[:ny] = grid.yc - grid.yc.mean()
        z[:nz] = grid.zc.mean() - grid.zc
        self.z = device.asarray(z)
        along = device.asarray(x[None]), device.asarray(y[:, None])
        self.rotations = [(a, along[a]) for a in (0, 1) if not grid.mirror[a]]
        products = np.zeros((len(self.rotations),) * 2)
        for row in range(len(products)):
            turned = device.zeros(self.exists.shape)
            self._add(turned, row, 1.0)
            products[row] = self._parts(turned)
        self.inverse = np.linalg.pinv(products)

    def remove(self, field: Array) -> None:
        """Take the tilts out of forces or of an increment, in place."""
        for row, amount in enumerate(self.inverse @ self._parts(field)):
            self._add(field, row, -float(amount))

    def _parts(self, field: Array) -> np.ndarray:
        """Return the product of a field with every rotation."""
        xp = self.device.xp
        levels, rows = field[2].sum(axis=0), [own.sum(axis=(1, 2)) for own in field[:2]]
        return np.array(
            [float((levels * w).sum() + xp.vdot(rows[a], self.z)) for a, w in self.rotations]
        )

    def _add(self, field: Array, row: int, amount: float) -> None:
        """Add a rotation where there is a body, level by level to save memory."""
        a, w = self.rotations[row]
        for k in range(field.shape[1]):
            field[2, k] += amount * w * self.exists[2, k]
            field[a, k] += amount * self.z[k] * self.exists[a, k]
