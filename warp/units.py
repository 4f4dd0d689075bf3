"""Quantities with units at the interface, SI floats inside.

A case file says "0.775 mm", "2.8 ppm/K" or "60 W". To the program each type below is a float in SI,
to the reader it is such a string, and pydantic converts. A bare number is refused where a unit is
needed (0 is a length in any unit).

    class Plate(BaseModel):
        thickness: Annotated[Length, POSITIVE]        # "0.775 mm" -> 0.000775

Absolute temperatures become kelvin; `TemperatureDifference` counts kelvin. The units of everyday
use are a table, read in decimal arithmetic, so that "0.1 mm" is exactly the float 1e-4; any other
unit is converted by pint, imported only then.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, GetCoreSchemaHandler
from pydantic_core import core_schema

ZERO_CELSIUS = 273.15  # K, by definition (SI brochure, 9th ed., 2.3.1)


@dataclass(frozen=True)
class Kind:
    """One physical quantity: its SI unit, common units as factors to SI, examples for errors."""

    name: str
    si: str
    table: str
    suggest: tuple[str, ...]
    example: str
    bare: bool = False  # a bare number is complete (dimensionless)
    bare_zero: bool = False

    @property
    def needs(self) -> str:
        return f"needs a unit, e.g. {', '.join(self.suggest)}"

    @cached_property
    def factors(self) -> dict[str, str]:
        pairs = (entry.rpartition("=") for entry in self.table.split())
        return {unit: factor for unit, _, factor in pairs}

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        write = core_schema.plain_serializer_function_ser_schema(self._write, when_used="json")
        return core_schema.no_info_before_validator_function(
            self._read, handler(float), serialization=write
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: Any
    ) -> dict[str, Any]:
        words = f"{self.name} with its unit, e.g. {self.example}"
        text = {"type": "string", "examples": [self.example], "description": words}
        if self.bare:
            return {"anyOf": [{"type": "number"}, text]}
        return {"anyOf": [text, {"const": 0}]} if self.bare_zero else text

    def _read(self, value: Any) -> float:
        return convert(value, self)

    def _write(self, value: float) -> str | float:
        return float(value) if self.bare else f"{float(value)!r} {self.si}"


LENGTH_UNITS = (
    "m=1 cm=1e-2 mm=1e-3 um=1e-6 micron=1e-6 nm=1e-9 "
    "mil=25.4e-6 mils=25.4e-6 in=25.4e-3 inch=25.4e-3"
)
# "W/m K" and "W/mK" can mean nothing else as a conductivity, and datasheets use them.
CONDUCTIVITIES = "W/m/K=1 W/(m*K)=1 W/m*K=1 W/mK=1 W/cm/K=1e2 W/(cm*K)=1e2 mW/m/K=1e-3"
EXPANSIONS = "1/K=1 K^-1=1 ppm/K=1e-6 ppm=1e-6 um/m/K=1e-6 um/(m*K)=1e-6 %/K=1e-2"
HEATS = "J/kg/K=1 J/(kg*K)=1 J/kg*K=1 J/kgK=1 kJ/kg/K=1e3 kJ/(kg*K)=1e3 J/g/K=1e3 J/(g*K)=1e3"
FILMS = (
    "W/m^2/K=1 W/(m^2*K)=1 W/m^2*K=1 W/m^2K=1 "
    "W/cm^2/K=1e4 W/(cm^2*K)=1e4 kW/m^2/K=1e3 kW/(m^2*K)=1e3"
)
RESISTANCES = "m^2*K/W=1 K*m^2/W=1 m^2K/W=1 cm^2*K/W=1e-4 K*cm^2/W=1e-4 mm^2*K/W=1e-6 K*mm^2/W=1e-6"
PRESSURES = "Pa=1 kPa=1e3 MPa=1e6 GPa=1e9 bar=1e5 N/mm^2=1e6 N/m^2=1"
DENSITIES = "kg/m^3=1 g/cm^3=1e3 g/cc=1e3"
ACCELERATIONS = "m/s^2=1 mm/s^2=1e-3 g=9.80665"  # standard gravity, by definition

LENGTH = Kind("length", "m", LENGTH_UNITS, ("mm", "um"), "0.775 mm", bare_zero=True)
AREA = Kind(
    "area",
    "m^2",
    "m^2=1 cm^2=1e-4 mm^2=1e-6 um^2=1e-12",
    ("mm^2", "um^2"),
    "4 mm^2",
    bare_zero=True,
)
TEMPERATURE = Kind("temperature", "K", "K=1 degC=1 C=1", ("degC", "K"), "25 degC")
DIFFERENCE = Kind("temperature difference", "K", "K=1 mK=1e-3", ("K",), "-125 K")
PRESSURE = Kind("pressure", "Pa", PRESSURES, ("GPa", "MPa"), "130 GPa")
EXPANSION = Kind("expansion coefficient", "1/K", EXPANSIONS, ("ppm/K", "1/K"), "2.8 ppm/K")
CONDUCTIVITY = Kind(
    "thermal conductivity", "W/(m*K)", CONDUCTIVITIES, ("W/(m K)", "W/m/K"), "148 W/(m K)"
)
SPECIFIC_HEAT = Kind("specific heat", "J/(kg*K)", HEATS, ("J/(kg K)", "J/g/K"), "710 J/(kg K)")
DENSITY = Kind("density", "kg/m^3", DENSITIES, ("kg/m^3", "g/cm^3"), "2330 kg/m^3")
POWER = Kind("power", "W", "W=1 mW=1e-3 kW=1e3 uW=1e-6", ("W", "mW"), "60 W")
HEAT_FLUX = Kind(
    "heat flux",
    "W/m^2",
    "W/m^2=1 W/cm^2=1e4 W/mm^2=1e6 kW/m^2=1e3",
    ("W/cm^2", "W/mm^2"),
    "100 W/cm^2",
)
FILM = Kind("film coefficient", "W/(m^2*K)", FILMS, ("W/(m^2 K)", "W/m^2/K"), "1000 W/(m^2 K)")
RESISTANCE = Kind(
    "interface resistance", "m^2*K/W", RESISTANCES, ("mm^2 K/W", "m^2 K/W"), "10 mm^2 K/W"
)
TIME = Kind("time", "s", "s=1 ms=1e-3 us=1e-6 min=60 h=3600", ("s", "ms", "min"), "30 s")
HEATING_RATE = Kind(
    "heating rate", "K/s", "K/s=1 K/min=0.01666666666666666667", ("K/s", "K/min"), "3 K/s"
)
ANGLE = Kind("angle", "rad", "rad=1", ("deg", "rad"), "90 deg")
DIMENSIONLESS = Kind(
    "number", "dimensionless", "=1 %=1e-2 ppm=1e-6", ("a bare number", "%"), "40 %", bare=True
)
ACCELERATION = Kind("acceleration", "m/s^2", ACCELERATIONS, ("m/s^2", "g"), "9.80665 m/s^2")

KINDS = (
    *(
        LENGTH,
        AREA,
        TEMPERATURE,
        DIFFERENCE,
        PRESSURE,
        EXPANSION,
        CONDUCTIVITY,
        SPECIFIC_HEAT,
        DENSITY,
    ),
    *(POWER, HEAT_FLUX, FILM, RESISTANCE, TIME, HEATING_RATE, ANGLE, DIMENSIONLESS, ACCELERATION),
)

QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*")
# Exponents of more than a digit, powers of powers and long numbers occur in no unit, and pint would
# compute them almost without end.
BIG_POWER = re.compile(r"\^(?!-?\d(?:\.\d+)?(?![\d.^(]))|\)\^.*\)\^|\d{4,}")
SPELLINGS = {
    "µ": "u",
    "μ": "u",
    "°": "deg",
    "·": "*",
    "⋅": "*",
    "²": "^2",
    "³": "^3",
    "−": "-",
    "\u00a0": " ",
}
RESPELL = str.maketrans(SPELLINGS)


def parse(text: str, kind: Kind) -> float:
    """Return the SI value of a quantity string; a ValueError says what was expected."""
    if re.match(r"\s*[+-]?\d+,\d", text):
        raise ValueError(
            f"{text!r} has a comma in its number: write a decimal point, and no thousands separator"
        )
    match = QUANTITY.fullmatch(text.translate(RESPELL))
    if match is None:
        raise ValueError(f"{text!r} is not a quantity: {kind.name}, e.g. {kind.example!r}")
    number, written = match.groups()
    if not written and not kind.bare:
        return _bare(float(number), kind)
    unit = _canonical(written, kind)
    factor = kind.factors.get(unit)
    value = (
        _by_pint(float(number), unit, written, kind)
        if factor is None
        else _by_table(number, unit, factor, kind)
    )
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is out of range")
    if kind is TEMPERATURE and value < 0.0:
        raise ValueError(f"{text!r} is below absolute zero")
    return value


def _bare(number: float, kind: Kind) -> float:
    if kind.bare or (kind.bare_zero and number == 0.0):
        return number
    raise ValueError(f"{kind.needs} ({number:g} is a bare number)")


def _canonical(unit: str, kind: Kind) -> str:
    """Spell a unit one way: products with *, powers with ^.

    A degree Celsius in a difference becomes kelvin.
    """
    if unit.startswith("/"):
        unit = "1" + unit
    unit = re.sub(r"\s*([*/()^])\s*", r"\1", unit.replace("**", "^"))
    unit = re.sub(r"\s+", "*", unit)
    unit = re.sub(r"([A-Za-z])(-?[234])(?![\d.])", r"\1^\2", unit)
    if kind is TEMPERATURE:
        return unit
    unit = unit.replace("delta_deg", "deg").replace("degC", "K")
    return unit[:-1] + "K" if unit.endswith("/C") else unit


def _by_table(number: str, unit: str, factor: str, kind: Kind) -> float:
    offset = "273.15" if kind is TEMPERATURE and unit != "K" else "0"
    try:
        return float(Decimal(factor) * (Decimal(number) + Decimal(offset)))
    except ArithmeticError:  # an exponent of twenty digits
        return math.inf


def _by_pint(number: float, unit: str, written: str, kind: Kind) -> float:
    if len(unit) > 60 or BIG_POWER.search(unit):
        raise ValueError(f"unknown unit {written!r}: {kind.needs}")
    import pint

    registry = pint.application_registry
    if kind is not TEMPERATURE:
        unit = unit.replace("degF", "delta_degF")
    try:
        quantity = registry.Quantity(number, unit.replace("%", "percent") or "dimensionless")
        value = quantity.to(kind.si).magnitude
    except pint.DimensionalityError:
        raise ValueError(
            f"{written!r} is {_article(_kind_of(unit))}, not {_article(kind.name)}: {kind.needs}"
        ) from None
    except Exception as error:  # pint's parser raises whatever its tokenizer raises
        raise ValueError(f"unknown unit {written!r}: {kind.needs}") from error
    return float(value)


def _kind_of(unit: str) -> str:
    import pint

    dimension = pint.application_registry.Unit(
        unit.replace("%", "percent") or "dimensionless"
    ).dimensionality
    for kind in KINDS:
        if pint.application_registry.Unit(kind.si).dimensionality == dimension:
            return kind.name
    return f"quantity of dimension {dimension}"


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def convert(value: Any, kind: Kind) -> float:
    """Convert a string, a number or a pint quantity to SI; a ValueError says what is wrong."""
    if isinstance(value, str):
        return parse(value, kind)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            raise ValueError("a number of so many digits is out of range") from None
        if not math.isfinite(number):
            raise ValueError(f"{number} is not a finite number")
        return _bare(number, kind)
    if hasattr(value, "magnitude") and hasattr(value, "to"):
        if not value.check(kind.si):
            raise ValueError(f"{value} is not {_article(kind.name)}: {kind.needs}")
        return float(value.to(kind.si).magnitude)
    raise ValueError(f"{_article(kind.name)} is a quoted quantity, e.g. {kind.example!r}")


Length = Annotated[float, LENGTH]
Area = Annotated[float, AREA]
Temperature = Annotated[float, TEMPERATURE]
TemperatureDifference = Annotated[float, DIFFERENCE]
Pressure = Annotated[float, PRESSURE]
Expansion = Annotated[float, EXPANSION]
Conductivity = Annotated[float, CONDUCTIVITY]
SpecificHeat = Annotated[float, SPECIFIC_HEAT]
Density = Annotated[float, DENSITY]
Power = Annotated[float, POWER]
HeatFlux = Annotated[float, HEAT_FLUX]
FilmCoefficient = Annotated[float, FILM]
InterfaceResistance = Annotated[float, RESISTANCE]
Time = Annotated[float, TIME]
HeatingRate = Annotated[float, HEATING_RATE]
Angle = Annotated[float, ANGLE]
Dimensionless = Annotated[float, DIMENSIONLESS]
Acceleration = Annotated[float, ACCELERATION]


def _require(holds: Callable[[float], bool], words: str) -> AfterValidator:
    def check(value: float) -> float:
        if not holds(value):
            raise ValueError(words)
        return value

    return AfterValidator(check)


POSITIVE = _require(lambda value: value > 0.0, "must be greater than zero")
NOT_NEGATIVE = _require(lambda value: value >= 0.0, "must not be negative")


def to_unit(value: float, unit: str) -> float:
    """Convert an SI value to `unit` (kelvin to "degC" subtracts 273.15)."""
    if unit == "degC":
        return value - ZERO_CELSIUS
    for kind in KINDS:
        factor = kind.factors.get(_canonical(unit, kind))
        if factor is not None and not kind.bare:
            return value / float(factor)
    import pint

    target = pint.application_registry.Unit(unit)
    return float(value / pint.application_registry.Quantity(1.0, target).to_base_units().magnitude)


def format_si(value: float, unit: str, digits: int = 4) -> str:
    """Write an SI value in `unit` with `digits` significant digits.

    For example, format_si(2.36e-4, "um") returns "236 um".
    """
    return f"{to_unit(value, unit):.{digits}g} {unit}"
