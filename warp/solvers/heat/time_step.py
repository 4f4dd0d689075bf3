"""The matrix C/tau + K of a time step with its V-cycle, and heat and surroundings over time.

C = capacity times volume (J/K per voxel), K = conduction + films (W/K). A matrix is reused while
tau and the properties stay the same; its V-cycle serves longer, as a preconditioner for similar tau
and properties. Properties that vary with temperature are taken at a temperature field, with the
voxels of a medium sorted into groups by it (boundary.split_by).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from warp.errors import WarpError
from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers import krylov
from warp.solvers.heat import operator as heat_operator
from warp.solvers.heat.multigrid.cycle import Cycle
from warp.solvers.krylov import Control, Kept, System
from warp.voxels import boundary
from warp.voxels.boundary import Boundary, Film, Fixed, Source
from warp.voxels.grid import voxel_volumes
from warp.voxels.voxelize import VoxelModel

Law = Callable[[float], float]
"""A value as a function of time in s; steps end on its `knots`, if it has any (curves.Table)."""
LawByName = Law | Mapping[str, Law] | None
"""One law for all, or one per name; without a law a value stays constant."""
INSIDE = 1e-9
"""Share of a step by which laws are read inside its ends, so that a jump belongs to one side."""
RASTER = np.arange(100.0, 1500.0, 2.5)
"""Temperatures in K; between these and its knots a capacity counts as linear."""
NEAR = 3.0  # a V-cycle serves tau this many times larger or smaller, at a few more iterations
DRIFT = 0.3  # relative change of properties up to which a V-cycle serves
ALIKE = 0.2  # relative difference allowed between the capacities of one row


@dataclass(frozen=True)
class Laws:
    """Heat and surroundings as functions of time.

    `powers`: for each law, a factor over time, W per voxel on the device and their sum;
    `ambients`: temperature in K of each film or fixed face.
    """

    device: Device
    powers: list[tuple[Law, Array, float]]
    ambients: list[Law]

    @classmethod
    def of(
        cls,
        model: VoxelModel,
        boundaries: Iterable[Boundary],
        sources: dict[str, float | np.ndarray] | Iterable[Source],
        device: Device,
        power: LawByName,
        ambient: LawByName,
    ) -> Laws:
        """Assign laws to sources and films; sources that share a law are added up."""
        listed = boundary.sources(model, sources)
        films = [b for b in boundaries if isinstance(b, Film | Fixed)]
        _refuse_unknown("power", power, {s.part for s in listed})
        _refuse_unknown("ambient", ambient, {b.face for b in films})
        groups: dict[Law, list[Source]] = {}
        for source in listed:
            groups.setdefault(_law(power, source.part, _one), []).append(source)
        powers = []
        for law, group in groups.items():
            q = boundary.heat_load(model, group)
            powers.append((law, device.asarray(q), float(q.sum())))
        return cls(device, powers, [_law(ambient, b.face, _constant(b)) for b in films])

    @property
    def knots(self) -> set[float]:
        """Return the times in s at which a law changes its slope."""
        laws = [law for law, _, _ in self.powers] + self.ambients
        return {float(t) for law in laws for t in getattr(law, "knots", ())}

    def jump(self, t: float, dt: float) -> bool:
        """Return True if any law has another value just after t than just before."""
        laws = [law for law, _, _ in self.powers] + self.ambients
        before = np.array([law(t - INSIDE * dt) for law in laws])
        after = np.array([law(t + INSIDE * dt) for law in laws])
        return bool(np.any(np.abs(after - before) > 1e-6 * np.abs(before)))

    def load(self, M: Matrix, t: float) -> Array:
        """Return the heat in W per voxel at T = datum, from sources and films."""
        b = self.device.zeros(M.C.shape)
        for law, q, _ in self.powers:
            b += law(t) * q
        for law, (cell, g) in zip(self.ambients, M.films, strict=True):
            rise, n = (law(t) - M.A.surroundings.datum) * g, len(cell)
            self.device.launch("heat", "film_add", (n, 1, 1), b.reshape(-1), cell, rise, n)
        return b

    def supplied(self, t: float) -> float:
        """Return the heat of all sources in W."""
        return sum(law(t) * total for law, _, total in self.powers)

    def lost(self, M: Matrix, x: Array, t: float) -> float:
        """Return the heat through all films in W."""
        datum, flat = M.A.surroundings.datum, x.reshape(-1)
        pairs = zip(self.ambients, M.films, strict=True)
        return sum(float((g * (flat[cell] + (datum - law(t)))).sum()) for law, (cell, g) in pairs)


def _one(t: float) -> float:
    return 1.0


def _constant(b: Film | Fixed) -> Law:
    return lambda t: b.ambient


def _law(laws: LawByName, name: str, otherwise: Law) -> Law:
    return (laws.get(name) if isinstance(laws, Mapping) else laws) or otherwise


def _refuse_unknown(what: str, laws: LawByName, names: set[str]) -> None:
    known = ", ".join(sorted(names)) or "none"
    for name in set(laws) - names if isinstance(laws, Mapping) else ():
        raise WarpError(f"transient heat: {what} of '{name}', but there are {known}")


@dataclass(frozen=True)
class Matrix:
    """A = C/tau + K with properties at the field `middle`; x = T - datum.

    `films`: for each contact its voxels, each once, and their W/K; `slope`: largest relative change
    of a property per K at `middle`; `row_sum`: W/K that a uniform rise of 1 K takes.
    """

    A: heat_operator.Operator
    C: Array
    tau: float
    films: list[tuple[Array, Array]]
    middle: Array
    slope: float
    row_sum: float

    def conduction(self, x: Array) -> Array:
        """Compute K x."""
        out = self.A.device.zeros(x.shape)
        self.A.apply(out, x)
        return out - self.C * (x / self.tau)

    def wrong(self, x: Array) -> float:
        """Return the largest relative error of a property at x."""
        return self.slope * float(abs(x - self.middle).max()) if self.slope else 0.0


@dataclass(frozen=True)
class Enthalpy:
    """The integral of capacity over temperature, exact for capacities linear between the knots.

    `table` (3, media rows, knots): J/m3 since the first knot, J/m3K, and the sum of the changes of
    the capacity's logarithm, up or down, since the first knot.
    """

    device: Device
    ids: Array
    volume: Array
    knots: Array
    table: Array

    @classmethod
    def of(cls, model: VoxelModel, device: Device) -> Enthalpy:
        """Tabulate all media at the knots of all media."""
        media = model.media.materials
        knots = (knot for medium in media if medium is not None for knot in medium.knots)
        T = np.unique([*RASTER, *(knot for knot in knots if knot > 0)])
        table = np.zeros((3, len(media), len(T)))
        for row, medium in enumerate(media):
            if medium is not None:
                c = np.broadcast_to(heat_operator.HEAT_CAPACITY.read(medium, T), len(T))
                table[0, row, 1:] = np.cumsum((c[1:] + c[:-1]) / 2 * np.diff(T))
                table[1, row] = c
                changes = np.diff(np.log(np.maximum(c, 1e-3 * c.max())))
                table[2, row, 1:] = np.cumsum(np.abs(changes))
        put = device.asarray
        return cls(device, put(model.ids), put(voxel_volumes(model.grid)), put(T), put(table))

    def __call__(self, T: Array) -> Array:
        """Return J per voxel at temperatures T (nz, ny, nx) in K.

        Beyond the knots the capacity is extrapolated linearly.
        """
        n, rise, h = self._place(T)
        start = self.table[0, self.ids, n]
        c = self.table[1, self.ids, n]
        c_next = self.table[1, self.ids, n + 1]
        return self.volume * (start + rise * (c + rise / (2 * h) * (c_next - c)))

    def spread(self, T: Array) -> Array:
        """Stretch the temperature scale where the capacity changes fast.

        Equal intervals then hold similar temperatures and similar capacities.
        """
        n, rise, h = self._place(T)
        low, high = self.table[2, self.ids, n], self.table[2, self.ids, n + 1]
        solid = T[self.ids > 0]
        whole = float(solid.max() - solid.min())
        return T + whole / (ALIKE * boundary.GROUPS) * (low + rise / h * (high - low))

    def _place(self, T: Array) -> tuple[Array, Array, Array]:
        """Find the knot below T, the distance from it to T and the distance to the next knot."""
        xp = self.device.xp
        n = xp.clip(xp.searchsorted(self.knots, T, "right") - 1, 0, len(self.knots) - 2)
        return n, T - self.knots[n], self.knots[n + 1] - self.knots[n]


@dataclass
class Matrices:
    """The present matrix and V-cycle; builds new ones when tau or properties have changed.

    `tolerance`: error in K that properties at a slightly wrong temperature may cause; `enthalpy`:
    None if no capacity varies; `cycle_of`: the matrix that the V-cycle was built for; `built`:
    number of V-cycles so far; `kept`: the record of the solves with the present one.
    """

    model: VoxelModel
    boundaries: list[Boundary]
    device: Device
    tolerance: float
    split: boundary.Split
    varies: np.ndarray
    enthalpy: Enthalpy | None
    known: boundary.Exchange
    now: Matrix | None = None
    cycle: Cycle | None = None
    cycle_of: Matrix | None = None
    built: int = 0
    kept: Kept = field(default_factory=Kept)

    @classmethod
    def of(
        cls,
        model: VoxelModel,
        boundaries: list[Boundary],
        device: Device,
        tolerance: float,
        stretch: np.ndarray | None = None,
    ) -> Matrices:
        """Prepare what does not depend on tau."""
        split = boundary.split_interfaces(model, boundaries)
        if stretch is not None:
            split = boundary.stretched(model, split, stretch)
        capacity = heat_operator.varying(model, heat_operator.HEAT_CAPACITY)
        varies = capacity | heat_operator.varying(model, heat_operator.CONDUCTIVITY)
        A = heat_operator.operator(model, boundaries, device, step=1.0, split=split)
        enthalpy = Enthalpy.of(model, device) if capacity.any() else None
        return cls(model, boundaries, device, tolerance, split, varies, enthalpy, A.surroundings)

    @property
    def datum(self) -> float:
        """Return the temperature in K from which x counts."""
        return self.known.datum

    def absolute(self, x: Array) -> np.ndarray:
        """Return the temperature in K on the host, 0 in void."""
        T: np.ndarray = self.device.to_host(x) + self.datum
        T[self.model.ids == 0] = 0
        return T

    def at(self, tau: float, x: Array) -> Matrix:
        """Return the matrix of `tau` with properties at x; the present one if close enough."""
        now = self.now
        if now is None or now.tau != tau or now.wrong(x) * self._size(x) > self.tolerance:
            now = self.now = self.matrix(tau, x)
        return now

    def _size(self, x: Array) -> float:
        return float(abs(x).max())

    def matrix(self, tau: float, x: Array) -> Matrix:
        """Build the matrix of `tau` with properties at x."""
        split, rows, slope = self.split, np.full(len(self.split.origin), heat_operator.ROOM), 0.0
        if self.varies.any():
            T = order = self.absolute(x)
            if self.enthalpy is not None:
                order = self.device.to_host(self.enthalpy.spread(x + self.datum))
            split = boundary.split_by(split, order, self.varies)
            rows = boundary.row_means(self.model.grid, split, T, heat_operator.ROOM)
            slope = _slope(self.model, split, rows)
        A = heat_operator.operator(
            self.model, self.boundaries, self.device, rows, tau, split, self.known
        )
        put, xp = self.device.asarray, self.device.xp
        volumes = put(voxel_volumes(self.model.grid))
        C = put(A.table[:, 6] * tau)[A.arguments(np.float64)[0]] * volumes
        films = []
        for contact in A.surroundings.contacts:
            cell, where = np.unique(contact.faces.cell, return_inverse=True)
            conductance = np.bincount(where, contact.conductance, len(cell))
            films.append((put(cell, np.int64), put(conductance)))
        row_sum = float(xp.sum(C)) / tau + float(A.surroundings.conductance.sum())
        return Matrix(A, C, tau, films, x.copy(), slope, row_sum)

    def solve(
        self, M: Matrix, b: Array, tolerance: float, guess: Array | None = None
    ) -> tuple[Array, int]:
        """Solve A x = b to a relative residual; return x and the number of iterations.

        The sum of the residual is then removed by a uniform rise, so that heat is conserved.
        """
        if self.cycle is None or not self._serves(M):
            self.kept.forget()  # its memory goes before the new cycle is made
            self.cycle, self.cycle_of, self.built = Cycle(M.A), M, self.built + 1
        system = System.of("transient heat", M.A, b)
        x, history = krylov.solve(
            self.device, system, self.cycle, Control(tolerance), guess, kept=self.kept
        )
        r = b.copy()
        M.A.apply(r, x, 1.0, -1.0)
        x += (float(r.sum()) / M.row_sum) * (M.C > 0)
        return x, len(history) - 1

    def _serves(self, M: Matrix) -> bool:
        """Return True if the V-cycle is near enough to the matrix to precondition it."""
        of = self.cycle_of
        if of is None or of is M:
            return of is M
        drift = max(M.slope, of.slope) * float(abs(M.middle - of.middle).max())
        return 1 / NEAR < M.tau / of.tau < NEAR and drift < DRIFT

    def gain(self, M: Matrix, x: Array, change: Array) -> Array:
        """Return the enthalpy in J that each voxel takes up from x to x + change."""
        if self.enthalpy is None:
            return M.C * change
        return self.enthalpy(x + change + self.datum) - self.enthalpy(x + self.datum)


def _slope(model: VoxelModel, split: boundary.Split, rows: np.ndarray) -> float:
    """Return the largest relative change per K of conductivity or capacity over all rows."""
    largest = 0.0
    for read in (heat_operator.conductivity, heat_operator.heat_capacity):
        low, high = read(model, split, rows - 1), read(model, split, rows + 1)
        solid = low + high > 0
        change = np.abs(high - low)[solid] / (high + low)[solid]
        largest = max(largest, float(np.max(change, initial=0.0)))
    return largest
