"""Drill files (Excellon) as the copper of plated holes: their barrels, or holes filled with copper.

A file's diameters are those of the finished hole; the plating stands around it. Tools that the file
calls non-plated give no copper. Holes, slots (G85) and routed paths (G00, M15, G01, M16) are read;
what is not understood stops with its line. Coordinates without a decimal point follow the format
that the file gives, else 3.3 digits in mm and 2.4 in inches (Excellon, CNC-7 operator's manual).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from warp.geometry.apertures import Drawn
from warp.geometry.gerber_macro import PRECISION
from warp.geometry.strokes import disc, line

INCH = 25.4  # mm
LARGEST = 1e5  # mm
MOST_HOLES = 500_000
_COORDINATES = re.compile(r"(?:X([-+]?\d*\.?\d*))?(?:Y([-+]?\d*\.?\d*))?")
_TOOL = re.compile(r"T(\d+)((?:[A-BD-Z][-+.\d]+)*)(?:C([\d.]+))?((?:[A-BD-Z][-+.\d]+)*)")
_IGNORED = re.compile(
    r"G05|G81|G90|G93.*|M47.*|M48|M95|%|FMAT,[12]|VER,\d|ICI,OFF|ATC,(ON|OFF)|OM48.*|DETECT,.*|FSB|"
    r"TCST,(ON|OFF)|PCKPARAM.*|HEADER:|M08|M09|M01|M06.*|[SFBH]\d+|G40|G41|G42|Z.*"
)


class ExcellonError(ValueError):
    """A drill file is at fault: one sentence that begins with the line."""


@dataclass(frozen=True)
class Hole:
    """A finished hole or slot (mm): where it begins and ends, its diameter."""

    start: complex
    end: complex
    diameter: float


def is_excellon(text: str) -> bool:
    """Tell a drill file by its header M48, or by tools with diameters where there is none."""
    start = text[:20_000]
    return re.search(r"^\s*(M48|%?T\d+[^C\n]*C\d*\.\d+)", start, re.M) is not None


def barrels(holes: list[Hole], plating: float | None) -> Drawn:
    """Return the copper (gdstk polygons in mm): walls of this thickness, None: filled holes."""
    import gdstk

    shapes: dict[tuple[complex, float], list[Any]] = {}
    found: Drawn = []
    for hole in holes:
        key = (hole.end - hole.start, hole.diameter)
        if key not in shapes:
            inner = gdstk.Polygon(_slot(key[0], hole.diameter / 2))
            shapes[key] = [inner]
            if plating is not None:
                outer = gdstk.Polygon(_slot(key[0], hole.diameter / 2 + plating))
                shapes[key] = gdstk.boolean(outer, inner, "not", PRECISION)
        found += [(shape.copy().translate(hole.start), True) for shape in shapes[key]]
    return found


def _slot(length: complex, radius: float) -> list[complex]:
    return line(0j, length, radius) if length else disc(0j, radius)


def read(text: str) -> list[Hole]:
    """Return the plated holes of a drill file; ExcellonError names the line that is at fault."""
    reader = _Reader()
    rows = text.splitlines()
    line_number = 1
    try:
        while not reader.ended and line_number <= len(rows):
            reader.line(rows[line_number - 1].strip())
            line_number += 1
    except (ValueError, OverflowError) as error:
        raise ExcellonError(f"line {line_number}: {error}") from None
    if not reader.ended:
        raise ExcellonError(f"line {len(rows)}: the file ends without M30: is it cut off?")
    return reader.holes


@dataclass
class _Reader:
    holes: list[Hole] = field(default_factory=list)
    ended: bool = False
    header: bool = False
    unit: float | None = None
    trailing: bool = False
    digits: tuple[int, int] | None = None
    incremental: bool = False
    plated: bool = True
    tools: dict[int, tuple[float, bool]] = field(default_factory=dict)
    tool: int | None = None
    at: complex = 0j
    routing: bool = False
    down: bool = False

    def line(self, row: str) -> None:
        if not row:
            return
        if row.startswith(";"):
            self._comment(row)
            return
        row = row.partition(";")[0].strip().upper().replace(" ", "")
        if self.header and row in ("%", "M95"):
            self.header = False
        elif row == "M48":
            self.header = True
        elif row.startswith(("METRIC", "INCH")):
            self._format(row)
        elif row in ("M71", "M72"):
            self.unit = 1.0 if row == "M71" else INCH
        elif row in ("M30", "M00", "M02"):
            self.ended = True
        elif row in ("G90", "G91", "ICI", "ICI,ON"):
            self.incremental = row != "G90"
        elif row in ("M15", "M16", "M17"):
            self._plunge(row == "M15")
        elif found := _TOOL.fullmatch(row):
            self._tool(int(found[1]), found[3])
        elif found := re.fullmatch(r"R(\d+)(M0?2)?((?:X[-+.\d]+)?(?:Y[-+.\d]+)?)", row):
            self._repeat(int(found[1]), found[3])
        elif found := re.fullmatch(r"(X[^G]*|Y[^G]*)G85(.*)", row):
            self._move(found[1])
            start = self.at
            self._move(found[2])
            self._drill(start, self.at)
        elif found := re.fullmatch(r"(?:(G0?0|G0?1|G0?5|G81)(?=[XY]|$))?([XY].*)?", row):
            self._go(found[1], found[2])
        elif not _IGNORED.fullmatch(row) and not self.header:
            raise ValueError(f"{row[:40]!r} is not a command of a drill file that is known")
        elif self.header and re.match(r"[XYG]", row):
            raise ValueError(f"{row[:40]!r} stands in the header")

    def _comment(self, row: str) -> None:
        """Take what programs say in comments: the format of numbers, and which tools are plated."""
        if found := re.search(r"FILE_FORMAT=(\d):(\d)", row):
            self.digits = (int(found[1]), int(found[2]))
        word = re.sub(r"[^A-Z]", "", row.upper())
        if "NONPLATED" in word or "NPTH" in word or "TYPENONPLATED" in word:
            self.plated = False
        elif "PLATED" in word or "PTH" in word:
            self.plated = True

    def _format(self, row: str) -> None:
        word, *rest = row.split(",")
        self.unit = 1.0 if word == "METRIC" else INCH
        for entry in rest:
            if entry in ("LZ", "TZ"):
                # LZ: leading zeros are kept, so that trailing ones may be missing
                self.trailing = entry == "LZ"
            elif found := re.fullmatch(r"(0+)\.(0+)", entry):
                self.digits = (len(found[1]), len(found[2]))
            else:
                raise ValueError(f"{row[:40]!r} is not a format of coordinates")

    def _tool(self, number: int, diameter: str | None) -> None:
        if diameter is not None:
            size = float(diameter) * self._unit()
            if not 0.0 < size <= 100.0:
                raise ValueError(f"tool T{number} has a diameter of {size:g} mm")
            self.tools[number] = (size, self.plated)
        if not self.header:
            self.tool = number if number else None
            if number and number not in self.tools:
                raise ValueError(f"tool T{number} has no diameter")

    def _plunge(self, down: bool) -> None:
        self.down = down

    def _go(self, code: str | None, point: str | None) -> None:
        if code in ("G00", "G0"):
            self.routing = True
        elif code in ("G05", "G81"):
            self.routing = False
        if point is None:
            return
        start = self.at
        self._move(point)
        if not self.routing:
            self._drill(self.at, self.at)
        elif self.down:
            self._drill(start, self.at)

    def _repeat(self, times: int, step: str) -> None:
        if times > MOST_HOLES:
            raise ValueError(f"a repetition of {times} holes")
        x, y = self._numbers(step)
        for _ in range(times):
            self.at += complex(x or 0.0, y or 0.0)
            self._drill(self.at, self.at)

    def _drill(self, start: complex, end: complex) -> None:
        if self.tool is None:
            raise ValueError("a hole before any tool is chosen")
        diameter, plated = self.tools[self.tool]
        if plated:
            self.holes.append(Hole(start, end, diameter))
            if len(self.holes) > MOST_HOLES:
                raise ValueError("more holes than a board has")

    def _move(self, point: str) -> None:
        x, y = self._numbers(point)
        base = self.at if self.incremental else 0j
        new_x = self.at.real if x is None else base.real + x
        new_y = self.at.imag if y is None else base.imag + y
        if not max(abs(new_x), abs(new_y)) <= LARGEST:
            raise ValueError("a point lies more than 100 m from the origin")
        self.at = complex(new_x, new_y)

    def _numbers(self, point: str) -> tuple[float | None, float | None]:
        found = _COORDINATES.fullmatch(point)
        if not found or not point:
            raise ValueError(f"{point[:40]!r} is not a point (arcs of routers are not read)")
        x, y = (None if word is None else self._length(word) for word in found.groups())
        return x, y

    def _length(self, word: str) -> float:
        digits = word.lstrip("+-")
        if not digits.strip("."):
            raise ValueError(f"{word!r} is not a number")
        if "." in digits:
            value = float(digits) * self._unit()
        else:
            whole, decimals = self.digits or ((3, 3) if self._unit() == 1.0 else (2, 4))
            if self.trailing:
                digits = digits.ljust(whole + decimals, "0")
            value = int(digits) * 10.0**-decimals * self._unit()
        return -value if word.startswith("-") else value

    def _unit(self) -> float:
        if self.unit is None:
            raise ValueError("a length before the unit (METRIC or INCH)")
        return self.unit
