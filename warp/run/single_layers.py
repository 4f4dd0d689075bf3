"""Bodies of one layer of cells: they stretch, but nothing holds them against bending.

Bending stiffness comes of shear between cells one above the other (solvers/elastic/solve.py). A
part that stands alone for a step, a tape or an interposer before anything is attached to it, has
none if it is one cell thick: every column of cells rises and tilts free of energy.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import floor

from warp.case.case import Case
from warp.case.plan import LoadStep
from warp.case.toml_text import dumps
from warp.voxels.grid import SAME, Grid
from warp.voxels.supports import Clamp


def single_layers(case: Case, grid: Grid) -> list[str]:
    """List the measured parts that are all of a body one cell thick, one sentence each.

    grid: that of all stages. Neither a body whose faces are clamped nor one that is new bends.
    """
    if case.heat_alone:
        return []
    found: dict[str, dict[int, str]] = {}
    for load_step in case.load_steps:
        if _bends(load_step) and _one_layer(case, grid, load_step):
            for part in _measured(case, load_step):
                found.setdefault(part, {}).setdefault(load_step.step + 1, load_step.name)
    return [_sentence(case, part, steps) for part, steps in found.items()]


def remedy(case: Case, grid: Grid, load_step: LoadStep) -> str:
    """Return the sentence about a body of one layer of cells whose solve failed; "" about others.

    grid: that of all stages. Without bending stiffness a residual may not fall.
    """
    if isinstance(load_step.support, Clamp) or not _one_layer(case, grid, load_step):
        return ""
    bodies = case.stages[load_step.stage].package.bodies
    part = next(body.part for body in bodies if body.material is not None)
    return _sentence(case, part, {load_step.step + 1: load_step.name})


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


def _measured(case: Case, load_step: LoadStep) -> list[str]:
    """Return the solid parts of a stage of which a surface is reported."""
    bodies = case.stages[load_step.stage].package.bodies
    solid = dict.fromkeys(body.part for body in bodies if body.material is not None)
    if case.surfaces is None:
        return list(solid)
    wanted = {part for part, _ in case.surfaces} | set(case.terminals)
    return [part for part in solid if part in wanted]


def _sentence(case: Case, part: str, steps: Mapping[int, str]) -> str:
    where = ""
    if case.has_steps and len(steps) == 1:
        where = " in step {} ({})".format(*next(iter(steps.items())))
    elif case.has_steps:
        where = f" in steps {', '.join(map(str, steps))}"
    enough = floor(1 / case.grid.refine) + 1  # times refine, rounded up: two
    remedy = dumps({part: enough}).strip()
    return (
        f"'{part}' is one layer of cells and stands alone{where}: it has no bending stiffness, and "
        f"its warpage there is no bending; [grid.cells] {remedy} gives it two layers"
    )
