"""Say where the grid shows arrays of bumps and balls otherwise than they are meant.

- An effective layer covers whole cells of its lattice. A field that is no multiple of the pitch
  leaves a rim beside it, and the rim makes narrow cells right through the package.
- Holes for balls in mould compound: balls that are wider than their holes fill them, and a gap
  that is narrower than the cells there vanishes, so that the balls carry the mould.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, sqrt

import numpy as np

from warp.case.case import Case
from warp.geometry.bump_array import BumpArray
from warp.geometry.place import LEVEL, mm, um
from warp.geometry.shapes import Balls, Body, Columns
from warp.voxels.finest import finest
from warp.voxels.grid import Grid

Round = Columns | Balls


def slivers(case: Case, grid: Grid) -> list[str]:
    """Name the effective layers whose rim makes the finest cells of a grid in plane."""
    blamed = finest(case.bodies(), grid)
    found = []
    for name, part in case.parts.items():
        if not isinstance(part, BumpArray) or part.model != "effective":
            continue
        place = case.package.places[name].outline
        field, layer = (place.width, place.depth), _size(case, name)
        rims = []
        for axis, (whole, covered, pitch) in enumerate(zip(field, layer, part.pitch, strict=True)):
            rim = (whole - covered) / 2
            if name in blamed["xy"[axis]].parts and LEVEL < rim < pitch / 2 - LEVEL:
                fits = um(whole / round(covered / pitch))
                rims.append(f"{um(rim)} in {'xy'[axis]} (a pitch of {fits} leaves none)")
        if rims:
            sites = f"its sites cover {mm(*layer)} of a field of {mm(*field)}"
            cells = f"the rim makes the finest cells: {', '.join(rims)}"
            found.append(f"part '{name}': {sites}, and {cells}; or make the field as large")
    return found


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
            if body.material is None or not _shares_a_centre(outer, inner):
                continue
            wide = _widest(inner, outer.z0, outer.z1)
            gap = (outer.diameter - wide) / 2
            names = f"'{body.part}' ({um(wide)} there) in '{hole.part}' ({um(outer.diameter)})"
            cell = inner.diameter / case.grid.cells_per_diameter / case.grid.refine
            if wide <= 0.0:
                continue
            if gap <= LEVEL:
                yield f"{names} fill their holes: they carry what is around"
            elif gap < cell:
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
