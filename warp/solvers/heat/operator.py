"""The heat operator: conductances between voxels, from conductivities, interfaces and films.

Derivation and conventions: `warp.solvers.heat.solve`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.materials.material import Medium
from warp.voxels import boundary
from warp.voxels.boundary import Boundary, Exchange, Split
from warp.voxels.voxelize import VoxelModel

ROOM = 298.15  # K; properties that do not vary are read here
CONSTANT = 1e-6
"""Relative change up to which a property counts as constant."""
RASTER = np.arange(150.0, 1001.0, 25.0)
"""Temperatures in K; a property that is constant at these and at its knots is constant."""


@dataclass(frozen=True)
class Property:
    """A property of a medium: how to read it at temperatures, and its components."""

    read: Callable[[Medium, np.ndarray], np.ndarray]
    width: tuple[int, ...]


CONDUCTIVITY = Property(lambda medium, T: medium.conductivity(T), (3,))
HEAT_CAPACITY = Property(lambda medium, T: np.asarray(medium.heat_capacity(T)), ())


@dataclass(frozen=True)
class Operator:
    """A of the equation on a device: `apply`, and what a preconditioner is built from.

    `table` (media, 7): half-voxel resistivities of the six sides and the capacity rate, float64.
    """

    model: VoxelModel
    device: Device
    split: Split
    table: np.ndarray
    surroundings: Exchange
    _arrays: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels (nz, ny, nx)."""
        return self.model.grid.shape

    def arguments(self, dtype: DTypeLike) -> tuple[Any, ...]:
        """Return the kernels' (ids, table, dx, dy, dz, nx, ny, nz) in one precision."""
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

    def films(self, dtype: DTypeLike) -> tuple[Array, Array, int]:
        """Return the kernels' (cell, g, n): flat voxels with a film, W/K, their number."""
        self.arguments(dtype)
        return self._arrays["cell"], self._arrays[dtype][4], len(self.surroundings.cell)

    def coefficients(self) -> list[Array]:
        """Return the arrays that `apply` reads in float64."""
        self.arguments(np.float64)
        return [self._arrays["ids"], self._arrays["cell"], *self._arrays[np.float64]]

    def stored(self) -> list[Array]:
        """Return the arrays that `apply` reads, in both precisions."""
        self.arguments(np.float32)
        return [*self.coefficients(), *self._arrays[np.float32]]

    def copied(self) -> Operator:
        """Return the same operator with arrays for `apply` of its own."""
        self.stored()
        arrays: dict[Any, Any] = {
            key: [a.copy() for a in value] if isinstance(value, list) else value.copy()
            for key, value in self._arrays.items()
        }
        return replace(self, _arrays=arrays)

    def apply(self, out: Array, x: Array, keep: float = 0.0, sign: float = 1.0) -> None:
        """Compute out = keep out + sign A x, in the precision of x."""
        nz, ny, nx = self.shape
        real, launch = x.dtype.type, self.device.launch
        args = out, x, *self.arguments(real), keep, sign
        launch("heat", "heat_apply", (nx, ny, 1), *args, real=real)
        cell, g, n = self.films(real)
        films = out.reshape(-1), x.reshape(-1), cell, g, n, sign
        launch("heat", "film_apply", (n, 1, 1), *films, real=real)


def operator(
    model: VoxelModel,
    boundaries: Iterable[Boundary],
    device: Device,
    temperature: float | np.ndarray = ROOM,
    step: float = np.inf,
    split: Split | None = None,
    known: Exchange | None = None,
) -> Operator:
    """Build the operator with properties at `temperature` in K: one, or one per row of `split`.

    step: length of a time step in s; infinite for the steady equation. known: the surroundings of
    an operator for the same model and boundaries, so that faces need not be searched again.
    """
    boundaries = list(boundaries)
    split = split or boundary.split_interfaces(model, boundaries)
    table = _table(model, split, temperature, step)
    surroundings = boundary.exchange(model, boundaries, split.ids, table, np.isfinite(step), known)
    return Operator(model, device, split, table, surroundings)


def _table(
    model: VoxelModel, split: Split, temperature: float | np.ndarray, step: float
) -> np.ndarray:
    """Tabulate half-voxel resistivities per side and the capacity rate."""
    table = np.zeros((len(split.origin), 7))
    with np.errstate(divide="ignore"):
        table[:, :6] = np.repeat(0.5 / conductivity(model, split, temperature), 2, axis=1)
    table[:, 4:6] *= split.stretch[:, None]
    table[:, :6] += split.extra
    if not np.isinf(step):
        table[:, 6] = heat_capacity(model, split, temperature) / step
    return table


def conductivity(model: VoxelModel, split: Split, temperature: float | np.ndarray) -> np.ndarray:
    """Return (rows, 3) W/mK of the split's rows at one temperature or at one for each row."""
    return _by_row(model, split, temperature, CONDUCTIVITY)


def heat_capacity(model: VoxelModel, split: Split, temperature: float | np.ndarray) -> np.ndarray:
    """Return (rows,) J/m3K of the split's rows at one temperature or at one for each row."""
    return _by_row(model, split, temperature, HEAT_CAPACITY)


def _by_row(
    model: VoxelModel, split: Split, temperature: float | np.ndarray, law: Property
) -> np.ndarray:
    """Read a property of every row, all rows of a medium together; 0 in void."""
    T = np.broadcast_to(np.asarray(temperature, float), len(split.origin))
    found = np.zeros((len(split.origin), *law.width))
    order = np.argsort(split.origin, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(split.origin[order])) + 1):
        medium = model.media.materials[split.origin[rows[0]]]
        if medium is not None:
            found[rows] = law.read(medium, T[rows])
    return found


def varying(model: VoxelModel, law: Property) -> np.ndarray:
    """Mark the media rows (media,) whose property changes with temperature."""
    found = np.zeros(len(model.media.part), bool)
    for row, medium in enumerate(model.media.materials):
        if medium is not None:
            T = np.unique([*RASTER, *(knot for knot in medium.knots if knot > 0)])
            values = np.broadcast_to(law.read(medium, T), (len(T), *law.width))
            found[row] = np.any(np.ptp(values, axis=0) > CONSTANT * values[0])
    return found
