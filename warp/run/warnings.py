"""Which materials a case takes at temperatures that their sources say nothing of (`temperature_range`).

A property is constant beyond the ends of its table, so the numbers stay finite; whether they are right nobody has measured.

Where the numbers stop being right: what a result should be read with.

Linear theory bends a plate without stretching it. A disc whose sag w is not small against its height h stiffens as it
bends (Freund, J. Mech. Phys. Solids 48 (2000) 1159): with S the linear and K the true curvature, both times
d^2 / (4 h), S = K (1 + (1 - nu) K^2), and K = 2 w / h. At w = 0.15 h linear theory is 6 % too high; from K near 0.9 a
wafer prefers to roll up as a cylinder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from warp.case.assembly import Assembly
from warp.case.case import Case
from warp.case.plan import Stage
from warp.materials.material import Material, Medium
from warp.units import ZERO_CELSIUS

CLOSE = 0.5  # K


def outside_temperature_range(
    case: Case, solved: Sequence[Mapping[str, Mapping[str, float]]] = ()
) -> list[str]:
    """One sentence for each such material; `solved`: temperatures of parts after a solve, as `metrics` has them."""
    found: dict[str, tuple[Material, list[float]]] = {}
    for part, medium, name, temperatures in _uses(case):
        fields = [numbers[part] for numbers in solved if part in numbers]
        temperatures += [
            field[key] + ZERO_CELSIUS for field in fields for key in ("min_C", "max_C")
        ]
        for own, material in _materials(medium, name):
            if material.temperature_range is not None:
                found.setdefault(own, (material, []))[1].extend(temperatures)
    return [
        text
        for name, (material, at) in found.items()
        for text in _sentence(name, material, min(at), max(at))
    ]


def _uses(case: Case) -> Iterator[tuple[str, Medium, str, list[float]]]:
    """Part, medium, its name in the case, and the temperatures known beforehand: where stress began, where it is wanted."""
    loads = case.loads
    stages: list[tuple[Stage | None, Assembly]] = [*case.stages.items()] or [(None, case.assembly)]
    for stage, made in stages:
        wanted = (
            [loads.temperature]
            if stage is None
            else [m.temperature for m in case.moments if m.stage == stage]
        )
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


def steps_beyond_linear_theory(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Where the process leaves linear theory: the worst moment, and in how many steps."""
    beyond = [record for record in records if record.get("beyond_linear")]
    if not beyond:
        return []
    worst = max(beyond, key=lambda record: record["bends"])
    steps = sorted({record["step"] for record in beyond})
    many = f"in step {steps[0]}" if len(steps) == 1 else f"in steps {', '.join(map(str, steps))}"
    return [
        f"beyond linear theory {many}; worst after {worst['name']!r}: {worst['beyond_linear'][0]}"
    ]


SMALL = 0.15  # w / h: S = 0.3, where linear theory is 6 % too high
ROLLS = 0.45  # w / h: K = 0.9, beyond the bifurcation of a silicon wafer


def bends(surfaces: Mapping[str, Mapping[str, Mapping[str, Any]]], height: float) -> float:
    """The largest warpage over the height (m): linear theory holds while it is SMALL."""
    found = (
        abs(numbers.get("warpage_um") or 0.0)
        for sides in surfaces.values()
        for numbers in sides.values()
    )
    return max(found, default=0.0) * 1e-6 / height


def beyond_linear_theory(
    surfaces: Mapping[str, Mapping[str, Mapping[str, Any]]], height: float
) -> list[str]:
    """What to say of the surfaces' warpage in a package of this height (m): one sentence for the worst, or nothing."""
    sags = {
        f"{part}.{side}": abs(numbers.get("warpage_um") or 0.0) * 1e-6
        for part, sides in surfaces.items()
        for side, numbers in sides.items()
    }
    if not sags:
        return []
    face = max(sags, key=sags.__getitem__)
    if sags[face] <= SMALL * height:
        return []
    text = f"{face} bends by {sags[face] / height:.2g} of the height ({height * 1e3:.3g} mm): beyond linear theory"
    rolls = ", and the plate would rather roll up" if sags[face] > ROLLS * height else ""
    return [f"{text}, so the warpage is an upper bound{rolls}"]
