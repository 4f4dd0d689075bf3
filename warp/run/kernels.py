"""Compile what a case needs before its solve begins, so that no solver waits for a compiler."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from warp.machine import compiling
from warp.machine.device import Device

if TYPE_CHECKING:
    from warp.case.case import Case

Progress = Callable[[str, int, float], None]


def groups(case: Case) -> list[str]:
    """List the groups of kernels (`warp.machine.compiling.GROUPS`) that a case calls."""
    found = ["common"] if case.heat_alone else ["common", "elastic"]
    if case.heated:
        found.append("heat")
    if case.has_steps:
        found.append("history")
    if case.heated and case.has_steps:
        found.append("transient")
    return found


def to_compile(case: Case, device: Device) -> int:
    """Count the kernels that a run of a case would compile before it begins."""
    wanted = compiling.listed(groups(case), host_only=device.cuda)
    return sum(not one.path.exists() for one in wanted)


def compile_for(case: Case, device: Device, progress: Progress) -> None:
    """Compile what a case calls."""
    compile_groups(groups(case), device, progress)


def compile_groups(names: Sequence[str], device: Device, progress: Progress) -> None:
    """Compile on all cores; tells `progress` the percentage, or a reader of a pipe one line."""
    wanted = compiling.listed(names, host_only=device.cuda)

    def on_progress(done: int, total: int) -> None:
        if done == 0 and not sys.stderr.isatty():
            compiling.announce()
        progress("compiling kernels", 100 * done // total, math.nan)

    compiling.compile_all(wanted, device.threads, on_progress)
