"""Runs beyond linear theory: a coated plate against von Karman's, steps, what is refused."""

from pathlib import Path

import numpy as np
import pytest
from coated_plate import CASE, SIDE, laminate
from stacked_plates import ends, step

from warp.case.case import CaseError, parse
from warp.report import number_tables, step_rows
from warp.results import schema
from warp.results.file import MediaTable
from warp.run import process, warnings
from warp.run.load_step import shape_numbers
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.large_deflection.shape import Bent, Principal
from warp.solvers.elastic.large_deflection.solve import Solution


def solved(*more, load='temperature = "25 degC"\nlarge_deflection = true'):
    return process.solve(parse(CASE + load + "\n" + "".join(more), Path("plate.toml")), "cpu")


def test_a_coated_plate_sags_as_von_karman_says():
    """.80463 h* at the load 2, kappa L^2 / h*; linear theory has 1.0 at the middle of an edge."""
    effective, per_kelvin = laminate()
    change = 2 * effective / (SIDE / 2) ** 2 / per_kelvin
    load = f'temperature = "{100 - change} degC"\nlarge_deflection = true'
    result = solved(load=load)
    U, grid = result.fields["displacement"], result.grid
    w = U[2, 0, : len(grid.yc), 0]
    y = np.append(grid.yc, SIDE / 2e3)
    edge = w[-1] + (w[-1] - w[-2]) * (y[-1] - y[-2]) / (y[-2] - y[-3])
    line = w[0] - (w[1] - w[0]) * y[0] ** 2 / (y[1] ** 2 - y[0] ** 2)
    x = grid.xc
    across = U[2, 0, 0, : len(x)]
    line -= (across[1] - across[0]) * x[0] ** 2 / (x[1] ** 2 - x[0] ** 2)
    assert 1e3 * abs(edge - line) == pytest.approx(0.80463 * effective, rel=0.005)
    shape = result.metrics["large_deflection"]
    surface = result.metrics["surfaces"]["wafer"]["bottom"]
    assert shape["curvature_per_m"] < 0 and surface["kappa_x_per_m"] < 0  # the upper layer shrinks
    # 1.2 % off on these cells in the plane, 0.2 % where they are half as wide
    expected = -1e3 * change * per_kelvin
    assert shape["linear_curvature_per_m"] == pytest.approx(expected, rel=0.015)
    assert shape["theory"] == "moderate rotations" and shape["shape"] == "dome"
    assert 0 < shape["stability"] < 1 and shape["critical_percent"] is None


def test_increments_fill_the_load_step_in_order():
    effective, per_kelvin = laminate()
    change = 4 * effective / (SIDE / 2) ** 2 / per_kelvin
    load = f'temperature = "{100 - change} degC"\nlarge_deflection = true\n'
    shares = []
    case = parse(CASE + load, Path("plate.toml"))
    process.solve(case, "cpu", on_share=lambda *ends: shares.append(ends))
    assert shares[0] == (0.0, 0.0)  # linear theory, which goes first, fills nothing
    assert shares[1][0] == 0.0 and shares[-2][1] == 1.0 and shares[-1] == (1.0, 1.0)
    assert len(shares) > 4 and all(first < last for first, last in shares[1:-1])
    begins = [first for first, _ in shares]
    assert begins == sorted(begins)


def test_auto_keeps_linear_numbers_where_they_are_near_enough():
    linear = solved(load='temperature = "95 degC"')
    auto = solved(load='temperature = "95 degC"\nlarge_deflection = "auto"')
    shape = auto.metrics["large_deflection"]
    assert shape["theory"] == "linear" and shape["shape"] == "dome"
    np.testing.assert_array_equal(auto.fields["displacement"], linear.fields["displacement"])
    assert "large_deflection" not in linear.metrics


def test_steps_end_where_one_step_does(tmp_path):
    """Joined flat and cooled in two steps: strains of the first count in the second; resumed or
    not.
    """
    whole = solved()
    steps = (
        step("attach", parts=["mould"], temperature="100 degC"),
        step("cool", temperature="60 degC"),
        step("cool", temperature="25 degC"),
    )
    case = parse(CASE + "large_deflection = true\n" + "".join(steps), Path("plate.toml"))
    path = tmp_path / "checkpoint.h5"
    result = process.solve(case, "cpu", checkpoint_path=path)
    w, one = (r.fields["displacement"][2] for r in (result, whole))
    assert np.abs(w - one).max() < 1e-6 * np.ptp(one)
    assert [r["large_deflection"]["shape"] for r in ends(result)][1:] == ["dome", "dome"]

    def stop(name, iteration, residual):
        if name.startswith("3"):
            raise KeyboardInterrupt

    path.unlink()
    with pytest.raises(KeyboardInterrupt):
        process.solve(case, "cpu", stop, checkpoint_path=path)
    again = process.solve(case, "cpu", checkpoint_path=path, resume=True)
    np.testing.assert_array_equal(again.fields["displacement"], result.fields["displacement"])


def test_numbers_of_a_change_of_shape_are_numbers():
    """As a result file wants them: one value under each key with a unit."""
    cylinder = Principal(0.5, 0.01, 0.0)
    bent = Bent(cylinder, Principal(0.4, 0.4, 0.0), 9, 0.6, [0.25, 0.8], 0.01, 0.05, "x", 2e-4)
    state = State.start((1, 1, 1))
    solution = Solution(np.zeros((3, 2, 2, 2)), 1, [0.0], 0.0, state, bent=bent)
    case = parse(CASE + "large_deflection = true\n", Path("plate.toml"))
    numbers = {"large_deflection": shape_numbers(case, None, solution, 400.0, 300.0)}
    schema.check_tables([], MediaTable(np.zeros(0), [], np.zeros(0)), numbers, {})
    found = numbers["large_deflection"]
    assert found["shape"] == "cylinder"
    assert found["critical_percent"] == 25 and found["critical_change_K"] == -25
    facts = " ".join(number_tables.facts(numbers))
    assert "shape changes at 25.0 % of the load (-25.0 K), moving by 200 um; " in facts
    assert "the other stable shape has 1 % more energy" in facts
    record = {"step": 2, "name": "cold", "do": "cool", "last": True, **numbers}
    (sentence,) = step_rows.changes([{"step": 1, "name": "warm", "last": True}, record])
    assert sentence.startswith("2. cold: the shape changes at 25.0 % of the load (-25.0 K), ")


def test_shapes_are_compared_in_words_and_the_rest_in_numbers():
    """What one of two results has, the other's entry leaves empty."""
    dome = {"shape": "dome", "axis_deg": 0.0, "curvature_per_m": 2.0, "curvature_across_per_m": 2.0}
    rolled = dome | {"shape": "cylinder", "axis_deg": 90.0, "curvature_across_per_m": 0.1}
    rolled |= {"critical_percent": 40.0, "critical_change_K": -50.0}
    rows = number_tables.compared({"large_deflection": dome}, {"large_deflection": rolled})
    found = {row["quantity"]: (row["a"], row["b"], row["difference"]) for row in rows}
    assert found["shape"] == ("dome", "cylinder, 90 deg", None)
    assert found["curvature across"] == pytest.approx((2.0, 0.1, -1.9))
    assert found["critical temperature change"] == (None, -50.0, None)


def test_parts_of_a_load_step_say_together_where_its_shape_changes():
    """In the middle of the second half; a material that relaxes takes several parts."""
    flat = Principal(0.0, 0.0, 0.0)
    first = Bent(flat, flat, 2, 0.5, [], None, 0.1)
    second = Bent(flat, flat, 3, 0.4, [0.5], 0.01, 0.2, "y", 1e-4)
    third = Bent(flat, flat, 1, 0.3, [], None, 0.3)
    found = Bent.of_parts([(0.0, 0.5, first), (0.5, 0.9, second), (0.9, 1.0, third)])
    assert found.critical == [0.7] and found.branch == "y" and found.other == 0.01
    assert (found.increments, found.stability, found.slope, found.jump) == (6, 0.3, 0.3, 1e-4)


def test_a_round_dome_has_no_axis():
    """Round-off would give it one; the axis y is at 90 degrees, not at -90."""
    numbers = {"shape": "dome", "axis_deg": -90.0, "curvature_per_m": -2.0}
    round_one = numbers | {"curvature_across_per_m": -1.999}
    longer = numbers | {"curvature_across_per_m": -1.2}
    facts = [" ".join(number_tables.facts({"large_deflection": n})) for n in (round_one, longer)]
    assert "dome, alike along all axes" in facts[0]
    assert "most along" in facts[1]


def test_a_quarter_that_rolls_up_says_which_shapes_it_cannot_see():
    dome, rolled = ({"large_deflection": {"critical_percent": at}} for at in (None, 40.0))
    assert warnings.rolled_up_in_a_quarter(2, [dome, {}]) == []
    assert warnings.rolled_up_in_a_quarter(0, [rolled]) == []
    (said,) = warnings.rolled_up_in_a_quarter(2, [dome, rolled])
    assert "diagonal" in said and 'symmetry = "none"' in said


def test_a_word_that_is_no_switch_is_one_line():
    """The key has two kinds of values, and the message names them once."""
    with pytest.raises(CaseError) as caught:
        solved(load='temperature = "25 degC"\nlarge_deflection = "maybe"')
    (line,) = str(caught.value).splitlines()
    assert line.endswith("load.large_deflection: 'maybe' is not one of true, false and \"auto\"")
