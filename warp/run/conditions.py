"""Say again in one sentence each what a case asks of its surroundings and of its measurement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from warp.errors import listed
from warp.units import ZERO_CELSIUS

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.case.tables import BoundarySection


def sentences(case: Case) -> list[str]:
    """List films, fixed temperatures, contacts and measuring zones, in the order of the file."""
    return [*_boundaries(case), *_interfaces(case), *_zones(case)]


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


def _degrees(kelvin: float) -> str:
    return f"{kelvin - ZERO_CELSIUS:.4g} degC"
