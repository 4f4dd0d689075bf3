"""Solids: boxes, prisms, arrays of columns and of truncated balls, and the bodies made of them.

Lengths in metres, absolute coordinates of the full package: x, y in plane, z up from board to lid.
A shape knows its bounds, its volume and the lines a grid should have; `voxelize` computes the
fraction of a voxel. A body is the space of a part: where bodies overlap, the later one overrides;
material None carves a void.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from warp.geometry.place import Outline

Bounds = tuple[float, float, float, float, float, float]
Snaps = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Box:
    """Axis-parallel block."""

    x0: float
    x1: float
    y0: float
    y1: float
    z0: float
    z1: float

    @property
    def bounds(self) -> Bounds:
        return self.x0, self.x1, self.y0, self.y1, self.z0, self.z1

    def snaps(self) -> Snaps:
        """Return the lines (xs, ys, zs) that the grid should contain."""
        return (
            np.array([self.x0, self.x1]),
            np.array([self.y0, self.y1]),
            np.array([self.z0, self.z1]),
        )

    def volume(self) -> float:
        return (self.x1 - self.x0) * (self.y1 - self.y0) * (self.z1 - self.z0)


@dataclass(frozen=True, eq=False)
class Prism:
    """Upright prism over a simple polygon, convex or not.

    Vertices (n, 2), clockwise or anticlockwise, the first one not repeated.
    """

    vertices: np.ndarray
    z0: float
    z1: float
    sharp: bool = True
    """Whether the grid has lines at its sides; else the cells that they cut mix both materials."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "vertices", np.array(self.vertices, dtype=float).reshape(-1, 2))

    @property
    def bounds(self) -> Bounds:
        (x0, y0), (x1, y1) = self.vertices.min(axis=0), self.vertices.max(axis=0)
        return float(x0), float(x1), float(y0), float(y1), self.z0, self.z1

    def snaps(self) -> Snaps:
        """Return the bounds and every edge parallel to an axis; oblique ones need no line."""
        if not self.sharp:
            return np.array([]), np.array([]), np.array([self.z0, self.z1])
        x, y = self.vertices.T
        x_next, y_next = np.roll(x, -1), np.roll(y, -1)
        xs = np.unique(np.concatenate([x[x == x_next], [x.min(), x.max()]]))
        ys = np.unique(np.concatenate([y[y == y_next], [y.min(), y.max()]]))
        return xs, ys, np.array([self.z0, self.z1])

    def volume(self) -> float:
        x, y = self.vertices.T
        twice_area = np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)
        return float(abs(twice_area) / 2 * (self.z1 - self.z0))


@dataclass(frozen=True, eq=False)
class _Round:
    """Equal members of `diameter` at centres (n, 2), from z0 to z1; they may not overlap."""

    centres: np.ndarray
    diameter: float
    z0: float
    z1: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "centres", np.array(self.centres, dtype=float).reshape(-1, 2))

    @cached_property
    def bounds(self) -> Bounds:
        return (*_extent(self.centres, self.diameter), self.z0, self.z1)

    @cached_property
    def sides(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the lines x and y on both sides of each."""
        return _sides(self.centres, self.diameter)

    def snaps(self) -> Snaps:
        """Return both sides of each (balls: at the equator): a regular array is cut alike."""
        xs, ys = self.sides
        return xs, ys, np.array([self.z0, self.z1])


@dataclass(frozen=True, eq=False)
class Columns(_Round):
    """Equal upright columns, round or square (`diameter` is then the side), at centres (n, 2)."""

    square: bool = False

    def volume(self) -> float:
        area = self.diameter**2 if self.square else np.pi * self.diameter**2 / 4
        return float(len(self.centres) * area * (self.z1 - self.z0))


@dataclass(frozen=True, eq=False)
class Balls(_Round):
    """Equal spheres of `diameter` at centres (n, 2), cut flat by the planes z0 < z1.

    Their centres lie half-way between the planes.
    """

    def volume(self) -> float:
        """Return n pi (R^2 h - h^3 / 12): spheres between two planes h apart, symmetric to them."""
        h = min(self.z1 - self.z0, self.diameter)
        return float(len(self.centres) * np.pi * (self.diameter**2 * h / 4 - h**3 / 12))


@dataclass(frozen=True, eq=False)
class Sheet:
    """A block whose material changes in plane.

    `fraction` (rows, columns) of a pattern, 0 to 1, first row at y-; `materials` for the fractions
    0, (1/n)^e, ... 1 with e = `exponent`: above 1, small fractions, as those of vias, have finer
    levels. A voxel takes the mean fraction over its area.
    """

    x0: float
    x1: float
    y0: float
    y1: float
    z0: float
    z1: float
    fraction: np.ndarray
    materials: tuple[str, ...]
    exponent: int = 1
    name: str = ""
    """The layer's own, whatever its fraction."""

    @property
    def bounds(self) -> Bounds:
        return self.x0, self.x1, self.y0, self.y1, self.z0, self.z1

    @property
    def levels(self) -> dict[str, float]:
        """Return the fraction of each material."""
        most = len(self.materials) - 1
        return {name: (n / most) ** self.exponent for n, name in enumerate(self.materials)}

    def snaps(self) -> Snaps:
        """Return the block's lines; the pattern needs none."""
        return (
            np.array([self.x0, self.x1]),
            np.array([self.y0, self.y1]),
            np.array([self.z0, self.z1]),
        )

    def volume(self) -> float:
        return (self.x1 - self.x0) * (self.y1 - self.y0) * (self.z1 - self.z0)

    def level(self, fraction: np.ndarray) -> np.ndarray:
        """Return the number of the material whose share is nearest on the scale of the exponent."""
        rounded = np.rint(
            np.maximum(fraction, 0.0) ** (1 / self.exponent) * (len(self.materials) - 1)
        )
        return rounded.astype(np.int64)

    def number(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the number of each cell's material; x, y: grid lines within the block."""
        return self.level(self.mean_fraction(x, y))

    def mean_fraction(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the mean fraction of the pattern between grid lines, (len(y) - 1, len(x) - 1).

        The cells between the lines lie in the block.
        """
        rows, columns = self.fraction.shape
        total = np.zeros((rows + 1, columns + 1))
        total[1:, 1:] = self.fraction.cumsum(axis=0).cumsum(axis=1)
        u = np.clip((x - self.x0) / (self.x1 - self.x0), 0.0, 1.0) * columns
        v = np.clip((y - self.y0) / (self.y1 - self.y0), 0.0, 1.0) * rows
        along = np.stack([np.interp(u, np.arange(columns + 1), row) for row in total])
        both = np.stack([np.interp(v, np.arange(rows + 1), column) for column in along.T], axis=1)
        area = np.outer(np.diff(v), np.diff(u))
        return np.diff(np.diff(both, axis=0), axis=1) / np.maximum(area, 1e-30)


@dataclass(frozen=True, eq=False)
class Regions(Sheet):
    """A sheet of equal rectangles with one material each, in the order of `fraction`'s rows."""

    @property
    def levels(self) -> dict[str, float]:
        """Return the fraction of each material."""
        return dict(zip(self.materials, map(float, self.fraction.flat), strict=True))

    def lines(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the sides of all rectangles in x and y."""
        rows, columns = self.fraction.shape
        return np.linspace(self.x0, self.x1, columns + 1), np.linspace(self.y0, self.y1, rows + 1)

    def number(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the number of the rectangle at the middle of each cell."""
        sides = self.lines()
        column, row = (
            np.clip(np.searchsorted(own, (q[1:] + q[:-1]) / 2) - 1, 0, len(own) - 2)
            for own, q in zip(sides, (x, y), strict=True)
        )
        return np.asarray(row[:, None] * self.fraction.shape[1] + column[None, :])


Shape = Box | Prism | Columns | Balls | Sheet


@dataclass(frozen=True, eq=False)
class Body:
    """A part's shapes: material by name, stress-free temperature in K, power in W.

    Material None is void; stress-free temperature None is the model's.
    """

    part: str
    material: str | None
    shapes: tuple[Shape, ...]
    stress_free: float | None = None
    power: float = 0.0

    def free_at(self, default: float) -> float:
        """Return the stress-free temperature in K; `default`: the model's."""
        return default if self.stress_free is None else self.stress_free

    @property
    def bounds(self) -> Bounds:
        b = np.array([shape.bounds for shape in self.shapes])
        lo, hi = b[:, 0::2].min(axis=0), b[:, 1::2].max(axis=0)
        return float(lo[0]), float(hi[0]), float(lo[1]), float(hi[1]), float(lo[2]), float(hi[2])


def block(outline: Outline, z0: float, z1: float) -> Box:
    """Return the box over an outline between two heights."""
    return Box(*outline.bounds, z0, z1)


def turned(points: np.ndarray, quarters: int) -> np.ndarray:
    """Turn points (n, 2) counter-clockwise about the origin by quarters of a turn."""
    for _ in range(quarters):
        points = np.stack([-points[:, 1], points[:, 0]], axis=1)
    return points


def _extent(centres: np.ndarray, diameter: float) -> tuple[float, float, float, float]:
    (x0, y0), (x1, y1) = centres.min(axis=0) - diameter / 2, centres.max(axis=0) + diameter / 2
    return float(x0), float(x1), float(y0), float(y1)


def _sides(centres: np.ndarray, diameter: float) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.unique(centres[:, 0]), np.unique(centres[:, 1])
    r = diameter / 2
    return np.sort(np.concatenate([x - r, x + r])), np.sort(np.concatenate([y - r, y + r]))
