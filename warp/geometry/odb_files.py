"""The files of an ODB++ job, a folder or an archive, and the blocks, pairs and units in them."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from warp.files.bounded import GZIP, MOST_BYTES, decoded, read_bytes, unpacked

INCH = 25.4  # mm
MATRIX = re.compile(r"^(?:.*/)?matrix/matrix$")


class OdbError(ValueError):
    """A job that is no board in ODB++; the text says what is wrong."""


class Files(Protocol):
    """The files of a job by their path within it."""

    def text(self, path: str) -> str | None:
        """Return a file's text, unpacked; None where there is none."""


class Folder:
    """A job as a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def text(self, path: str) -> str | None:
        """Return a file's text; names are written in lower case, and by some tools in upper."""
        here = self.root
        for word in path.split("/"):
            there = {own.name.lower(): own for own in here.iterdir()} if here.is_dir() else {}
            found = there.get(word.lower()) or there.get(f"{word.lower()}.z")
            if found is None:
                return None
            here = found
        return decoded(_plain(read_bytes(here), here.name))


class Archive:
    """A job in one file."""

    def __init__(self, content: bytes) -> None:
        files = _zipped(content) if content.startswith(b"PK") else _tarred(content)
        root = next((name[: -len("matrix/matrix")] for name in files if MATRIX.match(name)), None)
        if root is None:
            raise OdbError("holds no job of ODB++: it has no matrix/matrix")
        self.files = {name[len(root) :].lower(): own for name, own in files.items()}

    def text(self, path: str) -> str | None:
        """Return a file's text."""
        for name in (path.lower(), f"{path.lower()}.z"):
            if name in self.files:
                return decoded(_plain(self.files[name], name))
        return None


def _plain(content: bytes, name: str) -> bytes:
    if content.startswith(GZIP):
        return unpacked(content, MOST_BYTES)
    if name.lower().endswith(".z"):
        raise OdbError(f"holds {name}, packed by compress: unpack it")
    return content


def _tarred(content: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    total = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for entry in archive:
                total += entry.size
                if total > MOST_BYTES:
                    raise OdbError(f"unpacks to more than {MOST_BYTES / 1e6:.0f} MB")
                file = archive.extractfile(entry) if entry.isfile() else None
                if file is not None:
                    found[entry.name.lower()] = file.read()
    except (tarfile.TarError, EOFError) as error:
        raise OdbError(f"is a damaged archive: {error}") from None
    return found


def _zipped(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in entries) > MOST_BYTES:
                raise OdbError(f"unpacks to more than {MOST_BYTES / 1e6:.0f} MB")
            return {entry.filename.lower(): archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise OdbError(f"is a damaged archive: {error}") from None


def blocks(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the blocks of a structured text: the word before the brace, and its pairs."""
    for match in re.finditer(r"^\s*([A-Z][\w-]*)\s*\{([^}]*)\}", text, re.M):
        yield match[1], pairs(match[2])


def pairs(text: str) -> dict[str, str]:
    """Return the values of lines KEY=VALUE."""
    rows = (line.strip().partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip() for key, _, value in rows}


def unit_of(text: str) -> float | None:
    """Return the unit that a file gives, in mm."""
    found = re.search(r"^\s*(?:UNITS\s*=|U)\s*(MM|INCH)\b", text, re.M | re.I)
    return None if found is None else (1.0 if found[1].upper() == "MM" else INCH)


def number(text: str) -> float:
    """Return a text as a number; OdbError where it is none."""
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not abs(found) < 1e9:
        raise OdbError(f"has {text[:40]!r} where a number should be")
    return found
