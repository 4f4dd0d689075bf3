"""Everything that `warp verify` holds the program against, one problem a test, and the command
itself.
"""

import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

from warp.cli.app import app
from warp.errors import ConvergenceError
from warp.verify import suite
from warp.verify.problem import Problem, Row

LONGEST = (
    "whole disc that rolls up",
    "large deflection of a half disc and a whole one",
    "disc that rolls up",
)


def marks(problem):
    slow = [] if problem.quick else [pytest.mark.slow]
    return [*slow, pytest.mark.weekly] if problem.name in LONGEST else slow


PROBLEMS = [pytest.param(p, id=p.name, marks=marks(p)) for p in suite.PROBLEMS]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_problem(problem, cpu):
    for row in problem.solve(cpu):
        assert row.passed, (
            f"{row.name}: {row.got:.6g} instead of {row.expected:.6g}, {row.error:+.2e}"
        )


def test_rows():
    assert (
        Row("share", 2.0, 2.01, 0.006, "").passed and not Row("share", 2.0, 2.01, 0.004, "").passed
    )
    assert Row("share", -2.0, -2.01, 0.006, "").error == pytest.approx(0.005)
    assert Row("difference", 300.0, 300.01, 0.02, "", "K", absolute=True).passed
    assert not Row("nothing", 1.0, math.nan, 1.0, "").passed
    computed = Row("computed", np.float64(1.0), np.float64(1.001), 0.01, "a book").as_dict()
    assert json.loads(json.dumps(computed)) == computed and computed["passed"] is True


@pytest.fixture
def two_problems(monkeypatch):
    """A quick problem whose row holds and a long one whose row does not."""
    good, bad = (
        Row(name, 1.0, got, 0.01, "a book", "m")
        for name, got in (("good", 1.001), ("bad", math.nan))
    )
    found = [
        Problem("short", lambda device: [good]),
        Problem("long", lambda device: [good, bad], quick=False),
    ]
    monkeypatch.setattr(suite, "PROBLEMS", found)


def test_a_problem_that_cannot_be_solved_is_a_row_that_fails(monkeypatch, cpu):
    def diverge(device):
        raise ConvergenceError("it did not converge")

    monkeypatch.setattr(suite, "PROBLEMS", [Problem("hard", diverge)])
    ((_, (row,), _),) = suite.verify(cpu)
    assert row.name == "hard" and not row.passed and row.source == "it did not converge"


def test_command(two_problems, tmp_path):
    page, table = tmp_path / "verify.html", tmp_path / "verify.md"
    options = ["--device", "cpu", "--html", str(page), "--markdown", str(table)]
    done = CliRunner().invoke(app, ["verify", "--quick", *options])
    assert done.exit_code == 0 and "1 of 1 rows hold" in done.stdout
    assert "a book" in page.read_text() and "+0.1 %" in page.read_text()
    assert "| good | 1 m | 1.001 m | +0.1 % | 1 % | a book |" in table.read_text()
    failed = CliRunner().invoke(app, ["verify", *options, "--json"])
    assert isinstance(failed.exception, suite.NotVerified) and failed.exception.exit_code == 1
    found = json.loads(failed.stdout)
    assert [row["passed"] for row in found["rows"]] == [True, True, False] and found["rows"][-1][
        "got"
    ] is None
    assert [problem["name"] for problem in found["problems"]] == ["short", "long"]
    assert "| **bad** |" in table.read_text() and "2 of 3 rows hold" in page.read_text()
