"""Surfaces measured at several temperatures, as shadow moire through reflow, over computed ones.

Each measured surface belongs to a temperature. It is compared with the finished body there, on the
way that meets the temperature last (the cooling half of a reflow). The warpage is known after every
load step, and linear between two of them; the whole surface at the end of every process step. Where
that is known, the residuals are compared point by point (`compare.match`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from warp import units
from warp.errors import WarpError
from warp.report import compare, scan, stored_case
from warp.report.blocks import UNKNOWN, Block
from warp.report.compare import Match
from warp.report.plots import OKABE_ITO, Picture, level_line, page
from warp.report.scan import Matrix, Points
from warp.report.step_figures import value_of
from warp.results import flatness
from warp.results import measured as surfaces
from warp.results.measured import Flat
from warp.results.surface import Side, Surface

if TYPE_CHECKING:
    from warp.results.file import Result

SAME = 1.0  # K: a load step that is nearer was computed at the measurement's temperature
COLUMNS = 3


@dataclass(frozen=True)
class Measurement:
    """A measured surface and its temperature in degC."""

    celsius: float
    name: str
    heights: Points | Matrix


@dataclass(frozen=True)
class Overlay:
    """A measured surface over a computed one.

    at: temperature of the computed warpage in degC. computed: the warpage [m]. surface: whether
    the match compares the computed surface there, or only the warpage is known.
    """

    measurement: Measurement
    step: str
    at: float | None
    computed: float
    match: Match
    surface: bool


def read(given: Sequence[str], pitch: float | None = None) -> list[Measurement]:
    """Read "150 degC=FILE" each; the coldest comes first."""
    found = []
    for text in given:
        temperature, equals, file = text.partition("=")
        try:
            kelvin = units.parse(temperature.strip(), units.TEMPERATURE)
        except ValueError as error:
            message = f"--measured {text}: write TEMPERATURE=FILE, as in '150 degC=m150.csv'"
            raise WarpError(f"{message}; {error}") from None
        if not equals or not file.strip():
            raise WarpError(f"--measured {text}: write TEMPERATURE=FILE, as in '150 degC=m150.csv'")
        path = Path(file.strip())
        heights = scan.read(path, pitch)
        found.append(Measurement(round(kelvin - units.ZERO_CELSIUS, 6), path.name, heights))
    return sorted(found, key=lambda one: one.celsius)


def overlays(
    result: Result, measurements: Sequence[Measurement], name: str | None = None
) -> list[Overlay]:
    """Lay every measured surface over the surface PART.SIDE, by default the one to the board."""
    if not measurements:
        return []
    if name is None:
        board = surfaces.board_part(result)
        if board is None:
            raise WarpError("this result has no surface to lay a measured one over")
        name = f"{board}.bottom"
    ((part, side),) = surfaces.chosen(result, [name])
    usual = surfaces.flat(result, part, side)
    return [_overlay(result, one, usual) for one in measurements]


def _overlay(result: Result, one: Measurement, usual: Flat) -> Overlay:
    records = result.metrics.get("steps") or []
    if not records:
        at = _single_temperature(result)
        match = compare.match(usual, one.heights)
        return Overlay(one, "", at, match.computed_warpage, match, True)
    at, value, last = _computed(records, usual.name, one)
    flat = _after(result, last, usual) if at == last["temperature_C"] else None
    match = compare.match(flat or usual, one.heights)
    if flat is not None:
        value = match.computed_warpage
    return Overlay(one, f"{last['step']}. {last['name']}", at, value, match, flat is not None)


def _computed(
    records: Sequence[Mapping[str, Any]], name: str, one: Measurement
) -> tuple[float, float, Mapping[str, Any]]:
    """Return the temperature [degC], the warpage [m] there, and the load step at or after it.

    Of the last load step of the finished body within SAME; else between two load steps.
    """
    body = records[-1]["parts"], records[-1]["unit"]
    known = [
        (record["temperature_C"], value, record)
        for record in records
        if (record["parts"], record["unit"]) == body
        and record["temperature_C"] is not None
        and (value := value_of(record, name)) is not None
    ]
    for at, value, record in reversed(known):
        if abs(at - one.celsius) <= SAME:
            return at, 1e-6 * value, record
    for (t0, w0, _), (t1, w1, record) in reversed(list(pairwise(known))):
        if min(t0, t1) < one.celsius < max(t0, t1):
            share = (one.celsius - t0) / (t1 - t0)
            return one.celsius, 1e-6 * (w0 + share * (w1 - w0)), record
    raise WarpError(
        f"{one.name} was measured at {one.celsius:g} degC, but the finished body was computed "
        f"at no temperatures around it: let a step reach it"
    )


def _single_temperature(result: Result) -> float | None:
    """Return the temperature of a run without steps in degC, None where it was a field."""
    try:
        kelvin = stored_case.parsed(result).loads.temperature
    except WarpError:
        return None
    return None if kelvin is None else kelvin - units.ZERO_CELSIUS


def _after(result: Result, record: Mapping[str, Any], usual: Flat) -> Flat | None:
    """Return the surface after a load step, None where the file holds its warpage alone."""
    part, side = usual.surface.part, usual.surface.side
    name = f"{record['step']}/{part}.{side}"
    if not record["last"] or f"{name}/w" not in result.shapes:
        return None
    x, y, w = (np.asarray(result.shapes[f"{name}/{key}"]) for key in "xyw")
    corners = np.isfinite(w)
    cells = corners[:-1, :-1] & corners[1:, :-1] & corners[:-1, 1:] & corners[1:, 1:]
    surface = Surface(part, cast(Side, side), x, y, w, cells)
    return Flat(flatness.warpage(surface, surfaces.zone(record, surface)), surface)


def block(found: Sequence[Overlay]) -> Block | None:
    """Tabulate measured and computed warpage at every measured temperature."""
    if not found:
        return None
    head = ("measured at", "computed at", "step", "measured", "computed", "difference", "RMS")
    rows = []
    for one in found:
        celsius, at, m = one.measurement.celsius, one.at, one.match
        fit = f"{1e6 * m.rms:.1f} um, r = {m.correlation:+.3f}" if one.surface else UNKNOWN
        rows.append(
            [
                f"{celsius:g} °C, {one.measurement.name}",
                "field" if at is None else f"{at:.4g} °C",
                one.step or UNKNOWN,
                f"{1e6 * m.warpage:+.1f} um",
                f"{1e6 * one.computed:+.1f} um",
                f"{1e6 * (one.computed - m.warpage):+.1f} um",
                fit,
            ]
        )
    notes = dict.fromkeys(one.match.note for one in found if one.match.note)
    note = "RMS of the difference of both surfaces, each about its own plane; a dash where the "
    note += "result holds the warpage at that load step but not the surface: end a step there, or "
    note += "compare with the file of that state, warp run --state."
    return Block(
        "Measured", head, rows, words=(0, 2), note=" ".join([note, *notes]), name="measured"
    )


def to_dict(found: Sequence[Overlay]) -> list[dict[str, Any]]:
    """Return the numbers for a script."""
    rows = []
    for one in found:
        numbers = one.match.to_dict() if one.surface else {"points": int(one.match.x.size)}
        numbers |= {
            "measured_warpage_um": 1e6 * one.match.warpage,
            "computed_warpage_um": 1e6 * one.computed,
        }
        where = {"measured_at_C": one.measurement.celsius, "file": one.measurement.name}
        rows.append(where | {"computed_at_C": one.at, "step": one.step} | numbers)
    return rows


def draw(found: Sequence[Overlay], path: Picture, title: str = "") -> None:
    """Draw the diagonal A to B of every measured surface over the computed one, each its own."""
    columns = min(COLUMNS, len(found))
    rows = -(-len(found) // columns)
    with page(path, 0.8 + 2.4 * rows) as figure:
        every = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for one, axes in zip(found, every.flat, strict=False):
            _panel(axes, one)
        for axes in every.flat[len(found) :]:
            axes.set_visible(False)
        for axes in every[:, 0]:
            axes.set_ylabel("height (um)")
        every.flat[0].legend(frameon=False)
        figure.supxlabel("along the diagonal A to B of the measuring zone (mm)", fontsize=9)
        if title:
            figure.suptitle(title, x=0.02, ha="left", fontsize=9)


def _panel(axes: Any, one: Overlay) -> None:
    match = one.match
    along, height = flatness.diagonal(match.lattice, 1e6 * match.lattice.w, 0)
    seen = np.isfinite(height)
    axes.plot(1e3 * along[seen], height[seen], color=OKABE_ITO[5], label="measured")
    if one.surface:
        shown = replace(match.lattice, w=match.on_lattice)
        along, height = flatness.diagonal(shown, 1e6 * shown.w, 0)
        seen = np.isfinite(height)
        style = {"color": OKABE_ITO[4], "linestyle": (0, (5, 2))}
        axes.plot(1e3 * along[seen], height[seen], label="computed", **style)
    level_line(axes)
    at = f"{one.measurement.celsius:g} degC"
    pair = f"measured {1e6 * match.warpage:+.0f}, computed {1e6 * one.computed:+.0f} um"
    axes.set_title(f"{at}\n{pair}", loc="left", fontsize=8)
