"""The bricks that peers.py solves are right, its page says what failed, and a schedule is one."""

import json
import sys
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

HERE = Path(__file__).parent
SIZE = np.array([[2.0, 3.0, 0.5]])


def study(name):
    sys.path.insert(0, str(HERE))
    try:
        return run_path(str(HERE / f"{name}.py"), run_name=name)
    finally:
        sys.path.remove(str(HERE))


BRICKS = study("peer_bricks")
CORNERS = (2 * BRICKS["CORNERS"] - 1) / 2 * SIZE  # from the brick's middle


def energy(C, displacement):
    K, _ = BRICKS["matrices"](SIZE, C[None], np.zeros((1, 6)))
    return displacement.ravel() @ K[0] @ displacement.ravel() / 2


def isotropic(E, nu):
    C = np.diag([1 - nu] * 3 + [(1 - 2 * nu) / 2] * 3).astype(float)
    C[:3, :3] += nu * (1 - np.eye(3))
    return E / ((1 + nu) * (1 - 2 * nu)) * C


def test_a_brick_that_bends_about_y_has_the_energy_of_a_beam():
    x, _, z = CORNERS.T
    bent = np.stack((x * z, np.zeros(8), np.zeros(8)), axis=1)  # w = -x^2 / 2 is a bubble
    width, depth, height = SIZE[0]
    assert energy(isotropic(7.0, 0.0), bent) == pytest.approx(7 * width * depth * height**3 / 24)


def test_a_rigid_turn_costs_nothing():
    x, _, z = CORNERS.T
    turned = np.stack((z, np.zeros(8), -x), axis=1)
    assert energy(isotropic(7.0, 0.3), turned) == pytest.approx(0, abs=1e-12)


def test_a_brick_expands_freely_without_stress():
    C, free = isotropic(7.0, 0.3), np.array([[1e-3, 2e-3, 3e-3, 0, 0, 0]])
    K, load = BRICKS["matrices"](SIZE, C[None], free)
    expanded = CORNERS * free[0, :3]
    assert K[0] @ expanded.ravel() == pytest.approx(load[0], rel=1e-9, abs=1e-12)


def test_the_page_says_which_peer_ran_out_of_memory_and_the_ratio_of_the_rest():
    rows = {
        "warpage": {"unknowns": 100, "seconds": 2.0, "runs": 5, "error": 0.001},
        "other": {"unknowns": 300, "seconds": 9.0, "runs": 1, "error": 0.002},
        "third": {"failed": "out of memory"},
    }
    lines = study("peers_page")["table"](rows, "accuracy")
    assert lines[2:] == [
        "| warpage | 100 | 5 | 2.00 | 1.00 | 0.10 % |",
        "| other | 300 | 1 | 9.00 | 4.50 | 0.20 % |",
        "| third | | | out of memory | | |",
    ]


def test_the_page_is_made_from_the_rows_and_says_where_they_were_put_together():
    markdown = study("peers_page")["markdown"]
    section = {"machine": "m", "load": 1.0, "rows": {}, "made": "put together from logs"}
    assert "put together from logs" in markdown({"bumps": section})
    folder = HERE.parents[1] / "data" / "benchmarks"
    found = json.loads((folder / "peers.json").read_text(encoding="utf-8"))
    assert (folder / "peers.md").read_text(encoding="utf-8") == markdown(found)


def test_a_schedule_is_as_long_as_the_longest_kernel_or_the_mean_core():
    schedule = study("first_run")["schedule"]
    times = {"a": 3.0, "b": 3.0, "c": 2.0, "d": 2.0, "e": 2.0}
    assert schedule(times, 1, 0.5)[0] == pytest.approx(12.5)
    assert schedule(times, 2, 0.5)[0] == pytest.approx(7.5)  # 3 + 2 + 2 against 3 + 2
    assert schedule(times, 5, 0.5)[0] == pytest.approx(3.5)
