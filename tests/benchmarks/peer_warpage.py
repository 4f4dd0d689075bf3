"""This program on a case: the whole command `warp run`, from its start to the written result.

python tests/benchmarks/peer_warpage.py run CASE.toml COARSER [KEY=VALUE ...]

COARSER widens the default grid's voxels.
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
from peer_problem import answer, words

from warp.verify import calculix


def main() -> None:
    """Solve once."""
    _, path, coarser, overrides = words(sys.argv[1:])
    pairs = {**overrides, "grid.refine": f"{1 / coarser:.6g}"}
    settings = [word for key, value in pairs.items() for word in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", "warp", "run", str(path.resolve()), *settings]
    with tempfile.TemporaryDirectory() as folder:
        words_ = [*command, "-o", "out.h5", "--json", "--device", "cpu"]
        done = subprocess.run(words_, cwd=folder, capture_output=True, text=True, check=True)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        with h5py.File(Path(folder, "out.h5")) as file:
            solid = file["ids"][:] > 0
    numbers = json.loads(done.stdout)
    surfaces = {
        f"{part}.{side}": found["warpage_um"]
        for part, sides in numbers["surfaces"].items()
        for side, found in sides.items()
    }
    solver = {name: one["iterations"] for name, one in numbers["solver"].items()}
    seconds = used.ru_utime + used.ru_stime
    answer(calculix.displacements(solid), seconds, surfaces, iterations=solver)


if __name__ == "__main__":
    main()
