"""Verbs that show, compare and hand on what a run has written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from warp.cli.words import (
    Json,
    MeasuredAt,
    ResultFile,
    Set,
    Surfaces,
    Window,
    measured_files,
    overrides,
    print_json,
    refuse_output_over,
)
from warp.files.whole_file import check_writable

if TYPE_CHECKING:
    from warp.case.case import Case


def plot(
    result: ResultFile,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Folder; by default OUT-plots here."),
    ] = None,
    surface: Surfaces = None,
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="AXIS=LENGTH", help="A section at x or y, a plan at z; one for each axis."
        ),
    ] = None,
    window: Window = None,
    form: Annotated[
        str, typer.Option("--format", metavar="png|svg|pdf", help="What the pictures are.")
    ] = "png",
) -> None:
    """Draw warpage, temperature, stress and convergence of a result.

    \b
    Examples:
      warp plot lid.h5                        into lid-plots/
      warp plot lid.h5 --surface chip.top --surface lid.bottom --format svg
      warp plot lid.h5 --at "y=3 mm" --at "z=1.2 mm"
      warp plot lid.h5 --at "y=3 mm" --window "x=10..14 mm, z=0.4..1 mm"
    """
    from dataclasses import replace

    from warp import read
    from warp.cli import tables
    from warp.report import figures, sections
    from warp.report.windows import read_window

    cuts = [sections.read_cut(text) for text in at or ()]
    if window is not None:
        shown = read_window(window)
        cuts = [replace(cut, window=shown) for cut in cuts or [sections.Cut()]]
    folder = output or Path(result.stem + "-plots")
    drawn = figures.draw(read(result), folder, result.stem, form, surface or (), cuts)
    tables.print_files(*drawn)


def report(
    result: ResultFile,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="OUT.html", help="The page; by default OUT.html here."
        ),
    ] = None,
    pitch: Annotated[
        str | None,
        typer.Option(
            metavar="LENGTH", help='Ball pitch for the limits, "1 mm"; the case has one or not.'
        ),
    ] = None,
    verified: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json", help="What `warp verify --json` printed: its rows go in, too."
        ),
    ] = None,
    measured: MeasuredAt = None,
    pptx: Annotated[bool, typer.Option("--pptx", help="Slides, too: OUT.pptx.")] = False,
    xlsx: Annotated[bool, typer.Option("--xlsx", help="A workbook, too: OUT.xlsx.")] = False,
    pdf: Annotated[bool, typer.Option("--pdf", help="Pages of A4, too: OUT.pdf.")] = False,
) -> None:
    """Write one HTML page: worst case, limits, surfaces, loads, stack, materials, grid, solvers.

    On request also slides with editable text, tables and charts, a workbook, and PDF pages.

    \b
    Examples:
      warp report lid.h5 --pitch "1 mm"
      warp report lid.h5 --pptx --xlsx --pdf
      warp report reflow.h5 --measured "25 degC=m25.csv" \\
          --measured "245 degC=m245.csv"
      warp verify --quick --json > verify.json
      warp report lid.h5 --verified verify.json
    """
    from warp import read
    from warp.cli import tables
    from warp.report import documents
    from warp.report.contents import Wanted

    page = output or Path(result.stem + ".html")
    kinds = [kind for kind, asked in (("pptx", pptx), ("xlsx", xlsx), ("pdf", pdf)) if asked]
    sources = [result, *([verified] if verified else []), *measured_files(measured)]
    files = documents.files(page, kinds)
    for file in files:
        check_writable(file, inputs=sources)
    wanted = Wanted.of(pitch=pitch, verified=verified, measured=measured or ())
    tables.print_files(files, documents.write(read(result), files, wanted))


def summary(
    result: ResultFile,
    as_json: Json = False,
) -> None:
    """Print the numbers of a result file.

    \b
    Examples:
      warp summary lid.h5
      warp summary lid.h5 --json | jq .surfaces.substrate.bottom.warpage_um
    """
    from warp import read
    from warp.cli import tables

    found = read(result)
    numbers = found.summary()
    if as_json:
        print_json(numbers)
    else:
        if numbers.get("steps"):
            from warp.report.stored_case import named_surfaces, quotable_parts

            named, parts = named_surfaces(found), quotable_parts(found)
            tables.print_steps(numbers["steps"], named, parts)
        tables.print_summary(numbers, title=result.stem)
        tables.print_warnings(numbers.get("warnings") or ())


def compare(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="A.h5 [B.h5] [MEASURED.csv]", help="Results; x, y, z points or heights."
        ),
    ],
    surface: Annotated[
        str | None,
        typer.Option(
            metavar="PART.SIDE", help="Whose diagonals; by default the side to the board."
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE.png", help="Overlaid diagonals; A-compare.png here."
        ),
    ] = None,
    pitch: Annotated[
        str | None,
        typer.Option(metavar="LENGTH", help="Of a measured matrix of heights: point to point."),
    ] = None,
    measured: MeasuredAt = None,
    as_json: Json = False,
) -> None:
    """Compare two results, or a result with measured surfaces: tables, maps and diagonals.

    \b
    Examples:
      warp compare lid.h5 thin.h5
      warp compare lid.h5 moire.csv --surface substrate.bottom
      warp compare lid.h5 heights.csv --pitch "0.25 mm"
      warp compare reflow.h5 --measured "25 degC=m25.csv" \\
          --measured "245 degC=m245.csv"
    """
    from warp.cli import tables
    from warp.report import compare as comparing

    picture = picture or Path(files[0].stem + "-compare.png")
    check_writable(picture, inputs=[*files, *measured_files(measured)])
    if measured:
        return _over_temperatures(files, measured, surface, picture, _pitch(pitch), as_json)
    found, names = comparing.files(files, surface, picture, _pitch(pitch))
    if as_json:
        print_json(found)
    else:
        tables.print_comparison(found, names)


def _ansys(
    case: Case, file: Path, output: Path | None, how: tuple[float, bool, bool | None]
) -> None:
    """Write a case as input of Ansys; how: width of the bricks, linear ones, large deflection."""
    from warp.cli import tables
    from warp.run.to_file import inputs
    from warp.verify import ansys_deck, calculix_deck

    (coarser, linear, nlgeom), folder = how, output or Path(f"{file.stem}-ansys")
    for source in inputs(case):
        refuse_output_over(source, folder, f"{file.stem}.dat", f"{file.stem}-heat.dat")
    mesh = calculix_deck.build(case, coarser, linear)
    large = bool(case.large_deflection) if nlgeom is None else nlgeom
    tables.print_files(ansys_deck.write(case, folder, file.stem, mesh, large))


def _over_temperatures(
    files: list[Path],
    measured: list[str],
    surface: str | None,
    picture: Path,
    pitch: float | None,
    as_json: bool,
) -> None:
    """Compare one result with surfaces measured at several temperatures."""
    from warp import read
    from warp.cli import tables
    from warp.errors import WarpError
    from warp.report import moire

    if len(files) != 1:
        raise WarpError("--measured compares one result: give one OUT.h5")
    found = moire.overlays(read(files[0]), moire.read(measured, pitch), surface)
    moire.draw(found, picture, files[0].stem)
    if as_json:
        print_json({"measured": moire.to_dict(found), "picture": str(picture)})
    else:
        tables.print_overlays(moire.block(found))
        tables.print_files([picture])


def _pitch(text: str | None) -> float | None:
    """Return a distance of points in m, None where none is given."""
    if text is None:
        return None
    from warp.errors import WarpError
    from warp.units import LENGTH, parse

    try:
        value = parse(text, LENGTH)
    except ValueError as error:
        raise WarpError(f"--pitch: {error}") from None
    if not 0.0 < value < 1.0:
        raise WarpError(f"--pitch {text!r} is not a distance of points on a package")
    return value


def export(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="OUT.h5|CASE.toml", help="A result; with --calculix or --ansys a case."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="NAME", help="Names begin so (a folder for decks)."),
    ] = None,
    vtr: Annotated[
        bool,
        typer.Option("--vtr", help="The voxels of the whole package as a VTK file for ParaView."),
    ] = False,
    pvd: Annotated[
        bool,
        typer.Option("--pvd", help="The surfaces for ParaView, each step of a process as a time."),
    ] = False,
    csv: Annotated[
        bool, typer.Option("--csv", help="Surfaces as x, y, height, and all numbers, one a row.")
    ] = False,
    surface: Surfaces = None,
    calculix: Annotated[
        bool,
        typer.Option(
            "--calculix", help="The case as input decks of CalculiX, an independent solver."
        ),
    ] = False,
    ansys: Annotated[
        bool,
        typer.Option("--ansys", help="The same bricks as input of Ansys Mechanical APDL."),
    ] = False,
    run: Annotated[
        bool, typer.Option("--run", help="With --calculix: run ccx and `warp run`, print both.")
    ] = False,
    read_: Annotated[
        bool, typer.Option("--read", help="With --calculix: as --run, of a ccx run made elsewhere.")
    ] = False,
    linear: Annotated[
        bool,
        typer.Option("--linear", help="With --calculix or --ansys: linear bricks, not quadratic."),
    ] = False,
    nlgeom: Annotated[
        bool | None,
        typer.Option(
            "--nlgeom/--no-nlgeom",
            help="With --calculix or --ansys: large deflection; as the case has it by default.",
        ),
    ] = None,
    coarser: Annotated[
        float,
        typer.Option(
            min=0.25,
            max=16,
            metavar="N",
            help="With --calculix or --ansys: bricks N times as wide as the voxels.",
        ),
    ] = 2.0,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Write a result for ParaView or as CSV, or a case as input of CalculiX or Ansys.

    ParaView 6.2 and newer open OUT.h5 itself: the modelled half or quarter, at the end.

    \b
    Examples:
      warp export lid.h5 --vtr --csv
      warp export reflow.h5 --pvd               deformed surfaces over the steps
      warp export lid.h5 --csv --surface substrate.bottom
      warp export lid.toml --calculix --run
      warp export lid.toml --ansys              lid-ansys/lid.dat, to be run there
    """
    from warp import load, read
    from warp.cli import tables
    from warp.errors import WarpError
    from warp.report import terminal

    if (calculix or ansys) and file.suffix == ".h5":
        option = "--calculix" if calculix else "--ansys"
        raise WarpError(f"{file} is a result: {option} takes the case, {file.stem}.toml")
    if calculix:
        from warp.cli import machine_tables
        from warp.run.to_file import inputs
        from warp.verify import calculix as calculix_answer

        loaded, folder = load(file, overrides(set_)), output or Path(f"{file.stem}-calculix")
        for source in inputs(loaded):
            refuse_output_over(source, folder, f"{file.stem}.inp", f"{file.stem}-heat.inp")
        large = bool(loaded.large_deflection) if nlgeom is None else nlgeom
        decks = calculix_answer.write(loaded, folder, file.stem, coarser, linear, large)
        if not run and not read_:
            return tables.print_files(decks.files)
        with terminal.Steps() as steps:
            found = calculix_answer.compare(decks, run, steps)
        return (
            print_json(found.as_dict())
            if as_json
            else machine_tables.print_rows(found.rows, found.title())
        )
    if ansys:
        return _ansys(load(file, overrides(set_)), file, output, (coarser, linear, nlgeom))
    from warp.report import export as exports

    name = output or Path(file.stem)
    endings = (".vtr", "-surfaces.pvd", "-numbers.csv")
    refuse_output_over(file, name.parent, *(name.name + ending for ending in endings))
    tables.print_files(exports.write(read(file), name, vtr, csv, surface or (), want_pvd=pvd))


def view(
    result: ResultFile,
    colour: Annotated[
        str, typer.Option(metavar="height|temperature|stress|part|material", help="What is shown.")
    ] = "height",
    browser: Annotated[
        bool, typer.Option("--browser", help="In a browser of this machine instead of a window.")
    ] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="With --browser.")] = 8080,
    picture: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE.png", help="Draw one picture and stop."),
    ] = None,
    cut: Annotated[
        float,
        typer.Option(min=0.05, max=1.0, metavar="SHARE", help="With -o: share that is left of x."),
    ] = 1.0,
) -> None:
    """Turn a deformed package, cut it open, and step through its process (needs pyvista).

    \b
    Examples:
      warp view reflow.h5
      warp view lid.h5 --colour temperature --browser
      warp view lid.h5 --cut 0.5 -o lid-view.png
    """
    from warp import read
    from warp.cli import tables
    from warp.report import view as views

    views.require(browser)
    if picture is not None:
        check_writable(picture, inputs=[result])
    found = read(result)
    if picture is not None:
        views.screenshot(found, picture, colour, cut)
        tables.print_files([picture])
    elif browser:
        views.browser(found, colour, port)
    else:
        views.window(found, colour)
