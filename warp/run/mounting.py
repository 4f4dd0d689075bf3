"""The package before it is mounted: what the limits of standards are about.

A process mounts a package if the last parts that join are a plate and what holds it (solder), the
plate lies below all that was there before and is at least as wide, and it stays. The package is
then whole and not mounted yet in the load steps just before, while its parts and its unit do not
change.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from warp.case.case import Case
from warp.case.plan import LoadStep, Stage
from warp.geometry.place import LEVEL, Place

WIDE = 0.5
"""Of the largest area: plates of less are no surface to the board."""


class Mounting(NamedTuple):
    """The load step that joins the board, the board, and the package's plate that faces it.

    whole: the stage of the package before.
    """

    number: int
    board: str
    faces: str
    whole: Stage


def mounting(
    load_steps: Sequence[LoadStep], places: Mapping[str, Place], plates: Collection[str]
) -> Mounting | None:
    """Return how the process mounts the package, None where it does not."""
    joins = [n for n, one in enumerate(load_steps) if one.joining and not one.body]
    last = joins[-1] if joins else 0
    whole = next((one.stage for one in reversed(load_steps[:last]) if not one.body), None)
    if whole is None:
        return None
    before = [name for name in whole.present if name in places]
    package = [name for name in before if name in plates]
    if not package:
        return None
    lowest = min(places[name].z0 for name in before)
    extents = _bounds([places[name] for name in before])
    for name in load_steps[last].joining:
        stays = name in load_steps[-1].stage.present
        if name in plates and stays and places[name].z1 <= lowest + LEVEL:
            own = _bounds([places[name]])
            if all(a <= b + LEVEL for a, b in zip(own[:2], extents[:2], strict=True)) and all(
                a >= b - LEVEL for a, b in zip(own[2:], extents[2:], strict=True)
            ):
                return Mounting(last, name, _faces(package, places), whole)
    return None


def unmounted(
    case: Case, records: Sequence[Mapping[str, Any]], plates: Collection[str]
) -> dict[str, Any]:
    """Return the largest warpage and coplanarity of the package before it is mounted.

    The surface to the board counts, or every measured one of the plates where it is not measured.
    Empty for a process that does not mount its package.
    """
    found = mounting(case.load_steps, case.package.places, plates)
    if found is None:
        return {}
    bare = list[Mapping[str, Any]]()
    for one, record in reversed([*zip(case.load_steps, records, strict=False)][: found.number]):
        if not one.body and not _alike(one.stage, found.whole):
            break
        bare = bare if one.body else [record, *bare]
    known = [
        (record, f"{part}.{side}", numbers["warpage_um"])
        for record in bare
        for part in sorted({*plates})
        for side, numbers in sorted(record["surfaces"].get(part, {}).items())
        if numbers["warpage_um"] is not None
    ]
    facing = [entry for entry in known if entry[1] == f"{found.faces}.bottom"]
    if not known:
        return {}
    record, surface, warpage = max(facing or known, key=lambda entry: abs(entry[2]))
    numbers: dict[str, Any] = {
        "warpage_um": warpage,
        "surface": surface,
        "temperature_C": record["temperature_C"],
        "step": record["step"],
        "name": record["name"],
        "board": found.board,
    }
    heights = [r["coplanarity_um"] for r in bare if r.get("coplanarity_um") is not None]
    return numbers | ({"coplanarity_um": max(heights)} if heights else {})


def _alike(one: Stage, other: Stage) -> bool:
    return (one.present, one.unit) == (other.present, other.unit)


def _faces(package: Sequence[str], places: Mapping[str, Place]) -> str:
    """Return the wide plate whose bottom is lowest; of several at one height the widest."""
    area = {name: places[name].outline.width * places[name].outline.depth for name in package}
    wide = [name for name in package if area[name] > WIDE * max(area.values())]
    lowest = min(places[name].z0 for name in wide)
    return max((name for name in wide if places[name].z0 < lowest + LEVEL), key=area.__getitem__)


def _bounds(places: Sequence[Place]) -> tuple[float, float, float, float]:
    """Return the lowest x and y and the highest x and y of some places."""
    bounds = [place.outline.bounds for place in places]
    low = min(b[0] for b in bounds), min(b[2] for b in bounds)
    return *low, max(b[1] for b in bounds), max(b[3] for b in bounds)
