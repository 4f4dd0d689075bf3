"""Parse the case of a result again, from the text in its file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from warp.case import case as cases
from warp.case.plates import quotable
from warp.errors import WarpError

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.results.file import Result

_PARSED: WeakKeyDictionary[Result, Case] = WeakKeyDictionary()
"""Cases of the results that are in memory: a page asks for its case many times."""


def parsed(result: Result) -> Case:
    """Return the case; WarpError where this version, or a missing file, cannot read it."""
    if result not in _PARSED:
        info = result.provenance
        path = Path(info.get("case_file") or "case.toml")
        _PARSED[result] = cases.parse(result.case, path, info.get("overrides") or {})
    return _PARSED[result]


def quotable_parts(result: Result) -> set[str] | None:
    """Return the plates and terminals of the case; None if it cannot be read."""
    try:
        return quotable(parsed(result))
    except WarpError:
        return None


def named_surfaces(result: Result) -> list[str]:
    """Return the surfaces PART.SIDE that the case asks for by name; none if it cannot be read."""
    try:
        return list(parsed(result).file.output.surfaces or ())
    except WarpError:
        return []
