"""The preconditioner of thermo-elasticity: one V-cycle over levels that are coarser in x and y, never in z.

Coarse coefficients: elastic_coefficients, and what they miss beside voids: overhang. Shear at free faces is one-sided on
every level (free_edges). Smoother: two Chebyshev steps before and after the coarser level, with the z lines of each
displacement, in pins and thin walls of their modes (slender), or, where cells are wide compared with the stack and the u, v
and w of a column bend together without shear, with whole cell columns (smoothers).
All in float32; the coarsest level is inverted, rigid motions left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from warp.device import Device, parts
from warp.solvers.elastic.free_edges import energy_matrix
from warp.solvers.elastic.layout import PAD, displacement_shape, spacings
from warp.solvers.elastic.multigrid.coefficients import Coefficients, exist
from warp.solvers.elastic.multigrid.slender import SOFTER, Slender
from warp.solvers.elastic.multigrid.smoothers import Columns, Lines, line_entries
from warp.solvers.elastic.multigrid.transfer import Merge, gather, ghost_places, ghosts
from warp.solvers.elastic.multigrid.void_energy import carried, overhang
from warp.solvers.elastic.springs import Springs
from warp.solvers.sparse import Scattered, add

if TYPE_CHECKING:
    from warp.solvers.elastic.operator import Operator

WIDE_FINEST, WIDE = 0.75, 0.2
"""Mean width of cells over the height of the stack from which on whole columns smooth: the finest level, the others.

Lower where columns cost little. WIDE = 0.2 / 0.35 / 0.5: two chips in a ring take 21 / 26 / 27 iterations, for 350 / 158 /
127 bytes a voxel; boxes dropped at random 58 / 80 / 80; the lidded 45 mm flip chip the same, for 130 / 110 / 101 bytes.
"""
STEPS = 2, 4
"""Chebyshev steps before and after the coarser level; where the finest cells are wide: a plate bends over many of them, and
coarse levels hardly see it. 2 / 3 / 4 / 6 steps: a wafer takes 90 / 41 / 29 / 23 iterations in 5.1 / 3.3 / 3.0 / 3.5 s. The
lidded 45 mm flip chip, not wide, takes 13 / 11 / 10 / 9 in 3.2 / 3.5 / 4.2 / 4.9 s.
"""


class Level:
    """Vectors that every level has: correction x, direction p, residual r; a smoother and its interval."""

    steps = STEPS[0]

    def __init__(self, device: Device, lines: tuple, mirror: tuple[bool, bool]) -> None:
        self.device, self.lines, self.mirror = device, lines, mirror
        self.inverse: Any  # positive where a displacement exists
        self.smoother: Lines | Columns
        self.free: (
            Scattered | None
        )  # what borrowed tilts and springs add to A; until the next level is built
        self.springs: Springs | None
        self.missing: Scattered | None = None  # of coarse levels, beside voids (overhang)
        self.n = len(lines[0]) - 1, len(lines[1]) - 1, len(lines[2]) - 1
        self.shape = displacement_shape(*self.n)
        self.spacing = [device.asarray(a, np.float32) for a in spacings(self.lines)]

    def allocate(self, directions, scratch) -> None:
        """Make the vectors, last of all. Directions and the smoother's scratch live only while their level is smoothed:
        all levels keep them in the same memory.
        """
        self.x, self.r = (self.device.zeros(self.shape, np.float32) for _ in range(2))
        self.p = part(directions, self.shape)
        if hasattr(self, "smoother") and isinstance(self.smoother, Columns):
            self.smoother.y = part(scratch, self.smoother.shape)

    def run(self, module: str, function: str, levels: int, *args, own: int = 0) -> None:
        """Launch for every face column and `levels` z levels (1 where the kernel walks along z)."""
        nx, ny, _ = self.n
        self.device.launch(
            module, function, (nx + PAD, ny + 1, levels), *args, *self.n, real=np.float32, own=own
        )

    def subtract(self) -> None:
        """r -= A p."""
        raise NotImplementedError

    def times(self, x: np.ndarray) -> np.ndarray:
        """A x in float64 on the host, without the free edges."""
        raise NotImplementedError

    def find_interval(self) -> None:
        """Chebyshev interval [b / 8, b] of M^-1 A, b from power iterations."""
        flat = self.x.reshape(-1), self.inverse.reshape(-1), self.x.size
        self.device.launch("multigrid", "noise", (self.x.size, 1, 1), *flat, real=np.float32)
        xp, norm = self.device.xp, self.device.xp.linalg.norm
        for _ in range(12):
            xp.divide(self.x, norm(self.x.reshape(-1)), out=self.p)
            self.r[...] = 0
            self.subtract()
            self.smoother.step(self, 0.0, 0.0, 0.0, -1.0)
        top = 1.1 * float(norm(self.x.reshape(-1)))
        self.centre, self.radius = top * 9 / 16, top * 7 / 16

    def smooth(self, keep: float) -> None:
        """Chebyshev steps from x + p (keep = 1) or from 0; r follows when they come first. p is added to x where it is read."""
        s = self.centre / self.radius
        rho = 1 / s
        late = keep == 0 and self.steps > 1
        self.smoother.step(self, -1.0 if late else keep, keep, 0.0, 1 / self.centre)
        for _ in range(1, self.steps):
            self.subtract()
            following = 1 / (2 * s - rho)
            kept, old = (0.0, 1.0) if late else (1.0, 0.0)
            self.smoother.step(self, kept, old, following * rho, 2 * following / self.radius)
            rho, late = following, False
        if keep == 0:
            self.subtract()


def part(memory, shape: tuple[int, ...]):
    """Array at the beginning of another one's memory."""
    return memory.reshape(-1)[: int(np.prod(shape))].reshape(shape)


class Fine(Level):
    """The operator itself in float32, from material ids; smoothed along z lines."""

    def __init__(self, A: Operator) -> None:
        super().__init__(A.device, A.lines, A.mirror)
        self.A, self.free, self.springs = A, A.free, A.springs
        media = A.arguments(np.float32)
        self.inverse, lower = (self.device.zeros(self.shape, np.float32) for _ in range(2))
        A.free.add_diagonal(self.device, self.inverse)
        beside = line_entries(A.free, self.shape)
        add(self.device, lower, *beside)
        self.run("elastic", "media_diagonal", A.n[2] + 1, self.inverse, *media)
        hold(self.inverse, self.mirror)
        sides = *media[:2], media[6], media[8], SOFTER, *map(int, self.mirror)
        slender = Slender(self.device, self.n, "slender_media", *sides)
        slender.set_lines("slender_media_lines", self.inverse, lower, A.free, beside, *media)
        self.run(
            "elastic", "media_lines", 1, self.inverse, lower, self.inverse, *media[:6], *media[-2:]
        )
        self.smoother = Lines(self.inverse, lower, slender)

    def subtract(self) -> None:
        self.A.apply(self.r, self.p, 1.0, -1.0)

    def times(self, x: np.ndarray) -> np.ndarray:
        """A x in float64 on the host, without the free edges."""
        out = self.device.zeros(self.shape)
        self.A.apply_plain(out, self.device.asarray(x), 0.0, 1.0)
        return self.device.to_host(out)


class Stored(Level):
    """A level with stored coefficients."""

    def __init__(
        self,
        device: Device,
        lines: tuple,
        mirror: tuple[bool, bool],
        coefficients: Coefficients,
        springs: Springs | None,
        missing: Scattered | None = None,
    ) -> None:
        super().__init__(device, lines, mirror)
        self.coefficients: Coefficients | None = coefficients  # in float64, until `factor`
        self.C, self.K = (device.asarray(a, np.float32) for a in (coefficients.C, coefficients.K))
        self.free = energy_matrix(coefficients.edges, spacings(lines)[1::2], self.n)
        self.springs = springs
        self.missing = missing
        for added in (missing, springs and springs.matrix):
            if added is not None:
                self.free = self.free + added
        self.tilts = self.free.rows(device, np.float32)

    def diagonal(self):
        """Of A in float64; zero where no displacement exists."""
        assert self.coefficients is not None and self.free is not None
        out = self.device.zeros(self.shape)
        self.free.add_diagonal(self.device, out)
        self._launch("elastic_diagonal", out, self.coefficients.C, self.coefficients.K)
        hold(out, self.mirror)
        return out

    def factor(self) -> None:
        """Make the smoother, once the next level has been made; the coefficients in float64 are given up."""
        assert self.coefficients is not None and self.free is not None
        diagonal = self.diagonal()
        args = self.device, self.coefficients, diagonal, self.free, self.lines
        if relative_width(*self.lines) > WIDE:
            self.smoother, self.inverse = Columns(*args), self.device.asarray(diagonal, np.float32)
        else:
            self.smoother = Lines.of(*args, self.mirror)
            self.inverse = self.smoother.inverse
        self.coefficients = self.free = None

    def subtract(self) -> None:
        args = (self.r, self.p, 1.0, -1.0, self.C, self.K, *self.spacing, *map(int, self.mirror))
        nx, ny, nz = self.n
        self.run("elastic", "elastic_apply", parts((nx + 1) * (ny + 1), nz + 1), *args)
        self.tilts.apply(self.r, self.p, -1.0, 1.0)

    def times(self, x: np.ndarray) -> np.ndarray:
        """A x in float64 on the host, without the free edges."""
        assert self.coefficients is not None
        out, x = self.device.zeros(self.shape), self.device.asarray(x)
        self._launch(
            "elastic_apply",
            out,
            x,
            0.0,
            1.0,
            self.coefficients.C,
            self.coefficients.K,
            held=self.mirror,
        )
        return self.device.to_host(out)

    def _launch(self, function: str, *args, held: tuple[bool, ...] = ()) -> None:
        """In float64."""
        nx, ny, nz = self.n
        spacing = [self.device.asarray(a) for a in spacings(self.lines)]
        self.device.launch(
            "elastic",
            function,
            (nx + 1, ny + 1, nz + 1),
            *args,
            *spacing,
            *map(int, held),
            nx,
            ny,
            nz,
        )


class Coarse(Stored):
    """A level below another, and the way between them."""

    def __init__(
        self, device: Device, merge: Merge, z: np.ndarray, coefficients: Coefficients, finer: Level
    ) -> None:
        """`finer`: the level above."""
        ids, springs = coefficients.ids, finer.springs
        if springs is not None:
            springs = springs.coarser(
                merge, len(z) - 1, lambda at: exist(device, ids, at, merge.mirror)
            )
        turn = ghost_places(device, ids, merge.mirror)
        fill = ghosts(device, turn, *merge.coarse)
        missing = overhang(device, coefficients, turn, fill, (*merge.coarse, z))
        if finer.missing is not None:
            before = carried(device, finer.missing, merge, turn, fill)
            missing = before if missing is None else missing + before
        super().__init__(device, (*merge.coarse, z), merge.mirror, coefficients, springs, missing)
        self.weights = {
            name: device.asarray(a, np.int32 if a.dtype.kind == "i" else np.float32)
            for name, a in vars(gather(merge)).items()
        }
        self.fill, self.collect = (
            fill.rows(device, np.float32, transposed=t) for t in (False, True)
        )

    def restrict(self, fine: Level) -> None:
        """r = P^T fine.r."""
        _, levels, ny, nx = self.shape
        w = self.weights
        sizes = (3, levels, ny, nx, w["weighty"].shape[1], w["weightx"].shape[1])
        args = (self.r, fine.r, w["startx"], w["weightx"], w["starty"], w["weighty"], *sizes)
        self.device.launch("multigrid", "restrict", (nx, ny, levels), *args, real=np.float32)
        self.collect.apply(self.r, self.r, 1.0, 1.0)
        flat = (self.r.reshape(-1), self.inverse.reshape(-1), self.r.size)
        self.device.launch("multigrid", "mask", (self.r.size, 1, 1), *flat, real=np.float32)

    def prolong(self, fine: Level) -> None:
        """fine.p = P x, not yet added to fine.x."""
        self.fill.apply(self.x, self.x, 1.0, 0.0)
        _, levels, ny, nx = fine.shape
        w = self.weights
        args = (
            fine.p,
            fine.inverse,
            self.x,
            w["atx"],
            w["tx"],
            w["aty"],
            w["ty"],
            3,
            levels,
            ny,
            nx,
        )
        self.device.launch("multigrid", "prolong", (nx, ny, levels), *args, real=np.float32)


def hold(diagonal, mirror: tuple[bool, bool]) -> None:
    """Take the displacements normal to mirror planes out."""
    if mirror[0]:
        diagonal[0, :, :, 1] = 0
    if mirror[1]:
        diagonal[1, :, 0, :] = 0


def relative_width(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> float:
    """Mean width of the cells over the height of the stack."""
    return float(
        np.sqrt((x[-1] - x[0]) / (len(x) - 1) * (y[-1] - y[0]) / (len(y) - 1)) / (z[-1] - z[0])
    )


def unknowns(level: Level) -> int:
    nx, ny, nz = level.n
    return 3 * nx * ny * nz
