"""Heat sources with a shape of their own: the grid follows them, or says that it does not."""

from math import inf

import numpy as np
import pytest

from warp import load
from warp.machine import device
from warp.run.grids import common_grid, shaped
from warp.run.warnings import narrow_sources
from warp.solvers.heat.solve import solve_steady
from warp.units import ZERO_CELSIUS
from warp.voxels.voxelize import voxelize

HOT_SPOT = """
symmetry = "quarter"
[load]
stress_free = "45 degC"
temperature = "solved"
[part.chip]
size = "16 mm"
thickness = "0.15 mm"
material = "silicon-3d-ice"
power = POWER
[part.lid]
on = "chip"
size = "16 mm"
thickness = "1 mm"
material = "copper"
[boundary.air]
face = "lid.top"
film = "10000 W/(m^2 K)"
ambient = "45 degC"
"""
BLOCK = '{ blocks = [{ power = "5 W", size = "0.5 mm" }] }'
HOTTEST = 67.25  # degC: Fourier series of the two plates


def write(tmp_path, power=BLOCK, changes=None):
    path = tmp_path / "spot.toml"
    path.write_text(HOT_SPOT.replace("POWER", power))
    return load(path, changes)


def hottest(case):
    model = voxelize(case.bodies(), case.materials(), common_grid(case), case.loads.stress_free)
    found = solve_steady(model, case.boundaries, case.sources, device.select("cpu"))
    return found.temperature.max() - ZERO_CELSIUS


def image(tmp_path, pixels, hot=None):
    """Write a map of watts: one hot square, or noise."""
    watts = np.zeros((pixels, pixels))
    if hot is None:
        quarter = np.random.default_rng(1).uniform(0.8, 1, (pixels // 2, pixels // 2))
        half = np.hstack([quarter, quarter[:, ::-1]])
        watts += np.vstack([half, half[::-1]])
    else:
        watts[hot] = 5.0
    np.save(tmp_path / "map.npy", watts)
    return '{ map = "map.npy" }'


def test_a_hot_spot_has_the_temperature_of_the_series(tmp_path):
    assert hottest(write(tmp_path)) == pytest.approx(HOTTEST, abs=0.01 * (HOTTEST - 45))


def test_a_hot_spot_in_a_map_is_as_hot_as_the_block(tmp_path):
    """33 x 33 entries of 0.485 mm, the middle one hot: 0.5 mm of the block within its width."""
    power = image(tmp_path, 33, (16, 16))
    block = BLOCK.replace("0.5 mm", "0.484848 mm")
    assert hottest(write(tmp_path, power)) == pytest.approx(
        hottest(write(tmp_path, block)), abs=0.1
    )


def test_a_noisy_map_costs_no_cells(tmp_path):
    """100 entries along a side, each within 20 %: the cells of an even source, or little more."""
    noisy = common_grid(write(tmp_path, image(tmp_path, 100)))
    even = common_grid(write(tmp_path, '"5 W"'))
    assert noisy.shape[2] <= 1.5 * even.shape[2]


def test_even_power_needs_no_lines(tmp_path):
    assert shaped(write(tmp_path, '"5 W"')) == []


def test_a_depth_is_a_line(tmp_path):
    case = write(tmp_path, '{ total = "5 W", side = "top", depth = "20 um" }')
    assert [feature.spacing for feature in shaped(case)] == [(inf, inf)]
    assert np.abs(common_grid(case).z - 130e-6).min() < 1e-12


def test_a_grid_too_coarse_for_a_source_is_named(tmp_path):
    case = write(tmp_path)
    assert narrow_sources(case, common_grid(case)) == []
    case = write(tmp_path, changes={"grid.uniform": "true", "grid.spacing": "0.5 mm"})
    (words,) = narrow_sources(case, common_grid(case))
    assert "part 'chip'" in words and "0.5 mm" in words
