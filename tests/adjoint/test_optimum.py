"""The search for an optimum: a known one, limits, and runs that are never repeated."""

import json
from pathlib import Path

import numpy as np
import pytest

import warp as program
from warp.adjoint import design_numbers, optimum
from warp.adjoint.design_numbers import Design, mass
from warp.adjoint.refused import NoGradient
from warp.adjoint.search import Search
from warp.adjoint.variables import limit, variable
from warp.errors import WarpError

STRIP = """
symmetry = "quarter"

[material.stiff]
youngs_modulus = "100 GPa"
poissons_ratio = 0.3
cte = "5 ppm/K"
density = "2 g/cm^3"

[material.warm]
youngs_modulus = "100 GPa"
poissons_ratio = 0.3
cte = "15 ppm/K"
density = "3 g/cm^3"

[part.base]
size = "24 mm"
thickness = "0.6 mm"
material = "stiff"

[part.film]
on = "base"
size = "base"
thickness = "0.6 mm"
material = "warm"

[load]
stress_free = "125 degC"

[grid]
cells_per_layer = 7
spacing = "2 mm"
edge_spacing = "1 mm"
"""

BOARD = """
[load]
stress_free = "150 degC"

[part.board]
size = ["10 mm", "8 mm"]
material = "abf-gl102"
layers = [{ thickness = "20 um", copper = "copper.npy" }, { thickness = "100 um" }]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "strip.toml").write_text(STRIP)


def test_largest_curvature_of_two_plates(cpu, tmp_path):
    """A film on a base of the same modulus curves it most at half its thickness: with n = 1
    Timoshenko's formula is 6 d_alpha dT t1 t2 / (t1 + t2)^3 (J. Opt. Soc. Am. 11 (1925) 233).
    """
    case = program.load("strip.toml")
    thickness = variable("part.film.thickness=0.1 .. 0.9 mm")
    found = optimum.optimize(
        case, [thickness], "base.bottom.kappa_x", tmp_path / "o.json", maximise=True, device="cpu"
    )
    assert found.runs[found.best].values[0] == pytest.approx(0.3, rel=0.01)
    assert len(found.runs) <= 15
    count = len(json.loads((tmp_path / "o.json").read_text())["runs"])
    again = optimum.optimize(
        case, [thickness], "base.bottom.kappa_x", tmp_path / "o.json", maximise=True, device="cpu"
    )
    assert len(again.runs) == count == len(found.runs)


def test_command_keeps_a_limit_and_shows_start_and_best(warp, tmp_path):
    words = ("--vary", "part.film.thickness=0.1 .. 0.9 mm", "--of", "film.top", "--maximise")
    code, out, err = warp("optimize", "strip.toml", *words, "--runs", "6", "--device", "cpu")
    assert (code, err) == (0, "") and "start" in out and '--set part.film.thickness="' in out
    assert all((tmp_path / f"strip-optimum.{e}").exists() for e in ("json", "csv", "png"))
    limits = ("--keep", "base.bottom<=1e-3")
    code, out, _ = warp("optimize", "strip.toml", *words, *limits, "--runs", "3", "-o", "b")
    assert code == 0 and "no run keeps to the limits" in out


def test_a_search_belongs_to_the_files_that_its_case_names(tmp_path):
    path, picture = tmp_path / "board.toml", tmp_path / "copper.npy"
    path.write_text(BOARD)
    thickness = variable("part.board.thickness=0.5 .. 2 mm")
    digests = []
    for share in (0.25, 0.75):
        np.save(picture, np.full((2, 2), share))
        case = program.load(path)
        log = tmp_path / "log"
        search = Search(case, [thickness], "board.top", [], "cpu", print, log, 9)
        digests.append(search.digest())
    assert digests[0] != digests[1]


def test_mistakes_are_one_sentence(warp):
    Path("strip-optimum.json").write_text("{}")  # of another search: said last
    thick = "part.film.thickness=0.1 .. 0.2 mm"
    for words, said in (
        (("--vary", thick), "belongs to another search"),
        (("--vary", thick.replace("ness", "nes")), "unknown key; did you mean 'thickness'?"),
        (("--vary", thick, "--vary", thick), "part.film.thickness: the key is given twice"),
        (("--vary", "part.film.thickness=0.1 mm"), "or KEY,KEY="),
        (("--vary", "part.film.thickness=2 .. 1 mm"), "a rising range in one unit"),
        (("--vary", "part.base.size=20 .. 24 mm", "--keep", "junction"), "write METRIC<=NUMBER"),
    ):
        code, _, err = warp("optimize", "strip.toml", *words)
        assert code == 2 and said in err and len(err.splitlines()) == 1
    with pytest.raises(WarpError, match="no value of the case file"):
        optimum.optimize(
            program.load("strip.toml"),
            [variable("grid.growth=0.3 .. 0.5")],
            "base.bottom",
            program.load("strip.toml").path.with_suffix(".json"),
            device="cpu",
        )


def quick(metric, *varied, **more):
    """Search in the strip."""
    case = program.load("strip.toml")
    path = Path("quick.json")
    found = [variable(text) for text in varied]
    return optimum.optimize(case, found, metric, path, device="cpu", **more)


def test_the_worst_of_several_temperatures_is_made_smallest():
    found = quick(
        "film.top", "part.film.thickness=0.1 .. 0.9 mm", temperatures=["25 degC", "75 degC"]
    )
    sizes = [[abs(v) for v in run.numbers["film.top"].values] for run in found.runs]
    assert all(len(size) == 2 for size in sizes)
    assert max(sizes[found.best]) == min(max(size) for size in sizes)
    assert max(sizes[found.best]) < max(sizes[0])


def test_python_takes_the_words_of_the_command():
    found = program.optimize(
        "strip.toml", {"part.film.material": "warm, stiff"}, keep=["mass<=9"], device="cpu"
    )
    best = found.table()[found.best]
    assert best["part.film.material"] == "stiff" and best["allowed"] and best["mass"] < 9


def test_few_choices_are_all_tried_and_kept():
    materials = "part.film.material=warm, stiff, copper"
    found = quick("base.bottom", materials)
    assert len(found.runs) == 3 and found.said == "all 3 choices were made"
    assert found.variables[0].text(found.runs[found.best].values[0]) == "stiff"  # as its base
    assert abs(found.runs[found.best].metrics["base.bottom"]) < 1e-6
    again = quick("base.bottom", materials)
    assert [run.values for run in again.runs] == [run.values for run in found.runs]


def test_choices_with_ranges_need_fewer_runs_than_all_and_keep_a_limit():
    pytest.importorskip("optuna")
    words = ("part.film.material=warm, copper", "part.film.thickness=0.1 .. 0.9 mm")
    found = quick("base.bottom", *words, limits=[limit("mass<=5")], most=12)
    best = found.runs[found.best]
    assert len(found.runs) <= 12 and best.metrics["mass"] <= 5 * 1.001
    assert abs(best.metrics["base.bottom"]) < abs(found.runs[0].metrics["base.bottom"])


def test_mass_is_that_of_both_plates():
    """24 x 24 mm, 0.6 mm of each at 2 and 3 g/cm3: 576 * 0.6 * 5 mg."""
    case = program.load("strip.toml")
    assert mass(case) == pytest.approx(576 * 0.6 * 5e-3)


def test_numbers_without_an_adjoint_have_differences():
    case = program.load("strip.toml")
    design = Design(case, ["mass", "film.stress"], [], "cpu", lambda *_: None)
    thickness = variable("part.film.thickness=0.1 .. 0.9 mm")
    found = design.numbers({}, [(thickness, 0.6)])
    assert found["mass"].slopes[0][0] == pytest.approx(576 * 3e-3, rel=1e-6)
    assert found["mass"].unit == "g" and found["film.stress"].unit == "MPa"
    assert found["film.stress"].slopes[0][0] != 0.0


def test_a_process_is_judged_by_its_worst_step():
    text = (
        STRIP
        + """
[[step]]
do = "cool"
temperature = "75 degC"

[[step]]
do = "cool"
temperature = "25 degC"
"""
    )
    Path("strip.toml").write_text(text)
    found = quick("base.bottom", "part.film.thickness=0.3 .. 0.9 mm", most=3)
    first = found.runs[0].numbers["base.bottom"]
    assert first.states == ["75 degC", "25 degC"] and first.largest == first.values[1]
    assert first.values[1] == pytest.approx(2 * first.values[0], rel=1e-6)
    expected = found.runs[0].numbers["base.bottom"].slopes
    assert np.sign(expected[0][0]) == np.sign(expected[1][0]) != 0


@pytest.mark.slow
def test_the_ring_of_a_mass_limit_is_found(tmp_path):
    """A wider ring bends less: the best one weighs what is allowed, quadratic in its width.

    A brute force of six widths shows that the warpage falls all the way.
    """
    keys = ("part.ring.width", "part.ring-glue.width", "part.spreader-glue.width")
    package = Path(__file__).parents[2] / "data/packages/stiffener-ring.toml"
    case = program.load(package, {"grid.refine": "0.35"})
    found = optimum.optimize(
        case,
        [variable(f"{','.join(keys)}=0.8 .. 3.2 mm")],
        "substrate.bottom",
        tmp_path / "ring.json",
        limits=[limit("mass<=1.7")],
        device="cpu",
    )

    def weight(width):
        changed = dict.fromkeys(keys, f"{width} mm")
        return mass(program.load(package, {"grid.refine": "0.35", **changed}))

    widths = np.linspace(0.8, 3.2, 6)
    at_ends = np.array([weight(width) for width in (0.8, 2.0, 3.2)])
    law = np.polyfit([0.8, 2.0, 3.2], at_ends, 2)  # exact: a frame's area is quadratic in its width
    exact = min(np.roots(law - [0, 0, 1.7]).real, key=lambda w: abs(w - 2.0))
    assert found.runs[found.best].values[0] == pytest.approx(exact, rel=0.01)
    assert len(found.runs) <= 30
    sizes = []
    for width in widths:
        changed = dict.fromkeys(keys, f"{width} mm")
        result = program.solve(program.load(package, {"grid.refine": "0.35", **changed}))
        sizes.append(abs(result.metrics["surfaces"]["substrate"]["bottom"]["warpage_um"]))
    assert sizes == sorted(sizes, reverse=True)


COOLED = (
    STRIP
    + """
[[step]]
name = "glued"
do = "attach"
parts = ["film"]
temperature = "125 degC"

[[step]]
name = "warm"
do = "cool"
temperature = "75 degC"

[[step]]
name = "cold"
do = "cool"
temperature = "25 degC"
"""
)


def test_a_process_has_slopes_from_the_run_of_its_values(cpu, monkeypatch):
    """Those of differences of whole runs, in every state, from one forward run."""
    Path("strip.toml").write_text(COOLED)
    case = program.load("strip.toml")
    varied = [(variable(f"part.{name}.thickness=0.1 .. 0.9 mm"), 0.6) for name in ("film", "base")]
    varied += [(variable("step.glued.temperature=100 .. 150 degC"), 125.0)]
    design = Design(case, ["base.bottom.kappa_x"], [], "cpu", lambda *_: None)
    runs = []
    solve = design_numbers.process.solve
    monkeypatch.setattr(
        design_numbers.process, "solve", lambda *a, **k: (runs.append(1), solve(*a, **k))[1]
    )
    by_adjoint = design.numbers({}, varied)["base.bottom.kappa_x"]
    assert len(runs) == 1
    monkeypatch.setattr(design_numbers, "has_gradient", lambda case: False)
    by_differences = design.numbers({}, varied)["base.bottom.kappa_x"]
    assert len(runs) == 5
    assert by_adjoint.states == by_differences.states == ["125 degC", "75 degC", "25 degC"]
    assert by_adjoint.values == pytest.approx(by_differences.values, rel=1e-6, abs=1e-9)
    for one, other in zip(by_adjoint.slopes[1:], by_differences.slopes[1:], strict=True):
        assert one == pytest.approx(other, rel=0.03)


def test_a_process_that_proves_to_have_no_gradient_takes_differences(cpu, monkeypatch):
    def refused(*_, **__):
        raise NoGradient("a step uncovers a face, which has no gradient yet")

    monkeypatch.setattr(design_numbers, "of_result", refused)
    Path("strip.toml").write_text(COOLED)
    design = Design(program.load("strip.toml"), ["base.bottom"], [], "cpu", lambda *_: None)
    varied = [(variable("part.film.thickness=0.1 .. 0.9 mm"), 0.6)]
    slopes = design.numbers({}, varied)["base.bottom"].slopes
    assert np.shape(slopes) == (3, 1) and abs(slopes[-1][0]) > 1


def test_a_process_is_judged_at_one_step(cpu):
    Path("strip.toml").write_text(COOLED)
    case = program.load("strip.toml")
    for place in ("warm", "75 degC"):
        design = Design(case, [f"base.bottom at {place}"], [], "cpu", lambda *_: None)
        found = design.numbers({}, None)[f"base.bottom at {place}"]
        assert found.states == ["75 degC"] and len(found.values) == 1
    refused = {
        "hot": "the steps are glued, warm, cold",
        "90 degC": "computed at 25 degC, 75 degC, 125 degC$",
    }
    for place, words in refused.items():
        with pytest.raises(WarpError, match=words):
            Design(case, [f"base.bottom at {place}"], [], "cpu", lambda *_: None).numbers({}, None)
