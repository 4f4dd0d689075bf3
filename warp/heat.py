"""Steady heat conduction: div(conductivity grad T) + heat = 0 on the voxel model.

Unknown: T in K at voxel centres. Finite volumes: the heat through a face is the temperature difference over two half
voxels (and an interface resistance) in series, so layers and material jumps on faces are exact in one dimension;
second order otherwise. Boundaries: `boundary`; whatever is not named is adiabatic, mirror planes too. The matrix is
symmetric positive definite as soon as one film exists. In the notation of kernels/heat.py, with x = T - datum,

    A x = q + sum of films G (T_ambient - datum),    A = conduction + films (+ c V / step in a time step)

Solved by conjugate gradients in float64, preconditioned by one float32 V-cycle: levels coarser in x and y only, z lines
solved exactly, two Chebyshev steps before and after (heat_level). Where conductivity depends on temperature, the voxels
of a medium are sorted into groups of nearly equal temperature, and temperature and conductivity take turns (Picard).
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
from warp.heat_level import Cycle
from warp.kernels.voxelize import pieces
from warp.voxelize import VoxelModel

ROOM = 298.15  # K; where conductivities are taken first
_PICARD_LIMIT, _PICARD_TOLERANCE = 30, 1e-6
_REGROUP = 3  # rounds in which voxels are sorted by temperature anew; later only the groups' means follow
_ROUGH = 1e-4  # residual while conductivities are still far off


@dataclass(frozen=True)
class Solution:
    """Temperature (nz, ny, nx) in K, 0 in void; the residual of each iteration relative to the load."""

    temperature: np.ndarray
    iterations: int
    residuals: list[float]
    seconds: float
    operator: "Operator" = field(repr=False)


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
) -> Operator:
    """Build the operator; properties at `temperature` (K; one, or one per row of `split`), time step `step` in s."""
    boundaries = list(boundaries)
    split = split or boundary.split_interfaces(model, boundaries)
    table = _table(model, split, temperature, step)
    surroundings = boundary.exchange(model, boundaries, split.ids, table)
    return Operator(model, device, split, table, surroundings)


def _table(model: VoxelModel, split: Split, temperature: float | np.ndarray, step: float) -> np.ndarray:
    """Kernel table: half-voxel resistivities per side and the capacity rate."""
    table = np.zeros((len(split.origin), 7))
    with np.errstate(divide="ignore"):
        table[:, :6] = np.repeat(0.5 / conductivity(model, split, temperature), 2, axis=1) + split.extra
    if not np.isinf(step):
        table[:, 6] = model.media.heat_capacity(float(np.mean(temperature)))[split.origin] / step
    return table


def conductivity(model: VoxelModel, split: Split, temperature: float | np.ndarray) -> np.ndarray:
    """(rows, 3) W/mK of the split's rows at one temperature or at one each."""
    if not isinstance(temperature, np.ndarray):
        return np.asarray(model.media.conductivity(float(temperature)))[split.origin]
    k = np.zeros((len(split.origin), 3))
    for row, (origin, t) in enumerate(zip(split.origin, temperature, strict=True)):
        if model.media.materials[origin] is not None:
            k[row] = model.media.materials[origin].conductivity(float(t))
    return k


def solve_steady(
    model: VoxelModel,
    boundaries: Iterable[Boundary],
    power: dict[str, float | np.ndarray] | Iterable[Source],
    device: Device,
    tolerance: float = 1e-8,
    progress: Callable[[int, float], None] | None = None,
) -> Solution:
    """Solve for the steady temperature; `progress(iteration, residual)` is called after every iteration.

    Raises WarpError when heat cannot leave, ConvergenceError when `tolerance` is not reached.
    """
    start = time.perf_counter()
    boundaries = list(boundaries)
    q = boundary.heat_load(model, power)
    split = boundary.split_interfaces(model, boundaries)
    A = operator(model, boundaries, device, split=split)
    refuse_isolated(A)
    x, residuals = krylov.solve(device, A.apply, load(A, q), Cycle(A), tolerance, "heat", progress)
    iterations = len(residuals) - 1
    temperature = _absolute(A, x)
    varies = _varying(model, temperature)
    k = np.zeros(0)
    for n in range(_PICARD_LIMIT if varies.any() else 0):
        if n < _REGROUP:
            groups = boundary.split_by_temperature(split, temperature, varies)
        rows = _mean_temperature(model, groups, temperature)
        before, k = k, conductivity(model, groups, rows)
        if n > _REGROUP and np.all(np.abs(k - before) <= _PICARD_TOLERANCE * k):
            break
        A = operator(model, boundaries, device, rows, split=groups)
        enough = tolerance if n >= _REGROUP else max(tolerance, _ROUGH)
        x, history = krylov.solve(device, A.apply, load(A, q), Cycle(A), enough, "heat", progress, x)
        iterations += len(history) - 1
        residuals += history
        temperature = _absolute(A, x)
    else:
        if varies.any():
            raise ConvergenceError("heat: conductivities and temperatures do not settle; check the temperature tables")
    return Solution(temperature, iterations, residuals, time.perf_counter() - start, A)


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


def _varying(model: VoxelModel, temperature: np.ndarray) -> np.ndarray:
    """Media rows whose conductivity differs within the range of temperatures, or from that used first."""
    t = temperature[model.ids > 0]
    k = np.stack([model.media.conductivity(float(v)) for v in (ROOM, t.min(), t.mean(), t.max())])
    return np.any(np.ptp(k, axis=0) > _PICARD_TOLERANCE * k[0], axis=1)


def _mean_temperature(model: VoxelModel, split: Split, temperature: np.ndarray) -> np.ndarray:
    """Volume-mean temperature of each of the split's rows."""
    count = len(split.origin)
    total, volume = np.zeros(count), np.zeros(count)
    area = model.grid.area.reshape(-1)
    for k, dz in enumerate(model.grid.dz):
        row = split.ids[k].reshape(-1)
        total += np.bincount(row, area * dz * temperature[k].reshape(-1), count)
        volume += np.bincount(row, area * dz, count)
    return np.where((volume > 0) & (split.origin > 0), total / np.where(volume > 0, volume, 1), ROOM)


def refuse_isolated(A: Operator) -> None:
    """Stop when some solid voxels have no conducting path to a film: their temperature would be undefined."""
    ids, part, cooled = A.model.ids.copy(), np.asarray(A.model.media.part), len(A.model.media.part)
    ids.reshape(-1)[A.surroundings.cell] = cooled  # as a part of its own: pieces without it are isolated
    grid = A.model.grid
    root, owner, _ = pieces(ids, np.append(part, len(A.model.parts)), grid.dx, grid.dy, grid.dz)
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
