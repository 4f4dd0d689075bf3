"""Write a report's surfaces: warpage against limits, heights to turn, a table of all."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from warp import units
from warp.report import number_tables
from warp.report.html import UNKNOWN, table, verdict
from warp.results import limits as analytic_limits
from warp.results.measured import Flat

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.results.file import Result

JEDEC = {0.8: (-0.14, 0.23)}
"""Warpage (mm) that JEDEC allows through reflow by ball pitch (mm).

SMT Magazine, August 2015, p. 46 quotes it.
"""


def limits(result: Result, case: Case | None, first: Flat | None, pitch: float | None) -> str:
    """Compare the surface to the board, `first`, with the standards at each ball pitch."""
    if first is None:
        return ""
    worst = result.metrics.get("worst")
    value = 1e-3 * worst["warpage_um"] if worst else 1e3 * first.warpage.value
    name = worst["surface"] if worst else first.name
    row = 1e3 * analytic_limits.jeita_limit(pitch) if pitch else None
    rows, marks = [], []
    for balls, limit in analytic_limits.JEITA_LIMITS.items():
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
    celsius = None if at is None else at - units.ZERO_CELSIUS
    if worst:
        celsius = worst["temperature_C"]
    elif steps:
        celsius = steps[-1]["temperature_C"]
    where = "the solved temperature field" if celsius is None else f"{celsius:.4g} °C"
    allowed = table(("ball pitch", "JEITA ED-7306", "this run", "JEDEC", "this run"), rows, marks)
    pitched = "" if pitch is None else f" The pitch here is {1e3 * pitch:g} mm."
    return (
        f"<h2>Against the limits</h2><p>{escape(name)}: <b>{value:+.3f} mm</b>"
        + (f" at {escape(where)}" if case else "")
        + (f", the worst of all steps (step {worst['step']})." if worst else ".")
        + f"{pitched} + is convex: the centre away from the board.</p>{allowed}<p class='note'>"
        "Both standards limit the warpage at every temperature of reflow; a run at one temperature "
        "shows that temperature only. JEITA ED-7306 (2007) for ball grid arrays by pitch; JEDEC's "
        "row as SMT Magazine, August 2015, p. 46 quotes it, other rows depend on the ball and the "
        "size.</p>"
    )


def scene(flats: Sequence[Flat], first: Flat | None) -> str:
    """Make room for the surface to turn and its diagonals, which the page's script draws."""
    if not flats:
        return ""
    options = "".join(
        f"<option value='{n}'{' selected' if f is first else ''}>{escape(f.name)}</option>"
        for n, f in enumerate(flats)
    )
    return (
        "<h2>Surfaces</h2><div class='controls'>"
        f"<label>surface <select id='surface'>{options}</select></label>"
        "<label>height <input id='rise' type='range' min='0.02' max='0.6' step='0.01' "
        "value='0.2'></label>"
        "<span><button id='space'>in space</button> <button id='above'>from above</button> "
        "<button id='side'>from the side</button></span></div>"
        "<div class='stage'><div><canvas id='scene'></canvas><p class='note' id='told'></p></div>"
        "<svg id='diagonals' role='img' aria-label='heights along both diagonals'></svg></div>"
        "<p class='note'>Heights above the least-squares plane of the measuring zone. "
        "Drag to turn.</p>"
    )


def every(result: Result) -> str:
    """Tabulate every measured surface, one row each."""
    if not result.metrics.get("surfaces"):
        return ""
    text = numbers_of(result, "surfaces")
    facts = result.metrics.get("refinement")
    if not facts:
        return text
    grids = ", ".join(f"{count:,}" for count in facts["voxels"])
    return text + (
        f"<p class='note'>Discretisation error by Richardson's extrapolation from grids of {grids} "
        f"voxels, order {escape(str(facts['order']))}; &lt; is a bound where the grids do not "
        "close in on a limit.</p>"
    )


def numbers_of(result: Result, *path: str) -> str:
    """Make the table of a group of numbers as they are declared, with its note."""
    group, found = number_tables.of_group(result.metrics, path, UNKNOWN)
    rows = [[name, *cells] for name, cells in found.rows.items()]
    escaped = [[escape(text) for text in row] for row in rows]
    note = f"<p class='note'>{escape(group.note)}</p>" if group.note else ""
    return table([escape(head) for head in (group.title, *found.heads)], escaped) + note


def stored(result: Result, flat: Flat) -> dict[str, Any]:
    """Return the numbers of a surface as the run wrote them.

    With the error of the grid, if it was estimated.
    """
    sides = result.metrics.get("surfaces", {}).get(flat.surface.part, {})
    numbers: dict[str, Any] = sides.get(flat.surface.side, {})
    return numbers
