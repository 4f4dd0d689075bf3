"""The heat equation at a solved field, and what follows it: the adjoint for any metric.

    A_heat mu = dJ/dT + dL/dT

with L the elastic equation, which depends on temperature through thermal strain and, at the mean
temperature of each medium, through stiffness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from warp.adjoint import heat
from warp.adjoint.elastic_partials import Partials
from warp.adjoint.linear import Heated
from warp.machine.device import Device
from warp.run.load_step import NO_RESIDUAL, TOLERANCE, OnProgress
from warp.solvers.elastic.operator import moduli
from warp.solvers.heat.operator import CONDUCTIVITY, varying
from warp.solvers.heat.solve import solve_steady
from warp.solvers.krylov import Control
from warp.voxels.boundary import Boundary, Source
from warp.voxels.grid import voxel_volumes
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Thermal:
    """Steady conduction at its solution, a field (nz, ny, nx) in K; stretch: as in `bond_lines`."""

    model: VoxelModel
    field: Array
    boundaries: Sequence[Boundary]
    sources: Sequence[Source]
    device: Device
    say: OnProgress
    stretch: Array | None = None

    @cached_property
    def heated(self) -> Heated:
        """Return the heat operator of the solve, solved again where conductivities vary."""
        self.say("heat", 0, NO_RESIDUAL)
        control = Control(TOLERANCE, lambda n, r: self.say("heat", n, r))
        given = self.model, self.boundaries, self.sources, self.device, control
        solution = solve_steady(*given, self.stretch)
        varies = heat.VaryingRows.of(solution.operator, solution.temperature)
        return Heated(solution.operator, varies.mean)

    def adjoint(
        self, name: str, by_temperature: Array, tolerance: float
    ) -> tuple[heat.Partials, Array]:
        """Solve the adjoint of heat; return the derivatives and the adjoint temperature."""
        A, field = self.heated.operator, self.field
        varies = None
        if varying(self.model, CONDUCTIVITY).any():
            varies = heat.VaryingRows.of(A, field)
        stage = f"adjoint of heat for {name}"
        self.say(stage, 0, NO_RESIDUAL)
        control = Control(tolerance, lambda n, r: self.say(stage, n, r))
        adjoint = heat.solve(A, field, by_temperature, control, varies)
        found = heat.partials(A, field, adjoint)
        if varies is not None:
            varies.add_lines(A, varies.by_mean(found), field, found.lines)
        return found, adjoint


def through_stiffness(
    model: VoxelModel, mean: Array, temperature: float | Array, found: Partials
) -> None:
    """Add the derivative by temperature through the stiffness at each medium's mean in K."""
    assert found.temperature is not None and isinstance(temperature, np.ndarray)
    count = len(model.media)
    above, below = (moduli(model, mean + h) for h in (heat.SLOPE, -heat.SLOPE))
    by_mean = (found.normal * (above.normal - below.normal)).sum(axis=1)
    by_mean += (found.shear * (above.shear - below.shear)).sum(axis=1)
    volumes = voxel_volumes(model.grid)
    volume = np.bincount(model.ids.reshape(-1), volumes.reshape(-1), count)
    share = heat.per_volume(by_mean / (2 * heat.SLOPE), volume)
    found.temperature += share[model.ids] * volumes
    heat.add_mean_lines(model.grid, model.ids, share, mean, temperature, found.lines)
