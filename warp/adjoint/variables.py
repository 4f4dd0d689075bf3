"""What a search for an optimum may vary, and the limits that it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from warp.case.overrides import found
from warp.case.tolerance import Tolerance, nominal
from warp.errors import WarpError
from warp.run.sampling import QUANTITY
from warp.units import TEMPERATURE, parse


@dataclass(frozen=True)
class Variable:
    """Values that change together: their keys, bounds and unit."""

    keys: tuple[str, ...]
    low: float
    high: float
    unit: str

    @property
    def name(self) -> str:
        """Return the keys for tables."""
        return " + ".join(self.keys)

    def at(self, fraction: float) -> float:
        """Return the value at a fraction of the range."""
        return self.low + fraction * (self.high - self.low)

    def text(self, value: float) -> str:
        """Write a value with its unit, as --set takes it."""
        return f"{value:.10g} {self.unit}".strip()

    def overrides(self, value: float) -> dict[str, str]:
        """Return what --set takes for a value."""
        return dict.fromkeys(self.keys, self.text(value))

    @property
    def range(self) -> str:
        """Return the bounds for pictures."""
        return f"{self.low:g} .. {self.high:g} {self.unit}".strip()


@dataclass(frozen=True)
class Choice:
    """Names or steps of which one is taken, the same for all keys; a value is its number from 0."""

    keys: tuple[str, ...]
    names: tuple[str, ...]
    unit: str = ""

    @property
    def name(self) -> str:
        """Return the keys for tables."""
        return " + ".join(self.keys)

    @property
    def low(self) -> float:
        """Return the first number."""
        return 0.0

    @property
    def high(self) -> float:
        """Return the last number."""
        return len(self.names) - 1.0

    def text(self, value: float) -> str:
        """Return the name with a number, as --set takes it."""
        return self.names[round(value)]

    def overrides(self, value: float) -> dict[str, str]:
        """Return what --set takes for a number."""
        return dict.fromkeys(self.keys, self.text(value))

    @property
    def range(self) -> str:
        """Return the names for pictures."""
        return ", ".join(self.names)


@dataclass(frozen=True)
class Limit:
    """A metric whose size must not exceed a value in its own unit."""

    metric: str
    most: float


def variable(text: str) -> Variable | Choice:
    """Read "KEY,KEY=LOW .. HIGH UNIT" or "KEY=NAME, NAME"; WarpError where it is neither."""
    keys, equals, span = text.partition("=")
    names = tuple(key.strip() for key in keys.split(",") if key.strip())
    if ".." not in span and "," in span and names:
        return _choice(text, names, span)
    ends = [QUANTITY.fullmatch(part) for part in span.split("..")]
    if not equals or not names or len(ends) != 2 or not all(ends):
        raise WarpError(
            f'--vary {text}: write KEY="0.5 .. 2 mm", or KEY,KEY="1 .. 3 mm" for values together, '
            'or choices KEY="copper, ss304"'
        )
    (low, first), (high, unit) = ((float(e[1]), (e[2] or "").strip()) for e in ends if e)
    if first not in ("", unit) or not low < high:
        raise WarpError(f"--vary {text}: a rising range in one unit, e.g. 0.5 .. 2 mm")
    return Variable(names, low, high, unit)


def _choice(text: str, keys: tuple[str, ...], span: str) -> Choice:
    """Read names, or numbers with one unit at their end."""
    names = [name.strip() for name in span.split(",") if name.strip()]
    read = [QUANTITY.fullmatch(name) for name in names]
    unit = read[-1][2] if names and read[-1] else None
    if unit and all(read):
        names = [
            name if one and one[2] else f"{name} {unit}"
            for name, one in zip(names, read, strict=True)
        ]
    if len(set(names)) < 2:
        raise WarpError(f"--vary {text}: two or more different choices, e.g. copper, ss304")
    return Choice(keys, tuple(dict.fromkeys(names)))


def limit(text: str) -> Limit:
    """Read "METRIC<=NUMBER"; the number is in the metric's unit."""
    metric, sign, number = text.partition("<=")
    most = QUANTITY.fullmatch(number)
    if not sign or most is None or not float(most[1]) > 0.0:
        raise WarpError(f'--keep {text}: write METRIC<=NUMBER, e.g. "junction<=95"')
    return Limit(metric.strip(), float(most[1]))


def start_of(one: Variable | Choice, tables: Mapping[str, Any]) -> float:
    """Return the scaled value of a case's tables, or the middle where none is in the range."""
    if isinstance(one, Choice):
        value = found(dict(tables), one.keys[0])
        return one.names.index(value) / one.high if value in one.names else 0.0
    try:
        number, unit = nominal(tables, Tolerance(one.keys[0], 1.0, "", False))
    except WarpError:
        return 0.5
    if unit == one.unit and one.low <= number <= one.high:
        return (number - one.low) / (one.high - one.low)
    return 0.5


def temperatures(text: str | None) -> list[str]:
    """Read "25, 100, 245 degC"; WarpError where a unit is missing."""
    if text is None:
        return []
    parts = [part.strip() for part in text.split(",") if part.strip()]
    last = QUANTITY.fullmatch(parts[-1]) if parts else None
    unit = (last[2] or "") if last else ""
    complete = []
    for part in parts:
        own = QUANTITY.fullmatch(part)
        complete.append(part if own is None or own[2] else f"{part} {unit}".strip())
    for temperature in complete:
        try:
            parse(temperature, TEMPERATURE)
        except ValueError as error:
            raise WarpError(f"--over {text}: {error}") from None
    return complete
