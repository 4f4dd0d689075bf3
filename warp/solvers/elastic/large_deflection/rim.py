"""Shear in the plane at round and oblique sides, whose voxels are solid in part.

    K = h G sum(a f m)      of an edge along z between four cells, beside a side that cuts a cell

with the areas a of the cells' quarters at the edge, f the solid fraction of each cell and m 4 over
the number of its corners that are such edges: the whole area of every cut cell counts, at the edges
that exist. G: harmonic mean of the solid moduli. The linear operator takes the harmonic mean of f G
and leaves out corners beside void: a rim of half a cell without shear, and so without stress along
the side. A body that bends like a dome is free of stress, and linear theory does not notice; a bent
plate carries its largest stress in the plane along its rim, and was too compliant there, first
order in the width of cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warp.machine.arrays import Array
from warp.solvers.csr import Csr
from warp.solvers.elastic.layout import PAD
from warp.solvers.elastic.multigrid.coefficients import looked_up
from warp.solvers.elastic.operator import Operator
from warp.solvers.sparse import Scattered, add
from warp.voxels.voxelize import VoxelModel


@dataclass(frozen=True)
class Rim:
    """Edges along z at a rim.

    at: flat indices in (nz+1, ny+1, nx+3); more: K beyond that of the linear operator, in N m; B:
    their shear from a displacement in the solver's layout.
    """

    at: np.ndarray
    more: np.ndarray
    B: Csr

    @property
    def matrix(self) -> Scattered:
        """Return the operator of the stiffness beyond the linear one."""
        return Scattered.product(self.B, self.more)

    def add(self, forces: np.ndarray, stress: np.ndarray, shear: np.ndarray) -> None:
        """Add what the shear (nz+1, ny+1, nx+1) before a step causes beyond linear theory.

        forces (3, ...) to balance and stress (nz+1, ny+1, nx+3) times volume, in the solver's
        layout.
        """
        k, j, i = np.unravel_index(self.at, stress.shape)
        more = self.more * shear[k, j, i - 1]
        if not more.any():
            return
        stress[k, j, i] += more
        forces -= self.B.transposed_times(more).reshape(forces.shape)


def rim(model: VoxelModel, A: Operator) -> Rim:
    """Find the edges beside cut voxels, and what they lack."""
    grid, filled = model.grid, model.media.filled
    cut = (filled > 0) & (filled < 1)
    compliance = np.where(filled > 0, A.body.soft[2] / 4, 0.0)
    heights = A.body.widths[3][1:]
    quarter = np.pad(grid.area, 1) / 4
    found, more = [np.zeros(0, np.int64)], [np.zeros(0)]
    for k, ids in enumerate(model.ids):
        if not cut[ids].any():
            continue
        around = (bordered(ids, grid.mirror) > 0).astype(float)
        exists = sums_of_four(around) == 4
        corners = sums_of_four(exists.astype(float))
        times = np.where(cut[ids], 4 / np.maximum(corners, 1.0), 1.0)
        beside = sums_of_four(np.pad(cut[ids], 1).astype(float)) > 0
        beside[[0, -1]] = beside[:, [0, -1]] = False
        j, i = np.nonzero(exists & beside)
        tables = filled[ids] * times, compliance[ids] * filled[ids], compliance[ids]
        area, counted, solid, mixed = (
            sums_of_four(quarter * np.pad(table, 1))[j, i] for table in (ids > 0, *tables)
        )
        found.append(np.ravel_multi_index((np.full(len(j), k), j, i + 1), A.shape[1:]))
        more.append(heights[k] * area * (counted / solid - area / mixed))
    at = np.concatenate(found)
    return Rim(at, np.concatenate(more), shear_of(A, at))


def shear_stiffness(A: Operator, rim: Rim) -> Array:
    """Return K (nz+1, ny+1, nx+3) in N m of edges along z, on the operator's device.

    In float64: central differences by a thickness see the rounding of float32.
    """
    (nx, ny, nz), device = A.n, A.device
    K = device.zeros((nz + 1, ny + 1, nx + PAD))
    for k in range(nz):
        K[k] = looked_up(A, k, 1)[1][2, 0]
    add(device, K, rim.at, rim.more)
    return K


def shear_of(A: Operator, at: np.ndarray) -> Csr:
    """Return the matrix from displacements to the shear of edges along z at flat indices."""
    _, rcx, _, rcy = A.body.spacings[:4]
    k, j, i = np.unravel_index(at, A.shape[1:])
    row = np.arange(len(at))
    size, line = int(np.prod(A.shape[1:])), A.shape[3]
    y, x = rcy[j + 1], rcx[i]
    columns = at, at - line, size + at, size + at - 1
    values, shape = np.concatenate([y, -y, x, -x]), (len(at), int(np.prod(A.shape)))
    return Csr.of(np.tile(row, 4), np.concatenate(columns), values, shape)


def bordered(ids: np.ndarray, mirror: tuple[bool, bool]) -> np.ndarray:
    """Return the media (ny, nx) of a level with their mirror image beyond mirror planes, else void.

    Shape (ny+2, nx+2).
    """
    around = np.pad(ids, 1)
    if mirror[0]:
        around[:, 0] = around[:, 1]
    if mirror[1]:
        around[0] = around[1]
    return around


def sums_of_four(cells: np.ndarray) -> np.ndarray:
    """Return the sums over the four cells around each edge."""
    rows = cells[1:] + cells[:-1]
    found: np.ndarray = rows[:, 1:] + rows[:, :-1]
    return found
