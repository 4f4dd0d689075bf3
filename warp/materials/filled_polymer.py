"""A filled polymer over its filler's volume fraction: `warp materials FILLER --in MATRIX`.

Conductivity by three rules, stiffness after Mori and Tanaka, expansion by Levin's identity from it
(`mixing`). The interface resistance of a grain matters more the smaller the grain is.
"""

from __future__ import annotations

from typing import Any, get_args

import numpy as np

from warp.errors import WarpError
from warp.materials.library import find
from warp.materials.material import normal_matrix
from warp.materials.mixing import ConductivityRule, Filler, mix
from warp.units import LENGTH, RESISTANCE, convert

ROOM = 298.15  # K
FRACTIONS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
RULES = {
    "maxwell": "grains far apart, to about 25 %; a lower bound (Maxwell 1873)",
    "bruggeman": "grains of very different sizes, to about 60 % (Bruggeman 1935)",
    "lewis-nielsen": "equal spheres, to near their packing limit of 63.7 % "
    "(Lewis and Nielsen 1970)",
    "stiffness": "round grains, no contacts: Mori and Tanaka 1973, "
    "the lower Hashin-Shtrikman bound",
    "expansion": "Levin 1967 with that bulk modulus: the upper Schapery bound, "
    "where measured underfills lie",
    "interface": "grain behind its interface: Hasselman and Johnson 1987",
}


def read(filler: str, matrix: str, size: str | None, resistance: str) -> dict[str, Any]:
    """Return the curve for a grain size and an interface resistance as a user writes them."""
    try:
        grains = None if size is None else convert(size, LENGTH)
        skin = convert(resistance, RESISTANCE)
    except ValueError as error:
        raise WarpError(f"--size or --resistance: {error}") from None
    if skin < 0.0 or (grains is not None and grains <= 0.0):
        raise WarpError("--size must be greater than zero and --resistance not negative")
    if skin > 0.0 and grains is None:
        raise WarpError('--resistance needs the grains: add --size "5 um"')
    return curve(filler, matrix, grains, skin)


def curve(
    filler: str, matrix: str, size: float | None = None, resistance: float = 0.0
) -> dict[str, Any]:
    """Return the properties at 25 degC over the volume fraction.

    `size`: grain diameter in m; `resistance` of the interface in m2 K/W.
    """
    grains, polymer = find(filler), find(matrix)
    fillers = [
        Filler(r, particle_size=size, interface_resistance=resistance)
        for r in get_args(ConductivityRule)
    ]
    rows = []
    for f in FRACTIONS:
        mixed = {
            filled.conductivity_rule: mix(
                [grains, polymer], [f, 1 - f], "particulate", f"{filler} in {matrix}", filler=filled
            )
            for filled in fillers
        }
        S = np.linalg.inv(normal_matrix(mixed["maxwell"].stiffness(ROOM)))
        rows.append(
            {
                "fraction": f,
                "conductivity_W_per_mK": {
                    rule: float(medium.conductivity(ROOM)[0]) for rule, medium in mixed.items()
                },
                "youngs_modulus_GPa": float(1e-9 / S[0, 0]),
                "poissons_ratio": float(-S[0, 1] / S[0, 0]),
                "cte_ppm_per_K": float(1e6 * mixed["maxwell"].cte(ROOM)[0]),
            }
        )
    return {
        "filler": filler,
        "matrix": matrix,
        "particle_size_um": None if size is None else 1e6 * size,
        "interface_resistance_mm2K_per_W": 1e6 * resistance,
        "rows": rows,
        "validity": RULES,
    }
