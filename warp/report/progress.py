"""Show and log the progress of a run: one bar over all load steps, lines for people who read later.

The bar holds the load steps that are done, and the part of the one under way that its increments
and its solvers' residuals tell; compiling kernels has a bar of its own, before. A terminal gets the
bar, `verbose` a line for every stage that ends, a log file those lines with the time of day. Rich
is imported for a terminal only: a run whose output goes to a pipe does without.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from warp.files.printable import printable

if TYPE_CHECKING:
    from rich.progress import Progress

COMPILING = "compiling kernels"
DECADES = 8.0
"""Of a residual that fell to the tolerance."""
HEAT = 0.2
"""Of a load step: the share that its heat solve fills; the displacement fills the rest."""


SIGN_OF_LIFE = 30.0
"""Seconds between the lines of a long run that has no terminal to show a bar on."""


class Log:
    """Lines about a run on stderr and in a file, as they come."""

    def __init__(self, path: Path | None = None, verbose: bool = False) -> None:
        self._start = time.monotonic()
        self._verbose = verbose
        self._file: TextIO | None = None
        if path is not None:
            self._file = path.open("a", encoding="utf-8", errors="backslashreplace")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def write(self, text: str, shown: bool = True) -> None:
        """Write a line: to the file with the time of day, to stderr if `verbose` and `shown`."""
        line = printable(text)
        passed = time.monotonic() - self._start
        if self._verbose and shown:
            print(f"{passed:8.2f} s  {line}", file=sys.stderr)
        if self._file is not None:
            now = time.strftime("%Y-%m-%d %H:%M:%S")
            print(f"{now} {passed:9.2f} s  {line}", file=self._file, flush=True)


class Run:
    """Follow a run: call it with (stage, iteration, residual), and `step` after each load step."""

    def __init__(self, load_steps: int, log: Log, quiet: bool = False) -> None:
        self._log = log
        self._load_steps = max(load_steps, 1)
        self._done = 0
        self._share = 0.0
        self._range = HEAT, 1.0
        self._stage = ""
        self._began = time.monotonic()
        self._last = (0, math.nan)
        self._bars: Progress | None = None
        self._whole: Any = None
        self._compiling: Any = None
        self._signed = self._started = time.monotonic()
        self._signs = not quiet and not sys.stderr.isatty()
        if not quiet and sys.stderr.isatty():
            self._bars = _bars()

    def __enter__(self) -> Run:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end_stage()
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, stage: str, iteration: int = 0, residual: float = math.nan) -> None:
        if iteration == 0 or stage != self._stage:
            self._end_stage()
            self._stage, self._began = stage, time.monotonic()
        self._last = (iteration, residual)
        if self._bars is not None:
            self._show(stage, iteration, residual)
        self._sign()

    def _sign(self) -> None:
        """Write now and then where a run is that shows no bar."""
        now = time.monotonic()
        if self._signs and now - self._signed >= SIGN_OF_LIFE:
            self._signed = now
            where = f"{self._done} of {self._load_steps} load steps done"
            solve = f", {self._stage}, iteration {self._last[0]}" if self._stage else ""
            passed = f"{now - self._started:.0f} s"
            share = f", {100 * self._share:.0f} % of the next" if self._share else ""
            print(printable(f"{where}{share}{solve}, {passed}"), file=sys.stderr, flush=True)

    def share(self, first: float, last: float) -> None:
        """Note which range of the displacement's load in this load step is solved next."""
        self._range = HEAT + (1 - HEAT) * first, HEAT + (1 - HEAT) * last
        if first > 0:
            self._share = max(self._share, self._range[0])

    def step(self, done: int, total: int) -> None:
        """Note that so many load steps of all are done."""
        self._end_stage()
        self._done, self._load_steps, self._share = done, total, 0.0
        self._range = HEAT, 1.0
        self._sign()
        if total > 1:
            self._log.write(f"{done} of {total} load steps done")
        if self._bars is not None and self._whole is not None:
            self._bars.update(self._whole, total=total, completed=float(done))

    def _end_stage(self) -> None:
        """Write what the stage took."""
        if not self._stage:
            return
        seconds = time.monotonic() - self._began
        iteration, residual = self._last
        solved = iteration > 0 and residual > 0.0
        how = f", {iteration} iterations, residual {residual:.1e}" if solved else ""
        self._log.write(f"{self._stage}: {seconds:.2f} s{how}")
        self._stage = ""

    def _show(self, stage: str, iteration: int, residual: float) -> None:
        bars = self._bars
        assert bars is not None
        if stage == COMPILING:
            if self._compiling is None:
                self._compiling = bars.add_task(f"{COMPILING}, once", total=100, note="")
            bars.update(self._compiling, completed=iteration)
            return
        if self._compiling is not None:
            bars.update(self._compiling, completed=100, visible=False)
        if self._whole is None:
            self._whole = bars.add_task("", total=self._load_steps, note="")
        note = stage
        if iteration and residual > 0.0:
            note = f"{stage}: iteration {iteration}, residual {residual:.0e}"
            decades = min(DECADES, max(0.0, -math.log10(residual))) / DECADES
            low, high = (0.0, HEAT) if stage.endswith("heat") else self._range
            self._share = max(self._share, low + decades * (high - low))
        done = min(self._done + self._share, self._load_steps)
        many = f"{self._done}/{self._load_steps} load steps" if self._load_steps > 1 else "run"
        bars.update(self._whole, completed=done, description=many, note=note)


def _bars() -> Progress:
    """Return a bar with its percentage, the time left, and a clock that runs."""
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from warp.report.terminal import screen

    return Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[note]}", markup=False),
        console=screen(stderr=True),
        transient=True,
        speed_estimate_period=600.0,
    )
