"""Declare the temperatures of each part, in degC; means are volume means of cell values."""

from __future__ import annotations

from typing import Any

from warp.results.metrics.declaration import (
    CELSIUS,
    KELVIN,
    MILLIMETRE,
    NONE,
    Column,
    Each,
    Group,
    Metric,
    Number,
    position,
)
from warp.results.metrics.solved import Solved

UNIFORM = 1e-9  # K: a field within it was set, not solved


def _parts(solved: Solved) -> dict[str, dict[str, Any]] | None:
    parts = solved.part_temperatures
    if parts is None:
        return None
    unknown = {"max_error_K": None, "mean_error_K": None}  # one grid alone has no error
    return {part: values | unknown for part, values in parts.items()}


def _uniform(solved: Solved) -> dict[str, bool] | None:
    parts = solved.part_temperatures
    if parts is None:
        return None
    lowest = min(values["min_C"] for values in parts.values())
    highest = max(values["max_C"] for values in parts.values())
    return {"uniform_temperature": highest - lowest < UNIFORM}


TEMPERATURES = Metric(
    Group(("temperature",), Each.PART, "part"),
    (
        Number(
            "max",
            CELSIUS,
            "highest temperature of the part",
            console=Column("hottest", "{:.2f} degC"),
            report=Column("hottest", "{:.2f} °C"),
            compared="hottest",
            swept="hottest",
        ),
        Number(
            "max_error",
            KELVIN,
            "with --refine: discretisation error of the highest temperature, or a bound of it",
            report=Column("± of the grid", "{:.2g} K"),
        ),
        Number(
            "mean",
            CELSIUS,
            "volume mean",
            console=Column("mean", "{:.2f} degC"),
            report=Column("mean", "{:.2f} °C"),
        ),
        Number("mean_error", KELVIN, "with --refine: the same of the volume mean"),
        Number("min", CELSIUS, "lowest temperature", report=Column("coldest", "{:.2f} °C")),
        Number(
            "max_at",
            MILLIMETRE,
            "centre (x, y, z) of the hottest voxel",
            report=Column("hottest at x, y, z (mm)", position("max_at_mm")),
            position=True,
        ),
    ),
    _parts,
)
UNIFORM_TEMPERATURE = Metric(
    Group((), Each.PACKAGE, "package"),
    (
        Number(
            "uniform_temperature",
            NONE,
            "whether the temperature was given, the same everywhere, instead of solved",
        ),
    ),
    _uniform,
)
