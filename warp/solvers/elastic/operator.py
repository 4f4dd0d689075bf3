"""The elastic operator: K of the staggered grid for a voxel model, never assembled.

Derivation, layout and boundary conventions: `warp.solvers.elastic.solve`.
"""

from __future__ import annotations

from copy import copy
from functools import cached_property

import numpy as np
from scipy import sparse

from warp.device import Device, parts
from warp.solvers.elastic.free_edges import energy_matrix, lateral_faces
from warp.solvers.elastic.layout import PAD, bordered, displacement_shape, spacings
from warp.solvers.elastic.springs import Springs
from warp.solvers.sparse import SparseRows
from warp.voxels.voxelize import VoxelModel


class Operator:
    """A of the module's equation on a device, from material ids; and the parts a preconditioner is built from."""

    def __init__(
        self,
        model: VoxelModel,
        device: Device,
        temperature: np.ndarray,
        stiffness: Moduli | None = None,
    ) -> None:
        """`temperature` (media,): the temperature in K at which each medium's stiffness is taken, unless it is given."""
        grid = model.grid
        nz, ny, nx = grid.shape
        self.device, self.mirror, self.n = device, grid.mirror, (nx, ny, nz)
        self.lines = grid.x, grid.y, grid.z
        normal, shear = moduli(model, temperature) if stiffness is None else stiffness
        self.cell = np.ascontiguousarray(normal.T)
        with np.errstate(divide="ignore"):
            self.soft = np.ascontiguousarray(4 / shear.T)
        self.widths = []
        for d in (grid.dx, grid.dy, grid.dz):
            a = np.ones(len(d) + PAD)
            a[1 : len(d) + 1] = d
            self.widths.append(a)
        ids = bordered(device, model.ids)
        self.edges = lateral_faces(device, ids, self.soft, (grid.dx, grid.dy, grid.dz), grid.mirror)
        self.free = self._lateral = energy_matrix(self.edges, spacings(self.lines)[1::2], self.n)
        self.springs: Springs | None = None
        self._eased: tuple | None = None
        self._tilts = self.free.rows(device, np.float32, np.float64)
        tables = (self.cell, self.soft, *self.widths, *spacings(self.lines))
        law = np.zeros((self.cell.shape[1], 12))
        law[:, :6], law[:, 6:9] = normal, self.soft.T / 4
        geometry = *self.widths, *spacings(self.lines)
        self._applied = {
            real: (ids, *(device.asarray(a, real) for a in (law, *geometry)))
            for real in (np.float32, np.float64)
        }
        self._arguments = {
            real: (ids, *(device.asarray(a, real) for a in tables))
            for real in (np.float32, np.float64)
        }

    def on(
        self, springs: Springs, moved: np.ndarray | None = None, ease: np.ndarray | None = None
    ) -> Operator:
        """The same body on springs S to the ground; with `moved` V (springs, m) and `ease` E (m, m) on S - V E V^T."""
        other = copy(self)
        other.springs = springs
        other.free = self._lateral + springs.matrix
        other._tilts = other.free.rows(self.device, np.float32, np.float64)
        if moved is not None and ease is not None:
            sums, V = np.arange(moved.shape[1]), sparse.csr_matrix(moved)
            gather = SparseRows(
                self.device, sums, (sparse.csr_matrix(ease) @ V.T).tocsr(), springs.at, np.float64
            )
            spread = SparseRows(self.device, springs.at, V, sums, np.float64)
            other._eased = gather, spread, self.device.zeros(len(sums))
        return other

    @cached_property
    def ids(self) -> np.ndarray:
        """Material ids with their border on the host, for steps."""
        return self.device.to_host(self.arguments(np.float64)[0])

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape of the solver's displacement arrays."""
        return displacement_shape(*self.n)

    def arguments(self, real) -> tuple:
        """The kernels' (ids, cell, soft, dx, dy, dz, rdx, rcx, rdy, rcy, rdz, rcz)."""
        return self._arguments[real]

    def apply(self, out, x, keep: float = 0.0, sign: float = 1.0) -> None:
        """out = keep out + sign A x."""
        self.apply_plain(out, x, keep, sign)
        self._tilts.apply(out, x, sign, 1.0)
        if self._eased is not None:
            gather, spread, sums = self._eased
            gather.apply(sums, x, 1.0, 0.0)
            spread.apply(out, sums, -sign, 1.0)

    def apply_plain(self, out, x, keep: float = 0.0, sign: float = 1.0) -> None:
        """Do the same without the free edges."""
        nx, ny, nz = self.n
        real = x.dtype.type
        args = (out, x, keep, sign, *self._applied[real], *map(int, self.mirror), *self.n)
        extent = nx + 1, ny + 1, parts((nx + 1) * (ny + 1), nz + 1)
        self.device.launch("elastic", "media_apply", extent, *args, real=real)


def moduli(model: VoxelModel, temperature: np.ndarray) -> Moduli:
    """Normal stiffness (media, 6) and shear moduli (media, 3) in Pa, each medium at its own temperature."""
    known = {}
    for t in np.unique(temperature):
        known[t] = model.media.stiffness(float(t)), model.media.shear(float(t))
    rows = range(len(temperature))
    return np.stack([known[temperature[m]][0][m] for m in rows]), np.stack(
        [known[temperature[m]][1][m] for m in rows]
    )


Moduli = tuple[np.ndarray, np.ndarray]
