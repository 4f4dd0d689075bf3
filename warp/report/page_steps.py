"""Tell the process of a result: temperature and warpage of each step, the largest on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from warp.report import step_rows
from warp.report.blocks import UNKNOWN, Block
from warp.report.step_figures import shown, value_of
from warp.results import heights, limits

if TYPE_CHECKING:
    from warp.results.file import Result

NOTE = "Times count from the start. + is convex: the centre away from the board."


def block(result: Result, board: str | None, pitch: float | None) -> Block | None:
    """Tabulate all steps; None for a run without them."""
    records = result.metrics.get("steps") or []
    if not records:
        return None
    names = shown(result)
    rows = [[row.name, *row.cells] for row in step_rows.rows(records, names, "{:.4g} °C")]
    return Block(
        "Process",
        step_rows.heads(records, names, "temperature"),
        rows,
        lead=_before_mounting(result.metrics.get("unmounted"), pitch)
        or _largest(records, f"{board}.bottom", pitch),
        note=" ".join([NOTE, *step_rows.changes(records)]),
    )


def curves(result: Result) -> list[dict[str, Any]]:
    """Return warpage (um) over temperature (degC), one curve a surface, of computed points.

    A curve is broken where parts are attached or removed, or the body is cut.
    """
    found, before = [], None
    records = result.metrics.get("steps") or []
    for name in shown(result):
        x: list[float | None] = []
        y: list[float | None] = []
        for record in records:
            body = (record["parts"], record["unit"])
            value, at = value_of(record, name), record["temperature_C"]
            if x and (body != before or value is None or at is None):
                x.append(x[-1])
                y.append(None)
            if value is not None and at is not None:
                x.append(at)
                y.append(value)
            before = body
        if any(value is not None for value in y):
            found.append({"name": name, "x": x, "y": y})
    return found


def _largest(records: Sequence[Mapping[str, Any]], surface: str, pitch: float | None) -> str:
    values = [(value_of(record, surface), record) for record in records]
    known = [(value, record) for value, record in values if value is not None]
    if not known:
        return ""
    value, record = max(known, key=lambda one: abs(one[0]))
    return f"Largest on the way: {_against(surface, value, record, pitch)}."


def _before_mounting(bare: Mapping[str, Any] | None, pitch: float | None) -> str:
    """Say the largest warpage of the package before its board; "" where it is not mounted."""
    if not bare:
        return ""
    text = _against(bare["surface"], bare["warpage_um"], bare, pitch)
    return f"Largest before it is mounted to {bare['board']}: {text}."


def _against(surface: str, value: float, record: Mapping[str, Any], pitch: float | None) -> str:
    """Write a warpage in um, where it is, and how it stands to JEITA's limit at a pitch in m."""
    at = UNKNOWN if record["temperature_C"] is None else f"{record['temperature_C']:.4g} °C"
    text = f"{surface} {heights.signed(value)} at {at} ({record['name']})"
    if pitch is not None:
        limit = limits.jeita_limit(pitch)
        word = "within" if abs(value) <= 1e6 * limit else "above"
        text += f", {word} JEITA's {1e3 * limit:.2f} mm"
    return text
