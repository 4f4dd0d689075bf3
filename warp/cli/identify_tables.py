"""Print an identification on stdout."""

from __future__ import annotations

from itertools import combinations

from rich.text import Text

from warp.adjoint.identified import UM, Identified
from warp.cli.tables import plain_table
from warp.report.terminal import screen

SHOWN = 0.3
"""Least correlation that is printed."""


def print_identified(found: Identified) -> None:
    """Print the values with their intervals, the surfaces, predictions and remarks."""
    console = screen()
    table = plain_table("value", "start", "found", "95 % interval", "")
    for one, row in zip(found.unknowns, found.table(), strict=True):
        before = f"{row['start']:.5g} +- {row['prior_deviation']:.2g}"
        interval = f"{row['low']:.5g} .. {row['high']:.5g}"
        table.add_row(Text(one.name), before, f"{row['value']:.5g}", interval, row["unit"])
    console.print(table)
    surfaces = plain_table("surface", "points", "residual, rms")
    for seen, rms in zip(found.observations, found.rms, strict=True):
        words = Text(f"{seen.name} {seen.surface}")
        surfaces.add_row(words, f"{len(seen.x):,}", f"{rms / UM:.3g} um")
    console.print(surfaces)
    for metric in found.predictions:
        low, high = metric.interval
        value = f"{metric.value:.5g} {metric.unit}"
        text = f" {metric.metric} = {value}, 95 %: {low:.5g} .. {high:.5g}"
        console.print(Text(text, style="bold"))
    noise = found.estimate.noise
    said = "as given" if found.noise_given else "that of the residuals"
    error = f", model error {100 * noise.model_error:g} %" if noise.model_error else ""
    console.print(
        f" {found.steps} steps; noise {noise.deviation / UM:.3g} um, {said}{error}", style="dim"
    )
    for (n, one), (m, other) in combinations(enumerate(found.unknowns), 2):
        rho = float(found.correlation[n, m])
        if abs(rho) >= SHOWN:
            text = f" correlation {rho:+.2f}: {one.name} and {other.name}"
            console.print(Text(text, style="dim"), soft_wrap=True)
    for note in dict.fromkeys(o.note for o in found.observations if o.note):
        console.print(Text(f" {note}", style="dim"), soft_wrap=True)
    for remark in found.remarks():
        console.print(Text(f" {remark}", style="yellow"), soft_wrap=True)
