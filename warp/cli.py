"""The command `warp`: each verb reads its words, calls one room and prints.

Exit codes: 0 done, 1 a solve did not reach its tolerance, 2 bad input; either error is one line on stderr.
Heavy imports stand inside the verbs, so that --help answers at once.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from warp.errors import WarpError
from warp.neighbour import refuse_nvidia_warp

app = typer.Typer(
    name="warp",
    help="Package warpage from chip to board.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

STOPPED = 130  # 128 + SIGINT, as shells have it

CaseFile = Annotated[Path, typer.Argument(metavar="CASE.toml", help="The package and what is done to it.")]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda[:N]", help="Where to compute.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help='Change one value of the case, e.g. part.chip.thickness="0.5 mm".'),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


def _version(wanted: bool) -> None:
    if wanted:
        from warp import __version__

        print(f"warpage {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Package warpage from chip to board."""


@app.command()
def run(
    case: CaseFile,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT.h5", help="Result file; CASE.h5 here unless told.")
    ] = None,
    device: Device = "auto",
    set_: Set = None,
    refine: Annotated[
        bool, typer.Option("--refine", help="Solve on a coarser grid, too: each warpage with its discretisation error.")
    ] = False,
    grids: Annotated[
        int | None, typer.Option(min=2, max=3, metavar="2|3", help="Grids of --refine; 3 show the order, too.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a killed run of the same process was: same numbers.")
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
    from warp import checkpoint, console, flow, load, results, step_table, validity
    from warp import refine as refinement

    target = output or Path(case.stem + ".h5")
    results.check_writable(target)
    kept = checkpoint.beside(target)
    checkpoint.tidy(kept, target)
    loaded = load(case, _overrides(set_))
    with console.Steps() as steps:
        if refine or grids:
            result = refinement.solve(loaded, device, steps, grids=grids or 2)
        else:
            result = flow.solve(loaded, device, steps, kept=kept, resume=resume, told=_resumed)
        steps("writing", 0, float("nan"))
        result.write(target)
    if loaded.moments:
        flow.done_with(kept)
    numbers = result.summary()
    moments = numbers.get("steps", [])
    if as_json:
        _print_json(numbers)
    else:
        if moments:
            step_table.print_steps(moments)
        console.print_summary(numbers, title=loaded.title, written=target)
    for remark in step_table.remarks(moments) if moments else validity.remarks(numbers["surfaces"], loaded.height):
        print(f"warning: {remark}", file=sys.stderr)


@app.command()
def check(
    case: CaseFile,
    set_: Set = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Cross-section picture; CASE.png here unless told.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the stack, the grid, gaps and floating parts, and what a run will cost. Solves nothing, needs no GPU.

    \b
    Examples:
      warp check lid.toml                   draws lid.png, too
      warp check lid.toml --json
    """
    from warp import check as checks
    from warp import console, load

    report = checks.check(load(case, _overrides(set_)), picture or Path(case.stem + ".png"))
    if as_json:
        _print_json(report.as_dict())
    else:
        console.print_check(report)


@app.command()
def summary(
    result: Annotated[Path, typer.Argument(metavar="OUT.h5", help="A file that `warp run` wrote.")],
    as_json: Json = False,
) -> None:
    """Print the numbers of a result file.

    \b
    Examples:
      warp summary lid.h5
      warp summary lid.h5 --json | jq .surfaces.substrate.bottom.warpage_um
    """
    from warp import console, read, step_table

    numbers = read(result).summary()
    if as_json:
        _print_json(numbers)
    else:
        if numbers.get("steps"):
            step_table.print_steps(numbers["steps"])
        console.print_summary(numbers, title=result.stem)


@app.command()
def materials(
    name: Annotated[str | None, typer.Argument(help="One of the library's names.")] = None,
    matrix: Annotated[
        str | None, typer.Option("--in", metavar="MATRIX", help="Show NAME as a powder in this polymer, over its share.")
    ] = None,
    size: Annotated[str | None, typer.Option(metavar="LENGTH", help='With --in: the grains, e.g. "5 um".')] = None,
    resistance: Annotated[
        str, typer.Option(metavar="RESISTANCE", help='With --in: of a grain\'s surface, e.g. "0.01 mm^2 K/W".')
    ] = "0 m^2 K/W",
    as_json: Json = False,
) -> None:
    """List the material library, show one material with the source of every value, or a filled polymer's curve.

    \b
    Examples:
      warp materials                        the library
      warp materials silicon                every value with its source
      warp materials silver --in epoxy --size "5 um"
    """
    from warp import catalogue, console

    if matrix is not None:
        from warp import filled

        if name is None:
            raise WarpError("--in needs the powder's name: warp materials silver --in epoxy")
        found = filled.read(name, matrix, size, resistance)
        return _print_json(found) if as_json else console.print_filled(found)
    found = catalogue.listing() if name is None else catalogue.entry(name)
    if as_json:
        _print_json(found)
    elif name is None:
        console.print_materials(found)
    else:
        console.print_material(found)


@app.command()
def schema() -> None:
    """Print the JSON Schema of case files, for editors that check and complete them.

    \b
    Examples:
      warp schema > case.schema.json
    """
    from warp import case

    _print_json(case.schema())


@app.command()
def warmup(device: Device = "auto") -> None:
    """Compile all kernels now, so that the next run starts at once.

    \b
    Examples:
      warp warmup
      warp warmup --device cuda
    """
    from warp import console
    from warp import warmup as ahead
    from warp.device import select

    place = select(device)
    with console.Steps() as steps:
        steps("compiling kernels", 0, float("nan"))
        ahead.warmup(place)
    print(f"{place.describe()}: ready")


ResultFile = Annotated[Path, typer.Argument(metavar="OUT.h5", help="A file that `warp run` wrote.")]
Surfaces = Annotated[
    list[str] | None,
    typer.Option("--surface", metavar="PART.SIDE", help="A surface such as substrate.bottom; repeat, or: all."),
]


@app.command()
def plot(
    result: ResultFile,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Folder; OUT-plots here unless told.")
    ] = None,
    surface: Surfaces = None,
    form: Annotated[str, typer.Option("--format", metavar="png|svg|pdf", help="What the pictures are.")] = "png",
) -> None:
    """Draw warpage, temperature, stress and convergence of a result: one command, the useful set of pictures.

    \b
    Examples:
      warp plot lid.h5                        into lid-plots/
      warp plot lid.h5 --surface chip.top --surface lid.bottom --format svg
    """
    from warp import console, figures, read

    folder = output or Path(result.stem + "-plots")
    console.print_files(*figures.draw(read(result), folder, result.stem, form, surface or ()))


@app.command()
def report(
    result: ResultFile,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT.html", help="The page; OUT.html here unless told.")
    ] = None,
    pitch: Annotated[
        str | None, typer.Option(metavar="LENGTH", help='Ball pitch for the limits, "1 mm"; the case has one or not.')
    ] = None,
    verified: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="What `warp verify --json` printed: its rows go in, too.")
    ] = None,
) -> None:
    """Write one HTML page: numbers against the limits, surfaces to turn, stack, materials, grid, solvers.

    \b
    Examples:
      warp report lid.h5 --pitch "1 mm"
      warp verify --quick --json > verify.json
      warp report lid.h5 --verified verify.json
    """
    from warp import console, read
    from warp import report as reports

    page = output or Path(result.stem + ".html")
    console.print_files([page], reports.write(read(result), page, pitch=pitch, verified=verified))


@app.command()
def verify(
    quick: Annotated[bool, typer.Option("--quick", help="Only what takes under a minute together.")] = False,
    device: Device = "auto",
    html: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write the table as a page, too.")] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE.md", help="Write the table for a README, too.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Hold the program against closed forms and published cases on this machine; exit code 1 if a number is off.

    \b
    Examples:
      warp verify --quick
      warp verify --html verify.html
    """
    from warp import verify as evidence
    from warp.device import select

    evidence.run(select(device), quick, _print_json if as_json else None, html, markdown)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="OUT.h5|CASE.toml", help="A result, or with --calculix a case.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="NAME", help="Names begin so (a folder with --calculix).")
    ] = None,
    vtr: Annotated[bool, typer.Option("--vtr", help="The voxels as a VTK file for any ParaView.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Surfaces as x, y, height, and all numbers, one a row.")] = False,
    surface: Surfaces = None,
    calculix: Annotated[
        bool, typer.Option("--calculix", help="The case as input decks of CalculiX, an independent solver.")
    ] = False,
    run: Annotated[bool, typer.Option("--run", help="With --calculix: run ccx and `warp run`, print both.")] = False,
    read_: Annotated[bool, typer.Option("--read", help="With --calculix: as --run, of a ccx run made elsewhere.")] = False,
    linear: Annotated[bool, typer.Option("--linear", help="With --calculix: C3D8I instead of C3D20R.")] = False,
    coarser: Annotated[
        float, typer.Option(min=0.25, max=16, metavar="N", help="With --calculix: bricks N times as wide as the voxels.")
    ] = 2.0,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Write a result as .vtr or CSV, or a case as input decks of CalculiX. (ParaView 6.2 and newer open OUT.h5.)

    \b
    Examples:
      warp export lid.h5 --vtr --csv
      warp export lid.h5 --csv --surface substrate.bottom
      warp export lid.toml --calculix --run
    """
    from warp import console, load, read

    if calculix:
        from warp import calculix_answer, verify

        loaded, folder = load(file, _overrides(set_)), output or Path(f"{file.stem}-calculix")
        decks = calculix_answer.write(loaded, folder, file.stem, coarser, linear)
        if not run and not read_:
            return console.print_files(decks.files)
        with console.Steps() as steps:
            found = calculix_answer.compare(decks, run, steps)
        return _print_json(found.as_dict()) if as_json else verify.print_rows(found.rows, found.title())
    from warp import export as exports

    console.print_files(exports.write(read(file), output or Path(file.stem), vtr, csv, surface or ()))


@app.command()
def compare(
    files: Annotated[list[Path], typer.Argument(metavar="A.h5 [B.h5] [MEASURED.csv]", help="Results; x, y, z points.")],
    surface: Annotated[
        str | None, typer.Option(metavar="PART.SIDE", help="Whose diagonals; the side to the board unless told.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE.png", help="Overlaid diagonals; A-compare.png here.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare two results, or a result with a measured surface: tables, and both diagonals over each other.

    \b
    Examples:
      warp compare lid.h5 thin.h5
      warp compare lid.h5 moire.csv --surface substrate.bottom
    """
    from warp import compare as comparing
    from warp import console

    found, names = comparing.files(files, surface, picture or Path(files[0].stem + "-compare.png"))
    if as_json:
        _print_json(found)
    else:
        console.print_comparison(found, names)

@app.command()
def sweep(
    case: CaseFile,
    vary: Annotated[
        list[str],
        typer.Option(metavar="KEY=VALUES", help='What varies: "0.5 mm, 0.7 mm" or "0.5 mm .. 1 mm"; repeat.'),
    ],
    sample: Annotated[str, typer.Option(metavar="grid|lhs|sobol", help="Where the points lie.")] = "grid",
    points: Annotated[
        int | None, typer.Option(metavar="N", help="grid: values per range; lhs: runs; sobol: runs / (variables + 2).")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Folder; CASE-sweep here unless told.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the sample: the same seed, the same points.")] = 0,
    workers: Annotated[int | None, typer.Option(metavar="N", help="Processes; one a core unless told.")] = None,
    scheduler: Annotated[str | None, typer.Option(metavar="tcp://HOST:PORT", help="Of a Dask cluster.")] = None,
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
    from warp import console, load
    from warp import design as designs
    from warp import sweep as sweeps

    plan = designs.design(vary, sample, points, seed)
    folder = output or Path(case.stem + "-sweep")
    with console.Runs() as progress:
        outcome = sweeps.sweep(
            load(case, _overrides(set_)),
            plan,
            folder,
            device=device,
            workers=workers,
            scheduler=scheduler,
            progress=progress,
        )
    console.print_sweep(outcome)


@app.command()
def new(
    kind: Annotated[str | None, typer.Argument(metavar="KIND", help="What kind of package; none lists them.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="CASE.toml", help="KIND.toml here unless told.")
    ] = None,
) -> None:
    """Write a commented case file to start from.

    \b
    Examples:
      warp new                              lists the kinds
      warp new flip-chip -o mine.toml
    """
    from warp import starter

    if kind is None:
        for name, title in starter.kinds().items():
            print(f"{name:22s} {title}")
    else:
        print(f"written to {starter.write(kind, output)}: `warp run` solves it")


@app.command()
def bench(
    device: Device = "auto",
    voxels: Annotated[int | None, typer.Option(metavar="N", help="About so many; the case's own grid unless told.")] = None,
    as_json: Json = False,
) -> None:
    """Measure this machine: kernels against its memory bandwidth, and whole solves of a lidded flip chip.

    \b
    Examples:
      warp bench
      warp bench --device cuda --voxels 10000000
    """
    from warp import bench as measure
    from warp import console
    from warp.device import select

    with console.Steps() as steps:
        found = measure.run(select(device), voxels, steps)
    if as_json:
        _print_json(found)
    else:
        measure.print_bench(found)


def _overrides(pairs: list[str] | None) -> dict[str, str]:
    """Split each KEY=VALUE."""
    chosen = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise WarpError(f'--set {pair}: write KEY=VALUE, e.g. --set part.chip.thickness="0.5 mm"')
        chosen[key.strip()] = value.strip()
    return chosen


def _resumed(done: int, moments: int) -> None:
    print(f"resumed: {done} of {moments} solves were done", file=sys.stderr)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, allow_nan=False))


def main() -> None:
    """Run the command line; an expected failure is one sentence and an exit code, never a traceback."""
    try:
        refuse_nvidia_warp()
        app()
    except WarpError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(_stopped())
    except SystemExit as end:  # Typer's own, also for Ctrl-C
        sys.exit(_stopped() if end.code == STOPPED else end.code)


def _stopped() -> int:
    print("stopped", file=sys.stderr)
    return STOPPED


if __name__ == "__main__":
    main()
