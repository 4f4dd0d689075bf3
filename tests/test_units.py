"""Units: a quantity string becomes the SI float that it names, and anything else says what was
expected.
"""

import math
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from warp import units
from warp.units import POSITIVE, Dimensionless, Length, Temperature, format_si, to_unit


class Plate(BaseModel):
    thickness: Annotated[Length, POSITIVE] = 1e-3
    temperature: Temperature = 298.15
    coverage: Dimensionless = 0.5


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (units.LENGTH, "0.775 mm", 775e-6),
        (units.LENGTH, "75um", 75e-6),
        (units.LENGTH, "75 µm", 75e-6),
        (units.LENGTH, "1 ft", 0.3048),  # not in the table: pint
        (units.AREA, "4 mm²", 4e-6),
        (units.TEMPERATURE, "25 degC", 298.15),
        (units.TEMPERATURE, "-40 °C", 233.15),
        (units.TEMPERATURE, "298.15 K", 298.15),
        (units.TEMPERATURE, "212 degF", 373.15),
        (units.DIFFERENCE, "-125 K", -125.0),
        (units.DIFFERENCE, "100 degC", 100.0),
        (units.PRESSURE, "130 GPa", 130e9),
        (units.PRESSURE, "5 N/mm^2", 5e6),
        (units.EXPANSION, "2.8 ppm/K", 2.8e-6),
        (units.EXPANSION, "2.8 ppm/°C", 2.8e-6),
        (units.EXPANSION, "2.8e-6/K", 2.8e-6),
        (units.CONDUCTIVITY, "148 W/(m K)", 148.0),
        (units.CONDUCTIVITY, "148 W/m·K", 148.0),
        (units.CONDUCTIVITY, "148 W/mK", 148.0),
        (units.SPECIFIC_HEAT, "0.71 J/(g K)", 710.0),
        (units.DENSITY, "2.33 g/cm3", 2330.0),
        (units.POWER, "60 W", 60.0),
        (units.HEAT_FLUX, "100 W/cm2", 1e6),
        (units.FILM, "1500 W/(m2 K)", 1500.0),
        (units.RESISTANCE, "10 mm² K/W", 1e-5),
        (units.TIME, "90 min", 5400.0),
        (units.ANGLE, "90 deg", math.pi / 2),
        (units.DIMENSIONLESS, "40 %", 0.4),
        (units.DIMENSIONLESS, 0.28, 0.28),
        (units.ACCELERATION, "2 g", 19.6133),
        (units.LENGTH, 0, 0.0),
    ],
)
def test_a_quantity_is_its_si_value(kind, text, value):
    assert units.convert(text, kind) == pytest.approx(value, rel=1e-14)


@given(st.integers(-10_000_000, 10_000_000))
def test_decimal_factors_do_not_round_twice(thousandths):
    assert units.parse(f"{thousandths / 1000} mm", units.LENGTH) == float(f"{thousandths}e-6")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3, "needs a unit, e.g. mm, um"),
        ("3", "needs a unit, e.g. mm, um"),
        ("3 K", "'K' is a temperature, not a length"),
        ("3 furlongz", "unknown unit 'furlongz'"),
        ("0,3 mm", "write a decimal point"),
        ("three mm", "is not a quantity"),
        ("3 (9^9^9) mm", "unknown unit"),
        ("3 ((9^9)^9)^9 mm", "unknown unit"),
        ("3 m^-123456789", "unknown unit"),
        (10**400, "out of range"),
        ("-3 mm", "must be greater than zero"),
        ("1e400 mm", "out of range"),
        ("1e99999999999999999999 mm", "out of range"),
        (math.nan, "not a finite number"),
        (True, "a length is a quoted quantity"),
        (["3 mm"], "a length is a quoted quantity"),
    ],
)
def test_what_is_no_length_is_refused_in_words(value, words):
    with pytest.raises(ValidationError) as caught:
        Plate(thickness=value)
    assert words in caught.value.errors()[0]["msg"]


def test_no_temperature_is_below_absolute_zero():
    with pytest.raises(ValidationError, match="below absolute zero"):
        Plate(temperature="-274 degC")


def test_the_schema_shows_an_example():
    schema = TypeAdapter(units.Conductivity).json_schema()
    assert schema["type"] == "string" and schema["examples"] == ["148 W/(m K)"]


def test_a_model_written_as_json_reads_back():
    plate = Plate(thickness="0.775 mm", temperature="25 degC", coverage="40 %")
    assert Plate.model_validate(plate.model_dump(mode="json")) == plate


def test_every_kind_reads_its_own_example_and_si_unit():
    for kind in units.KINDS:
        units.parse(kind.example, kind)
        if not kind.bare:
            assert units.parse(f"2 {kind.si}", kind) == 2.0


def test_values_are_written_in_the_unit_asked_for():
    assert format_si(236.4e-6, "um") == "236.4 um"
    assert format_si(298.15, "degC") == "25 degC"
    assert to_unit(2.8e-6, "ppm/K") == pytest.approx(2.8)
    assert to_unit(1.0, "deg") == pytest.approx(57.29577951)


def test_a_pint_quantity_is_understood():
    import pint

    assert units.convert(pint.Quantity(775, "um"), units.LENGTH) == pytest.approx(775e-6)
    with pytest.raises(ValueError, match="is not a length"):
        units.convert(pint.Quantity(775, "W"), units.LENGTH)


def test_pint_is_not_imported_for_common_units():
    import subprocess
    import sys

    code = (
        "import sys, warp.units as u; u.parse('1 mm', u.LENGTH); assert 'pint' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
