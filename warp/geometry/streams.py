"""One layer of a GDSII or OASIS file as polygons, read by gdstk in a process of its own.

The library is compiled code that trusts its input: a damaged file may crash it, references that
contain themselves or repetitions in a few bytes may grow beyond all memory. So a child reads the
file under limits of memory and processor time, counts before it expands, and hands over plain
arrays. The content reaches it as a file without a name, which no killed command leaves behind.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO, Any

import numpy as np

from warp.files.bounded import corners_allowed
from warp.geometry import stream_child

OASIS = b"%SEMI-OASIS\r\n"
_TAIL = 400  # characters of a complaint
WALL = 3.0  # s of waiting per second of processor time


class StreamError(ValueError):
    """A layout is at fault: the word of the case that it concerns, if any, and a sentence."""

    def __init__(self, message: str, word: str | None = None) -> None:
        super().__init__(message)
        self.word = word


def is_stream(content: bytes) -> bool:
    """Tell OASIS by its magic bytes, GDSII by its first record (HEADER, a 2-byte integer)."""
    return content.startswith(OASIS) or (len(content) > 5 and content[:4] == b"\x00\x06\x00\x02")


@lru_cache(maxsize=8)
def polygons(
    content: bytes, layer: int, datatype: int | None, cell: str | None
) -> tuple[np.ndarray, ...]:
    """Return the polygons (corners, 2) of a layer in mm, repetitions and references expanded."""
    try:
        with _handed_over(content) as (path, inherited):
            return _read([path, *_words(content, layer, datatype, cell)], inherited)
    except OSError as error:  # the folder for temporary files is full, or there is none
        raise StreamError(f"cannot be read: {error.strerror or error}") from None


def _words(content: bytes, layer: int, datatype: int | None, cell: str | None) -> list[str]:
    return [
        "oasis" if content.startswith(OASIS) else "gdsii",
        str(corners_allowed(len(content))),
        str(layer),
        "" if datatype is None else str(datatype),
        "" if cell is None else cell,
    ]


@contextmanager
def _handed_over(content: bytes) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield a path under which a child process reads `content`, and the descriptors it inherits.

    The file is deleted before it is written where the system can name it by its descriptor.
    """
    nameless = os.path.exists("/dev/fd/0")
    file: IO[Any]
    with TemporaryFile() if nameless else NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        file.seek(0)
        if nameless:
            yield f"/dev/fd/{file.fileno()}", (file.fileno(),)
        else:
            yield file.name, ()


def _read(words: list[str], inherited: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    command = [sys.executable, "-I", stream_child.__file__, *words]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            env=environment,
            timeout=WALL * stream_child.SECONDS,
            pass_fds=inherited,
        )
    except subprocess.TimeoutExpired:
        raise StreamError(_TOO_MUCH) from None
    if done.returncode == stream_child.FAULT:
        word, _, message = done.stderr.decode("utf-8", "replace").strip("\n").partition("\t")
        raise StreamError(message, word or None)
    if done.returncode in stream_child.EXHAUSTED:
        raise StreamError(_TOO_MUCH)
    if done.returncode < 0:
        raise StreamError("is damaged: the library that reads it crashed")
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()[-_TAIL:].splitlines()
        raise StreamError(f"cannot be read as a layout: {said[-1] if said else 'it is damaged'}")
    with np.load(BytesIO(done.stdout)) as found:
        return tuple(np.split(found["points"], found["ends"][:-1]))


_TOO_MUCH = (
    f"takes more than {stream_child.MEMORY // 10**9} GB or {stream_child.SECONDS} s to read: "
    "write the one layer that is needed into a file of its own"
)
