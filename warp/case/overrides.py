"""Values given on the command line instead of the file's: --set part.chip.thickness="0.5 mm".

A key is a path of dots; a list entry goes by its `name` or its number, from 1. A value is read as
TOML if it is TOML (numbers, lists, tables, quoted strings), and otherwise as bare text, so that
quotes inside quotes are not needed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from warp.errors import Key, nearest

STEP = re.compile(r'"([^"]*)"|([^".]+)')
OPTIONAL = (
    "grid",
    "output",
    "load",
    "material",
    "boundary",
    "interface",
    "variables",
    "tolerance",
    "identify",
    "optimize",
)  # tables that --set may begin
WITHIN = frozenset(
    {
        "ambient",
        "arrhenius",
        "cells",
        "depopulate",
        "film",
        "free",
        "mixture",
        "of",
        "power",
        "relaxation",
        "source",
        "tiles",
        "wlf",
        "zones",
    }
)
"""Tables within others that --set may begin: those that the case file names. Parts, materials and
boundaries have names of the user's, of which a new one is rather a slip."""
LIKE_THE_CASE = ("tolerance",), ("identify", "free")
"""Tables whose keys are those of the case, which may be begun at any depth."""


def apply(
    tables: dict[str, Any], overrides: Mapping[str, str]
) -> tuple[frozenset[Key], list[tuple[str, str]]]:
    """Change the tables in place; return the key paths changed, and (key, message) of failures."""
    changed, refused = set(), []
    for key, text in overrides.items():
        steps = [quoted or bare for quoted, bare in STEP.findall(key)]
        try:
            changed.add(_set(tables, steps, _value(text)))
        except ValueError as error:
            refused.append((key, str(error)))
    return frozenset(changed), refused


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (
        ValueError,
        RecursionError,
    ):  # no TOML, a number of too many digits, or nested too deeply
        return text


def found(tables: Mapping[str, Any], key: str) -> Any:
    """Return the value at a key, None where there is none."""
    here: Any = tables
    for quoted, bare in STEP.findall(key):
        step = quoted or bare
        if isinstance(here, list):
            try:
                here = here[_entry(here, step, ())]
            except ValueError:
                return None
        elif isinstance(here, dict) and step in here:
            here = here[step]
        else:
            return None
    return here


def _set(tables: dict[str, Any], steps: list[str], value: Any) -> Key:
    if not steps:
        raise ValueError("is not a key: write e.g. part.chip.thickness")
    here: Any = tables
    path: Key = ()
    for depth, step in enumerate(steps):
        last = depth == len(steps) - 1
        at: str | int = step
        if isinstance(here, list):
            at = _entry(here, step, path)
        elif not isinstance(here, dict):
            raise ValueError(f"{'.'.join(map(str, path))} is {here!r}, a value without keys")
        elif step not in here and not last:
            if _may_begin(path, step):
                here[step] = {}
            else:
                missing = ".".join(map(str, (*path, step)))
                raise ValueError(f"the file has no {missing}{nearest(step, list(here))}")
        path = (*path, at)
        if last:
            here[at] = value
        else:
            here = here[at]
    return path


def _may_begin(path: Key, step: str) -> bool:
    """Tell whether --set may begin a table that the file lacks."""
    if not path:
        return step in OPTIONAL
    return step in WITHIN or any(path[: len(start)] == start for start in LIKE_THE_CASE)


def _entry(entries: list[Any], step: str, path: Key) -> int:
    names = [entry.get("name") if isinstance(entry, dict) else None for entry in entries]
    if step in names:
        return names.index(step)
    if step.isdecimal() and 1 <= int(step) <= len(entries):
        return int(step) - 1
    known = ", ".join(str(name) for name in names if name)
    names_too = f" or {known}" if known else ""
    raise ValueError(f"{'.'.join(map(str, path))} has entries 1 to {len(entries)}{names_too}")
