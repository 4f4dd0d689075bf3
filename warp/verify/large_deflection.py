"""Beyond linear theory: free plates against von Karman's, and Freund's law of a coated wafer.

Expected: the plate equations of Foppl and von Karman for a homogeneous disc with a free edge,
solved by Ritz' method with polynomials of degree 12 (nu = 0.28; checked by a finite element
solution with finite rotations); a square plate by the same method. The load is kappa L^2 / h,
kappa the curvature of linear theory, L the radius or half the side. got: for the square, the
solver, on a quarter of the plate with a temperature linear in z; for the disc the closed form of
`bending`, one term of that plate.
"""

from __future__ import annotations

import numpy as np

from warp.geometry.shapes import Body
from warp.machine.device import Device
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.large_deflection.solve import Solution, Wanted, solve
from warp.verify import bending
from warp.verify.bending import Layer
from warp.verify.elastic import plate
from warp.verify.problem import MM, Problem, Row, graded, material
from warp.voxels.grid import Grid
from warp.voxels.voxelize import voxelize

FREUND = "Freund, J. Mech. Phys. Solids 48 (2000) 1159"
NU = 0.28
ROOM = 300.0  # K
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


RITZ = "von Karman's plate by Ritz' method"
SIDE, HEIGHT, LEVELS, CELLS = 100.0, 0.7, 8, 24  # mm; cells of half a side
SQUARE_SAGS = {1.0: 0.46321, 4.0: 1.24684}
"""Sag over the height in the middle of an edge of a square plate by its load."""
SQUARE_BIFURCATION, SQUARE_CYLINDER = 4.89, (6.0, 2.696, 0.693)
"""Load at which a square rolls up; a load beyond it with the sags along and across."""


def bent_square(load: float, device: Device) -> tuple[list[float], elastic.Solution]:
    """Heat a square plate; return its sags along x and y over its height, and the solution."""
    inner = graded(SIDE / 2 * MM, 0.0, SIDE / 4 / CELLS * MM, 0.1, SIDE / 1.7 / CELLS * MM)
    line, z = inner[::-1], np.linspace(-HEIGHT / 2, HEIGHT / 2, LEVELS + 1) * MM
    alpha = 1e-6
    bodies = [Body("plate", "plate", (plate(SIDE * MM, SIDE * MM, z[0], z[-1]),))]
    grid = Grid(line, line, z, (True, True), (0, LEVELS))
    model = voxelize(bodies, {"plate": material(130e9, NU, alpha)}, grid, ROOM)
    kappa = load * HEIGHT / (SIDE / 2) ** 2 / MM
    temperature = np.broadcast_to((ROOM + kappa / alpha * grid.zc)[:, None, None], grid.shape)
    solution = solve(
        model,
        temperature,
        device,
        State.start(grid.shape),
        wanted=Wanted(branch="x"),
        start=ROOM,
    )
    w = solution.displacement[2, LEVELS // 2]
    sags = [abs(_sag(line, rows)) / (HEIGHT * MM) for rows in (w[0], w[:, 0])]
    return sags, solution


def _sag(line: np.ndarray, w: np.ndarray) -> float:
    """Return w at the edge less that at the mirror plane, from cell centres."""
    x, w = (line[1:] + line[:-1]) / 2, w[: len(line) - 1]
    edge = w[-1] + (w[-1] - w[-2]) * (line[-1] - x[-1]) / (x[-1] - x[-2])
    middle = w[0] - (w[1] - w[0]) * x[0] ** 2 / (x[1] ** 2 - x[0] ** 2)
    return float(edge - middle)


def dome(device: Device) -> list[Row]:
    """Compare the sag of a square plate that stiffens."""
    rows = []
    for load, expected in SQUARE_SAGS.items():
        sags, _ = bent_square(load, device)
        rows.append(
            Row(f"square at load {load:g}: sag over height", expected, sags[0], 0.005, RITZ)
        )
    return rows


def cylinder(device: Device) -> list[Row]:
    """Compare the load at which a square plate rolls up, and the cylinder that it becomes."""
    load, along, across = SQUARE_CYLINDER
    sags, solution = bent_square(load, device)
    critical = np.nan
    if isinstance(solution, Solution) and solution.bent.critical:
        critical = solution.bent.critical[0] * load
    name = f"square at load {load:g}: sag"
    return [
        Row("square rolls up at load", SQUARE_BIFURCATION, critical, 0.02, RITZ),
        Row(f"{name} along over height", along, sags[0], 0.01, RITZ),
        Row(f"{name} across over height", across, sags[1], 0.02, RITZ),
    ]


PROBLEMS = [
    Problem("large deflection", wafer),
    Problem("large deflection of a square", dome),
    Problem("square that rolls up", cylinder, quick=False),
]
