"""The place of a part: its outline in plane, its bottom and top; and how messages write lengths."""

from __future__ import annotations

from dataclasses import dataclass

LEVEL = 1e-9  # m: far below any layer, and above the round-off of sums of lengths


@dataclass(frozen=True)
class Outline:
    """A part's rectangle in plane: centre and extents in m."""

    x: float
    y: float
    width: float
    depth: float

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Return x0, x1, y0, y1."""
        return (
            self.x - self.width / 2,
            self.x + self.width / 2,
            self.y - self.depth / 2,
            self.y + self.depth / 2,
        )

    def grown(self, dx: float, dy: float | None = None) -> Outline:
        """Return the outline with a margin added on every side; negative shrinks it."""
        dy = dx if dy is None else dy
        return Outline(self.x, self.y, self.width + 2 * dx, self.depth + 2 * dy)


@dataclass(frozen=True)
class Place:
    """A part's outline, bottom and top; `ceiling` is the height that parts under it meet."""

    outline: Outline
    z0: float
    z1: float
    ceiling: float

    @property
    def size(self) -> str:
        """Return width, depth and height, as text."""
        return mm(self.outline.width, self.outline.depth, self.z1 - self.z0)


def um(length: float) -> str:
    """Write a length in micrometres."""
    return f"{length * 1e6:.6g} um"


def mm(*lengths: float) -> str:
    """Write lengths in millimetres, with "x" between."""
    return " x ".join(f"{round(length * 1e3, 6):.6g}" for length in lengths) + " mm"


def listed(names: tuple[str, ...]) -> str:
    """Write names of parts in quotes, with "and" between."""
    return " and ".join(repr(name) for name in names)
