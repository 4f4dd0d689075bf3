"""One layer of a GDSII or OASIS file as polygons, read by gdstk in a process of its own.

The library is compiled code that trusts its input: a damaged file may crash it, references that
contain themselves or repetitions in a few bytes may grow beyond all memory. So a child reads the
file under limits of memory and processor time, counts before it expands, and hands over plain
arrays.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

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
    kind = "oas" if content.startswith(OASIS) else "gds"
    with TemporaryDirectory(prefix="warp-layout-") as folder:
        path = Path(folder) / f"layout.{kind}"
        path.write_bytes(content)
        return _read(path, layer, datatype, cell)


def _read(path: Path, layer: int, datatype: int | None, cell: str | None) -> tuple[np.ndarray, ...]:
    most = corners_allowed(path.stat().st_size)
    words = [
        str(most),
        str(layer),
        "" if datatype is None else str(datatype),
        "" if cell is None else cell,
    ]
    command = [sys.executable, "-I", stream_child.__file__, str(path), *words]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command, capture_output=True, env=environment, timeout=WALL * stream_child.SECONDS
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
