"""Closed forms against the published targets and recomputed numbers."""

import heat_forms
import numpy as np
import pytest

from warp.results import limits
from warp.verify import closed_forms


@pytest.mark.parametrize(
    "fourier, centre, surface",
    [(0.2, 0.950642, 0.643391), (0.5, 0.772526, 0.504522), (1, 0.533859, 0.348177)],
)
def test_convective_slab(fourier, centre, surface):
    assert closed_forms.convective_slab(np.array([0.0, 1.0]), fourier, 1.0) == pytest.approx(
        [centre, surface], abs=1e-6
    )


@pytest.mark.parametrize(
    "t, rise, early",
    [(1e-4, 0.773815, 0.773815), (1e-3, 2.447160, 2.447016), (5e-3, 5.929765, 5.471695)],
)
def test_heated_slab(t, rise, early):
    L, k, capacity, q = 775e-6, 130.0, 1.63566e6, 1e6
    assert closed_forms.heated_slab(L, t, L, k, capacity, q) == pytest.approx(rise, abs=2e-6)
    assert heat_forms.heated_half_space(t, k, capacity, q) == pytest.approx(early, abs=1e-6)


def test_nafems():
    assert heat_forms.radiating_slab() == pytest.approx(927.0, abs=0.01)
    assert closed_forms.oscillating_slab() == pytest.approx(36.603, abs=1e-3)
    assert closed_forms.cooled_rectangle() == pytest.approx(18.254, abs=1e-3)


def test_oscillating_slab_obeys_the_heat_equation():
    x, t, h, s = 0.05, 20.0, 1e-4, 1e-3
    T = closed_forms.oscillating_slab
    diffusion = 35.0 / (440.5 * 7200) * (T(x + h, t) - 2 * T(x, t) + T(x - h, t)) / h**2
    assert (T(x, t + s) - T(x, t - s)) / (2 * s) == pytest.approx(diffusion, rel=1e-4)


def test_long_bar_balances_its_heat():
    T = closed_forms.long_bar(np.array([0.0, 10.0, 20.0]))
    theta = T + 0.00582 * T**2 / 2
    assert T[0] == pytest.approx(100)
    assert theta[1] == pytest.approx((theta[0] + theta[2]) / 2)
    assert 0.038 * (theta[0] - theta[2]) / 20 == pytest.approx(0.005 * (T[2] - 5))


def test_inclusions():
    """NAFEMS T1: 50 MPa just outside the disc. Radial stress is continuous; no mean stress outside
    a sphere.
    """
    radial, tangential = closed_forms.hot_disc(np.array([0.5, 1 + 1e-12]), 1.0, 100e3, 1e-3)
    assert radial == pytest.approx([-50, -50]) and tangential == pytest.approx([-50, 50])
    radial, tangential = closed_forms.hot_sphere(
        np.array([0.5, 1 + 1e-12, 2.0]), 1.0, 100e3, 0.25, 1e-3
    )
    assert radial[0] == pytest.approx(-2 * 100 / 3 / 0.75) == pytest.approx(radial[1])
    assert radial[1:] + 2 * tangential[1:] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    "f, K, G, upper",
    [(0.3, 5.0456, 2.0370, 37.80), (0.5, 7.0740, 3.1864, 25.41), (0.6, 8.6479, 4.1203, 19.80)],
)
def test_silica_in_epoxy(f, K, G, upper):
    """Epoxy 3 GPa, .35, 60 ppm/K; silica 73 GPa, .17, .5 ppm/K: Mori-Tanaka moduli and Schapery's
    upper bound.
    """
    Km, Gm, Kf, Gf = 3 / 3 / 0.3, 3 / 2 / 1.35, 73 / 3 / 0.66, 73 / 2 / 1.17
    assert closed_forms.mori_tanaka(f, Km, Gm, Kf, Gf) == pytest.approx((K, G), abs=1e-4)
    assert closed_forms.levin_cte(K, Km, 60.0, Kf, 0.5) == pytest.approx(upper, abs=0.01)
    assert closed_forms.levin_cte(np.array([Km, Kf]), Km, 60.0, Kf, 0.5) == pytest.approx([60, 0.5])


@pytest.mark.parametrize(
    "a, f, k",
    [
        (10, 0.2, 1.5317),
        (10, 0.4, 2.3623),
        (10, 0.5, 3.0902),
        (1000, 0.2, 1.7530),
        (1000, 0.4, 3.2372),
        (1000, 0.5, 5.2285),
    ],
)
def test_simple_cubic_spheres(a, f, k):
    assert closed_forms.simple_cubic_conductivity(f, a) == pytest.approx(k, abs=1e-4)


def test_jeita_limits():
    assert limits.jeita_limit(1.0e-3) == pytest.approx(0.22e-3)
    assert limits.jeita_limit(0.9e-3) == pytest.approx(0.17e-3)
    assert limits.jeita_limit(0.3e-3) == pytest.approx(0.10e-3)
