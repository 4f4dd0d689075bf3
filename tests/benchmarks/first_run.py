"""The wait of the first run: every kernel's compilation, and what a number of cores makes of it.

    python tests/benchmarks/first_run.py [CASE.toml]    # data/benchmarks/first-run.md, .json

Default: README's main job. Processor seconds, as the machine may be shared. "Alone": the kernels
that the case calls, one after another in one process. "Schedule": each goes to the core that is
free first, the longest first; its length is at least the longest kernel. A core's process also
starts, imports Numba and compiles its first kernel, which a tiny kernel measures. "Processes": the
schedule's lists compiled for real, each in a fresh process, one after the other so that none
disturbs another; the longest counts.
"""

from __future__ import annotations

import heapq
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from check_time import processor

from warp import load
from warp.machine import compiling
from warp.machine.cache import Specialisation
from warp.run.kernels import groups

TOP = Path(__file__).resolve().parents[2]
CASE = TOP / "data" / "packages" / "fcbga-lid.toml"
TARGET = TOP / "data" / "benchmarks" / "first-run.md"
CORES = (1, 2, 4, 8, 16)
SHOWN = 12
TINY = "multigrid.mask f4[1] f4[1] i8"
"""The kernel that a worker compiles first, while Numba still sets itself up."""

WORKER = """
import sys, time
from warp.kernels import compiler
from warp.machine.cache import Specialisation
import gc
gc.disable()
for line in sys.stdin:
    start = time.process_time()
    compiler.machine_code(Specialisation.read(line))
    print(start, time.process_time(), flush=True)
"""
Times = dict[str, float]


def compiled(kernels: list[str]) -> tuple[float, list[float]]:
    """Compile kernels in one process; return its start and each kernel's processor seconds."""
    done = subprocess.run(
        [sys.executable, "-c", WORKER],
        input="\n".join(kernels),
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [tuple(map(float, line.split())) for line in done.stdout.splitlines()]
    return rows[0][0], [end - start for start, end in rows]


def schedule(times: Times, cores: int, start: float) -> tuple[float, list[list[str]]]:
    """Give the longest kernel left to the core that is free first; return length and lists."""
    free = [(start, n) for n in range(cores)]
    lists: list[list[str]] = [[] for _ in range(cores)]
    for kernel in sorted(times, key=lambda kernel: -times[kernel]):
        busy, n = heapq.heappop(free)
        lists[n].append(kernel)
        heapq.heappush(free, (busy + times[kernel], n))
    return max(busy for busy, _ in free), lists


def measure(case: Path) -> dict[str, Any]:
    """Measure everything."""
    wanted = [str(one) for one in compiling.listed(groups(load(case)))]
    begin, (first, *alone) = compiled([TINY, *wanted])
    times = dict(zip(wanted, alone, strict=True))
    lengths = {cores: schedule(times, cores, begin + first)[0] for cores in CORES}
    _, lists = schedule(times, CORES[-1], begin + first)
    processes = []
    for kernels in lists:
        started, own = compiled(kernels)
        processes.append(started + sum(own))
    return {
        "case": case.stem,
        "machine": processor(),
        "load": round(os.getloadavg()[0], 1),
        "start": begin + first,
        "kernels": times,
        "schedule": lengths,
        "processes": processes,
    }


def markdown(found: dict[str, Any]) -> str:
    """Write the page."""
    times = found["kernels"]
    longest = sorted(times, key=lambda kernel: -times[kernel])[:SHOWN]
    lines = [
        "# The first run",
        "",
        f"Made by `python tests/benchmarks/first_run.py` on {found['machine']}, processor seconds "
        f"of one thread; load average {found['load']}.",
        "",
        f"`{found['case']}.toml` calls {len(times)} kernels: {sum(times.values()):.1f} s alone, "
        f"{found['start']:.1f} s for each process's start, Numba's import and set-up.",
        "",
        "| cores | " + " | ".join(str(n) for n in found["schedule"]) + " |",
        "|---|" + "---:|" * len(found["schedule"]),
        "| schedule, s | " + " | ".join(f"{s:.1f}" for s in found["schedule"].values()) + " |",
        "",
        f"The lists of {len(found['processes'])} cores, each compiled by a fresh process: the "
        f"longest {max(found['processes']):.1f} s, all {sum(found['processes']):.1f} s.",
        "",
        "| longest kernels | s |",
        "|---|---:|",
    ]
    for kernel in longest:
        one = Specialisation.read(kernel)
        lines.append(f"| `{one.module}.{one.function}` ({one.types[0]}) | {times[kernel]:.2f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    case = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else CASE
    found = measure(case)
    page = markdown(found)
    if case == CASE:
        TARGET.write_text(page, encoding="utf-8")
        TARGET.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(page)
