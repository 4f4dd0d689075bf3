"""Solve a case and write its result file, with warnings and the checkpoint of a process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warp.case.case import Case
from warp.results import file as results
from warp.run import checkpoint, process, refine, warnings
from warp.run.load_step import NO_RESIDUAL, OnProgress
from warp.run.process import OnResume

OnWarning = Callable[[str], None]
"""Called with a sentence about something that may be wrong."""


@dataclass(frozen=True)
class Written:
    """The numbers of a result that was written, and the warnings about them."""

    numbers: dict[str, Any]
    warnings: list[str]


def solve_to_file(
    case: Case,
    target: Path,
    device: str,
    on_progress: OnProgress,
    on_warning: OnWarning,
    on_resume: OnResume,
    *,
    grids: int = 1,
    resume: bool = False,
) -> Written:
    """Solve a case and write its result to `target`.

    grids: of the error estimate (`refine`), 1 for none. resume: continue from the checkpoint that
    an interrupted run left beside `target`. Raises WarpError before it solves if `target` cannot
    be written; the checkpoint is deleted once the result is there.
    """
    results.check_writable(target)
    checkpoint_path = checkpoint.beside(target)
    checkpoint.tidy(checkpoint_path, target)
    for text in warnings.overlaps(case):
        on_warning(text)
    if resume and (grids > 1 or not case.has_steps):
        which = "--refine" if grids > 1 else "a case without [[step]]"
        on_warning(f"nothing to resume: {which} keeps no checkpoint and is solved from the start")
    if grids > 1:
        result = refine.solve(case, device, on_progress, grids=grids)
    else:
        result = process.solve(
            case,
            device,
            on_progress,
            checkpoint_path=checkpoint_path,
            resume=resume,
            on_resume=on_resume,
        )
    on_progress("writing", 0, NO_RESIDUAL)
    result.write(target)
    if case.has_steps:
        process.discard(checkpoint_path)
    numbers = result.summary()
    return Written(numbers, warnings.of_numbers(case, numbers))
