"""Small problems: what the host does once a stage stands, counted on the stand-in for CuPy."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from oncpu import compiler

HERE = Path(__file__).parent
STANDIN = HERE.parent / "support" / "standin"
pytestmark = pytest.mark.skipif(compiler() is None, reason="no C++ compiler (g++) found")


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Requests to the device by each solve and step of a stack of plates, one stage from the second
    solve on.
    """
    done = subprocess.run(
        [sys.executable, str(HERE / "host_work.py"), "--json"],
        cwd=tmp_path_factory.mktemp("host"),
        env={**os.environ, "PYTHONPATH": str(STANDIN)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return {what: [row for row in found if row["what"] == what] for what in ("solve", "step")}


def test_a_stage_is_recorded_once(rows):
    """The equations' measure, an iteration, the true residual."""
    assert [row["graphs"] for row in rows["solve"]] == [3, 0, 0, 0, 0]
    assert sum(row["graphs"] for row in rows["step"]) == 3


def test_a_solve_launches_graphs_and_nothing_else(rows):
    for row in rows["solve"][1:]:
        assert row["launches"] == 0 and row["uploads"] == 0
        # measure, iterations, true residual, measure; the host reads after each
        assert row["replays"] == row["downloads"] == 5


def test_tables_of_a_stage_go_to_the_device_once(rows):
    """The rest is of the step itself: moduli, free edges, temperatures, stress and its extremes."""
    assert all(row["uploads"] <= 20 and row["launches"] <= 8 for row in rows["step"][2:])
