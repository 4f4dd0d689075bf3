"""Spreading resistances and the two-die stack against published and recomputed temperatures."""

import heat_forms
import numpy as np
import pytest

from warp.verify import spreading
from warp.verify.spreading import PlaneSource, Rectangle, Sheet, Slab


def sheet(t, k):
    return Sheet(t, k, k, k)


COPPER = sheet(1.3e-3, 386.0)


@pytest.mark.parametrize(
    "side, source, sheets, h, mean, centre, one",
    [
        (16.3e-3, (8.15, 8.15, 1.75, 1.75), [COPPER], 1.5e4, 1.02585, 1.16514, 0.263595),
        (
            16.3e-3,
            (8.15, 8.15, 1.75, 1.75),
            [COPPER, sheet(0.25e-3, 2000.0)],
            1.5e4,
            0.885758,
            1.015135,
            0.264065,
        ),
        (40e-3, (15, 12, 10, 10), [sheet(3e-3, 390.0)], 1e3, 0.816136, 0.851403, 0.629808),
        (
            40e-3,
            (20, 20, 20, 20),
            [sheet(0.05e-3, 4.0), sheet(1e-3, 390.0)],
            2e3,
            0.456159,
            0.521531,
            0.321915,
        ),
    ],
)
def test_flux_channel(side, source, sheets, h, mean, centre, one):
    r = spreading.channel_resistance(
        side, side, Rectangle(*(1e-3 * np.array(source))), sheets, h, modes=1000
    )
    assert r.mean == pytest.approx(mean, rel=2e-5)
    assert r.centre == pytest.approx(centre, rel=2e-4)
    assert r.one_dimensional == pytest.approx(one, rel=2e-6)


def test_an_orthotropic_sheet_is_a_stretched_isotropic_one():
    """Scaling x by sqrt(kx/kz) turns it into an isotropic sheet of conductivity kz carrying the
    same heat.
    """
    s = 2.0
    plain = spreading.channel_resistance(
        0.04, 0.03, Rectangle(0.015, 0.01, 0.008, 0.006), [sheet(2e-3, 10.0)], 500, 100
    )
    wide = Rectangle(s * 0.015, 0.01, s * 0.008, 0.006)
    stretched = spreading.channel_resistance(
        s * 0.04, 0.03, wide, [Sheet(2e-3, 10 * s**2, 10, 10)], 500, 100
    )
    assert s * np.array(stretched) == pytest.approx(np.array(plain), rel=1e-12)


@pytest.mark.parametrize(
    "a, b, t, h, mean, centre, lee_mean, lee_centre",
    [
        (5, 20, 3, 1e3, 0.148940, 0.184686, 0.139273, 0.181464),
        (5, 20, 1, 1e4, 0.259623, 0.332846, 0.268627, 0.350004),
        (2, 20, 10, 1e3, 0.304143, 0.365852, 0.308884, 0.367392),
    ],
)
def test_disc(a, b, t, h, mean, centre, lee_mean, lee_centre):
    """The spreading part alone, without one-dimensional flow."""
    r = spreading.disc_resistance(a * 1e-3, b * 1e-3, t * 1e-3, 390, h)
    assert r.mean - r.one_dimensional == pytest.approx(mean, rel=2e-5)
    assert r.centre - r.one_dimensional == pytest.approx(centre, rel=1e-3)
    lee = heat_forms.disc_resistance_lee(a * 1e-3, b * 1e-3, t * 1e-3, 390, h)
    assert lee.mean - lee.one_dimensional == pytest.approx(lee_mean, rel=1e-5)
    assert lee.centre - lee.one_dimensional == pytest.approx(lee_centre, rel=1e-5)


def test_bessel():
    """Abramowitz and Stegun table 9.1 and the first zeros of J1."""
    assert spreading.bessel(0, [0.0, 1.0, 10.0]) == pytest.approx(
        [1, 0.765197686557967, -0.245935764451348], abs=1e-14
    )
    assert spreading.bessel_j1_zeros(3) == pytest.approx(
        [3.831705970207512, 7.015586669815619, 10.173468135062722]
    )


MM = 1e-3
TWO_DIES = [
    PlaneSource(1e-6, Rectangle(5 * MM, 5 * MM, 10 * MM, 10 * MM), 50.0),
    PlaneSource(99e-6, Rectangle(2.5 * MM, 2.5 * MM, 5 * MM, 5 * MM), 12.5),
    PlaneSource(99e-6, Rectangle(7.5 * MM, 7.5 * MM, 5 * MM, 5 * MM), 12.5),
]
PROBES = [(5.025 * MM, 4.9 * MM, 1e-6), (0.025 * MM, 0.1 * MM, 99e-6)]


def two_dies(bottom, top):
    return Slab(10 * MM, 10 * MM, 100e-6, 130.0, bottom, top)


@pytest.mark.parametrize(
    "bottom, top, series, published",
    [
        (0.0, 1e5, (307.8300, 310.0076), (307.821, 310.008)),
        (1e5, 0.0, (307.4531, 310.3845), (307.441, 310.388)),
        (1e5, 1e5, (303.7563, 305.0038), (303.745, 305.004)),
    ],
)
def test_two_die_stack(bottom, top, series, published):
    """3D-ICE's regression case; 0.01 K of it is its own 50 x 200 um cells."""
    T = [300 + spreading.slab_temperature(two_dies(bottom, top), TWO_DIES, p) for p in PROBES]
    assert T == pytest.approx(series, abs=1.5e-4)
    assert T == pytest.approx(published, abs=0.013)


@pytest.mark.parametrize(
    "bottom, top, published",
    [
        (
            0.0,
            1e5,
            [(304.281, 305.475), (306.202, 307.937), (307.081, 309.062), (307.483, 309.575)],
        ),
        (1e5, 0.0, [(304.072, 305.684)]),
        (1e5, 1e5, [(302.666, 303.558)]),
    ],
)
def test_two_die_stack_heats_up(bottom, top, published):
    """3D-ICE's first time steps of 2 ms, backward Euler as there."""
    slab = two_dies(bottom, top)
    steps = [
        heat_forms.slab_heating(slab, 1.63566e6, TWO_DIES, p, 2e-3, len(published), modes=100)
        for p in PROBES
    ]
    assert 300 + np.array(steps).T == pytest.approx(np.array(published), abs=0.013)
