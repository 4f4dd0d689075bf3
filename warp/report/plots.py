"""Set size, fonts and colours of every picture, and what pictures share.

Pictures are 7 inches wide with letters of 9 points, so that they read at 600 pixels. Lines are told
apart by people with any colour vision (Okabe & Ito 2008), and by dash and marker.
"""

from __future__ import annotations

import textwrap
import warnings
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


# Okabe & Ito, "Color Universal Design", jfly 2008, with black left for the lines.
OKABE_ITO = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999")
LINE_COLOURS = tuple(OKABE_ITO[n] for n in (4, 5, 2, 0, 6, 1))
DASHES = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)))
Curve: TypeAlias = tuple[np.ndarray, np.ndarray]
Picture: TypeAlias = str | Path | BinaryIO
"""A file, whose suffix picks the format, or memory for a PNG."""
SIGNED_MAP = "RdBu_r"
"""Of fields with a sign: white at zero, red above and blue below."""
ANEW = 10.0  # times the residual before: no iteration does that
WIDTH = 7.0  # inches
DPI = 200
LETTERS = 76  # of a title, from where axes begin
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

    Outside pyplot: no window, no global state, no backend. What matplotlib warns of (a letter
    that its font lacks, a crowded page) is nothing that a user can mend: it stays unsaid.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
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


def magnified(times: float) -> str:
    """Write a factor with two digits, such as 190 or 5.5."""
    return f"{float(f'{times:.2g}'):g}"


def stretch(figure: Figure, axes: Axes, cut: str = "y") -> str:
    """Say how much more a mm of z is drawn than a mm of x; packages are flat."""
    across = "y" if cut == "x" else "x"
    figure.draw_without_rendering()
    box, (x0, x1), (z0, z1) = axes.get_window_extent(), axes.get_xlim(), axes.get_ylim()
    times = (box.height / (z1 - z0)) / (box.width / (x1 - x0))
    return f"z drawn {magnified(times)} times as large as {across}"


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


def lines_of(*texts: str) -> str:
    """Join the texts that are not empty, each from a new line and on more where it is long."""
    return "\n".join(line for text in texts for line in textwrap.wrap(text, LETTERS))
