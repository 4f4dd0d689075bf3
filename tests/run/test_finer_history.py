"""What bare dies on a panel have had before the cut goes on in a unit with finer cells."""

from functools import cache

import numpy as np
import pytest

import warp
from warp.run import process

CASE = """
symmetry = "quarter"
[load]
stress_free = "150 degC"
[material.glue]
class = "polymer"
poissons_ratio = 0.35
youngs_modulus = "{modulus}"
cte = "40 ppm/K"
{relaxation}
[part.board]
size = "30 mm"
thickness = "0.8 mm"
material = "fr4"
[part.glue]
shape = "block-array"
on = "board"
size = "6 mm"
thickness = "0.2 mm"
pitch = "10 mm"
count = [3, 3]
material = "glue"
[part.dies]
shape = "block-array"
on = "glue"
size = "6 mm"
thickness = "0.25 mm"
pitch = "10 mm"
count = [3, 3]
material = "silicon"
[output]
surfaces = ["board.bottom", "dies.top"]
[grid]
spacing = "{spacing}"
edge_spacing = "{spacing}"
cells_per_layer = 2
{attached}
[[step]]
do = "cool"
temperature = "25 degC"
rate = "0.1 K/s"
[[step]]
do = "singulate"
size = "10 mm"
{finer}
[[step]]
do = "heat"
temperature = "120 degC"
rate = "0.1 K/s"
"""
ATTACHED = """
[[step]]
do = "attach"
parts = "board"
temperature = "25 degC"
[[step]]
do = "attach"
parts = ["glue", "dies"]
temperature = "150 degC"
rate = "0.1 K/s"
"""


@cache
def unit(spacing, finer="", attached="", relaxation="", modulus="200 MPa"):
    """Return warpages in um of the unit's board and die, cut and hot."""
    finer = f'spacing = "{finer}"' if finer else ""
    keys = {"attached": attached, "relaxation": relaxation, "modulus": modulus}
    text = CASE.format(spacing=spacing, finer=finer, **keys)
    steps = process.solve(warp.Case.from_toml(text), "cpu").metrics["steps"]
    shapes = [step["surfaces"] for step in steps if step["unit"] and step["last"]]
    sides = ("board", "bottom"), ("dies", "top")
    return np.array([shape[part][side]["warpage_um"] for shape in shapes for part, side in sides])


@pytest.mark.parametrize("attached", ["", ATTACHED])
def test_free_sides_of_dies_have_the_shear_that_they_had(attached):
    """To 0.1 %: a panel with the coarse cells alone is 2 % off."""
    fine, coarse = unit("0.5 mm", attached=attached), unit("1 mm", attached=attached)
    found = unit("1 mm", "0.5 mm", attached)
    assert np.abs(coarse - fine).max() > 0.02 * np.abs(fine).max()
    assert np.abs(found - fine).max() < 1e-3 * np.abs(fine).max()


RELAXES = """
relaxation = { youngs_modulus = [["1 s", "30 %"], ["1000 s", "30 %"], ["1e5 s", "30 %"]], wlf = { \
reference = "25 degC", c1 = 17.44, c2 = "51.6 K" } }
"""


@pytest.mark.slow
def test_soft_glue_goes_on_relaxing_from_the_branches_that_it_had():
    """At the cut the finer cells bend as suddenly as the glue was stiff; hot that has relaxed."""
    keys = {"attached": ATTACHED, "relaxation": RELAXES, "modulus": "20 MPa"}
    fine, found = unit("0.5 mm", **keys), unit("1 mm", "0.5 mm", **keys)
    assert np.abs(found - fine)[:2].max() < 0.12 * np.abs(fine[:2]).max()
    assert np.abs(found - fine)[2:].max() < 1e-3 * np.abs(fine[2:]).max()
