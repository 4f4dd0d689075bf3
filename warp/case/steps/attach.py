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
    parts: PartNames
    """Parts that are joined to the body; `die-*` stands for all whose names begin so."""
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
        return with_parts(self.do, self.parts)

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
        for part in process.named(self.parts, (*key, "parts")):
            if part in process.joined:
                message = f"{part!r} is already present: it came with {process.joined[part]}"
                raise Fault((*key, "parts"), message)
            process.refuse_attaching(part, (*key, "parts"))
            process.joined[part] = self.called(key)
        within = self.duration
        if self.rate is not None and process.present:
            within = process.time_at(self.rate, self.temperature, key)
        brought = list(process.bring_to(self.temperature, within))
        yield from brought
        free = self.temperature if self.stress_free is None else self.stress_free
        passed = bool(brought) and self.rate is None
        refuse_others(self.flat, self.parts, (*key, "flat"))
        joined = process.join(self.parts, free, 0.0 if passed else self.duration)
        yield replace(joined, flat=self.flat or ())
