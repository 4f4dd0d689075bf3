"""Surfaces measured at several temperatures, laid over the computed ones of a process."""

import json

import numpy as np
import pytest
from finished import HEIGHT, dome, finished

from warp.errors import WarpError
from warp.report import moire, page
from warp.report.contents import Wanted
from warp.results import measured

ZONE = np.linspace(-4.5, 4.5, 31)
WARPAGE = 2e6 * HEIGHT * 0.81  # um: the dome over its measuring zone


def scanned(path, factor):
    """A measured dome of `factor` times the height."""
    x, y = (v.ravel() for v in np.meshgrid(ZONE, ZONE))
    z = 1e6 * factor * dome(1e-3 * x, 1e-3 * y)
    rows = (f"{a},{b},{c}" for a, b, c in zip(x, y, z, strict=True))
    path.write_text("x,y,z\n" + "\n".join(rows))
    return path


@pytest.fixture
def result():
    """A process that cools from 245 degC, flat there, to the dome at 25 degC."""
    found = finished()
    zones = found.metrics["surfaces"]["board"]["bottom"]

    def record(at, last, share):
        numbers = zones | {"warpage_um": share * zones["warpage_um"]}
        body = {"parts": ["board", "chip"], "unit": None, "time_s": 0.0}
        surfaces = {"board": {"bottom": numbers}}
        names = {"step": 1, "name": "reflow", "last": last, "temperature_C": at}
        return names | body | {"surfaces": surfaces}

    found.metrics["steps"] = [record(245.0, False, 0.0), record(145.0, False, 0.5)]
    found.metrics["steps"].append(record(25.0, True, 1.0))
    surface = measured.flat(found, "board", "bottom").surface
    found.shapes = {f"1/board.bottom/{key}": getattr(surface, key) for key in "xyw"}
    return found


def laid(result, tmp_path, *pairs):
    given = [f"{t} degC={scanned(tmp_path / f'm{t}.csv', factor)}" for t, factor in pairs]
    return moire.overlays(result, moire.read(given))


def test_the_surface_is_compared_where_it_is_known(result, tmp_path):
    cold, warm = laid(result, tmp_path, (145, 0.6), (25, 1.1))
    assert cold.measurement.celsius == 25 and cold.surface
    assert cold.match.slope == pytest.approx(1.1, abs=0.01)
    assert 1e6 * cold.match.warpage == pytest.approx(1.1 * WARPAGE, rel=2e-3)
    assert not warm.surface and warm.at == 145
    assert 1e6 * warm.computed == pytest.approx(0.5 * WARPAGE, rel=5e-3)
    json.dumps(moire.to_dict([cold, warm]), allow_nan=False)


def test_between_two_load_steps_the_warpage_is_linear(result, tmp_path):
    (one,) = laid(result, tmp_path, (85, 0.7))
    assert 1e6 * one.computed == pytest.approx(0.75 * WARPAGE, rel=5e-3)
    with pytest.raises(WarpError, match="300 degC.*no temperatures around it"):
        laid(result, tmp_path, (300, 1.0))


@pytest.mark.parametrize("text", ["m.csv", "25=m.csv", "25 degC=", "25 mm=m.csv"])
def test_a_measurement_names_its_temperature_and_its_file(text):
    with pytest.raises(WarpError, match="--measured .*TEMPERATURE=FILE"):
        moire.read([text])


def test_all_of_them_are_drawn_and_stand_on_the_page(result, tmp_path):
    found = laid(result, tmp_path, (25, 1.1), (85, 0.7), (145, 0.6), (245, 0.1))
    moire.draw(found, tmp_path / "m.png", "dome")
    assert (tmp_path / "m.png").stat().st_size > 10_000
    text, _ = page.html(result, Wanted(measured=[one.measurement for one in found]))
    assert "<h2>Measured</h2>" in text and "145 °C, m145.csv" in text
    data = json.loads(text.split('id="data">')[1].split("</script>")[0])
    assert data["measured"]["x"] == [25, 85, 145, 245]
