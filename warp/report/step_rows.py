"""Rows of a table of steps: a name, the temperature, the time and the warpage of each load step.

Load steps that end a process step have its name; those on the way say what they are. Beyond linear
theory each has its shape; where terminals are named, their coplanarity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from warp.report.blocks import UNKNOWN
from warp.report.step_figures import duration, value_of
from warp.results import heights
from warp.results.metrics.large_deflection import change, short_shape

Record = Mapping[str, Any]
MANY = 12
"""Load steps that a table on a console shows one by one."""
JOINING = ("attach", "cure")
"""Kinds of steps that bring the body to a temperature first; others compute points on the way."""


@dataclass(frozen=True)
class StepRow:
    """One load step; its time is None where no step of the process takes time.

    shape: dome, saddle or cylinder with its axis; None in a process by linear theory. coplanarity:
    None where no terminals are named.
    """

    name: str
    temperature: str
    time: str | None
    warpages: list[str]
    last: bool
    shape: str | None = None
    coplanarity: str | None = None

    @property
    def cells(self) -> list[str]:
        """Return what follows the name."""
        time, coplanarity, shape = (
            [] if cell is None else [cell] for cell in (self.time, self.coplanarity, self.shape)
        )
        return [self.temperature, *time, *self.warpages, *coplanarity, *shape]


def heads(records: Sequence[Record], surfaces: Sequence[str], temperature: str) -> list[str]:
    """Return the heads of the columns; `temperature` is that of its column."""
    time, shape = ["time"] if _timed(records) else [], ["shape"] if _shaped(records) else []
    coplanarity = ["coplanarity"] if _coplanar(records) else []
    return ["step", temperature, *time, *surfaces, *coplanarity, *shape]


def shown(records: Sequence[Record], surfaces: Sequence[str]) -> list[int]:
    """Return the load steps that a short table shows, by their places in the list.

    All of up to MANY; else the first, those that end their steps, and the extremes of each surface
    and of the coplanarity.
    """
    if len(records) <= MANY:
        return list(range(len(records)))
    found = {0} | {n for n, record in enumerate(records) if record["last"]}
    curves = [[value_of(record, surface) for record in records] for surface in surfaces]
    for curve in [*curves, [record.get("coplanarity_um") for record in records]]:
        known = [(value, -n) for n, value in enumerate(curve) if value is not None]
        found |= {-pick(known)[1] for pick in (min, max) if known}
    return sorted(found)


def rows(
    records: Sequence[Record], surfaces: Sequence[str], form: str = "{:.4g}"
) -> Iterator[StepRow]:
    """Yield a row a load step; form: how a temperature in degC is written."""
    timed, shaped, coplanar = _timed(records), _shaped(records), _coplanar(records)
    last: dict[str | None, Record] = {}
    for record in records:
        before = last.get(record.get("body"))
        at = record["temperature_C"]
        values = (value_of(record, surface) for surface in surfaces)
        yield StepRow(
            _name(record, before),
            "field" if at is None else form.format(at),
            _time(record, before) if timed else None,
            [UNKNOWN if value is None else heights.signed(value) for value in values],
            record["last"],
            _shape(record) if shaped else None,
            _coplanarity(record) if coplanar else None,
        )
        last[record.get("body")] = record


def changes(records: Sequence[Record]) -> list[str]:
    """Write a sentence for each load step in which the body changes its shape."""
    found, before = [], None
    for record in records:
        text = change(record.get("large_deflection") or {})
        if text:
            found.append(f"{_name(record, before)}: the shape changes at {text}.")
        before = record
    return found


def _coplanar(records: Sequence[Record]) -> bool:
    return any(record.get("coplanarity_um") is not None for record in records)


def _coplanarity(record: Record) -> str:
    value = record.get("coplanarity_um")
    return UNKNOWN if value is None else heights.plain(value)


def _shaped(records: Sequence[Record]) -> bool:
    return any("shape" in record.get("large_deflection", {}) for record in records)


def _shape(record: Record) -> str:
    values = record.get("large_deflection", {})
    return short_shape(values) if "shape" in values else UNKNOWN


def _name(record: Record, before: Record | None) -> str:
    """Name a step by its end; say of a load step before it why it is there."""
    of = record.get("body") or (record.get("unit") if record["last"] else None)
    what = record["name"]
    if not record["last"] and record.get("do") not in JOINING:
        what = "on the way"
    elif not record["last"]:
        joined = before is None or record["parts"] != before["parts"]
        what = "joined, before it shrinks" if joined else "brought to temperature"
    return f"{record['step']}. {what}" + (f" [{of}]" if of else "")


def _timed(records: Sequence[Record]) -> bool:
    return any(record["time_s"] for record in records)


def _time(record: Record, before: Record | None) -> str:
    """Write the time since the start, a dash where none has passed since the load step before."""
    passed = record["time_s"] - (before["time_s"] if before else 0.0)
    return duration(record["time_s"]) if passed else UNKNOWN
