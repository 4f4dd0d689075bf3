"""Beyond linear theory: free plates against von Karman's, and Freund's law of a coated wafer.

Expected: the plate equations of Foppl and von Karman for homogeneous plates with a free edge, a
disc and a square, solved by Ritz' method with polynomials of degree 12 (the disc checked by a
finite element solution with finite rotations). The load is kappa L^2 / h, kappa the curvature of
linear theory, L the radius or half the side. got: the solver with a temperature linear in z, on a
quarter of the square and, on the grid that a case has by default, a quarter, a half and the whole
of the disc; for the coated wafer the closed form of `bending`, one term of that plate.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from warp.geometry.shapes import Body, Columns
from warp.machine.device import Device
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.large_deflection.solve import Solution, Wanted, solve
from warp.verify import bending
from warp.verify.bending import Layer
from warp.verify.elastic import plate
from warp.verify.problem import MM, Problem, Row, graded, material
from warp.voxels.grid import Grid, make_grid
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
ALPHA = 1e-6
RADIUS, THICK = 50.0, 1.0  # mm
DISC_SAGS = {0.28: {2.0: 0.83827, 4.0: 1.34089}, 0.30: {2.0: 0.84060, 4.0: 1.34703}}
"""Sag of the rim over the height by Poisson's ratio and load, before the disc rolls up."""
DISC_BIFURCATION = {0.28: 5.737, 0.30: 5.619}
DISC_CYLINDER = {0.28: (8.0, 3.808, 0.745), 0.30: (8.0, 3.902, 0.719)}
"""A load beyond the critical one with the sags along and across."""
Mirror = tuple[bool, bool]
QUARTER, HALF, WHOLE = (True, True), (True, False), (False, False)
DEGREE = 10
"""Of the even polynomials that read the sag of a rim from the columns inside it."""


def bent_disc(
    nu: float, load: float, device: Device, mirror: Mirror
) -> tuple[list[float], elastic.Solution]:
    """Heat a disc or a part of it between mirror planes; return its sags as `rim_sags` does."""
    outline = Columns(np.zeros((1, 2)), 2 * RADIUS * MM, -THICK / 2 * MM, THICK / 2 * MM)
    bodies = [Body("disc", "disc", (outline,))]
    grid = make_grid(bodies, None, mirror)
    model = voxelize(bodies, {"disc": material(130e9, nu, ALPHA)}, grid, ROOM)
    kappa = load * THICK / RADIUS**2 / MM
    temperature = np.broadcast_to((ROOM + kappa / ALPHA * grid.zc)[:, None, None], grid.shape)
    start, wanted = State.start(grid.shape), Wanted(branch="x")
    solution = solve(model, temperature, device, start, wanted=wanted, start=ROOM)
    levels, ny, nx = grid.shape
    w = solution.displacement[2, levels // 2, :ny, :nx]
    axis = solution.bent.principal.angle if isinstance(solution, Solution) else 0.0
    return rim_sags(grid, w, 0.0 if any(mirror) else axis), solution


def rim_sags(grid: Grid, w: np.ndarray, axis: float) -> list[float]:
    """Return the sags of a disc's rim on an axis at an angle from x and across it, over its height.

    From a polynomial that fits w (ny, nx) in m.
    """
    x, y = (q / (RADIUS * MM) for q in np.meshgrid(grid.xc, grid.yc))
    inside = x**2 + y**2 < 1
    along = (x * np.cos(axis) + y * np.sin(axis))[inside]
    across = (y * np.cos(axis) - x * np.sin(axis))[inside]
    powers = [(p, q) for p in range(0, DEGREE + 1, 2) for q in range(0, DEGREE + 1 - p, 2)]
    terms = np.stack([along**p * across**q for p, q in powers], axis=1)
    found = np.linalg.lstsq(terms, w[inside], rcond=None)[0]
    ends = (
        [a for a, (p, q) in zip(found, powers, strict=True) if p and not q],
        [a for a, (p, q) in zip(found, powers, strict=True) if q and not p],
    )
    return [abs(float(sum(end))) / (THICK * MM) for end in ends]


def disc(device: Device) -> list[Row]:
    """Compare the rim of a disc that stiffens, on a quarter of it."""
    rows = []
    for nu, sags in DISC_SAGS.items():
        for load, expected in sags.items():
            got, _ = bent_disc(nu, load, device, QUARTER)
            name = f"disc of nu {nu:g} at load {load:g}: sag over height"
            rows.append(Row(name, expected, got[0], 0.005, RITZ))
    return rows


def fuller_disc(device: Device) -> list[Row]:
    """Compare the rim of a half disc and of a whole one."""
    rows = []
    for (nu, sags), mirror, name in zip(
        DISC_SAGS.items(), (HALF, WHOLE), ("half", "whole"), strict=True
    ):
        load = max(sags)
        got, _ = bent_disc(nu, load, device, mirror)
        named = f"{name} disc of nu {nu:g} at load {load:g}: sag over height"
        rows.append(Row(named, sags[load], got[0], 0.005, RITZ))
    return rows


def disc_cylinder(device: Device, mirror: Mirror) -> list[Row]:
    """Compare the load at which a disc rolls up, and the cylinder that it becomes."""
    rows, model = [], "whole " if mirror == WHOLE else ""
    for nu, (load, along, across) in DISC_CYLINDER.items():
        sags, solution = bent_disc(nu, load, device, mirror)
        name = f"{model}disc of nu {nu:g}"
        rows += rolled(name, load, DISC_BIFURCATION[nu], solution)
        rows += sagged(name, load, (along, across), sags, (0.01, 0.01))
    return rows


def rolled(name: str, load: float, expected: float, solution: elastic.Solution) -> list[Row]:
    """Compare the load at which a plate rolls up."""
    critical = np.nan
    if isinstance(solution, Solution) and solution.bent.critical:
        critical = solution.bent.critical[0] * load
    return [Row(f"{name} rolls up at load", expected, critical, 0.02, RITZ)]


def sagged(
    name: str,
    load: float,
    expected: tuple[float, float],
    sags: list[float],
    tolerances: tuple[float, float],
) -> list[Row]:
    """Compare the sags of a cylinder along and across its axis."""
    ways = zip(("along", "across"), expected, sags, tolerances, strict=True)
    return [
        Row(f"{name} at load {load:g}: sag {way} over height", wanted, got, tolerance, RITZ)
        for way, wanted, got, tolerance in ways
    ]


SIDE, HEIGHT, LEVELS, CELLS = 100.0, 0.7, 8, 24  # mm; cells of half a side
SQUARE_SAGS = {1.0: 0.46321, 4.0: 1.24684}
"""Sag over the height in the middle of an edge of a square plate by its load."""
SQUARE_BIFURCATION, SQUARE_CYLINDER = 4.89, (6.0, 2.696, 0.693)
"""Load at which a square rolls up; a load beyond it with the sags along and across."""


def bent_square(load: float, device: Device) -> tuple[list[float], elastic.Solution]:
    """Heat a square plate; return its sags along x and y over its height, and the solution."""
    inner = graded(SIDE / 2 * MM, 0.0, SIDE / 4 / CELLS * MM, 0.1, SIDE / 1.7 / CELLS * MM)
    line, z = inner[::-1], np.linspace(-HEIGHT / 2, HEIGHT / 2, LEVELS + 1) * MM
    bodies = [Body("plate", "plate", (plate(SIDE * MM, SIDE * MM, z[0], z[-1]),))]
    grid = Grid(line, line, z, (True, True), (0, LEVELS))
    model = voxelize(bodies, {"plate": material(130e9, NU, ALPHA)}, grid, ROOM)
    kappa = load * HEIGHT / (SIDE / 2) ** 2 / MM
    temperature = np.broadcast_to((ROOM + kappa / ALPHA * grid.zc)[:, None, None], grid.shape)
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
    load, *expected = SQUARE_CYLINDER
    sags, solution = bent_square(load, device)
    rows = rolled("square", load, SQUARE_BIFURCATION, solution)
    return rows + sagged("square", load, (expected[0], expected[1]), sags, (0.01, 0.02))


PROBLEMS = [
    Problem("large deflection", wafer),
    Problem("large deflection of a square", dome),
    Problem("square that rolls up", cylinder, quick=False),
    Problem("large deflection of a disc", disc, quick=False),
    Problem("large deflection of a half disc and a whole one", fuller_disc, quick=False),
    Problem("disc that rolls up", partial(disc_cylinder, mirror=QUARTER), quick=False),
    Problem("whole disc that rolls up", partial(disc_cylinder, mirror=WHOLE), quick=False),
]
