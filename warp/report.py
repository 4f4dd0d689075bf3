"""A result as one HTML page that stands alone: no network, no other file, nothing to install.

Numbers against the limits, surfaces to turn, the stack, materials with their sources, grid, solvers, provenance. The
page's frame, style and script are data/report.html; tables are made here. Everything that comes from the case or the
file is escaped.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from warp import analytic, catalogue, check, figures, measured, metrics, plots, report_evidence, report_steps, store, units
from warp import case as cases
from warp.errors import WarpError
from warp.markup import UNKNOWN, lines, number, place, table, verdict
from warp.measured import Flat
from warp.part import Balls
from warp.surface import interpolate

if TYPE_CHECKING:
    from warp.case import Case
    from warp.results import Result

POINTS = 61  # lines per side of a surface to turn: 3,600 tiles are drawn in 10 ms
COLOURS = 64
JEDEC = {0.8: (-0.14, 0.23)}
"""Warpage (mm) that JEDEC allows through reflow by ball pitch (mm), as SMT Magazine, August 2015, p. 46 quotes it."""


def write(
    result: Result, path: Path, title: str = "", pitch: str | None = None, verified: Path | None = None
) -> list[str]:
    """Write the page; pitch of the balls ("1 mm") where the case has none, `verified` what `warp verify --json` said.

    Returns what had to be left out.
    """
    try:
        given = None if pitch is None else units.convert(pitch, units.LENGTH)
    except ValueError as error:
        raise WarpError(f"--pitch {pitch}: {error}") from None
    evidence = None if verified is None else report_evidence.read(verified)
    store.check_writable(path)
    page, left_out = html(result, title, given, evidence)
    with store.replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return left_out


def html(
    result: Result, title: str = "", pitch: float | None = None, verified: Mapping[str, Any] | None = None
) -> tuple[str, list[str]]:
    """The page, and what it lacks."""
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
    pitch = pitch or (ball_pitch(case) if case else None)
    body = "\n".join(
        (
            _head(result, title),
            _cards(result, first, pitch),
            _limits(result, case, first, pitch),
            _scene(flats, first),
            _surfaces(result, flats),
            report_steps.section(result, board, pitch),
            _chart("curve", "warpage against temperature") if report_steps.curves(result) else "",
            _temperatures(result),
            _stresses(result),
            _stack(result, case),
            _materials(result, case),
            _mesh(result),
            _solvers(result),
            _provenance(result),
            report_evidence.section(verified),
        )
    )
    data = json.dumps(store.plain(_data(result, flats)), separators=(",", ":"), allow_nan=False).replace("</", "<\\/")
    frame = resources.files("warp.data").joinpath("report.html").read_text(encoding="utf-8")
    for key, text in (("title", escape(title)), ("body", body), ("data", data)):
        frame = frame.replace("{{" + key + "}}", text, 1)
    return frame, left_out


def original(result: Result) -> Case:
    """The case of a result, from the text in its file."""
    info = result.provenance
    return cases.parse(result.case, Path(info.get("case_file") or "case.toml"), info.get("overrides") or {})


def ball_pitch(case: Case) -> float | None:
    """The finer pitch of the package's balls [m], None where it has none."""
    pitches = [min(part.pitch) for part in case.parts.values() if isinstance(part, Balls)]
    return min(pitches, default=None)


def _head(result: Result, title: str) -> str:
    info = result.provenance
    written = str(info.get("written") or "")[:16].replace("T", " ")
    told = [info.get("program"), info.get("device"), written and f"{written} UTC"]
    return f"<h1>{escape(title)}</h1><p class='soft'>{' · '.join(escape(str(t)) for t in told if t)}</p>"


def _cards(result: Result, first: Flat | None, pitch: float | None) -> str:
    numbers, cards = result.metrics, []
    if first is not None:
        value, error = first.warpage.value, _stored(result, first).get("warpage_error_um")
        within = "" if error is None else f" ± {error:.2g}"
        cards.append((f"{1e6 * value:+.1f}{within} um", f"warpage of {first.name}, {first.shape}"))
        if pitch is not None:
            limit = analytic.jeita_limit(pitch)
            word = "within" if abs(value) <= limit else "above"
            cards.append((f"{100 * abs(value) / limit:.0f} %", f"of JEITA's {1e3 * limit:.2f} mm: {word} the limit"))
    if numbers.get("coplanarity_um") is not None:
        cards.append((f"{numbers['coplanarity_um']:.1f} um", "coplanarity of the terminals"))
    thermal = numbers.get("thermal") or {}
    if "junction_C" in thermal:
        cards.append((f"{thermal['junction_C']:.1f} °C", f"junction at {thermal['power_W']:.3g} W"))
    if "theta_ja_K_per_W" in thermal:
        cards.append((f"{thermal['theta_ja_K_per_W']:.3g} K/W", "theta JA"))
    made = "".join(f"<div class='card'><b>{escape(big)}</b><span>{escape(small)}</span></div>" for big, small in cards)
    return f"<div class='cards'>{made}</div>"


def _limits(result: Result, case: Case | None, first: Flat | None, pitch: float | None) -> str:
    if first is None:
        return ""
    value = 1e3 * first.warpage.value
    row = 1e3 * analytic.jeita_limit(pitch) if pitch else None
    rows, marks = [], []
    for balls, limit in analytic.JEITA_LIMITS.items():
        jedec = JEDEC.get(balls)
        rows.append(
            [
                f"{balls:g} mm",
                f"±{limit:.2f} mm",
                verdict(abs(value) <= limit),
                f"{jedec[0]:+.2f} / {jedec[1]:+.2f} mm" if jedec else UNKNOWN,
                verdict(jedec[0] <= value <= jedec[1]) if jedec else UNKNOWN,
            ]
        )
        marks.append(row is not None and limit == row)
    at = case.loads.temperature if case else None
    steps = result.metrics.get("steps")
    celsius = steps[-1]["temperature_C"] if steps else None if at is None else at - metrics.ZERO_CELSIUS
    where = "the solved temperature field" if celsius is None else f"{celsius:.4g} °C"
    limits = table(("ball pitch", "JEITA ED-7306", "this run", "JEDEC", "this run"), rows, marks)
    pitched = "" if pitch is None else f" The pitch here is {1e3 * pitch:g} mm."
    return (
        f"<h2>Against the limits</h2><p>{escape(first.name)}: <b>{value:+.3f} mm</b>"
        + (f" at {escape(where)}." if case else ".")
        + f"{pitched} + is convex: the centre away from the board.</p>{limits}<p class='note'>Both standards limit the "
        "warpage at every temperature of reflow; a run at one temperature shows that temperature only. JEITA ED-7306 "
        "(2007) for ball grid arrays by pitch; JEDEC's row as SMT Magazine, August 2015, p. 46 quotes it, other rows "
        "depend on the ball and the size.</p>"
    )


def _scene(flats: Sequence[Flat], first: Flat | None) -> str:
    if not flats:
        return ""
    options = "".join(
        f"<option value='{n}'{' selected' if f is first else ''}>{escape(f.name)}</option>" for n, f in enumerate(flats)
    )
    return (
        "<h2>Surfaces</h2><div class='controls'>"
        f"<label>surface <select id='surface'>{options}</select></label>"
        "<label>height <input id='rise' type='range' min='0.02' max='0.6' step='0.01' value='0.2'></label>"
        "<span><button id='space'>in space</button> <button id='above'>from above</button> "
        "<button id='side'>from the side</button></span></div>"
        "<div class='stage'><div><canvas id='scene'></canvas><p class='note' id='told'></p></div>"
        "<svg id='diagonals' role='img' aria-label='heights along both diagonals'></svg></div>"
        "<p class='note'>Heights above the least-squares plane of the measuring zone. Drag to turn.</p>"
    )


def _stored(result: Result, flat: Flat) -> dict[str, Any]:
    """Numbers of a surface as the run wrote them: with its discretisation error, if it has one."""
    return result.metrics.get("surfaces", {}).get(flat.surface.part, {}).get(flat.surface.side, {})


def _surfaces(result: Result, flats: Sequence[Flat]) -> str:
    if not flats:
        return ""
    refinement = result.metrics.get("refinement")
    of_grid = ("± of the grid", "fine grids' limit") if refinement else ()
    head = ("surface", "warpage", "", *of_grid, "measuring zone", "rms", "corner - centre", "kappa x", "kappa y")
    rows = []
    for f in flats:
        n, own = f.warpage.to_dict(), _stored(result, f)
        error = own.get("warpage_error_um"), own.get("warpage_extrapolated_um")
        bound = "" if error[1] is not None else "&lt; "
        rows.append(
            [
                escape(f.name),
                f"{n['warpage_um']:+.1f} um",
                f.shape,
                *((number(error[0], bound + "{:.2g} um"), number(error[1], "{:+.1f} um")) if refinement else ()),
                f"{n['zone_x_mm']:.4g} x {n['zone_y_mm']:.4g} mm",
                f"{n['rms_um']:.1f} um",
                number(n["corner_minus_centre_um"], "{:+.1f} um"),
                number(n["kappa_x_per_m"], "{:+.3g} /m"),
                number(n["kappa_y_per_m"], "{:+.3g} /m"),
            ]
        )
    return table(head, rows) + (
        "<p class='note'>Warpage by JEITA ED-7306 and JESD22-B112: peak to valley of the residual from the "
        "least-squares plane, signed from both diagonals.</p>" + _refinement(refinement)
    )


def _refinement(facts: Mapping[str, Any] | None) -> str:
    """What stands behind the errors of the grid."""
    if not facts:
        return ""
    grids = ", ".join(f"{count:,}" for count in facts["voxels"])
    return (
        f"<p class='note'>Discretisation error by Richardson's extrapolation from grids of {grids} voxels, order "
        f"{escape(str(facts['order']))}; &lt; is a bound where the grids do not close in on a limit.</p>"
    )


def _temperatures(result: Result) -> str:
    numbers = result.metrics.get("temperature") or {}
    if not numbers:
        return ""
    rows = [
        [escape(part), *(f"{t[key]:.2f} °C" for key in ("max_C", "mean_C", "min_C")), place(t["max_at_mm"])]
        for part, t in numbers.items()
    ]
    head = ("part", "hottest", "mean", "coldest", "hottest at x, y, z (mm)")
    picture = "" if result.metrics.get("uniform_temperature") else _picture(result, figures.temperature, "temperature")
    return f"<h2>Temperatures</h2>{table(head, rows)}{picture}"


def _stresses(result: Result) -> str:
    numbers = result.metrics.get("stress") or {}
    if not numbers:
        return ""
    keys = ("max_principal_q999_MPa", "min_principal_q001_MPa", "von_mises_q999_MPa")
    rows = [
        [
            escape(part),
            *(f"{s[key]:.1f}" for key in keys),
            f"{s['max_principal_MPa']:.1f}",
            place(s["max_principal_at_mm"]),
        ]
        for part, s in numbers.items()
    ]
    head = ("part (MPa)", "largest tension", "largest compression", "von Mises", "peak tension", "at x, y, z (mm)")
    text = f"<h2>Stresses</h2>{table(head, rows)}"
    text += (
        "<p class='note'>The first three leave out the worst 0.1 % of the volume: edges and corners are singular, "
        "their peak grows with every refinement. Compare designs by the first three.</p>"
    )
    joints = result.metrics.get("interfaces") or []
    if joints:
        means = ("peel_mean_MPa", "peel_q99_MPa", "shear_mean_MPa", "shear_q99_MPa")
        rows = [
            [f"{escape(n['lower'])} / {escape(n['upper'])}", f"{n['area_mm2']:.4g}", *(f"{n[k]:+.2f}" for k in means)]
            for n in joints
        ]
        head = ("interface (MPa)", "modelled area (mm²)", "mean peel", "peel, 99 %", "mean shear", "shear, 99 %")
        text += table(head, rows)
    return text + _picture(result, figures.stress, "stress")


def _stack(result: Result, case: Case | None) -> str:
    def branch(one: check.Branch) -> str:
        below = "".join(branch(child) for child in one.children)
        note = f"<b>{escape(one.name)}</b> <span class='soft'>{escape(one.note)}</span>"
        return f"<li>{note}{f'<ul>{below}</ul>' if below else ''}</li>"

    tree = ""
    if case is not None:
        tree = "".join(branch(one) for one in check.stack(case.parts, case.package.places))
        tree = f"<ul class='tree'>{tree}</ul>"
    return f"<h2>Stack</h2>{_picture(result, plots.cross_section, 'cross-section')}{tree}"


def _materials(result: Result, case: Case | None) -> str:
    if case is None:
        return ""
    entries = catalogue.used(case.materials(), result.media.material)
    keys = ("youngs_modulus", "poissons_ratio", "cte", "conductivity")
    head = ("at 25 °C", "E (GPa)", "Poisson's ratio", "CTE (ppm/K)", "k (W/m K)", "what it is")
    rows = [
        [escape(name), *(_stacked(entry["room"].get(key, UNKNOWN)) for key in keys), escape(entry["description"])]
        for name, entry in entries.items()
    ]
    text = [table(head, rows, text=(5,))]
    for name, entry in entries.items():
        rows = [
            [escape(key.replace("_", " ")), lines(law["value"]), escape(law["source"])]
            for key, law in entry["properties"].items()
        ]
        inside = (
            table(("property", "value", "source"), rows, text=(1, 2)) if rows else f"<p>{escape(entry['source'])}</p>"
        )
        text.append(
            f"<details class='sources'><summary>{escape(name)}: properties and sources</summary>{inside}</details>"
        )
    note = "<p class='note'>Three values: along x, y, z; Poisson's ratios yz, xz, xy.</p>"
    return "<h2>Materials and their sources</h2>" + text[0] + note + "".join(text[1:])


def _stacked(values: str) -> str:
    """Values of three axes below each other."""
    return "<br>".join(escape(value) for value in values.split(" / "))


def _mesh(result: Result) -> str:
    rows = [
        [axis, f"{cells:,}", f"{1e6 * finest:.4g} um", f"{1e6 * coarsest:.4g} um"]
        for axis, (cells, finest, coarsest) in check.spacing(result.grid).items()
    ]
    grid = result.grid
    symmetry = ("the whole package", "half of the package", "a quarter of the package")[sum(grid.mirror)]
    return f"<h2>Grid</h2><p>{grid.cells:,} voxels, {grid.unknowns:,} displacements, {symmetry}.</p>" + table(
        ("axis", "cells", "finest", "coarsest"), rows
    )


def _solvers(result: Result) -> str:
    solvers = result.provenance.get("solver", {})
    rows = [
        [
            escape(name),
            f"{s['iterations']} in {s['rounds']} rounds" if s.get("rounds", 1) > 1 else str(s["iterations"]),
            f"{s['residual']:.1e}",
            f"{s['tolerance']:.0e}" if "tolerance" in s else UNKNOWN,
            f"{s['seconds']:.2f} s",
        ]
        for name, s in solvers.items()
    ]
    info = result.provenance
    cost = [number(info.get("wall_s"), "{:.1f} s in all"), number(info.get("peak_memory_MB"), "{:,.0f} MB at most")]
    return (
        "<h2>Solvers</h2>"
        + table(("solver", "iterations", "relative residual", "tolerance", "time"), rows)
        + f"<p>{' · '.join(c for c in cost if c != UNKNOWN)}</p>"
        + (_chart("residuals", "residuals") if any(h.size > 1 for h in result.residuals.values()) else "")
    )


def _chart(name: str, what: str) -> str:
    return f"<svg id='{name}' style='max-width: 620px' role='img' aria-label='{what}'></svg>"


def _provenance(result: Result) -> str:
    told = {key: value for key, value in result.provenance.items() if key != "solver"}
    rows = [[escape(key.replace("_", " ")), escape(_words(value))] for key, value in told.items()]
    case = escape(result.case)
    return (
        f"<h2>Provenance</h2>{table(('', ''), rows, text=(1,))}"
        f"<details><summary>the case file, word for word</summary><pre>{case}</pre></details>"
    )


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} = {v}" for key, v in value.items()) or "none"
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _data(result: Result, flats: Iterable[Flat]) -> dict[str, Any]:
    """What the page's script draws: lengths in mm, heights in um."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    surfaces = []
    for f in flats:
        x, y = (np.linspace(v[0], v[-1], POINTS) for v in (f.surface.x, f.surface.y))
        height = 1e6 * interpolate(f.surface, f.height, x[None, :], y[:, None])
        zone, diagonals = f.warpage.surface, []
        for which in (0, 1):
            along, h = metrics.diagonal(zone, 1e6 * f.warpage.residual, which)
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
    return {"surfaces": surfaces, "colours": colours, "residuals": histories, "curves": report_steps.curves(result)}


def _picture(result: Result, how: Any, what: str) -> str:
    """A picture as part of the page, nothing where there is nothing to draw."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        try:
            how(result, path)
        except WarpError:
            return ""
        packed = base64.b64encode(path.read_bytes()).decode()
    return f"<figure><img alt='{what}' style='width: 760px' src='data:image/png;base64,{packed}'></figure>"
