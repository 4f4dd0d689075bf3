"""`warp sensitivity`, as a person types it."""

import json

import h5py
import pytest
from small_case import CASE


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "case.toml").write_text(CASE)


def test_table_picture_and_rows(warp, tmp_path):
    code, out, err = warp("sensitivity", "case.toml", "--csv")
    assert (code, err) == (0, "")
    assert "board.bottom = " in out and "part.board.thickness" in out
    assert (tmp_path / "case-sensitivity.png").exists()
    rows = (tmp_path / "case-sensitivity.csv").read_text().splitlines()
    assert rows[0] == "input,value,unit,derivative,change,per,reason" and len(rows) > 20


def test_json_of_two_metrics_and_fields_for_paraview(warp, tmp_path):
    code, out, _ = warp(
        "sensitivity", "case.toml", "--of", "junction", "--of", "chip.top", "--json"
    )
    found = json.loads(out)
    assert code == 0 and [one["metric"] for one in found] == ["junction", "chip.top"]
    assert (found[0]["unit"], found[0]["change_unit"]) == ("degC", "K")
    assert {"key", "value", "unit", "derivative", "change"} <= found[0]["inputs"][0].keys()
    assert warp("sensitivity", "case.toml", "--map")[0] == 0
    with h5py.File(tmp_path / "case-sensitivity.h5") as file:
        shape = file["ids"].shape
        assert file["fields/stiffness_gradient"].shape == shape
        assert file["VTKHDF/CellData/expansion_gradient"].shape == shape
    code, out, _ = warp("sensitivity", "case-sensitivity.h5", "--of", "chip.top")
    assert code == 0 and "chip.top = " in out


def test_refusals_are_one_sentence(warp, tmp_path):
    for words, said in (
        (("case.toml", "--of", "chip.left"), "'chip.left' is not a metric that has a gradient"),
        (("case.toml", "--of", "chip.top.weight"), "the numbers of a surface are warpage"),
        (("case.toml", "--of", "junction", "--map"), "junction does not depend on displacements"),
    ):
        code, _, err = warp("sensitivity", *words)
        assert code == 2 and said in err and len(err.splitlines()) == 1
