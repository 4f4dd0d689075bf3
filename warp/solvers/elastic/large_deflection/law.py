"""The energy of a body under moderate rotations, its gradient and its Hessian, never assembled.

Strains in the plane gain products of the slopes of w, the total displacement along z:

    e_xx = u,x + (w,x)^2 / 2,     e_yy = v,y + (w,y)^2 / 2,     g_xy = u,y + v,x + w,x w,y

Products of other gradients are left out: 0.3 to 2 % of the largest warpage where a soft film shears
between stiff parts, of which (g_xz^2 + g_yz^2) / 2 in e_zz is the most
(data/benchmarks/large-deflection.md).

With x the increment of displacement, f the forces and s the stress in the plane (times volume)
before it, A the linear operator, n(x) the strains that products add, and S = s + C (B x + n):

    energy    x A x / 2 - f x + sum n (s + C B x + C n / 2)
    gradient  A x - f + B^T C n + M^T S                       M: dn/dx at the slopes of the body
    Hessian   A p + B^T C M p + M^T C (B p + M p) + G^T S G p     G: slopes

Every slope counts where it is (kernels/large_deflection.py), so gradient and Hessian are the exact
derivatives, and the Hessian is symmetric. Stresses and forces of increments, 88 bytes a voxel, are
computed and used in slabs of some rows, so that no array of a body's size holds them. von Karman,
Encyklopaedie der mathematischen Wissenschaften IV/4 (1910) 349, for the law.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np

from warp.machine.arrays import Array
from warp.solvers.elastic.history.state import faces_of
from warp.solvers.elastic.large_deflection.rim import Rim, shear_stiffness
from warp.solvers.elastic.large_deflection.tilts import Tilts
from warp.solvers.elastic.operator import Operator
from warp.voxels.voxelize import VoxelModel

MODULE = "large_deflection"
SLAB = 2**16
"""Points of a slab: small beside a large body, and many beside the rows that two slabs share."""
ROUND_OFF = 1e-15
"""Of the terms of an energy: a steep thin body has strains in each that the others cancel."""


class Support(Protocol):
    """What a body rests on: energy in J, and forces in N by a displacement and by its change."""

    pull: np.ndarray

    def energy(self, x: Array) -> float:
        """Return the energy at x."""

    def push(self, out: Array, x: Array) -> None:
        """Add its gradient at x to out."""

    def hold(self, out: Array, p: Array) -> None:
        """Add its Hessian at the last `push` times p to out."""


class Nothing:
    """No support: the body floats, or is held."""

    pull = np.zeros(0)

    def energy(self, x: Array) -> float:
        """Return 0."""
        return 0.0

    def push(self, out: Array, x: Array) -> None:
        """Leave out as it is."""

    def hold(self, out: Array, p: Array) -> None:
        """Leave out as it is."""


NO_GROUND: Support = Nothing()


class Rows(NamedTuple):
    """Rows of a body that a slab computes, from `begin` to before `end`, of `total` in all."""

    begin: int
    end: int
    total: int

    @property
    def first(self) -> int:
        """Return the row of the body that is the first one in a slab."""
        return max(self.begin - 2, 0)

    def wider(self, before: int, after: int) -> Rows:
        """Return rows with others before and after them."""
        return Rows(max(self.begin - before, 0), min(self.end + after, self.total), self.total)

    def within(self, first: int) -> slice:
        """Return them as a slice of a slab that holds rows from `first` on."""
        return slice(self.begin - first, self.end - first)


class Law:
    """Energy, gradient and Hessian of an increment x (solver's layout, on the operator's device).

    rim: what A lacks at round sides. f: forces, as those of the linear equation A x = f; s (3,
    nz+1, ny+1, nx+3): stress before the increment under the loads after it, xx and yy of cells and
    xy of edges along z, in N m. start: total displacement before and the stress there under the
    loads before; None: both are zero. pressed: by linear theory the displacement at the full load
    of a body whose held faces are moved; None: they rest. `terms`: of the last energy, in J, by
    magnitude.
    """

    def __init__(
        self,
        A: Operator,
        rim: Rim,
        f: Array,
        s: Array,
        start: tuple[Array, Array] | None = None,
        pressed: np.ndarray | None = None,
    ) -> None:
        self.A, self.fraction = A, 1.0
        self.at_end: tuple[Array, Array] = (f, s)
        self.at_start: tuple[Array, Array] | None = None
        self.device = A.device
        self.held = A.device.asarray(A.held, np.int64)
        self.pressed = None if pressed is None else A.device.asarray(pressed)
        self.ground, self.terms = NO_GROUND, 0.0
        self.tilts: Tilts | None = None
        nx, ny, nz = A.n
        self.extent, self.sizes = (nx + 1, ny + 1, nz + 1), A.n
        ids, cell, _, dx, dy, _, hz, rdx, rcx, rdy, rcy, rdz, _ = A.arguments(np.float64)
        self.rim, self.K = rim.matrix.rows(A.device, np.float64), shear_stiffness(A, rim)
        self.ids, self.tables = ids, (ids, cell, self.K, dx, dy, hz, rdx, rcx, rdy, rcy, rdz)
        self.spacings, self.mirror = (rdx, rcx, rdy, rcy, rdz), tuple(map(int, A.mirror))
        zeros = self.device.zeros
        places = A.shape[1:]
        self.slopes, self.s = zeros((2, *places)), zeros((3, *places))
        self.first = self.device.xp.broadcast_to(zeros(1), self.slopes.shape)
        self.rows = min(ny + 1, max(SLAB // ((nz + 1) * places[2]), 1))
        slab = nz + 1, min(self.rows + 5, ny + 1), places[2]
        self.h, self.t, self.q = (zeros((n, *slab)) for n in (2, 7, 2))
        if start is not None:
            displacement, stress = start
            self.first = zeros(self.slopes.shape)
            self._slopes(self.first, displacement, self._whole)
            self.at_start = zeros(A.shape), stress
            self.load(0.0)
            self.at_start = self.gradient(zeros(A.shape))[1], stress
            self.load(1.0)

    def load(self, fraction: float) -> None:
        """Put on a fraction of the change of forces and stress; 0: the body is in balance at x = 0.

        Without a start the body is then flat and free of stress.
        """
        self.fraction = fraction

    def _loads(self) -> Iterator[tuple[float, Array, Array]]:
        """Yield shares, forces and stresses: the present ones are the sum of share times array."""
        if self.fraction != 0:
            yield self.fraction, *self.at_end
        if self.at_start is not None and self.fraction != 1:
            yield 1 - self.fraction, *self.at_start

    def start_from(self, x: Array) -> None:
        """Hold the body at x by forces that fade as the load grows, instead of at x = 0."""
        stress = self.at_end[1]
        self.at_start = self.device.zeros(self.A.shape), stress
        self.load(0.0)
        self.at_start = self.gradient(x)[1], stress

    def keep_tilt(self, model: VoxelModel) -> None:
        """Keep the tilt of a body that nothing holds."""
        if not all(self.mirror):
            self.tilts = Tilts(self.device, model)

    def rest_on(self, ground: Support) -> None:
        """Add the weight of the body and a table under it to the present load."""
        self.ground, self.tilts = ground, None
        f, s = self.at_end
        self.at_end = f + self.device.asarray(ground.pull), s

    def holding(self, x: Array) -> Array:
        """Return x with the held increments at the present load, the rest moved along."""
        if self.pressed is None:
            return x
        vdot = self.device.xp.vdot
        target = self.pressed.reshape(-1)[self.held]
        share = float(vdot(x.reshape(-1)[self.held], target) / vdot(target, target))
        return x + (self.fraction - share) * self.pressed

    def gradient(self, x: Array) -> tuple[float, Array]:
        """Return the energy in J and its gradient in N; the Hessian is then the one at x."""
        out = self.device.zeros(self.A.shape)
        self.linear(out, x)
        strained = float(self.device.xp.vdot(x, out)) / 2
        work = 0.0
        for share, forces, _ in self._loads():
            work += share * float(self.device.xp.vdot(forces, x))
            for total, own in zip(out, forces, strict=True):
                total -= share * own
        added = self._added(out, x)
        self.ground.push(out, x)
        self.A.clear_held(out)
        self.level(out)
        self.terms = abs(added) + abs(strained) + abs(work)
        self.energy_at = added + strained - work + self.ground.energy(x)
        return self.energy_at, out

    def hessian(self, out: Array, p: Array) -> None:
        """Compute out = H p at the x of the last `gradient`; a floating p loses its tilt."""
        self.level(p)
        self.linear(out, p)
        for rows in self._slabs():
            self._stress(p, rows)
            self._forces_on_slopes(rows, 0.0, 1.0)
            self._add_forces(out, rows)
        self.ground.hold(out, p)
        self.A.clear_held(out)
        self.level(out)

    def level(self, field: Array) -> None:
        """Take the tilt out of forces or of an increment of a body that floats, in place."""
        if self.tilts is not None:
            self.tilts.remove(field)

    def linear(self, out: Array, x: Array) -> None:
        """Compute out = A x, A with the shear at rims, and the forces on what is held."""
        self.A.forces(out, x)
        self.rim.apply(out, x, 1.0, 1.0)

    def added_strains(self, x: Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return what slopes add to the strain: xx, yy (nz, ny, nx) and xy (nz, ny+1, nx+1).

        xy: of edges along z between four voxels, zero elsewhere. On the host.
        """
        to_host, (nx, ny, nz) = self.device.to_host, self.sizes
        change = self.slopes_of(x)[..., 1 : nx + 2]
        halfway = to_host(self.first)[..., 1 : nx + 2] + change / 2
        solid = to_host(self.ids)[1 : nz + 1, 1 : ny + 1, 1 : nx + 1] > 0
        faces = faces_of(solid)[2, :, :ny, :nx]
        both = halfway * change
        xx = mean_of_sides(both[0, :, :ny], faces, bool(self.mirror[0])) * solid
        turned = both[1, :, :, :nx].swapaxes(1, 2), faces.swapaxes(1, 2)
        yy = mean_of_sides(*turned, bool(self.mirror[1])).swapaxes(1, 2) * solid
        (gx, gy), (hx, hy) = mean_at_edges(halfway), mean_at_edges(change)
        quads = solid[:, 1:, 1:] & solid[:, 1:, :-1] & solid[:, :-1, 1:] & solid[:, :-1, :-1]
        xy = np.zeros((nz, ny + 1, nx + 1))
        xy[:, 1:ny, 1:nx] = (gx * hy + gy * hx) * quads
        return xx, yy, xy

    def forces_on_slopes(
        self, xx: np.ndarray, yy: np.ndarray, xy: np.ndarray, g: np.ndarray
    ) -> np.ndarray:
        """Return the forces (2, nz+1, ny+1, nx+3) on slopes of a stress in the plane at slopes g.

        Stress times volume: xx, yy (nz, ny, nx) and xy (nz+1, ny+1, nx+1) of edges. On the host.
        """
        nx, ny, nz = self.sizes
        stress = np.zeros((3, *self.A.shape[1:]))
        stress[0, :nz, :ny, 1 : nx + 1], stress[1, :nz, :ny, 1 : nx + 1] = xx, yy
        stress[2, :, :, 1 : nx + 2] = xy
        of, slopes = self.device.asarray(stress), self.device.asarray(g)
        found = np.zeros(g.shape)
        self.h[...] = 0
        for rows in self._slabs():
            wide = rows.wider(1, 2)
            self.t[4:, :, wide.within(rows.first)] = of[:, :, wide.begin : wide.end]
            self._forces_on_slopes(rows, 0.0, 0.0, slopes)
            q = self.q[:, :, rows.within(rows.first)]
            found[:, :, rows.begin : rows.end] = self.device.to_host(q)
        return found

    def slopes_of(self, x: Array) -> np.ndarray:
        """Return the slopes of w (2, nz+1, ny+1, nx+3) of a displacement, on the host."""
        slopes = self.device.zeros(self.slopes.shape)
        self._slopes(slopes, x, self._whole)
        found: np.ndarray = self.device.to_host(slopes)
        return found

    def _added(self, out: Array, x: Array) -> float:
        """Add what slopes add to the gradient; return what they add to the energy.

        Leaves the slopes and the stress of the body at x in `slopes` and `s`.
        """
        xp, added = self.device.xp, 0.0
        self._slopes(self.slopes, x, self._whole)
        self.slopes *= 0.5
        self.slopes += self.first  # half-way through the increment
        for rows in self._slabs():
            own, t = rows.within(rows.first), self.t
            self._stress(x, rows)
            wide = rows.wider(1, 2)
            for share, _, stress in self._loads():
                for total, one in zip(t[4:, :, wide.within(rows.first)], stress, strict=True):
                    total += share * one[:, wide.begin : wide.end]
            self.s[:, :, rows.begin : rows.end] = t[4:, :, own]
            self._forces_on_slopes(rows, 0.5, 0.0)  # at its end
            self._add_forces(out, rows)
            for total, alone in zip(t[4:], (t[0], t[1], t[3]), strict=True):
                total -= alone / 2
            self._forces_on_slopes(rows, 0.0, 0.0)
            added += float(xp.vdot(self.q[:, :, own], self.h[:, :, own]))
        self._slopes(self.slopes, x, self._whole)
        self.slopes += self.first
        return added

    @property
    def round_off(self) -> float:
        """Return the least round-off of the last energy in J."""
        return ROUND_OFF * self.terms

    @property
    def _whole(self) -> Rows:
        return Rows(0, self.extent[1], self.extent[1])

    def _slabs(self) -> Iterator[Rows]:
        """Yield the rows of one slab after the other."""
        count = self.extent[1]
        for begin in range(0, count, self.rows):
            yield Rows(begin, min(begin + self.rows, count), count)

    def _slopes(self, g: Array, x: Array, rows: Rows) -> None:
        """Compute slopes of w; g holds rows from the first of a slab on."""
        _, rcx, _, rcy, _ = self.spacings
        self._launch("slopes", rows, rows.first, g, x, self.ids, rcx, rcy)

    def _stress(self, x: Array, rows: Rows) -> None:
        """Put slopes and stress of an increment x into h and t, for forces in some rows."""
        slopes = rows.wider(2, 3)
        _, rcx, _, rcy, _ = self.spacings
        self._launch("slopes", slopes, rows.first, self.h, x, self.ids, rcx, rcy)
        args = self.t, x, self.slopes, self.h, *self.tables, *self.mirror
        self._launch("added_stress", rows.wider(1, 2), rows.first, *args)

    def _forces_on_slopes(self, rows: Rows, e: float, c: float, g: Array | None = None) -> None:
        """Put forces on slopes into q, of some rows and the next one."""
        g = self.slopes if g is None else g
        args = self.q, self.t, self.s, g, self.h, e, c, self.ids, *self.mirror
        self._launch("slope_forces", rows.wider(0, 1), rows.first, *args)

    def _add_forces(self, out: Array, rows: Rows) -> None:
        args = out, self.t, self.q, 1.0, *self.spacings, *self.mirror
        self._launch("add_forces", rows, rows.first, *args)

    def _launch(self, function: str, rows: Rows, first: int, *args: object) -> None:
        extent = self.extent[0], rows.end - rows.begin, self.extent[2]
        own = rows.begin, rows.end, first
        self.device.launch(MODULE, function, extent, *args, *own, *self.sizes)


def mean_of_sides(products: np.ndarray, faces: np.ndarray, mirrored: bool) -> np.ndarray:
    """Average products (z faces, rows, lines) over the edges around each cell.

    Where one side has no edge the other counts twice. faces (z faces, rows, cells): True where w
    exists.
    """
    edges = np.pad(faces, ((0, 0), (0, 0), (1, 1)))
    there = edges[..., 1:] & edges[..., :-1]
    there[..., 0] |= mirrored & faces[..., 0]
    count = np.maximum(there[..., 1:].astype(int) + there[..., :-1], 1)
    kept = products * there
    sides = (kept[..., 1:] + kept[..., :-1]) / count
    found: np.ndarray = (sides[1:] + sides[:-1]) / 2
    return found


def mean_at_edges(slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average slopes (2, nz+1, ny+1, nx+1) over the four around each inner edge along z."""
    x, y = ((g[1:] + g[:-1]) / 2 for g in slopes)
    along_x = (x[:, 1:-1, 1:-1] + x[:, :-2, 1:-1]) / 2
    along_y = (y[:, 1:-1, 1:-1] + y[:, 1:-1, :-2]) / 2
    return along_x, along_y
