"""Compare the spread by first order with that of samples on three packages.

    python tests/benchmarks/spread.py [POINTS]     in a folder of its own; 200 points by default

Writes a case with [tolerance] for each package, runs `warp run` and `warp sweep --tolerances` on
coarse grids, and prints the rows of data/benchmarks/gradient.md. Sweeps go on where they stopped.
"""

from __future__ import annotations

import csv
import statistics
import subprocess
import sys
from pathlib import Path

import warp
from warp.adjoint.to_file import default_metric

PACKAGES = Path(__file__).parents[2] / "data/packages"
CASES = {
    "flip-chip": (
        "0.5",
        {
            "part.chip.thickness": "15 um",
            "part.bumps.height": "10 um",
            "part.layer.thickness": "10 um",
            "load.stress_free": "4 K",
            "boundary.air.film": "5 %",
        },
    ),
    "spreader-flat": (
        "0.4",
        {
            "part.chip.thickness": "10 um",
            "part.layer.thickness": "8 um",
            "part.spreader.thickness": "25 um",
            "part.spreader.stress_free": "4 K",
            "part.underfill.stress_free": "4 K",
        },
    ),
    "spreader-silicon": (
        "0.4",
        {
            "part.chip.thickness": "+- 15 um",
            "part.layer.thickness": "8 um",
            "part.substrate.layers.core.thickness": "6 um",
            "part.substrate.layers.top-copper.copper": "0.04",
            "part.underfill.stress_free": "4 K",
            "load.stress_free": "3 K",
        },
    ),
}


def main(points: int) -> None:
    """Print a row for each package."""
    print("| package | grid.refine | first order | samples: mean | standard deviation |")
    print("|---|---|---|---|---|")
    for name, (refine, sizes) in CASES.items():
        case = Path(f"{name}-spread.toml")
        lines = "\n".join(f'{key} = "{size}"' for key, size in sizes.items())
        text = (PACKAGES / f"{name}.toml").read_text()
        case.write_text(f"{text}\n[tolerance]\n{lines}\n")
        coarse = ["--set", f"grid.refine={refine}"]
        _warp("run", case, *coarse, "-o", f"{name}.h5")
        _warp("sweep", case, *coarse, "--tolerances", "--points", points, "-o", f"{name}-sweep")
        result = warp.read(f"{name}.h5")
        part, _, side = default_metric(result).partition(".")
        first = result.metrics["surfaces"][part][side]["warpage_spread_um"]
        with (Path(f"{name}-sweep") / "sweep.csv").open() as file:
            rows = list(csv.DictReader(file))
        column = next(key for key in rows[0] if key.startswith(f"{part}.{side} warpage"))
        values = [float(row[column]) for row in rows if row[column]]
        mean, deviation = statistics.fmean(values), statistics.stdev(values)
        value = result.metrics["surfaces"][part][side]["warpage_um"]
        shown = f"{value:.2f} +- {first:.2f} um | {mean:.2f} um | {deviation:.2f} um"
        print(f"| {name} | {refine} | {shown} |", flush=True)


def _warp(*words: object) -> None:
    """Run the program; stop with what it says where it fails."""
    command = [sys.executable, "-m", "warp", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
