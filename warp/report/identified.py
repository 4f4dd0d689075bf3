"""Show an identification: its surfaces and what is left of them, and its values for programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from warp.adjoint.identified import Identified
from warp.report.plots import page
from warp.results.csv_table import write_csv
from warp.units import ZERO_CELSIUS

UM = 1e-6
MOST = 8  # surfaces that are drawn
ROW = 1.9  # inches


def csv(found: Identified, path: Path) -> Path:
    """Write every value as a row: start, prior, value, deviation, interval, correlations."""
    head = ["key", "unit", "start", "prior deviation", "value", "deviation", "low", "high"]
    head += [f"correlation with {one.key}" for one in found.unknowns]
    rows = [
        [
            *(row[key] for key in ("key", "unit", "start", "prior_deviation")),
            *(row[key] for key in ("value", "deviation", "low", "high")),
            *(float(rho) for rho in found.correlation[n]),
        ]
        for n, row in enumerate(found.table())
    ]
    return write_csv(path, head, rows)


def picture(found: Identified, path: Path) -> Path:
    """Draw measured and computed heights and the residuals of each surface, side by side."""
    shown = range(min(len(found.observations), MOST))
    with page(path, ROW * len(shown) + 0.3) as figure:
        rows = figure.subplots(len(shown), 3, squeeze=False, sharex=True, sharey=True)
        for n, axes in zip(shown, rows, strict=True):
            one, rest = found.observations[n], found.residuals[n]
            computed = found.estimate.seen.heights[n]
            largest = max(np.abs(one.measured).max(), np.abs(computed).max()) / UM
            for ax, heights in zip(axes[:2], (one.measured, computed), strict=True):
                _map(ax, found, n, heights, float(largest))
            _map(axes[2], found, n, rest, float(np.quantile(np.abs(rest), 0.995)) / UM)
            state = f"after step {(one.step or 0) + 1}"
            if one.temperature is not None:
                state = f"{one.temperature - ZERO_CELSIUS:.4g} degC"
            axes[0].set_ylabel(f"{state}\ny (mm)")
            axes[2].set_title(f"residual, rms {found.rms[n] / UM:.2g} um", loc="left")
            axes[0].set_title(f"measured {one.surface}", loc="left")
            axes[1].set_title("computed", loc="left")
        for ax in rows[-1]:
            ax.set_xlabel("x (mm)")
    return path


def _map(ax: Axes, found: Identified, n: int, heights: np.ndarray, largest: float) -> None:
    """Draw heights at the points of an observation, in um."""
    one = found.observations[n]
    box = np.ptp(one.x) * np.ptp(one.y)
    size = 1.3e6 * ROW * 72 * np.sqrt(box / len(one.x)) * 1e-6 * 0.62 / max(np.ptp(one.y), 1e-9)
    dots = ax.scatter(
        1e3 * one.x,
        1e3 * one.y,
        c=heights / UM,
        s=max(size, 1.0) ** 2,
        marker="s",
        linewidths=0,
        cmap="RdBu_r",
        vmin=-largest,
        vmax=largest,
        rasterized=True,
    )
    ax.set_aspect("equal")
    ax.figure.colorbar(dots, ax=ax, label="um", shrink=0.85)
