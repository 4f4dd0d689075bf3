"""Work of the host for the solves of a stage: launches, copies and processor time, counted.

    PYTHONPATH=tests/support/standin python tests/gpu/host_work.py [CASE.toml] [--json]

Runs a case (by default a stack of plates that cools in steps) on the stand-in for CuPy and prints
a row for each solve: graphs made and launched, launches outside graphs, copies to and from the
device, operations of arrays, and the processor time of the host in ms, without that of the kernels.
`solve`: conjugate gradients alone; `step`: with the operator, the forces and the state after it.
The stand-in's own calls count as the host's: CuPy's are of a similar length.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from stacked_plates import COARSE, PLATES, step

import warp
from warp.case import case as cases
from warp.run import load_step
from warp.solvers import krylov

STEPS = 150, 120, 90, 60, 25
"""Temperatures in degC at which the plates cool, one load step each."""
Row = dict[str, Any]


def plates() -> str:
    """Write the default case."""
    attach = step("attach", parts=["b", "c"], temperature="217 degC")
    return COARSE + PLATES + attach + "".join(step("cool", temperature=f"{T} degC") for T in STEPS)


def counts() -> dict[str, int]:
    """Count what the stand-in was asked for so far."""
    from cupy.account import COUNTS

    return {
        "graphs": COUNTS["graphs"]["made"],
        "replays": COUNTS["graphs"]["launched"],
        "launches": COUNTS["direct"].total(),
        "uploads": COUNTS["to_device"]["arrays"],
        "downloads": COUNTS["to_host"]["arrays"],
        "operations": COUNTS["operations"].total(),
    }


def watched(name: str, body: Callable[..., Any], rows: list[Row]) -> Callable[..., Any]:
    """Return `body` with a row added for each call."""
    from cupy.account import Kernels

    def call(*args: Any, **keys: Any) -> Any:
        before, kernels, start = counts(), Kernels.seconds, time.process_time()
        found = body(*args, **keys)
        taken = time.process_time() - start - (Kernels.seconds - kernels)
        asked = {kind: count - before[kind] for kind, count in counts().items()}
        rows.append({"what": name, **asked, "ms": round(1e3 * taken, 2)})
        return found

    return call


def measure(case: cases.Case) -> list[Row]:
    """Run a case on the stand-in; return a row for each solve and each step."""
    rows: list[Row] = []
    krylov.solve = watched("solve", krylov.solve, rows)
    load_step.solve_elastic = watched("step", load_step.solve_elastic, rows)
    warp.solve(case, "cuda")
    return rows


def main(*words: str) -> None:
    """Print the rows."""
    paths = [word for word in words if word != "--json"]
    case = cases.load(Path(paths[0]), {}) if paths else cases.parse(plates(), Path("plates.toml"))
    rows = measure(case)
    if "--json" in words:
        print(json.dumps(rows))
        return
    print("".join(f"{name:>11}" for name in rows[0]))
    for row in rows:
        print("".join(f"{value:>11}" for value in row.values()))


if __name__ == "__main__":
    main(*sys.argv[1:])
