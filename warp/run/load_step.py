"""Solve one load step: heat where it flows, then thermo-elasticity, then stress.

    div(k grad T) + q = 0                          the temperature field, steady or after some time
    div C(T) (strain - thermal_strain(T, T0)) = 0  the displacement at that field or at one
                                                   temperature everywhere

Deformation does not change the heat flow, unless the case names bond lines (`bond_lines`).
Temperature decides stiffness and free strain; each part counts its strain from its own stress-free
temperature T0. Where nothing carries the package it floats: rigid motion is projected out.
Where a material relaxes, a load step is as many solves as that needs (`substeps`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from warp.case.case import Case
from warp.case.plan import LoadStep
from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.run import bond_lines
from warp.run.stage_model import StageModel
from warp.solvers.elastic.history import incremental, substeps
from warp.solvers.elastic.history.maxwell import relaxations
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.history.substeps import OnPart
from warp.solvers.elastic.solve import Solution as ElasticSolution
from warp.solvers.elastic.solve import solve as solve_elastic
from warp.solvers.elastic.stress import stress_on_device
from warp.solvers.krylov import Control
from warp.units import ZERO_CELSIUS
from warp.voxels.voxelize import VoxelModel

if TYPE_CHECKING:
    from warp.solvers.elastic.large_deflection.shape import Bent, Principal
    from warp.solvers.heat.solve import Solution as HeatSolution

OnProgress = Callable[[str, int, float], None]
"""Called with (stage of the run, iteration, residual): iteration 0 when a stage begins, and a
residual of NaN where it has none."""
OnShare = Callable[[float, float], None]
"""Called with the range of a load step, as shares of it, that what is solved next will fill."""
NO_RESIDUAL = float("nan")
TOLERANCE = 1e-8
"""Of the true relative residual; 1e-6 would already fix the warpage to 5e-6, 1e-8 proves it."""


@dataclass(frozen=True, eq=False)
class Start:
    """What a load step starts from.

    state: of the body, `State.start` before the first step.
    temperature: in K, one or (nz, ny, nx).
    """

    state: State
    temperature: float | np.ndarray


@dataclass(frozen=True, eq=False)
class Fields:
    """Fields at the end of a load step.

    temperature: of the body, in K, one or (nz, ny, nx). heat_field: (nz, ny, nx) in K, None where
    no heat flows; a case may bend at one temperature and report this field.
    displacement (3, nz+1, ny+1, nx+1) in m, without rigid motion, None where only heat is solved;
    on the device in a case without steps, if it has room.
    stress (6, nz, ny, nx) in Pa on the device, None except at the end of a step.
    """

    temperature: float | np.ndarray
    heat_field: np.ndarray | None
    displacement: Array | None
    stress: Array | None


@dataclass(frozen=True, eq=False)
class Solved:
    """A solved load step; `elastic` is None where only heat is solved.

    bond_lines: thickness and its change, see `bond_lines.changes`. large_deflection: what
    `metrics.large_deflection` declares, empty in runs by linear theory.
    """

    fields: Fields
    elastic: ElasticSolution | None
    heat: HeatSolution | None
    bond_lines: dict[str, Any] = field(default_factory=dict)
    large_deflection: dict[str, Any] = field(default_factory=dict)

    @property
    def solutions(self) -> dict[str, ElasticSolution | HeatSolution]:
        """Return the solutions by their solver's name, in the order in which they were made."""
        found: dict[str, ElasticSolution | HeatSolution] = {}
        if self.heat is not None:
            found["heat"] = self.heat
        if self.elastic is not None:
            found["elastic"] = self.elastic
        return found


@dataclass(frozen=True)
class Calls:
    """What a load step calls while it is solved."""

    progress: OnProgress
    part: OnPart
    share: OnShare


def _ignore(first: float, last: float) -> None:
    """Take no shares."""


def label(load_step: LoadStep, solver: str) -> str:
    """Name the stage of a run for progress bars: the step of the process, else the solver."""
    if not load_step.name:
        return solver
    step = f"{load_step.step + 1}. {load_step.name}"
    return f"{step}: heat" if solver == "heat" else step


def described(load_step: LoadStep) -> str:
    """Name a load step of a process at the beginning of an error about it, with its temperature."""
    if not load_step.name:
        return ""
    T = load_step.temperature
    state = "under power" if T is None else f"at {T - ZERO_CELSIUS:g} degC"
    return f"step {load_step.step + 1} ({load_step.name}) {state}: "


def solve(
    case: Case,
    load_step: LoadStep,
    stage: StageModel,
    start: Start,
    device: Device,
    on_progress: OnProgress,
    on_part: OnPart = substeps.ignore,
    on_share: OnShare | None = None,
) -> Solved:
    """Solve a load step; raise ConvergenceError where a solver misses TOLERANCE."""
    heat = partial(_heat, load_step, stage, device, on_progress)
    if case.heat_alone:
        solved_heat = heat()
        field_alone = Fields(solved_heat.temperature, solved_heat.temperature, None, None)
        return Solved(field_alone, None, solved_heat)
    call = Calls(on_progress, on_part, on_share or _ignore)
    displace = partial(_displacement, case, load_step, stage, start, device, call)
    warm: HeatSolution | None
    lines: dict[str, Any] = {}
    temperature: float | np.ndarray
    if case.bond_lines:
        coupled = bond_lines.solve(stage.voxels, case.bond_lines, heat, displace)
        warm, solution, temperature = coupled.heat, coupled.elastic, coupled.heat.temperature
        parts = bond_lines.changes(stage.voxels, case.bond_lines, coupled.stretch)
        lines = {"bond_lines": {"rounds": len(coupled.changes), "parts": parts}}
    else:
        warm = heat() if load_step.solves_heat else None
        temperature = _temperature(load_step, stage, start, warm, device)
        solution = displace(temperature)
    on_progress(label(load_step, "numbers"), 0, NO_RESIDUAL)
    if warm is not None:
        heat_field: np.ndarray | None = warm.temperature
    else:
        heat_field = temperature if isinstance(temperature, np.ndarray) else None
    displacement = solution.displacement if case.has_steps else solution.moved
    stresses = None
    if load_step.last:
        stresses = stress_on_device(stage.voxels, temperature, solution.state, device)
    bent = shape_numbers(case, stage.voxels, solution, start.temperature, temperature)
    fields = Fields(temperature, heat_field, displacement, stresses)
    return Solved(fields, solution, warm, lines, bent)


def shape_numbers(
    case: Case,
    model: VoxelModel,
    solution: ElasticSolution,
    before: float | np.ndarray,
    after: float | np.ndarray,
) -> dict[str, Any]:
    """Return what `metrics.large_deflection` declares, for a step between two temperatures in K."""
    if not case.large_deflection:
        return {}
    from warp.solvers.elastic.large_deflection import solve as large_deflection

    if not isinstance(solution, large_deflection.Solution):
        from warp.solvers.elastic.large_deflection.shape import curvatures

        return {"theory": "linear", **_shape(curvatures(model, solution.displacement))}
    bent = solution.bent
    change = None
    if bent.critical and not isinstance(before, np.ndarray) and not isinstance(after, np.ndarray):
        change = bent.critical[0] * (after - before)
    return {
        "theory": "moderate rotations",
        **_shape(bent.principal),
        "linear_curvature_per_m": bent.linear.first,
        "linear_curvature_across_per_m": bent.linear.second,
        "critical_percent": 100 * bent.critical[0] if bent.critical else None,
        "critical_change_K": change,
        "branch": bent.branch or None,
        "other_energy_percent": None if bent.other is None else 100 * bent.other,
        "jump_um": 1e6 * bent.jump if bent.critical else None,
        "stability": bent.stability,
        "slope": bent.slope,
        "increments": bent.increments,
    }


def _shape(principal: Principal) -> dict[str, Any]:
    return {
        "shape": principal.kind,
        "axis_deg": float(np.degrees(principal.angle)),
        "curvature_per_m": principal.first,
        "curvature_across_per_m": principal.second,
    }


def _heat(
    load_step: LoadStep,
    stage: StageModel,
    device: Device,
    on_progress: OnProgress,
    stretch: np.ndarray | None = None,
) -> HeatSolution:
    """Solve steady conduction; `stretch` as in `bond_lines`."""
    from warp.solvers.heat import convection

    name = label(load_step, "heat")
    on_progress(name, 0, NO_RESIDUAL)
    sources = stage.assembly.sources if load_step.powered else []
    on_iteration = partial(on_progress, name)
    boundaries = stage.assembly.boundaries
    control = Control(TOLERANCE, on_iteration)
    return convection.solve(stage.voxels, boundaries, sources, device, control, stretch)


def _temperature(
    load_step: LoadStep,
    stage: StageModel,
    start: Start,
    warm: HeatSolution | None,
    device: Device,
) -> float | np.ndarray:
    """Return the body's temperature in K at the end of a load step, one or a field."""
    if load_step.temperature is not None:
        return load_step.temperature
    if warm is not None:
        return warm.temperature
    if load_step.at_rest:
        return start.temperature
    from warp.solvers.heat import transient

    sources = stage.assembly.sources if load_step.powered else []
    boundaries = stage.assembly.boundaries
    schedule = transient.Schedule(start.temperature, load_step.duration)
    passed = transient.solve(stage.voxels, boundaries, sources, device, schedule)
    return passed.frames[-1][1]


def _displacement(
    case: Case,
    load_step: LoadStep,
    stage: StageModel,
    start: Start,
    device: Device,
    call: Calls,
    temperature: float | np.ndarray,
) -> ElasticSolution:
    """Solve for the displacement, in several solves where that takes them.

    Substeps where a material relaxes (`substeps`), parts of the way where one of the incremental
    law changes its stiffness (`incremental`).
    """
    name, model = label(load_step, "elastic"), stage.voxels
    laws = relaxations(model)
    extent = max(float(line[-1] - line[0]) for line in (model.grid.x, model.grid.y, model.grid.z))
    begin = incremental.start_temperature(model, start.state.solid, start.temperature)
    way = substeps.Interval(begin, temperature, load_step.duration)
    ends = incremental.fractions(model, begin, temperature)
    shared = case.has_steps or len(ends) > 1
    wanted = None
    if case.large_deflection:
        from warp.solvers.elastic.large_deflection import solve as large_deflection

        when: Literal["auto", "always"] = "auto" if case.large_deflection == "auto" else "always"
        wanted = large_deflection.Wanted(when, case.branch)
    iterations, seconds = 0, 0.0
    bent: dict[tuple[float, float], Bent] = {}
    passed: list[tuple[float, float]] = []
    trials = bool(laws) and load_step.duration > 0  # substeps, of which some do not count

    def advance(part: substeps.Interval, state: State) -> ElasticSolution:
        nonlocal iterations, seconds
        call.progress(name, 0, NO_RESIDUAL)
        control = Control(TOLERANCE, partial(call.progress, name))

        def fill(first: float, last: float) -> None:
            if not trials:
                length = part.last - part.first
                call.share(part.first + first * length, part.first + last * length)

        fill(0.0, 1.0 if wanted is None else 0.0)
        cache = stage.cycle_cache if shared else None
        if wanted is not None:
            solution = large_deflection.solve(
                model,
                part.end,
                device,
                state,
                control,
                wanted=wanted,
                start=part.start,
                duration=part.duration,
                support=load_step.support,
                cycle_cache=cache,
                on_increment=fill,
            )
            if isinstance(solution, large_deflection.Solution):
                bent[part.first, part.last] = solution.bent
        else:
            solution = solve_elastic(
                model,
                part.end,
                device,
                state,
                control,
                duration=part.duration,
                support=load_step.support,
                cycle_cache=cache,
                start=part.start,
            )
        iterations, seconds = iterations + solution.iterations, seconds + solution.seconds
        return solution

    def counts(part: substeps.Interval, after: State) -> None:
        passed.append((part.first, part.last))
        call.share(part.last, part.last)
        call.part(part, after)

    state, done = start.state, 0.0
    for end in ends:
        part = way.between(done, end)
        if trials and part.duration:
            solution = substeps.solve(advance, laws, state, part, extent, counts)
        else:
            solution = advance(part, state)
            counts(part, solution.state)
        state, done = solution.state, end
    solution = replace(solution, iterations=iterations, seconds=seconds)
    if wanted is not None and isinstance(solution, large_deflection.Solution):
        followed = [(*ends, bent[ends]) for ends in passed if ends in bent]
        solution = replace(solution, bent=solution.bent.of_parts(followed))
    return solution
