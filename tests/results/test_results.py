"""The result file: what goes in comes out, ParaView's reader sees the same numbers, and damage is
one sentence.
"""

import json
import os
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from warp.cli import tables
from warp.errors import WarpError
from warp.machine.device import select
from warp.results import file as results
from warp.results import hdf5, metrics, stress, vtkhdf
from warp.results.file import Result
from warp.voxels.grid import Grid

NX, NY, NZ = 5, 7, 3


@pytest.fixture
def model():
    grid = Grid(
        np.cumsum([0, 1.0, 0.5, 0.2, 0.5, 1.0]) * 1e-3,
        np.linspace(0, 2e-3, NY + 1) ** 1.1,
        np.array([0, 1, 2, 4]) * 1e-4,
    )
    ids = np.ones((NZ, NY, NX), np.uint16)
    ids[2], ids[2, 2:5, 1:4] = 0, 2
    media = SimpleNamespace(
        part=np.array([-1, 0, 1], np.int32),
        materials=[None, "bt", "silicon"],
        names=["void", "bt", "silicon"],
        stress_free=np.array([0.0, 400.0, 440.0]),
        fraction=np.array([0.0, 1.0, 1.0]),
    )
    return SimpleNamespace(grid=grid, ids=ids, media=media, parts=["substrate", "chip"])


@pytest.fixture
def result(model):
    random = np.random.default_rng(0)
    temperature = 300 + random.random((NZ, NY, NX))
    heat = SimpleNamespace(
        temperature=temperature, iterations=2, residuals=[1.0, 1e-5, 1e-9], seconds=0.1
    )
    elastic = SimpleNamespace(
        displacement=random.random((3, NZ + 1, NY + 1, NX + 1)),
        iterations=0,
        residuals=[],
        seconds=0.2,
    )
    stress = random.normal(size=(6, NZ, NY, NX)).astype(np.float32)
    numbers = metrics.evaluate(
        model, temperature, elastic.displacement, stress, power={"chip": 2.0}, ambient=298.15
    )
    return Result.of(
        "# a case\n[part.chip]\nname = 'Chip µ'\n",
        model,
        heat=heat,
        elastic=elastic,
        stress=stress,
        numbers=numbers,
        tolerances={"heat": 1e-8},
        provenance={
            "device": "cpu",
            "wall_s": np.float64(0.4),
            "peak_memory_MB": 12,
            "unknowns": 99,
        },
    )


@pytest.fixture
def path(result, tmp_path):
    return result.write(tmp_path / "out.h5")


def test_what_goes_in_comes_out(result, path):
    back = results.read(path)
    assert back.case == result.case and back.parts == result.parts
    for name in ("temperature", "displacement", "stress", "ids"):
        np.testing.assert_array_equal(getattr(back, name), getattr(result, name))
    for axis in "xyz":
        np.testing.assert_array_equal(getattr(back.grid, axis), getattr(result.grid, axis))
    assert back.grid.mirror == (False, False)
    assert back.media.material == ["void", "bt", "silicon"]
    np.testing.assert_array_equal(back.residuals["heat"], [1.0, 1e-5, 1e-9])
    assert back.metrics == hdf5.plain(result.metrics)
    assert back.warpage("chip", "top").value == result.warpage("chip", "top").value
    np.testing.assert_array_equal(back.fields["stress"][2:5, 1], result.stress[2:5, 1])
    assert stress.parts(back, back.fields["stress"], select("cpu")) == result.metrics["stress"]


def test_summary_has_the_keys_scripts_rely_on(path):
    numbers = json.loads(json.dumps(results.read(path).summary(), allow_nan=False))
    assert isinstance(numbers["surfaces"]["substrate"]["bottom"]["warpage_um"], float)
    assert {"max_C", "mean_C"} <= set(numbers["temperature"]["chip"])
    assert numbers["solver"]["heat"] == {
        "iterations": 2,
        "residual": 1e-9,
        "seconds": 0.1,
        "tolerance": 1e-8,
    }
    assert numbers["solver"]["elastic"]["iterations"] == 0
    assert (numbers["voxels"], numbers["unknowns"], numbers["device"]) == (NX * NY * NZ, 99, "cpu")
    assert (numbers["wall_s"], numbers["peak_memory_MB"]) == (0.4, 12)


def test_a_result_is_one_line_in_a_notebook(path):
    assert (
        repr(results.read(path)).startswith("<Result: 105 voxels; ")
        and len(repr(results.read(path))) < 300
    )


def test_rounds_of_heat_stand_beside_its_iterations(model, capsys):
    warm = np.full((NZ, NY, NX), 300.0)
    heat = SimpleNamespace(
        temperature=warm, iterations=11, residuals=[1.0, 1e-9], seconds=0.1, rounds=4
    )
    done = Result.of("", model, heat=heat)
    assert done.summary()["solver"]["heat"]["rounds"] == 4
    tables.print_summary(done.summary(), "")
    assert "11 in 4 rounds" in capsys.readouterr().out


def test_single_precision_fields(result, tmp_path):
    back = results.read(result.write(tmp_path / "out.h5", single=True))
    assert back.displacement.dtype == np.float32
    np.testing.assert_allclose(back.displacement, result.displacement, rtol=1e-6)


def test_many_layers_fill_whole_and_partial_chunks(result, tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5, "CHUNK_BYTES", 2 * 8 * (NY + 1) * (NX + 1))
    back = results.read(result.write(tmp_path / "out.h5"))
    np.testing.assert_array_equal(back.displacement, result.displacement)
    np.testing.assert_array_equal(back.stress, result.stress)


def test_unpacked_fields_and_xarray_view(result, tmp_path, monkeypatch):
    monkeypatch.setattr(results, "PACKED_CELLS", 0)
    back = results.read(result.write(tmp_path / "out.h5"))
    np.testing.assert_array_equal(back.stress, result.stress)
    pytest.importorskip("xarray")
    view = back.to_xarray()
    np.testing.assert_array_equal(
        view.temperature.values[result.ids > 0], result.temperature[result.ids > 0]
    )


def test_vtk_reads_the_same_file(result, path):
    io = pytest.importorskip("vtkmodules.vtkIOHDF")
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonCore import vtkVersion

    if (vtkVersion.GetVTKMajorVersion(), vtkVersion.GetVTKMinorVersion()) < (9, 7):
        pytest.skip("VTKHDF RectilinearGrid needs VTK 9.7")

    reader = io.vtkHDFReader()
    reader.SetFileName(str(path))
    reader.Update()
    data = reader.GetOutput()
    assert data.GetClassName() == "vtkRectilinearGrid"
    assert data.GetDimensions() == (NX + 1, NY + 1, NZ + 1)
    np.testing.assert_array_equal(vtk_to_numpy(data.GetXCoordinates()), result.grid.x)
    np.testing.assert_array_equal(vtk_to_numpy(data.GetZCoordinates()), result.grid.z)
    check_cell_data(data, result)
    assert data.HasAnyBlankCells()
    assert [data.IsCellVisible(n) for n in range(data.GetNumberOfCells())] == list(
        (result.ids > 0).ravel()
    )


def test_xdmf_points_at_the_same_numbers(result, path):
    io = pytest.importorskip("vtkmodules.vtkIOXdmf2")
    from vtkmodules.util.numpy_support import vtk_to_numpy

    reader = io.vtkXdmfReader()
    reader.SetFileName(str(vtkhdf.side_file(path)))
    reader.Update()
    data = reader.GetOutputDataObject(0)
    assert data.GetClassName() == "vtkRectilinearGrid"
    np.testing.assert_array_equal(vtk_to_numpy(data.GetYCoordinates()), result.grid.y)
    check_cell_data(data, result)
    assert data.HasAnyBlankCells()
    assert [data.IsCellVisible(n) for n in range(data.GetNumberOfCells())] == list(
        (result.ids > 0).ravel()
    )


def check_cell_data(data, result):
    from vtkmodules.util.numpy_support import vtk_to_numpy

    def cell(name):
        return vtk_to_numpy(data.GetCellData().GetArray(name))

    np.testing.assert_array_equal(cell("temperature_K").reshape(NZ, NY, NX), result.temperature)
    part = np.array([-1, 0, 1])[result.ids]
    np.testing.assert_array_equal(cell("part").reshape(NZ, NY, NX), part)
    np.testing.assert_array_equal(cell("material").reshape(NZ, NY, NX), part)
    u, solid = result.displacement, result.ids > 0
    w = np.where(solid, (u[2, :-1, :-1, :-1] + u[2, 1:, :-1, :-1]) / 2, 0)
    v = np.where(solid, (u[1, :-1, :-1, :-1] + u[1, :-1, 1:, :-1]) / 2, 0)
    np.testing.assert_allclose(cell("displacement_m").reshape(NZ, NY, NX, 3)[..., 2], w, rtol=1e-6)
    np.testing.assert_allclose(cell("displacement_m").reshape(NZ, NY, NX, 3)[..., 1], v, rtol=1e-6)
    vtk_order = result.stress[[0, 1, 2, 5, 3, 4]]
    stress = cell("stress_Pa").reshape(NZ, NY, NX, -1)
    np.testing.assert_array_equal(stress, np.moveaxis(vtk_order, 0, -1))


def test_unwritable_paths_are_known_before_the_solve(tmp_path):
    with pytest.raises(WarpError, match="no folder"):
        results.check_result(tmp_path / "missing" / "out.h5")
    with pytest.raises(WarpError, match="it is a folder"):
        results.check_result(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(WarpError, match="no folder"):
        results.check_result(tmp_path / "file" / "out.h5")
    with pytest.raises(WarpError, match="GB free"):
        results.check_result(tmp_path / "out.h5", need=1 << 60)
    assert os.listdir(tmp_path) == ["file"]


def test_failed_write_leaves_the_old_file_and_no_other(result, path, monkeypatch):
    before = path.read_bytes()
    monkeypatch.setattr(vtkhdf, "link", lambda file: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        result.write(path)
    assert path.read_bytes() == before
    assert sorted(os.listdir(path.parent)) == ["out.h5", "out.xdmf"]


@pytest.mark.parametrize("room", (0, 2_000, 15_000))
def test_a_disk_that_fills_up_is_one_error_and_leaves_nothing(result, tmp_path, room):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(WarpError, match=r"cannot write .*out\.h5: File too large"):
            result.write(tmp_path / "out.h5")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_foreign_truncated_and_other_schema_files(path, tmp_path):
    with pytest.raises(WarpError, match="no such file"):
        results.read(tmp_path / "none.h5")
    text = tmp_path / "text.h5"
    text.write_text("not HDF5")
    with pytest.raises(WarpError, match="not an HDF5 file"):
        results.read(text)
    foreign = tmp_path / "foreign.h5"
    with h5py.File(foreign, "w") as file:
        file["x"] = 1
    with pytest.raises(WarpError, match="not one of"):
        results.read(foreign)
    whole = path.read_bytes()
    for length in (0, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(WarpError):
            results.read(path)
    path.write_bytes(whole)
    for schema, cure in (((0, 9), "run the case again"), ((2, 0), "update the program")):
        with h5py.File(path, "r+") as file:
            file.attrs["schema"] = np.array(schema)
        with pytest.raises(WarpError, match=cure):
            results.read(path)


def test_a_flipped_bit_is_found_or_harmless(result, path):
    whole = path.read_bytes()
    names = ("temperature", "displacement", "stress", "ids")
    found = 0
    for at in np.random.default_rng(2).integers(0, len(whole), 60):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << int(at % 8)
        path.write_bytes(damaged)
        try:
            back = results.read(path)
            same = all(np.array_equal(getattr(back, name), getattr(result, name)) for name in names)
            assert same and back.metrics == hdf5.plain(result.metrics) and back.case == result.case
        except WarpError as error:
            found += 1
            assert "\n" not in str(error) and str(path) in str(error)
    assert found > 10
