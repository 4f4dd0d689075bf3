"""The solids of a stage: the case's parts as they are after some of its steps.

A part that a step joined is free of stress at the temperature that the step gives. The fill of an
effective array or of bond wires belongs to the part of that material that they lie in
(`geometry.fills`): until that part is attached, the members have no fill. Wires are slack before
and count from then on, free of stress when that part is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from warp.case.assembly import Assembly, assemble, gathered
from warp.case.singulation import spans_plane
from warp.case.stage import LoadStep, Stage
from warp.case.symmetry import MIRRORS, asymmetry
from warp.case.tables import CaseFile
from warp.errors import Fault
from warp.geometry import fills
from warp.geometry.package import VOID, FreeColumns, Mixture, Recipe
from warp.geometry.part import Part, Solid
from warp.geometry.stacking import place
from warp.materials.library import MaterialError
from warp.units import ZERO_CELSIUS
from warp.voxels.boundary import Boundary, Fixed
from warp.voxels.supports import Clamp, Table


def assembly_of(
    file: CaseFile, stage: Stage, folder: Path, *, checked: bool = True
) -> tuple[Assembly, list[Fault]]:
    """Build bodies, materials, sources and boundaries of one stage; singulation cuts later.

    checked: whether the pieces fit each other, too.
    """
    since, shrunk = dict(stage.since), dict(stage.shrunk)
    made: dict[str, tuple[str, float]] = {}
    parts: dict[str, Part] = {}
    hosts, slack = fills.hosts(file.part, place(file.part)[0]), set[str]()
    for name, part in file.part.items():
        changes: dict[str, object] = {}
        if name in since and isinstance(part, Solid):
            changes["stress_free"] = since[name]
        if name in shrunk and isinstance(part, Solid) and part.material is not None:
            changes["material"] = _after_cure(part.material, shrunk[name], made)
        if name in hosts:
            host = next((other for other in hosts[name] if other in stage.present), None)
            changes["fill"] = _fill(part, host, shrunk, made)
            if part.slack and host is None:
                slack.add(name)
            elif part.slack and host in since and name in since:
                changes["stress_free"] = since[host]
        parts[name] = part.model_copy(update=changes) if changes else part
    around = dict(file.boundary)
    for name, word, value in stage.around:
        fixed = around[name].temperature is not None
        around[name] = around[name].model_copy(update={"temperature" if fixed else word: value})
    own = file.model_copy(update={"part": parts, "boundary": around})
    present = [name for name in stage.present if name not in slack]
    if not checked:
        return gathered(own, folder, present, made)
    return assemble(own, folder, present, made, stage.unit)


def instantaneous_changes(
    load_steps: Sequence[LoadStep], stages: Mapping[Stage, Assembly]
) -> Iterator[Fault]:
    """Find all instantaneous temperature changes while a viscoelastic material is present."""
    temperature: dict[str, float | None] = {}
    for load_step in load_steps:
        before = temperature.get(load_step.body)
        if (
            before is not None
            and load_step.temperature not in (None, before)
            and not load_step.duration
        ):
            bodies, media = stages[load_step.stage].package.bodies, stages[load_step.stage].media
            names = (body.material for body in bodies if body.material is not None)
            slow = next((name for name in names if media[name].relaxation is not None), None)
            if slow is not None:
                yield Fault(
                    ("step", load_step.step),
                    f"takes no time, but {slow!r} relaxes: {_time_for(load_step)}",
                )
        temperature[load_step.body] = load_step.temperature


def _time_for(load_step: LoadStep) -> str:
    """Return how a step of this kind takes time for a change of temperature."""
    if load_step.do in ("heat", "cool"):
        return 'add duration = "2 min", or a rate'
    if load_step.do in ("attach", "cure"):
        degrees = f"{round((load_step.temperature or 0.0) - ZERO_CELSIUS, 6):g} degC"
        return f'add rate = "1 K/s", at which the body is brought to {degrees} before'
    return 'add duration = "2 min"'


def unsupported(
    file: CaseFile, load_steps: Sequence[LoadStep], stages: Mapping[Stage, Assembly]
) -> Iterator[Fault]:
    """Find steps that the body does not allow.

    These are bodies made apart where the package bends far, held faces without their mirror image,
    a table under a part of unknown density, films of natural convection where the temperature takes
    its time, and a fill that goes while the members that stood free before it stay.
    """
    yield from _lost_fills(load_steps, stages)
    apart = next((load_step for load_step in load_steps if load_step.body), None)
    if apart is not None and file.load.large_deflection:
        message = "follows one body, and a step makes another one apart: leave one of them out"
        yield Fault(("load", "large_deflection"), message)
    for load_step in load_steps:
        develops = load_step.temperature is None and not load_step.at_rest
        if develops and any(b.convection is not None for b in file.boundary.values()):
            message = 'takes a time, and convection = "natural" is of a steady state: give a film'
            yield Fault(("step", load_step.step), message)
            return
        made = stages[load_step.stage]
        if isinstance(load_step.support, Clamp):
            faces: list[Boundary] = [Fixed(face, 0.0) for face in load_step.support.faces]
            for axis, mirrored in enumerate(MIRRORS[file.symmetry]):
                package = made.package
                why = (
                    asymmetry(package.bodies, [], faces, axis, package.recipes)
                    if mirrored and spans_plane(load_step.stage.unit, axis)
                    else None
                )
                if why is not None:
                    remedy = 'name its twin too, e.g. "package.sides"'
                    yield Fault(
                        ("step", load_step.step),
                        f"{why[1].replace('the boundary on', 'the hold on')}; {remedy}",
                    )
                    return
        if isinstance(load_step.support, Table):
            for name in dict.fromkeys(
                body.material for body in made.package.bodies if body.material is not None
            ):
                try:
                    made.media[name].density  # noqa: B018
                except MaterialError:
                    remedy = (
                        "its weight is needed on a table: add one, or gravity = false to that step"
                    )
                    yield Fault(
                        ("step", load_step.step), f"material {name!r} has no density, and {remedy}"
                    )
                    return


def _lost_fills(
    load_steps: Sequence[LoadStep], stages: Mapping[Stage, Assembly]
) -> Iterator[Fault]:
    """Find layers of bumps that lose a fill which came after them.

    A voxel has one strain: what the members alone carry is known no more once the fill is there.
    Members that nothing holds at one end carry nothing.
    """
    stood_free: set[str] = set()
    last: dict[str, Mapping[str, Recipe]] = {}
    for load_step in load_steps:
        before = last.get(load_step.body, {})
        recipes = stages[load_step.stage].package.recipes
        for label, recipe in recipes.items():
            if not isinstance(recipe, FreeColumns):
                continue
            filled = isinstance(before.get(label), Mixture)
            if filled and label in stood_free and len(recipe.faces) > 1:
                array = recipe.key[1]
                yield Fault(
                    ("step", load_step.step, "parts"),
                    f"takes the fill of {array!r} away, which came after it, and then what "
                    f"{array!r} carries is not known: remove it, too, or give it "
                    'fill = "void"',
                )
                return
            stood_free.add(label)
        last[load_step.body] = recipes


def _fill(
    part: Part,
    host: str | None,
    shrunk: dict[str, float],
    made: dict[str, tuple[str, float]],
) -> str:
    """Return the fill of a homogenised part; host: the part that brings it, None before."""
    fill = str(part.filled_with)
    if host is None:
        return VOID
    return _after_cure(fill, shrunk[host], made) if host in shrunk else fill


def _after_cure(material: str, much: float, made: dict[str, tuple[str, float]]) -> str:
    name = f"{material} shrunk by {100 * much:.6g} %"
    made[name] = (material, much)
    return name
