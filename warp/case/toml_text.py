"""Write tables as TOML.

By hand because it is shorter than any writer's configuration: arrays of tables on top, inner tables
inline, texts in double quotes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from warp.errors import WarpError

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_DEPTH = 2  # of headings: [part.chip]; deeper tables are inline


def dumps(tables: Mapping[str, Any]) -> str:
    """Write tables as TOML; WarpError names a value that TOML cannot hold."""
    return "\n".join(_lines(tables, ())).strip() + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Write the values of a table, then the tables in it under headings of their own."""
    below: dict[str, Any] = {}
    for key, value in table.items():
        if value is None:  # Python's way to leave a key out
            continue
        if len(path) < _DEPTH and _is_table(value):
            below[key] = value
        else:
            yield f"{_key(key)} = {_value(value, (*path, key))}"
    for key, value in below.items():
        heading = ".".join(map(_key, (*path, key)))
        if isinstance(value, Mapping):
            if not value or not all(isinstance(inner, Mapping) for inner in value.values()):
                yield f"\n[{heading}]"
            yield from _lines(value, (*path, key))
        else:
            for entry in value:
                yield f"\n[[{heading}]]"
                yield from (
                    f"{_key(name)} = {_value(inner, (*path, key, name))}"
                    for name, inner in entry.items()
                    if inner is not None
                )


def _is_table(value: Any) -> bool:
    """Tell whether a value is a table, or a list of nothing but tables."""
    if isinstance(value, Mapping):
        return True
    return (
        isinstance(value, list | tuple)
        and bool(value)
        and all(isinstance(entry, Mapping) for entry in value)
    )


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key)


def _value(value: Any, path: tuple[str, ...]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    if isinstance(value, Mapping):
        pairs = (f"{_key(k)} = {_value(v, (*path, k))}" for k, v in value.items() if v is not None)
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(entry, path) for entry in value)}]"
    raise WarpError(f"{'.'.join(path)}: {value!r} is neither text, number, list nor table")
