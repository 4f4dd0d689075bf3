"""Pictures: the materials in a cross-section, and the warpage of a surface as a contour with its two diagonals.

Lengths are drawn in mm, warpage in um with its least-squares plane removed, + = towards the package top.
Colours are told apart by people with any colour vision (Okabe & Ito 2008; ColorBrewer's PuOr for signed heights) and
repeat with a hatch when there are more materials than colours.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from warp import metrics, store
from warp.errors import WarpError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from warp.metrics import Warpage
    from warp.voxelize import VoxelModel

# Okabe & Ito, "Color Universal Design", jfly 2008, with black left for the lines.
OKABE_ITO = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999")
HATCHES = ("", "///", "...", "xxx")
VOID = "#FFFFFF"
DIVERGING = "PuOr_r"
SHARED = re.compile(r" \d+/\d+ in ")  # how media name a voxel that two of them share


def _figure(width: float, height: float) -> Any:
    """A figure outside pyplot: no window, no global state, no backend choice."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def check_writable(path: str | Path) -> None:
    """Fail before the work if no picture can be written to `path`."""
    suffix = Path(path).suffix.removeprefix(".").lower()
    known = _figure(1.0, 1.0).canvas.get_supported_filetypes()
    if suffix not in known:
        raise WarpError(f"cannot draw {path}: its suffix is none of {', '.join(sorted(known))}; .png always works")
    store.check_writable(path)


def section(model: VoxelModel, y: float | None = None) -> tuple[np.ndarray, list[str], float]:
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


def _row_names(model: VoxelModel) -> list[str]:
    """Each media row as "part: material"; a voxel that two media share goes to the part that owns it."""
    parts = np.asarray(model.media.part)
    found, own = [""] * len(parts), dict[int, str]()
    for row, name in enumerate(model.media.names):
        if parts[row] >= 0 and not SHARED.search(name):
            part = model.parts[parts[row]]
            found[row] = name if name.startswith(f"{part}: ") else f"{part}: {name}"
            own.setdefault(parts[row], found[row])
    return [name or own.get(p, model.parts[p] if p >= 0 else "") for name, p in zip(found, parts, strict=True)]


def cross_section(model: VoxelModel, path: str | Path, y: float | None = None, title: str = "") -> Path:
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

    width, height = 11.0, max(3.6, 0.16 * len(names) + 0.6)
    figure = _figure(width, height)
    axes = figure.add_subplot()
    # The grid's lines are drawn while they can still be told apart.
    lines = "none" if max(index.shape) > 200 else "#00000028"
    norm = BoundaryNorm(np.arange(-1, len(names) + 1) - 0.5, len(names) + 1)
    axes.pcolormesh(x, z, index, cmap=ListedColormap([VOID, *colours]), norm=norm, edgecolors=lines, linewidth=0.2)
    for n, hatch in enumerate(hatches):
        if hatch:
            _hatch(axes, x, z, index == n, hatch)
    axes.set(xlabel="x (mm)", ylabel="z (mm)", xlim=(x[0], x[-1]), ylim=(z[0], z[-1]))
    axes.spines[["top", "right"]].set_visible(False)
    handles = [
        Patch(facecolor=colour, hatch=hatch, edgecolor="#404040", linewidth=0.3, label=name)
        for name, colour, hatch in zip(names, colours, hatches, strict=True)
    ]
    figure.legend(handles=handles, loc="outside right upper", fontsize=7, frameon=False)
    figure.draw_without_rendering()
    box = axes.get_window_extent()
    stretch = (box.height / (z[-1] - z[0])) / (box.width / (x[-1] - x[0]))
    name = f"{title}: " if title else ""
    axes.set_title(f"{name}section at y = {1e3 * plane:.3g} mm, z stretched {stretch:.2g} x", fontsize=9, loc="left")
    figure.savefig(path)
    return Path(path)


def _hatch(axes: Axes, x: np.ndarray, z: np.ndarray, where: np.ndarray, hatch: str) -> None:
    """Hatch cells (nz, nx), each run of them in a row as one bar."""
    for k in np.flatnonzero(where.any(axis=1)):
        steps = np.flatnonzero(np.diff(where[k], prepend=False, append=False))
        runs = [(x[a], x[b] - x[a]) for a, b in steps.reshape(-1, 2)]
        bar = (z[k], z[k + 1] - z[k])
        axes.broken_barh(runs, bar, facecolor="none", edgecolor="#404040", hatch=hatch, linewidth=0)


def warpage_map(flatness: Warpage, path: str | Path, title: str = "") -> Path:
    """Draw a surface above its least-squares plane as a contour, and its two diagonals beside it."""
    from matplotlib.ticker import MaxNLocator

    surface = flatness.surface
    x, y, height = 1e3 * surface.x, 1e3 * surface.y, 1e6 * flatness.residual
    figure = _figure(11.0, 4.6)
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1.0))
    span = float(np.nanmax(np.abs(height))) or 1.0
    levels = MaxNLocator(nbins=20, symmetric=True).tick_values(-span, span)
    picture = left.contourf(x, y, np.ma.masked_invalid(height), levels=levels, cmap=DIVERGING)
    left.contour(x, y, np.ma.masked_invalid(height), levels=levels, colors="#00000050", linewidths=0.4)
    left.set(xlabel="x (mm)", ylabel="y (mm)", aspect="equal")
    figure.colorbar(picture, ax=left, label="height above the least-squares plane (um)")
    for which, name, colour, dash in ((0, "x-, y- to x+, y+", 4, "-"), (1, "x-, y+ to x+, y-", 5, "--")):
        along, h = metrics.diagonal(surface, height, which)
        right.plot(1e3 * along, h, color=OKABE_ITO[colour], linestyle=dash, label=f"diagonal {name}")
        left.plot(
            x[[0, -1]], y[[0, -1]] if which == 0 else y[[-1, 0]], color=OKABE_ITO[colour], linestyle=dash, linewidth=0.8
        )
    right.axhline(0.0, color="#00000040", linewidth=0.6)
    right.set(xlabel="along the diagonal (mm)", ylabel="height (um)")
    right.legend(frameon=False, fontsize=8)
    right.spines[["top", "right"]].set_visible(False)
    shape = "convex" if flatness.value >= 0 else "concave"
    number = f"{surface.part} {surface.side}: {1e6 * flatness.value:+.1f} um, {shape}"
    figure.suptitle(f"{title}: {number}" if title else number, fontsize=10)
    figure.savefig(path)
    return Path(path)
