"""Gradients beyond linear theory against central differences on the same branch."""

import frozen
import numpy as np
import pytest

import warp
from warp.errors import WarpError

PLATE = """
title = "coated plate"
symmetry = "quarter"

[material.wafer]
youngs_modulus = "130 GPa"
poissons_ratio = 0.28
cte = "2.6 ppm/K"

[material.mould]
youngs_modulus = { glassy = "20 GPa", rubbery = "4 GPa", glass_transition = "60 degC" }
poissons_ratio = 0.3
cte = "9 ppm/K"

[part.wafer]
size = ["100 mm", "90 mm"]
thickness = "0.5 mm"
material = "wafer"

[part.mould]
on = "wafer"
size = ["100 mm", "90 mm"]
thickness = "0.2 mm"
material = "mould"

[grid]
spacing = "10 mm"
edge_spacing = "5 mm"
cells_per_layer = 2

[load]
stress_free = "200 degC"
temperature = "25 degC"
large_deflection = true
"""
DISC = PLATE.replace('size = ["100 mm", "90 mm"]', 'shape = "disc"\ndiameter = "100 mm"')
FILM = """
[boundary.air]
face = "wafer.bottom"
film = "100 W/(m^2 K)"
ambient = "25 degC"
"""
METRICS = ["wafer.bottom.corner_minus_centre", "wafer.bottom.kappa_x", "wafer.bottom.warpage_p"]
KEYS = [
    "part.wafer.thickness",
    "part.mould.thickness",
    "load.temperature",
    "load.stress_free",
    "material.mould.youngs_modulus.glassy",
    "material.wafer.poissons_ratio",
    "material.mould.cte",
]


def case(tmp_path, text, **overrides):
    path = tmp_path / "plate.toml"
    path.write_text(text)
    return warp.load(path, {key.replace("__", "."): value for key, value in overrides.items()})


DIAMETER = "part.wafer.diameter", "part.mould.diameter"


def test_gradient_of_a_plate_is_the_central_difference(cpu, tmp_path, monkeypatch):
    """A plate that has rolled up: linear theory bends it alike along x and y."""
    frozen.tighten(monkeypatch)
    at = frozen.point(case(tmp_path, PLATE), cpu)
    assert at.bends
    frozen.check(at, METRICS, KEYS)


def test_gradient_of_a_disc_is_the_central_difference(cpu, tmp_path, monkeypatch):
    """Its rim carries shear by moduli, areas and solid shares of the voxels that it cuts."""
    frozen.tighten(monkeypatch)
    at = frozen.point(case(tmp_path, DISC), cpu)
    keys = [" + ".join(DIAMETER), "part.mould.thickness", "material.mould.youngs_modulus.glassy"]
    frozen.check(at, METRICS[1:], keys, together=[DIAMETER])


@pytest.mark.slow
def test_gradient_of_a_heated_plate_is_the_central_difference(cpu, tmp_path, monkeypatch):
    """Heat, temperature and the shape; the film of a boundary."""
    frozen.tighten(monkeypatch)
    hot = PLATE.replace('temperature = "25 degC"', 'temperature = "solved"').replace(
        "[part.mould]", '[part.mould]\npower = "20 W"'
    )
    hot = hot.replace("cte =", 'conductivity = "5 W/(m K)"\ncte =') + FILM
    at = frozen.point(case(tmp_path, hot), cpu)
    assert at.bends
    keys = ["part.mould.power", "boundary.air.film", "part.wafer.thickness"]
    frozen.check(at, METRICS, keys)


def test_scaled_stiffness_moves_nothing(cpu, tmp_path):
    """Every modulus by the same factor; the field of voxels sums to zero."""
    result = warp.solve(case(tmp_path, DISC), "cpu")
    found = warp.gradient(result, "wafer.bottom.kappa_x", "cpu", maps=True)
    assert found.used.startswith("the shape stays on its branch, stability")
    assert 0.0 < found.residual <= 1e-5
    sizes = [np.diff(line) * 1e3 for line in (result.grid.z, result.grid.y, result.grid.x)]
    volume = np.prod(np.meshgrid(*sizes, indexing="ij"), axis=0)
    assert abs((found.stiffness * volume).sum()) < 2e-4 * np.abs(found.stiffness * volume).sum()


def test_what_has_no_gradient_beyond_linear_theory_is_one_sentence(cpu, tmp_path, monkeypatch):
    result = warp.solve(case(tmp_path, PLATE), "cpu")
    with pytest.raises(WarpError, match="the stress of a body beyond linear theory"):
        warp.gradient(result, "wafer.von_mises_p", "cpu")
    monkeypatch.setattr("warp.adjoint.large_deflection.CRITICAL", 1.0)
    with pytest.raises(WarpError, match="the shape is about to change"):
        warp.gradient(result, "wafer.bottom", "cpu")


def test_a_body_that_bends_little_has_the_gradient_of_linear_theory(cpu, tmp_path):
    """With "auto" its numbers are those of linear theory, and so are its derivatives."""
    stiff = PLATE.replace('"100 mm", "90 mm"', '"10 mm", "9 mm"')
    small = stiff.replace('spacing = "10 mm"\nedge_spacing = "5 mm"', 'spacing = "1 mm"')
    auto = small.replace("large_deflection = true", 'large_deflection = "auto"')
    off = small.replace("large_deflection = true\n", "")
    found = [
        warp.gradient(warp.solve(case(tmp_path, text), "cpu"), "wafer.bottom", "cpu")
        for text in (auto, off)
    ]
    assert [e.derivative for e in found[0].effects] == [e.derivative for e in found[1].effects]
