"""Voxelisation: bodies and a grid become one 16-bit medium id per voxel and a table of media.

Bodies are painted in their order, so that later ones override. A box lies on grid lines and is
painted by slices. Any other shape covers the exact area fraction of its outline (circle, square,
polygon) in each column, and its fraction of each layer in z; a ball has the radius of equal volume
in each layer. Fractions are rounded to 1/64, and a voxel that is covered in part gets a row of its
own: the new material mixed with the one before, by the rule for an upright wall or for a ball's
surface (`mixing`). A patterned sheet gives each voxel the medium of its mean fraction, in 1/16.
Memory is the id array. Films too thin for their stiffness end up with media of their own
(`thin_films`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from warp.errors import WarpError
from warp.geometry.shapes import Balls, Body, Box, Columns, Prism, Shape, Sheet
from warp.kernels.host import voxelize as kernels
from warp.materials.material import Medium
from warp.voxels.grid import NONE_APART, SAME, Apart, Grid, runs
from warp.voxels.media import LEVELS, Media, Rows
from warp.voxels.thin_films import softened_across


@dataclass
class VoxelModel:
    """Voxels by id: uint16 (nz, ny, nx), rows of `media`, 0 = void.

    `parts`: names, in the order of their first body. `apart`: those that end before the mirror
    planes x = 0 and y = 0, so that their image there is another part. `patterns`: see `patterns`.
    """

    grid: Grid
    ids: np.ndarray
    media: Media
    parts: list[str]
    apart: Apart = NONE_APART
    patterns: Mapping[str, tuple[str, float]] = field(default_factory=dict)


def patterns(bodies: Iterable[Body]) -> dict[str, tuple[str, float]]:
    """Return the layer and the fraction of each material that stands for a share of a pattern."""
    return {
        name: (shape.name, fraction)
        for body in bodies
        for shape in body.shapes
        if isinstance(shape, Sheet)
        for name, fraction in shape.levels.items()
    }


def voxelize(
    bodies: Sequence[Body], materials: Mapping[str, Medium], grid: Grid, stress_free: float
) -> VoxelModel:
    """Paint the bodies on the grid; `stress_free` in K holds for bodies that name none."""
    parts = list(dict.fromkeys(body.part for body in bodies))
    rows = Rows()
    ids = np.zeros(grid.shape, np.uint16)
    for body in bodies:
        own = 0
        start = body.free_at(stress_free)
        for sheet in body.shapes:
            if isinstance(sheet, Sheet):
                levels = [
                    rows.solid(parts.index(body.part), name, materials[name], start)
                    for name in sheet.materials
                ]
                _paint_sheet(ids, grid, sheet, np.array(levels, np.uint16))
        if any(isinstance(shape, Sheet) for shape in body.shapes):
            continue
        if body.material is not None:
            own = rows.solid(parts.index(body.part), body.material, materials[body.material], start)
        _paint(ids, grid, body, own, rows)
    ids, media = softened_across(grid, ids, rows.media())
    apart = _apart(bodies, grid.mirror)
    return VoxelModel(grid, ids, media, parts, apart, patterns(bodies))


def _apart(bodies: Sequence[Body], mirror: tuple[bool, bool]) -> Apart:
    """Return the parts that lie on the positive side of x = 0 and of y = 0 where these mirror."""
    found = []
    for axis in (0, 1):
        lowest: dict[str, float] = {}
        for body in bodies if mirror[axis] else ():
            low = float(body.bounds[2 * axis])
            lowest[body.part] = min(low, lowest.get(body.part, low))
        found.append(frozenset(part for part, low in lowest.items() if low > -SAME))
    return found[0], found[1]


def surface(
    model: VoxelModel, part: str, side: Literal["top", "bottom"]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the index of the part's highest or lowest z-face in each column, and a mask.

    int32 (ny, nx), -1 for absent; the mask is true for present.
    """
    nz, ny, nx = model.grid.shape
    of_part = model.media.part == model.parts.index(part)
    face = np.full((ny, nx), -1, np.int32)
    layers = range(nz) if side == "top" else range(nz - 1, -1, -1)
    for k in layers:
        face[of_part[model.ids[k]]] = k + (side == "top")
    return face, face >= 0


def pieces(
    ids: np.ndarray, layers: np.ndarray, part: np.ndarray, grid: Grid, height: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Label voxels that share faces, (root, part, volume) of each label.

    Arguments are those of the kernel of this name.
    """
    room, count = 1024, np.array([-1])
    while count[0] < 0:
        room *= 16
        root, owner, volume = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
        numbers = part.astype(np.int64)
        kernels.pieces(root, owner, volume, count, ids, layers, numbers, grid.dx, grid.dy, height)
    return root[: count[0]], owner[: count[0]], volume[: count[0]]


def connected(model: VoxelModel) -> list[list[str]]:
    """Return the parts of each piece that is connected by voxel faces, the largest piece first."""
    grid, layers = model.grid, runs(model.ids)
    first, height = (
        np.array([run.start for run in layers]),
        np.array([grid.dz[run].sum() for run in layers]),
    )
    root, part, volume = pieces(model.ids, first, model.media.part, grid, height)
    size: dict[int, float] = {}
    names: dict[int, set[int]] = {}
    for r, p, v in zip(root.tolist(), part.tolist(), volume.tolist(), strict=True):
        size[r] = size.get(r, 0.0) + v
        names.setdefault(r, set()).add(p)
    order = sorted(size, key=lambda r: -size[r])
    return [[model.parts[p] for p in sorted(names[r])] for r in order]


def floating(model: VoxelModel) -> list[str]:
    """Return the parts that have a piece not connected to the largest one."""
    loose = {name for piece in connected(model)[1:] for name in piece}
    return [name for name in model.parts if name in loose]


class Gap(NamedTuple):
    """Void between the top of one part and the bottom of another.

    Least height in m, area in m2 of the gridded piece.
    """

    below: str
    above: str
    height: float
    area: float


def gaps(model: VoxelModel) -> list[Gap]:
    """Return the clear heights between parts that face each other across void, least first."""
    grid, count = model.grid, len(model.parts)
    height, area = np.empty((count, count)), np.empty((count, count))
    kernels.gaps(height, area, model.ids, model.media.part, grid.dx, grid.dy, grid.z)
    found = [
        Gap(model.parts[a], model.parts[b], float(height[a, b]), float(area[a, b]))
        for a, b in np.argwhere(np.isfinite(height))
    ]
    return sorted(found, key=lambda gap: gap.height)


def part_volumes(model: VoxelModel) -> dict[str, float]:
    """Return the volume in m3 of each part's voxels in the gridded piece.

    A voxel that two parts share counts for the one of the greater fraction.
    """
    per_id = np.zeros(len(model.media))
    area = model.grid.area.ravel()
    for layer, dz in zip(model.ids, model.grid.dz, strict=True):
        per_id += dz * np.bincount(layer.ravel(), weights=area, minlength=len(per_id))
    part = model.media.part
    return {name: float(per_id[part == p].sum()) for p, name in enumerate(model.parts)}


def _paint(ids: np.ndarray, grid: Grid, body: Body, own: int, rows: Rows) -> None:
    spans = [_spans(shape, grid) for shape in body.shapes]
    touched = [
        (shape, span) for shape, span in zip(body.shapes, spans, strict=True) if span is not None
    ]
    if not touched:
        _check_missing(body, grid)
        return
    if all(isinstance(shape, Box) and _is_whole(span) for shape, span in touched):
        for _, (z, y, x) in touched:
            ends = (end for span in (z, y, x) for end in (span.cells.start, span.cells.stop))
            kernels.fill(ids, own, *ends)
        return
    window = tuple(
        slice(
            min(span[a].cells.start for _, span in touched),
            max(span[a].cells.stop for _, span in touched),
        )
        for a in range(3)
    )
    cover = _Cover(touched, grid, window)
    rule = "balls" if any(isinstance(shape, Balls) for shape, _ in touched) else "columns"
    for k in range(window[0].start, window[0].stop):
        _apply(ids[k, window[1], window[2]], cover.layer(k), own, rows, rule)


def _paint_sheet(ids: np.ndarray, grid: Grid, sheet: Sheet, levels: np.ndarray) -> None:
    """Give every voxel of a patterned layer the medium of its fraction, rounded to the levels."""
    spans = _spans(sheet, grid)
    if spans is None:
        return
    z, y, x = (span.cells for span in spans)
    number = sheet.number(grid.x[x.start : x.stop + 1], grid.y[y.start : y.stop + 1])
    ids[z, y, x] = levels[number]


def _check_missing(body: Body, grid: Grid) -> None:
    """Refuse a body that is too thin for the grid; beyond a mirror or cut it has none."""
    low = np.array([grid.x[0], grid.y[0], grid.z[0]])
    high = np.array([grid.x[-1], grid.y[-1], grid.z[-1]])
    bounds = np.array([shape.bounds for shape in body.shapes]).reshape(-1, 3, 2)
    within = np.minimum(bounds[..., 1], high) - np.maximum(bounds[..., 0], low)
    if (within > SAME).all(axis=1).any():
        thin = f"is thinner than 1/{2 * LEVELS} of a voxel and would vanish"
        raise WarpError(f"part '{body.part}' {thin}: refine the grid there")


class _Span(NamedTuple):
    """Cells that an interval touches along one axis, and the fraction of each that it covers."""

    cells: slice
    fraction: np.ndarray


_Spans = tuple[_Span, _Span, _Span]


def _span(lines: np.ndarray, start: float, end: float) -> _Span | None:
    first = max(0, int(np.searchsorted(lines, start, side="right")) - 1)
    last = min(len(lines) - 1, int(np.searchsorted(lines, end, side="left")))
    if last <= first:
        return None
    low, high = lines[first:last], lines[first + 1 : last + 1]
    fraction = (np.minimum(high, end) - np.maximum(low, start)) / (high - low)
    covered = np.flatnonzero(np.rint(fraction * LEVELS))  # round-off beside a line is no coverage
    if not len(covered):
        return None
    return _Span(
        slice(first + int(covered[0]), first + int(covered[-1]) + 1),
        fraction[covered[0] : covered[-1] + 1],
    )


def _spans(shape: Shape, grid: Grid) -> _Spans | None:
    x0, x1, y0, y1, z0, z1 = shape.bounds
    spans = _span(grid.z, z0, z1), _span(grid.y, y0, y1), _span(grid.x, x0, x1)
    return None if None in spans else spans  # type: ignore[return-value]


def _is_whole(spans: _Spans) -> bool:
    return all((np.rint(span.fraction * LEVELS) == LEVELS).all() for span in spans)


class _Cover:
    """Coverage of a body's shapes, layer by layer, in 1/LEVELS; equal layers are computed once."""

    def __init__(self, shapes: list[tuple[Shape, _Spans]], grid: Grid, window: tuple[slice, ...]):
        self.shapes, self.window = shapes, window
        self.z = grid.z
        self.y, self.x = (
            lines[cells.start : cells.stop + 1]
            for lines, cells in ((grid.y, window[1]), (grid.x, window[2]))
        )
        self.key: tuple[tuple[int, float, float], ...] = ()
        self.level = np.zeros((len(self.y) - 1, len(self.x) - 1), np.uint8)

    def layer(self, k: int) -> np.ndarray:
        key = tuple(self._sections(k))
        if key != self.key:
            cover = np.zeros(self.level.shape)
            for n, fraction, radius in key:
                self._add(cover, self.shapes[n][0], self.shapes[n][1], fraction, radius)
            self.key, self.level = key, np.rint(np.minimum(cover, 1.0) * LEVELS).astype(np.uint8)
        return self.level

    def _sections(self, k: int) -> Iterable[tuple[int, float, float]]:
        """Yield shape number, its fraction of layer k's height, and for balls the radius there."""
        for n, (shape, (z, _, _)) in enumerate(self.shapes):
            if not z.cells.start <= k < z.cells.stop:
                continue
            fraction = float(z.fraction[k - z.cells.start])
            if isinstance(shape, Balls):
                bottom, top = max(self.z[k], shape.z0), min(self.z[k + 1], shape.z1)
                fraction, radius = _slab(shape, bottom, top, self.z[k + 1] - self.z[k])
                if radius > 0:
                    yield n, fraction, radius
            else:
                yield n, fraction, 0.0

    def _add(
        self, cover: np.ndarray, shape: Shape, spans: _Spans, fraction: float, radius: float
    ) -> None:
        match shape:
            case Balls():
                kernels.discs(cover, self.x, self.y, shape.centres, radius, fraction)
            case Columns() if not shape.square:
                kernels.discs(cover, self.x, self.y, shape.centres, shape.diameter / 2, fraction)
            case Columns():
                kernels.squares(cover, self.x, self.y, shape.centres, shape.diameter, fraction)
            case Prism():
                kernels.polygon(cover, self.x, self.y, shape.vertices, fraction)
            case Box():
                (_, y, x), (_, j0, i0) = spans, (w.start for w in self.window)
                rows = slice(y.cells.start - j0, y.cells.stop - j0)
                columns = slice(x.cells.start - i0, x.cells.stop - i0)
                cover[rows, columns] += fraction * np.outer(y.fraction, x.fraction)


def _slab(ball: Balls, bottom: float, top: float, height: float) -> tuple[float, float]:
    """Return the fraction of a layer's height, and the radius of a disc of the ball's volume."""
    R, middle = ball.diameter / 2, (ball.z0 + ball.z1) / 2
    a, b = np.clip([bottom - middle, top - middle], -R, R)
    if b <= a:
        return 0.0, 0.0
    mean_square = R**2 - (a * a + a * b + b * b) / 3  # mean of R^2 - s^2 over a < s < b
    return float((b - a) / height), float(np.sqrt(max(mean_square, 0.0)))


def _apply(ids: np.ndarray, level: np.ndarray, own: int, rows: Rows, rule: str) -> None:
    """Paint one layer in place."""
    partial = (level > 0) & (level < LEVELS)
    if partial.any():
        before = ids[partial].astype(np.int64)
        codes, inverse = np.unique(before * LEVELS + level[partial], return_inverse=True)
        after = [rows.mixed(own, int(code) // LEVELS, int(code) % LEVELS, rule) for code in codes]
        ids[partial] = np.array(after, np.uint16)[inverse]
    ids[level == LEVELS] = own
