"""Place the parts of a package: relations become coordinates.

In plane a part is centred on the package, or on the part that `size`, `around` or `inside` names,
plus `at`. Upwards it stands `on`, hangs `under`, starts `inside`, or fills the space between; the
one part without such a key starts at z = 0. Both chains are followed from part to part, so that a
changed thickness moves all that stands on it, and they are separate: bumps as large as the chip may
carry that chip. Kinds of parts answer for themselves (`part.Part`). Lengths in metres, z up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Generic, TypeVar

from warp.errors import Fault, Key, nearest
from warp.geometry.part import Part
from warp.geometry.place import LEVEL, Outline, Place, listed, um

THINNEST = 1.001e-8  # m: the grid takes boundaries closer than 10 nm for one
WIDEST = 10.0  # m
Found = TypeVar("Found")


def place(
    parts: Mapping[str, Part], unknown: Collection[str] = ()
) -> tuple[dict[str, Place], list[Fault]]:
    """Place every part; return the places and the faults of parts that cannot be placed.

    unknown: parts whose tables are not valid. Neither they nor what rests on them is placed.
    """
    stack = _Stack(parts, unknown)
    places: dict[str, Place] = {}
    faults: dict[tuple[Key, str], Fault] = {}
    for name, part in parts.items():
        try:
            for key, named in part.contacts().items():  # not every kind reads all of them
                for other in named:
                    stack.part(other, name, key)
            outline, (bottom, top) = stack.outline(name), stack.heights(name)
            _check_extent(name, outline, bottom, top)
            places[name] = Place(outline, bottom, top, part.underside(bottom, top))
        except Fault as fault:
            faults[fault.key, fault.message] = fault
    return places, [fault for fault in faults.values() if fault not in stack.unplaced.values()]


def _check_extent(name: str, outline: Outline, bottom: float, top: float) -> None:
    """Refuse extents that only a slipped unit explains."""
    extents = (outline.width, outline.depth, top - bottom)
    if min(extents) < THINNEST:
        raise Fault(("part", name), f"is {min(extents) * 1e9:.3g} nm thin: is the unit right?")
    if max(*extents, *map(abs, outline.bounds), abs(bottom), abs(top)) > WIDEST:
        raise Fault(("part", name), f"reaches further than {WIDEST:g} m: is the unit right?")


class _Chain(Generic[Found]):
    """Follow one kind of relation from part to part: each part once, and never in a circle."""

    def __init__(
        self, parts: Mapping[str, Part], verb: str, compute: Callable[[str, Part], Found]
    ) -> None:
        self.parts, self.verb, self.compute = parts, verb, compute
        self.known: dict[str, Found | Fault] = {}
        self.trail: list[str] = []

    def follow(self, name: str) -> Found:
        """Return what is computed for a part, after the parts that it depends on."""
        found = self.known[name] if name in self.known else self._new(name)
        if isinstance(found, Fault):
            raise found
        return found

    def _new(self, name: str) -> Found | Fault:
        if name in self.trail:
            circle = f" {self.verb} ".join([*self.trail[self.trail.index(name) :], name])
            remedy = "give one of them another place to stand"
            return Fault(("part", name), f"stands on itself: {circle}; {remedy}")
        self.trail.append(name)
        found: Found | Fault
        try:
            found = self.compute(name, self.parts[name])
        except Fault as fault:
            found = fault
        self.trail.pop()
        self.known[name] = found
        return found


class _Stack:
    """The parts of a package while they are being placed: `part.Neighbours`."""

    def __init__(self, parts: Mapping[str, Part], unknown: Collection[str]) -> None:
        self.parts = parts
        free = (name for name, part in parts.items() if not _stands(part) and name not in unknown)
        self.first = next(free, None)
        self.outlines = _Chain(parts, "takes its place from", self._outline)
        self.levels = _Chain(parts, "rests on", lambda name, part: part.heights(name, self))
        self.unplaced = {name: Fault(("part", name), "has no place") for name in unknown}
        self.outlines.known |= self.unplaced
        self.levels.known |= self.unplaced

    def part(self, name: str, owner: str, key: str) -> Part:
        """Return the part that the owner's key names; Fault where there is none."""
        if name not in self.parts:
            others = [other for other in self.parts if other != owner]
            raise Fault(("part", owner, key), f"there is no part {name!r}{nearest(name, others)}")
        return self.parts[name]

    def outline(self, name: str) -> Outline:
        """Return the outline of a part."""
        return self.outlines.follow(name)

    def heights(self, name: str) -> tuple[float, float]:
        """Return bottom and top of a part in m."""
        return self.levels.follow(name)

    def _outline(self, name: str, part: Part) -> Outline:
        reference = part.centred_on(name, self)
        x, y = part.at
        if reference:
            x, y = x + reference.x, y + reference.y
        width, depth = part.extent(name, reference)
        if width <= 0.0 or depth <= 0.0:
            raise part.refuse_empty(name)
        return Outline(x, y, width, depth)

    def stand(
        self, name: str, part: Part, thickness: float | None, word: str
    ) -> tuple[float, float]:
        """Return bottom and top by the relations `on`, `under`, `inside` and `around`."""
        relations = [key for key in ("on", "under", "inside") if getattr(part, key)]
        if relations == ["on", "under"]:
            return self._between(name, part, thickness)
        if len(relations) > 1:
            words = f"says twice where it stands ({' and '.join(relations)}): keep one"
            raise Fault(("part", name, relations[-1]), words)
        if part.inside and not part.on and not part.under:
            return self._inside(name, part, part.inside, thickness)
        if thickness is None:
            raise Fault(("part", name), f'has no {word}: add {word} = "0.5 mm"')
        bottom = self._bottom(name, part, thickness)
        return bottom, bottom + thickness

    def _bottom(self, name: str, part: Part, thickness: float) -> float:
        if part.on:
            return self.level(name, "on", part.on) + part.lift
        if part.under:
            return self.level(name, "under", part.under) - thickness + part.lift
        if part.around:
            self.part(part.around, name, "around")
            return self.heights(part.around)[0] + part.lift
        if name == self.first:
            return part.lift
        remedy = f'add on = "{self.first}", or under, inside or around'
        raise Fault(("part", name), f"does not say where it stands: {remedy}")

    def _inside(
        self, name: str, part: Part, host: str, thickness: float | None
    ) -> tuple[float, float]:
        self.part(host, name, "inside")
        floor, roof = self.heights(host)
        bottom = floor + part.lift
        thickness = roof - bottom if thickness is None else thickness
        if thickness <= LEVEL:
            message = f"lifts it out of {host!r}: nothing is left inside"
            raise Fault(("part", name, "lift"), message)
        return bottom, bottom + thickness

    def _between(self, name: str, part: Part, thickness: float | None) -> tuple[float, float]:
        on, under = part.on or (), part.under or ()
        floor = self.level(name, "on", on) + part.lift
        roof = self.level(name, "under", under)
        room = roof - floor
        between = f"between {listed(on)} and {listed(under)}"
        if room <= LEVEL:
            raise Fault(("part", name), f"there is no room {between} ({um(room)})")
        if thickness is not None and abs(room - thickness) > LEVEL:
            remedy = "leave one of on, under, thickness out"
            message = f"is {um(thickness)}, but there are {um(room)} {between}: {remedy}"
            raise Fault(("part", name, "thickness"), message)
        return floor, roof

    def level(self, name: str, key: str, others: tuple[str, ...]) -> float:
        """Return the common height at which these parts meet the part `name`.

        That is their tops, or with the key "under" their undersides; Fault if they are not level.
        """
        heights = {}
        for other in others:
            part = self.part(other, name, key)
            bottom, top = self.heights(other)
            heights[other] = part.underside(bottom, top) if key == "under" else top
        low, high = min(heights, key=heights.__getitem__), max(heights, key=heights.__getitem__)
        gap = heights[high] - heights[low]
        if gap > LEVEL:
            miss, touch = (high, low) if key == "under" else (low, high)
            raise Fault(
                ("part", name, key),
                f"is not level: it meets {touch!r}, but {um(gap)} are missing to {miss!r}; "
                "make one thicker",
            )
        return heights[low if key == "under" else high]


def _stands(part: Part) -> bool:
    return any((part.on, part.under, part.inside, part.around))
