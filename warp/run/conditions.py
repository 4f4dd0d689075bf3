"""Say again in one sentence each what a case asks of its surroundings and of its measurement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from warp.errors import listed
from warp.geometry.parts.balls import Balls
from warp.geometry.parts.block_array import BlockArray
from warp.geometry.place import LEVEL
from warp.units import ZERO_CELSIUS

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.case.tables import BoundarySection


def sentences(case: Case) -> list[str]:
    """List films, fixed temperatures, contacts, measuring zones and terminals, as in the file."""
    return [*_boundaries(case), *_interfaces(case), *_zones(case), *_terminals(case)]


def _boundaries(case: Case) -> Iterator[str]:
    for name, one in case.file.boundary.items():
        yield f"{name}: {_condition(one)} on {listed(one.face)}"


def _condition(one: BoundarySection) -> str:
    if one.temperature is not None:
        return f"held at {_degrees(one.temperature)}"
    around = "" if one.ambient is None else f" to {_degrees(one.ambient)}"
    if one.film is not None:
        return f"film of {one.film:.4g} W/(m^2 K){around}"
    radiation = f"emissivity {one.emissivity:g}" if one.emissivity else "without radiation"
    return f"still air{around}, {radiation},"


def _interfaces(case: Case) -> Iterator[str]:
    for name, one in case.file.interface.items():
        first, second = one.between
        value = f"{1e6 * one.resistance:.4g} mm^2 K/W"
        yield f"{name}: contact of {value} between {first} and {second}"


def _zones(case: Case) -> Iterator[str]:
    for (part, side), (x0, x1, y0, y1) in case.zones.items():
        given = case.file.output.zones[f"{part}.{side}"]
        whose = f", that of {given}" if isinstance(given, str) else ""
        spans = f"x {1e3 * x0:.4g} to {1e3 * x1:.4g}, y {1e3 * y0:.4g} to {1e3 * y1:.4g} mm"
        yield f"{part}.{side} is measured within {spans}{whose}"


def _terminals(case: Case) -> Iterator[str]:
    """Say how to ask for coplanarity where balls or leads are the underside of a body."""
    if case.terminals or case.heat_alone:
        return
    found: dict[str, None] = {}
    for assembly in case.stages.values():
        solid = [body for body in assembly.package.bodies if body.material is not None]
        lowest = min((body.bounds[4] for body in solid), default=0.0)
        for body in solid:
            medium = assembly.media[body.material or ""]
            metal = getattr(medium, "material_class", None) in (None, "metal", "solder")
            terminal = metal and isinstance(case.parts[body.part], (Balls, BlockArray))
            if terminal and abs(body.bounds[4] - lowest) < LEVEL:
                found[body.part] = None
    if found:
        names = ", ".join(f'"{name}"' for name in found)
        yield f"coplanarity is reported of what [output] terminals names, here e.g. [{names}]"


def _degrees(kelvin: float) -> str:
    return f"{kelvin - ZERO_CELSIUS:.4g} degC"
