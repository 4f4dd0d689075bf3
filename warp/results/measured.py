"""Show the surfaces of a result as an instrument would: the whole footprint above one plane.

The plane is the least-squares plane of the measuring zone, so that the picture and the number of a
surface belong together: heights in the zone are the residual whose peak to valley is the warpage,
heights outside show what the zone leaves out. Up (towards the lid) is positive, on a top and on a
bottom alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from warp.errors import WarpError
from warp.results import flatness
from warp.results.flatness import Warpage
from warp.results.surface import SIDES, Side, Surface, Zone, sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from warp.results.file import Result

FEW = 4  # surfaces that are drawn unless more are asked for
WHOLE = 1e-6  # m: a zone that leaves out less than this of a footprint is the whole


@dataclass(frozen=True)
class Flat:
    """Hold one surface with its numbers.

    surface is the whole footprint, warpage.surface the measuring zone.
    """

    warpage: Warpage
    surface: Surface

    @cached_property
    def height(self) -> np.ndarray:
        """(m+1, n+1) height above the zone's plane at the vertices [m], NaN off the footprint."""
        a, b, c = self.warpage.plane
        return self.surface.w - (a + b * self.surface.x[None, :] + c * self.surface.y[:, None])

    @property
    def name(self) -> str:
        return f"{self.surface.part}.{self.surface.side}"

    @property
    def zone(self) -> tuple[float, float, float, float] | None:
        """x0, x1, y0, y1 of the measuring zone [m], None where it is the whole footprint."""
        bounds, whole = self.warpage.surface.bounds, self.surface.bounds
        return (
            None if max(abs(a - b) for a, b in zip(bounds, whole, strict=True)) < WHOLE else bounds
        )

    @property
    def shape(self) -> str:
        return "convex" if self.warpage.value >= 0 else "concave"


def flat(result: Result, part: str, side: Side) -> Flat:
    """Measure one surface of a result over the zone that the run used."""
    surface = sample(result, result.displacement, part, side)
    return Flat(flatness.warpage(surface, zone(result.metrics, surface)), surface)


def zone(metrics: Mapping[str, Any], surface: Surface) -> Zone:
    """Return the measuring zone that a surface's numbers were read in, None = all of it.

    metrics: of the result, or of one of its steps.
    """
    numbers = metrics.get("surfaces", {}).get(surface.part, {}).get(surface.side)
    if not numbers:
        return None
    x0, x1, y0, y1 = surface.bounds
    w, d = numbers["zone_x_mm"] * 1e-3, numbers["zone_y_mm"] * 1e-3
    # Files written before zones had a place: about the middle of the footprint.
    left = numbers["zone_x0_mm"] * 1e-3 if "zone_x0_mm" in numbers else (x0 + x1 - w) / 2
    low = numbers["zone_y0_mm"] * 1e-3 if "zone_y0_mm" in numbers else (y0 + y1 - d) / 2
    return (left, left + w, low, low + d)


def known(result: Result) -> list[tuple[str, Side]]:
    """List every surface that the run measured."""
    return [
        (part, cast(Side, side))
        for part, sides in result.metrics.get("surfaces", {}).items()
        for side in sides
    ]


def finished(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the load steps of a process whose parts and unit are those of the last one."""
    return [
        record
        for record in records
        if all(record.get(key) == records[-1].get(key) for key in ("parts", "unit", "body"))
    ]


def chosen(result: Result, names: Iterable[str]) -> list[tuple[str, Side]]:
    """Return surfaces by their names PART.top, PART.bottom or "all".

    Without any name, those that a reader asks for first.
    """
    names = list(names)
    if not names:
        return telling(result)
    if names == ["all"]:
        return known(result)
    found: list[tuple[str, Side]] = []
    for name in names:
        part, _, side = name.rpartition(".")
        if side not in SIDES or part not in result.parts:
            raise WarpError(
                f"no surface {name!r}: write PART.top or PART.bottom with a part of "
                f"{', '.join(result.parts)}"
            )
        found.append((part, side))
    return found


def telling(result: Result) -> list[tuple[str, Side]]:
    """Return the surfaces that a reader asks for first, the one to the board before others.

    They are the bottom of the lowest wide part, the top of the hottest part (the chip, under power)
    and the top of the highest one.
    """
    measured = known(result)
    if not measured:
        return []
    surfaces = result.metrics["surfaces"]
    heights, _ = _shapes(result)
    temperatures = {
        p: t["max_C"] for p, t in result.metrics.get("temperature", {}).items() if p in surfaces
    }
    wanted = [(board_part(result), "bottom"), (max(surfaces, key=lambda p: heights[p]), "top")]
    if temperatures and not result.metrics.get("uniform_temperature"):
        wanted.append((max(temperatures, key=temperatures.__getitem__), "top"))
    return [surface for surface in measured if len(measured) <= FEW or surface in wanted]


def board_part(result: Result) -> str | None:
    """Return the part whose bottom meets the board: the lowest that is wide and filled.

    Rings and arrays of balls do not count.
    """
    surfaces = result.metrics.get("surfaces", {})
    sizes = {
        p: max(s["zone_x_mm"] * s["zone_y_mm"] for s in sides.values())
        for p, sides in surfaces.items()
    }
    heights, fill = _shapes(result)
    wide = [p for p in sizes if sizes[p] > 0.5 * max(sizes.values())]
    return min([p for p in wide if fill[p] > 0.5] or wide, key=lambda p: heights[p], default=None)


def _shapes(result: Result) -> tuple[dict[str, float], dict[str, float]]:
    """Return each part's mean height [m] and how much of its rectangle in plane it fills."""
    part_of, count = np.asarray(result.media.part), len(result.parts)
    volume, moment = np.zeros(count), np.zeros(count)
    covered = np.zeros((count, *result.ids.shape[1:]), bool)
    for k, z in enumerate(result.grid.zc):
        part = part_of[result.ids[k]]
        found = np.bincount(part[part >= 0], minlength=count) * result.grid.dz[k]
        volume += found
        moment += found * z
        j, i = np.nonzero(part >= 0)
        covered[part[j, i], j, i] = True
    fill = []
    for where in covered:
        rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
        box = where[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if rows.size else where
        dy, dx = (
            w[n[0] : n[-1] + 1] if n.size else w
            for w, n in ((result.grid.dy, rows), (result.grid.dx, columns))
        )
        fill.append(float(dy @ box @ dx / (dy.sum() * dx.sum())))
    heights = moment / np.maximum(volume, 1e-300)
    return dict(zip(result.parts, heights, strict=True)), dict(zip(result.parts, fill, strict=True))
