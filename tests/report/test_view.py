"""The interactive view, without a window: what it shows when its sliders move."""

import sys

import numpy as np
import pytest
from finished import HEIGHT, finished

from warp.errors import WarpError
from warp.report import palette, view

pyvista = pytest.importorskip("pyvista")


@pytest.fixture
def scene():
    plotter = pyvista.Plotter(off_screen=True)
    yield view.Scene(finished(), plotter)
    plotter.close()


def shown(scene):
    return scene.plotter.actors["body"].mapper.dataset


def test_the_whole_package_is_bent_about_the_plane_of_its_underside(scene):
    assert scene.body.bounds[:2] == pytest.approx((-5e-3, 5e-3))
    rise = np.ptp(scene.body.point_data["height"])
    assert rise == pytest.approx(2e6 * HEIGHT, rel=0.05)
    scene.set_times(10.0)
    bent = np.ptp(np.asarray(shown(scene).points)[:, 2])
    assert bent > 10 * 2 * HEIGHT * 0.9
    low, high = scene.plotter.actors["body"].mapper.scalar_range
    assert low == pytest.approx(-high)  # white at zero


def test_the_cut_leaves_the_left_of_the_package(scene):
    scene.set_cut(0.4)
    assert shown(scene).bounds[1] == pytest.approx(-1e-3, abs=2e-4)


def test_steps_are_those_of_the_process(tmp_path):
    result = finished()
    surface = result.metrics["surfaces"]["board"]["bottom"]
    body = {"parts": ["board"], "unit": None, "time_s": 0.0, "last": True}
    names = {"step": 1, "name": "cool", "temperature_C": 25.0}
    records = [names | body | {"surfaces": {"board": {"bottom": surface}}}]
    records.append(records[0] | {"step": 2, "name": "rest"})
    result.metrics["steps"] = records
    from warp.results import surface as surfaces

    one = surfaces.sample(result, result.displacement, "board", "bottom")
    level = surfaces.levels(result, "board", "bottom")
    for step in (1, 2):
        place = f"{step}/board.bottom"
        arrays = {"x": one.x, "y": one.y, "w": one.w, "z": level}
        result.shapes |= {f"{place}/{key}": value for key, value in arrays.items()}
    plotter = pyvista.Plotter(off_screen=True)
    scene = view.Scene(result, plotter)
    assert scene.steps == ["1. cool", "2. rest"] and scene.step == 1
    cells = shown(scene).n_cells
    scene.set_step(0)
    assert shown(scene).n_cells < cells  # the surfaces alone
    plotter.close()


def test_a_picture_and_what_cannot_be_shown(tmp_path, monkeypatch):
    view.screenshot(finished(), tmp_path / "v.png", "temperature", cut=0.5)
    assert (tmp_path / "v.png").stat().st_size > 5_000
    with pytest.raises(WarpError, match="no colour 'red'"):
        view.screenshot(finished(), tmp_path / "v.png", "red")
    with pytest.raises(WarpError, match="no stress field"):
        view.screenshot(finished(stress=False), tmp_path / "v.png", "stress")
    monkeypatch.setitem(sys.modules, "pyvista", None)
    with pytest.raises(WarpError, match=r"pip install 'warpage\[view\]'"):
        view.require()


def test_materials_and_parts_have_names_and_the_colours_of_sections():
    plotter = pyvista.Plotter(off_screen=True)
    for colour, names in (("material", ["fr4", "silicon"]), ("part", ["board", "chip"])):
        scene = view.Scene(finished(), plotter, colour)
        paints = palette.of(finished())
        assert scene.names == {
            name: paints[own].colour for name, own in zip(names, ("fr4", "silicon"), strict=True)
        }
        assert scene.plotter.actors["body"].mapper.scalar_range == (-0.5, 1.5)
    plotter.close()
