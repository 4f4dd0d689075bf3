"""Plan the process: from the tables of its steps to the load steps that are computed.

A stage is what the body is made of; a load step is one computed state of a stage: the end of a
step, or a point of its profile. A step that joins parts at another temperature than the body's
begins with a load step that takes the body there. Each step plans itself (`warp.case.steps`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from warp.case import states
from warp.case.process import SAME, Process, Setting, misnamed
from warp.case.stage import LoadStep, Stage
from warp.case.step import Step, degrees
from warp.case.symmetry import MIRRORS
from warp.case.tables import CaseFile
from warp.errors import Fault, Key
from warp.geometry.place import Place

__all__ = ["LoadStep", "Stage", "plan"]


def plan(
    file: CaseFile,
    places: Mapping[str, Place],
    heated: bool,
    powered: bool,
    *,
    complete: bool = False,
) -> tuple[list[LoadStep], list[Fault]]:
    """Return the load steps of a case's steps, and the faults of their order.

    These are the first step that cannot follow the ones before it (there are no load steps then),
    or a [load] temperature at which the last step does not end. A case without steps is a process
    of one load step. `heated`: heat has a way out; `powered`: a part gives off heat. complete:
    keep the load steps that change nothing because the body is already at the temperature of its
    next step; their number is then the same at any temperature.
    """
    try:
        if not file.step:
            wanted_states(file)
            return [_without_steps(file, heated)], []
        load_steps = list(_load_steps(file, places, heated, powered, complete))
    except Fault as fault:
        return [], [fault]
    return load_steps, list(_another_end(file, load_steps[-1].temperature))


def unknown_parts(file: CaseFile) -> Iterator[Fault]:
    """Find the names of parts in all steps that are none, whatever the order of the steps."""
    for number, step in enumerate(file.step):
        yield from misnamed(step.named, file.part, ("step", number, "parts"))


def _another_end(file: CaseFile, ends: float | None) -> Iterator[Fault]:
    """Find a [load] temperature other than that of the last step in K (None: a field)."""
    wanted = file.load.temperature
    if "temperature" not in file.load.model_fields_set:
        return
    agree = ends is None if isinstance(wanted, str) else abs((ends or 0.0) - wanted) < SAME
    if not agree:
        at = "with the temperature field" if ends is None else f"at {degrees(ends)}"
        message = f"the last step ends {at}: leave this one out, or add a step that goes there"
        yield Fault(("load", "temperature"), message)


def wanted_states(file: CaseFile) -> list[states.Wanted]:
    """Return the states of the process whose fields are wanted; Fault where one is no state."""
    if file.output.states and not file.step:
        raise Fault(states.KEY, "belongs to a process: a case without [[step]] has one state")
    return states.read(file.output.states, [step.name or step.label for step in file.step])


def _without_steps(file: CaseFile, heated: bool) -> LoadStep:
    """Return the load step of a case without steps: all parts, under power, at its temperature."""
    wanted = file.load.temperature
    temperature = None if isinstance(wanted, str) else wanted
    stage = Stage(tuple(file.part))
    return LoadStep(0, "", "", stage, temperature, 0.0, powered=True, solves_heat=heated)


def _load_steps(
    file: CaseFile, places: Mapping[str, Place], heated: bool, powered: bool, complete: bool
) -> Iterator[LoadStep]:
    setting = Setting(
        file.part,
        places,
        file.symmetry,
        MIRRORS[file.symmetry],
        {name: section.film is not None for name, section in file.boundary.items()},
        file.load.stress_free,
        heated,
        powered,
        frozenset(part for step in file.step for part in step.joins),
        complete,
    )
    package = Process.start(setting)
    wanted = wanted_states(file)
    named: dict[str, int] = {}
    made: dict[str, int] = {}
    times: dict[str, float] = {}
    for number, step in enumerate(file.step):
        key: Key = ("step", number)
        if step.name is not None and named.setdefault(step.name, number) != number:
            raise Fault((*key, "name"), f"{step.name!r} names an earlier step: choose another")
        process = package
        if step.body is not None:
            made.setdefault(step.body, number)
            process = package.made_apart(step.body, (*key, "body"))
            _refuse_apart(step, (*key, "do"))
        if not process.present and not step.begins:
            raise Fault(key, 'no part is present yet: begin with do = "attach"')
        before = process.uniform_temperature if process.present else None
        planned = list(step.plan(process, key))
        found = [one for one in planned if one.body != process.body]
        own = [one for one in planned if one.body == process.body]
        found += states.passing(own, before, wanted)
        label = step.name or step.label
        for count, load_step in enumerate(found, start=1):
            time = times[load_step.body] = times.get(load_step.body, 0.0) + load_step.duration
            last = count == len(found)
            yield replace(load_step, step=number, name=label, do=step.do, time=time, last=last)
    for body in package.apart:
        message = f"{body!r} never joins the package: a step attaches it, bodies = [{body!r}]"
        raise Fault(("step", made[body], "body"), message)


def _refuse_apart(step: Step, key: Key) -> None:
    """Raise the fault of a step that no body made apart can have."""
    if step.do in ("power", "singulate"):
        raise Fault(key, f"{step.do!r} is not of a body that is made apart")
    if getattr(step, "bodies", ()):
        raise Fault((*key[:-1], "bodies"), "join the package: leave body out of this step")
