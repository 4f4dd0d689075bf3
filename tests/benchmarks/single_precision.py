"""Iterations of the displacement in float64 and in float32, on packages of `data/packages`.

    python tests/benchmarks/single_precision.py [REFINE [NAME ...]]

Prints a table: voxels, iterations of both, residuals computed in float64 by the second, and the
largest difference of displacements without rigid motion over the largest displacement.
"""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np

import warp
from warp.case import case as cases
from warp.machine import cache
from warp.solvers import krylov

PACKAGES = cache.kernels().parent / "data" / "packages"
NAMES = (
    "flip-chip", "fcbga-bare", "fcbga-lid", "interposer", "stacked-chips", "stiffener-ring",
    "wafer", "wire-bond",
)  # fmt: skip


def row(name: str, refine: str) -> str:
    """Solve a package in both precisions."""
    case = cases.load(PACKAGES / f"{name}.toml", {"grid.refine": refine})
    counts: Counter[str] = Counter()
    body = krylov._Record.true_residual

    def count(record: krylov._Record) -> float:
        counts[record.iteration.system.name] += 1
        return body(record)

    double = warp.solve(case, "cpu")
    krylov._Record.true_residual = count  # type: ignore[method-assign]
    single = warp.solve(case, "cpu/float32")
    krylov._Record.true_residual = body  # type: ignore[method-assign]
    iterations = [r.provenance["solver"]["elastic"]["iterations"] for r in (double, single)]
    U, V = (np.asarray(r.fields["displacement"]) for r in (double, single))
    off = np.abs(U - V).max() / np.abs(U).max()
    numbers = f"{double.grid.cells:,} | {iterations[0]} | {iterations[1]}"
    return f"| {name} | {numbers} | {counts['thermo-elasticity']} | {off:.0e} |"


def main(refine: str = "1", *names: str) -> None:
    """Print the table."""
    print("| package | voxels | float64 | float32 | residuals in float64 | difference |")
    print("|---|---:|---:|---:|---:|---:|")
    for name in names or NAMES:
        print(row(name, refine), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
