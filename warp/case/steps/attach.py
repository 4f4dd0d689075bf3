"""Attach: parts appear on the deformed body, free of stress at the step's temperature.

The state of their voxels begins in `solvers.elastic.history.step`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from warp.case.process import Process
from warp.case.stage import LoadStep
from warp.case.step import PartNames, Step, refuse_others, with_parts
from warp.errors import Fault, Key
from warp.units import POSITIVE, HeatingRate, Temperature


class Attach(Step):
    """Parts appear on the deformed body."""

    begins: ClassVar = True
    do: Literal["attach"]
    parts: PartNames = ()
    """Parts that are joined to the body; `die-*` stands for all whose names begin so."""
    bodies: PartNames = ()
    """Bodies made apart, by steps that name them as their `body`, that are joined with the stresses
    and the shape that they have, after they were brought to the temperature too."""
    temperature: Temperature
    """Of the body and of the parts; a body at another temperature is brought there first, at the
    rate if there is one, else in the duration."""
    rate: Annotated[HeatingRate, POSITIVE] | None = None
    """Kelvin per second, up or down, at which the body is brought to the temperature."""
    stress_free: Temperature | None = None
    """Temperature at which they are free of stress; by default the step's temperature."""
    flat: PartNames | None = None
    """Those of the parts that are flat when they join, a lid or a board; solder and adhesive
    between fill the difference. The others take the shape of the body."""

    @property
    def label(self) -> str:
        """Return the name of the step in tables."""
        return with_parts(self.do, (*self.bodies, *self.parts))

    @property
    def joins(self) -> tuple[str, ...]:
        """Return the parts that become present in this step."""
        return self.parts

    @property
    def named(self) -> tuple[str, ...]:
        """Return the parts that the key `parts` names."""
        return self.parts

    def plan(self, process: Process, key: Key) -> Iterator[LoadStep]:
        """Bring the body to the temperature, in the step's time, and add the parts."""
        if not self.parts and not self.bodies:
            raise Fault(key, 'names nothing that joins: add parts = ["chip", "bumps"]')
        for part in process.named(self.parts, (*key, "parts")):
            if part in process.joined:
                message = f"{part!r} is already present: it came with {process.joined[part]}"
                raise Fault((*key, "parts"), message)
            process.refuse_attaching(part, (*key, "parts"))
            process.joined[part] = self.called(key)
        bodies = list(process.take(self.bodies, self.called(key), (*key, "bodies")))
        for body in bodies:
            yield from body.bring_to(self.temperature, self._within(body, key))
        brought = list(process.bring_to(self.temperature, self._within(process, key)))
        yield from brought
        free = self.temperature if self.stress_free is None else self.stress_free
        passed = bool(brought) and self.rate is None
        refuse_others(self.flat, self.parts, (*key, "flat"))
        duration = 0.0 if passed else self.duration
        joined = process.join(self.parts, free, duration, bodies)
        yield replace(joined, flat=self.flat or ())

    def _within(self, body: Process, key: Key) -> float | None:
        """Return the time in s in which a body is brought to the temperature."""
        if self.rate is None or not body.present:
            return self.duration
        return body.time_at(self.rate, self.temperature, key)
