"""CSVs hold the surfaces and every number with its unit; PyVista sees the voxels."""

import csv

import numpy as np
import pytest
from finished import finished

from warp.errors import WarpError
from warp.report import export
from warp.results import measured


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_surfaces_and_numbers_as_csv(tmp_path):
    result = finished()
    files = export.write(result, tmp_path / "new" / "out", False, True, ["board.bottom"])
    assert [f.name for f in files] == ["out-numbers.csv", "out-board-bottom.csv"]
    points = rows(files[1])
    flat = measured.flat(result, "board", "bottom")
    assert len(points) == np.isfinite(flat.height).sum()
    heights = [float(p["height_um"]) for p in points if p["in_zone"] == "1"]
    assert len(heights) < len(points)
    assert np.ptp(heights) == pytest.approx(
        1e6 * flat.warpage.value, rel=0.05
    )  # the zone's border is no grid line
    found = {(n["where"], n["quantity"]): (float(n["value"]), n["unit"]) for n in rows(files[0])}
    wanted = result.metrics["surfaces"]["board"]["bottom"]["warpage_um"]
    assert found["surfaces.board.bottom", "warpage"] == (pytest.approx(wanted), "um")
    assert found["surfaces.chip.top", "kappa_x"][1] == "1/m"
    assert found["temperature.chip", "max"][1] == "C"
    assert found["temperature.chip", "max_at_x"][1] == "mm"
    assert found["interfaces.board/chip", "area"][1] == "mm2"


def test_nothing_asked_is_an_error(tmp_path):
    with pytest.raises(WarpError, match="--vtr, --pvd, --csv"):
        export.write(finished(), tmp_path / "out", False, False)


def test_pyvista_sees_the_voxels():
    pytest.importorskip("pyvista")
    result = finished()
    voxels = result.to_pyvista()
    np.testing.assert_array_equal(
        voxels.cell_data["temperature_K"].reshape(result.grid.shape), result.temperature
    )
    np.testing.assert_array_equal(voxels.x, result.grid.x)
