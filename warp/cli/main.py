"""Run the command `warp`: each verb reads its arguments, calls one package and prints.

Exit codes: 0 done, 1 a solve did not reach its tolerance, 2 bad input. Either error is one line on
stderr. Heavy imports stand inside the verbs, so that --help answers at once.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import Annotated

import typer

from warp.cli import case as case_verbs
from warp.cli import machine as machine_verbs
from warp.cli import result as result_verbs
from warp.cli import solve as solve_verbs
from warp.errors import WarpError
from warp.name_clash import refuse_nvidia_warp

app = typer.Typer(
    name="warp",
    help="Package warpage from chip to board.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
STOPPED = 130  # 128 + SIGINT, the convention of shells


def _version(wanted: bool) -> None:
    if wanted:
        from warp import __version__

        print(f"warpage {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    """Package warpage from chip to board."""


VERBS = {
    "A case": (case_verbs.new, case_verbs.check, case_verbs.materials, case_verbs.schema),
    "Solve": (solve_verbs.run, solve_verbs.sweep),
    "A result": (
        result_verbs.plot,
        result_verbs.report,
        result_verbs.summary,
        result_verbs.compare,
        result_verbs.export,
    ),
    "This machine": (machine_verbs.verify, machine_verbs.bench, machine_verbs.warmup),
}
for panel, verbs in VERBS.items():
    for verb in verbs:
        app.command(rich_help_panel=panel)(verb)


def main() -> None:
    """Run the command line; an expected failure is a sentence and an exit code, no traceback."""
    # OpenBLAS would start threads for one small matrix, and they compete with the kernels'.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(100_000)  # imports create half a million objects that stay
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
    finally:
        gc.freeze()  # spares a last search through all objects at exit


def _stopped() -> int:
    print("stopped", file=sys.stderr)
    return STOPPED


if __name__ == "__main__":
    main()
