"""Processes of the gallery against published numbers."""

from importlib import resources
from pathlib import Path

import pytest
from stacked_plates import ends

from warp.case.case import load
from warp.run import process

GALLERY = Path(str(resources.files("warp.data"))).joinpath("packages")
ROUGH = {"grid.edge_spacing": "1 mm", "grid.cells_per_layer": "2", "grid.growth": "1"}


def board(record, part="substrate", side="bottom"):
    return record["surfaces"][part][side]["warpage_um"]


def test_flip_chip_turns_from_convex_to_concave_on_the_way_to_reflow():
    case = load(GALLERY / "process-reflow.toml", {**ROUGH, "step.reflow.every": "120 K"})
    records = process.solve(case, "cpu").metrics["steps"]
    cold = next(record for record in records if record["name"] == "room temperature")
    curve = [record for record in records if record["name"] == "reflow"]
    assert board(cold) > 100
    hot = max(curve, key=lambda record: record["temperature_C"])
    assert hot["temperature_C"] == pytest.approx(260) and -40 < board(hot) < -5
    rising = curve[: curve.index(hot) + 1]
    assert [board(record) for record in rising] == sorted(
        (board(record) for record in rising), reverse=True
    )
    assert board(curve[-1]) == pytest.approx(board(cold), rel=1e-6)


@pytest.mark.slow
def test_published_process_within_its_own_numbers():
    """217, 165 and 25 degC: preset 2 of the tool that the file names reports +236 um."""
    fine = {
        "grid.edge_spacing": "0.5 mm",
        "grid.cells_per_layer": "3",
        "grid.growth": "1",
        "step.5.every": "300 K",
    }
    attached, warm, cured, cold, _ = ends(
        process.solve(load(GALLERY / "process-fcbga.toml", fine), "cpu")
    )
    assert board(cured) == pytest.approx(board(warm), rel=1e-5)
    assert board(cold) == pytest.approx(236, rel=0.03)
    plain = process.solve(
        load(GALLERY / "fcbga-bare.toml", {key: fine[key] for key in ROUGH}), "cpu"
    )
    assert board(plain.metrics) > board(cold)  # its underfill pulls from the first kelvin on


def test_wafer_on_panel_bows_and_its_unit_hardly():
    """On a smaller wafer: bow goes with the square of the side."""
    sizes = {
        "part.panel.size": "48 mm",
        **{f"part.{part}.size": "42 mm" for part in ("underfill", "wafer", "layer")},
    }
    grid = {"grid.edge_spacing": "1 mm", "grid.cells_per_layer": "3", "grid.growth": "1"}
    result = process.solve(load(GALLERY / "wafer-level-film.toml", {**sizes, **grid}), "cpu")
    by_name = {record["name"]: record for record in ends(result)}
    assert board(by_name["wafer cold"], "wafer", "top") < -30  # the film shrinks more
    panel, unit = (board(by_name[name], "wafer", "top") for name in ("panel cold", "singulate"))
    assert panel > 60
    assert unit == pytest.approx(panel * (14 / 42) ** 2, rel=0.15)
    cold = by_name["package cold"]
    assert cold["unit"] == "package" and "balls" in cold["parts"]
    assert board(cold, "wafer", "top") == pytest.approx(unit, rel=0.1)
    assert result.grid.x[-1] == pytest.approx(7e-3)
