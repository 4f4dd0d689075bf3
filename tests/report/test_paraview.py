"""VTK's own readers find the whole package, its surfaces at every step, units and names."""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from finished import HEIGHT, dome, finished
from stacked_plates import COARSE, run, step

from warp.errors import WarpError
from warp.report import paraview

io = pytest.importorskip("vtkmodules.vtkIOXML")
numpy_support = pytest.importorskip("vtkmodules.util.numpy_support")


def read(reader, path):
    reader.SetFileName(str(path))
    reader.Update()
    return reader.GetOutput()


def array(data, name):
    return numpy_support.vtk_to_numpy(data.GetArray(name))


def field(data, name):
    found = data.GetFieldData().GetAbstractArray(name)
    return [found.GetValue(n) for n in range(found.GetNumberOfValues())]


def stretched():
    """The quarter of a bent plate that also grows by (1e-4 x, 2e-4 y), with shears odd as these."""
    result = finished()
    u, grid = result.displacement.copy(), result.grid
    nz, ny, nx = grid.shape
    u[0, :nz, :ny] = 1e-4 * grid.x
    u[1, :nz, :, :nx] = 2e-4 * grid.y[:, None]
    stress = result.stress.copy()
    stress[3], stress[4] = grid.yc[:, None], grid.xc  # yz, xz
    stress[5] = grid.xc * grid.yc[:, None]
    return replace(result, fields={**result.fields, "displacement": u, "stress": stress})


def test_a_quarter_model_becomes_the_whole_package(tmp_path):
    result = stretched()
    voxels = read(io.vtkXMLRectilinearGridReader(), paraview.voxels(result, tmp_path / "out.vtr"))
    nz, ny, nx = result.grid.shape
    assert voxels.GetDimensions() == (2 * nx + 1, 2 * ny + 1, nz + 1)
    x, y, z = (
        numpy_support.vtk_to_numpy(line)
        for line in (voxels.GetXCoordinates(), voxels.GetYCoordinates(), voxels.GetZCoordinates())
    )
    assert x == pytest.approx(-x[::-1]) and x[-1] == result.grid.x[-1]
    Y, X = np.meshgrid(y, x, indexing="ij")
    moved = array(voxels.GetPointData(), "displacement_m").reshape(nz + 1, 2 * ny + 1, -1, 3)
    assert moved[0, ..., 0] == pytest.approx(1e-4 * X, abs=1e-12)
    assert moved[0, ..., 1] == pytest.approx(2e-4 * Y, abs=1e-12)
    assert moved[0, ..., 2] == pytest.approx(dome(X, Y), abs=0.03 * HEIGHT)
    cells = voxels.GetCellData()
    Yc, Xc = np.meshgrid((y[1:] + y[:-1]) / 2, (x[1:] + x[:-1]) / 2, indexing="ij")
    stress = array(cells, "stress_Pa").reshape(nz, 2 * ny, -1, 6)
    for component, odd in ((3, Xc * Yc), (4, Yc), (5, Xc)):  # xy yz xz
        assert stress[1, ..., component] == pytest.approx(odd)
    warm = array(cells, "temperature_K").reshape(nz, 2 * ny, -1)
    np.testing.assert_array_equal(warm[:, :ny, :nx], result.temperature[:, ::-1, ::-1])
    centre = array(cells, "displacement_m").reshape(nz, 2 * ny, -1, 3)
    assert centre[0, ..., 0] == pytest.approx(1e-4 * Xc, abs=1e-12)
    shown = [voxels.IsCellVisible(n) for n in range(voxels.GetNumberOfCells())]
    assert sum(shown) == 4 * (result.ids > 0).sum()
    part = array(cells, "part")
    names = field(voxels, "part_names")
    assert names == ["board", "chip"] and field(voxels, "material_names") == ["fr4", "silicon"]
    assert {names[n] for n in np.unique(part[part >= 0])} == {"board", "chip"}


def test_the_image_of_one_part_of_two_has_a_name_of_its_own(tmp_path):
    result = replace(finished(), apart=(frozenset({"chip"}), frozenset()))
    voxels = read(io.vtkXMLRectilinearGridReader(), paraview.voxels(result, tmp_path / "out.vtr"))
    names = field(voxels, "part_names")
    nz, ny, nx = result.grid.shape
    part = array(voxels.GetCellData(), "part").reshape(nz, 2 * ny, 2 * nx)
    assert names[part[-1, ny, nx]] == "chip" and names[part[-1, ny, nx - 1]] == "chip (image)"
    assert names[part[-1, ny - 1, nx]] == "chip" and names[part[0, ny, nx - 1]] == "board"


def test_a_deformed_surface_carries_its_warpage(tmp_path):
    result = finished()
    paraview.surfaces(result, tmp_path / "out-surfaces.pvd")
    data = read(io.vtkXMLPolyDataReader(), tmp_path / "out-surfaces" / "step-01-board.top.vtp")
    points = numpy_support.vtk_to_numpy(data.GetPoints().GetData())
    height = array(data.GetPointData(), "warpage_um")
    np.testing.assert_allclose(array(data.GetPointData(), "warpage_m")[:, 2], 1e-6 * height)
    assert points[:, 2] == pytest.approx(1e-3) and np.ptp(points[:, 0]) == pytest.approx(0.01)
    middle, corner = (np.hypot(*points[:, :2].T).argmin(), points[:, :2].sum(axis=1).argmax())
    # convex: the middle stands highest, by the dome's height at a corner below it
    assert height[middle] - height[corner] == pytest.approx(2e6 * HEIGHT, rel=0.02)
    said = result.metrics["surfaces"]["board"]["top"]["warpage_um"]
    assert np.ptp(height) == pytest.approx(said, rel=0.01)
    assert field(data, "surface") == ["board.top"] and field(data, "signed_warpage_um") == [said]
    assert data.GetNumberOfCells() == 4 * result.ids[1].astype(bool).sum()


def test_all_steps_of_a_process_are_times(tmp_path):
    result = run(
        step("attach", parts=["b"], temperature="165 degC"),
        step("cool", temperature="100 degC"),
        step("attach", parts=["c"], temperature="100 degC"),
        step("cool", temperature="25 degC"),
        head=COARSE,
    )
    pvd = paraview.surfaces(result, tmp_path / "out-surfaces.pvd", ["a.bottom", "c.top"])[0]
    entries = ElementTree.parse(pvd).getroot().findall("Collection/DataSet")
    assert [float(entry.get("timestep")) for entry in entries] == [1, 2, 3, 4]
    records = [record for record in result.metrics["steps"] if record["last"]]
    for entry, record in zip(entries, records, strict=True):
        blocks = read(io.vtkXMLMultiBlockDataReader(), tmp_path / entry.get("file"))
        there = {}
        for n in range(blocks.GetNumberOfBlocks()):
            there[blocks.GetMetaData(n).Get(blocks.NAME())] = blocks.GetBlock(n)
        assert set(there) == {"a.bottom"} | ({"c.top"} if "c" in record["parts"] else set())
        for name, data in there.items():
            part, side = name.split(".")
            said = record["surfaces"][part][side]["warpage_um"]
            height = array(data.GetPointData(), "warpage_um")
            assert np.ptp(height) == pytest.approx(abs(said), rel=0.02, abs=1e-3)
            assert field(data, "temperature_C") == [record["temperature_C"]]
            assert field(data, "step") == [f"{record['step']}. {record['name']}"]


def test_a_surface_that_was_never_measured_is_refused(tmp_path):
    with pytest.raises(WarpError, match=r"no surface lid.top: the run measured board.bottom"):
        paraview.surfaces(finished(), tmp_path / "out-surfaces.pvd", ["lid.top"])
