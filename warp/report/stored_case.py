"""Parse the case of a result again, from the text in its file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from warp.case import case as cases

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.results.file import Result


def parsed(result: Result) -> Case:
    """Return the case; WarpError where this version, or a missing file, cannot read it."""
    info = result.provenance
    path = Path(info.get("case_file") or "case.toml")
    return cases.parse(result.case, path, info.get("overrides") or {})
