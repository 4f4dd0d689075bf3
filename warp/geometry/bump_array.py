"""What arrays of columns and of balls share: bumps, pillars, vias, solder joints.

Either every member is resolved, or the array is one effective layer over its sites: the members as
fibres in the material between them, or free-standing (`materials.bump_layer`) where there is none.
"""

from __future__ import annotations

from math import floor
from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from warp.errors import Fault, Key
from warp.geometry.lattice import MOST_SITES, SLACK, Array, Lattice, closest, depopulate, lay
from warp.geometry.package import VOID, FreeColumns, Mixture, Package
from warp.geometry.part import Neighbours, Sized
from warp.geometry.place import Outline, Place, um
from warp.geometry.section import Pair, Thickness
from warp.geometry.shapes import Balls, Body, Box, Columns, turned
from warp.materials.bump_layer import Member
from warp.units import NOT_NEGATIVE, Length, Temperature


class BumpArray(Sized, Array):
    """Equal columns or balls on a centred lattice that fills a field."""

    # `size` is the field of the array; by default the outline of what carries it.
    inset: Annotated[Length, NOT_NEGATIVE] | None = None
    """From the field's edge to the outermost centres, at least; by default half a pitch."""
    pitch: Pair
    """Of neighbouring sites in x and y, or one length for both."""
    diameter: Thickness
    """Of each member."""
    height: Thickness | None = None
    """Standoff; by default the space that `on` and `under` or `inside` leave."""
    model: Literal["resolved", "effective"] = "resolved"
    """Effective: one homogeneous layer over the sites, of the members and the fill between them."""
    fill: Annotated[str, Field(examples=["underfill-uf9000ae"])] | None = None
    """For model = "effective": the material between them, "void" if there is none. In a process
    nothing is between them until the part of this material is present that they lie in."""
    fill_stress_free: Temperature | None = None
    """Stress-free temperature of the fill: its cure. By default that of the part of this material
    that they lie in."""

    members: ClassVar[str] = "columns"

    def reference(self) -> tuple[str, str] | None:
        """Return the part from whose centre `at` counts: by default what carries the array."""
        found = super().reference()
        if found is not None or self.size is not None:
            return found
        if self.on:
            return "on", self.on[0]
        return ("under", self.under[0]) if self.under else None

    def centred_on(self, name: str, others: Neighbours) -> Outline | None:
        """Return the outline that the field is centred on; Fault where nothing carries it."""
        if self.size is None and self.reference() is None:
            needs = "has no field: add size, or say on or under what its sites lie"
            raise Fault(("part", name), needs)
        return super().centred_on(name, others)

    def heights(self, name: str, others: Neighbours) -> tuple[float, float]:
        """Return bottom and top in m."""
        return others.stand(name, self, self.height, "height")

    def own_height(self, name: str) -> float | None:
        """Return the standoff that the table gives, in m."""
        return self.height

    def section_area(self, height: float) -> float:
        """Return the mean area in m2 of a member's section over its height."""
        raise NotImplementedError

    def member(self, height: float) -> Member:
        """Return the profile of a free-standing member."""
        raise NotImplementedError

    def shape_of(self, centres: npt.NDArray[np.float64], place: Place) -> Columns | Balls:
        """Return the resolved members at centres (n, 2)."""
        raise NotImplementedError

    def refuse_height(self, key: Key, height: float) -> None:
        """Raise the fault of members that cannot have this height."""

    def bodies(self, name: str, place: Place, package: Package) -> list[Body]:
        """Return the members, or the rectangles of their effective layer."""
        material = self.wanted(name, package)
        key: Key = ("part", name)
        self.refuse_height(key, place.z1 - place.z0)
        lattice = self._lattice(place.outline, key)
        package.sites[name] = lattice.counts(turned=self.turn % 180 == 90)
        if self.model == "effective":
            return [self._layer(name, material, lattice, place, package)]
        if self.fill not in (None, VOID) and not self.inside:
            message = (
                'belongs to model = "effective"; else what fills the space is a part before it'
            )
            raise Fault((*key, "fill"), message)
        sites = turned(lattice.centres(), self.turn // 90)
        centres = sites + [place.outline.x, place.outline.y]
        return [self.body(name, package, material, self.shape_of(centres, place))]

    @property
    def filled_with(self) -> str | None:
        """Return the material between the members of an effective layer."""
        return self.fill if self.model == "effective" and self.fill != VOID else None

    @property
    def each(self) -> str:
        """Return the diameter of each member."""
        return um(self.diameter)

    def _lattice(self, field: Outline, key: Key) -> Lattice:
        """Lay whole rows and columns in the field; Fault names what is impossible."""
        width, depth = self.turned_pair((field.width, field.depth))
        px, py = self.pitch
        columns, rows = _count(width, px, self.inset), _count(depth, py, self.inset)
        if columns < 1 or rows < 1:
            inset = px / 2 if self.inset is None else self.inset
            size = f"{width * 1e3:.4g} x {depth * 1e3:.4g} mm"
            left = f"the field is {size}, less {inset * 1e3:.4g} mm all round"
            raise Fault((*key, "pitch"), f"leaves no site: {left}")
        if columns * rows > MOST_SITES:
            sites = f"{columns} x {rows} sites, more than {MOST_SITES:,}"
            raise Fault((*key, "pitch"), f"makes {sites}: is its unit right?")
        lattice = lay(self, columns, rows, self.pitch, key)
        least = closest(self, columns, rows, self.pitch)
        if self.diameter > least * (1 + SLACK):
            neighbours = f"the distance of neighbours ({least * 1e6:.6g} um)"
            message = f"is larger than {neighbours}: they would overlap"
            raise Fault((*key, "diameter"), message)
        depopulate(self, lattice, key)
        return lattice

    def _layer(
        self, name: str, material: str, lattice: Lattice, place: Place, package: Package
    ) -> Body:
        """Return the effective layer over the cells of the sites; record its recipe.

        `case.assembly` makes the material from the recipe.
        """
        key: Key = ("part", name)
        if material == VOID:
            message = 'cannot be void in model = "effective": holes are resolved'
            raise Fault((*key, "material"), message)
        if self.fill is None:
            remedy = 'add what fills the space between, e.g. fill = "underfill-uf9000ae", or "void"'
            raise Fault((*key, "fill"), f"is missing: {remedy}")
        if self.fill == material:
            message = f"is {material!r} like the material itself: nothing to make effective"
            raise Fault((*key, "fill"), message)
        rectangles = lattice.rectangles()
        height = place.z1 - place.z0
        per_area = int(lattice.populated.sum()) / sum(r.area for r in rectangles)
        fraction = per_area * self.section_area(height)
        label = f"{name}: effective"
        if self.fill == VOID:
            member = self.member(height)
            package.recipes[label] = FreeColumns(material, member, per_area, fraction, key)
        else:
            fill = package.want(self.fill, (*key, "fill"))
            own = self.fill_stress_free
            cured = package.cured(name, fill) if own is None else own
            since = {} if cured is None else {fill: cured}
            fractions = {material: fraction, fill: 1.0 - fraction}
            package.recipes[label] = Mixture("fibres", fractions, key, since)
        centre = [place.outline.x, place.outline.y]
        boxes = []
        for r in rectangles:
            corners = turned(np.array([[r.x0, r.y0], [r.x1, r.y1]]), self.turn // 90) + centre
            (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
            boxes.append(Box(x0, x1, y0, y1, place.z0, place.z1))
        return self.body(name, package, label, *boxes)


def _count(length: float, pitch: float, inset: float | None) -> int:
    """Return how many sites fit in a length."""
    room = length - (pitch if inset is None else 2 * inset)
    if room <= -SLACK * length:
        return 0
    return floor(room / pitch + SLACK * max(1.0, room / pitch)) + 1
