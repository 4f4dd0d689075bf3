"""Cure: liquid parts become solid, stress-free at the temperature, and shrink.

Parts that are present already keep their stress and shrink only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from warp.case.process import Process
from warp.case.stage import LoadStep
from warp.case.step import PartNames, Step, refuse_others, with_parts
from warp.errors import Fault, Key
from warp.geometry.section import Shrinkage
from warp.units import POSITIVE, HeatingRate, Temperature


class Cure(Step):
    """Parts become solid on the deformed body, if they are not present yet, and shrink."""

    begins: ClassVar = True
    do: Literal["cure"]
    parts: PartNames
    """Parts that become solid, or that shrink."""
    temperature: Temperature
    """Of the body and of the parts; a body at another temperature is brought there first."""
    rate: Annotated[HeatingRate, POSITIVE] | None = None
    """Kelvin per second, up or down, at which the body is brought to the temperature; by default
    at once. The duration is that of the cure."""
    stress_free: Temperature | None = None
    """Temperature at which parts that become solid are free of stress; by default that of the
    step."""
    shrinkage: Shrinkage = 0.0
    """Linear: a third of the loss in volume after the gel point, from which the material carries
    load. Layers of a laminate have their own."""
    flat: PartNames | None = None
    """Those of the parts that become solid against a flat tool: their free faces are flat then.
    Where they touch the body they take its shape."""

    @property
    def label(self) -> str:
        """Return the name of the step in tables."""
        return with_parts(self.do, self.parts)

    @property
    def joins(self) -> tuple[str, ...]:
        """Return the parts that become present in this step, if they are not yet."""
        return self.parts

    @property
    def named(self) -> tuple[str, ...]:
        """Return the parts that the key `parts` names."""
        return self.parts

    def plan(self, process: Process, key: Key) -> Iterator[LoadStep]:
        """Bring the body to the temperature, add the parts that are liquid, and shrink all."""
        fresh = tuple(self._fresh(process, (*key, "parts")))
        for part in fresh:
            process.joined[part] = self.called(key)
        if self.stress_free is not None and len(fresh) < len(self.parts):
            solid = next(part for part in self.parts if part not in fresh)
            message = f"{solid!r} is solid already and keeps its stress: leave it out"
            raise Fault((*key, "stress_free"), message)
        within = 0.0
        if self.rate is not None and process.present:
            within = process.time_at(self.rate, self.temperature, key)
        refuse_others(self.flat, fresh, (*key, "flat"))
        yield from process.bring_to(self.temperature, within)
        if fresh:
            free = self.temperature if self.stress_free is None else self.stress_free
            joined = process.join(fresh, free, 0.0 if self.shrinkage else self.duration)
            yield replace(joined, flat=self.flat or ())
        if self.shrinkage or not fresh:
            self._shrink(process)
            yield process.load_step(self.duration)

    def _fresh(self, process: Process, key: Key) -> Iterator[str]:
        """Yield the parts that are not present yet."""
        for part in process.named(self.parts, key):
            if part in process.joined:
                process.refuse_absent(part, key)
            else:
                process.refuse_attaching(part, key)
            own = process.setting.parts[part]
            if self.shrinkage and (own.made_of is None or own.laminated):
                message = (
                    f"{part!r} is a laminate: leave it out here and write it to the layers that "
                    f'shrink, layers = [{{ ..., shrinkage = "{100 * self.shrinkage:.3g} %" }}]'
                )
                raise Fault((*key[:-1], "shrinkage"), message)
            if part not in process.joined:
                yield part

    def _shrink(self, process: Process) -> None:
        before = dict(process.stage.shrunk)
        more = {part: before.get(part, 0.0) + self.shrinkage for part in self.parts}
        shrunk = tuple(sorted((part, much) for part, much in (before | more).items() if much))
        process.stage = replace(process.stage, shrunk=shrunk)
