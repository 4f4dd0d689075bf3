"""Tell which parts make the finest cells of a grid: two edges that nearly meet, or one edge.

The line that a unit is cut out along is an edge, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from warp.geometry.shapes import Body
from warp.voxels.grid import SAME, Grid

Rectangle: TypeAlias = tuple[float, float, float, float]
FEW = 3
"""Cells between two edges: as few as this are there because of both edges."""


class Finest(NamedTuple):
    """The finest cell along an axis: its middle in m, and whose edges make it so fine."""

    at: float
    parts: tuple[str, ...]
    cut: bool = False
    """True where the line of a cut is one of the edges."""


def finest(bodies: Sequence[Body], grid: Grid, cuts: Sequence[Rectangle] = ()) -> dict[str, Finest]:
    """Return the first finest cell along each axis, with the parts on its sides.

    cuts: x0, x1, y0, y1 in m of what is cut out.
    """
    edges = [_edges(bodies, axis, cuts) for axis in range(3)]
    return {
        name: _finest(lines, *edges[axis])
        for axis, (name, lines) in enumerate((("x", grid.x), ("y", grid.y), ("z", grid.z)))
    }


def _edges(
    bodies: Sequence[Body], axis: int, cuts: Sequence[Rectangle]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.str_]]:
    """Return all edges across an axis in m, ascending, and the part of each, "" of a cut."""
    lines = [(shape.snaps()[axis], body.part) for body in bodies for shape in body.shapes]
    lines += [(np.array(cut[2 * axis : 2 * axis + 2]), "") for cut in cuts if axis < 2]
    at = np.concatenate([found for found, _ in lines])
    parts = np.repeat([part for _, part in lines], [len(found) for found, _ in lines])
    order = np.argsort(at, kind="stable")
    return at[order], parts[order]


def _finest(
    lines: npt.NDArray[np.float64], at: npt.NDArray[np.float64], parts: npt.NDArray[np.str_]
) -> Finest:
    width = np.diff(lines)
    n = int(np.argmax(width <= width.min() * (1 + 1e-6)))
    middle = float(lines[n] + lines[n + 1]) / 2
    low, high = int(np.searchsorted(at, middle)) - 1, int(np.searchsorted(at, middle))
    sides = [k for k in (low, high) if 0 <= k < len(at) and at[k] > lines[0] - SAME]
    if len(sides) == 2 and at[high] - at[low] > FEW * width[n]:
        sides = [low if middle - at[low] < at[high] - middle else high]
    names = list(dict.fromkeys(str(parts[k]) for k in sides))
    return Finest(middle, tuple(name for name in names if name), "" in names)
