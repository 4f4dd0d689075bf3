r"""Find the line of each key in a TOML text; tomllib reads the values but keeps no positions.

    key_lines('[part.chip]\nsize = ["1 mm"]')
    {("part",): 1, ("part", "chip"): 1, ("part", "chip", "size"): 2, ("part", "chip", "size", 0): 2}

The scanner trusts its input: tomllib has already accepted the text.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

Path = tuple[str | int, ...]
BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
KEY = re.compile(r'[ \t]*(?:"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|([A-Za-z0-9_-]+))[ \t]*')
STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\]|\\.)*"|\'[^\']*\'', re.DOTALL
)
BARE = re.compile(r"[^,\]}#\n]+")


def key_lines(text: str) -> dict[Path, int]:
    """Map every key path of a valid TOML text, list positions included, to its line, from 1."""
    return _Scanner(text).document()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.starts = [match.end() for match in re.finditer("\n", text)]
        self.lines: dict[Path, int] = {}
        self.lists: dict[Path, int] = {}  # how often each [[array.of.tables]] has begun

    def document(self) -> dict[Path, int]:
        table: Path = ()
        self.blank()
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.blank()
        return self.lines

    def header(self) -> Path:
        line = self.line()
        many = self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        keys = self.keys()
        self.at += 2 if many else 1
        path: Path = ()
        for depth, key in enumerate(keys, start=1):
            path += (key,)
            self.lines.setdefault(path, line)
            if many and depth == len(keys):
                self.lists[path] = self.lists.get(path, 0) + 1
            if path in self.lists:
                path += (self.lists[path] - 1,)
        self.lines.setdefault(path, line)
        return path

    def pair(self, table: Path) -> None:
        line = self.line()
        path = table
        for key in self.keys():
            path += (key,)
            self.lines.setdefault(path, line)
        self.at += 1  # the equals sign
        self.blank()
        self.value(path)

    def keys(self) -> list[str]:
        found = []
        while match := KEY.match(self.text, self.at):
            key = next(group for group in match.groups() if group is not None)
            found.append(
                tomllib.loads(f'key = "{key}"')["key"] if "\\" in (match[1] or "") else key
            )
            self.at = match.end()
            if self.text[self.at] != ".":
                break
            self.at += 1
        return found

    def value(self, path: Path) -> None:
        self.lines.setdefault(path, self.line())
        opening = self.text[self.at]
        if opening in "[{":
            self.at += 1
            self.members(path, "]" if opening == "[" else "}")
        else:
            match = STRING.match(self.text, self.at) or BARE.match(self.text, self.at)
            self.at = match.end() if match else self.at + 1

    def members(self, path: Path, closing: str) -> None:
        index = 0
        self.blank()
        while self.text[self.at] != closing:
            if closing == "]":
                self.value((*path, index))
                index += 1
            else:
                self.pair(path)
            self.blank()
            if self.text[self.at] == ",":
                self.at += 1
                self.blank()
        self.at += 1

    def blank(self) -> None:
        match = BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def line(self) -> int:
        return bisect_right(self.starts, self.at) + 1
