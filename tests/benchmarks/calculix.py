"""The same flip chip in CalculiX and here, side by side: what an unknown costs, and how far the two
answers lie apart.

    python tests/benchmarks/calculix.py [unknowns]           needs `ccx` (Debian: calculix-ccx)

Geometry: data/calculix/02_flipchip.toml, a quarter of 35 mm. CalculiX: C3D20R bricks on lines
graded towards the chip's edge, its direct solver, every thread that it takes. Here: the elastic
solve to a residual of 1e-8 on the program's own grid, spaced so that there are about as many
unknowns. Unknowns count what exists: nodes times three there, faces of solid voxels here. The cost
is the solve's alone here and the process's wall time there, of which reading and writing are a
percent or two at this size. Prints one JSON object.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np

CORNERS = ((0, 0, 0), (2, 0, 0), (2, 2, 0), (0, 2, 0), (0, 0, 2), (2, 0, 2), (2, 2, 2), (0, 2, 2))
MIDDLES = ((1, 0, 0), (2, 1, 0), (1, 2, 0), (0, 1, 0), (1, 0, 2), (2, 1, 2), (1, 2, 2), (0, 1, 2))
UPRIGHT = ((0, 0, 1), (2, 0, 1), (2, 2, 1), (0, 2, 1))
MATERIALS = {
    "substrate": (26e3, 0.3, 15e-6),
    "underfill": (9e3, 0.33, 28e-6),
    "chip": (131e3, 0.28, 2.8e-6),
}  # MPa, 1/K
CHIP, PACKAGE = 7.5, 17.5  # half sides in mm


def lines(fine: float, coarse: float) -> np.ndarray:
    """0 to PACKAGE, `fine` beside the chip's edge and the package's, growing by 0.4 x distance up
    to `coarse`.
    """
    found = [0.0]
    for a, b in ((0.0, CHIP), (CHIP, PACKAGE)):
        s = np.linspace(a, b, 20001)
        width = np.minimum(coarse, fine + 0.4 * np.minimum(abs(s - CHIP), abs(s - PACKAGE)))
        count = np.concatenate(([0], np.cumsum(np.diff(s) * (1 / width[1:] + 1 / width[:-1]) / 2)))
        n = int(np.ceil(count[-1]))
        found += list(np.interp(count[-1] * np.arange(1, n + 1) / n, count, s))
    return np.array(found)


def mesh(scale: float) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Coordinates of the nodes in use (mm), elements (n, 20) numbered from 0, elements of each
    part.
    """
    plane = lines(0.08 * scale, 1.6 * scale)
    layers = [max(1, round(n / scale)) for n in (6, 2, 5)]
    heights = (0, 1.0, 1.08, 1.855)
    z = np.concatenate(
        [
            np.linspace(a, b, n, endpoint=False)
            for a, b, n in zip(heights, heights[1:], layers, strict=False)
        ]
        + [[1.855]]
    )
    nx, nz = len(plane) - 1, len(z) - 1
    k, j, i = (index.ravel() for index in np.indices((nz, nx, nx)))
    solid = (k < layers[0]) | ((plane[i] < CHIP - 1e-9) & (plane[j] < CHIP - 1e-9))
    k, j, i = k[solid], j[solid], i[solid]
    half = [np.sort(np.r_[q, (q[1:] + q[:-1]) / 2]) for q in (plane, plane, z)]
    shape = tuple(len(q) for q in half)[::-1]
    offsets = np.array(CORNERS + MIDDLES + UPRIGHT)
    flat = np.ravel_multi_index(
        [2 * q[:, None] + offsets[:, a] for q, a in ((k, 2), (j, 1), (i, 0))], shape
    )
    used, elements = np.unique(flat, return_inverse=True)
    at = np.unravel_index(used, shape)[::-1]
    nodes = np.stack([q[a] for q, a in zip(half, at, strict=True)], axis=1)
    layer = np.searchsorted(np.cumsum(layers), k, "right")
    return (
        nodes,
        elements.reshape(-1, 20),
        {name: np.flatnonzero(layer == n) for n, name in enumerate(MATERIALS)},
    )


def deck(nodes: np.ndarray, elements: np.ndarray, parts: dict[str, np.ndarray]) -> str:
    """The input file: free of stress at 165 degC, read at 25; w at the corners of the substrate's
    bottom is printed.
    """
    where = {axis: np.flatnonzero(nodes[:, a] == 0) + 1 for a, axis in enumerate("xy")}
    bottom = nodes[:, 2] == 0
    middle = int(np.flatnonzero(bottom & (nodes[:, :2] == 0).all(1))[0]) + 1
    corner = int(np.flatnonzero(bottom & (nodes[:, :2] == PACKAGE).all(1))[0]) + 1

    def rows(numbers, per_line=8):
        return "\n".join(
            ", ".join(map(str, numbers[n : n + per_line])) for n in range(0, len(numbers), per_line)
        )

    text = ["*NODE, NSET=all"]
    text += [f"{n}, {x:.9g}, {y:.9g}, {z:.9g}" for n, (x, y, z) in enumerate(nodes, 1)]
    for name, members in parts.items():
        text.append(f"*ELEMENT, TYPE=C3D20R, ELSET={name}")
        for n in members:
            numbers = [n + 1, *(elements[n] + 1)]
            text += [", ".join(map(str, numbers[:11])) + ",", ", ".join(map(str, numbers[11:]))]
    for axis, numbers in where.items():
        text += [f"*NSET, NSET={axis}0", rows(list(numbers))]
    text += ["*NSET, NSET=read", f"{middle}, {corner}"]
    for name, (E, nu, cte) in MATERIALS.items():
        text += [
            f"*MATERIAL, NAME={name}",
            "*ELASTIC",
            f"{E}, {nu}",
            "*EXPANSION, ZERO=165",
            f"{cte}",
        ]
        text.append(f"*SOLID SECTION, ELSET={name}, MATERIAL={name}")
    text += [
        "*INITIAL CONDITIONS, TYPE=TEMPERATURE",
        "all, 165",
        "*BOUNDARY",
        "x0, 1",
        "y0, 2",
        f"{middle}, 3",
    ]
    text += [
        "*STEP",
        "*STATIC",
        "*TEMPERATURE",
        "all, 25",
        "*NODE PRINT, NSET=read",
        "U",
        "*END STEP",
    ]
    return "\n".join(text) + "\n"


def calculix(scale: float) -> dict:
    """Run ccx once."""
    nodes, elements, parts = mesh(scale)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "chip.inp").write_text(deck(nodes, elements, parts))
        start = time.perf_counter()
        done = subprocess.run(
            ["/usr/bin/env", "time", "-f", "peak %M", "ccx", "-i", "chip"],
            cwd=folder,
            capture_output=True,
            text=True,
        )
        seconds = time.perf_counter() - start
        answer = Path(folder, "chip.dat").read_text() if Path(folder, "chip.dat").exists() else ""
    read = re.findall(r"^\s+\d+\s+\S+\s+\S+\s+(\S+)\s*$", answer, re.MULTILINE)
    if done.returncode or len(read) != 2:
        raise SystemExit(done.stdout[-500:] + done.stderr[-500:])
    peak = re.search(r"peak (\d+)", done.stderr)
    solver = (
        "PaStiX"
        if "PaStiX" in done.stdout
        else "SPOOLES"
        if "spooles" in done.stdout.lower()
        else "unknown"
    )
    return {
        "elements": len(elements),
        "unknowns": 3 * len(nodes),
        "seconds": seconds,
        "us_per_unknown": seconds / (3 * len(nodes)) * 1e6,
        "peak_MB": int(peak[1]) / 1024 if peak else None,
        "corner_um": 1e3 * abs(float(read[0]) - float(read[1])),
        "solver": solver,
    }


def faces(solid: np.ndarray) -> int:
    """Faces that touch a solid voxel: its displacements."""
    count = 0
    for axis in range(3):
        beside = np.insert(solid, 0, False, axis) | np.insert(solid, solid.shape[axis], False, axis)
        count += int(beside.sum())
    return count


def ours(unknowns: int) -> dict:
    """Solve on the program's own grid, spaced for about `unknowns`."""
    from warp.case import case
    from warp.machine import device
    from warp.results import metrics
    from warp.run import model as run_model
    from warp.run import warmup
    from warp.solvers.elastic import solve as elastic
    from warp.solvers.elastic.history.state import State
    from warp.voxels.grid import make_grid

    place = device.select("cpu")
    warmup.warmup(place)
    path = resources.files("warp.data") / "calculix" / "02_flipchip.toml"
    loaded = case.load(Path(str(path)), {})

    def spacing(exponent: float) -> dict[str, float]:
        widest = 35e-3 * 2.0**-exponent
        return {"spacing": widest, "edge_spacing": widest / 10}

    low, high = 3.0, 12.0
    for _ in range(20):
        middle = (low + high) / 2
        grid = make_grid(loaded.bodies(), replace(loaded.grid, **spacing(middle)), loaded.mirror)
        low, high = (middle, high) if 3 * grid.cells * 0.6 < unknowns else (low, middle)
    overrides = {f"grid.{name}": f"{1e3 * value:.6g} mm" for name, value in spacing(low).items()}
    loaded = case.load(Path(str(path)), overrides)
    model = run_model.build(loaded, place)
    solution = min(
        (
            elastic.solve(model, loaded.loads.temperature, place, State.start(model.grid.shape))
            for _ in range(3)
        ),
        key=lambda s: s.seconds,
    )
    exist = faces(model.ids > 0) - sum(
        int((model.ids.take(0, 2 - a) > 0).sum()) for a in (0, 1)
    )  # mirrors hold some
    numbers = metrics.evaluate(
        model, None, solution.displacement, surfaces=[("substrate", "bottom")]
    )
    surface = numbers["surfaces"]["substrate"]["bottom"]
    return {
        "voxels": model.grid.cells,
        "unknowns": exist,
        "seconds": solution.seconds,
        "us_per_unknown": solution.seconds / exist * 1e6,
        "iterations": solution.iterations,
        "corner_um": abs(surface["warpage_um"]),
        "machine": place.describe(),
    }


if __name__ == "__main__":
    wanted = int(float(sys.argv[1])) if len(sys.argv) > 1 else 300_000
    scale = 1.0
    for _ in range(12):  # nodes grow with about the cube of 1 / scale
        scale *= (3 * len(mesh(scale)[0]) / wanted) ** (1 / 3)
    theirs, mine = calculix(scale), ours(wanted)
    ratio = theirs["us_per_unknown"] / mine["us_per_unknown"]
    print(
        json.dumps({"calculix": theirs, "warpage": mine, "cost_per_unknown_ratio": ratio}, indent=2)
    )
