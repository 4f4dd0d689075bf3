"""Gerber layer files as polygons, as the standard defines them, deprecated commands included.

    %FS %MO %AD %AM %AB %SR %LP %LM %LR %LS %IP    D01 D02 D03 Dnn    G01 G02 G03 G36 G37 G74 G75

The result is a list of polygons in the order of drawing, dark or clear; a later one covers or
erases what is below. A command that cannot be read or is not understood stops with its line: a
layout is never read in part. Lengths in mm. Source: Ucamco, The Gerber Layer Format Specification,
revision 2024.05.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from warp.files.bounded import corners_allowed
from warp.geometry.apertures import Aperture, Drawn, Transform, standard
from warp.geometry.gerber_macro import PRECISION
from warp.geometry.strokes import Arc, Outline, arc_strokes, line, swept

INCH = 25.4  # mm
LARGEST = 1e5  # mm from the origin
FARTHEST = 0.1  # of an arc's radius, by which its ends may differ
_WORD = re.compile(r"([A-Z])([+-]?\d*\.?\d*)")
_IGNORED = ("TF", "TA", "TO", "TD", "IN", "LN", "IO", "RO")  # names and attributes: no image
_NEUTRAL = {
    "AS": r"AXBY",
    "MI": r"(A0)?(B0)?",
    "OF": r"(A[+-]?0*\.?0*)?(B[+-]?0*\.?0*)?",
    "SF": r"(A\+?1(\.0*)?)?(B\+?1(\.0*)?)?",
    "IR": r"0+",
    "IJ": r".*",
    "IC": r"AS",
}


class GerberError(ValueError):
    """A Gerber file is at fault: one sentence that begins with the line."""


@dataclass
class Image:
    """What a file draws, in order, and whether the whole is a negative."""

    drawn: Drawn
    negative: bool


def is_gerber(text: str) -> bool:
    """Tell Gerber by its first commands."""
    return (
        re.search(
            r"%\s*(FS[LTDAI]|MO(MM|IN)|AM|ADD\d|IP(POS|NEG)|LP[DC]|TF|AS|IN)|^\s*G0?4\b.*\*",
            text[:20_000],
            re.M,
        )
        is not None
    )


def read(text: str) -> Image:
    """Return the polygons of a Gerber file; GerberError names the line that is at fault."""
    reader = _Reader(corners_allowed(len(text)))
    line_number = 1
    try:
        for number, command, extended in _commands(text):
            line_number = number
            (reader.extended if extended else reader.block)(command)
            if reader.ended:
                break
        reader.finish()
    except GerberError:
        raise
    except (ValueError, OverflowError) as error:
        raise GerberError(f"line {line_number}: {error}") from None
    return Image(reader.drawn, reader.negative)


def _commands(text: str) -> Iterator[tuple[int, str, bool]]:
    """Yield line, text without blanks and whether it stands between % signs."""
    newline = "\n" if "\n" in text else "\r"
    position = counted = 0
    number = 1
    while position < len(text):
        if text[position].isspace() or text[position] in "\x00\x1a*":
            position += 1
            continue
        number += text.count(newline, counted, position)
        counted = position
        extended = text[position] == "%"
        end = text.find("%" if extended else "*", position + 1)
        if end < 0:
            raise GerberError(
                f"line {number}: {text[position : position + 30]!r} has no end: is the file "
                f"cut off?"
            )
        command = text[position + extended : end]
        comment = re.match(r"\s*G0?4(?!\d)", command) and not extended
        yield number, command if comment else "".join(command.split()), extended
        position = end + 1


@dataclass
class _Frame:
    """A step-and-repeat or a block aperture that is open, and what lies below it."""

    kind: str
    numbers: tuple[float, ...]
    below: Drawn


@dataclass
class _Reader:
    most: int
    drawn: Drawn = field(default_factory=list)
    negative: bool = False
    ended: bool = False
    unit: float | None = None
    digits: dict[str, tuple[int, int]] = field(default_factory=dict)
    trailing: bool = False
    incremental: bool = False
    apertures: dict[int, Aperture] = field(default_factory=dict)
    macros: dict[str, list[str]] = field(default_factory=dict)
    frames: list[_Frame] = field(default_factory=list)
    dark: bool = True
    transform: Transform = field(default_factory=Transform)
    aperture: Aperture | None = None
    at: complex = 0j
    mode: int = 1
    multi: bool | None = None
    operation: int | None = None
    contour: Outline | None = None
    region: bool = False
    corners: int = 0

    # Extended commands

    def extended(self, command: str) -> None:
        """Carry out what stands between two % signs."""
        if command.startswith("AM"):
            name, *blocks = command[2:].rstrip("*").split("*")
            if not name:
                raise ValueError("a macro has no name")
            self.macros[name] = blocks
            return
        for part in command.split("*"):
            if part:
                self._parameter(part)

    def _parameter(self, part: str) -> None:
        code, rest = part[:2], part[2:]
        known: dict[str, Callable[[str], None]] = {
            "FS": self._format,
            "MO": self._units,
            "AD": self._define,
            "AB": self._block_aperture,
            "SR": self._repeat,
            "LP": self._polarity,
            "LM": self._mirror,
            "LR": self._turn,
            "LS": self._scale,
            "IP": self._image_polarity,
        }
        if code in known:
            known[code](rest)
        elif code in _NEUTRAL:
            if not re.fullmatch(_NEUTRAL[code], rest):
                raise ValueError(
                    f"%{part}*% moves or turns the whole image by a command that the "
                    f"standard has given up: "
                    "write the file again without it"
                )
        elif re.fullmatch(r"[GDM]\d.*|[XY].*", part):
            self.block(part)
        elif code not in _IGNORED:
            raise ValueError(f"%{part[:30]}*% is not a command of Gerber")

    def _format(self, rest: str) -> None:
        found = re.fullmatch(
            r"([LTD]?)([AI]?)(N\d)?(G\d)?X(\d)(\d)Y(\d)(\d)(Z\d\d)?(D\d)?(M\d)?", rest
        )
        if not found:
            raise ValueError(f"%FS{rest[:30]}*% is not a format of coordinates")
        self.trailing = found[1] == "T"
        self.incremental = found[2] == "I"
        self.digits = {"X": (int(found[5]), int(found[6])), "Y": (int(found[7]), int(found[8]))}

    def _units(self, rest: str) -> None:
        if rest not in ("MM", "IN"):
            raise ValueError(f"%MO{rest[:30]}*% is not a unit")
        self.unit = 1.0 if rest == "MM" else INCH

    def _define(self, rest: str) -> None:
        found = re.fullmatch(r"D(\d+)([A-Za-z_.$][^,]*)(?:,(.*))?", rest)
        if not found or int(found[1]) < 10:
            raise ValueError(f"%AD{rest[:30]}*% defines no aperture")
        numbers = tuple(_number(word) for word in re.split("[Xx]", found[3])) if found[3] else ()
        name = found[2]
        if name in self.macros:
            made = Aperture(name, numbers, self._unit(), self.macros[name])
        elif name in ("C", "R", "O", "P"):
            made = standard(name, numbers, self._unit())
        else:
            raise ValueError(f"there is no macro {name!r}")
        self.apertures[int(found[1])] = made

    def _block_aperture(self, rest: str) -> None:
        if rest:
            if not re.fullmatch(r"D\d+", rest) or int(rest[1:]) < 10:
                raise ValueError(f"%AB{rest[:30]}*% names no aperture")
            self._open("AB", (int(rest[1:]),))
            return
        frame = self._close("AB")
        self.apertures[int(frame.numbers[0])] = Aperture("block", (), 1.0, block=self.drawn)
        self.drawn = frame.below

    def _repeat(self, rest: str) -> None:
        if self.frames and self.frames[-1].kind == "SR":
            self._repeated(self._close("SR"))
        elif not rest and not self.frames:
            return  # %SR*% where nothing repeats: many programs write it to be sure
        if rest:
            found = re.fullmatch(r"(?:X(\d+))?(?:Y(\d+))?(?:I([-+.\d]+))?(?:J([-+.\d]+))?", rest)
            if not found:
                raise ValueError(f"%SR{rest[:30]}*% is not a step and repeat")
            columns, rows = (int(word or 1) for word in found.groups()[:2])
            step = tuple(_number(word or "0") * self._unit() for word in found.groups()[2:])
            if min(columns, rows) < 1 or min(step) < 0.0:
                raise ValueError(
                    "a step and repeat needs counts of at least 1 and steps of at least 0"
                )
            if columns * rows > 1:
                self._open("SR", (columns, rows, *step))

    def _repeated(self, frame: _Frame) -> None:
        columns, rows, dx, dy = frame.numbers
        block, self.drawn = self.drawn, frame.below
        self._count(block, int(columns * rows))
        for i in range(int(columns)):
            for j in range(int(rows)):
                move = complex(i * dx, j * dy)
                self.drawn += [(polygon.copy().translate(move), dark) for polygon, dark in block]

    def _open(self, kind: str, numbers: tuple[float, ...]) -> None:
        if self.region:
            raise ValueError("a region is still open")
        if len(self.frames) >= 50:
            raise ValueError("more than 50 blocks within each other")
        self.frames.append(_Frame(kind, numbers, self.drawn))
        self.drawn = []

    def _close(self, kind: str) -> _Frame:
        if self.region:
            raise ValueError("a region is still open")
        if not self.frames or self.frames[-1].kind != kind:
            raise ValueError(f"%{kind}*% closes what is not open")
        return self.frames.pop()

    def _polarity(self, rest: str) -> None:
        if rest not in ("D", "C"):
            raise ValueError(f"%LP{rest[:30]}*% is not a polarity")
        self.dark = rest == "D"

    def _mirror(self, rest: str) -> None:
        if rest not in ("N", "X", "Y", "XY"):
            raise ValueError(f"%LM{rest[:30]}*% is not a mirroring")
        self.transform = replace(self.transform, mirror=rest)

    def _turn(self, rest: str) -> None:
        self.transform = replace(self.transform, turn=_number(rest))

    def _scale(self, rest: str) -> None:
        scale = _number(rest)
        if not scale > 0.0:
            raise ValueError(f"%LS{rest[:30]}*% is not a scale")
        self.transform = replace(self.transform, scale=scale)

    def _image_polarity(self, rest: str) -> None:
        if rest not in ("POS", "NEG"):
            raise ValueError(f"%IP{rest[:30]}*% is not a polarity")
        self.negative = rest == "NEG"

    # Blocks of words

    def block(self, command: str) -> None:
        """Carry out a block such as G01X1000Y0D01."""
        if re.match(r"\s*G0?4(?!\d)", command):
            return
        words = self._words(command)
        given: dict[str, str] = {}
        operation: int | None = None
        for letter, number in words:
            if letter == "G":
                self._general(int(number))
            elif letter == "D":
                if int(number) >= 10:
                    self._select(int(number))
                else:
                    operation = int(number)
            elif letter == "M":
                if int(number) not in (0, 1, 2, 30):
                    raise ValueError(f"M{number} is not a command of Gerber")
                self.ended = int(number) != 1
            elif letter in "XYIJ":
                given[letter] = number
        if operation is not None or given:
            self._operate(operation, given)

    @staticmethod
    def _words(command: str) -> list[tuple[str, str]]:
        found = []
        position = 0
        while position < len(command):
            word = _WORD.match(command, position)
            whole = word is not None and (
                word[1] in "XYIJ" or (word[1] in "GDMN" and word[2].isdigit())
            )
            if word is None or not whole or not word[2] or not word[2].strip("+-."):
                raise ValueError(f"{command[:40]!r} is not a command of Gerber")
            found.append((word[1], word[2]))
            position = word.end()
        return found

    def _general(self, code: int) -> None:
        if code in (0, 1):
            self.mode = 1
        elif code in (2, 3):
            self.mode = code
        elif code in (36, 37):
            self._close_contour()
            if self.region == (code == 36):
                raise ValueError(
                    "a region opens within a region" if self.region else "G37 closes no region"
                )
            self.region = code == 36
        elif code in (70, 71):
            self.unit = 1.0 if code == 71 else INCH
        elif code in (74, 75):
            self.multi = code == 75
        elif code in (90, 91):
            self.incremental = code == 91
        elif code not in (54, 55):  # said before a choice of aperture, before a flash
            raise ValueError(f"G{code:02d} is not a command of Gerber")

    def _select(self, number: int) -> None:
        if number not in self.apertures:
            raise ValueError(f"aperture D{number} is not defined")
        self.aperture = self.apertures[number]

    def _operate(self, operation: int | None, given: dict[str, str]) -> None:
        if operation is None:
            operation = self.operation  # deprecated: the last one goes on
            if operation is None:
                raise ValueError("coordinates without D01, D02 or D03")
        if operation not in (1, 2, 3):
            raise ValueError(f"D{operation:02d} is not a command of Gerber")
        self.operation = operation
        end = complex(self._coordinate("X", given), self._coordinate("Y", given))
        if not max(abs(end.real), abs(end.imag)) <= LARGEST:
            raise ValueError("a point lies more than 100 m from the origin")
        start, self.at = self.at, end
        if self.region:
            self._contour(operation, start, end, given)
        elif operation == 1:
            self._draw(start, end, given)
        elif operation == 3:
            if self.aperture is None:
                raise ValueError("a flash before any aperture is chosen")
            self._count(self.aperture.block or [], 1)
            flash = self.aperture.flash(end, self.transform, self.dark)
            self._count([] if self.aperture.block else flash, 1)
            self.drawn += flash

    def _coordinate(self, axis: str, given: dict[str, str]) -> float:
        last = self.at.real if axis == "X" else self.at.imag
        if axis not in given:
            return last
        value = self._length(given[axis], axis)
        return last + value if self.incremental else value

    def _length(self, word: str, axis: str) -> float:
        """Return a coordinate in mm from its digits."""
        if "." in word:
            return float(word) * self._unit()
        if not self.digits:
            raise ValueError("coordinates before the format of coordinates (%FS...*%)")
        whole, decimals = self.digits[axis]
        digits = word.lstrip("+-")
        if self.trailing:
            digits = digits.ljust(whole + decimals, "0")
        value = int(digits) * 10.0**-decimals * self._unit()
        return -value if word.startswith("-") else value

    def _unit(self) -> float:
        if self.unit is None:
            raise ValueError("a length before the unit (%MOMM*% or %MOIN*%)")
        return self.unit

    # What is drawn

    def _contour(self, operation: int, start: complex, end: complex, given: dict[str, str]) -> None:
        if operation == 3:
            raise ValueError("a flash within a region")
        if operation == 2:
            self._close_contour()
            return
        if self.contour is None:
            self.contour = [start]
        if self.mode != 1 and (arc := self._arc(start, end, given)) is not None:
            self.contour += arc.between(start, end)
        self.contour.append(end)
        if len(self.contour) > self.most:
            raise ValueError(f"a region has more than {self.most:,} corners")

    def _close_contour(self) -> None:
        outline, self.contour = self.contour, None
        if outline is not None and len(outline) > 2:
            self._outlines([outline])

    def _draw(self, start: complex, end: complex, given: dict[str, str]) -> None:
        if self.aperture is None:
            raise ValueError("a line before any aperture is chosen")
        pen = self.aperture.pen(self.transform)
        arc = None if self.mode == 1 else self._arc(start, end, given)
        if pen == 0.0:
            return
        if isinstance(pen, float):
            self._outlines(
                [line(start, end, pen)] if arc is None else arc_strokes(start, end, arc, pen)
            )
            return
        points = [start, *(arc.between(start, end) if arc else ()), end]
        self._outlines([swept(p, q, pen) for p, q in zip(points[:-1], points[1:], strict=True)])

    def _arc(self, start: complex, end: complex, given: dict[str, str]) -> Arc | None:
        """Return the arc between two points, None where it has no length."""
        if self.multi is None:
            raise ValueError("an arc before G75 or G74")
        i, j = (
            self._length(given[word], axis) if word in given else 0.0
            for word, axis in (("I", "X"), ("J", "Y"))
        )
        clockwise = self.mode == 2
        if self.multi:
            found = [Arc(start, end, start + complex(i, j), clockwise)]
        elif start == end:
            return None
        else:
            centres = [start + complex(a * i, b * j) for a in (1, -1) for b in (1, -1)]
            arcs = [Arc(start, end, centre, clockwise) for centre in centres]
            found = [
                arc for arc in arcs if abs(arc.turn) <= 1.6
            ]  # a quarter of a turn, with rounding
            found.sort(key=lambda arc: abs(arc.radius - arc.last_radius))
        if not found or found[0].radius == 0.0:
            if abs(end - start) < 1e-9 or (found and self._short(start, end)):
                return None
            raise ValueError("an arc without a centre (I, J)")
        arc = found[0]
        if abs(arc.radius - arc.last_radius) > max(FARTHEST * arc.radius, 0.01):
            raise ValueError(
                f"an arc whose ends lie {arc.radius:.4g} and {arc.last_radius:.4g} mm from "
                f"its centre"
            )
        return arc

    def _short(self, start: complex, end: complex) -> bool:
        """Tell whether two points are as close as rounding brings them."""
        return abs(end - start) < 0.01

    def _outlines(self, outlines: list[Outline]) -> None:
        import gdstk

        self._add([(gdstk.Polygon(outline), self.dark) for outline in outlines if len(outline) > 2])

    def _add(self, drawn: Drawn) -> None:
        self._count(drawn, 1)
        self.drawn += drawn

    def _count(self, drawn: Drawn, times: int) -> None:
        """Refuse what grows beyond all layouts before it is made."""
        self.corners += times * sum(polygon.size for polygon, _ in drawn)
        if self.corners > self.most:
            raise ValueError(
                f"the drawing has more than {self.most:,} corners: is a repetition right?"
            )

    def finish(self) -> None:
        """Close what the end of the file leaves open; a file that is cut off is an error."""
        if not self.ended:
            raise ValueError("the file ends without M02: is it cut off?")
        if self.region:
            raise ValueError("the file ends within a region")
        while self.frames:
            if self.frames[-1].kind == "AB":
                raise ValueError("the file ends within a block aperture")
            self._repeated(self._close("SR"))


def _number(word: str) -> float:
    if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)", word):
        raise ValueError(f"{word[:30]!r} is not a number")
    return float(word)


__all__ = ["GerberError", "Image", "PRECISION", "is_gerber", "read"]
