"""Compare a device with the CPU in float64 on one thread: the same numbers, whoever computes them.

Solves end at a residual of 1e-8; an iteration more or less moves a displacement by 1e-7.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from warp.case import case as cases
from warp.machine.device import Device
from warp.run import process
from warp.verify.problem import Problem, Row

REFERENCE = Device("cpu")
"""What a device is compared with."""
SMALL = 30_000
"""Voxels of the package that is solved on both; few, so that the CPU is done in seconds."""
HEATED = {
    "load.temperature": '"solved"',
    "output.fields": '["temperature", "displacement"]',
}


def of_package(path: Any, overrides: dict[str, str], device: Device) -> dict[str, Any]:
    """Solve a package on both; return the differences of its fields and the iterations.

    A difference is relative to the largest value of the field.
    """
    case = cases.load(path, overrides | HEATED)
    own, reference = (process.solve(case, chosen) for chosen in (device, REFERENCE))
    iterations = [
        {name: solver["iterations"] for name, solver in found.provenance["solver"].items()}
        for found in (own, reference)
    ]
    fields = {
        name: difference(np.asarray(own.fields[name]), np.asarray(values))
        for name, values in reference.fields.items()
    }
    return {"voxels": own.grid.cells, "fields": fields, "iterations": iterations}


def difference(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference relative to the largest expected value."""
    largest = float(np.abs(expected).max(initial=0.0))
    return float(np.abs(found - expected).max(initial=0.0)) / (largest or 1.0)


def of_rows(done: Iterable[tuple[Problem, Sequence[Row], float]]) -> tuple[float, str, int]:
    """Solve the quick problems on the CPU again; return how far a row differs at most.

    As a share of the row's tolerance, with the row's name and the number of rows compared.
    """
    worst, name, count = 0.0, "", 0
    for problem, rows, _ in done:
        if not problem.quick:
            continue
        for row, other in zip(rows, problem.solve(REFERENCE), strict=True):
            scale = row.tolerance if row.absolute else row.tolerance * abs(row.expected)
            share = _share(row.got, other.got, scale)
            count += 1
            if share > worst:
                worst, name = share, row.name
    return worst, name, count


def _share(found: float, expected: float, scale: float) -> float:
    """Return a difference over a scale; infinite where one is no number."""
    if found == expected:
        return 0.0
    share = abs(found - expected) / scale if scale else math.inf
    return math.inf if math.isnan(share) else share
