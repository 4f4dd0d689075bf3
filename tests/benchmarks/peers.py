"""Other programs and this one, side by side in one run: data/benchmarks/peers.md.

    python tests/benchmarks/peers.py [02_flipchip] [04_caplid] [bumps] [1e5] [3e5] [1e6] [table]

Needs `pip install -r tests/benchmarks/peers.txt` and `ccx` (Debian: calculix-ccx); a peer that is
missing is left out with a sentence. Programs take turns, one thread each, in processes of their
own. A run that takes more than LIMIT processor seconds or MEMORY is a row that says so, and so is
one that would take more than LIMIT by the cost of an unknown on the smaller mesh; runs repeat until
they have taken ENOUGH seconds together, at most MOST times, and their median counts. Each section
goes into data/benchmarks/peers.json once it is finished; `table` makes the page from it.
"""

from __future__ import annotations

import json
import math
import os
import resource
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

TOP = Path(__file__).resolve().parents[2]
FOUND = TOP / "data" / "benchmarks" / "peers.json"
LIMIT = 300  # processor seconds
MEMORY = 10 * 2**30  # bytes of addresses
ENOUGH, MOST = 20.0, 5
ERROR = 0.005  # of CalculiX's converged warpage, on every surface
ONE_THREAD = {
    f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "NUMBA", "OPENBLAS", "NGS", "CCX")
}


@dataclass(frozen=True)
class Peer:
    """A program: its script and method, what it needs, and meshes from coarse to fine.

    ladder: widths of its cells in voxels of the default grid.
    """

    name: str
    script: str
    method: str
    needs: str
    ladder: tuple[float, ...]

    def missing(self) -> bool:
        """Tell whether it is not installed."""
        return not (shutil.which(self.needs) or find_spec(self.needs))


QUADRATIC = (4, 3, 2.5, 2, 1.5, 1.2, 1, 0.8)
LINEAR = (2, 1.5, 1.2, 1, 0.8, 0.65, 0.5, 0.4)
PEERS = (
    Peer("warpage", "peer_warpage", "run", "warp", (2.5, 2, 1.6, 1.25, 1, 0.8, 0.65)),
    Peer("CalculiX, C3D20R", "peer_calculix", "C3D20R", "ccx", QUADRATIC),
    Peer("NGSolve, p = 2, condensed", "peer_ngsolve", "p2", "ngsolve", QUADRATIC),
    Peer("bricks, PARDISO", "peer_bricks", "pardiso", "pypardiso", LINEAR),
    Peer("bricks, PyAMG", "peer_bricks", "pyamg", "pyamg", LINEAR),
)
SMALLER = {300_000: 100_000, 1_000_000: 300_000}
BUMPS = {"part.chip.size": "2.2 mm", "part.substrate.size": "3.2 mm"}
BRICKS = {"peer_warpage": 1.0, "peer_calculix": 2.0, "peer_ngsolve": 2.0, "peer_bricks": 1.0}
Row = dict[str, Any]
Rows = dict[str, Row]


def run(peer: Peer, path: Path, coarser: float, overrides: dict[str, str]) -> Row:
    """Run a peer once, within the limits; {"failed": why} if it did not finish."""
    script = TOP / "tests" / "benchmarks" / f"{peer.script}.py"
    pairs = [f"{key}={value}" for key, value in overrides.items()]
    done = subprocess.run(
        [sys.executable, str(script), peer.method, str(path), str(coarser), *pairs],
        capture_output=True,
        text=True,
        env=os.environ | ONE_THREAD,
        preexec_fn=_limit,
        check=False,
    )
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    return {"failed": _reason(done)}


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT + 5))


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    said = (done.stderr + done.stdout).strip()
    if done.returncode == -24 or "Signals.SIGXCPU" in said:
        return f"more than {LIMIT} s"
    out = ("MemoryError", "bad_alloc", "malloc", "allocat", "emory", "error code -2")
    if any(word in said for word in out):
        return "out of memory"
    return said.splitlines()[-1][:200] if said else f"ended with {done.returncode}"


def error(row: Row, references: dict[str, Row]) -> float:
    """Return the largest error over the surfaces whose warpage is known, relative."""
    return max(
        abs(abs(row["surfaces"][name]) / abs(known["warpage_um"]) - 1)
        for name, known in references.items()
    )


def repeated(jobs: dict[str, Callable[[], Row]]) -> Rows:
    """Run jobs in turns; return the last row of each with the median of its seconds."""
    rows: dict[str, list[Row]] = {name: [] for name in jobs}
    for _ in range(MOST):
        for name, job in jobs.items():
            before = rows[name]
            ended = before and "failed" in before[-1]
            if not ended and sum(row["seconds"] for row in before) < ENOUGH:
                before.append(job())
                print(name, json.dumps(before[-1]), file=sys.stderr, flush=True)
    found = {}
    for name, all_rows in rows.items():
        found[name] = all_rows[-1]
        good = [row["seconds"] for row in all_rows if "failed" not in row]
        if good:
            kept = next(row for row in reversed(all_rows) if "failed" not in row)
            found[name] = kept | {"seconds": statistics.median(good), "runs": len(good)}
    return found


def accuracy(case: str, peers: list[Peer], found: Rows) -> tuple[str, Rows]:
    """Find the coarsest mesh on which every known surface is within ERROR, and its time."""
    folder = TOP / "data" / "calculix"
    path = folder / f"{case}.toml"
    references = json.loads((folder / "references.json").read_text(encoding="utf-8"))[case]
    rungs: dict[str, float] = {}
    failed = {}
    for peer in peers:
        rung, row = rungs.get(peer.script), {}
        if rung is None:  # else another solver has climbed the same meshes
            rung, row = _coarsest(peer, path, references)
        if rung is None:
            failed[peer.name] = row
        else:
            rungs[peer.script] = rung
    jobs = {
        peer.name: partial(run, peer, path, rungs[peer.script], {})
        for peer in peers
        if peer.name not in failed
    }
    rows = repeated(jobs)
    for row in rows.values():
        if "failed" not in row:
            row["error"] = error(row, references)
    return f"accuracy {case}", failed | rows


def _coarsest(peer: Peer, path: Path, references: dict[str, Row]) -> tuple[float | None, Row]:
    """Climb the ladder; return the rung that is accurate enough, else None and the last row."""
    row: Row = {}
    for rung in peer.ladder:
        row = run(peer, path, rung, {})
        if "failed" in row:
            return None, row
        row["error"] = error(row, references)
        print(peer.name, rung, json.dumps(row), file=sys.stderr, flush=True)
        if row["error"] <= ERROR:
            return rung, row
    text = f"{100 * row['error']:.2f} % on the finest mesh tried, {row['unknowns']:,} unknowns"
    return None, {"failed": text}


def sizes(wanted: int, peers: list[Peer], found: Rows) -> tuple[str, Rows]:
    """Time the flip chip on meshes of about equally many unknowns."""
    path = TOP / "data" / "calculix" / "02_flipchip.toml"
    smaller = found.get(f"size {SMALLER.get(wanted)}", {"rows": {}})["rows"]
    jobs, rows = {}, {}
    for peer in peers:
        before = smaller.get(peer.name, {"seconds": 0, "unknowns": 1})
        if "failed" in before or before["seconds"] / before["unknowns"] * wanted > LIMIT:
            rows[peer.name] = {"failed": f"not run: it would take more than {LIMIT} s"}
        else:
            jobs[peer.name] = partial(run, peer, path, sized(peer, path, wanted), {})
    rows |= repeated(jobs)
    return f"size {wanted}", {peer.name: rows[peer.name] for peer in peers}


def sized(peer: Peer, path: Path, wanted: int) -> float:
    """Find the width of cells for about `wanted` unknowns, by secants of the logarithm."""
    points: list[tuple[float, float]] = []
    guess = 0.0
    for _ in range(7):
        count = math.log(unknowns(peer, path, math.exp(guess)) / wanted)
        points.append((guess, count))
        if abs(count) < 0.05:
            break
        slope = -2.5
        if len(points) > 1 and points[-1][1] != points[-2][1]:
            (a, at_a), (b, at_b) = points[-2:]
            slope = min(-1.0, (at_b - at_a) / (b - a)) if a != b else slope
        guess -= count / slope
    return round(math.exp(min(points, key=lambda point: abs(point[1]))[0]), 4)


def unknowns(peer: Peer, path: Path, coarser: float) -> int:
    """Count the unknowns of a mesh without solving."""
    from warp import load
    from warp.machine import device
    from warp.run import model
    from warp.verify import calculix, calculix_deck

    if peer.script == "peer_warpage":
        case = load(path, {"grid.refine": f"{1 / coarser:.6g}"})
        return calculix.displacements(model.build(case, device.select("cpu")).ids > 0)
    mesh = calculix_deck.build(load(path), coarser, linear=peer.script == "peer_bricks")
    if peer.script != "peer_ngsolve":
        return 3 * len(mesh.nodes)
    solid = mesh.model.ids > 0
    points = np.zeros([2 * n + 1 for n in solid.shape], bool)
    for k, j, i in np.ndindex(3, 3, 3):
        nz, ny, nx = (2 * n for n in solid.shape)
        points[k : k + nz : 2, j : j + ny : 2, i : i + nx : 2] |= solid
    return 3 * int(points.sum())


def bumps(peers: list[Peer], found: Rows) -> tuple[str, Rows]:
    """Time a flip chip with its bumps resolved."""
    path = TOP / "data" / "packages" / "bumps-resolved.toml"
    jobs = {peer.name: partial(run, peer, path, BRICKS[peer.script], BUMPS) for peer in peers}
    return "bumps", repeated(jobs)


SECTIONS: dict[str, Callable[[list[Peer], Rows], tuple[str, Rows]]] = {
    "02_flipchip": partial(accuracy, "02_flipchip"),
    "04_caplid": partial(accuracy, "04_caplid"),
    "bumps": bumps,
    "1e5": partial(sizes, 100_000),
    "3e5": partial(sizes, 300_000),
    "1e6": partial(sizes, 1_000_000),
}


def stored() -> Rows:
    """Read the sections measured so far."""
    return json.loads(FOUND.read_text(encoding="utf-8")) if FOUND.is_file() else {}


def main(words: list[str]) -> None:
    """Run the sections named, or all, and write the page."""
    from peers_page import markdown, processor

    there = [peer for peer in PEERS if not peer.missing()]
    for peer in PEERS:
        if peer not in there:
            print(f"{peer.name}: {peer.needs} is not installed; left out.", file=sys.stderr)
    for name in words or SECTIONS:
        if name != "table":
            title, rows = SECTIONS[name](there, stored())
            section = {"machine": processor(), "load": round(os.getloadavg()[0], 1), "rows": rows}
            text = json.dumps(stored() | {title: section}, indent=1)
            FOUND.write_text(text + "\n", encoding="utf-8")
    FOUND.with_suffix(".md").write_text(markdown(stored()), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
