"""Draw a process: temperature and warpage step by step, and warpage over temperature.

One line a surface, which joins computed points; larger marks are ends of steps. Below, where the
temperature changes, each stretch between two changes of the body or its support (parts that join or
go, a cut, a table) is one line: a curve that a furnace and shadow moire would show.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from warp.errors import WarpError
from warp.report.plots import DASHES, OKABE_ITO, Picture, page

if TYPE_CHECKING:
    from warp.results.file import Result

SURFACES = 3
NAMED = 6
"""Surfaces that the user named which a table or picture can hold."""
ALIKE = 0.03
"""Share of the warpage by which two curves can be told apart."""
MARKS = "osD^"
LONGEST = 32  # letters of the name of a step below the axis
SLANT = 38  # degrees, of these names
LEAST = 0.042
"""Share of the axis that the name of a step needs, so slanted."""


def draw(result: Result, path: Picture, title: str = "") -> None:
    """Draw the process of a result; WarpError where it has none."""
    records = result.metrics.get("steps")
    if not records:
        raise WarpError("this result has no steps")
    names = shown(result)
    if not names:
        raise WarpError("no surface was measured in its steps")
    varies = len({record["temperature_C"] for record in records} - {None}) > 1
    with page(path, 6.6 if varies else 4.1) as figure:
        above, *rest = figure.subplots(1 + varies, 1, squeeze=False)[:, 0]
        places = spread(records)
        for n, name in enumerate(names):
            _over_moments(above, records, places, name, n)
            for below in rest:
                _over_temperature(below, records, name, n)
        for axes in (above, *rest):
            axes.axhline(0.0, color="#00000060", linewidth=0.6)
            axes.grid(color="#00000018", linewidth=0.5)
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_ylabel("warpage (um), + convex")
        ends = [n for n, record in enumerate(records) if record["last"]]
        names_of_steps = [_shortened(f"{records[n]['step']}. {records[n]['name']}") for n in ends]
        style = {"rotation": SLANT, "ha": "right", "rotation_mode": "anchor", "fontsize": 8}
        above.set_xticks([places[n] for n in ends], names_of_steps, **style)
        for below in rest:
            below.set_xlabel("temperature (degC)")
        (above, *rest)[-1].legend(frameon=False)
        above.set_title(title, loc="left")


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def spread(records: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return where load steps stand along the axis: so that the names of steps have room.

    A step is as wide as it has load steps, and at least LEAST of the axis.
    """
    counts: dict[int, int] = {}
    for record in records:
        counts[record["step"]] = counts.get(record["step"], 0) + 1
    wide = {step: float(count) for step, count in counts.items()}
    for _ in counts:  # each round lifts one step at least, or is the last
        least = LEAST * sum(wide.values())
        wide = {step: max(width, least) for step, width in wide.items()}
    places, at = [], 0.0
    for record in records:
        at += wide[record["step"]] / counts[record["step"]]
        places.append(at)
    return places


def _over_moments(
    axes: Any, records: Sequence[Mapping[str, Any]], places: Sequence[float], name: str, n: int
) -> None:
    points = [
        (at, value, record["last"])
        for at, record in zip(places, records, strict=True)
        if (value := value_of(record, name)) is not None
    ]
    colour = OKABE_ITO[(4, 5, 2)[n % 3]]
    axes.plot(
        [p[0] for p in points],
        [p[1] for p in points],
        color=colour,
        linestyle=DASHES[n % 4],
        linewidth=1.2,
        marker=".",
        markersize=3,
        label=name,
    )
    ends = [p for p in points if p[2]]
    axes.plot([p[0] for p in ends], [p[1] for p in ends], MARKS[n % 4], color=colour, markersize=4)


def _over_temperature(axes: Any, records: Sequence[Mapping[str, Any]], name: str, n: int) -> None:
    """Lines between load steps of one body; the place of a change is left open."""
    colour = OKABE_ITO[(4, 5, 2)[n % 3]]
    stretch: list[tuple[float, float]] = []
    before: tuple[Any, ...] | None = None
    first = True

    def put() -> None:
        nonlocal first
        if stretch:
            x, y = zip(*stretch, strict=True)
            label = name if first else None
            style = {
                "color": colour,
                "linestyle": DASHES[n % 4],
                "linewidth": 1.2,
                "marker": MARKS[n % 4],
                "markersize": 3,
            }
            axes.plot(x, y, label=label, **style)
            first = False

    for record in records:
        body = (tuple(record["parts"]), record["unit"], (record.get("support") or {}).get("on"))
        value, temperature = value_of(record, name), record["temperature_C"]
        if body != before or value is None or temperature is None:
            put()
            stretch = []
        before = body
        if value is not None and temperature is not None:
            stretch.append((temperature, value))
    put()


def value_of(record: Mapping[str, Any], name: str) -> float | None:
    """Warpage in um of a surface PART.SIDE at a load step, None where it was not measured."""
    part, _, side = name.rpartition(".")
    return (record.get("surfaces") or {}).get(part, {}).get(side, {}).get("warpage_um")


def shown(result: Result) -> list[str]:
    """Choose the surfaces of a process that tables and curves show."""
    from warp.report import stored_case  # a table of numbers alone needs no case

    records = result.metrics.get("steps") or []
    named = stored_case.named_surfaces(result)
    return telling(records, named, stored_case.quotable_parts(result))


def telling(
    records: Sequence[Mapping[str, Any]],
    named: Sequence[str] = (),
    parts: Collection[str] | None = None,
) -> list[str]:
    """Choose surfaces for a curve: those that the user named, in his order.

    Without any: unlike ones of `parts` (None: of all), the widest part first. The first is a
    bottom that the most load steps have; the others differ from those before by ALIKE.
    """
    if known := [name for name in named if any(value_of(r, name) is not None for r in records)]:
        return known[:NAMED]
    curves = _curves(records, parts)
    counts = {name: sum(v is not None for v in curve) for name, curve in curves.items()}
    most = {name: _largest(curve) for name, curve in curves.items()}
    whole: dict[str, float] = {}
    for name, value in most.items():
        part = name.rpartition(".")[0]
        whole[part] = max(whole.get(part, 0.0), value)
    areas = _areas(records)

    def rank(name: str) -> tuple[float, float, str, bool]:
        part, _, side = name.rpartition(".")
        return -areas.get(part, 0.0), -whole[part], part, side == "top"

    order = sorted(curves, key=lambda name: (-counts[name], name.endswith(".top"), rank(name)))
    found = order[:1]
    ranked = sorted(order[1:], key=rank)
    for again in (False, True):  # the other side of a part after all others
        for name in ranked:
            known = [other for other in found if _alike(curves[name], curves[other])]
            part = name.rpartition(".")[0]
            seen = any(other.rpartition(".")[0] == part for other in found)
            if len(found) < SURFACES and not known and seen == again:
                found.append(name)
    return found


Warpages: TypeAlias = list[float | None]


def _curves(
    records: Sequence[Mapping[str, Any]], parts: Collection[str] | None
) -> dict[str, Warpages]:
    """Return the warpage of each surface PART.SIDE of `parts` over the records."""
    names = {
        f"{part}.{side}": None
        for record in records
        for part, sides in (record.get("surfaces") or {}).items()
        for side in sides
    }
    wanted = [n for n in names if parts is None or n.rpartition(".")[0] in parts] or list(names)
    return {name: [value_of(record, name) for record in records] for name in wanted}


def _areas(records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the largest measuring zone of each part in mm2, three digits of it."""
    found: dict[str, float] = {}
    for record in records:
        for part, sides in (record.get("surfaces") or {}).items():
            for numbers in sides.values():
                area = numbers.get("zone_x_mm", 0.0) * numbers.get("zone_y_mm", 0.0)
                found[part] = max(found.get(part, 0.0), float(f"{area:.3g}"))
    return found


def _largest(curve: Warpages) -> float:
    return max((abs(v) for v in curve if v is not None), default=0.0)


def _alike(one: Warpages, other: Warpages) -> bool:
    """Tell whether two curves are one within ALIKE wherever both are known."""
    both = [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]
    apart = max((abs(a - b) for a, b in both), default=float("inf"))
    return apart <= ALIKE * max(_largest(one), _largest(other))


def duration(seconds: float) -> str:
    """Write a time as a clock on a line would show it."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"
