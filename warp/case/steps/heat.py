"""Heat and cool: to one temperature everywhere, or along a profile of (time, temperature)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, WithJsonSchema, field_validator

from warp.case.process import SAME, Process
from warp.case.profiles import PROFILES
from warp.case.profiles import load_steps as divided
from warp.case.stage import LoadStep
from warp.case.step import Step, degrees
from warp.errors import Fault, Key, nearest
from warp.units import POSITIVE, HeatingRate, Temperature, TemperatureDifference, Time

EVERY = 20.0  # K between computed points of a profile: a curve of 12 points up to 260 degC
PAIR_SCHEMA = {
    "type": "array",
    "prefixItems": [{"type": "string"}, {"type": "string"}],
    "minItems": 2,
    "maxItems": 2,
}


def _known_profile(name: str) -> Any:
    if name not in PROFILES:
        raise ValueError(f"{name!r} is not a profile{nearest(name, list(PROFILES))}")
    return PROFILES[name]


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


class Heat(Step):
    """To one temperature everywhere, or along a profile."""

    do: Literal["heat", "cool"]
    temperature: Temperature | None = None
    """Temperature at the end of the step, the same everywhere."""
    rate: Annotated[HeatingRate, POSITIVE] | None = None
    """Instead of a duration: kelvin per second, up or down."""
    profile: Profile | None = None
    """Instead of a temperature: pairs of time and temperature, or the name of a reflow profile."""
    every: Annotated[TemperatureDifference, POSITIVE] | None = None
    """The warpage is computed after so many kelvin at most, in equal parts of each stretch between
    two points: by default 20 K on a profile, else only at the end."""

    @field_validator("profile")
    @classmethod
    def _rising(cls, points: Any) -> Any:
        if points is not None and any(
            b[0] <= a[0] for a, b in zip(points[:-1], points[1:], strict=True)
        ):
            raise ValueError("its times must rise")
        return points

    @property
    def label(self) -> str:
        """Return the name of the step in tables."""
        if self.profile:
            return f"{self.do} along a profile"
        return f"{self.do} to {degrees(self.temperature or 0.0)}"

    def plan(self, process: Process, key: Key) -> Iterator[LoadStep]:
        """Yield the points of the profile, or of the way to the temperature."""
        if self.profile is not None:
            if self.temperature is not None:
                message = "stands beside a profile: keep one"
                raise Fault((*key, "temperature"), message)
            yield from self._along_profile(process, key)
        elif self.temperature is None:
            message = 'is missing: add temperature = "25 degC"'
            raise Fault((*key, "temperature"), message)
        else:
            yield from self._to(self.temperature, process, key)

    def _to(self, target: float, process: Process, key: Key) -> Iterator[LoadStep]:
        before = process.uniform_temperature
        sign = 1 if self.do == "heat" else -1
        if before is not None and (target - before) * sign < -SAME:
            word, other = ("below", "cool") if self.do == "heat" else ("above", "heat")
            message = f'is {word} the {degrees(before)} that it starts from: write do = "{other}"'
            raise Fault((*key, "temperature"), message)
        duration = self._duration(target, process, key)
        points = [(0.0, target if before is None else before), (duration, target)]
        since = 0.0
        for time, value in divided(points, self.every or float("inf")):
            process.move_to(value)
            yield process.load_step(time - since)
            since = time

    def _duration(self, target: float, process: Process, key: Key) -> float:
        if self.rate is None:
            return self.duration or 0.0
        if self.duration is not None:
            raise Fault((*key, "rate"), "stands beside a duration: keep one")
        return process.time_at(self.rate, target, key)

    def _along_profile(self, process: Process, key: Key) -> Iterator[LoadStep]:
        points = self.profile
        assert points is not None and not isinstance(points, str)  # a name has become its points
        for word in ("rate", "duration"):
            if getattr(self, word) is not None:
                message = "stands beside a profile, which has its own times: leave it out"
                raise Fault((*key, word), message)
        begins, start = points[0]
        before = process.uniform_temperature
        if before is not None and abs(start - before) > SAME:
            ends = f"begins at {degrees(start)}, but the body is at {degrees(before)}"
            raise Fault((*key, "profile"), f"{ends}: take it there first")
        for time, value in divided(points, self.every or EVERY):
            process.move_to(value)
            yield process.load_step(time - begins)
            begins = time
