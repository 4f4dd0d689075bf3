"""The table [identify]: surfaces that were measured, and the values that they shall tell.

    [identify]
    noise = "1 um"                                  of a measured height; else from the residuals
    measured = [
        { file = "room.csv", temperature = "25 degC" },
        { file = "hot.csv", temperature = "200 degC", surface = "mould.top", pitch = "0.25 mm" },
        { file = "after-cure.csv", step = "cure" }, a process is measured after a step
    ]

    [identify.free]                                 what is known before: a standard deviation
    material.mould.youngs_modulus.glassy = "20 %"   of the value, or an interval "+- 3 ppm/K"
    part.chip.thickness = "10 um"

Keys of `free` are those of [tolerance]. A key that names several values, the rows of a curve or a
size in x and y, is one factor on all of them. Files are relative to the case's folder.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from warp.case.tolerance import Tolerance, tolerances
from warp.geometry.section import Section
from warp.units import POSITIVE, Dimensionless, Length, Temperature


class MeasuredSection(Section):
    """A measured surface, and the state of the package in which it was measured."""

    file: Annotated[str, Field(min_length=1, examples=["room.csv"])]
    """Points x, y, z or a matrix of heights, as `warp compare` reads them."""
    temperature: Temperature | None = None
    """The same everywhere; of a case without steps."""
    step: str | None = None
    """Name or number of the process step after which it was measured."""
    surface: str | None = None
    """PART.top or PART.bottom; by default the side to the board."""
    pitch: Annotated[Length, POSITIVE] | None = None
    """Distance of the points of a matrix of heights, where the file does not say it."""

    @model_validator(mode="after")
    def _one_state(self) -> MeasuredSection:
        """Refuse a surface without a state, or with two."""
        if (self.temperature is None) == (self.step is None):
            raise ValueError("give its temperature or, in a process, its step")
        return self


class IdentifySection(Section):
    """Measured surfaces and the values that are free; for `warp identify`."""

    measured: tuple[MeasuredSection, ...] = ()
    """The surfaces, at one or many temperatures."""
    noise: Annotated[Length, POSITIVE] | None = None
    """Standard deviation of a measured height; by default that of the residuals."""
    model_error: Annotated[Dimensionless, Field(ge=0.0, lt=1.0)] = 0.0
    """How far the model may be off by itself, as a share of each surface: grid, what is left
    out."""
    free: Annotated[
        dict[str, Any], Field(examples=[{"part": {"chip": {"thickness": "10 um"}}}])
    ] = {}
    """Values to identify, by their keys, with what is known before: a standard deviation ("10 um",
    "5 %") or an interval ("+- 10 um")."""

    @field_validator("free")
    @classmethod
    def _sizes(cls, table: dict[str, Any]) -> dict[str, Any]:
        """Refuse sizes that are no quantities."""
        tolerances(table)
        return table

    @property
    def priors(self) -> list[Tolerance]:
        """Return how well each free value is known before."""
        return tolerances(self.free)
