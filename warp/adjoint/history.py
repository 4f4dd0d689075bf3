"""The gradient of metrics of a process: its load steps backwards, with one solve each per metric.

A state is linear in the one before (`backwards`, `carried`), so the derivatives of a metric by the
last state go back through the load steps to the first. Each solve has the operator and the kind of
load of its load step; where stiffness does not change, there is nothing left to solve. Metrics go
back together: operators and V-cycles are built once for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from warp.adjoint import attainable
from warp.adjoint.backwards import Costate, StepBack
from warp.adjoint.by_fields import ByFields
from warp.adjoint.carried import Cut, Filled
from warp.adjoint.course import ProcessBase, completed, planned
from warp.adjoint.elastic import Form, forces
from warp.adjoint.elastic_partials import Partials
from warp.adjoint.linear import Derivatives, EdgeForces, Linear
from warp.adjoint.measures import measure, placed
from warp.adjoint.pressed import Pressed
from warp.adjoint.refused import NoGradient
from warp.adjoint.relaxed_stress import RelaxedStress
from warp.adjoint.states import States
from warp.adjoint.strains import Kinematics, Strains
from warp.adjoint.stresses import PartStress, pulled_back
from warp.adjoint.tape import Recorded, Tape
from warp.adjoint.thermal import Thermal, through_stiffness
from warp.adjoint.ways import HistoryLinear, Part, Wanted, Way
from warp.case.case import Case
from warp.case.plan import Stage
from warp.errors import WarpError
from warp.machine.device import Device
from warp.results.metrics.solved import Solved
from warp.run import numbers
from warp.run.grids import cut_grid
from warp.run.load_step import NO_RESIDUAL, OnProgress
from warp.solvers.elastic.clamp import held_indices
from warp.solvers.elastic.load import mean_temperature
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.multigrid.cycle_cache import CycleCache
from warp.solvers.elastic.operator import Body, moduli
from warp.solvers.elastic.rigid import rising_motions
from warp.solvers.elastic.stress import stress
from warp.solvers.krylov import Control
from warp.voxels.grid import voxel_volumes
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray
PPM, CUBIC_MILLIMETRE = 1e-6, 1e-9
LOAD_STEP = "load step "


@dataclass(frozen=True, eq=False)
class HistoryPoint:
    """A solved process with its states: the point at which metrics are differentiated.

    case, steps: in the load steps of `course.planned`. tape: holds their states.
    """

    case: Case
    steps: Sequence[Recorded]
    tape: Tape
    device: Device
    say: OnProgress
    tolerance: float

    @classmethod
    def of(
        cls, case: Case, tape: Tape, device: Device, say: OnProgress, tolerance: float
    ) -> HistoryPoint:
        """Take the states of a process that was solved; tolerance: of the adjoint solves."""
        if any(one.field is not None and one.step.temperature is not None for one in tape.steps):
            raise NoGradient(
                "a part of the incremental law joins at another temperature than it is free of "
                "stress at, and its stiffness changes on the way: no gradient yet; the total law "
                "has one"
            )
        whole = planned(case, case.stages)
        steps = completed(whole, tape.steps, device)
        found = cls(whole, steps, tape, device, say, tolerance)
        if steps[0].path != tape.steps[0].path:
            found.states.follow_the_first()
        return found

    @cached_property
    def states(self) -> States:
        """Return the states after all solves."""
        return States(self.case, self.steps, Path(self.tape.folder.name), self.device)

    @cached_property
    def base(self) -> ProcessBase:
        """Return what inputs are changed in."""
        return ProcessBase(self.case, self.steps)

    def wanted(self, name: str) -> Wanted:
        """Read "METRIC" or "METRIC at STEP": a step's name, a temperature, or "load step 3"."""
        text, _, place = (part.strip() for part in name.partition(" at "))
        at = self._number(place) if place else len(self.steps) - 1
        one = self.steps[at]
        solved = self.solved(one)
        found = Wanted(measure(text, solved), at, solved, name.strip())
        return self._stressed(found) if isinstance(found.measure, PartStress) else found

    def _stressed(self, wanted: Wanted) -> Wanted:
        """Return a metric with the stress that it depends on."""
        one = self.steps[wanted.at]
        model, state = one.stage.voxels, one.state()
        T = mean_temperature(model, one.part.end)
        motion = Kinematics(model, Body(model, self.device, moduli(model, T)))
        edges = -forces(motion, Strains(state.strain, state.shear)).edges
        found = stress(model, one.part.end, state, self.device)
        edges.reshape(-1)[motion.lateral] = 0.0
        relaxed = None
        if len(state.memory.voxels):
            relaxed = RelaxedStress.of(motion, state, one.temperature)
            edges.reshape(-1)[relaxed.edges] = relaxed.forces
        return replace(
            wanted,
            solved=replace(wanted.solved, stress=found),
            motion=motion,
            edges=EdgeForces(motion, edges),
            relaxed=relaxed,
        )

    def _number(self, place: str) -> int:
        """Return the number of the last load step of a name or at a temperature."""
        steps = self.steps
        if place.startswith(LOAD_STEP) and place.removeprefix(LOAD_STEP).isdecimal():
            return self._solved_number(int(place.removeprefix(LOAD_STEP)))
        ends = [one.temperature if one.ends and one.field is None else None for one in steps]
        return placed(place, [one.step.name for one in steps], ends)

    def _solved_number(self, number: int) -> int:
        """Return the number of a load step by that among those that were solved, from 1."""
        solved = [one.path for one in self.tape.steps if one.ends]
        if not 1 <= number <= len(solved):
            raise WarpError(f"at {LOAD_STEP}{number}: there are load steps 1 to {len(solved)}")
        return next(n for n, one in enumerate(self.steps) if one.path == solved[number - 1])

    def solved(self, one: Recorded) -> Solved:
        """Return what metrics are computed from after a load step."""
        model = one.stage.voxels
        present = one.stage.parts_on_grid
        variant = self.base.unchanged.variants[self.steps.index(one)]
        return Solved(
            model,
            one.field,
            one.displacement(),
            power=variant.power,
            ambient=variant.ambient,
            zones=numbers.zones(self.case, one.step),
            terminals=[part for part in self.case.terminals if part in present],
        )

    def linear(
        self, found: Sequence[Wanted], maps: bool = False
    ) -> tuple[list[ByFields], HistoryLinear, list[Way]]:
        """Go back through the load steps; return the metrics, and their derivatives."""
        values = [one.measure.by_fields(one.solved) for one in found]
        ways = [self._way(one, by) for one, by in zip(found, values, strict=True)]
        last = max(one.at for one in found)
        after = self.states.after(last)
        cache = CycleCache()
        for n in range(last, -1, -1):
            before, carry = self.states.before(n)
            if n < last and self._stage(n) is not self._stage(n + 1):
                cache = CycleCache()
            one = self.steps[n]
            held = held_indices(one.stage.voxels, one.step.support)
            step = StepBack(
                one.stage.voxels,
                one.part.end,
                self.device,
                before,
                after,
                held,
                one.part.duration,
                one.part.start,
                Pressed.of(one.stage.voxels, one.step.support),
            )
            for way in ways:
                if way.wanted.at >= n:
                    self._back(n, step, carry, way, cache, maps)
            after = before if carry is None else carry.state
        return values, HistoryLinear(found, self._parts(ways)), ways

    def maps(self, way: Way) -> tuple[Array, Array]:
        """Return the derivatives by stiffness and by 1 ppm of expansion per mm3 of each voxel.

        On the voxels of the load step in which the metric is measured.
        """
        model = self._stage(way.wanted.at)
        fields = np.zeros((2, *model.ids.shape))
        for stage, _, form in way.forms:
            step = self.steps[stage].step
            for field_, own in zip(
                fields, (form.found.stiffness, form.found.expansion), strict=True
            ):
                assert own is not None
                field_ += own[self._block(step.stage, self.steps[way.wanted.at].step.stage)]
        volume = voxel_volumes(model.grid) / CUBIC_MILLIMETRE
        return fields[0] / volume, PPM * fields[1] / volume

    def _block(self, stage: Stage, measured: Stage) -> tuple[slice, ...]:
        """Return the voxels of an earlier stage that a later one still has."""
        whole = slice(None), slice(None), slice(None)
        if measured.unit is None or measured.unit == stage.unit:
            return whole
        grid = self.base.grid if stage.unit is None else cut_grid(self.base.grid, stage.unit)[0]
        return cut_grid(grid, measured.unit)[1]

    def _stage(self, n: int) -> VoxelModel:
        return self.steps[n].stage.voxels

    def _way(self, one: Wanted, by: ByFields) -> Way:
        """Return the derivatives of a metric by the state that it is measured in."""
        found = Costate.zero(self.steps[one.at].state())
        if by.w is not None:
            found.displacement[2] += by.w
        own = None
        if by.stress is not None:
            assert one.motion is not None
            own = pulled_back(one.motion, by.stress)
            elastic = own
            if one.relaxed is not None:
                elastic = one.relaxed.elastic(own)
                found = replace(found, memory=one.relaxed.by_memory(own))
            cells, edges = forces(one.motion, elastic)
            found = replace(found, strain=cells, shear=edges)
        return Way(one, found, own, by.temperature)

    def _back(
        self,
        n: int,
        step: StepBack,
        carry: Cut | Filled | None,
        way: Way,
        cache: CycleCache,
        maps: bool,
    ) -> None:
        """Take a metric from the state after solve n to the one before it."""
        form, after, stressed = step.form(maps), step.after, None
        if way.own is not None and n == way.wanted.at:
            strain = form.loaded(step.motion, Strains(after.strain, after.shear))
            relaxed = way.wanted.relaxed
            own = way.own if relaxed is None else relaxed.elastic(way.own)
            if step.increment_law is not None:
                assert way.wanted.motion is not None
                stressed = Form(step.model, way.wanted.motion.body, step.T, maps)
                stressed.add(own, strain, volumes=False)
            else:
                form.add(own, strain, volumes=False)
        way.by = step.run(way.by, lambda load: self._solve(n, step, way, load, cache), form)
        if way.own is not None and n == way.wanted.at and way.wanted.relaxed is not None:
            way.wanted.relaxed.add(way.own, form)
        way.forms.append((n, n, form))
        if stressed is not None:
            way.forms.append((n, n, stressed))
        if n in self.thermals:
            self._warm(n, way, form)
        if isinstance(carry, Cut):
            way.by = carry.back(way.by)
        elif isinstance(carry, Filled):
            way.by, forms = carry.back(way.by, maps)
            way.forms += [(stage, n, f) for stage, f in zip((n - 1, n), forms, strict=False)]

    @cached_property
    def thermals(self) -> dict[int, Thermal]:
        """Return the heat equations of the solves under power."""
        found = {}
        for n, one in enumerate(self.steps):
            if one.field is not None:
                variant = self.base.unchanged.variants[n]
                equation = variant.boundaries, variant.sources, self.device, self.say
                found[n] = Thermal(one.stage.voxels, one.field, *equation)
        return found

    def _warm(self, n: int, way: Way, form: Form) -> None:
        """Take a metric through the heat equation of a solve under power."""
        one = self.steps[n]
        model, partials = one.stage.voxels, form.partials()
        through_stiffness(model, mean_temperature(model, one.part.end), one.part.end, partials)
        by_temperature = partials.temperature
        assert by_temperature is not None
        if n == way.wanted.at and way.by_temperature is not None:
            by_temperature = by_temperature + way.by_temperature
        way.thermal[n] = self.thermals[n].adjoint(way.wanted.name, by_temperature, self.tolerance)

    def _solve(self, n: int, step: StepBack, way: Way, load: Array, cache: CycleCache) -> Array:
        """Solve A mu = load as exactly as the metric's load needs."""
        A, held, free = step.A, step.held, None
        if len(held):
            load.reshape(-1)[held] = 0.0
        else:
            attainable.equilibrate(load, rising_motions(step.model))
            free = step.mechanisms
        if free is not None:
            free.leave_out(load, way.wanted.name)
        size = float(np.linalg.norm(load))
        way.size = max(way.size, size)
        tolerance = self.tolerance * way.size
        if size <= tolerance:
            return np.zeros(A.shape)
        name = f"{way.wanted.name}, step {self.steps[n].step.step + 1} backwards"
        self.say(name, 0, NO_RESIDUAL)
        share = size / way.size
        control = Control(tolerance / size, lambda n, r: self.say(name, n, share * r))
        cycle = Cycle(A) if len(held) else cache.cycle_for(A)
        x = attainable.solve(self.device, name, A.apply, cycle, load, control, None, free)
        found: Array = self.device.to_host(x)
        return found

    def _parts(self, ways: Sequence[Way]) -> list[Part]:
        """Collect the derivatives of all metrics by load step."""
        found: dict[tuple[int, int, int], list[Partials | None]] = {}
        for number, way in enumerate(ways):
            seen: dict[tuple[int, int], int] = {}
            for stage, temperature, form in way.forms:
                count = seen[stage, temperature] = seen.get((stage, temperature), -1) + 1
                key = stage, temperature, count
                found.setdefault(key, [None] * len(ways))[number] = form.partials()
        parts = []
        for (stage, temperature, _), partials in found.items():
            derivatives = [
                Derivatives(way.wanted.measure, own, *way.warmed(stage), way.wanted.edges)
                for way, own in zip(ways, partials, strict=True)
            ]
            model, at = self.steps[stage].stage.voxels, self.steps[temperature].part.end
            heated = self.thermals[stage].heated if stage in self.thermals else None
            solved = ways[0].wanted.solved
            linear = Linear(model, solved, mean_temperature(model, at), heated, derivatives)
            parts.append(Part(stage, temperature, linear))
        return parts
