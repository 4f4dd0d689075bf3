"""Numbers as tidy tables: nested results flattened to one number a row; CSV files written whole."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from warp.files import whole_file
from warp.results import metrics
from warp.results.metrics.declaration import Number, entry_name

Row: TypeAlias = tuple[str, str, float, str]
"""Path of the entry, quantity, value, unit."""


def numbers(summary: Mapping[str, Any]) -> Iterator[Row]:
    """Walk a summary: ("surfaces.chip.top", "warpage", 74.6, "um") and so on.

    Entries of lists are named by their parts (interfaces), or by their number and name (steps).
    """
    declared = {number.key: number for metric in metrics.RUN for number in metric.numbers}
    declared |= {number.key: number for _, number in metrics.declared()}
    yield from _walk(summary, (), declared)


def _walk(value: Any, where: tuple[str, ...], declared: Mapping[str, Number]) -> Iterator[Row]:
    """Flatten one value; equal keys have equal names and units wherever they stand."""
    number = declared.get(where[-1]) if where else None
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _walk(below, (*where, str(key)), declared)
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for n, entry in enumerate(value, start=1):
            name = entry_name(entry) or f"{n} {entry.get('name', '')}".strip()
            yield from _walk(entry, (*where, name), declared)
    elif number is not None and number.position and isinstance(value, list) and len(value) == 3:
        prefix = ".".join(where[:-1])
        for axis, coordinate in zip("xyz", value, strict=True):
            yield prefix, f"{number.name}_{axis}", coordinate, number.unit.table
    elif isinstance(value, int | float) and not isinstance(value, bool):
        name, unit = (number.name, number.unit.table) if number else (where[-1], "")
        yield ".".join(where[:-1]), name, value, unit


_FORMULA = re.compile(r"[=+\-@\t\r]")
_QUANTITY = re.compile(r"[+-](\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[\w %°^*/.]*")


def as_text(cell: Any) -> Any:
    """Keep a spreadsheet from running a text as a formula: put an apostrophe before it.

    Numbers, and texts that are a signed number with its unit, stay as they are.
    """
    if not isinstance(cell, str) or not _FORMULA.match(cell) or _QUANTITY.fullmatch(cell):
        return cell
    return f"'{cell}"


def write_csv(path: Path, head: Iterable[str], rows: Iterable[Iterable[Any]]) -> Path:
    """Write a CSV file in one piece; a text that looks like a formula gets an apostrophe."""
    whole_file.check_writable(path)
    with (
        whole_file.replacing(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(map(as_text, head))
        writer.writerows(map(as_text, row) for row in rows)
    return path
