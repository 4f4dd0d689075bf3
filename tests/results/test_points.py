"""Displacement at voxel corners: a linear field is exact up to the surface, whatever is void."""

from types import SimpleNamespace

import numpy as np
import pytest

from warp.results.points import corner_displacement


def test_a_linear_field_is_exact_in_every_corner_of_a_stepped_body():
    x, y, z = np.array([0, 1, 3, 4, 6.0]), np.array([0, 2, 3, 5.0]), np.array([0, 1, 2, 4, 5.0])
    solid = np.ones((4, 3, 4), bool)
    solid[2:, :, 2:] = False
    middle = [np.append((line[1:] + line[:-1]) / 2, 0) for line in (z, y, x)]
    gradient = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9.0]])
    u = np.zeros((3, 5, 4, 5))
    for a, own in enumerate((2, 1, 0)):
        at = [(z, y, x)[n] if n == own else middle[n] for n in range(3)]
        Z, Y, X = np.meshgrid(*at, indexing="ij")
        u[a] = gradient[a, 0] * X + gradient[a, 1] * Y + gradient[a, 2] * Z
    found = corner_displacement(SimpleNamespace(x=x, y=y, z=z, mirror=(False, False)), u, solid)
    Z, Y, X = np.meshgrid(z, y, x, indexing="ij")
    right = np.stack([X, Y, Z], axis=-1) @ gradient.T
    corner = np.zeros((5, 4, 5), bool)
    for k, j, i in np.ndindex(2, 2, 2):
        corner[k : k + 4, j : j + 3, i : i + 4] |= solid
    assert found[corner] == pytest.approx(right[corner], rel=1e-6)
    assert (found[~corner] == 0).all()


def test_beyond_a_mirror_plane_lies_the_image():
    """Bending w = x^2 has no slope at x = 0: its corners there are those of the first column."""
    x, y, z = np.array([0, 1, 2.5, 4.0]), np.array([0, 1, 2.0]), np.array([0, 1, 2.0])
    u = np.zeros((3, 3, 3, 4))
    u[2] = np.append((x[1:] + x[:-1]) / 2, 0.0) ** 2
    grid = SimpleNamespace(x=x, y=y, z=z, mirror=(True, False))
    found = corner_displacement(grid, u, np.ones((2, 2, 3), bool))
    assert found[..., 0, 2] == pytest.approx(0.25)
    assert found[..., 1, 2] == pytest.approx(0.25 + (1.75**2 - 0.25) * 0.5 / 1.25)
