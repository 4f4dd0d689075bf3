"""Discretisation errors: sequences whose limit is known, and a small package against a finer
grid.
"""

from __future__ import annotations

import json
import re
import sys

import pytest
from small_case import CASE

from warp import load
from warp.cli import main as cli
from warp.errors import WarpError
from warp.run import process, refine
from warp.run.refine import Estimate, estimate, observed_order
from warp.voxels.grid import make_grid

LIMIT = 241.0
SPOT = """
symmetry = "quarter"
[load]
stress_free = "45 degC"
temperature = "solved"
[part.chip]
size = "16 mm"
thickness = "0.15 mm"
material = "silicon-3d-ice"
power = { blocks = [{ power = "5 W", size = "0.5 mm" }] }
[part.lid]
on = "chip"
size = "16 mm"
thickness = "1 mm"
material = "copper"
[boundary.air]
face = "lid.top"
film = "10000 W/(m^2 K)"
ambient = "45 degC"
"""


def sequence(widths, order, constant=3.0):
    return [LIMIT + constant * h**order for h in widths]


@pytest.mark.parametrize("constant", [3.0, -3.0])
@pytest.mark.parametrize("widths", [(2, 1), (1.5, 1), (1, 0.5), (4, 2, 1), (2.9, 1.7, 1)])
def test_second_order_data_give_the_limit(widths, constant):
    values = sequence(widths, 2, constant)
    found = estimate(values, widths)
    assert found.extrapolated == pytest.approx(LIMIT, rel=1e-12)
    safety = 1.25 if len(widths) == 3 else 3.0
    own = values[widths.index(1)]
    assert found.error == pytest.approx(safety * abs(own - LIMIT), rel=1e-9)
    assert found.order == (pytest.approx(2, rel=1e-9) if len(widths) == 3 else None)


@pytest.mark.parametrize("order", [0.7, 1.0, 1.6])
def test_three_grids_show_a_lower_order_and_its_limit(order):
    widths = (3.7, 2, 1)
    found = estimate(sequence(widths, order), widths)
    assert found.order == pytest.approx(order, rel=1e-9)
    assert found.extrapolated == pytest.approx(LIMIT, rel=1e-9)


def test_a_warpage_is_never_claimed_closer_than_corners_allow():
    """Grids that agree by accident: 1 % of the package's largest, 0.2 % with a finer grid; others:
    1.25 and 2.5 times the rest.
    """
    same = refine.warpage_estimate((LIMIT, LIMIT), (2, 1), 3 * LIMIT)
    assert same.error == pytest.approx(0.03 * LIMIT)
    found = refine.warpage_estimate((LIMIT + 30, LIMIT), (2, 1), LIMIT)
    assert found.error == pytest.approx(1.25 * 30 / 3) and found.extrapolated == LIMIT - 10
    same = refine.warpage_estimate((LIMIT, LIMIT), (1, 0.5), 3 * LIMIT)
    assert same.error == pytest.approx(0.006 * LIMIT)
    found = refine.warpage_estimate((LIMIT + 30, LIMIT), (1, 0.5), LIMIT)
    assert found.error == pytest.approx(2.5 * 40) and found.extrapolated == LIMIT - 10


def test_an_order_above_the_schemes_own_is_not_believed():
    """4, 2, 1 times as wide: differences fall 16-fold, yet the rest is 1/3 of the last one as for
    order 2, times 3.
    """
    found = estimate([LIMIT + 17.0, LIMIT + 1.0, LIMIT], (4, 2, 1))
    assert found.order == pytest.approx(4)
    assert found.extrapolated == pytest.approx(LIMIT - 1 / 3) and found.error == pytest.approx(1)


@pytest.mark.parametrize(
    ("values", "bound"),
    [
        ((240.0, 243.0, 241.0), 2.0),  # there and back
        ((240.0, 240.0, 241.0), 1.0),  # starts to move late
        ((238.0, 239.0, 241.0), 3.0),  # moves away
        ((-2.0, 3.0), 5.0),  # turns over: both are peak to valley, with a sign
    ],
)
def test_grids_that_promise_no_limit_give_a_bound(values, bound):
    assert estimate(values, (4, 2, 1)[-len(values) :]) == Estimate(bound, None, None)


def test_grids_that_agree_have_no_error():
    assert estimate((LIMIT, LIMIT, LIMIT), (4, 2, 1)) == Estimate(0.0, LIMIT, None)
    found = estimate((LIMIT + 1, LIMIT, LIMIT), (4, 2, 1))
    assert (found.error, found.extrapolated) == (0.0, LIMIT)
    assert observed_order((LIMIT + 1, LIMIT, LIMIT), (4, 2, 1)) == refine.FASTEST


def test_a_coarser_grid_keeps_every_boundary_and_every_second_line(tmp_path):
    case = write(tmp_path, {"grid.cells_per_layer": "4"})
    own, coarse = (
        make_grid(c.bodies(), c.grid, c.mirror) for c in (case, refine.coarsened(case, 2))
    )
    assert coarse.z == pytest.approx(own.z[::2])
    assert own.cells / 8 <= coarse.cells < own.cells / 2
    single = make_grid(case.bodies(), refine.coarsened(case, 64).grid, case.mirror)
    assert single.shape == (2, 2, 2)  # board and chip; beneath the chip and beside it


@pytest.mark.parametrize("coarser", [refine.FINER, 1])
def test_the_error_covers_what_a_finer_grid_finds(tmp_path, coarser):
    case = write(tmp_path)
    result = refine.solve(case, "cpu", coarser=coarser)
    fine = process.solve(load(case.path, {"grid.refine": "2"}), "cpu")
    for part, side in (("board", "top"), ("board", "bottom"), ("chip", "top"), ("chip", "bottom")):
        got, truth = (r.metrics["surfaces"][part][side] for r in (result, fine))
        assert (
            abs(got["warpage_um"] - truth["warpage_um"])
            < got["warpage_error_um"]
            < 0.1 * got["warpage_um"]
        )
    voxels = result.metrics["refinement"]["voxels"]
    assert voxels == sorted(voxels) and "displacement" in result.fields
    assert result.grid.cells == process.solve(case, "cpu").grid.cells == voxels[coarser]


def test_the_command_prints_and_keeps_the_error(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    warp(
        monkeypatch,
        "run",
        "small.toml",
        "--refine",
        "--grids",
        3,
        "--set",
        "grid.cells_per_layer=8",
    )
    assert re.search(r"\d \+- <?\d\S* um convex", capsys.readouterr().out)
    warp(monkeypatch, "summary", "small.h5", "--json")
    numbers = json.loads(capsys.readouterr().out)
    assert {"warpage_error_um", "warpage_extrapolated_um", "warpage_order"} <= set(
        numbers["surfaces"]["chip"]["top"]
    )
    assert len(numbers["refinement"]["voxels"]) == 3


def write(folder, overrides=None):
    path = folder / "small.toml"
    path.write_text(CASE)
    return load(path, overrides)


def warp(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["warp", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
        raise SystemExit(0)
    assert not stop.value.code


def test_temperatures_have_an_error_too(tmp_path):
    """The junction over a hot spot against a grid twice as fine; both ends in the error bar."""
    path = tmp_path / "spot.toml"
    path.write_text(SPOT)
    found = refine.solve(load(path), "cpu").metrics
    fine = process.solve(load(path, {"grid.refine": "2"}), "cpu").metrics
    error = found["thermal"]["junction_error_K"]
    assert abs(found["thermal"]["junction_C"] - fine["thermal"]["junction_C"]) < error < 2
    for part in ("chip", "lid"):
        own, truth = (m["temperature"][part] for m in (found, fine))
        assert abs(own["max_C"] - truth["max_C"]) <= own["max_error_K"]


def test_a_finer_grid_that_does_not_fit_is_refused_before_the_solve(tmp_path):
    own = process.solve(write(tmp_path), "cpu").grid.cells
    case = write(tmp_path, {"grid.max_cells": str(own + 1)})
    with pytest.raises(WarpError, match="--grids 3"):
        refine.solve(case, "cpu", lambda *_: pytest.fail("solved"))


def test_a_temperature_below_zero_celsius_is_no_change_of_sign():
    grids = [{"surfaces": {}, "temperature": {"p": {"max_C": t, "mean_C": 3.0}}} for t in (-1, 1)]
    found = refine.with_errors(grids, [1, 8], 1)["temperature"]["p"]
    assert found["max_error_K"] == pytest.approx(3 * 2 / 3) and found["mean_error_K"] == 0
