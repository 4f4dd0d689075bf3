"""Exports: VTK's own reader finds the result's numbers, CSVs hold the surfaces and every number
with its unit.
"""

import csv

import numpy as np
import pytest
from finished import finished

from warp.errors import WarpError
from warp.report import export
from warp.results import measured
from warp.results.points import corner_displacement


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_vtk_reads_the_vtr_file(tmp_path):
    io = pytest.importorskip("vtkmodules.vtkIOXML")
    from vtkmodules.util.numpy_support import vtk_to_numpy

    result = finished()
    reader = io.vtkXMLRectilinearGridReader()
    reader.SetFileName(str(export.vtr(result, tmp_path / "out.vtr")))
    reader.Update()
    data, shape = reader.GetOutput(), result.grid.shape
    assert data.GetDimensions() == tuple(n + 1 for n in shape[::-1])
    np.testing.assert_array_equal(vtk_to_numpy(data.GetZCoordinates()), result.grid.z)

    def cell(name):
        return vtk_to_numpy(data.GetCellData().GetArray(name))

    np.testing.assert_array_equal(cell("temperature").reshape(shape), result.temperature)
    np.testing.assert_array_equal(cell("part").reshape(shape), np.array([-1, 0, 1])[result.ids])
    np.testing.assert_array_equal(cell("material").reshape(shape), np.array([-1, 0, 1])[result.ids])
    np.testing.assert_array_equal(
        cell("stress").reshape(*shape, 6)[..., 3], result.stress[5]
    )  # VTK's fourth is xy
    moved = vtk_to_numpy(data.GetPointData().GetArray("displacement_at_corners"))
    expected = corner_displacement(result.grid, result.displacement, result.ids > 0)
    np.testing.assert_array_equal(moved.reshape(expected.shape), expected)
    u = result.displacement[2]
    w = np.where(result.ids > 0, (u[:-1, :-1, :-1] + u[1:, :-1, :-1]) / 2, 0)
    np.testing.assert_allclose(cell("displacement").reshape(*shape, 3)[..., 2], w, rtol=1e-6)
    assert [data.IsCellVisible(n) for n in range(data.GetNumberOfCells())] == list(
        (result.ids > 0).ravel()
    )


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
    with pytest.raises(WarpError, match="--vtr, --csv"):
        export.write(finished(), tmp_path / "out", False, False)


def test_pyvista_sees_the_voxels():
    pytest.importorskip("pyvista")
    result = finished()
    voxels = result.to_pyvista()
    np.testing.assert_array_equal(
        voxels.cell_data["temperature"].reshape(result.grid.shape), result.temperature
    )
    np.testing.assert_array_equal(voxels.x, result.grid.x)
