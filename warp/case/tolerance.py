"""The table [tolerance]: how far values of a case scatter.

    [tolerance]
    part.chip.thickness = "10 um"             standard deviation
    part.lid.stress_free = "+- 5 K"           interval, every value in it as likely as another
    material.silicon.youngs_modulus = "2 %"   of the value; a material's property as a whole

Keys are those of --set, and material.NAME.PROPERTY for every material that a part is made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

from warp.case import overrides
from warp.errors import WarpError
from warp.units import KINDS, QUANTITY, TEMPERATURE, parse

SCALES = ("degC", "C", "degF")
"""Scales of temperature whose zero means nothing."""
OWN = ("material", "part", "boundary", "interface", "load", "step")


@dataclass(frozen=True)
class Tolerance:
    """How far one value scatters: its key, and the size as written.

    number and unit: the size; interval: half the width of an interval instead of a deviation.
    """

    key: str
    number: float
    unit: str
    interval: bool

    def size(self, value: float, unit: str) -> float:
        """Return the deviation, or half the width, of a value in its own unit."""
        if self.unit == "%" and unit in SCALES:
            raise WarpError(f"tolerance {self.key}: {self.number:g} % of a temperature: give K")
        if self.unit == "%" and unit != "%":
            return self.number / 100 * abs(value)
        if self.unit == unit:
            return self.number
        if not self.unit or not unit:
            size, own = f"{self.number:g} {self.unit}".strip(), unit or "a plain number"
            raise WarpError(f"tolerance {self.key}: {size} is no size of a value in {own}")
        return _scale(self, unit)

    def deviation(self, value: float, unit: str) -> float:
        """Return the standard deviation of a value in its own unit."""
        size = self.size(value, unit)
        return size / sqrt(3) if self.interval else size


def _scale(tolerance: Tolerance, unit: str) -> float:
    """Return a size in another unit of the same quantity."""
    text = f"{tolerance.number!r} {tolerance.unit}"
    for kind in KINDS:
        if kind is not TEMPERATURE and not kind.bare:
            try:
                size, one = parse(text, kind), parse(f"1 {unit}", kind)
            except ValueError:
                continue
            return size / one
    raise WarpError(f"tolerance {tolerance.key}: {text} is no size of a value in {unit}")


def tolerances(table: Mapping[str, Any]) -> list[Tolerance]:
    """Read the table; ValueError in the file's words."""
    return [_read(key, value) for key, value in flat(table)]


def flat(table: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted keys and values of nested tables."""
    for key, value in table.items():
        name = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            yield from flat(value, name)
        else:
            yield name, value


def _read(key: str, value: Any) -> Tolerance:
    root = key.partition(".")[0]
    if root not in OWN or "." not in key:
        raise ValueError(f"{key}: tolerances are of values in {', '.join(OWN)}")
    text = str(value).strip()
    interval = text.startswith(("+-", "±"))
    found = QUANTITY.fullmatch(text.removeprefix("+-").removeprefix("±"))
    if found is None or isinstance(value, bool) or not float(found[1]) > 0.0:
        raise ValueError(
            f'{key}: write a standard deviation, "10 um" or "5 %", or an interval, "+- 10 um"'
        )
    return Tolerance(key, float(found[1]), found[2], interval)


def nominal(tables: Mapping[str, Any], tolerance: Tolerance) -> tuple[float, str]:
    """Return number and unit of the value in a case's tables; WarpError where it has none."""
    value = overrides.found(tables, tolerance.key)
    match = QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if isinstance(value, float):
        return value, ""
    if match is None:
        remedy = "give it one number in the case file to sample it"
        raise WarpError(f"tolerance {tolerance.key}: the case gives it no single value; {remedy}")
    return float(match[1]), match[2]
