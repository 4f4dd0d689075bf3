"""One core against several: solves and kernels of `warp bench`, in turns, and shares of the triad.

    python tests/benchmarks/cores.py [VOXELS] [RUNS] [CORES]    # 1000000 voxels, 5 runs, 2 cores

Wall time decides here, so nothing else may run: the load average before the first run is printed.
Seconds are medians over the runs, ratios medians over the pairs. The share of the triad is the
least traffic of a kernel over its time, relative to the memory bandwidth that the same run measured
(`warp.verify.bench`), on several cores.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from typing import Any

LISTED = ("elastic operator float64", "elastic operator float32", "elastic V-cycle")


def measured(voxels: int, cores: int) -> dict[str, Any]:
    """Run `warp bench` once on a number of cores."""
    threads = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(threads, str(cores))}
    command = [sys.executable, "-m", "warp", "bench", "--voxels", str(voxels), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout)


def seconds(found: dict[str, Any]) -> dict[str, float]:
    """Return the seconds of the elastic set-up and solve, and of each listed kernel."""
    solve = next(one for one in found["solves"] if one["name"] == "elastic")
    kernels = {one["name"]: one["seconds"] for one in found["kernels"] if one["name"] in LISTED}
    return {"elastic set-up": solve["setup_s"], "elastic solve": solve["solve_s"], **kernels}


def shares(found: dict[str, Any]) -> dict[str, float]:
    """Return the listed kernels' shares of the triad."""
    kernels = [one for one in found["kernels"] if one["name"] in LISTED]
    return {one["name"]: one["share_of_triad"] for one in kernels}


def main(voxels: int, runs: int, cores: int) -> None:
    """Measure in turns and print the table."""
    print(f"load average {os.getloadavg()[0]:.1f} before the first run")
    pairs = [(measured(voxels, 1), measured(voxels, cores)) for _ in range(runs)]
    print(f"{'':26s} {'1 core':>9s} {f'{cores} cores':>9s}   ratio   share of triad")
    for name in seconds(pairs[0][0]):
        one = [seconds(found)[name] for found, _ in pairs]
        several = [seconds(found)[name] for _, found in pairs]
        ratio = statistics.median(a / b for a, b in zip(one, several, strict=True))
        line = f"{name:26s} {statistics.median(one):8.4f}s {statistics.median(several):8.4f}s"
        share = [shares(found)[name] for _, found in pairs if name in LISTED]
        said = f"{100 * statistics.median(share):8.1f} %" if share else ""
        print(f"{line} {ratio:7.2f}   {said}".rstrip())


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*given, *(1_000_000, 5, 2)[len(given) :])
