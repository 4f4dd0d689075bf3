"""Write to the terminal: the console, and progress bars that vanish when they are done.

Bars are imported where one is shown: a command that only prints does without.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from warp.files.printable import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

WIDTH_WHEN_PIPED = 160


class PlainConsole(Console):
    """A terminal that prints text as it is: no markup, no emoji codes, no escape sequences."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Make a text of a string, control characters as codes: Rich would drop some of them."""
        return super().render_str(printable(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render with every control character of a text written as its code."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(printable(text), style)


def screen(*, stderr: bool = False, width: int = WIDTH_WHEN_PIPED) -> Console:
    """Return the terminal; a pipe gets plain lines of `width` characters, enough for a table."""
    console = PlainConsole(stderr=stderr)
    return console if console.is_terminal else PlainConsole(stderr=stderr, width=width)


class Steps:
    """Show the progress of a run, one bar a step: call it with (step, iteration, residual).

    A bar is full at a residual of 1e-8. Residuals fall by roots of ten, so the bar counts decades.
    Silent when stderr is no terminal.
    """

    DECADES = 8.0

    def __init__(self) -> None:
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        console = screen(stderr=True)
        if not console.is_terminal:
            return
        from rich.progress import (
            BarColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
        )

        self._bars = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )

    def __enter__(self) -> Steps:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, step: str, iteration: int = 0, residual: float = math.nan) -> None:
        if self._bars is None:
            return
        if step not in self._tasks:
            for task in self._tasks.values():
                self._bars.update(task, completed=self.DECADES, total=self.DECADES)
            self._tasks[step] = self._bars.add_task(step, total=None, note="")
        if iteration and residual > 0:
            decades = min(self.DECADES, max(0.0, -math.log10(residual)))
            note = f"iteration {iteration}, residual {residual:.0e}"
            self._bars.update(self._tasks[step], total=self.DECADES, completed=decades, note=note)
        elif iteration:
            self._bars.update(
                self._tasks[step], total=100, completed=iteration, note=f"{iteration} %"
            )


class Runs:
    """Show the progress of a sweep in one bar: call it after each run.

    Arguments: ended runs, all runs, and the record of the last one.
    """

    def __init__(self) -> None:
        from rich.progress import (
            BarColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        console = screen(stderr=True)
        columns = (
            BarColumn(bar_width=30),
            TextColumn("{task.completed}/{task.total} runs"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(compact=True),
        )
        self._bar = Progress(
            *columns,
            console=console,
            disable=not console.is_terminal,
            transient=True,
            speed_estimate_period=3600.0,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Runs:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, decided: int, total: int, record: Mapping[str, Any]) -> None:
        if self._task is None:  # the runs that were stored before say nothing about the time left
            self._task = self._bar.add_task("runs", total=total, completed=decided - 1)
        self._bar.update(self._task, completed=decided, total=total)
