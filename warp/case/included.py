"""Merge the case files that a case includes: shared stacks, materials, processes.

    include = "hbm.toml"                 or a list; relative to the including file

The tables of an included file come first. What the including file says of the same key replaces
them: tables are merged key by key, anything else (a list of steps, too) as a whole. Files of copper
and watts that an included file names lie beside it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from warp.case.toml_lines import key_lines
from warp.errors import Fault, Key
from warp.files import bounded

BIGGEST = 50_000_000  # bytes of text: a case file is written by a person
DEEPEST = 20
Lines = dict[Key, tuple[str, int]]
"""File and line, from 1, of every key."""
MARK, LINE = "#:included ", "#| "
"""Before the name of an included file in a record, and before each of its lines."""
FILE_KEYS = ("file", "map", "floorplan", "trace", "copper", "vias")
"""Keys that may name a file."""


class TextError(ValueError):
    """A file that is no TOML; `line` where it is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass
class Source:
    """Tables of a case with the file and line of every key, and the files that were included."""

    tables: dict[str, Any]
    lines: Lines
    included: dict[Path, str] = field(default_factory=dict)


def record(text: str, path: Path, texts: Mapping[Path, str]) -> str:
    """Return a case's text with its included files as remarks, by which it can be read alone."""
    if not texts or MARK in text:
        return text
    blocks = [text.rstrip("\n") + "\n"]
    for other, own in texts.items():
        name = os.path.relpath(other, path.parent)
        blocks += [f"{MARK}{name}\n", *(f"{LINE}{line}\n" for line in own.splitlines())]
    return "".join(blocks)


def recorded(text: str, path: Path) -> dict[str, str]:
    """Return the texts of the included files in a record, by their paths."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines() if MARK in text else ():
        if line.startswith(MARK):
            name = os.path.normpath(path.parent / line.removeprefix(MARK))
            found[name] = []
        elif line.startswith(LINE) and name:
            found[name].append(line.removeprefix(LINE))
    return {name: "\n".join(lines) + "\n" for name, lines in found.items()}


def read(
    text: str, path: Path, trail: tuple[Path, ...] = (), known: Mapping[str, str] | None = None
) -> Source:
    """Parse a case's text and merge what it includes; known: texts by path, instead of files.

    TextError where the text is no TOML, Fault where an included file cannot be.
    """
    known = recorded(text, path) if known is None else known
    tables = parsed(text)
    lines: Lines = {key: (str(path), line) for key, line in key_lines(text).items()}
    found = Source({}, {})
    for name in _names(tables.pop("include", ())):
        other = path.parent / name
        _add(found, _included(other, name, (*trail, path), known), other, path.parent)
    _merge(found.tables, tables, found.lines, ())
    found.lines.update(lines)
    return found


def parsed(text: str) -> dict[str, Any]:
    """Return the tables of a TOML text; TextError where it is none."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(str(error)) from None
    except RecursionError:
        raise TextError("is nested too deeply to be a case") from None
    except ValueError:
        raise TextError("has a number of too many digits") from None


def read_text(path: Path) -> str:
    """Return the text of a case file; ValueError says why there is none."""
    try:
        content = bounded.read_as_it_is(path, BIGGEST)
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text, so it is not a case file") from None
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise ValueError(f"cannot be read as a case file: {error}") from None


def _names(given: Any) -> list[str]:
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise Fault(("include",), 'names case files: include = "stack.toml", or a list')
    return list(names)


def _included(path: Path, name: str, trail: tuple[Path, ...], known: Mapping[str, str]) -> Source:
    if any(path.resolve() == other.resolve() for other in trail) or len(trail) > DEEPEST:
        raise Fault(("include",), f"{name!r} includes itself")
    try:
        text = known.get(os.path.normpath(path)) or read_text(path)
        found = read(text, path, trail, known)
    except Fault as fault:
        raise Fault(("include",), f"{name!r}: {fault.message}") from None
    except TextError as error:
        where = "" if error.line is None else f" line {error.line}"
        raise Fault(("include",), f"{name!r}{where} {error}") from None
    except ValueError as error:
        raise Fault(("include",), f"{name!r} {error}") from None
    found.included = {path: text, **found.included}
    return found


def _add(found: Source, other: Source, path: Path, folder: Path) -> None:
    tables = moved(other.tables, path.parent, folder)
    _merge(found.tables, tables, found.lines, ())
    found.lines.update(other.lines)
    found.included.update(other.included)


def moved(value: Any, here: Path, folder: Path, key: str = "") -> Any:
    """Return tables whose files beside `here` are named from `folder`."""
    if isinstance(value, dict):
        return {name: moved(entry, here, folder, name) for name, entry in value.items()}
    if isinstance(value, list):
        return [moved(entry, here, folder, key) for entry in value]
    if key in FILE_KEYS and isinstance(value, str) and value and "\0" not in value:
        path = here / value
        if os.path.isfile(path):
            return os.path.relpath(path, folder)
    return value


def _merge(into: dict[str, Any], tables: Mapping[str, Any], lines: Lines, at: Key) -> None:
    for key, value in tables.items():
        known = into.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            _merge(known, value, lines, (*at, key))
            continue
        into[key] = value
        start = (*at, key)
        for other in [other for other in lines if other[: len(start)] == start]:
            del lines[other]


def _not_toml(message: str) -> TextError:
    words, _, where = message.partition(" (at ")
    line = where.removeprefix("line ").split(",")[0]
    unquoted = words.startswith(("Expected newline", "Invalid value"))
    hint = '; quantities are quoted, e.g. thickness = "0.775 mm"' if unquoted else ""
    hint = (
        "; a quotation mark is missing at its end" if words == r"Illegal character '\n'" else hint
    )
    return TextError(f"is not TOML: {words}{hint}", int(line) if line.isdigit() else None)
