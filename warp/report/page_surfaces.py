"""Tell a report's surfaces: the number to read first, warpage against limits, a table of all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from warp import units
from warp.report import number_tables
from warp.report.blocks import UNKNOWN, Block, Cell, Headline, within
from warp.report.step_figures import value_of
from warp.results import heights, measured
from warp.results import limits as analytic_limits
from warp.results.measured import Flat

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.results.file import Result

JEDEC = {0.8: (-0.14, 0.23)}
"""Warpage (mm) that JEDEC allows through reflow by ball pitch (mm).

SMT Magazine, August 2015, p. 46 quotes it.
"""


class Judged(NamedTuple):
    """A surface that the standards limit, its warpage in um, its load step, and when that is."""

    surface: str
    micrometres: float
    record: Mapping[str, Any] | None
    when: str


def judged(result: Result, first: Flat) -> Judged:
    """Return what the standards limit: the package's surface to the board, not mounted yet.

    Of a process that mounts the package it is the largest before that, else the largest while the
    body is as it is at the end. Without a process there is no load step.
    """
    bare = result.metrics.get("unmounted")
    if bare:
        when = f"the worst before it is mounted to {bare['board']}"
        return Judged(bare["surface"], bare["warpage_um"], bare, when)
    found = [
        (value, record)
        for record in measured.finished(result.metrics.get("steps") or [])
        if (value := value_of(record, first.name)) is not None
    ]
    if not found:
        return Judged(first.name, 1e6 * first.warpage.value, None, "")
    value, record = max(found, key=lambda entry: abs(entry[0]))
    return Judged(first.name, value, record, "the worst of the finished body")


def headline(result: Result, first: Flat | None, pitch: float | None) -> Headline | None:
    """Say the warpage of the surface to the board, of a process its worst case.

    With a pitch the surface to the board is judged by its limit.
    """
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
    if pitch is None or first is None:
        return Headline(value, what, when)
    limit = 1e6 * analytic_limits.jeita_limit(pitch)
    own = judged(result, first)
    micrometres = own.micrometres
    share = f"{100 * abs(micrometres) / limit:.0f} % of JEITA ED-7306's {1e-3 * limit:.2f} mm"
    bare = result.metrics.get("unmounted")
    if bare:
        share = f"before it is mounted {own.surface} {heights.signed(micrometres)}: {share}"
    elif worst and worst["surface"] != first.name:
        share = f"{first.name} {heights.signed(micrometres)}: {share}"
    kept = within(abs(micrometres) <= limit, "within the limit", "above the limit")
    return Headline(value, what, when, share, kept)


_ERROR = "warpage_error_um"


def limits(
    result: Result, case: Case | None, first: Flat | None, pitch: float | None
) -> Block | None:
    """Compare the surface to the board, `first`, with the standards at each ball pitch."""
    if first is None:
        return None
    own = judged(result, first)
    value = 1e-3 * own.micrometres
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
    lead = f"{own.surface}: {value:+.3f} mm{_where(own, case)}."
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


def _where(own: Judged, case: Case | None) -> str:
    """Write the temperature and the step that the limits are compared at."""
    at = case.loads.temperature if case else None
    celsius = None if at is None else at - units.ZERO_CELSIUS
    if own.record:
        celsius = own.record["temperature_C"]
    where = "the solved temperature field" if celsius is None else f"{celsius:.4g} °C"
    text = f" at {where}" if case else ""
    return text + (f", {own.when} (step {own.record['step']})" if own.record else "")


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
