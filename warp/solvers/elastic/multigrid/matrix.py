"""Matrices of the elastic levels in float64, while the hierarchy is built.

The finest one comes from material ids or from stored coefficients; a coarser one stores its
coefficients and adds sparse matrices: free edges, springs, and the energy missing beside voids and
held displacements.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers.csr import Csr
from warp.solvers.elastic.free_edges import energy_matrix
from warp.solvers.elastic.held import NOWHERE, movable, set_zero
from warp.solvers.elastic.layout import displacement_shape, spacings
from warp.solvers.elastic.multigrid.coefficients import (
    Coefficients,
    exist,
    merge_coefficients,
    merge_media,
    nothing,
    stored,
)
from warp.solvers.elastic.multigrid.held import coupling_springs, merged_indices, without
from warp.solvers.elastic.multigrid.springs import merged_springs
from warp.solvers.elastic.multigrid.transfer import Merge, Transfer, ghost_places, ghosts
from warp.solvers.elastic.multigrid.void_energy import missing_energy, projected
from warp.solvers.elastic.operator import Operator
from warp.solvers.elastic.springs import Springs
from warp.solvers.sparse import NOTHING, Scattered

GridLines = tuple[np.ndarray, np.ndarray, np.ndarray]


class MediaMatrix:
    """The finest level from material ids. `free`: free edges and springs."""

    missing = NOTHING

    def __init__(self, A: Operator) -> None:
        self.A, self.device, self.lines, self.mirror = A, A.device, A.lines, A.mirror
        self.n, self.shape, self.held = A.n, A.shape, A.held
        self.free, self.springs = A.free, A.springs

    def merged(self, merge: Merge) -> Coefficients:
        """Return the coefficients of the next coarser level."""
        return merge_media(self.A, merge)

    def release(self) -> None:
        """Do nothing: all that is stored belongs to the operator."""

    def diagonal(self) -> Array:
        """Return the diagonal; zero where no displacement exists."""
        out = self.device.zeros(self.shape)
        self.free.add_diagonal(self.device, out)
        nx, ny, nz = self.n
        args = out, *self.A.arguments(np.float64), *self.n
        self.device.launch("elastic", "media_diagonal", (nx + 1, ny + 1, nz + 1), *args)
        hold_mirrors(out, self.mirror)
        set_zero(self.device, out, self.held)
        return out

    def times(self, x: np.ndarray) -> np.ndarray:
        """Compute A x on the host, without `free`, held indices like all others."""
        out = self.device.zeros(self.shape)
        self.A.body.apply(out, self.device.asarray(x), 0.0, 1.0)
        return self.device.to_host(out)


class StoredMatrix:
    """A level with stored coefficients.

    `free`: free edges, springs and missing energy; `held`: flat indices that stay zero;
    `on_device`: the spacings there.
    """

    def __init__(
        self,
        device: Device,
        lines: GridLines,
        coefficients: Coefficients,
        springs: Springs,
        missing: Scattered = NOTHING,
        held: np.ndarray = NOWHERE,
    ) -> None:
        self.device, self.lines, self.coefficients = device, lines, coefficients
        self.held = held
        self.springs, self.missing, self.mirror = springs, missing, coefficients.mirror
        x, y, z = lines
        self.n = len(x) - 1, len(y) - 1, len(z) - 1
        self.shape = displacement_shape(*self.n)
        self.spacings = spacings(lines)
        self.on_device = [device.asarray(a) for a in self.spacings]
        edges = movable(coefficients.edges, held, self.shape)
        free = energy_matrix(edges, self.spacings[1::2], self.n)
        self.free = free + missing + springs.matrix

    @classmethod
    def finest(cls, A: Operator) -> StoredMatrix:
        """Store the coefficients of the finest level."""
        return cls(A.device, A.lines, stored(A), A.springs, held=A.held)

    def merged(self, merge: Merge) -> Coefficients:
        """Return the coefficients of the next coarser level."""
        return merge_coefficients(self.device, self.coefficients, merge)

    def release(self) -> None:
        """Release what a coarser level is not built from; `diagonal` cannot be computed then."""
        if not len(self.held):
            self.coefficients = replace(self.coefficients, K=nothing(self.device))

    def diagonal(self) -> Array:
        """Return the diagonal; zero where no displacement exists."""
        out = self.device.zeros(self.shape)
        self.free.add_diagonal(self.device, out)
        self._launch("elastic_diagonal", out, self.coefficients.C, self.coefficients.K)
        hold_mirrors(out, self.mirror)
        set_zero(self.device, out, self.held)
        return out

    def times(self, x: np.ndarray) -> np.ndarray:
        """Compute A x on the host, without `free`, held indices like all others."""
        C, K, out = self.coefficients.C, self.coefficients.K, self.device.zeros(self.shape)
        every = self.device.asarray(np.arange(self.shape[2]), np.int32)
        args = out, self.device.asarray(x), 0.0, 1.0, C, K, every
        self._launch("elastic_apply", *args, held=self.mirror)
        return self.device.to_host(out)

    def without_zz(self) -> tuple[StoredMatrix, Csr]:
        """Split off the stiffness of cells along z: the matrix without it, and it alone."""
        other, C = copy(self), self.coefficients.C.copy()
        C[2] = 0
        other.coefficients = replace(self.coefficients, C=C)
        along_z = self.device.to_host(self.coefficients.C[2])
        k, j, i = np.nonzero(along_z)
        lower, upper = (
            np.ravel_multi_index((np.full(len(k), 2), k + n, j, i), self.shape) for n in (0, 1)
        )
        strain = self.spacings[4][k + 1]
        value = along_z[k, j, i] * strain * strain
        rows = np.concatenate([lower, upper, lower, upper])
        columns = np.concatenate([lower, upper, upper, lower])
        values = np.concatenate([value, value, -value, -value])
        size = int(np.prod(self.shape))
        return other, Csr.of(rows, columns, values, (size, size))

    def _launch(self, function: str, *args: Any, held: tuple[bool, ...] = ()) -> None:
        """Run a kernel in float64."""
        nx, ny, nz = self.n
        args = *args, *self.on_device, *map(int, held), nx, ny, nz
        self.device.launch("elastic", function, (nx + 1, ny + 1, nz + 1), *args)


LevelMatrix = MediaMatrix | StoredMatrix


def coarser(finer: LevelMatrix, merge: Merge) -> tuple[StoredMatrix, Transfer]:
    """Build the next coarser matrix, and the interpolation between both."""
    device, lines = finer.device, (*merge.coarse, finer.lines[2])
    coefficients, nz = finer.merged(merge), finer.n[2]
    ids = coefficients.ids

    def present(at: np.ndarray) -> np.ndarray:
        return exist(device, ids, at, merge.mirror)

    springs = merged_springs(finer.springs, merge, nz, present)
    held = merged_indices(finer.held, merge, nz, present)
    turn = ghost_places(device, ids, merge.mirror)
    fill = ghosts(device, turn, *merge.coarse)
    missing = missing_energy(device, coefficients, turn, fill, lines)
    for energy in (finer.missing, coupling_springs(finer.times, finer.held, finer.shape)):
        missing = missing + projected(device, energy, merge, turn, fill)
    coefficients = replace(coefficients, hidden=nothing(device))
    matrix = StoredMatrix(device, lines, coefficients, springs, without(missing, held), held)
    return matrix, Transfer(device, merge, fill, bool(len(finer.held)))


def hold_mirrors(diagonal: Array, mirror: tuple[bool, bool]) -> None:
    """Remove the displacements normal to mirror planes from a diagonal."""
    if mirror[0]:
        diagonal[0, :, :, 1] = 0
    if mirror[1]:
        diagonal[1, :, 0, :] = 0
