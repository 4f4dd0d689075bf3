"""Closed forms of bent plates that only tests use; letters and signs as in `warp.verify.bending`.

Sources: S. Timoshenko, J. Opt. Soc. Am. 11 (1925) 233; R. M. Jones, Mechanics of Composite
Materials (1999); B. A. Boley and J. H. Weiner, Theory of Thermal Stresses (1960); G. G. Stoney,
Proc. R. Soc. A 82 (1909) 172.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from warp.verify.bending import Layer, laminate, levels


class Ply(NamedTuple):
    """An orthotropic layer whose axis 1 is turned by `angle` (radians) from x."""

    t: float
    E1: float
    E2: float
    nu12: float
    G12: float
    alpha1: float
    alpha2: float
    angle: float = 0.0


def bimetal_curvature(
    t1: float, E1: float, alpha1: float, t2: float, E2: float, alpha2: float, dT: float
) -> float:
    """Bend a strip of two layers, 1 on top of 2 (Timoshenko 1925).

    kappa = 6 (alpha1 - alpha2) dT (1+m)^2 / {h [3 (1+m)^2 + (1+mn)(m^2 + 1/(mn))]}
    with m = t1/t2, n = E1/E2, h = t1 + t2. A narrow strip takes E; a wide plate, bent to a sphere,
    takes E/(1-nu) of each layer and is then exact.
    """
    m, n, h = t1 / t2, E1 / E2, t1 + t2
    return (
        6
        * (alpha1 - alpha2)
        * dT
        * (1 + m) ** 2
        / (h * (3 * (1 + m) ** 2 + (1 + m * n) * (m**2 + 1 / (m * n))))
    )


def laminate_stress(layers: Sequence[Layer], dT: float | Sequence[float]) -> np.ndarray:
    """Give the biaxial stress at each layer's bottom and top face, shape (layers, 2).

    M (eps0 + z kappa - alpha dT).
    """
    eps0, kappa = laminate(layers, dT)
    z = levels([layer.t for layer in layers])
    M = np.array([layer.biaxial_modulus for layer in layers])
    e = np.array([layer.alpha for layer in layers]) * np.asarray(dT)
    return M[:, None] * (eps0 + kappa * np.stack([z[:-1], z[1:]], axis=1) - e[:, None])


def reduced_stiffness(ply: Ply) -> np.ndarray:
    """Give the plane-stress stiffness Q-bar (3, 3) in the plate's axes for (xx, yy, gamma_xy)."""
    d = 1 - ply.nu12**2 * ply.E2 / ply.E1
    q12 = ply.nu12 * ply.E2 / d
    Q = np.array([[ply.E1 / d, q12, 0], [q12, ply.E2 / d, 0], [0, 0, ply.G12]])
    R = strain_rotation(ply.angle)
    return R.T @ Q @ R


def strain_rotation(angle: float) -> np.ndarray:
    """Turn (xx, yy, gamma_xy) of the plate's axes into (11, 22, gamma_12) of the ply's."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array(
        [[c * c, s * s, s * c], [s * s, c * c, -s * c], [-2 * s * c, 2 * s * c, c * c - s * s]]
    )


def orthotropic_laminate(
    plies: Sequence[Ply], dT: float | Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Heat a free plate of orthotropic plies: mid-plane strains and curvatures, each (xx, yy, xy).

    kappa = (D - B A^-1 B)^-1 (m - B A^-1 N), eps0 = A^-1 (N - B kappa), with 3x3 sums over the
    plies' Q-bar (classical laminate theory; curvatures with the sign of `laminate`, the xy entries
    engineering strains).
    """
    z = levels([ply.t for ply in plies])
    Q = np.stack([reduced_stiffness(ply) for ply in plies])
    rise = np.broadcast_to(np.asarray(dT, float), len(plies))
    free = [
        np.linalg.solve(strain_rotation(p.angle), [p.alpha1 * r, p.alpha2 * r, 0])
        for p, r in zip(plies, rise, strict=True)
    ]
    Qe = np.einsum("nab,nb->na", Q, np.stack(free))
    first, second, third = (np.diff(z**p) / p for p in (1, 2, 3))
    A, B, D = (np.tensordot(weight, Q, 1) for weight in (first, second, third))
    N, m = first @ Qe, second @ Qe
    kappa = np.linalg.solve(D - B @ np.linalg.solve(A, B), m - B @ np.linalg.solve(A, N))
    return np.linalg.solve(A, N - B @ kappa), kappa


def heated_plate(
    E: float, nu: float, h: float, free_strain: Callable[[np.ndarray], np.ndarray]
) -> tuple[float, float, Callable[[np.ndarray], np.ndarray]]:
    """Free one plate with a thermal strain e(z), |z| <= h/2: eps0, kappa and the stress sigma(z).

    Far from the edges, eps0 = (1/h) INT e dz, kappa = (12/h^3) INT e z dz and sigma = E/(1-nu)
    (eps0 + kappa z - e). A linear e is free of stress (B. A. Boley and J. H. Weiner, Theory of
    Thermal Stresses, 1960).
    """
    s, weight = np.polynomial.legendre.leggauss(64)
    z, weight = s * h / 2, weight * h / 2
    e = free_strain(z)
    eps0, kappa = float(weight @ e / h), float(weight @ (e * z) * 12 / h**3)
    return eps0, kappa, lambda z: E / (1 - nu) * (eps0 + kappa * z - free_strain(z))


def stoney_stress(M_s: float, h_s: float, h_f: float, kappa: float) -> float:
    """Give the stress of a thin film from the wafer's curvature: M_s h_s^2 kappa/(6 h_f).

    For h_f below 5 % of h_s.
    """
    return M_s * h_s**2 * kappa / (6 * h_f)


def stoney_bow(M_s: float, h_s: float, stress: float, h_f: float, d: float) -> float:
    """Give the bow kappa d^2/8 of a wafer of diameter d under a thin film of this stress."""
    return 6 * stress * h_f / (M_s * h_s**2) * d**2 / 8
