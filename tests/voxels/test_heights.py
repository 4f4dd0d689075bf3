"""Weights of levels: sums over a layer's cells are exact for strain that is linear in z."""

import numpy as np
import pytest

from warp.geometry.shapes import Body, Box
from warp.voxels.grid import Grid, GridSettings, make_grid
from warp.voxels.heights import end_corrected, weighted_heights


@pytest.mark.parametrize("count", [7, 8, 12, 31])
def test_weights_give_the_bending_stiffness_of_a_layer(count):
    z, weights = np.arange(count) - (count - 1) / 2, end_corrected(count)
    assert weights.sum() == pytest.approx(count, rel=1e-14)
    assert weights @ z**2 == pytest.approx(count**3 / 12, rel=1e-13)
    assert weights @ z == pytest.approx(0, abs=1e-12) and weights.min() > 0.9


@pytest.mark.parametrize("count", [1, 2, 6])
def test_sheets_of_few_cells_keep_their_heights(count):
    assert end_corrected(count).tolist() == [1.0] * count


def test_weights_follow_the_layers_of_a_package():
    """Each part by itself: 12 cells below, 8 above, whose sides step inwards."""
    bodies = [
        Body("a", "a", (Box(0, 4e-3, 0, 4e-3, 0, 1.2e-3),)),
        Body("b", "b", (Box(0, 2e-3, 0, 2e-3, 1.2e-3, 2e-3),)),
    ]
    grid = make_grid(bodies, GridSettings(cells={"a": 12, "b": 8}))
    assert grid.breaks == (0, 12, 20)
    assert weighted_heights(grid) == pytest.approx(
        np.concatenate([1e-4 * end_corrected(12), 1e-4 * end_corrected(8)])
    )
    assert weighted_heights(Grid(grid.x, grid.y, grid.z)) == pytest.approx(grid.dz)
