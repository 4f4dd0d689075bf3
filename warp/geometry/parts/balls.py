"""Balls: an array of solder balls, spheres that their pads cut off flat above and below."""

from __future__ import annotations

from math import pi
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from warp.errors import Fault, Key
from warp.geometry.bump_array import BumpArray
from warp.geometry.place import Place, um
from warp.geometry.shapes import Balls as BallShapes
from warp.materials import bump_layer


class Balls(BumpArray):
    """Solder balls: spheres that pads cut off flat above and below; `height` is the standoff."""

    synonyms: ClassVar = ("spheres",)
    shape: Literal["balls"]

    def refuse_height(self, key: Key, height: float) -> None:
        """Raise the fault of a standoff larger than the diameter."""
        if height > self.diameter:
            message = f"is larger than the diameter ({um(self.diameter)})"
            raise Fault((*key, "height"), f"{message}: the balls would touch nothing")

    def section_area(self, height: float) -> float:
        """Return the mean area in m2 of a ball's section between the cutting planes."""
        return pi * (self.diameter**2 / 4 - height**2 / 12)

    def member(self, height: float) -> bump_layer.Member:
        """Return the profile of a free-standing ball."""
        return bump_layer.ball(self.diameter, height)

    def shape_of(self, centres: npt.NDArray[np.float64], place: Place) -> BallShapes:
        """Return the resolved balls at centres (n, 2)."""
        return BallShapes(centres, self.diameter, place.z0, place.z1)
