"""The process as a table: after each step its temperature, its time and the warpage; along a profile, point by point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from warp.console import screen
from warp.step_figures import telling, value_of


def print_steps(records: Sequence[Mapping[str, Any]]) -> None:
    """Print one row a step, and one a point of its profile."""
    names = telling(records)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for n, column in enumerate(("step", "degC", "time", *names)):
        table.add_column(column, justify="left" if n == 0 else "right", no_wrap=n > 0)
    for record in records:
        label = f"{record['step']}. {record['name']}" if record["last"] else ""
        if record["last"] and record.get("unit"):
            label += f" [{record['unit']}]"
        temperature = record["temperature_C"]
        cells = [Text("field" if temperature is None else f"{temperature:.4g}"), Text(duration(record["time_s"]))]
        for name in names:
            value = value_of(record, name)
            cells.append(Text("" if value is None else f"{value:+.1f} um"))
        table.add_row(Text(label), *cells, style="" if record["last"] else "dim")
    screen().print(table)


def remarks(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Where the process leaves linear theory: the worst moment, and in how many steps."""
    beyond = [record for record in records if record.get("beyond_linear")]
    if not beyond:
        return []
    worst = max(beyond, key=lambda record: record["bends"])
    steps = sorted({record["step"] for record in beyond})
    many = f"in step {steps[0]}" if len(steps) == 1 else f"in steps {', '.join(map(str, steps))}"
    return [f"beyond linear theory {many}; worst after {worst['name']!r}: {worst['beyond_linear'][0]}"]


def duration(seconds: float) -> str:
    """Write a time as a clock on a line would show it."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"
