"""Set size, fonts and colours of every picture; draw the materials in a cross-section.

Lengths are in mm. Pictures are 7 inches wide with letters of 9 points, so that they read at 600
pixels. Colours are told apart by people with any colour vision (Okabe & Ito 2008) and repeat with a
hatch when there are more materials than colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

import numpy as np

from warp.errors import WarpError
from warp.files import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from warp.results.file import Result
    from warp.voxels.voxelize import VoxelModel

# Okabe & Ito, "Color Universal Design", jfly 2008, with black left for the lines.
OKABE_ITO = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999")
LINE_COLOURS = tuple(OKABE_ITO[n] for n in (4, 5, 2, 0, 6, 1))
DASHES = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)))
Curve: TypeAlias = tuple[np.ndarray, np.ndarray]
Picture: TypeAlias = str | Path | BinaryIO
"""A file, whose suffix picks the format, or memory for a PNG."""
SIGNED_MAP = "RdBu_r"
"""Of fields with a sign: white at zero, red above and blue below."""
HATCHES = ("", "///", "...", "xxx")
VOID = "#FFFFFF"
ANEW = 10.0  # times the residual before: no iteration does that
NARROW = 0.03  # of the section's width: a number does not fit into less
WIDTH = 7.0  # inches
DPI = 200
NUMBER = {
    "boxstyle": "circle,pad=0.15",
    "facecolor": "white",
    "edgecolor": "black",
    "linewidth": 0.5,
}
STYLE = {
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "legend.fontsize": 8.0,
    "svg.hashsalt": "warpage",
    "text.parse_math": False,  # names and titles may hold dollar signs
}


@contextmanager
def page(path: Picture, height: float, width: float = WIDTH) -> Iterator[Figure]:
    """Yield a figure to draw on and save it to `path` at the end, a file whole or not at all.

    Outside pyplot: no window, no global state, no backend.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        if not isinstance(path, str | Path):
            figure.savefig(path, format="png")
            return
        form = Path(path).suffix.removeprefix(".").lower() or "png"
        with whole_file.replacing(Path(path)) as temporary:
            metadata = {"Date": None} if form == "svg" else None
            figure.savefig(temporary, format=form, metadata=metadata)


def curves(
    series: Mapping[str, Curve],
    path: str | Path,
    across: str,
    up: str,
    title: str = "",
    height: float = 3.6,
) -> Path:
    """Draw named curves (x, y), told apart by dash and marker where colour is lost."""
    with page(path, height) as figure:
        axes = figure.add_subplot()
        for n, (name, (x, y)) in enumerate(series.items()):
            known = np.isfinite(y)
            colour, dash, mark = LINE_COLOURS[n % 6], DASHES[n % 4], "os^Dv"[n % 5]
            few = 4 if known.sum() <= 60 else 0
            axes.plot(
                x[known],
                y[known],
                color=colour,
                linestyle=dash,
                marker=mark,
                markersize=few,
                label=name,
            )
        level_line(axes)
        axes.set(xlabel=across, ylabel=up)
        axes.legend(frameon=False)
        axes.set_title(title, loc="left")
    return Path(path)


def broken(history: np.ndarray) -> Curve:
    """Return a residual history as a curve over iterations.

    It has a gap where the solver began anew with other coefficients.
    """
    again = np.flatnonzero(history[1:] > ANEW * history[:-1]) + 1
    x = np.insert(np.arange(history.size, dtype=float), again, again - 0.5)
    return x, np.insert(np.maximum(history, 1e-300), again, np.nan)


def level_line(axes: Axes) -> None:
    """Prepare axes for curves of height: a line at zero, no frame."""
    axes.axhline(0.0, color="#00000060", linewidth=0.6)
    axes.grid(color="#00000018", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)


def check_writable(path: str | Path, inputs: Iterable[Path] = ()) -> None:
    """Fail before the work if no picture can be written to `path`."""
    suffix = Path(path).suffix.removeprefix(".").lower()
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    known = FigureCanvasAgg.get_supported_filetypes()
    if suffix not in known:
        raise WarpError(
            f"cannot draw {path}: its suffix is none of {', '.join(sorted(known))}; "
            ".png always works"
        )
    whole_file.check_writable(path, inputs=inputs)


def section(
    model: VoxelModel | Result, y: float | None = None
) -> tuple[np.ndarray, list[str], float]:
    """Index the medium of each cell on the plane nearest to `y` (m); default the middle.

    Returns (nz, nx) indices into the names that come with them, "part: material" from the top down,
    -1 = void, and the y of the plane.
    """
    grid = model.grid
    middle = grid.y[0] if grid.mirror[1] else 0.5 * (grid.y[0] + grid.y[-1])
    j = int(np.argmin(np.abs(grid.yc - (middle if y is None else y))))
    names = _row_names(model)
    rows = model.ids[:, j, :]
    top: dict[str, int] = {}
    for k in range(grid.shape[0] - 1, -1, -1):
        for row in np.unique(rows[k]):
            if row:
                top.setdefault(names[row], k)
    order = list(top)
    index = np.array([order.index(name) if name in top else -1 for name in names])
    return index[rows], order, float(grid.yc[j])


def _row_names(model: VoxelModel | Result) -> list[str]:
    """Name each media row "part: material"; a row that is shared takes the name of its owner."""
    parts = np.asarray(model.media.part)
    shared = model.media.shared
    found, own = [""] * len(parts), dict[int, str]()
    for row, name in enumerate(model.media.names):
        if parts[row] >= 0 and not shared[row]:
            part = model.parts[parts[row]]
            found[row] = name if name.startswith(f"{part}: ") else f"{part}: {name}"
            own.setdefault(parts[row], found[row])
    return [
        name or own.get(p, model.parts[p] if p >= 0 else "")
        for name, p in zip(found, parts, strict=True)
    ]


def cross_section(
    model: VoxelModel | Result, path: Picture, y: float | None = None, title: str = ""
) -> None:
    """Draw the materials and the grid on a plane y = const; default the middle.

    The suffix picks the format. The z axis is stretched, since packages are flat.
    """
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.patches import Patch

    grid = model.grid
    index, names, plane = section(model, y)
    x, z = 1e3 * grid.x, 1e3 * grid.z
    if grid.mirror[0]:
        index = np.concatenate([index[:, ::-1], index], axis=1)
        x = np.concatenate([2 * x[0] - x[:0:-1], x])
    colours = [OKABE_ITO[n % len(OKABE_ITO)] for n in range(len(names))]
    hatches = [HATCHES[n // len(OKABE_ITO) % len(HATCHES)] for n in range(len(names))]

    columns = 2
    with page(path, 3.2 + 0.17 * -(-len(names) // columns)) as figure:
        axes = figure.add_subplot()
        # The grid's lines are drawn while they can still be told apart.
        lines = "none" if max(index.shape) > 150 else "#00000028"
        norm = BoundaryNorm(np.arange(-1, len(names) + 1) - 0.5, len(names) + 1)
        cells = {"cmap": ListedColormap([VOID, *colours]), "norm": norm, "rasterized": True}
        axes.pcolormesh(x, z, index, edgecolors=lines, linewidth=0.2, **cells)
        for n, hatch in enumerate(hatches):
            if hatch:
                _hatch(axes, x, z, index == n, hatch)
        outline(axes, x, z, index)
        tall = z[-1] - z[0]
        outside = [
            n
            for n in range(len(names))
            if not _number(axes, x, z, index == n, str(n + 1), room=0.07 * tall)
        ]
        _lead_out(axes, x, z, {str(n + 1): index == n for n in outside})
        axes.set(xlabel="x (mm)", ylabel="z (mm)", xlim=(x[0], x[-1]), ylim=(z[0], z[-1]))
        axes.spines[["top", "right"]].set_visible(False)
        handles = [
            Patch(
                facecolor=colour,
                hatch=hatch,
                edgecolor="#404040",
                linewidth=0.3,
                label=f"{n}  {name}",
            )
            for n, (name, colour, hatch) in enumerate(
                zip(names, colours, hatches, strict=True), start=1
            )
        ]
        figure.legend(
            handles=handles, loc="outside lower left", ncols=columns, fontsize=8, frameon=False
        )
        heading = f"{title}\n" if title else ""
        axes.set_title(f"{heading} ", loc="left")
        axes.set_title(
            f"{heading}section at y = {1e3 * plane:.3g} mm, {stretch(figure, axes)}", loc="left"
        )


def stretch(figure: Figure, axes: Axes) -> str:
    """Say how much more a mm of z is drawn than a mm of x; packages are flat."""
    figure.draw_without_rendering()
    box, (x0, x1), (z0, z1) = axes.get_window_extent(), axes.get_xlim(), axes.get_ylim()
    return f"z drawn {(box.height / (z1 - z0)) / (box.width / (x1 - x0)):.2g} times as large as x"


def outline(axes: Axes, across: np.ndarray, up: np.ndarray, what: np.ndarray) -> None:
    """Draw the borders between unequal cells of what (n_up, n_across)."""
    from matplotlib.collections import LineCollection

    rows, columns = np.nonzero(np.diff(what, axis=0, prepend=-1, append=-1))
    flat = [
        ((across[i], up[k]), (across[i + 1], up[k])) for k, i in zip(rows, columns, strict=True)
    ]
    rows, columns = np.nonzero(np.diff(what, axis=1, prepend=-1, append=-1))
    upright = [
        ((across[i], up[k]), (across[i], up[k + 1])) for k, i in zip(rows, columns, strict=True)
    ]
    for colour, width in (("#FFFFFFB0", 1.1), ("#000000", 0.45)):  # seen on light and on dark
        axes.add_collection(
            LineCollection(flat + upright, colors=colour, linewidths=width), autolim=False
        )


def _number(
    axes: Axes, x: np.ndarray, z: np.ndarray, where: np.ndarray, text: str, room: float
) -> bool:
    """Write a number into the widest run of a medium's cells that has room for it."""
    best: tuple[float, float, float] | None = None
    height = np.diff(z) @ where
    for k in np.flatnonzero(where.any(axis=1)):
        for a, b in _runs(where[k] & (height > room)):
            middle = int(np.searchsorted(x, (x[a] + x[b]) / 2)) - 1
            column = np.flatnonzero(where[:, middle])
            if best is None or x[b] - x[a] > best[0]:
                best = (x[b] - x[a], (x[a] + x[b]) / 2, (z[column[0]] + z[column[-1] + 1]) / 2)
    if best is None or best[0] < NARROW * (x[-1] - x[0]):
        return False
    axes.text(*best[1:], text, ha="center", va="center", fontsize=8, fontweight="bold", bbox=NUMBER)
    return True


def _lead_out(axes: Axes, x: np.ndarray, z: np.ndarray, media: Mapping[str, np.ndarray]) -> None:
    """Write the numbers of media that are too thin beside the section, on lines."""
    ends = {}
    for text, where in media.items():
        widest = max(
            (
                (x[b] - x[a], a, b, k)
                for k in np.flatnonzero(where.any(axis=1))
                for a, b in _runs(where[k])
            ),
            default=None,
        )
        if widest is not None:
            _, a, b, k = widest
            ends[text] = (
                x[b] - min(0.2 * (x[b] - x[a]), 0.01 * (x[-1] - x[0])),
                (z[k] + z[k + 1]) / 2,
            )
    tall, below = z[-1] - z[0], -np.inf
    levels = {}
    for text in sorted(ends, key=lambda text: ends[text][1]):
        levels[text] = below = max(ends[text][1], below + 0.09 * tall)
    sink = max(0.0, below - z[-1])
    for text, (across, up) in ends.items():
        at = (x[-1] + 0.04 * (x[-1] - x[0]), levels[text] - sink)
        for colour, width in (("#FFFFFF", 2.0), ("#000000", 0.6)):
            line = {
                "color": colour,
                "linewidth": width,
                "clip_on": False,
                "zorder": 4,
                "solid_capstyle": "butt",
            }
            axes.plot((across, at[0]), (up, at[1]), **line)
        axes.plot(across, up, "o", color="#000000", markersize=2, zorder=5)
        axes.text(
            *at,
            text,
            ha="center",
            va="center",
            fontsize=8,
            fontweight="bold",
            bbox=NUMBER,
            zorder=6,
        )


def _runs(where: np.ndarray) -> np.ndarray:
    """Return starts and ends of the stretches where `where` holds, (n, 2)."""
    return np.flatnonzero(np.diff(where, prepend=False, append=False)).reshape(-1, 2)


def _hatch(axes: Axes, x: np.ndarray, z: np.ndarray, where: np.ndarray, hatch: str) -> None:
    """Hatch cells (nz, nx), each run of them in a row as one bar."""
    for k in np.flatnonzero(where.any(axis=1)):
        runs = [(x[a], x[b] - x[a]) for a, b in _runs(where[k])]
        bar = (z[k], z[k + 1] - z[k])
        axes.broken_barh(runs, bar, facecolor="none", edgecolor="#404040", hatch=hatch, linewidth=0)
