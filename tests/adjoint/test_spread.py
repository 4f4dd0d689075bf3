"""Tolerances: how they are read, what they add up to, and the same by sampling."""

import json

import numpy as np
import pytest
from small_case import CASE

import warp as program
from warp.adjoint.gradient import Effect, Gradient
from warp.adjoint.refused import NoGradient
from warp.adjoint.spread import beyond, deviation, shares_of
from warp.case.errors import CaseError
from warp.case.tolerance import tolerances
from warp.run import sampling

TOLERANCES = """
[tolerance]
part.chip.thickness = "+- 20 um"
part.board.thickness = "3 %"
load.stress_free = "4 K"
boundary.air.film = "10 %"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "case.toml").write_text(CASE + TOLERANCES)


def test_sizes_are_deviations_or_intervals():
    thick, share, rise = tolerances(
        {
            "part": {"chip": {"thickness": "+-12 um"}},
            "material.si.cte": "5 %",
            "load.temperature": "2 K",
        }
    )
    assert thick.deviation(0.5, "mm") == pytest.approx(0.012 / np.sqrt(3))
    assert share.deviation(4.0, "ppm/K") == pytest.approx(0.2)
    assert rise.deviation(25.0, "degC") == pytest.approx(2.0)


def test_variances_add_and_a_curve_moves_as_one():
    def effect(key, value, derivative):
        return Effect(key, value, "mm", derivative, None, "10 %")

    effects = [
        effect("part.a.size.1", 10.0, 2.0),
        effect("part.a.size.2", 10.0, 1.0),
        effect("part.b.thickness", 1.0, -4.0),
    ]
    gradient = Gradient("w", "um", 1.0, "", effects)
    found = shares_of(gradient, tolerances({"part.a.size": "1 mm", "part.b.thickness": "1 mm"}))
    assert [share.deviation for share in found] == [3.0, 4.0]
    assert deviation(found) == 5.0


def test_probability_beyond_a_limit():
    """One standard deviation below the limit: 15.9 %; centred at three: 0.27 %."""
    assert beyond(90.0, 10.0, 100.0) == pytest.approx(0.1587, abs=1e-4)
    assert beyond(0.0, 1.0, 3.0) == pytest.approx(0.0027, abs=1e-4)
    assert (beyond(5.0, 0.0, 4.0), beyond(3.0, 0.0, 4.0)) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('part.chip.thickness = "thin"', "write a standard deviation"),
        ('part.chip.thickness = "0 um"', "write a standard deviation"),
        ('output.fields = "1 um"', "tolerances are of values in material, part"),
    ],
)
def test_nonsense_is_refused(tmp_path, line, said):
    (tmp_path / "bad.toml").write_text(f"{CASE}[tolerance]\n{line}\n")
    with pytest.raises(CaseError, match=said):
        program.load(tmp_path / "bad.toml")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('part.chip.thicknes = "1 um"', "no such value; did you mean 'part.chip.thickness'"),
        ('part.chip.thickness = "3"', "3 is no size of a value in mm"),
        ('part.chip.thickness = "3 GPa"', "3.0 GPa is no size of a value in mm"),
        ('load.stress_free = "5 %"', "5 % of a temperature: give K"),
        ('material.silicon.cte = "1 um"', "1.0 um is no size of a value in ppm/K"),
        (
            'material.silicon.poissons_ratio = "1 um"',
            "1 um is no size of a value in a plain number",
        ),
    ],
)
def test_sizes_are_checked_before_the_run(warp, tmp_path, line, said):
    (tmp_path / "bad.toml").write_text(f"{CASE}[tolerance]\n{line}\n")
    code, _, err = warp("run", "bad.toml")
    assert code == 2 and said in err
    assert not (tmp_path / "bad.h5").exists()


def test_run_prints_the_spread_and_keeps_it(warp, tmp_path):
    code, out, err = warp("run", "case.toml", "-o", "out.h5")
    assert (code, err) == (0, "") and "um convex, spread " in out
    numbers = program.read("out.h5").metrics
    assert numbers["surfaces"]["board"]["bottom"]["warpage_spread_um"] > 0
    assert numbers["thermal"]["junction_spread_K"] > 0
    other = 'tolerance={material={gold={cte="1 %"}}}'
    code, _, err = warp("run", "case.toml", "--set", other)
    assert code == 2 and "no part is made of 'gold'" in err


STEPS = """
[material.board]
like = "silicon"
cte = "9 ppm/K"

[material.chip]
like = "silicon"
cte = "3 ppm/K"

[[step]]
name = "joined"
do = "attach"
parts = ["chip"]
temperature = "165 degC"

[[step]]
name = "cold"
do = "cool"
temperature = "25 degC"

[tolerance]
step.cold.temperature = "2 K"
"""


def test_process_has_a_spread(warp, tmp_path):
    """A body of constant materials: 2 K of 140 K on the way is that share of the warpage."""
    text = CASE.replace('"fr4"', '"board"').replace('"silicon"', '"chip"')
    (tmp_path / "steps.toml").write_text(text + STEPS)
    code, out, err = warp("run", "steps.toml", "-o", "steps.h5")
    assert code == 0 and ", spread " in out, err
    found = program.read("steps.h5").metrics["surfaces"]["board"]["bottom"]
    assert found["warpage_spread_um"] == pytest.approx(abs(found["warpage_um"]) * 2 / 140, rel=1e-4)


def test_a_result_without_a_gradient_is_kept_without_a_spread(warp, tmp_path, monkeypatch):
    def refused(*_, **__):
        raise NoGradient("the shape is about to change")

    monkeypatch.setattr("warp.adjoint.spread.of_result", refused)
    code, out, err = warp("run", "case.toml", "-o", "out.h5")
    assert code == 0 and "no spread: the shape is about to change; `warp sweep" in out + err
    assert "warpage_spread_um" not in program.read("out.h5").metrics["surfaces"]["board"]["bottom"]


def test_sampling_gives_the_same_spread(warp, tmp_path):
    """First order within the noise of the sample."""
    first = json.loads(warp("run", "case.toml", "-o", "out.h5", "--json")[1])
    size = first["surfaces"]["board"]["bottom"]["warpage_spread_um"]
    code, out, err = warp("sweep", "case.toml", "--tolerances", "--points", "24")
    assert code == 0 and "standard deviation" in out, err
    rows = np.genfromtxt(tmp_path / "case-sweep/sweep.csv", delimiter=",", names=True, dtype=None)
    name = next(n for n in rows.dtype.names if n.startswith("boardbottom_warpage"))
    assert rows[name].std(ddof=1) == pytest.approx(size, rel=0.3)


def test_points_of_a_scattering_value_have_its_mean_and_deviation():
    one = sampling.Variable("part.chip.thickness", unit="mm", normal=(0.5, 0.01))
    values = [one.number(one.at(f)) for f in (np.arange(200) + 0.5) / 200]
    assert np.mean(values) == pytest.approx(0.5, rel=1e-6)
    assert np.std(values) == pytest.approx(0.01, rel=0.01)
