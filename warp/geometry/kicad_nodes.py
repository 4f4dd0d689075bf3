"""S-expressions of KiCad: lists of words and of lists, each with the line where it begins.

Read by hand: forty lines and no dependency; of the readers on PyPI, one stopped with an older KiCad
(kiutils), another knows neither lines nor bounds (sexpdata).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MOST_BYTES = 64_000_000  # of text, whose lists take several times as much
MOST_DEPTH = 100
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|([()])|([^\s()"]+)')
_ESCAPED = re.compile(r"\\(.)", re.S)


class KicadError(ValueError):
    """A file that is no board of KiCad; the text says what is wrong, with its line."""


class Node(list["str | Node"]):
    """A list: its first word says what it is; `line`: where it begins, from 1."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line

    @property
    def name(self) -> str:
        """Return the first word."""
        return self[0] if self and isinstance(self[0], str) else ""

    @property
    def words(self) -> list[str]:
        """Return the words after the first."""
        return [entry for entry in self[1:] if isinstance(entry, str)]

    def every(self, *names: str) -> Iterator[Node]:
        """Yield the lists below with one of these names, in their order."""
        for entry in self:
            if isinstance(entry, Node) and entry.name in names:
                yield entry

    def first(self, name: str) -> Node | None:
        """Return the first list below with this name."""
        return next(self.every(name), None)

    def text(self, name: str, default: str = "") -> str:
        """Return the word of a list below, such as (layer "F.Cu")."""
        found = self.first(name)
        return found.words[0] if found is not None and found.words else default

    def number(self, name: str, default: float | None = None) -> float:
        """Return the number of a list below, such as (width 0.25)."""
        found = self.first(name)
        if found is None and default is not None:
            return default
        return self.numbers(name, 1)[0]

    def numbers(self, name: str, least: int) -> list[float]:
        """Return the numbers of a list below, such as (size 1.2 0.8); KicadError if too few."""
        found = self.first(name)
        values = [] if found is None else [number(word) for word in found.words]
        known = [value for value in values if value is not None]
        if len(known) < least:
            raise KicadError(f"line {self.line}: {name} of {self.name} is missing or no number")
        return known

    def point(self, name: str) -> complex:
        """Return the point of a list below in mm, y up."""
        x, y = self.numbers(name, 2)[:2]
        return complex(x, -y)


def number(word: str) -> float | None:
    """Read a number of mm or degrees; None where it is none, or beyond any board."""
    try:
        found = float(word)
    except ValueError:
        return None
    return found if abs(found) < 1e6 else None


def parsed(text: str) -> Node:
    """Return the outermost list of a text; KicadError where brackets do not match."""
    whole = Node(1)
    open_lists = [whole]
    line, seen = 1, 0
    for word in _WORD.finditer(text):
        quoted, bracket, plain = word.groups()
        if bracket is None:
            value = plain if quoted is None else _ESCAPED.sub(r"\1", quoted)
            open_lists[-1].append(value)
            continue
        line += text.count("\n", seen, word.start())
        seen = word.start()
        if bracket == ")":
            open_lists.pop()
            if not open_lists:
                raise KicadError(f"line {line}: a bracket is closed that was not opened")
            continue
        node = Node(line)
        open_lists[-1].append(node)
        open_lists.append(node)
        if len(open_lists) > MOST_DEPTH:
            raise KicadError(f"line {line}: lists are nested more than {MOST_DEPTH} deep")
    if len(open_lists) > 1:
        raise KicadError(f"line {open_lists[-1].line}: a bracket is not closed: is it cut off?")
    found = next((entry for entry in whole if isinstance(entry, Node)), None)
    if found is None:
        raise KicadError("holds no list")
    return found
