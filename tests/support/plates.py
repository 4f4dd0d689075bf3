"""Plates of layers and a flip chip, each part free of stress at its own temperature, and a plate's
curvature.
"""

from dataclasses import dataclass

import numpy as np
from conductors import boxes
from solids import isotropic

from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic.history.state import State

T0, COLD, MM = 450.0, 300.0, 1e-3


@dataclass(frozen=True)
class Solid:
    """E in Pa at T0, `slope` of it less a kelvin of cooling, nu, cte in 1/K."""

    E: float
    nu: float
    alpha: float
    slope: float = 0.0

    def modulus(self, T):
        return self.E * (1 - self.slope * (T - T0))

    def conductivity(self, T):
        return np.ones(3)

    def stiffness(self, T):
        return isotropic(self.modulus(T), self.nu)[0]

    def shear(self, T):
        return isotropic(self.modulus(T), self.nu)[1]

    def thermal_strain(self, T, T0):
        return np.multiply.outer(np.subtract(T, T0), np.full(3, self.alpha))


@dataclass(frozen=True)
class Heavy(Solid):
    """A solid with a density in kg/m3."""

    density: float = 2330.0


SILICON = Solid(130e9, 0.28, 2.8e-6)
CORE = Solid(26e9, 0.2, 15e-6, 1e-3)
MOULD = Solid(15e9, 0.3, 9e-6, 2e-3)
X = MM * np.array([0, 1.4, 2.8, 4.2, 5.2, 5.8, 6.0])


def plate(present, z, x=X, mirror=(True, True)):
    """Quarter of a square plate: name -> (solid, z0, z1, T_birth) on the grid lines z, and x in
    both directions.
    """
    parts = {name: (solid, (-1, 1, -1, 1, z0, z1)) for name, (solid, z0, z1, _) in present.items()}
    model = boxes(x, x, z, parts, mirror)
    model.media.stress_free[1:] = [birth for *_, birth in present.values()]
    return model


def strains(model, U, at=0):
    """eps0 and kappa (+ dome) in cell `at` from the corner of the grid, of the lowest two solid
    levels.
    """
    k = np.flatnonzero((model.ids > 0)[:, at, at])[:2]
    stretch, z = (U[0, k, at, at + 1] - U[0, k, at, at]) / model.grid.dx[at], model.grid.zc[k]
    kappa = (stretch[1] - stretch[0]) / (z[1] - z[0])
    return stretch[0] - z[0] * kappa, kappa


def flip_chip(moulded, T_mould=420.0):
    """A quarter: substrate, chip of half its width, and mould round and over the chip."""
    x, z = MM * np.array([0, 1, 1.6, 2, 2.4, 3, 4]), MM * np.array([0, 0.3, 0.6, 0.8, 1.0, 1.2])
    parts = {"substrate": (CORE, (-1, 1, -1, 1, 0, 0.6 * MM))}
    if moulded:
        parts["mould"] = (MOULD, (-1, 1, -1, 1, 0.6 * MM, 1.2 * MM))
    parts["chip"] = (SILICON, (-1, 2 * MM, -1, 2 * MM, 0.6 * MM, 1.0 * MM))
    model = boxes(x, x, z, parts, (True, True))
    model.media.stress_free[:] = 490.0
    if moulded:
        model.media.stress_free[2] = T_mould
    return model


def begun(model, cpu, T=T0):
    """Return the state of a body that is free of stress at T."""
    return elastic.solve(model, T, cpu, State.start(model.grid.shape)).state
