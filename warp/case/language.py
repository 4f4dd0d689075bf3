"""Turn the text of a case file into plain tables: includes, variables, repetitions, --set.

    text -> included files merged -> [variables] computed -> repetitions written out
         -> --set applied -> arithmetic replaced by its values -> parts of steps that a pattern
         names and arrays of blocks like another written out -> tables for `CaseFile`

Every key of the tables knows the file and line that it is from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from warp.case import included, overrides, repeats, variables
from warp.case.arithmetic import Value
from warp.case.errors import CaseError, Problem, Reporter
from warp.case.included import Lines, TextError
from warp.errors import Fault


@dataclass(frozen=True)
class Plain:
    """The tables of a case without its language, what reports faults in them, and its includes."""

    tables: dict[str, Any]
    reporter: Reporter
    included: Mapping[Path, str]


def plain(text: str, path: Path, changes: Mapping[str, str]) -> Plain:
    """Return the tables of a case file; CaseError names file, line and key.

    changes: values of --set by their keys.
    """
    try:
        source = included.read(text, path)
    except TextError as error:
        raise CaseError([Problem(str(path), error.line, "", str(error))]) from None
    except Fault as fault:
        line = next((n for n, row in enumerate(text.splitlines(), 1) if "include" in row), None)
        raise CaseError([Problem(str(path), line, "include", fault.message)]) from None
    tables, lines = source.tables, source.lines
    early = {key: value for key, value in changes.items() if key.startswith("variables.")}
    late = {key: value for key, value in changes.items() if key not in early}
    changed, refused = overrides.apply(tables, early)
    names: dict[str, Value] = {}
    try:
        if "variables" in tables:
            names = variables.resolved(tables.pop("variables"), tables)
        if _written_short(tables):
            tables, lines = _written_out(tables, lines, names)
        more, also = overrides.apply(tables, late)
        changed, refused = changed | more, refused + also
        if refused:
            raise CaseError(
                Problem(str(path), None, f"--set {key}", message) for key, message in refused
            )
        tables = variables.substituted(tables, names)
        _name_parts(tables)
        _copy_blocks(tables)
    except Fault as fault:
        reporter = Reporter(str(path), lines, tables, changed)
        raise CaseError([reporter.problem(fault.key, fault.message)]) from None
    return Plain(tables, Reporter(str(path), lines, tables, changed), source.included)


def _name_parts(tables: Mapping[str, Any]) -> None:
    """Write out the parts that a pattern names, "die-*", in steps and in what parts stand on."""
    steps, known = tables.get("step"), tables.get("part")
    if not isinstance(known, dict):
        return
    for step in steps if isinstance(steps, list) else ():
        for key in ("parts", "flat"):
            _write_out(step, key, known)
    for name, part in known.items():
        others = {other: table for other, table in known.items() if other != name}
        for key in ("on", "under"):
            _write_out(part, key, others)


def _copy_blocks(tables: Mapping[str, Any]) -> None:
    """Write out block arrays whose `size` is another: its blocks, in its rows, about its centre."""
    parts = tables.get("part")
    arrays = {
        name: part
        for name, part in (parts.items() if isinstance(parts, dict) else ())
        if isinstance(part, dict) and part.get("shape") == "block-array"
    }
    for name in arrays:
        _copy_from(name, arrays, ())


def _copy_from(name: str, arrays: Mapping[str, dict[str, Any]], trail: tuple[str, ...]) -> None:
    array = arrays[name]
    other = array.get("size")
    if not isinstance(other, str) or other not in arrays or other in (*trail, name):
        return
    _copy_from(other, arrays, (*trail, name))
    if not array.keys() & {"inside", "around"}:
        array["around"] = other
    array["size"] = arrays[other].get("size")
    for key in ("pitch", "count", "pattern", "rows", "depopulate", "turn"):
        value = arrays[other].get(key)
        if value is not None and key not in array:
            array[key] = value[:2] if isinstance(value, list) else value  # one layer


def _write_out(table: Any, key: str, known: Mapping[str, Any]) -> None:
    """Replace the patterns of a key that names parts by all that fit and are not listed."""
    named = table.get(key) if isinstance(table, dict) else None
    listed = [named] if isinstance(named, str) else named
    if isinstance(listed, list) and any("*" in str(name) for name in listed):
        table[key] = [one for name in listed for one in _matching(name, known, listed)]


def _matching(name: Any, known: Mapping[str, Any], listed: list[Any]) -> list[Any]:
    """Return the known parts that a name stands for; the name itself where there is none."""
    if not isinstance(name, str) or "*" not in name:
        return [name]
    return [part for part in known if part not in listed and fnmatchcase(part, name)] or [name]


def _written_short(value: Any) -> bool:
    """Tell whether some table is repeated, or a name or a text has braces."""
    if isinstance(value, dict):
        named = any("{" in name for name in value)
        return named or "repeat" in value or any(map(_written_short, value.values()))
    if isinstance(value, list):
        return any(map(_written_short, value))
    return isinstance(value, str) and "{" in value


def _written_out(
    tables: dict[str, Any], lines: Lines, names: Mapping[str, Value]
) -> tuple[dict[str, Any], Lines]:
    def substitute(text: Any, counters: Mapping[str, Value], key: Any) -> Any:
        return variables.text_value(text, {**names, **counters}, key)

    return repeats.expanded(tables, lines, names, substitute)
