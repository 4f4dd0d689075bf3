"""The gradient where heat follows the displacement of bond lines against central differences."""

import frozen
import pytest
from small_case import CASE

import warp
from warp.adjoint.refused import refuse
from warp.errors import WarpError

GEL = """
[material.gel]
youngs_modulus = "10 MPa"
poissons_ratio = 0.45
cte = "200 ppm/K"
conductivity = "2 W/(m K)"

[part.gel]
on = "chip"
size = "6 mm"
thickness = "0.1 mm"
material = "gel"

[part.lid]
on = "gel"
size = "6 mm"
thickness = "0.5 mm"
material = "copper"
"""
BONDED = (
    CASE.replace('face = "chip.top"', 'face = "lid.top"')
    .replace("[load]", '[load]\ntemperature = "solved"\nbond_lines = ["gel"]')
    .replace('power = "2 W"', 'power = "6 W"')
    .replace('spacing = "1.5 mm"', 'spacing = "3 mm"', 1)
    .replace("cells_per_layer = 3", "cells_per_layer = 2")
    + GEL
)
METRICS = ["board.bottom.corner_minus_centre", "junction"]
KEYS = [
    "part.chip.power",
    "part.gel.thickness",
    "material.gel.cte",
    "load.stress_free",
    "material.gel.conductivity",
]


def case(tmp_path, text):
    path = tmp_path / "case.toml"
    path.write_text(text)
    return warp.load(path)


def test_gradient_is_the_central_difference(cpu, tmp_path, monkeypatch):
    """The gel opens by 2 % where it is hottest; the junction follows its expansion."""
    frozen.tighten(monkeypatch)
    at = frozen.point(case(tmp_path, BONDED), cpu)
    assert at.bonded.stretch.max() > 1.01
    frozen.check(at, METRICS, KEYS)


def test_bond_lines_beyond_linear_theory_are_one_sentence(tmp_path):
    text = BONDED.replace("[load]", "[load]\nlarge_deflection = true")
    with pytest.raises(WarpError, match="load.bond_lines beside large_deflection"):
        refuse(case(tmp_path, text))
