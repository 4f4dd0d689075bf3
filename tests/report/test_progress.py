"""Progress of a run: one bar over all load steps, lines in a log, nothing where it is quiet."""

import io
import re

import pytest

from warp.report import progress, terminal


@pytest.fixture
def bar(monkeypatch):
    """A run of four load steps on a terminal."""
    file = io.StringIO()
    console = terminal.PlainConsole(file=file, force_terminal=True, width=120)
    monkeypatch.setattr(terminal, "screen", lambda **_: console)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    return progress.Run(4, progress.Log())


def whole(run):
    return next(task for task in run._bars.tasks if task.total == 4)


def test_the_bar_counts_load_steps_and_the_decades_of_the_one_under_way(bar):
    with bar as follow:
        follow("compiling kernels", 40)
        assert [task.total for task in follow._bars.tasks] == [100]  # not part of the run's bar
        follow("1. cool: heat", 3, 1e-4)
        assert whole(follow).completed == pytest.approx(0.2 * 0.5)
        follow("1. cool", 5, 1e-4)
        assert whole(follow).completed == pytest.approx(0.2 + 0.8 * 0.5)
        follow("1. cool", 1, 1e-1)  # another solve of this load step: the bar never goes back
        assert whole(follow).completed == pytest.approx(0.6)
        follow.step(2, 4)
        assert whole(follow).completed == 2.0
        follow("2. heat", 0)
        assert whole(follow).description == "2/4 load steps"


def test_a_log_has_a_line_for_every_stage_with_the_time_of_day(tmp_path, capsys):
    log = progress.Log(tmp_path / "run.log", verbose=True)
    with progress.Run(2, log) as follow:
        follow("heat", 0)
        follow("heat", 7, 1e-9)
        follow("numbers\x1b[31m", 0)
        follow.step(1, 2)
    log.write("written to a.h5", shown=False)
    log.close()
    lines = (tmp_path / "run.log").read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\d+\.\d\d s  ", line) for line in lines)
    assert re.search(r"heat: \d+\.\d\d s, 7 iterations, residual 1\.0e-09$", lines[0])
    assert r"numbers\x1b[31m: " in lines[1] and "\x1b" not in lines[1]
    assert lines[2].endswith("1 of 2 load steps done") and lines[3].endswith("written to a.h5")
    err = capsys.readouterr().err
    assert err.count("\n") == 3 and "written" not in err


def test_a_pipe_has_no_bar():
    with progress.Run(1, progress.Log()) as follow:
        follow("elastic", 3, 1e-3)
        assert follow._bars is None


def test_a_long_run_without_a_terminal_says_now_and_then_where_it_is(capsys, monkeypatch):
    monkeypatch.setattr(progress, "SIGN_OF_LIFE", 0.0)
    with progress.Run(3, progress.Log()) as follow:
        follow("1. cool", 4, 1e-3)
        follow.step(1, 3)
    lines = capsys.readouterr().err.splitlines()
    assert "0 of 3 load steps done, 1. cool, iteration 4, 0 s" in lines
    assert "1 of 3 load steps done, 0 s" in lines
    with progress.Run(3, progress.Log(), quiet=True) as follow:
        follow("1. cool", 4, 1e-3)
    assert not capsys.readouterr().err


def test_the_bar_moves_over_the_increments_of_a_load_step(bar):
    with bar as follow:
        follow.share(0.0, 0.0)  # linear theory goes first, and fills nothing
        follow("1. cool", 9, 1e-8)
        assert whole(follow).completed == pytest.approx(0.2)
        for first, last in ((0.0, 0.25), (0.25, 0.75), (0.75, 1.0)):
            follow.share(first, last)
            follow("1. cool", 1, 1e-4)
            middle = (first + last) / 2
            assert whole(follow).completed == pytest.approx(0.2 + 0.8 * middle)
        follow.share(0.5, 0.75)  # an increment was too long: the bar stays
        follow("1. cool", 1, 1e-8)
        assert whole(follow).completed == pytest.approx(0.2 + 0.8 * 0.875)


def test_a_run_without_a_terminal_says_how_far_a_load_step_is(capsys, monkeypatch):
    monkeypatch.setattr(progress, "SIGN_OF_LIFE", 0.0)
    with progress.Run(3, progress.Log()) as follow:
        follow.share(0.5, 1.0)
        follow("1. cool", 4, 1e-3)
    line = "0 of 3 load steps done, 60 % of the next, 1. cool, iteration 4, 0 s"
    assert line in capsys.readouterr().err.splitlines()
