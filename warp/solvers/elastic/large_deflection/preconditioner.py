"""Precondition the Hessian: the linear V-cycle in the tangent frame, smooth modes exactly.

    M^-1 = Z |E|^-1 Z^T + P V P^T,    P = 1 - Z |E|^-1 Z^T H,    E = Z^T H Z

with V the V-cycle of the linear operator between displacements in the tangent frame T
(kernels/tangent_frame.py) and Z the plate modes in the frame of the smooth part of its slope
(`smooth_slopes`). The slope of the body couples bending and stretching; T takes that coupling away
except for the curvature, which matters for long waves only, and these are in Z. |E|: eigenvalues by
their magnitude, so that M stays positive beyond a bifurcation. Mandel, Commun. Numer. Methods Eng.
9 (1993) 233, for the balancing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import eigh

from warp.machine.arrays import Array
from warp.solvers.elastic.large_deflection.law import Law
from warp.solvers.elastic.large_deflection.plate import Plate
from warp.solvers.elastic.large_deflection.plate_modes import PlateModes
from warp.solvers.elastic.large_deflection.softest import MOST, Scratch, Search
from warp.solvers.elastic.large_deflection.stored import Stored
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.voxels.grid import Grid
from warp.voxels.voxelize import VoxelModel

MODULE = "tangent_frame"
STRAINLESS = 1e-8
"""Linear energy of a mode over that of the stiffest one of its size, below which it is rigid."""
UNFELT = 1e-16
"""Linear energy of a mode over that of the stiffest one, below which it is round-off.

Polynomials of more degrees than a body has cells have none.
"""
SOFTEST = 1e-6
"""Least magnitude of an eigenvalue of E over the linear energy that is inverted."""


class Preconditioner:
    """M^-1 of the Hessian at the last `update`, and how stable the body is there.

    `stability`: the energy of the softest shape over what it takes to bend the flat body without
    stress as much, as of the last `judge`: 1 without load, 0 where the body becomes unstable; 1 for
    a body that is held. The lesser of two: the softest shape of all by its mean curvature
    (`softest`), and the softest of the smooth modes, which cannot tell where a body of stiff and
    soft parts becomes unstable. smooth: False for a body that is held: no polynomial gives its
    shapes.
    """

    def __init__(
        self, model: VoxelModel, law: Law, cycle: Cycle, smooth: bool = True, rigid: bool = False
    ) -> None:
        """rigid: with rigid motions among the modes, for a body that something supports."""
        self.law, self.device, self.smooth = law, law.device, smooth
        self.given = self.device.zeros(law.A.shape, np.float32)
        self.one = self.device.asarray(np.ones(1))
        self.take(cycle)
        self.modes = PlateModes(model, law.device, law.A.body.moduli.normal, rigid=rigid)
        self.plate = Plate(model, law, self.modes)
        ids, _, _, dx, dy, _, _, _, rcx, _, rcy, _, _ = law.A.arguments(np.float64)
        self.tables = ids, dx, dy, rcx, rcy, *law.sizes
        self.slopes = self.device.zeros((2, *law.A.shape[1:]), np.float32)
        self.basis = orthonormal(self.plate.linear)
        flat = bending(self.plate.linear, self.modes.bends)[0]
        self.bent, self.uniform = orthonormal(flat), uniform_bending(model, self.modes, flat)
        self.sides = sides(model.grid)
        self.stability, self.lowest = 1.0, np.zeros(self.modes.count)
        self.lowest_quotient = 1.0
        self.softest: Stored | None = None

    def take(self, cycle: Cycle) -> None:
        """Take another V-cycle, recorded on the residual `given`.

        `wide`: memory of the cycle that is free before and after it, as a displacement in float64.
        """
        self.cycle = cycle
        size = self.given.size
        self.wide = cycle.idle[: 2 * size].view(np.float64).reshape(self.given.shape)
        with self.device.graph() as self.recorded:
            cycle.run(self._write_residual)

    def _write_residual(self, out: Array) -> None:
        self._narrow(out, self.given, np.float32)

    def _narrow(self, out: Array, r: Array, real: type[np.floating[Any]]) -> None:
        n = r.size
        args = out.reshape(-1), r.reshape(-1), self.one, 0, n
        self.device.launch("reduce", "narrow", (n, 1, 1), *args, real=real)

    def update(self) -> None:
        """Take the Hessian of the law's last gradient."""
        law = self.law
        args = self.slopes, law.slopes, *self.tables[:3], *law.mirror, *law.sizes
        self._launch("face_slopes", *args)
        if not self.smooth:
            return
        self.modes.follow(self.slopes)
        E = self.energy()
        values, vectors = eigh(self.basis.T @ E @ self.basis)
        vectors = self.basis @ vectors
        self.inverse = (vectors / np.maximum(np.abs(values), SOFTEST)) @ vectors.T
        self.lowest_quotient, self.lowest = self._lowest(E)

    def energy(self) -> np.ndarray:
        """Return E at the last gradient."""
        return self.plate.loaded()

    def judge(self, most: int = MOST) -> None:
        """Find the stability and the softest shape at the last update."""
        if not self.smooth:
            return
        if not bool(self.law.slopes.any()) and not bool(self.law.s.any()):
            self.stability = 1.0
            return
        near: list[Array | Stored] = [self.modes.spread(self.lowest)]
        if self.softest is not None:
            near.append(self.softest)
        self.softest = None  # its memory goes on as that of the new one
        fine = self.cycle.fine
        in_wide = self.cycle.rest is fine.p  # r too
        r = self.device.empty(fine.shape, np.float32) if in_wide else fine.r
        scratch = Scratch(self.wide, self.given, fine.x, r)
        search = Search(self.law, self.apply, self._add_bending_forces, scratch, self.modes.exists)
        q, self.softest = search.softest(near, most)
        self.stability = min(q, self.lowest_quotient)

    def mode(self) -> Array:
        """Return the displacement of the softest shape, of height 1 m."""
        if self.softest is None:
            found = self.modes.spread(self.lowest)
        else:
            found = self.softest.full(self.device.empty(self.law.A.shape))
        found /= float(found[2].max() - found[2].min())
        return found

    def energy_of_dome(self, deflection: float) -> float:
        """Return the energy in J that bends the flat body, free of stress, evenly both ways."""
        curvature = np.zeros(len(self.uniform))
        curvature[:2] = 8 * deflection / sum(side**2 for side in self.sides)
        return float(curvature @ self.uniform @ curvature) / 2

    def _add_bending_forces(self, out: Array, x: Array) -> None:
        """Add the forces that bend a flat body without stress by the mean curvature of x to out."""
        self.modes.push_as(out, self.uniform @ self.modes.bent_as(x))

    def _lowest(self, E: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the softest of the smooth modes, each at no force in the plane, and its energy.

        Over that in the flat body without stress.
        """
        bends, found = self.modes.bends, np.zeros(self.modes.count)
        bent, following = bending(E, bends)
        values, vectors = eigh(self.bent.T @ bent @ self.bent)
        found[bends] = self.bent @ vectors[:, 0]
        found[~bends] = following @ found[bends]
        return float(values[0]), found

    def apply(self, r: Array, out: Array, modes: bool = True) -> Array:
        """Return out = M^-1 r; r in either precision, or `given`.

        modes: False for the cycle alone.
        """
        left = self.wide
        if not (self.smooth and modes):
            left[...] = r
            return self._cycle(left, out)
        weights = self.inverse @ self.modes.gather(r)
        out[...] = 0
        self.modes.spread(weights, out)
        self.law.hessian(left, out)
        self.device.xp.subtract(r, left, out=left)
        self._cycle(left, out)
        self.law.hessian(left, out)
        weights -= self.inverse @ self.modes.gather(left)
        self.modes.spread(weights, out)
        self.law.level(out)
        return out

    def _cycle(self, r: Array, out: Array) -> Array:
        """Return out = T V T^T r; overwrites r, which may be `wide`."""
        self.forces(r)
        out[...] = 0
        size = float(self.device.xp.linalg.norm(r))
        if size == 0:
            return out
        r /= size
        self._narrow(self.given, r, np.float64)
        self.recorded.launch()
        for part in self.cycle.parts:
            out += part
        out *= size
        return self.displacement(out)

    def displacement(self, x: Array) -> Array:
        """Compute T x in place, zero where the body is held."""
        self._launch("from_tangent", x, self.slopes, *self.tables)
        self.law.A.clear_held(x)
        return x

    def forces(self, r: Array) -> Array:
        """Compute T^T r in place."""
        self._launch("to_tangent", r, self.slopes, *self.tables)
        return r

    def _launch(self, function: str, *args: object) -> None:
        self.device.launch(MODULE, function, self.law.extent, *args)


def sides(grid: Grid) -> list[float]:
    """Return the lengths in m along x and y of a body of which a grid has all or a part."""
    lines = zip((grid.x, grid.y), grid.mirror, strict=True)
    return [float(line[-1] - line[0]) * (2 if mirrored else 1) for line, mirrored in lines]


def uniform_bending(model: VoxelModel, modes: PlateModes, flat: np.ndarray) -> np.ndarray:
    """Return twice the energy of a flat body by its curvature xx, yy and, without mirrors, xy.

    flat: energy of its bending modes alone, two of which are x^2 and y^2.
    """
    grid = model.grid
    half = [side / 2 for side in sides(grid)]
    p, q = (1 if mirrored else 2 for mirrored in grid.mirror)
    of = np.zeros((len(modes.means), *modes.degrees))
    of[0, 0, p], of[1, q, 0] = half[0] ** 2 / 3, half[1] ** 2 / 3
    if len(of) > 2:
        of[2, 1, 1] = half[0] * half[1]
    c = of.reshape(len(of), -1)[:, modes.kept[modes.bends]]
    energy: np.ndarray = c @ flat @ c.T
    return energy


def orthonormal(energy: np.ndarray, least: float = STRAINLESS) -> np.ndarray:
    """Return combinations (count, n) of modes of unit energy, orthogonal in it; none are rigid.

    least: energy of what is rigid over that of the stiffest mode of its size.
    """
    own = np.diag(energy)
    felt = own > UNFELT * own.max(initial=0.0)
    scale = np.where(felt, 1 / np.sqrt(np.where(felt, own, 1.0)), 0.0)
    size, vectors = np.linalg.eigh(energy * scale * scale[:, None])
    strained = size > least * size[-1]
    basis: np.ndarray = scale[:, None] * (vectors[:, strained] / np.sqrt(size[strained]))
    return basis


def bending(energy: np.ndarray, bends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the energy of bending modes alone, and how the others follow at no force."""
    across = energy[np.ix_(bends, ~bends)]
    basis = orthonormal(energy[np.ix_(~bends, ~bends)])
    follow = across @ basis
    return energy[np.ix_(bends, bends)] - follow @ follow.T, -basis @ follow.T
