"""The verbs that look at results, as a person types them: what they write, what they print, how
they fail.
"""

import json

import pytest
from finished import finished


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The current folder holds a.h5."""
    monkeypatch.chdir(tmp_path)
    finished(stress=False).write(tmp_path / "a.h5")


def test_plot(warp, tmp_path):
    code, out, err = warp("plot", "a.h5", "--surface", "chip.top", "-o", "pictures")
    names = ["section", "plan", "chip-top", "chip-top-3d", "temperature", "residuals"]
    assert (code, err) == (0, "") and {f.name for f in (tmp_path / "pictures").iterdir()} == {
        f"a-{name}.png" for name in names
    }
    assert "left out: stress: this result has no stress field" in out
    assert warp("plot", "a.h5", "--at", "z=1.2 mm", "-o", "cut")[0] == 0
    assert (tmp_path / "cut" / "a-plan.png").exists()
    assert not (tmp_path / "cut" / "a-section.png").exists()
    code, out, err = warp("plot", "a.h5", "--surface", "chip.left")
    assert code == 2 and err.startswith("error: no surface 'chip.left'")


def test_report(warp, tmp_path):
    assert warp("report", "a.h5")[0] == 0
    assert "<!DOCTYPE html>" in (tmp_path / "a.html").read_text()
    code, _, err = warp("report", "a.h5", "--pitch", "wide")
    assert code == 2 and "--pitch wide" in err


def test_export(warp, tmp_path):
    code, out, _ = warp("export", "a.h5", "--vtr", "--csv", "--surface", "chip.top")
    assert code == 0 and {"a.vtr", "a-numbers.csv", "a-chip-top.csv"} <= {
        f.name for f in tmp_path.iterdir()
    }
    assert warp("export", "a.h5")[0] == 2


def test_compare(warp, tmp_path):
    finished(60e-6, stress=False).write(tmp_path / "b.h5")
    warp("export", "a.h5", "--csv", "--surface", "board.bottom")
    code, out, _ = warp("compare", "a.h5", "b.h5", "a-board-bottom.csv", "--json")
    found = json.loads(out)
    assert code == 0 and found["measured"]["a"]["correlation"] == pytest.approx(1, abs=1e-3)
    assert found["measured"]["b"]["slope"] == pytest.approx(80 / 60, rel=1e-2)
    assert (tmp_path / "a-compare.png").exists()
    code, out, _ = warp("compare", "a.h5", "b.h5")
    assert code == 0 and "board.bottom" in out and "difference" in out


def test_sweep_says_what_is_wrong_before_it_starts(warp, tmp_path):
    (tmp_path / "case.toml").write_text(finished().case)
    code, _, err = warp("sweep", "case.toml", "--vary", "part.chip.thickness=1 mm")
    assert code == 2 and "at least two different values" in err
    assert not (tmp_path / "case-sweep").exists()
