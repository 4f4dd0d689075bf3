"""Declare the arguments that several verbs take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from warp.errors import WarpError
from warp.files.whole_file import same_file

CaseFile = Annotated[
    Path, typer.Argument(metavar="CASE.toml", help="The case file: a package and its loads.")
]
Device = Annotated[
    str,
    typer.Option(
        metavar="auto|cpu|cuda[:N]",
        help="Where to compute; /float32 or /float64 behind it: precision of iterations.",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help='Change one value of the case, e.g. part.chip.thickness="0.5 mm".',
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
Quiet = Annotated[
    bool, typer.Option("-q", "--quiet", help="Print nothing but warnings, errors and --json.")
]
Verbose = Annotated[
    bool, typer.Option("-v", "--verbose", help="Print a line for every stage that ends.")
]
LogFile = Annotated[
    Path | None,
    typer.Option("--log", metavar="FILE", help="Append what happens, with the time, to a file."),
]
ResultFile = Annotated[Path, typer.Argument(metavar="OUT.h5", help="A file that `warp run` wrote.")]
Surfaces = Annotated[
    list[str] | None,
    typer.Option(
        "--surface",
        metavar="PART.SIDE",
        help="A surface such as substrate.bottom; repeat, or: all.",
    ),
]
Window = Annotated[
    str | None,
    typer.Option(
        metavar="AXIS=FROM..TO",
        help='What sections show, e.g. "x=10..14 mm, z=0.4..1 mm"; by default all.',
    ),
]
MeasuredAt = Annotated[
    list[str] | None,
    typer.Option(
        "--measured",
        metavar="TEMPERATURE=FILE",
        help="A surface measured at a temperature, as by shadow moire; repeat.",
    ),
]


def measured_files(given: list[str] | None) -> list[Path]:
    """Return the files that --measured names."""
    return [Path(text.partition("=")[2].strip()) for text in given or []]


def overrides(pairs: list[str] | None) -> dict[str, str]:
    """Split each KEY=VALUE of --set; raise WarpError where there is no key or no =."""
    chosen = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise WarpError(
                f'--set {pair}: write KEY=VALUE, e.g. --set part.chip.thickness="0.5 mm"'
            )
        chosen[key.strip()] = value.strip()
    return chosen


def print_json(value: Any) -> None:
    """Print JSON for a script."""
    print(json.dumps(value, indent=2, allow_nan=False))


def refuse_output_over(source: Path, folder: Path, *names: str) -> None:
    """Raise WarpError if one of the files that a command makes in `folder` is the one it reads."""
    for name in names:
        if same_file(folder / name, source):
            raise WarpError(
                f"cannot write {folder / name}: this command reads that file; "
                "choose another name with -o"
            )
