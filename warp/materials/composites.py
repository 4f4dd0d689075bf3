"""Effective properties of composites: the formulas behind the mixing rules.

Elastic rules take the phases' normal stiffness C (n, ..., 3, 3), shear moduli G (n, ..., 3) over
(yz, xz, xy) and thermal stress C alpha (n, ..., 3), and return the composite's. All are written
with explicit strain concentrations, so that nothing is singular if phases have equal moduli.

Letters: f fraction, K bulk modulus, G shear modulus, k conductivity, a = k_filler / k_matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warp.materials.curves import Values


@dataclass(frozen=True)
class Phases:
    """Elastic constants and thermal stress of phases (leading axis), or of a composite (none)."""

    f: np.ndarray
    C: np.ndarray
    G: np.ndarray
    stress: np.ndarray


def mean(f: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Average over the phases."""
    return (f @ values.reshape(len(f), -1)).reshape(values.shape[1:])


def harmonic(f: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Average in series; a phase that does not conduct (or shear) leaves nothing."""
    with np.errstate(divide="ignore"):
        return 1 / mean(f, 1 / values)


def voigt(p: Phases) -> Phases:
    """Mix at equal strain in all phases."""
    return Phases(p.f, mean(p.f, p.C), mean(p.f, p.G), mean(p.f, p.stress))


def reuss(p: Phases) -> Phases:
    """Mix at equal stress in all phases."""
    S = np.linalg.inv(p.C)
    C = np.linalg.inv(mean(p.f, S))
    strain = mean(p.f, np.einsum("...ij,...j->...i", S, p.stress))
    return Phases(p.f, C, harmonic(p.f, p.G), np.einsum("...ij,...j->...i", C, strain))


def laminate(p: Phases, normal: int) -> Phases:
    """Mix layers across `normal`: equal stress across, equal strain along (Backus 1962). Exact."""
    across = p.C[..., normal, normal]
    ratio = p.C[..., normal, :] / across[..., None]
    C_nn = harmonic(p.f, across)
    r = mean(p.f, ratio)
    C = mean(p.f, p.C - across[..., None, None] * ratio[..., :, None] * ratio[..., None, :])
    C = C + C_nn[..., None, None] * r[..., :, None] * r[..., None, :]
    pull = p.stress[..., normal]
    stress = (
        mean(p.f, p.stress - ratio * pull[..., None])
        + (C_nn * mean(p.f, pull / across))[..., None] * r
    )
    G = harmonic(p.f, p.G)
    G[..., normal] = mean(p.f, p.G[..., normal])  # the plane of the layers
    return Phases(p.f, C, G, stress)


def turning_laminate(p: Phases, normals: tuple[int, ...]) -> Phases:
    """Average laminates over their normals; shear is the mean of its bounds."""
    cuts = [laminate(p, normal) for normal in normals]
    C = sum(cut.C for cut in cuts) / len(cuts)
    stress = sum(cut.stress for cut in cuts) / len(cuts)
    return Phases(p.f, np.asarray(C), (mean(p.f, p.G) + harmonic(p.f, p.G)) / 2, np.asarray(stress))


def traces(p: Phases) -> Phases:
    """Mix copper traces into a dielectric layer, on engineering constants (`mixing`)."""
    S = np.linalg.inv(p.C)
    E = 1 / np.einsum("...ii->...i", S)
    alpha = np.einsum("...ij,...j->...i", S, p.stress)
    E_mixed = mean(p.f, E)
    alpha_mixed = mean(p.f, E * alpha) / E_mixed  # Turner
    E_mixed[..., :2] = (E_mixed + harmonic(p.f, E))[..., :2] / 2
    nu = -S * E[..., :, None]  # nu_ij in row i
    nu_mixed = mean(p.f, nu)
    S_mixed = np.zeros(np.shape(p.C)[1:])
    for i in range(3):
        S_mixed[..., i, i] = 1 / E_mixed[..., i]
        for j in range(i + 1, 3):
            S_mixed[..., i, j] = S_mixed[..., j, i] = -nu_mixed[..., i, j] / E_mixed[..., i]
    G = mean(p.f, p.G)
    G[..., 2] = (G + harmonic(p.f, p.G))[..., 2] / 2
    C = np.linalg.inv(S_mixed)
    return Phases(p.f, C, G, np.einsum("...ij,...j->...i", C, alpha_mixed))


def mori_tanaka(p: Phases) -> Phases:
    """Mix spheres into the last phase; anisotropic phases by their isotropic (Voigt) averages.

    Each phase's strain relative to the matrix is that of a lone sphere in it (Benveniste 1987); for
    two phases this is the Hashin-Shtrikman bound on the matrix's side, for expansion Schapery's.
    """
    off_diagonal = p.C[..., 0, 1] + p.C[..., 0, 2] + p.C[..., 1, 2]
    trace = np.einsum("...ii->...", p.C)
    K = (trace + 2 * off_diagonal) / 9
    G = (trace - off_diagonal) / 15 + p.G.sum(axis=-1) / 5
    Km, Gm = K[-1], G[-1]
    z = Gm * (9 * Km + 8 * Gm) / (6 * (Km + 2 * Gm))
    K_fraction = (3 * Km + 4 * Gm) / (3 * K + 4 * Gm)
    G_fraction = (Gm + z) / (G + z)
    K_mixed = mean(p.f, K * K_fraction) / mean(p.f, K_fraction)
    G_mixed = mean(p.f, G * G_fraction) / mean(p.f, G_fraction)
    stress = mean(p.f, p.stress.mean(axis=-1) * K_fraction) / mean(p.f, K_fraction)
    direct, cross = K_mixed + 4 * G_mixed / 3, K_mixed - 2 * G_mixed / 3
    C = cross[..., None, None] * np.ones((3, 3)) + (direct - cross)[..., None, None] * np.eye(3)
    return Phases(p.f, C, np.stack((G_mixed,) * 3, axis=-1), np.stack((stress,) * 3, axis=-1))


def cylinder_assemblage(p: Phases) -> Phases:
    """Mix cylinders along z, the first phase, into the second (Hill 1964, Hashin 1979).

    Phases are isotropic in the plane. Under the average strains e (in the plane) and e_z the
    cylinders contribute the in-plane strain a e + b e_z. In-plane shear is Hashin's lower bound.
    """
    f, g = p.f
    k = (p.C[..., 0, 0] + p.C[..., 1, 1] + 2 * p.C[..., 0, 1]) / 4
    lam = (p.C[..., 0, 2] + p.C[..., 1, 2]) / 2
    axial, plane = (p.G[..., 0] + p.G[..., 1]) / 2, p.G[..., 2]
    km, Gm, Am = k[1], plane[1], axial[1]
    rigidity = g * k[0] + f * km + Gm
    a = f * (km + Gm) / rigidity
    b = f * g * (lam[1] - lam[0]) / (2 * rigidity)
    k_mixed = km + a * (k[0] - km)
    lam_mixed = mean(p.f, lam) + 2 * b * (k[0] - km)
    C_zz = mean(p.f, p.C[..., 2, 2]) + 2 * b * (lam[0] - lam[1])
    axial_mixed = Am + 2 * f * Am * (axial[0] - Am) / (2 * Am + g * (axial[0] - Am))
    soft = 2 * Gm * (km + Gm)
    plane_mixed = Gm + f * soft * (plane[0] - Gm) / (soft + g * (plane[0] - Gm) * (km + 2 * Gm))
    C = np.empty(np.shape(p.C)[1:])
    C[..., 0, 0] = C[..., 1, 1] = k_mixed + plane_mixed
    C[..., 0, 1] = C[..., 1, 0] = k_mixed - plane_mixed
    C[..., 0, 2] = C[..., 2, 0] = C[..., 1, 2] = C[..., 2, 1] = lam_mixed
    C[..., 2, 2] = C_zz
    across = (p.stress[..., 0] + p.stress[..., 1]) / 2
    step = across[0] - across[1]
    stress = np.stack(
        (across[1] + a * step,) * 2 + (mean(p.f, p.stress[..., 2]) + 2 * b * step,), axis=-1
    )
    return Phases(p.f, C, np.stack((axial_mixed, axial_mixed, plane_mixed), axis=-1), stress)


def along(p: Phases, axis: int) -> Phases:
    """Mix by the cylinder assemblage with its cylinders along another axis."""
    order = [(axis + 1) % 3, (axis + 2) % 3, axis]
    back = np.argsort(order)
    turned = Phases(p.f, p.C[..., order, :][..., :, order], p.G[..., order], p.stress[..., order])
    made = cylinder_assemblage(turned)
    return Phases(
        p.f, made.C[..., back, :][..., :, back], made.G[..., back], made.stress[..., back]
    )


def conduction(k: np.ndarray, f: np.ndarray, rule: str) -> np.ndarray:
    """Return conductivities (x, y, z) by rules of known geometry; k is (n, ..., 3)."""
    in_series = {
        "x-layers": (1, 0, 0),
        "y-layers": (0, 1, 0),
        "z-layers": (0, 0, 1),
        "columns": (0.5, 0.5, 0),
        "traces": (0.5, 0.5, 0),
        "balls": (1 / 3, 1 / 3, 1 / 3),
        "voigt": (0, 0, 0),
        "reuss": (1, 1, 1),
    }
    if rule in ("x-fibres", "y-fibres"):
        axis = "xy".index(rule[0])
        order = [(axis + 1) % 3, (axis + 2) % 3, axis]
        return conduction(k[..., order], f, "fibres")[..., np.argsort(order)]
    if rule == "fibres":
        kf, km = k
        in_plane = km * ((1 + f[0]) * kf + (1 - f[0]) * km) / ((1 - f[0]) * kf + (1 + f[0]) * km)
        in_plane[..., 2] = mean(f, k)[..., 2]
        return in_plane
    fraction = np.array(in_series[rule])
    return (1 - fraction) * mean(f, k) + fraction * harmonic(f, k)


def spheres_conductivity(
    k: np.ndarray, f: np.ndarray, rule: str, maximum_packing: float
) -> np.ndarray:
    """Return the conductivity of spheres in the last phase; k is (n, ...)."""
    km = k[-1]
    if rule == "maxwell":
        fraction = 3 * km / (k + 2 * km)
        return mean(f, k * fraction) / mean(f, fraction)
    filler, filled = mean(f[:-1], k[:-1]) / max(1 - f[-1], 1e-300), 1 - f[-1]
    if rule == "bruggeman":
        return km * bruggeman(filler / km, filled)
    return km * lewis_nielsen(filler / km, filled, maximum_packing)


def behind_interface(k: Values, resistance: float, diameter: float) -> Values:
    """Return a sphere's conductivity behind its interface (Hasselman, Johnson 1987; Nan 1997)."""
    return k / (1 + 2 * resistance * k / diameter)


def bruggeman(a: Values, f: float) -> Values:
    """Return k / k_matrix of spheres of very different sizes, f up to 0.6.

    1 - f = (a - k)/(a - 1) k^(-1/3) (Bruggeman 1935, asymmetric).
    """
    slope = (1 - f) * (np.asarray(a, dtype=float) - 1)
    u = np.maximum(
        1.0, np.cbrt(a)
    )  # u^3 + slope u - a = 0, convex: Newton falls monotonically from the right
    for _ in range(60):
        u = u - (u**3 + slope * u - a) / (3 * u**2 + slope)
    return u**3


def lewis_nielsen(a: Values, f: float, maximum_packing: float) -> Values:
    """Return k / k_matrix of equal spheres (Lewis and Nielsen 1970), A = 1.5.

    Singular near the maximum packing.
    """
    shape = 1.5
    B = (a - 1) / (a + shape)
    psi = 1 + (1 - maximum_packing) / maximum_packing**2 * f
    return (1 + shape * B * f) / (1 - B * psi * f)
