"""Draw a sweep: the main effects of its variables, or one output over one variable."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from warp.report.plots import OKABE_ITO, curves, page
from warp.run.effects import effects
from warp.run.sampling import Design
from warp.run.sweep import Outcome

WORDS = "#999999"  # the bar of a variable without order
LONG = 26  # letters of a label that fit under one of three pictures


def pictures(outcome: Outcome, folder: Path) -> list[Path]:
    """Draw a sweep into its folder and return the files.

    FOLDER/effects-*.png  what moves the side to the board and the junction FOLDER/curve.png
    instead of them where one number varies: warpage against it (load.temperature, say)
    """
    design, main, files = outcome.design, outcome.main, []
    alone = len(design.variables) == 1 and design.variables[0].numeric
    if alone and main:
        telling: list[str] = next(
            (record["telling"] for record in outcome.records if record.get("telling")), []
        )
        shown = {
            name: outcome.series[name]
            for name in dict.fromkeys([main, *telling])
            if name in outcome.series
        }
        files.append(curve(design, shown, folder / "curve.png"))
    for name, values in () if alone else outcome.series.items():
        if (name == main or name.startswith("junction (")) and np.isfinite(values).sum() > 1:
            path = folder / f"effects-{'junction' if name != main else 'warpage'}.png"
            main_effects_picture(design, name, name[name.rindex("(") + 1 : -1], values, path)
            files.append(path)
    return files


def main_effects_picture(
    design: Design, output: str, unit: str, values: np.ndarray, path: Path
) -> None:
    """Draw the output over every variable, and the effects as bars, the strongest on top."""
    found = sorted(effects(design, output, values), key=lambda e: abs(np.nan_to_num(e.effect)))
    count = len(design.variables)
    columns = min(count, 3)
    rows = -(-count // columns)
    with page(path, 2.3 * rows + 0.9 + 0.32 * count) as figure:
        above, below = figure.subfigures(2, 1, height_ratios=(2.3 * rows, 0.9 + 0.32 * count))
        axes = above.subplots(rows, columns, sharey=True, squeeze=False)
        for n, (v, one) in enumerate(zip(design.variables, axes.flat, strict=False)):
            x = np.array([v.number(point[n]) for point in design.points])
            one.plot(x, values, "o", markersize=3, color=OKABE_ITO[4], alpha=0.6)
            for level in np.unique(x) if len(np.unique(x)) <= 12 else ():
                here = values[(x == level) & np.isfinite(values)]
                if here.size:
                    one.plot(
                        level, here.mean(), "_", markersize=16, markeredgewidth=2, color="#000000"
                    )
            if not v.numeric:
                crowded = sum(map(len, v.values)) > LONG
                one.set_xticks(
                    range(len(v.values)),
                    v.values,
                    rotation=20 * crowded,
                    ha="right" if crowded else "center",
                )
                one.margins(x=0.3)
            one.set(
                xlabel=v.label
                if len(v.label) < LONG
                else v.label.replace(v.key, ".\n".join(v.key.rsplit(".", 1)))
            )
            one.grid(color="#00000018", linewidth=0.5)
            one.spines[["top", "right"]].set_visible(False)
        for one in axes.flat[count:]:
            one.set_visible(False)
        for row in axes:
            row[0].set(ylabel=unit)
        above.suptitle(output, x=0.02, ha="left", fontsize=9)
        bars = below.subplots()
        height = [float(np.nan_to_num(e.effect)) for e in found]
        words = {v.key for v in design.variables if not v.numeric}
        colours = [
            WORDS if e.variable in words else OKABE_ITO[0 if e.effect < 0 else 4] for e in found
        ]
        bars.barh([e.variable for e in found], height, color=colours)
        bars.axvline(0, color="#000000", linewidth=0.6)
        for n, e in enumerate(found):
            fraction = f"   {100 * e.total:.0f} % of variance" if np.isfinite(e.total) else ""
            text = (
                f" {e.effect:.3g} between means{fraction} "
                if e.variable in words
                else f" {e.effect:+.3g}{fraction} "
            )
            bars.annotate(text, (max(height[n], 0.0), n), va="center", fontsize=8)
        low, high = min(0.0, *height), max(1e-12, *height)
        bars.set_xlim(low - 0.05 * (high - low), high + 0.8 * (high - low))  # room for the numbers
        bars.spines[["top", "right", "left"]].set_visible(False)
        bars.set(xlabel=f"change from the lowest to the highest value ({unit})")


def curve(design: Design, series: Mapping[str, np.ndarray], path: Path) -> Path:
    """Draw outputs in um, by their columns' names, over the one variable of a sweep."""
    only = design.variables[0]
    x = np.array([only.number(point[0]) for point in design.points])
    order = np.argsort(x, kind="stable")
    shown = {
        name.removesuffix(" warpage (um)"): (x[order], values[order])
        for name, values in series.items()
    }
    return curves(
        shown, path, only.label, "warpage (um), + is convex", f"warpage against {only.key}"
    )
