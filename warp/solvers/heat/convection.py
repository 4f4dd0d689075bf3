"""Film coefficients of still air, from the mean temperature of each surface.

    h = k Nu / L + emissivity sigma (Ts^2 + Ta^2) (Ts + Ta)
    Ra = g (1/Tf) |Ts - Ta| L^3 / (nu alpha),    Tf = (Ts + Ta) / 2

    heated plate facing up      Nu = 0.54 Ra^(1/4), from Ra = 1e7 on 0.15 Ra^(1/3)
    heated plate facing down    Nu = 0.27 Ra^(1/4)
    vertical plate              Nu = (0.825 + 0.387 Ra^(1/6) / (1 + (0.492/Pr)^(9/16))^(8/27))^2

L: area over perimeter of a horizontal surface, height of a vertical one. A surface colder than the
air acts as one that looks the other way. Conduction and coefficients are solved in turn until no
coefficient changes by more than SETTLED. The correlations hold from Ra = 1e4 on; small packages
lie below, where they are too low.
Incropera and DeWitt, Fundamentals of Heat and Mass Transfer, 6th ed. (2007), eqs. 9.26 and 9.30 to
9.32, table A.4 (air at 1 atm).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from warp.errors import ConvergenceError
from warp.machine.device import Device
from warp.solvers.heat.solve import Solution, solve_steady
from warp.solvers.krylov import DEFAULT, Control
from warp.voxels.conditions import Boundary, Film, Interface, NaturalConvection, Source
from warp.voxels.voxelize import VoxelModel

GRAVITY = 9.80665  # m/s2
STEFAN_BOLTZMANN = 5.670374419e-8  # W/(m2 K4), CODATA 2018
AIR_T = np.array([250.0, 300.0, 350.0, 400.0, 450.0, 500.0])  # K
AIR_NU = 1e-6 * np.array([11.44, 15.89, 20.92, 26.41, 32.39, 38.79])  # m2/s
AIR_K = 1e-3 * np.array([22.3, 26.3, 30.0, 33.8, 37.3, 40.7])  # W/(m K)
AIR_ALPHA = 1e-6 * np.array([15.9, 22.5, 29.9, 38.3, 47.2, 56.7])  # m2/s
SETTLED = 1e-3
ROUNDS = 30
LEAST = 0.1  # K: below it a surface has the coefficient of this difference
OTHER_WAY = {"up": "down", "down": "up", "vertical": "vertical"}


def coefficient(law: NaturalConvection, surface: float, ambient: float) -> float:
    """Return the film coefficient in W/(m2 K) at temperatures in K."""
    Tf = (surface + ambient) / 2
    nu, k, alpha = (float(np.interp(Tf, AIR_T, row)) for row in (AIR_NU, AIR_K, AIR_ALPHA))
    difference = max(abs(surface - ambient), LEAST)
    Ra = GRAVITY / Tf * difference * law.length**3 / (nu * alpha)
    facing = law.surface if surface >= ambient else OTHER_WAY[law.surface]
    radiation = law.emissivity * STEFAN_BOLTZMANN * (surface**2 + ambient**2) * (surface + ambient)
    return k * _nusselt(facing, Ra, nu / alpha) / law.length + radiation


def _nusselt(facing: str, Ra: float, Pr: float) -> float:
    if facing == "up":
        return 0.54 * Ra**0.25 if Ra < 1e7 else 0.15 * Ra ** (1 / 3)
    if facing == "down":
        return 0.27 * Ra**0.25
    stream = (1 + (0.492 / Pr) ** (9 / 16)) ** (8 / 27)
    return float((0.825 + 0.387 * Ra ** (1 / 6) / stream) ** 2)


def solve(
    model: VoxelModel,
    boundaries: Iterable[Boundary],
    power: Iterable[Source],
    device: Device,
    control: Control = DEFAULT,
    stretch: np.ndarray | None = None,
) -> Solution:
    """Solve for the steady temperature as `solve_steady` does, with films of still air.

    The solution has the coefficients to which the films settle. Raises ConvergenceError where they
    do not.
    """
    current, power = list(boundaries), list(power)
    for _ in range(ROUNDS):
        solution = solve_steady(model, current, power, device, control, stretch)
        updated = _updated(current, solution)
        pairs = [
            (old.coefficient, new.coefficient)
            for old, new in zip(current, updated, strict=True)
            if isinstance(old, Film) and isinstance(new, Film)
        ]
        if all(abs(new - old) <= SETTLED * old for old, new in pairs):
            return solution
        current = updated
    raise ConvergenceError(f"heat: films of still air do not settle in {ROUNDS} rounds")


def _updated(boundaries: list[Boundary], solution: Solution) -> list[Boundary]:
    """Return the boundaries with the coefficients at the temperatures of a solution."""
    contacts = iter(solution.operator.surroundings.contacts)
    T = solution.temperature.reshape(-1)
    grid = solution.operator.model.grid
    found: list[Boundary] = []
    for b in boundaries:
        if isinstance(b, Interface):
            found.append(b)
            continue
        contact = next(contacts)
        area = float(contact.faces.area(grid).sum())
        if isinstance(b, Film) and b.natural is not None and area > 0.0:
            heat = float(contact.conductance @ (T[contact.faces.cell] - b.ambient))
            surface = b.ambient + heat / (b.coefficient * area)
            b = replace(b, coefficient=coefficient(b.natural, surface, b.ambient))
        found.append(b)
    return found
