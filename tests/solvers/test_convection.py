"""Films of still air: published numbers, and a block whose temperature follows from them."""

from pathlib import Path

import pytest
from scipy.optimize import brentq

from warp.case.case import CaseError, load, parse
from warp.errors import WarpError
from warp.run import process
from warp.solvers.heat.convection import STEFAN_BOLTZMANN, coefficient
from warp.voxels.conditions import NaturalConvection

BLOCK = """\
[part.block]
size = ["20 mm", "30 mm"]
thickness = "2 mm"
material = "copper"
power = "0.5 W"
[boundary.air]
face = "block.top"
convection = "natural"
ambient = "25 degC"
[load]
stress_free = "25 degC"
temperature = "solved"
[grid]
spacing = "5 mm"
cells_per_layer = 2
"""


def test_a_vertical_plate_of_a_textbook():
    """Incropera and DeWitt, example 9.2: 0.71 m high, 232 degC in air of 23 degC: 7.0 W/(m2 K)."""
    h = coefficient(NaturalConvection("vertical", 0.71), 505.0, 296.0)
    assert h == pytest.approx(7.0, abs=0.05)


def test_horizontal_plates_by_hand():
    """Air at 350 K: nu = 20.92e-6, alpha = 29.9e-6, k = 0.030; L = 10 mm, 100 K warmer."""
    Ra = 9.80665 / 350 * 100 * 0.01**3 / (20.92e-6 * 29.9e-6)
    for surface, factor in (("up", 0.54), ("down", 0.27)):
        h = coefficient(NaturalConvection(surface, 0.01), 400.0, 300.0)
        assert h == pytest.approx(0.030 / 0.01 * factor * Ra**0.25)
    cold = coefficient(NaturalConvection("up", 0.01), 300.0, 400.0)
    assert cold == pytest.approx(coefficient(NaturalConvection("down", 0.01), 400.0, 300.0))


@pytest.mark.parametrize("emissivity", [0.0, 0.9])
def test_a_block_of_copper_reaches_the_temperature_of_its_heat(emissivity):
    text = BLOCK.replace('"natural"', f'"natural"\nemissivity = {emissivity}')
    result = process.solve(parse(text, Path("block.toml")), "cpu")
    area, law = 6e-4, NaturalConvection("up", 6e-4 / 0.1, emissivity)
    Ta = 298.15
    Ts = brentq(lambda T: coefficient(law, T, Ta) * area * (T - Ta) - 0.5, Ta + 1, Ta + 400)
    assert result.temperature.mean() == pytest.approx(Ts, abs=0.2)
    if emissivity:
        radiated = emissivity * STEFAN_BOLTZMANN * area * (Ts**4 - Ta**4)
        assert radiated == pytest.approx(0.5 - _convected(law, Ts, Ta, area), rel=1e-6)


def _convected(law, Ts, Ta, area):
    return coefficient(NaturalConvection(law.surface, law.length), Ts, Ta) * area * (Ts - Ta)


def test_all_faces_look_their_way():
    case = parse(BLOCK.replace("block.top", "package.all"), Path("block.toml"))
    found = [(b.face, b.natural.surface, b.natural.length) for b in case.boundaries]
    assert found == [
        ("package.top", "up", pytest.approx(6e-3)),
        ("package.bottom", "down", pytest.approx(6e-3)),
        ("package.sides", "vertical", pytest.approx(2e-3)),
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('film = "5 W/(m^2 K)"', "boundary.air.convection: stands beside a film"),
        ('temperature = "25 degC"', "boundary.air.temperature: stands beside a film"),
        ("emissivity = 2", "boundary.air.emissivity: must lie between 0 and 1"),
    ],
)
def test_what_does_not_fit_still_air_is_refused(line, words):
    with pytest.raises(CaseError) as error:
        parse(BLOCK.replace("[load]", f"{line}\n[load]"), Path("block.toml"))
    assert words in str(error.value)


def test_still_air_has_no_gradient_and_no_transient(tmp_path):
    from warp.adjoint.gradient import refuse

    path = tmp_path / "block.toml"
    path.write_text(BLOCK)
    with pytest.raises(WarpError, match="has no gradient"):
        refuse(load(path))
    step = '[[step]]\ndo = "power"\non = true\nduration = "10 s"\n'
    with pytest.raises(CaseError, match="step.1: takes a time, and convection"):
        parse(BLOCK.replace('temperature = "solved"\n', "") + step, path)
