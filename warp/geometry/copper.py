"""A layer's copper from a file: its area fraction in every pixel of the outline, first row at y-.

A file is known by its content, packed by gzip or not, never by its name. PNG: brightness, white is
copper, black or transparent none. NPY or CSV: numbers from 0 to 1. Such an image covers the layer's
outline, whatever that measures, and its first row lies at y+, as on a screen. Layouts (GDSII,
OASIS, Gerber, drill files, boards of KiCad, in IPC-2581 or ODB++) have lengths of their own and
are laid on the outline by them: `artwork`.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from math import ceil
from pathlib import Path

import numpy as np

from warp.errors import Fault, Key
from warp.files import delimited_text
from warp.files.bounded import MOST_BYTES, MOST_TABLE_BYTES, decoded, read_bytes
from warp.geometry import artwork, excellon, gerber, streams
from warp.geometry.part import Drawing, Tiles
from warp.geometry.place import mm
from warp.geometry.tiles import panel

MOST_PIXELS = 30_000_000
UNIT_PIXELS = 100  # at least, along the longer side of a unit of a panel
SLACK = 1e-9
PNG = b"\x89PNG\r\n\x1a\n"
NPY = b"\x93NUMPY"
KINDS = "PNG, NPY, CSV, GDSII, OASIS, Gerber, a drill file (Excellon), KiCad, IPC-2581 or ODB++"
LAYOUTS = ("gdsii", "oasis", "gerber", "excellon", *artwork.BOARDS)
_STRANGERS = {
    b"PK\x03\x04": "a ZIP archive: unpack it",
    b"%PDF": "a PDF: write the layer as Gerber",
    b"\xff\xd8\xff": "a JPEG: write it as PNG",
    b"BZh": "packed by bzip2: unpack it",
    b"\xfd7zXZ": "packed by xz: unpack it",
    b"II*\x00": "a TIFF: write it as PNG",
    b"MM\x00*": "a TIFF: write it as PNG",
}


def copper_fraction(
    drawing: Drawing, folder: Path, size: tuple[float, float], key: Key
) -> np.ndarray:
    """Read fractions (rows, columns) for a layer of this size (m).

    Fault names the key and what is wrong with the file.
    """
    if drawing.tiles is not None:
        return _tiled(drawing, drawing.tiles, folder, size, key)
    path = folder / drawing.file
    if (path / "matrix" / "matrix").is_file():  # the folder of a job
        return _unless_negative(artwork.fraction(path, "odb++", drawing, size, key), drawing)
    try:
        content = read_bytes(path)
    except OSError as error:
        raise Fault(key, f"cannot read the copper layout {str(path)!r}: {_why(error)}") from None
    except ValueError as error:
        raise Fault(key, f"cannot read the copper layout {str(path)!r}: {error}") from None
    kind = recognised(content)
    if kind in LAYOUTS:
        fraction = artwork.fraction(content, kind, drawing, size, key)
    elif kind:
        fraction = _image(content, kind, drawing, key)
    else:
        known = next((what for mark, what in _STRANGERS.items() if content.startswith(mark)), None)
        reason = f"it is {known}" if known else f"it is no {KINDS}"
        raise Fault(key, f"{drawing.file!r} is of no known kind: {reason}")
    return _unless_negative(fraction, drawing)


def _tiled(
    drawing: Drawing, tiles: Tiles, folder: Path, size: tuple[float, float], key: Key
) -> np.ndarray:
    """Return the shares of a panel whose unit is drawn."""
    field = [n * pitch for n, pitch in zip(tiles.count, tiles.pitch, strict=True)]
    if field[0] > size[0] * (1 + SLACK) or field[1] > size[1] * (1 + SLACK):
        units, whole = (mm(*extents) for extents in (field, size))
        raise Fault((*key, "tiles"), f"are {units}, larger than the part ({whole})")
    pixel = drawing.pixel or max(size) / artwork.PIXELS
    columns, rows = (max(1, ceil(length / pixel - 1e-9)) for length in size)
    if rows * columns > MOST_PIXELS:
        message = f"makes {columns} x {rows} pixels, more than {MOST_PIXELS:,}: is its unit right?"
        raise Fault((*key, "pixel"), message)
    finer = min(pixel, max(tiles.pitch) / UNIT_PIXELS)
    unit = drawing.model_copy(update={"tiles": None, "pixel": finer})
    image = copper_fraction(unit, folder, tiles.pitch, key)
    return panel(image, tiles, size, (rows, columns))


def _unless_negative(fraction: np.ndarray, drawing: Drawing) -> np.ndarray:
    return 1.0 - fraction if drawing.negative else fraction


def recognised(content: bytes) -> str:
    """Return the kind of a file by its content, "" where none is known."""
    if content.startswith(PNG):
        return "png"
    if content.startswith(NPY):
        return "npy"
    if content.startswith(streams.OASIS):
        return "oasis"
    if _is_job(content):
        return "odb++"
    if streams.is_stream(content):
        return "gdsii"
    try:
        text = decoded(content[:20_000])
    except ValueError:
        return ""
    if text.lstrip().startswith("<") and "IPC-2581" in text[:5000]:
        return "ipc2581"
    if text.lstrip().startswith("(kicad_pcb"):
        return "kicad"
    if gerber.is_gerber(text):
        return "gerber"
    if excellon.is_excellon(text):
        return "excellon"
    return "csv" if _is_table(text) else ""


def _is_job(content: bytes) -> bool:
    """Tell a packed job of ODB++; its reader is imported for archives only."""
    if not content.startswith(b"PK\x03\x04") and content[257:262] != b"ustar":
        return False
    from warp.geometry import odbpp

    return odbpp.is_odb(content)


def _is_table(text: str) -> bool:
    """Tell a table of numbers by its first lines; an empty file is an empty table."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        return True
    digits = sum(character.isdigit() for character in lines[0])
    letters = sum(character.isalpha() for character in lines[0])
    return digits > 0 and letters <= digits


def unlike(table: np.ndarray) -> str:
    """Say what an array is that is not a table of numbers."""
    size = " x ".join(map(str, table.shape)) or "no"
    return f"holds {size} entries" if table.dtype.kind in "iufb" else "holds no numbers"


def _image(content: bytes, kind: str, drawing: Drawing, key: Key) -> np.ndarray:
    name = drawing.file
    given = drawing.model_fields_set & {"layer", "datatype", "cell", "centre", "pixel", "plating"}
    given -= {"pixel"} if "tiles" in drawing.model_fields_set else set()
    if given:
        raise Fault(
            (*key, min(given)),
            "belongs to a GDSII, OASIS, Gerber or drill file: an image covers its layer",
        )
    try:
        pixels = {"png": _png, "npy": npy_array, "csv": csv_array}[kind](content)
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        reason = str(error).splitlines()[0] if str(error) else "it is damaged"
        message = f"{name!r} is not an image of copper (PNG, NPY or CSV): {reason}"
        raise Fault(key, message) from None
    if pixels.ndim != 2 or pixels.size == 0 or pixels.dtype.kind not in "iufb":
        raise Fault(key, f"{name!r} is not an image of copper: it {unlike(pixels)}")
    pixels = pixels[::-1].astype(float)
    if not np.isfinite(pixels).all() or pixels.min() < 0.0 or pixels.max() > 1.0:
        raise Fault(key, f"{name!r} has fractions that are not between 0 and 1")
    return pixels


def npy(path: Path) -> np.ndarray:
    """Return an NPY file's array; ValueError where it holds none."""
    return npy_array(read_bytes(path))


def csv(path: Path) -> np.ndarray:
    """Return a table of numbers; ValueError where it is none."""
    return csv_array(read_bytes(path, MOST_TABLE_BYTES))


def npy_array(content: bytes) -> np.ndarray:
    """Return the array of NPY bytes; ValueError where they are damaged or hold no numbers."""
    file = BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        read = read if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        # An array is made before its numbers are read: its header alone must not fill the memory.
        count = 1
        for length in shape:
            count *= length
        if dtype.hasobject or min(shape, default=0) < 0:
            raise ValueError
        if count * dtype.itemsize > len(content) - file.tell():
            raise ValueError
        file.seek(0)
        array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
    except Exception:  # the header is read as Python, which raises whatever it made of it
        raise ValueError("it is damaged, or holds no numbers") from None
    return array


def csv_array(content: bytes) -> np.ndarray:
    """Return the numbers (rows, columns) of a table in text; ValueError where it is none."""
    if len(content) > MOST_TABLE_BYTES:
        raise ValueError(f"it holds {len(content) / 1e6:.0f} MB, more than a table does")
    text = decoded(content)
    if not text.strip():
        return np.empty(0)
    table = delimited_text.read(text)
    if table.heads:
        raise ValueError(f"its header {', '.join(table.heads[0])[:60]!r} is not a row of numbers")
    return table.numbers


def _png(content: bytes) -> np.ndarray:
    """Return brightness times opacity, 0 to 1; the size is read before the pixels are."""
    if len(content) < 33 or content[12:16] != b"IHDR":
        raise ValueError("it is damaged")
    columns, rows = struct.unpack(">II", content[16:24])
    if rows * columns > MOST_PIXELS:
        raise ValueError(f"it has {columns} x {rows} pixels, more than {MOST_PIXELS:,}")
    _check_chunks(content)
    from matplotlib.image import imread

    pixels = imread(BytesIO(content), format="png")
    if pixels.ndim == 2:  # grey; colours are (rows, columns, 3 or 4), the fourth opacity
        return np.asarray(pixels)
    grey = pixels[..., :3].mean(axis=-1)
    return np.asarray(grey * pixels[..., 3] if pixels.shape[-1] == 4 else grey)


def _check_chunks(content: bytes) -> None:
    """Raise ValueError where a chunk differs from its checksum or the last one is missing.

    The library that reads pictures looks at some checksums only.
    """
    at, name = len(PNG), b""
    while name != b"IEND":
        (length,) = struct.unpack(">I", content[at : at + 4].rjust(4, b"\xff"))
        name, end = content[at + 4 : at + 8], at + 8 + length
        if len(content) < end + 4:
            raise ValueError("it is cut off")
        if struct.pack(">I", zlib.crc32(content[at + 4 : end])) != content[end : end + 4]:
            raise ValueError("it is damaged: its checksums differ")
        at = end + 4


def _why(error: OSError) -> str:
    return error.strerror or str(error)


__all__ = ["MOST_BYTES", "copper_fraction", "csv", "npy", "recognised", "unlike"]
