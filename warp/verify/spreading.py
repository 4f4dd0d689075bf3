"""Closed forms for heat that spreads: flux channel, disc on a disc, sources inside a cooled slab.

All are separable series for constant conductivity and adiabatic sides; SI units, temperatures as
rises.

Sources: Y. S. Muzychka, J. R. Culham and M. M. Yovanovich, J. Electron. Packag. 125 (2003) 178
(channel, layers); S. Song, S. Lee and V. Au, Proc. IEPS (1994) and S. Lee, S. Song, V. Au and K. P.
Moran, ASME/JSME Thermal Eng. Conf. (1995) (disc); H. S. Carslaw and J. C. Jaeger, Conduction of
Heat in Solids (1959).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Number = float | np.ndarray


class Rectangle(NamedTuple):
    """Hold a rectangle centred at (x, y) with sides (dx, dy)."""

    x: float
    y: float
    dx: float
    dy: float


class Sheet(NamedTuple):
    """Hold a full-area layer: thickness and conductivities (kx, ky, kz)."""

    t: float
    kx: float
    ky: float
    kz: float


class Resistance(NamedTuple):
    """Hold K/W: mean over the source, at its centre, and that of one-dimensional flow."""

    mean: float
    centre: float
    one_dimensional: float


def cosine_weights(
    length: float, centre: float, width: float, modes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expand a strip of a wall in cosines: lambda_m, means on the strip, e_m = 1, 2, 2 ...

    lambda_m = m pi/length, means of cos(lambda_m x).
    """
    m = np.arange(modes)
    lam = m * np.pi / length
    return lam, np.cos(lam * centre) * np.sinc(m * width / (2 * length)), np.where(m == 0, 1.0, 2.0)


def channel_resistance(
    a: float, b: float, source: Rectangle, sheets: Sequence[Sheet], h: float, modes: int = 1000
) -> Resistance:
    """Spread heat from a uniform rectangular source on an a x b stack of sheets.

    Cooled by a film h on the far face.

    Sheets from the source side. With g^2 = (kx lambda^2 + ky delta^2)/kz the admittance of mode (m,
    n) starts as Y = h and climbs through every sheet, Y <- kz g (Y + kz g tanh(g t))/(kz g + Y
    tanh(g t)), 1/Y <- 1/Y + t/kz for (0, 0); mean = (1/ab) SUM e_m e_n S_x^2 S_y^2/Y, centre =
    (1/ab) SUM e_m e_n S_x S_y cos cos/Y.
    """
    lam, sx, ex = cosine_weights(a, source.x, source.dx, modes)
    delta, sy, ey = cosine_weights(b, source.y, source.dy, modes)
    mean = centre = 0.0
    for d, s, e in zip(delta, sy, ey, strict=True):
        Y = np.full(modes, h)
        for t, kx, ky, kz in reversed(sheets):
            g = np.sqrt((kx * lam**2 + ky * d**2) / kz)
            th, kg = np.tanh(g * t), kz * g
            flat = g == 0
            kg[flat] = 1.0
            Y = np.where(flat, 1 / (1 / Y + t / kz), kg * (Y + kg * th) / (kg + Y * th))
        term = e * ex / Y
        mean += (term * sx**2).sum() * s**2
        centre += (term * sx * np.cos(lam * source.x)).sum() * s * np.cos(d * source.y)
    one = 1 / h + sum(sheet.t / sheet.kz for sheet in sheets)
    return Resistance(mean / (a * b), centre / (a * b), one / (a * b))


def bessel(order: int, x: Number) -> np.ndarray:
    """Give J_n(x) = (1/pi) INT_0^pi cos(n s - x sin s) ds by the trapezoidal rule.

    Exact to round-off beyond x points.
    """
    x = np.asarray(x, float)
    points = int(abs(x).max()) + 40
    s = np.arange(points) * 2 * np.pi / points
    return np.stack([np.cos(order * s - value * np.sin(s)).mean() for value in x.ravel()]).reshape(
        x.shape
    )


def bessel_j1_zeros(count: int) -> np.ndarray:
    """Give the positive zeros of J1.

    McMahon's expansion, two Newton steps with J1' = J0 - J1/x.
    """
    b = (np.arange(1, count + 1) + 0.25) * np.pi
    x = b - 3 / (8 * b) + 36 / (3 * (8 * b) ** 3)
    for _ in range(2):
        j1 = bessel(1, x)
        x = x - j1 / (bessel(0, x) - j1 / x)
    return x


def disc_resistance(
    a: float, b: float, t: float, k: float, h: float, terms: int = 800
) -> Resistance:
    """Spread heat from a uniform disc (radius a) on a disc (radius b, thickness t); exact.

    Cooled by a film h on the far side.

    J1(d_n) = 0, eps = a/b, tau = t/b, Bi = h b/k, Phi = (tanh(d tau) + d/Bi)/(1 + (d/Bi) tanh(d
    tau)); mean = [4/(pi k a eps)] SUM J1(d eps)^2 Phi/(d^3 J0(d)^2), centre = [2/(pi k a)] SUM J1(d
    eps) Phi/(d^2 J0(d)^2), both with the one-dimensional t/(k pi b^2) + 1/(h pi b^2) added here.
    """
    eps, d = a / b, bessel_j1_zeros(terms)
    th, ratio = np.tanh(d * t / b), d * k / (h * b)
    phi = (th + ratio) / (1 + ratio * th)
    j, norm = bessel(1, d * eps), bessel(0, d) ** 2
    one = (t / k + 1 / h) / (np.pi * b**2)
    mean = 4 / (np.pi * k * a * eps) * (j**2 * phi / (d**3 * norm)).sum()
    centre = 2 / (np.pi * k * a) * (j * phi / (d**2 * norm)).sum()
    return Resistance(one + mean, one + centre, one)


class PlaneSource(NamedTuple):
    """Hold a rectangle of uniform power (W) in the plane at height z."""

    z: float
    area: Rectangle
    power: float


class Slab(NamedTuple):
    """Hold a block a x b x t of conductivity k with films on bottom and top, sides adiabatic.

    The bottom is z = 0, the top z = t.
    """

    a: float
    b: float
    t: float
    k: float
    h_bottom: float
    h_top: float


def slab_temperature(
    slab: Slab, sources: Sequence[PlaneSource], point: Sequence[float], modes: int = 200
) -> float:
    """Give the steady rise over the ambient at (x, y, z) in a slab with plane sources.

    Per cosine mode of rate g the z-problem k (T'' - g^2 T) = -q delta(z - z_s) has Green's function
    p(z_<) q(z_>)/(k W), p = cosh gz + (h_b/(kg)) sinh gz from the bottom, q alike from the top, W
    their Wronskian.
    """
    x, y, z = point
    a, b, t, k, h_bottom, h_top = slab
    total = 0.0
    for source in sources:
        lam, sx, ex = cosine_weights(a, source.area.x, source.area.dx, modes)
        delta, sy, ey = cosine_weights(b, source.area.y, source.area.dy, modes)
        g = np.hypot(lam[None, :], delta[:, None])
        lower, upper = min(z, source.z), max(z, source.z)
        # Scaled by exp(-g times the distance from their wall), so that nothing overflows;
        # W = (p' q - p q') at z = 0.
        up, _ = wall_solution(g, lower, h_bottom / k)
        down, _ = wall_solution(g, t - upper, h_top / k)
        whole, slope = wall_solution(g, t, h_top / k)
        green = up * down / (k * (h_bottom / k * whole + slope)) * np.exp(-g * (upper - lower))
        weight = (ey * sy * np.cos(delta * y))[:, None] * (ex * sx * np.cos(lam * x))[None, :]
        total += source.power / (a * b) * float((weight * green).sum())
    return total


def wall_solution(g: np.ndarray, s: float, h: float) -> tuple[np.ndarray, np.ndarray]:
    """Solve p'' = g^2 p from a wall with p = 1, p' = h to the distance s: (p, p') exp(-g s)."""
    decay = np.exp(-2 * g * s)
    cosh = (1 + decay) / 2
    with np.errstate(invalid="ignore"):
        sinh_over_g = np.where(g > 0, (1 - decay) / (2 * np.where(g > 0, g, 1.0)), s)
    return cosh + h * sinh_over_g, g**2 * sinh_over_g + h * cosh
