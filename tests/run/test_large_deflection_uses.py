"""Runs beyond linear theory as they are used: a branch chosen, a sweep, a run interrupted.

A coated square plate, past the load at which it rolls up: about 4.89, its curvature by linear
theory as kappa L^2 / h*.
"""

import csv
from pathlib import Path

import numpy as np
import pytest
from coated_plate import CASE, SIDE, laminate

from warp.case.case import load as load_case
from warp.case.case import parse
from warp.run import process, sampling, sweep

ROLLED = 7.0
COARSE = {"grid.spacing": "8 mm", "grid.edge_spacing": "8 mm", "grid.cells_per_layer": "4"}


def end(number):
    """Return the temperature in degC at a load number."""
    effective, per_kelvin = laminate()
    return 100 - number * effective / (SIDE / 2) ** 2 / per_kelvin


def case(number, more=""):
    load = f'temperature = "{end(number)} degC"\nlarge_deflection = true\n{more}'
    return parse(CASE + load, Path("plate.toml"), COARSE)


@pytest.fixture(scope="module")
def rolled():
    """The plate on the branch along x, and the one along y."""
    return [process.solve(case(ROLLED, f'branch = "{axis}"\n'), "cpu") for axis in "xy"]


def test_a_branch_is_the_other_one_turned(rolled):
    """By a quarter turn: a square plate is as willing to roll up along y as along x."""
    along_x, along_y = (result.metrics["large_deflection"] for result in rolled)
    assert along_x["shape"] == along_y["shape"] == "cylinder"
    assert along_x["axis_deg"] == pytest.approx(0, abs=0.01)
    assert along_y["axis_deg"] == pytest.approx(90, abs=0.01)
    assert along_x["curvature_per_m"] == pytest.approx(along_y["curvature_per_m"], rel=1e-5)
    assert along_x["other_energy_percent"] == pytest.approx(0, abs=1e-4)
    w, turned = (result.fields["displacement"][2] for result in rolled)
    assert np.abs(w - turned.swapaxes(1, 2)).max() < 1e-5 * np.ptp(w)


def test_a_run_that_is_resumed_beyond_a_change_of_shape_is_the_same(tmp_path):
    """To the last bit, from the checkpoint between two steps."""
    steps = [
        f'[[step]]\nname = "{name}"\ndo = "{do}"\ntemperature = "{end(number)} degC"\n{more}'
        for name, do, number, more in (
            ("coat", "attach", 0.0, 'parts = ["mould"]\n'),
            ("roll", "cool", ROLLED, ""),
            ("on", "cool", ROLLED + 0.5, ""),
        )
    ]
    whole = parse(CASE + "large_deflection = true\n" + "\n".join(steps), Path("p.toml"), COARSE)
    path = tmp_path / "checkpoint.h5"

    def stop(name, iteration, residual):
        if name.startswith("3"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process.solve(whole, "cpu", stop, checkpoint_path=path)
    again = process.solve(whole, "cpu", checkpoint_path=path, resume=True)
    once = process.solve(whole, "cpu")
    np.testing.assert_array_equal(again.fields["displacement"], once.fields["displacement"])
    assert again.metrics["large_deflection"] == once.metrics["large_deflection"]
    assert once.metrics["large_deflection"]["shape"] == "cylinder"


def test_a_sweep_has_the_numbers_of_single_runs(tmp_path, monkeypatch, rolled):
    """Along x and along y."""

    def inline(tasks, workers=None, device="auto", run=sweep.point):
        for key, task in tasks.items():
            yield key, run(task, "cpu")

    monkeypatch.setattr(sweep, "on_this_machine", inline)
    file = tmp_path / "plate.toml"
    load = f'temperature = "{end(ROLLED)} degC"\nlarge_deflection = true\n'
    file.write_text(CASE + load)
    design = sampling.design(("load.branch=x, y",), "grid", None, 0)
    outcome = sweep.sweep(load_case(file, COARSE), design, tmp_path / "sweep")
    assert not outcome.failed
    rows = list(csv.DictReader((tmp_path / "sweep" / "sweep.csv").open()))
    for row, result in zip(rows, rolled, strict=True):
        sag = result.metrics["surfaces"]["wafer"]["bottom"]["warpage_um"]
        assert float(row["wafer.bottom warpage (um)"]) == pytest.approx(sag, rel=1e-6)
