"""Print tables of results, checks, comparisons and materials on stdout."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from warp.errors import listed
from warp.geometry.tree import folded
from warp.report import number_tables, step_rows
from warp.report.step_figures import telling
from warp.report.terminal import screen

if TYPE_CHECKING:
    from warp.geometry.tree import Branch
    from warp.report.blocks import Block
    from warp.run.check import Report
    from warp.run.sweep import Outcome
    from warp.voxels.finest import Finest


ALIKE = 1e-6
"""Share of a width by which equal cells may differ."""
LONG = 300.0
"""Seconds of a run from which a coarser grid is proposed."""


def print_sweep(outcome: Outcome) -> None:
    """Print how the runs ended and what moves the main output."""
    console = screen()
    count = len(outcome.records)
    console.print(f" {count - len(outcome.failed)} of {count} runs done")
    for reason, times in Counter(str(record.get("error")) for record in outcome.failed).most_common(
        5
    ):
        console.print(Text(f" {times} failed: {reason}", style="yellow"))
    values = outcome.series.get(outcome.main or "", np.zeros(0))
    values = values[np.isfinite(values)]
    if outcome.design.sample == "lhs" and len(values) > 1:
        spread = f"{values.mean():.4g}, standard deviation {values.std(ddof=1):.3g}"
        console.print(f" {outcome.main}: mean {spread}")
    found = [e for e in outcome.effects if e.output == outcome.main]
    if found:
        words = {v.key for v in outcome.design.variables if not v.numeric}
        shown = ("alone", "with interactions") if any(math.isfinite(e.total) for e in found) else ()
        table = plain_table(str(outcome.main), "low to high", *shown)
        for e in sorted(found, key=lambda e: -abs(e.effect) if math.isfinite(e.effect) else 0.0):
            indices = ["" if math.isnan(v) else f"{100 * v:.0f} %" for v in (e.first, e.total)][
                : len(shown)
            ]
            effect = f"{e.effect:.3g}" if e.variable in words else f"{e.effect:+.3g}"
            table.add_row(e.variable, "–" if math.isnan(e.effect) else effect, *indices)
        console.print(table)


def print_summary(numbers: Mapping[str, Any], title: str, written: Path | None = None) -> None:
    """Print warpage, temperatures, solvers and cost of a summary of a result."""
    console = screen()
    console.print(Text(title, style="bold"))
    found, solvers = number_tables.by_part(numbers), _solvers(numbers)
    if found.rows:
        parts = plain_table("part", *found.heads)
        for name, cells in found.rows.items():
            parts.add_row(name, *(Text(text) for text in cells))
        console.print(parts)
    if numbers.get("surfaces"):
        console.print(
            " warpage by JEITA ED-7306: + is convex, the centre away from the board", style="dim"
        )
    facts = number_tables.facts(numbers)
    if facts:
        console.print(" " + " · ".join(facts))
    if solvers is not None:
        console.print(solvers)
    cost = [
        *_size(numbers),
        _number(numbers.get("wall_s"), "{:.1f} s"),
        _number(numbers.get("peak_memory_MB"), "{:,.0f} MB"),
        numbers.get("device"),
    ]
    console.print(" " + " · ".join(str(fact) for fact in cost if fact), style="dim")
    if written is not None:
        console.print(f" written to {written}", style="dim", soft_wrap=True)


def print_risk(numbers: Mapping[str, Any]) -> None:
    """Print how probable a warpage beyond JEITA's limit is, where tolerances say so."""
    for part, sides in (numbers.get("surfaces") or {}).items():
        for side, values in sides.items():
            if values.get("warpage_beyond_jeita") is not None:
                risk = f"{values['warpage_beyond_jeita']:.2%}"
                screen().print(f" {part}.{side} exceeds JEITA ED-7306 with a probability of {risk}")


def plain_table(*columns: str) -> Table:
    """Make a table without frame: words in its first column, numbers in the others."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for n, name in enumerate(columns):
        table.add_column(name, justify="left" if n == 0 else "right", no_wrap=True)
    return table


def _solvers(numbers: Mapping[str, Any]) -> Table | None:
    solvers = numbers.get("solver") or {}
    if not solvers:
        return None
    table = plain_table("solver", "iterations", "residual", "time")
    waited = numbers.get("compile_s") or 0.0
    if waited:
        table.add_row("compiling kernels, once", "", "", f"{waited:.2f} s")
    for name, s in solvers.items():
        rounds = s.get("rounds", 1)
        many = f"{s['iterations']} in {rounds} rounds" if rounds > 1 else str(s["iterations"])
        table.add_row(name, many, f"{s['residual']:.1e}", f"{s['seconds']:.2f} s")
    return table


def _number(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


def _size(numbers: Mapping[str, Any]) -> list[str]:
    """Write how large the problem was: also the largest of a process that ends with less."""
    voxels, unknowns = numbers.get("voxels"), numbers.get("unknowns") or None
    most = max((step.get("voxels", 0) for step in numbers.get("steps") or []), default=0)
    last = [_count(voxels, "voxels"), _count(unknowns, "displacements")]
    if most <= (voxels or 0):
        return last
    return [f"solves of up to {most:,} voxels", f"at the end {', '.join(filter(None, last))}"]


def _count(value: int | None, what: str) -> str:
    return "" if value is None else f"{value:,} {what}"


def _beside(finest: Finest, axis: str) -> str:
    """Say where the first finest cell lies, and which parts have an edge there."""
    edges = [f"'{part}'" for part in finest.parts]
    edges += ["the cut of a unit"] if finest.cut else []
    return f"{axis} = {1e3 * finest.at:.5g} mm, {listed(edges)}"


def print_check(report: Report) -> None:
    """Print the stack, the grid, the cost and everything that looks wrong."""
    console = screen()
    tree = Tree(Text(report.title, style="bold"), guide_style="dim")
    for branch in folded(report.stack):
        _grow(tree, branch)
    grid = plain_table("grid", "cells", "finest", "coarsest", "finest cells at")
    grid.columns[-1].justify = "left"
    for axis, (cells, finest, coarsest) in report.spacing.items():
        alike = coarsest < (1 + ALIKE) * finest
        place = "all alike" if alike else _beside(report.finest[axis], axis)
        grid.add_row(axis, f"{cells:,}", _length(finest), _length(coarsest), place)
    console.print(Group(tree, grid))
    gib = 2**30
    console.print(
        f" {report.voxels:,} voxels, {report.unknowns:,} displacements, symmetry {report.symmetry}"
    )
    console.print(
        f" memory {report.bytes / gib:.2f} GiB of {report.free / gib:.1f} GiB free, "
        f"up to {report.disk / gib:.2f} GiB on the disk, " + f"{_time(report)}on {report.device}"
    )
    if report.to_compile:
        console.print(
            f" before it, once on this machine, up to a minute to compile {report.to_compile} "
            "kernels: `warp warmup`",
            style="dim",
        )
    if report.seconds is not None and report.seconds > LONG:
        console.print(
            " a first look takes less: --set grid.refine=0.4 widens the cells, [grid] edge_spacing "
            "those at edges",
            style="dim",
        )
    for layer, fraction in report.copper.items():
        console.print(f" {100 * fraction:.1f} % copper in {layer!r}, from its drawing", style="dim")
    for sentence in report.conditions:
        console.print(Text(f" {sentence}", style="dim"))
    for gap in report.gaps:
        console.print(
            f" gap of {_length(gap.height)} between '{gap.below}' and '{gap.above}'", style="dim"
        )
    print_warnings(report.warnings)
    if report.picture is not None:
        console.print(f" cross-section in {report.picture}", style="dim", soft_wrap=True)


def print_warnings(warnings: Iterable[str]) -> None:
    """Print a line a warning."""
    for warning in warnings:
        screen().print(Text(f" warning: {warning}", style="yellow"))


def print_files(files: Sequence[Path], left_out: Sequence[str] = ()) -> None:
    """Name the files written, and what was left out and why."""
    console = screen()
    for file in files:
        console.print(f" written to {file}", style="dim", soft_wrap=True)
    for reason in left_out:
        console.print(Text(f" left out: {reason}", style="yellow"))


def print_comparison(found: Mapping[str, Any], names: Sequence[str]) -> None:
    """Print what differs between two results, and how a measured surface fits."""
    console = screen()
    if "numbers" in found:
        table = plain_table("quantity", "where", "unit", *names, "difference")
        for n in found["numbers"]:
            table.add_row(
                n["quantity"],
                n["where"],
                n["unit"],
                *(number_tables.signed(n[key]) for key in ("a", "b", "difference")),
            )
        console.print(table)
        if "difference" in found:
            d = found["difference"]
            text = f"{found['surface']}: the second lies {d['lowest_um']:+.1f} to "
            text += f"{d['highest_um']:+.1f} um above the first, {d['rms_um']:.1f} um RMS"
            console.print(Text(f" {text}"), soft_wrap=True)
        for line in found["changed"]:
            console.print(
                Text(f" {line}", style="red" if line.startswith("-") else "green"), soft_wrap=True
            )
    if "measured" in found:
        console.print(Text(f"{found['surface']} against the measured surface", style="bold"))
        table = plain_table(
            "result", "points", "measured", "computed", "RMS", "correlation", "slope", "sign"
        )
        for name, m in found["measured"].items():
            heights = [
                f"{m[key]:+.1f} um" for key in ("measured_warpage_um", "computed_warpage_um")
            ]
            fit = [f"{m['rms_um']:.2f} um", f"{m['correlation']:+.4f}", f"{m['slope']:+.3f}"]
            table.add_row(
                name, f"{m['points']:,}", *heights, *fit, "same" if m["same_sign"] else "opposite"
            )
        console.print(table)
        for note in {m["note"]: None for m in found["measured"].values() if "note" in m}:
            console.print(Text(note, style="dim"), soft_wrap=True)
    if "picture" in found:
        print_files([Path(found["picture"])])


def print_overlays(block: Block | None) -> None:
    """Print measured and computed warpage at every measured temperature."""
    if block is None:
        return
    console = screen()
    table = plain_table(*block.head)
    for row in block.rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console.print(table)
    console.print(Text(f" {block.note}", style="dim"), soft_wrap=True)


def print_materials(listing: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the library, one line a material."""
    console = screen()
    columns = ("youngs_modulus_GPa", "cte_ppm_per_K", "conductivity_W_per_mK")
    table = plain_table("material", "E (GPa)", "CTE (ppm/K)", "k (W/mK)", "")
    table.columns[-1].justify = "left"
    for name, entry in listing.items():
        table.add_row(
            name,
            *(_each(entry.get(column)) for column in columns),
            Text(entry["description"], style="dim"),
        )
    table.caption = (
        "at 25 degC; in plane / along z. `warp materials NAME` has every property with its source."
    )
    table.caption_justify = "left"
    console.print(table)


def print_material(entry: Mapping[str, Any]) -> None:
    """Print one material with its laws and sources."""
    console = screen()
    aliases = f"  also: {', '.join(entry['aliases'])}" if entry["aliases"] else ""
    console.print(Text(entry["name"], style="bold") + Text(aliases, style="dim"))
    console.print(f" {entry['description']}")
    for key in ("glass_transition", "stress_free_temperature"):
        if key in entry:
            console.print(f" {key.replace('_', ' ')} {entry[key]}")
    if entry["temperature_range"]:
        console.print(f" valid {' to '.join(entry['temperature_range'])}")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for name, ratio in (("property", None), ("value", 3), ("source", 4)):
        table.add_column(name, ratio=ratio, no_wrap=ratio is None)
    for key, law in entry["properties"].items():
        value = law["value"]
        text = (
            value
            if isinstance(value, str)
            else "\n".join(f"{axis}: {v}" for axis, v in value.items())
        )
        table.add_row(key, text, Text(law["source"], style="dim"))
    console.print(table)


def print_filled(curve: Mapping[str, Any]) -> None:
    """Print a filled polymer's properties over the filler's share, and where each rule holds."""
    console = screen()
    grains = f", grains of {curve['particle_size_um']:.4g} um" if curve["particle_size_um"] else ""
    console.print(Text(f"{curve['filler']} in {curve['matrix']}{grains}", style="bold"))
    rules = list(curve["rows"][0]["conductivity_W_per_mK"])
    table = plain_table(
        "share", *(f"k {rule}" for rule in rules), "E (GPa)", "Poisson", "CTE (ppm/K)"
    )
    for row in curve["rows"]:
        k = (f"{value:.4g}" for value in row["conductivity_W_per_mK"].values())
        rest = (
            f"{row[key]:.4g}" for key in ("youngs_modulus_GPa", "poissons_ratio", "cte_ppm_per_K")
        )
        table.add_row(f"{100 * row['fraction']:.0f} %", *k, *rest)
    console.print(table)
    for rule, text in curve["validity"].items():
        console.print(Text(f" {rule}: {text}", style="dim"))


def _each(value: float | list[float] | None) -> str:
    """x, y, z; in plane / along z where x and y are alike."""
    if value is None:
        return ""
    if not isinstance(value, list):
        return f"{value:.4g}"
    x, y, z = (f"{v:.3g}" for v in value)
    return f"{x} / {z}" if x == y else f"{x}, {y}, {z}"


def _grow(tree: Tree, branch: Branch) -> None:
    text = Text(branch.name, style="bold" if branch.solid else "dim")
    text.append(f"  {branch.note}", style="dim")
    if branch.alike:
        text.append(f" · alike: {listed(branch.alike)}", style="dim")
    node = tree.add(text)
    for child in branch.children:
        _grow(node, child)


def _length(metres: float) -> str:
    return f"{1e3 * metres:.3g} mm" if metres >= 1e-4 else f"{1e6 * metres:.3g} um"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _time(report: Report) -> str:
    """Write how long a run takes and between what; nothing where it is not known."""
    if report.seconds is None or report.seconds_range is None:
        return ""
    low, high = report.seconds_range
    if high < 100:
        return f"about {report.seconds:.0f} s ({low:.0f} to {high:.0f}) "
    return f"about {_duration(report.seconds)} ({low / 60:.2g} to {high / 60:.2g} min) "


def print_steps(
    records: Sequence[Mapping[str, Any]],
    named: Sequence[str] = (),
    parts: Collection[str] | None = None,
) -> None:
    """Print one row a step, and the extremes on the way; as many surfaces as there is room for.

    named: the surfaces that the user asked for; parts: those whose surfaces are worth a column.
    """
    console = screen()
    names = telling(records, named, parts)
    table = _steps(records, names)
    wide = console.options.update(max_width=10_000)
    while len(names) > 1 and console.measure(table, options=wide).maximum > console.width:
        names = names[:-1]
        table = _steps(records, names)
    console.print(table)
    if hidden := len(records) - len(step_rows.shown(records, names)):
        console.print(
            f" left out: {hidden} on the way; the report (`warp report`) and --json have them all",
            style="dim",
        )
    for sentence in step_rows.changes(records):
        console.print(Text(f" {sentence}"))
    if more := [name for name in named if name not in names]:
        console.print(Text(f" with --json also: {', '.join(more)}", style="dim"), soft_wrap=True)


def _steps(records: Sequence[Mapping[str, Any]], surfaces: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for n, column in enumerate(step_rows.heads(records, surfaces, "degC")):
        table.add_column(column, justify="left" if n == 0 else "right", no_wrap=n > 0)
    rows = list(step_rows.rows(records, surfaces))
    for row in (rows[n] for n in step_rows.shown(records, surfaces)):
        cells = map(Text, (row.name, *row.cells))
        table.add_row(*cells, style="" if row.last else "dim")
    return table
