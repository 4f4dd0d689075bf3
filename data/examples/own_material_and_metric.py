"""Give a case a material of its own and compute a metric that the program does not have.

    python own_material_and_metric.py

The metric is the twist of the substrate's underside: height of one diagonal's ends over the
other's, in um.
"""

import numpy as np

import warp

CASE = """
title = "Own material"

[load]
stress_free = "165 degC"

[material.my-solder]
like = "sac305"
youngs_modulus = "41 GPa"
source = "supplier's data sheet, 25 degC"

[part.substrate]
size = "12 mm"
thickness = "0.4 mm"
material = "bt-hl832ns"

[part.joint]
on = "substrate"
size = "6 mm"
thickness = "0.06 mm"
material = "my-solder"

[part.chip]
on = "joint"
size = ["6 mm", "6 mm"]
thickness = "0.3 mm"
material = "silicon"

[grid]
edge_spacing = "0.3 mm"
spacing = "1 mm"
"""


def twist_um(result: warp.Result) -> float:
    """Return the mean height of the corners on the diagonal x = y less that of the others."""
    w = np.asarray(result.displacement[2, 0])  # the lowest faces: (ny + 1, nx + 1) with a border
    ny, nx = result.grid.shape[1:]
    corners = w[[0, ny - 1, 0, ny - 1], [0, nx - 1, nx - 1, 0]]
    return 1e6 * float(corners[:2].mean() - corners[2:].mean())


if __name__ == "__main__":
    with open("own.toml", "w", encoding="utf-8") as file:
        file.write(CASE)
    result = warp.solve(warp.load("own.toml"), device="cpu")
    warpage = result.metrics["surfaces"]["substrate"]["bottom"]["warpage_um"]
    print(f"substrate.bottom: {warpage:+.1f} um, twist {twist_um(result):+.3f} um")
