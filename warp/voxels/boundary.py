"""Thermal boundaries on the voxel model: named faces, films, fixed temperatures, interface resistances, heat sources.

A face is named "part.top", "part.bottom", "part.x-", "part.x+", "part.y-", "part.y+", or "package.top" and so on;
".sides" are the four lateral ones, ".all" all six. A name means the outermost voxels of the part on that side, line by
line, where they border on void or on the end of the grid; a mirror plane is no face. Everything unnamed is adiabatic.

A film passes heat to its ambient through half a voxel and 1/h in series,

    q = area (T - T_ambient) / (half voxel resistance + 1 / h)      W

a fixed temperature is h = infinite. An interface resistance between two parts adds to the half voxel on one side of
every face they share. SI units, kelvin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from warp.errors import WarpError

if TYPE_CHECKING:
    from warp.voxels.grid import Grid
    from warp.voxels.voxelize import VoxelModel

SIDES = ("x-", "x+", "y-", "y+", "bottom", "top")
_GROUPS = {
    **{side: (s,) for s, side in enumerate(SIDES)},
    "sides": (0, 1, 2, 3),
    "all": (0, 1, 2, 3, 4, 5),
}
_MEDIA_LIMIT = 65536  # material ids are uint16
GROUPS = 64  # rows that a medium whose properties vary is split into
_NO_AMBIENT = 298.15  # K; the datum of a package that exchanges no heat


@dataclass(frozen=True)
class Film:
    """Convection: heat-transfer coefficient in W/m2K to an ambient in K."""

    face: str
    coefficient: float
    ambient: float


@dataclass(frozen=True)
class Fixed:
    """A face held at a temperature in K: a film without resistance."""

    face: str
    temperature: float
    coefficient = np.inf

    @property
    def ambient(self) -> float:
        return self.temperature


@dataclass(frozen=True)
class Interface:
    """Thermal resistance in m2K/W of the contact between two parts."""

    part: str
    other: str
    resistance: float


@dataclass(frozen=True)
class Source:
    """Heat given off by a part of the full package, in W.

    `watts`: a number, even over the part's volume; or (rows, columns) W per rectangle between the line coordinates
    `y` (rows + 1, ascending, m) and `x` (columns + 1). `z`: only between these two heights, otherwise the whole part.
    """

    part: str
    watts: float | np.ndarray
    x: np.ndarray | None = None
    y: np.ndarray | None = None
    z: tuple[float, float] | None = None


Boundary = Film | Fixed | Interface


@dataclass(frozen=True)
class Faces:
    """Voxel faces: flat voxel index and the side (index into SIDES) of each."""

    cell: np.ndarray
    side: np.ndarray

    @property
    def key(self) -> np.ndarray:
        """One number per face."""
        return self.cell * 6 + self.side

    def area(self, grid: Grid) -> np.ndarray:
        """Face areas in m2."""
        k, j, i = np.unravel_index(self.cell, grid.shape)
        dx, dy, dz = grid.dx[i], grid.dy[j], grid.dz[k]
        return np.choose(self.side // 2, (dy * dz, dx * dz, dx * dy))

    def width(self, grid: Grid) -> np.ndarray:
        """Voxel widths across the face in m."""
        k, j, i = np.unravel_index(self.cell, grid.shape)
        return np.choose(self.side // 2, (grid.dx[i], grid.dy[j], grid.dz[k]))


def faces(model: VoxelModel, name: str, covered: bool = False) -> Faces:
    """Find the exposed voxel faces that `name` means, or with `covered` also those that touch something solid."""
    part, _, where = name.rpartition(".")
    if where not in _GROUPS or not part:
        raise WarpError(f"face '{name}': say PART.SIDE with side one of {', '.join(_GROUPS)}")
    belongs = rows(model, part)[model.ids]
    cells, sides = [], []
    for side in _GROUPS[where]:
        cell = _outermost(belongs, model, side, covered)
        cells.append(cell)
        sides.append(np.full(len(cell), side))
    found = Faces(np.concatenate(cells), np.concatenate(sides))
    mirror = model.grid.mirror
    halved = any(
        mirror[side // 2] for side in _GROUPS[where] if side in (0, 2)
    )  # that face may be in the other half
    if not len(found.cell) and not halved:
        raise WarpError(
            f"face '{name}' is covered everywhere: nothing of it borders on the outside"
        )
    return found


def rows(model: VoxelModel, part: str) -> np.ndarray:
    """Mark the media rows that belong to the part ("package": all solid ones)."""
    if part == "package":
        return np.asarray(model.media.part) >= 0
    return np.asarray(model.media.part) == _part(model, part)


def _part(model: VoxelModel, part: str) -> int:
    if part not in model.parts:
        raise WarpError(f"no part '{part}'; there are {', '.join(model.parts)}")
    return list(model.parts).index(part)


def _outermost(belongs: np.ndarray, model: VoxelModel, side: int, covered: bool) -> np.ndarray:
    """Flat indices of the last voxels towards `side` on every grid line, where their outer neighbour is void."""
    axis = 2 - side // 2  # array axis
    up = side % 2
    n = belongs.shape[axis]
    along = np.flip(belongs, axis) if up else belongs
    first = along.argmax(axis)
    hit = along.any(axis)
    index = n - 1 - first if up else first
    neighbour = index + (1 if up else -1)
    at_end = (neighbour < 0) | (neighbour >= n)
    beyond = np.take_along_axis(
        model.ids, np.expand_dims(np.clip(neighbour, 0, n - 1), axis), axis
    ).squeeze(axis)
    hit &= at_end | (beyond == 0) | covered
    if not up and side < 4 and model.grid.mirror[side // 2]:
        hit &= ~at_end
    at = list(np.nonzero(hit))
    at.insert(axis, index[hit])
    return np.ravel_multi_index(at, belongs.shape)


def neighbours(model: VoxelModel, at: Faces) -> Faces:
    """The same faces seen from the other side; cell = -1 where there is void or the end of the grid."""
    index = np.array(np.unravel_index(at.cell, model.ids.shape))
    axis, step = 2 - at.side // 2, 2 * (at.side % 2) - 1
    index[axis, np.arange(len(axis))] += step
    size = np.array(model.ids.shape)[:, None]
    inside = np.all((index >= 0) & (index < size), axis=0)
    cell = np.ravel_multi_index(np.clip(index, 0, size - 1), model.ids.shape)
    solid = inside & (model.ids.reshape(-1)[cell] > 0)
    return Faces(np.where(solid, cell, -1), at.side ^ 1)


@dataclass(frozen=True)
class Exchange:
    """What the surroundings add: per listed voxel (flat index, each once) W/K, and W at T = `datum`."""

    cell: np.ndarray
    conductance: np.ndarray
    heat: np.ndarray
    datum: float
    """The mean ambient in K: solving for T - datum keeps all digits for the rise."""
    contacts: list[Contact]
    """Face by named face."""


@dataclass(frozen=True)
class Contact:
    """One film or fixed temperature: W/K from every voxel centre, W/m2K at the surface, the ambient in K."""

    name: str
    faces: Faces
    conductance: np.ndarray
    coefficient: float
    ambient: float


def exchange(
    model: VoxelModel,
    boundaries: Iterable[Boundary],
    ids: np.ndarray,
    table: np.ndarray,
    closed: bool = False,
    known: Exchange | None = None,
) -> Exchange:
    """Sum films and fixed temperatures per voxel; `ids` and `table` are the operator's (kernels/heat.py).

    `closed`: no way out of the package is no error (a time step). `known`: of the same model and boundaries with other
    properties; its faces are taken over.
    """
    films = [b for b in boundaries if not isinstance(b, Interface)]
    contacts = []
    for n, b in enumerate(films):
        at = known.contacts[n].faces if known else faces(model, b.face)
        if not b.coefficient > 0:
            raise WarpError(f"film on '{b.face}': the coefficient must be positive")
        conductance = film_conductance(model.grid, ids, table, at, b.coefficient)
        contacts.append(Contact(b.face, at, conductance, b.coefficient, b.ambient))
    if not closed and not any(len(c.conductance) for c in contacts):
        modelled = "the named faces are not part of the modelled piece"
        raise WarpError(
            f"heat has no way out: {modelled if films else 'give at least one film or fixed temperature'}"
        )
    if not contacts:
        return Exchange(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), _NO_AMBIENT, [])
    if not known:
        _refuse_twice(contacts)
    datum = float(np.mean([c.ambient for c in contacts]))
    g = np.concatenate([c.conductance for c in contacts])
    rise = np.concatenate([np.full(len(c.conductance), c.ambient - datum) for c in contacts])
    cell, where = np.unique(np.concatenate([c.faces.cell for c in contacts]), return_inverse=True)
    return Exchange(cell, np.bincount(where, g), np.bincount(where, g * rise), datum, contacts)


def film_conductance(
    grid: Grid, ids: np.ndarray, table: np.ndarray, faces: Faces, coefficient: float
) -> np.ndarray:
    """W/K from voxel centre to ambient, per face."""
    half = table[ids.reshape(-1)[faces.cell], faces.side] * faces.width(grid)
    return faces.area(grid) / (half + 1 / coefficient)


def _refuse_twice(contacts: list[Contact]) -> None:
    """A face has one film; the same one named twice would cool twice."""
    key = np.concatenate([c.faces.key for c in contacts])
    distinct, count = np.unique(key, return_counts=True)
    if len(distinct) < len(key):
        owner = np.repeat([c.name for c in contacts], [len(c.faces.cell) for c in contacts])
        names = owner[key == distinct[count.argmax()]]
        raise WarpError(
            f"faces '{names[0]}' and '{names[1]}' overlap: a face takes one film or temperature"
        )


@dataclass(frozen=True)
class Split:
    """Media rows split so that voxels at an interface carry its resistance: ids (nz, ny, nx), the model's row of each
    new row, m2K/W per metre of voxel added towards each side (rows, 6), and true over drawn thickness (rows)."""

    ids: np.ndarray
    origin: np.ndarray
    extra: np.ndarray
    stretch: np.ndarray


def split_interfaces(model: VoxelModel, boundaries: Iterable[Boundary]) -> Split:
    """Give voxels at a resistive interface rows of their own."""
    ids, origin = model.ids, np.arange(len(model.media.part))
    extra = np.zeros((len(origin), 6))
    for b in boundaries:
        if not isinstance(b, Interface):
            continue
        if not b.resistance >= 0:
            raise WarpError(f"interface '{b.part}' / '{b.other}': the resistance is negative")
        if ids is model.ids:
            ids = ids.copy()
        touching = 0
        for side in range(6):
            ids, origin, extra, count = _split(model, ids, origin, extra, b, side)
            touching += count
        if not touching:
            raise WarpError(f"interface '{b.part}' / '{b.other}': these parts do not touch")
    return Split(ids, origin, extra, np.ones(len(origin)))


def _split(model: VoxelModel, ids, origin, extra, b: Interface, side: int):
    """One side of one interface: voxels of b.part whose neighbour towards `side` is b.other."""
    axis, up = 2 - side // 2, side % 2
    n = ids.shape[axis]
    here = [slice(None)] * 3
    there = [slice(None)] * 3
    here[axis], there[axis] = (
        (slice(0, n - 1), slice(1, n)) if up else (slice(1, n), slice(0, n - 1))
    )
    this, other = rows(model, b.part), rows(model, b.other)
    at = list(np.nonzero(this[model.ids[tuple(here)]] & other[model.ids[tuple(there)]]))
    if not len(at[0]):
        return ids, origin, extra, 0
    if not up:
        at[axis] = at[axis] + 1
    widths, which = np.unique(
        (model.grid.dz, model.grid.dy, model.grid.dx)[axis][at[axis]], return_inverse=True
    )
    pairs, row = np.unique(
        ids[tuple(at)].astype(np.int64) * len(widths) + which, return_inverse=True
    )
    if len(origin) + len(pairs) > _MEDIA_LIMIT:
        raise WarpError(
            f"interface '{b.part}' / '{b.other}': too many media and voxel widths meet there"
        )
    old, width = pairs // len(widths), widths[pairs % len(widths)]
    ids[tuple(at)] = (len(origin) + row).astype(ids.dtype)
    added = extra[old]
    added[:, side] += b.resistance / width
    return ids, np.append(origin, origin[old]), np.vstack((extra, added)), len(at[0])


def split_by(split: Split, values: np.ndarray, varies: np.ndarray, groups: int = GROUPS) -> Split:
    """Give voxels of the media rows marked in `varies` a row per interval of `values` (nz, ny, nx)."""
    moves = varies[split.origin][split.ids]
    if not moves.any():
        return split
    low, high = values[moves].min(), values[moves].max()
    count = len(split.origin)
    keys = np.empty(split.ids.shape, np.int32)  # row, and interval within the row
    used = np.zeros(count * groups, bool)
    for k in range(len(keys)):
        interval = (values[k] - low) * (groups / max(high - low, 1e-9))
        interval = np.where(moves[k], np.clip(interval, 0, groups - 1), 0).astype(np.int32)
        keys[k] = split.ids[k] * np.int32(groups) + interval
        used[keys[k]] = True
    used[0] = True  # void stays row 0
    new = np.cumsum(used) - 1
    if new[-1] >= _MEDIA_LIMIT:
        return split_by(split, values, varies, groups // 2)
    origin = np.flatnonzero(used) // groups
    ids = new.astype(split.ids.dtype)[keys]
    return Split(ids, split.origin[origin], split.extra[origin], split.stretch[origin])


def row_means(grid: Grid, split: Split, values: np.ndarray, empty: float) -> np.ndarray:
    """Volume mean of `values` (nz, ny, nx) over each of the split's rows; `empty` for rows of no voxel, and for void."""
    count = len(split.origin)
    total, volume = np.zeros(count), np.zeros(count)
    area = grid.area.reshape(-1)
    for k, dz in enumerate(grid.dz):
        row = split.ids[k].reshape(-1)
        total += np.bincount(row, area * dz * values[k].reshape(-1), count)
        volume += np.bincount(row, area * dz, count)
    return np.where(
        (volume > 0) & (split.origin > 0), total / np.where(volume > 0, volume, 1), empty
    )


def stretched(model: VoxelModel, split: Split, stretch: np.ndarray) -> Split:
    """Give voxels whose thickness has become `stretch` (nz, ny, nx) times the drawn one rows of their own."""
    varies = np.zeros(len(model.media.part), bool)
    varies[model.ids[stretch != 1]] = True
    varies[0] = False
    if not varies.any():
        return split
    groups = split_by(split, stretch, varies)
    return replace(groups, stretch=groups.stretch * row_means(model.grid, groups, stretch, 1.0))


def heat_load(
    model: VoxelModel, power: dict[str, float | np.ndarray] | Iterable[Source]
) -> np.ndarray:
    """Heat per voxel (nz, ny, nx) in W; a dict gives W per part, or (ny, nx) W per grid column of the part.

    Powers are those of the full package: with mirror planes the modelled piece carries its share.
    """
    q = np.zeros(model.ids.shape)
    for source in sources(model, power):
        _add_source(q, model, source)
    return q


def sources(
    model: VoxelModel, power: dict[str, float | np.ndarray] | Iterable[Source]
) -> list[Source]:
    """The sources that `heat_load` adds up."""
    if not isinstance(power, dict):
        return list(power)
    grid = model.grid
    return [
        Source(part, w) if np.ndim(w) == 0 else Source(part, np.asarray(w, float), grid.x, grid.y)
        for part, w in power.items()
    ]


def _add_source(q: np.ndarray, model: VoxelModel, source: Source) -> None:
    grid = model.grid
    dz = grid.dz
    if source.z is not None:
        dz = np.maximum(
            np.minimum(grid.z[1:], source.z[1]) - np.maximum(grid.z[:-1], source.z[0]), 0
        )
    belongs = rows(model, source.part)[model.ids]
    heights = np.tensordot(dz, belongs, 1)  # of the part in every column
    if source.x is None or source.y is None:
        columns = heights * np.outer(grid.dy, grid.dx)
        total = float(source.watts) / 2 ** sum(grid.mirror)
    else:
        columns = (
            _overlap(source.y, grid.y).T
            @ np.asarray(source.watts, float)
            @ _overlap(source.x, grid.x)
        )
        total = columns.sum()
        columns = np.where(heights > 0, columns, 0)
    if total == 0:
        return
    if not columns.sum() > 0:
        raise WarpError(f"power of part '{source.part}': none of it falls on the part")
    columns = columns * (total / columns.sum())
    density = np.divide(
        columns, heights, out=np.zeros_like(columns), where=heights > 0
    )  # W per metre of height
    for k in range(len(dz)):
        if dz[k] > 0:
            q[k] += belongs[k] * density * dz[k]


def _overlap(lines: np.ndarray, grid_lines: np.ndarray) -> np.ndarray:
    """Fraction of each interval of `lines` that lies in each interval of `grid_lines`."""
    low = np.maximum(lines[:-1, None], grid_lines[None, :-1])
    high = np.minimum(lines[1:, None], grid_lines[None, 1:])
    return np.maximum(high - low, 0) / np.diff(lines)[:, None]
