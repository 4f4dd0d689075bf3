"""Identify values of a case from files of measured surfaces: read, lay, search, collect.

A measured rectangle is centred on the computed measuring zone, as `compare` does; what lies outside
the zone is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from warp.adjoint.identified import Identified
from warp.adjoint.identify import Search
from warp.adjoint.observation import Observation
from warp.adjoint.prediction import Predictor
from warp.adjoint.refused import refuse
from warp.adjoint.runs_log import Logged
from warp.adjoint.stepwise import Stepwise
from warp.adjoint.surrogate import sample as sampled
from warp.adjoint.surrogate import sampler_package
from warp.adjoint.tangent import Steady
from warp.adjoint.to_file import board_surface
from warp.adjoint.unknowns import Unknown, unknowns
from warp.case.case import Case
from warp.case.identification import IdentifySection, MeasuredSection
from warp.case.stage import LoadStep
from warp.errors import WarpError, nearest
from warp.machine import device as devices
from warp.report import scan
from warp.report.compare import laid_over
from warp.results.provenance import origin
from warp.results.surface import SIDES, Side, Surface, sample, zoned
from warp.run import checkpoint
from warp.run.grids import common_grid
from warp.run.kernels import compile_for
from warp.run.load_step import OnProgress
from warp.run.stage_model import enter
from warp.units import TEMPERATURE, parse
from warp.voxels.voxelize import VoxelModel

Measured = str | Mapping[str, Any]


def identify(
    case: Case,
    measured: Sequence[Measured] = (),
    free: Mapping[str, Any] | None = None,
    *,
    noise: str | None = None,
    model_error: str | float | None = None,
    predict: Sequence[str] = (),
    draw: bool = False,
    log: Path | None = None,
    device: str = "auto",
    on_progress: OnProgress | None = None,
) -> Identified:
    """Find the values that measured surfaces tell; WarpError says what does not fit.

    measured: "FILE@TEMPERATURE", "FILE@STEP" or tables as in [identify]; free: sizes by keys; both
    replace those of the case. predict: metrics. draw: sample the posterior. log: file of the runs,
    from which the same call goes on.
    """
    wanted = asked(case, measured, free, noise, model_error)
    if not wanted.measured:
        raise WarpError("nothing is measured: give --measured FILE@TEMPERATURE, or [identify]")
    if not case.has_steps:
        refuse(case)
        for name in ("large_deflection", "bond_lines"):
            if getattr(case, name):
                raise WarpError(f"a case with load.{name} cannot be identified yet: leave it out")
    if draw:
        sampler_package()  # a plain install has none: say so before anything is solved
    say = on_progress or _ignore
    chosen = devices.select(device)
    compile_for(case, chosen, say)
    voxels: dict[int, VoxelModel] = {}
    seen = [_observation(case, n, one, voxels) for n, one in enumerate(wanted.measured)]
    values = unknowns(case, wanted.priors)
    kind = Stepwise if case.has_steps else Steady
    forward = kind(case, values, seen, chosen, say)
    logged = Logged(forward.solve, forward.differentiate, log, _digest(case, values, seen))
    search = Search(logged, values, seen, wanted.noise, wanted.model_error)
    search.run()
    found = Identified.of(search)
    predictor = Predictor(case, values, found.values, found.covariance, chosen, say)
    predictions = [predictor.predict(text) for text in predict]
    samples = sampled(search) if draw else None
    return Identified.of(search, predictions, samples)


def asked(
    case: Case,
    measured: Sequence[Measured] = (),
    free: Mapping[str, Any] | None = None,
    noise: str | None = None,
    model_error: str | float | None = None,
) -> IdentifySection:
    """Return the table [identify] of a case with what is given besides."""
    own = case.file.identify
    folder = case.path.parent
    given: dict[str, Any] = {
        "measured": [_entry(one) for one in measured],
        "free": dict(free or {}),
        "noise": noise,
        "model_error": model_error,
    }
    try:
        found = IdentifySection.model_validate({k: v for k, v in given.items() if v})
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(str(step) for step in fault["loc"])
        text = str(fault["msg"]).removeprefix("Value error, ")
        raise WarpError(f"identify {key}: {text}") from None
    known = [one.model_copy(update={"file": str(folder / one.file)}) for one in own.measured]
    return own.model_copy(
        update={
            "measured": found.measured or tuple(known),
            "free": found.free or own.free,
            "noise": found.noise or own.noise,
            "model_error": found.model_error or own.model_error,
        }
    )


def _entry(given: Measured) -> Mapping[str, Any]:
    """Return the table of a measured file; "FILE@STATE" names a temperature or a step."""
    if not isinstance(given, str):
        return given
    file, _, state = given.rpartition("@")
    if not file or not state:
        raise WarpError(
            f'--measured {given}: write FILE@TEMPERATURE, e.g. "room.csv@25 degC", or FILE@STEP'
        )
    try:
        parse(state, TEMPERATURE)
    except ValueError:
        return {"file": file, "step": state}
    return {"file": file, "temperature": state}


def _observation(
    case: Case, n: int, wanted: MeasuredSection, known: dict[int, VoxelModel]
) -> Observation:
    """Read a measured surface and lay it over the computed one; known: voxels by step."""
    path = Path(wanted.file)
    part, side = _surface(case, n, wanted.surface)
    step = _step(case, n, wanted)
    if step.step not in known:
        known[step.step] = enter(case, step, common_grid(case)).voxels
    voxels = known[step.step]
    nz, ny, nx = voxels.grid.shape
    flat = sample(voxels, np.zeros((3, nz + 1, ny + 1, nx + 1)), part, side)
    zone: Surface = zoned(flat, case.zones.get((part, side)))
    points = laid_over(zone, f"{part}.{side}", scan.read(path, wanted.pitch))
    state = step.step if case.has_steps else None
    return Observation(
        path.name, part, side, points.x, points.y, points.z, wanted.temperature, state, points.note
    )


def _surface(case: Case, n: int, text: str | None) -> tuple[str, Side]:
    """Return part and side of a measured surface."""
    part, _, side = (text or board_surface(case)).rpartition(".")
    if part not in case.parts or side not in SIDES:
        raise WarpError(
            f"identify.measured.{n + 1}: no surface {text!r}: write PART.top or PART.bottom with a "
            f"part of {', '.join(case.parts)}"
        )
    return part, side


def _step(case: Case, n: int, wanted: MeasuredSection) -> LoadStep:
    """Return the load step after which a surface was measured."""
    if not case.has_steps:
        if wanted.step is not None:
            raise WarpError(
                f"identify.measured.{n + 1}: {wanted.step!r} is no temperature, and the case has "
                'no [[step]]: write e.g. "25 degC"'
            )
        return case.load_steps[-1]
    if wanted.step is None:
        names = ", ".join(dict.fromkeys(one.name for one in case.load_steps))
        raise WarpError(
            f"identify.measured.{n + 1}: a process is measured after a step: one of {names}"
        )
    ends = [one for one in case.load_steps if one.last]
    for one in ends:
        if wanted.step in (one.name, str(one.step + 1)):
            return one
    known = nearest(wanted.step, [one.name for one in ends])
    raise WarpError(f"identify.measured.{n + 1}: there is no step {wanted.step!r}{known}")


def _digest(case: Case, free: Sequence[Unknown], seen: Sequence[Observation]) -> str:
    """Return a name for the problem, by which stored runs are known again."""
    words = [case.text, str(sorted(case.overrides.items())), origin()["program"]]
    words += [f"{one.key} {one.start} {one.deviation}" for one in free]
    words += [f"{one.surface} {one.temperature} {one.step}" for one in seen]
    places = [np.stack((one.x, one.y)).tobytes() for one in seen]
    return checkpoint.fingerprint(*words, *places, *case.read_from_files)[:20]


def _ignore(stage: str, iteration: int, residual: float) -> None:
    """Report no progress."""
