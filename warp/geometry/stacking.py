"""Where the parts of a package lie: relations become coordinates.

In plane a part is centred on the package, or on the part that `size`, `around` or `inside` names, plus `at`.
Upwards it stands `on`, hangs `under`, starts `inside`, or fills what is between; the one part without such a word
starts at z = 0. Both are followed from part to part, so that a changed thickness moves whatever stands on it.
The two chains are separate: bumps as large as the chip may carry that chip. Lengths in metres, z up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from warp.errors import Fault, Key, nearest
from warp.geometry.part import (
    AnyPart,
    Array,
    Blocks,
    Disc,
    Fillet,
    Frame,
    Lid,
    Lump,
    Part,
    Plate,
    Prism,
    Void,
    Wires,
)

LEVEL = 1e-9  # m: far below any layer, and above the round-off of sums of lengths
THINNEST = 1e-8  # m: the grid takes closer boundaries for one
WIDEST = 10.0  # m
UM = 1e6
Found = TypeVar("Found")


@dataclass(frozen=True)
class Outline:
    """A part's rectangle in plane: centre and extents in m."""

    x: float
    y: float
    width: float
    depth: float

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """x0, x1, y0, y1."""
        return (
            self.x - self.width / 2,
            self.x + self.width / 2,
            self.y - self.depth / 2,
            self.y + self.depth / 2,
        )

    def grown(self, dx: float, dy: float | None = None) -> Outline:
        dy = dx if dy is None else dy
        return Outline(self.x, self.y, self.width + 2 * dx, self.depth + 2 * dy)


@dataclass(frozen=True)
class Place:
    """Where a part lies: outline, bottom and top; `ceiling` is what something under it meets (a lid's plate)."""

    outline: Outline
    z0: float
    z1: float
    ceiling: float


def place(parts: Mapping[str, AnyPart]) -> tuple[dict[str, Place], list[Fault]]:
    """Place every part, and return what could not be placed."""
    stack = _Stack(parts)
    places: dict[str, Place] = {}
    faults: dict[tuple[Key, str], Fault] = {}
    for name in parts:
        try:
            outline, (bottom, top) = stack.outline(name), stack.heights(name)
            _check_extent(name, outline, bottom, top)
            ceiling = top - stack.plate_thickness(name) if isinstance(parts[name], Lid) else bottom
            places[name] = Place(outline, bottom, top, ceiling)
        except Fault as fault:
            faults[fault.key, fault.message] = fault
    return places, list(faults.values())


def _check_extent(name: str, outline: Outline, bottom: float, top: float) -> None:
    """Refuse what only a slipped unit explains: it would vanish between grid lines, or swallow them."""
    extents = (outline.width, outline.depth, top - bottom)
    if min(extents) < THINNEST:
        raise Fault(("part", name), f"is {min(extents) * 1e9:.3g} nm thin: is the unit right?")
    if max(*extents, *map(abs, outline.bounds), abs(bottom), abs(top)) > WIDEST:
        raise Fault(("part", name), f"reaches further than {WIDEST:g} m: is the unit right?")


class _Stack:
    """Follows relations from part to part, each once, and notices circles."""

    def __init__(self, parts: Mapping[str, AnyPart]) -> None:
        self.parts = parts
        words = ("on", "under", "inside", "around")
        self.first = next(
            (name for name, part in parts.items() if not any(getattr(part, w) for w in words)), None
        )
        self.known: dict[tuple[str, str], Any] = {}
        self.trail: dict[str, list[str]] = {"outline": [], "heights": []}

    def follow(self, what: str, name: str, compute: Callable[[str, Any], Found]) -> Found:
        trail = self.trail[what]
        if (what, name) in self.known:
            found = self.known[what, name]
        elif name in trail:
            circle = [*trail[trail.index(name) :], name]
            how = "rests on" if what == "heights" else "takes its place from"
            found = Fault(
                ("part", name),
                f"stands on itself: {f' {how} '.join(circle)}; give one of them another place to stand",
            )
        else:
            trail.append(name)
            try:
                found = compute(name, self.parts[name])
            except Fault as fault:
                found = fault
            trail.pop()
            self.known[what, name] = found
        if isinstance(found, Fault):
            raise found
        return found

    def part(self, name: str, owner: str, key: str) -> AnyPart:
        if name not in self.parts:
            others = [other for other in self.parts if other != owner]
            raise Fault(("part", owner, key), f"there is no part {name!r}{nearest(name, others)}")
        return self.parts[name]

    # in plane

    def outline(self, name: str) -> Outline:
        return self.follow("outline", name, self._outline)

    def _outline(self, name: str, part: AnyPart) -> Outline:
        reference = self.reference(name, part)
        x, y = part.at
        if reference:
            x, y = x + reference.x, y + reference.y
        width, depth = self.extent(name, part, reference)
        if width <= 0.0 or depth <= 0.0:
            if isinstance(part, Prism):
                raise Fault(
                    ("part", name, "outline"), "encloses no area: its corners lie on one line"
                )
            raise Fault(("part", name, "grow"), "nothing is left of it: shrink it by less")
        return Outline(x, y, width, depth)

    def reference(self, name: str, part: AnyPart) -> Outline | None:
        """The outline that a part is centred on, None for the package's centre."""
        size = getattr(part, "size", None)
        for key, other in (("around", part.around), ("size", size), ("inside", part.inside)):
            if isinstance(other, str):
                self.part(other, name, key)
                return self.outline(other)
        if isinstance(part, Array) and size is None:
            return self.outline(self.carrier(name, part))
        return None

    def carrier(self, name: str, part: Array) -> str:
        """The part whose outline is an array's field."""
        key = "on" if part.on else "under" if part.under else "inside"
        others = part.on or part.under or (part.inside and (part.inside,))
        if not others:
            raise Fault(
                ("part", name), "has no field: add size, or say on or under what its sites lie"
            )
        self.part(others[0], name, key)
        return others[0]

    def extent(self, name: str, part: AnyPart, reference: Outline | None) -> tuple[float, float]:
        if isinstance(part, Prism):
            xs, ys = zip(*part.outline, strict=True)
            width, depth = 2 * max(map(abs, xs)), 2 * max(map(abs, ys))
        elif isinstance(part, Blocks):
            xs, ys = zip(*part.sites, strict=True)
            width, depth = (
                2 * max(map(abs, xs)) + part.size[0],
                2 * max(map(abs, ys)) + part.size[1],
            )
        elif isinstance(part, Disc):
            return part.diameter, part.diameter
        elif isinstance(part, Wires):
            if reference is None or part.around is None:
                raise Fault(
                    ("part", name), 'bond wires need the chip that they leave: add around = "chip"'
                )
            grown = reference.grown(part.reach)
            return grown.width, grown.depth
        elif isinstance(part, Fillet):
            if reference is None or part.around is None:
                raise Fault(
                    ("part", name),
                    'a fillet needs the chip that it goes around: add around = "chip"',
                )
            grown = reference.grown(part.width)
            return grown.width, grown.depth
        elif isinstance(part, Frame) and part.size is None:
            if part.around is None or reference is None or part.width is None:
                raise Fault(
                    ("part", name),
                    "a frame needs its size, or the part that it goes around and its width",
                )
            grown = reference.grown(part.clearance + part.width[0], part.clearance + part.width[1])
            return grown.width, grown.depth
        elif part.size is None or isinstance(part.size, str):
            if reference is None:
                raise Fault(("part", name, "size"), "has no size")
            grow = getattr(part, "grow", 0.0)
            return reference.width + 2 * grow, reference.depth + 2 * grow
        else:
            grow = getattr(part, "grow", 0.0)
            width, depth = part.size[0] + 2 * grow, part.size[1] + 2 * grow
        return (depth, width) if part.turn in (90, 270) else (width, depth)

    # upwards

    def heights(self, name: str) -> tuple[float, float]:
        """Bottom and top of a part."""
        return self.follow("heights", name, self._heights)

    def _heights(self, name: str, part: AnyPart) -> tuple[float, float]:
        if isinstance(part, Lid):
            return self.lid_heights(name, part)
        if isinstance(part, Wires):
            return self.wire_heights(name, part)
        relations = [key for key in ("on", "under", "inside") if getattr(part, key)]
        thickness = self.thickness(name, part)
        if relations == ["on", "under"]:
            return self.between(name, part, thickness)
        if len(relations) > 1:
            words = " and ".join(relations)
            raise Fault(
                ("part", name, relations[-1]), f"says twice where it stands ({words}): keep one"
            )
        if thickness is None and relations != ["inside"]:
            key = "height" if isinstance(part, Array) else "thickness"
            raise Fault(("part", name), f'has no {key}: add {key} = "0.5 mm"')
        if part.on:
            bottom = self.level(name, "on", part.on) + part.lift
        elif part.under:
            assert thickness is not None
            bottom = self.level(name, "under", part.under) - thickness + part.lift
        elif part.inside:
            self.part(part.inside, name, "inside")
            floor, roof = self.heights(part.inside)
            bottom = floor + part.lift
            thickness = roof - bottom if thickness is None else thickness
            if thickness <= LEVEL:
                raise Fault(
                    ("part", name, "lift"),
                    f"lifts it out of {part.inside!r}: nothing is left inside",
                )
        elif part.around:
            self.part(part.around, name, "around")
            bottom = self.heights(part.around)[0] + part.lift
        elif name == self.first:
            bottom = part.lift
        else:
            remedy = f'add on = "{self.first}", or under, inside or around'
            raise Fault(("part", name), f"does not say where it stands: {remedy}")
        assert thickness is not None
        return bottom, bottom + thickness

    def between(self, name: str, part: Part, thickness: float | None) -> tuple[float, float]:
        assert part.on and part.under
        floor = self.level(name, "on", part.on) + part.lift
        roof = self.level(name, "under", part.under)
        room = roof - floor
        what = f"between {_and(part.on)} and {_and(part.under)}"
        if room <= LEVEL:
            raise Fault(("part", name), f"there is no room {what} ({_um(room)})")
        if thickness is not None and abs(room - thickness) > LEVEL:
            raise Fault(
                ("part", name, "thickness"),
                f"is {_um(thickness)}, but there are {_um(room)} {what}: leave one of on, under, thickness out",
            )
        return floor, roof

    def lid_heights(self, name: str, lid: Lid) -> tuple[float, float]:
        if not lid.on or lid.under or lid.inside:
            raise Fault(
                ("part", name), 'a lid stands on its foot: add on = "adhesive" (and only on)'
            )
        bottom = self.level(name, "on", lid.on) + lid.lift
        foot = lid.foot_height
        if lid.over:
            rests = self.level(name, "over", lid.over)
            follows = rests - bottom
            if follows <= LEVEL:
                raise Fault(
                    ("part", name, "over"),
                    f"leaves no room for the foot: {_and(lid.over)} ends {_um(0.0 - follows)} below {_and(lid.on)}",
                )
            if foot is not None and abs(foot - follows) > LEVEL:
                state = "floats above" if foot > follows else "presses into"
                raise Fault(
                    ("part", name, "foot_height"),
                    f"the plate {state} {_and(lid.over)} by {_um(abs(foot - follows))}: "
                    f'the foot would have to be "{follows * 1e3:.6g} mm" high; leave foot_height out and it will be',
                )
            foot = follows
        if foot is None:
            raise Fault(
                ("part", name), "has no foot_height: add it, or say what the plate rests over"
            )
        return bottom, bottom + foot + lid.thickness

    def wire_heights(self, name: str, wires: Wires) -> tuple[float, float]:
        """From what carries the far ends to the loops' top above the chip."""
        if not wires.on or wires.around is None:
            raise Fault(
                ("part", name),
                'bond wires run from a chip to what carries it: add on = "substrate"',
            )
        self.part(wires.around, name, "around")
        bottom = self.level(name, "on", wires.on) + wires.lift
        top = self.heights(wires.around)[1] + wires.loop
        if top - bottom <= LEVEL:
            raise Fault(
                ("part", name, "on"),
                f"there is no height from {_and(wires.on)} to {wires.around!r}'s top",
            )
        return bottom, top

    def thickness(self, name: str, part: AnyPart) -> float | None:
        if isinstance(part, Array | Fillet):
            return part.height
        if isinstance(part, Plate) and part.layers:
            if part.thickness is not None:
                raise Fault(("part", name, "thickness"), "follows from the layers: leave it out")
            layers = [
                layer
                for entry in part.layers
                for layer in (entry.lump if isinstance(entry, Lump) else (entry,))
            ]
            return sum(layer.thickness for layer in layers)
        assert isinstance(part, Plate | Void | Disc | Prism | Frame | Blocks)
        return part.thickness

    def plate_thickness(self, name: str) -> float:
        lid = self.parts[name]
        return lid.thickness if isinstance(lid, Lid) else 0.0

    def level(self, name: str, key: str, others: tuple[str, ...]) -> float:
        """The common height of the parts that carry this one (their tops; seen from below, their undersides)."""
        heights = {}
        for other in others:
            part = self.part(other, name, key)
            bottom, top = self.heights(other)
            underside = top - self.plate_thickness(other) if isinstance(part, Lid) else bottom
            heights[other] = underside if key == "under" else top
        low, high = min(heights, key=heights.__getitem__), max(heights, key=heights.__getitem__)
        gap = heights[high] - heights[low]
        if gap > LEVEL:
            miss, touch = (high, low) if key == "under" else (low, high)
            raise Fault(
                ("part", name, key),
                f"is not level: it meets {touch!r}, but {_um(gap)} are missing to {miss!r}; make one thicker",
            )
        return heights[low if key == "under" else high]


def _um(length: float) -> str:
    return f"{length * UM:.6g} um"


def _and(names: tuple[str, ...]) -> str:
    return " and ".join(repr(name) for name in names)
