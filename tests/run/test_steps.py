"""The process: parts join, shrink, let go and are cut apart, held against laminate theory and
against each other.

Stepwise laminate: a layer that joins counts its strain from there, so the curvature is the sum of
what each stage adds, kappa = SUM kappa(layers that are there, change of temperature), with
`laminate` for each (as in assembly by stages: Timoshenko 1925; Jones, Mechanics of Composite
Materials, 1999).
"""

from pathlib import Path

import numpy as np
import pytest
from stacked_plates import COARSE, PLATES, A, B, C, ends, kappa, run, step

from warp.case.case import parse
from warp.errors import ConvergenceError
from warp.run import load_step, process
from warp.verify.bending import laminate


def test_three_layers_joined_at_three_temperatures_are_the_stepwise_laminate():
    result = run(
        step("attach", parts=["b"], temperature="165 degC"),
        step("cool", temperature="100 degC", rate="3 K/s"),
        step("attach", parts=["c"], temperature="120 degC"),
        step("cool", temperature="25 degC"),
    )
    two, three = laminate([A, B], -45.0)[1], laminate([A, B, C], -95.0)[1]
    joined, cooled = ends(result)[2:]
    assert kappa(joined) == pytest.approx(two, rel=5e-3)
    assert kappa(cooled) == pytest.approx(two + three, rel=5e-3)
    at_once = laminate([A, B, C], [-192.0, -140.0, -95.0])[1]
    assert abs(kappa(cooled) / at_once - 1) > 0.05  # the order matters
    assert joined["time_s"] == pytest.approx(65 / 3)


def test_parts_that_join_move_nothing_and_bear_nothing():
    result = run(
        step("attach", parts=["b"], temperature="165 degC"),
        step("cool", temperature="100 degC"),
        step("attach", parts=["c"], temperature="100 degC"),
    )
    before, after = ends(result)[1:]
    assert after["iterations"]["elastic"] == 0
    for side in ("top", "bottom"):
        assert kappa(after, "a", side) == pytest.approx(kappa(before, "a", side), rel=1e-9)
    assert kappa(after, "c", "top") == pytest.approx(
        kappa(before, "b", "top"), rel=2e-2
    )  # laid on, as bent as it
    assert abs(after["stress"]["c"]["von_mises_q999_MPa"]) < 1e-9
    assert after["stress"]["b"]["von_mises_q999_MPa"] == pytest.approx(
        before["stress"]["b"]["von_mises_q999_MPa"]
    )


def test_solder_that_melts_and_solidifies_again_has_forgotten_what_was_before():
    """Removed at its melting point and attached as a second part: as if first attached there."""
    again = PLATES + PLATES[PLATES.index("[part.c]") :].replace("[part.c]", "[part.d]")
    melted = run(
        step("attach", parts=["b", "c"], temperature="165 degC"),
        step("cool", temperature="25 degC"),
        step("heat", temperature="200 degC"),
        step("remove", parts=["c"]),
        step("attach", parts=["d"], temperature="200 degC"),
        step("cool", temperature="25 degC"),
        text=again,
        head=COARSE,
    )
    once = run(
        step("attach", parts=["b"], temperature="165 degC"),
        step("heat", temperature="200 degC"),
        step("attach", parts=["c"], temperature="200 degC"),
        step("cool", temperature="25 degC"),
        head=COARSE,
    )
    assert kappa(ends(melted)[-1]) == pytest.approx(kappa(ends(once)[-1]), rel=1e-5)


def test_one_step_of_cooling_is_the_run_without_steps():
    plain = process.solve(parse(COARSE + PLATES, Path("plates.toml")), "cpu")
    stepped = run(step("cool", temperature="25 degC"), head=COARSE)
    assert (
        np.abs(stepped.displacement - plain.displacement).max()
        < 1e-6 * np.abs(plain.displacement).max()
    )
    assert "steps" not in plain.metrics
    assert kappa(stepped.metrics) == pytest.approx(kappa(plain.metrics), rel=1e-6)


def test_elastic_layers_do_not_remember_the_way():
    there_and_back = run(
        step("attach", parts=["b", "c"], temperature="165 degC"),
        step("cool", temperature="25 degC"),
        step(
            "heat",
            profile=[["0 s", "25 degC"], ["60 s", "200 degC"], ["90 s", "25 degC"]],
            every="100 K",
        ),
        head=COARSE,
    )
    before, after = ends(there_and_back)[1:]
    assert kappa(after) == pytest.approx(kappa(before), rel=1e-6)
    assert (
        len(there_and_back.metrics["steps"]) == 3 + 4
    )  # the body is brought to 165 degC; two points each way


def test_cure_shrinkage_bends_like_a_colder_layer():
    shrunk = run(
        step("cure", parts=["b"], temperature="165 degC", shrinkage="0.06 %"),
        step("cure", parts=["b"], temperature="165 degC", shrinkage="0.04 %"),
        text=PLATES.split("[part.c]")[0],
    )
    expected = laminate([A, B._replace(alpha=1.0)], [0.0, -1e-3])[1]
    assert kappa(ends(shrunk)[-1]) == pytest.approx(expected, rel=5e-3)


def test_a_liquid_carries_nothing_before_it_cures():
    """The lower pair bends alone; c becomes solid on it where it cures."""
    result = run(
        step("attach", parts=["b"], temperature="165 degC"),
        step("cool", temperature="25 degC"),
        step("cure", parts=["c"], temperature="150 degC"),
        step("cool", temperature="25 degC"),
    )
    expected = (
        laminate([A, B], -15.0)[1],
        laminate([A, B], -15.0)[1] + laminate([A, B, C], -125.0)[1],
    )
    assert [kappa(record) for record in ends(result)[2:]] == pytest.approx(expected, rel=5e-3)


def test_removed_carrier_lets_the_rest_spring_back():
    result = run(
        step("attach", parts=["b", "c"], temperature="217 degC"),
        step("cool", temperature="25 degC"),
        step("remove", parts=["c"]),
    )
    assert kappa(ends(result)[-1]) == pytest.approx(laminate([A, B], -192.0)[1], rel=5e-3)
    assert result.parts == ["a", "b"]


def test_unit_cut_from_a_uniform_laminate_keeps_its_curvature():
    steps = step("attach", parts=["b"], temperature="165 degC"), step("cool", temperature="25 degC")
    pair = PLATES.split("[part.c]")[0]
    middle = run(*steps, step("singulate", size="8 mm", unit="die"), text=pair)
    whole, die = ends(middle)[1:]
    assert kappa(die) == pytest.approx(kappa(whole), rel=5e-3)
    assert (
        die["unit"] == "die"
        and middle.grid.mirror == (True, True)
        and middle.grid.x[-1] == pytest.approx(4e-3)
    )
    cut = step(
        "singulate", x=["0 mm", "5 mm"], y=["0 mm", "5 mm"], at=["2 mm", "2 mm"], kerf="0.2 mm"
    )
    beside = run(*steps, cut, text=pair)
    assert beside.grid.mirror == (False, False)
    assert (beside.grid.x[0], beside.grid.x[-1]) == pytest.approx((0.1e-3, 4.9e-3))
    assert kappa(ends(beside)[-1]) == pytest.approx(kappa(whole), rel=1e-2)


def test_cut_that_frees_the_overhang_springs_back_to_the_laminate():
    chip = (
        PLATES.split("[part.b]")[0]
        + '[part.b]\non = "a"\nsize = "8 mm"\nthickness = "0.4 mm"\nmaterial = "b"\n'
    )
    result = run(
        step("attach", parts=["b"], temperature="165 degC"),
        step("cool", temperature="25 degC"),
        step("singulate", size="8 mm"),
        text=chip,
    )
    on_plate, alone = ends(result)[1:]
    expected = laminate([A, B], -140.0)[1]
    assert abs(kappa(on_plate) / expected) < 0.97
    assert kappa(alone) == pytest.approx(expected, rel=5e-3)


def test_order_matters_only_where_something_happens_in_between():
    sides = PLATES.split("[part.b]")[0] + "".join(
        f'[part.{name}]\non = "a"\nsize = "4 mm"\nat = ["{x} mm", "0 mm"]\nthickness = '
        '"0.4 mm"\nmaterial = "b"\n'
        for name, x in (("left", -3), ("right", 3))
    )
    head = COARSE.replace('"quarter"', '"half-y"')

    def attach(part):
        return step("attach", parts=[part], temperature="165 degC")

    def warpage(*steps):
        return run(*steps, step("cool", temperature="25 degC"), text=sides, head=head).metrics[
            "surfaces"
        ]["a"]["bottom"]

    one, other = warpage(attach("left"), attach("right")), warpage(attach("right"), attach("left"))
    assert one["warpage_um"] == pytest.approx(other["warpage_um"], rel=1e-6)
    between = warpage(attach("left"), step("cool", temperature="25 degC"), attach("right"))
    assert between["warpage_um"] == pytest.approx(one["warpage_um"], rel=0.2)


def test_underfill_round_standing_bumps_moves_nothing_and_holds_afterwards():
    text = (
        PLATES.split("[part.b]")[0]
        + """
[part.fill]
on = "a"
size = "10 mm"
thickness = "0.1 mm"
material = "underfill-uf9000ae"
[part.bumps]
shape = "columns"
inside = "fill"
pitch = "0.5 mm"
diameter = "0.2 mm"
material = "sac305"
model = "effective"
fill = "underfill-uf9000ae"
[part.chip]
on = "fill"
size = "10 mm"
thickness = "0.4 mm"
material = "b"
"""
    )
    first = (
        step("attach", parts=["bumps", "chip"], temperature="217 degC"),
        step("cool", temperature="165 degC"),
    )
    cool = step("cool", temperature="25 degC")
    result = run(
        *first, step("cure", parts=["fill"], temperature="165 degC"), cool, text=text, head=COARSE
    )
    bare = run(*first, cool, text=text, head=COARSE)
    open_, filled, cold = ends(result)[1:]
    assert filled["iterations"]["elastic"] == 0
    assert kappa(filled) == pytest.approx(kappa(open_), rel=1e-9)
    assert abs(kappa(cold)) > 1.01 * abs(kappa(ends(bare)[-1]))


PLACED = """
[material.molten]
like = "sac305"
youngs_modulus = "0.001 MPa"
[part.molten]
on = "a"
size = "12 mm"
thickness = "0.4 mm"
material = "molten"
[part.top-1]
on = "molten"
size = "12 mm"
thickness = "0.3 mm"
material = "a"
[part.top-2]
on = "top-1"
size = "12 mm"
thickness = "0.4 mm"
material = "b"
[part.joint]
on = "a"
size = "12 mm"
thickness = "0.4 mm"
material = "sac305"
"""


def test_a_package_comes_with_the_warpage_that_its_own_stress_free_temperature_gives():
    """On soft solder it is as warped as alone; solid solder in the same place holds that."""
    steps = step("attach", parts=["molten", "top-1", "top-2"], temperature="217 degC") + (
        'stress_free = "165 degC"\n'
    )
    steps += step("attach", parts=["joint"], temperature="217 degC") + step(
        "remove", parts=["molten"]
    )
    base = PLATES[: PLATES.index("[part.b]")]
    text = COARSE + base + PLACED + steps
    placed, _, held = ends(process.solve(parse(text, Path("x.toml")), "cpu"))
    tops = PLACED[PLACED.index("[part.top-1]") : PLACED.index("[part.joint]")]
    own = COARSE.replace('"217 degC"', '"165 degC"\ntemperature = "217 degC"')
    alone = process.solve(parse(own + tops.replace('on = "molten"\n', ""), Path("x.toml")), "cpu")
    free = alone.metrics["surfaces"]["top-2"]["bottom"]["kappa_x_per_m"]
    assert kappa(placed, "top-2") == pytest.approx(free, rel=0.01)
    assert kappa(held, "top-2") == pytest.approx(kappa(placed, "top-2"), rel=1e-3)


def test_a_solve_that_fails_names_its_step(monkeypatch):
    solve, done = load_step.solve, []

    def fails(case, of, *others):
        done.append(of)
        if len(done) == 3:
            raise ConvergenceError("residual 1e-3 after 9 iterations")
        return solve(case, of, *others)

    monkeypatch.setattr(load_step, "solve", fails)
    joined = step("attach", parts=["b", "c"], temperature="165 degC")
    with pytest.raises(ConvergenceError, match=r"^step 2 \(cool to 40 degC\) at 40 degC: resid"):
        run(joined, step("cool", temperature="40 degC"), head=COARSE)
