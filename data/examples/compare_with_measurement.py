"""Compare a computed surface with a measured one.

    python compare_with_measurement.py

The measurement here is made up: the computed surface with 1 um of noise and a tilt, as a moire
instrument would export it.
"""

import numpy as np

import warp

CASE = """
title = "To be measured"
symmetry = "quarter"

[load]
stress_free = "217 degC"

[part.substrate]
size = "15 mm"
thickness = "0.4 mm"
material = "bt-hl832ns"

[part.chip]
on = "substrate"
size = "8 mm"
thickness = "0.4 mm"
material = "silicon"
"""


def measure(computed: warp.Result, path: str, seed: int = 0) -> None:
    """Write x, y, z points in mm, mm and um: the underside, tilted, with noise."""
    rng = np.random.default_rng(seed)
    grid = computed.grid
    x, y = np.meshgrid(grid.xc, grid.yc)
    height = 1e6 * np.asarray(computed.displacement[2, 0, : x.shape[0], : x.shape[1]])
    height = height + 2e3 * x + rng.normal(0, 1, x.shape)
    rows = []
    for sx in (-1, 1):  # the quarter model and its mirror images
        for sy in (-1, 1):
            rows.append(np.column_stack([sx * x.ravel(), sy * y.ravel(), height.ravel()]))
    points = np.concatenate(rows) * (1e3, 1e3, 1)
    np.savetxt(path, points, fmt="%.5f", delimiter=",", header="x_mm,y_mm,z_um", comments="")


if __name__ == "__main__":
    import subprocess
    import sys

    with open("measured.toml", "w", encoding="utf-8") as file:
        file.write(CASE)
    result = warp.solve(warp.load("measured.toml"), device="cpu")
    result.write("measured.h5")
    measure(result, "measured.csv")
    command = [sys.executable, "-m", "warp", "compare", "measured.h5", "measured.csv"]
    raise SystemExit(subprocess.run(command, check=False).returncode)
