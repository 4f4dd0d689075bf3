"""States of a process whose fields are wanted: the end of a step, or a temperature on its way.

    [output]
    states = ["chip attach", "reflow at 245 degC", "100 degC"]

A step that passes a wanted temperature gets a computed point there; nothing else of the case has to
change. A temperature that is passed more than once means the last time, of the step that is named
or of the process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from warp.case.process import SAME
from warp.case.stage import LoadStep
from warp.errors import Fault, Key, nearest
from warp.units import TEMPERATURE, format_si, parse

KEY: Key = ("output", "states")


@dataclass(frozen=True)
class Wanted:
    """A state as the file names it: a step by its number from 0, a temperature in K, or both."""

    text: str
    step: int | None
    temperature: float | None

    def fits(self, load_step: LoadStep) -> bool:
        """Tell whether a load step is at this state."""
        if self.step is not None and load_step.step != self.step:
            return False
        if self.temperature is None:
            return load_step.last
        at = load_step.temperature
        return at is not None and abs(at - self.temperature) <= SAME


def read(texts: Sequence[str], labels: Sequence[str]) -> list[Wanted]:
    """Read states by the labels of the steps; Fault where one names no step and no temperature."""
    return [_read(text, n, labels) for n, text in enumerate(texts)]


def _read(text: str, n: int, labels: Sequence[str]) -> Wanted:
    whole = _step(text, labels)
    if whole is not None:
        return Wanted(text, whole, None)
    name, mark, degrees = text.rpartition(" at ")
    step = _step(name.strip(), labels) if mark else None
    try:
        temperature = parse(degrees if mark else text, TEMPERATURE)
    except ValueError:
        near = nearest(text, list(labels)) or f": the steps are {', '.join(labels)}"
        message = f"{text!r} is no step, no temperature and no STEP at TEMPERATURE{near}"
        raise Fault((*KEY, n), message) from None
    if mark and step is None:
        raise Fault((*KEY, n), f"there is no step {name.strip()!r}{nearest(name, list(labels))}")
    return Wanted(text, step, temperature)


def _step(text: str, labels: Sequence[str]) -> int | None:
    """Return the last step of a name, or of a number from 1."""
    if text in labels:
        return len(labels) - 1 - list(reversed(labels)).index(text)
    if text.isdecimal() and 1 <= int(text) <= len(labels):
        return int(text) - 1
    return None


def passing(
    load_steps: Sequence[LoadStep], before: float | None, wanted: Sequence[Wanted]
) -> Iterator[LoadStep]:
    """Yield the load steps of a process step, with points at the wanted temperatures.

    before: the temperature in K at which the step begins, None where there is none.
    """
    for load_step in load_steps:
        start, end = before, load_step.temperature
        before = end
        if start is None or end is None or load_step.attached:
            yield load_step
            continue
        between = {
            one.temperature
            for one in wanted
            if one.temperature is not None
            and min(start, end) + SAME < one.temperature < max(start, end) - SAME
        }
        done = 0.0
        for temperature in sorted(between, reverse=end < start):
            share = (temperature - start) / (end - start)
            duration = (share - done) * load_step.duration
            yield replace(load_step, temperature=temperature, duration=duration)
            done = share
        yield replace(load_step, duration=(1.0 - done) * load_step.duration) if done else load_step


def chosen(load_steps: Sequence[LoadStep], wanted: Sequence[Wanted]) -> dict[str, int]:
    """Return the load step of each state; Fault where the process never is in it."""
    found: dict[str, int] = {}
    for n, one in enumerate(wanted):
        at = [number for number, step in enumerate(load_steps) if one.fits(step)]
        if one.text in found:
            raise Fault((*KEY, n), f"names {one.text!r} twice")
        if not at:
            raise Fault((*KEY, n), _never(load_steps, one))
        found[one.text] = at[-1]
    return found


def _never(load_steps: Sequence[LoadStep], wanted: Wanted) -> str:
    own = [step for step in load_steps if wanted.step in (None, step.step)]
    known = [step.temperature for step in own if step.temperature is not None]
    where = "the process" if wanted.step is None else "that step"
    if not known:
        return f"{wanted.text!r}: {where} has no temperature that is the same everywhere"
    low, high = (format_si(value, "degC") for value in (min(known), max(known)))
    return f"{wanted.text!r}: {where} is computed from {low} to {high} only"
