"""Pictures of the fields of a finished run: temperature and stress, on a section and on a level.

Lengths in mm, temperatures in degC, stresses in MPa. The largest principal stress has a sign: white
at zero, red for tension. A quarter or half model is drawn whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from warp.errors import WarpError
from warp.machine.device import select
from warp.report import plots
from warp.report.plots import SIGNED_MAP, Picture, lines_of, page, stretch
from warp.results import stress as stress_metrics
from warp.units import ZERO_CELSIUS

if TYPE_CHECKING:
    from warp.results.file import Result

HEAT_MAP, STRESS_MAP = "inferno", "viridis"
TRIM = 0.01  # fraction of cells at each end beyond a scale of stresses: corners are singular


def temperature(result: Result, path: Picture, title: str = "") -> None:
    """Draw the temperature on the section through the hottest point and on the level through it."""
    numbers = result.metrics.get("temperature", {})
    if not numbers or "temperature" not in result.fields:
        raise WarpError("this result has no temperature field")
    if result.metrics.get("uniform_temperature"):
        raise WarpError("one temperature everywhere")
    part = _hottest(result)
    field = result.fields["temperature"]
    k, j = _place(result, numbers[part]["max_at_mm"])
    section, level = field[:, j, :] - ZERO_CELSIUS, field[k] - ZERO_CELSIUS
    _two_cuts(
        result,
        path,
        (
            np.ma.array(section, mask=result.ids[:, j] == 0),
            np.ma.array(level, mask=result.ids[k] == 0),
        ),
        (j, k),
        (HEAT_MAP, HEAT_MAP),
        ("temperature (degC)",) * 2,
        lines_of(title, f"hottest in {part} (+): {numbers[part]['max_C']:.1f} degC"),
        f"at z = {1e3 * result.grid.zc[k]:.3g} mm",
        numbers[part]["max_at_mm"],
    )


def stress(result: Result, path: Picture, title: str = "") -> None:
    """Draw von Mises stress on a section and the largest principal stress on a level.

    Both pass through the largest tension of the hottest part (the chip, under power), or of any
    part where none is hot.
    """
    if "stress" not in result.fields:
        raise WarpError(
            "this result has no stress field; ask for it with "
            'output.fields = ["displacement", "stress"]'
        )
    field = result.fields["stress"]
    numbers = result.metrics.get("stress") or stress_metrics.parts(result, field, select("cpu"))
    part = _hottest(result) or max(
        numbers, key=lambda name: numbers[name]["max_principal_q999_MPa"]
    )
    k, j = _place(result, numbers[part]["max_principal_at_mm"])
    section = stress_metrics.invariants(field[:, :, j])[2] / stress_metrics.MPA
    part_of, largest = np.asarray(result.media.part), np.full(result.ids.shape[1:], -np.inf)
    for layer in range(result.grid.shape[0]):
        where = part_of[result.ids[layer]] == result.parts.index(part)
        if where.any():
            tension = stress_metrics.invariants(field[:, layer][:, where])[0]
            largest[where] = np.maximum(largest[where], tension / stress_metrics.MPA)
    largest_value = f"{numbers[part]['max_principal_q999_MPa']:.0f} MPa"
    what = f"largest principal stress in {part}: {largest_value} in all but 0.1 % of it"
    _two_cuts(
        result,
        path,
        (section, np.ma.masked_invalid(largest)),
        (j, k),
        (STRESS_MAP, SIGNED_MAP),
        ("von Mises (MPa)", "largest principal (MPa)"),
        lines_of(title, what),
        f"{part}, the largest through its thickness (+: the peak)",
        numbers[part]["max_principal_at_mm"],
    )


def _two_cuts(
    result: Result,
    path: Picture,
    values: tuple[np.ndarray, np.ma.MaskedArray],
    at: tuple[int, int],
    colours: tuple[str, str],
    labels: tuple[str, ...],
    title: str,
    below: str,
    mark: Sequence[float],
) -> None:
    """Draw cell values on the section y = const, and below it on a level from above.

    Parts are outlined and a place is marked; arrays (nz, nx) and (ny, nx).
    """
    grid, (j, k) = result.grid, at
    part_of = np.asarray(result.media.part)
    parts = part_of[result.ids[:, j, :]], part_of[result.ids[k]]
    x, y, z = 1e3 * grid.x, 1e3 * grid.y, 1e3 * grid.z
    shared = len(set(labels)) == 1
    with page(path, 7.6) as figure:
        axes_pair = figure.subplots(2, 1, height_ratios=(0.42, 1.0))
        mirrors = (grid.mirror[0], False), grid.mirror
        cuts = [
            _unfolded(np.ma.array(v, mask=np.ma.getmaskarray(v) | (p < 0)), m)
            for v, p, m in zip(values, parts, mirrors, strict=True)
        ]
        limits = [_robust(cut) for cut in cuts]
        for n, name in enumerate(colours):
            if name == SIGNED_MAP:
                limit = max(map(abs, limits[n]))
                limits[n] = (-limit, limit)
        if shared:
            limits = [(min(c.min() for c in cuts), max(c.max() for c in cuts))] * 2
        for n, axes in enumerate(axes_pair):
            (low, high), cut = limits[n], cuts[n]
            across, up = _lines(x, mirrors[n][0]), _lines((z, y)[n], mirrors[n][1])
            picture = axes.pcolormesh(
                across, up, cut, cmap=colours[n], vmin=low, vmax=high, rasterized=True
            )
            plots.outline(axes, across, up, _unfolded(parts[n], mirrors[n]))
            for colour, width in (("#FFFFFF", 2.6), ("#000000", 1.2)):
                axes.plot(
                    mark[0], mark[2 - n], "+", color=colour, markersize=8, markeredgewidth=width
                )
            beyond = (bool(cut.min() < low), bool(cut.max() > high))
            extend = {
                (False, False): "neither",
                (True, False): "min",
                (False, True): "max",
                (True, True): "both",
            }[beyond]
            figure.colorbar(picture, ax=axes, label=labels[n], extend=extend)
            axes.set(
                xlabel="x (mm)", ylabel="zy"[n] + " (mm)", xlim=across[[0, -1]], ylim=up[[0, -1]]
            )
            axes.spines[["top", "right"]].set_visible(False)
        axes_pair[1].set(aspect="equal")
        axes_pair[1].set_title(below, loc="left")
        first = axes_pair[0]
        first.set_title(lines_of(title, " "), loc="left")
        first.set_title(
            lines_of(title, f"at y = {1e3 * grid.yc[j]:.3g} mm, {stretch(figure, first)}"),
            loc="left",
        )


def _hottest(result: Result) -> str:
    numbers = result.metrics.get("temperature", {})
    return (
        ""
        if result.metrics.get("uniform_temperature")
        else max(numbers, key=lambda p: numbers[p]["max_C"], default="")
    )


def _place(result: Result, millimetres: list[float]) -> tuple[int, int]:
    """Layer k and row j of a cell by its centre."""
    _, y, z = (1e-3 * v for v in millimetres)
    return int(np.abs(result.grid.zc - z).argmin()), int(np.abs(result.grid.yc - y).argmin())


def _robust(values: np.ma.MaskedArray) -> tuple[float, float]:
    low, high = np.quantile(values.compressed(), (TRIM, 1 - TRIM))
    return float(low), float(high if high > low else low + 1)


def _unfolded(values: Any, mirror: tuple[bool, bool]) -> Any:
    """Unfold the values of a half or a quarter to the full package; mirror: (across, up)."""
    join = np.ma.concatenate if np.ma.isMA(values) else np.concatenate
    if mirror[0]:
        values = join([values[:, ::-1], values], axis=1)
    if mirror[1]:
        values = join([values[::-1], values], axis=0)
    return values


def _lines(lines: np.ndarray, mirror: bool) -> np.ndarray:
    return np.concatenate([2 * lines[0] - lines[:0:-1], lines]) if mirror else lines
