"""A property as a function of temperature, and how a file writes it.

Four laws, each evaluated at T [K] (a float or an array) and integrated exactly:

    "130 GPa"                                                      constant
    [["25 degC", "46.5 GPa"], ["125 degC", "30 GPa"]]      table, linear between, constant outside
    {glassy = "13.5 GPa", rubbery = "136 MPa",             glass transition:
     glass_transition = "111 degC", width = "8 K"}           value = rubbery + (glassy - rubbery) s
                                                             s = 1 / (1 + exp((T - Tg)/w))
    {secant = [["100 degC", "8.0 ppm/K"], ...],            mean expansion from a reference Tr:
     reference = "30 degC"}                                  strain = secant(T) (T - Tr)

A table may also say {table = [...], interpolation = "log"}: linear in the logarithm, for moduli
that fall by decades. The default widths of the transition, 8 K for a modulus and 3 K for an
expansion coefficient, are estimates of ProtonNeutronElectron69/Packaging-TM-modeling-tool
(materials-db.json @3f08b41); give `width` if DMA or TMA is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from warp.units import DIFFERENCE, EXPANSION, TEMPERATURE, Kind, convert, format_si

Values = Any  # a float or an array, as T is
WIDTH_OF_EXPANSION = 3.0  # K
WIDTH_OF_OTHERS = 8.0  # K


@dataclass(frozen=True)
class Constant:
    """The same value at all temperatures."""

    value: float

    def __call__(self, T: Values) -> Values:
        return self.value if np.ndim(T) == 0 else np.full(np.shape(T), self.value)

    def integral(self, T0: Values, T: Values) -> Values:
        """Integrate over temperature from T0 to T."""
        return self.value * (T - T0)

    @property
    def knots(self) -> tuple[float, ...]:
        """Return the temperatures at which the law bends."""
        return ()

    def text(self, unit: str) -> str:
        return format_si(self.value, unit)


@dataclass(frozen=True)
class Table:
    """Values at temperatures in K, linear or logarithmic between, constant outside."""

    temperatures: tuple[float, ...]
    values: tuple[float, ...]
    logarithmic: bool = False

    def __call__(self, T: Values) -> Values:
        found = np.interp(T, *self._points)
        return np.exp(found) if self.logarithmic else found

    def integral(self, T0: Values, T: Values) -> Values:
        """Integrate a law that is not logarithmic from T0 to T: exact, constant beyond the ends."""
        return self._primitive(T) - self._primitive(T0)

    def _primitive(self, T: Values) -> Values:
        knots, values = self._points
        areas = np.concatenate(([0.0], np.cumsum(np.diff(knots) * (values[1:] + values[:-1]) / 2)))
        i = np.clip(np.searchsorted(knots, T) - 1, 0, None)
        inside = np.clip(T, knots[0], knots[-1])
        trapezoid = (inside - knots[i]) * (values[i] + np.interp(inside, knots, values)) / 2
        return areas[i] + trapezoid + (T - inside) * np.interp(T, knots, values)

    @cached_property
    def _points(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the temperatures, and the values that are linear between them."""
        return np.asarray(self.temperatures), np.log(
            self.values
        ) if self.logarithmic else np.asarray(self.values)

    @property
    def knots(self) -> tuple[float, ...]:
        return self.temperatures

    def text(self, unit: str) -> str:
        pairs = zip(self.temperatures, self.values, strict=True)
        return ", ".join(f"{format_si(v, unit)} at {format_si(T, 'degC')}" for T, v in pairs)


@dataclass(frozen=True)
class Transition:
    """A smooth step at the glass transition, from the glassy to the rubbery value."""

    glassy: float
    rubbery: float
    glass_transition: float | None  # None until the material's own is filled in
    width: float

    def __call__(self, T: Values) -> Values:
        x = (T - self._tg) / self.width
        return self.rubbery + (self.glassy - self.rubbery) * np.exp(-np.logaddexp(0.0, x))

    def integral(self, T0: Values, T: Values) -> Values:
        """Integrate over temperature from T0 to T.

        The primitive of 1/(1 + e^x) is x - log(1 + e^x).
        """
        return self.rubbery * (T - T0) + (self.glassy - self.rubbery) * (
            self._primitive(T) - self._primitive(T0)
        )

    def _primitive(self, T: Values) -> Values:
        x = (T - self._tg) / self.width
        return self.width * (x - np.logaddexp(0.0, x))

    @property
    def _tg(self) -> float:
        if self.glass_transition is None:
            raise ValueError("needs a glass_transition, here or for the material")
        return self.glass_transition

    @property
    def knots(self) -> tuple[float, ...]:
        return (self._tg - 10 * self.width, self._tg, self._tg + 10 * self.width)

    def text(self, unit: str) -> str:
        glassy, rubbery = format_si(self.glassy, unit), format_si(self.rubbery, unit)
        return f"{glassy} below, {rubbery} above Tg {format_si(self._tg, 'degC')}"


@dataclass(frozen=True)
class Secant:
    """Mean expansion from `reference`; a call returns the instantaneous coefficient d(strain)/dT.

    Strains count from the length at the reference; between two other temperatures the strain is the
    difference, which leaves out a factor 1 + strain (about 1e-3 of it).
    """

    mean: Table
    reference: float

    def __call__(self, T: Values) -> Values:
        knots, values = np.asarray(self.mean.temperatures), np.asarray(self.mean.values)
        slopes = np.concatenate(([0.0], np.diff(values) / np.diff(knots), [0.0]))
        return self.mean(T) + slopes[np.searchsorted(knots, T)] * (T - self.reference)

    def integral(self, T0: Values, T: Values) -> Values:
        """Return the strain from T0 to T."""
        return self.mean(T) * (T - self.reference) - self.mean(T0) * (T0 - self.reference)

    @property
    def knots(self) -> tuple[float, ...]:
        return (self.reference, *self.mean.temperatures)

    def text(self, unit: str) -> str:
        return f"mean from {format_si(self.reference, 'degC')}: {self.mean.text(unit)}"


Curve = Constant | Table | Transition | Secant
Triple = tuple[Curve, Curve, Curve]
Partial = tuple[Curve | None, Curve | None, Curve | None]


def values_of(curve: Curve) -> tuple[float, ...]:
    """Return the values as they were given."""
    if isinstance(curve, Constant):
        return (curve.value,)
    if isinstance(curve, Transition):
        return (curve.glassy, curve.rubbery)
    return curve.mean.values if isinstance(curve, Secant) else curve.values


def with_glass_transition(curve: Curve, glass_transition: float | None) -> Curve:
    """Return the curve with the material's glass transition where it names none of its own."""
    if isinstance(curve, Transition) and curve.glass_transition is None:
        if glass_transition is None:
            raise ValueError("needs a glass_transition, here or for the material")
        return replace(curve, glass_transition=glass_transition)
    return curve


def read_curve(value: Any, kind: Kind) -> Curve:
    """Read one of the four forms; ValueError in the file's words."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _read_table(value, kind)
    if not isinstance(value, dict):
        return Constant(convert(value, kind))
    keys = set(value)
    if "glassy" in keys:
        return _read_transition(value, kind)
    if "secant" in keys and kind is EXPANSION:
        _only(value, {"secant", "reference"})
        return Secant(
            _read_table(value["secant"], kind), _read_one(value, "reference", TEMPERATURE)
        )
    if "table" in keys:
        _only(value, {"table", "interpolation"})
        return _read_table(value["table"], kind, value.get("interpolation", "linear"))
    secant = ", {secant = ..., reference = ...}" if kind is EXPANSION else ""
    raise ValueError(
        f"{_names(keys)}: expected a quantity, a table, {{glassy = ..., rubbery = ...}}{secant}"
    )


def _read_table(rows: Any, kind: Kind, interpolation: str = "linear") -> Table:
    example = f'[["25 degC", "{kind.example}"], ...]'
    if not isinstance(rows, Sequence) or isinstance(rows, str) or len(rows) < 2:
        raise ValueError(f"a table has at least two rows: {example}")
    if not all(
        isinstance(row, Sequence) and not isinstance(row, str) and len(row) == 2 for row in rows
    ):
        raise ValueError(f"a table's rows are pairs of temperature and {kind.name}: {example}")
    if interpolation not in ("linear", "log"):
        raise ValueError(f"interpolation {interpolation!r} is not known: linear or log")
    temperatures = tuple(convert(row[0], TEMPERATURE) for row in rows)
    values = tuple(convert(row[1], kind) for row in rows)
    if any(b <= a for a, b in zip(temperatures, temperatures[1:], strict=False)):
        raise ValueError("a table's temperatures must rise from row to row")
    if interpolation == "log" and (min(values) <= 0.0 or kind is EXPANSION):
        raise ValueError(
            "log interpolation is for positive values other than expansion coefficients"
        )
    return Table(temperatures, values, interpolation == "log")


def _read_transition(value: dict[str, Any], kind: Kind) -> Transition:
    _only(value, {"glassy", "rubbery", "glass_transition", "width"})
    given = "glass_transition" in value
    glass_transition = _read_one(value, "glass_transition", TEMPERATURE) if given else None
    default = WIDTH_OF_EXPANSION if kind is EXPANSION else WIDTH_OF_OTHERS
    width = _read_one(value, "width", DIFFERENCE) if "width" in value else default
    if width <= 0.0:
        raise ValueError("width: must be greater than zero")
    return Transition(
        _read_one(value, "glassy", kind), _read_one(value, "rubbery", kind), glass_transition, width
    )


def _read_one(value: dict[str, Any], key: str, kind: Kind) -> float:
    if key not in value:
        raise ValueError(f"{key} is missing, e.g. {key} = {kind.example!r}")
    try:
        return convert(value[key], kind)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _only(value: dict[str, Any], known: set[str]) -> None:
    unknown = set(value) - known
    if unknown:
        raise ValueError(f"{_names(unknown)} is not known here: {_names(known)}")


def _names(keys: set[str]) -> str:
    return ", ".join(sorted(keys))
