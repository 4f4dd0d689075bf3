"""Power: the heat of the parts goes on or off, and films and ambients may change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from warp.case.process import Process
from warp.case.stage import LoadStep
from warp.case.step import Step
from warp.errors import Fault, Key, nearest
from warp.units import POSITIVE, FilmCoefficient, Temperature, Time


class Power(Step):
    """Heat of the parts on or off: the temperature field at rest, or after the duration."""

    do: Literal["power"]
    on: bool
    """True: the parts give off their heat from here on."""
    every: Annotated[Time, POSITIVE] | None = None
    """With a duration: the warpage is computed after so much time at most; by default only at the
    end."""
    film: Annotated[
        dict[str, Annotated[FilmCoefficient, POSITIVE]], Field(examples=[{"fan": "20 W/(m^2 K)"}])
    ] = {}
    """Heat-transfer coefficients of [boundary.NAME] from here on: a fan stops."""
    ambient: Annotated[dict[str, Temperature], Field(examples=[{"air": "245 degC"}])] = {}
    """Ambient temperatures of [boundary.NAME], or its fixed temperature, from here on: an oven's
    zone."""

    @property
    def label(self) -> str:
        """Return the name of the step in tables."""
        return f"power {'on' if self.on else 'off'}"

    def plan(self, process: Process, key: Key) -> Iterator[LoadStep]:
        """Yield the settled field, or the field after every part of the duration."""
        if not process.setting.heated:
            remedy = "add a [boundary.NAME] with a film or a fixed temperature"
            raise Fault((*key, "on"), f"heat has no way out: {remedy}")
        if self.on and not process.setting.powered:
            raise Fault((*key, "on"), 'no part gives off heat: add power = "10 W" to one')
        self._change_surroundings(process, key)
        process.power, process.uniform = self.on, False
        if not self.duration:
            if self.every is not None:
                raise Fault((*key, "every"), "divides a duration: add one, or leave it out")
            yield replace(process.load_step(), solves_heat=True)
            return
        count = max(1, round(self.duration / self.every + 0.4999)) if self.every else 1
        for _ in range(count):
            yield replace(process.load_step(self.duration / count), at_rest=False)

    def _change_surroundings(self, process: Process, key: Key) -> None:
        for word, given in (("film", self.film), ("ambient", self.ambient)):
            for name, value in given.items():
                _refuse_boundary(name, word, process.setting.has_film, (*key, word))
                others = [entry for entry in process.stage.around if entry[:2] != (name, word)]
                around = tuple(sorted((*others, (name, word, value))))
                process.stage = replace(process.stage, around=around)


def _refuse_boundary(name: str, word: str, has_film: Mapping[str, bool], key: Key) -> None:
    if name not in has_film:
        raise Fault(key, f"there is no [boundary.{name}]{nearest(name, has_film)}")
    if word == "film" and not has_film[name]:
        message = f"{name!r} has a fixed temperature, no film: change that with ambient"
        raise Fault(key, message)
