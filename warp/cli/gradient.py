"""Verbs that ask what moves a result, and what makes it best."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from warp.cli.words import CaseFile, Device, Json, Set, overrides, print_json


def sensitivity(
    case: Annotated[
        Path, typer.Argument(metavar="CASE.toml|OUT.h5", help="A case, or the result of one.")
    ],
    of: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC",
            help="substrate.bottom, substrate.bottom.kappa_x, coplanarity, chip.von_mises_p, "
            'chip.mean, junction, theta_ja; of a process at its end, or "METRIC at STEP", '
            '"METRIC at 245 degC"; by default the warpage of the side to the board; repeat.',
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="NAME", help="Names begin so; CASE-sensitivity."),
    ] = None,
    together: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY,KEY",
            help="Values that change by the same amount, e.g. a lid's foot and its adhesive; "
            "repeat.",
        ),
    ] = None,
    map_: Annotated[
        bool,
        typer.Option(
            "--map", help="Write NAME.h5 with the change by each voxel's stiffness and expansion."
        ),
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Write all inputs, one a row.")] = False,
    refine: Annotated[
        bool,
        typer.Option(
            "--refine",
            help="Solve with cells half as wide, too, nine times the work: the grid's error.",
        ),
    ] = False,
    device: Device = "auto",
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Tell what moves a number: its change by every input, from one more solve of each load step.

    \b
    Examples:
      warp sensitivity lid.toml
      warp sensitivity lid.h5 --of chip.top.kappa_x --of junction --csv
      warp sensitivity lid.toml --together part.lid.foot_width,part.adhesive.width
      warp sensitivity lid.toml --map       lid-sensitivity.h5 for ParaView
      warp sensitivity reflow.toml --of "substrate.bottom at 260 degC"
    """
    from warp.adjoint import to_file
    from warp.cli import gradient_tables, tables
    from warp.report import sensitivity as shown
    from warp.report.terminal import Steps

    name = output or Path(case.stem + "-sensitivity")
    target = name.with_name(name.name + ".h5") if map_ else None
    with Steps() as progress:
        found = to_file.differentiate(
            case,
            overrides(set_),
            of or [],
            device,
            progress,
            target,
            refine=refine,
            together=[[key.strip() for key in one.split(",")] for one in together or []],
        )
    files = [] if target is None else [target]
    for gradient in found.gradients:
        ending = "" if len(found.gradients) == 1 else f"-{to_file.plain(gradient.metric)}"
        if csv:
            files.append(shown.csv(gradient, name.with_name(f"{name.name}{ending}.csv")))
        if not as_json and gradient.strongest:
            files.append(shown.tornado(gradient, name.with_name(f"{name.name}{ending}.png")))
    if as_json:
        print_json([gradient.to_dict() for gradient in found.gradients])
        return
    for gradient in found.gradients:
        gradient_tables.print_gradient(gradient, found.error_of(gradient))
    tables.print_files(files)


def optimize(
    case: CaseFile,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY[,KEY]=RANGE",
            help='A value and its bounds, "0.5 .. 2 mm", or choices, "copper, ss304"; several keys '
            "change together; repeat. Without it the case's balance of copper.",
        ),
    ] = None,
    of: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC",
            help="Whose size is made smallest: as in `warp sensitivity`, chip.stress, mass, or a "
            "path in the result; by default the warpage of the side to the board. In a process the "
            'largest after any step, or "METRIC at STEP".',
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC<=NUMBER", help="A limit of another metric's size, in its unit; repeat."
        ),
    ] = None,
    over: Annotated[
        str | None,
        typer.Option(
            metavar="TEMPERATURES",
            help='Judge by the worst of these, "25, 100, 150, 200, 245 degC".',
        ),
    ] = None,
    maximise: Annotated[bool, typer.Option("--maximise", help="Make it largest instead.")] = False,
    runs: Annotated[int, typer.Option(min=2, max=1000, help="Most runs.")] = 30,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="NAME", help="Names begin so; CASE-optimum."),
    ] = None,
    device: Device = "auto",
    set_: Set = None,
) -> None:
    """Find the values that make a number smallest, by its gradient.

    The same command continues an interrupted search.

    \b
    Examples:
      warp optimize lid.toml --vary part.lid.thickness="0.5 .. 3 mm"
      warp optimize lid.toml --vary part.lid.thickness="0.5 .. 3 mm" \\
          --vary part.lid.foot_width,part.adhesive.width="1 .. 5 mm" \\
          --keep "junction<=80"
      warp optimize lid.toml --vary part.lid.material="copper, ss304" \\
          --keep "mass<=20"
      warp optimize lid.toml --vary part.lid.thickness="0.5 .. 3 mm" \\
          --over "25, 150, 245 degC"
      warp optimize board.toml --over "25, 150, 245 degC"     its copper balance
    """
    from warp import load
    from warp.adjoint import optimum, variables
    from warp.adjoint.balance import Balanced
    from warp.cli import gradient_tables, tables
    from warp.files.whole_file import check_writable
    from warp.report import balance
    from warp.report import optimum as shown
    from warp.report.terminal import Steps
    from warp.run.to_file import inputs

    name = output or Path(case.stem + "-optimum")
    loaded = load(case, overrides(set_))
    files = [name.with_name(name.name + ending) for ending in (".json", ".csv", ".png")]
    for file in [*files, *balance.names(loaded, name)]:
        check_writable(file, inputs=inputs(loaded))
    with Steps() as progress:
        outcome = optimum.optimize(
            loaded,
            [variables.variable(text) for text in vary or []],
            of,
            files[0],
            limits=[variables.limit(text) for text in keep or []],
            maximise=maximise,
            most=runs,
            temperatures=variables.temperatures(over),
            device=device,
            on_progress=progress,
        )
    if isinstance(outcome, Balanced):
        gradient_tables.print_balance(outcome)
        tables.print_files([files[0], *balance.write(outcome, name)])
        return
    gradient_tables.print_optimum(outcome)
    tables.print_files([files[0], shown.csv(outcome, files[1]), shown.picture(outcome, files[2])])
