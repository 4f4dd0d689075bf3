"""The verb that asks which inputs explain measured surfaces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from warp.cli.words import CaseFile, Device, Json, Set, overrides, print_json


def identify(
    case: CaseFile,
    measured: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE@TEMPERATURE",
            help='A measured surface and its state, "room.csv@25 degC", or after a step, '
            '"cured.csv@cure"; x, y, z points or heights; repeat.',
        ),
    ] = None,
    free: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=SIZE",
            help='A value that is not known, and how well it is: "20 %", "3 ppm/K", "+- 10 um"; '
            "repeat.",
        ),
    ] = None,
    noise: Annotated[
        str | None,
        typer.Option(
            metavar="LENGTH", help="Of a measured height; by default that of the residuals."
        ),
    ] = None,
    model_error: Annotated[
        str | None,
        typer.Option(metavar="PERCENT", help="How far the model itself may be off; by default 0."),
    ] = None,
    predict: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC[ at TEMPERATURE]",
            help='Give its 95 % interval, "substrate.bottom at 217 degC"; repeat.',
        ),
    ] = None,
    sample: Annotated[
        bool,
        typer.Option("--sample", help="Draw the posterior with emcee on a quadratic surrogate."),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="NAME", help="Names begin so; CASE-identified."),
    ] = None,
    device: Device = "auto",
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Find the values that explain measured surfaces, and how well they are told.

    The table identify of the case says the same. The same command continues an interrupted
    search.

    \b
    Examples:
      warp identify mould.toml --measured "room.csv@25 degC" \\
          --measured "hot.csv@200 degC" --free material.mould.cte="10 %" \\
          --free material.mould.youngs_modulus.glassy="20 %"
      warp identify mould.toml --noise "1 um" \\
          --predict "substrate.bottom at 217 degC"
    """
    from warp import load
    from warp.cli import identify_tables, tables
    from warp.errors import WarpError
    from warp.files.whole_file import check_writable
    from warp.report import identification
    from warp.report import identified as shown
    from warp.report.terminal import Steps
    from warp.run.to_file import inputs

    name = output or Path(case.stem + "-identified")
    loaded = load(case, overrides(set_))
    sizes = {}
    for text in free or []:
        key, equals, size = text.partition("=")
        if not equals or not key.strip() or not size.strip():
            raise WarpError(f'--free {text}: write KEY=SIZE, e.g. part.chip.thickness="10 um"')
        sizes[key.strip()] = size.strip()
    files = [name.with_name(name.name + ending) for ending in (".npz", ".csv", ".png")]
    read = [Path(one.file) for one in identification.asked(loaded, measured or ()).measured]
    for file in files:
        check_writable(file, inputs=[*inputs(loaded), *read])
    with Steps() as progress:
        found = identification.identify(
            loaded,
            measured or (),
            sizes,
            noise=noise,
            model_error=model_error,
            predict=predict or (),
            draw=sample,
            log=files[0],
            device=device,
            on_progress=progress,
        )
    shown.csv(found, files[1])
    shown.picture(found, files[2])
    if as_json:
        print_json(found.to_dict())
        return
    identify_tables.print_identified(found)
    tables.print_files(files)
