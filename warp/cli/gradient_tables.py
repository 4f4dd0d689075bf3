"""Print gradients on stdout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.text import Text

from warp.adjoint.balance import Balanced
from warp.adjoint.gradient import Gradient
from warp.adjoint.search import Outcome
from warp.adjoint.variables import Choice, Variable
from warp.cli.tables import plain_table
from warp.report.sensitivity import telling
from warp.report.terminal import screen


def print_gradient(gradient: Gradient, error: float | None) -> None:
    """Print what moves a metric, the strongest first; error: of the grid, in its unit."""
    console = screen()
    beside = "" if error is None else f" +- {error:.2g} {gradient.change_unit}"
    console.print(
        Text(f"{gradient.metric} = {gradient.value:.5g} {gradient.unit}{beside}", style="bold")
    )
    found = telling(gradient)
    table = plain_table("input", "value", "per unit", "change", "by")
    for effect in found:
        table.add_row(
            Text(effect.key),
            f"{effect.value:.5g} {effect.unit}",
            f"{effect.derivative:+.4g}",
            f"{effect.change:+.4g} {gradient.change_unit}",
            effect.per,
        )
    console.print(table)
    weaker = len(gradient.effects) - len(found) - sum(bool(e.reason) for e in gradient.effects)
    console.print(f" {weaker} inputs change it by less than 1/1000 of the first", style="dim")
    console.print(f" residual of the adjoint solves: {gradient.residual:.1g}", style="dim")
    if gradient.used:
        console.print(Text(f" {gradient.used}", style="dim"), soft_wrap=True)
    for words in dict.fromkeys(e.beside for e in gradient.effects if e.beside):
        names = ", ".join(e.key for e in gradient.effects if e.beside == words)
        console.print(Text(f" {names}: {words}", style="dim"), soft_wrap=True)
    reasons = Counter(e.reason for e in gradient.effects if e.reason)
    for reason in reasons:
        names = ", ".join(e.key for e in gradient.effects if e.reason == reason)
        console.print(Text(f" no gradient: {names}: {reason}", style="dim"), soft_wrap=True)


def shown(v: Variable | Choice, value: float) -> str:
    """Write a value for a table."""
    return v.text(value) if isinstance(v, Choice) else f"{value:.5g} {v.unit}"


def print_optimum(outcome: Outcome) -> None:
    """Print start and optimum of a search side by side, and how it ended."""
    best = outcome.runs[outcome.best]
    pairs = [
        (v.name, *(shown(v, run.values[n]) for run in (outcome.runs[0], best)))
        for n, v in enumerate(outcome.variables)
    ]
    _print_ends(outcome, pairs)
    words = [
        f'--set {key}="{text}"'
        for n, v in enumerate(outcome.variables)
        for key, text in v.overrides(best.values[n]).items()
    ]
    screen().print(Text(f" {' '.join(words)}"), soft_wrap=True)


def print_balance(outcome: Balanced) -> None:
    """Print start and optimum of a balance of copper, by the mean and range of each layer."""
    rows = []
    ends = outcome.shares(0), outcome.shares(outcome.best)
    for n, layer in enumerate(outcome.layers):
        sides = (own[n] for own in ends)
        words = (f"{100 * s.mean():.4g} % ({s.min():.2f} .. {s.max():.2f})" for s in sides)
        columns, rows_ = layer.number.shape[::-1]
        rows.append((f"{layer.section.layer}: {columns} x {rows_}", *words))
    _print_ends(outcome, rows)


def _print_ends(outcome: Outcome, rows: Iterable[tuple[str, ...]]) -> None:
    """Print what varied and the numbers at start and optimum, and how the search ended."""
    console = screen()
    first, best = outcome.runs[0], outcome.runs[outcome.best]
    table = plain_table("", "start", "best")
    for row in rows:
        table.add_row(*row)
    for name, unit in outcome.units.items():
        numbers = (f"{run.metrics[name]:+.5g} {unit}" for run in (first, best))
        table.add_row(Text(name, style="bold"), *numbers)
    console.print(table)
    states = first.numbers[outcome.metric].states
    if len(states) > 1:
        along = plain_table(outcome.metric, "start", "best")
        sides = [run.numbers[outcome.metric].values for run in (first, best)]
        for state, before, after in zip(states, *sides, strict=False):
            along.add_row(state, f"{before:+.5g}", f"{after:+.5g}")
        console.print(along)
    console.print(f" run {outcome.best + 1} of {len(outcome.runs)}: {outcome.said}", style="dim")
    if not any(outcome.allowed):
        console.print(Text(" no run keeps to the limits", style="yellow"))
