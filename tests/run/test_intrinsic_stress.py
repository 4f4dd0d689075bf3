"""Strains that a film has at its stress-free temperature: shrinkage and intrinsic stress."""

from pathlib import Path

import numpy as np
import pytest

from warp.case.case import CaseError, parse
from warp.run import process

WAFER = """\
symmetry = "quarter"
[material.base]
youngs_modulus = "130 GPa"
poissons_ratio = 0.28
cte = "3 ppm/K"
[material.coat]
youngs_modulus = "70 GPa"
poissons_ratio = 0.35
cte = "20 ppm/K"
[part.wafer]
size = "12 mm"
thickness = "0.2 mm"
material = "base"
[part.film]
on = "wafer"
size = "wafer"
thickness = "5 um"
material = "coat"
[load]
stress_free = "25 degC"
temperature = "25 degC"
[grid]
spacing = "1 mm"
edge_spacing = "0.25 mm"
"""


def solved(text):
    return process.solve(parse(text, Path("film.toml")), "cpu")


def with_key(line, text=WAFER):
    return text.replace('material = "coat"', f'material = "coat"\n{line}')


def curvature(result):
    """Return the curvature of the lower face in its middle, in 1/m."""
    lines = result.grid.x
    x = (lines[1:] + lines[:-1]) / 2  # w stands in the middle of a voxel's lower face
    w = result.displacement[2, 0, 0, :-1]
    at = x < 2.2e-3
    return 2 * np.polyfit(x[at] ** 2, w[at], 1)[0]


def test_an_intrinsic_stress_bends_a_wafer_as_stoney_says():
    """Two layers under equal biaxial strain e + k z: no force, no moment, sigma in the film."""
    sigma, h, t = 200e6, 0.2e-3, 5e-6
    M = np.array([130e9 / 0.72, 70e9 / 0.65])
    z = np.array([-h / 2, h / 2, h / 2 + t])
    A, B, D = ((M * np.diff(z**n)).sum() / n for n in (1, 2, 3))
    force, moment = sigma * t, sigma * ((h / 2 + t) ** 2 - (h / 2) ** 2) / 2
    _, bending = np.linalg.solve([[A, B], [B, D]], [-force, -moment])
    stoney = -6 * sigma * t / (M[0] * h**2)
    assert bending == pytest.approx(stoney, rel=0.1)  # for films much thinner than this
    found = curvature(solved(with_key('intrinsic_stress = "200 MPa"')))
    # A tensile film smiles; cells of 1 mm in plane.
    assert found == pytest.approx(-bending, rel=1e-2)


def test_shrinkage_is_a_cooling_of_that_film_alone():
    """0.1 % at 20 ppm/K are 50 K."""
    shrunk = solved(with_key('shrinkage = "0.1 %"'))
    cooled = solved(with_key('stress_free = "75 degC"'))
    largest = np.abs(cooled.displacement).max()
    assert np.allclose(shrunk.displacement, cooled.displacement, rtol=0, atol=1e-6 * largest)


def test_a_layer_shrinks_as_a_part_of_its_own_does():
    layers = WAFER[: WAFER.index("[part.wafer]")] + (
        '[part.wafer]\nsize = "12 mm"\nlayers = [\n'
        '  { thickness = "5 um", material = "coat", shrinkage = "0.1 %" },\n'
        '  { thickness = "0.2 mm", material = "base" },\n]\n'
    )
    layers += WAFER[WAFER.index("[load]") :]
    one, two = solved(layers), solved(with_key('shrinkage = "0.1 %"'))
    assert curvature(one) == pytest.approx(curvature(two), rel=1e-6)


def test_an_attached_film_brings_its_stress():
    """Attached at the stress-free temperature, a film is as one that was there from the start."""
    text = with_key('intrinsic_stress = "200 MPa"').replace('temperature = "25 degC"\n', "", 1)
    step = '[[step]]\ndo = "attach"\nparts = ["film"]\ntemperature = "25 degC"\n'
    attached = solved(text + step)
    static = solved(with_key('intrinsic_stress = "200 MPa"'))
    assert curvature(attached) == pytest.approx(curvature(static), rel=1e-3)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('intrinsic_stress = "200 mm"', "film.intrinsic_stress: 'mm' is a length, not a pressure"),
        ('shrinkage = "30 %"', "film.shrinkage: must be less than 0.2"),
        ("shrinkage = -0.1", "film.shrinkage: must not be negative"),
    ],
)
def test_what_is_no_strain_is_refused(line, words):
    with pytest.raises(CaseError) as error:
        parse(with_key(line), Path("film.toml"))
    assert words in str(error.value)


def test_the_incremental_law_and_layers_are_told_apart():
    text = with_key('intrinsic_stress = "100 MPa"').replace(
        "[part.wafer]", 'elastic_law = "incremental"\n[part.wafer]', 1
    )
    with pytest.raises(CaseError, match="film.intrinsic_stress: needs the total law"):
        parse(text, Path("film.toml"))
    text = WAFER.replace('thickness = "5 um"\n', "").replace(
        'material = "coat"',
        'shrinkage = "1 %"\nlayers = [{ thickness = "5 um", material = "coat" }]',
    )
    with pytest.raises(CaseError, match="film.shrinkage: belongs to the layer"):
        parse(text, Path("film.toml"))
