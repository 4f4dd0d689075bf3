"""Shapes that are no parts and still need lines of the grid: heated rectangles, copper in pictures.

A square source of side w with q W/m2 on a half space of conductivity k is 0.56 q w / k hotter than
its surroundings (M. M. Yovanovich et al., J. Spacecraft 14 (1977) 418). So a source that the grid
cannot see is wrong by a fraction of q w: each gets CELLS cells across, yet none narrower than the
width w at which q w falls to SHARE of q w of its whole part, because a map of many small rectangles
whose watts hardly differ needs no cells in each of them.

A voxel has the mean coverage of a picture of copper: right for traces that are finer than it, and
wrong to first order in its width at the edge of a plane. So straight edges of patches that are as
wide as a cell or wider get lines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

import numpy as np

from warp.geometry.shapes import Regions, Sheet
from warp.voxels.conditions import Source

CELLS = 8  # across a heated rectangle: its rise of temperature is right to 1 %
FEWEST = 4  # below this the rise of a rectangle is an average over its surroundings
SHARE = 0.02  # of the rise of a part with its heat spread evenly: below that a source is not seen
STEP = 0.1  # of a map's largest entry: neighbours that differ less are one source
SAME = 1e-8  # m
JUMP = 0.5  # of the coverage from pixel to pixel: less is no edge
EDGE = 0.2  # of a picture's side: shorter edges are no lines
PATCH = 1 / 45  # of a picture's side: narrower patches are averaged over
ROUND_OFF = 1e-6
Bounds = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class Feature:
    """A box in m with sides on lines of the grid, and the widest cells in and next to it.

    within: bottom and top of the part that it belongs to. spacing: along x and y; z takes the
    lesser. lines_in_z: its top and bottom are lines.
    """

    bounds: Bounds
    within: tuple[float, float]
    spacing: tuple[float, float]
    lines_in_z: bool = False

    def ranges(self, axis: int, most: float, uniform: bool) -> tuple[float, float, float]:
        """Return start, end and the widest cell along x (0) or y (1)."""
        start, end = self.bounds[2 * axis : 2 * axis + 2]
        return start, end, most if uniform else min(most, self.spacing[axis])

    def layers(self, least: float) -> Iterator[tuple[float, float, float]]:
        """Yield ranges in z with the thickest cell in them, none of them thinner than `least`.

        Heat of a rectangle spreads in depth over its own width.
        """
        z0, z1 = self.bounds[4:]
        if self.lines_in_z:
            yield z0, z1, z1 - z0
        sides = [self.bounds[1] - self.bounds[0], self.bounds[3] - self.bounds[2]]
        width = min(
            (side for side, h in zip(sides, self.spacing, strict=True) if h < inf), default=0
        )
        low, high = max(self.within[0], z0 - width), min(self.within[1], z1 + width)
        cell = max(least, min(self.spacing))
        if cell < high - low:
            yield low, high, cell


def of_sources(
    sources: Sequence[Source], parts: Mapping[str, Bounds], layered: Collection[str] = ()
) -> list[Feature]:
    """Return what heat sources need.

    parts: the extent of every part with a source. layered: parts whose source has a depth that the
    grid must follow.
    """
    found = []
    for source, bounds, spacing in _rectangles(sources, parts):
        found.append(Feature(bounds, parts[source.part][4:], spacing))
    for source in sources:
        if source.part in layered and source.z is not None:
            box = (*parts[source.part][:4], *source.z)
            found.append(Feature(box, parts[source.part][4:], (inf, inf), lines_in_z=True))
    return found


def of_pictures(sheets: Iterable[Sheet]) -> list[Feature]:
    """Return lines on the sides of regions, and on the edges of wide patches in pictures."""
    found = []
    for sheet in sheets:
        x0, x1, y0, y1, z0, z1 = sheet.bounds
        if isinstance(sheet, Regions):
            across, up = (list(map(float, lines)) for lines in sheet.lines())
        else:
            across = _patches(x0, x1, sheet.fraction)
            up = _patches(y0, y1, sheet.fraction.T)
        for first, last in pairwise(across):
            found.append(Feature((first, last, y0, y1, z0, z1), (z0, z1), (inf, inf)))
        for first, last in pairwise(up):
            found.append(Feature((x0, x1, first, last, z0, z1), (z0, z1), (inf, inf)))
    return found


def _patches(start: float, end: float, fraction: np.ndarray) -> list[float]:
    """Return the positions of edges along the second axis of a picture, and its ends.

    An edge is nowhere nearer to the next one than PATCH.
    """
    jumps = (np.abs(np.diff(fraction, axis=1)) >= JUMP).mean(axis=0)
    pixel = (end - start) / fraction.shape[1]
    at = start + pixel * (np.flatnonzero(jumps >= EDGE) + 1)
    least = PATCH * (end - start)
    edges = [start, *map(float, at), end]
    apart = [
        b
        for a, b, c in zip(edges, edges[1:], edges[2:], strict=False)
        if b - a >= least and c - b >= least
    ]
    return [start, *apart, end] if apart else []


def unresolved(
    sources: Sequence[Source], parts: Mapping[str, Bounds], x: np.ndarray, y: np.ndarray
) -> dict[str, tuple[float, float]]:
    """Return the parts with a source that fewer than FEWEST cells cross: its width and theirs in m.

    x, y: lines of the grid. The worst source of each part; those beyond a mirror plane do not
    count, nor do those too weak to be seen.
    """
    worst: dict[str, tuple[float, float]] = {}
    for source, bounds, spacing in _rectangles(sources, parts):
        for axis, lines in ((0, x), (1, y)):
            start, end = bounds[2 * axis : 2 * axis + 2]
            touched = (lines[1:] > start + SAME) & (lines[:-1] < end - SAME)
            if spacing[axis] == inf or not touched.any():
                continue
            width, cell = end - start, float(np.diff(lines)[touched].max())
            seen = spacing[axis] * FEWEST < width * (1 + SAME)
            few = width < FEWEST * cell * (1 - ROUND_OFF)
            known = worst.get(source.part)
            if seen and few and (known is None or width / cell < known[0] / known[1]):
                worst[source.part] = (width, cell)
    return worst


def _rectangles(
    sources: Sequence[Source], parts: Mapping[str, Bounds]
) -> Iterator[tuple[Source, Bounds, tuple[float, float]]]:
    """Yield every source, rectangle by rectangle, with the cells that it needs along x and y.

    A map is a stripe along y for every run of columns, and one along x for its rows.
    """
    total: dict[str, float] = {}
    for source in sources:
        total[source.part] = total.get(source.part, 0.0) + float(np.sum(source.watts))
    for source in sources:
        watts = np.asarray(source.watts, float)
        if source.x is None or source.y is None or not watts.any():
            continue
        x0, x1, y0, y1 = parts[source.part][:4]
        even = total[source.part] / (x1 - x0) / (y1 - y0)
        across = min(x1 - x0, y1 - y0)
        flux = watts / np.outer(np.diff(source.y), np.diff(source.x)) / even
        z = parts[source.part][4:] if source.z is None else source.z
        if watts.size == 1:
            x0, x1, y0, y1 = map(float, (*source.x, *source.y))
            floor = SHARE * across / float(flux.max())
            cells = (max((x1 - x0) / CELLS, floor), max((y1 - y0) / CELLS, floor))
            yield source, (x0, x1, y0, y1, *z), cells
            continue
        for start, end, cell in _runs(source.x, flux, SHARE * across):
            yield source, (start, end, float(source.y[0]), float(source.y[-1]), *z), (cell, inf)
        for start, end, cell in _runs(source.y, flux.T, SHARE * across):
            yield source, (float(source.x[0]), float(source.x[-1]), start, end, *z), (inf, cell)


def _runs(at: np.ndarray, flux: np.ndarray, least: float) -> Iterator[tuple[float, float, float]]:
    """Yield runs of columns as start, end and the cell that they need.

    Columns in a run are alike, or all of them narrower than `least` over their largest entry.
    """
    jumps = np.abs(np.diff(flux, axis=1)).max(0) > STEP * flux.max()
    ends = [0, *(np.flatnonzero(jumps) + 1), flux.shape[1]]
    found: list[tuple[float, float, float]] = []
    for first, last in pairwise(ends):
        start, end, peak = float(at[first]), float(at[last]), float(flux[:, first:last].max())
        if found and peak > 0 and found[-1][2] > 0:
            before, _, highest = found[-1]
            if found[-1][1] - before < least / max(peak, highest):
                found[-1] = (before, end, max(peak, highest))
                continue
        found.append((start, end, peak))
    for start, end, peak in found:
        if peak > 0:
            width, floor = end - start, least / peak
            yield start, end, width if width < 2 * floor else max(width / CELLS, floor)
