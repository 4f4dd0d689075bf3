"""Adjoint of steady heat conduction, and the derivatives of its equations at fixed temperatures.

A(T) T = q + SUM films, with the conductances G of faces between voxels and of films g

    L = - SUM G (mu_a - mu_b)(T_a - T_b) + SUM g mu (T_ambient - T) + SUM mu q
    G = area / R,    R = d_a r_a + d_b r_b,    r = 1/(2 k) and interface resistances

dJ/dp = J_p + L_p with the adjoint temperature mu. Conductivity is read at the mean temperature of
the rows that it varies in (solvers/heat/solve.py), so that with m the weights of that mean

    A mu = dJ/dT + SUM over rows m dL/d(mean temperature)

which is solved in turns, as the equation itself. Grid lines move; ids and rows stay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warp.adjoint import attainable
from warp.adjoint.widths import LineSums
from warp.errors import ConvergenceError
from warp.solvers.heat.multigrid.cycle import Cycle
from warp.solvers.heat.operator import ROOM, Operator, conductivity
from warp.solvers.krylov import Control
from warp.voxels.boundary import row_means
from warp.voxels.conditions import Interface
from warp.voxels.faces import rows
from warp.voxels.grid import Grid, voxel_volumes

Array = np.ndarray
ROUNDS = 30
SLOPE = 1e-2
"""Half the step in K of the central difference that gives dk/dT."""


@dataclass(frozen=True)
class Partials:
    """Derivatives of L, in units of the metric.

    conductivity (rows, 3): by that of each row, per W/(m K); films, ambients: by coefficient and
    ambient temperature of each contact; lines: by grid lines; resistance: of faces, see `by_face`.
    """

    conductivity: Array
    films: list[float]
    ambients: list[float]
    lines: LineSums
    stretch: Array
    """By the true over the drawn height of each row."""
    by_face: tuple[Array, Array, Array]
    """By the resistance of each inner face in z, y and x, per m2 K/W."""


def partials(A: Operator, temperature: Array, adjoint: Array) -> Partials:
    """Compute the derivatives of L without the heat q; temperature and adjoint (nz, ny, nx)."""
    return _Pass(A, temperature, adjoint).run()


@dataclass
class _Pass:
    """One pass over the inner faces along each axis, and over the films."""

    A: Operator
    T: Array
    mu: Array

    def run(self) -> Partials:
        """Add up the faces of all axes and the films."""
        A, grid = self.A, self.A.model.grid
        self.lines = LineSums.of(grid)
        self.sums = np.zeros((len(A.split.origin), 6))  # by the resistivities 1/(2 k) of each side
        faces = [self._faces(axis) for axis in range(3)]
        films, ambients = self._films()
        self.sums[0] = 0.0
        own = self._own()
        finite = np.where(np.isfinite(own), own, 0.0)
        stretch = (self.sums[:, 4:] * finite[:, 4:]).sum(axis=1)
        k = 0.5 / own
        with np.errstate(invalid="ignore", divide="ignore"):
            by_side = -self.sums * 0.5 / k**2
        by_side = np.where(np.isfinite(by_side), by_side, 0.0)
        by_side[:, 4:] *= A.split.stretch[:, None]
        paired = by_side.reshape(-1, 3, 2).sum(axis=2)
        by_face = faces[2], faces[1], faces[0]
        return Partials(paired, films, ambients, self.lines, stretch, by_face)

    def _own(self) -> Array:
        """Return 1/(2 k) (rows, 6), infinite in void, without interfaces."""
        own = self.A.table[:, :6] - self.A.split.extra
        own[:, 4:] /= self.A.split.stretch[:, None]
        return own

    def _faces(self, axis: int) -> Array:
        """Add the inner faces across x, y or z; return the derivative by their resistance."""
        A, grid, ids = self.A, self.A.model.grid, self.A.split.ids
        n = 2 - axis  # array axis
        widths = (grid.dx, grid.dy, grid.dz)
        d = widths[axis].reshape([-1 if a == n else 1 for a in range(3)])
        low, high = _halves(n)
        area = _product(grid, [a for a in range(3) if a != axis])
        own, table = self._own(), A.table
        here, there = ids[low], ids[high]
        resistance = d[low] * table[here, 2 * axis + 1] + d[high] * table[there, 2 * axis]
        flow = (self.mu[low] - self.mu[high]) * (self.T[low] - self.T[high])
        work = area / resistance * flow  # of -L; no heat through void
        by_face = work / resistance
        by_face[~np.isfinite(resistance)] = 0.0
        count = len(self.sums)
        for side, rows_, half in ((2 * axis + 1, here, low), (2 * axis, there, high)):
            values = by_face * d[half]
            self.sums[:, side] += np.bincount(rows_.reshape(-1), values.reshape(-1), count)
            resistivity = np.where(np.isfinite(own[:, side]), own[:, side], 0.0)[rows_]
            stretch = A.split.stretch[rows_] if axis == 2 else 1.0
            across = (by_face * resistivity * stretch).sum(axis=tuple({0, 1, 2} - {n}))
            self.lines.width(axis, half[n], across)
        for a in {0, 1, 2} - {axis}:
            others = tuple({0, 1, 2} - {2 - a})
            self.lines.width(a, slice(None), -work.sum(axis=others) / widths[a])
        return by_face

    def _films(self) -> tuple[list[float], list[float]]:
        """Add the films; return derivatives by coefficient and by ambient temperature."""
        A, grid, own = self.A, self.A.model.grid, self._own()
        films, ambients = [], []
        for contact in A.surroundings.contacts:
            cell, side = contact.faces.cell, contact.faces.side
            row = A.split.ids.reshape(-1)[cell]
            g, area, d = contact.conductance, contact.faces.area(grid), contact.faces.width(grid)
            mu = self.mu.reshape(-1)[cell]
            drop = mu * (contact.ambient - self.T.reshape(-1)[cell])
            by_resistance = -g * g / area * drop  # g = area / (d r + 1 / h)
            ambients.append(float((g * mu).sum()))
            finite = np.isfinite(contact.coefficient)
            films.append(float(-by_resistance.sum() / contact.coefficient**2) if finite else 0.0)
            np.add.at(self.sums, (row, side), by_resistance * d)
            k, j, i = np.unravel_index(cell, grid.shape)
            for axis, at in enumerate((i, j, k)):
                across = side // 2 == axis
                stretch = np.where(side // 2 == 2, A.split.stretch[row], 1.0)
                change = np.where(
                    across,
                    by_resistance * own[row, side] * stretch,
                    g * drop / (grid.dx, grid.dy, grid.dz)[axis][at],
                )
                self.lines.add(axis, at, change)
        return films, ambients


def _halves(n: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return the indices of the voxels before and after the inner faces across array axis n."""
    low, high = [slice(None)] * 3, [slice(None)] * 3
    low[n], high[n] = slice(None, -1), slice(1, None)
    return tuple(low), tuple(high)


def _product(grid: Grid, axes: list[int]) -> Array:
    """Return the product of the widths of two axes, for arrays [k, j, i]."""
    shapes = ((1, 1, -1), (1, -1, 1), (-1, 1, 1))
    widths = grid.dx, grid.dy, grid.dz
    found: Array = widths[axes[0]].reshape(shapes[axes[0]]) * widths[axes[1]].reshape(
        shapes[axes[1]]
    )
    return found


def by_resistance(A: Operator, found: Partials, interface: Interface) -> float:
    """Return the derivative by the resistance of an interface, per m2 K/W."""
    model = A.model
    one, other = rows(model, interface.part), rows(model, interface.other)
    total = 0.0
    for n, by_face in enumerate(found.by_face):
        low, high = _halves(n)
        here, there = model.ids[low], model.ids[high]
        touching = (one[here] & other[there]) | (other[here] & one[there])
        total += float(by_face[touching].sum())
    return total


@dataclass(frozen=True)
class VaryingRows:
    """Rows whose conductivity varies: mean temperatures, dk/dT (rows, 3), and their volumes."""

    mean: Array
    slope: Array
    volume: Array

    @classmethod
    def of(cls, A: Operator, temperature: Array) -> VaryingRows:
        """Read them at the temperatures of a solution."""
        model, split = A.model, A.split
        mean = row_means(model.grid, split, temperature, ROOM)
        above, below = (conductivity(model, split, mean + h) for h in (SLOPE, -SLOPE))
        volume = np.zeros(len(split.origin))
        volumes = voxel_volumes(model.grid)
        for ids, v in zip(split.ids, volumes, strict=True):
            volume += np.bincount(ids.reshape(-1), v.reshape(-1), len(volume))
        return cls(mean, (above - below) / (2 * SLOPE), volume)

    def by_mean(self, found: Partials) -> Array:
        """Return the derivative (rows,) of L by the mean temperatures."""
        by: Array = (found.conductivity * self.slope).sum(axis=1)
        return by

    def weights(self, A: Operator, by_mean: Array) -> Array:
        """Return SUM m by_mean: the derivative (nz, ny, nx) by the temperature of each voxel."""
        weighted: Array = per_volume(by_mean, self.volume)[A.split.ids]
        return weighted * voxel_volumes(A.model.grid)

    def add_lines(self, A: Operator, by_mean: Array, temperature: Array, sums: LineSums) -> None:
        """Add what the volumes of the cells change in the mean temperatures."""
        share = per_volume(by_mean, self.volume)
        add_mean_lines(A.model.grid, A.split.ids, share, self.mean, temperature, sums)


def per_volume(by_mean: Array, volume: Array) -> Array:
    """Return derivatives (rows,) by means over rows, per volume of each; zero for void."""
    share: Array = by_mean / np.where(volume > 0, volume, 1.0)
    share[0] = 0.0
    return share


def add_mean_lines(
    grid: Grid, ids: Array, share: Array, mean: Array, temperature: Array, sums: LineSums
) -> None:
    """Add derivatives by lines of SUM share volume mean; share: derivative by mean / volume."""
    for k, dz in enumerate(grid.dz):
        change = share[ids[k]] * (temperature[k] - mean[ids[k]]) * grid.area
        sums.width(0, slice(None), change.sum(axis=0) * dz / grid.dx)
        sums.width(1, slice(None), change.sum(axis=1) * dz / grid.dy)
        sums.width(2, k, float(change.sum()))


def solve(
    A: Operator,
    temperature: Array,
    right: Array,
    control: Control,
    varies: VaryingRows | None,
) -> Array:
    """Solve the adjoint equation; right, result (nz, ny, nx), dJ/dT per K."""
    device = A.device
    right = np.where(A.model.ids > 0, right, 0.0)
    cycle, load, x = Cycle(A), right, None
    for _ in range(ROUNDS):
        x = attainable.solve(device, "adjoint of heat", A.apply, cycle, load, control, x)
        adjoint = np.array(device.to_host(x))
        adjoint[A.model.ids == 0] = 0.0
        if varies is None or not varies.slope.any():
            return adjoint
        coupled = varies.weights(A, varies.by_mean(partials(A, temperature, adjoint)))
        after = right + np.where(A.model.ids > 0, coupled, 0.0)
        change = float(np.linalg.norm(after - load))
        load = after
        if change <= control.tolerance * float(np.linalg.norm(right)):
            return adjoint
    raise ConvergenceError(
        "adjoint of heat: conductivities that vary with temperature do not settle"
    )
