"""Verbs that ask what moves a result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from warp.cli.words import Device, Json, Set, overrides, print_json


def sensitivity(
    case: Annotated[
        Path, typer.Argument(metavar="CASE.toml|OUT.h5", help="A case, or the result of one.")
    ],
    of: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC",
            help="substrate.bottom, substrate.bottom.kappa_x, coplanarity, chip.mean, junction, "
            "theta_ja; by default the warpage of the side to the board; repeat.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="NAME", help="Names begin so; CASE-sensitivity."),
    ] = None,
    map_: Annotated[
        bool,
        typer.Option(
            "--map", help="Write NAME.h5 with the change by each voxel's stiffness and expansion."
        ),
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Write all inputs, one a row.")] = False,
    refine: Annotated[
        bool, typer.Option("--refine", help="Solve on a coarser grid, too: the grid's error.")
    ] = False,
    device: Device = "auto",
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Tell what moves a number: its change by every input, from one more solve.

    \b
    Examples:
      warp sensitivity lid.toml
      warp sensitivity lid.h5 --of chip.top.kappa_x --of junction --csv
      warp sensitivity lid.toml --map       lid-sensitivity.h5 for ParaView
    """
    from warp.adjoint import to_file
    from warp.cli import gradient_tables, tables
    from warp.report import sensitivity as shown
    from warp.report.terminal import Steps

    name = output or Path(case.stem + "-sensitivity")
    target = name.with_name(name.name + ".h5") if map_ else None
    with Steps() as progress:
        found = to_file.differentiate(
            case, overrides(set_), of or [], device, progress, target, refine=refine
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
