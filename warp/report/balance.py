"""Show a balance of copper: the runs, a map of each layer, and the case with the best shares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from warp.adjoint.balance import Balanced
from warp.case import toml_text
from warp.case.case import Case
from warp.case.included import moved
from warp.files import whole_file
from warp.files.plain_names import plain_names
from warp.report.optimum import compared
from warp.report.plots import OKABE_ITO, page
from warp.results.csv_table import write_csv

COPPER_MAP = "copper_r"


def names(case: Case, name: Path) -> list[Path]:
    """Return the files of the best design: a map for each layer that varies, and the case."""
    sections = case.file.optimize.balance
    layers = plain_names(one.layer.replace(".", "-") for one in sections)
    found = [name.with_name(f"{name.name}-{layer}.csv") for layer in layers]
    return [*found, name.with_name(name.name + ".toml")] if layers else []


def write(outcome: Balanced, name: Path) -> list[Path]:
    """Write all files of a search but its log; return their paths."""
    ending = {end: name.with_name(name.name + end) for end in (".csv", ".png")}
    *maps, case = names(outcome.case, name)
    for path, shares in zip(maps, outcome.shares(outcome.best), strict=True):
        rows = [",".join(f"{share:.10g}" for share in row) for row in shares]
        _write(path, "\n".join(rows) + "\n")
    best = outcome.best_case()
    here, there = best.path.parent, case.parent
    _write(case, toml_text.dumps(moved(dict(best.tables), here, there)))
    return [runs(outcome, ending[".csv"]), picture(outcome, ending[".png"]), *maps, case]


def _write(path: Path, text: str) -> None:
    with whole_file.replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def runs(outcome: Balanced, path: Path) -> Path:
    """Write every run as a row: the mean share of each layer, the numbers in every state."""
    first = outcome.runs[0]
    head = [f"{layer.section.layer} mean" for layer in outcome.layers]
    for name, number in first.numbers.items():
        head += [f"{name} {state} ({number.unit})".replace("  ", " ") for state in number.states]
    rows = [
        [
            *(float(shares.mean()) for shares in outcome.shares(n)),
            *(value for number in run.numbers.values() for value in number.values),
            "yes" if good else "no",
        ]
        for n, (run, good) in enumerate(zip(outcome.runs, outcome.allowed, strict=True))
    ]
    return write_csv(path, [*head, "allowed"], rows)


def picture(outcome: Balanced, path: Path) -> Path:
    """Draw the shares of each layer at start and best, the path, and the numbers in all states."""
    count = len(outcome.layers)
    several = len(outcome.runs[0].numbers[outcome.metric].states) > 1
    with page(path, 2.9 * count + (4.2 if several else 2.4)) as figure:
        heights = [2.9 * count, *([2.1] * (2 if several else 1))]
        above, *below = figure.subfigures(len(heights), 1, height_ratios=heights)
        _draw_maps(above, outcome)
        _draw_path(below[0].subplots(), outcome)
        if several:
            compared(below[1].subplots(), outcome)
    return path


def _draw_maps(figure: Figure, outcome: Balanced) -> None:
    """Draw the shares of each layer at start and best."""
    axes = figure.subplots(len(outcome.layers), 2, squeeze=False)
    ends = outcome.shares(0), outcome.shares(outcome.best)
    for row, layer in enumerate(outcome.layers):
        low, high = layer.section.between
        for column, (title, shares) in enumerate(
            (("start", ends[0][row]), (f"run {outcome.best + 1}", ends[1][row]))
        ):
            own = axes[row, column]
            shown = own.imshow(shares, cmap=COPPER_MAP, vmin=low, vmax=high, aspect="equal")
            own.set(title=f"{layer.section.layer}, {title}: mean {100 * shares.mean():.3g} %")
            own.set_xticks([])
            own.set_yticks([])
        figure.colorbar(shown, ax=list(axes[row]), label="share of copper", shrink=0.8)


def _draw_path(axes: Axes, outcome: Balanced) -> None:
    """Draw the number of every run."""
    values = [run.metrics[outcome.metric] for run in outcome.runs]
    count = np.arange(1, len(values) + 1)
    axes.plot(count, values, "o-", color=OKABE_ITO[4], markersize=4)
    axes.plot(count[outcome.best], values[outcome.best], "o", color=OKABE_ITO[5], markersize=8)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="run", ylabel=f"{outcome.metric} ({outcome.units[outcome.metric]})")
    axes.grid(color="#00000018", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
