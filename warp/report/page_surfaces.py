"""Tell a report's surfaces: the number to read first, warpage against limits, a table of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from warp import units
from warp.report import number_tables
from warp.report.blocks import UNKNOWN, Block, Cell, Headline, within
from warp.results import heights
from warp.results import limits as analytic_limits
from warp.results.measured import Flat

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.results.file import Result

JEDEC = {0.8: (-0.14, 0.23)}
"""Warpage (mm) that JEDEC allows through reflow by ball pitch (mm).

SMT Magazine, August 2015, p. 46 quotes it.
"""


def headline(result: Result, first: Flat | None, pitch: float | None) -> Headline | None:
    """Say the warpage of the surface to the board, of a process its worst case."""
    worst = result.metrics.get("worst")
    if worst:
        micrometres, error = worst["warpage_um"], None
        shape = "convex" if micrometres >= 0 else "concave"
        what = f"worst case: {worst['surface']}, {shape}"
        at = worst["temperature_C"]
        place = "the solved temperatures" if at is None else f"{at:.4g} °C"
        when = f"at {place}, in step {worst['step']} ({worst['name']})"
    elif first is not None:
        micrometres, error = 1e6 * first.warpage.value, stored(result, first).get(_ERROR)
        what, when = f"{first.name}, {first.shape}", ""
    else:
        return None
    beside = "" if error is None else f" ± {error:.2g}"
    value = heights.signed(micrometres, beside)
    if pitch is None:
        return Headline(value, what, when)
    limit = 1e6 * analytic_limits.jeita_limit(pitch)
    share = f"{100 * abs(micrometres) / limit:.0f} % of JEITA ED-7306's {1e-3 * limit:.2f} mm"
    kept = within(abs(micrometres) <= limit, "within the limit", "above the limit")
    return Headline(value, what, when, share, kept)


_ERROR = "warpage_error_um"


def limits(
    result: Result, case: Case | None, first: Flat | None, pitch: float | None
) -> Block | None:
    """Compare the surface to the board, `first`, with the standards at each ball pitch."""
    if first is None:
        return None
    worst = result.metrics.get("worst")
    value = 1e-3 * worst["warpage_um"] if worst else 1e3 * first.warpage.value
    name = worst["surface"] if worst else first.name
    row = 1e3 * analytic_limits.jeita_limit(pitch) if pitch else None
    rows: list[list[Cell]] = []
    marks = []
    for balls, limit in analytic_limits.JEITA_LIMITS.items():
        jedec = JEDEC.get(balls)
        rows.append(
            [
                f"{balls:g} mm",
                f"±{limit:.2f} mm",
                within(abs(value) <= limit),
                f"{jedec[0]:+.2f} / {jedec[1]:+.2f} mm" if jedec else UNKNOWN,
                within(jedec[0] <= value <= jedec[1]) if jedec else UNKNOWN,
            ]
        )
        marks.append(row is not None and limit == row)
    lead = f"{name}: {value:+.3f} mm{_where(result, case)}."
    lead += "" if pitch is None else f" The pitch here is {1e3 * pitch:g} mm."
    return Block(
        "Against the limits",
        ("ball pitch", "JEITA ED-7306", "this run", "JEDEC", "this run"),
        rows,
        marks=marks,
        lead=f"{lead} + is convex: the centre away from the board.",
        note="Both standards limit the warpage at every temperature of reflow; a run at one "
        "temperature shows that temperature only. JEITA ED-7306 (2007) for ball grid arrays by "
        "pitch; JEDEC's row as SMT Magazine, August 2015, p. 46 quotes it, other rows depend on "
        "the ball and the size.",
    )


def _where(result: Result, case: Case | None) -> str:
    """Write the temperature and the step that the limits are compared at."""
    worst, steps = result.metrics.get("worst"), result.metrics.get("steps")
    at = case.loads.temperature if case else None
    celsius = None if at is None else at - units.ZERO_CELSIUS
    if worst:
        celsius = worst["temperature_C"]
    elif steps:
        celsius = steps[-1]["temperature_C"]
    where = "the solved temperature field" if celsius is None else f"{celsius:.4g} °C"
    text = f" at {where}" if case else ""
    return text + (f", the worst of the finished body (step {worst['step']})" if worst else "")


def every(result: Result) -> Block | None:
    """Tabulate every measured surface, one row each."""
    if not result.metrics.get("surfaces"):
        return None
    facts = result.metrics.get("refinement")
    if not facts:
        return numbers_of(result, "surfaces")
    grids = ", ".join(f"{count:,}" for count in facts["voxels"])
    more = (
        f"Discretisation error by Richardson's extrapolation from grids of {grids} voxels, order "
        f"{facts['order']}; < is a bound where the grids do not close in on a limit."
    )
    return numbers_of(result, "surfaces", note=more)


def numbers_of(result: Result, *path: str, title: str = "", note: str = "") -> Block:
    """Make the table of a group of numbers as they are declared, with its note."""
    group, found = number_tables.of_group(result.metrics, path, UNKNOWN)
    return Block(
        title,
        (group.title, *found.heads),
        [[name, *cells] for name, cells in found.rows.items()],
        note=" ".join(text for text in (group.note, note) if text),
        name=group.title,
    )


def stored(result: Result, flat: Flat) -> dict[str, Any]:
    """Return the numbers of a surface as the run wrote them.

    With the error of the grid, if it was estimated.
    """
    sides = result.metrics.get("surfaces", {}).get(flat.surface.part, {})
    numbers: dict[str, Any] = sides.get(flat.surface.side, {})
    return numbers
