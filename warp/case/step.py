"""The table that every process step shares, and its answers while the process is planned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from warp.case.process import Process
from warp.case.stage import LoadStep
from warp.errors import Fault, Key, nearest
from warp.geometry.section import Names, Section
from warp.units import NOT_NEGATIVE, ZERO_CELSIUS, Time

Duration = Annotated[Time, NOT_NEGATIVE]
PartNames = Annotated[Names, Field(examples=[["chip", "bumps"], ["die-*"]])]
LISTED = 8
"""Parts that the name of a step lists."""


def with_parts(do: str, parts: Sequence[str]) -> str:
    """Return the name of a step that is called by its parts."""
    if len(parts) > LISTED:
        return f"{do} {parts[0]}, {parts[1]} and {len(parts) - 2} more"
    return f"{do} {', '.join(parts)}"


class Step(Section):
    """What every step may say."""

    begins: ClassVar[bool] = False
    """True for steps that may come before any part is present."""
    do: str
    """The kind of step."""
    name: str | None = None
    """In tables and curves; by default what the step does."""
    duration: Duration | None = None
    """Time that it takes; instantaneous by default."""
    body: Annotated[str, Field(min_length=1, examples=["upper package"])] | None = None
    """A body that is made apart, and that this step is done to; a later step joins it with
    `bodies`. By default the package."""

    @property
    def label(self) -> str:
        """Return the name of the step in tables: what it does."""
        raise NotImplementedError

    @property
    def joins(self) -> tuple[str, ...]:
        """Return the parts that become present in this step."""
        return ()

    @property
    def named(self) -> tuple[str, ...]:
        """Return the parts that the key `parts` names."""
        return ()

    def plan(self, process: Process, key: Key) -> Iterator[LoadStep]:
        """Change the body and yield the load steps that are computed; Fault if it cannot be."""
        raise NotImplementedError

    def called(self, key: Key) -> str:
        """Return how messages name the step: its number, and its name if it has one."""
        number = int(key[1]) + 1
        return f"step {number}" + (f" ({self.name})" if self.name else "")


def refuse_others(flat: Sequence[str] | None, joining: tuple[str, ...], key: Key) -> None:
    """Raise the fault of a part that is to be flat and does not join in the step, or is twice."""
    named = flat or ()
    for n, part in enumerate(named):
        if part not in joining:
            raise Fault(key, f"{part!r} does not join in this step{nearest(part, joining)}")
        if part in named[:n]:
            raise Fault(key, f"names {part!r} twice")


def degrees(kelvin: float) -> str:
    """Write a temperature in degrees Celsius."""
    return f"{round(kelvin - ZERO_CELSIUS, 6):g} degC"
