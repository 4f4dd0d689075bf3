"""Which materials a case takes at temperatures that their sources say nothing of (`temperature_range`).

A property is constant beyond the ends of its table, so the numbers stay finite; whether they are right nobody has measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from warp.assembly import Assembly
from warp.case import Case
from warp.medium import Material, Medium
from warp.sequence import Stage
from warp.units import ZERO_CELSIUS

CLOSE = 0.5  # K


def remarks(case: Case, solved: Sequence[Mapping[str, Mapping[str, float]]] = ()) -> list[str]:
    """One sentence for each such material; `solved`: temperatures of parts after a solve, as `metrics` has them."""
    found: dict[str, tuple[Material, list[float]]] = {}
    for part, medium, name, temperatures in _uses(case):
        fields = [numbers[part] for numbers in solved if part in numbers]
        temperatures += [field[key] + ZERO_CELSIUS for field in fields for key in ("min_C", "max_C")]
        for own, material in _materials(medium, name):
            if material.temperature_range is not None:
                found.setdefault(own, (material, []))[1].extend(temperatures)
    return [text for name, (material, at) in found.items() for text in _sentence(name, material, min(at), max(at))]


def _uses(case: Case) -> Iterator[tuple[str, Medium, str, list[float]]]:
    """Part, medium, its name in the case, and the temperatures known beforehand: where stress began, where it is wanted."""
    loads = case.loads
    stages: list[tuple[Stage | None, Assembly]] = [*case.stages.items()] or [(None, case.assembly)]
    for stage, made in stages:
        wanted = [loads.temperature] if stage is None else [m.temperature for m in case.moments if m.stage == stage]
        for body in made.package.bodies:
            if body.material is not None:
                start = loads.stress_free if body.stress_free is None else body.stress_free
                known = [start, *(T for T in wanted if T is not None)]
                yield body.part, made.media[body.material], body.material, known


def _materials(medium: Medium, name: str) -> Iterator[tuple[str, Material]]:
    """What a medium is made of, down to the entries of the library and of the case."""
    if isinstance(medium, Material):
        yield name, medium
    for part in (*getattr(medium, "media", ()), getattr(medium, "medium", None)):
        if part is not None:
            yield from _materials(part, part.name)


def _sentence(name: str, material: Material, low: float, high: float) -> Iterator[str]:
    assert material.temperature_range is not None
    first, last = material.temperature_range
    if low < first - CLOSE or high > last + CLOSE:
        used = _degrees(low) if high - low < CLOSE else f"{_degrees(low)} to {_degrees(high)}"
        yield f"material '{name}' is used at {used} degC, its source covers {_degrees(first)} to {_degrees(last)} degC"


def _degrees(kelvin: float) -> str:
    return f"{kelvin - ZERO_CELSIUS:.0f}"
