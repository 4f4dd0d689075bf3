"""The gradient of metrics of a solved case by all its inputs.

    A lambda = dJ/dU,   then   A_heat mu = dJ/dT + dL/dT   where a temperature field takes part

with the operators and V-cycles of the solve: one solve of each equation per metric, whatever the
number of inputs (`elastic`, `heat`). Inputs are those of `inputs`; what each changes is `variant`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from warp.adjoint import attainable, elastic, heat, stresses
from warp.adjoint.by_fields import ByFields, Measure
from warp.adjoint.elastic import forces
from warp.adjoint.history import HistoryPoint
from warp.adjoint.inputs import Input, inputs
from warp.adjoint.linear import Derivatives, EdgeForces, Heated, Linear
from warp.adjoint.measures import measure
from warp.adjoint.refused import refuse
from warp.adjoint.strains import Kinematics, Strains
from warp.adjoint.tape import Tape
from warp.adjoint.variant import Asked, Base, Changeable, Unchangeable, V
from warp.case import case as cases
from warp.case.case import Case
from warp.errors import WarpError
from warp.machine import device as devices
from warp.machine.device import Device
from warp.results.file import Result
from warp.results.metrics.solved import Solved
from warp.run import process
from warp.run.grids import common_grid
from warp.run.kernels import compile_for
from warp.run.load_step import NO_RESIDUAL, TOLERANCE, OnProgress
from warp.run.stage_model import enter
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.load import mean_temperature
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.operator import Body, moduli
from warp.solvers.elastic.operator import Operator as ElasticOperator
from warp.solvers.elastic.rigid import rising_motions
from warp.solvers.elastic.stress import stress
from warp.solvers.heat.operator import CONDUCTIVITY, varying
from warp.solvers.heat.solve import solve_steady
from warp.solvers.krylov import Control
from warp.voxels.grid import voxel_volumes
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray
ADJOINT = 1e-5
"""Relative residual of adjoint solves: a gradient is as near to that of the exact solution as its
residual times what the load and a change of inputs have in common, far less than 1e-5 of it."""
TEN_KELVIN = 10.0
PPM, CUBIC_MILLIMETRE = 1e-6, 1e-9


@dataclass(frozen=True)
class Effect:
    """How a metric follows one input.

    value in `unit`; derivative: metric per unit, None where there is none, for the `reason`;
    change: of the metric by 10 % of the value, by 10 K for a temperature on a scale.
    """

    key: str
    value: float
    unit: str
    derivative: float | None
    change: float | None
    per: str
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Gradient:
    """A metric, its effects in the order of the inputs, and its fields per voxel.

    used: how extremes were treated. residual: the largest relative residual of the adjoint solves,
    which limits the derivatives. stiffness, expansion (nz, ny, nx): change of the metric by the
    relative stiffness of each voxel, and by an expansion of 1 ppm in all directions, per mm3.
    """

    metric: str
    unit: str
    value: float
    used: str
    effects: list[Effect]
    stiffness: Array | None = None
    expansion: Array | None = None
    residual: float = ADJOINT

    @property
    def change_unit(self) -> str:
        """Return the unit of changes: temperatures in degC change by K."""
        return "K" if self.unit == "degC" else self.unit

    @cached_property
    def strongest(self) -> list[Effect]:
        """Return the effects that are not zero, the largest change first."""
        least = 1e-9 * max((abs(e.change or 0.0) for e in self.effects), default=0.0)
        found = [e for e in self.effects if e.change is not None and abs(e.change) > least]
        return sorted(found, key=lambda e: -abs(e.change or 0.0))

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the fields, ready for JSON."""
        return {
            "metric": self.metric,
            "unit": self.unit,
            "change_unit": self.change_unit,
            "value": self.value,
            "used": self.used,
            "residual": self.residual,
            "inputs": [vars(effect) for effect in self.effects],
        }


def of_result(
    result: Result,
    metrics: Sequence[str],
    device: str | Device = "auto",
    on_progress: OnProgress | None = None,
    *,
    maps: bool = False,
    together: Sequence[Sequence[str]] = (),
    keys: Sequence[str] | None = None,
    tape: Tape | None = None,
) -> list[Gradient]:
    """Differentiate metrics of a result by all inputs of its case; WarpError where it cannot.

    metrics: names as in `measures`. together: as in `inputs`. keys: the only inputs that are
    wanted. tape: of the process when it was solved; without one it is solved again. The materials
    and pictures that the case names must be as they were.
    """
    say = Residuals(on_progress or _ignore)
    device = device if isinstance(device, Device) else devices.select(device)
    case = case_of(result)
    compile_for(case, device, say)
    wish = Wish(metrics, maps, together, keys)
    if case.has_steps:
        if tape is None:
            tape = Tape(case)
            process.solve(case, device, say.on_progress, on_state=tape)
        found_back = _of_process(HistoryPoint.of(tape.case, tape, device, say, ADJOINT), wish)
        return [replace(one, residual=say.largest) for one in found_back]
    point = Point.of(case, result, device, say)
    wanted = [measure(name, point.solved) for name in metrics]
    found = [point.derivatives(one, maps) for one in wanted]
    say("inputs", 0, NO_RESIDUAL)
    linear = point.linear([derivatives for _, derivatives in found])
    effects = wish.effects(linear, point.base)
    volume = voxel_volumes(point.model.grid) if maps else None
    return [
        Gradient(
            metric=one.name,
            unit=one.unit,
            value=by.value,
            used=by.used,
            effects=effects[n],
            stiffness=_per_volume(derivatives.elastic, "stiffness", volume, 1.0),
            expansion=_per_volume(derivatives.elastic, "expansion", volume, PPM),
            residual=say.largest,
        )
        for n, (one, (by, derivatives)) in enumerate(zip(wanted, found, strict=True))
    ]


@dataclass
class Residuals:
    """Progress that notes the last residual of every adjoint solve."""

    on_progress: OnProgress
    last: dict[str, float] = field(default_factory=dict)

    def __call__(self, stage: str, iteration: int, residual: float) -> None:
        """Note a residual, and pass it on."""
        if residual == residual and (stage.startswith("adjoint") or stage.endswith("backwards")):
            self.last[stage] = residual
        self.on_progress(stage, iteration, residual)

    @property
    def largest(self) -> float:
        """Return the largest of the last residuals; 0 where nothing had to be solved."""
        return max(self.last.values(), default=0.0)


@dataclass(frozen=True)
class Wish:
    """What is differentiated: metrics by name, inputs, and whether fields are wanted, too."""

    metrics: Sequence[str]
    maps: bool
    together: Sequence[Sequence[str]]
    keys: Sequence[str] | None

    def effects(self, linear: Differential[V], base: Changeable[V]) -> list[list[Effect]]:
        """Return the effects of the wanted inputs on each metric."""
        found = inputs(base, self.together)
        if self.keys is not None:
            found = [one for one in found if one.key in self.keys]
        return effects_of(linear, found, base.unchanged)


def _of_process(point: HistoryPoint, wish: Wish) -> list[Gradient]:
    """Differentiate metrics of a process."""
    wanted = [point.wanted(name) for name in wish.metrics]
    values, linear, ways = point.linear(wanted, wish.maps)
    point.say("inputs", 0, NO_RESIDUAL)
    effects = wish.effects(linear, point.base)
    found = []
    for n, (one, by) in enumerate(zip(wanted, values, strict=True)):
        maps = point.maps(ways[n]) if wish.maps else (None, None)
        found.append(Gradient(one.name, one.measure.unit, by.value, by.used, effects[n], *maps))
    return found


def case_of(result: Result) -> Case:
    """Read the case of a result again; WarpError for what cannot be differentiated."""
    info = result.provenance
    case = cases.parse(result.case, Path(info.get("case_file", "case.toml")), info.get("overrides"))
    refuse(case)
    return case


class Differential(Protocol[Asked]):
    """The change of metrics by variants of what was solved, to first order."""

    @property
    def count(self) -> int: ...

    def change(self, plus: Asked, minus: Asked) -> Array:
        """Return the change (metrics,) from one variant to another."""


def effects_of(linear: Differential[V], found: Sequence[Input[V]], solved: V) -> list[list[Effect]]:
    """Return the effects of inputs on each metric; solved: the case itself."""
    effects: list[list[Effect]] = [[] for _ in range(linear.count)]
    for one in found:
        reason = ""
        slopes: list[float | None] = [None] * len(effects)
        try:
            above = one.make(one.value + one.step)
            below = solved if one.one_sided else one.make(one.value - one.step)
            width = one.step if one.one_sided else 2 * one.step
            slopes = [float(change) / width for change in linear.change(above, below)]
        except Unchangeable as error:
            reason = str(error)
        size = TEN_KELVIN if one.is_temperature else 0.1 * one.value
        per = "10 K" if one.is_temperature else "10 %"
        for n, slope in enumerate(slopes):
            change = None if slope is None else slope * size
            effects[n].append(Effect(one.key, one.value, one.unit, slope, change, per, reason))
    return effects


@dataclass(frozen=True, eq=False)
class Point:
    """A solved case with its operators: the point at which metrics are differentiated.

    temperature: of the body in K, one or (nz, ny, nx); mean (media,): of each medium.
    """

    base: Base
    solved: Solved
    temperature: float | Array
    mean: Array
    device: Device
    say: OnProgress

    @classmethod
    def of(cls, case: Case, result: Result, device: Device, say: OnProgress) -> Point:
        """Take the fields of a result; WarpError if they are not those of the case."""
        say("grid and voxels", 0, NO_RESIDUAL)
        step = case.load_steps[-1]
        model = enter(case, step, common_grid(case)).voxels
        if not np.array_equal(model.ids, result.ids):
            raise WarpError("files that the case names have changed since this result was solved")
        warps = not case.heat_alone
        for name, needed in (("displacement", warps), ("temperature", case.heated)):
            if needed and name not in result.fields:
                raise WarpError(f"this result has no {name} field: add it to output.fields")
        field = np.array(result.temperature) if case.heated else None
        given = case.loads.temperature
        temperature: float | Array
        if given is None:
            assert field is not None
            temperature = field
        else:
            temperature = given
        base = Base(case, model)
        variant = base.unchanged
        solved = Solved(
            model,
            field,
            np.array(result.displacement) if warps else None,
            zones=case.zones,
            terminals=case.terminals,
            power=variant.power,
            ambient=variant.ambient,
        )
        mean = mean_temperature(model, temperature)
        return cls(base, solved, temperature, mean, device, say)

    @property
    def model(self) -> VoxelModel:
        """Return the voxels."""
        return self.base.model

    def linear(self, found: Sequence[Derivatives]) -> Linear:
        """Return the point with the derivatives of metrics."""
        heated = self.heated if any(d.heat is not None for d in found) else None
        stressed = any(d.edges is not None for d in found)
        solved = self._stressed if stressed else self.solved
        return Linear(self.model, solved, self.mean, heated, found)

    @cached_property
    def operator(self) -> ElasticOperator:
        """Return the elastic operator of the solve."""
        return ElasticOperator(Body(self.model, self.device, moduli(self.model, self.mean)))

    @cached_property
    def motion(self) -> Kinematics:
        """Return the strains of displacements."""
        return Kinematics(self.model, self.operator.body)

    @cached_property
    def _state(self) -> State:
        """Return the strains of the solved displacement."""
        assert self.solved.displacement is not None
        cells, edges = self.motion.of(self.solved.displacement)
        start = State.start(self.model.ids.shape)
        return replace(start, solid=self.model.ids > 0, strain=cells, shear=edges)

    @cached_property
    def _edge_forces(self) -> Array:
        """Return the forces of the edges between four voxels."""
        found = -forces(self.motion, Strains(self._state.strain, self._state.shear)).edges
        found.reshape(-1)[self.motion.lateral] = 0.0
        return found

    @cached_property
    def _stressed(self) -> Solved:
        """Return what was solved with its stress."""
        found = stress(self.model, self.temperature, self._state, self.device)
        return replace(self.solved, stress=found)

    def solved_for(self, wanted: Measure) -> Solved:
        """Return what a metric is computed from."""
        return self._stressed if isinstance(wanted, stresses.PartStress) else self.solved

    @cached_property
    def cycle(self) -> Cycle:
        """Return the V-cycle of the solve."""
        return Cycle(self.operator)

    @cached_property
    def heated(self) -> Heated:
        """Return the heat operator of the solve, solved again where conductivities vary."""
        case, model = self.base.case, self.model
        self.say("heat", 0, NO_RESIDUAL)
        solution = solve_steady(
            model,
            case.boundaries,
            case.sources,
            self.device,
            Control(TOLERANCE, lambda n, r: self.say("heat", n, r)),
        )
        varies = heat.VaryingRows.of(solution.operator, solution.temperature)
        return Heated(solution.operator, varies.mean)

    def derivatives(self, wanted: Measure, maps: bool) -> tuple[ByFields, Derivatives]:
        """Solve the adjoint equations of a metric, and differentiate both equations."""
        by = wanted.by_fields(self.solved_for(wanted))
        mechanical, by_temperature, edges = None, by.temperature, None
        if by.w is not None or by.stress is not None:
            own = None
            if by.stress is not None:
                own = stresses.pulled_back(self.motion, by.stress)
                edges = EdgeForces(self.motion, self._edge_forces)
            mechanical = self._mechanical(wanted.name, by.w, own, maps)
            if mechanical.temperature is not None:
                by_temperature = mechanical.temperature
        if by_temperature is None:
            return by, Derivatives(wanted, mechanical, None, None, edges)
        thermal, warmth = self._thermal(wanted.name, by_temperature)
        return by, Derivatives(wanted, mechanical, thermal, warmth, edges)

    def _mechanical(
        self, name: str, by_w: Array | None, own: Strains | None, maps: bool
    ) -> elastic.Partials:
        """Solve the elastic adjoint; return the derivatives, by temperature through C(T), too."""
        A, (nx, _, _) = self.operator, self.operator.n
        load = np.zeros(A.shape)
        if by_w is not None:
            load[2, ..., 1 : nx + 2] = by_w
        if own is not None:
            load += self.motion.transposed(forces(self.motion, own))
        attainable.balance(load, rising_motions(self.model))
        self.say(f"adjoint of {name}", 0, NO_RESIDUAL)
        control = Control(ADJOINT, lambda n, r: self.say(f"adjoint of {name}", n, r))
        equation = "adjoint of thermo-elasticity"
        x = attainable.solve(self.device, equation, A.apply, self.cycle, load, control)
        adjoint = np.ascontiguousarray(self.device.to_host(x)[..., 1 : nx + 2])
        assert self.solved.displacement is not None
        found = elastic.partials(
            self.model, A.body, self.temperature, self.solved.displacement, adjoint, maps, own
        )
        if found.temperature is not None:
            self._through_stiffness(found)
        return found

    def _through_stiffness(self, found: elastic.Partials) -> None:
        """Add the derivative by temperature through the stiffness at each medium's mean."""
        assert found.temperature is not None and isinstance(self.temperature, np.ndarray)
        model, count = self.model, len(self.model.media)
        above, below = (moduli(model, self.mean + h) for h in (heat.SLOPE, -heat.SLOPE))
        by_mean = (found.normal * (above.normal - below.normal)).sum(axis=1)
        by_mean += (found.shear * (above.shear - below.shear)).sum(axis=1)
        volumes = voxel_volumes(model.grid)
        volume = np.bincount(model.ids.reshape(-1), volumes.reshape(-1), count)
        share = heat.per_volume(by_mean / (2 * heat.SLOPE), volume)
        found.temperature += share[model.ids] * volumes
        heat.add_mean_lines(model.grid, model.ids, share, self.mean, self.temperature, found.lines)

    def _thermal(self, name: str, by_temperature: Array) -> tuple[heat.Partials, Array]:
        """Solve the adjoint of heat; return the derivatives and the adjoint temperature."""
        A = self.heated.operator
        field = self.solved.temperature
        assert field is not None
        varies = None
        if varying(self.model, CONDUCTIVITY).any():
            varies = heat.VaryingRows.of(A, field)
        self.say(f"adjoint of heat for {name}", 0, NO_RESIDUAL)
        adjoint = heat.solve(A, field, by_temperature, Control(ADJOINT), varies)
        found = heat.partials(A, field, adjoint)
        if varies is not None:
            varies.add_lines(A, varies.by_mean(found), field, found.lines)
        return found, adjoint


def _per_volume(
    found: elastic.Partials | None, name: str, volume: Array | None, scale: float
) -> Array | None:
    """Return a field of derivatives per mm3, times `scale`."""
    if found is None or volume is None:
        return None
    field: Array = getattr(found, name) * (scale * CUBIC_MILLIMETRE / volume)
    return field


def _ignore(stage: str, iteration: int, residual: float) -> None:
    """Report no progress."""
