"""Shapes: volume, bounds, lines."""

import numpy as np
import pytest

from warp.geometry.shapes import Balls, Body, Box, Columns, Prism


def test_volumes_by_hand():
    assert Box(0, 2, 0, 3, 1, 5).volume() == 24
    assert (
        Prism([[0, 0], [2, 0], [2, 2], [1, 2], [1, 1], [0, 1]], 0, 2).volume() == 6
    )  # an L of three squares
    assert Prism([[0, 0], [0, 1], [1, 0]], 0, 2).volume() == 1  # clockwise
    assert Columns([[0, 0], [3, 0]], 2, 0, 5).volume() == pytest.approx(10 * np.pi)
    assert Columns([[0, 0], [3, 0]], 2, 0, 5, square=True).volume() == 40


def test_ball_between_planes():
    """A whole sphere when the planes are far; R = 5, h = 6: pi (25 * 6 - 6^3 / 12) = 132 pi."""
    assert Balls([[0, 0]], 2, -3, 3).volume() == pytest.approx(4 / 3 * np.pi)
    assert Balls([[0, 0], [20, 0]], 10, 0, 6).volume() == pytest.approx(2 * 132 * np.pi)


def test_bounds_of_a_body():
    body = Body("ring", "copper", (Box(-2, -1, -2, 2, 0, 1), Columns([[5, 0]], 2, 0.5, 3)))
    assert body.bounds == (-2, 6, -2, 2, 0, 3)


def test_prism_snaps_to_its_straight_edges_only():
    """A square with one corner cut: lines at the cut are left to the grid."""
    xs, ys, zs = Prism([[0, 0], [4, 0], [4, 3], [3, 4], [0, 4]], 0, 1).snaps()
    assert xs.tolist() == [0, 4]
    assert ys.tolist() == [0, 4]
    assert zs.tolist() == [0, 1]


def test_columns_snap_to_both_sides_of_each():
    xs, ys, _ = Columns([[0, 0], [1, 0]], 0.5, 0, 1).snaps()
    assert xs.tolist() == [-0.25, 0.25, 0.75, 1.25]
    assert ys.tolist() == [-0.25, 0.25]
