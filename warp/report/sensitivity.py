"""Show a gradient: rows for the console and for CSV, and the picture of the strongest inputs."""

from __future__ import annotations

from pathlib import Path

from warp.adjoint.gradient import Effect, Gradient
from warp.report.plots import OKABE_ITO, page
from warp.results.csv_table import write_csv

SHOWN = 25  # bars of the picture
LEAST = 1e-3  # of the largest change: weaker inputs are worth no line
HEAD = ("input", "value", "unit", "derivative", "change", "per", "reason")


def telling(gradient: Gradient) -> list[Effect]:
    """Return the inputs that are worth a line, the strongest first."""
    found = gradient.strongest
    least = LEAST * abs(found[0].change or 0.0) if found else 0.0
    return [effect for effect in found if abs(effect.change or 0.0) >= least]


def csv(gradient: Gradient, path: Path) -> Path:
    """Write every input as a row: derivative per unit, and change by 10 % or 10 K."""
    rows: list[list[object]] = []
    rows.append([gradient.metric, gradient.value, gradient.unit, "", "", "", gradient.used])
    order = {id(effect): n for n, effect in enumerate(gradient.strongest)}
    for e in sorted(gradient.effects, key=lambda e: order.get(id(e), len(order))):
        rows.append([e.key, e.value, e.unit, e.derivative, e.change, e.per, e.reason])
    return write_csv(path, HEAD, rows)


def tornado(gradient: Gradient, path: Path) -> Path:
    """Draw the changes of the metric by the strongest inputs as bars, the strongest on top."""
    found = telling(gradient)[:SHOWN][::-1]
    with page(path, 0.9 + 0.22 * max(len(found), 1)) as figure:
        axes = figure.subplots()
        changes = [effect.change or 0.0 for effect in found]
        colours = [OKABE_ITO[0 if change < 0 else 4] for change in changes]
        axes.barh([effect.key for effect in found], changes, color=colours)
        axes.axvline(0, color="#000000", linewidth=0.6)
        for n, (effect, change) in enumerate(zip(found, changes, strict=True)):
            text = f" {change:+.3g} by {effect.per} of {effect.value:.4g} {effect.unit} "
            axes.annotate(text, (max(change, 0.0), n), va="center", fontsize=7)
        low, high = min([0.0, *changes]), max([1e-12, *changes])
        axes.set_xlim(low - 0.05 * (high - low), high + 0.7 * (high - low))
        axes.tick_params(axis="y", labelsize=7)
        axes.spines[["top", "right", "left"]].set_visible(False)
        value = f"{gradient.metric} = {gradient.value:.4g} {gradient.unit}"
        axes.set(xlabel=f"change ({gradient.change_unit})")
        figure.suptitle(value, x=0.02, ha="left", fontsize=9)
    return path
