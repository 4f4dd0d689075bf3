"""Tell what a package is exposed to: temperatures, heat, surroundings, supports, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from warp.report.blocks import UNKNOWN, Block
from warp.report.step_figures import duration
from warp.units import ZERO_CELSIUS
from warp.voxels.supports import Clamp, Table

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.case.stage import LoadStep
    from warp.case.tables import BoundarySection
    from warp.voxels.boundary import Source

ADIABATIC = "Every other face is adiabatic."


def blocks(case: Case) -> list[Block]:
    """Tabulate temperatures, then what there is of heat sources, surroundings and steps."""
    found = [_temperatures(case), _sources(case), _boundaries(case), _interfaces(case)]
    return [block for block in (*found, _steps(case)) if block is not None]


def _degrees(kelvin: float) -> str:
    return f"{round(kelvin - ZERO_CELSIUS, 6):.6g} °C"


def _temperatures(case: Case) -> Block:
    loads, file = case.loads, case.file.load
    rows = [["free of stress at", _degrees(loads.stress_free)]]
    own = {b.part: b.stress_free for b in case.bodies() if b.stress_free is not None}
    rows += [[f"{name} free of stress at", _degrees(kelvin)] for name, kelvin in own.items()]
    if not case.has_steps:
        at = "the solved field" if loads.temperature is None else _degrees(loads.temperature)
        rows += [["warpage at", at], ["support", _support(None)]]
    if case.bond_lines:
        rows.append(["conduct by their thickness", ", ".join(case.bond_lines)])
    if file.large_deflection:
        theory = "wherever linear theory is off" if file.large_deflection == "auto" else "always"
        rows.append(["large deflection", theory])
    return Block("", ("load", "value"), rows, words=(1,), name="temperatures")


def _sources(case: Case) -> Block | None:
    if not case.sources:
        return None
    rows = [[s.part, f"{np.sum(s.watts):.4g} W", _spread(s)] for s in case.sources]
    total = sum(float(np.sum(s.watts)) for s in case.sources)
    lead = f"Heat sources: {total:.4g} W in all."
    head = ("part", "heat", "where")
    return Block("", head, rows, words=(2,), lead=lead, name="heat sources")


def _spread(source: Source) -> str:
    depth = "through its height"
    if source.z is not None:
        depth = f"z from {1e3 * source.z[0]:.4g} to {1e3 * source.z[1]:.4g} mm"
    watts = np.asarray(source.watts)
    if watts.ndim < 2 or source.x is None or source.y is None:
        return f"even, {depth}"
    rows, columns = watts.shape
    if watts.size > 1:
        return f"map of {rows} x {columns}, {depth}"
    (x0, x1), (y0, y1) = (1e3 * np.asarray(v)[[0, -1]] for v in (source.x, source.y))
    return f"x from {x0:.4g} to {x1:.4g} mm, y from {y0:.4g} to {y1:.4g} mm, {depth}"


def _boundaries(case: Case) -> Block | None:
    given = case.file.boundary
    if not given:
        return None
    rows = [[name, ", ".join(one.face), *_condition(one)] for name, one in given.items()]
    head = ("boundary", "faces", "film", "ambient")
    return Block("", head, rows, words=(1,), note=ADIABATIC, name="boundaries")


def _condition(one: BoundarySection) -> tuple[str, str]:
    if one.temperature is not None:
        return "held", _degrees(one.temperature)
    ambient = "" if one.ambient is None else _degrees(one.ambient)
    if one.convection is not None:
        radiates = f", emissivity {one.emissivity:g}" if one.emissivity else ""
        return f"still air{radiates}", ambient
    return ("" if one.film is None else f"{one.film:.5g} W/m²K"), ambient


def _interfaces(case: Case) -> Block | None:
    given = case.file.interface
    if not given:
        return None
    rows = [
        [name, " and ".join(one.between), f"{1e6 * one.resistance:.4g} mm²K/W"]
        for name, one in given.items()
    ]
    return Block("", ("contact", "between", "resistance"), rows, words=(1,), name="contacts")


def _steps(case: Case) -> Block | None:
    if not case.has_steps:
        return None
    ends = [step for step in case.load_steps if step.last]
    passed: dict[str, float] = {}
    before = []
    for step in ends:
        before.append(passed.get(step.body, 0.0))
        passed[step.body] = step.time
    head = ("step", "kind", "to", "until", "heat", "parts attached", "support")
    rows = [_step(*pair) for pair in zip(ends, before, strict=False)]
    return Block("", head, rows, words=(1, 5, 6), name="steps")


def _step(step: LoadStep, before: float) -> list[str]:
    """Write a step; before: the time at which it begins."""
    at = "the field under power" if step.temperature is None else _degrees(step.temperature)
    powered = "on" if step.powered else "off"
    attached = ", ".join((*step.bodies, *step.attached))
    support = _support(step.support)
    name = f"{step.step + 1}. {step.name}" + (f" [{step.body}]" if step.body else "")
    until = duration(step.time) if step.time > before else UNKNOWN
    return [name, step.do, at, until, powered, attached, support]


def _support(support: Clamp | Table | None) -> str:
    if isinstance(support, Clamp):
        held = "along their normals" if support.sliding else "held"
        flat = ", pressed flat" if support.flat else ""
        return f"{', '.join(support.faces)} {held}{flat}"
    if isinstance(support, Table):
        return "on a flat table, by its own weight"
    return "free: no rigid motion counts"
