"""Pictures of a finished run: warped surfaces and convergence; `draw` makes the useful set.

Heights in um above the least-squares plane of the measuring zone, + towards the lid; lengths in mm.
What has a sign is white at zero, red above and blue below; other colour maps rise evenly in
lightness, so that they read in grey and with any colour vision. Every map says the rest with lines
and numbers. A quarter or half model is drawn whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from warp.errors import WarpError
from warp.files.whole_file import FileError
from warp.report import bodies, field_figures, plots, sections, step_figures
from warp.report.plots import (
    ANEW,
    OKABE_ITO,
    SIGNED_MAP,
    Picture,
    broken,
    level_line,
    lines_of,
    magnified,
    page,
)
from warp.report.sections import Cut
from warp.results import flatness, heights, measured
from warp.results.measured import Flat
from warp.results.surface_points import interpolate

if TYPE_CHECKING:
    from warp.results.file import Result

FORMATS = ("png", "svg", "pdf")
HEIGHT_MAP = SIGNED_MAP
FRINGES = (
    14  # contour intervals over a surface's height: fringes that can still be counted at 600 pixels
)
FINEST = 181  # lines per side of a surface in space
FACETS = 60
RISE = 0.2  # of its side: how high a surface stands in space
DIAGONALS = (("A", "B", "-"), ("C", "D", (0, (4, 2))))  # as JEITA ED-7306 names their ends
LIGHT = {"color": "#FFFFFF", "linewidth": 2.6}
DARK = {"color": "#000000", "linewidth": 1.1}


def draw(
    result: Result,
    folder: Path,
    stem: str,
    form: str = "png",
    surfaces: Iterable[str] = (),
    at: Sequence[Cut] = (),
) -> tuple[list[Path], list[str]]:
    """Draw the useful set into `folder`; return the files, and what was left out and why.

    at: the planes of sections, one an axis; by default a section and a plan where most parts are
    met.
    """
    if form not in FORMATS:
        raise WarpError(f"no picture format {form!r}: choose {', '.join(FORMATS)}")
    folder.mkdir(parents=True, exist_ok=True)
    plots.check_writable(folder / f"{stem}.{form}")
    title = heading(result)
    files: list[Path] = []
    left_out: list[str] = []

    def one(name: str, how: Callable[[Path], Any]) -> None:
        path = folder / f"{stem}-{name}.{form}"
        try:
            how(path)
        except FileError:
            raise
        except WarpError as error:
            left_out.append(f"{name}: {error}")
        else:
            files.append(path)

    cuts = {cut.axis: cut for cut in at} or {"y": Cut("y"), "z": Cut("z")}
    for axis, cut in cuts.items():
        name = {"y": "section", "x": "section-x", "z": "plan"}[axis]
        one(name, partial(sections.cross_section, result, cut=cut, title=title))
    if "displacement" in result.fields:
        for part, side in measured.chosen(result, surfaces):
            flat = measured.flat(result, part, side)
            one(f"{part}-{side}", partial(surface_map, flat, title=title))
            one(f"{part}-{side}-3d", partial(relief, flat, title=title))
    else:
        left_out.append("surfaces: this result has no displacement field")
    for name, how in (
        ("temperature", field_figures.temperature),
        ("stress", field_figures.stress),
        ("residuals", residuals),
    ):
        one(name, partial(how, result, title=title))
    if result.metrics.get("steps"):
        one("steps", partial(step_figures.draw, result, title=title))
        one("bodies", partial(bodies.by_steps, result, title=title))
    return files, left_out


def heading(result: Result) -> str:
    """Return the case's title, or its file's name."""
    import tomllib

    try:
        title = tomllib.loads(result.case).get("title", "")
    except tomllib.TOMLDecodeError:
        title = ""
    title = title if isinstance(title, str) else ""
    return title or Path(result.provenance.get("case_file", "")).stem


def surface_map(flat: Flat, path: Picture, title: str = "") -> None:
    """Draw a surface as shadow moire shows it, with its measuring zone.

    Below it the height along both diagonals of the zone.
    """
    from matplotlib.patheffects import withStroke

    surface, height = flat.surface, 1e6 * flat.height
    x, y = 1e3 * surface.x, 1e3 * surface.y
    wide = (x[-1] - x[0]) / (y[-1] - y[0])
    with page(path, min(9.0, 4.4 / max(wide, 1.0) + 2.9)) as figure:
        above, below = figure.subplots(2, 1, height_ratios=(1.0, 0.42))
        levels = fringes(height)
        known = np.ma.masked_invalid(height)
        above.use_sticky_edges = False
        limit = _limit(levels)
        colours = {"cmap": HEIGHT_MAP, "vmin": -limit, "vmax": limit}
        picture = above.contourf(x, y, known, levels=levels, **colours)
        lines = above.contour(x, y, known, levels=levels, colors="#000000", linewidths=0.35)
        round_ones = levels[int(np.abs(levels).argmin()) % 2 :: 2]
        for text in above.clabel(lines, round_ones, fontsize=7, fmt="%g", inline_spacing=2):
            text.set_path_effects([withStroke(linewidth=1.8, foreground="#FFFFFFC0")])
        above.margins(0.04)
        above.set(xlabel="x (mm)", ylabel="y (mm)", aspect="equal")
        figure.colorbar(picture, ax=above, label="height (um), up is +", ticks=round_ones)
        if flat.zone is not None:
            a, b, c, d = (1e3 * v for v in flat.zone)
            for style in (LIGHT, DARK):
                above.plot([a, b, b, a, a], [c, c, d, d, c], linestyle=(0, (1, 1.5)), **style)
        zone = flat.warpage.surface
        x0, x1, y0, y1 = (1e3 * v for v in zone.bounds)
        for which, (start, end, dash) in enumerate(DIAGONALS):
            ys = (y0, y1) if which == 0 else (y1, y0)
            above.plot((x0, x1), ys, **LIGHT, alpha=0.7)
            above.plot((x0, x1), ys, linestyle=dash, **DARK)
            for letter, at, level in ((start, x0, ys[0]), (end, x1, ys[1])):
                above.annotate(
                    letter,
                    (at, level),
                    ha="center",
                    va="center",
                    fontweight="bold",
                    bbox={
                        "boxstyle": "circle,pad=0.15",
                        "facecolor": "white",
                        "edgecolor": "black",
                        "linewidth": 0.6,
                    },
                )
            along, h = flatness.diagonal(zone, 1e6 * flat.warpage.residual, which)
            colour = OKABE_ITO[4 + which]
            below.plot(1e3 * along, h, color=colour, linestyle=dash, label=f"{start} to {end}")
        level_line(below)
        below.set(xlabel="along the diagonal (mm)", ylabel="height (um)")
        below.legend(frameon=False, ncols=2)
        zoned = (
            "" if flat.zone is None else f" in the dotted zone, {x1 - x0:.3g} x {y1 - y0:.3g} mm"
        )
        above.set_title(
            lines_of(
                title,
                f"{flat.name}: {heights.signed(1e6 * flat.warpage.value)}, {flat.shape}{zoned}",
            ),
            loc="left",
        )


def fringes(height: np.ndarray) -> np.ndarray:
    """Contour levels at round heights that cover a surface [um]."""
    from matplotlib.ticker import MaxNLocator

    low, high = float(np.nanmin(height)), float(np.nanmax(height))
    if high - low < 1e-6:  # a picometre: flat
        low, high = low - 0.5, high + 0.5
    return MaxNLocator(nbins=FRINGES, steps=(1, 2, 2.5, 5, 10)).tick_values(low, high)


def relief(flat: Flat, path: Picture, title: str = "") -> None:
    """Draw a surface in space, its height exaggerated as the title says, over its contours."""
    surface = flat.surface
    x, y = _even(surface.x), _even(surface.y)
    height = 1e6 * interpolate(surface, flat.height, x[None, :], y[:, None])
    xs, ys = np.meshgrid(1e3 * x, 1e3 * y)
    low, high = float(np.nanmin(height)), float(np.nanmax(height))
    span, limit = max(high - low, 1e-6), max(-low, high, 1e-6)
    side = 1e3 * max(np.ptp(x), np.ptp(y))
    with page(path, 3.9) as figure:
        figure.set_layout_engine("none")  # it leaves wide margins round a scene in space
        axes: Any = figure.add_axes((-0.06, -0.14, 1.0, 1.2), projection="3d")
        floor = low - 0.6 * span
        axes.contour(
            xs,
            ys,
            height,
            levels=fringes(height),
            zdir="z",
            offset=floor,
            cmap=HEIGHT_MAP,
            vmin=-limit,
            vmax=limit,
            linewidths=0.8,
        )
        drawn = axes.plot_surface(
            xs,
            ys,
            height,
            cmap=HEIGHT_MAP,
            vmin=-limit,
            vmax=limit,
            rcount=FACETS,
            ccount=FACETS,
            linewidth=0.15,
            edgecolor="#00000060",
            shade=False,
            rasterized=True,
        )
        axes.set(xlabel="x (mm)", ylabel="y (mm)", zlim=(floor, high), zticks=_within(low, high))
        axes.set_box_aspect(
            (1e3 * np.ptp(x) / side, 1e3 * np.ptp(y) / side, RISE * (high - floor) / span), zoom=1.0
        )
        axes.view_init(elev=24, azim=-56)
        axes.xaxis.pane.fill = axes.yaxis.pane.fill = axes.zaxis.pane.fill = False
        figure.colorbar(
            drawn, cax=figure.add_axes((0.88, 0.2, 0.02, 0.5)), label="height (um), up is +"
        )
        times = RISE * side / (1e-3 * span)
        figure.suptitle(
            lines_of(
                title,
                f"{flat.name}: {heights.signed(1e6 * flat.warpage.value)}, {flat.shape}, "
                f"drawn {magnified(times)} times as high",
            ),
            x=0.02,
            ha="left",
            fontsize=9,
        )


def _limit(levels: np.ndarray) -> float:
    """Return the largest size of levels: the ends of a map that is white at zero."""
    return float(np.abs(levels).max())


def _within(low: float, high: float) -> np.ndarray:
    """List a few round heights from low to high."""
    from matplotlib.ticker import MaxNLocator

    levels = MaxNLocator(nbins=3, steps=(1, 2, 5, 10)).tick_values(low, high)
    return levels[(levels >= low) & (levels <= high)]


def residuals(result: Result, path: Path, title: str = "") -> None:
    """Draw how each solver's relative residual fell, and the tolerance."""
    histories = {name: h for name, h in result.residuals.items() if h.size > 1}
    if not histories:
        raise WarpError("this result has no residual history")
    solvers, anew = result.provenance.get("solver", {}), False
    with page(path, 3.4) as figure:
        axes = figure.add_subplot()
        for n, (name, history) in enumerate(histories.items()):
            seconds = solvers.get(name, {}).get("seconds")
            total, shown = solvers.get(name, {}).get("iterations", 0), history.size - 1
            label = f"{name}: {min(total, shown)} iterations" + (
                f", {seconds:.3g} s" if seconds else ""
            )
            if total > shown:  # a process keeps the history of its last step
                label = f"{name}, last step: {shown} of {total} iterations"
            style = {
                "color": OKABE_ITO[(5, 4)[n % 2]],
                "linestyle": ("-", "--")[n % 2],
                "marker": "os"[n % 2],
            }
            axes.semilogy(*broken(history), markersize=2.5, linewidth=1.2, label=label, **style)
            anew |= bool((history[1:] > ANEW * history[:-1]).any())
        axes.yaxis.set_major_formatter("{x:.0e}")
        axes.yaxis.set_minor_formatter("")
        tolerances = {s["tolerance"] for s in solvers.values() if "tolerance" in s}
        for tolerance in tolerances:
            axes.axhline(
                tolerance,
                color="#000000",
                linewidth=0.8,
                linestyle=":",
                label=f"tolerance {tolerance:.0e}",
            )
        axes.set(xlabel="iteration", ylabel="relative residual")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(color="#00000020", linewidth=0.5)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        note = "gaps: begun anew with the properties at the new temperature" if anew else ""
        axes.set_title(lines_of(title, note), loc="left")


def _even(lines: np.ndarray) -> np.ndarray:
    """Evenly spaced lines over the same extent: a graded grid would crowd the drawing."""
    return np.linspace(lines[0], lines[-1], FINEST)
