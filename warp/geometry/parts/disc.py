"""Disc: a round plate. Wafer, pad, pin."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from warp.geometry.package import Package
from warp.geometry.part import Solid
from warp.geometry.place import Outline, Place
from warp.geometry.section import Thickness
from warp.geometry.shapes import Body, Columns


class Disc(Solid):
    """A round plate: a wafer, a pad, a pin."""

    plate: ClassVar = True
    synonyms: ClassVar = ("wafer",)
    one_layer: ClassVar = True
    shape: Literal["disc"]
    diameter: Thickness
    """Diameter in plane."""
    thickness: Thickness | None = None
    """Height; by default the space that `on` and `under` or `inside` leave."""

    def extent(self, name: str, reference: Outline | None) -> tuple[float, float]:
        """Return the diameter twice."""
        return self.diameter, self.diameter

    def own_height(self, name: str) -> float | None:
        """Return the thickness that the table gives, in m."""
        return self.thickness

    def bodies(self, name: str, place: Place, package: Package) -> list[Body]:
        """Return one round column."""
        material = self.wanted(name, package)
        centre = np.array([[place.outline.x, place.outline.y]])
        return [
            self.body(name, package, material, Columns(centre, self.diameter, place.z0, place.z1))
        ]
