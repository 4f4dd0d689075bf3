"""Sites of a regular array: where bumps, pillars and balls stand, and the area that they share.

A centred lattice of pitch (px, py) fills a field up to `inset` from its edge; whole rows and columns only. Patterns:
full; staggered (every second row moved by px/2, one site shorter); perimeter (the outer rows). Lengths in metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, hypot

import numpy as np

from warp.errors import Fault, Key
from warp.geometry.part import Array
from warp.geometry.stacking import Outline

SLACK = 1e-9  # relative: 20 mm / 0.1 mm is 200 pitches, not 199
MOST_SITES = 4_000_000  # 400 x 400 mm panel at 200 um; a slipped unit asks for far more


@dataclass(frozen=True)
class Rectangle:
    """x0, x1, y0, y1."""

    x0: float
    x1: float
    y0: float
    y1: float

    @property
    def area(self) -> float:
        return (self.x1 - self.x0) * (self.y1 - self.y0)


@dataclass(frozen=True)
class Lattice:
    """Sites in the array's own axes, counted from its centre: x (rows, columns), y (rows,), `kept` (rows, columns)."""

    x: np.ndarray
    y: np.ndarray
    kept: np.ndarray
    pitch: tuple[float, float]

    def centres(self) -> np.ndarray:
        """Kept sites as (n, 2), row by row."""
        row, column = np.nonzero(self.kept)
        return np.stack([self.x[row, column], self.y[row]], axis=1)

    def rectangles(self) -> list[Rectangle]:
        """Cover the kept sites' cells by rectangles: runs of a row, equal runs of neighbouring rows united."""
        px, py = self.pitch
        widest = np.abs(self.x[0]).max() + px / 2
        done: list[Rectangle] = []
        growing: list[Rectangle] = []
        for row, kept in enumerate(self.kept):
            runs = []
            for first, last in _runs(kept):
                x0, x1 = self.x[row, first] - px / 2, self.x[row, last] + px / 2
                # A staggered row ends half a pitch early: its cells reach the field's edge nevertheless.
                x0 = -widest if x0 + widest < 0.75 * px else x0
                x1 = widest if widest - x1 < 0.75 * px else x1
                runs.append(
                    Rectangle(
                        float(x0),
                        float(x1),
                        float(self.y[row] - py / 2),
                        float(self.y[row] + py / 2),
                    )
                )
            spans = {(run.x0, run.x1) for run in runs}
            done += [old for old in growing if (old.x0, old.x1) not in spans]
            below = {(old.x0, old.x1): old.y0 for old in growing}
            growing = [
                Rectangle(run.x0, run.x1, below.get((run.x0, run.x1), run.y0), run.y1)
                for run in runs
            ]
        return done + growing


def lay(array: Array, field: Outline, key: Key) -> Lattice:
    """Lay the sites of an array in its field; Fault names what cannot be."""
    width, depth = (
        (field.depth, field.width) if array.turn in (90, 270) else (field.width, field.depth)
    )
    px, py = array.pitch
    columns = _count(width, px, array.inset)
    rows = _count(depth, py, array.inset)
    if columns < 1 or rows < 1:
        inset = px / 2 if array.inset is None else array.inset
        field_size = f"{width * 1e3:.4g} x {depth * 1e3:.4g} mm"
        raise Fault(
            (*key, "pitch"),
            f"leaves no site: the field is {field_size}, less {inset * 1e3:.4g} mm all round",
        )
    if columns * rows > MOST_SITES:
        raise Fault(
            (*key, "pitch"),
            f"makes {columns} x {rows} sites, more than {MOST_SITES:,}: is its unit right?",
        )
    x = np.tile((np.arange(columns) - (columns - 1) / 2) * px, (rows, 1))
    y = (np.arange(rows) - (rows - 1) / 2) * py
    kept = np.ones((rows, columns), dtype=bool)
    closest = min(px if columns > 1 else np.inf, py if rows > 1 else np.inf)
    if array.pattern == "staggered":
        x[1::2] += px / 2
        kept[1::2, -1] = False
        closest = min(px if columns > 1 else np.inf, hypot(px / 2, py) if rows > 1 else np.inf)
    if array.pattern == "perimeter":
        if array.rows is None:
            raise Fault(key, 'pattern = "perimeter" needs to know how many: add rows = 3')
        kept[array.rows : rows - array.rows, array.rows : columns - array.rows] = False
    elif array.rows is not None:
        raise Fault((*key, "rows"), 'belongs to pattern = "perimeter"')
    if array.diameter > closest * (1 + SLACK):
        distance = f"{closest * 1e6:.6g} um"
        raise Fault(
            (*key, "diameter"),
            f"is larger than the distance of neighbours ({distance}): they would overlap",
        )
    _depopulate(array, x, y, kept, key)
    if not kept.any():
        raise Fault((*key, "depopulate"), "leaves no site")
    return Lattice(x, y, kept, (px, py))


def _count(length: float, pitch: float, inset: float | None) -> int:
    room = length - (pitch if inset is None else 2 * inset)
    return floor(room / pitch + SLACK * max(1.0, room / pitch)) + 1 if room > -SLACK * length else 0


def _depopulate(array: Array, x: np.ndarray, y: np.ndarray, kept: np.ndarray, key: Key) -> None:
    if array.depopulate is None:
        return
    if array.depopulate.centre:
        width, depth = array.depopulate.centre
        slack = 1 + SLACK
        kept[(np.abs(x) <= width / 2 * slack) & (np.abs(y)[:, None] <= depth / 2 * slack)] = False
    rows, columns = kept.shape
    for number, (column, row) in enumerate(array.depopulate.sites):
        if not (1 <= column <= columns and 1 <= row <= rows):
            raise Fault(
                (*key, "depopulate", "sites", number),
                f"there is no site [{column}, {row}]: the array has {columns} columns and {rows} rows, counted from 1",
            )
        kept[row - 1, column - 1] = False


def _runs(kept: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], kept.astype(np.int8), [0]])))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]
