"""Estimate how far a body bends as a laminate, before anything is solved.

Each part is a layer of its share of the area; with Q the stiffness in the plane at equal strains
and e the free strain of a layer,

    A, B, D = sum Q dz (1, z, z^2),   N, M = sum Q e dz (1, z),   kappa = (A M - B N)/(A D - B^2)

and the body bends by kappa L^2 / 2, L half its longer side: what linear theory says of a free plate
(Timoshenko, J. Opt. Soc. Am. 11 (1925) 233, for two layers).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from warp.geometry.shapes import Body

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.case.singulation import Rectangle


def bend_over_height(
    case: Case, parts: Collection[str], temperature: float, unit: Rectangle | None = None
) -> float:
    """Return the deflection over the height of some parts at a temperature in K.

    unit: what is left of their area. Zero without parts.
    """
    bodies = [body for body in case.bodies() if body.part in parts and body.material is not None]
    if not bodies:
        return 0.0
    x0, x1, y0, y1, bottom, top = _bounds(bodies)
    sides = (x1 - x0, y1 - y0)
    area, height = sides[0] * sides[1], top - bottom
    sums, loads = np.zeros(3), np.zeros(2)
    for body in bodies:
        Q, strain = _layer(case, body, temperature)
        for shape in body.shapes:
            a, b, c, d, low, high = shape.bounds
            share = (b - a) * (d - c) / area
            z = np.array([low, high]) - (bottom + top) / 2
            moments = share * Q * np.array([np.diff(z**n)[0] / n for n in (1, 2, 3)])
            sums += moments
            loads += strain * moments[:2]
    if unit is not None:
        sides = (unit[1] - unit[0], unit[3] - unit[2])
    (A, B, D), (N, M) = sums, loads
    curvature = (A * M - B * N) / max(A * D - B * B, 1e-300)
    return float(abs(curvature)) * (max(sides) / 2) ** 2 / 2 / height


def _layer(case: Case, body: Body, temperature: float) -> tuple[float, float]:
    """Return the stiffness in the plane at equal strains in Pa, and the free strain."""
    medium = case.materials()[body.material or ""]
    at = np.array([temperature])
    xx, _, zz, _, xz, xy = np.asarray(medium.stiffness(at))[0]
    since = np.array([body.free_at(case.loads.stress_free)])
    strain = np.asarray(medium.thermal_strain(at, since))[0]
    return float(xx + xy - 2 * xz**2 / zz), float(strain[:2].mean())


def _bounds(bodies: Collection[Body]) -> tuple[float, ...]:
    bounds = np.array([body.bounds for body in bodies])
    low, high = bounds[:, 0::2].min(axis=0), bounds[:, 1::2].max(axis=0)
    return tuple(float(v) for pair in zip(low, high, strict=True) for v in pair)
