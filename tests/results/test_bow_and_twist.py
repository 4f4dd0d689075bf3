"""Bow and twist by IPC-TM-650 2.4.22 on shapes whose answer is a formula."""

import numpy as np
import pytest

from warp.results import flatness, metrics
from warp.results.surface import Surface

A, B = 60e-3, 40e-3  # edges along x and y [m]


def numbers(w):
    """Bow along x and y and twist, in per cent, of a board 60 x 40 mm on uneven lines."""
    x = A / 2 * np.sin(np.linspace(-np.pi / 2, np.pi / 2, 21))
    y = B / 2 * np.sin(np.linspace(-np.pi / 2, np.pi / 2, 15))
    heights = w(x[None, :], y[:, None]) + 0 * x[None, :] * y[:, None]
    surface = Surface("board", "bottom", x, y, heights, np.ones((14, 20), bool))
    found = metrics.surface_numbers(flatness.warpage(surface))
    return [found[key] for key in ("bow_x_percent", "bow_y_percent", "twist_percent")]


def test_a_tilted_plane_has_neither():
    assert numbers(lambda x, y: 0.01 * x - 0.02 * y + 1e-3) == pytest.approx([0, 0, 0], abs=1e-12)


@pytest.mark.parametrize("sign", (1, -1))
def test_a_cylinder_bows_along_its_curved_edges_only(sign):
    """Curvature kappa lifts an edge of length L by kappa L^2/8: B = 100 kappa L/8."""
    kappa = 0.2
    bow = 100 * kappa * A / 8
    found = numbers(lambda x, y: sign * kappa * x**2 / 2 + 0.01 * y)
    assert found == pytest.approx([bow, 0, 0], rel=1e-9, abs=1e-12)


def test_a_sphere_bows_along_both_edges():
    kappa = 0.2
    found = numbers(lambda x, y: kappa * (x**2 + y**2) / 2)
    assert found == pytest.approx([100 * kappa * A / 8, 100 * kappa * B / 8, 0], abs=1e-12)


def test_a_saddle_twists():
    """w = c x y: with three corners down the fourth stands c A B high; T = 100 c A B / (2 D)."""
    c = 0.3
    found = numbers(lambda x, y: c * x * y)
    assert found == pytest.approx([0, 0, 100 * c * A * B / (2 * np.hypot(A, B))], abs=1e-12)


def test_the_worse_of_two_edges_counts():
    found = numbers(lambda x, y: np.where(y > 0, 1.0, 0.5) * x**2)
    assert found[0] == pytest.approx(100 * (A / 2) ** 2 / A)


def test_a_surface_without_corners_has_no_bow():
    x = np.linspace(-1e-3, 1e-3, 6)
    cells = np.ones((5, 5), bool)
    cells[0, 0] = False
    w = np.where(np.add.outer(x, x) < -1.9e-3, np.nan, 0.0)
    found = metrics.surface_numbers(flatness.warpage(Surface("p", "top", x, x, w, cells)))
    assert found["bow_x_percent"] is None and found["twist_percent"] is None
