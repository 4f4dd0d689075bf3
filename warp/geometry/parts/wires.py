"""Wires: bond wires from a chip's edge down to what it stands on.

The wires of a side are one box of fibres in their fill, straight from the top of the loop at the
chip's edge to the far end. The fraction of wire keeps the conductance of the n wires of a side,
n k A / length, in the width and height of the box.
"""

from __future__ import annotations

from math import hypot, pi
from typing import Annotated, Literal

from pydantic import Field

from warp.errors import Fault, Key
from warp.geometry.package import VOID, Mixture, Package
from warp.geometry.part import Neighbours, Solid
from warp.geometry.place import LEVEL, Outline, Place, listed
from warp.geometry.section import Thickness
from warp.geometry.shapes import Body, Box
from warp.units import NOT_NEGATIVE, Length


class Wires(Solid):
    """Bond wires from a chip's edge down, as one effective ring of wire in mould compound."""

    shape: Literal["wires"]
    diameter: Thickness
    """Of a wire."""
    pitch: Thickness
    """Of neighbouring wires along a side of the chip."""
    reach: Thickness
    """From the chip's edge to the far ends of the wires."""
    loop: Annotated[Length, NOT_NEGATIVE] = 0.0
    """Height of the wires above the chip."""
    sides: Annotated[tuple[Literal["x-", "x+", "y-", "y+"], ...], Field(min_length=1)] = (
        "x-",
        "x+",
        "y-",
        "y+",
    )
    """Of the chip that have wires."""
    fill: Annotated[str, Field(examples=["mould-compound"])]
    """The material around the wires."""

    def extent(self, name: str, reference: Outline | None) -> tuple[float, float]:
        """Return the chip's outline, grown by the reach of the wires."""
        if reference is None or self.around is None:
            needs = 'bond wires need the chip that they leave: add around = "chip"'
            raise Fault(("part", name), needs)
        grown = reference.grown(self.reach)
        return grown.width, grown.depth

    def heights(self, name: str, others: Neighbours) -> tuple[float, float]:
        """Return the height of what carries the far ends, and the loops' top above the chip."""
        if not self.on or self.around is None:
            needs = 'bond wires run from a chip to what carries it: add on = "substrate"'
            raise Fault(("part", name), needs)
        others.part(self.around, name, "around")
        bottom = others.level(name, "on", self.on) + self.lift
        top = others.heights(self.around)[1] + self.loop
        if top - bottom <= LEVEL:
            ends = f"from {listed(self.on)} to {self.around!r}'s top"
            raise Fault(("part", name, "on"), f"there is no height {ends}")
        return bottom, top

    def bodies(self, name: str, place: Place, package: Package) -> list[Body]:
        """Return one box of fibres per side of the chip that has wires."""
        material = self.wanted(name, package)
        key: Key = ("part", name)
        fill = self._fill(name, material, package)
        height = place.z1 - place.z0
        length = hypot(self.reach, height)
        fraction = pi * self.diameter**2 / 4 * self.reach / length / (self.pitch * height)
        if fraction > 0.5:
            much = f"{100 * fraction:.3g} % of the ring wire"
            raise Fault((*key, "pitch"), f"makes {much}: is a unit wrong?")
        x0, x1, y0, y1 = package.places[self.around or ""].outline.bounds
        boxes = {
            "x-": Box(x0 - self.reach, x0, y0, y1, place.z0, place.z1),
            "x+": Box(x1, x1 + self.reach, y0, y1, place.z0, place.z1),
            "y-": Box(x0, x1, y0 - self.reach, y0, place.z0, place.z1),
            "y+": Box(x0, x1, y1, y1 + self.reach, place.z0, place.z1),
        }
        found = []
        for side in self.sides:
            label = f"{name}: wires along {side[0]}"
            fractions = {material: fraction, fill: 1.0 - fraction}
            package.recipes[label] = Mixture(f"{side[0]}-fibres", fractions, key)
            found.append(Body(name, label, (boxes[side],), self.stress_free))
        return found

    def _fill(self, name: str, material: str, package: Package) -> str:
        """Return the material around the wires; Fault for a table that makes no sense."""
        key: Key = ("part", name)
        if self.diameter > self.pitch:
            pitch = f"{self.pitch * 1e6:.6g} um"
            message = f"is larger than the pitch ({pitch}): they would overlap"
            raise Fault((*key, "diameter"), message)
        if VOID in (material, self.fill):
            blame = "material" if material == VOID else "fill"
            raise Fault((*key, blame), "cannot be void: wires lie in mould compound")
        if self.fill == material:
            message = f"is {material!r} like the wires: name what surrounds them"
            raise Fault((*key, "fill"), message)
        return package.want(self.fill, (*key, "fill"))
