"""Limits of linear theory: Freund's law of a coated wafer against the exact plate.

Expected: the plate equations of Foppl and von Karman for a homogeneous disc with a free edge,
solved by Ritz' method with polynomials of degree 12 (nu = 0.28; checked by a finite element
solution with finite rotations). got: the closed form of `bending`, one term of that plate.
"""

from __future__ import annotations

from warp.machine.device import Device
from warp.verify import bending
from warp.verify.bending import Layer
from warp.verify.problem import Problem, Row

FREUND = "Freund, J. Mech. Phys. Solids 48 (2000) 1159"
NU = 0.28
EXACT_SAGS = {1.0: 0.47118, 2.0: 0.83827}
"""Sag of the rim over the height by the load kappa_linear R^2/h = 4 S."""
EXACT_BIFURCATION = 1.434
"""S at which the disc turns into a cylinder."""


def wafer(device: Device) -> list[Row]:
    """Compare the sag of a film on a wafer, linear and true, and the load at which it rolls up."""
    silicon, copper = Layer(0.775, 130e3, NU, 0.0), Layer(0.010, 110e3, 0.34, 1.0)
    strain, radius = 1.4e-3, 150.0
    load = bending.freund_load(
        copper.biaxial_modulus, copper.t, silicon.biaxial_modulus, silicon.t, strain, radius
    )
    bow = bending.laminate([silicon, copper], strain)[1] * radius**2 / 2
    linear = 2 * load * silicon.t
    rows = [Row("copper film on a wafer: linear sag", bow, linear, 0.04, FREUND, "mm")]
    for load, sag in EXACT_SAGS.items():
        got = 2 * bending.freund_curvature(load / 4, NU)
        rows.append(Row(f"disc at S = {load / 4:g}: sag over height", sag, got, 0.05, FREUND))
    _, critical = bending.freund_bifurcation(NU)
    rows.append(Row("disc rolls up at S", EXACT_BIFURCATION, critical, 0.04, FREUND))
    return rows


PROBLEMS = [Problem("large deflection", wafer)]
