"""Measured heights of a surface, and the computed ones at the same points.

An instrument does not know how the package lies: both lose their least-squares plane over the
measured points, each point counting the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from warp.errors import WarpError
from warp.results.surface import Model, Side, Surface, sample
from warp.results.surface_points import interpolate

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Observation:
    """A measured surface: its points (n,) in the package's coordinates [m], without its plane.

    temperature: in K, of a case without steps; step: number of the process step, from 0. note: what
    was assumed while it was read.
    """

    name: str
    part: str
    side: Side
    x: Array
    y: Array
    height: Array
    temperature: float | None = None
    step: int | None = None
    note: str = ""

    @property
    def surface(self) -> str:
        """Return the surface as it is written."""
        return f"{self.part}.{self.side}"

    @cached_property
    def measured(self) -> Array:
        """Return the heights without their plane."""
        return self.levelled(self.height)

    @cached_property
    def _plane(self) -> Array:
        """Return an orthonormal basis (n, 3) of the planes over the points."""
        length = max(np.ptp(self.x), np.ptp(self.y))
        x, y = (self.x - self.x.mean()) / length, (self.y - self.y.mean()) / length
        basis: Array = np.linalg.qr(np.column_stack((np.ones_like(x), x, y)))[0]
        return basis

    def levelled(self, heights: Array) -> Array:
        """Return heights (n,) at the points without their least-squares plane."""
        found: Array = heights - self._plane @ (self._plane.T @ heights)
        return found

    def of(self, model: Model, displacement: Array) -> Array:
        """Return the computed heights of a solved model, without their plane."""
        return self.of_surface(sample(model, displacement, self.part, self.side))

    def of_surface(self, surface: Surface) -> Array:
        """Return the computed heights on a sampled surface, without their plane."""
        x0, x1, y0, y1 = surface.bounds
        x, y = np.clip(self.x, x0, x1), np.clip(self.y, y0, y1)
        heights = interpolate(surface, surface.w, x, y)
        if not np.isfinite(heights).all():
            raise WarpError(f"{self.name}: points of it no longer lie on {self.surface}")
        return self.levelled(heights)
