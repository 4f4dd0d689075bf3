"""Fillet: a wedge of underfill around a chip."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from warp.errors import Fault
from warp.geometry.package import Package
from warp.geometry.part import Solid
from warp.geometry.place import Outline, Place
from warp.geometry.rings import ring
from warp.geometry.section import Thickness
from warp.geometry.shapes import Body, Box, Prism


class Fillet(Solid):
    """A wedge of underfill around a chip, drawn as steps of equal width."""

    shape: Literal["fillet"]
    width: Thickness
    """From the chip's edge to the toe of the wedge."""
    height: Thickness
    """Of the wedge at the chip's edge."""
    steps: Annotated[int, Field(ge=1, le=50)] = 4
    """Number of steps."""

    def extent(self, name: str, reference: Outline | None) -> tuple[float, float]:
        """Return the chip's outline, grown by the width of the wedge."""
        if reference is None or self.around is None:
            needs = 'a fillet needs the chip that it goes around: add around = "chip"'
            raise Fault(("part", name), needs)
        grown = reference.grown(self.width)
        return grown.width, grown.depth

    def own_height(self, name: str) -> float | None:
        """Return the height of the wedge in m."""
        return self.height

    def bodies(self, name: str, place: Place, package: Package) -> list[Body]:
        """Return the steps as rings of blocks."""
        material = self.wanted(name, package)
        return [self.body(name, package, material, *self._steps(place.outline, place.z0))]

    def _steps(self, outline: Outline, z0: float) -> Iterator[Box | Prism]:
        """Nest rings of equal width, each as high as the wedge in its middle: equal area."""
        step = self.width / self.steps
        for number in range(self.steps):
            outer = outline.grown(-number * step)
            height = self.height * (number + 0.5) / self.steps
            yield from ring(outer, outer.grown(-step), z0, z0 + height)
