"""Rows of a table of steps: a name, the temperature, the time and the warpage of each load step.

Load steps that end a process step have its name; those on the way say what they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from warp.report.blocks import UNKNOWN
from warp.report.step_figures import duration, value_of
from warp.results import heights

Record = Mapping[str, Any]
JOINING = ("attach", "cure")
"""Kinds of steps that bring the body to a temperature first; others compute points on the way."""


@dataclass(frozen=True)
class StepRow:
    """One load step; its time is None where no step of the process takes time."""

    name: str
    temperature: str
    time: str | None
    warpages: list[str]
    last: bool

    @property
    def cells(self) -> list[str]:
        """Return what follows the name."""
        return [self.temperature, *([] if self.time is None else [self.time]), *self.warpages]


def heads(records: Sequence[Record], surfaces: Sequence[str], temperature: str) -> list[str]:
    """Return the heads of the columns; `temperature` is that of its column."""
    return ["step", temperature, *(["time"] if _timed(records) else []), *surfaces]


def rows(
    records: Sequence[Record], surfaces: Sequence[str], form: str = "{:.4g}"
) -> Iterator[StepRow]:
    """Yield a row a load step; form: how a temperature in degC is written."""
    timed, last = _timed(records), dict[str | None, Record]()
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
        )
        last[record.get("body")] = record


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
