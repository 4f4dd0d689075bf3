"""A wafer and a panel under mould of another Poisson's ratio, rolled up, against CalculiX.

Sags of the lower face by C3D20R with finite rotations, tests/benchmarks/calculix_wafer.py, which
has the geometry and the materials; on the grid that a case has by default, and on half as many
lines in the plane. The upper layer expands 3 % less along y, so that no program has to choose an
axis. The panel: data/calculix/panel.toml, which says how its deck is made and solved; its core is
stiffer along x and expands more along y.
"""

import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from warp.case.case import load, parse
from warp.run import process

WAFER = """\
[material.core]
youngs_modulus = "130 GPa"
poissons_ratio = 0.17
cte = "2.6 ppm/K"
[material.top]
youngs_modulus = "20 GPa"
poissons_ratio = 0.35
cte = { x = "9 ppm/K", y = "8.73 ppm/K", z = "9 ppm/K" }
[part.core]
shape = "disc"
diameter = "300 mm"
thickness = "0.775 mm"
material = "core"
[part.top]
shape = "disc"
on = "core"
diameter = "300 mm"
thickness = "0.5 mm"
material = "top"
"""
CASE = """\
title = "plate"
symmetry = "quarter"
[load]
stress_free = "125 degC"
temperature = "{end} degC"
large_deflection = true
[output]
surfaces = ["core.bottom"]
"""
HALF_IN_PLANE = """\
[grid]
refine = 0.5
cells_per_layer = 14
"""
HALF, COOLED = 150.0, 100  # mm, K
ALONG_X, ALONG_Y = 5271.2, 504.6  # um; 5258.1 and 502.7 on a coarser mesh


def sags(result):
    """Heights in um of the ends of the x and the y axis over the centre, extrapolated."""
    w, grid = result.fields["displacement"][2, 0], result.grid
    solid = result.ids[0] > 0
    found = []
    for rows, there, across, along in (
        (w, solid, grid.yc, grid.xc),
        (w.T, solid.T, grid.xc, grid.yc),
    ):
        rows = rows[: len(across), : len(along)]
        line = rows[0] - (rows[1] - rows[0]) * across[0] ** 2 / (across[1] ** 2 - across[0] ** 2)
        middle = line[0] - (line[1] - line[0]) * along[0] ** 2 / (along[1] ** 2 - along[0] ** 2)
        n = int(there[0].nonzero()[0][-1])
        rise = (line[n] - line[n - 1]) / (along[n] - along[n - 1])
        found.append(1e6 * abs(line[n] + rise * (HALF / 1e3 - along[n]) - middle))
    return np.array(found)


@pytest.mark.slow
@pytest.mark.weekly
@pytest.mark.parametrize("grid", ["", HALF_IN_PLANE], ids=["default grid", "half in plane"])
def test_a_moulded_wafer_rolls_up_as_calculix_says(grid):
    """The smaller sag to one per cent of the larger."""
    case = parse(CASE.format(end=125 - COOLED) + grid + WAFER, Path("wafer.toml"))
    found = sags(process.solve(case, "cpu"))
    assert found == pytest.approx([ALONG_X, ALONG_Y], abs=0.01 * ALONG_X)


@pytest.mark.slow
@pytest.mark.weekly
def test_a_panel_with_an_orthotropic_core_rolls_up_as_calculix_says():
    """Across its softer, wider axis; linear theory bends it both ways."""
    folder = Path(str(resources.files("warp.data"))) / "calculix"
    expected = json.loads((folder / "large-deflection.json").read_text())["panel"]
    result = process.solve(load(folder / "panel.toml"), "cpu")
    assert result.metrics["large_deflection"]["shape"] == "cylinder"
    for surface, warpage in expected["warpage_um"].items():
        part, side = surface.split(".")
        found = result.metrics["surfaces"][part][side]["warpage_um"]
        assert found == pytest.approx(warpage, rel=0.01)
