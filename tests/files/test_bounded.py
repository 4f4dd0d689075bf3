"""Files of unknown origin: bounded before they are read, known by their content."""

import gzip
import os
import struct
import threading
import tracemalloc
import zlib

import numpy as np
import pytest

from warp.errors import Fault, WarpError
from warp.files import bounded
from warp.geometry.copper import copper_fraction
from warp.geometry.part import Drawing
from warp.report import scan

SIZE = (10e-3, 8e-3)


def fraction(folder, name, **words):
    return copper_fraction(Drawing(file=name, **words), folder, SIZE, ("copper",))


def png(columns: int, rows: int, data: bytes) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + check

    header = struct.pack(">IIBBBBB", columns, rows, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def test_content_decides_not_the_name(tmp_path):
    """The same shares from a table, packed or not, and from NPY, whatever they are called."""
    fractions = np.array([[0.0, 0.5], [1.0, 0.25]])
    np.save(tmp_path / "a.npy", fractions)
    os.rename(tmp_path / "a.npy", tmp_path / "array.gbr")
    (tmp_path / "table.gds").write_text("0;0,5\n1;0,25\n")
    (tmp_path / "table.csv.gz").write_bytes(gzip.compress(b"0,0.5\n1,0.25\n"))
    for name in ("array.gbr", "table.gds", "table.csv.gz"):
        assert fraction(tmp_path, name) == pytest.approx(fractions[::-1])


def test_devices_and_pipes_behind_a_link(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for target in ("/dev/zero", str(tmp_path / "pipe"), "/dev/stdin"):
        link = tmp_path / "link.csv"
        link.symlink_to(target)
        with pytest.raises(Fault, match="not a regular file|cannot read"):
            fraction(tmp_path, "link.csv")
        with pytest.raises(WarpError, match="not a regular file|cannot read"):
            scan.read(link)
        link.unlink()
    with pytest.raises(Fault, match="directory"):
        fraction(tmp_path, ".")


def test_endless_files(tmp_path):
    with (tmp_path / "cu.csv").open("wb") as file:
        file.truncate(10 * 2**30)
    with pytest.raises(Fault, match="10737 MB, more than the 256 MB"):
        fraction(tmp_path, "cu.csv")
    with pytest.raises(WarpError, match="10737 MB, more than the 64 MB"):
        scan.read(tmp_path / "cu.csv")


def test_gzip_that_unpacks_to_more_than_is_read(tmp_path, monkeypatch):
    assert bounded.unpacked(gzip.compress(b"a") + gzip.compress(b"b"), 10) == b"ab"
    bomb = gzip.compress(bytes(50_000_000))
    tracemalloc.start()
    with pytest.raises(ValueError, match="unpacks to more than 1 MB"):
        bounded.unpacked(bomb, 1_000_000)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()
    with pytest.raises(ValueError, match="cut off"):
        bounded.unpacked(bomb[:-10], 10**9)
    with pytest.raises(ValueError, match="damaged"):
        bounded.unpacked(b"\x1f\x8b" + bytes(100), 10**9)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (png(60_000, 60_000, zlib.compress(bytes(10**7))), "60000 x 60000 pixels, more than"),
        (png(4, 4, zlib.compress(b"")), "is not an image of copper"),
        (b"\x89PNG\r\n\x1a\n", "it is damaged"),
        (
            b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, "
            b"'shape': (99999, 99999), }" + b" " * 40 + b"\n",
            "it is damaged",
        ),
        (b"0," * 2_000_000, "line 1 has more than 1,000,000 columns"),
        (b"%PDF-1.7", "a PDF"),
        (b"PK\x03\x04", "a ZIP archive: unpack it"),
        (bytes(range(1, 200)), "is of no known kind"),
    ],
)
def test_pictures_and_tables_that_grow(tmp_path, content, says):
    (tmp_path / "cu").write_bytes(content)
    with pytest.raises(Fault) as error:
        fraction(tmp_path, "cu")
    assert says in error.value.message and "\n" not in error.value.message


@pytest.mark.parametrize("at", [18, 45, -6])
def test_a_bit_that_flips_in_a_picture_is_seen(tmp_path, at):
    """In its head, its pixels and its end."""
    whole = png(4, 4, zlib.compress(bytes(4 * 17)))
    (tmp_path / "cu").write_bytes(whole)
    assert fraction(tmp_path, "cu").shape == (4, 4)
    damaged = bytearray(whole)
    damaged[at] ^= 1
    for content in (damaged, whole[:-3], whole[:-14]):
        (tmp_path / "cu").write_bytes(content)
        with pytest.raises(Fault, match="damaged|cut off"):
            fraction(tmp_path, "cu")


def _repeated(gdstk, folder, kind):
    """Nested references: eight levels of 100 x 100 in a few hundred bytes."""
    library = gdstk.Library()
    below = library.new_cell("C0")
    below.add(gdstk.rectangle((0, 0), (1, 1), layer=1))
    for level in range(1, 9):
        cell = library.new_cell(f"C{level}")
        cell.add(gdstk.Reference(below, columns=100, rows=100, spacing=(2, 2)))
        below = cell
    getattr(library, f"write_{kind}")(folder / "bomb")


@pytest.mark.parametrize("kind", ["gds", "oas"])
def test_references_and_repetitions_are_counted_before_they_are_made(tmp_path, kind):
    gdstk = pytest.importorskip("gdstk", reason="needs the extra 'layout'")
    _repeated(gdstk, tmp_path, kind)
    with pytest.raises(Fault, match=r"draws \S+ corners on layer 1 with its repetitions"):
        fraction(tmp_path, "bomb", layer=1)


def test_a_cell_within_itself(tmp_path):
    gdstk = pytest.importorskip("gdstk", reason="needs the extra 'layout'")
    library = gdstk.Library()
    cells = [library.new_cell(name) for name in ("ONE", "TWO")]
    cells[0].add(gdstk.rectangle((0, 0), (1, 1), layer=1), gdstk.Reference(cells[1]))
    cells[1].add(gdstk.Reference("ONE"))
    library.write_gds(tmp_path / "loop")
    with pytest.raises(Fault, match="contains itself"):
        fraction(tmp_path, "loop", layer=1, cell="ONE")


def test_damaged_streams_never_end_this_process(tmp_path):
    gdstk = pytest.importorskip("gdstk", reason="needs the extra 'layout'")
    library = gdstk.Library()
    library.new_cell("TOP").add(gdstk.rectangle((0, 0), (1, 1), layer=1))
    library.write_oas(tmp_path / "a.oas", compression_level=9)
    library.write_gds(tmp_path / "a.gds")
    chance = np.random.default_rng(3)
    for name in ("a.oas", "a.gds"):
        whole = (tmp_path / name).read_bytes()
        for _ in range(6):
            damaged = bytearray(whole[: chance.integers(20, len(whole))])
            damaged[int(chance.integers(16, len(damaged)))] = int(chance.integers(256))
            (tmp_path / "damaged").write_bytes(damaged)
            try:
                fraction(tmp_path, "damaged", layer=1, centre=["0.5 um", "0.5 um"])
            except Fault as fault:
                assert "\n" not in fault.message


def test_a_reader_waits_for_nobody(tmp_path):
    """A pipe that never gets a writer, opened where a file was expected a moment ago."""
    os.mkfifo(tmp_path / "pipe")
    done = []

    def read():
        with pytest.raises(ValueError, match="a pipe"):
            bounded.read_bytes(tmp_path / "pipe")
        done.append(True)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(10)
    assert done
