"""The heat operator: conductances between voxels, from conductivities, interfaces and films, with its load.

Derivation and conventions: `warp.solvers.heat.steady`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from warp.device import Device
from warp.errors import WarpError
from warp.materials.material import Medium
from warp.voxels import boundary
from warp.voxels.boundary import Boundary, Exchange, Split
from warp.voxels.grid import runs
from warp.voxels.voxelize import VoxelModel, pieces

ROOM = 298.15  # K; where properties that do not vary are read
_PICARD_LIMIT, _PICARD_TOLERANCE = 30, 1e-6
_ANYWHERE = np.arange(
    150.0, 1001.0, 25.0
)  # K; a law that is constant at these and at its knots is so everywhere


@dataclass(frozen=True)
class Property:
    """How a medium is asked for a property, and how many components that has."""

    read: Callable[[Medium, np.ndarray], np.ndarray]
    width: tuple[int, ...]


CONDUCTIVITY = Property(lambda medium, T: medium.conductivity(T), (3,))
HEAT_CAPACITY = Property(lambda medium, T: np.asarray(medium.heat_capacity(T)), ())


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
            reals = [
                put(a, dtype)
                for a in (self.table, grid.dx, grid.dy, grid.dz, self.surroundings.conductance)
            ]
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
        run(
            "heat",
            "film_apply",
            (n, 1, 1),
            out.reshape(-1),
            x.reshape(-1),
            cell,
            g,
            n,
            sign,
            real=real,
        )


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


def _table(
    model: VoxelModel, split: Split, temperature: float | np.ndarray, step: float
) -> np.ndarray:
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


def _by_row(
    model: VoxelModel, split: Split, temperature: float | np.ndarray, law: Property
) -> np.ndarray:
    """Read a property of every row, all rows of a medium at once; 0 in void."""
    T = np.broadcast_to(np.asarray(temperature, float), len(split.origin))
    found = np.zeros((len(split.origin), *law.width))
    order = np.argsort(split.origin, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(split.origin[order])) + 1):
        medium = model.media.materials[split.origin[rows[0]]]
        if medium is not None:
            found[rows] = law.read(medium, T[rows])
    return found


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
    ids.reshape(-1)[A.surroundings.cell] = (
        cooled  # as a part of its own: pieces without it are isolated
    )
    grid, layers = A.model.grid, np.array([run.start for run in runs(ids)])
    part = np.append(part, len(A.model.parts))
    root, owner, _ = pieces(ids, layers, part, grid, np.ones(len(layers)))
    isolated = owner[~np.isin(root, root[owner == len(A.model.parts)])]
    if len(isolated):
        names = ", ".join(f"'{A.model.parts[p]}'" for p in np.unique(isolated))
        raise WarpError(
            f"heat cannot leave {names}: nothing leads from there to a film or fixed temperature"
        )
