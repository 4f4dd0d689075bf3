"""Floorplans of chips with the heat of each block: files of HotSpot and of 3D-ICE.

    HotSpot .flp       NAME  width  height  left  bottom        metres, one block a line
    HotSpot .ptrace    NAME  NAME ...                           then watts, one sample a line
    3D-ICE .flp        NAME : position x, y ; dimension w, h ; power values p, p, ... ;
                       or rectangle (x, y, w, h) ; ...          micrometres

Positions count from the lower left corner of the chip. The two kinds are told apart by content.
HotSpot: W. Huang et al., IEEE Trans. VLSI 14 (2006) 501; 3D-ICE user guides 2.2 and 3.1 (EPFL).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

MICROMETRE = 1e-6
MOST_BLOCKS = 100_000
ICE_BLOCK = re.compile(r"([A-Za-z_]\w*)\s*:")
NUMBERS = r"([-+\d.eE,\s]+)"
STATEMENT = re.compile(
    rf"position\s+{NUMBERS};|dimension\s+{NUMBERS};|power\s+values\s+{NUMBERS};"
    rf"|rectangle\s*\(\s*{NUMBERS}\)\s*;"
)
REMARK = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, eq=False)
class Floorplan:
    """Rectangles of named blocks, lower left corner and size (n, 4) in m, in order of the file.

    owner: the block of each rectangle. watts: (samples, blocks), None where the file has none.
    """

    names: list[str]
    rectangles: np.ndarray
    owner: np.ndarray
    watts: np.ndarray | None = None

    @property
    def size(self) -> tuple[float, float]:
        """Return the extents from the chip's corner to the far ends of the blocks, in m."""
        far = self.rectangles[:, :2] + self.rectangles[:, 2:]
        return float(far[:, 0].max()), float(far[:, 1].max())

    def with_trace(self, names: list[str], watts: np.ndarray) -> Floorplan:
        """Return the floorplan with the columns of a trace; ValueError for unknown names."""
        unknown = [name for name in names if name not in self.names]
        if unknown:
            raise ValueError(f"names {unknown[0]!r}, which the floorplan has not")
        missing = [name for name in self.names if name not in names]
        if missing:
            raise ValueError(f"has no column for {missing[0]!r}")
        order = [names.index(name) for name in self.names]
        return Floorplan(self.names, self.rectangles, self.owner, watts[:, order])


def read(text: str) -> Floorplan:
    """Read a floorplan of either kind; ValueError names the line or the block that is wrong."""
    plain = REMARK.sub(" ", text)
    found = _ice(plain) if ICE_BLOCK.search(plain) and ";" in plain else _hotspot(text)
    if not len(found.rectangles):
        raise ValueError("holds no blocks")
    if len(found.rectangles) > MOST_BLOCKS:
        raise ValueError(f"holds more than {MOST_BLOCKS:,} blocks")
    if not np.isfinite(found.rectangles).all() or (found.rectangles[:, 2:] <= 0.0).any():
        n = int(np.argmin(found.rectangles[:, 2:].min(axis=1)))
        raise ValueError(f"gives block {found.names[found.owner[n]]!r} no size")
    return found


def read_trace(text: str) -> tuple[list[str], np.ndarray]:
    """Return the names and the watts (samples, blocks) of a HotSpot trace."""
    rows = [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]
    if len(rows) < 2:
        raise ValueError("needs a line of names and at least one of watts")
    names = rows[0]
    watts = []
    for number, row in enumerate(rows[1:], 1):
        if len(row) != len(names):
            raise ValueError(f"has {len(row)} values in sample {number} for {len(names)} names")
        watts.append(_numbers(row, f"in sample {number}"))
    found = np.array(watts)
    if not np.isfinite(found).all() or (found < 0.0).any():
        raise ValueError("has watts that are negative or no number")
    return names, found


def _hotspot(text: str) -> Floorplan:
    names: list[str] = []
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if len(words) < 5:
            raise ValueError(f"line {number} is not NAME width height left bottom (in m)")
        width, height, left, bottom = _numbers(words[1:5], f"in line {number}")
        names.append(words[0])
        rows.append((left, bottom, width, height))
    _refuse_twice(names)
    return Floorplan(names, np.array(rows).reshape(-1, 4), np.arange(len(rows)))


def _ice(text: str) -> Floorplan:
    heads = list(ICE_BLOCK.finditer(text))
    names = [head[1] for head in heads]
    _refuse_twice(names)
    rectangles: list[list[float]] = []
    owner: list[int] = []
    powers: list[list[float]] = []
    ends = [head.start() for head in heads[1:]] + [len(text)]
    for n, (head, end) in enumerate(zip(heads, ends, strict=True)):
        body = text[head.end() : end]
        corner: list[float] = []
        powers.append([])
        for position, dimension, watts, rectangle in STATEMENT.findall(body):
            if position:
                corner = _list(position, head[1])
            elif watts:
                powers[-1] = _list(watts, head[1])
            else:
                four = (
                    _list(rectangle, head[1]) if rectangle else corner + _list(dimension, head[1])
                )
                if len(four) != 4:
                    raise ValueError(f"gives block {head[1]!r} no position and dimension")
                rectangles.append([MICROMETRE * value for value in four])
                owner.append(n)
        if n not in owner:
            raise ValueError(f"gives block {head[1]!r} no position and dimension")
    counts = {len(row) for row in powers}
    watts = None
    if counts != {0}:
        if len(counts) > 1:
            raise ValueError("gives its blocks different numbers of power values")
        watts = np.array(powers).T
        if (watts < 0.0).any():
            raise ValueError("has negative power values")
    return Floorplan(names, np.array(rectangles).reshape(-1, 4), np.array(owner, int), watts)


def _refuse_twice(names: list[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None) if names else None
    if len(set(names)) < len(names):
        raise ValueError(f"has block {twice!r} twice")


def _list(text: str, name: str) -> list[float]:
    return _numbers([word for word in re.split(r"[,\s]+", text) if word], f"of block {name!r}")


def _numbers(words: list[str], where: str) -> list[float]:
    try:
        return [float(word) for word in words]
    except ValueError:
        raise ValueError(f"has {' '.join(words)[:40]!r} {where}, not numbers") from None
