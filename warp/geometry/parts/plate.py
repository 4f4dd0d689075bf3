"""Plate: a rectangular block, or a laminate of layers. Substrate, board, spreader, mould."""

from __future__ import annotations

from typing import ClassVar, Literal

from warp.errors import Fault
from warp.geometry.laminate import laminate, layer_shape
from warp.geometry.package import Package
from warp.geometry.part import Laminated, Sized
from warp.geometry.place import Outline, Place
from warp.geometry.section import Size, Thickness
from warp.geometry.shapes import Body, block
from warp.units import Length


class Slab(Sized, Laminated):
    """A rectangular block between two planes; with `layers` a laminate."""

    size: Size
    """Extents in x and y, one length for a square, or the part whose outline it shares."""
    grow: Length = 0.0
    """Added on every side of `size`; negative shrinks."""
    thickness: Thickness | None = None
    """Height; the layers make it where there are any, and `on` with `under` the space between."""

    def extent(self, name: str, reference: Outline | None) -> tuple[float, float]:
        """Return the width and depth in m of the part as it stands, turned."""
        return self.rectangle(name, reference, self.grow)

    def own_height(self, name: str) -> float | None:
        """Return the thickness that the table gives, or that of the layers, in m."""
        if not self.laminated:
            return self.thickness
        if self.thickness is not None:
            raise Fault(("part", name, "thickness"), "follows from the layers: leave it out")
        return self.layers_height()

    def bodies(self, name: str, place: Place, package: Package) -> list[Body]:
        """Return one block, or one body per layer."""
        if not self.laminated:
            material = self.wanted(name, package)
            return [self.body(name, package, material, block(place.outline, place.z0, place.z1))]
        return [
            self.body(
                name,
                package,
                material,
                layer_shape(material, place.outline, low, high, self, package),
            )
            for material, low, high in laminate(name, self, place, package)
        ]


class Plate(Slab):
    """A rectangular block; with `layers` a laminate."""

    plate: ClassVar = True
    synonyms: ClassVar = ("box", "layer")
    one_layer: ClassVar = True
    shape: Literal["plate"] = "plate"
