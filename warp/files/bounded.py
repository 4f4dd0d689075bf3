"""Read files of unknown origin: regular files only, never more bytes than a bound, unpacked or not.

A link may lead to a device or a pipe, a file may be sparse, and a few kilobytes of gzip may unpack
to gigabytes. Every reader of a user's data file starts here, so that none of them waits or fills
the memory.
"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

MOST_BYTES = 256_000_000
MOST_TABLE_BYTES = 64_000_000  # of a table in text, whose numbers take several times their text
MOST_CORNERS = 20_000_000  # of a drawing
FREE_CORNERS = 2_000_000
CORNERS_A_BYTE = 100
GZIP = b"\x1f\x8b"
_PIECE = 1 << 20


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """Return the content of a regular file, unpacked where it is gzip.

    OSError: the file cannot be opened. ValueError: it is no regular file, holds or unpacks to more
    than `most` bytes, or its compression is damaged.
    """
    content = read_as_it_is(path, most)
    return unpacked(content, most) if content.startswith(GZIP) else content


def read_as_it_is(path: Path, most: int) -> bytes:
    """Return the content of a regular file; errors as of `read_bytes`."""
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise ValueError(_too_large(size, most))
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(_too_large(len(content), most))
    return content


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file; ValueError where it is a directory, a device, a pipe or a socket."""
    # Opening a pipe without a writer would wait for one.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISDIR(mode):
            raise ValueError("it is a directory")
        if not stat.S_ISREG(mode):
            raise ValueError("it is a device, a pipe or a socket, not a regular file")
        yield file


def read_text(path: Path, most: int = MOST_TABLE_BYTES) -> str:
    """Return a file's text (UTF-8, or UTF-16 with its mark); ValueError where it holds none."""
    return decoded(read_bytes(path, most))


def decoded(content: bytes) -> str:
    """Return bytes as text; ValueError where they are none."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    if b"\0" in content:
        raise ValueError("it holds zero bytes, so it is no text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")  # older tools write um and degrees so


def unpacked(content: bytes, most: int) -> bytes:
    """Return what gzip has packed, all its members; ValueError beyond `most` bytes."""
    found = bytearray()
    while content:
        inflate = zlib.decompressobj(wbits=31)
        try:
            while not inflate.eof:
                if not content:
                    raise ValueError("its gzip data are cut off")
                found += inflate.decompress(content, _PIECE)
                content = inflate.unconsumed_tail
                if len(found) > most:
                    raise ValueError(f"it unpacks to more than {most / 1e6:.0f} MB")
        except zlib.error as error:
            raise ValueError(f"its gzip data are damaged ({error})") from None
        content = inflate.unused_data.lstrip(b"\0")
    return bytes(found)


def corners_allowed(size: int) -> int:
    """Return how many corners a layout of `size` bytes may draw, its repetitions expanded."""
    return min(MOST_CORNERS, max(FREE_CORNERS, CORNERS_A_BYTE * size))


def _too_large(size: int, most: int) -> str:
    return f"it holds {size / 1e6:.0f} MB, more than the {most / 1e6:.0f} MB that are read"
