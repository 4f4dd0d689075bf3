"""The process as its file describes it: one table `[[step]]` after the other, checked key by key.

    [[step]]                      [[step]]                        [[step]]
    do = "attach"                 do = "cool"                     do = "heat"
    parts = ["chip", "bumps"]     temperature = "25 degC"         profile = "jedec-pb-free-260"
    temperature = "217 degC"      rate = "3 K/s"

    attach     parts appear on the deformed body, stress-free at the temperature
    cure       liquid parts become solid, stress-free at the temperature, and shrink; parts that are there shrink only
    heat, cool to a temperature, the same everywhere; or along a profile of (time, temperature)
    power      on or off: the field that the chips' heat and the films make, at rest or after a duration; other surroundings
    singulate  a rectangle or a field between cut lines remains; all else goes, and the rest springs back
    remove     parts go: a carrier, a tape
    support    what carries the body from then on: clamped faces, a table under its weight, or nothing (free)

Parts that no step attaches or cures are there from the start. A liquid carries nothing: it appears when it cures. A
step takes `duration`, or heats at a `rate`; only relaxing materials and powered transients notice. The body is free
until a step says how it is supported.
SI units and kelvin after reading; `plan` turns the tables into what is computed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, WithJsonSchema, field_validator

from warp.case.profiles import PROFILES
from warp.errors import nearest
from warp.geometry.part import Names, Pair, Point, Section
from warp.units import (
    NOT_NEGATIVE,
    POSITIVE,
    Dimensionless,
    FilmCoefficient,
    HeatingRate,
    Length,
    Temperature,
    TemperatureDifference,
    Time,
)

Duration = Annotated[Time, NOT_NEGATIVE]
PartNames = Annotated[Names, Field(examples=[["chip", "bumps"]])]


def _known_profile(name: str) -> Any:
    if name not in PROFILES:
        raise ValueError(f"{name!r} is no profile{nearest(name, list(PROFILES))}")
    return PROFILES[name]


PAIR_SCHEMA = {
    "type": "array",
    "prefixItems": [{"type": "string"}, {"type": "string"}],
    "minItems": 2,
    "maxItems": 2,
}
Profile = Annotated[
    Annotated[str, AfterValidator(_known_profile), Tag("<name>")]
    | Annotated[tuple[tuple[Time, Temperature], ...], Field(min_length=2), Tag("<points>")],
    Discriminator(lambda value: "<name>" if isinstance(value, str) else "<points>"),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(PROFILES)},
                {"type": "array", "items": PAIR_SCHEMA, "minItems": 2},
            ],
            "examples": ["jedec-pb-free-260", [["0 s", "25 degC"], ["100 s", "150 degC"]]],
        }
    ),
]
"""Pairs of time and temperature, or a reflow profile's name."""


class Step(Section):
    """What every step may say."""

    name: str | None = None
    """In tables and curves; what it does unless told."""
    duration: Duration | None = None
    """How long it takes; at once unless told."""


class Attach(Step):
    """Parts appear on the deformed body."""

    do: Literal["attach"]
    parts: PartNames
    temperature: Temperature
    stress_free: Temperature | None = None
    """Where they are free of stress; the step's temperature unless told."""


class Cure(Step):
    """Parts become solid on the deformed body, if they are not there yet, and shrink."""

    do: Literal["cure"]
    parts: PartNames
    temperature: Temperature
    stress_free: Temperature | None = None
    """Where parts that become solid are free of stress; the step's temperature unless told."""
    shrinkage: Annotated[Dimensionless, NOT_NEGATIVE, Field(examples=["0.1 %"], lt=0.2)] = 0.0
    """Linear, after the material has become solid: a third of the loss in volume."""


class Heat(Step):
    """To one temperature everywhere, or along a profile."""

    do: Literal["heat", "cool"]
    temperature: Temperature | None = None
    rate: Annotated[HeatingRate, POSITIVE] | None = None
    """Instead of a duration: kelvin per second, up or down."""
    profile: Profile | None = None
    every: Annotated[TemperatureDifference, POSITIVE] | None = None
    """The warpage is computed after so many kelvin at most: 20 K on a profile, else only at the end."""

    @field_validator("profile")
    @classmethod
    def _rising(cls, points: Any) -> Any:
        if points is not None and any(
            b[0] <= a[0] for a, b in zip(points[:-1], points[1:], strict=True)
        ):
            raise ValueError("its times must rise")
        return points


class Power(Step):
    """Heat of the parts on or off: the temperature field at rest, or after the duration."""

    do: Literal["power"]
    on: bool
    every: Annotated[Time, POSITIVE] | None = None
    """With a duration: the warpage is computed after so much time at most; only at the end unless told."""
    film: Annotated[
        dict[str, Annotated[FilmCoefficient, POSITIVE]], Field(examples=[{"fan": "20 W/(m^2 K)"}])
    ] = {}
    """Heat-transfer coefficients of [boundary.NAME] from here on: a fan stops."""
    ambient: Annotated[dict[str, Temperature], Field(examples=[{"air": "245 degC"}])] = {}
    """Temperatures round [boundary.NAME], or of it where it is fixed, from here on: an oven's zone."""


class Singulate(Step):
    """One unit remains: a rectangle about `at`, or the field between cut lines in which `at` lies."""

    do: Literal["singulate"]
    size: Pair | None = None
    at: Point = (0.0, 0.0)
    """Its centre, or any place within it, from the centre of the whole."""
    x: Annotated[tuple[Length, ...], Field(examples=[["-7 mm", "7 mm"]])] = ()
    """Cut lines x = const."""
    y: Annotated[tuple[Length, ...], Field(examples=[["-7 mm", "7 mm"]])] = ()
    """Cut lines y = const."""
    kerf: Annotated[Length, NOT_NEGATIVE] = 0.0
    """Width of the saw: half of it is lost on either side of a cut line."""
    unit: str = "unit"
    """What the rest is called."""


class Remove(Step):
    """Parts go."""

    do: Literal["remove"]
    parts: PartNames


class Support(Step):
    """What carries the body, until the next such step."""

    do: Literal["support"]
    on: Annotated[Literal["table", "clamped", "free"], Field(examples=["table"])]
    """A rigid flat table under the lowest faces; held faces; nothing."""
    gravity: bool = True
    """On a table: without weight nothing presses on it, and the body is free."""
    faces: Annotated[Names, Field(examples=[["carrier.bottom"]])] | None = None
    """Clamped: PART.SIDE; "package" is the whole. Held as they are at that moment."""
    sliding: bool = False
    """Clamped: held normal to the faces only, as a vacuum chuck or a press does, and free to slide along them."""
    flat: bool = False
    """Clamped: the faces are pressed flat first."""


KINDS = ("attach", "cure", "heat", "cool", "power", "singulate", "remove", "support")


def _kind(value: Any) -> str:
    kind = (
        value.get("do", "missing") if isinstance(value, dict) else getattr(value, "do", "missing")
    )
    return "<heat>" if kind == "cool" else f"<{kind}>"


AnyStep = Annotated[
    Annotated[Attach, Tag("<attach>")]
    | Annotated[Cure, Tag("<cure>")]
    | Annotated[Heat, Tag("<heat>")]
    | Annotated[Power, Tag("<power>")]
    | Annotated[Singulate, Tag("<singulate>")]
    | Annotated[Remove, Tag("<remove>")]
    | Annotated[Support, Tag("<support>")],
    Discriminator(_kind),
]
