"""Wires: bond wires from a chip's edge down to what it stands on.

The wires of a side are one box of fibres in their fill, straight from the top of the loop at the
chip's edge to the far end. The fraction of wire keeps the conductance of the n wires of a side,
n k A / length, in the width and height of the box. With nothing between them they conduct and carry
no load (`materials.free_wires`).
"""

from __future__ import annotations

from math import hypot, pi
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from warp.errors import Fault, Key
from warp.geometry.package import VOID, FreeWires, Mixture, Package
from warp.geometry.part import Neighbours, Solid
from warp.geometry.place import LEVEL, Outline, Place, listed, mm
from warp.geometry.section import Thickness
from warp.geometry.shapes import Body, Box
from warp.units import NOT_NEGATIVE, Length


class Wires(Solid):
    """Bond wires from a chip's edge down, as one effective ring of wire in mould compound."""

    slack: ClassVar = True
    shape: Literal["wires"]
    diameter: Thickness
    """Of a wire."""
    pitch: Thickness
    """Of neighbouring wires along a side of the chip; of a single wire, the width along the side
    that its metal is spread over."""
    count: Annotated[int, Field(ge=1)] | None = None
    """Wires on each of the sides; by default the whole side has them."""
    offset: Length = 0.0
    """Of the middle of the wires from the middle of the side, along it: towards +y on the sides x-
    and x+, towards +x on y- and y+. It needs a `count`."""
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
    """The material around the wires, "void" if there is none. In a process the wires are slack, as
    if they were not there, until the part of this material is present that they lie in: the
    mould."""

    @property
    def filled_with(self) -> str | None:
        """Return the material between the wires."""
        return None if self.fill == VOID else self.fill

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
        found = []
        for side in self.sides:
            if side[0] == "x":
                low, high = self._span(name, side, y0, y1)
                inner, outer = (x0 - self.reach, x0) if side == "x-" else (x1, x1 + self.reach)
                box = Box(inner, outer, low, high, place.z0, place.z1)
            else:
                low, high = self._span(name, side, x0, x1)
                inner, outer = (y0 - self.reach, y0) if side == "y-" else (y1, y1 + self.reach)
                box = Box(low, high, inner, outer, place.z0, place.z1)
            label = f"{name}: wires along {side[0]}"
            free = self.stress_free
            if fill == VOID:
                axis: Literal[0, 1] = 0 if side[0] == "x" else 1
                package.recipes[label] = FreeWires(material, fraction, axis, key)
            else:
                cured = package.cured(name, fill)
                since = {} if cured is None else {fill: cured}
                free = cured if free is None else free
                fractions = {material: fraction, fill: 1.0 - fraction}
                package.recipes[label] = Mixture(f"{side[0]}-fibres", fractions, key, since)
            found.append(Body(name, label, (box,), free))
        return found

    def _span(self, name: str, side: str, low: float, high: float) -> tuple[float, float]:
        """Return the ends in m of the wires along a side from `low` to `high`."""
        key: Key = ("part", name)
        if self.count is None:
            if self.offset:
                needs = "needs how many wires there are: add count = 1"
                raise Fault((*key, "offset"), needs)
            return low, high
        middle, length = (low + high) / 2 + self.offset, self.count * self.pitch
        ends = middle - length / 2, middle + length / 2
        if ends[0] < low - LEVEL or ends[1] > high + LEVEL:
            blame = "offset" if length <= high - low + LEVEL else "count"
            wires = f"{self.count} x {mm(self.pitch)} from {mm(ends[0])[:-3]} to {mm(ends[1])}"
            message = f"puts wires beyond the side {side}, {wires}"
            ends_of_side = f"{mm(low)[:-3]} to {mm(high)}"
            raise Fault((*key, blame), f"{message}; {self.around!r} has it from {ends_of_side}")
        return ends

    def _fill(self, name: str, material: str, package: Package) -> str:
        """Return the material around the wires; Fault for a table that makes no sense."""
        key: Key = ("part", name)
        if self.diameter > self.pitch:
            pitch = f"{self.pitch * 1e6:.6g} um"
            message = f"is larger than the pitch ({pitch}): they would overlap"
            raise Fault((*key, "diameter"), message)
        if material == VOID:
            raise Fault((*key, "material"), "cannot be void: what are the wires made of?")
        if self.fill == material:
            message = f"is {material!r} like the wires: name what surrounds them"
            raise Fault((*key, "fill"), message)
        return package.want(self.fill, (*key, "fill"))
