"""Draw a comparison: maps of two surfaces and of their difference, and their diagonals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from warp.report.plots import DASHES, LINE_COLOURS, SIGNED_MAP, level_line, page
from warp.results import flatness
from warp.results.surface import Surface

NAMES = ("A to B (x-, y- to x+, y+)", "C to D (x-, y+ to x+, y-)")


@dataclass(frozen=True)
class Difference:
    """The residuals of one surface in two results on the same lines [m], NaN off the footprint."""

    x: np.ndarray
    y: np.ndarray
    a: np.ndarray
    b: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """Return b minus a [m]."""
        return self.b - self.a

    def to_dict(self) -> dict[str, float]:
        """Return the largest and the mean difference in um."""
        values = 1e6 * self.values[np.isfinite(self.values)]
        return {
            "highest_um": float(values.max()),
            "lowest_um": float(values.min()),
            "rms_um": float(np.sqrt(np.mean(values**2))),
        }


def draw(
    curves: Mapping[str, Surface],
    names: Sequence[str],
    difference: Difference | None,
    path: Path,
    title: str = "",
) -> None:
    """Draw both diagonals of several surfaces, below the maps of two results if there are two.

    w of each surface is its height above its plane.
    """
    with page(path, 5.2 if difference is None else 7.9) as figure:
        below = figure
        if difference is not None:
            above, below = figure.subfigures(2, 1, height_ratios=(2.7, 5.2))
            _maps(above, difference, names)
        _diagonals(below, curves)
        if title:
            figure.suptitle(title, x=0.02, ha="left", fontsize=9)


def _maps(figure: Any, difference: Difference, names: Sequence[str]) -> None:
    """Draw a, b on one scale, and b minus a on its own, each centred at zero."""
    x, y = 1e3 * difference.x, 1e3 * difference.y
    a, b = 1e6 * difference.a, 1e6 * difference.b
    both = max(float(np.nanmax(np.abs(v))) for v in (a, b))
    change = float(np.nanmax(np.abs(b - a)))
    titles = (names[0], names[1], f"{names[1]} - {names[0]}")
    every = figure.subplots(1, 3, sharey=True)
    for n, (axes, values) in enumerate(zip(every, (a, b, b - a), strict=True)):
        limit = max(both if n < 2 else change, 1e-6)
        known = np.ma.masked_invalid(values)
        levels = np.linspace(-limit, limit, 22)
        drawn = axes.contourf(x, y, known, levels=levels, cmap=SIGNED_MAP)
        axes.contour(x, y, known, levels=[0.0], colors="#000000", linewidths=0.5)
        axes.set(aspect="equal", xlabel="x (mm)")
        axes.set_title(_shortened(titles[n]), loc="left")
        if n:
            of = every[:2] if n == 1 else axes
            bar = figure.colorbar(drawn, ax=of, location="right", shrink=0.8, label="um")
            bar.set_ticks([-limit, 0.0, limit], labels=[f"{-limit:.3g}", "0", f"{limit:+.3g}"])
    every[0].set_ylabel("y (mm)")


def _shortened(text: str, most: int = 26) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _diagonals(figure: Any, curves: Mapping[str, Surface]) -> None:
    both = figure.subplots(2, 1, sharex=True, sharey=True)
    for which, (axes, name) in enumerate(zip(both, NAMES, strict=True)):
        for n, (label, surface) in enumerate(curves.items()):
            along, height = flatness.diagonal(surface, 1e6 * surface.w, which)
            known = np.isfinite(height)
            style = {"color": LINE_COLOURS[n % 6], "linestyle": DASHES[n % 4]}
            axes.plot(1e3 * along[known], height[known], label=label, **style)
        level_line(axes)
        axes.set(ylabel="height (um)")
        axes.set_title(f"diagonal {name}", loc="left")
    both[1].set(xlabel="along the diagonal of the measuring zone (mm)")
    both[0].legend(frameon=False)
