"""Stress of a part that can be differentiated: means and p-norms over its volume.

    mean = SUM V s / SUM V,    p-norm = (SUM V max(s, 0)^p / SUM V)^(1/p),    p = POWER

with s the von Mises or the largest principal stress of each voxel. A largest value has no limit
where linear elasticity is singular, at edges and corners; a p-norm has one, and is smooth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warp.adjoint.by_fields import Array, ByFields
from warp.adjoint.part_numbers import PartNumber
from warp.adjoint.strains import Kinematics, Strains
from warp.results.metrics.solved import Solved
from warp.results.stress import MPA, invariants
from warp.solvers.elastic.layout import padded_widths
from warp.solvers.elastic.stress import centre_distances
from warp.voxels.grid import Grid, voxel_volumes
from warp.voxels.heights import weighted_heights

POWER = 8
"""Of the p-norms: its peaks are those of a few per cent of the volume."""
NUMBERS = ("von_mises_mean", "von_mises_p", "max_principal_mean", "max_principal_p")


@dataclass(frozen=True)
class PartStress(PartNumber):
    """A mean or p-norm of a stress over a part, in MPa."""

    unit: str = "MPa"

    def value(self, solved: Solved) -> float:
        """Compute the number."""
        assert solved.stress is not None
        cells = self.cells(solved)
        V = voxel_volumes(solved.model.grid)[cells]
        return self._norm(self._stress(solved.stress[:, cells]), V) / MPA

    def _norm(self, s: Array, V: Array) -> float:
        if self.number.endswith("_mean"):
            return float((V * s).sum() / V.sum())
        top = float(s.max(initial=0.0))
        if top <= 0.0:
            return 0.0
        peaks = (np.maximum(s, 0.0) / top) ** POWER
        return top * float(((V * peaks).sum() / V.sum()) ** (1 / POWER))

    def _stress(self, stress: Array) -> Array:
        largest, _, von_mises = invariants(stress)
        return von_mises if self.number.startswith("von_mises") else largest

    def by_fields(self, solved: Solved) -> ByFields:
        """Differentiate by the stress."""
        assert solved.stress is not None
        cells = self.cells(solved)
        V = voxel_volumes(solved.model.grid)[cells]
        sigma = solved.stress[:, cells]
        s = self._stress(sigma)
        value = self._norm(s, V)
        weight, used = V / V.sum(), ""
        if not self.number.endswith("_mean"):
            size = value or 1.0
            weight = weight * (np.maximum(s, 0.0) / size) ** (POWER - 1)
            used = f"{POWER}-norm over the volume, smooth everywhere"
        by = np.zeros(solved.stress.shape)
        if self.number.startswith("von_mises"):
            by[:, cells] = weight * _by_von_mises(sigma, s) / MPA
        else:
            by[:, cells] = weight * _by_principal(sigma) / MPA
        return ByFields(value / MPA, stress=by, used=used)


def _by_von_mises(sigma: Array, s: Array) -> Array:
    """Return the derivative of the von Mises stress s by the stress, both (6, n)."""
    found = 2 * sigma
    found[:3] = sigma[:3] - sigma[:3].mean(axis=0)
    return np.divide(1.5 * found, s, out=np.zeros_like(found), where=s > 0)


def _by_principal(sigma: Array) -> Array:
    """Return the derivative of the largest principal stress by the stress (6, n)."""
    xx, yy, zz, yz, xz, xy = sigma
    matrix = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]).transpose(2, 0, 1)
    x, y, z = np.linalg.eigh(matrix)[1][:, :, -1].T
    return np.array([x * x, y * y, z * z, 2 * y * z, 2 * x * z, 2 * x * y])


def pulled_back(motion: Kinematics, by: Array) -> Strains:
    """Return - s / V and - t: the derivative (6, nz, ny, nx) by stress as strains of a form.

    s: by the normal stress of voxels; t: by the forces of edges, whose mean is the shear stress.
    """
    grid = motion.model.grid
    share = (weighted_heights(grid) / grid.dz)[:, None, None]
    normal = by[:3].copy()
    normal[2] *= share
    t = np.zeros(tuple(n + 1 for n in (2, *grid.shape)))
    volumes = _edge_volumes(grid)
    for kind in range(3):
        around = _around(by[3 + kind], kind)
        t[kind] = around / (4 * volumes[kind])
    t.reshape(-1)[motion.lateral] = 0.0
    t[motion.edge_stiffness == 0] = 0.0
    return Strains(-normal / motion.volumes, -t)


def _around(by: Array, kind: int) -> Array:
    """Sum values of voxels over the four around each edge of a kind; (nz+1, ny+1, nx+1)."""
    found = np.pad(by, [(0, 1)] * 3)
    for axis in sorted({0, 1, 2} - {kind}):
        found = found + np.roll(found, 1, 2 - axis)
    return found


def _edge_volumes(grid: Grid) -> list[Array]:
    """Return the volume in m3 of the edges of each kind, for arrays [k, j, i] of edges."""
    dx, dy, hz = grid.dx, grid.dy, weighted_heights(grid)
    cx, cy, cz = centre_distances(grid)
    own = [np.append(d, 1.0) for d in (dx, dy, hz)]
    sides = [(own[0], cy, cz), (cx, own[1], cz), (cx, cy, own[2])]
    return [z[:, None, None] * y[:, None] * x for x, y, z in sides]


def with_grid(motion: Kinematics, stress: Array, forces: Array, grid: Grid) -> Array:
    """Return the stress with the shear of edge forces (3, nz+1, ny+1, nx+1) on another grid."""
    found = stress.copy()
    widths = padded_widths(grid)
    nx, ny, nz = motion.body.n
    levels = *widths[:2], widths[3]
    args = found[3:], forces, motion.ids, *levels, *centre_distances(grid), nx, ny, nz
    motion.host.launch("history", "shear_stress", (nx + 1, ny + 1, nz + 1), *args)
    return found
