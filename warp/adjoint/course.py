"""Variants of a process: what an input changes in each of its load steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from warp.adjoint.moved_grid import Lines, Unchangeable, moved_grid
from warp.adjoint.tape import Recorded
from warp.adjoint.variant import Base, Law, Variant
from warp.case.assembly import Assembly
from warp.case.case import Case
from warp.case.plan import LoadStep, Stage, plan
from warp.case.stages import assembly_of
from warp.machine.device import Device
from warp.materials.material import Material, Medium
from warp.run import load_step, numbers
from warp.run.grids import common_grid, cut_grid
from warp.run.load_step import Start
from warp.run.stage_model import enter
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.history.substeps import Interval
from warp.voxels.grid import Grid

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Course:
    """A process with changed inputs: a variant for each solve; beside: as in `Variant`."""

    variants: Sequence[Variant]
    beside: str = ""

    def at(self, stage: int, temperature: int) -> Variant:
        """Return the parts after one solve at the temperature of another."""
        variant = self.variants[stage]
        if stage == temperature:
            return variant
        return replace(variant, temperature=self.variants[temperature].temperature)


@dataclass(frozen=True, eq=False)
class ProcessBase:
    """A solved process, from which courses are made."""

    case: Case
    steps: Sequence[Recorded]

    @cached_property
    def grid(self) -> Grid:
        """Return the grid of all stages."""
        return common_grid(self.case)

    @cached_property
    def bases(self) -> dict[Stage, Base]:
        """Return the parts and voxels of each stage."""
        found: dict[Stage, Base] = {}
        for one in self.steps:
            case = _at(self.case, one.step)
            found.setdefault(one.step.stage, Base(case, one.stage.voxels))
        return found

    @property
    def media(self) -> Sequence[Medium | None]:
        """Return the media of all stages."""
        return [medium for base in self.bases.values() for medium in base.media]

    @cached_property
    def unchanged(self) -> Course:
        """Return the process itself."""
        by_stage = {stage: base.unchanged for stage, base in self.bases.items()}
        return self._course(by_stage, self.case, None)

    def with_material(self, old: Material, new: Material, laws: frozenset[Law]) -> Course:
        """Return the process with one material replaced wherever it occurs; laws: as in `Base`."""
        by_stage = {stage: base.with_material(old, new, laws) for stage, base in self.bases.items()}
        return self._course(by_stage, self.case, None)

    def with_shares(self, shares: Mapping[str, float]) -> Course:
        """Return the process with changed shares of copper in regions of layers."""
        by_stage = {stage: base.with_shares(shares) for stage, base in self.bases.items()}
        return self._course(by_stage, self.case, None)

    def with_case(self, changed: Case) -> Course:
        """Return the process with changed tables; Unchangeable if the voxels would be others."""
        if len(changed.load_steps) != len(self.case.load_steps):
            raise Unchangeable("changes how many load steps there are")
        lines, beside = moved_grid(self.grid, self.case, changed)
        by_stage: dict[Stage, Variant] = {}
        for one, other in zip(self.case.load_steps, changed.load_steps, strict=True):
            if one.stage not in by_stage:
                base = self.bases[one.stage]
                by_stage[one.stage] = base.with_media(_at(changed, other))
        return self._course(by_stage, changed, lines, beside)

    def _course(
        self, by_stage: dict[Stage, Variant], case: Case, lines: Lines | None, beside: str = ""
    ) -> Course:
        """Return the variants of all load steps; lines: of the grid of all stages, if they move."""
        whole = []
        for one, step in zip(self.case.load_steps, case.load_steps, strict=True):
            variant = by_stage[one.stage]
            own = variant.lines if lines is None else self._cut(lines, one.stage)
            sources = variant.sources if step.powered else []
            zones = numbers.zones(case, step)
            whole.append(replace(variant, lines=own, zones=zones, sources=sources))
        begin, times = case.loads.stress_free, self._durations(case)
        temperatures = [step.temperature for step in case.load_steps]
        found = []
        for solve in self.steps:
            n, part = solve.number, solve.part
            start, end = temperatures[n - 1] if n else begin, temperatures[n]
            duration = (part.last - part.first) * times[n]
            ends = _between(start, end, part.first), _between(start, end, part.last)
            found.append(replace(whole[n], temperature=ends[1], before=ends[0], duration=duration))
        return Course(found, beside)

    @cached_property
    def _passed(self) -> Array:
        """Return the time in s that passed in every load step when it was solved."""
        found = np.zeros(len(self.case.load_steps))
        np.add.at(found, [s.number for s in self.steps], [s.part.duration for s in self.steps])
        return found

    def _durations(self, case: Case) -> Array:
        """Return the time of every load step of a changed case.

        A step that joins parts at the body's own temperature takes its time then, else on the way
        there: its time stays where it was.
        """
        steps = np.array([step.step for step in case.load_steps])
        whole, changed = (
            np.array([step.duration for step in c.load_steps]) for c in (self.case, case)
        )
        found = changed.copy()
        for n in np.flatnonzero(~np.isclose(self._passed, whole)):
            own = steps == steps[n]
            total = whole[own].sum()
            found[n] = self._passed[n] * (changed[own].sum() / total if total else 1.0)
        return found

    def _cut(self, lines: Lines, stage: Stage) -> Lines:
        """Return the lines that a stage has of those of the whole grid."""
        if stage.unit is None:
            return lines
        z, y, x = cut_grid(self.grid, stage.unit)[1]
        cut: list[np.ndarray] = [
            line[s.start : s.stop + 1] for line, s in zip(lines, (x, y, z), strict=True)
        ]
        return cut[0], cut[1], cut[2]


def _between(start: float | None, end: float | None, share: float) -> float | None:
    """Return the temperature in K on the way; None stands for the field under power."""
    if share in (0.0, 1.0):
        return end if share else start
    assert start is not None and end is not None
    return start + share * (end - start)


def planned(case: Case, known: Mapping[Stage, Assembly] | None = None) -> Case:
    """Return a case with its process planned anew, in the same load steps at any temperature.

    known: stages that have been assembled. Raises the first Fault. A case without steps stays as
    it is.
    """
    if not case.has_steps:
        return case
    file, made = case.file, case.assembly
    heated, powered = made.heated, bool(made.sources)
    steps, faults = plan(file, made.package.places, heated, powered, complete=True)
    stages = dict(known or {})
    for stage in dict.fromkeys(step.stage for step in steps):
        if stage not in stages:
            stages[stage], more = assembly_of(file, stage, case.path.parent)
            faults += more
    if faults:
        raise faults[0]
    return replace(case, load_steps=tuple(steps), stages=stages)


def completed(case: Case, tape: Sequence[Recorded], device: Device) -> list[Recorded]:
    """Return the solves of a case that was `planned`, from those of the process.

    A load step that changes nothing has the state of the one before it.
    """
    found: list[Recorded] = []
    left = list(tape)
    for number, step in enumerate(case.load_steps):
        own: list[Recorded] = []
        while left and _same(left[0].step, step) and not (own and own[-1].ends):
            own.append(replace(left.pop(0), step=step, number=number))
        if not own:
            own = [_unsolved(case, number, found, device, tape[0].path.with_name("first.npz"))]
        found += own
    return found


def _same(one: LoadStep, other: LoadStep) -> bool:
    """Tell whether two plans mean the same load step, whatever its time."""
    return replace(one, time=0.0, duration=0.0) == replace(other, time=0.0, duration=0.0)


def _unsolved(
    case: Case, number: int, before: Sequence[Recorded], device: Device, path: Path
) -> Recorded:
    """Return a load step that changes nothing."""
    step = case.load_steps[number]
    if not before:
        return replace(_first(case, step, device, path), number=number)
    last = before[-1]
    part = Interval(last.temperature, last.temperature, 0.0)
    return replace(last, step=step, part=part, number=number)


def _first(case: Case, step: LoadStep, device: Device, path: Path) -> Recorded:
    """Return the parts that a process begins with, at the temperature at which it begins."""
    stage = enter(case, step, common_grid(case))
    start = Start(State.start(stage.voxels.ids.shape), case.loads.stress_free)
    solved = load_step.solve(case, replace(step, duration=0.0), stage, start, device, _ignore)
    assert solved.elastic is not None and step.temperature is not None
    part = Interval(case.loads.stress_free, step.temperature, 0.0)
    return Recorded.of(step, stage, part, solved.elastic.state, path)


def _ignore(stage: str, iteration: int, residual: float) -> None:
    """Report no progress."""


def _at(case: Case, step: LoadStep) -> Case:
    """Return a case with the parts of one stage alone."""
    return replace(case, assembly=case.stages[step.stage])
