"""Show a search for an optimum: its runs as a table for programs, and the picture of its path."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from warp.adjoint.search import Outcome
from warp.adjoint.variables import Choice
from warp.report.plots import OKABE_ITO, page
from warp.results.csv_table import write_csv


def csv(outcome: Outcome, path: Path) -> Path:
    """Write every run as a row: the values, the metrics, and whether the limits are kept."""
    head = [f"{v.name} ({v.unit})" if v.unit else v.name for v in outcome.variables]
    head += [f"{name} ({unit})" for name, unit in outcome.units.items()]
    head.append("allowed")
    rows = [
        [
            *(
                v.text(value) if isinstance(v, Choice) else value
                for v, value in zip(outcome.variables, run.values, strict=True)
            ),
            *run.metrics.values(),
            "yes" if good else "no",
        ]
        for run, good in zip(outcome.runs, outcome.allowed, strict=True)
    ]
    return write_csv(path, head, rows)


def picture(outcome: Outcome, path: Path) -> Path:
    """Draw the metric and the values, relative to their ranges, over the runs."""
    runs = np.arange(1, len(outcome.runs) + 1)
    several = len(outcome.runs[0].numbers[outcome.metric].states) > 1
    with page(path, 6.0 if several else 4.2) as figure:
        last = None
        if several:
            upper, lower = figure.subfigures(2, 1, height_ratios=(4.2, 2.2))
            above, below = upper.subplots(2, 1, sharex=True)
            last = lower.subplots()
        else:
            above, below = figure.subplots(2, 1, sharex=True)
        values = [run.metrics[outcome.metric] for run in outcome.runs]
        above.plot(runs, values, "o-", color=OKABE_ITO[4], markersize=4)
        above.plot(runs[outcome.best], values[outcome.best], "o", color=OKABE_ITO[5], markersize=8)
        above.set(ylabel=f"{outcome.metric} ({outcome.units[outcome.metric]})")
        for n, v in enumerate(outcome.variables):
            shares = [(run.values[n] - v.low) / (v.high - v.low) for run in outcome.runs]
            colour = OKABE_ITO[n % len(OKABE_ITO)]
            label = f"{v.name}: {v.range}"
            below.plot(runs, shares, "o-", markersize=3, color=colour, label=label)
        below.xaxis.get_major_locator().set_params(integer=True)
        below.set(xlabel="run", ylabel="share of the range", ylim=(-0.05, 1.05))
        below.legend(loc="best")
        if last is not None:
            compared(last, outcome)
        for axes in (above, below, *([] if last is None else [last])):
            axes.grid(color="#00000018", linewidth=0.5)
            axes.spines[["top", "right"]].set_visible(False)
    return path


def compared(axes: Axes, outcome: Outcome) -> None:
    """Draw the metric of start and best in every state."""
    for n, (label, run) in enumerate(
        (("start", outcome.runs[0]), (f"run {outcome.best + 1}", outcome.runs[outcome.best]))
    ):
        number = run.numbers[outcome.metric]
        places = range(len(number.values))
        axes.plot(places, number.values, "o-", color=OKABE_ITO[4 + n], markersize=4, label=label)
    states = outcome.runs[0].numbers[outcome.metric].states
    axes.axhline(0.0, color="#00000060", linewidth=0.7)
    axes.set_xticks(range(len(states)), states)
    axes.set(ylabel=f"{outcome.metric} ({outcome.units[outcome.metric]})")
    axes.legend(loc="best")
