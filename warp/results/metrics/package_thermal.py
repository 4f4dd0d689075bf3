"""Declare junction temperature, heat and thermal resistance of the package."""

from __future__ import annotations

from warp.results.metrics.declaration import (
    CELSIUS,
    KELVIN,
    KELVIN_PER_WATT,
    WATT,
    Column,
    Each,
    Group,
    Metric,
    Number,
)
from warp.results.metrics.solved import Solved
from warp.results.temperature import thermal


def _compute(solved: Solved) -> dict[str, float | None] | None:
    if solved.part_temperatures is None:
        return None
    found = thermal(solved.part_temperatures, solved.power, solved.ambient)
    return {**found, "junction_error_K": None} if found else {}  # one grid alone has no error


THERMAL = Metric(
    Group(("thermal",), Each.PACKAGE, "package"),
    (
        Number(
            "junction",
            CELSIUS,
            "highest temperature of any part with power",
            console=Column("junction", "{:.2f} degC"),
            report=Column("junction", "{:.1f} °C"),
            swept="junction",
        ),
        Number(
            "junction_error",
            KELVIN,
            "with --refine: discretisation error of the junction, or a bound of it",
            console=Column("+-", "{:.2g} K"),
            report=Column("± of the grid", "{:.2g} K"),
        ),
        Number(
            "power",
            WATT,
            "heat of the whole package",
            console=Column("power", "{:.4g} W"),
            report=Column("heat", "{:.3g} W"),
        ),
        Number(
            "theta_ja",
            KELVIN_PER_WATT,
            "JESD51: junction minus ambient over the heat; with one ambient temperature only",
            console=Column("theta_JA", "{:.4g} K/W"),
            report=Column("theta JA", "{:.3g} K/W"),
            swept="theta JA",
        ),
    ),
    _compute,
)
