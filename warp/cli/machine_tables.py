"""Print measurements of this machine: rows of `warp verify`, rates of `warp bench`."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

from warp.cli.tables import plain_table
from warp.files import whole_file
from warp.machine.device import Device
from warp.report import terminal
from warp.report.terminal import screen
from warp.verify import parity
from warp.verify.problem import Row
from warp.verify.suite import NotVerified, verify


def print_bench(found: dict[str, Any]) -> None:
    """Print the rates of this machine as `warp.verify.bench.run` measured them."""
    console = screen()
    package, bandwidth = found["package"], found["bandwidth_GB_per_s"]
    grid = " x ".join(map(str, package["grid"]))
    console.print(Text(found["machine"]["device"], style="bold"))
    console.print(f" copy {bandwidth['copy']:.1f} GB/s, triad {bandwidth['triad']:.1f} GB/s")
    console.print(f" {package['case']}: {grid} = {package['voxels']:,} voxels")
    console.print(_memory(found["memory"]))
    console.print(_parity(found["parity"]))
    console.print(_solves(found["solves"]))
    console.print(_kernels(found["kernels"]))


def _memory(found: dict[str, float]) -> str:
    free, total = (f"{found[key]:.3g}" for key in ("free_GB", "total_GB"))
    fits = f"{found['voxels']:.2g} voxels of this package, {found['bytes']:.0f} bytes each"
    return f" memory {total} GB, {free} GB of it free: room for {fits}"


def _parity(found: dict[str, Any]) -> str:
    """Say how far the fields are from those of the CPU, and the iterations of both."""
    fields = ", ".join(f"{name} {value:.1e}" for name, value in found["fields"].items())
    own, cpu = found["iterations"]
    counts = ", ".join(f"{name} {count} ({cpu[name]})" for name, count in own.items())
    words = f"parity with one CPU thread on {found['voxels']:,} voxels"
    return f" {words}: {fields}; iterations {counts}"


def _solves(rows: Iterable[dict[str, Any]]) -> Table:
    """Tabulate whole solves."""
    solves = plain_table(
        "solve to 1e-8",
        "iterations",
        "setup s",
        "solve s",
        "us/unknown",
        "ns/voxel/iteration",
        "bytes/voxel",
    )
    for row in rows:
        times = (f"{row[key]:.3g}" for key in ("setup_s", "solve_s", "us_per_unknown"))
        solves.add_row(
            row["name"],
            str(row["iterations"]),
            *times,
            f"{row['ns_per_voxel_and_iteration']:.0f}",
            f"{row['bytes_per_voxel']:.0f}",
        )
    return solves


def _kernels(rows: Iterable[dict[str, Any]]) -> Table:
    """Tabulate single kernels against the bandwidth of the triad."""
    kernels = plain_table("kernel", "ns/voxel", "least bytes/voxel", "GB/s", "of triad")
    for row in rows:
        kernels.add_row(
            row["name"],
            f"{row['ns_per_voxel']:.3g}",
            f"{row['least_bytes_per_voxel']:.0f}",
            f"{row['GB_per_s']:.1f}",
            f"{100 * row['share_of_triad']:.0f} %",
        )
    return kernels


WIDTH = 170
"""Characters of the table where no terminal says how many there are."""


def print_verification(
    device: Device,
    quick: bool,
    as_json: Callable[[Any], None] | None,
    html: Path | None,
    markdown: Path | None = None,
) -> None:
    """Verify, print the table or JSON, and write it as HTML or Markdown.

    Raises NotVerified when a row misses its tolerance.
    """
    for file in (html, markdown):
        if file is not None:
            whole_file.check_writable(file)
    with terminal.Steps() as steps:
        done = verify(device, quick, lambda name: steps(name))
    rows = [row for _, found, _ in done for row in found]
    failed = [row.name for row in rows if not row.passed]
    seconds = sum(taken for _, _, taken in done)
    held = f"{len(rows) - len(failed)} of {len(rows)} rows hold on {device.describe()}"
    title = f"{held}, {seconds:.0f} s"
    compared = None
    if device.cuda or device.real is not np.float64:
        compared = parity.of_rows(done)
        title += (
            f"\nparity with the CPU: {compared[2]} quick rows differ by at most "
            f"{100 * compared[0]:.2g} % of a tolerance ({compared[1]})"
        )
    if as_json:
        problems = [{"name": problem.name, "seconds": taken} for problem, _, taken in done]
        found = [row.as_dict() for row in rows]
        document: dict[str, Any] = {"device": device.describe(), "seconds": seconds, "rows": found}
        if compared is not None:
            share, name, count = compared
            document["parity"] = {"rows": count, "worst": name, "share_of_tolerance": share}
        as_json(document | {"problems": problems})
    else:
        print_rows(rows, title)
    if html is not None:
        page = terminal.PlainConsole(file=io.StringIO(), record=True, width=WIDTH)
        page.print(verification_table(rows))
        page.print(title)
        with whole_file.replacing(html) as temporary:
            temporary.write_text(page.export_html(inline_styles=True), encoding="utf-8")
    if markdown is not None:
        with whole_file.replacing(markdown) as temporary:
            temporary.write_text(as_markdown(rows, held), encoding="utf-8")
    if failed:
        raise NotVerified(
            f"{len(failed)} of {len(rows)} rows miss their tolerance: {', '.join(failed)}"
        )


def print_rows(rows: Sequence[Row], title: str) -> None:
    """Show the table, and the title below it: green if all rows hold."""
    screen = terminal.screen(width=WIDTH)
    screen.print(verification_table(rows))
    screen.print(Text(title, style="green" if all(row.passed for row in rows) else "red"))


def verification_table(rows: Iterable[Row]) -> Table:
    """Tabulate rows; a failed one is red."""
    out = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for name in ("", "expected", "got", "error", "tolerance", "source"):
        out.add_column(
            name,
            justify="left" if name in ("", "source") else "right",
            no_wrap=name not in ("", "source"),
        )
    for row in rows:
        *cells, source = _row_cells(row)
        out.add_row(*cells, Text(source, style="dim"), style=None if row.passed else "bold red")
    return out


def as_markdown(rows: Iterable[Row], title: str) -> str:
    """Write the table for a README; a failed row is bold."""
    lines = [
        "| problem | expected | got | error | tolerance | source |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        cells = [cell.replace("|", "\\|") for cell in _row_cells(row)]
        lines.append(
            f"| {' | '.join(cells if row.passed else [f'**{cell}**' for cell in cells])} |"
        )
    return "\n".join([*lines, "", f"{title}."]) + "\n"


def _row_cells(row: Row) -> list[str]:
    unit = f" {row.unit}" if row.unit else ""
    numbers = [
        f"{row.expected:.6g}{unit}",
        f"{row.got:.6g}{unit}",
        _row_size(row, row.error, sign="+"),
    ]
    return [row.name, *numbers, _row_size(row, row.tolerance), row.source]


def _row_size(row: Row, value: float, sign: str = "") -> str:
    """Write a fraction in per cent, a difference in the row's unit."""
    if not row.absolute:
        return f"{100 * value:{sign}.2g} %"
    return f"{value:{sign}.2g} {row.unit}".rstrip()
