"""Voxel models that look like packages and are hard on a solver, each named by what makes it hard; lengths in mm.

The stacks are those of real parts (substrate, bumps, chip, lid on a seal, balls) with one property driven to its end:
stiffness contrast, cell shape, cells through a soft layer, how little holds a part, orthotropy, grading, size.
Everything is stress-free at 400 K; seeds are fixed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from warp.grid import Grid
from warp.media import Media
from warp.voxelize import VoxelModel

MM, MPA, PPM = 1e-3, 1e6, 1e-6
STRESS_FREE, ROOM = 400.0, 300.0
QUARTER, HALF_X, HALF_Y, FULL = (True, True), (True, False), (False, True), (False, False)
EVERYWHERE = (-np.inf, np.inf)


@dataclass(frozen=True)
class Solid:
    """Young's modulus in MPa, thermal expansion in ppm/K, conductivity in W/mK along x, y, z; one Poisson's ratio.

    Compliance -nu / sqrt(E_a E_b) between two directions: positive definite for nu < 0.5 at any orthotropy. Shear
    moduli follow, times `slip`.
    """

    E: Sequence[float] | float
    nu: float = 0.3
    expansion: Sequence[float] | float = 10.0
    k: Sequence[float] | float = 1.0
    slip: float = 1.0

    def stiffness(self, T: float) -> np.ndarray:
        E = np.sqrt(np.broadcast_to(np.asarray(self.E, float) * MPA, 3))
        C = np.linalg.inv((1 + self.nu) * np.eye(3) - self.nu) * E * E[:, None]
        return np.array([C[0, 0], C[1, 1], C[2, 2], C[1, 2], C[0, 2], C[0, 1]])

    def shear(self, T: float) -> np.ndarray:
        E = np.broadcast_to(np.asarray(self.E, float) * MPA, 3)
        return self.slip * np.sqrt(E[[1, 0, 0]] * E[[2, 2, 1]]) / 2 / (1 + self.nu)

    def thermal_strain(self, T: float, T0: float) -> np.ndarray:
        return np.broadcast_to(np.asarray(self.expansion, float) * PPM * (T - T0), 3)

    def conductivity(self, T: float) -> np.ndarray:
        return np.broadcast_to(np.asarray(self.k, float), 3)


SILICON = Solid(131e3, 0.28, 2.8, 130)
SUBSTRATE = Solid(26e3, 0.3, 15, (20, 20, 0.6))
UNDERFILL = Solid(9e3, 0.33, 28, 0.5)
SOLDER = Solid(50e3, 0.36, 22, 58)
COPPER = Solid(120e3, 0.34, 17, 390)


def gel(E: float, nu: float = 0.49) -> Solid:
    """A silicone of modulus E in MPa."""
    return Solid(E, nu, 200, 2)


SEAL = gel(1)


# Grids and painting

Where = tuple[float, float, float, float, float, float] | Callable[..., np.ndarray]
Part = tuple[str, Solid | None, Where]


def even(a: float, b: float, n: int) -> np.ndarray:
    return np.linspace(a, b, n + 1)


def stack(*layers: tuple[float, int]) -> np.ndarray:
    """Lines through layers given as (height, cells), from 0 up."""
    z = [0.0]
    for height, cells in layers:
        z += list(z[-1] + height * np.arange(1, cells + 1) / cells)
    return np.array(z)


def graded(stops: Sequence[float], fine: float, coarse: float, growth: float = 0.4) -> np.ndarray:
    """Lines through `stops`: `fine` beside the inner ones and the last, growing with the distance up to `coarse`."""
    lines, edges = [stops[0]], np.array(stops[1:])
    for a, b in zip(stops[:-1], stops[1:], strict=True):
        s = np.linspace(a, b, 20001)
        width = np.minimum(fine + growth * abs(s[:, None] - edges).min(1), coarse)
        share = np.concatenate(([0], np.cumsum(np.diff(s) * (1 / width[1:] + 1 / width[:-1]) / 2)))
        cells = max(1, int(np.ceil(share[-1] - 1e-9)))
        lines += list(np.interp(share[-1] * np.arange(1, cells + 1) / cells, share, s))
    return np.array(lines)


def voxels(x, y, z, parts: Sequence[Part], mirror: tuple[bool, bool] = QUARTER) -> VoxelModel:
    """Paint parts in their order: voxels whose centres lie in a box, or where a function of the centres says so."""
    X, Y, Z = (centre[1:] / 2 + centre[:-1] / 2 for centre in map(np.asarray, (x, y, z)))
    X, Y, Z = X[None, None, :], Y[None, :, None], Z[:, None, None]
    ids = np.zeros((Z.size, Y.size, X.size), np.uint16)
    names: list[str] = []
    solids: list[Solid | None] = [None]
    for name, solid, where in parts:
        if callable(where):
            inside = where(X, Y, Z)
        else:
            x0, x1, y0, y1, z0, z1 = where
            inside = (X > x0) & (X < x1) & (Y > y0) & (Y < y1) & (Z > z0) & (Z < z1)
        if solid is not None:
            names.append(name)
            solids.append(solid)
        ids[np.broadcast_to(inside, ids.shape)] = 0 if solid is None else len(solids) - 1
    count = len(solids)
    media = Media(np.arange(-1, count - 1, dtype=np.int32), solids, np.full(count, STRESS_FREE), ["void", *names])
    return VoxelModel(Grid(x * MM, y * MM, z * MM, mirror), ids, media, names)


def slab(z0: float, z1: float, half: float = np.inf) -> Where:
    return (-half, half, -half, half, z0, z1)


def lattice(pitch: float, width: float, z0: float, z1: float, half: float = np.inf) -> Where:
    """Square columns, `width` of every `pitch` in x and y, centred in their cell, as far as `half` from the middle."""
    inset = (pitch - width) / 2

    def inside(X, Y, Z):
        on_x, on_y = ((q % pitch > inset) & (q % pitch < pitch - inset) & (abs(q) < half) for q in (X, Y))
        return on_x & on_y & (Z > z0) & (Z < z1)

    return inside


def plane(half: float, cells: int, mirror: tuple[bool, bool]) -> tuple[np.ndarray, np.ndarray]:
    """Even lines x, y of a square body; `cells` in each direction that is not mirrored, half of it where it is."""
    x, y = (even(0, half, (cells + 1) // 2) if m else even(-half, half, cells) for m in mirror)
    return x, y


# Stacks


def bimetal(half=10.0, cells=24, layers=((0.5, 5), (0.5, 5)), mirror=QUARTER, lower=SUBSTRATE, upper=SILICON):
    """Two layers of one size."""
    z, (h, _) = stack(*layers), layers[0]
    return voxels(*plane(half, cells, mirror), z, [("lower", lower, slab(0, h)), ("upper", upper, slab(h, 99))], mirror)


def strip(dx: float, dy: float, nx: int, ny: int, layers=((0.5, 5), (0.5, 5)), mirror=FULL):
    """Two layers on cells that are wide in one direction only."""
    x, y, z = even(0, nx * dx, nx), even(0, ny * dy, ny), stack(*layers)
    h = layers[0][0]
    return voxels(x, y, z, [("lower", SUBSTRATE, slab(0, h)), ("upper", SILICON, slab(h, 99))], mirror)


def sandwich(contrast: float, soft_cells: int, mirror=QUARTER, cells=48, height=0.1, nu=0.45, size=0.6):
    """A chip on a substrate, a soft layer between, softer than silicon by `contrast`."""
    z = stack((1.0, 6), (height, soft_cells), (0.775, 6))
    soft = Solid(131e3 / contrast, nu, 100, 130 / min(contrast, 1e4))
    top = 1 + height
    parts = [
        ("substrate", SUBSTRATE, slab(0, 1)),
        ("soft", soft, slab(1, top, 10 * size)),
        ("chip", SILICON, slab(top, 99, 10 * size)),
    ]
    return voxels(*plane(10, cells, mirror), z, parts, mirror)


def flip_chip(mirror=QUARTER, x=None, y=None, underfill_cells=2):
    """35 mm substrate, 15 mm chip, 80 um underfill."""
    z = stack((1.0, 6), (0.08, underfill_cells), (0.775, 6))
    if x is None:
        x, y = plane(17.5, 48, mirror)
    parts = [
        ("substrate", SUBSTRATE, slab(0, 1)),
        ("underfill", UNDERFILL, slab(1, 1.08, 7.5)),
        ("chip", SILICON, slab(1.08, 99, 7.5)),
    ]
    return voxels(x, y, z, parts, mirror)


def lidded(mirror=QUARTER, seal=SEAL, tim=SEAL, cells=48, seal_cells=1, chip=SILICON, x=None, y=None):
    """A copper lid with a cavity: its foot on a seal of 150 um, its plate over a thermal interface, or over air."""
    if x is None:
        x, y = plane(20, cells, mirror)
    z = stack((1.2, 6), (0.15, seal_cells), (0.85, 5), (0.1, 1), (1.0, 5))
    parts: list[Part] = [
        ("substrate", SUBSTRATE, slab(0, 1.2)),
        ("seal", seal, slab(1.2, 1.35, 18)),
        ("lid", COPPER, slab(1.35, 99, 18)),
        ("cavity", None, slab(1.2, 2.3, 14)),
        ("chip", chip, slab(1.2, 2.2, 7.5)),
    ]
    if tim is not None:
        parts.append(("tim", tim, slab(2.2, 2.3, 7.5)))
    return voxels(x, y, z, parts, mirror)


def bumps(of: int, wide: int, cells=32, dx=0.025, mirror=QUARTER, high=3, height=0.08, layers=(5, 5), half=np.inf):
    """Columns of `wide` cells every `of` cells hold a chip, no underfill."""
    side = cells * dx
    x, y = (even(0, side, cells) if m else even(-side / 2, side / 2, cells) for m in mirror)
    z = stack((1.0, layers[0]), (height, high), (0.775, layers[1]))
    columns = lattice(of * dx, wide * dx, 1, 1 + height, half)
    parts = [
        ("substrate", SUBSTRATE, slab(0, 1)),
        ("bumps", SOLDER, columns),
        ("chip", SILICON, slab(1 + height, 99, half)),
    ]
    return voxels(x, y, z, parts, mirror)


def balls(of: int, wide: int, cells=30, dx=0.2, mirror=QUARTER, high=4, chip=True):
    """Free balls under a substrate, no board."""
    side = cells * dx
    x, y = (even(0, side, cells) if m else even(-side / 2, side / 2, cells) for m in mirror)
    z = stack((0.5, high), (1.2, 6), (0.775, 6 if chip else 1))
    parts: list[Part] = [
        ("substrate", SUBSTRATE, slab(0.5, 1.7)),
        ("balls", SOLDER, lattice(of * dx, wide * dx, 0, 0.5)),
        ("chip", SILICON if chip else None, slab(1.7, 99, 0.35 * side)),
    ]
    return voxels(x, y, z, parts, mirror)


def pillars(cells=25, mirror=FULL, high=12, slender=1):
    """Columns ten times higher than wide, between two plates and beyond the upper one: bending pins."""
    x, y = plane(cells * 0.05, cells, mirror)
    z = stack((0.3, 4), (1.0, high), (0.3, 4), (0.6, 6))
    pins = lattice(0.5, 0.1 * slender, 0.3, 1.3)
    free = lattice(0.5, 0.1 * slender, 1.6, 99)
    parts = [
        ("lower", SUBSTRATE, slab(0, 0.3)),
        ("pins", COPPER, pins),
        ("upper", SILICON, slab(1.3, 1.6)),
        ("free", COPPER, free),
    ]
    return voxels(x, y, z, parts, mirror)


def touching(how: str, cells=24):
    """Two bodies that share no face: an edge along y, a vertical edge, or single corners of a checkered layer."""
    x, y, z = even(0, 10, cells), even(0, 10, cells), stack((0.5, 5), (0.5, 5))
    halves = {
        "edge": ((0, 5, *EVERYWHERE, 0, 0.5), (5, 10, *EVERYWHERE, 0.5, 1)),
        "vertical edge": ((0, 5, 0, 5, 0, 1), (5, 10, 5, 10, 0, 1)),
        "corner": ((0, 5, 0, 5, 0, 0.5), (5, 10, 5, 10, 0.5, 1)),
    }[how]
    return voxels(x, y, z, [("one", SUBSTRATE, halves[0]), ("two", SILICON, halves[1])], FULL)


def chips_on_board(gap: bool):
    """Two chips on one board that touch each other along a vertical edge only, or stand apart."""
    x, y, z = even(0, 20, 40), even(0, 20, 40), stack((1.0, 4), (0.5, 4))
    shift = 0.5 if gap else 0.0
    parts = [
        ("board", SUBSTRATE, slab(0, 1)),
        ("one", SILICON, (2, 10, 2, 10, 1, 99)),
        ("two", SILICON, (10 + shift, 18, 10 + shift, 18, 1, 99)),
    ]
    return voxels(x, y, z, parts, FULL)


def held_by(hold: Where | None, solid=SOLDER, mirror=FULL, off=0.0):
    """A chip above a board that only `hold` connects, or nothing; voxels of 0.5 mm in plane."""
    x, y = plane(10, 40, mirror)
    z = stack((1.0, 4), (0.1, 2), (0.775, 4))
    chip = (-6 + off, 6 + off, -6 + off, 6 + off, 1.1, 99)
    parts: list[Part] = [("board", SUBSTRATE, slab(0, 1)), ("chip", SILICON, chip)]
    if hold is not None:
        parts.append(("hold", solid, hold))
    return voxels(x, y, z, parts, mirror)


def crumbs(seed: int, share: float, shape=(12, 24, 24)):
    """A plate under voxels strewn at random: loose ones, chains, towers, caves."""
    rng = np.random.default_rng(seed)
    nz, ny, nx = shape
    strewn = rng.random(shape) < share
    z = stack((0.4, 4), (0.8, nz - 4))
    parts = [("strewn", SOLDER, lambda X, Y, Z: strewn), ("plate", SUBSTRATE, slab(0, 0.4))]
    return voxels(even(0, 5, nx), even(0, 4, ny), z, parts, FULL)


def random_boxes(seed: int, count=60, contrast=5.0, cells=(37, 31, 17), mirror=FULL, uneven=0.0, solid=False):
    """Boxes at random places on a plate or in a block, Young's moduli spread evenly in the exponent over 10^contrast."""
    rng = np.random.default_rng(seed)
    lines = []
    for n, side in zip(cells, (20, 20, 4), strict=True):
        widths = 10 ** rng.uniform(0, uneven, n)
        lines.append(side * np.concatenate(([0], np.cumsum(widths))) / widths.sum())
    parts: list[Part] = [("plate", SUBSTRATE, slab(0, 99 if solid else 0.6))]
    for n in range(count):
        a, b, c = rng.uniform(0, (15, 15, 3))
        w, h, t = rng.uniform((1, 1, 0.3), (8, 8, 2))
        E, k = 10 ** rng.uniform(5.3 - contrast, 5.3), 10 ** rng.uniform(-1, 2.6)
        parts.append((f"box {n}", Solid(E, 0.3, rng.uniform(2, 30), k), (a, a + w, b, b + h, c, c + t)))
    return voxels(*lines, parts, mirror)


def dropped_boxes(seed: int, count=25, contrast=5.0, cells=(37, 31, 23), mirror=FULL):
    """Boxes dropped one after another on a plate: each rests on the highest below it, and may hang over."""
    rng = np.random.default_rng(seed)
    x, y, z = (even(0, side, n) for n, side in zip(cells, (20, 20, 5), strict=True))
    top = np.full(cells[1::-1], 3)  # cells of the plate
    parts: list[Part] = [("plate", SUBSTRATE, slab(0, z[3]))]
    for n in range(count):
        i, j = rng.integers(0, (cells[0] - 4, cells[1] - 4))
        w, h, t = rng.integers((2, 2, 2), (16, 14, 5))
        under = top[j : j + h, i : i + w]
        k = int(under.max())
        if k + t > cells[2]:
            continue
        under[...] = k + t
        E, k_heat = 10 ** rng.uniform(5.3 - contrast, 5.3), 10 ** rng.uniform(-1, 2.6)
        box = (x[i], x[min(i + w, cells[0])], y[j], y[min(j + h, cells[1])], z[k], z[k + t])
        parts.append((f"box {n}", Solid(E, 0.3, rng.uniform(2, 30), k_heat), box))
    return voxels(x, y, z, parts, mirror)


def tower(n: tuple[int, int, int], widths=(1.0, 1.0, 0.2), mirror=FULL):
    """Two layers on nx x ny x nz cells, whatever the numbers."""
    lines = [even(0, count * width, count) for count, width in zip(n, widths, strict=True)]
    h = lines[2][(n[2] + 1) // 2]
    return voxels(*lines, [("lower", SUBSTRATE, slab(0, h)), ("upper", SILICON, slab(h, 99))], mirror)


ORTHOTROPIC = {
    "stiff in x": Solid((200e3, 20e3, 20e3), 0.25, (3, 15, 15), (100, 10, 10)),
    "soft in z": Solid((100e3, 100e3, 10e3), 0.2, (5, 5, 40), (50, 50, 5)),
    "stiff in z": Solid((10e3, 10e3, 100e3), 0.2, (30, 30, 5), (5, 5, 50)),
    "weak in shear": Solid((100e3, 50e3, 10e3), 0.2, (5, 8, 40), (50, 20, 5), slip=0.1),
}


# The suite


@dataclass(frozen=True)
class Case:
    """A model and the most iterations it may take to 1e-8; the aim is 60 and 25, a higher number is what it takes today.

    heat None: heat cannot leave every part, which must be refused. `diverges`: why it does not converge today.
    """

    name: str
    build: Callable[[], VoxelModel] = field(repr=False)
    elastic: int = 60
    heat: int | None = 25
    slow: bool = False
    diverges: str = ""


ISLANDS = "stiff pieces a voxel or two apart become one on coarse levels, which are then too stiff between them"
FLAKES = "voxels that touch in edges and corners only move freely where coarse levels hold them"


def suite() -> list[Case]:
    found: list[Case] = []

    def add(name: str, build: Callable[..., VoxelModel], *args, **kw) -> None:
        limits = {key: kw.pop(key) for key in ("elastic", "heat", "slow", "diverges") if key in kw}
        found.append(Case(name, partial(build, *args, **kw), **limits))

    for contrast in (1e2, 1e4, 1e6):
        for n in (1, 2, 3):
            add(f"sandwich 1:{contrast:.0e}, {n} soft cells", sandwich, contrast, n)
    add("sandwich 1:1e+06, full", sandwich, 1e6, 1, FULL, 40)
    add("sandwich 1:1e+06, nu 0.499", sandwich, 1e6, 2, nu=0.499)
    add("sandwich 1:1e+06, soft layer everywhere", sandwich, 1e6, 1, size=2.0)
    add("sandwich, thin soft layer 5 um", sandwich, 1e5, 1, height=0.005)

    for aspect in (0.2, 1, 5, 20, 50):
        cells = 24
        add(f"cells {aspect} : 1", bimetal, cells * aspect * 0.1 / 2, cells, mirror=FULL)
    add("cells 20 : 1, quarter", bimetal, 48.0, 48)
    add("cells 50 : 1, 40 x 40", bimetal, 100.0, 40, mirror=FULL)
    add("foil 0.3 + 0.2, cells 0.6", bimetal, 10.0, 32, ((0.3, 5), (0.2, 5)), FULL)
    add("cells wider than the stack", bimetal, 40.0, 32, ((1.0, 6), (0.7, 6)), FULL)
    add("cells 10 : 1 in plane", strip, 1.0, 0.1, 24, 40)
    add("cells 1 : 50 in plane", strip, 0.05, 2.5, 64, 16)
    add("cells 0.2 : 1, ten layers high", strip, 0.1, 0.1, 24, 24, ((2.5, 5), (2.5, 5)))

    for mirror, kind in ((FULL, "full"), (HALF_X, "half in x"), (HALF_Y, "half in y"), (QUARTER, "quarter")):
        add(f"lid on 1 MPa, {kind}", lidded, mirror, cells=36 if mirror == FULL else 48)
        add(f"flip chip, {kind}", flip_chip, mirror)
    add("lid on 1 MPa, 3 cells in the seal", lidded, seal_cells=3)
    add("lid on 0.1 MPa", lidded, seal=gel(0.1), tim=gel(0.1))
    add("lid on 1 MPa, air over the chip", lidded, tim=None)
    add("lid on 1 MPa, air over the chip, full", lidded, FULL, tim=None, cells=36)
    add("lid on 1 GPa, indium", lidded, seal=Solid(1e3), tim=Solid(11e3, 0.45, 29, 80))
    add("lid on 0.2 MPa, nothing below it", lidded, seal=gel(0.2), tim=None, chip=None)

    for of, wide in ((8, 4), (8, 2), (8, 1), (2, 1)):
        add(f"bumps {wide} of {of}, no underfill", bumps, of, wide)
    # A pitch of three cells beats with cells merged in pairs: some coarse cells hold one bump, some two.
    add("bumps 1 of 3, no underfill", bumps, 3, 1, elastic=125)
    add("bumps 1 of 3, wide cells", bumps, 3, 1, dx=0.1)
    add("bumps 4 of 8, full, chip inside", bumps, 8, 4, mirror=FULL, half=0.2)
    add("bumps 1 of 6, tall", bumps, 6, 1, high=8, height=0.4)
    add("balls 2 of 5, no board", balls, 5, 2)
    add("balls 1 of 4, no board", balls, 4, 1, cells=32)
    add("balls 3 of 5, no board, full", balls, 5, 3, mirror=FULL, heat=32)  # gaps of two cells close on coarse levels
    add("balls 2 of 5, bare substrate", balls, 5, 2, chip=False)
    add("pins between plates and beyond", pillars)
    add("pins between plates and beyond, quarter", pillars, 50, QUARTER)

    # The edge is a hinge with a stiffness of its own in shear only; coarse levels weld it.
    add("touching in one edge", touching, "edge", heat=None, elastic=85)
    add("touching in one vertical edge", touching, "vertical edge", heat=None)
    add("touching in one corner", touching, "corner", heat=None)
    add("two chips that touch in an edge, on a board", chips_on_board, False)
    add("two chips apart, on a board", chips_on_board, True)

    add("chip on one voxel", held_by, (0, 0.5, 0, 0.5, 1, 1.1))
    add("chip on one voxel at its corner", held_by, (-6, -5.5, -6, -5.5, 1, 1.1))
    add("chip on two voxels, quarter", held_by, (3, 4, 3, 4, 1, 1.1), mirror=QUARTER)
    add("chip on 0.01 MPa", held_by, slab(1, 1.1, 6), gel(0.01))
    add("chip on 0.13 MPa, a single voxel", held_by, (0, 0.5, 0, 0.5, 1, 1.1), gel(0.13))
    add("chip on a row of voxels: a hinge", held_by, (0, 0.5, -6, 6, 1, 1.1))
    add("floating chip", held_by, None, heat=None)
    add("floating chip, off the middle", held_by, None, off=1.5, heat=None)
    add("floating chip, quarter", held_by, None, mirror=QUARTER, heat=None)
    add("crumbs 25 %", crumbs, 1, 0.25, heat=None, slow=True, diverges=FLAKES)
    add("crumbs 50 %", crumbs, 2, 0.5, heat=None, slow=True, diverges=FLAKES)
    add("crumbs 75 %", crumbs, 3, 0.75, heat=None, elastic=90)  # caves and pins of single voxels

    for name, solid in ORTHOTROPIC.items():
        add(f"orthotropic 10 : 1, {name}", bimetal, lower=solid, mirror=FULL)
    add("orthotropic chip on a seal", lidded, chip=ORTHOTROPIC["weak in shear"])
    add("orthotropic, quarter, cells 10 : 1", bimetal, 20, 40, lower=ORTHOTROPIC["stiff in x"])

    for n in ((1, 40, 7), (2, 2, 2), (3, 67, 5), (5, 7, 3), (31, 37, 11), (53, 47, 7)):
        add("{} x {} x {} voxels".format(*n), tower, n)
    add("1 x 1 x 9 voxels", tower, (1, 1, 9), diverges="a single column has no rotation about z to take out")
    # Three columns become one on the coarsest level, which then cannot roll about the strip's axis.
    add("97 x 3 x 13 voxels", tower, (97, 3, 13), elastic=160)
    add("41 x 43 x 13 voxels, quarter", tower, (41, 43, 13), mirror=QUARTER)

    for fine in (0.3, 0.1, 0.05, 0.02):
        lines = graded((0, 7.5, 17.5), fine, 1.5)
        add(f"flip chip, graded from {fine} mm", flip_chip, QUARTER, lines, lines)
    lines = graded((-17.5, -7.5, 7.5, 17.5), 0.3, 2.0)
    add("flip chip, graded from 0.3 mm, full", flip_chip, FULL, lines, lines)
    add("flip chip, graded in x only", flip_chip, QUARTER, graded((0, 7.5, 17.5), 0.05, 1.5), even(0, 17.5, 21))
    lines = graded((0, 7.5, 14, 18, 20), 0.15, 1.5)
    add("lid on 1 MPa, graded from 0.15 mm", lidded, QUARTER, x=lines, y=lines)

    for seed in (1, 2, 3):
        add(f"15 blocks at random, no void, 1:1e+05, {seed}", random_boxes, seed, 15, solid=True)
    add("15 blocks at random, no void, 1:1e+05, 4", random_boxes, 4, 15, solid=True, elastic=240)  # as ISLANDS, milder
    for seed in (1, 2):
        add(f"60 blocks at random, no void, 1:1e+03, {seed}", random_boxes, seed, 60, 3.0, solid=True, heat=30)
    add("30 blocks at random, no void, uneven cells", random_boxes, 6, 30, 4.0, solid=True, uneven=0.7)
    add("60 blocks at random, no void, 1:1e+05", random_boxes, 1, 60, solid=True, slow=True, diverges=ISLANDS)
    add("80 blocks at random, no void, 1:1e+06", random_boxes, 5, 80, 6.0, solid=True, heat=36, slow=True, diverges=ISLANDS)

    for seed in (1, 2, 3):
        add(f"4 boxes dropped, 1:1e+05, {seed}", dropped_boxes, seed, 4)
        add(f"4 boxes dropped, 1:1, {seed}", dropped_boxes, seed, 4, 0.0)
    add("6 boxes dropped, 1:1e+05", dropped_boxes, 1, 6)
    # Ledges over one another with gaps of two or three voxels: coarse levels cannot tell them apart.
    add("10 boxes dropped, 1:1", dropped_boxes, 1, 10, 0.0, elastic=110)
    add("25 boxes dropped, 1:1", dropped_boxes, 1, 25, 0.0, elastic=240, slow=True)
    add("10 boxes dropped, 1:1e+05", dropped_boxes, 1, 10, slow=True, diverges=ISLANDS)
    add("boxes at random with slivers, 1:1, 1", random_boxes, 1, contrast=0.0, heat=50)
    add("boxes at random with slivers, 1:1, 2", random_boxes, 2, contrast=0.0, heat=50, elastic=260, slow=True)
    add("boxes at random with slivers, 1:1e+05", random_boxes, 1, heat=50, slow=True, diverges=ISLANDS)

    add("lid on 1 MPa, full, 120 x 120", lidded, FULL, cells=120, slow=True)
    add("bumps 2 of 8, 160 x 160", bumps, 8, 2, 160, slow=True)
    add("balls 2 of 5, 150 x 150", balls, 5, 2, 150, 0.1, slow=True)
    add("blocks at random, no void, 97 x 89 x 41", random_boxes, 10, 150, 6.0, (97, 89, 41), solid=True, slow=True)
    add("sandwich 1:1e+06, 120 x 120", sandwich, 1e6, 2, FULL, 120, slow=True)
    return found


CASES = suite()
