"""Declare the arguments that several verbs take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from warp.errors import WarpError

CaseFile = Annotated[
    Path, typer.Argument(metavar="CASE.toml", help="The case file: a package and its loads.")
]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda[:N]", help="Where to compute.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help='Change one value of the case, e.g. part.chip.thickness="0.5 mm".',
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
ResultFile = Annotated[Path, typer.Argument(metavar="OUT.h5", help="A file that `warp run` wrote.")]
Surfaces = Annotated[
    list[str] | None,
    typer.Option(
        "--surface",
        metavar="PART.SIDE",
        help="A surface such as substrate.bottom; repeat, or: all.",
    ),
]


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
