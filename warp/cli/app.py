"""Gather the verbs of the command `warp`: each reads its arguments, calls one package and prints.

Heavy imports stand inside the verbs, so that --help answers at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from warp.cli import case as case_verbs
from warp.cli import gradient as gradient_verbs
from warp.cli import identify as identify_verbs
from warp.cli import machine as machine_verbs
from warp.cli import result as result_verbs
from warp.cli import solve as solve_verbs


def _version(wanted: bool) -> None:
    if wanted:
        from warp import __version__

        print(f"warpage {__version__}")
        raise typer.Exit


def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    """Package warpage from chip to board."""


VERBS: dict[str, tuple[Callable[..., Any], ...]] = {
    "A case": (case_verbs.new, case_verbs.check, case_verbs.materials, case_verbs.schema),
    "Solve": (
        solve_verbs.run,
        solve_verbs.sweep,
        gradient_verbs.sensitivity,
        gradient_verbs.optimize,
        identify_verbs.identify,
    ),
    "A result": (
        result_verbs.plot,
        result_verbs.report,
        result_verbs.summary,
        result_verbs.compare,
        result_verbs.export,
        result_verbs.view,
    ),
    "This machine": (
        machine_verbs.verify,
        machine_verbs.bench,
        machine_verbs.warmup,
        machine_verbs.completion,
    ),
}


def command(words: Sequence[str] = ()) -> typer.Typer:
    """Make the command with the one verb that `words` begin with, or else with all verbs.

    Typer reads the arguments of every verb that it is given before it runs one.
    """
    made = typer.Typer(
        name="warp",
        help="Package warpage from chip to board.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(options)
    known = [(panel, verb) for panel, verbs in VERBS.items() for verb in verbs]
    named = [(panel, verb) for panel, verb in known if [verb.__name__] == list(words[:1])]
    for panel, verb in named or known:
        made.command(rich_help_panel=panel)(verb)
    return made


app = command()
