"""Files that a case names: layouts, power maps, solids; found in its tables, and their digest.

Any string that names a file from the folder of the case counts, whatever its key: one file too many
does no harm where files are protected or compared.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from warp.case import language
from warp.case.errors import CaseError

LONGEST_PATH = 4096  # bytes, of Linux
MEASURED = "identify"
"""Table whose files are compared with results and change none."""


def named_files(tables: Mapping[str, Any], folder: Path) -> list[Path]:
    """Return the files that strings of the tables name, and those in the folder of a job."""
    found: dict[Path, None] = {}
    for text in _strings(dict(tables)):
        if 0 < len(text) < LONGEST_PATH and "\0" not in text:
            path = folder / text
            if os.path.isfile(path):
                found[path] = None
            elif (path / "matrix" / "matrix").is_file():  # of ODB++
                found.update(dict.fromkeys(one for one in sorted(path.rglob("*")) if one.is_file()))
    return list(found)


def digest_of_files(text: str, path: Path, overrides: Mapping[str, str]) -> bytes:
    """Return a digest of what a case reads beside its text; empty where there is nothing."""
    try:
        written = language.plain(text, path, overrides)
    except CaseError:
        return b""  # whoever solves it says what is wrong
    tables = {name: table for name, table in written.tables.items() if name != MEASURED}
    contents = [own.encode() for own in written.included.values()]
    contents += [_digest(file) for file in named_files(tables, path.parent)]
    return hashlib.sha256(b"".join(contents)).digest() if contents else b""


def _digest(file: Path) -> bytes:
    try:
        state = file.stat()
        return _digest_of(file, state.st_mtime_ns, state.st_size)
    except OSError:
        return b"?"  # whoever solves it says what is wrong


@lru_cache(maxsize=1000)
def _digest_of(file: Path, _changed: int, _size: int) -> bytes:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for below in value.values():
            yield from _strings(below)
    elif isinstance(value, list):
        for below in value:
            yield from _strings(below)
