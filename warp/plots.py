"""What every picture shares (size, fonts, colours), and the materials in a cross-section, drawn before any solve.

Lengths are in mm. Pictures are 7 inches wide with letters of 9 points, so that they read at 600 pixels. Colours are
told apart by people with any colour vision (Okabe & Ito 2008) and repeat with a hatch when there are more materials
than colours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from warp import store
from warp.errors import WarpError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from warp.results import Result
    from warp.voxelize import VoxelModel

# Okabe & Ito, "Color Universal Design", jfly 2008, with black left for the lines.
OKABE_ITO = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999")
HATCHES = ("", "///", "...", "xxx")
VOID = "#FFFFFF"
WIDTH = 7.0  # inches
DPI = 200
NUMBER = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": "black", "linewidth": 0.5}
STYLE = {"font.size": 9.0, "axes.titlesize": 9.0, "legend.fontsize": 8.0, "svg.hashsalt": "warpage"}
SHARED = re.compile(r" \d+/\d+ in ")  # how media name a voxel that two of them share


@contextmanager
def page(path: str | Path, height: float, width: float = WIDTH) -> Iterator[Figure]:
    """A figure to draw on, saved to `path` at the end; outside pyplot: no window, no global state, no backend."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        figure.savefig(path, metadata={"Date": None} if Path(path).suffix == ".svg" else None)


def check_writable(path: str | Path) -> None:
    """Fail before the work if no picture can be written to `path`."""
    suffix = Path(path).suffix.removeprefix(".").lower()
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    known = FigureCanvasAgg.get_supported_filetypes()
    if suffix not in known:
        raise WarpError(f"cannot draw {path}: its suffix is none of {', '.join(sorted(known))}; .png always works")
    store.check_writable(path)


def section(model: VoxelModel | Result, y: float | None = None) -> tuple[np.ndarray, list[str], float]:
    """What fills each cell on the plane nearest to `y` (m; the middle unless told), and the plane's y.

    Returns (nz, nx) indices into the names that come with them, "part: material" from the top down; -1 = void.
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
    """Each media row as "part: material"; a voxel that two media share goes to the part that owns it."""
    parts = np.asarray(model.media.part)
    found, own = [""] * len(parts), dict[int, str]()
    for row, name in enumerate(model.media.names):
        if parts[row] >= 0 and not SHARED.search(name):
            part = model.parts[parts[row]]
            found[row] = name if name.startswith(f"{part}: ") else f"{part}: {name}"
            own.setdefault(parts[row], found[row])
    return [name or own.get(p, model.parts[p] if p >= 0 else "") for name, p in zip(found, parts, strict=True)]


def cross_section(model: VoxelModel | Result, path: str | Path, y: float | None = None, title: str = "") -> Path:
    """Draw the materials on a plane y = const (the middle unless told) and the grid; the suffix picks the format.

    The z axis is stretched, since packages are flat.
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
        for n in range(len(names)):
            _number(axes, x, z, index == n, str(n + 1), room=0.05 * (z[-1] - z[0]))
        axes.set(xlabel="x (mm)", ylabel="z (mm)", xlim=(x[0], x[-1]), ylim=(z[0], z[-1]))
        axes.spines[["top", "right"]].set_visible(False)
        handles = [
            Patch(facecolor=colour, hatch=hatch, edgecolor="#404040", linewidth=0.3, label=f"{n}  {name}")
            for n, (name, colour, hatch) in enumerate(zip(names, colours, hatches, strict=True), start=1)
        ]
        figure.legend(handles=handles, loc="outside lower left", ncols=columns, fontsize=8, frameon=False)
        name = f"{title}: " if title else ""
        axes.set_title(f"{name}section at y = {1e3 * plane:.3g} mm, {stretch(figure, axes)}", loc="left")
    return Path(path)


def stretch(figure: Figure, axes: Axes) -> str:
    """Say how much more a mm of z is drawn than a mm of x; packages are flat."""
    figure.draw_without_rendering()
    box, (x0, x1), (z0, z1) = axes.get_window_extent(), axes.get_xlim(), axes.get_ylim()
    return f"z drawn {(box.height / (z1 - z0)) / (box.width / (x1 - x0)):.2g} times as large as x"


def outline(axes: Axes, across: np.ndarray, up: np.ndarray, what: np.ndarray) -> None:
    """Draw the borders between unequal cells of what (n_up, n_across)."""
    from matplotlib.collections import LineCollection

    rows, columns = np.nonzero(np.diff(what, axis=0, prepend=-1, append=-1))
    flat = [((across[i], up[k]), (across[i + 1], up[k])) for k, i in zip(rows, columns, strict=True)]
    rows, columns = np.nonzero(np.diff(what, axis=1, prepend=-1, append=-1))
    upright = [((across[i], up[k]), (across[i], up[k + 1])) for k, i in zip(rows, columns, strict=True)]
    for colour, width in (("#FFFFFFB0", 1.1), ("#000000", 0.45)):  # seen on light and on dark
        axes.add_collection(LineCollection(flat + upright, colors=colour, linewidths=width), autolim=False)


def _number(axes: Axes, x: np.ndarray, z: np.ndarray, where: np.ndarray, text: str, room: float) -> None:
    """Write a number into the widest of a medium's runs of cells that has room for it above and below."""
    best: tuple[float, float, float] | None = None
    height = np.diff(z) @ where
    for k in np.flatnonzero(where.any(axis=1)):
        steps = np.flatnonzero(np.diff(where[k] & (height > room), prepend=False, append=False))
        for a, b in steps.reshape(-1, 2):
            middle = int(np.searchsorted(x, (x[a] + x[b]) / 2)) - 1
            column = np.flatnonzero(where[:, middle])
            if best is None or x[b] - x[a] > best[0]:
                best = (x[b] - x[a], (x[a] + x[b]) / 2, (z[column[0]] + z[column[-1] + 1]) / 2)
    if best is not None:
        axes.text(*best[1:], text, ha="center", va="center", fontsize=8, fontweight="bold", bbox=NUMBER)


def _hatch(axes: Axes, x: np.ndarray, z: np.ndarray, where: np.ndarray, hatch: str) -> None:
    """Hatch cells (nz, nx), each run of them in a row as one bar."""
    for k in np.flatnonzero(where.any(axis=1)):
        steps = np.flatnonzero(np.diff(where[k], prepend=False, append=False))
        runs = [(x[a], x[b] - x[a]) for a, b in steps.reshape(-1, 2)]
        bar = (z[k], z[k + 1] - z[k])
        axes.broken_barh(runs, bar, facecolor="none", edgecolor="#404040", hatch=hatch, linewidth=0)
