"""Verbs that try this machine: right numbers, speed, compiled kernels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from warp.cli.words import Device, Json, print_json
from warp.errors import WarpError
from warp.files.whole_file import same_file


def verify(
    quick: Annotated[
        bool, typer.Option("--quick", help="Only what takes under a minute together.")
    ] = False,
    device: Device = "auto",
    html: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write the table as a page, too.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE.md", help="Write the table for a README, too.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare the program with closed forms and published cases on this machine.

    The exit code is 1 if a number misses its tolerance.

    \b
    Examples:
      warp verify --quick
      warp verify --html verify.html
    """
    from warp.cli import machine_tables
    from warp.machine.device import select

    if html is not None and markdown is not None and same_file(html, markdown):
        raise WarpError("--html and --markdown name the same file")
    machine_tables.print_verification(
        select(device), quick, print_json if as_json else None, html, markdown
    )


def bench(
    device: Device = "auto",
    voxels: Annotated[
        int | None,
        typer.Option(metavar="N", help="About so many; the case's own grid by default."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure this machine: kernels against memory bandwidth, whole solves of a flip chip.

    \b
    Examples:
      warp bench
      warp bench --device cuda --voxels 10000000
    """
    from warp.cli import machine_tables
    from warp.machine.device import select
    from warp.report import terminal
    from warp.verify import bench as measure

    with terminal.Steps() as steps:
        found = measure.run(select(device), voxels, steps)
    if as_json:
        print_json(found)
    else:
        machine_tables.print_bench(found)


def warmup(device: Device = "auto") -> None:
    """Compile all kernels now, so that the next run starts at once.

    \b
    Examples:
      warp warmup
      warp warmup --device cuda
    """
    from warp.machine.device import select
    from warp.report import terminal
    from warp.run import warmup as ahead

    chosen = select(device)
    with terminal.Steps() as steps:
        ahead.warmup(chosen, steps)
    print(f"{chosen.describe()}: ready")


def completion(
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", help="Your shell.")],
) -> None:
    """Print the script that lets a shell complete commands and options.

    \b
    Examples:
      warp completion bash > ~/.local/share/bash-completion/completions/warp
      warp completion zsh > ~/.zfunc/_warp
      warp completion fish > ~/.config/fish/completions/warp.fish
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    from warp.errors import WarpError

    if shell not in ("bash", "zsh", "fish"):
        raise WarpError(f"no completion for {shell!r}: choose bash, zsh or fish")
    print(get_completion_script(prog_name="warp", complete_var="_WARP_COMPLETE", shell=shell))
