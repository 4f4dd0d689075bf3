"""Verbs that write and check a case, and list what it may name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from warp.cli.words import CaseFile, Json, Set, Window, overrides, print_json
from warp.errors import WarpError


def new(
    kind: Annotated[
        str | None,
        typer.Argument(metavar="KIND", help="Kind of package; without it the kinds are listed."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="CASE.toml", help="Default: KIND.toml in this folder."
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Convert a board (KiCad, IPC-2581, ODB++) or a model of HotSpot (.flp, .config) "
            "or 3D-ICE (.stk).",
        ),
    ] = None,
) -> None:
    """Write a commented case file to start from, or one from another program's files.

    \b
    Examples:
      warp new                    lists the kinds
      warp new flip-chip -o mine.toml
      warp new --from board.kicad_pcb
      warp new --from board.xml   IPC-2581; or ODB++, packed or a folder
      warp new --from ev6.flp     with ev6.ptrace, hotspot.config beside
    """
    from warp.case import converted, starter

    if source is not None:
        if kind is not None:
            raise WarpError("give a kind or --from FILE, not both")
        print(
            f"written to {converted.write(source, output)}: `warp check` draws it, "
            "`warp run` solves it"
        )
    elif kind is None:
        for name, title in starter.kinds().items():
            print(f"{name:22s} {title}")
    else:
        print(
            f"written to {starter.write(kind, output)}: `warp check` draws it, `warp run` solves it"
        )


def check(
    case: CaseFile,
    set_: Set = None,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Cross-section; default: CASE.png in this folder."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="AXIS=LENGTH", help="Where the section lies; default: where most parts are met."
        ),
    ] = None,
    window: Window = None,
    as_json: Json = False,
) -> None:
    """Show the stack, the grid, gaps and floating parts, and what a run will cost.

    Solves nothing and needs no GPU.

    \b
    Examples:
      warp check lid.toml                   draws lid.png as well
      warp check lid.toml --at "z=1.2 mm"   a plan instead of a section
      warp check lid.toml --at "y=0 mm" --window "x=10..14 mm, z=0.4..1 mm"
      warp check lid.toml --json
    """
    from dataclasses import replace

    from warp import load
    from warp.cli import tables
    from warp.report import bodies, plots, sections
    from warp.report.windows import read_window
    from warp.run import check as checks
    from warp.run.to_file import inputs

    target = picture or Path(case.stem + ".png")
    cut = None if at is None else sections.read_cut(at)
    if window is not None:
        cut = replace(cut or sections.Cut(), window=read_window(window))
    loaded = load(case, overrides(set_))
    plots.check_writable(target, inputs(loaded))
    report = checks.check(loaded)
    if report.model is not None:
        bodies.of_case(loaded, report.model, target, cut)
        report = replace(report, picture=target)
    if as_json:
        print_json(report.as_dict())
    else:
        tables.print_check(report)


def materials(
    name: Annotated[str | None, typer.Argument(help="A name of the library.")] = None,
    matrix: Annotated[
        str | None,
        typer.Option(
            "--in",
            metavar="MATRIX",
            help="Show NAME as a powder in this polymer, by volume fraction.",
        ),
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="LENGTH", help='With --in: grain size, e.g. "5 um".')
    ] = None,
    resistance: Annotated[
        str,
        typer.Option(
            metavar="RESISTANCE", help='With --in: of a grain\'s surface, e.g. "0.01 mm^2 K/W".'
        ),
    ] = "0 m^2 K/W",
    as_json: Json = False,
) -> None:
    """List the material library, or show one material or filled polymer.

    Every value of a material is shown with its source.

    \b
    Examples:
      warp materials                        the library
      warp materials silicon                every value with its source
      warp materials silver --in epoxy --size "5 um"
    """
    from warp.cli import tables
    from warp.materials import catalogue

    if matrix is not None:
        from warp.materials import filled_polymer

        if name is None:
            raise WarpError("--in needs the powder's name: warp materials silver --in epoxy")
        found = filled_polymer.read(name, matrix, size, resistance)
        return print_json(found) if as_json else tables.print_filled(found)
    found = catalogue.listing() if name is None else catalogue.entry(name)
    if as_json:
        print_json(found)
    elif name is None:
        tables.print_materials(found)
    else:
        tables.print_material(found)


def schema() -> None:
    """Print the JSON Schema of case files, for editors that check and complete them.

    \b
    Examples:
      warp schema > case.schema.json
    """
    from warp.case import case

    print_json(case.schema())
