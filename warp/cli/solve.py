"""Verbs that solve: one case, or many."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from warp.cli.words import CaseFile, Device, Json, Set, overrides, print_json


def run(
    case: CaseFile,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="OUT.h5", help="Result file; CASE.h5 here unless told."
        ),
    ] = None,
    device: Device = "auto",
    set_: Set = None,
    refine: Annotated[
        bool,
        typer.Option(
            "--refine",
            help="Solve on a coarser grid, too: each warpage with its discretisation error.",
        ),
    ] = False,
    grids: Annotated[
        int | None,
        typer.Option(min=2, max=3, metavar="2|3", help="Grids of --refine; 3 show the order, too."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on where a killed run of the same process was: same numbers."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Solve a case, print its warpage and write one HDF5 file.

    \b
    Examples:
      warp run lid.toml -o lid.h5
      warp run lid.toml --set part.lid.thickness="2 mm" --json
      warp run lid.toml --refine            with the grid's error of every warpage
      warp run reflow.toml --resume         a killed process goes on where it was
    """
    from warp import load
    from warp.cli import tables
    from warp.report import terminal
    from warp.results import file as results
    from warp.run import check as checks
    from warp.run import checkpoint, process
    from warp.run import refine as refinement
    from warp.run import warnings as run_warnings

    target = output or Path(case.stem + ".h5")
    results.check_writable(target)
    kept = checkpoint.beside(target)
    checkpoint.tidy(kept, target)
    loaded = load(case, overrides(set_))
    for remark in checks.overlaps(loaded):
        print(f"warning: {remark}", file=sys.stderr)
    with terminal.Steps() as steps:
        if refine or grids:
            result = refinement.solve(loaded, device, steps, grids=grids or 2)
        else:
            result = process.solve(loaded, device, steps, kept=kept, resume=resume, told=_resumed)
        steps("writing", 0, float("nan"))
        result.write(target)
    if loaded.moments:
        process.done_with(kept)
    numbers = result.summary()
    moments = numbers.get("steps", [])
    if as_json:
        print_json(numbers)
    else:
        if moments:
            tables.print_steps(moments)
        tables.print_summary(numbers, title=loaded.title, written=target)
    bends = (
        run_warnings.steps_beyond_linear_theory(moments)
        if moments
        else run_warnings.beyond_linear_theory(numbers["surfaces"], loaded.height)
    )
    fields = [found.get("temperature") or {} for found in moments or [numbers]]
    for remark in [*bends, *run_warnings.outside_temperature_range(loaded, fields)]:
        print(f"warning: {remark}", file=sys.stderr)


def sweep(
    case: CaseFile,
    vary: Annotated[
        list[str],
        typer.Option(
            metavar="KEY=VALUES", help='What varies: "0.5 mm, 0.7 mm" or "0.5 mm .. 1 mm"; repeat.'
        ),
    ],
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
        typer.Option("-o", "--output", metavar="DIR", help="Folder; CASE-sweep here unless told."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the sample: the same seed, the same points.")] = 0,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes; one a core unless told.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="Of a Dask cluster.")
    ] = None,
    device: Device = "auto",
    set_: Set = None,
) -> None:
    """Run a case many times, tabulate the results and show what moves them. The same command goes on where it stopped.

    \b
    Examples:
      warp sweep lid.toml --vary load.temperature="25, 150, 200, 260 degC"
      warp sweep lid.toml --vary part.tim.material="tim-gel, tim-indium"
      warp sweep lid.toml --vary part.lid.thickness="0.5 .. 2 mm" \\
          --vary material.glue.cte="20 .. 60 ppm/K" --sample lhs --points 40
      warp sweep lid.toml --vary part.lid.thickness="1 .. 2 mm" \\
          --sample sobol --points 64 --scheduler tcp://node1:8786
    """
    from warp import load
    from warp.cli import tables
    from warp.report import effect_figures, terminal
    from warp.run import sampling
    from warp.run import sweep as sweeps

    plan = sampling.design(vary, sample, points, seed)
    folder = output or Path(case.stem + "-sweep")
    with terminal.Runs() as progress:
        outcome = sweeps.sweep(
            load(case, overrides(set_)),
            plan,
            folder,
            device=device,
            workers=workers,
            scheduler=scheduler,
            progress=progress,
        )
    tables.print_sweep(outcome)
    tables.print_files([*outcome.files, *effect_figures.pictures(outcome, folder)])


def _resumed(done: int, moments: int) -> None:
    print(f"resumed: {done} of {moments} solves were done", file=sys.stderr)
