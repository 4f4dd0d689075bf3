"""What a time step of conduction needs: the matrix C/tau + K with its V-cycle, and heat and surroundings in time.

C = capacity times volume (J/K per voxel), K = conduction + films (W/K). A matrix is kept while tau and the properties
stay; its V-cycle serves longer, as a preconditioner for neighbouring tau and properties. Properties that vary with
temperature are taken at a field, voxels of a medium sorted by it (boundary.split_by).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from warp.device import Device
from warp.errors import WarpError
from warp.solvers import krylov
from warp.solvers.heat import operator as heat_operator
from warp.solvers.heat.multigrid import Cycle
from warp.voxels import boundary
from warp.voxels.boundary import Boundary, Film, Fixed, Source
from warp.voxels.grid import voxel_volumes
from warp.voxels.voxelize import VoxelModel

Law = Callable[[float], float]
"""Of the time in s; where it has `knots` (as curves.Table), steps end on them."""
INSIDE = (
    1e-9  # of a step: laws are read this far inside its ends, so that a jump belongs to one side
)
_RASTER = np.arange(
    100.0, 1500.0, 2.5
)  # K; between these and its knots a capacity that varies is taken as linear
_NEAR = 3.0  # a V-cycle serves tau this many times larger or smaller: a few more iterations
_DRIFT = 0.3  # and properties that have changed by this share
_ALIKE = 0.2  # share by which capacities of one row may differ


@dataclass(frozen=True)
class Laws:
    """Heat and surroundings as functions of time."""

    device: Device
    powers: list[tuple[Law, Any, float]]
    """Factor, W per voxel on the device, their sum."""
    ambients: list[Law]
    """K, of each film or fixed face."""

    @classmethod
    def of(
        cls,
        model: VoxelModel,
        boundaries: Iterable[Boundary],
        sources: dict[str, float | np.ndarray] | Iterable[Source],
        device: Device,
        power: Law | Mapping[str, Law] | None,
        ambient: Law | Mapping[str, Law] | None,
    ) -> Laws:
        """Sources of one law are added up; what is given no law stays as it is."""
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
        """Times where a law bends."""
        laws = [law for law, _, _ in self.powers] + self.ambients
        return {float(t) for law in laws for t in getattr(law, "knots", ())}

    def jump(self, t: float, dt: float) -> bool:
        """Whether anything has another value just after t than just before."""
        before, after = (
            np.array([law(s) for law in [law for law, _, _ in self.powers] + self.ambients])
            for s in (t - INSIDE * dt, t + INSIDE * dt)
        )
        return bool(np.any(np.abs(after - before) > 1e-6 * np.abs(before)))

    def load(self, M: Matrix, t: float) -> Any:
        """W per voxel at T = datum."""
        b = self.device.zeros(M.C.shape)
        for law, q, _ in self.powers:
            b += law(t) * q
        for law, (cell, g) in zip(self.ambients, M.films, strict=True):
            rise, n = (law(t) - M.A.surroundings.datum) * g, len(cell)
            self.device.launch("heat", "film_add", (n, 1, 1), b.reshape(-1), cell, rise, n)
        return b

    def supplied(self, t: float) -> float:
        """W of all sources."""
        return sum(law(t) * total for law, _, total in self.powers)

    def lost(self, M: Matrix, x: Any, t: float) -> float:
        """W through all films."""
        datum, flat = M.A.surroundings.datum, x.reshape(-1)
        pairs = zip(self.ambients, M.films, strict=True)
        return sum(float((g * (flat[cell] + (datum - law(t)))).sum()) for law, (cell, g) in pairs)


def _one(t: float) -> float:
    return 1.0


def _constant(b: Film | Fixed) -> Law:
    return lambda t: b.ambient


def _law(laws: Law | Mapping[str, Law] | None, name: str, otherwise: Law) -> Law:
    return (laws.get(name) if isinstance(laws, Mapping) else laws) or otherwise


def _refuse_unknown(what: str, laws: Law | Mapping[str, Law] | None, names: set[str]) -> None:
    for name in set(laws) - names if isinstance(laws, Mapping) else ():
        raise WarpError(
            f"transient heat: {what} of '{name}', but there are {', '.join(sorted(names)) or 'none'}"
        )


@dataclass(frozen=True)
class Matrix:
    """A = C/tau + K, and where its properties were taken; x = T - datum."""

    A: heat_operator.Operator
    C: Any
    tau: float
    films: list[tuple[Any, Any]]
    """Per contact: each voxel once, and its W/K."""
    middle: Any
    slope: float
    """Largest relative change of a property per K there."""
    row_sum: float
    """W/K that a uniform rise of 1 K takes."""

    def conduction(self, x: Any) -> Any:
        """K x."""
        out = self.A.device.zeros(x.shape)
        self.A.apply(out, x)
        return out - self.C * (x / self.tau)

    def wrong(self, x: Any) -> float:
        """Largest relative error of a property at x."""
        return self.slope * float(abs(x - self.middle).max()) if self.slope else 0.0


@dataclass(frozen=True)
class Enthalpy:
    """The integral of capacity over temperature, exact for capacities that are linear between the knots."""

    device: Device
    ids: Any
    volume: Any
    knots: Any
    table: Any
    """(3, media rows, knots): J/m3 since the first knot, J/m3K, and how often the capacity has grown e-fold or fallen."""

    @classmethod
    def of(cls, model: VoxelModel, device: Device) -> Enthalpy:
        """Tabulate all media at the knots of all."""
        media = model.media.materials
        T = np.unique(
            [
                *_RASTER,
                *(
                    knot
                    for medium in media
                    if medium is not None
                    for knot in medium.knots
                    if knot > 0
                ),
            ]
        )
        table = np.zeros((3, len(media), len(T)))
        for row, medium in enumerate(media):
            if medium is not None:
                c = np.broadcast_to(heat_operator.HEAT_CAPACITY.read(medium, T), len(T))
                table[0, row, 1:] = np.cumsum((c[1:] + c[:-1]) / 2 * np.diff(T))
                table[1, row] = c
                table[2, row, 1:] = np.cumsum(
                    np.abs(np.diff(np.log(np.maximum(c, 1e-3 * c.max()))))
                )
        put = device.asarray
        return cls(device, put(model.ids), put(voxel_volumes(model.grid)), put(T), put(table))

    def __call__(self, T: Any) -> Any:
        """J per voxel at temperatures T (nz, ny, nx) in K; beyond the knots the capacity goes on as it ends."""
        n, rise, h = self._place(T)
        start, c, c_next = (
            self.table[0, self.ids, n],
            self.table[1, self.ids, n],
            self.table[1, self.ids, n + 1],
        )
        return self.volume * (start + rise * (c + rise / (2 * h) * (c_next - c)))

    def spread(self, T: Any) -> Any:
        """T farther apart where the capacity changes fast: equal intervals hold like temperatures and like capacities."""
        n, rise, h = self._place(T)
        low, high = self.table[2, self.ids, n], self.table[2, self.ids, n + 1]
        solid = T[self.ids > 0]
        whole = float(solid.max() - solid.min())
        return T + whole / (_ALIKE * boundary.GROUPS) * (low + rise / h * (high - low))

    def _place(self, T: Any) -> tuple[Any, Any, Any]:
        """The knot below, the temperature above it, and that of the next one above it."""
        xp = self.device.xp
        n = xp.clip(xp.searchsorted(self.knots, T, "right") - 1, 0, len(self.knots) - 2)
        return n, T - self.knots[n], self.knots[n + 1] - self.knots[n]


@dataclass
class Matrices:
    """Builds a matrix when tau or properties have changed; holds one, and one V-cycle."""

    model: VoxelModel
    boundaries: list[Boundary]
    device: Device
    tolerance: float
    """K, that properties at a slightly wrong temperature may cost."""
    split: boundary.Split
    varies: np.ndarray
    enthalpy: Enthalpy | None
    """Where a capacity varies."""
    known: boundary.Exchange
    now: Matrix | None = None
    cycle: Cycle | None = None
    cycle_of: Matrix | None = None
    built: int = 0
    """V-cycles so far."""

    @classmethod
    def of(
        cls,
        model: VoxelModel,
        boundaries: list[Boundary],
        device: Device,
        tolerance: float,
        stretch: np.ndarray | None = None,
    ) -> Matrices:
        """Ready for any tau."""
        split = boundary.split_interfaces(model, boundaries)
        if stretch is not None:
            split = boundary.stretched(model, split, stretch)
        capacity = heat_operator.varying(model, heat_operator.HEAT_CAPACITY)
        varies = capacity | heat_operator.varying(model, heat_operator.CONDUCTIVITY)
        known = heat_operator.operator(
            model, boundaries, device, step=1.0, split=split
        ).surroundings
        enthalpy = Enthalpy.of(model, device) if capacity.any() else None
        return cls(model, boundaries, device, tolerance, split, varies, enthalpy, known)

    @property
    def datum(self) -> float:
        """K."""
        return self.known.datum

    def absolute(self, x: Any) -> np.ndarray:
        """Temperature in K on the host, 0 in void."""
        T = self.device.to_host(x) + self.datum
        T[self.model.ids == 0] = 0
        return T

    def at(self, tau: float, x: Any) -> Matrix:
        """The matrix of `tau` with properties at x, or the one at hand when that is as good."""
        now = self.now
        if (
            now is not None
            and now.tau == tau
            and now.wrong(x) * float(abs(x).max()) <= self.tolerance
        ):
            return now
        self.now = self.matrix(tau, x)
        return self.now

    def matrix(self, tau: float, x: Any) -> Matrix:
        """Build the matrix."""
        split, rows, slope = self.split, np.full(len(self.split.origin), heat_operator.ROOM), 0.0
        if self.varies.any():
            T = self.absolute(x)
            order = (
                T
                if self.enthalpy is None
                else self.device.to_host(self.enthalpy.spread(x + self.datum))
            )
            split = boundary.split_by(split, order, self.varies)
            rows = boundary.row_means(self.model.grid, split, T, heat_operator.ROOM)
            slope = _slope(self.model, split, rows)
        A = heat_operator.operator(
            self.model, self.boundaries, self.device, rows, tau, split, self.known
        )
        put, xp = self.device.asarray, self.device.xp
        C = put(A.table[:, 6] * tau)[A.arguments(np.float64)[0]] * put(
            voxel_volumes(self.model.grid)
        )
        films = []
        for contact in A.surroundings.contacts:
            cell, where = np.unique(contact.faces.cell, return_inverse=True)
            films.append(
                (put(cell, np.int64), put(np.bincount(where, contact.conductance, len(cell))))
            )
        row_sum = float(xp.sum(C)) / tau + float(A.surroundings.conductance.sum())
        return Matrix(A, C, tau, films, x.copy(), slope, row_sum)

    def solve(self, M: Matrix, b: Any, enough: float, guess: Any = None) -> tuple[Any, int]:
        """A x = b to the relative residual `enough`, nothing left of its sum: no heat is lost; also the iterations."""
        if self.cycle is None or not self._serves(M):
            self.cycle, self.cycle_of, self.built = Cycle(M.A), M, self.built + 1
        x, history = krylov.solve(
            self.device, M.A.apply, b, self.cycle, enough, "transient heat", None, guess
        )
        r = b.copy()
        M.A.apply(r, x, 1.0, -1.0)
        x += (float(r.sum()) / M.row_sum) * (M.C > 0)
        return x, len(history) - 1

    def _serves(self, M: Matrix) -> bool:
        """Whether the V-cycle is near enough to the matrix to precondition it."""
        of = self.cycle_of
        return of is M or (
            of is not None
            and 1 / _NEAR < M.tau / of.tau < _NEAR
            and max(M.slope, of.slope) * float(abs(M.middle - of.middle).max()) < _DRIFT
        )

    def gain(self, M: Matrix, x: Any, change: Any) -> Any:
        """Enthalpy that the voxels take up from x to x + change, J each."""
        if self.enthalpy is None:
            return M.C * change
        return self.enthalpy(x + change + self.datum) - self.enthalpy(x + self.datum)


def _slope(model: VoxelModel, split: boundary.Split, rows: np.ndarray) -> float:
    """Largest relative change per K of conductivity or capacity, over all rows."""
    largest = 0.0
    for read in (heat_operator.conductivity, heat_operator.heat_capacity):
        low, high = read(model, split, rows - 1), read(model, split, rows + 1)
        solid = low + high > 0
        largest = max(
            largest, float(np.max(np.abs(high - low)[solid] / (high + low)[solid], initial=0.0))
        )
    return largest
