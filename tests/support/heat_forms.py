"""Closed forms of heat flow that only tests use; letters as in `warp.verify`."""

from collections.abc import Sequence

import numpy as np

from warp.verify.spreading import (
    PlaneSource,
    Resistance,
    Slab,
    cosine_weights,
    slab_temperature,
)

STEFAN_BOLTZMANN = 5.670374419e-8  # W/m2K4, CODATA 2018 (exact)


def heated_half_space(t: float, k: float, capacity: float, q: float) -> float:
    """Give the surface rise 2 q sqrt(a t/pi)/k of a half space: what a thick slab does at first."""
    return 2 * q * float(np.sqrt(t / (capacity * k * np.pi)))


def radiating_slab(
    L: float = 0.1,
    k: float = 55.6,
    hot: float = 1000.0,
    emissivity: float = 0.98,
    ambient: float = 300.0,
) -> float:
    """Give the temperature (K) of a slab's radiating face, the other held at `hot`.

    The defaults are NAFEMS T2, 927 K.

    k (T_hot - T)/L = e s (T^4 - T_amb^4).
    """
    low, high = ambient, hot
    for _ in range(200):
        T = (low + high) / 2
        gain = k * (hot - T) / L - emissivity * STEFAN_BOLTZMANN * (T**4 - ambient**4)
        low, high = (T, high) if gain > 0 else (low, T)
    return T


def disc_resistance_lee(a: float, b: float, t: float, k: float, h: float) -> Resistance:
    """Approximate `disc_resistance` in closed form, within 7 % (Lee, Song, Au and Moran 1995)."""
    eps = a / b
    d = np.pi + 1 / (np.sqrt(np.pi) * eps)
    th, ratio = np.tanh(d * t / b), d * k / (h * b)
    phi = (th + ratio) / (1 + ratio * th)
    one = (t / k + 1 / h) / (np.pi * b**2)
    mean = (1 - eps) ** 1.5 * phi / (2 * np.sqrt(np.pi) * k * a)
    return Resistance(one + mean, one + (1 - eps) * phi / (np.pi * k * a), one)


def slab_heating(
    slab: Slab,
    capacity: float,
    sources: Sequence[PlaneSource],
    point: Sequence[float],
    step: float,
    steps: int,
    modes: int = 200,
    levels: int = 6,
) -> np.ndarray:
    """Give the rise at `point` after each of `steps` backward-Euler steps from a slab at ambient.

    Capacity is rho c in J/m3K. Every mode (lambda_m, delta_n, mu_l) of decay rate r approaches its
    steady share as 1 - (1 + r dt)^-n; the fast levels beyond `levels` are taken as steady, which is
    why the exact steady sum is used.
    Roots: tan(mu t) = mu k (h_b + h_t)/(k^2 mu^2 - h_b h_t), one in each interval of length pi/t.
    """
    x, y, z = point
    a, b, t, k, h_bottom, h_top = slab
    mu = np.array([level_root(n, t, h_bottom / k, h_top / k) for n in range(levels)])
    shape = lambda s: np.cos(mu * s) + h_bottom / (k * mu) * np.sin(mu * s)  # noqa: E731
    s, weight = np.polynomial.legendre.leggauss(8 * levels + 16)
    norm = sum(w * shape(t * (1 + p) / 2) ** 2 for p, w in zip(s, weight, strict=True)) * t / 2
    rise = np.full(steps, slab_temperature(slab, sources, point, modes))
    for source in sources:
        lam, sx, ex = cosine_weights(a, source.area.x, source.area.dx, modes)
        delta, sy, ey = cosine_weights(b, source.area.y, source.area.dy, modes)
        weight_xy = (ey * sy * np.cos(delta * y))[:, None] * (ex * sx * np.cos(lam * x))[None, :]
        for m, share in zip(mu, shape(source.z) * shape(z) / norm, strict=True):
            rate = k * (lam[None, :] ** 2 + delta[:, None] ** 2 + m**2) / capacity
            steady = source.power / (a * b) * share * weight_xy / (rate * capacity)
            for n in range(steps):
                rise[n] -= float((steady * (1 + rate * step) ** -(n + 1.0)).sum())
    return rise


def level_root(n: int, t: float, hb: float, ht: float) -> float:
    """Find the root n of (mu^2 - hb ht) sin(mu t) = mu (hb + ht) cos(mu t).

    It lies in (n pi/t, (n + 1) pi/t).
    """
    low, high = n * np.pi / t, (n + 1) * np.pi / t
    phase = lambda mu: mu * t - n * np.pi - np.arctan(hb / mu) - np.arctan(ht / mu)  # noqa: E731
    for _ in range(200):
        mid = (low + high) / 2
        low, high = (mid, high) if phase(mid) < 0 else (low, mid)
    return mid
