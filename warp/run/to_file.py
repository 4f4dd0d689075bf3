"""Solve a case and write its result file, with warnings and the checkpoint of a process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from warp.case.case import Case
from warp.case.named_files import named_files
from warp.files.plain_names import plain_names
from warp.results import file as results
from warp.results.file import Result
from warp.run import checkpoint, process, refine, warnings
from warp.run.grids import common_grid
from warp.run.load_step import NO_RESIDUAL, OnProgress, OnShare
from warp.run.process import OnResume, OnStep
from warp.run.resources import predicted_disk

OnWarning = Callable[[str], None]
"""Called with a sentence about something that may be wrong."""
Finish = Callable[[Result], tuple[Result, list[str]]]
"""Adds numbers to a result before it is written; returns it with warnings."""


@dataclass(frozen=True)
class Written:
    """The numbers of a result that was written; `warnings` are those among them."""

    numbers: dict[str, Any]
    warnings: list[str]
    states: list[Path] = field(default_factory=list)
    """Results of the states that are wanted beside the last."""


def inputs(case: Case) -> list[Path]:
    """Return the files that a case reads: its own, the included and those that strings name."""
    tables = {"": [case.tables, list(case.overrides.values())]}
    return [case.path, *case.included, *named_files(tables, case.path.parent)]


def state_files(target: Path, states: Iterable[str]) -> dict[str, Path]:
    """Return where the result of each state is written: OUT-reflow-at-245-degC.h5."""
    names = list(states)
    return {
        name: target.with_name(f"{target.stem}-{plain}{target.suffix}")
        for name, plain in zip(names, plain_names(names), strict=True)
    }


def solve_to_file(
    case: Case,
    target: Path,
    device: str,
    on_progress: OnProgress,
    on_warning: OnWarning,
    on_resume: OnResume,
    *,
    coarser: int | None = None,
    resume: bool = False,
    finish: Finish | None = None,
    on_state: process.OnState | None = None,
    on_step: OnStep | None = None,
    on_share: OnShare | None = None,
) -> Written:
    """Solve a case and write its result to `target`.

    coarser: grids of the error estimate (`refine.solve`), None for no estimate. resume: continue
    from the checkpoint that an interrupted run left beside `target`. finish: called before the
    result is written. on_state: as in `process.solve`, on one grid. Raises WarpError before it
    solves if `target` cannot be written or its disk has no room for what the run is predicted to
    write; the checkpoint is deleted once the result is there.
    """
    need = predicted_disk(common_grid(case), case)
    beside = state_files(target, case.states)
    for path in (target, *beside.values()):
        results.check_result(path, need * (1 + len(beside)), inputs(case))
    checkpoint_path = checkpoint.beside(target)
    for text in warnings.overlaps(case):
        on_warning(text)
    if resume and (coarser is not None or not case.has_steps):
        which = "--refine" if coarser is not None else "a case without [[step]]"
        on_warning(f"nothing to resume: {which} keeps no checkpoint and is solved from the start")
    elif resume and not checkpoint_path.exists():
        on_warning(f"nothing to resume: there is no {checkpoint_path}; solved from the start")

    def write_state(name: str, state: Result) -> None:
        state.write(beside[name])

    if coarser is not None and beside:
        on_warning("the results of single states are not written with --refine")
    if coarser is not None:
        result = refine.solve(case, device, on_progress, coarser=coarser)
    else:
        result = process.solve(
            case,
            device,
            on_progress,
            checkpoint_path=checkpoint_path,
            resume=resume,
            on_resume=on_resume,
            on_state=on_state,
            on_step=on_step,
            on_share=on_share,
            on_result=write_state,
        )
    more: list[str] = []
    if finish is not None:
        result, more = finish(result)
    found = [*warnings.of_numbers(case, result.summary()), *more]
    result.metrics["warnings"] = list(dict.fromkeys(found))
    on_progress("writing", 0, NO_RESIDUAL)
    result.write(target)
    if case.has_steps:
        process.discard(checkpoint_path)
    numbers = result.summary()
    written = list(beside.values()) if coarser is None else []
    return Written(numbers, result.metrics["warnings"], written)
