"""The highest point of a biquadratic against closed forms."""

import numpy as np
import pytest

from warp.results.peak import peak


def values(f):
    """Return a function of (s, t) at the nine points of a cell."""
    at = np.array([0.0, 0.5, 1.0])
    return f(at[:, None], at[None, :])


def test_top_of_a_turned_dome_is_found():
    """Its axes do not lie along the cell's."""
    F = values(
        lambda s, t: 3 - (s - 0.31) ** 2 - 2 * (t - 0.77) ** 2 + 1.5 * (s - 0.31) * (t - 0.77)
    )
    assert peak(F, 0.5, 0.5) == pytest.approx((0.31, 0.77, 3.0), abs=1e-12)


def test_top_beyond_the_cell_is_the_highest_of_its_edge():
    F = values(lambda s, t: 3 - (s - 1.2) ** 2 - 2 * (t - 0.4) ** 2)
    assert peak(F, 0.5, 0.5) == pytest.approx((1.0, 0.4, 2.96), abs=1e-12)


def test_slope_without_a_top_ends_at_a_corner():
    F = values(lambda s, t: s - t + 0.1 * s * t)
    assert peak(F, 0.2, 0.9) == pytest.approx((1.0, 0.0, 1.0), abs=1e-12)


def test_height_does_not_depend_on_the_start():
    F = np.random.default_rng(3).standard_normal((3, 3)) * 0.02 + values(
        lambda s, t: -((s - 0.6) ** 2) - (t - 0.3) ** 2
    )
    tops = [peak(F, s, t)[2] for s in (0.4, 0.6, 0.8) for t in (0.1, 0.3, 0.5)]
    assert np.ptp(tops) < 1e-14
