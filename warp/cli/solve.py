"""Verbs that solve: one case, or many."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from warp.cli.failures import Stopped
from warp.cli.interrupt import caused
from warp.cli.words import (
    CaseFile,
    Device,
    Json,
    LogFile,
    Quiet,
    Set,
    Verbose,
    overrides,
    print_json,
)
from warp.errors import WarpError
from warp.files.printable import printable
from warp.files.whole_file import same_file

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.run.load_step import OnProgress
    from warp.run.process import OnState
    from warp.run.to_file import Finish, Written


def run(
    case: CaseFile,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="OUT.h5", help="Result file; default: CASE.h5 in this folder."
        ),
    ] = None,
    device: Device = "auto",
    set_: Set = None,
    refine: Annotated[
        bool,
        typer.Option(
            "--refine",
            help="Solve with cells half as wide, too: each warpage with its discretisation error, "
            "for nine times the work.",
        ),
    ] = False,
    grids: Annotated[
        int | None,
        typer.Option(
            min=2,
            max=3,
            metavar="2|3",
            help="Estimate the error from coarser grids instead: this many grids in all.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Continue an interrupted process from its checkpoint, bit for bit."
        ),
    ] = False,
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state",
            metavar="STATE",
            help='Also write the fields of a process at a step, or "reflow at 245 degC"; repeat.',
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log: LogFile = None,
) -> None:
    """Solve a case, print its warpage and write one HDF5 file.

    \b
    Examples:
      warp run lid.toml -o lid.h5
      warp run lid.toml --set part.lid.thickness="2 mm" --json
      warp run lid.toml --refine            with the grid's error of every warpage
      warp run reflow.toml --state "reflow at 245 degC"   a file of that, too
      warp run reflow.toml --resume         continues an interrupted process
      warp run lid.toml --quiet --log runs.log
    """
    target = output or Path(case.stem + ".h5")
    coarser = grids - 1 if grids else (0 if refine else None)
    shown = Shown(log, quiet, verbose)
    try:
        given = [*(set_ or ()), *_as_set(state)]
        loaded, written = _solved(case, target, device, given, coarser, resume, shown)
    except BaseException as error:
        if caused(error):
            _say_how_to_go_on(target)
        raise
    if as_json:
        print_json(written.numbers)
    elif not quiet:
        from warp.cli import tables

        if "steps" in written.numbers:
            from warp.case.plates import quotable

            named = loaded.file.output.surfaces or ()
            tables.print_steps(written.numbers["steps"], named, quotable(loaded))
        tables.print_summary(written.numbers, title=loaded.title, written=target)
        tables.print_risk(written.numbers)
        if written.states:
            tables.print_files(written.states)
    for text in written.warnings:
        _warn(text)


def _as_set(states: list[str] | None) -> list[str]:
    """Return the states as they are set in the case."""
    return [f"output.states={json.dumps(states)}"] if states else []


class Shown(NamedTuple):
    """What a run shows while it works."""

    log: Path | None
    quiet: bool
    verbose: bool


def _solved(
    case: Path,
    target: Path,
    device: str,
    set_: list[str] | None,
    coarser: int | None,
    resume: bool,
    shown: Shown,
) -> tuple[Case, Written]:
    """Solve a case into its result file; return the case and what was written."""
    from warp import load
    from warp.report import progress
    from warp.run.to_file import inputs, solve_to_file

    loaded = load(case, overrides(set_))
    if shown.log is not None:
        refuse_log_over(shown.log, [target, *inputs(loaded)])
    log = progress.Log(shown.log, shown.verbose)

    def warn(text: str) -> None:
        _warn(text)
        log.write(f"warning: {text}", shown=False)

    log.write(f"run {case} -> {target}", shown=False)
    try:
        with progress.Run(len(loaded.load_steps), log, shown.quiet or shown.verbose) as follow:
            partial = resume or coarser is not None
            finish, on_state = _spread(loaded, device, follow, partial)
            written = solve_to_file(
                loaded,
                target,
                device,
                follow,
                warn,
                _resumed,
                coarser=coarser,
                resume=resume,
                finish=finish,
                on_state=on_state,
                on_step=follow.step,
                on_share=follow.share,
            )
        for text in written.warnings:
            log.write(f"warning: {text}", shown=False)
        log.write(f"written to {target}", shown=False)
        return loaded, written
    except BaseException as error:
        log.write(f"{'stopped' if caused(error) else 'error'}: {error}", shown=False)
        raise
    finally:
        log.close()


def _spread(
    case: Case, device: str, progress: OnProgress, partial: bool
) -> tuple[Finish | None, OnState | None]:
    """Return what adds the spread by tolerances to a result, and what it needs of a process.

    None for a case without tolerances. partial: whether the run solves but a part of the process,
    or several grids; the spread then solves it once more.
    """
    if not case.tolerances:
        return None, None
    from warp.adjoint import spread
    from warp.adjoint.refused import NoGradient, refuse
    from warp.adjoint.tape import Tape

    try:
        refuse(case)
    except NoGradient as error:
        if not case.has_steps:
            raise
        _warn(spread.omitted(error))
        return None, None
    spread.check(case)
    tape = Tape(case) if case.has_steps and not partial else None
    return lambda result: spread.with_spread(result, case, device, progress, tape), tape


def sweep(
    case: CaseFile,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUES", help='What varies: "0.5 mm, 0.7 mm" or "0.5 mm .. 1 mm"; repeat.'
        ),
    ] = None,
    tolerances: Annotated[
        bool,
        typer.Option(
            "--tolerances", help="Vary the values of the table tolerance as they scatter (lhs)."
        ),
    ] = False,
    sample: Annotated[
        str, typer.Option(metavar="grid|lhs|sobol", help="Where the points lie.")
    ] = "grid",
    points: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="grid: values per range; lhs: runs; sobol: runs / (variables + 2)."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="DIR", help="Folder; default: CASE-sweep in this folder."
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Seed of the sample: the same seed gives the same points.")
    ] = 0,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes; default: one per core.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="Address of a Dask scheduler.")
    ] = None,
    device: Device = "auto",
    set_: Set = None,
) -> None:
    """Run a case many times, tabulate the results and show what moves them.

    The same command continues an interrupted sweep. Runs are processes of this machine, which
    listen on no network address. With --scheduler they go to a Dask scheduler of yours, which runs
    whatever reaches its port: let it listen on the loopback (dask scheduler --host 127.0.0.1) or on
    a network that you trust.

    \b
    Examples:
      warp sweep lid.toml --vary load.temperature="25, 150, 200, 260 degC"
      warp sweep lid.toml --vary part.tim.material="tim-gel, tim-indium"
      warp sweep lid.toml --vary part.lid.thickness="0.5 .. 2 mm" \\
          --vary material.glue.cte="20 .. 60 ppm/K" --sample lhs --points 40
      warp sweep lid.toml --vary part.lid.thickness="1 .. 2 mm" \\
          --sample sobol --points 64 --scheduler tcp://node1:8786
      warp sweep lid.toml --tolerances --points 200
    """
    from warp import load
    from warp.cli import tables
    from warp.report import effect_figures
    from warp.report.terminal import Runs
    from warp.run import sampling
    from warp.run import sweep as sweeps

    folder = output or Path(case.stem + "-sweep")
    loaded = load(case, overrides(set_))
    scattering = sampling.scattering(loaded) if tolerances else ()
    if tolerances and sample == "grid":
        sample = "lhs"
    design = sampling.design(vary or (), sample, points, seed, scattering)
    try:
        with Runs() as progress:
            outcome = sweeps.sweep(
                loaded,
                design,
                folder,
                device=device,
                workers=workers,
                scheduler=scheduler,
                on_run=progress,
            )
    except BaseException as error:
        if caused(error):
            raise Stopped(f"the same command goes on with the runs in {folder}") from None
        raise
    tables.print_sweep(outcome)
    tables.print_files([*outcome.files, *effect_figures.pictures(outcome, folder)])


def refuse_log_over(log: Path, others: list[Path]) -> None:
    """Raise WarpError where a log cannot be written, or is a file that the run needs."""
    if any(same_file(log, other) for other in others):
        raise WarpError(f"cannot log to {log}: the run reads or writes that file")
    try:
        log.open("a").close()
    except OSError as error:
        raise WarpError(f"cannot log to {log}: {error.strerror or error}") from None


def _warn(text: str) -> None:
    print(f"warning: {printable(text)}", file=sys.stderr)


def _say_how_to_go_on(target: Path) -> None:
    """Raise Stopped if an interrupted run left a checkpoint beside `target`."""
    from warp.run import checkpoint

    checkpoint_path = checkpoint.beside(target)
    if checkpoint_path.exists():
        raise Stopped(f"the same command with --resume continues from {checkpoint_path}") from None


def _resumed(done: int, load_steps: int) -> None:
    print(f"resumed: {done} of {load_steps} solves were done", file=sys.stderr)
