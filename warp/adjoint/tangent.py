"""Surfaces of a case without steps at some temperatures, and their derivatives by unknowns.

    A(p) U = f(p),     A dU/dp = df/dp - dA/dp U

one solve with the operator and the V-cycle of U for every unknown and temperature (the direct
method): with a few unknowns and thousands of heights that is far fewer solves than one adjoint for
every height. The right-hand side is evaluated on both sides of p on the same voxels (`variant`),
and the derivative of a height includes what moves the grid below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np

from warp.adjoint import attainable
from warp.adjoint.mechanisms import DEPENDS, Mechanisms, mechanisms
from warp.adjoint.moved_grid import Unchangeable
from warp.adjoint.observation import Observation
from warp.adjoint.unknowns import Unknown, at
from warp.adjoint.variant import Base, Variant
from warp.case.case import Case
from warp.errors import WarpError
from warp.machine.arrays import Array as DeviceArray
from warp.machine.device import Device
from warp.run.grids import common_grid
from warp.run.load_step import NO_RESIDUAL, TOLERANCE, OnProgress
from warp.run.stage_model import enter
from warp.solvers import krylov
from warp.solvers.elastic.load import load
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.multigrid.cycle_cache import CycleCache
from warp.solvers.elastic.operator import Operator, moduli, operator
from warp.solvers.krylov import Control, System
from warp.units import ZERO_CELSIUS
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray
TANGENT = 1e-5
"""Relative residual of the solves for derivatives."""
UNSEEN = 1e-7
"""Residual over the load, by one standard deviation of an unknown, below which none is solved:
round-off of the load."""
FEW = 100_000
"""Voxels up to which the V-cycle of every temperature is kept."""
SHARE = 0.01
"""Change of an unknown on either side, over its standard deviation."""


@dataclass(frozen=True, eq=False)
class Seen:
    """Computed heights of each observation, and their derivatives (n, unknowns) where wanted."""

    heights: list[Array]
    slopes: list[Array] | None = None


@dataclass(eq=False)
class Steady:
    """A case without steps: its observations at other values of the unknowns."""

    case: Case
    unknowns: Sequence[Unknown]
    observations: Sequence[Observation]
    device: Device
    say: OnProgress
    last: dict[float, DeviceArray] = field(default_factory=dict)
    """The last solution at each temperature, from which the next one starts."""
    cycles: dict[float, CycleCache] = field(default_factory=dict)
    """V-cycles of small grids, on which they cost more than the solves."""
    ids: Array | None = None
    """Of the last voxels."""

    def solve(self, values: Array) -> Seen:
        """Compute the heights at other values."""
        return self._seen(values, slopes=False)

    def differentiate(self, values: Array) -> Seen:
        """Compute the heights at other values and their derivatives."""
        return self._seen(values, slopes=True)

    def _seen(self, values: Array, slopes: bool) -> Seen:
        self.say("grid and voxels", 0, NO_RESIDUAL)
        here = at(self.case, self.unknowns, values)
        base = Base(here, enter(here, here.load_steps[-1], common_grid(here)).voxels)
        if self.ids is None or not np.array_equal(self.ids, base.model.ids):
            self.last.clear()
            self.cycles.clear()
            self.ids = base.model.ids
        sides = self._sides(base, values) if slopes else []
        heights: list[Array | None] = [None] * len(self.observations)
        found: list[Array | None] = [None] * len(self.observations)
        for T in dict.fromkeys(one.temperature for one in self.observations):
            assert T is not None
            own = [n for n, one in enumerate(self.observations) if one.temperature == T]
            state = self._state(base.model, T)
            displacement = state.displacement()
            for n in own:
                self._refuse_loose(base.model, state, self.observations[n])
                heights[n] = self.observations[n].of(base.model, displacement)
            columns = [self._column(state, side, own) for side in sides]
            for m, n in enumerate(own):
                found[n] = np.column_stack([column[m] for column in columns]) if sides else None
        return Seen(
            [h for h in heights if h is not None], [s for s in found if s is not None] or None
        )

    def _refuse_loose(self, model: VoxelModel, state: _State, one: Observation) -> None:
        """Raise WarpError for heights that follow from no equation."""
        if state.free is not None and state.free.show(partial(one.of, model)):
            raise WarpError(DEPENDS.format(f"{one.name} ({one.surface})"))

    def _sides(self, base: Base, values: Array) -> list[_Sides]:
        """Return the voxels on both sides of each unknown."""
        found = []
        for n, one in enumerate(self.unknowns):
            step = SHARE * one.deviation
            models = []
            for sign in (1.0, -1.0):
                there = np.array(values, float)
                there[n] += sign * step
                try:
                    variant = base.with_case(at(self.case, self.unknowns, there))
                except Unchangeable as error:
                    raise WarpError(f"free {one.key} has no derivative: it {error}") from None
                models.append(varied(base.model, variant))
            found.append(_Sides(models[0], models[1], step, one.deviation))
        return found

    def _state(self, model: VoxelModel, T: float) -> _State:
        """Solve at one temperature."""
        stage = f"surfaces at {T - ZERO_CELSIUS:.6g} degC"
        self.say(stage, 0, NO_RESIDUAL)
        A, f = _equation(model, T, self.device)
        cache = self.cycles.get(T, CycleCache())
        if model.ids.size <= FEW:
            self.cycles[T] = cache
        cycle = cache.cycle_for(A)
        control = Control(TOLERANCE, lambda n, r: self.say(stage, n, r))
        system = System(stage, A.apply, f)
        x, residuals = krylov.solve(self.device, system, cycle, control, self.last.get(T))
        cache.record(residuals)
        self.last[T] = x
        size = float(np.linalg.norm(self.device.to_host(f)))
        return _State(model, T, self.device, A, cycle, x, size)

    def _column(self, state: _State, sides: _Sides, own: Sequence[int]) -> list[Array]:
        """Return the derivatives of the heights at one temperature by one unknown."""
        forces = [_imbalance(model, state) for model in (sides.above, sides.below)]
        right = (forces[0] - forces[1]) / (2 * sides.step)
        if state.free is not None:
            state.free.equilibrate(right)
        size = float(np.linalg.norm(right)) * sides.deviation
        tolerance = max(TANGENT, UNSEEN * state.load / size if size else 0.0)
        name, control = "derivatives of thermo-elasticity", Control(tolerance)
        if tolerance < 1.0:
            given = state.cycle, right, control, None, state.free
            slope = attainable.solve(self.device, name, state.A.apply, *given)
        else:
            slope = self.device.zeros(state.A.shape)
        ends = [
            (model, state.displacement(slope, sign * sides.step))
            for model, sign in ((sides.above, 1.0), (sides.below, -1.0))
        ]
        found = []
        for n in own:
            above, below = (self.observations[n].of(model, U) for model, U in ends)
            found.append((above - below) / (2 * sides.step))
        return found


@dataclass(frozen=True, eq=False)
class _Sides:
    """The voxels with an unknown `step` above and below, and its standard deviation."""

    above: VoxelModel
    below: VoxelModel
    step: float
    deviation: float


@dataclass(frozen=True, eq=False)
class _State:
    """A solved temperature: operator, V-cycle and displacement in the solver's layout.

    load: norm of the thermal load in N.
    """

    model: VoxelModel
    T: float
    device: Device
    A: Operator
    cycle: Cycle
    x: DeviceArray
    load: float

    @cached_property
    def free(self) -> Mechanisms | None:
        """Return the motions without energy of the pieces of the body."""
        return mechanisms(self.A, self.model.ids > 0, self.model.grid)

    def displacement(self, slope: DeviceArray | None = None, step: float = 0.0) -> Array:
        """Return the displacement (3, nz+1, ny+1, nx+1) in m, `step` along a slope."""
        nx = self.A.n[0]
        found = self.device.to_host(self.x if slope is None else self.x + step * slope)
        return np.ascontiguousarray(found[..., 1 : nx + 2])


def varied(model: VoxelModel, variant: Variant) -> VoxelModel:
    """Return the voxels of a variant."""
    rows = enumerate(model.media.materials)
    materials = [variant.rows.get(row, medium) for row, medium in rows]
    media = replace(model.media, materials=materials, stress_free=variant.stress_free)
    return replace(model, grid=variant.grid(model.grid), media=media)


def _equation(model: VoxelModel, T: float, device: Device) -> tuple[Operator, DeviceArray]:
    """Return the operator and the load at one temperature."""
    A = operator(model, device, moduli(model, np.full(len(model.media), T)))
    return A, load(model, A, T)


def _imbalance(model: VoxelModel, state: _State) -> Array:
    """Return the forces f - A U of changed voxels at the solved displacement."""
    A, f = _equation(model, state.T, state.device)
    A.apply(f, state.x, 1.0, -1.0)
    found: Array = state.device.to_host(f)
    return found
