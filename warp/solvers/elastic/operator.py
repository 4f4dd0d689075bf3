"""The elastic operator: A of the staggered grid for a voxel model, never assembled.

Derivation, layout and boundary conventions: `warp.solvers.elastic.solve`.
"""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from warp.machine.arrays import Array
from warp.machine.device import Device, parts
from warp.solvers.csr import Csr
from warp.solvers.elastic.free_edges import Edges, energy_matrix, lateral_faces, with_moduli
from warp.solvers.elastic.held import NOWHERE, movable, zero_rows
from warp.solvers.elastic.layout import bordered, displacement_shape, padded_widths, spacings
from warp.solvers.elastic.springs import NO_SPRINGS, Springs
from warp.solvers.sparse import SparseRows
from warp.voxels.voxelize import VoxelModel

REALS = np.float32, np.float64


class Moduli(NamedTuple):
    """Normal stiffness (media, 6) xx yy zz yz xz xy and shear moduli (media, 3) yz xz xy in Pa."""

    normal: np.ndarray
    shear: np.ndarray


def moduli(model: VoxelModel, temperature: np.ndarray) -> Moduli:
    """Return the moduli of each medium at its own temperature (media,) in K."""
    return Moduli(*model.media.moduli(temperature))


def operator(
    model: VoxelModel, device: Device, moduli: Moduli, frame: Frame | None = None
) -> Operator:
    """Build the operator of a body that floats. frame: of the same voxels, if there is one."""
    return Operator(Body(model, device, moduli, frame))


class Frame:
    """Tables that bodies of the same voxels share on a device, whatever their moduli.

    `ids` (nz+2, ny+2, nx+3): media with their border; `widths`, `spacings`: tables on the host, as
    kernels read them; `tables`: both on the device, in each precision; `edges`: those of the
    lateral free faces, with the stiffness of the first body.
    """

    def __init__(self, model: VoxelModel, device: Device) -> None:
        grid = model.grid
        self.model, self.device = model, device
        self.widths, self.spacings = padded_widths(grid), spacings((grid.x, grid.y, grid.z))
        self.ids = bordered(device, model.ids)
        self.tables: dict[Any, list[Array]] = {
            real: [device.asarray(a, real) for a in (*self.widths, *self.spacings)]
            for real in REALS
        }
        self.edges: list[Edges] | None = None

    @cached_property
    def host_ids(self) -> np.ndarray:
        """Media with their border on the host."""
        ids: np.ndarray = self.device.to_host(self.ids)
        return ids

    def lateral_edges(self, soft: np.ndarray) -> list[Edges]:
        """Return the edges of the lateral free faces; soft (3, media): 4/G_yz, 4/G_xz, 4/G_xy."""
        grid = self.model.grid
        widths = grid.dx, grid.dy, grid.dz
        if self.edges is None:
            self.edges = lateral_faces(self.device, self.ids, soft, widths, grid.mirror)
            return self.edges
        return [with_moduli(e, self.host_ids, soft, widths) for e in self.edges]


class Body:
    """A voxel model with the moduli of one solve, on a device.

    `n` = (nx, ny, nz); `lines`: x, y, z in m; `cell`, `soft`, `widths`, `spacings`: tables on the
    host as the kernels read them; `edges`: those of the lateral free faces, `lateral`: their sparse
    matrix.
    """

    def __init__(
        self, model: VoxelModel, device: Device, moduli: Moduli, frame: Frame | None = None
    ) -> None:
        """Build it; frame: of the same voxels, if there is one."""
        self.frame = frame = frame or Frame(model, device)
        grid = model.grid
        nz, ny, nx = grid.shape
        self.device, self.grid, self.moduli, self.n = device, grid, moduli, (nx, ny, nz)
        self.lines = grid.x, grid.y, grid.z
        self.shape = displacement_shape(nx, ny, nz)
        self.cell, self.soft = stiffness_tables(moduli)
        self.widths, self.spacings, self.ids = frame.widths, frame.spacings, frame.ids
        law = np.zeros((len(moduli.normal), 12))  # rows of a whole number of cache sectors
        law[:, :6], law[:, 6:9] = moduli.normal, self.soft.T / 4
        laws = zip(REALS, device.together(*(law.astype(real) for real in REALS)), strict=True)
        self._applied = {real: (self.ids, own, *frame.tables[real]) for real, own in laws}
        self._arguments: dict[Any, tuple[Array, ...]] = {}
        self.edges = frame.lateral_edges(self.soft)
        self.lateral = energy_matrix(self.edges, self.spacings[1::2], self.n)

    def arguments(self, real: DTypeLike) -> tuple[Array, ...]:
        """Return (ids, cell, soft, dx, dy, dz, hz, rdx, rcx, rdy, rcy, rdz, rcz) for kernels."""
        if real not in self._arguments:
            laws = self.device.together(*(np.asarray(a, real) for a in (self.cell, self.soft)))
            self._arguments[real] = self.ids, *laws, *self.frame.tables[real]
        return self._arguments[real]

    def coefficients(self) -> tuple[Array, ...]:
        """Return the arrays that `apply` reads in float64."""
        return self._applied[np.float64]

    def stored(self) -> list[Array]:
        """Return the arrays that `apply` reads, in both precisions."""
        return [self.ids, *(a for tables in self._applied.values() for a in tables[1:])]

    def copied(self) -> Body:
        """Return the same body with arrays for `apply` of its own."""
        other = copy(self)
        other.ids = self.ids.copy()
        other._applied = {
            real: (other.ids, *(a.copy() for a in tables[1:]))
            for real, tables in self._applied.items()
        }
        return other

    def apply(self, out: Array, x: Array, keep: float, sign: float) -> None:
        """Compute out = keep out + sign A x without free edges, in the precision of x."""
        nx, ny, nz = self.n
        real = x.dtype.type
        args = out, x, keep, sign, *self._applied[real], *map(int, self.grid.mirror), *self.n
        extent = nx + 1, ny + 1, parts((nx + 1) * (ny + 1), nz + 1)
        self.device.launch("elastic", "media_apply", extent, *args, real=real)


def stiffness_tables(moduli: Moduli) -> tuple[np.ndarray, np.ndarray]:
    """Return C (6, media) and 4/G (3, media), infinite in void, as kernels read them."""
    with np.errstate(divide="ignore"):
        soft = np.ascontiguousarray(4 / moduli.shear.T)
    return np.ascontiguousarray(moduli.normal.T), soft


class Release:
    """V E V^T on some displacements: the stiffness of springs against motions given away."""

    def __init__(self, device: Device, at: np.ndarray, V: np.ndarray, E: np.ndarray) -> None:
        """V (indices, m) at flat indices `at`; E (m, m)."""
        sums, spread = np.arange(V.shape[1]), Csr.full(V)
        gather = Csr.full(E) @ spread.T
        self.gather = SparseRows(device, sums, gather, at, np.float32, np.float64)
        self.spread = SparseRows(device, at, spread, sums, np.float32, np.float64)
        self.sums = {real: device.zeros(len(sums), real) for real in (np.float32, np.float64)}

    def apply(self, out: Array, x: Array, scale: float) -> None:
        """Compute out += scale V E V^T x, in the precision of x."""
        sums = self.sums[x.dtype.type]
        self.gather.apply(sums, x, 1.0, 0.0)
        self.spread.apply(out, sums, scale, 1.0)


class Operator:
    """A of the equation on a device: `apply`, and what a preconditioner is built from.

    The stiffness of the body plus springs S to the ground minus a release V E V^T, without the rows
    and columns of `held`, flat indices of displacements that are zero. `free`: free edges and
    springs as one sparse matrix.
    """

    def __init__(
        self,
        body: Body,
        springs: Springs = NO_SPRINGS,
        release: Release | None = None,
        held: np.ndarray = NOWHERE,
    ) -> None:
        self.body, self.springs, self.release, self.held = body, springs, release, held
        self.device, self.n, self.shape = body.device, body.n, body.shape
        self.lines, self.mirror = body.lines, body.grid.mirror
        self.edges, lateral = body.edges, body.lateral
        if len(held):
            self.edges = movable(body.edges, held, body.shape)
            lateral = energy_matrix(self.edges, body.spacings[1::2], body.n)
        self.free = lateral + springs.matrix
        self._rows = self.free.rows(self.device, np.float32, np.float64)
        self._held = zero_rows(held).rows(self.device, np.float32, np.float64)

    def on(self, springs: Springs, release: Release | None = None) -> Operator:
        """Return the operator of the same body on springs."""
        return Operator(self.body, springs, release, self.held)

    def holding(self, at: np.ndarray) -> Operator:
        """Return the operator of the same body with the displacements at flat indices `at` zero."""
        return Operator(self.body, self.springs, self.release, np.unique(at))

    @property
    def ids(self) -> np.ndarray:
        """Material ids with their border on the host."""
        return self.body.frame.host_ids

    def arguments(self, real: DTypeLike) -> tuple[Array, ...]:
        """Return (ids, cell, soft, dx, dy, dz, hz, rdx, rcx, rdy, rcy, rdz, rcz) for kernels."""
        return self.body.arguments(real)

    def coefficients(self) -> list[Array]:
        """Return the arrays that `apply` reads in float64."""
        rows = [self._rows, self._held]
        if self.release is not None:
            rows += [self.release.gather, self.release.spread]
        return [*self.body.coefficients(), *(a for one in rows for a in one.coefficients())]

    def stored(self) -> list[Array]:
        """Return the arrays that `apply` reads, in both precisions."""
        rows = [self._rows, self._held]
        if self.release is not None:
            rows += [self.release.gather, self.release.spread]
        return [*self.body.stored(), *(array for one in rows for array in one.stored())]

    def copied(self) -> Operator:
        """Return the same operator with arrays for `apply` of its own; it has no release."""
        if self.release is not None:
            raise ValueError("an operator with a release cannot be copied")
        other = copy(self)
        other.body = self.body.copied()
        other._rows, other._held = self._rows.copied(), self._held.copied()
        return other

    def apply(self, out: Array, x: Array, keep: float = 0.0, sign: float = 1.0) -> None:
        """Compute out = keep out + sign A x, in the precision of x; zero at held indices."""
        self.forces(out, x, keep, sign)
        self.clear_held(out)

    def forces(self, out: Array, x: Array, keep: float = 0.0, sign: float = 1.0) -> None:
        """Compute what `apply` does, with the forces at held indices."""
        self.body.apply(out, x, keep, sign)
        self._rows.apply(out, x, sign, 1.0)
        if self.release is not None:
            self.release.apply(out, x, -sign)

    def clear_held(self, out: Array) -> None:
        """Set held entries to zero."""
        self._held.apply(out, out, 0.0, 0.0)
