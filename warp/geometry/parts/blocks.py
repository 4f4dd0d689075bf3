"""Blocks: equal rectangular blocks at given places. Capacitors, dots of adhesive, corner posts."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from warp.geometry.package import Package
from warp.geometry.part import Solid
from warp.geometry.place import Outline, Place
from warp.geometry.section import Pair, Point, Thickness
from warp.geometry.shapes import Body, block, turned


class Blocks(Solid):
    """Equal rectangular blocks at given places: capacitors, dots of adhesive, corner posts."""

    synonyms: ClassVar = ("block",)
    shape: Literal["blocks"]
    size: Pair
    """Of each block."""
    sites: Annotated[tuple[Point, ...], Field(min_length=1)]
    """Their centres, counted from `at`."""
    thickness: Thickness | None = None
    """Height; by default the space that `on` and `under` or `inside` leave."""

    def extent(self, name: str, reference: Outline | None) -> tuple[float, float]:
        """Return the rectangle around `at` that contains every block."""
        xs, ys = zip(*self.sites, strict=True)
        width = 2 * max(map(abs, xs)) + self.size[0]
        depth = 2 * max(map(abs, ys)) + self.size[1]
        return self.turned_pair((width, depth))

    def own_height(self, name: str) -> float | None:
        """Return the thickness that the table gives, in m."""
        return self.thickness

    def bodies(self, name: str, place: Place, package: Package) -> list[Body]:
        """Return one block per site."""
        material = self.wanted(name, package)
        width, depth = self.turned_pair(self.size)
        centres = turned(np.array(self.sites), self.turn // 90)
        shapes = (
            block(Outline(float(x), float(y), width, depth), place.z0, place.z1)
            for x, y in centres + [place.outline.x, place.outline.y]
        )
        return [self.body(name, package, material, *shapes)]
