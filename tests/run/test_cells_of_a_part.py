"""Cells through a named part: a soft layer between stiff ones needs more than its share."""

import pytest

from warp import load
from warp.case.errors import CaseError
from warp.run import process

SPREADER = """
symmetry = "quarter"

[load]
stress_free = "165 degC"
temperature = "25 degC"

[material.bu]
youngs_modulus = "26 GPa"
poissons_ratio = 0.3
cte = "15 ppm/K"
conductivity = "12 W/(m K)"

[material.cu]
youngs_modulus = "120 GPa"
poissons_ratio = 0.34
cte = "17 ppm/K"
conductivity = "390 W/(m K)"

[material.si]
youngs_modulus = "131 GPa"
poissons_ratio = 0.28
cte = "2.8 ppm/K"
conductivity = "130 W/(m K)"

[material.tim]
youngs_modulus = "0.3 GPa"
poissons_ratio = 0.4
cte = "80 ppm/K"
conductivity = "3 W/(m K)"

[material.uf]
youngs_modulus = "9 GPa"
poissons_ratio = 0.33
cte = "28 ppm/K"
conductivity = "1.5 W/(m K)"

[part.substrate]
size = "35 mm"
thickness = "1 mm"
material = "bu"

[part.underfill]
on = "substrate"
size = "15 mm"
thickness = "0.08 mm"
material = "uf"

[part.chip]
on = "underfill"
size = "15 mm"
thickness = "0.775 mm"
material = "si"

[part.tim]
on = "chip"
size = "15 mm"
thickness = "0.1 mm"
material = "tim"

[part.lid]
on = "tim"
size = "25 mm"
thickness = "1 mm"
material = "cu"
"""
LID_TOP = 11.820  # um: CalculiX, mesh-converged to 0.1 %
CONVERGED = {  # um: CalculiX 2.20, C3D20R bricks, mesh-converged to 0.14 %
    ("substrate", "bottom"): 54.536,
    ("substrate", "top"): 53.702,
    ("chip", "top"): 11.813,
    ("lid", "top"): LID_TOP,
}


def write(tmp_path, cells):
    path = tmp_path / "spreader.toml"
    path.write_text(f"{SPREADER}\n[grid]\ncells = {cells}\n")
    return load(path)


def test_the_default_grid_gives_every_surface_about_a_soft_layer(tmp_path):
    path = tmp_path / "spreader.toml"
    path.write_text(SPREADER)
    case = load(path)
    assert case.grid.cells == {"tim": 7}  # the underfill is not soft beside its substrate
    surfaces = process.solve(case, "cpu").metrics["surfaces"]
    for (part, side), expected in CONVERGED.items():
        assert surfaces[part][side]["warpage_um"] == pytest.approx(expected, rel=0.005)


def test_cells_that_are_given_hold_in_soft_layers(tmp_path):
    assert write(tmp_path, "{ tim = 3 }").grid.cells == {"tim": 3}
    path = tmp_path / "spreader.toml"
    path.write_text(f"{SPREADER}\n[grid]\ncells_per_layer = 6\n")
    assert load(path).grid.cells == {}


def test_twelve_cells_through_a_soft_layer_bend_the_lid_above_it(tmp_path):
    found = process.solve(write(tmp_path, "{ tim = 12 }"), "cpu").metrics["surfaces"]["lid"]["top"]
    assert found["warpage_um"] == pytest.approx(LID_TOP, rel=0.004)


def test_a_part_that_is_not_there_has_no_cells(tmp_path):
    with pytest.raises(CaseError, match="there is no part 'tin'; did you mean 'tim'"):
        write(tmp_path, "{ tin = 8 }")
