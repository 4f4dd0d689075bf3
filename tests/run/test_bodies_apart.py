"""Bodies that are made apart and join, against laminate theory and runs of them alone."""

from pathlib import Path

import numpy as np
import pytest
from stacked_plates import COARSE, HEAD, PLATES, A, B, C, ends, kappa, resumed, run, step

from warp.adjoint.refused import refuse
from warp.case.case import parse
from warp.case.errors import CaseError
from warp.errors import WarpError
from warp.run import process, resources
from warp.verify.bending import Layer, laminate

GLUE, FILM = Layer(0.1e-3, 60e9, 0.35, 40e-6), B._replace(t=0.2e-3)
MATERIALS = """\
[material.glue]
class = "polymer"
youngs_modulus = "60 GPa"
poissons_ratio = 0.35
cte = "40 ppm/K"
density = "1200 kg/m^3"
[material.soft]
class = "polymer"
youngs_modulus = "0.01 kPa"
poissons_ratio = 0.35
cte = "20 ppm/K"
density = "1200 kg/m^3"
[material.mould]
like = "mould-compound"
youngs_modulus = { glassy = "25 GPa", rubbery = "0.9 GPa", glass_transition = "150 degC" }
elastic_law = "incremental"
[material.slow]
class = "polymer"
youngs_modulus = "20 GPa"
poissons_ratio = 0.3
cte = "20 ppm/K"
density = "1900 kg/m^3"
relaxation = { youngs_modulus = [["30 s", "50 %"], ["1000 s", "30 %"]] }
"""
LOWER = (
    PLATES.partition("[part.c]")[0]
    + """\
[part.glue]
on = "b"
size = "12 mm"
thickness = "0.1 mm"
material = "glue"
"""
)
UPPER = """\
[part.lid]
on = "glue"
size = "12 mm"
thickness = "0.3 mm"
material = "a"
[part.film]
on = "lid"
size = "12 mm"
thickness = "0.2 mm"
material = "b"
"""
HERE = Path("plates.toml")
BENT = step("attach", parts=["b"], temperature="217 degC")
MADE = step("attach", parts=["lid", "film"], temperature="200 degC", body="upper")


def joins(temperature="150 degC", **keys):
    return step("attach", parts=["glue"], bodies=["upper"], temperature=temperature, **keys)


def cool(temperature, **keys):
    return step("cool", temperature=temperature, **keys)


def solved(*steps, upper=UPPER, head=HEAD, glue="glue"):
    text = MATERIALS + LOWER.replace('material = "glue"', f'material = "{glue}"') + upper
    return run(*steps, text=text, head=head)


def test_a_body_made_apart_joins_with_its_own_shape_and_bends_with_the_package_from_then_on():
    """The lower plates are free of stress at 217, the upper ones at 200 degC; they meet at 150."""
    result = solved(BENT, MADE, cool("25 degC", body="upper"), joins(), cool("25 degC"))
    made, cold, joined, last = ends(result)[1:]
    lower, upper = laminate([A, B], -67.0)[1], laminate([C, FILM], -50.0)[1]
    since = laminate([A, B, GLUE, C, FILM], -125.0)[1]
    assert made["body"] == cold["body"] == "upper" and joined["body"] is None
    assert kappa(cold, "film", "top") == pytest.approx(laminate([C, FILM], -175.0)[1], rel=5e-3)
    assert kappa(joined) == pytest.approx(lower, rel=5e-3)
    assert kappa(joined, "film", "top") == pytest.approx(upper, rel=5e-3)
    assert kappa(last) == pytest.approx(lower + since, rel=5e-3)
    assert kappa(last, "film", "top") == pytest.approx(upper + since, rel=5e-3)


MOULDED = UPPER.removesuffix('material = "b"\n') + 'material = "mould"\n'
HISTORY = (
    {"do": "attach", "parts": ["lid"], "temperature": "175 degC"},
    {"do": "cure", "parts": ["film"], "temperature": "175 degC", "shrinkage": "0.2 %"},
    {"do": "cool", "temperature": "25 degC"},
    {"do": "heat", "temperature": "210 degC"},
)
SLOW = UPPER.removesuffix('material = "b"\n') + 'material = "slow"\n'
RESTS = (
    {"do": "attach", "parts": ["lid", "film"], "temperature": "175 degC"},
    {"do": "cool", "temperature": "60 degC", "duration": "20 s"},
    {"do": "hold", "duration": "60 s"},
)


@pytest.mark.parametrize(("upper", "history"), [(MOULDED, HISTORY), (SLOW, RESTS)])
def test_it_has_the_history_that_it_has_alone(upper, history):
    """The lower body was never as cold, or as hot; what is soft between them holds nothing."""
    rate = {"rate": "1 K/s"} if history is RESTS else {}
    later = cool("40 degC", **rate)
    apart = "".join(step(**one, body="upper") for one in history)
    both = solved(
        BENT, cool("150 degC"), apart, joins(**rate), later, upper=upper, head=COARSE, glue="soft"
    )
    steps = "".join(step(**one) for one in history)
    own = MATERIALS + upper.replace('on = "glue"\n', "")
    met = step("cool", temperature="150 degC", **rate)
    if history is RESTS:
        met = step("heat", temperature="150 degC", **rate)
    alone = ends(run(steps, met, later, text=own, head=COARSE))
    made = ends(both)[2:]
    for one, other in zip(made[: len(history)], alone, strict=False):
        assert one["body"] == "upper"
        assert kappa(one, "lid") == pytest.approx(kappa(other, "lid"), rel=1e-5, abs=1e-9)
    for one, other in zip(made[-2:], alone[-2:], strict=True):
        assert kappa(one, "lid") == pytest.approx(kappa(other, "lid"), rel=1e-4)
        bottom = kappa(ends(both)[1]) * (one["temperature_C"] - 217.0) / (150.0 - 217.0)
        assert kappa(one) == pytest.approx(bottom, rel=1e-4)


@pytest.mark.parametrize("done", [2, 3, 4])
def test_an_interrupted_process_ends_with_the_same_numbers(tmp_path, done):
    """While a body is set aside, before it joins, and after."""
    tables = MADE, BENT, cool("100 degC", body="upper"), joins(), cool("25 degC")
    case = parse(COARSE + MATERIALS + LOWER + UPPER + "".join(tables), HERE)
    whole, again = resumed(case, tmp_path / "out.checkpoint.h5", done)
    assert again.metrics["steps"] == whole.metrics["steps"]
    assert np.array_equal(again.displacement, whole.displacement)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (BENT + MADE, "step.2.body: 'upper' never joins the package"),
        (BENT + joins(), r"step.2.bodies: 'upper' is not made before; steps with body = \"upper\""),
        (BENT + MADE + joins() + MADE, "step.4.body: 'upper' joined the package in step 3"),
        (BENT + MADE + joins().replace("upper", "uper"), "did you mean 'upper'"),
        (
            BENT + cool("25 degC", body="upper") + joins(),
            "step.2: no part is present yet",
        ),
        (
            BENT + MADE + step("power", on=True, body="upper") + joins(),
            "step.3.do: 'power' is not of a body that is made apart",
        ),
        (
            BENT + MADE + step("remove", parts=["film"]) + joins(),
            "step.3.parts: 'film' is not in the package: it came with step 2",
        ),
        (
            BENT + MADE + step("singulate", size="6 mm") + joins(),
            "step.4.bodies: 'upper' joins a package of which .* is left: let it join",
        ),
        (
            BENT + MADE + step("attach", parts=["film"], temperature="150 degC") + joins(),
            "step.3.parts: 'film' is already present",
        ),
        (BENT + step("attach", temperature="150 degC"), "step.2: names nothing that joins"),
    ],
)
def test_bodies_that_cannot_be(steps, words):
    with pytest.raises(CaseError, match=words):
        parse(COARSE + MATERIALS + LOWER + UPPER + steps, HERE)


def test_it_needs_something_between():
    text = MATERIALS + LOWER + UPPER
    glued = step("attach", parts=["glue"], temperature="150 degC")
    lone = step("attach", bodies=["upper"], temperature="150 degC")
    with pytest.raises(
        WarpError, match=r"step 4 .* 'lid' joins with its own shape and touches 'glue'"
    ):
        run(BENT, MADE, glued, lone, text=text, head=COARSE)


BALLS = (
    UPPER.replace('on = "glue"', 'on = "b"\nlift = "0.1 mm"')
    + """\
[part.solder]
under = "lid"
size = "12 mm"
thickness = "0.1 mm"
material = "sac305"
"""
)


def test_a_body_that_brings_its_solder_joins_where_that_melts():
    """Solid below 217 degC, its solder cannot follow the package: the step is refused."""
    text = PLATES.partition("[part.c]")[0] + BALLS
    made = step("attach", parts=["lid", "film", "solder"], temperature="217 degC", body="upper")
    cold = cool("25 degC", body="upper")

    def joined(temperature):
        lone = step("attach", bodies=["upper"], temperature=temperature)
        return run(
            BENT, cool("25 degC"), made, cold, lone, cool("100 degC"), text=text, head=COARSE
        )

    hot = joined("217 degC")
    before, after = ends(hot)[-3], ends(hot)[-2]
    assert before["body"] == "upper" and after["temperature_C"] == pytest.approx(217.0)
    largest = abs(kappa(before, "film", "top"))
    assert abs(kappa(after, "film", "top")) < 1e-6 * largest  # free of stress there, as made
    with pytest.raises(WarpError, match="'solder' joins with its own shape and touches 'b'"):
        joined("150 degC")


def test_what_follows_one_body_is_refused():
    steps = MADE + BENT + joins() + cool("25 degC")
    head = COARSE.replace("[load]", "[load]\nlarge_deflection = true")
    with pytest.raises(CaseError, match="load.large_deflection: follows one body"):
        parse(head + MATERIALS + LOWER + UPPER + steps, HERE)
    case = parse(COARSE + MATERIALS + LOWER + UPPER + steps, HERE)
    with pytest.raises(WarpError, match="joins a body made apart, which has none yet"):
        refuse(case)


def test_a_state_of_a_body_has_its_fields_and_its_checkpoint_is_counted():
    steps = MADE + cool("100 degC", name="made", body="upper") + BENT + joins()
    text = COARSE + MATERIALS + LOWER + UPPER
    case = parse(f'{text}{steps}[output]\nstates = ["made"]\n', HERE)
    found = {}
    whole = process.solve(case, "cpu", on_result=found.__setitem__)
    made = found["made"].metrics["surfaces"]["film"]["top"]["kappa_x_per_m"]
    assert made == kappa(ends(whole)[1], "film", "top") and "a" not in found["made"].parts
    assert resources.most_aside(case) == 1
    assert (
        resources.most_aside(
            parse(text + step("attach", parts=["lid"], temperature="0 degC"), HERE)
        )
        == 0
    )
