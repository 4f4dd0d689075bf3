"""Differentiate a case or a result file, and write the fields of the gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from warp.adjoint.gradient import Gradient, case_of, of_result
from warp.adjoint.refused import refuse
from warp.adjoint.tape import Tape
from warp.case import case as cases
from warp.errors import WarpError
from warp.results import file as results
from warp.results.file import Result
from warp.results.measured import board_part
from warp.run import process
from warp.run import refine as refinement
from warp.run.load_step import OnProgress
from warp.run.to_file import inputs

RESULT = (".h5", ".hdf5")


@dataclass(frozen=True)
class Differentiated:
    """A result and the gradients of some of its metrics."""

    result: Result
    gradients: list[Gradient]

    def error_of(self, gradient: Gradient) -> float | None:
        """Return the discretisation error of a metric in its unit, where it was estimated."""
        metrics = self.result.metrics
        part, _, side = gradient.metric.partition(".")
        surface = metrics.get("surfaces", {}).get(part, {}).get(side, {})
        temperatures = metrics.get("temperature", {}).get(part, {})
        junction = metrics.get("thermal", {}).get("junction_error_K")
        error: float | None = surface.get("warpage_error_um")
        if error is None:
            error = temperatures.get(f"{side}_error_K")
        return junction if gradient.metric == "junction" else error


def differentiate(
    path: Path,
    overrides: Mapping[str, str],
    metrics: Sequence[str],
    device: str,
    on_progress: OnProgress,
    target: Path | None = None,
    *,
    refine: bool = False,
    together: Sequence[Sequence[str]] = (),
) -> Differentiated:
    """Solve a case, or read its result, and differentiate metrics; write fields to `target`.

    metrics: by default the warpage of the side to the board, or the junction temperature of a case
    that solves heat alone. together: as in `inputs`. Raises WarpError where that is impossible,
    before it solves.
    """
    if target is not None and len(metrics) > 1:
        raise WarpError("--map writes the fields of one metric: give --of once")
    result, tape = _result(path, overrides, device, on_progress, target, refine)
    names = list(metrics) or [default_metric(result)]
    maps = target is not None
    found = of_result(result, names, device, on_progress, maps=maps, together=together, tape=tape)
    if target is not None:
        _write(result, found[0], target)
    return Differentiated(result, found)


def _result(
    path: Path,
    overrides: Mapping[str, str],
    device: str,
    on_progress: OnProgress,
    target: Path | None,
    on_finer: bool,
) -> tuple[Result, Tape | None]:
    """Read a result, or solve a case with all fields that its gradient needs.

    Returns the states of a process that was solved, too.
    """
    if path.suffix.lower() in RESULT:
        if overrides or on_finer:
            raise WarpError("--set and --refine solve a case: give CASE.toml instead of a result")
        result = results.read(path)
        case_of(result)
        if target is not None:
            results.check_result(target, inputs=[path])
        return result, None
    case = cases.load(path, dict(overrides))
    refuse(case)
    if target is not None:
        results.check_result(target, inputs=inputs(case))
    case = with_fields(case)
    if on_finer:
        return refinement.solve(case, device, on_progress), None
    tape = Tape(case) if case.has_steps else None
    return process.solve(case, device, on_progress, on_state=tape), tape


def with_fields(case: cases.Case) -> cases.Case:
    """Return the case with the fields stored that its gradient needs."""
    fields = ("temperature", "displacement")
    output = case.file.output.model_copy(
        update={"fields": tuple(dict.fromkeys((*case.file.output.fields, *fields)))}
    )
    return replace(case, file=case.file.model_copy(update={"output": output}))


def default_metric(result: Result) -> str:
    """Name the warpage of the side to the board, or the junction temperature."""
    part = board_part(result) if result.metrics.get("surfaces") else None
    return "junction" if part is None else f"{part}.bottom"


def board_surface(case: cases.Case) -> str:
    """Name the underside of the lowest of the widest parts, before anything is solved."""
    places = {
        name: place
        for name, place in case.package.places.items()
        if name in {body.part for body in case.bodies() if body.material is not None}
    }
    areas = {name: p.outline.width * p.outline.depth for name, p in places.items()}
    wide = [name for name in areas if areas[name] > 0.5 * max(areas.values())]
    return min(wide, key=lambda name: places[name].z0) + ".bottom"


def plain(metric: str) -> str:
    """Return a metric's name as part of a file name."""
    return "".join(letter if letter.isalnum() else "-" for letter in metric)


def _write(result: Result, gradient: Gradient, target: Path) -> None:
    """Write the result with the fields of a gradient."""
    if gradient.stiffness is None or gradient.expansion is None:
        raise WarpError(f"--map: {gradient.metric} does not depend on displacements")
    if gradient.stiffness.shape != result.grid.shape:
        raise WarpError(f"--map: {gradient.metric} has other voxels than the result, before a cut")
    fields = {
        "stiffness_gradient": gradient.stiffness.astype(np.float32),
        "expansion_gradient": gradient.expansion.astype(np.float32),
    }
    replace(result, fields={**result.fields, **fields}).write(target)
