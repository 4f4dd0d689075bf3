"""Say where the grid shows arrays of bumps and balls otherwise than they are meant.

- An effective layer covers whole cells of its lattice. A field that is no multiple of the pitch
  leaves a rim beside it, and the rim makes narrow cells right through the package.
- Holes for balls in mould compound: balls that are wider than their holes fill them, and a gap
  that is narrower than the cells there vanishes, so that the balls carry the mould.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil, sqrt

import numpy as np

from warp.case.case import Case
from warp.errors import listed
from warp.geometry.bump_array import BumpArray
from warp.geometry.place import LEVEL, mm, um
from warp.geometry.shapes import Balls, Body, Box, Columns
from warp.run.grids import shaped
from warp.voxels.grid import make_grid

Round = Columns | Balls
COSTLY = 1.25
"""Voxels with rims over those without, from which rims are named."""
NEAR = 0.01
"""Relative change of a pitch that takes nothing from a model."""


def slivers(case: Case) -> list[str]:
    """Name the effective layers whose rims cost many cells of the grid, in one sentence."""
    rims = {
        name: text
        for name, part in case.parts.items()
        if isinstance(part, BumpArray)
        and part.model == "effective"
        and (text := _rims(case, name, part))
    }
    if not rims:
        return []
    bodies = case.bodies()
    whole = [_as_field(case, body) if body.part in rims else body for body in bodies]
    settings, features = case.grid, shaped(case)
    with_rims, without = (
        make_grid(given, settings, case.mirror, features).cells for given in (bodies, whole)
    )
    if with_rims < COSTLY * without:
        return []
    share = 100 * (1 - without / with_rims)
    return [
        f"{listed(list(rims.values()), '; ', 3)}: such rims cost {share:.0f} % of the voxels; "
        "take that pitch, or a field of whole pitches"
    ]


def _rims(case: Case, name: str, part: BumpArray) -> str:
    """Say how much narrower than its field a layer is; "" where it fills it, or is inset."""
    place = case.package.places[name].outline
    field, layer = (place.width, place.depth), _size(case, name)
    found = []
    for axis, (whole, covered, pitch) in enumerate(zip(field, layer, part.pitch, strict=True)):
        rim = (whole - covered) / 2
        fits = whole / round(covered / pitch)
        if LEVEL < rim < pitch / 2 - LEVEL and fits < (1 + NEAR) * pitch:
            found.append(f"{um(rim)} in {'xy'[axis]} (none at a pitch of {um(fits)})")
    sites = f"the sites of '{name}' cover {mm(*layer)} of {mm(*field)}"
    return f"{sites}, a rim of {' and '.join(found)}" if found else ""


def _as_field(case: Case, body: Body) -> Body:
    """Return a layer as large as its field."""
    place = case.package.places[body.part]
    return replace(body, shapes=(Box(*place.outline.bounds, place.z0, place.z1),))


def _size(case: Case, name: str) -> tuple[float, float]:
    """Return width and depth in m of the solids of a part."""
    bounds = np.array([body.bounds for body in case.bodies() if body.part == name])
    (x0, y0), (x1, y1) = bounds[:, [0, 2]].min(axis=0), bounds[:, [1, 3]].max(axis=0)
    return float(x1 - x0), float(y1 - y0)


def openings(case: Case) -> list[str]:
    """Name the balls that fill their holes, or touch them on this grid though they should not."""
    bodies = case.bodies()
    found: dict[str, None] = {}
    for n, hole in enumerate(bodies):
        if hole.material is None:
            for body in bodies[n + 1 :]:
                found.update(dict.fromkeys(_touching(case, hole, body)))
    return list(found)


def _touching(case: Case, hole: Body, body: Body) -> Iterator[str]:
    for outer in hole.shapes:
        for inner in body.shapes:
            if not isinstance(outer, Columns) or not isinstance(inner, Round) or body is hole:
                continue
            wide = _widest(inner, outer.z0, outer.z1)
            gap = (outer.diameter - wide) / 2
            cell = inner.diameter / case.grid.cells_per_diameter / case.grid.refine
            if body.material is None or wide <= 0.0 or gap >= max(cell, LEVEL):
                continue
            if not _shares_a_centre(outer, inner):
                continue
            names = f"'{body.part}' ({um(wide)} there) in '{hole.part}' ({um(outer.diameter)})"
            if gap <= LEVEL:
                yield f"{names} fill their holes: they carry what is around"
            else:
                enough = ceil(inner.diameter / gap / case.grid.refine - 1e-9)
                yield (
                    f"{names}: the gap of {um(gap)} vanishes between cells of {um(cell)}, so that "
                    f"they carry what is around; [grid] cells_per_diameter = {enough} shows it"
                )


def _shares_a_centre(one: Round, other: Round) -> bool:
    """Tell whether a member of one array stands where one of another does."""
    first, second = (
        {tuple(at) for at in np.round(shape.centres * 1e8).astype(np.int64).tolist()}
        for shape in (one, other)
    )
    return not first.isdisjoint(second)


def _widest(shape: Round, z0: float, z1: float) -> float:
    """Return the largest diameter of a member between two heights, 0 beside them."""
    low, high = max(z0, shape.z0), min(z1, shape.z1)
    if high <= low:
        return 0.0
    if isinstance(shape, Columns):
        return shape.diameter
    middle = (shape.z0 + shape.z1) / 2
    off = max(low - middle, middle - high, 0.0)
    return 2 * sqrt(max(0.0, shape.diameter**2 / 4 - off**2))
