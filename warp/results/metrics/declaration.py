"""Declare a metric: its numbers, each with name, unit, one sentence and where it is shown.

A `Number` is one value under `/metrics` of a result file. A `Metric` is a set of numbers that are
computed together and stand in one `Group`: once for the package, once a part, once a surface, or
once for each entry of a list. Console, report, comparison, sweep table, CSV and the description of
the result file read these declarations; none of them names a metric itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from warp.results.flatness import Warpage
from warp.results.metrics.solved import Solved

Values = Mapping[str, Any]
"""The numbers of one entry of a group, by their keys."""


class Unit(NamedTuple):
    """Name a unit: the end of a key, in tables for programs (CSV, sweep), and for a reader."""

    suffix: str
    table: str
    text: str


NONE = Unit("", "", "")
MICROMETRE = Unit("um", "um", "um")
MILLIMETRE = Unit("mm", "mm", "mm")
SQUARE_MILLIMETRE = Unit("mm2", "mm2", "mm2")
PER_METRE = Unit("per_m", "1/m", "1/m")
PERCENT = Unit("percent", "%", "%")
CELSIUS = Unit("C", "C", "degC")
KELVIN = Unit("K", "K", "K")
MEGAPASCAL = Unit("MPa", "MPa", "MPa")
KELVIN_PER_WATT = Unit("K_per_W", "K/W", "K/W")
WATT = Unit("W", "W", "W")
NEWTON = Unit("N", "N", "N")
SECOND = Unit("s", "s", "s")
MEGABYTE = Unit("MB", "MB", "MB")


class Each(Enum):
    """Tell how often a group's numbers occur; the value is written after the group's path."""

    PACKAGE = ""
    PART = ".PART"
    SURFACE = ".PART.SIDE"
    ENTRY = "[]"


@dataclass(frozen=True)
class Group:
    """Say where numbers stand under `/metrics`, and how a table of them is titled.

    path: keys from the top, none for numbers at the top itself. label: what an entry is called in
    a comparison; it names the only entry of a package's group. note: a sentence below the table.
    """

    path: tuple[str, ...]
    each: Each
    title: str
    label: str = ""
    note: str = ""

    @property
    def pattern(self) -> str:
        """Write the path of an entry as the documentation does, e.g. surfaces.PART.SIDE."""
        return ".".join(self.path) + self.each.value

    def entries(self, metrics: Mapping[str, Any]) -> Iterator[tuple[str, Values]]:
        """Yield the name and the numbers of every entry that a result has of this group."""
        found: Any = metrics
        for key in self.path:
            found = (found or {}).get(key)
        if self.each is Each.PACKAGE:
            yield self.label, found or {}
        elif self.each is Each.PART:
            yield from (found or {}).items()
        elif self.each is Each.SURFACE:
            for part, sides in (found or {}).items():
                yield from ((f"{part}.{side}", values) for side, values in sides.items())
        else:
            for values in found or ():
                yield entry_name(values), values


def entry_name(values: Values) -> str:
    """Name an entry of a list: an interface by its two parts."""
    return "/".join(str(values[key]) for key in ("lower", "upper") if key in values)


@dataclass(frozen=True)
class Column:
    """Show a number in a table: the head of its column, and how the value is written.

    form: a format string, or a function of all numbers of the entry.
    """

    head: str
    form: str | Callable[[Values], str] = "{}"


@dataclass(frozen=True)
class Number:
    """Declare one number; its key in the result is the name, an underscore and the unit.

    meaning: one phrase for the documentation. console, report: columns there, None = not shown.
    compared, swept: what it is called in `warp compare` and in a sweep's table, empty = not in it;
    a column where words are compared.
    position: the value is a list x, y, z. of: computes it from a measured surface (`Warpage`),
    where the group is one of surfaces.
    """

    name: str
    unit: Unit
    meaning: str
    console: Column | None = None
    report: Column | None = None
    compared: str | Column = ""
    swept: str = ""
    position: bool = False
    of: Callable[[Warpage], float] | None = None

    @property
    def key(self) -> str:
        """Return the name in the result, which ends with the unit."""
        return f"{self.name}_{self.unit.suffix}" if self.unit.suffix else self.name

    @property
    def shown(self) -> list[str]:
        """List the outputs that show it; JSON, CSV and the result file have every number."""
        outputs = {
            "console": self.console,
            "report": self.report,
            "compare": self.compared,
            "sweep": self.swept,
        }
        return [output for output, how in outputs.items() if how]


@dataclass(frozen=True)
class Metric:
    """Declare numbers of one group, and how they are computed.

    compute: from the solved fields to the group's values, None when the field is missing. A metric
    without it is added by the driver (`records`).
    """

    group: Group
    numbers: tuple[Number, ...]
    compute: Callable[[Solved], Any] | None = None

    def check(self, metrics: Mapping[str, Any]) -> None:
        """Raise ValueError if an entry holds a number that is not declared."""
        known = {number.key for number in self.numbers}
        if self.group.each is Each.PACKAGE and not self.group.path:
            return
        for name, values in self.group.entries(metrics):
            unknown = sorted(set(values) - known)
            if unknown:
                raise ValueError(f"{self.group.pattern} of {name} has undeclared {unknown}")


def measured(numbers: Iterable[Number], surface: Warpage) -> dict[str, float | None]:
    """Compute the numbers of a measured surface by their keys; None if a value is NaN."""
    values = {number.key: float(number.of(surface)) for number in numbers if number.of}
    return {key: value if math.isfinite(value) else None for key, value in values.items()}


def surface_metric(group: Group, numbers: tuple[Number, ...]) -> Metric:
    """Declare numbers that are functions of one measured surface."""

    def compute(solved: Solved) -> dict[str, Any] | None:
        if solved.displacement is None:
            return None
        found: dict[str, Any] = {}
        for (part, side), surface in solved.warpages.items():
            found.setdefault(part, {})[side] = measured(numbers, surface)
        return found

    return Metric(group, numbers, compute)


def nested(group: Group, values: Any) -> dict[str, Any]:
    """Put a group's values at its path: {"thermal": values} and so on."""
    for key in reversed(group.path):
        values = {key: values}
    return dict(values)


def merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add nested values in place; what two metrics say of one surface stands side by side."""
    for key, value in more.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


def cell(values: Values, number: Number, column: Column, missing: str = "") -> str:
    """Write a number as a column shows it, `missing` where the entry has none."""
    if values.get(number.key) is None:
        return missing
    return (
        column.form.format(values[number.key])
        if isinstance(column.form, str)
        else column.form(values)
    )


def position(key: str) -> Callable[[Values], str]:
    """Write the coordinates under a key: "1.2, 0, 0.775"."""
    return lambda values: ", ".join(f"{v:.3g}" for v in values[key])
