"""Lid: a plate with a foot all round; the space under it stays empty."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from warp.errors import Fault, Key
from warp.geometry.package import Package
from warp.geometry.part import Neighbours, Sized, Solid
from warp.geometry.place import LEVEL, Outline, Place, listed, mm, um
from warp.geometry.rings import Gap, check_cut, open_spans, ring, without_corners
from warp.geometry.section import Names, Pair, Size, Thickness
from warp.geometry.shapes import Body, block
from warp.units import NOT_NEGATIVE, Length


class Lid(Sized, Solid):
    """A cap: a plate with a foot all round; the space under it stays empty."""

    plate: ClassVar = True
    synonyms: ClassVar = ("cap",)
    shape: Literal["lid"]
    size: Size
    """Outside of the plate and of the foot."""
    thickness: Thickness
    """Of the plate."""
    foot_width: Pair
    """Of the foot: of its x and of its y limbs, or one length for both."""
    foot_height: Thickness | None = None
    """Follows from what the plate rests `over`; where both are given they are compared."""
    over: Names | None = None
    """What the plate rests on (the thermal interface), while the foot stands `on` the adhesive."""
    vents: tuple[Gap, ...] = ()
    """Openings of the foot, over its whole height."""
    corner_cut: Annotated[Length, NOT_NEGATIVE] = 0.0
    """Cut off each outer corner at 45 degrees: this much of either side, at most the foot's
    width."""

    def heights(self, name: str, others: Neighbours) -> tuple[float, float]:
        """Return the bottom of the foot and the top of the plate in m."""
        key: Key = ("part", name)
        if not self.on or self.under or self.inside:
            raise Fault(key, 'a lid stands on its foot: add on = "adhesive" (and only on)')
        bottom = others.level(name, "on", self.on) + self.lift
        foot = self.foot_height
        if self.over:
            foot = self._foot(name, self.on, self.over, bottom, others)
        if foot is None:
            raise Fault(key, "has no foot_height: add it, or say what the plate rests over")
        return bottom, bottom + foot + self.thickness

    def _foot(
        self,
        name: str,
        on: tuple[str, ...],
        over: tuple[str, ...],
        bottom: float,
        others: Neighbours,
    ) -> float:
        """Return the height of the foot that brings the plate onto what it rests over."""
        key: Key = ("part", name)
        follows = others.level(name, "over", over) - bottom
        if follows <= LEVEL:
            missing = f"{listed(over)} ends {um(0.0 - follows)} below {listed(on)}"
            raise Fault((*key, "over"), f"leaves no room for the foot: {missing}")
        given = self.foot_height
        if given is not None and abs(given - follows) > LEVEL:
            state = "floats above" if given > follows else "presses into"
            raise Fault(
                (*key, "foot_height"),
                f"the plate {state} {listed(over)} by {um(abs(given - follows))}: the foot would "
                f'have to be "{follows * 1e3:.6g} mm" high; leave foot_height out and it will be',
            )
        return follows

    def underside(self, bottom: float, top: float) -> float:
        """Return the underside of the plate: what parts `under` the lid meet."""
        return top - self.thickness

    def contacts(self) -> dict[str, tuple[str, ...]]:
        """Return the parts that must lie below this one, by key."""
        return super().contacts() | {"over": self.over or ()}

    def bodies(self, name: str, place: Place, package: Package) -> list[Body]:
        """Return the plate and the foot as blocks, the foot interrupted by its vents."""
        material = self.wanted(name, package)
        key: Key = ("part", name)
        inner = self._cavity(name, place.outline)
        vents = open_spans(self.turn, self.vents, inner, (*key, "vents"))
        check_cut(self.corner_cut, place.outline, inner, key)
        top = block(place.outline, place.ceiling, place.z1)
        plate = without_corners(top, place.outline, self.corner_cut)
        foot = ring(place.outline, inner, place.z0, place.ceiling, vents, self.corner_cut)
        return [self.body(name, package, material, plate, *foot)]

    def _cavity(self, name: str, outline: Outline) -> Outline:
        own_size = not isinstance(self.size, str)
        wx, wy = self.turned_pair(self.foot_width) if own_size else self.foot_width
        inner = outline.grown(-wx, -wy)
        if inner.width <= 0 or inner.depth <= 0:
            lid = mm(outline.width, outline.depth)
            raise Fault(("part", name, "foot_width"), f"leaves no cavity in a lid of {lid}")
        return inner
