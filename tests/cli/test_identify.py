"""`warp identify`, as a person types it."""

import json

import numpy as np
import pytest
from moulded import TEXT, moulded, observations

from warp.results.surface_points import interpolate
from warp.run import process

TABLE = """
[identify]
noise = "1 um"
measured = [{ file = "cold.csv", temperature = "25 degC" }]

[identify.free]
material.core.cte = "10 %"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, cpu):
    """A case and its own surface as a measurement, tilted."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "case.toml").write_text(TEXT + TABLE)
    result = process.solve(moulded(), cpu)
    one = observations(12)[0]
    surface = result.warpage("core", "bottom").surface
    height = interpolate(surface, surface.w, one.x, one.y) + 1e-3 * one.x
    columns = np.column_stack((1e3 * one.x, 1e3 * one.y, 1e6 * height))
    np.savetxt("cold.csv", columns, delimiter=",", header="x (mm),y (mm),z (um)", comments="")


def test_the_table_of_the_case_is_enough_and_runs_are_kept(warp, tmp_path):
    code, out, err = warp("identify", "case.toml", "--predict", "core.bottom at 75 degC", "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    (row,) = found["values"]
    assert row["value"] == pytest.approx(14.0, abs=3 * row["deviation"])
    assert row["low"] < 14.0 < row["high"] and row["deviation"] < 0.1
    (prediction,) = found["predictions"]
    assert prediction["low"] < prediction["value"] < prediction["high"]
    assert all((tmp_path / f"case-identified.{e}").exists() for e in ("npz", "csv", "png"))
    stored = (tmp_path / "case-identified.npz").read_bytes()
    code, out, _ = warp("identify", "case.toml")
    assert code == 0 and "material.core.cte" in out and "95 % interval" in out
    assert (tmp_path / "case-identified.npz").read_bytes() == stored


def test_words_of_the_command_replace_the_table(warp):
    words = ("--measured", "cold.csv@25degC", "--free", "material.mould.youngs_modulus.rubbery=5 %")
    code, out, _ = warp("identify", "case.toml", *words, "--noise", "1 um", "-o", "other")
    assert code == 0 and "do not tell material.mould.youngs_modulus.rubbery" in out


def test_mistakes_are_one_sentence(warp, tmp_path):
    (tmp_path / "plain.toml").write_text(TEXT)
    measured = ("--measured", "cold.csv@25 degC")
    for words, said in (
        (("plain.toml",), "nothing is measured"),
        (("plain.toml", *measured), "nothing is free"),
        (("plain.toml", "--measured", "cold.csv"), "write FILE@TEMPERATURE"),
        (("plain.toml", "--measured", "cold.csv@cure"), "the case has no [[step]]"),
        (("plain.toml", "--measured", "none.csv@25 degC"), "cannot read none.csv"),
        (("plain.toml", *measured, "--free", "part.chip"), "write KEY=SIZE"),
        (("plain.toml", *measured, "--free", "part.chip.thickness=thin"), "standard deviation"),
        (("plain.toml", *measured, "--noise", "1 K", "--free", "load.stress_free=5 K"), "noise"),
        (("case.toml", "--set", 'identify.noise="1"'), "--set identify.noise: needs a unit"),
        (("case.toml", "--predict", "core.bottom at noon"), "noon"),
        (("case.toml", "-o", "cold", "--measured", "cold.csv@25 degC"), "choose another name"),
    ):
        code, _, err = warp("identify", *words)
        assert code == 2 and said in err and len(err.splitlines()) == 1, (words, err)
