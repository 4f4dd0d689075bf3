"""Solve every closed form and published case that the program is compared with.

Each problem is solved as a case would be; each of its numbers becomes a row: expected, got, error,
tolerance, source. The quick problems take under a minute together, all of them a few minutes on two
cores.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from warp.errors import WarpError
from warp.machine.device import Device
from warp.verify import elastic as verify_elastic
from warp.verify import heat as verify_heat
from warp.verify import large_deflection as verify_large_deflection
from warp.verify import laws as verify_laws
from warp.verify import packages as verify_packages
from warp.verify import plates as verify_plates
from warp.verify import power_blocks as verify_power_blocks
from warp.verify import surfaces as verify_surfaces
from warp.verify.problem import Problem, Row

PROBLEMS = [
    *verify_surfaces.PROBLEMS,
    *verify_heat.PROBLEMS,
    *verify_power_blocks.PROBLEMS,
    *verify_elastic.PROBLEMS,
    *verify_plates.PROBLEMS,
    *verify_laws.PROBLEMS,
    *verify_large_deflection.PROBLEMS,
    *verify_packages.PROBLEMS,
]


class NotVerified(WarpError):
    """Report that a number misses its tolerance on this machine."""

    exit_code = 1


def verify(
    device: Device, quick: bool = False, progress: Callable[[str], None] | None = None
) -> list[tuple[Problem, list[Row], float]]:
    """Solve all problems, or the quick ones; return their rows and seconds.

    Calls `progress(name)` before each.
    """
    done = []
    for problem in PROBLEMS:
        if quick and not problem.quick:
            continue
        if progress:
            progress(problem.name)
        start = time.perf_counter()
        try:
            rows = problem.solve(device)
        except WarpError as error:
            rows = [Row(problem.name, 0.0, math.nan, 0.0, str(error), absolute=True)]
        done.append((problem, rows, time.perf_counter() - start))
    return done
