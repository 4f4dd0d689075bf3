"""The rectilinear grid: the one place that says which axis is which.

Tuples say (x, y, z), arrays are indexed [k, j, i] = (z, y, x), z up from board to lid. Cell
(k, j, i) lies between the lines z[k], z[k+1], y[j], y[j+1] and x[i], x[i+1]. A mirror plane is the
first line of its axis, at 0, and the grid covers the positive side only.

Lines snap to every part boundary. Between them the spacing follows a size field h that grows at
most by `growth` per unit distance: a cell is as wide as h there, so n = ceil(integral dx / h) cells
share an interval evenly in h.
- In plane h starts at every part edge with 1/9 of the height of the parts that end there. A chip's
  end face carries the bond-line shear within about that height; a coarse cell there shortens the
  bond, first order in h (measured: data/benchmarks/grid-in-z.md).
- In z sums over the cells of a layer are exact for strain that is linear in z (`heights`). 10 cells
  in each thick layer resolve the stress under a chip's edge. No cell need be thinner than 1/64 of
  the stack, so thin layers get fewer, down to one: one cell of a soft layer has its exact series
  compliance. Soft layers between stiff ones get cells for their free edge (`soft_layers`).
- A heated rectangle of a part gets lines on its sides and enough cells across (`features`).
- Columns and balls: 4 cells per diameter, lines on both sides of each, so that all members of a
  regular array are cut alike and no volume fraction beats against the pitch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import inf, prod

import numpy as np

from warp.errors import WarpError
from warp.geometry.shapes import Balls, Body, Box, Columns, Prism, Shape
from warp.voxels.features import Feature
from warp.voxels.intervals import Interval, insert, intervals, lines, spread


def spacing(grid: Grid) -> dict[str, tuple[int, float, float]]:
    """Return cells, least and greatest width along each axis."""
    widths = {"x": grid.dx, "y": grid.dy, "z": grid.dz}
    return {axis: (len(d), float(d.min()), float(d.max())) for axis, d in widths.items()}


THINNEST = 1 / 64  # of the stack's height; thinner cells only where the case asks for them
PLANE_CELLS = (
    45  # widest cell = side of the package / this: a saddle-shaped chip surface is read to 1 %
)
EDGE_CELLS = 9  # edge cell = height of what ends at the edge / this
DOMINANT = 4
"""Times the voxels that are left with an array as one layer: beyond, it takes most of them."""
SAME = 1e-8  # m: boundaries closer than 10 nm are one, far below any layer's thickness

Apart = tuple[frozenset[str], frozenset[str]]
"""Parts whose image in the plane x = 0, and in y = 0, is another part."""
NONE_APART: Apart = (frozenset(), frozenset())


@dataclass(frozen=True)
class GridSettings:
    """Spacing of the grid, lengths in m; None = by the package's sizes, one rule for all."""

    edge_spacing: float | None = None  # in plane at part edges
    spacing: float | None = None  # in plane at most
    growth: float = 0.4  # of the in-plane spacing per unit distance from an edge
    z_spacing: float | None = None  # through the thickness at most
    cells_per_layer: int | None = None  # through each layer, however thin
    cells_per_thick_layer: int = 10  # without that: through thick layers, and fewer in thin ones
    cells: Mapping[str, int] = field(default_factory=dict)  # through the layers of named parts
    cells_per_diameter: float = 4  # across columns and balls
    uniform: bool = False  # in plane `spacing` everywhere between part boundaries
    refine: float = 1  # divides every cell's width: grids of a Richardson extrapolation
    max_cells: int = 400_000_000


@dataclass(frozen=True, eq=False)
class Grid:
    """Line coordinates x, y, z in m, ascending; `mirror`: x[0], y[0] are mirror planes.

    breaks: indices of the z lines between which cells are equally high and no part ends; none where
    they are unknown.
    """

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    mirror: tuple[bool, bool] = (False, False)
    breaks: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(nz, ny, nx)."""
        return len(self.z) - 1, len(self.y) - 1, len(self.x) - 1

    @property
    def cells(self) -> int:
        nz, ny, nx = self.shape
        return nz * ny * nx

    @property
    def dx(self) -> np.ndarray:
        return np.diff(self.x)

    @property
    def dy(self) -> np.ndarray:
        return np.diff(self.y)

    @property
    def dz(self) -> np.ndarray:
        return np.diff(self.z)

    @property
    def xc(self) -> np.ndarray:
        return (self.x[1:] + self.x[:-1]) / 2

    @property
    def yc(self) -> np.ndarray:
        return (self.y[1:] + self.y[:-1]) / 2

    @property
    def zc(self) -> np.ndarray:
        return (self.z[1:] + self.z[:-1]) / 2

    @property
    def area(self) -> np.ndarray:
        """Column areas (ny, nx) in m2."""
        return np.outer(self.dy, self.dx)

    @property
    def unknowns(self) -> int:
        """Displacements of a full grid: one per x-, y- and z-face."""
        nz, ny, nx = self.shape
        return nz * ny * (nx + 1) + nz * (ny + 1) * nx + (nz + 1) * ny * nx

    @property
    def copies(self) -> int:
        """How many times the package is the gridded piece: 1, 2 or 4."""
        return 2 ** sum(self.mirror)


def voxel_volumes(grid: Grid) -> np.ndarray:
    """Volume of each voxel in m3 as a (nz, ny, nx) array."""
    return grid.dz[:, None, None] * grid.area


def runs(ids: np.ndarray) -> list[slice]:
    """Return runs of equal layers [k], one upon the other: contacts need one layer of each run.

    A package of boxes has a dozen or two, however many layers its parts are cut into.
    """
    from warp.kernels.host import voxelize as kernels

    repeated = np.empty(len(ids), np.uint8)
    kernels.repeated_layers(repeated, np.ascontiguousarray(ids, np.uint16))
    first = map(int, np.flatnonzero(repeated == 0))
    return [slice(*span) for span in pairwise([*first, len(ids)])]


def make_grid(
    bodies: Sequence[Body],
    settings: GridSettings | None = None,
    mirror: tuple[bool, bool] = (False, False),
    features: Sequence[Feature] = (),
) -> Grid:
    """Lay lines on all boundaries of parts and features and grade the spacing between them.

    Cells are counted before any array is made; more than `max_cells` is an error that proposes
    settings that fit.
    """
    settings = settings or GridSettings()
    axes = _axes(bodies, settings, mirror, features)
    counts = [sum(interval.count for interval in axis) for axis in axes]
    if prod(counts) > settings.max_cells:
        raise WarpError(_too_many(bodies, settings, mirror, counts, features))
    x, y, z = (lines(axis) for axis in axes)
    breaks = np.cumsum([0, *(interval.count for interval in axes[2])])
    return Grid(x, y, z, mirror, tuple(map(int, breaks)))


def _axes(
    bodies: Sequence[Body],
    settings: GridSettings,
    mirror: tuple[bool, bool],
    features: Sequence[Feature],
) -> list[list[Interval]]:
    shapes = [shape for body in bodies for shape in body.shapes]
    if not shapes:
        raise WarpError("the package has no parts, so there is nothing to grid")
    height = total_height(bodies)
    # Cells wider than the stack is high spoil both the bending that they resolve and the multigrid.
    most = settings.spacing or min(_width(bodies) / PLANE_CELLS, height)
    x, y = (_plane_axis(shapes, axis, settings, most, mirror[axis], features) for axis in (0, 1))
    return [x, y, _z_axis(bodies, height, settings, features)]


def _plane_axis(
    shapes: list[Shape],
    axis: int,
    settings: GridSettings,
    most: float,
    mirror: bool,
    features: Sequence[Feature],
) -> list[Interval]:
    bounds = np.array([shape.bounds[2 * axis : 2 * axis + 2] for shape in shapes])
    start, end = bounds[:, 0].min(), bounds[:, 1].max()
    most = min(most, end - start)  # a wider cell would swallow the package
    edges = {start: 0.0, end: 0.0} | _edges(shapes, axis)  # position -> height of what ends there
    at, rank = np.array(sorted(edges.items())).T
    size = np.full(len(at), settings.edge_spacing) if settings.edge_spacing else rank / EDGE_CELLS
    size[(size == 0) | (size > most) | settings.uniform] = most
    zones = list(_zones(shapes, axis, settings, most))
    wanted = [feature.ranges(axis, most, settings.uniform) for feature in features]
    zones += [(start, end, h) for start, end, h in wanted if h < most]
    nodes = spread(at, rank, size)
    for sides, distance in _soft_lines(shapes, axis, settings, zones):
        nodes = insert(nodes, sides, distance)
    for start, end, cell in wanted:
        if cell >= most:  # no zone, but its sides still are lines
            nodes = insert(nodes, np.array([start, end]), most / 4)
    h = np.full(len(nodes), most)
    h[np.isin(nodes, at)] = size[np.isin(at, nodes)]
    if mirror:
        positive = nodes > SAME
        nodes, h = np.append(0.0, nodes[positive]), np.append(most, h[positive])
        if len(nodes) < 2:
            raise WarpError(
                f"nothing lies on the positive side of the mirror plane {'xy'[axis]} = 0"
            )
    return intervals(nodes, h, zones, most, settings.growth, settings.refine, settings.uniform)


def _z_axis(
    bodies: Sequence[Body], height: float, settings: GridSettings, features: Sequence[Feature]
) -> list[Interval]:
    shapes = [shape for body in bodies for shape in body.shapes]
    zones = [
        (s.bounds[4], s.bounds[5], _layer_spacing(s, height, settings, settings.cells.get(b.part)))
        for b in bodies
        for s in b.shapes
    ]
    at = np.unique(np.concatenate([s.snaps()[2] for s in shapes]))
    nodes = at[np.concatenate([[True], np.diff(at) > SAME])]
    least = THINNEST * height
    for feature in features:
        for start, end, h in feature.layers(least):
            nodes = insert(nodes, np.array([start, end]), min(h, end - start) / 2)
            zones.append((start, end, h))
    most = settings.z_spacing or inf
    return intervals(
        nodes,
        np.full(len(nodes), most),
        zones,
        most,
        settings.growth,
        settings.refine,
        uniform=True,
    )


def _layer_spacing(shape: Shape, height: float, settings: GridSettings, own: int | None) -> float:
    """Return the thickness of a layer's cells; own: the number that the case gives for its part."""
    z0, z1 = shape.bounds[4:]
    thickness = z1 - z0
    count = settings.cells_per_layer if own is None else own
    h = thickness / (count or usual_cells(thickness, height, settings))
    if isinstance(shape, Balls):
        h = min(h, shape.diameter / settings.cells_per_diameter)
    return h


def usual_cells(thickness: float, height: float, settings: GridSettings) -> int:
    """Return the cells through a layer of a stack: fewer where they would be too thin for it."""
    most = max(1, round(thickness / (THINNEST * height)))
    return min(settings.cells_per_thick_layer, most)


def _width(bodies: Sequence[Body]) -> float:
    """Return the longer side of the package."""
    b = np.array([body.bounds for body in bodies])
    return max(b[:, 1].max() - b[:, 0].min(), b[:, 3].max() - b[:, 2].min())


def total_height(bodies: Sequence[Body]) -> float:
    """Return the height of the package in m."""
    b = np.array([body.bounds for body in bodies])
    return b[:, 5].max() - b[:, 4].min()


def _edges(shapes: list[Shape], axis: int) -> dict[float, float]:
    """Return boundaries across an axis, with the height (union of z ranges) of what ends there."""
    spans: dict[float, set[tuple[float, float]]] = {}
    for shape in shapes:
        z = shape.bounds[4:]
        if isinstance(shape, Columns | Balls):
            continue
        for s in shape.snaps()[axis]:
            spans.setdefault(float(round(s, 12)), set()).add(z)
    return {s: _union_length(z) for s, z in spans.items()}


def _union_length(spans: Iterable[tuple[float, float]]) -> float:
    total, top = 0.0, -inf
    for z0, z1 in sorted(spans):
        total += max(0.0, z1 - max(z0, top))
        top = max(top, z1)
    return total


def _zones(
    shapes: list[Shape], axis: int, settings: GridSettings, most: float
) -> Iterable[tuple[float, float, float]]:
    """Yield ranges (start, end, h) in which curved or oblique shapes need a spacing."""
    for shape in shapes:
        start, end = shape.bounds[2 * axis : 2 * axis + 2]
        if isinstance(shape, Columns | Balls):
            yield start, end, shape.diameter / settings.cells_per_diameter
        elif isinstance(shape, Prism) and shape.sharp:
            a, b = shape.vertices, np.roll(shape.vertices, -1, axis=0)
            oblique = (a != b).all(axis=1)
            for s, e in _runs(a[oblique, axis], b[oblique, axis]):
                yield (
                    s,
                    e,
                    min(most, (e - s) / 16),
                )  # a cut corner or an arc: 16 cells, a wafer's rim none extra


def _runs(a: np.ndarray, b: np.ndarray) -> Iterable[tuple[float, float]]:
    """Unite overlapping or touching ranges."""
    ranges = sorted(zip(np.minimum(a, b), np.maximum(a, b), strict=True))
    run = None
    for s, e in ranges:
        if run and s <= run[1]:
            run = (run[0], max(run[1], e))
        else:
            if run:
                yield run
            run = (s, e)
    if run:
        yield run


def _soft_lines(
    shapes: list[Shape], axis: int, settings: GridSettings, zones: list[tuple[float, float, float]]
) -> Iterable[tuple[np.ndarray, float]]:
    """Yield lines that help without being needed, and their least distance from others.

    These are the sides of columns and balls, and the ends of zones.
    """
    arrays = sorted((s for s in shapes if isinstance(s, Columns | Balls)), key=lambda s: s.diameter)
    for shape in arrays:
        yield (
            np.unique(np.round(shape.snaps()[axis], 12)),
            shape.diameter / settings.cells_per_diameter / 2,
        )
    for start, end, h in zones:
        yield np.array([start, end]), h / 2


def _too_many(
    bodies: Sequence[Body],
    settings: GridSettings,
    mirror: tuple[bool, bool],
    counts: list[int],
    features: Sequence[Feature],
) -> str:
    """Say how many voxels there would be and which coarser spacing fits."""
    nx, ny, nz = counts
    voxels = f"{nx} x {ny} x {nz} = {nx * ny * nz:.3g} voxels"
    text = f"the grid would have {voxels}, the limit is {settings.max_cells:.3g}"
    arrays = resolved_arrays(bodies, settings, mirror, features)
    text = f"{text}; {arrays}" if arrays else text
    coarser, fit = fitting(bodies, settings, mirror, features)
    if coarser is None:
        return f"{text}; use symmetry or larger cells"
    curved = any(isinstance(shape, Columns | Balls) for body in bodies for shape in body.shapes)
    lengths = {name: getattr(coarser, name) for name in ("spacing", "edge_spacing", "z_spacing")}
    keys = [f'{name} = "{value * 1e3:.3g} mm"' for name, value in lengths.items() if value]
    keys += [f"cells_per_diameter = {coarser.cells_per_diameter:.3g}"] if curved else []
    return f"{text}; {', '.join(keys)} would need {fit:.3g}"


def resolved_arrays(
    bodies: Sequence[Body],
    settings: GridSettings,
    mirror: tuple[bool, bool],
    features: Sequence[Feature] = (),
) -> str:
    """Name the array whose members take most of the voxels, and what an effective layer costs.

    "" where no array does.
    """
    whole = _count(bodies, settings, mirror, features)
    fewest, name = whole / DOMINANT, ""
    for part in dict.fromkeys(body.part for body in bodies if _members(body)):
        layered = [_as_layer(body) if body.part == part else body for body in bodies]
        cells = _count(layered, settings, mirror, features)
        if cells < fewest:
            fewest, name = cells, part
    if not name:
        return ""
    members = sum(_members(body) for body in bodies if body.part == name)
    return (
        f'the {members:,} members of {name!r} take most of them: model = "effective" in '
        f"[part.{name}] needs {fewest:.3g} and gives up the stress in single members"
    )


def _count(
    bodies: Sequence[Body],
    settings: GridSettings,
    mirror: tuple[bool, bool],
    features: Sequence[Feature],
) -> int:
    axes = _axes(bodies, settings, mirror, features)
    return prod(sum(interval.count for interval in axis) for axis in axes)


def _members(body: Body) -> int:
    """Return how many columns or balls a body has."""
    return sum(len(s.centres) for s in body.shapes if isinstance(s, Columns | Balls))


def _as_layer(body: Body) -> Body:
    """Return the box around columns and balls, as an effective layer of them takes it."""
    return replace(body, shapes=(Box(*body.bounds),))


def fitting(
    bodies: Sequence[Body],
    settings: GridSettings,
    mirror: tuple[bool, bool],
    features: Sequence[Feature] = (),
) -> tuple[GridSettings | None, int]:
    """Find the finest coarser settings whose grid keeps to `max_cells`, and its cells, if any."""
    for step in range(1, 40):
        scale = 1.25**step
        coarser = replace(
            settings,
            refine=1,
            spacing=scale * (settings.spacing or _width(bodies) / PLANE_CELLS),
            edge_spacing=scale * (settings.edge_spacing or total_height(bodies) / EDGE_CELLS),
            z_spacing=settings.z_spacing and scale * settings.z_spacing,
            cells_per_diameter=max(1.0, settings.cells_per_diameter / scale),
        )
        axes = _axes(bodies, coarser, mirror, features)
        cells = prod(sum(interval.count for interval in axis) for axis in axes)
        if cells <= settings.max_cells:
            return coarser, cells
    return None, 0
