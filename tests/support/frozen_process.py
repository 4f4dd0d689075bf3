"""Solve a process with changed inputs on the voxels and rows of another: frozen topology.

As `frozen` does it for a case without steps, for central differences.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from frozen import TIGHT

from warp.adjoint.course import Course
from warp.adjoint.history import HistoryPoint, Wanted
from warp.adjoint.inputs import Input, inputs
from warp.adjoint.tape import Tape
from warp.case.case import Case
from warp.machine.device import Device
from warp.run import flat_parts, process
from warp.run.grids import cut_grid
from warp.solvers.elastic.history import material_change
from warp.solvers.elastic.history.incremental import start_temperature
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.multigrid.cycle_cache import CycleCache
from warp.solvers.elastic.solve import solve
from warp.solvers.elastic.stress import stress
from warp.solvers.heat.solve import solve_steady
from warp.solvers.krylov import Control

NOISE = 1e-11
"""Of a metric: round-off of the solves, below which a central difference says nothing."""


def point(case: Case, device: Device) -> HistoryPoint:
    """Solve a process and take the point at which it is differentiated."""
    tape = Tape(case)
    process.solve(case, device, on_state=tape)
    return HistoryPoint.of(case, tape, device, lambda *_: None, TIGHT)


def solved(
    at: HistoryPoint, course: Course, wanted: Sequence[Wanted], caches: dict[int, CycleCache]
) -> list[float]:
    """Solve a course forwards; return the metrics. caches: V-cycles of other courses, by stage."""
    found: dict[int, float] = {}
    state, before = None, None
    for n, one in enumerate(at.steps):
        variant, base = course.variants[n], one.stage.voxels
        materials = [variant.rows.get(row, m) for row, m in enumerate(base.media.materials)]
        media = replace(base.media, materials=materials, stress_free=variant.stress_free)
        model = replace(base, grid=variant.grid(base.grid), media=media)
        state = _carried(at, n, before, model, state, variant.temperature)
        cache = caches.setdefault(id(one.stage), CycleCache())
        T = variant.temperature
        if T is None:
            contacts, sources = variant.boundaries, variant.sources
            T = solve_steady(model, contacts, sources, at.device, Control(TIGHT)).temperature
        state = solve(
            model,
            T,
            at.device,
            state,
            Control(TIGHT),
            duration=variant.duration,
            support=one.step.support,
            cycle_cache=cache,
            start=start_temperature(model, state.solid, variant.before or 0.0),
        )
        state, before = state.state, model
        for number, metric in enumerate(wanted):
            if metric.at == n:
                fields = replace(
                    metric.solved,
                    model=model,
                    temperature=T if variant.temperature is None else None,
                    power=variant.power,
                    ambient=variant.ambient,
                    displacement=state.displacement,
                    zones=variant.zones,
                    stress=stress(model, T, state, at.device),
                )
                found[number] = metric.measure.value(fields)
    return [found[n] for n in range(len(wanted))]


def _carried(at, n, before, model, state, T) -> State:
    """Carry a state to the voxels of load step n."""
    if state is None:
        return State.start(model.ids.shape)
    step, old = at.steps[n].step, at.steps[n - 1].step
    if step.stage.unit is not None and step.stage.unit != old.stage.unit:
        return state.cropped(cut_grid(at.steps[n - 1].stage.voxels.grid, step.stage.unit)[1])
    if step.attached and step.stage != old.stage:
        taken = material_change.replaced(before, model, step.attached)
        state = state.without(taken) if taken.any() else state
        state = material_change.stiffened(state, before, model, T, at.device)
        joined = flat_parts.join(at.case, step, state, model)
        return state if joined is None else joined.new
    return state


def check(
    at: HistoryPoint,
    names: Sequence[str],
    keys: Iterable[str],
    tolerance: float = 1e-4,
    share: float = 1.0,
):
    """Compare derivatives of metrics by some inputs with central differences of whole processes.

    share: of the usual step of the differences, where metrics bend more than usual.
    """
    wanted = [at.wanted(name) for name in names]
    _, linear, _ = at.linear(wanted)
    by_key = {one.key: one for one in inputs(at.base)}
    caches: dict[int, CycleCache] = {}
    for key in keys:
        one = by_key[key]
        below = at.base.unchanged if one.one_sided else one.make(one.value - one.step)
        width = one.step * (1 if one.one_sided else 2)
        exact = linear.change(one.make(one.value + one.step), below) / width
        h = share * _step(one)
        sides = [solved(at, one.make(one.value + sign * h), wanted, caches) for sign in (1, -1)]
        for n, name in enumerate(names):
            right = (sides[0][n] - sides[1][n]) / (2 * h)
            noise = NOISE * abs(sides[0][n]) / h
            assert exact[n] == pytest.approx(right, rel=tolerance, abs=noise), (key, name)


def _step(one: Input) -> float:
    """Return a change that is far above round-off, and small beside what bends."""
    if one.key.endswith("relaxation.reference"):
        return 0.015  # all relaxation times change by a factor in a few K
    if one.is_temperature:
        return 0.05
    relative = 2e-4 if one.key.startswith(("part", "step")) else 5e-3
    return max(relative * abs(one.value), one.step)
