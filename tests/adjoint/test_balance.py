"""The balance of copper: a known optimum, limits of the mean, and a case that gives the number."""

import json
from pathlib import Path

import numpy as np
import pytest

import warp as program
from warp.adjoint import balance, optimum
from warp.case.case import load
from warp.errors import WarpError

pytest.importorskip("nlopt")
BOARD = """
symmetry = "quarter"

[load]
stress_free = "150 degC"

[part.board]
size = ["10 mm", "8 mm"]
material = "abf-gl102"
layers = [
    { name = "up", thickness = "30 um", copper = 0.3 },
    { name = "core", thickness = "100 um" },
    { name = "down", thickness = "30 um", copper = 0.5 },
]

[[optimize.balance]]
layer = "board.up"
tiles = [3, 4]
between = ["20 %", "80 %"]

[grid]
refine = 0.25
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "board.toml").write_text(BOARD)


def read(**more):
    return load(Path("board.toml"), {key.replace("__", "."): v for key, v in more.items()})


def test_a_board_is_flat_with_the_same_copper_on_both_sides():
    """Every region of 3 x 4 ends at the 50 % of the other side, which bends nothing."""
    found = optimum.optimize(read(), [], "board.bottom", Path("log.json"), device="cpu")
    sizes = [abs(run.metrics["board.bottom"]) for run in found.runs]
    assert len(found.runs) <= 12 and sizes[found.best] < 0.03 * sizes[0]
    (shares,) = found.shares(found.best)
    assert shares.shape == (4, 3) and shares == pytest.approx(0.5, abs=0.05)
    assert shares == pytest.approx(shares[::-1]) and shares == pytest.approx(shares[:, ::-1])
    again = optimum.optimize(read(), [], "board.bottom", Path("log.json"), device="cpu")
    assert [run.values for run in again.runs] == [run.values for run in found.runs]


def test_the_command_writes_a_case_that_gives_its_number(warp, tmp_path):
    code, out, err = warp(
        "optimize", "board.toml", "--runs", "3", "-o", "b", "--over", "25, 100 degC"
    )
    assert (code, err) == (0, "") and "board.up: 3 x 4" in out and "100 degC" in out
    assert all(Path(f"b{end}").exists() for end in (".json", ".csv", ".png", "-board-up.csv"))
    log = json.loads(Path("b.json").read_text())["runs"]
    best = min(log, key=lambda run: max(map(abs, run["numbers"]["board.bottom"]["values"])))
    result = program.solve("b.toml", "cpu")
    warpage = result.metrics["surfaces"]["board"]["bottom"]["warpage_um"]
    assert warpage == pytest.approx(best["numbers"]["board.bottom"]["values"][0], rel=1e-6)
    table = np.loadtxt("b-board-up.csv", delimiter=",")
    assert table == pytest.approx(np.array(load("b.toml").parts["board"].layers[0].copper))


def test_the_mean_keeps_to_its_limits_and_shares_are_smooth():
    more = {
        "optimize__balance__1__mean": '["25 %", "35 %"]',
        "optimize__balance__1__tiles": "[6, 6]",
    }
    smooth = read(**more, optimize__balance__1__smooth="4 mm")
    found = optimum.optimize(smooth, [], "board.bottom", None, device="cpu", most=6)
    (shares,) = found.shares(found.best)
    assert 0.25 <= shares.mean() <= 0.3501 and found.best > 0
    _, (layer,) = balance.divided(smooth)
    assert layer.filter.sum(axis=1) == pytest.approx(1.0)
    checkers = np.indices(layer.number.shape).sum(axis=0) % 2
    rough = np.zeros(len(layer.counts))
    rough[layer.number] = checkers
    assert np.ptp(layer.filter @ rough) < 0.5


def test_tiles_have_a_size_at_most_and_pictures_their_own_start(tmp_path):
    np.save(tmp_path / "up.npy", np.array([[0.2, 0.4], [0.6, 0.8]]))
    case = read(
        symmetry="none",
        part__board__layers__up__copper="up.npy",
        optimize__balance__1__tiles="2.6 mm",
    )
    made, (layer,) = balance.divided(case)
    assert layer.start.shape == (4, 4) and len(layer.counts) == 16
    assert layer.start[0] == pytest.approx([0.2, 0.2, 0.4, 0.4])
    assert made.parts["board"].layers[0].copper[3] == pytest.approx((0.6, 0.6, 0.8, 0.8))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"optimize.balance.1.layer": "board.top"}, "'board.top' is no layer of the case"),
        ({"part.board.layers.up.vias": "0.1", "part.board.layers.up.copper": "0"}, "has vias"),
        ({"part.board.conductor": "abf-gl102"}, "has no dielectric beside its copper"),
    ],
)
def test_layers_that_cannot_vary_are_refused(changed, words):
    with pytest.raises(WarpError, match=words):
        balance.divided(load(Path("board.toml"), changed))


def test_a_layer_is_balanced_once_by_its_name_or_its_number():
    Path("board.toml").write_text(
        BOARD + '[[optimize.balance]]\nlayer = "board.1"\ntiles = [2, 2]\n'
    )
    with pytest.raises(WarpError, match="'board.1' is balanced twice"):
        balance.divided(read())


def test_one_of_vary_and_balance(warp):
    code, _, err = warp("optimize", "board.toml", "--vary", "part.board.size=9 .. 10 mm")
    assert code == 2 and "stands beside [optimize] balance" in err
    Path("board.toml").write_text(BOARD[: BOARD.index("[[optimize")])
    code, _, err = warp("optimize", "board.toml")
    assert code == 2 and "--vary is missing" in err
