"""Heat conduction against closed forms and published cases: die stack, spreading, NAFEMS, filled materials.

The two-die stack stands on the published grid; the others bring grids graded towards the source. Closed forms:
`analytic`, `spreading`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from warp import analytic, heat, spreading
from warp.boundary import Boundary, Film, Fixed, Source
from warp.curves import Table
from warp.device import Device
from warp.evidence import COLD, MM, Problem, Row, graded, joined, material
from warp.grid import Grid
from warp.medium import Material
from warp.shape import Balls, Body, Box
from warp.spreading import Rectangle, Sheet
from warp.voxelize import VoxelModel, voxelize

ZERO_CELSIUS = 273.15  # K
DIE_STACK = "3D-ICE 39ed2a7, test/solid"
CHANNEL = "Muzychka et al., J. Electron. Packag. 125 (2003) 178"
NAFEMS = "NAFEMS, The Standard NAFEMS Benchmarks (1990)"
KIRCHHOFF = "VMMECH007 by Kirchhoff's transform"
SPHERES = "McPhedran and McKenzie (1978), Sangani and Acrivos (1983)"


def block(x: np.ndarray, y: np.ndarray, z: np.ndarray, medium: Material, name: str) -> VoxelModel:
    """A grid full of one material."""
    body = Body(name, name, (Box(x[0], x[-1], y[0], y[-1], z[0], z[-1]),))
    return voxelize([body], {name: medium}, Grid(x, y, z), COLD)


def die_stack(device: Device) -> list[Row]:
    """Two 10 x 10 mm chips of 50 um on their own 50 x 200 um cells, three arrangements of sinks."""
    published = {
        ("top",): (307.821, 310.008),
        ("bottom",): (307.441, 310.388),
        ("bottom", "top"): (303.745, 305.004),
    }
    x, y, z = np.linspace(0, 10e-3, 201), np.linspace(0, 10e-3, 51), np.cumsum([0, 2e-6, 48e-6, 48e-6, 2e-6])
    model = block(x, y, z, material(k=130.0), "stack")
    half = np.array([0, 5e-3, 10e-3])
    sources = [
        Source("stack", 50.0, z=(0, 2e-6)),
        Source("stack", np.array([[12.5, 0], [0, 12.5]]), half, half, z=(98e-6, 100e-6)),
    ]
    rows = []
    for sinks, probes in published.items():
        T = heat.solve_steady(model, [Film(f"stack.{side}", 1e5, COLD) for side in sinks], sources, device).temperature
        for name, expected, got in zip(("lower", "upper"), probes, (T[0, 24, 100], T[3, 0, 0]), strict=True):
            where = "both" if len(sinks) == 2 else sinks[0]
            rows.append(
                Row(f"two-die stack, sink {where}: {name}", expected, float(got), 0.02, DIE_STACK, "K", absolute=True)
            )
    return rows


PLATES: dict[str, tuple[float, Rectangle, list[tuple[float, float]], float]] = {
    "copper plate": (16.3, Rectangle(8.15, 8.15, 1.75, 1.75), [(1.3, 386.0)], 1.5e4),
    "copper on diamond": (16.3, Rectangle(8.15, 8.15, 1.75, 1.75), [(1.3, 386.0), (0.25, 2000.0)], 1.5e4),
    "eccentric source": (40.0, Rectangle(15, 12, 10, 10), [(3.0, 390.0)], 1000.0),
    "soft layer on copper": (40.0, Rectangle(20, 20, 20, 20), [(0.05, 4.0), (1.0, 390.0)], 2000.0),
}
"""Square plates: side (mm), source on top (mm), layers from the source down (mm, W/mK), film below (W/m2K)."""


def spreading_resistance(name: str, device: Device) -> list[Row]:
    """A rectangular source on a square stack over a film: mean over the source, and at its centre."""
    side, source, layers, h = PLATES[name]
    a = side * MM
    mm = Rectangle(*(MM * np.array(source)))
    known = spreading.channel_resistance(a, a, mm, [Sheet(t * MM, k, k, k) for t, k in layers], h)
    mean, centre = plate_resistance(a, mm, layers, h, device)
    return [
        Row(f"{name}: mean of the source", known.mean, mean, 0.005, CHANNEL, "K/W"),
        Row(f"{name}: centre of the source", known.centre, centre, 0.005, CHANNEL, "K/W"),
    ]


def plate_resistance(
    a: float, source: Rectangle, layers: Sequence[tuple[float, float]], h: float, device: Device
) -> tuple[float, float]:
    """Mean and centre temperature rise per watt of the source on the top face of a plate, in SI but for layers."""
    x, y = (source_lines(a, centre, width) for centre, width in ((source.x, source.dx), (source.y, source.dy)))
    tops = -MM * np.concatenate(([0.0], np.cumsum([t for t, _ in layers])))
    z = joined(
        *(graded(top, low, min((top - low) / 4, 0.02 * MM), 0.15) for top, low in zip(tops[:-1], tops[1:], strict=True))
    )
    bodies = [
        Body(f"layer{n}", f"layer{n}", (Box(0, a, 0, a, low, top),))
        for n, (top, low) in enumerate(zip(tops[:-1], tops[1:], strict=True))
    ]
    media = {f"layer{n}": material(k=k) for n, (_, k) in enumerate(layers)}
    model = voxelize(bodies, media, Grid(x, y, z), COLD)
    lines = [np.array([c - w / 2, c + w / 2]) for c, w in ((source.x, source.dx), (source.y, source.dy))]
    heated = Source("layer0", np.ones((1, 1)), lines[0], lines[1], z=(float(z[-2]), 0.0))
    film = Film(f"layer{len(layers) - 1}.bottom", h, COLD)
    T = heat.solve_steady(model, [film], [heated], device).temperature[-1] - COLD
    T += (z[-1] - z[-2]) / 2 / layers[0][1] / (source.dx * source.dy)  # 1 W enters at the surface
    grid = model.grid
    i, j = ((q.min() < c) & (c < q.max()) for q, c in zip(lines, (grid.xc, grid.yc), strict=True))
    part = np.ix_(j, i)
    n, m = (int(np.searchsorted(lines, middle)) for lines, middle in ((grid.y, source.y), (grid.x, source.x)))
    return float(np.average(T[part], weights=grid.area[part])), float(T[n - 1 : n + 1, m - 1 : m + 1].mean())


def source_lines(a: float, centre: float, width: float) -> np.ndarray:
    """Lines from 0 to a, finest at the source's two edges, with one through its centre."""
    first, start, end = width / 100, centre - width / 2, centre + width / 2
    inner = [graded(edge, centre, first, 0.15, width / 16) for edge in (start, end)]
    outer = [graded(edge, wall, first, 0.15) for edge, wall in ((start, 0.0), (end, a)) if edge != wall]
    return joined(*inner, *outer)


def nafems_t4(device: Device) -> list[Row]:
    """A rectangle held at 100 degC below, insulated left, with films to 0 degC right and above: T at (0.6, 0.2) m."""
    x = 0.6 * np.sin(np.linspace(0, np.pi / 2, 33))
    y = np.concatenate((np.linspace(0, 0.2, 25), 0.2 + 0.8 * np.linspace(0, 1, 41)[1:] ** 1.1))
    model = block(x, y, np.array([0, 0.1]), material(k=52.0), "plate")
    cold = ZERO_CELSIUS
    walls: list[Boundary] = [Fixed("plate.y-", cold + 100), Film("plate.x+", 750, cold), Film("plate.y+", 750, cold)]
    _, wall = heat.face_temperature(heat.solve_steady(model, walls, {}, device), "plate.x+")
    at = float(np.interp(0.2, model.grid.yc, wall)) - cold
    return [
        Row("NAFEMS T4: series", analytic.cooled_rectangle(), at, 0.005, NAFEMS, "degC"),
        Row("NAFEMS T4: published target", 18.3, at, 0.1, NAFEMS, "degC", absolute=True),
    ]


def long_bar(device: Device) -> list[Row]:
    """A bar of conductivity k0 (1 + b T): the temperature at its cooled end and half-way."""
    k = Table((ZERO_CELSIUS, ZERO_CELSIUS + 200), (0.038, 0.038 * (1 + 0.00582 * 200)))
    bar = Material("bar", {"conductivity": (k, k, k)})
    model = block(np.linspace(0, 20, 41), np.array([0.0, 1]), np.array([0.0, 1]), bar, "bar")
    ends: list[Boundary] = [Fixed("bar.x-", ZERO_CELSIUS + 100), Film("bar.x+", 0.005, ZERO_CELSIUS + 5)]
    T = heat.solve_steady(model, ends, {}, device).temperature[0, 0] - ZERO_CELSIUS
    known = np.asarray(analytic.long_bar(model.grid.xc))
    return [
        Row(f"k(T) bar: T at {x:g} m", float(known[n]), float(T[n]), 0.02, KIRCHHOFF, "degC", absolute=True)
        for n, x in ((20, 10.25), (39, 19.75))
    ]


def cubic_spheres(device: Device) -> list[Row]:
    """Conducting spheres on a simple cubic lattice, an eighth of a cell: whole voxels, and one by volume fractions.

    A voxel that a ball's surface cuts conducts as the mean of its laminates: within 4 % for a solder ball between its
    pads on 4 or 8 voxels a diameter, where heat runs along the surface; too well for spheres that float in the matrix.
    """
    cases = [(10.0, 0.2, 0.005), (10.0, 0.4, 0.005), (1000.0, 0.2, 0.02), (1000.0, 0.4, 0.02)]
    rows = []
    for whole, (a, f, tolerance) in [*((True, case) for case in cases), (False, (10.0, 0.2, 0.01))]:
        name = f"spheres {f:.0%}, {a:g} times the matrix" + ("" if whole else ", cut voxels")
        known = analytic.simple_cubic_conductivity(f, a)
        rows.append(Row(name, known, cell_conductivity(a, f, 40, whole, device), tolerance, SPHERES))
    return rows


def cell_conductivity(a: float, f: float, n: int, whole: bool, device: Device) -> float:
    """k/k_matrix of an eighth of the cell of side 2, n voxels a side; `whole`: what a voxel's centre says holds."""
    R = float((6 * f / np.pi) ** (1 / 3))
    line = np.linspace(0, 1, n + 1)
    bodies = [
        Body("matrix", "matrix", (Box(-1, 1, -1, 1, 0, 1),)),
        Body("sphere", "sphere", (Balls(np.zeros((1, 2)), 2 * R, -R, R),)),
    ]
    media = {"matrix": material(k=1.0), "sphere": material(k=a)}
    model = voxelize(bodies, media, Grid(line, line, line, (True, True)), COLD)
    if whole:
        c = model.grid.xc**2
        inside = c + c[:, None] + c[:, None, None] < R**2
        model.ids[...] = np.where(inside, model.media.names.index("sphere"), model.media.names.index("matrix"))
    ends = [Fixed("package.bottom", COLD + 1), Fixed("package.top", COLD)]
    return heat.heat_flows(heat.solve_steady(model, ends, {}, device))["package.top"] / 4  # through the whole 2 x 2


PROBLEMS = [
    Problem("two-die stack", die_stack),
    *(Problem(name, partial(spreading_resistance, name), quick=n == 0) for n, name in enumerate(PLATES)),
    Problem("NAFEMS T4", nafems_t4),
    Problem("k(T) bar", long_bar),
    Problem("cubic spheres", cubic_spheres),
]
