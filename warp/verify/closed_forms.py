"""Closed forms for comparison: slabs in time, inclusions, mixtures, warpage limits.

Bent stacks are in `laminate`, spreading heat in `spreading`. Any consistent units unless said; the
letters are those of each docstring's equation: k conductivity, h film, E Young's modulus, nu
Poisson's ratio, alpha expansion.

Sources: H. S. Carslaw and J. C. Jaeger, Conduction of Heat in Solids (1959), 3.8, 3.11; NAFEMS, The
Standard NAFEMS Benchmarks (1990), T2, T3, T4; J. N. Goodier, Phil. Mag. 23 (1937) 1017; V. M.
Levin, Mekh. Tverd. Tela 2 (1967) 88; R. C. McPhedran and D. R. McKenzie, Proc. R. Soc. A 359 (1978)
45; A. S. Sangani and A. Acrivos, Proc. R. Soc. A 386 (1983) 263; JEITA ED-7306 (2007).
"""

import numpy as np

Number = float | np.ndarray


def film_roots(biot: float, count: int) -> np.ndarray:
    """Give the first positive roots of z tan z = Bi by bisection.

    There is one in each (n pi, n pi + pi/2).
    """
    start = np.arange(count) * np.pi
    low, high = start, start + np.pi / 2
    for _ in range(60):
        mid = (low + high) / 2
        below = mid * np.sin(mid - start) < biot * np.cos(mid - start)
        low, high = np.where(below, mid, low), np.where(below, high, mid)
    return (low + high) / 2


def convective_slab(x: Number, fourier: float, biot: float, terms: int = 60) -> Number:
    """Cool a slab 0 < x < 1, insulated at x = 0, film at x = 1.

    Gives the fraction of the first temperature that is left.

    theta = SUM 4 sin z/(2z + sin 2z) exp(-z^2 Fo) cos(z x), z tan z = Bi = h L/k, Fo = (k/rho c)
    t/L^2 > 0.
    """
    z = film_roots(biot, terms)
    weight = 4 * np.sin(z) / (2 * z + np.sin(2 * z)) * np.exp(-(z**2) * fourier)
    return np.cos(np.multiply.outer(x, z)) @ weight


def heated_slab(
    x: Number, t: float, L: float, k: float, capacity: float, q: float, terms: int = 200
) -> Number:
    """Heat a slab 0 < x < L by a flux q at x = L, insulated at x = 0, from zero; capacity = rho c.

    T = q t/(rho c L) + (q L/k) [(3x^2 - L^2)/(6L^2) - (2/pi^2) SUM (-1)^n/n^2 exp(-a n^2 pi^2
    t/L^2) cos(n pi x/L)].
    """
    n = np.arange(1, terms + 1)
    s = np.asarray(x) / L
    decay = (-1.0) ** n / n**2 * np.exp(-k / capacity * n**2 * np.pi**2 * t / L**2)
    series = np.cos(np.multiply.outer(s, n * np.pi)) @ decay
    return q * t / (capacity * L) + q * L / k * ((3 * s**2 - 1) / 6 - 2 / np.pi**2 * series)


def oscillating_slab(
    x: Number = 0.08,
    t: float = 32.0,
    L: float = 0.1,
    k: float = 35.0,
    capacity: float = 440.5 * 7200.0,
    terms: int = 200,
) -> Number:
    """Give T(x, t) with T(0) = 0, T(L) = 100 sin(pi t/40), zero at first.

    The defaults are NAFEMS T3, 36.60 C.

    T = (x/L) f + SUM b_n sin(n pi x/L), b_n' + r_n b_n = 2 (-1)^n f'/(n pi), r_n = (k/rho c) (n
    pi/L)^2.
    """
    w = np.pi / 40
    n = np.arange(1, terms + 1)
    r = k / capacity * (n * np.pi / L) ** 2
    b = (
        200
        * (-1.0) ** n
        / (n * np.pi)
        * w
        * (r * np.cos(w * t) + w * np.sin(w * t) - r * np.exp(-r * t))
        / (r**2 + w**2)
    )
    s = np.asarray(x) / L
    return 100 * np.sin(w * t) * s + np.sin(np.multiply.outer(s, n * np.pi)) @ b


def cooled_rectangle(
    x: float = 0.6,
    y: float = 0.2,
    a: float = 0.6,
    b: float = 1.0,
    k: float = 52.0,
    h: float = 750.0,
    terms: int = 200,
) -> float:
    """Give T in 0 < x < a, 0 < y < b with T = 100 at y = 0, insulated at x = 0.

    Films h to 0 on the other sides.

    T = 100 SUM 4 sin z/(2z + sin 2z) cos(z x/a) Y, z tan z = h a/k, Y = [cosh l(b-y) + h/(kl) sinh
    l(b-y)]/[same at y = 0], l = z/a. The defaults are NAFEMS T4: 18.25 C (published target 18.3).
    """
    z = film_roots(h * a / k, terms)
    lam = z / a

    def grow(s: float) -> np.ndarray:
        decay = np.exp(-2 * lam * s)
        return (1 + decay) / 2 + h / (k * lam) * (1 - decay) / 2

    Y = grow(b - y) / grow(b) * np.exp(-lam * y)
    return float(100 * (4 * np.sin(z) / (2 * z + np.sin(2 * z)) * np.cos(z * x / a) * Y).sum())


def long_bar(
    x: Number,
    L: float = 20.0,
    T0: float = 100.0,
    k0: float = 0.038,
    slope: float = 0.00582,
    h: float = 0.005,
    ambient: float = 5.0,
) -> Number:
    """Give T(x) of a bar of conductivity k0 (1 + b T), T0 at x = 0, a film h at x = L.

    The defaults are VMMECH007.

    theta = T + b T^2/2 (Kirchhoff) is linear: theta = theta_0 - h (T_L - T_amb) x/k0, T_L the root
    at x = L.
    """
    b = slope
    theta = T0 + b * T0**2 / 2
    p = 1 + h * L / k0
    right = (-p + np.sqrt(p**2 + 2 * b * (theta + h * L * ambient / k0))) / b
    return (-1 + np.sqrt(1 + 2 * b * (theta - h * (right - ambient) * np.asarray(x) / k0))) / b


def hot_sphere(r: Number, a: float, E: float, nu: float, strain: float) -> tuple[Number, Number]:
    """Give the stresses (radial, tangential) of a sphere that would grow by `strain`.

    It lies in an infinite body of its own stiffness.

    Inside both are -p, p = 2 E e/[3 (1 - nu)]; outside radial -p (a/r)^3, tangential +p/2 (a/r)^3
    (Goodier 1937).
    """
    p = 2 * E * strain / (3 * (1 - nu))
    inside = np.asarray(r) < a
    fall = (a / np.maximum(r, a)) ** 3
    return np.where(inside, -p, -p * fall), np.where(inside, -p, p / 2 * fall)


def hot_disc(r: Number, a: float, E: float, strain: float) -> tuple[Number, Number]:
    """Give the plane stresses (radial, tangential) of a disc that would grow by `strain`.

    It lies in an infinite sheet of its own stiffness.

    Inside both are -E e/2; outside -+(E e/2) (a/r)^2. NAFEMS T1 is E = 100 GPa, e = 1e-3: 50 MPa
    just outside.
    """
    p = E * strain / 2
    inside = np.asarray(r) < a
    fall = (a / np.maximum(r, a)) ** 2
    return np.where(inside, -p, -p * fall), np.where(inside, -p, p * fall)


def levin_cte(K: Number, K1: float, alpha1: float, K2: float, alpha2: float) -> Number:
    """Give the expansion of an isotropic two-phase body of bulk modulus K (Levin 1967).

    Exact for any geometry.

    alpha = alpha1 + (alpha2 - alpha1) (1/K - 1/K1)/(1/K2 - 1/K1); bounds of K make bounds of alpha
    (Schapery).
    """
    return alpha1 + (alpha2 - alpha1) * (1 / K - 1 / K1) / (1 / K2 - 1 / K1)


def mori_tanaka(f: float, Km: float, Gm: float, Kf: float, Gf: float) -> tuple[float, float]:
    """Give (K, G) of a matrix with a fraction f of spheres.

    For stiff spheres that is also the lower Hashin-Shtrikman bound.
    """
    K = Km + f / (1 / (Kf - Km) + 3 * (1 - f) / (3 * Km + 4 * Gm))
    z = Gm * (9 * Km + 8 * Gm) / (6 * (Km + 2 * Gm))
    return K, Gm + f / (1 / (Gf - Gm) + (1 - f) / (Gm + z))


def simple_cubic_conductivity(f: float, a: float) -> float:
    """Give k/k_matrix of spheres on a simple cubic lattice, share f.

    a = k_sphere/k_matrix (Sangani and Acrivos 1983).

    L_i = (a-1)/(a + 2i/(2i-1)); k = 1 - 3f/{-1/L1 + f + 1.305 L2 f^(10/3) (1 + .231 L3 f^(11/3))/(1
    - .405 L2 f^(7/3)) + .0723 L3 f^(14/3) + .153 L4 f^6 + .0105 L5 f^(22/3)}; a truncated multipole
    series, doubtful near touching (f = pi/6) for a > 100.
    """
    i = np.arange(1, 6)
    L1, L2, L3, L4, L5 = (a - 1) / (a + 2 * i / (2 * i - 1))
    pairs = (
        1.305
        * L2
        * f ** (10 / 3)
        * (1 + 0.231 * L3 * f ** (11 / 3))
        / (1 - 0.405 * L2 * f ** (7 / 3))
    )
    far = 0.0723 * L3 * f ** (14 / 3) + 0.153 * L4 * f**6 + 0.0105 * L5 * f ** (22 / 3)
    return float(1 - 3 * f / (-1 / L1 + f + pairs + far))
