"""Frame: a rectangular ring. Stiffener, adhesive under a lid's foot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from warp.errors import Fault, Key
from warp.geometry.package import Package
from warp.geometry.part import Sized, Solid
from warp.geometry.place import LEVEL, Outline, Place, mm
from warp.geometry.rings import Gap, check_cut, open_spans, ring
from warp.geometry.section import Pair, Size, Thickness
from warp.geometry.shapes import Body
from warp.units import NOT_NEGATIVE, Length


class Frame(Sized, Solid):
    """A rectangular ring: stiffener, adhesive under a lid's foot."""

    plate: ClassVar = True
    synonyms: ClassVar = ("ring", "stiffener")
    one_layer: ClassVar = True
    shape: Literal["frame"]
    size: Size | None = None
    """Outside; with `around` and `width` it follows."""
    width: Pair | None = None
    """Of the ring: of its x and of its y limbs, or one length for both."""
    opening: Pair | None = None
    """Extents of the opening, instead of `width`."""
    clearance: Annotated[Length, NOT_NEGATIVE] = 0.0
    """Between the part that it goes around and the opening."""
    gaps: tuple[Gap, ...] = ()
    """Interruptions: a dispensed bead of adhesive that leaves air a way out."""
    corner_cut: Annotated[Length, NOT_NEGATIVE] = 0.0
    """Cut off each outer corner at 45 degrees: this much of either side, at most the ring's
    width."""
    thickness: Thickness | None = None
    """Height; by default the space that `on` and `under` or `inside` leave."""

    def extent(self, name: str, reference: Outline | None) -> tuple[float, float]:
        """Return the outside, which follows from `around` and `width` where `size` is missing."""
        if self.size is not None:
            return self.rectangle(name, reference)
        if self.around is None or reference is None or self.width is None:
            needs = "a frame needs its size, or the part that it goes around and its width"
            raise Fault(("part", name), needs)
        x_limb, y_limb = self.width
        grown = reference.grown(self.clearance + x_limb, self.clearance + y_limb)
        return grown.width, grown.depth

    def own_height(self, name: str) -> float | None:
        """Return the thickness that the table gives, in m."""
        return self.thickness

    def bodies(self, name: str, place: Place, package: Package) -> list[Body]:
        """Return the ring as blocks, interrupted by its gaps."""
        material = self.wanted(name, package)
        key: Key = ("part", name)
        inner = self._opening(name, place.outline, package.places)
        check_cut(self.corner_cut, place.outline, inner, key)
        gaps = open_spans(self.turn, self.gaps, inner, (*key, "gaps"))
        shapes = ring(place.outline, inner, place.z0, place.z1, gaps, self.corner_cut)
        return [self.body(name, package, material, *shapes)]

    def _opening(self, name: str, outline: Outline, places: Mapping[str, Place]) -> Outline:
        """Return the opening; Fault where it closes, leaves no ring or cuts into its neighbour."""
        key: Key = ("part", name)
        inner = places.get(self.around or "")
        around = inner.outline.grown(self.clearance) if inner else None
        if self.opening and self.width:
            raise Fault((*key, "opening"), "follows from size and width: keep two of the three")
        if self.opening:
            width, depth = self.turned_pair(self.opening)
        elif self.width:
            wx, wy = self.turned_pair(self.width) if self.size is not None else self.width
            width, depth = outline.width - 2 * wx, outline.depth - 2 * wy
        elif around:
            width, depth = around.width, around.depth
        else:
            raise Fault(key, 'a frame needs a width (or opening, or around): add width = "3 mm"')
        blame = (*key, "opening" if self.opening else "width" if self.width else "around")
        opening = mm(width, depth)
        if width <= 0 or depth <= 0:
            message = f"closes the opening ({opening}): make it narrower, or use a plate"
            raise Fault(blame, message)
        if width > outline.width - LEVEL or depth > outline.depth - LEVEL:
            sizes = f"outside {mm(outline.width, outline.depth)}, opening {opening}"
            raise Fault(blame, f"leaves no ring: {sizes}")
        if around and (width < around.width - LEVEL or depth < around.depth - LEVEL):
            sizes = f"the opening {opening} must hold {mm(around.width, around.depth)}"
            raise Fault(blame, f"cuts into {self.around!r}: {sizes}")
        return Outline(outline.x, outline.y, width, depth)
