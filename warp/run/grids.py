"""Lay the grids of a process: one for all stages, and the part that singulation leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from warp.geometry.part import PowerSpec
from warp.geometry.shapes import Body, Box, Sheet
from warp.voxels.features import Bounds, Feature, of_pictures, of_sources
from warp.voxels.grid import Grid, make_grid

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.case.singulation import Rectangle
    from warp.case.stage import Stage

SLACK = 1e-9  # of a count of cells
Block = tuple[slice, slice, slice]
"""Cells [z, y, x] of a grid."""


def common_grid(case: Case) -> Grid:
    """Return one grid for all stages of a case, with lines on every cut."""
    bodies = case.bodies()
    bounds = np.array([body.bounds for body in bodies])
    z0, z1 = float(bounds[:, 4].min()), float(bounds[:, 5].max())
    cuts = [Body("cut", None, (Box(*unit, z0, z1),)) for unit in units(case)]
    return make_grid([*bodies, *cuts], case.grid, case.mirror, shaped(case))


def units(case: Case) -> list[Rectangle]:
    """Return the rectangles that the steps of a case cut out, each once."""
    found = (load_step.stage.unit for load_step in case.load_steps)
    return list(dict.fromkeys(unit for unit in found if unit is not None))


def shaped(case: Case) -> list[Feature]:
    """Return what has a shape in a case and is no part.

    Blocks, maps and depths of power, and patches of copper in pictures.
    """
    given = {name: getattr(part, "power", None) for name, part in case.parts.items()}
    deep = {
        name
        for name, power in given.items()
        if isinstance(power, PowerSpec) and "depth" in power.model_fields_set
    }
    sheets = [shape for body in case.bodies() for shape in body.shapes if isinstance(shape, Sheet)]
    return [*of_sources(case.sources, extents(case), deep), *of_pictures(sheets)]


def extents(case: Case) -> dict[str, Bounds]:
    """Return x0, x1, y0, y1, z0, z1 in m of every part that gives off heat."""
    places = case.package.places
    return {
        source.part: (
            *places[source.part].outline.bounds,
            places[source.part].z0,
            places[source.part].z1,
        )
        for source in case.sources
    }


def stage_grid(case: Case, grid: Grid, stage: Stage) -> Grid:
    """Return the grid of a stage: that of the case, or what a cut leaves of it, divided further."""
    if stage.unit is None:
        return grid
    left, _ = cut_grid(grid, stage.unit)
    if stage.unit_spacing is None:
        return left
    most = stage.unit_spacing / case.grid.refine
    return replace(left, x=_divided(left.x, most), y=_divided(left.y, most))


def each_grid(case: Case) -> list[Stage]:
    """Return one stage for each grid that a case is solved on."""
    stages = [load_step.stage for load_step in case.load_steps]
    return list({(stage.unit, stage.unit_spacing): stage for stage in stages}.values())


def _divided(lines: np.ndarray, most: float) -> np.ndarray:
    """Divide the intervals between lines equally, into as many as are `most` wide at most."""
    counts = np.maximum(1, np.ceil(np.diff(lines) / most - SLACK)).astype(int)
    ends = zip(lines[:-1], lines[1:], counts, strict=True)
    parts = [np.linspace(a, b, n, endpoint=False) for a, b, n in ends]
    return np.append(np.concatenate(parts), lines[-1])


def cut_grid(grid: Grid, unit: Rectangle) -> tuple[Grid, Block]:
    """Return the grid inside the rectangle `unit` and the cells of `grid` that it keeps.

    A mirror plane that the cut removes is a free face afterwards.
    """
    cells, mirror = [slice(0, grid.shape[0])], []
    for axis in (1, 0):
        lines = (grid.x, grid.y)[axis]
        low, high = unit[2 * axis : 2 * axis + 2]
        mirrored = grid.mirror[axis] and low < lines[0] - 0.5 * (lines[1] - lines[0])
        first = 0 if mirrored else int(np.abs(lines - low).argmin())
        cells.append(slice(first, int(np.abs(lines - high).argmin())))
        mirror.append(mirrored)
    z, y, x = cells
    columns, rows = grid.x[x.start : x.stop + 1], grid.y[y.start : y.stop + 1]
    mirrors = bool(mirror[1]), bool(mirror[0])
    return Grid(columns, rows, grid.z, mirrors, grid.breaks), (z, y, x)
