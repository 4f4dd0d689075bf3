"""Solve a case: its load steps one after the other, and the result after the last.

Parts are attached, warmed, cooled and cut apart; a case without steps is a process of one load
step. Every load step of the plan (`case.plan`) begins with the body's state after the one before
(`history`): the parts of its stage are voxelised on one grid that suits all stages, new voxels are
attached to the deformed body, and those that are removed release what they carried.

    sigma = C(T) (strain since attached - thermal_strain(T, T_attached) + shrinkage)

The numbers
are those of `metrics` after every load step; the fields those of the last. A checkpoint after every
load step lets a killed process continue, with the same numbers to the last bit (on the same
device).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from warp.case.case import Case
from warp.case.plan import LoadStep
from warp.case.plates import quotable
from warp.errors import ConvergenceError
from warp.machine import compiling
from warp.machine import device as devices
from warp.machine.device import Device
from warp.results.file import Result
from warp.results.provenance import origin
from warp.run import checkpoint, flat_parts, load_step, numbers, resources, single_layers
from warp.run.checkpoint import Checkpoint
from warp.run.grids import common_grid, cut_grid
from warp.run.kernels import compile_for
from warp.run.load_step import NO_RESIDUAL, TOLERANCE, Fields, OnProgress, OnShare, Solved, Start
from warp.run.model import refuse_too_large
from warp.run.mounting import unmounted
from warp.run.stage_model import StageModel, enter
from warp.solvers.elastic.clamp import held_indices
from warp.solvers.elastic.history import finer_grid, joined, material_change
from warp.solvers.elastic.history.parents import parents
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.history.substeps import Interval
from warp.solvers.elastic.layout import bordered
from warp.solvers.elastic.multigrid import cycle_cache
from warp.solvers.elastic.rigid import remove_rigid_motion
from warp.solvers.elastic.stress import stress_on_device
from warp.voxels.grid import Grid

OnResume = Callable[[int, int], None]
"""Called with the number of load steps that a checkpoint holds, and with how many there are."""
OnState = Callable[[LoadStep, StageModel, Interval, State], None]
"""Called after every solve of a load step with its stage, the part of the load step that was
solved, and the state after it."""
OnResult = Callable[[str, Result], object]
"""Called after a load step whose fields are wanted, with the state's name and its result."""
OnStep = Callable[[int, int], None]
"""Called after each load step with the number of those done, and with how many there are."""


def solve(
    case: Case,
    device: str | Device = "auto",
    on_progress: OnProgress | None = None,
    *,
    checkpoint_path: Path | None = None,
    resume: bool = False,
    on_resume: OnResume | None = None,
    on_state: OnState | None = None,
    on_step: OnStep | None = None,
    on_share: OnShare | None = None,
    on_result: OnResult | None = None,
) -> Result:
    """Solve a case for its temperatures, displacements, stresses and numbers.

    With `checkpoint_path`, a case with steps keeps a checkpoint there, which `resume` continues
    from; the caller deletes it (`discard`) once the result is written. on_state: takes the states
    of every load step that is solved here. on_result: takes the results of the wanted states.
    Raises WarpError where the case cannot be solved, ConvergenceError where a solver misses its
    tolerance.
    """
    on_progress = on_progress or _ignore
    device = device if isinstance(device, Device) else devices.select(device)
    compile_for(case, device, on_progress)
    start = time.perf_counter()
    on_progress("grid and voxels", 0, NO_RESIDUAL)
    grid = common_grid(case)
    refuse_too_large(case, grid, device)
    run = _Run(case, device, grid, on_progress, on_state, on_share)
    path = checkpoint_path if case.has_steps else None
    before = Checkpoint(0, case.loads.stress_free)
    fingerprint = ""
    if path is not None:
        fingerprint = run.fingerprint()
        before = (checkpoint.read(path, fingerprint) if resume else None) or before
    earlier = before.seconds
    if before.done and on_resume is not None:
        on_resume(before.done, len(case.load_steps))
    if before.done and on_step is not None:
        on_step(before.done, len(case.load_steps))

    names: dict[int, list[str]] = {}
    for name, number in case.states.items():
        names.setdefault(number, []).append(name)
    stage = run.stage_after(before)
    fields: Fields | None = None
    for step in case.load_steps[before.done :]:
        fields = None  # frees the memory of the load step before
        stage, before, fields = run.advance(step, stage, before)
        if on_result is not None:
            for name in names.get(before.done - 1, ()):
                on_result(name, run.result(before, stage, fields, start - earlier))
        if on_step is not None:
            on_step(before.done, len(case.load_steps))
        if path is not None:
            seconds = earlier + time.perf_counter() - start
            checkpoint.write(path, replace(before, seconds=seconds), fingerprint)
    if fields is None:  # the checkpoint held all load steps
        fields = run.fields_after(before, stage)
    return run.result(before, stage, fields, start - earlier)


def discard(checkpoint_path: Path) -> None:
    """Delete a checkpoint that is no longer needed."""
    checkpoint_path.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Run:
    """A case on one device; `grid` serves all its stages."""

    case: Case
    device: Device
    grid: Grid
    on_progress: OnProgress
    on_state: OnState | None = None
    on_share: OnShare | None = None

    def fingerprint(self) -> str:
        """Return a hash of everything that the numbers depend on."""
        case, grid, program = self.case, self.grid, origin()
        lines = [axis.tobytes() for axis in (grid.x, grid.y, grid.z)]
        overrides = json.dumps(dict(case.overrides), sort_keys=True)
        names = program["program"], self.device.describe(), program["numpy"]
        return checkpoint.fingerprint(case.text, overrides, *names, *lines, *case.read_from_files)

    def stage_after(self, before: Checkpoint) -> StageModel:
        """Voxelise the stage at a checkpoint, or the first one."""
        steps, done = self.case.load_steps, before.done
        stage = enter(self.case, steps[max(done - 1, 0)], self.grid)
        if 0 < done < len(steps) and steps[done].stage == stage.stage:
            used = cycle_cache.restored(before.cycle, stage.voxels, self.device)
            stage = replace(stage, cycle_cache=used)
        return stage

    def advance(
        self, step: LoadStep, stage: StageModel, before: Checkpoint
    ) -> tuple[StageModel, Checkpoint, Fields]:
        """Solve one load step from the checkpoint before it; return what is after it."""
        try:
            return self._advance(step, stage, before)
        except ConvergenceError as error:
            text = f"{load_step.described(step)}{error}"
            remedy = single_layers.remedy(self.case, self.grid, step)
            raise ConvergenceError("; ".join(filter(None, [text, remedy]))) from error

    def _advance(
        self, step: LoadStep, stage: StageModel, before: Checkpoint
    ) -> tuple[StageModel, Checkpoint, Fields]:
        self.on_progress(load_step.label(step, "grid and voxels"), 0, NO_RESIDUAL)
        before = self._turned_to(step.body, before)
        state = before.state or State.start(self.grid.shape)
        start = Start(state, before.temperature)
        last = self._last(step.body, before.done)
        changed = last is not None and last.stage != step.stage
        if changed or step.bodies or step.stage != stage.stage:
            stage.cycle_cache.forget()  # frees its memory; other voxels need another one
            old, stage = stage, enter(self.case, step, self.grid)
            if last is not None and changed:
                old = old if last.stage == old.stage else enter(self.case, last, self.grid)
                start = _carried(self.case, step, old, stage, start, self.device)
            start, before = self._with_bodies(step, stage, start, before)

        def on_part(part: Interval, after: State) -> None:
            if self.on_state is not None:
                self.on_state(step, stage, part, after)

        solved = load_step.solve(
            self.case, step, stage, start, self.device, self.on_progress, on_part, self.on_share
        )
        return stage, self._noted(step, stage, before, solved), solved.fields

    def _last(self, body: str, done: int) -> LoadStep | None:
        """Return the last of the first `done` load steps that is of a body."""
        before = (one for one in reversed(self.case.load_steps[:done]) if one.body == body)
        return next(before, None)

    def _turned_to(self, body: str, before: Checkpoint) -> Checkpoint:
        """Return the checkpoint with the state of another body, that of the last one set aside."""
        last = self.case.load_steps[before.done - 1].body if before.done else body
        if last == body:
            return before
        aside = dict(before.aside)
        if before.state is not None:
            aside[last] = before.state, before.temperature
        state, temperature = aside.pop(body, (None, self.case.loads.stress_free))
        return replace(before, state=state, temperature=temperature, aside=aside)

    def _with_bodies(
        self, step: LoadStep, stage: StageModel, start: Start, before: Checkpoint
    ) -> tuple[Start, Checkpoint]:
        """Join the bodies made apart to the state at the beginning of a load step."""
        aside, state = dict(before.aside), start.state
        for body in step.bodies:
            own, _ = aside.pop(body)
            last = self._last(body, before.done)
            assert last is not None and step.temperature is not None  # planned so
            alone = enter(self.case, last, self.grid).voxels
            state = joined.joined(state, own, alone, stage.voxels, step.temperature, self.device)
        return Start(state, start.temperature), replace(before, aside=aside)

    def _noted(
        self, step: LoadStep, stage: StageModel, before: Checkpoint, solved: Solved
    ) -> Checkpoint:
        """Add a solved load step to the checkpoint before it."""
        fields = solved.fields
        found = numbers.evaluate(self.case, step, stage, fields, self.device)
        if solved.large_deflection:
            found["large_deflection"] = solved.large_deflection
        shapes = dict(before.shapes)
        if self.case.has_steps and step.last:
            shapes |= numbers.shapes(step, stage, fields, found)
        return Checkpoint(
            done=before.done + 1,
            temperature=fields.temperature,
            state=None if solved.elastic is None else solved.elastic.state,
            records=[*before.records, numbers.record(step, stage, solved, found)],
            numbers=found | solved.bond_lines,
            solvers=_work(before.solvers, solved),
            residuals={
                name: np.asarray(solution.residuals, np.float64)
                for name, solution in solved.solutions.items()
            },
            shapes=shapes,
            cycle=stage.cycle_cache.arrays(),
            aside=before.aside,
        )

    def fields_after(self, done: Checkpoint, stage: StageModel) -> Fields:
        """Return the fields of the last load step from its checkpoint."""
        state, temperature, model = done.state, done.temperature, stage.voxels
        if state is None:
            raise ValueError("a checkpoint without a state")
        U = state.on(self.device, "displacement").copy()
        held = held_indices(model, self.case.load_steps[done.done - 1].support)
        remove_rigid_motion(self.device, U, bordered(self.device, model.ids), model.grid, held)
        displacement = self.device.to_host(U)
        stresses = stress_on_device(model, temperature, state, self.device)
        heat_field = temperature if isinstance(temperature, np.ndarray) else None
        return Fields(temperature, heat_field, displacement, stresses)

    def result(self, done: Checkpoint, stage: StageModel, fields: Fields, start: float) -> Result:
        """Collect the result: fields and numbers of the last load step, records of all."""
        case = self.case
        moved = fields.displacement
        on_host = moved is None or isinstance(moved, np.ndarray)
        solutions = {
            name: SimpleNamespace(
                temperature=fields.heat_field,
                displacement=moved if on_host else self.device.to_host(moved),
                residuals=residuals,
                **done.solvers[name],
            )
            for name, residuals in done.residuals.items()
        }
        result = Result.of(
            case.record,
            stage.voxels,
            heat=solutions.get("heat"),
            elastic=solutions.get("elastic"),
            temperature=fields.heat_field,
            stress=None if fields.stress is None else self.device.to_host(fields.stress),
            numbers=done.numbers | ({"steps": done.records} if case.has_steps else {}),
            tolerances=dict.fromkeys(solutions, TOLERANCE),
            provenance={
                "case_file": str(case.path),
                "overrides": dict(case.overrides),
                "device": self.device.describe(),
                "compile_s": compiling.Waited.take(),
                "wall_s": time.perf_counter() - start,
                "peak_memory_MB": resources.peak_memory() / 1e6,
            },
        )
        if case.has_steps:
            plates = quotable(case)
            result.metrics["worst"] = numbers.worst(result, plates)
            if bare := unmounted(case, done.records, plates):
                result.metrics["unmounted"] = bare
        wanted = {name: field for name, field in result.fields.items() if name in case.fields}
        return replace(result, fields=wanted, shapes=done.shapes)


def _carried(
    case: Case, step: LoadStep, old: StageModel, new: StageModel, start: Start, device: Device
) -> Start:
    """Carry the body's state and temperature to the voxels of a new stage."""
    state, temperature = start.state, start.temperature
    unit = new.stage.unit
    if unit is not None and unit != old.stage.unit:
        coarse, grid = old.voxels.grid, new.voxels.grid
        if isinstance(temperature, np.ndarray):
            columns, rows = parents(coarse, grid)
            temperature = np.ascontiguousarray(temperature[:, rows][:, :, columns])
        cut, block = cut_grid(coarse, unit)
        if grid.shape == cut.shape:
            state = state.cropped(block)
        else:
            state = finer_grid.carried(state, old.voxels, new.voxels, temperature, device)
    elif step.joining and step.temperature is not None:
        taken = material_change.replaced(old.voxels, new.voxels, step.attached)
        state = state.without(taken) if taken.any() else state
        state = material_change.stiffened(state, old.voxels, new.voxels, step.temperature, device)
        level = flat_parts.join(case, step, state, new.voxels)
        state = state if level is None else level.new
    return Start(state, temperature)


def _work(before: dict[str, dict[str, Any]], solved: Solved) -> dict[str, dict[str, Any]]:
    """Add the iterations and seconds of a load step to those of the load steps before."""
    total = dict(before)
    for name, solution in solved.solutions.items():
        done = before.get(name, {"iterations": 0, "seconds": 0.0})
        total[name] = {
            "iterations": done["iterations"] + solution.iterations,
            "seconds": done["seconds"] + solution.seconds,
        }
    if solved.heat is not None:
        total["heat"]["rounds"] = solved.heat.rounds
    return total


def _ignore(stage: str, iteration: int, residual: float) -> None:
    """Report no progress."""
