"""The records of the steps: in the file, and where linear theory ends."""

import re
from pathlib import Path

import numpy as np
import pytest
from stacked_plates import COARSE, PLATES, ends, run, step

from warp.case.case import parse
from warp.report import number_tables
from warp.results.file import read
from warp.run import warnings as run_warnings


def test_linear_theory_ends_with_a_number():
    large = PLATES.replace('"12 mm"', '"48 mm"')
    result = run(
        step("attach", parts=["b"], temperature="217 degC"),
        step("cool", temperature="25 degC"),
        text=large.split("[part.c]")[0],
        head=COARSE,
    )
    cold = ends(result)[-1]
    assert cold["bends"] > 0.5
    assert re.search(
        r"a\.top bends by [\d.]+ (of|times) the height \(0\.9 mm\): beyond linear theory",
        cold["beyond_linear"][0],
    )


def test_the_worst_case_is_the_largest_warpage_of_the_finished_body():
    """Before c is attached the body is another one, whatever its warpage."""
    result = run(
        step("attach", parts=["b"], temperature="217 degC"),
        step("cool", temperature="-40 degC"),
        step("attach", parts=["c"], temperature="150 degC"),
        step("heat", temperature="245 degC"),
        step("cool", temperature="25 degC"),
        head=COARSE,
    )
    worst = result.metrics["worst"]
    finished = [r for r in result.metrics["steps"] if "c" in r["parts"]]
    values = [
        max(abs(s["warpage_um"]) for sides in r["surfaces"].values() for s in sides.values())
        for r in finished
    ]
    part, _, side = worst["surface"].rpartition(".")
    assert abs(worst["warpage_um"]) == max(values), "of all surfaces: all parts are plates"
    found = finished[int(np.argmax(values))]["surfaces"][part][side]
    assert found["warpage_um"] == worst["warpage_um"]
    assert worst["temperature_C"] == finished[int(np.argmax(values))]["temperature_C"]
    assert worst["step"] == finished[int(np.argmax(values))]["step"]
    assert "worst of the finished body" in " ".join(number_tables.facts(result.metrics))


def test_a_package_is_judged_before_it_is_mounted():
    """Its surface to the board counts, at the load steps of the whole package alone."""
    board = '[part.board]\nunder = "a"\nsize = "16 mm"\nthickness = "1 mm"\nmaterial = "b"\n'
    package = (
        step("attach", parts=["b"], temperature="217 degC"),
        step("cool", temperature="-40 degC"),
        step("attach", parts=["c"], temperature="150 degC"),
        step("cool", temperature="25 degC"),
    )
    mounted = (
        step("attach", parts=["board"], temperature="180 degC"),
        step("cool", temperature="-40 degC"),
    )
    numbers = run(
        *package, *mounted, text=PLATES + board + '[output]\nterminals = ["a"]\n', head=COARSE
    ).metrics
    bare = [r for r in numbers["steps"] if "c" in r["parts"] and "board" not in r["parts"]]
    values = [r["surfaces"]["a"]["bottom"]["warpage_um"] for r in bare]
    found = numbers["unmounted"]
    assert found["warpage_um"] == max(values, key=abs) and found["surface"] == "a.bottom"
    assert found["temperature_C"] == pytest.approx(25) and found["board"] == "board"
    assert found["coplanarity_um"] == max(r["coplanarity_um"] for r in bare)
    assert "worst of the package before it is mounted" in " ".join(number_tables.facts(numbers))
    assert "unmounted" not in run(*package, head=COARSE).metrics


def test_linear_theory_ends_at_a_quarter_of_freunds_number():
    """S = 3/2 eps (M_f/M_s) R^2 h_f/h_s^3 of 10 um copper on a 775 um wafer of radius R, Stoney's
    film: half the bow over the height.
    """
    M_s, M_f, h, film, strain = 130e9 / 0.72, 110e9 / 0.66, 775e-6, 10e-6, 1.4e-3
    for R, beyond in ((0.15, True), (0.07, False)):
        S = 1.5 * strain * M_f / M_s * R**2 * film / h**3
        bow = 6 * M_f * strain * film / (M_s * h**2) * R**2 / 2
        surfaces = {"wafer": {"top": {"warpage_um": 1e6 * bow}}}
        assert run_warnings.bends(surfaces, h) / 2 == pytest.approx(S)
        assert bool(run_warnings.beyond_linear_theory(surfaces, h)) == (S > 0.25) == beyond


@pytest.mark.parametrize("load, sag", [(0.25, 0.12447), (1.0, 0.47118), (2.0, 0.83827)])
def test_linear_theory_is_left_where_the_exact_disc_is_6_per_cent_stiffer(load, sag):
    """Load kappa_linear R^2/h; the true sag over h of a free disc, nu 0.28; its linear one is half
    the load.
    """
    high = 0.5 * load / sag - 1
    surfaces = {"disc": {"top": {"warpage_um": 1e6 * (0.5 * load + 1e-9)}}}
    assert bool(run_warnings.beyond_linear_theory(surfaces, 1.0)) == (high > 0.06)


@pytest.mark.parametrize("load, rolls", [(4.8, False), (5.0, True)])
def test_a_square_rolls_up_by_the_sag_of_its_edges(load, rolls):
    """A square of half side L rolls up at kappa_linear L^2/h = 4.893 (nu 0.28): its edges' middles
    lie half of that low, its corners all of it.
    """
    edge = -0.5e6 * load
    numbers = {"edge_x_minus_centre_um": edge, "edge_y_minus_centre_um": edge}
    surfaces = {"glass": {"top": {"warpage_um": 1e6 * load, **numbers}}}
    (text,) = run_warnings.beyond_linear_theory(surfaces, 1.0)
    assert ("roll up" in text) == rolls


def test_numbers_of_every_step_are_in_the_file(tmp_path):
    result = run(
        step("attach", parts=["b", "c"], temperature="165 degC"),
        step("cool", temperature="25 degC"),
        head=COARSE,
    )
    again = read(result.write(tmp_path / "out.h5"))
    assert again.metrics["steps"] == result.metrics["steps"]
    last = again.metrics["steps"][-1]["surfaces"]["a"]["bottom"]
    assert again.warpage("a", "bottom").value == pytest.approx(1e-6 * last["warpage_um"])
    between = 1e-6 * last["range_um"] - np.ptp(np.asarray(again.shapes["2/a.bottom/w"]))
    assert 0 <= between < 1e-4 * 1e-6 * last["range_um"]  # the extremes lie between the vertices
    assert np.asarray(again.shapes["1/b.top/w"]).shape == tuple(
        again.shapes[f"1/b.top/{axis}"].shape[0] for axis in "yx"
    )


def shapes_taken(*steps, head=COARSE, text=PLATES):
    """Return the warnings about a plate that joins a dome of 190 um in the second step."""

    def record(number, **warpage):
        surfaces = {part: {"top": {"warpage_um": value}} for part, value in warpage.items()}
        return {"step": number, "name": f"step {number}", "surfaces": surfaces}

    records = [
        record(1, a=30.0, b=30.0),
        record(2, a=200.0, b=200.0, c=190.0),
        record(3, a=260.0, b=260.0, c=250.0),
    ]
    case = parse(head + text + "".join(steps), Path("plates.toml"))
    assert not run_warnings.shapes_taken(case, records[:1])
    assert not run_warnings.shapes_taken(case, [])
    return run_warnings.shapes_taken(case, records)


PLACED = step("attach", parts=["b"], temperature="165 degC")


def test_a_part_that_joins_a_bent_body_is_told_from_its_own_warpage():
    (sentence,) = shapes_taken(PLACED, step("attach", parts=["c"], temperature="25 degC"))
    assert sentence.startswith("c.top has the +190.0 um of the body") and "+60.0 um" in sentence


@pytest.mark.parametrize(
    "joining",
    [
        step("attach", parts=["c"], temperature="25 degC", stress_free="165 degC"),
        step("cure", parts=["c"], temperature="25 degC"),
    ],
)
def test_a_part_with_a_history_or_a_liquid_has_its_own_shape(joining):
    assert not shapes_taken(PLACED, joining)


@pytest.mark.parametrize(("thick", "asked"), [("0.05 mm", 0), ("0.5 mm", 1)])
def test_a_film_of_polymer_is_not_asked_whether_it_was_flat(thick, asked):
    polymer = COARSE.replace("[material.a]", '[material.a]\nclass = "polymer"')
    plates = PLATES.replace('"0.3 mm"', f'"{thick}"')
    joining = step("attach", parts=["c"], temperature="25 degC")
    assert len(shapes_taken(PLACED, joining, head=polymer, text=plates)) == asked


def test_solder_has_the_shape_of_the_body():
    solder = COARSE.replace("[material.a]", '[material.a]\nclass = "solder"')
    joining = step("attach", parts=["c"], temperature="25 degC")
    assert not shapes_taken(PLACED, joining, head=solder)
