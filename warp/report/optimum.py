"""Show a search for an optimum: its runs as a table for programs, and the picture of its path."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from warp.adjoint.optimum import Outcome
from warp.report.plots import OKABE_ITO, page
from warp.results.csv_table import write_csv


def csv(outcome: Outcome, path: Path) -> Path:
    """Write every run as a row: the values, the metrics, and whether the limits are kept."""
    head = [f"{v.name} ({v.unit})" for v in outcome.variables]
    head += [f"{name} ({unit})" for name, unit in outcome.runs[0].units.items()]
    head.append("allowed")
    rows = [
        [*run.values, *run.metrics.values(), "yes" if good else "no"]
        for run, good in zip(outcome.runs, outcome.allowed, strict=True)
    ]
    return write_csv(path, head, rows)


def picture(outcome: Outcome, path: Path) -> Path:
    """Draw the metric and the values, relative to their ranges, over the runs."""
    runs = np.arange(1, len(outcome.runs) + 1)
    with page(path, 4.2) as figure:
        above, below = figure.subplots(2, 1, sharex=True)
        values = [run.metrics[outcome.metric] for run in outcome.runs]
        above.plot(runs, values, "o-", color=OKABE_ITO[4], markersize=4)
        above.plot(runs[outcome.best], values[outcome.best], "o", color=OKABE_ITO[5], markersize=8)
        above.set(ylabel=f"{outcome.metric} ({outcome.runs[0].units[outcome.metric]})")
        for n, v in enumerate(outcome.variables):
            shares = [(run.values[n] - v.low) / (v.high - v.low) for run in outcome.runs]
            colour = OKABE_ITO[n % len(OKABE_ITO)]
            label = f"{v.name}: {v.low:g} .. {v.high:g} {v.unit}"
            below.plot(runs, shares, "o-", markersize=3, color=colour, label=label)
        below.xaxis.get_major_locator().set_params(integer=True)
        below.set(xlabel="run", ylabel="share of the range", ylim=(-0.05, 1.05))
        below.legend(loc="best")
        for axes in (above, below):
            axes.grid(color="#00000018", linewidth=0.5)
            axes.spines[["top", "right"]].set_visible(False)
    return path
