"""Bodies of one layer of cells: they stretch, but nothing holds them against bending.

Bending stiffness comes of shear between cells one above the other (solvers/elastic/solve.py). A
part that stands alone for a step, a tape or an interposer before anything is attached to it, has
none if it is one cell thick: every column of cells rises and tilts free of energy. So does what of
a part of one layer stands out beyond all others: a tape around a chip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor

import numpy as np

from warp.case.case import Case
from warp.case.plan import LoadStep
from warp.case.stage import Stage
from warp.case.toml_text import dumps
from warp.voxels.grid import SAME, Grid
from warp.voxels.supports import Clamp

ALONE, OUT = "stands alone", "stands out beyond the other parts"
OVERHANG = 0.1
"""Share of a part's area that stands out from which it is told of."""


def single_layers(case: Case, grid: Grid) -> list[str]:
    """List the measured parts that are all of a body one cell thick, one sentence each.

    grid: that of all stages. Neither a body whose faces are clamped nor one that is new bends.
    """
    if case.heat_alone:
        return []
    found: dict[tuple[str, str], dict[int, str]] = {}
    for load_step in case.load_steps:
        if not _bends(load_step):
            continue
        alone = _one_layer(case, grid, load_step)
        parts = _measured(case, load_step)
        if not alone:
            parts = _standing_out(case, grid, load_step.stage, parts)
        for part in parts:
            steps = found.setdefault((part, ALONE if alone else OUT), {})
            steps.setdefault(load_step.step + 1, load_step.name)
    return [_sentence(case, part, steps, how) for (part, how), steps in found.items()]


def remedy(case: Case, grid: Grid, load_step: LoadStep) -> str:
    """Return the sentence about a body of one layer of cells whose solve failed; "" about others.

    grid: that of all stages. Without bending stiffness a residual may not fall.
    """
    if isinstance(load_step.support, Clamp) or not _one_layer(case, grid, load_step):
        return ""
    bodies = case.stages[load_step.stage].package.bodies
    part = next(body.part for body in bodies if body.material is not None)
    return _sentence(case, part, {load_step.step + 1: load_step.name}, ALONE)


def _bends(load_step: LoadStep) -> bool:
    """Tell whether a step may bend its body: it is not clamped, nor all new and free of stress."""
    if isinstance(load_step.support, Clamp):
        return False
    return load_step.temperature is None or set(load_step.stage.present) > set(load_step.attached)


def _one_layer(case: Case, grid: Grid, load_step: LoadStep) -> bool:
    """Tell whether no line of the grid runs between the lowest and the highest solid."""
    bodies = case.stages[load_step.stage].package.bodies
    bounds = [body.bounds for body in bodies if body.material is not None]
    if not bounds:
        return False
    z0, z1 = min(b[4] for b in bounds), max(b[5] for b in bounds)
    return not ((grid.z > z0 + SAME) & (grid.z < z1 - SAME)).any()


def _standing_out(case: Case, grid: Grid, stage: Stage, parts: Sequence[str]) -> list[str]:
    """Return those of some parts that stand out beyond the others on one layer of cells.

    With OVERHANG of their area at least, and by two columns of cells.
    """
    bodies = [b for b in case.stages[stage].package.bodies if b.material is not None]
    thin = [b for b in bodies if b.part in parts and len(_between(grid.z, *b.bounds[4:])) == 1]
    if not thin:
        return []
    low = np.full(grid.shape[1:], len(grid.z))
    high = np.zeros(grid.shape[1:], int)
    for body in bodies:
        for shape in body.shapes:
            rows, columns, levels = _cells(grid, shape.bounds)
            if len(levels):
                own = slice(rows.start, rows.stop), slice(columns.start, columns.stop)
                low[own] = np.minimum(low[own], levels.start)
                high[own] = np.maximum(high[own], levels.stop)
    alone = high - low == 1
    alone[1:] &= alone[:-1].copy()
    alone[:, 1:] &= alone[:, :-1].copy()
    found = []
    for body in thin:
        rows, columns, _ = _cells(grid, body.bounds)
        own = slice(rows.start, rows.stop), slice(columns.start, columns.stop)
        area = grid.area[own]
        if (area * alone[own]).sum() > OVERHANG * area.sum():
            found.append(body.part)
    return found


def _cells(grid: Grid, bounds: Sequence[float]) -> tuple[range, range, range]:
    """Return the rows along y, columns along x and levels of the cells within bounds."""
    x, y, z = (
        _between(line, *bounds[2 * a : 2 * a + 2])
        for a, line in enumerate((grid.x, grid.y, grid.z))
    )
    return y, x, z


def _between(line: np.ndarray, low: float, high: float) -> range:
    """Return the cells of a line whose middle lies between two places."""
    first, last = np.searchsorted((line[1:] + line[:-1]) / 2, (low, high))
    return range(int(first), int(last))


def _measured(case: Case, load_step: LoadStep) -> list[str]:
    """Return the solid parts of a stage of which a surface is reported."""
    bodies = case.stages[load_step.stage].package.bodies
    solid = dict.fromkeys(body.part for body in bodies if body.material is not None)
    if case.surfaces is None:
        return list(solid)
    wanted = {part for part, _ in case.surfaces} | set(case.terminals)
    return [part for part in solid if part in wanted]


def _sentence(case: Case, part: str, steps: Mapping[int, str], how: str) -> str:
    where = ""
    if case.has_steps and len(steps) == 1:
        where = " in step {} ({})".format(*next(iter(steps.items())))
    elif case.has_steps:
        where = f" in steps {', '.join(map(str, steps))}"
    enough = floor(1 / case.grid.refine) + 1  # times refine, rounded up: two
    cells = dumps({part: enough}).strip()
    return (
        f"'{part}' is one layer of cells and {how}{where}: it has no bending stiffness there, and "
        f"its warpage there is no bending; [grid.cells] {cells} gives it two layers"
    )
