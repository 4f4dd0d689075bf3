"""The copper of a panel from that of one unit."""

import numpy as np
import pytest

from warp.errors import Fault
from warp.geometry.copper import copper_fraction
from warp.geometry.part import Drawing
from warp.geometry.tiles import panel

TILES = {"pitch": ["20 mm", "10 mm"], "count": [2, 3]}


def tiles(**words):
    return Drawing(file="unit.csv", tiles={**TILES, **words}).tiles


def test_units_that_meet_the_pixels_are_repeated():
    unit = np.array([[0.1, 0.2], [0.3, 0.4]])
    found = panel(unit, tiles(), (40e-3, 30e-3), (6, 4))
    np.testing.assert_allclose(found, np.tile(unit, (3, 2)))


def test_pixels_that_do_not_meet_the_unit_keep_the_area_of_copper():
    """The whole field of 40 x 30 mm lies in the panel, whatever its pixels."""
    unit = np.random.default_rng(1).random((7, 5))
    for shape in ((11, 13), (1, 1), (100, 90)):
        found = panel(unit, tiles(), (50e-3, 33e-3), shape)
        assert found.mean() * 50 * 33 == pytest.approx(unit.mean() * 40 * 30)
        assert found.min() >= 0.0 and found.max() <= unit.max() + 1e-12


def test_a_pixel_across_two_units_is_their_mean():
    unit = np.array([[0.0, 1.0]])
    found = panel(unit, tiles(count=[2, 1]), (40e-3, 10e-3), (1, 2 * 2 + 1))
    np.testing.assert_allclose(found, [[0.0, 0.75, 0.5, 0.25, 1.0]], atol=1e-12)


def test_the_border_has_its_own_share():
    found = panel(np.ones((1, 1)), tiles(border=0.25), (80e-3, 60e-3), (2, 4))
    np.testing.assert_allclose(found, [[0.25, 0.625, 0.625, 0.25]] * 2)


def test_a_layout_of_one_unit_fills_a_panel(tmp_path):
    """A unit with a plane on its left half, 25 x 20 times on 510 x 515 mm."""
    pytest.importorskip("gdstk", reason="needs the extra 'layout'")
    corners = "X-9000000Y-9000000D02*\nX0D01*\nY9000000D01*\nX-9000000D01*\nY-9000000D01*\n"
    text = f"%FSLAX46Y46*%\n%MOMM*%\nG01*\nG36*\n{corners}G37*\nM02*\n"
    (tmp_path / "unit.gbr").write_text(text)
    drawing = Drawing(file="unit.gbr", tiles={"pitch": "20 mm", "count": [25, 20]}, pixel="5 mm")
    found = copper_fraction(drawing, tmp_path, (510e-3, 515e-3), ("copper",))
    assert found.shape == (103, 102)
    assert found.mean() * 510 * 515 == pytest.approx(500 * 9 * 18, rel=1e-9)


def test_units_beyond_the_panel_are_refused(tmp_path):
    (tmp_path / "unit.csv").write_text("1,0\n")
    drawing = Drawing(file="unit.csv", tiles=TILES)
    assert copper_fraction(drawing, tmp_path, (40e-3, 30e-3), ("copper",)).mean() == pytest.approx(
        0.5
    )
    with pytest.raises(Fault) as error:
        copper_fraction(drawing, tmp_path, (39e-3, 30e-3), ("copper",))
    assert error.value.message == "are 40 x 30 mm, larger than the part (39 x 30 mm)"
