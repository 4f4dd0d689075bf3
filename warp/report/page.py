"""Write a result as one HTML page that needs no network, no other file, no installation.

Numbers against the limits, surfaces to turn, the stack, materials with their sources, grid,
solvers, provenance. The page's frame, style and script are data/report.html; tables are made here.
Everything that comes from the case or the file is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from warp import units
from warp.case import case as cases
from warp.errors import WarpError
from warp.files import whole_file
from warp.report import (
    figures,
    number_tables,
    page_basis,
    page_evidence,
    page_steps,
    page_surfaces,
    plots,
)
from warp.report.html import chart, filled, picture, script_data
from warp.results import flatness, hdf5, limits, measured
from warp.results.measured import Flat
from warp.results.surface import interpolate

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.results.file import Result

POINTS = 61  # lines per side of a surface to turn: 3,600 tiles are drawn in 10 ms
COLOURS = 64


def write(
    result: Result,
    path: Path,
    title: str = "",
    pitch: str | None = None,
    verified: Path | None = None,
) -> list[str]:
    """Write the page and return what had to be left out.

    pitch: of the balls ("1 mm"), if the case has none. verified: what `warp verify --json` printed.

    Returns what had to be left out.
    """
    try:
        given = None if pitch is None else units.convert(pitch, units.LENGTH)
    except ValueError as error:
        raise WarpError(f"--pitch {pitch}: {error}") from None
    evidence = None if verified is None else page_evidence.read(verified)
    whole_file.check_writable(path)
    page, left_out = html(result, title, given, evidence)
    with whole_file.replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return left_out


def html(
    result: Result,
    title: str = "",
    pitch: float | None = None,
    verified: Mapping[str, Any] | None = None,
) -> tuple[str, list[str]]:
    """Make the page; return it and what it lacks."""
    title = title or figures.heading(result) or "package"
    left_out: list[str] = []
    case: Case | None = None
    try:
        case = original(result)
    except WarpError as error:
        left_out.append(f"stack and materials: the stored case cannot be read any more ({error})")
    flats: list[Flat] = []
    if "displacement" in result.fields:
        flats = [measured.flat(result, part, side) for part, side in measured.known(result)]
    else:
        left_out.append("surfaces: this result has no displacement field")
    board = measured.board_part(result)
    first = next((f for f in flats if (f.surface.part, f.surface.side) == (board, "bottom")), None)
    pitch = pitch or (case.ball_pitch if case else None)
    body = "\n".join(
        (
            _head(result, title),
            _cards(result, first, pitch),
            page_surfaces.limits(result, case, first, pitch),
            page_surfaces.scene(flats, first),
            page_surfaces.every(result),
            page_steps.section(result, board, pitch),
            chart("curve", "warpage against temperature") if page_steps.curves(result) else "",
            _temperatures(result),
            _stresses(result),
            page_basis.section(result, case),
            page_evidence.section(verified),
        )
    )
    data = script_data(hdf5.plain(_data(result, flats)))
    frame = resources.files("warp.data").joinpath("report.html").read_text(encoding="utf-8")
    return filled(frame, {"title": escape(title), "body": body, "data": data}), left_out


def original(result: Result) -> Case:
    """Parse the case of a result from the text in its file."""
    info = result.provenance
    return cases.parse(
        result.case, Path(info.get("case_file") or "case.toml"), info.get("overrides") or {}
    )


def _head(result: Result, title: str) -> str:
    info = result.provenance
    written = str(info.get("written") or "")[:16].replace("T", " ")
    known = [info.get("program"), info.get("device"), written and f"{written} UTC"]
    facts = " · ".join(escape(str(fact)) for fact in known if fact)
    return f"<h1>{escape(title)}</h1><p class='soft'>{facts}</p>"


def _cards(result: Result, first: Flat | None, pitch: float | None) -> str:
    numbers, cards = result.metrics, []
    if first is not None:
        value, error = (
            first.warpage.value,
            page_surfaces.stored(result, first).get("warpage_error_um"),
        )
        within = "" if error is None else f" ± {error:.2g}"
        cards.append((f"{1e6 * value:+.1f}{within} um", f"warpage of {first.name}, {first.shape}"))
        if pitch is not None:
            limit = limits.jeita_limit(pitch)
            worst = numbers.get("worst")
            value = 1e-6 * worst["warpage_um"] if worst else value
            when = ", in the worst step" if worst else ""
            word = "within" if abs(value) <= limit else "above"
            cards.append(
                (
                    f"{100 * abs(value) / limit:.0f} %",
                    f"of JEITA's {1e3 * limit:.2f} mm{when}: {word} the limit",
                )
            )
    cards += number_tables.cards(numbers)
    made = "".join(
        f"<div class='card'><b>{escape(big)}</b><span>{escape(small)}</span></div>"
        for big, small in cards
    )
    return f"<div class='cards'>{made}</div>"


def _temperatures(result: Result) -> str:
    if not result.metrics.get("temperature"):
        return ""
    uniform = result.metrics.get("uniform_temperature")
    drawn = "" if uniform else picture(partial(figures.temperature, result), "temperature")
    return f"<h2>Temperatures</h2>{page_surfaces.numbers_of(result, 'temperature')}{drawn}"


def _stresses(result: Result) -> str:
    if not result.metrics.get("stress"):
        return ""
    text = f"<h2>Stresses</h2>{page_surfaces.numbers_of(result, 'stress')}"
    if result.metrics.get("interfaces"):
        text += page_surfaces.numbers_of(result, "interfaces")
    return text + picture(partial(figures.stress, result), "stress")


def _data(result: Result, flats: Iterable[Flat]) -> dict[str, Any]:
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
                "text": f"{f.name}: {1e6 * f.warpage.value:+.1f} um, {f.shape}",
                "x": np.round(1e3 * x, 4),
                "y": np.round(1e3 * y, 4),
                "height": np.round(height, 3),
                "diagonals": diagonals,
            }
        )
    colours = [to_hex(c) for c in colormaps[figures.HEIGHT_MAP](np.linspace(0, 1, COLOURS))]
    histories = []
    for name, history in result.residuals.items():
        if history.size > 1:
            x, y = plots.broken(history)
            histories.append({"name": name, "x": x, "y": y})
    return {
        "surfaces": surfaces,
        "colours": colours,
        "residuals": histories,
        "curves": page_steps.curves(result),
    }
