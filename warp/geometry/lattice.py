"""Regular arrays: their table, the sites of a centred lattice, and the area that the sites share.

A lattice of columns and rows with pitch (px, py) is centred on its part. Patterns: full; staggered
(every second row moved by px/2, one site shorter); perimeter (the outer rows). Lengths in metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from warp.errors import Fault, Key
from warp.geometry.part import Solid
from warp.geometry.section import Pair, Section

SLACK = 1e-9  # relative: 20 mm / 0.1 mm is 200 pitches, not 199
MOST_SITES = 4_000_000  # 400 x 400 mm panel at 200 um; a slipped unit asks for far more


class Depopulate(Section):
    """Sites of an array that stay empty."""

    centre: Pair | None = None
    """Every site within this rectangle in the middle."""
    sites: tuple[Annotated[tuple[int, int], Field(examples=[[1, 1]])], ...] = ()
    """Single sites [column, row], counted from 1 at the corner x-, y-."""


class Array(Solid):
    """Equal things on a centred lattice."""

    pattern: Literal["full", "staggered", "perimeter"] = "full"
    """Staggered: every second row moved by half a pitch. Perimeter: only the outer `rows`."""
    rows: Annotated[int, Field(ge=1)] | None = None
    """Number of outer rows of the pattern "perimeter"."""
    depopulate: Depopulate | None = None
    """Sites that stay empty."""


@dataclass(frozen=True)
class Rectangle:
    """A rectangle of a lattice, counted from its centre."""

    x0: float
    x1: float
    y0: float
    y1: float

    @property
    def area(self) -> float:
        """Return the area in m2."""
        return (self.x1 - self.x0) * (self.y1 - self.y0)


@dataclass(frozen=True)
class Lattice:
    """Sites in the array's own axes, counted from its centre.

    x (rows, columns), y (rows,); `populated` (rows, columns) is true where a site is populated.
    """

    x: npt.NDArray[np.floating]
    y: npt.NDArray[np.floating]
    populated: npt.NDArray[np.bool_]
    pitch: tuple[float, float]

    def counts(self, *, turned: bool) -> tuple[int, int, int]:
        """Return the sites along x and along y, and the populated ones; turned: by 90 degrees."""
        rows, columns = self.populated.shape
        along = (rows, columns) if turned else (columns, rows)
        return (*along, int(self.populated.sum()))

    def centres(self) -> npt.NDArray[np.floating]:
        """Return the populated sites as (n, 2), row by row."""
        row, column = np.nonzero(self.populated)
        return np.stack([self.x[row, column], self.y[row]], axis=1)

    def rectangles(self) -> list[Rectangle]:
        """Cover the cells of the populated sites by rectangles: runs of sites, over equal rows."""
        done: list[Rectangle] = []
        growing: dict[tuple[float, float], tuple[float, float]] = {}  # x0, x1: y0, y1
        known: dict[tuple[bytes, float], list[tuple[float, float]]] = {}
        for row, y in enumerate(self.y.tolist()):
            alike = self.populated[row].tobytes(), float(self.x[row, 0])
            if alike not in known:
                known[alike] = self._spans(row)
            low, high = y - self.pitch[1] / 2, y + self.pitch[1] / 2
            grown = {span: (growing.pop(span, (low, high))[0], high) for span in known[alike]}
            done += [Rectangle(*span, *rows) for span, rows in growing.items()]
            growing = grown
        return done + [Rectangle(*span, *rows) for span, rows in growing.items()]

    def _spans(self, row: int) -> list[tuple[float, float]]:
        """Return the ends of the cells of neighbouring sites of one row."""
        px = self.pitch[0]
        widest = np.abs(self.x[0]).max() + px / 2
        found = []
        for first, last in _runs(self.populated[row]):
            x0, x1 = self.x[row, first] - px / 2, self.x[row, last] + px / 2
            # A staggered row ends half a pitch early: its cells still reach the field's edge.
            x0 = -widest if x0 + widest < 0.75 * px else x0
            x1 = widest if widest - x1 < 0.75 * px else x1
            found.append((float(x0), float(x1)))
        return found


def lay(array: Array, columns: int, rows: int, pitch: tuple[float, float], key: Key) -> Lattice:
    """Lay the sites of an array; Fault names what is impossible. `depopulate` applies it after."""
    px, py = pitch
    x = np.tile((np.arange(columns) - (columns - 1) / 2) * px, (rows, 1))
    y = (np.arange(rows) - (rows - 1) / 2) * py
    populated = np.ones((rows, columns), dtype=bool)
    if array.pattern == "staggered":
        x[1::2] += px / 2
        populated[1::2, -1] = False
    if array.pattern == "perimeter":
        if array.rows is None:
            raise Fault(key, 'pattern = "perimeter" needs to know how many: add rows = 3')
        populated[array.rows : rows - array.rows, array.rows : columns - array.rows] = False
    elif array.rows is not None:
        raise Fault((*key, "rows"), 'belongs to pattern = "perimeter"')
    return Lattice(x, y, populated, pitch)


def closest(array: Array, columns: int, rows: int, pitch: tuple[float, float]) -> float:
    """Return the least distance between the centres of neighbouring sites in m."""
    px, py = pitch
    along = px if columns > 1 else np.inf
    across = hypot(px / 2, py) if array.pattern == "staggered" else py
    return min(along, across if rows > 1 else np.inf)


def depopulate(array: Array, lattice: Lattice, key: Key) -> None:
    """Empty the sites that the table names; Fault where there is no such site, or none is left."""
    populated, given = lattice.populated, array.depopulate
    if given is not None and given.centre:
        width, depth = given.centre
        slack = 1 + SLACK
        near_x = np.abs(lattice.x) <= width / 2 * slack
        near_y = np.abs(lattice.y)[:, None] <= depth / 2 * slack
        populated[near_x & near_y] = False
    rows, columns = populated.shape
    for number, (column, row) in enumerate(given.sites if given is not None else ()):
        if not (1 <= column <= columns and 1 <= row <= rows):
            there = f"the array has {columns} columns and {rows} rows, counted from 1"
            raise Fault(
                (*key, "depopulate", "sites", number),
                f"there is no site [{column}, {row}]: {there}",
            )
        populated[row - 1, column - 1] = False
    if not populated.any():
        raise Fault((*key, "depopulate"), "leaves no site")


def _runs(populated: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the first and last index of every run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], populated.astype(np.int8), [0]])))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]
