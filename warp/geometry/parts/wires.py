"""Wires: bond wires from a chip's edge down to what it stands on.

    [part.wires]                             [part.ground-wires]
    shape = "wires"                          shape = "wires"
    around = "die"                           around = "die"
    on = "leads-*"                           on = "pad"
    diameter = "25 um"                       diameter = "25 um"
    count = 12                               pitch = "0.1 mm"
    pitch = "0.2 mm"                         material = "gold"
    end_pitch = "0.5 mm"                     fill = "mould-compound"
    reach = "1.3 mm"                         [[part.ground-wires.wires]]
    material = "gold"                        from = ["1.9 mm", "0 mm"]
    fill = "mould-compound"                  to = ["2.4 mm", "0.4 mm"]

The wires of a side are a layer of fibres in their fill, straight from the top of the loop at the
chip's edge to the far end: a box, or a trapezoid where they fan out, cut along its reach so that
the fraction of wire follows the pitch. A wire between two points is a strip. The fraction keeps the
conductance of the n wires of a side, SUM k A / length. The fibres of a fan lie along its reach, and
a strip aslant is alike in all directions in plane: the error in stiffness is a part of what the
wire adds, its fraction times its modulus, which is 4 % of a mould's of 24 GPa for gold wires of
25 um at a pitch of 100 um in a layer of 0.4 mm. With nothing between them wires conduct and carry
no load (`materials.free_wires`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, pi
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from warp.errors import Fault, Key
from warp.geometry.package import VOID, FreeWires, Mixture, Package
from warp.geometry.part import Neighbours, Solid
from warp.geometry.place import LEVEL, Outline, Place, listed, mm, um
from warp.geometry.section import Point, Section, Thickness
from warp.geometry.shapes import Body, Box, Prism, Shape
from warp.units import NOT_NEGATIVE, Length

Side = Literal["x-", "x+", "y-", "y+"]
Direction = Literal["x", "y", "xy"]
SIDES: tuple[Side, ...] = ("x-", "x+", "y-", "y+")
RULES: dict[Direction, str] = {"x": "x-fibres", "y": "y-fibres", "xy": "z-layers"}
STEADY = 1.5
"""Ratio of the pitches at both ends of a piece of a fan, at most."""
SLACK = 1e-9
"""Relative difference of pitches that is round-off."""


class Wire(Section):
    """One wire, by the points where it ends."""

    start: Point = Field(
        alias="from", description="where it leaves the chip, counted from the chip's centre"
    )
    end: Point = Field(
        alias="to", description="where it ends on what carries it, counted from the chip's centre"
    )


class Wires(Solid):
    """Bond wires from a chip's edge down, as layers of effective wire in mould compound."""

    slack: ClassVar = True
    shape: Literal["wires"]
    diameter: Thickness
    """Of a wire."""
    pitch: Thickness
    """Of neighbouring wires along a side of the chip; of a single wire, the width along the side
    that its metal is spread over."""
    end_pitch: Thickness | None = None
    """Of neighbouring far ends, where the wires fan out; it needs a `count`. By default they have
    the `pitch`."""
    count: Annotated[int, Field(ge=1)] | None = None
    """Wires on each of the sides; by default the whole side has them."""
    offset: Length = 0.0
    """Of the middle of the wires from the middle of the side, along it: towards +y on the sides x-
    and x+, towards +x on y- and y+. It needs a `count`."""
    end_offset: Length | None = None
    """Of the middle of the far ends, likewise; by default the `offset`."""
    reach: Thickness | None = None
    """From the chip's edge to the far ends of the wires."""
    loop: Annotated[Length, NOT_NEGATIVE] = 0.0
    """Height of the wires above the chip."""
    sides: Annotated[tuple[Side, ...], Field(min_length=1)] = SIDES
    """Of the chip that have wires."""
    wires: Annotated[tuple[Wire, ...], Field(min_length=1)] | None = None
    """Wires one by one, by their ends, instead of `reach`, `count` and `sides`."""
    fill: Annotated[str, Field(examples=["mould-compound"])]
    """The material around the wires, "void" if there is none. In a process the wires are slack, as
    if they were not there, until the part of this material is present that they lie in: the
    mould."""

    @property
    def filled_with(self) -> str | None:
        """Return the material between the wires."""
        return None if self.fill == VOID else self.fill

    @property
    def details(self) -> str:
        """Return number, diameter and sides of the wires."""
        if self.wires is not None:
            return f"{len(self.wires):,} of {um(self.diameter)}"
        number = f"at a pitch of {um(self.pitch)}" if self.count is None else f"{self.count:,}"
        where = "a side" if self.sides == SIDES else f"at {' '.join(self.sides)}"
        return f"{um(self.diameter)} {number} {where}"

    def extent(self, name: str, reference: Outline | None) -> tuple[float, float]:
        """Return the chip's outline, grown by the reach of the wires."""
        if reference is None or self.around is None:
            needs = 'bond wires need the chip that they leave: add around = "chip"'
            raise Fault(("part", name), needs)
        self._refuse_contradictions(name)
        if self.wires is None:
            grown = reference.grown(self.reach or 0.0)
            return grown.width, grown.depth
        x, y = (max(abs(wire.end[axis]) for wire in self.wires) for axis in (0, 1))
        return max(reference.width, 2 * x), max(reference.depth, 2 * y)

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
        """Return the layers of fibres: one for each side of the chip, or for each wire."""
        material = self.wanted(name, package)
        layers = _Layers(name, self, material, self._fill(name, material, package), place, package)
        if self.wires is not None:
            return [layers.wire(n, wire) for n, wire in enumerate(self.wires)]
        return [body for side in self.sides for body in layers.side(side)]

    def _refuse_contradictions(self, name: str) -> None:
        """Raise the fault of keys that say nothing, or two things, about the same wires."""
        key: Key = ("part", name)
        given = self.model_fields_set
        if self.wires is not None:
            one_by_one = ("reach", "count", "offset", "end_pitch", "end_offset", "sides")
            doubled = next((word for word in one_by_one if word in given), None)
            if doubled:
                raise Fault((*key, doubled), "is of wires along a side; these have their ends")
        elif self.reach is None:
            needs = 'is missing: from the chip\'s edge to the far ends, reach = "1 mm"'
            raise Fault((*key, "reach"), needs)
        for word in ("offset", "end_pitch", "end_offset"):
            if word in given and self.count is None:
                raise Fault((*key, word), "needs how many wires there are: add count = 1")
        for word, remedy in (("at", "offset"), ("turn", "sides")):
            if word in given and any(self.at if word == "at" else (self.turn,)):
                raise Fault((*key, word), f"is not of wires, which leave the chip: see {remedy!r}")

    def _fill(self, name: str, material: str, package: Package) -> str:
        """Return the material around the wires; Fault for a table that makes no sense."""
        key: Key = ("part", name)
        for word, pitch in (("pitch", self.pitch), ("end_pitch", self.end_pitch)):
            if pitch is not None and self.diameter > pitch:
                message = (
                    f"is larger than the {word.replace('_', ' ')} ({um(pitch)}): they would overlap"
                )
                raise Fault((*key, "diameter"), message)
        if material == VOID:
            raise Fault((*key, "material"), "cannot be void: what are the wires made of?")
        if self.fill == material:
            message = f"is {material!r} like the wires: name what surrounds them"
            raise Fault((*key, "fill"), message)
        return package.want(self.fill, (*key, "fill"))


@dataclass(frozen=True)
class _Layers:
    """The layers of fibres of one part, of wire `material` in `fill`."""

    name: str
    part: Wires
    material: str
    fill: str
    place: Place
    package: Package

    @property
    def key(self) -> Key:
        return "part", self.name

    @property
    def chip(self) -> Outline:
        return self.package.places[self.part.around or ""].outline

    @property
    def height(self) -> float:
        return self.place.z1 - self.place.z0

    def side(self, side: Side) -> list[Body]:
        """Return the wires along one side: a box, or the pieces of a fan."""
        part, reach = self.part, self.part.reach or 0.0
        x0, x1, y0, y1 = self.chip.bounds
        low, high = (y0, y1) if side[0] == "x" else (x0, x1)
        pitches = np.array([part.pitch, part.end_pitch or part.pitch])
        offsets = np.array(
            [part.offset, part.offset if part.end_offset is None else part.end_offset]
        )
        count = part.count
        wires = (high - low) / part.pitch if count is None else count
        middles, widths = (low + high) / 2 + offsets, wires * pitches
        self._refuse_beyond(side, middles[0], widths[0], low, high)
        each = np.zeros(1) if count is None else np.arange(count) - (count - 1) / 2
        aslant = offsets[1] - offsets[0] + each * (pitches[1] - pitches[0])
        straight = float(np.mean(reach / np.hypot(np.hypot(reach, aslant), self.height)))
        pieces = max(1, ceil(abs(log(pitches[1] / pitches[0])) / log(STEADY) - SLACK))
        cuts = np.geomspace(pitches[0], pitches[1], pieces + 1)
        at = (cuts - pitches[0]) / (pitches[1] - pitches[0]) if pieces > 1 else np.arange(2.0)
        edge = {"x-": x0, "x+": x1, "y-": y0, "y+": y1}[side]
        out = edge + (-reach if side[1] == "-" else reach) * at
        middle, half = np.interp(at, [0, 1], middles), np.interp(at, [0, 1], widths) / 2
        found = []
        for n in range(pieces):
            ends = slice(n, n + 2)
            fraction = self._fraction(straight, _logarithmic_mean(*cuts[ends]))
            shape = self._piece(side, out[ends], middle[ends], half[ends])
            label = f"wires along {side[0]}" + (f", {n + 1} of {pieces}" if pieces > 1 else "")
            found.append(self._body(label, "x" if side[0] == "x" else "y", fraction, shape))
        return found

    def wire(self, n: int, wire: Wire) -> Body:
        """Return one wire between its two points, as far as it is beside the chip."""
        centre = np.array([self.chip.x, self.chip.y])
        start, end = centre + wire.start, centre + wire.end
        edge, along = self._leaves(start, end, (*self.key, "wires", n)), end - start
        length = float(np.hypot(np.hypot(*along), self.height))
        fraction = self._fraction(float(np.hypot(*(end - edge))) / length, self.part.pitch)
        across = np.array([-along[1], along[0]]) / np.hypot(*along) * self.part.pitch / 2
        corners = np.array([edge - across, end - across, end + across, edge + across])
        heights = self.place.z0, self.place.z1
        if min(abs(along)) > LEVEL:
            shape: Shape = Prism(corners, *heights, sharp=False)
            return self._body(f"wire {n + 1}", "xy", fraction, shape)
        (left, front), (right, back) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        shape = Box(left, right, front, back, *heights)
        return self._body(f"wire {n + 1}", "x" if abs(along[0]) > LEVEL else "y", fraction, shape)

    def _leaves(self, start: np.ndarray, end: np.ndarray, key: Key) -> np.ndarray:
        """Return where a wire crosses the edge of the chip; Fault where it does not."""
        chip, carriers = self.part.around, self.part.on or ()
        if not _within(start, self.chip):
            size = mm(self.chip.width, self.chip.depth)
            raise Fault((*key, "from"), f"is beyond {chip!r}, which is {size}")
        if not any(_within(end, self.package.places[other].outline) for other in carriers):
            message = f"is beyond {listed(carriers)}: it counts from the centre of {chip!r}"
            raise Fault((*key, "to"), message)
        x0, x1, y0, y1 = self.chip.bounds
        shares = [
            ((high if along > 0 else low) - at) / along
            for low, high, at, along in zip((x0, y0), (x1, y1), start, end - start, strict=True)
            if along
        ]
        if min(shares, default=1.0) >= 1.0:
            raise Fault((*key, "to"), f"is on {chip!r} itself: the far end lies beside it")
        return start + max(0.0, min(shares)) * (end - start)

    def _piece(self, side: Side, out: np.ndarray, middle: np.ndarray, half: np.ndarray) -> Shape:
        """Return a layer between two distances `out` from the centre, by its ends along a side."""
        low, high = middle - half, middle + half
        heights = self.place.z0, self.place.z1
        if np.ptp(low) < LEVEL and np.ptp(high) < LEVEL:
            along, across = (float(out.min()), float(out.max())), (float(low[0]), float(high[0]))
            return Box(*(*along, *across) if side[0] == "x" else (*across, *along), *heights)
        corners = np.array(
            [[out[0], low[0]], [out[1], low[1]], [out[1], high[1]], [out[0], high[0]]]
        )
        return Prism(corners if side[0] == "x" else corners[:, ::-1], *heights, sharp=False)

    def _fraction(self, straight: float, width: float) -> float:
        """Return the fraction of wire: one in each `width`.

        straight: the length of the layer over that of the wire.
        """
        fraction = pi * self.part.diameter**2 / 4 * straight / (width * self.height)
        if fraction > 0.5:
            much = f"{100 * fraction:.3g} % of the layer wire"
            raise Fault((*self.key, "pitch"), f"makes {much}: is a unit wrong?")
        return fraction

    def _body(self, what: str, direction: Direction, fraction: float, shape: Shape) -> Body:
        """Return a layer with its recipe."""
        label, free, package = f"{self.name}: {what}", self.part.stress_free, self.package
        if self.fill == VOID:
            package.recipes[label] = FreeWires(self.material, fraction, direction, self.key)
        else:
            cured = package.cured(self.name, self.fill)
            since = {} if cured is None else {self.fill: cured}
            free = cured if free is None else free
            fractions = {self.material: fraction, self.fill: 1.0 - fraction}
            package.recipes[label] = Mixture(RULES[direction], fractions, self.key, since)
        return Body(self.name, label, (shape,), free)

    def _refuse_beyond(
        self, side: Side, middle: float, width: float, low: float, high: float
    ) -> None:
        """Raise the fault of wires that leave the chip beyond the ends of its side."""
        ends = middle - width / 2, middle + width / 2
        if ends[0] >= low - LEVEL and ends[1] <= high + LEVEL:
            return
        part = self.part
        blame = "offset" if width <= high - low + LEVEL else "count"
        wires = f"{part.count} x {mm(part.pitch)} from {mm(ends[0])[:-3]} to {mm(ends[1])}"
        message = f"puts wires beyond the side {side}, {wires}"
        ends_of_side = f"{mm(low)[:-3]} to {mm(high)}"
        raise Fault((*self.key, blame), f"{message}; {part.around!r} has it from {ends_of_side}")


def _logarithmic_mean(one: float, other: float) -> float:
    """Return the width whose layer conducts as one that widens from one to the other."""
    ratio = float(other / one)
    return float(one) if abs(ratio - 1) < SLACK else float((other - one) / log(ratio))


def _within(point: np.ndarray, outline: Outline) -> bool:
    x0, x1, y0, y1 = outline.grown(LEVEL).bounds
    return bool(x0 <= point[0] <= x1 and y0 <= point[1] <= y1)
