"""Voxel models that look like packages and are hard on a solver, each named by what makes it hard;
lengths in mm.

The stacks are those of real parts (substrate, bumps, chip, lid on a seal, balls) with one property
driven to its end: stiffness contrast, cell shape, cells through a soft layer, how little holds a
part, orthotropy, grading, size. Everything is stress-free at 400 K; seeds are fixed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from warp.voxels.grid import Grid
from warp.voxels.media import Media
from warp.voxels.voxelize import VoxelModel

MM, MPA, PPM = 1e-3, 1e6, 1e-6
STRESS_FREE, ROOM = 400.0, 300.0
QUARTER, HALF_X, HALF_Y, FULL = (True, True), (True, False), (False, True), (False, False)
EVERYWHERE = (-np.inf, np.inf)


@dataclass(frozen=True)
class Solid:
    """Young's modulus in MPa, thermal expansion in ppm/K, conductivity in W/mK along x, y, z; one
    Poisson's ratio.

    Compliance -nu / sqrt(E_a E_b) between two directions: positive definite for nu < 0.5 at any
    orthotropy. Shear moduli follow, times `slip`.
    """

    E: Sequence[float] | float
    nu: float = 0.3
    expansion: Sequence[float] | float = 10.0
    k: Sequence[float] | float = 1.0
    slip: float = 1.0
    knots = ()

    def stiffness(self, T: float) -> np.ndarray:
        E = np.sqrt(np.broadcast_to(np.asarray(self.E, float) * MPA, 3))
        C = np.linalg.inv((1 + self.nu) * np.eye(3) - self.nu) * E * E[:, None]
        return np.array([C[0, 0], C[1, 1], C[2, 2], C[1, 2], C[0, 2], C[0, 1]])

    def shear(self, T: float) -> np.ndarray:
        E = np.broadcast_to(np.asarray(self.E, float) * MPA, 3)
        return self.slip * np.sqrt(E[[1, 0, 0]] * E[[2, 2, 1]]) / 2 / (1 + self.nu)

    def thermal_strain(self, T: float | np.ndarray, T0: float) -> np.ndarray:
        expansion = np.broadcast_to(np.asarray(self.expansion, float) * PPM, 3)
        return np.multiply.outer(np.subtract(T, T0), expansion)

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
    """Lines through `stops`: `fine` beside the inner ones and the last, growing with the distance
    up to `coarse`.
    """
    lines, edges = [stops[0]], np.array(stops[1:])
    for a, b in zip(stops[:-1], stops[1:], strict=True):
        s = np.linspace(a, b, 20001)
        width = np.minimum(fine + growth * abs(s[:, None] - edges).min(1), coarse)
        share = np.concatenate(([0], np.cumsum(np.diff(s) * (1 / width[1:] + 1 / width[:-1]) / 2)))
        cells = max(1, int(np.ceil(share[-1] - 1e-9)))
        lines += list(np.interp(share[-1] * np.arange(1, cells + 1) / cells, share, s))
    return np.array(lines)


def voxels(x, y, z, parts: Sequence[Part], mirror: tuple[bool, bool] = QUARTER) -> VoxelModel:
    """Paint parts in their order: voxels whose centres lie in a box, or where a function of the
    centres says so.
    """
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
    media = Media(
        np.arange(-1, count - 1, dtype=np.int32),
        solids,
        np.full(count, STRESS_FREE),
        ["void", *names],
    )
    return VoxelModel(Grid(x * MM, y * MM, z * MM, mirror), ids, media, names)


def slab(z0: float, z1: float, half: float = np.inf) -> Where:
    return (-half, half, -half, half, z0, z1)


def lattice(pitch: float, width: float, z0: float, z1: float, half: float = np.inf) -> Where:
    """Square columns, `width` of every `pitch` in x and y, centred in their cell, as far as `half`
    from the middle.
    """
    inset = (pitch - width) / 2

    def inside(X, Y, Z):
        on_x, on_y = (
            (q % pitch > inset) & (q % pitch < pitch - inset) & (abs(q) < half) for q in (X, Y)
        )
        return on_x & on_y & (Z > z0) & (Z < z1)

    return inside


def plane(half: float, cells: int, mirror: tuple[bool, bool]) -> tuple[np.ndarray, np.ndarray]:
    """Even lines x, y of a square body; `cells` in each direction that is not mirrored, half of it
    where it is.
    """
    x, y = (even(0, half, (cells + 1) // 2) if m else even(-half, half, cells) for m in mirror)
    return x, y


# Stacks


def bimetal(
    half=10.0, cells=24, layers=((0.5, 5), (0.5, 5)), mirror=QUARTER, lower=SUBSTRATE, upper=SILICON
):
    """Two layers of one size."""
    z, (h, _) = stack(*layers), layers[0]
    return voxels(
        *plane(half, cells, mirror),
        z,
        [("lower", lower, slab(0, h)), ("upper", upper, slab(h, 99))],
        mirror,
    )


def strip(dx: float, dy: float, nx: int, ny: int, layers=((0.5, 5), (0.5, 5)), mirror=FULL):
    """Two layers on cells that are wide in one direction only."""
    x, y, z = even(0, nx * dx, nx), even(0, ny * dy, ny), stack(*layers)
    h = layers[0][0]
    return voxels(
        x, y, z, [("lower", SUBSTRATE, slab(0, h)), ("upper", SILICON, slab(h, 99))], mirror
    )


def sandwich(
    contrast: float, soft_cells: int, mirror=QUARTER, cells=48, height=0.1, nu=0.45, size=0.6
):
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


def lidded(
    mirror=QUARTER, seal=SEAL, tim=SEAL, cells=48, seal_cells=1, chip=SILICON, x=None, y=None
):
    """A copper lid with a cavity: its foot on a seal of 150 um, its plate over a thermal interface,
    or over air.
    """
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


def bumps(
    of: int,
    wide: int,
    cells=32,
    dx=0.025,
    mirror=QUARTER,
    high=3,
    height=0.08,
    layers=(5, 5),
    half=np.inf,
):
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
    """Columns ten times higher than wide, between two plates and beyond the upper one: bending
    pins.
    """
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
    """Two bodies that share no face: an edge along y, a vertical edge, or single corners of a
    checkered layer.
    """
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


def random_boxes(
    seed: int, count=60, contrast=5.0, cells=(37, 31, 17), mirror=FULL, uneven=0.0, solid=False
):
    """Boxes at random places on a plate or in a block, Young's moduli spread evenly in the exponent
    over 10^contrast.
    """
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
        parts.append(
            (f"box {n}", Solid(E, 0.3, rng.uniform(2, 30), k), (a, a + w, b, b + h, c, c + t))
        )
    return voxels(*lines, parts, mirror)


def dropped_boxes(seed: int, count=25, contrast=5.0, cells=(37, 31, 23), mirror=FULL):
    """Boxes dropped one after another on a plate: each rests on the highest below it, and may hang
    over.
    """
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
    return voxels(
        *lines, [("lower", SUBSTRATE, slab(0, h)), ("upper", SILICON, slab(h, 99))], mirror
    )


ORTHOTROPIC = {
    "stiff in x": Solid((200e3, 20e3, 20e3), 0.25, (3, 15, 15), (100, 10, 10)),
    "soft in z": Solid((100e3, 100e3, 10e3), 0.2, (5, 5, 40), (50, 50, 5)),
    "stiff in z": Solid((10e3, 10e3, 100e3), 0.2, (30, 30, 5), (5, 5, 50)),
    "weak in shear": Solid((100e3, 50e3, 10e3), 0.2, (5, 8, 40), (50, 20, 5), slip=0.1),
}
