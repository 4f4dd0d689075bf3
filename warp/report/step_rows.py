"""Rows of a table of steps: a name, the temperature, the time and the warpage of each load step.

Load steps that end a process step have its name; those on the way say what they are. Beyond linear
theory each has its shape.
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
JOINING = ("attach", "cure")
"""Kinds of steps that bring the body to a temperature first; others compute points on the way."""


@dataclass(frozen=True)
class StepRow:
    """One load step; its time is None where no step of the process takes time.

    shape: dome, saddle or cylinder with its axis; None in a process by linear theory.
    """

    name: str
    temperature: str
    time: str | None
    warpages: list[str]
    last: bool
    shape: str | None = None

    @property
    def cells(self) -> list[str]:
        """Return what follows the name."""
        time, shape = ([] if cell is None else [cell] for cell in (self.time, self.shape))
        return [self.temperature, *time, *self.warpages, *shape]


def heads(records: Sequence[Record], surfaces: Sequence[str], temperature: str) -> list[str]:
    """Return the heads of the columns; `temperature` is that of its column."""
    time, shape = ["time"] if _timed(records) else [], ["shape"] if _shaped(records) else []
    return ["step", temperature, *time, *surfaces, *shape]


def rows(
    records: Sequence[Record], surfaces: Sequence[str], form: str = "{:.4g}"
) -> Iterator[StepRow]:
    """Yield a row a load step; form: how a temperature in degC is written."""
    timed, shaped, before = _timed(records), _shaped(records), None
    for record in records:
        at = record["temperature_C"]
        values = (value_of(record, surface) for surface in surfaces)
        yield StepRow(
            _name(record, before),
            "field" if at is None else form.format(at),
            _time(record, before) if timed else None,
            [UNKNOWN if value is None else heights.signed(value) for value in values],
            record["last"],
            _shape(record) if shaped else None,
        )
        before = record


def changes(records: Sequence[Record]) -> list[str]:
    """Write a sentence for each load step in which the body changes its shape."""
    found, before = [], None
    for record in records:
        text = change(record.get("large_deflection") or {})
        if text:
            found.append(f"{_name(record, before)}: the shape changes at {text}.")
        before = record
    return found


def _shaped(records: Sequence[Record]) -> bool:
    return any("shape" in record.get("large_deflection", {}) for record in records)


def _shape(record: Record) -> str:
    values = record.get("large_deflection", {})
    return short_shape(values) if "shape" in values else UNKNOWN


def _name(record: Record, before: Record | None) -> str:
    """Name a step by its end; say of a load step before it why it is there."""
    number = record["step"]
    if record["last"]:
        unit = f" [{record['unit']}]" if record.get("unit") else ""
        return f"{number}. {record['name']}{unit}"
    if record.get("do") not in JOINING:
        return f"{number}. on the way"
    joined = before is None or record["parts"] != before["parts"]
    return f"{number}. joined, before it shrinks" if joined else f"{number}. brought to temperature"


def _timed(records: Sequence[Record]) -> bool:
    return any(record["time_s"] for record in records)


def _time(record: Record, before: Record | None) -> str:
    """Write the time since the start, a dash where none has passed since the load step before."""
    passed = record["time_s"] - (before["time_s"] if before else 0.0)
    return duration(record["time_s"]) if passed else UNKNOWN
