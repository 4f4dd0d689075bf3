"""A sweep of 200 runs that loses a worker and is then killed itself: what is there afterwards, and
does it agree with laminate theory?

    python tests/benchmarks/sweep.py [FOLDER]      writes data/benchmarks/sweep.md

Under the chip the package of sweep.toml is a laminate of three isotropic layers, bent to the
curvature kappa of `warp.verify.bending.laminate`: the chip's top is a dome of height kappa L^2/4
from its middle to its corners, L the chip's side, less what its free edges give back. So each input
moves the warpage in laminate theory's sense, and the inputs rank as there.
"""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from warp.machine import device
from warp.run import effects, sampling
from warp.verify import bending

CASE = Path(__file__).parents[2] / "data" / "benchmarks" / "sweep.toml"
VARY = (
    "load.temperature=25 .. 100 degC",
    "material.board.cte=13 .. 17 ppm/K",
    "material.board.youngs_modulus=22 .. 30 GPa",
    "material.fill.youngs_modulus=4 .. 12 GPa",
    "part.chip.thickness=0.35 .. 0.65 mm",
    "part.substrate.thickness=0.8 .. 1.2 mm",
)
POINTS, WORKERS = 200, 2
WORKER_DIES, SWEEP_DIES = 60, 120  # after so many runs
CHIP = 10.0  # mm
FREE = 165.0  # degC, where the parts are free of stress


def dome(plan: sampling.Design) -> np.ndarray:
    """kappa L^2/4 of every point [um]."""
    found = []
    for point in plan.points:
        value = {v.key: v.number(text) for v, text in zip(plan.variables, point, strict=True)}
        layers = [
            bending.Layer(
                value.get("part.substrate.thickness", 1.0),
                value.get("material.board.youngs_modulus", 26.0),
                0.2,
                1e-6 * value.get("material.board.cte", 15.0),
            ),
            bending.Layer(0.08, value.get("material.fill.youngs_modulus", 8.0), 0.3, 30e-6),
            bending.Layer(value.get("part.chip.thickness", 0.5), 130.0, 0.28, 2.8e-6),
        ]
        _, kappa = bending.laminate(layers, value.get("load.temperature", 25.0) - FREE)
        found.append(1e3 * kappa * CHIP**2 / 4)
    return np.array(found)


def main(folder: Path) -> None:
    words = [f"--vary={text}" for text in VARY]
    words += [
        "--sample",
        "lhs",
        "--points",
        str(POINTS),
        "--workers",
        str(WORKERS),
        "--device",
        "cpu",
    ]
    command = [sys.executable, "-m", "warp.cli.main", "sweep", str(CASE), *words, "-o", str(folder)]
    start = time.perf_counter()
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    wait(first, folder, WORKER_DIES)
    victim = workers_of(first.pid)[0]
    os.kill(victim, signal.SIGKILL)
    wait(first, folder, SWEEP_DIES)
    orphans = workers_of(first.pid)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    time.sleep(5)
    left = [pid for pid in orphans if Path(f"/proc/{pid}").exists()]
    before = {path.name: path.stat().st_mtime_ns for path in runs(folder)}
    half = time.perf_counter() - start
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    whole = time.perf_counter() - start

    after = {path.name: path.stat().st_mtime_ns for path in runs(folder)}
    kept = sum(after.get(name) == stamp for name, stamp in before.items())
    with open(folder / "sweep.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    plan = sampling.design(VARY, "lhs", POINTS, 0)
    inputs = {tuple(row[v.label] for v in plan.variables) for row in rows}
    surfaces = ("chip.top", "substrate.bottom")
    computed = {
        name: np.array([float(row[f"{name} warpage (um)"]) for row in rows]) for name in surfaces
    }
    theory = dome(plan)
    tables = [
        effects.main_effects(plan, plan.points, "", values)
        for values in (theory, *computed.values())
    ]
    order = [[e.variable for e in sorted(table, key=lambda e: -abs(e.effect))] for table in tables]
    signs = [[np.sign(e.effect) for e in table] for table in tables]
    facts = [
        (
            f"a worker was killed after {WORKER_DIES} runs, the sweep itself after {len(before)}",
            True,
        ),
        ("no process of the killed sweep was left", not left),
        (
            f"the same command made the other {POINTS - len(before)} and repeated none",
            kept == len(before),
        ),
        (f"{POINTS} points, each in the table once, all done", one_each(rows, inputs, after)),
        ("the effects have laminate theory's signs", signs[0] == signs[1] == signs[2]),
        ("the effects on the chip's warpage rank as in laminate theory", order[0] == order[1]),
    ]
    text = [
        "# A sweep of 200 runs that was killed twice",
        "",
        "Made by `python tests/benchmarks/sweep.py`, whose head says what is compared. "
        f"{device.select('cpu').describe()}, {WORKERS} processes; "
        f"{half:.0f} s until the kill, {whole - half:.0f} s afterwards.",
        "",
        *(f"- [{'x' if holds else ' '}] {what}" for what, holds in facts),
        "",
        "Change of the warpage from the lowest to the highest value of each input "
        "(um), fitted over all points:",
        "",
        "| input | laminate theory | chip.top | substrate.bottom |",
        "|---|---|---|---|",
    ]
    by = [{e.variable: e.effect for e in table} for table in tables]
    text += [f"| {name} | {' | '.join(f'{one[name]:+.2f}' for one in by)} |" for name in order[0]]
    means = " | ".join(f"{values.mean():+.2f}" for values in (theory, *computed.values()))
    r = np.corrcoef(theory, computed["chip.top"])[0, 1]
    text += [f"| mean of all runs | {means} |", ""]
    text += [
        f"Over the {POINTS} points chip.top follows laminate theory with a correlation of {r:.5f}.",
        "",
        "```",
    ]
    text += [
        line.rstrip() for line in said.splitlines() if line.strip() and "written" not in line
    ] + ["```", ""]
    CASE.with_suffix(".md").write_text("\n".join(text))
    print("\n".join(text))
    if not all(holds for _, holds in facts):
        sys.exit("something does not hold")


def one_each(
    rows: list[dict[str, str]], inputs: set[tuple[str, ...]], files: dict[str, int]
) -> bool:
    numbers = sorted(int(row["run"]) for row in rows)
    done = all(row["status"] == "done" for row in rows)
    return numbers == list(range(1, POINTS + 1)) and len(inputs) == len(files) == POINTS and done


def runs(folder: Path) -> list[Path]:
    return sorted((folder / "points").glob("[!.]*.json"))


def wait(process: subprocess.Popen, folder: Path, count: int) -> None:
    while len(runs(folder)) < count:
        if process.poll() is not None:
            sys.exit("the sweep ended by itself")
        time.sleep(0.1)


def workers_of(parent: int) -> list[int]:
    """Processes that compute, by their parent; /proc, so Linux only."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            mine = int((path / "stat").read_text().rpartition(")")[2].split()[1]) == parent
            if mine and b"spawn_main" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
        except OSError:
            pass
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(scratch) / "sweep")
