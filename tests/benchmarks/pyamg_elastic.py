"""Smoothed-aggregation multigrid (PyAMG, rigid modes as near-kernel) against the program, on one
and the same system.

    python tests/benchmarks/pyamg_elastic.py [voxels] [case.toml ...]

Needs pyamg and a checkout.

The matrix is assembled by tests/support/reference.py, the independent form that the kernels are
held against; existing displacements only. Both solve it to |b - A x| <= 1e-8 |b|, PyAMG by
conjugate gradients with one V-cycle in float64 and one thread (it has no more), the program with
one thread and with all. Setup counts for both; PyAMG's assembly does not. The fastest of PyAMG's
settings counts. Prints one JSON object.
"""

import json
import sys
import time
from importlib import resources
from pathlib import Path

import numpy as np
import pyamg

from warp.case import case
from warp.machine import device
from warp.run import model as run_model
from warp.run import warmup
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic.history.state import State
from warp.solvers.krylov import Control
from warp.verify import bench

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import reference  # noqa: E402

TOLERANCE = 1e-8
SETTINGS = {
    "symmetric strength 0, Jacobi": {"strength": ("symmetric", {"theta": 0.0}), "smooth": "jacobi"},
    "symmetric strength 0.08, Jacobi": {
        "strength": ("symmetric", {"theta": 0.08}),
        "smooth": "jacobi",
    },
    "symmetric strength 0.08, energy": {
        "strength": ("symmetric", {"theta": 0.08}),
        "smooth": "energy",
    },
}


def assembled(model, T: float) -> tuple:
    """Matrix and load on the existing displacements, six rigid modes restricted to them."""
    grid = model.grid
    C, G = model.media.stiffness(T).T[:, model.ids], model.media.shear(T).T[:, model.ids]
    strain = model.media.thermal_strain(T).T[:, model.ids]
    lines = grid.x, grid.y, grid.z
    A = reference.elastic_matrix(*lines, C, G, grid.mirror)
    f = reference.thermal_load(*lines, C, strain, grid.mirror, G)
    on = reference.active(model.ids > 0, grid.mirror).ravel()
    modes = reference.rigid_modes(*lines, model.ids > 0)[
        on
    ]  # all six: nearly free of energy also at a mirror plane
    keep = np.flatnonzero(on)
    return A[keep][:, keep].tocsr(), f[keep], modes / np.linalg.norm(modes, axis=0)


def aggregation(A, f: np.ndarray, modes: np.ndarray) -> list[dict]:
    """Every setting: setup, solve, iterations."""
    found = []
    for name, options in SETTINGS.items():
        start = time.perf_counter()
        hierarchy = pyamg.smoothed_aggregation_solver(
            A, B=modes, symmetry="symmetric", max_coarse=500, **options
        )
        middle = time.perf_counter()
        residuals: list[float] = []
        x = hierarchy.solve(f, tol=TOLERANCE, maxiter=300, accel="cg", residuals=residuals)
        seconds = time.perf_counter() - middle
        true = float(np.linalg.norm(f - A @ x) / np.linalg.norm(f))
        found.append(
            {
                "settings": name,
                "setup_s": middle - start,
                "solve_s": seconds,
                "iterations": len(residuals) - 1,
                "residual": true,
                "converged": true <= 1.01 * TOLERANCE,
                "operator_complexity": float(hierarchy.operator_complexity()),
            }
        )
    return found


def ours(model, T: float, threads: int | None) -> dict:
    """Best of three."""
    place = device.select("cpu", threads)
    solution = min(
        (
            elastic.solve(model, T, place, State.start(model.grid.shape), Control(TOLERANCE))
            for _ in range(3)
        ),
        key=lambda s: s.seconds,
    )
    return {
        "threads": place.threads,
        "seconds": solution.seconds,
        "iterations": solution.iterations,
        "residual": solution.residuals[-1],
    }


def main() -> None:
    voxels = int(float(sys.argv[1])) if len(sys.argv) > 1 else 50_000
    paths = [Path(name) for name in sys.argv[2:]]
    paths = paths or [
        Path(str(resources.files("warp.data") / "calculix" / "02_flipchip.toml")),
        bench.package(),
    ]
    warmup.warmup(device.select("cpu"))
    rows = []
    for path in paths:
        loaded = case.load(path, bench.spaced(voxels, path))
        model = run_model.build(loaded, device.select("cpu"))
        T = loaded.loads.temperature
        A, f, modes = assembled(model, T)
        theirs, mine = aggregation(A, f, modes), [ours(model, T, threads) for threads in (1, None)]
        good = [row["setup_s"] + row["solve_s"] for row in theirs if row["converged"]]
        rows.append(
            {
                "case": path.name,
                "grid": model.grid.shape[::-1],
                "unknowns": A.shape[0],
                "pyamg": theirs,
                "warpage": mine,
                "pyamg_us_per_unknown": min(good) / A.shape[0] * 1e6 if good else None,
                "warpage_us_per_unknown": [row["seconds"] / A.shape[0] * 1e6 for row in mine],
                "ratio_one_thread": min(good) / mine[0]["seconds"] if good else None,
                "ratio_all_threads": min(good) / mine[1]["seconds"] if good else None,
            }
        )
    print(
        json.dumps(
            {"machine": device.select("cpu").describe(), "pyamg": pyamg.__version__, "rows": rows},
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
