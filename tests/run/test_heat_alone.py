"""A case whose materials have no mechanical property solves heat, and says so."""

import json

import numpy as np
import pytest
from small_case import CASE
from typer.testing import CliRunner

import warp
from warp.case.errors import CaseError
from warp.cli.app import app

PASTE = """
[material.paste]
conductivity = "3 W/(m K)"
[part.paste]
on = "chip"
size = "6 mm"
thickness = "0.1 mm"
material = "paste"
"""
COOLED = CASE.replace('"chip.top"', '"paste.top"') + PASTE


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "case.toml"
    path.write_text(COOLED)
    return path


def test_the_temperatures_are_those_of_the_same_case_with_mechanics(path):
    alone = warp.solve(warp.load(path), device="cpu")
    mechanics = {
        "material.paste.youngs_modulus": '"1 MPa"',
        "material.paste.poissons_ratio": "0.4",
        "material.paste.cte": '"200 ppm/K"',
    }
    whole = warp.solve(warp.load(path, mechanics), device="cpu")
    assert set(alone.fields) == {"temperature"}
    assert np.array_equal(alone.temperature, whole.temperature)
    assert alone.metrics["temperature"] == whole.metrics["temperature"]
    assert alone.metrics["surfaces"] == {}


def test_the_file_the_console_and_the_report_do_without_a_warpage(path, tmp_path):
    out, page = tmp_path / "case.h5", tmp_path / "page.html"
    runner = CliRunner()
    ran = runner.invoke(app, ["run", str(path), "-o", str(out), "--device", "cpu"])
    assert ran.exit_code == 0, ran.output
    assert "only heat is solved, no warpage: 'paste'" in " ".join(ran.output.split())
    shown = runner.invoke(app, ["report", str(out), "-o", str(page)])
    assert shown.exit_code == 0, shown.output
    assert "chip" in page.read_text()
    checked = runner.invoke(app, ["check", str(path), "--json"])
    assert any("only heat" in text for text in json.loads(checked.stdout)["warnings"])


def test_a_material_with_half_of_its_mechanics_is_an_error(path):
    with pytest.raises(CaseError, match="paste"):
        warp.load(path, {"material.paste.cte": '"200 ppm/K"'})


def test_without_heat_the_mechanics_are_needed(path):
    path.write_text(COOLED[: COOLED.index("[boundary.air]")] + COOLED[COOLED.index("[load]") :])
    with pytest.raises(CaseError):
        warp.load(path, {"part.chip.power": '"0 W"'})
