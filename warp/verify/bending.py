"""Closed forms for bent stacks: bimetal, laminate, a chip on a larger carrier, a film on a wafer.

Plates are thin and linear, bonds perfect unless said otherwise. z points up from the middle of the
stack, layers are listed from bottom to top. Strains are eps(z) = eps0 + z kappa, so kappa > 0 is a
dome: the top is the longer side (convex, centre away from the board). A spherical cap sags kappa
r^2/2 at radius r. Any consistent units; the letters are those of each docstring's equation: E
Young's modulus, nu Poisson's ratio, alpha expansion, t or h thickness, dT temperature rise.

Sources: S. Timoshenko, J. Opt. Soc. Am. 11 (1925) 233; R. M. Jones, Mechanics of Composite
Materials (1999); E. Suhir, J. Appl. Mech. 53 (1986) 657; W. T. Chen and C. W. Nelson, IBM J. Res.
Dev. 23 (1979) 179; G. G. Stoney, Proc. R. Soc. A 82 (1909) 172; L. B. Freund and S. Suresh, Thin
Film Materials (2003) chapter 2.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Layer(NamedTuple):
    """Hold an isotropic layer."""

    t: float
    E: float
    nu: float
    alpha: float

    @property
    def biaxial_modulus(self) -> float:
        """M = E/(1 - nu)."""
        return self.E / (1 - self.nu)


def bimetal_cantilever(
    length: float,
    ta: float,
    Ea: float,
    alpha_a: float,
    tb: float,
    Eb: float,
    alpha_b: float,
    dT: float,
) -> tuple[float, float, float]:
    """Heat a clamped strip, a on top of b: extension, tip deflection (+ up), stress below.

    The stress is that at the bottom face of b.

    K1 = 4 + 6 r + 4 r^2 + (Ea/Eb) r^3 + (Eb/Ea)/r, r = ta/tb (Roark's Formulas, 8th edition,
    bimetallic beams; small deflections). The extension, l dT times the mean expansion, is exact for
    equal layers only.
    """
    r = ta / tb
    K1 = 4 + 6 * r + 4 * r**2 + Ea / Eb * r**3 + Eb / Ea / r
    extension = length * dT * (alpha_a + alpha_b) / 2
    deflection = 3 * length**2 * (alpha_b - alpha_a) * dT * (ta + tb) / (tb**2 * K1)
    stress = (alpha_b - alpha_a) * dT * Eb * (3 * r + 2 - Ea / Eb * r**3) / K1
    return extension, deflection, stress


def levels(thicknesses: Sequence[float]) -> np.ndarray:
    """Give the z of the layers' faces, from the middle of the stack."""
    z = np.concatenate([[0.0], np.cumsum(thicknesses)])
    return z - z[-1] / 2


def laminate(layers: Sequence[Layer], dT: float | Sequence[float]) -> tuple[float, float]:
    """Heat a free plate of isotropic layers: mid-plane strain eps0 and curvature kappa.

    Both are the same in x and y.

    With M = E/(1-nu):  A = sum M t, B = sum M (z2^2-z1^2)/2, D = sum M (z2^3-z1^3)/3, N and m the
    same sums as A and B times alpha dT;  kappa = (A m - B N)/(A D - B^2), eps0 = (N - B kappa)/A.
    dT one number, or one per layer (then each from its own stress-free temperature). Exact one or
    two thicknesses away from the edges. A soft interlayer couples the others only if its shear
    transfer length (see `finite_die`) is much shorter than the plate.
    """
    z = levels([layer.t for layer in layers])
    M = np.array([layer.biaxial_modulus for layer in layers])
    e = np.array([layer.alpha for layer in layers]) * np.asarray(dT)
    first, second, third = (np.diff(z**p) / p for p in (1, 2, 3))
    A, B, D, N, m = (
        (M * first).sum(),
        (M * second).sum(),
        (M * third).sum(),
        (M * e * first).sum(),
        (M * e * second).sum(),
    )
    kappa = (A * m - B * N) / (A * D - B**2)
    return float((N - B * kappa) / A), float(kappa)


class FiniteDie(NamedTuple):
    """Describe a strip-like chip bonded to a longer carrier, see `finite_die`."""

    k: float
    curvature: float
    shear: float
    half_length: float

    def deflection(self, x: np.ndarray | float) -> np.ndarray | float:
        """Give w(x) - w(0), + towards the chip: negative at the rim of a dome."""
        k, length = self.k, self.half_length
        inner = np.minimum(np.abs(x), length)
        # cosh(k x)/cosh(k l), written so that long chips do not overflow
        ratio = (np.exp(k * (inner - length)) + np.exp(-k * (inner + length))) / (
            1 + np.exp(-2 * k * length)
        )
        w = self.curvature * (inner**2 / 2 - (ratio - 1 / np.cosh(min(k * length, 700.0))) / k**2)
        slope = self.curvature * (length - np.tanh(k * length) / k)
        return -(w + slope * (np.abs(x) - inner))


def finite_die(
    die: tuple[float, float, float],
    carrier: tuple[float, float, float],
    bond: tuple[float, float],
    half_length: float,
    dT: float,
    suhir: bool = False,
) -> FiniteDie:
    """Cool a chip (h, E, alpha) on a carrier (h, E, alpha) with a bond (h0, G0) in shear lag.

    Chip and carrier are beams, the bond is compliant.

    D = sum E h^3/12, h = h1 + h0 + h2, lambda = 1/(E1 h1) + 1/(E2 h2) + h^2/(4D), k =
    sqrt(lambda/kappa_s); kappa_s = h0/G0 (Chen-Nelson), or h1/(3 G1) + 2 h0/(3 G0) + h2/(3 G2) with
    G = E/2 (Suhir); curvature C (1 - cosh kx/cosh kl), C = h dalpha dT/(2 lambda D), l the chip's
    half-length, the carrier straight beyond it; largest bond shear tau(l) = |dalpha dT|
    tanh(kl)/(kappa_s k). Strips with nu = 0 (E/(1-nu^2) for cylindrical bending, E/(1-nu) for a
    sphere). The centre's curvature is exact for kl >> 1, the edge shear good to 10-30 %, there is
    no peel. k = inf (h0 = 0, Chen-Nelson) is the rigid bond.
    """
    (h1, E1, alpha1), (h2, E2, alpha2), (h0, G0) = die, carrier, bond
    D = (E1 * h1**3 + E2 * h2**3) / 12
    h = h1 + h0 + h2
    lam = 1 / (E1 * h1) + 1 / (E2 * h2) + h**2 / (4 * D)
    kappa_s = h1 / (3 * E1 / 2) + 2 * h0 / (3 * G0) + h2 / (3 * E2 / 2) if suhir else h0 / G0
    k = float(np.sqrt(lam / kappa_s))
    mismatch = (alpha1 - alpha2) * dT
    return FiniteDie(
        k,
        h * mismatch / (2 * lam * D),
        abs(mismatch) * float(np.tanh(k * half_length)) / (kappa_s * k),
        half_length,
    )


class DieOnDisc(NamedTuple):
    """Hold strain and curvature under the chip, and deflections at its rim and outside.

    Deflections are + towards the chip, from the centre.
    """

    strain: float
    curvature: float
    deflection_at_die: float
    deflection_at_rim: float


def die_on_disc(die: Layer, carrier: Layer, a: float, b: float, dT: float) -> DieOnDisc:
    """Heat a round chip (radius a) on a larger round carrier (radius b): Kirchhoff plates.

    Exact, in two regions.

    r < a: the laminate, u = e r, slope psi = -w' = k r; a < r < b: the carrier alone, u = c1 r +
    c2/r, psi = d1 r + d2/r. u, psi, N_r, M_r are continuous at a, N_r = M_r = 0 at b; the reference
    plane is the carrier's middle. Curved under the chip, nearly conical outside. Square parts of
    equal area differ by 5-20 %.
    """

    def rigidities(layers: list[tuple[Layer, float, float]]) -> list[tuple[float, float]]:
        """Give (sum, difference) of the 11 and 12 entries of A, B, D, and (N, M).

        N and M are those of the free thermal strain.
        """
        rows = np.zeros((4, 2))
        for layer, z1, z2 in layers:
            plus, minus = layer.E / (1 - layer.nu), layer.E / (1 + layer.nu)
            powers = np.array([(z2**p - z1**p) / p for p in (1, 2, 3)])
            rows[:3] += powers[:, None] * [plus, minus]
            rows[3] += plus * layer.alpha * dT * powers[:2]
        return [tuple(row) for row in rows]

    half = carrier.t / 2
    (A, _), (B, _), (D, _), (N, M) = rigidities([(carrier, -half, half), (die, half, half + die.t)])
    (A2, A2m), _, (D2, D2m), (N2, _) = rigidities([(carrier, -half, half)])
    # unknowns e, k, c1, c2, d1, d2
    matrix = np.array(
        [
            [a, 0, -a, -1 / a, 0, 0],
            [0, a, 0, 0, -a, -1 / a],
            [A, B, -A2, A2m / a**2, 0, 0],
            [B, D, 0, 0, -D2, D2m / a**2],
            [0, 0, A2, -A2m / b**2, 0, 0],
            [0, 0, 0, 0, D2, -D2m / b**2],
        ]
    )
    unit = np.array([1, 1, 1 / A2, 1 / D2, 1 / A2, 1 / D2])
    e, k, _, _, d1, d2 = np.linalg.solve(
        matrix * unit[:, None], np.array([0, 0, N - N2, M, N2, 0]) * unit
    )
    rim = -k * a**2 / 2
    return DieOnDisc(
        float(e), float(k), float(rim), float(rim - (d1 * (b**2 - a**2) / 2 + d2 * np.log(b / a)))
    )


def freund_load(M_f: float, h_f: float, M_s: float, h_s: float, mismatch: float, R: float) -> float:
    """Give the load S = 1.5 eps_m (M_f/M_s) R^2 h_f/h_s^3 of a coated wafer of radius R.

    The sag of linear theory is 2 S h_s. S says how far that is from the true one, see
    `freund_curvature` and `freund_bifurcation` (L. B. Freund, J. Mech. Phys. Solids 48 (2000)
    1159).
    """
    return 1.5 * abs(mismatch) * M_f / M_s * R**2 * h_f / h_s**3


def freund_curvature(S: float, nu_s: float) -> float:
    """Give K = kappa R^2/(4 h_s) of the spherical branch, the real root of S = K [1 + (1-nu) K^2].

    The sag of the rim is kappa R^2/2 = 2 K h_s.
    """
    roots = np.roots([1 - nu_s, 0, 1, -S])
    return float(roots[abs(roots.imag) < 1e-9 * (1 + abs(roots))].real.max())


def freund_bifurcation(nu_s: float) -> tuple[float, float]:
    """Give (K, S) where the sphere turns into a cylinder: 1/sqrt(1+nu_s), 2/(1+nu_s)^1.5."""
    return (1 + nu_s) ** -0.5, 2 * (1 + nu_s) ** -1.5
