"""Columns: an array of upright columns, round or square. Bumps, pillars, vias."""

from __future__ import annotations

from math import pi
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from warp.geometry.bump_array import BumpArray
from warp.geometry.place import Place
from warp.geometry.shapes import Columns as ColumnShapes
from warp.materials import bump_layer


class Columns(BumpArray):
    """Bumps, pillars, vias: upright columns."""

    synonyms: ClassVar = ("bumps", "pillars", "cylinder")
    shape: Literal["columns"]
    section: Literal["round", "square"] = "round"
    """Outline of a column; `diameter` is the side of a square one."""

    def section_area(self, height: float) -> float:
        """Return the area in m2 of a column's section."""
        return self.diameter**2 if self.section == "square" else pi * self.diameter**2 / 4

    def member(self, height: float) -> bump_layer.Member:
        """Return the profile of a free-standing column."""
        return bump_layer.column(self.diameter, height, self.section == "square")

    def shape_of(self, centres: npt.NDArray[np.float64], place: Place) -> ColumnShapes:
        """Return the resolved columns at centres (n, 2)."""
        square = self.section == "square"
        return ColumnShapes(centres, self.diameter, place.z0, place.z1, square=square)
