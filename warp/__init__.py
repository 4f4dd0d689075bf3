"""Compute package warpage from chip to board: case file in, fields and signed numbers out.

    import warp
    case = warp.load("data/packages/fcbga-lid.toml", {"part.chip.thickness": "0.5 mm"})
    result = warp.solve(case, device="auto")        # or warp.solve("data/packages/fcbga-lid.toml")
    result.metrics["surfaces"]["substrate"]["bottom"]["warpage_um"]
                                                    # + = convex, the centre away from the board
    result.write("fcbga-lid.h5")
    warp.read("fcbga-lid.h5")
    warp.plot(result, "pictures"); warp.write_report(result, "fcbga-lid.pptx")
    result.gradient("substrate.bottom").strongest           # what moves that number, and how far

Nothing heavy is imported before it is used.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # typing's own would be imported before Ctrl-C is heard
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike
    from typing import Any

    from warp.adjoint.gradient import Gradient
    from warp.adjoint.identified import Identified
    from warp.adjoint.search import Outcome as Optimum
    from warp.case.case import Case
    from warp.case.errors import CaseError
    from warp.errors import ConvergenceError, WarpError
    from warp.report.compare import Comparison
    from warp.results.file import Result
    from warp.run.check import Report
    from warp.run.sweep import Outcome

__all__ = [  # noqa: F822  # classes come through __getattr__
    "Case",
    "CaseError",
    "ConvergenceError",
    "Result",
    "WarpError",
    "check",
    "compare",
    "gradient",
    "identify",
    "load",
    "optimize",
    "plot",
    "read",
    "solve",
    "sweep",
    "write_report",
]
_CLASSES = {
    "Case": "warp.case.case",
    "CaseError": "warp.case.errors",
    "ConvergenceError": "warp.errors",
    "Result": "warp.results.file",
    "WarpError": "warp.errors",
}


def load(path: str | PathLike[str], overrides: Mapping[str, str] | None = None) -> Case:
    """Read and check a case file; raise CaseError with everything that is wrong.

    overrides: dotted keys and the values that replace those of the file, written as there.
    """
    from warp.name_clash import refuse_nvidia_warp

    refuse_nvidia_warp()
    from warp.case import case

    return case.load(path, dict(overrides or {}))


def solve(
    case: Case | str | PathLike[str],
    device: str = "auto",
    progress: Callable[..., Any] | None = None,
) -> Result:
    """Solve heat and thermo-elasticity of a case or a case file.

    device: "auto", "cpu", "cuda" or "cuda:N"; "/float32" behind it: the precision of iterations.
    progress(stage, iteration, residual): called with iteration 0 when a stage of the run begins,
    then after every iteration of a solver. `result.states` holds the results of the states that the
    case wants besides (`[output] states`).
    """
    if isinstance(case, str | os.PathLike):
        case = load(case)
    from warp.run import process

    states: dict[str, Result] = {}
    result = process.solve(case, device=device, on_progress=progress, on_result=states.__setitem__)
    result.states = states
    result.differentiate = gradient
    return result


def read(path: str | PathLike[str]) -> Result:
    """Open a result file written by `warp run` or `Result.write`."""
    from warp.name_clash import refuse_nvidia_warp

    refuse_nvidia_warp()
    from warp.results import file as results

    result = results.read(path)
    result.differentiate = gradient
    return result


def gradient(
    result: Result,
    metric: str,
    device: str = "auto",
    progress: Callable[..., Any] | None = None,
    *,
    maps: bool = False,
    together: Sequence[Sequence[str]] = (),
) -> Gradient:
    """Differentiate a metric of a result by every input of its case, with one more solve.

    metric: a surface such as "substrate.bottom" (its warpage), "substrate.bottom.kappa_x",
    "coplanarity", "chip.von_mises_p", "chip.mean", "junction" or "theta_ja"; of a process at its
    end, or "substrate.bottom at 245 degC"; a process is solved again, and backwards.
    maps: also by the stiffness and the expansion of each voxel. together: keys of values that
    change by the same amount. progress: as in `solve`.
    """
    from warp.adjoint.gradient import of_result

    return of_result(result, [metric], device, progress, maps=maps, together=together)[0]


def identify(
    case: Case | str | PathLike[str],
    measured: Sequence[str | Mapping[str, Any]] = (),
    free: Mapping[str, Any] | None = None,
    *,
    noise: str | None = None,
    model_error: str | float | None = None,
    predict: Sequence[str] = (),
    sample: bool = False,
    log: str | PathLike[str] | None = None,
    device: str = "auto",
    progress: Callable[..., Any] | None = None,
) -> Identified:
    """Find the values of a case that explain measured surfaces, and how well they are told.

    measured: "room.csv@25 degC", in a process "cured.csv@STEP", or tables as in [identify]; free:
    {"material.mould.cte": "10 %"}, what is known of each value before; both default to [identify].
    noise: of a height, "1 um"; by default that of the residuals. model_error: how far the model may
    be off, "1 %". predict: metrics, "substrate.bottom at 217 degC". sample: draw the posterior with
    emcee. log: a file of the runs, from which the same call goes on. `.table()`, `.correlation`,
    `.remarks()`, `.predictions` and `.residuals` hold the answer.
    """
    from pathlib import Path

    from warp.report import identification

    return identification.identify(
        load(case) if isinstance(case, str | os.PathLike) else case,
        measured,
        free,
        noise=noise,
        model_error=model_error,
        predict=predict,
        draw=sample,
        log=None if log is None else Path(log),
        device=device,
        on_progress=progress,
    )


def optimize(
    case: Case | str | PathLike[str],
    vary: Mapping[str, str] | None = None,
    of: str | None = None,
    *,
    keep: Sequence[str] = (),
    over: str | None = None,
    maximise: bool = False,
    runs: int = 30,
    log: str | PathLike[str] | None = None,
    device: str = "auto",
    progress: Callable[..., Any] | None = None,
) -> Optimum:
    """Find the values of a case that make the size of a number smallest.

    vary: {"part.lid.thickness": "0.5 .. 3 mm", "part.lid.material": "copper, ss304"}; keys joined
    by commas change together; None: the copper of the layers in [optimize], and the answer has
    `.shares(run)` and `.best_case()`, too. of, keep ("junction<=80"), over ("25, 245 degC"): as in
    `warp optimize`. log: a file of the runs, from which the same call goes on. `.table()` has the
    runs, `.best` the number of the best one.
    """
    from pathlib import Path

    from warp.adjoint import optimum, variables

    return optimum.optimize(
        load(case) if isinstance(case, str | os.PathLike) else case,
        [variables.variable(f"{keys}={span}") for keys, span in (vary or {}).items()],
        of,
        None if log is None else Path(log),
        limits=[variables.limit(text) for text in keep],
        maximise=maximise,
        most=runs,
        temperatures=variables.temperatures(over),
        device=device,
        on_progress=progress,
    )


def check(case: Case | str | PathLike[str], device: str = "auto") -> Report:
    """Report how the parts of a case stack, its grid, its cost and what looks wrong; solve nothing.

    The answer has `warnings`, `voxels`, `seconds` and more, and `as_dict` for a script.
    """
    if isinstance(case, str | os.PathLike):
        case = load(case)
    from warp.run import check as checks

    return checks.check(case, device)


def sweep(
    case: Case | str | PathLike[str],
    vary: Mapping[str, str | Sequence[str]],
    folder: str | PathLike[str] | None = None,
    *,
    sample: str = "grid",
    points: int | None = None,
    seed: int = 0,
    device: str = "auto",
    workers: int | None = None,
    progress: Callable[..., Any] | None = None,
) -> Outcome:
    """Solve a case once for each combination of values, in processes of this machine.

    vary: dotted keys with their values, a list or a range such as "0.5 .. 2 mm". sample, points,
    seed: as in `warp sweep`. folder: holds the runs, which are never repeated; by default
    CASE-sweep here. progress(ended, all, record): called after every run.
    """
    from pathlib import Path

    from warp.run import sampling
    from warp.run import sweep as sweeps

    if isinstance(case, str | os.PathLike):
        case = load(case)
    texts = [
        f"{key}={value if isinstance(value, str) else ', '.join(value)}"
        for key, value in vary.items()
    ]
    design = sampling.design(texts, sample, points, seed)
    place = Path(folder) if folder is not None else Path(f"{case.path.stem}-sweep")
    return sweeps.sweep(case, design, place, device=device, workers=workers, on_run=progress)


def compare(
    a: Result,
    b: Result | None = None,
    *,
    measured: str | PathLike[str] | None = None,
    surface: str | None = None,
    pitch: str | None = None,
    picture: str | PathLike[str] | None = None,
) -> Comparison:
    """Compare two results, or a result with a measured surface, or all three.

    measured: a file of points x, y, z or of a matrix of heights, which may need the `pitch`.
    surface: PART.SIDE, by default the one to the board. picture: a file for maps and diagonals.
    """
    from pathlib import Path

    from warp.report import compare as comparing
    from warp.report import scan
    from warp.units import LENGTH, convert

    distance = None if pitch is None else convert(pitch, LENGTH)
    seen = None if measured is None else scan.read(Path(measured), distance)
    target = None if picture is None else Path(picture)
    return comparing.compare(a, b, seen, surface, ["a", "b"], target)


def plot(
    result: Result,
    folder: str | PathLike[str],
    surfaces: Sequence[str] = (),
    at: Sequence[str] = (),
    form: str = "png",
) -> list[Any]:
    """Draw the pictures of a result into a folder; return their paths.

    surfaces: PART.SIDE, or "all"; by default those that a reader asks for first. at: planes of
    sections, such as "y=3 mm". form: "png", "svg" or "pdf".
    """
    from pathlib import Path

    from warp.report import figures, sections

    cuts = [sections.read_cut(text) for text in at]
    stem = Path(result.provenance.get("case_file") or "result").stem
    return figures.draw(result, Path(folder), stem, form, surfaces, cuts)[0]


def write_report(
    result: Result,
    path: str | PathLike[str],
    *,
    pitch: str | None = None,
    measured: Sequence[str] = (),
    title: str = "",
) -> list[str]:
    """Write a report as the suffix of the path says: .html, .pptx, .xlsx or .pdf.

    pitch: of the balls, "1 mm", if the case has none. measured: surfaces at their temperatures,
    "150 degC=FILE". Returns what had to be left out.
    """
    from pathlib import Path

    from warp.report import documents
    from warp.report.contents import Wanted

    files = documents.files(Path(path))
    return documents.write(result, files, Wanted.of(title, pitch, measured=measured))


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("warpage")
    if name in _CLASSES:
        from importlib import import_module

        return getattr(import_module(_CLASSES[name]), name)
    if name in ("init", "kernel", "func", "array", "launch"):  # NVIDIA Warp is expected here
        from warp.name_clash import refuse_nvidia_warp

        refuse_nvidia_warp()
    raise AttributeError(f"module 'warp' has no attribute {name!r}")
