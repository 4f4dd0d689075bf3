"""The evidence, on the user's own machine: every closed form and published case that the program is held against.

Each problem is solved as a case would be; each of its numbers becomes a row: expected, got, error, tolerance, source.
The quick problems take under a minute together, all of them a few minutes on two cores.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from warp import console, store, verify_elastic, verify_heat, verify_metrics, verify_packages
from warp.device import Device
from warp.errors import WarpError
from warp.evidence import Problem, Row

WIDTH = 170
"""Characters of the table where no terminal says how many there are."""

PROBLEMS = [
    *verify_metrics.PROBLEMS,
    *verify_heat.PROBLEMS,
    *verify_elastic.PROBLEMS,
    *verify_packages.PROBLEMS,
]


class NotVerified(WarpError):
    """A number misses its tolerance on this machine."""

    exit_code = 1


def verify(
    device: Device, quick: bool = False, progress: Callable[[str], None] | None = None
) -> list[tuple[Problem, list[Row], float]]:
    """Solve all problems, or the quick ones: their rows and seconds; `progress(name)` before each."""
    done = []
    for problem in PROBLEMS:
        if quick and not problem.quick:
            continue
        if progress:
            progress(problem.name)
        start = time.perf_counter()
        try:
            rows = problem.solve(device)
        except WarpError as error:
            rows = [Row(problem.name, 0.0, math.nan, 0.0, str(error), absolute=True)]
        done.append((problem, rows, time.perf_counter() - start))
    return done


def run(
    device: Device,
    quick: bool,
    as_json: Callable[[Any], None] | None,
    html: Path | None,
    markdown: Path | None = None,
) -> None:
    """Verify, print the table (or JSON), write it as HTML or Markdown; raises NotVerified when a row fails."""
    for file in (html, markdown):
        if file is not None:
            store.check_writable(file)
    with console.Steps() as steps:
        done = verify(device, quick, lambda name: steps(name))
    rows = [row for _, found, _ in done for row in found]
    failed = [row.name for row in rows if not row.passed]
    seconds = sum(taken for _, _, taken in done)
    held = f"{len(rows) - len(failed)} of {len(rows)} rows hold on {device.describe()}"
    title = f"{held}, {seconds:.0f} s"
    if as_json:
        problems = [{"name": problem.name, "seconds": taken} for problem, _, taken in done]
        found = [row.as_dict() for row in rows]
        as_json({"device": device.describe(), "seconds": seconds, "rows": found, "problems": problems})
    else:
        print_rows(rows, title)
    if html is not None:
        page = Console(file=io.StringIO(), record=True, width=WIDTH, highlight=False)
        page.print(table(rows))
        page.print(title)
        html.write_text(page.export_html(inline_styles=True), encoding="utf-8")
    if markdown is not None:
        markdown.write_text(as_markdown(rows, held), encoding="utf-8")
    if failed:
        raise NotVerified(f"{len(failed)} of {len(rows)} rows miss their tolerance: {', '.join(failed)}")


def print_rows(rows: Sequence[Row], title: str) -> None:
    """Show the table, and the title below it: green if all rows hold."""
    screen = console.screen()
    screen = screen if screen.is_terminal else Console(highlight=False, width=WIDTH)
    screen.print(table(rows))
    screen.print(Text(title, style="green" if all(row.passed for row in rows) else "red"))


def table(rows: Iterable[Row]) -> Table:
    """One line a row; a failed one is red."""
    out = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for name in ("", "expected", "got", "error", "tolerance", "source"):
        out.add_column(name, justify="left" if name in ("", "source") else "right", no_wrap=name not in ("", "source"))
    for row in rows:
        *told, source = _cells(row)
        out.add_row(*told, Text(source, style="dim"), style=None if row.passed else "bold red")
    return out


def as_markdown(rows: Iterable[Row], title: str) -> str:
    """The table for a README; a failed row is bold."""
    lines = ["| problem | expected | got | error | tolerance | source |", "|---|---:|---:|---:|---:|---|"]
    for row in rows:
        told = [cell.replace("|", "\\|") for cell in _cells(row)]
        lines.append(f"| {' | '.join(told if row.passed else [f'**{cell}**' for cell in told])} |")
    return "\n".join([*lines, "", f"{title}."]) + "\n"


def _cells(row: Row) -> list[str]:
    unit = f" {row.unit}" if row.unit else ""
    numbers = [f"{row.expected:.6g}{unit}", f"{row.got:.6g}{unit}", _size(row, row.error, sign="+")]
    return [row.name, *numbers, _size(row, row.tolerance), row.source]


def _size(row: Row, value: float, sign: str = "") -> str:
    """A share in percent, a difference in the row's unit."""
    if not row.absolute:
        return f"{100 * value:{sign}.2g} %"
    return f"{value:{sign}.2g} {row.unit}".rstrip()
