"""Surfaces of parts: the out-of-plane displacement w where an engineer would measure it.

w lives on z-faces at column centres. In a bent plate without shear the difference of two neighbours
is the slope on the line between them times their distance, so that the columns' values are the
corners of a polygon which touches the deflected surface on the grid lines: w_i = w(x_i) - w'' h_i^2
/ 8. `sample` carries w to the grid's vertices, one direction after the other: linearly between
columns, where the polygon touches; over the outer half of the outermost column with the slope that
the two nearest lines extrapolate. Exact for a constant curvature on any graded grid. Mirror planes
are unfolded first, so that a quarter model yields the full package's surface; not for a part whose
image is another part.

A surface is the outermost z-face of the part in every column of its footprint, seen from above
(top) or below (bottom): the bottom of a lid is the underside of its foot and the ceiling of its
cavity together. Columns of which a curved side cuts off a part do not belong to the footprint:
their corners lie beyond the rim. w > 0 points up, towards the lid, on either side. Lengths in
metres. Arrays [j, i] = (y, x).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from warp.errors import WarpError
from warp.machine.arrays import Array
from warp.machine.device import Device, select
from warp.voxels.grid import NONE_APART, Apart, Grid, runs

Side: TypeAlias = Literal["top", "bottom"]
SIDES: tuple[Side, ...] = ("top", "bottom")
WHOLE = 0.98
"""Share of a voxel that must be the part's own for its column to belong to the footprint."""
Zone: TypeAlias = "float | tuple[float, float, float, float] | None"


class Model(Protocol):
    """Name what surfaces and metrics read of a voxel model; a result serves as well.

    ids (nz, ny, nx): rows of media, 0 = void. media.part: index into parts of each row, -1 = void;
    media.fraction: fraction of a voxel that belongs to the part, None = all. A model with mirror
    planes also has `apart`: the parts whose image in x = 0, and in y = 0, is another part.
    """

    @property
    def grid(self) -> Grid: ...

    @property
    def ids(self) -> np.ndarray: ...

    @property
    def media(self) -> Any: ...

    @property
    def parts(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class Surface:
    """Sampled displacement of one side of one part, unfolded to the full package.

    x (n+1,), y (m+1,): vertex lines [m]; w (m+1, n+1): displacement [m], NaN off the footprint;
    cells (m, n): footprint. w and cells are on `device`, by default the CPU.
    """

    part: str
    side: str
    x: np.ndarray
    y: np.ndarray
    w: Array
    cells: Array
    device: Device = field(default_factory=partial(select, "cpu"), repr=False, compare=False)

    def on_host(self) -> Surface:
        """Return the surface with its arrays on the host."""
        if not self.device.cuda:
            return self
        w, cells = self.device.to_host(self.w), self.device.to_host(self.cells)
        return Surface(self.part, self.side, self.x, self.y, w, cells)

    @property
    def mask(self) -> Array:
        """Return the footprint as kernels read it, in bytes."""
        mask: Array = self.device.asarray(self.cells).view(np.uint8)
        return mask

    @cached_property
    def weights(self) -> np.ndarray:
        """Return the area that each vertex stands for [m2]; it sums to the footprint.

        That is a quarter of every footprint cell that the vertex touches.
        """
        quarter = np.where(self.cells, np.diff(self.y)[:, None] * np.diff(self.x)[None, :] / 4, 0.0)
        area = np.zeros(self.w.shape)
        for corner in _corners():
            area[corner] += quarter
        return area

    @cached_property
    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of vertices and of the middles between them [m]."""
        x, y = (along_line(lines[None], lines)[0] for lines in (self.x, self.y))
        return x, y

    def cut(self) -> Surface:
        """Blank the values of vertices that no footprint cell touches."""
        m, n = self.cells.shape
        w = self.device.asarray(self.w).copy()
        self.device.launch("surface", "cut", (n + 1, m + 1, 1), w, self.mask)
        return replace(self, w=w)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """x0, x1, y0, y1 of the footprint's bounding rectangle."""
        return float(self.x[0]), float(self.x[-1]), float(self.y[0]), float(self.y[-1])


def faces(model: Model) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest z-face index of every part in every column.

    Two int32 arrays (parts, ny, nx), -1 where the part is absent.
    """
    from warp.kernels.host import surface as kernels

    layers = runs(model.ids)
    first, end = np.array([run.start for run in layers]), np.array([run.stop for run in layers])
    bottom, top = (np.empty((len(model.parts), *model.grid.shape[1:]), np.int32) for _ in range(2))
    kernels.faces(
        bottom, top, np.asarray(model.ids), first, end, np.asarray(model.media.part, np.int32)
    )
    return bottom, top


def part_index(model: Model, part: str) -> int:
    """Index of a named part; an unknown name is an error that lists the parts."""
    if part not in list(model.parts):
        raise WarpError(f"no part '{part}' in this model; its parts are {', '.join(model.parts)}")
    return list(model.parts).index(part)


def sample(
    model: Model,
    displacement: Array,
    part: str,
    side: Side,
    face: np.ndarray | None = None,
    device: Device | None = None,
) -> Surface:
    """Sample the displacement of one side of a part at the vertices of its footprint.

    The surface is that of the full package. displacement: (3, nz+1, ny+1, nx+1), w =
    displacement[2] on z-faces. face: this part's slice of `faces`, if at hand. device: where the
    surface is wanted, by default the CPU; the displacement is on it or on the host.
    """
    if side not in SIDES:
        raise WarpError(f"a surface is 'top' or 'bottom', not '{side}'")
    index = part_index(model, part)
    if face is None:
        bottom, top = faces(model)
        face = (top if side == "top" else bottom)[index]
    found = footprint(model, face, side)
    if not found.any():
        raise WarpError(f"part '{part}' has no voxels, so it has no {side} surface")
    device = device or select("cpu")
    columns = _heights(device, displacement[2], face)
    columns, cells = (_whole(model, part, a, device) for a in (columns, device.asarray(found)))
    x, y = np.asarray(model.grid.x, float), np.asarray(model.grid.y, float)
    x, y = (_unfold(q) if m else q for q, m in zip((x, y), goes_on(model, part), strict=True))
    rows, cols = (_extent(device.to_host(cells.any(axis=over))) for over in (1, 0))
    x, y = x[cols.start : cols.stop + 1], y[rows.start : rows.stop + 1]
    columns, cells = (device.asarray(a[rows, cols]) for a in (columns, cells))
    return Surface(part, side, x, y, _to_lines(device, columns, x, y), cells, device).cut()


def levels(model: Model, part: str, side: Side) -> np.ndarray:
    """Return the height of a surface in the undeformed package, NaN off the footprint.

    (m, n) in m, one for each cell of `sample`'s surface.
    """
    bottom, top = faces(model)
    face = (top if side == "top" else bottom)[part_index(model, part)]
    cells = footprint(model, face, side)
    z = np.where(cells, np.asarray(model.grid.z)[face], np.nan)
    found: np.ndarray = _whole(model, part, z, select("cpu"))
    known = np.isfinite(found)
    return found[_extent(known.any(axis=1)), _extent(known.any(axis=0))]


def goes_on(model: Model, part: str) -> tuple[bool, bool]:
    """Tell whether a part goes on beyond the mirror planes x = 0 and y = 0."""
    apart: Apart = getattr(model, "apart", NONE_APART)
    mirror = model.grid.mirror
    return mirror[0] and part not in apart[0], mirror[1] and part not in apart[1]


def _heights(device: Device, w: Array, face: np.ndarray) -> Array:
    """Return w (nz+1, ny+1, nx+1) on the z-face of each column (ny, nx) on the device.

    NaN where the face is -1.
    """
    ny, nx = face.shape
    if not isinstance(w, device.xp.ndarray):  # what a surface needs of it, and no more
        host = select("cpu")
        return device.asarray(_heights(host, w, face))
    out = device.empty((ny, nx))
    args = out, device.asarray(w), device.asarray(face)
    device.launch("surface", "heights", (nx, ny, 1), *args)
    return out


def _whole(model: Model, part: str, columns: Array, device: Device) -> Array:
    """Unfold values of the columns (ny, nx) of a part to the full package."""
    across, along = goes_on(model, part)
    joined = device.xp.concatenate
    columns = joined((columns[:, ::-1], columns), axis=1) if across else columns
    return joined((columns[::-1], columns), axis=0) if along else columns


def footprint(model: Model, face: np.ndarray, side: Side) -> np.ndarray:
    """Mark the columns (ny, nx) that belong to a surface.

    face (ny, nx): its z-face in each, -1 where the part is absent. All columns of the part count
    where none belongs to it alone, e.g. for bumps a voxel wide.
    """
    fraction = model.media.fraction
    if fraction is None:
        return face >= 0
    from warp.kernels.host import surface as kernels

    whole, own = np.empty(face.shape, bool), np.asarray(fraction) >= WHOLE
    kernels.whole_columns(
        whole, np.ascontiguousarray(face), int(side == "top"), np.asarray(model.ids), own
    )
    return whole if whole.any() else face >= 0


def zoned(surface: Surface, zone: Zone) -> Surface:
    """Cut a surface to a measuring zone.

    zone: a rectangle (x0, x1, y0, y1), or an inset from the footprint's rectangle. Zone borders
    become grid lines, their values on parabolas through the neighbouring vertices.
    """
    if zone is None:
        return surface
    a, b, c, d = surface.bounds
    if isinstance(zone, (int, float)):
        x0, x1, y0, y1 = a + zone, b - zone, c + zone, d - zone
    else:
        x0, x1, y0, y1 = zone
    x0, x1, y0, y1 = max(x0, a), min(x1, b), max(y0, c), min(y1, d)
    if x1 <= x0 or y1 <= y0:
        raise WarpError(
            f"the measuring zone misses the {surface.side} surface of part '{surface.part}'"
        )
    for at in (x0, x1):
        surface = _split(surface, at)
    surface = _transposed(surface)
    for at in (y0, y1):
        surface = _split(surface, at)
    surface = _transposed(surface)
    i, j = _between(surface.x, x0, x1), _between(surface.y, y0, y1)
    cells = surface.cells[j.start : j.stop - 1, i.start : i.stop - 1]
    if not bool(cells.any()):
        raise WarpError(
            f"the measuring zone misses the {surface.side} surface of part '{surface.part}'"
        )
    return replace(surface, x=surface.x[i], y=surface.y[j], w=surface.w[j, i], cells=cells).cut()


def quadratic_weights(s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weigh the values at 0, 1/2 and 1 in that of their parabola at s."""
    return (1 - s) * (1 - 2 * s), 4 * s * (1 - s), s * (2 * s - 1)


def along_line(f: Array, lines: np.ndarray, device: Device | None = None) -> Array:
    """Insert values between lines (last axis, NaN outside), from parabolas through a third.

    device: where f is, by default the CPU.
    """
    device = device or select("cpu")
    rows, columns = f.shape
    out = device.empty((rows, 2 * columns - 1))
    args = out, device.asarray(f), device.asarray(lines), False
    device.launch("surface", "with_middles", (columns, rows, 1), *args)
    return out


def _corners() -> list[tuple[slice, slice]]:
    """Return the slices of a cell's vertices: lower left, lower right, upper left, upper right."""
    return [
        (rows, columns)
        for rows in (slice(None, -1), slice(1, None))
        for columns in (slice(None, -1), slice(1, None))
    ]


def _unfold(lines: np.ndarray) -> np.ndarray:
    return np.concatenate((2 * lines[0] - lines[:0:-1], lines))


def _extent(there: np.ndarray) -> slice:
    where = np.flatnonzero(there)
    return slice(int(where[0]), int(where[-1]) + 1)


def _to_lines(device: Device, f: Array, x: np.ndarray, y: np.ndarray) -> Array:
    """Carry values [j, i] from cell centres (NaN outside) to the lines around the cells."""
    m, n = f.shape
    across, out = device.empty((m, n + 1)), device.empty((m + 1, n + 1))
    for to, values, lines, down in ((across, f, x, False), (out, across, y, True)):
        extent = n + 1, to.shape[0], 1
        device.launch("surface", "to_lines", extent, to, values, device.asarray(lines), down)
    return out


def _transposed(s: Surface) -> Surface:
    return replace(s, x=s.y, y=s.x, w=s.w.T, cells=s.cells.T)


def _split(s: Surface, at: float) -> Surface:
    """Insert the line x = at, on parabolas through its neighbours, unless a line lies there."""
    if np.abs(s.x - at).min() <= 1e-9 * (s.x[-1] - s.x[0]):
        return s
    i = int(np.searchsorted(s.x, at))
    t = np.array((at - s.x[i - 1]) / (s.x[i] - s.x[i - 1]))
    middle = along_line(s.w, s.x, s.device)[:, 2 * i - 1]
    first, between, last = (float(weight) for weight in quadratic_weights(t))
    line = first * s.w[:, i - 1] + between * middle + last * s.w[:, i]
    joined = s.device.xp.concatenate
    w = joined((s.w[:, :i], line[:, None], s.w[:, i:]), axis=1)
    cells = joined((s.cells[:, :i], s.cells[:, i - 1 : i], s.cells[:, i:]), axis=1)
    return replace(s, x=np.insert(s.x, i, at), w=w, cells=cells)


def _between(lines: np.ndarray, low: float, high: float) -> slice:
    slack = 1e-9 * (lines[-1] - lines[0])
    return slice(
        int(np.searchsorted(lines, low - slack)), int(np.searchsorted(lines, high + slack))
    )
