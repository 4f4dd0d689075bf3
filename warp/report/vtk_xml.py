"""Write files of VTK's XML format: RectilinearGrid (.vtr), PolyData (.vtp), collections of them.

The text of a file names arrays whose bytes follow it ("appended", raw, each after a 64-bit count),
so that an array can be written piece by piece. Strings are written as codes of their characters,
each string ended by a zero. Format: VTK User's Guide, 11th edition, "VTK File Formats", and the
collection .pvd: https://www.paraview.org/Wiki/ParaView/Data_formats. By hand, because the writers
of pyvista would make VTK part of every install, and would hold a whole array in memory.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO
from xml.sax.saxutils import quoteattr

import numpy as np

from warp.files import whole_file

TYPES = {
    "f8": "Float64",
    "f4": "Float32",
    "i8": "Int64",
    "i4": "Int32",
    "i2": "Int16",
    "u1": "UInt8",
}


@dataclass(frozen=True)
class Array:
    """Hold a named array; its last axis is the components where `vector`.

    pieces: what it consists of, in order, converted to `kind` one at a time.
    """

    name: str
    kind: np.dtype[Any]
    shape: tuple[int, ...]
    pieces: Iterable[np.ndarray]
    vector: bool = False

    @classmethod
    def of(cls, name: str, values: np.ndarray, vector: bool = False) -> Array:
        """Wrap an array that is in memory."""
        return cls(name, values.dtype, values.shape, [values], vector)

    @property
    def bytes(self) -> int:
        return prod(self.shape) * self.kind.itemsize


Sections = Mapping[str, Sequence[Array]]
"""Arrays by the element that holds them: Points, PointData, Coordinates ..."""
FieldData = Mapping[str, Sequence[str] | Sequence[float]]
"""Text or numbers of the whole data set by name."""


def write(
    path: Path, kind: str, whole: str, piece: str, sections: Sections, field_data: FieldData
) -> Path:
    """Write a data set of one piece.

    kind: VTK's name of it; whole, piece: attributes of the element and of its piece.
    """
    body, offset = "", 0
    for section, arrays in sections.items():
        body += f"<{section}>\n"
        for array in arrays:
            body += _named(array, offset)
            offset += 8 + array.bytes
        body += f"</{section}>\n"
    order = "LittleEndian" if sys.byteorder == "little" else "BigEndian"
    head = (
        f'<?xml version="1.0"?>\n<VTKFile type="{kind}" version="1.0" byte_order="{order}" '
        f'header_type="UInt64">\n<{kind} {whole}>\n{_field_data(field_data)}'
        f"<Piece {piece}>\n{body}</Piece>\n</{kind}>\n"
        '<AppendedData encoding="raw">\n_'
    )
    with whole_file.replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(head.encode())
        for arrays in sections.values():
            for array in arrays:
                _put(file, array)
        file.write(b"\n</AppendedData>\n</VTKFile>\n")
    return path


def multi_block(path: Path, blocks: Mapping[str, str]) -> Path:
    """Write a .vtm file: named blocks, each a file beside it."""
    rows = (
        f'<DataSet index="{n}" name={quoteattr(name)} file={quoteattr(file)}/>\n'
        for n, (name, file) in enumerate(blocks.items())
    )
    return _text(path, "vtkMultiBlockDataSet", "".join(rows))


def collection(path: Path, files: Iterable[tuple[float, str]]) -> Path:
    """Write a .pvd file: files beside it, each at a time value."""
    rows = (
        f'<DataSet timestep="{time:g}" part="0" file={quoteattr(file)}/>\n' for time, file in files
    )
    return _text(path, "Collection", "".join(rows))


def _text(path: Path, kind: str, body: str) -> Path:
    with whole_file.replacing(path) as temporary:
        temporary.write_text(
            f'<?xml version="1.0"?>\n<VTKFile type="{kind}" version="1.0">\n'
            f"<{kind}>\n{body}</{kind}>\n</VTKFile>\n",
            encoding="utf-8",
        )
    return path


def _named(array: Array, offset: int) -> str:
    components = array.shape[-1] if array.vector else 1
    return (
        f'<DataArray type="{TYPES[array.kind.str[1:]]}" Name={quoteattr(array.name)} '
        f'NumberOfComponents="{components}" format="appended" offset="{offset}"/>\n'
    )


def _field_data(entries: FieldData) -> str:
    text = ""
    for name, values in entries.items():
        count = f'Name={quoteattr(name)} NumberOfTuples="{len(values)}" format="ascii"'
        if values and isinstance(values[0], str):
            codes = " ".join(f"{code}" for value in values for code in (*str(value).encode(), 0))
            text += f'<Array type="String" {count}>{codes}</Array>\n'
        else:
            numbers = " ".join(f"{value!r}" for value in values)
            text += f'<DataArray type="Float64" {count}>{numbers}</DataArray>\n'
    return f"<FieldData>\n{text}</FieldData>\n" if text else ""


def _put(file: BinaryIO, array: Array) -> None:
    file.write(np.uint64(array.bytes).tobytes())
    for piece in array.pieces:
        file.write(np.ascontiguousarray(piece, array.kind).tobytes())
