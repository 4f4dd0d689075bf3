"""Prism: an upright block over any polygon."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from warp.errors import Fault, Key
from warp.geometry.package import Package
from warp.geometry.part import Solid
from warp.geometry.place import LEVEL, Outline, Place
from warp.geometry.section import Point, Thickness
from warp.geometry.shapes import Body, turned
from warp.geometry.shapes import Prism as PrismShape

Points = npt.NDArray[np.float64]


class Prism(Solid):
    """An upright block over any polygon."""

    plate: ClassVar = True
    one_layer: ClassVar = True
    shape: Literal["prism"]
    outline: Annotated[tuple[Point, ...], Field(min_length=3)]
    """Corners in order, counted from `at`."""
    thickness: Thickness | None = None
    """Height; by default the space that `on` and `under` or `inside` leave."""

    def extent(self, name: str, reference: Outline | None) -> tuple[float, float]:
        """Return the rectangle around `at` that contains every corner."""
        xs, ys = zip(*self.outline, strict=True)
        return self.turned_pair((2 * max(map(abs, xs)), 2 * max(map(abs, ys))))

    def refuse_empty(self, name: str) -> Fault:
        """Return the fault to raise where the extent is not positive."""
        key: Key = ("part", name, "outline")
        return Fault(key, "encloses no area: its corners lie on one line")

    def own_height(self, name: str) -> float | None:
        """Return the thickness that the table gives, in m."""
        return self.thickness

    def bodies(self, name: str, place: Place, package: Package) -> list[Body]:
        """Return one upright prism; Fault where its polygon is not simple."""
        material = self.wanted(name, package)
        key: Key = ("part", name, "outline")
        corners = np.array(self.outline)
        crossing = _crossing(corners)
        if crossing:
            edges = f"edges {crossing[0]} and {crossing[1]}"
            raise Fault(key, f"crosses itself: {edges}; list the corners in order")
        x, y = corners.T
        if abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2 < LEVEL**2:
            raise Fault(key, "encloses no area: its corners lie on one line")
        polygon = turned(corners, self.turn // 90) + [place.outline.x, place.outline.y]
        return [self.body(name, package, material, PrismShape(polygon, place.z0, place.z1))]


def _crossing(p: Points) -> tuple[int, int] | None:
    """Find two edges that cross; return their numbers, counted from 1."""
    q = np.roll(p, -1, axis=0)

    def left(a: Points, b: Points, c: Points) -> Points:
        u, v = b - a, c - a
        found: Points = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
        return found

    for n in range(len(p) - 2):
        others = slice(n + 2, len(p) - (1 if n == 0 else 0))
        a, b = p[others], q[others]
        parted = left(p[n], q[n], a) * left(p[n], q[n], b) < 0
        parting = left(a, b, p[n]) * left(a, b, q[n]) < 0
        crossed = np.flatnonzero(parted & parting)
        if len(crossed):
            return n + 1, n + 3 + int(crossed[0])
    return None
