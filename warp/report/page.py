"""Write a result as one HTML page that needs no network, no other file, no installation.

The worst case against its limit, surfaces to turn, loads, the stack, materials with their sources,
grid, solvers, provenance. Templates, style and script are in data/report; everything that comes
from the case or the file is escaped by Jinja.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from warp.report import bodies, field_figures, figures, moire, plots, sections
from warp.report.contents import Contents, Wanted, gather
from warp.report.html import filled, picture
from warp.results import flatness, hdf5, heights
from warp.results.measured import Flat
from warp.results.surface_points import interpolate

if TYPE_CHECKING:
    from warp.results.file import Result

POINTS = 61  # lines per side of a surface to turn: 3,600 tiles are drawn in 10 ms
COLOURS = 64


def html(result: Result, wanted: Wanted | None = None) -> tuple[str, list[str]]:
    """Make the page; return it and what it lacks."""
    contents = gather(result, wanted)
    return rendered(contents), contents.left_out


def rendered(contents: Contents) -> str:
    """Fill the page's template with pictures and with what its script draws."""
    result = contents.result
    uniform = result.metrics.get("uniform_temperature")
    pictures = {
        "section": picture(partial(sections.cross_section, result)),
        "bodies": picture(partial(bodies.by_steps, result)) if contents.process else "",
        "temperature": "" if uniform else picture(partial(field_figures.temperature, result)),
        "stress": picture(partial(field_figures.stress, result)) if contents.stresses else "",
        "measured": picture(partial(moire.draw, contents.overlays)) if contents.overlays else "",
    }
    data = hdf5.plain(_data(contents, contents.flats))
    return filled("page.html", {"report": contents, "pictures": pictures, "data": data})


def _data(contents: Contents, flats: Iterable[Flat]) -> dict[str, Any]:
    """Collect what the page's script draws: lengths in mm, heights in um."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    surfaces = []
    for f in flats:
        x, y = (np.linspace(v[0], v[-1], POINTS) for v in (f.surface.x, f.surface.y))
        height = 1e6 * interpolate(f.surface, f.height, x[None, :], y[:, None])
        zone, diagonals = f.warpage.surface, []
        for which in (0, 1):
            along, h = flatness.diagonal(zone, 1e6 * f.warpage.residual, which)
            diagonals.append({"x": np.round(1e3 * along, 3), "y": np.round(h, 3)})
        surfaces.append(
            {
                "text": f"{f.name}: {heights.signed(1e6 * f.warpage.value)}, {f.shape}",
                "x": np.round(1e3 * x, 4),
                "y": np.round(1e3 * y, 4),
                "height": np.round(height, 3),
                "diagonals": diagonals,
            }
        )
    colours = [to_hex(c) for c in colormaps[figures.HEIGHT_MAP](np.linspace(0, 1, COLOURS))]
    histories = []
    for name, history in contents.result.residuals.items():
        if history.size > 1:
            x, y = plots.broken(history)
            histories.append({"name": name, "x": x, "y": y})
    seen = [(one.measurement.celsius, 1e6 * one.match.warpage) for one in contents.overlays]
    return {
        "surfaces": surfaces,
        "colours": colours,
        "residuals": histories,
        "curves": contents.curves,
        "measured": {"x": [x for x, _ in seen], "y": [y for _, y in seen]},
    }
