"""The text of a Gerber file: its commands, the words of a command, and the format of its numbers.

What the commands mean is in `gerber`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

INCH = 25.4  # mm
_WORD = re.compile(r"([A-Z])([+-]?\d*\.?\d*)")


class GerberError(ValueError):
    """A Gerber file is at fault: one sentence that begins with the line."""


def commands(text: str) -> Iterator[tuple[int, str, bool]]:
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
        unended = -1 if extended or comment else command.find("%")
        if unended >= 0:  # gerbonara leaves the * out before a % sign
            command, end = command[:unended], position + unended - 1
        yield number, command if comment else "".join(command.split()), extended
        position = end + 1


def words(command: str) -> list[tuple[str, str]]:
    """Split a block into letters and digits: "X10D01" is X 10 and D 01."""
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


def decimal(word: str) -> float:
    """Read a decimal number; ValueError names what is none."""
    if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)", word):
        raise ValueError(f"{word[:30]!r} is not a number")
    return float(word)


@dataclass
class NumberFormat:
    """How a file writes coordinates: unit in mm, digits before and after the point of each axis."""

    unit: float | None = None
    digits: dict[str, tuple[int, int]] = field(default_factory=dict)
    trailing: bool = False
    incremental: bool = False

    def set_coordinates(self, rest: str) -> None:
        """Carry out %FS: omitted zeros, absolute or incremental, and the digits of each axis."""
        found = re.fullmatch(
            r"([LTD]?)([AI]?)(N\d)?(G\d)?X(\d)(\d)Y(\d)(\d)(Z\d\d)?(D\d)?(M\d)?", rest
        )
        if not found:
            raise ValueError(f"%FS{rest[:30]}*% is not a format of coordinates")
        self.trailing = found[1] == "T"
        self.incremental = found[2] == "I"
        self.digits = {"X": (int(found[5]), int(found[6])), "Y": (int(found[7]), int(found[8]))}

    def set_unit(self, rest: str) -> None:
        """Carry out %MO."""
        if rest not in ("MM", "IN"):
            raise ValueError(f"%MO{rest[:30]}*% is not a unit")
        self.unit = 1.0 if rest == "MM" else INCH

    def length(self, word: str, axis: str) -> float:
        """Return a coordinate in mm from its digits."""
        if "." in word:
            return float(word) * self.scale()
        if not self.digits:
            raise ValueError("coordinates before the format of coordinates (%FS...*%)")
        whole, decimals = self.digits[axis]
        digits = word.lstrip("+-")
        if self.trailing:
            digits = digits.ljust(whole + decimals, "0")
        value = int(digits) * 10.0**-decimals * self.scale()
        return -value if word.startswith("-") else value

    def scale(self) -> float:
        """Return the file's unit in mm."""
        if self.unit is None:
            raise ValueError("a length before the unit (%MOMM*% or %MOIN*%)")
        return self.unit
