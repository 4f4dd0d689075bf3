"""Compute package warpage from chip to board: case file in, fields and signed numbers out.

    import warp
    case = warp.load("data/packages/fcbga-lid.toml", {"part.chip.thickness": "0.5 mm"})
    result = warp.solve(case, device="auto")        # or warp.solve("data/packages/fcbga-lid.toml")
    result.metrics["surfaces"]["substrate"]["bottom"]["warpage_um"]
                                                    # + = convex, the centre away from the board
    result.write("fcbga-lid.h5")
    warp.read("fcbga-lid.h5")
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
    from warp.adjoint.search import Outcome
    from warp.case.case import Case
    from warp.results.file import Result

__all__ = ["Result", "gradient", "identify", "load", "optimize", "read", "solve"]  # noqa: F822  # Result comes through __getattr__


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

    device: "auto", "cpu", "cuda" or "cuda:N".
    progress(stage, iteration, residual): called with iteration 0 when a stage of the run begins,
    then after every iteration of a solver.
    """
    if isinstance(case, str | os.PathLike):
        case = load(case)
    from warp.run import process

    result = process.solve(case, device=device, on_progress=progress)
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
    "coplanarity", "chip.mean", "junction" or "theta_ja"; `warp sensitivity` says which there are.
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
    vary: Mapping[str, str],
    of: str | None = None,
    *,
    keep: Sequence[str] = (),
    over: str | None = None,
    maximise: bool = False,
    runs: int = 30,
    log: str | PathLike[str] | None = None,
    device: str = "auto",
    progress: Callable[..., Any] | None = None,
) -> Outcome:
    """Find the values of a case that make the size of a number smallest.

    vary: {"part.lid.thickness": "0.5 .. 3 mm", "part.lid.material": "copper, ss304"}; keys joined
    by commas change together. of, keep ("junction<=80"), over ("25, 245 degC"): as in `warp
    optimize`. log: a file of the runs, from which the same call goes on. `.table()` has the runs,
    `.best` the number of the best one.
    """
    from pathlib import Path

    from warp.adjoint import optimum, variables

    return optimum.optimize(
        load(case) if isinstance(case, str | os.PathLike) else case,
        [variables.variable(f"{keys}={span}") for keys, span in vary.items()],
        of,
        None if log is None else Path(log),
        limits=[variables.limit(text) for text in keep],
        maximise=maximise,
        most=runs,
        temperatures=variables.temperatures(over),
        device=device,
        on_progress=progress,
    )


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("warpage")
    if name == "Result":
        from warp.results.file import Result

        return Result
    if name in ("init", "kernel", "func", "array", "launch"):  # NVIDIA Warp is expected here
        from warp.name_clash import refuse_nvidia_warp

        refuse_nvidia_warp()
    raise AttributeError(f"module 'warp' has no attribute {name!r}")
