"""The step `hold`: a bilayer with one relaxing layer at rest, against its closed form; refusals."""

import json
from pathlib import Path

import numpy as np
import pytest

import warp
from warp.case.case import CaseError, parse

# Bottom to top: a moulding compound, E0 20 GPa, whose modulus falls to 5 %, under silicon.
MOULD, SILICON = (0.5e-3, 20e9, 0.3, 10e-6), (0.3e-3, 130e9, 0.28, 2.6e-6)
TERMS = ((1.0, 0.25), (100.0, 0.30), (1e4, 0.40))  # s, fraction of E0
CASE = """\
title = "mould under silicon"
symmetry = "quarter"
[material.mould]
youngs_modulus = "20 GPa"
poissons_ratio = 0.3
cte = "10 ppm/K"
[material.mould.relaxation]
youngs_modulus = [["1 s", "25 %"], ["100 s", "30 %"], ["1e4 s", "40 %"]]
[material.chip]
youngs_modulus = "130 GPa"
poissons_ratio = 0.28
cte = "2.6 ppm/K"
[part.mould]
size = "12 mm"
thickness = "0.5 mm"
material = "mould"
[part.chip]
on = "mould"
size = "12 mm"
thickness = "0.3 mm"
material = "chip"
[load]
stress_free = "175 degC"
[grid]
spacing = "3 mm"
edge_spacing = "0.1 mm"
growth = 1.0
cells_per_layer = 12
"""


def step(do, **keys):
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in {"do": do, **keys}.items()]
    return "[[step]]\n" + "".join(lines)


COOL = step("cool", temperature="25 degC", duration="1e-4 s")


def case(*steps, text=CASE):
    return parse(text + "".join(steps), Path("bilayer.toml"))


def plane_stiffness(layer, z0):
    """Force and moment per membrane strain and curvature, and per thermal strain; equibiaxial."""
    thickness, E, nu, _ = layer
    z1 = z0 + thickness
    plane = E / (1 - nu)
    A, B, D = (plane * (z1**n - z0**n) / n for n in (1, 2, 3))
    return np.array([[A, B], [B, D]])


def curvatures(times, dT):
    """Curvature 1/m at times after a jump of temperature: the eigenvalue problem of the ABD matrix.

    Each Prony term keeps a strain q with dq/dt = (e - q) / tau, and the layers are in equilibrium:
    K1 (e - e1) + K2 (SUM m_i (e - e2 - q_i) + m (e - e2)) = 0 over (membrane strain, curvature).
    """
    (tau, fraction), one, two = np.array(TERMS).T, SILICON, MOULD
    K1, K2 = plane_stiffness(one, two[0]), plane_stiffness(two, 0.0)
    free1, free2 = np.array([one[3] * dT, 0.0]), np.array([two[3] * dT, 0.0])
    solve = np.linalg.inv(K1 + K2)
    constant = solve @ (K1 @ free1 + K2 @ free2)
    per_q = np.concatenate([m * solve @ K2 for m in fraction], axis=1)  # (2, 6)
    rate = np.concatenate([per_q / t for t in tau]) - np.diag(np.repeat(1 / tau, 2))
    drive = np.concatenate([(constant - free2) / t for t in tau])
    values, vectors = np.linalg.eig(rate)
    rest = -np.linalg.solve(rate, drive)
    start = np.linalg.solve(vectors, -rest)
    q = [rest + (vectors @ (np.exp(values * t) * start)).real for t in times]
    return np.array([(constant + per_q @ state)[1] for state in q])


def test_the_closed_form_begins_and_ends_as_elastic_bilayers():
    """Instantaneous and fully relaxed modulus; the values in between fall from one to the other."""
    found = curvatures([0.0, 1.0, 100.0, 1e4, 1e9], -150.0)
    relaxed = [(*MOULD[:1], MOULD[1] * part, *MOULD[2:]) for part in (1.0, 0.05)]
    for layer, value in zip(relaxed, (found[0], found[-1]), strict=True):
        K1, K2 = plane_stiffness(SILICON, layer[0]), plane_stiffness(layer, 0.0)
        forces = K1 @ [SILICON[3] * -150.0, 0.0] + K2 @ [layer[3] * -150.0, 0.0]
        assert value == pytest.approx(np.linalg.solve(K1 + K2, forces)[1], rel=1e-9)
    assert (np.diff(np.abs(found)) < 0).all()


def test_a_bilayer_at_rest_relaxes_as_its_closed_form():
    ends = (1.0, 100.0, 1e4, 1e5)
    holds = [step("hold", duration=f"{b - a} s") for a, b in zip((0.0, *ends), ends, strict=False)]
    result = warp.solve(case(COOL, *holds), device="cpu")
    found = [
        record["surfaces"]["mould"]["bottom"]["kappa_x_per_m"] for record in result.metrics["steps"]
    ]
    expected = curvatures((0.0, *ends), -150.0)
    assert found == pytest.approx(expected.tolist(), rel=6e-3)
    drop = np.array(found) / found[0]
    assert drop == pytest.approx(expected / expected[0], abs=2e-3)


def test_every_divides_the_rest_into_equal_load_steps():
    steps = case(COOL, step("hold", duration="1 h", every="20 min")).load_steps
    assert [round(s.time) for s in steps] == [0, 1200, 2400, 3600]
    assert [s.last for s in steps] == [True, False, False, True]
    assert [s.temperature for s in steps] == pytest.approx([298.15] * 4)
    assert steps[-1].name == "hold"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, 'duration: is missing: add duration = "30 min"'),
        ({"duration": "0 s"}, "must be greater than"),
        (
            {"duration": "1 h", "temperature": "100 degC"},
            "is 100 degC, but the body is at 25 degC: take it there first",
        ),
        ({"duration": "1 h", "every": "1 ms"}, "3,600,000 load steps"),
    ],
)
def test_what_cannot_be_is_refused(keys, words):
    with pytest.raises(CaseError) as error:
        case(COOL, step("hold", **keys))
    assert words in str(error.value)


def test_the_temperature_may_be_stated_again():
    text = step("hold", duration="1 h", temperature="25 degC")
    assert case(COOL, text).load_steps[-1].name == "hold at 25 degC"
