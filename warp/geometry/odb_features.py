"""Features of ODB++: the lines, pads, arcs and surfaces of a layer, in their order.

Pads turn clockwise. A symbol's sizes are mil or um, coordinates inches or mm.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property

from warp.geometry.apertures import Drawn
from warp.geometry.board import Laying, arc_stroke, polygon_of, stroke, with_holes
from warp.geometry.excellon import Hole
from warp.geometry.odb_files import INCH, OdbError, number, unit_of
from warp.geometry.odb_symbols import NUMBER
from warp.geometry.strokes import Arc, Outline

MIL, MICRON = 25.4e-3, 1e-3  # mm


class Features:
    """A file of features: symbols, attributes, and records in their order."""

    def __init__(
        self, text: str, unit: float, path: str, symbol: Callable[[str, float], Drawn]
    ) -> None:
        self.unit, self.path, self.symbol = unit_of(text) or unit, path, symbol
        self.lines = text.splitlines()
        self.names: dict[str, tuple[str, float]] = {}
        self.drill_key: str | None = None
        for line in self.lines:
            if line.startswith("$"):
                index, _, rest = line[1:].partition(" ")
                words = rest.split()
                own = {"I": MIL, "M": MICRON}.get(words[1]) if len(words) > 1 else None
                default = MICRON if self.unit != INCH else MIL
                self.names[index.strip()] = (words[0].lower() if words else "", own or default)
            elif line.startswith("@") and line.partition(" ")[2].strip().lower() == ".drill":
                self.drill_key = line[1:].split()[0]

    def drawn(self) -> Drawn:
        """Return the polygons of lines, pads, arcs and surfaces, in their order."""
        found: Drawn = []
        for row, words, outlines in self._records():
            try:
                if words[0] == "S":
                    islands = [outline for outline, solid in outlines if solid]
                    holes = [outline for outline, solid in outlines if not solid]
                    dark = words[1] != "N"
                    found += [(polygon, dark) for polygon in with_holes(islands, holes)]
                else:
                    found += self._record(words)
            except (IndexError, KeyError):
                raise OdbError(f"line {row} of {self.path}: {' '.join(words)[:60]!r}") from None
        return found

    @cached_property
    def islands(self) -> list[Outline]:
        """Return the outlines of surfaces, without their holes."""
        return [outline for _, _, own in self._records() for outline, solid in own if solid]

    def holes(self) -> Iterator[tuple[Hole, bool]]:
        """Yield the holes and slots of a drill layer, and whether they are plated."""
        for row, words, _ in self._records():
            if words[0] not in ("P", "L"):
                continue
            plated = self._attribute(words) != "1"
            try:
                name, unit = self.names[words[5] if words[0] == "L" else words[3]]
            except (IndexError, KeyError):
                raise OdbError(f"line {row} of {self.path}: {' '.join(words)[:60]!r}") from None
            size = re.fullmatch(rf"r{NUMBER}.*", name)
            if size is None:
                continue
            start = self._point(words[1:3])
            end = self._point(words[3:5]) if words[0] == "L" else start
            yield Hole(start, end, unit * float(size[1])), plated

    def _attribute(self, words: list[str]) -> str:
        """Return the value of the attribute .drill of a record, "" where it has none."""
        for pair in words[-1].partition(";")[2].split(";")[0].split(",") if words else ():
            key, _, value = pair.partition("=")
            if self.drill_key is not None and key.strip() == self.drill_key:
                return value.strip()
        return ""

    def _records(self) -> Iterator[tuple[int, list[str], list[tuple[Outline, bool]]]]:
        """Yield line number and words of every record; of a surface, its outlines as well.

        True stands for an island, False for a hole. Attributes stay with the last word.
        """
        surface: list[str] = []
        outlines: list[tuple[Outline, bool]] = []
        for row, line in enumerate(self.lines, 1):
            head, mark, rest = line.strip().partition(";")
            words = head.split()
            if not words or words[0][0] in "#$@&" or "=" in words[0]:
                continue
            if words[0] == "S":
                surface, outlines = words, []
            elif words[0] == "SE":
                yield row, surface, outlines
            elif words[0] in ("OB", "OS", "OC", "OE"):
                self._contour(words, outlines, row)
            elif words[0] in ("P", "L", "A"):
                yield row, [*words[:-1], f"{words[-1]}{mark}{rest}"], []

    def _contour(self, words: list[str], outlines: list[tuple[Outline, bool]], n: int) -> None:
        """Add a line of a surface to its outlines."""
        try:
            if words[0] == "OB":
                outlines.append(([self._point(words[1:3])], words[3].upper() != "H"))
            elif words[0] == "OS":
                outlines[-1][0].append(self._point(words[1:3]))
            elif words[0] == "OC":
                points = outlines[-1][0]
                end, centre = self._point(words[1:3]), self._point(words[3:5])
                arc = Arc(points[-1], end, centre, words[5].upper() == "Y")
                points += [*arc.between(points[-1], end), end]
            elif len(outlines[-1][0]) > 1 and abs(outlines[-1][0][0] - outlines[-1][0][-1]) < 1e-9:
                outlines[-1][0].pop()
        except IndexError:
            raise OdbError(f"line {n} of {self.path}: {' '.join(words)[:60]!r}") from None

    def _point(self, words: list[str]) -> complex:
        return self.unit * complex(number(words[0]), number(words[1]))

    def _record(self, words: list[str]) -> Drawn:
        """Return the polygons of a line, a pad or an arc."""
        words = [*words[:-1], words[-1].partition(";")[0]]
        if words[0] == "P":
            return self._pad(words)
        first = 5 if words[0] == "L" else 7
        name, unit = self.names[words[first]]
        dark = words[first + 1] != "N"
        pen = self._pen(name, unit)
        start, end = self._point(words[1:3]), self._point(words[3:5])
        if words[0] == "L":
            outlines = stroke([start, end], pen)
        else:
            centre = self._point(words[5:7])
            clockwise = words[first + 3].upper() == "Y"
            outlines = arc_stroke(start, end, Arc(start, end, centre, clockwise), pen)
        return [(polygon_of(outline), dark) for outline in outlines if len(outline) > 2]

    def _pen(self, name: str, unit: float) -> float | Outline:
        size = re.fullmatch(rf"r{NUMBER}", name)
        if size is not None:
            return unit * float(size[1]) / 2
        drawn = self.symbol(name, unit)
        if len(drawn) != 1:
            raise OdbError(f"draws lines with symbol {name!r} in {self.path}")
        return [complex(x, y) for x, y in drawn[0][0].points]

    def _pad(self, words: list[str]) -> Drawn:
        """Return a symbol as a pad lays it: turned clockwise, mirrored in x, resized."""
        at, rest = self._point(words[1:3]), words[3:]
        scale = 1.0
        if rest[0] == "-1":
            scale, rest = number(rest[2]), rest[1:2] + rest[3:]
        name, unit = self.names[rest[0]]
        dark = rest[1] != "N"
        orientation = int(number(rest[3])) if len(rest) > 3 else 0
        degrees = 90.0 * (orientation % 4)
        mirror = 4 <= orientation <= 7 or orientation == 9
        if orientation > 7:
            degrees = number(rest[4]) if len(rest) > 4 else 0.0
        laying = Laying.of(at, -degrees, mirror, scale)
        return [(polygon, own == dark) for polygon, own in laying.lay(self.symbol(name, unit))]
