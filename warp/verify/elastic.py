"""Compare thermo-elasticity with closed forms: bent stacks, chips, inclusions, exact states.

Packages are boxes on the default grid, as a case file would make them; inclusions need even voxels
and bring their own. Curvatures are those of the middle quarter, away from the free edges. Closed
forms: `laminate`, `closed_forms`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from warp.geometry.shapes import Balls, Body, Box, Columns, Prism
from warp.machine.device import Device
from warp.materials.material import Material
from warp.results import flatness, surface, surface_points
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic import stress as elastic_stress
from warp.solvers.elastic.history.state import State
from warp.solvers.krylov import Control
from warp.verify import bending, closed_forms
from warp.verify.bending import Layer
from warp.verify.problem import COLD, MM, Problem, Row, graded, joined, material
from warp.voxels.grid import Grid, make_grid, voxel_volumes
from warp.voxels.media import Media
from warp.voxels.voxelize import VoxelModel, voxelize

ROOM = COLD  # K
TIMOSHENKO = "Timoshenko, J. Opt. Soc. Am. 11 (1925) 233"
ROARK = "Roark, 8th ed.; feenox tests/bimetallic-strip.fee"
CLT = "Jones, Mechanics of Composite Materials (1999)"
SUHIR = "Suhir, J. Appl. Mech. 53 (1986) 657"
CHEN_NELSON = "Chen and Nelson, IBM J. Res. Dev. 23 (1979) 179"
KIRCHHOFF = "Kirchhoff plate of two regions (laminate.die_on_disc)"
GOODIER = "Goodier, Phil. Mag. 23 (1937) 1017"
NAFEMS = "NAFEMS, The Standard NAFEMS Benchmarks (1990)"
LEVIN = "Levin, Mekh. Tverd. Tela 2 (1967) 88"
EXACT = "Boley and Weiner, Theory of Thermal Stresses (1960)"


def solve(
    bodies: Sequence[Body],
    materials: dict[str, Material],
    dT: float,
    device: Device,
    grid: Grid | None = None,
) -> tuple[VoxelModel, elastic.Solution]:
    """Change the temperature of a package by dT; return the model and its solution.

    The model is a quarter on the default grid.
    """
    model = voxelize(bodies, materials, grid or make_grid(bodies, mirror=(True, True)), ROOM)
    return model, elastic.solve(model, ROOM + dT, device, State.start(model.grid.shape))


def plate(lx: float, ly: float, z0: float, z1: float) -> Box:
    """Make a box centred on the z axis."""
    return Box(-lx / 2, lx / 2, -ly / 2, ly / 2, z0, z1)


def heights(model: VoxelModel, U: np.ndarray, part: str, x: Sequence[float]) -> np.ndarray:
    """Displacement w of a part's underside on the x axis, relative to the centre."""
    bottom = surface.sample(model, U, part, "bottom")
    w = surface_points.interpolate(bottom, bottom.w, np.array([0.0, *x]), np.zeros(1))
    return w[1:] - w[0]


def stack(
    layers: Sequence[Layer], dT: float, lx: float, ly: float, device: Device
) -> tuple[VoxelModel, elastic.Solution]:
    """Bend a free plate of full-area layers (bottom to top, SI)."""
    z = np.concatenate(([0.0], np.cumsum([layer.t for layer in layers])))
    names = [f"layer{n}" for n in range(len(layers))]
    bodies = [Body(name, name, (plate(lx, ly, z[n], z[n + 1]),)) for n, name in enumerate(names)]
    materials = {
        n: material(layer.E, layer.nu, layer.alpha) for n, layer in zip(names, layers, strict=True)
    }
    return solve(bodies, materials, dT, device)


def curvature(model: VoxelModel, U: np.ndarray) -> tuple[float, float]:
    """kappa_x and kappa_y of the uppermost surface over the middle quarter."""
    return flatness.curvature(surface.sample(model, U, model.parts[-1], "top"))[:2]


def mid_strain(model: VoxelModel, U: np.ndarray) -> float:
    """Strain e_xx half-way up in the middle of a stack, from the line that fits all its levels."""
    grid = model.grid
    e = np.diff(U[0, :-1, 0, :], axis=1)[:, 0] / grid.dx[0]
    return float(np.polyfit(grid.zc - (grid.z[0] + grid.z[-1]) / 2, e, 1)[1])


def bimetal_plate(device: Device) -> list[Row]:
    """Cool 0.5 mm silicon on 0.5 mm copper, 40 x 40 mm, by 100 K: 2.0692e-3 /mm anywhere."""
    layers = [Layer(0.5 * MM, 110e9, 0.34, 16.4e-6), Layer(0.5 * MM, 130e9, 0.28, 2.6e-6)]
    model, solution = stack(layers, -100, 40 * MM, 40 * MM, device)
    U = solution.displacement
    kx, ky = curvature(model, U)
    strain, kappa = bending.laminate(layers, -100)
    return [
        Row("bimetal plate: curvature x", kappa, kx, 0.005, TIMOSHENKO, "1/m"),
        Row("bimetal plate: curvature y", kappa, ky, 0.005, TIMOSHENKO, "1/m"),
        Row(
            "bimetal plate: mid-plane strain",
            1e6 * strain,
            1e6 * mid_strain(model, U),
            0.005,
            CLT,
            "ppm",
        ),
    ]


def bimetal_strip(device: Device) -> list[Row]:
    """Heat a strip 20 m long, one half of it the 10 m cantilever of the books.

    15 mm longer, tip 0.75 m up, 50 MPa. The stress is what is left of three times as much bending,
    so it takes 1 %.
    """
    layers = [Layer(0.05, 200e9, 0.0, 2e-5), Layer(0.05, 200e9, 0.0, 1e-5)]
    model, solution = stack(layers, 100, 20, 1, device)
    U = solution.displacement
    extension, deflection, stress = bending.bimetal_cantilever(
        10, 0.05, 200e9, 1e-5, 0.05, 200e9, 2e-5, 100
    )
    grid = model.grid
    sigma = elastic_stress.stress(model, ROOM + 100, solution.state, device)[0, :, 0, 0]
    lower = grid.zc < 0.05
    return [
        Row(
            "bimetal strip: extension",
            extension,
            float(grid.dz @ U[0, :-1, 0, -1]) / 0.1,
            0.005,
            ROARK,
            "m",
        ),
        Row(
            "bimetal strip: tip",
            deflection,
            float(heights(model, U, "layer0", [10])[0]),
            0.005,
            ROARK,
            "m",
        ),
        Row(
            "bimetal strip: stress below",
            stress / 1e6,
            float(np.polyval(np.polyfit(grid.zc[lower], sigma[lower], 1), 0.0)) / 1e6,
            0.01,
            ROARK,
            "MPa",
        ),
    ]


STACKS = {
    "substrate, underfill, chip": (
        -140,
        [
            Layer(1.0, 26e3, 0.2, 15e-6),
            Layer(0.08, 8e3, 0.3, 30e-6),
            Layer(0.5, 130e3, 0.28, 2.8e-6),
        ],
    ),
    "substrate, chip": (-125, [Layer(1.2, 25e3, 0.2, 15e-6), Layer(0.775, 130e3, 0.28, 2.8e-6)]),
    "substrate, chip, indium, lid": (
        -125,
        [
            Layer(1.2, 25e3, 0.2, 15e-6),
            Layer(0.775, 130e3, 0.28, 2.8e-6),
            Layer(0.05, 11e3, 0.45, 29e-6),
            Layer(1.0, 120e3, 0.34, 17e-6),
        ],
    ),
}
"""Full-area stacks (temperature change; mm, MPa, ratio, 1/K) with the stiffest possible bond."""


def full_stack(name: str, device: Device) -> list[Row]:
    """Bend a full-area stack 40 x 40 mm."""
    dT, layers = STACKS[name]
    si = [Layer(layer.t * MM, layer.E * 1e6, layer.nu, layer.alpha) for layer in layers]
    model, solution = stack(si, dT, 40 * MM, 40 * MM, device)
    U = solution.displacement
    strain, kappa = bending.laminate(si, dT)
    return [
        Row(f"{name}: curvature", kappa, curvature(model, U)[0], 0.005, CLT, "1/m"),
        Row(
            f"{name}: mid-plane strain", 1e6 * strain, 1e6 * mid_strain(model, U), 0.005, CLT, "ppm"
        ),
    ]


def finite_chip(device: Device) -> list[Row]:
    """Cool a chip half as long as its carrier on a soft bond by 140 K, as a strip.

    The strip does not move in y. The theory's bond shears and stretches in z only: it has no
    stiffness of its own in plane.
    """
    l, L, wide = 5 * MM, 10 * MM, 2 * MM  # noqa: E741
    die, carrier, bond = (0.5, 130e3, 2.8e-6), (1.0, 26e3, 15e-6), (0.08, 3e3)
    z = np.cumsum([0, carrier[0], bond[0], die[0]]) * MM
    strip = {
        name: material(E * 1e6, 0.0, (a, 0.0, 0.0))
        for name, (_, E, a) in (("die", die), ("carrier", carrier))
    }
    strip["bond"] = material((1e6, 1e6, 2e6 * bond[1]), 0.0, 0.0, shear=1e6 * bond[1])
    bodies = [
        Body("carrier", "carrier", (plate(2 * L, wide, z[0], z[1]),)),
        Body("bond", "bond", (plate(2 * l, wide, z[1], z[2]),)),
        Body("die", "die", (plate(2 * l, wide, z[2], z[3]),)),
    ]
    model, solution = solve(bodies, strip, -140, device)
    U = solution.displacement
    got = heights(model, U, "carrier", [l, L])
    rows = []
    for theory, suhir in ((CHEN_NELSON, False), (SUHIR, True)):
        known = bending.finite_die(die, carrier, bond, 5, -140, suhir)
        for where, x, w in zip(("chip edge", "carrier end"), (5, 10), got, strict=True):
            name = f"chip on a soft bond: {where} ({'Suhir' if suhir else 'Chen-Nelson'})"
            rows.append(Row(name, float(known.deflection(x)) * 1e3, w * 1e6, 0.05, theory, "um"))
    return rows


def disc(radius: float, z0: float, z1: float, corners: int = 128) -> Prism:
    """Make a round plate as a polygon of the same area."""
    angle = (np.arange(corners) + 0.5) * 2 * np.pi / corners
    r = radius * np.sqrt(2 * np.pi / corners / np.sin(2 * np.pi / corners))
    return Prism(r * np.stack((np.cos(angle), np.sin(angle)), axis=1), z0, z1)


ROUND_CHIPS = {
    "round chip 10 on 20 mm": (
        Layer(0.5, 130e3, 0.28, 2.8e-6),
        Layer(1.0, 26e3, 0.2, 15e-6),
        5.0,
        10.0,
    ),
    "round chip 22.6 on 45 mm": (
        Layer(0.775, 130e3, 0.28, 2.8e-6),
        Layer(1.2, 25e3, 0.2, 15e-6),
        11.2838,
        22.5676,
    ),
}
"""Chip, carrier (mm, MPa, ratio, 1/K) and their radii (mm)."""


def round_chip(name: str, device: Device) -> list[Row]:
    """Bend a round chip on a round carrier, cut by the grid's voxels.

    Curved under the chip, nearly conical outside.
    """
    die, carrier, a, b = ROUND_CHIPS[name]
    bodies = [
        Body("carrier", "carrier", (disc(b * MM, 0, carrier.t * MM),)),
        Body("die", "die", (disc(a * MM, carrier.t * MM, (carrier.t + die.t) * MM),)),
    ]
    materials = {
        n: material(q.E * 1e6, q.nu, q.alpha) for n, q in (("carrier", carrier), ("die", die))
    }
    model, solution = solve(bodies, materials, -140, device)
    U = solution.displacement
    known = bending.die_on_disc(die, carrier, a, b, -140)
    rim = b * (1 - 1e-3) * MM  # the last voxel on the axis reaches just to the rim
    at_chip, at_rim = heights(model, U, "carrier", [a * MM, rim]) * 1e6
    return [
        Row(
            f"{name}: curvature",
            known.curvature * 1e3,
            curvature(model, U)[0],
            0.05,
            KIRCHHOFF,
            "1/m",
        ),
        Row(f"{name}: chip edge", known.deflection_at_die * 1e3, at_chip, 0.05, KIRCHHOFF, "um"),
        Row(f"{name}: rim", known.deflection_at_rim * 1e3, at_rim, 0.05, KIRCHHOFF, "um"),
    ]


def sphere(device: Device) -> list[Row]:
    """Load a sphere that would grow by 1e-3 inside a large body: even pressure in it.

    Both have the same stiffness.
    """
    a, E, nu, strain, h = 1 * MM, 100e9, 0.3, 1e-3, 0.125 * MM
    half = joined(np.arange(0, 13) * h, graded(12 * h, 10 * a, h))
    grid = Grid(half, half, joined(-half, half), (True, True))
    bodies = [
        Body("body", "body", (plate(20 * a, 20 * a, -10 * a, 10 * a),)),
        Body("sphere", "sphere", (Balls(np.zeros((1, 2)), 2 * a, -a, a),)),
    ]
    materials = {"body": material(E, nu, 0.0), "sphere": material(E, nu, strain / 100)}
    model, solution = solve(bodies, materials, 100, device, grid)
    sigma = elastic_stress.stress(model, ROOM + 100, solution.state, device) / 1e6
    radial, tangential, r = spherical(grid, sigma)
    p = float(-closed_forms.hot_sphere(0.0, a, E, nu, strain)[0]) / 1e6
    inside, outside = r < a - 3 * h, (r > a + 3 * h) & (r < 2 * a)
    volume = voxel_volumes(grid)

    def mean(value: np.ndarray, where: np.ndarray) -> float:
        return float(np.average(value[where], weights=volume[where]))

    fall = (r / a) ** 3
    return [
        Row(
            "hot sphere: stress inside",
            -p,
            mean(sigma[:3].mean(axis=0), inside),
            0.03,
            GOODIER,
            "MPa",
        ),
        Row(
            "hot sphere: radial stress outside",
            -p,
            mean(radial * fall, outside),
            0.03,
            GOODIER,
            "MPa",
        ),
        Row(
            "hot sphere: hoop stress outside",
            p / 2,
            mean(tangential * fall, outside),
            0.03,
            GOODIER,
            "MPa",
        ),
    ]


def spherical(grid: Grid, sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Radial stress, mean of the tangential stresses, and distance from the origin."""
    X, Y, Z = grid.xc, grid.yc[:, None], grid.zc[:, None, None]
    r = np.sqrt(X**2 + Y**2 + Z**2)
    x, y, z = X / r, Y / r, Z / r
    xx, yy, zz, yz, xz, xy = sigma
    radial = xx * x**2 + yy * y**2 + zz * z**2 + 2 * (yz * y * z + xz * x * z + xy * x * y)
    return radial, (xx + yy + zz - radial) / 2, r


def membrane(device: Device) -> list[Row]:
    """Heat NAFEMS T1's disc of radius 1 mm in a free sheet 20 x 20 mm.

    -+50 MPa on either side of its rim.
    """
    a, E, nu, strain, h, t = 1 * MM, 100e9, 0.3, 1e-3, 0.0625 * MM, 0.09 * MM
    half = joined(np.arange(0, 33) * h, graded(32 * h, 10 * a, h))
    grid = Grid(half, half, np.linspace(0, t, 4), (True, True))
    bodies = [
        Body("sheet", "sheet", (plate(20 * a, 20 * a, 0, t),)),
        Body("disc", "disc", (Columns(np.zeros((1, 2)), 2 * a, 0, t),)),
    ]
    materials = {"sheet": material(E, nu, 0.0), "disc": material(E, nu, strain)}
    model, solution = solve(bodies, materials, 1.0, device, grid)
    sigma = elastic_stress.stress(model, ROOM + 1, solution.state, device)[:, 1] / 1e6
    r = np.hypot(grid.xc, grid.yc[:, None])
    x, y = grid.xc / r, grid.yc[:, None] / r
    hoop = sigma[0] * y**2 + sigma[1] * x**2 - 2 * sigma[5] * x * y
    inside, outside = r < a - 3 * h, (r > a + 3 * h) & (r < 1.6 * a)
    known = float(closed_forms.hot_disc(0.0, a, E, strain)[0]) / 1e6
    rim = float(np.average((hoop * (r / a) ** 2)[outside], weights=grid.area[outside]))
    return [
        Row(
            "NAFEMS T1: stress in the disc",
            known,
            float(sigma[:2, inside].mean()),
            0.03,
            NAFEMS,
            "MPa",
        ),
        Row("NAFEMS T1: hoop stress at the rim", 50, rim, 0.03, NAFEMS, "MPa"),
    ]


def mosaic(materials: Sequence[Material | None], seed: int = 6) -> VoxelModel:
    """Fill 10 x 8 x 8 uneven voxels with blocks of materials (None: void) in random order.

    The body is in one piece. A block is two voxels wide: one would have no bending stiffness of its
    own.
    """
    rng = np.random.default_rng(seed)
    x, y, z = (
        np.concatenate(([0.0], np.cumsum(rng.uniform(0.5, 1.5, n)))) * MM for n in (10, 8, 8)
    )
    solid = [m for m in materials if m is not None]
    block = rng.integers(1 - (None in materials), len(solid) + 1, (4, 4, 5), dtype=np.uint16)
    block[::3] = np.maximum(block[::3], 1)  # two whole layers, stumps of posts between them
    block[:, ::3, ::4] = np.maximum(block[:, ::3, ::4], 1)  # and whole posts
    ids = block.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    part = np.array([-1] + [0] * len(solid))
    known = Media(
        part, [None, *solid], np.full(len(part), ROOM), ["void", *(m.name for m in solid)]
    )
    return VoxelModel(Grid(x, y, z), ids, known, ["body"])


def free_expansion(device: Device) -> list[Row]:
    """Heat a body of one material in any shape by 100 K: it is free of stress.

    Gives the largest stress / (E alpha dT).
    """
    model = mosaic([material(130e9, 0.28, 2.8e-6), None])
    start = State.start(model.grid.shape)
    state = elastic.solve(model, ROOM + 100, device, start, Control(1e-10)).state
    sigma = elastic_stress.stress(model, ROOM + 100, state, device)
    largest = float(abs(sigma).max()) / (130e9 * 2.8e-4)
    return [Row("one material, any shape: stress", 0.0, largest, 1e-6, EXACT, absolute=True)]


def linear_temperature(device: Device) -> list[Row]:
    """Bend a plate by 1 K/mm across its thickness to alpha g, free of stress."""
    E, nu, alpha, t, g = 130e9, 0.28, 2.8e-6, 0.8 * MM, 1000.0
    bodies = [Body("plate", "plate", (plate(8 * MM, 6 * MM, 0, t),))]
    grid = make_grid(bodies, mirror=(True, True))
    model = voxelize(bodies, {"plate": material(E, nu, alpha)}, grid, ROOM)
    T = np.broadcast_to(ROOM + g * grid.zc[:, None, None], grid.shape).copy()
    solution = elastic.solve(model, T, device, State.start(model.grid.shape), Control(1e-10))
    U, sigma = solution.displacement, elastic_stress.stress(model, T, solution.state, device)
    largest = float(abs(sigma).max()) / (E * alpha * g * t)
    return [
        Row("linear temperature: curvature", alpha * g, curvature(model, U)[0], 1e-6, EXACT, "1/m"),
        Row("linear temperature: stress", 0.0, largest, 1e-6, EXACT, absolute=True),
    ]


def levin(device: Device) -> list[Row]:
    """Two phases in any arrangement: the mean expansion follows from the bulk modulus alone.

    A stress p hindering nothing but each phase's own volume, 3 K alpha dT = p, loads the body like
    a tension p from outside: the mean volume strain under it is p/K.
    """
    (E1, nu1, alpha1), (E2, nu2, alpha2) = (3e9, 0.35, 60e-6), (73e9, 0.17, 0.5e-6)
    K1, K2 = (E / 3 / (1 - 2 * nu) for E, nu in ((E1, nu1), (E2, nu2)))
    p, dT = 1e6, 100.0

    def volume_strain(first: float, second: float) -> float:
        model = mosaic([material(E1, nu1, first), material(E2, nu2, second)])
        U = elastic.solve(
            model, ROOM + dT, device, State.start(model.grid.shape), Control(1e-9)
        ).displacement
        grid = model.grid
        area = (grid.dz[:, None] * grid.dy, grid.dz[:, None] * grid.dx, grid.area)
        nz, ny, nx = grid.shape
        ends = (
            U[0, :nz, :ny, nx] - U[0, :nz, :ny, 0],
            U[1, :nz, ny, :nx] - U[1, :nz, 0, :nx],
            U[2, nz, :ny, :nx] - U[2, 0, :ny, :nx],
        )
        grown = sum(float((a * d).sum()) for a, d in zip(area, ends, strict=True))
        return grown / float(voxel_volumes(grid).sum())

    K = p / volume_strain(p / (3 * K1 * dT), p / (3 * K2 * dT))
    known = float(closed_forms.levin_cte(K, K1, alpha1, K2, alpha2))
    got = volume_strain(alpha1, alpha2) / 3 / dT
    return [Row("two phases: expansion", known * 1e6, got * 1e6, 1e-5, LEVIN, "ppm/K")]


PROBLEMS = [
    Problem("free expansion", free_expansion),
    Problem("linear temperature", linear_temperature),
    Problem("bimetal plate", bimetal_plate),
    Problem("bimetal strip", bimetal_strip, quick=False),
    *(Problem(name, partial(full_stack, name), quick=n == 2) for n, name in enumerate(STACKS)),
    Problem("chip on a soft bond", finite_chip),
    *(Problem(name, partial(round_chip, name), quick=n == 0) for n, name in enumerate(ROUND_CHIPS)),
    Problem("hot sphere", sphere),
    Problem("hot disc", membrane),
    Problem("Levin's identity", levin),
]
