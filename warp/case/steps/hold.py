"""Hold: the body rests at its temperature for a time; relaxing materials relax.

    [[step]]
    do = "hold"
    duration = "2 h"
    every = "10 min"          # a curve; only the end without it

The temperature is the one at which the step before ended; `temperature` states it again, and is
then compared. Under power the temperature field is kept as it is. Elastic bodies do not change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from warp.case.process import SAME, Process
from warp.case.stage import LoadStep
from warp.case.step import Step, degrees
from warp.errors import Fault, Key
from warp.units import POSITIVE, Temperature, Time

MOST = 10_000  # load steps of one step; a slipped unit of `every` asks for far more


class Hold(Step):
    """The body rests at its temperature for a time."""

    do: Literal["hold"]
    duration: Annotated[Time, POSITIVE, Field(examples=["30 min"])]
    """Time that it rests."""
    temperature: Temperature | None = None
    """Temperature of the body, if it is to be compared; the step before brings it there."""
    every: Annotated[Time, POSITIVE] | None = None
    """The warpage is computed after so much time at most; by default only at the end."""

    @property
    def label(self) -> str:
        """Return the name of the step in tables."""
        return "hold" if self.temperature is None else f"hold at {degrees(self.temperature)}"

    def plan(self, process: Process, key: Key) -> Iterator[LoadStep]:
        """Yield the same state again, after every part of the duration."""
        self._check_temperature(process, (*key, "temperature"))
        count = self._count((*key, "every"))
        for _ in range(count):
            yield process.load_step(self.duration / count)

    def _check_temperature(self, process: Process, key: Key) -> None:
        at = process.uniform_temperature
        if self.temperature is None:
            return
        if at is None:
            raise Fault(key, "says nothing where the parts differ in temperature: leave it out")
        if abs(at - self.temperature) > SAME:
            there = f"is {degrees(self.temperature)}, but the body is at {degrees(at)}"
            raise Fault(key, f'{there}: take it there first, with do = "heat" or "cool"')

    def _count(self, key: Key) -> int:
        """Return the number of equal parts of the duration, none longer than `every`."""
        if self.every is None:
            return 1
        count = max(1.0, -(-self.duration * (1 - 1e-9) // self.every))
        if count > MOST:
            message = f"divides the duration into {count:,.0f} load steps, more than {MOST:,}"
            raise Fault(key, f"{message}: is its unit right?")
        return int(count)
