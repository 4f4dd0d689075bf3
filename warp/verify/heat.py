"""Compare heat conduction with closed forms and published cases.

The two-die stack stands on the published grid; the others bring grids graded towards the source.
Closed forms: `closed_forms`, `spreading`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from warp.geometry.shapes import Balls, Body, Box
from warp.machine.device import Device
from warp.materials.curves import Constant, Table
from warp.materials.material import Material
from warp.solvers.heat import flux, transient
from warp.solvers.heat import solve as heat
from warp.solvers.heat.transient import Schedule, Stepping
from warp.units import ZERO_CELSIUS
from warp.verify import closed_forms, spreading
from warp.verify.problem import COLD, HOT, MM, Problem, Row, graded, joined, material
from warp.verify.spreading import Rectangle, Sheet
from warp.voxels.boundary import Boundary, Film, Fixed, Source
from warp.voxels.grid import Grid
from warp.voxels.voxelize import VoxelModel, voxelize

SILICON = 1.63566e6  # J/m3K, of the two-die stack and the slabs
DIE_STACK = "3D-ICE 39ed2a7, test/solid"
CHANNEL = "Muzychka et al., J. Electron. Packag. 125 (2003) 178"
NAFEMS = "NAFEMS, The Standard NAFEMS Benchmarks (1990)"
KIRCHHOFF = "VMMECH007 by Kirchhoff's transform"
SLABS = "Carslaw and Jaeger (1959), 3.8 and 3.11"
TRANSFORM = "Carslaw and Jaeger (1959), 3.8 and 1.6 (Kirchhoff)"
SCHEME = "Hosea and Shampine, Appl. Numer. Math. 20 (1996) 21"
SPHERES = "McPhedran and McKenzie (1978), Sangani and Acrivos (1983)"


def block(x: np.ndarray, y: np.ndarray, z: np.ndarray, medium: Material, name: str) -> VoxelModel:
    """Fill a grid with one material."""
    body = Body(name, name, (Box(x[0], x[-1], y[0], y[-1], z[0], z[-1]),))
    return voxelize([body], {name: medium}, Grid(x, y, z), COLD)


def stacked_dies() -> tuple[VoxelModel, list[Source]]:
    """Two 10 x 10 mm chips of 50 um on their own 50 x 200 um cells."""
    x, y, z = (
        np.linspace(0, 10e-3, 201),
        np.linspace(0, 10e-3, 51),
        np.cumsum([0, 2e-6, 48e-6, 48e-6, 2e-6]),
    )
    model = block(x, y, z, material(k=130.0, capacity=SILICON), "stack")
    half = np.array([0, 5e-3, 10e-3])
    return model, [
        Source("stack", 50.0, z=(0, 2e-6)),
        Source("stack", np.array([[12.5, 0], [0, 12.5]]), half, half, z=(98e-6, 100e-6)),
    ]


def die_stack(device: Device) -> list[Row]:
    """Three arrangements of sinks."""
    published = {
        ("top",): (307.821, 310.008),
        ("bottom",): (307.441, 310.388),
        ("bottom", "top"): (303.745, 305.004),
    }
    model, sources = stacked_dies()
    rows = []
    for sinks, probes in published.items():
        T = heat.solve_steady(
            model, [Film(f"stack.{side}", 1e5, COLD) for side in sinks], sources, device
        ).temperature
        for name, expected, got in zip(
            ("lower", "upper"), probes, (T[0, 24, 100], T[3, 0, 0]), strict=True
        ):
            where = "both" if len(sinks) == 2 else sinks[0]
            rows.append(
                Row(
                    f"two-die stack, sink {where}: {name}",
                    expected,
                    float(got),
                    0.02,
                    DIE_STACK,
                    "K",
                    absolute=True,
                )
            )
    return rows


def heated_die_stack(device: Device) -> list[Row]:
    """Heat the same stack from 300 K by the published backward Euler steps of 2 ms."""
    top = {
        2: (304.281, 305.475),
        4: (306.202, 307.937),
        6: (307.081, 309.062),
        8: (307.483, 309.575),
    }
    published = {
        ("top",): top | {10: (307.667, 309.810), 20: (307.818, 310.004)},
        ("bottom",): {2: (304.072, 305.684)},
        ("bottom", "top"): {2: (302.666, 303.558)},
    }
    model, sources = stacked_dies()
    rows = []
    for sinks, probes in published.items():
        films = [Film(f"stack.{side}", 1e5, COLD) for side in sinks]
        times = [MM * t for t in probes]
        schedule = Schedule(COLD, times[-1], outputs=times)
        stepping = Stepping(tolerance=0.01, fixed_step=2 * MM, backward_euler=True)
        frames = transient.solve(model, films, sources, device, schedule, stepping).frames
        where = "both" if len(sinks) == 2 else sinks[0]
        for (ms, pair), (_, T) in zip(probes.items(), frames, strict=True):
            for name, expected, got in zip(
                ("lower", "upper"), pair, (T[0, 24, 100], T[3, 0, 0]), strict=True
            ):
                label = f"two-die stack, sink {where}, {ms} ms: {name}"
                rows.append(Row(label, expected, float(got), 0.02, DIE_STACK, "K", absolute=True))
    return rows


def column(z: np.ndarray, medium: Material) -> VoxelModel:
    """Make a single column of voxels, 1 mm2."""
    return block(np.array([0, MM]), np.array([0, MM]), z, medium, "slab")


def cooled_slab(device: Device) -> list[Row]:
    """Cool a slab by a film, Bi = 1: the excess temperature left at back and surface."""
    L, k, z = 0.775 * MM, 130.0, np.linspace(0, 0.775 * MM, 41)
    model, fouriers = column(z, material(k=k, capacity=SILICON)), (0.2, 0.5, 1.0)
    times = [Fo * L**2 * SILICON / k for Fo in fouriers]
    film = [Film("slab.top", k / L, COLD)]
    frames = transient.solve(
        model, film, {}, device, Schedule(HOT, times[-1], outputs=times), Stepping(tolerance=0.05)
    ).frames
    rows = []
    for Fo, (_, T) in zip(fouriers, frames, strict=True):
        left = (T[:, 0, 0] - COLD) / (HOT - COLD)
        found = {
            "back": (0.0, left[0]),
            "surface": (1.0, left[-1] / (1 + model.grid.dz[-1] / 2 / L)),
        }
        for name, (at, got) in found.items():
            known = float(closed_forms.convective_slab(at, Fo, 1.0))
            rows.append(Row(f"cooled slab, Fo {Fo:g}: {name}", known, float(got), 0.005, SLABS))
    return rows


def heated_slab(device: Device) -> list[Row]:
    """Heat one side by a flux: constant properties, and both growing alike.

    The latter are constant after Kirchhoff's transform.
    """
    k, b = 130.0, 0.01  # 1/K: over 59 K the growing ones gain more than a half
    knots = ZERO_CELSIUS, ZERO_CELSIUS + 100
    laws = {
        name: Table(knots, (v, v * (1 + 100 * b)))
        for name, v in (("conductivity", k), ("specific_heat", SILICON))
    }
    growing = Material(
        "growing",
        {name: (law,) * 3 for name, law in laws.items()} | {"density": (Constant(1.0),) * 3},
    )
    return [
        *surface_heated(
            "heated slab", material(k=k, capacity=SILICON), lambda rise: rise, SLABS, device
        ),
        *surface_heated(
            "heated slab of k(T), c(T)",
            growing,
            lambda rise: float(np.sqrt(1 + 2 * b * rise) - 1) / b,
            TRANSFORM,
            device,
        ),
    ]


def surface_heated(
    name: str, medium: Material, transformed: Callable[[float], float], source: str, device: Device
) -> list[Row]:
    """Return the rise of the surface of an insulated slab from 0 degC.

    Half the outermost voxel of 1 um is added.
    """
    L, k, q = 0.775 * MM, 130.0, 1e7
    model = column(graded(L, 0, 1e-6, 0.1)[::-1], medium)
    outermost = float(model.grid.z[-2]), L
    times = [MM * ms for ms in (0.1, 1, 5)]
    heated = [Source("slab", q * MM**2, z=outermost)]
    frames = transient.solve(
        model, [], heated, device, Schedule(ZERO_CELSIUS, times[-1], outputs=times)
    ).frames
    rows = []
    for t, (_, T) in zip(times, frames, strict=True):
        known = transformed(float(closed_forms.heated_slab(L, t, L, k, SILICON, q)))
        inside = float(T[-1, 0, 0])
        got = (
            inside
            - ZERO_CELSIUS
            + q * model.grid.dz[-1] / 2 / float(medium.conductivity(inside)[2])
        )
        rows.append(Row(f"{name}, {t / MM:g} ms", known, float(got), 0.005, source, "K"))
    return rows


def heated_package(device: Device) -> list[Row]:
    """Switch on a chip under a lid: heat stored, final temperature, and order in time."""
    outline = (-10 * MM, 10 * MM, -10 * MM, 10 * MM)
    chip = (-4 * MM, 4 * MM, -4 * MM, 4 * MM)
    bodies = [
        Body("substrate", "substrate", (Box(*outline, 0, 1 * MM),)),
        Body("chip", "silicon", (Box(*chip, 1 * MM, 1.6 * MM),)),
        Body("paste", "paste", (Box(*chip, 1.6 * MM, 1.7 * MM),)),
        Body("lid", "copper", (Box(*outline, 1.7 * MM, 2.7 * MM),)),
    ]
    media = {
        "substrate": material(k=(20.0, 20.0, 0.5), capacity=2.3e6),
        "silicon": material(k=130.0, capacity=SILICON),
        "paste": material(k=3.0, capacity=2.5e6),
        "copper": material(k=390.0, capacity=3.4e6),
    }
    line, z = np.linspace(0, 10 * MM, 11), MM * np.array([0, 0.5, 1, 1.3, 1.6, 1.7, 2.2, 2.7])
    model = voxelize(bodies, media, Grid(line, line, z, (True, True)), COLD)
    films: list[Boundary] = [Film("lid.top", 2000, COLD), Film("substrate.bottom", 50, COLD)]
    chip_on = [Source("chip", 30.0)]
    on = transient.solve(
        model, films, chip_on, device, Schedule(COLD, 300.0), Stepping(tolerance=0.2)
    )
    steady = heat.solve_steady(model, films, chip_on, device).temperature
    astray = max(abs(step.supplied - step.lost - step.stored) / step.supplied for step in on.steps)
    off = float(np.abs(on.frames[-1][1] - steady).max())
    ends = [
        transient.solve(
            model,
            films,
            {},
            device,
            Schedule(steady, 2.0),
            Stepping(tolerance=1e-4, fixed_step=2.0 / n),
        ).frames[-1][1]
        for n in (4, 8, 24)
    ]
    coarse, fine = (float(np.sqrt(np.mean((end - ends[-1]) ** 2))) for end in ends[:-1])
    own = "conservation of heat"
    return [
        Row(
            "package switched on: heat astray in a step",
            0.0,
            astray,
            1e-9,
            own,
            "of it",
            absolute=True,
        ),
        Row(
            "package switched on: from the steady field",
            0.0,
            off,
            0.01,
            "the steady solve",
            "K",
            absolute=True,
        ),
        Row(
            "package switched off: order in time",
            2.0,
            float(np.log2(coarse / fine)),
            0.15,
            SCHEME,
            "",
            absolute=True,
        ),
    ]


def nafems_t3(device: Device) -> list[Row]:
    """Heat a wall between 0 degC and 100 sin(pi t / 40) degC: T at 0.08 m after 32 s.

    Zero at first.
    """
    wall = material(k=35.0, capacity=440.5 * 7200.0)
    model = block(np.linspace(0, 0.1, 51), np.array([0, 0.1]), np.array([0, 0.1]), wall, "wall")
    ends: list[Boundary] = [Fixed("wall.x-", ZERO_CELSIUS), Fixed("wall.x+", ZERO_CELSIUS)]
    swing = {"wall.x+": lambda t: ZERO_CELSIUS + 100 * np.sin(np.pi * t / 40)}
    out = transient.solve(
        model,
        ends,
        {},
        device,
        Schedule(ZERO_CELSIUS, 32.0, ambient=swing),
        Stepping(tolerance=0.02),
    )
    at = float(np.interp(0.08, model.grid.xc, out.frames[-1][1][0, 0])) - ZERO_CELSIUS
    known = float(closed_forms.oscillating_slab(0.08, 32.0))
    return [
        Row("NAFEMS T3: series", known, at, 0.005, NAFEMS, "degC"),
        Row("NAFEMS T3: published target", 36.60, at, 0.1, NAFEMS, "degC", absolute=True),
    ]


PLATES: dict[str, tuple[float, Rectangle, list[tuple[float, float]], float]] = {
    "copper plate": (16.3, Rectangle(8.15, 8.15, 1.75, 1.75), [(1.3, 386.0)], 1.5e4),
    "copper on diamond": (
        16.3,
        Rectangle(8.15, 8.15, 1.75, 1.75),
        [(1.3, 386.0), (0.25, 2000.0)],
        1.5e4,
    ),
    "eccentric source": (40.0, Rectangle(15, 12, 10, 10), [(3.0, 390.0)], 1000.0),
    "soft layer on copper": (40.0, Rectangle(20, 20, 20, 20), [(0.05, 4.0), (1.0, 390.0)], 2000.0),
}
"""Square plates: side (mm), source on top (mm), layers down (mm, W/mK), film below (W/m2K)."""


def spreading_resistance(name: str, device: Device) -> list[Row]:
    """Spread heat of a rectangular source on a square stack over a film.

    Mean over the source, and at its centre.
    """
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
    """Return the mean and centre temperature rise per watt of the source on a plate.

    SI units but for layers.
    """
    x, y = (
        source_lines(a, centre, width)
        for centre, width in ((source.x, source.dx), (source.y, source.dy))
    )
    tops = -MM * np.concatenate(([0.0], np.cumsum([t for t, _ in layers])))
    z = joined(
        *(
            graded(top, low, min((top - low) / 4, 0.02 * MM), 0.15)
            for top, low in zip(tops[:-1], tops[1:], strict=True)
        )
    )
    bodies = [
        Body(f"layer{n}", f"layer{n}", (Box(0, a, 0, a, low, top),))
        for n, (top, low) in enumerate(zip(tops[:-1], tops[1:], strict=True))
    ]
    media = {f"layer{n}": material(k=k) for n, (_, k) in enumerate(layers)}
    model = voxelize(bodies, media, Grid(x, y, z), COLD)
    lines = [
        np.array([c - w / 2, c + w / 2]) for c, w in ((source.x, source.dx), (source.y, source.dy))
    ]
    heated = Source("layer0", np.ones((1, 1)), lines[0], lines[1], z=(float(z[-2]), 0.0))
    film = Film(f"layer{len(layers) - 1}.bottom", h, COLD)
    T = heat.solve_steady(model, [film], [heated], device).temperature[-1] - COLD
    T += (z[-1] - z[-2]) / 2 / layers[0][1] / (source.dx * source.dy)  # 1 W enters at the surface
    grid = model.grid
    i, j = ((q.min() < c) & (c < q.max()) for q, c in zip(lines, (grid.xc, grid.yc), strict=True))
    part = np.ix_(j, i)
    n, m = (
        int(np.searchsorted(lines, middle))
        for lines, middle in ((grid.y, source.y), (grid.x, source.x))
    )
    return float(np.average(T[part], weights=grid.area[part])), float(
        T[n - 1 : n + 1, m - 1 : m + 1].mean()
    )


def source_lines(a: float, centre: float, width: float) -> np.ndarray:
    """Lines from 0 to a, finest at the source's two edges, with one through its centre."""
    first, start, end = width / 100, centre - width / 2, centre + width / 2
    inner = [graded(edge, centre, first, 0.15, width / 16) for edge in (start, end)]
    outer = [
        graded(edge, wall, first, 0.15) for edge, wall in ((start, 0.0), (end, a)) if edge != wall
    ]
    return joined(*inner, *outer)


def nafems_t4(device: Device) -> list[Row]:
    """Hold a rectangle at 100 degC below, insulated left, with films to 0 degC: T at a point.

    Films are right and above, the point is (0.6, 0.2) m.
    """
    x = 0.6 * np.sin(np.linspace(0, np.pi / 2, 33))
    y = np.concatenate((np.linspace(0, 0.2, 25), 0.2 + 0.8 * np.linspace(0, 1, 41)[1:] ** 1.1))
    model = block(x, y, np.array([0, 0.1]), material(k=52.0), "plate")
    cold = ZERO_CELSIUS
    walls: list[Boundary] = [
        Fixed("plate.y-", cold + 100),
        Film("plate.x+", 750, cold),
        Film("plate.y+", 750, cold),
    ]
    _, wall = flux.face_temperature(heat.solve_steady(model, walls, {}, device), "plate.x+")
    at = float(np.interp(0.2, model.grid.yc, wall)) - cold
    return [
        Row("NAFEMS T4: series", closed_forms.cooled_rectangle(), at, 0.005, NAFEMS, "degC"),
        Row("NAFEMS T4: published target", 18.3, at, 0.1, NAFEMS, "degC", absolute=True),
    ]


def long_bar(device: Device) -> list[Row]:
    """Solve a bar of conductivity k0 (1 + b T): temperature at its cooled end and half-way."""
    k = Table((ZERO_CELSIUS, ZERO_CELSIUS + 200), (0.038, 0.038 * (1 + 0.00582 * 200)))
    bar = Material("bar", {"conductivity": (k, k, k)})
    model = block(np.linspace(0, 20, 41), np.array([0.0, 1]), np.array([0.0, 1]), bar, "bar")
    ends: list[Boundary] = [
        Fixed("bar.x-", ZERO_CELSIUS + 100),
        Film("bar.x+", 0.005, ZERO_CELSIUS + 5),
    ]
    T = heat.solve_steady(model, ends, {}, device).temperature[0, 0] - ZERO_CELSIUS
    known = np.asarray(closed_forms.long_bar(model.grid.xc))
    return [
        Row(
            f"k(T) bar: T at {x:g} m",
            float(known[n]),
            float(T[n]),
            0.02,
            KIRCHHOFF,
            "degC",
            absolute=True,
        )
        for n, x in ((20, 10.25), (39, 19.75))
    ]


def cubic_spheres(device: Device) -> list[Row]:
    """Conduct through spheres on a simple cubic lattice, an eighth of a cell.

    Once in whole voxels, once by volume fractions. A voxel that a ball's surface cuts conducts as
    the mean of its laminates: within 4 % for a solder ball between its pads on 4 or 8 voxels a
    diameter, where heat runs along the surface; too well for spheres that float in the matrix.
    """
    cases = [(10.0, 0.2, 0.005), (10.0, 0.4, 0.005), (1000.0, 0.2, 0.02), (1000.0, 0.4, 0.02)]
    rows = []
    for whole, (a, f, tolerance) in [*((True, case) for case in cases), (False, (10.0, 0.2, 0.01))]:
        name = f"spheres {f:.0%}, {a:g} times the matrix" + ("" if whole else ", cut voxels")
        known = closed_forms.simple_cubic_conductivity(f, a)
        rows.append(
            Row(name, known, cell_conductivity(a, f, 40, whole, device), tolerance, SPHERES)
        )
    return rows


def cell_conductivity(a: float, f: float, n: int, whole: bool, device: Device) -> float:
    """Return k/k_matrix of an eighth of the cell of side 2, n voxels a side.

    whole: the material at a voxel's centre fills it.
    """
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
        model.ids[...] = np.where(
            inside, model.media.names.index("sphere"), model.media.names.index("matrix")
        )
    ends = [Fixed("package.bottom", COLD + 1), Fixed("package.top", COLD)]
    return (
        flux.heat_flows(heat.solve_steady(model, ends, {}, device))["package.top"] / 4
    )  # through the whole 2 x 2


PROBLEMS = [
    Problem("two-die stack", die_stack),
    Problem("two-die stack in time", heated_die_stack),
    Problem("cooled slab", cooled_slab),
    Problem("heated slab", heated_slab),
    Problem("NAFEMS T3", nafems_t3),
    Problem("heated package", heated_package),
    *(
        Problem(name, partial(spreading_resistance, name), quick=n == 0)
        for n, name in enumerate(PLATES)
    ),
    Problem("NAFEMS T4", nafems_t4),
    Problem("k(T) bar", long_bar),
    Problem("cubic spheres", cubic_spheres),
]
