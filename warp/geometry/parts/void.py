"""Void: a rectangular hole in the parts above it in the file."""

from __future__ import annotations

from typing import Literal

import numpy as np

from warp.errors import Fault
from warp.geometry.package import Package
from warp.geometry.part import Sized
from warp.geometry.place import LEVEL, Outline, Place, mm
from warp.geometry.section import Size, Thickness
from warp.geometry.shapes import Body, block
from warp.units import Length


class Void(Sized):
    """A rectangular hole: removes what the parts above it in the file put there."""

    shape: Literal["void"]
    size: Size
    """Extents in x and y, one length for a square, or the part whose outline it shares."""
    grow: Length = 0.0
    """Added on every side of `size`; negative shrinks."""
    thickness: Thickness | None = None
    """Depth of the hole; by default that of the part it is `inside`."""

    def extent(self, name: str, reference: Outline | None) -> tuple[float, float]:
        """Return the width and depth in m of the hole, turned."""
        return self.rectangle(name, reference, self.grow)

    def own_height(self, name: str) -> float | None:
        """Return the thickness that the table gives, in m."""
        return self.thickness

    def bodies(self, name: str, place: Place, package: Package) -> list[Body]:
        """Return one block without material; Fault where it removes all of its host."""
        host = package.places.get(self.inside or "")
        if host is not None and _covers(place, host):
            outline, whole = place.outline, host.outline
            sizes = f"{mm(outline.width, outline.depth)} out of {mm(whole.width, whole.depth)}"
            raise Fault(("part", name, "size"), f"removes all of {self.inside!r}: {sizes}")
        return [Body(name, None, (block(place.outline, place.z0, place.z1),))]


def _covers(hole: Place, host: Place) -> bool:
    low, high = np.array(hole.outline.bounds), np.array(host.outline.bounds)
    starts_outside = (low[0::2] <= high[0::2] + LEVEL).all()
    ends_outside = (low[1::2] >= high[1::2] - LEVEL).all()
    through = hole.z0 <= host.z0 + LEVEL and hole.z1 >= host.z1 - LEVEL
    return bool(starts_outside and ends_outside and through)
