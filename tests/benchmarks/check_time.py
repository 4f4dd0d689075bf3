"""Hold the time and the memory that `warp check` prints against what `warp run` takes.

    python tests/benchmarks/check_time.py [CASE.toml ...]    # data/benchmarks/check-time.md, .json

Every case file of data/, one after the other, each on one thread: the processor time of the run is
then what its wall time would be on an idle core, whatever else the machine does. Kernels are
compiled before (`warp warmup`). Named cases are printed and not recorded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

TOP = Path(__file__).parents[2]
TARGET = TOP / "data" / "benchmarks" / "check-time.md"
FACTOR = 3.0  # the printed time lies within this factor of the run's, either way
NOT_CASES = {"materials.toml"}


@dataclass(frozen=True)
class Row:
    """Predicted and measured cost of one case: s on one thread, MB in memory and on the disk."""

    case: str
    voxels: int
    solves: int
    iterations: dict[str, int]
    seconds: tuple[float | None, float]
    memory: tuple[float, float]
    disk: tuple[float, float]
    processor: str

    @property
    def holds(self) -> bool:
        """Tell whether the time is within FACTOR and the memory is enough."""
        said, taken = self.seconds
        in_time = said is not None and taken / FACTOR <= said <= taken * FACTOR
        return in_time and self.memory[0] >= self.memory[1]


def cases() -> list[Path]:
    """List the case files of the program."""
    found = sorted((TOP / "data").rglob("*.toml"))
    return [path for path in found if path.name not in NOT_CASES]


def measure(path: Path) -> Row:
    """Check and run a case on one thread."""
    with tempfile.TemporaryDirectory() as folder:
        checked, _, _ = warp(folder, "check", str(path), "--json")
        file = Path(folder) / "out.h5"
        options = ("--json", "--device", "cpu", "-o", str(file))
        numbers, seconds, memory = warp(folder, "run", str(path), *options)
        size = file.stat().st_size
    steps = numbers.get("steps", [])
    return Row(
        case=path.stem,
        voxels=checked["voxels"],
        solves=max(1, len(steps)),
        iterations={name: s["iterations"] for name, s in numbers["solver"].items()},
        seconds=(checked["predicted_seconds"], seconds),
        memory=(checked["predicted_memory_MB"], memory / 1e6),
        disk=(checked["predicted_disk_MB"], size / 1e6),
        processor=processor(),
    )


def warp(folder: str, *words: str) -> tuple[dict, float, int]:
    """Run a command; return what it prints, its processor time in s and its peak memory."""
    environment = os.environ | {"NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "warp", *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    text = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise SystemExit(f"warp {' '.join(words)} ends with {status}")
    return json.loads(text), used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


def markdown(rows: Iterable[Row]) -> str:
    """Write the table."""
    rows = list(rows)
    held = sum(row.holds for row in rows)
    lines = [
        "# What `warp check` predicts, and what `warp run` takes",
        "",
        f"Made by `python tests/benchmarks/check_time.py` on {made_on(rows)}, one thread; seconds "
        "of processor time.",
        f"{held} of {len(rows)} cases: time within a factor of {FACTOR:.0f}, memory enough.",
        "",
        "| case | voxels | load steps | iterations | s predicted | s | ratio "
        "| MB predicted | MB | disk MB predicted | MB | |",
        "|---|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        said, taken = row.seconds
        time = "" if said is None else f"{said:.1f}"
        ratio = "" if said is None else f"{said / taken:.2f}"
        count = ", ".join(f"{name} {n}" for name, n in row.iterations.items())
        sizes = (f"{size:.0f}" for size in (*row.memory, *row.disk))
        lines.append(
            f"| {row.case} | {row.voxels:,} | {row.solves} | {count} | {time} | {taken:.1f} "
            f"| {ratio} | {' | '.join(sizes)} | {'' if row.holds else 'missed'} |"
        )
    return "\n".join(lines) + "\n"


def made_on(rows: Iterable[Row]) -> str:
    """Name the processors that the rows were measured on, with the cases of the rarer ones."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.processor, []).append(row.case)
    most, *others = sorted(found, key=lambda name: -len(found[name]))
    return ", ".join([most, *(f"{name} ({', '.join(found[name])})" for name in others)])


def processor() -> str:
    """Name the processor of this machine."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "an unknown processor"


if __name__ == "__main__":
    named = [Path(word).resolve() for word in sys.argv[1:]]
    found = []
    for path in named or cases():
        found.append(measure(path))
        print(json.dumps(asdict(found[-1])), file=sys.stderr, flush=True)
    if named:
        print(markdown(found))
    else:
        TARGET.write_text(markdown(found), encoding="utf-8")
        rows = [asdict(row) for row in found]
        TARGET.with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
