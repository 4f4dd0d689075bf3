"""Draw the bodies of a process: sections at the start and after every step that changes them.

Each is cropped to what is there and cut where it has most parts, or on one plane. All are on one
scale but those that are much narrower than the widest: a unit of a panel, a package before its
board.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from warp.case.stage import Stage
from warp.case.steps.remove import Remove
from warp.errors import WarpError
from warp.report import mixture_names, palette, sections
from warp.report.palette import Paint
from warp.report.plots import Picture, lines_of, page
from warp.report.sections import ACROSS, COLUMNS, MOST, Cut, Section, draw_cells, legend, section

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.case.stage import LoadStep
    from warp.results.file import Result
    from warp.voxels.grid import Grid
    from warp.voxels.voxelize import VoxelModel

START = "at the start"
NARROW = 0.5
"""Width over the widest body's below which a body has a scale of its own."""


def of_case(case: Case, model: VoxelModel, path: Picture, cut: Cut | None = None) -> None:
    """Draw a case on a plane; body by body where it never has all parts, or some go again.

    model: the voxels of all parts at once.
    """
    paints = palette.of(model, case)
    removes = any(isinstance(step, Remove) for step in case.file.step)
    if not removes and any({*case.parts} <= {*stage.present} for stage in case.stages):
        sections.cross_section(model, path, cut, case.title, paints, case)
    else:
        _by_steps(case, model.grid, paints, path, cut, case.title)


def by_steps(result: Result, path: Picture, title: str = "") -> None:
    """Draw the body after every process step that changes it, on one scale."""
    from warp.report import stored_case
    from warp.run.grids import common_grid

    case = stored_case.parsed(result)
    if not case.has_steps:
        raise WarpError("this result has no steps")
    _by_steps(case, common_grid(case), palette.of(result), path, None, title)


def _by_steps(
    case: Case,
    grid: Grid,
    paints: Mapping[str, Paint],
    path: Picture,
    cut: Cut | None,
    title: str,
) -> None:
    """Draw the bodies of a process on a grid, each cropped to what is there."""
    bodies = _bodies(case, grid, cut)
    shown = [(name, sections.alike_joined(one, paints)) for name, one in bodies]
    if not shown:
        raise WarpError("no body of the process reaches this plane")
    left, right = _range([one.across for _, one in shown])
    low, high = _range([one.up for _, one in shown])
    named: dict[str, Paint] = {}
    made_of = mixture_names.of_case(case)
    for _, one in shown:
        for name, material in zip(one.names, one.materials, strict=True):
            named.setdefault(mixture_names.put(name, material, made_of), paints[material])
    if len(named) > MOST:
        found = dict.fromkeys(material for _, one in shown for material in one.materials)
        named = {
            mixture_names.put(material, material, made_of): paints[material] for material in found
        }
    rows = -(-len(shown) // 2)
    level = shown[0][1].cut.axis == "z"
    tall = min(4.0, 3.2 * (high - low) / (right - left)) + 0.6 if level else 1.6
    narrow = [np.ptp(one.across) < NARROW * (right - left) for _, one in shown]
    tall += 0.2 * any(narrow)
    with page(path, tall * rows + 0.6 + 0.17 * -(-len(named) // COLUMNS)) as figure:
        every = figure.subplots(rows, 2, sharey=not level, squeeze=False)
        for n, (name, one) in enumerate(shown):
            axes, own = every.flat[n], narrow[n]
            draw_cells(axes, one, paints)
            if not own:
                axes.set(xlim=(left, right), ylim=(low, high))
            elif not level:
                axes.set_ylim(low, high)
            axes.locator_params(axis="x", nbins=5)
            axes.set_ylabel(ACROSS[one.cut.axis][1] + " (mm)")
            if one.cut.axis == "z":
                axes.set_aspect("equal")
            plane = f"{one.cut.axis} = {one.at:.3g} mm"
            scale = f", {(right - left) / np.ptp(one.across):.2g} times as wide" if own else ""
            axes.set_title(f"{name}, {plane}{scale}", loc="left", fontsize=8)
            if not any(narrow):
                axes.label_outer()
            elif n < len(shown) - 2:
                axes.set_xlabel("")
            if n % 2:
                axes.set_ylabel("")
        for axes in every.flat[len(shown) :]:
            axes.set_visible(False)
        legend(figure, list(named), list(named.values()))
        planes = next((text for _, one in shown if (text := sections.asked(one))), "")
        if heading := lines_of(title, planes.removeprefix(", ")):
            figure.suptitle(heading, x=0.02, ha="left", fontsize=9)


def _range(lines: Sequence[np.ndarray]) -> tuple[float, float]:
    return min(float(v[0]) for v in lines), max(float(v[-1]) for v in lines)


def _bodies(case: Case, grid: Grid, cut: Cut | None) -> Iterator[tuple[str, Section]]:
    """Yield the section of the body before the first step, if there is one that this step changes.

    Then that after every step that changes it; each with its name.
    """
    from warp.run.stage_model import voxels_of

    before: dict[str, tuple[object, ...]] = {}
    case, start = _with_start(case)
    for step in (*start, *case.load_steps):
        body = (step.stage.present, step.stage.unit)
        if step.last and body != before.get(step.body):
            before[step.body], model = body, voxels_of(case, step, grid)
            name = START if step in start else f"{step.step + 1}. {step.name}"
            try:
                shown = section(model, cut)
            except WarpError:  # the plane misses what is left
                continue
            yield name, shown


def _with_start(case: Case) -> tuple[Case, list[LoadStep]]:
    """Return the case with the stage before its first step, and the load step that is there.

    No load step where no part is there yet, or where the first step leaves all as they are.
    """
    from warp.case.stages import assembly_of

    joined = {part for step in case.file.step for part in step.joins}
    stage = Stage(tuple(name for name in case.parts if name not in joined))
    first = next(step for step in case.load_steps if step.last and not step.body)
    same = first.stage.unit is None and {*first.stage.present} == {*stage.present}
    if same or all(case.parts[name].is_void for name in stage.present):
        return case, []
    made, _ = assembly_of(case.file, stage, case.path.parent, checked=False)
    return replace(case, stages={**case.stages, stage: made}), [replace(first, stage=stage)]
