"""The records of the steps: in the file, and where linear theory ends."""

import re

import numpy as np
import pytest
from stacked_plates import COARSE, PLATES, ends, run, step

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
        r"a\.top bends by [\d.]+ of the height \(0\.9 mm\): beyond linear theory",
        cold["beyond_linear"][0],
    )


def test_linear_theory_ends_at_a_third_of_freunds_number():
    """S = 3/2 eps (M_f/M_s) d^2 h_f/h_s^3 of 10 um copper on a 775 um wafer, Stoney's film: twice
    the bow over the height.
    """
    M_s, M_f, h, film, strain = 130e9 / 0.72, 110e9 / 0.66, 775e-6, 10e-6, 1.4e-3
    for d in (0.3, 0.02):
        S = 1.5 * strain * M_f / M_s * d**2 * film / h**3
        bow = 6 * M_f * strain * film / (M_s * h**2) * d**2 / 8
        surfaces = {"wafer": {"top": {"warpage_um": 1e6 * bow}}}
        assert 2 * run_warnings.bends(surfaces, h) == pytest.approx(S)
        assert bool(run_warnings.beyond_linear_theory(surfaces, h)) == (S > 0.3)


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
    assert np.ptp(np.asarray(again.shapes["2/a.bottom/w"])) == pytest.approx(
        1e-6 * last["range_um"]
    )
    assert np.asarray(again.shapes["1/b.top/w"]).shape == tuple(
        again.shapes[f"1/b.top/{axis}"].shape[0] for axis in "yx"
    )
