"""Solve a case and write its result file, with warnings and the checkpoint of a process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warp.case.case import Case
from warp.case.named_files import named_files
from warp.results import file as results
from warp.results.file import Result
from warp.run import checkpoint, process, refine, warnings
from warp.run.grids import common_grid
from warp.run.load_step import NO_RESIDUAL, OnProgress
from warp.run.process import OnResume, OnStep
from warp.run.resources import predicted_disk

OnWarning = Callable[[str], None]
"""Called with a sentence about something that may be wrong."""
Finish = Callable[[Result], tuple[Result, list[str]]]
"""Adds numbers to a result before it is written; returns it with warnings."""


@dataclass(frozen=True)
class Written:
    """The numbers of a result that was written, and the warnings about them."""

    numbers: dict[str, Any]
    warnings: list[str]


def inputs(case: Case) -> list[Path]:
    """Return the files that a case reads: its own, the included and those that strings name."""
    tables = {"": [case.tables, list(case.overrides.values())]}
    return [case.path, *case.included, *named_files(tables, case.path.parent)]


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
) -> Written:
    """Solve a case and write its result to `target`.

    coarser: grids of the error estimate (`refine.solve`), None for no estimate. resume: continue
    from the checkpoint that an interrupted run left beside `target`. finish: called before the
    result is written. on_state: as in `process.solve`, on one grid. Raises WarpError before it
    solves if `target` cannot be written or its disk has no room for what the run is predicted to
    write; the checkpoint is deleted once the result is there.
    """
    results.check_result(target, predicted_disk(common_grid(case), case), inputs(case))
    checkpoint_path = checkpoint.beside(target)
    for text in warnings.overlaps(case):
        on_warning(text)
    if resume and (coarser is not None or not case.has_steps):
        which = "--refine" if coarser is not None else "a case without [[step]]"
        on_warning(f"nothing to resume: {which} keeps no checkpoint and is solved from the start")
    elif resume and not checkpoint_path.exists():
        on_warning(f"nothing to resume: there is no {checkpoint_path}; solved from the start")
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
        )
    more: list[str] = []
    if finish is not None:
        result, more = finish(result)
    on_progress("writing", 0, NO_RESIDUAL)
    result.write(target)
    if case.has_steps:
        process.discard(checkpoint_path)
    numbers = result.summary()
    return Written(numbers, [*warnings.of_numbers(case, numbers), *more])
