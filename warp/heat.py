"""Steady heat conduction: div(conductivity grad T) + heat = 0 on the voxel model.

Unknown: T in K at voxel centres. Finite volumes: the heat through a face is the temperature difference over two half
voxels (and an interface resistance) in series, so layers and material jumps on faces are exact in one dimension;
second order otherwise. Boundaries: `boundary`; whatever is not named is adiabatic, mirror planes too. The matrix is
symmetric positive definite as soon as one film exists. In the notation of kernels/heat.py, with x = T - datum,

    A x = q + sum of films G (T_ambient - datum),    A = conduction + films (+ c V / step in a time step)

Solved by conjugate gradients in float64, preconditioned by one float32 V-cycle: levels coarser in x and y only, z lines
solved exactly, two Chebyshev steps before and after (heat_level). Where conductivity depends on temperature, the voxels
of a medium are sorted into groups of nearly equal temperature, and temperature and conductivity take turns (Picard):
from the temperature at which the films balance the heat, roughly at first, each round from the last one's field.
Patankar, Numerical Heat Transfer and Fluid Flow (1980), ch. 4.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from warp import boundary, krylov
from warp.boundary import Boundary, Exchange, Source, Split
from warp.device import Device
from warp.errors import ConvergenceError, WarpError
from warp.grid import runs
from warp.heat_level import Cycle
from warp.kernels.voxelize import pieces
from warp.medium import Medium
from warp.voxelize import VoxelModel

ROOM = 298.15  # K; where properties that do not vary are read
_PICARD_LIMIT, _PICARD_TOLERANCE = 30, 1e-6
_REGROUP = 2  # rounds in which voxels are sorted by temperature anew; later only the groups' means follow
_ROUGH = 1e-2, 1e-3  # share of a round's first residual that is left, in those rounds and later
_DRIFT = 0.3  # share by which conductivities may differ from those that the V-cycle was made of
_ANYWHERE = np.arange(150.0, 1001.0, 25.0)  # K; a law that is constant at these and at its knots is so everywhere


@dataclass(frozen=True)
class Property:
    """How a medium is asked for a property, and how many components that has."""

    read: Callable[[Medium, np.ndarray], np.ndarray]
    width: tuple[int, ...]


CONDUCTIVITY = Property(lambda medium, T: medium.conductivity(T), (3,))
HEAT_CAPACITY = Property(lambda medium, T: np.asarray(medium.heat_capacity(T)), ())


@dataclass(frozen=True)
class Solution:
    """Temperature (nz, ny, nx) in K, 0 in void; the residual of each iteration relative to the load."""

    temperature: np.ndarray
    iterations: int
    residuals: list[float]
    seconds: float
    operator: "Operator" = field(repr=False)
    rounds: int = 1
    """Linear solves, each with the conductivities at the temperatures of the one before; `iterations` are of all."""


@dataclass(frozen=True)
class Operator:
    """A of the module's equation on a device: `apply`, and the parts a preconditioner is built from."""

    model: VoxelModel
    device: Device
    split: Split
    table: np.ndarray
    """Kernel table (media, 7), float64."""
    surroundings: Exchange
    _arrays: dict = field(default_factory=dict, repr=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.model.grid.shape

    def arguments(self, dtype) -> tuple:
        """The kernels' (ids, table, dx, dy, dz, nx, ny, nz) in one precision."""
        if dtype not in self._arrays:
            grid, put = self.model.grid, self.device.asarray
            if "ids" not in self._arrays:
                self._arrays["ids"] = put(self.split.ids)
                self._arrays["cell"] = put(self.surroundings.cell, np.int64)
            reals = [put(a, dtype) for a in (self.table, grid.dx, grid.dy, grid.dz, self.surroundings.conductance)]
            self._arrays[dtype] = reals
        table, dx, dy, dz, _ = self._arrays[dtype]
        nz, ny, nx = self.shape
        return self._arrays["ids"], table, dx, dy, dz, nx, ny, nz

    def films(self, dtype) -> tuple:
        """The kernels' (cell, g, n)."""
        self.arguments(dtype)
        return self._arrays["cell"], self._arrays[dtype][4], len(self.surroundings.cell)

    def apply(self, out, x, keep: float = 0.0, sign: float = 1.0) -> None:
        """out = keep out + sign A x."""
        nz, ny, nx = self.shape
        real = x.dtype.type
        run = self.device.launch
        run("heat", "heat_apply", (nx, ny, 1), out, x, *self.arguments(real), keep, sign, real=real)
        cell, g, n = self.films(real)
        run("heat", "film_apply", (n, 1, 1), out.reshape(-1), x.reshape(-1), cell, g, n, sign, real=real)


def operator(
    model: VoxelModel,
    boundaries: Iterable[Boundary],
    device: Device,
    temperature: float | np.ndarray = ROOM,
    step: float = np.inf,
    split: Split | None = None,
    known: Exchange | None = None,
) -> Operator:
    """Build the operator; properties at `temperature` (K; one, or one per row of `split`), time step `step` in s.

    `known`: the surroundings of an operator for the same model and boundaries, whose faces need not be sought again.
    """
    boundaries = list(boundaries)
    split = split or boundary.split_interfaces(model, boundaries)
    table = _table(model, split, temperature, step)
    surroundings = boundary.exchange(model, boundaries, split.ids, table, np.isfinite(step), known)
    return Operator(model, device, split, table, surroundings)


def _table(model: VoxelModel, split: Split, temperature: float | np.ndarray, step: float) -> np.ndarray:
    """Kernel table: half-voxel resistivities per side and the capacity rate."""
    table = np.zeros((len(split.origin), 7))
    with np.errstate(divide="ignore"):
        table[:, :6] = np.repeat(0.5 / conductivity(model, split, temperature), 2, axis=1)
    table[:, 4:6] *= split.stretch[:, None]
    table[:, :6] += split.extra
    if not np.isinf(step):
        table[:, 6] = heat_capacity(model, split, temperature) / step
    return table


def conductivity(model: VoxelModel, split: Split, temperature: float | np.ndarray) -> np.ndarray:
    """(rows, 3) W/mK of the split's rows at one temperature or at one each."""
    return _by_row(model, split, temperature, CONDUCTIVITY)


def heat_capacity(model: VoxelModel, split: Split, temperature: float | np.ndarray) -> np.ndarray:
    """(rows,) J/m3K, likewise."""
    return _by_row(model, split, temperature, HEAT_CAPACITY)


def _by_row(model: VoxelModel, split: Split, temperature: float | np.ndarray, law: Property) -> np.ndarray:
    """Read a property of every row, all rows of a medium at once; 0 in void."""
    T = np.broadcast_to(np.asarray(temperature, float), len(split.origin))
    found = np.zeros((len(split.origin), *law.width))
    order = np.argsort(split.origin, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(split.origin[order])) + 1):
        medium = model.media.materials[split.origin[rows[0]]]
        if medium is not None:
            found[rows] = law.read(medium, T[rows])
    return found


def solve_steady(
    model: VoxelModel,
    boundaries: Iterable[Boundary],
    power: dict[str, float | np.ndarray] | Iterable[Source],
    device: Device,
    tolerance: float = 1e-8,
    progress: Callable[[int, float], None] | None = None,
    stretch: np.ndarray | None = None,
) -> Solution:
    """Solve for the steady temperature; `progress(iteration, residual)` is called after every iteration.

    `stretch` (nz, ny, nx): thickness of each voxel over the drawn one where displacements have changed it (`coupling`).
    Raises WarpError when heat cannot leave, ConvergenceError when `tolerance` is not reached.
    """
    start = time.perf_counter()
    boundaries = list(boundaries)
    q = boundary.heat_load(model, power)
    split = boundary.split_interfaces(model, boundaries)
    if stretch is not None:
        split = boundary.stretched(model, split, stretch)
    A = operator(model, boundaries, device, split=split)
    refuse_isolated(A)
    varies = varying(model, CONDUCTIVITY)
    rows: float | np.ndarray = _level(A, q) if varies.any() else ROOM
    x, residuals, groups, cycle, k = None, [], split, None, np.zeros(0)
    iterations, then = 0, np.broadcast_to(rows, A.shape)  # then: the temperature that the V-cycle was made for

    def tell(n: int, residual: float) -> None:
        if progress:
            progress(iterations + n, residual)

    for rounds in range(1, _PICARD_LIMIT + 1):
        if varies.any():
            A = operator(model, boundaries, device, rows, split=groups, known=A.surroundings)
        cycle = cycle or Cycle(A)
        rough = _ROUGH[rounds > _REGROUP] if varies.any() else 0.0
        x, history = krylov.solve(device, A.apply, load(A, q), cycle, tolerance, "heat", tell, x, rough)
        iterations += len(history) - 1
        residuals += history if rounds == 1 else history[1:]
        temperature = _absolute(A, x)
        if not varies.any():
            break
        if rounds <= _REGROUP:
            groups = boundary.split_by(split, temperature, varies)
        rows = boundary.row_means(model.grid, groups, temperature, ROOM)
        before, k = k, conductivity(model, groups, rows)
        settled = rounds > _REGROUP and bool(np.all(np.abs(k - before) <= _PICARD_TOLERANCE * k))
        if settled and history[-1] <= tolerance:
            break
        if np.any(np.abs(k - conductivity(model, groups, boundary.row_means(model.grid, groups, then, ROOM))) > _DRIFT * k):
            cycle, then = None, temperature
    else:
        raise ConvergenceError("heat: conductivities and temperatures do not settle; check the temperature tables")
    return Solution(temperature, iterations, residuals, time.perf_counter() - start, A, rounds)


def _level(A: Operator, q: np.ndarray) -> float:
    """One temperature at which the films would carry the heat away: where conductivities are taken first."""
    around = A.surroundings
    return around.datum + float((q.sum() + around.heat.sum()) / around.conductance.sum())


def varying(model: VoxelModel, law: Property) -> np.ndarray:
    """Mark the media rows whose property is not the same at all temperatures."""
    found = np.zeros(len(model.media.part), bool)
    for row, medium in enumerate(model.media.materials):
        if medium is not None:
            T = np.unique([*_ANYWHERE, *(knot for knot in medium.knots if knot > 0)])
            values = np.broadcast_to(law.read(medium, T), (len(T), *law.width))
            found[row] = np.any(np.ptp(values, axis=0) > _PICARD_TOLERANCE * values[0])
    return found


def load(A: Operator, q: np.ndarray):
    """Right-hand side on the device: heat per voxel (W) + what the films bring at T = datum."""
    b = np.array(q, float)
    b.reshape(-1)[A.surroundings.cell] += A.surroundings.heat
    return A.device.asarray(b)


def _absolute(A: Operator, x) -> np.ndarray:
    """x + datum on the host, 0 in void."""
    t = A.device.to_host(x) + A.surroundings.datum
    t[A.model.ids == 0] = 0
    return t


def refuse_isolated(A: Operator) -> None:
    """Stop when some solid voxels have no conducting path to a film: their temperature would be undefined."""
    ids, part, cooled = A.model.ids.copy(), np.asarray(A.model.media.part), len(A.model.media.part)
    ids.reshape(-1)[A.surroundings.cell] = cooled  # as a part of its own: pieces without it are isolated
    grid, layers = A.model.grid, np.array([run.start for run in runs(ids)])
    part = np.append(part, len(A.model.parts))
    root, owner, _ = pieces(ids, layers, part, grid.dx, grid.dy, np.ones(len(layers)))
    isolated = owner[~np.isin(root, root[owner == len(A.model.parts)])]
    if len(isolated):
        names = ", ".join(f"'{A.model.parts[p]}'" for p in np.unique(isolated))
        raise WarpError(f"heat cannot leave {names}: nothing leads from there to a film or fixed temperature")


def face_temperature(solution: Solution, name: str) -> tuple[boundary.Faces, np.ndarray]:
    """Temperature in K of every voxel face of a named surface, covered ones included.

    The heat through the half voxel and what follows (half a neighbour, a film, nothing) fixes it; where an interface
    resistance lies on the face, it is the temperature of this part's side.
    """
    A, T = solution.operator, solution.temperature.reshape(-1)
    grid, ids = A.model.grid, A.split.ids.reshape(-1)
    at = boundary.faces(A.model, name, covered=True)
    ours = A.table[ids[at.cell], at.side] * at.width(grid)
    contact = A.split.extra[ids[at.cell], at.side] * at.width(grid)
    other, beyond = np.full(len(ours), np.inf), np.zeros(len(ours))
    neighbour = boundary.neighbours(A.model, at)
    solid = neighbour.cell >= 0
    there = boundary.Faces(neighbour.cell[solid], neighbour.side[solid])
    other[solid] = A.table[ids[there.cell], there.side] * there.width(grid)
    beyond[solid] = T[there.cell]
    for film in A.surroundings.contacts:
        hit = np.isin(at.key, film.faces.key, assume_unique=True)
        other[hit], beyond[hit] = 1 / film.coefficient, film.ambient
    share = (ours - contact) / (ours + other)
    return at, T[at.cell] + share * (beyond - T[at.cell])


def heat_flows(solution: Solution) -> dict[str, float]:
    """Heat in W that leaves the full package through each named film or fixed face."""
    T, copies = solution.temperature.reshape(-1), solution.operator.model.grid.copies
    return {
        c.name: copies * float(np.sum(c.conductance * (T[c.faces.cell] - c.ambient)))
        for c in solution.operator.surroundings.contacts
    }
