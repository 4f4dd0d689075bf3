"""A run whose files cannot fit on the disk is refused before it solves."""

import shutil
from types import SimpleNamespace

import pytest
from small_case import CASE

from warp.case.case import load
from warp.errors import WarpError
from warp.run import checkpoint, process, to_file
from warp.run.grids import common_grid
from warp.run.resources import predicted_disk

STEPS = """
[[step]]
do = "attach"
parts = ["chip"]
temperature = "165 degC"
[[step]]
do = "cool"
temperature = "25 degC"
"""
LAYERS = CASE.partition("[boundary.air]")[0].replace('power = "2 W"\n', "") + "[load]\n"
LAYERS += CASE.partition("[load]")[2]


@pytest.mark.parametrize("text", [CASE, LAYERS + STEPS], ids=["one load", "process"])
def test_a_run_writes_no_more_than_predicted_and_not_a_tenth(tmp_path, text):
    (tmp_path / "case.toml").write_text(text)
    case, checkpoint_path = load(tmp_path / "case.toml"), tmp_path / "out.checkpoint.h5"
    result = process.solve(case, "cpu", checkpoint_path=checkpoint_path)
    written = result.write(tmp_path / "out.h5", xdmf=False).stat().st_size
    if checkpoint_path.exists():
        written += checkpoint_path.stat().st_size
    predicted = predicted_disk(common_grid(case), case)
    assert checkpoint_path.exists() == case.has_steps
    assert written < predicted < 10 * written


def test_a_full_disk_is_refused_before_the_solve(tmp_path, monkeypatch):
    (tmp_path / "case.toml").write_text(CASE)
    case = load(tmp_path / "case.toml")
    free = predicted_disk(common_grid(case), case) - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    monkeypatch.setattr(process, "solve", None)
    with pytest.raises(WarpError, match=r"needs about .* MB and the disk has"):
        to_file.solve_to_file(case, tmp_path / "o.h5", "cpu", None, None, None)
    assert not (tmp_path / "o.h5").exists() and not checkpoint.beside(tmp_path / "o.h5").exists()
