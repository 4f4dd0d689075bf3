"""One drawing, board of holes, table of watts or measured surface in the many ways files write it.

Each function draws what it writes from a random generator and returns the bytes of the file, words
for the case, and the numbers that a reader must find. They are worked out here from the drawing
itself, on a raster that all edges keep to.
"""

from __future__ import annotations

import gzip
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, DEPTH = 10.0, 8.0  # mm, of the layer
STEP, PIXEL = 0.02, 0.2  # mm
Box = tuple[int, int, int, int]  # x0, x1, y0, y1 in steps from the lower left corner
INCH = 25.4


@dataclass(frozen=True)
class Written:
    """A file, the words that the case says about it, and what must be read from it."""

    content: bytes
    right: np.ndarray
    tolerance: float
    words: dict[str, Any] = field(default_factory=dict)
    marked_end: bool = False
    """The format has a mark at its end, so that a file that is cut off can be told."""
    checked: bool = False
    """The format has checksums over all that counts."""


def boxes(chance: random.Random) -> list[Box]:
    """Rectangles within the layer that may overlap."""
    columns, rows = round(WIDTH / STEP), round(DEPTH / STEP)
    found = []
    for _ in range(chance.randrange(1, 7)):
        x, y = (
            sorted(chance.sample(range(columns + 1), 2)),
            sorted(chance.sample(range(rows + 1), 2)),
        )
        found.append((x[0], x[1], y[0], y[1]))
    return found


def cover(found: Sequence[Box]) -> np.ndarray:
    """Fractions of copper in every pixel, first row at y-."""
    raster = np.zeros((round(DEPTH / STEP), round(WIDTH / STEP)))
    for x0, x1, y0, y1 in found:
        raster[y0:y1, x0:x1] = 1.0
    n = round(PIXEL / STEP)
    return raster.reshape(raster.shape[0] // n, n, -1, n).mean(axis=(1, 3))


def centred(box: Box) -> tuple[float, float, float, float]:
    """A rectangle's edges in mm about the middle of the layer."""
    x0, x1, y0, y1 = box
    return (
        x0 * STEP - WIDTH / 2,
        x1 * STEP - WIDTH / 2,
        y0 * STEP - DEPTH / 2,
        y1 * STEP - DEPTH / 2,
    )


def gerber(chance: random.Random) -> Written:
    found = boxes(chance)
    inch, whole, decimals = (
        chance.random() < 0.3,
        chance.choice((2, 3, 4)),
        chance.choice((4, 5, 6)),
    )
    scale = 10**decimals / (INCH if inch else 1.0)
    zeros = chance.choice("LT")

    def number(value: float) -> str:
        text = f"{abs(round(value * scale)):0{whole + decimals}d}"
        text = text.lstrip("0") or "0" if zeros == "L" else text.rstrip("0") or "0"
        return ("-" if round(value * scale) < 0 else chance.choice(("", "", "+"))) + text

    lines = chance.choice((["G04 layer*"], [], ["%TF.FileFunction,Copper,L1,Top*%"]))
    lines += [
        f"%FS{zeros}AX{whole}{decimals}Y{whole}{decimals}*%",
        f"%MO{'IN' if inch else 'MM'}*%",
    ]
    lines += chance.choice(([], ["%LPD*%"], ["%IPPOS*%"])) + ["G01*"]
    for code, box in enumerate(found, start=10):
        x0, x1, y0, y1 = centred(box)
        if chance.random() < 0.5:
            lines += ["G36*", f"X{number(x0)}Y{number(y0)}D02*"]
            lines += [f"X{number(x1)}D01*", f"Y{number(y1)}D01*", f"X{number(x0)}D01*"]
            lines += [f"X{number(x0)}Y{number(y0)}D01*", "G37*"]
        else:
            unit = INCH if inch else 1.0
            lines.append(f"%ADD{code}R,{(x1 - x0) / unit:.8f}X{(y1 - y0) / unit:.8f}*%")
            lines.append(f"{chance.choice(('', 'G54'))}D{code}*")
            lines.append(f"X{number((x0 + x1) / 2)}Y{number((y0 + y1) / 2)}D03*")
    text = chance.choice(("\n", "\r\n")).join([*lines, "M02*", ""])
    rounding = 40 * len(found) / scale / WIDTH  # of coordinates, over a pixel
    return packed(chance, text.encode(), cover(found), 1e-6 + rounding, marked_end=True)


def stream(chance: random.Random) -> Written:
    """GDSII or OASIS."""
    import gdstk

    found = boxes(chance)
    library = gdstk.Library(unit=chance.choice((1e-6, 1e-3, 1e-9)), precision=1e-9)
    mm = 1e-3 / library.unit
    top = library.new_cell("TOP")
    for number, box in enumerate(found):
        x0, x1, y0, y1 = (mm * v for v in centred(box))
        if chance.random() < 0.3:  # by reference
            below = library.new_cell(f"C{number}")
            below.add(gdstk.rectangle((0, 0), (x1 - x0, y1 - y0), layer=3))
            top.add(gdstk.Reference(below, (x0, y0)))
        else:
            top.add(gdstk.rectangle((x0, y0), (x1, y1), layer=3, datatype=chance.randrange(3)))
    top.add(gdstk.rectangle((-9 * mm, -9 * mm), (9 * mm, 9 * mm), layer=4))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        if chance.random() < 0.5:
            library.write_gds(path)
        else:
            library.write_oas(path, compression_level=chance.choice((0, 9)), validation="crc32")
        content = path.read_bytes()
    right = cover(found)
    return packed(chance, content, right, 1e-5, {"layer": 3}, marked_end=True)


def picture(chance: random.Random) -> Written:
    """PNG: whole pixels of copper, which cover the layer whatever they measure."""
    from matplotlib.image import imsave

    right = np.array([[chance.randrange(2) for _ in range(25)] for _ in range(20)], float)
    file = BytesIO()
    colours = np.repeat(right[::-1, :, None], 3, axis=2)
    imsave(file, colours, format="png")
    return Written(file.getvalue(), right, 1e-6, {}, True, True)


def shares(chance: random.Random) -> Written:
    """CSV or NPY of area fractions."""
    right = np.array([[chance.choice((0.0, 0.25, 0.5, 1.0)) for _ in range(9)] for _ in range(8)])
    if chance.random() < 0.3:
        file = BytesIO()
        np.save(file, right[::-1].astype(chance.choice(("f8", "f4", ">f8"))))
        return packed(chance, file.getvalue(), right, 1e-9, marked_end=True)
    return packed(chance, csv(chance, right[::-1]), right, 1e-9)


def watts(chance: random.Random) -> Written:
    """CSV of a power map, first row at y+."""
    right = np.array([[chance.randrange(1, 400) / 100 for _ in range(6)] for _ in range(5)])
    return packed(chance, csv(chance, right[::-1]), right, 1e-9)


def csv(chance: random.Random, numbers: np.ndarray) -> bytes:
    """A table of numbers as one of the programs of this world writes it."""
    separator = chance.choice((",", ";", "\t", " "))
    comma = separator == ";" and chance.random() < 0.5
    forms = chance.choice(("{:g}", "{:.6f}", "{:.4e}", "{:+.5f}"))

    def cell(value: float) -> str:
        text = forms.format(value)
        text = text.replace(".", ",") if comma else text
        return f'"{text}"' if separator in ",;" and chance.random() < 0.1 else text

    rows = [separator.join(cell(value) for value in row) for row in numbers]
    if separator != " " and chance.random() < 0.2:
        rows = [row + separator for row in rows]
    if chance.random() < 0.3:
        rows.insert(0, "# a remark")
    text = chance.choice(("\n", "\r\n")).join([*rows, ""])
    return text.encode(chance.choice(("utf-8", "utf-8-sig", "utf-16")))


def drill(chance: random.Random) -> Written:
    """Plated holes in a row of their own each; the answer is the copper's area (mm2)."""
    inch = chance.random() < 0.4
    unit = INCH if inch else 1.0
    plating = 0.05
    holes = []
    for row in range(chance.randrange(1, 7)):
        for column in range(chance.randrange(1, 8)):
            holes.append((-4.0 + column, -3.0 + row, chance.choice((0.3, 0.4, 0.6))))
    sizes = sorted({size for _, _, size in holes})
    decimals = 4 if inch else 3
    form = chance.choice(("decimal", "LZ", "TZ"))

    def number(value: float) -> str:
        value /= unit
        if form == "decimal":
            return f"{value:.5f}"
        text = f"{abs(round(value * 10**decimals)):06d}"
        text = text.rstrip("0") or "0" if form == "LZ" else text.lstrip("0") or "0"
        return ("-" if value < 0 else "") + text

    head = "INCH" if inch else "METRIC"
    lines = ["M48", head if form == "decimal" else f"{head},{form}"]
    lines += [f"T{n}C{size / unit:.6f}" for n, size in enumerate(sizes, 1)] + ["%", "G90", "G05"]
    area = 0.0
    for n, size in enumerate(sizes, 1):
        lines.append(f"T{n:02d}" if chance.random() < 0.5 else f"T{n}")
        for x, y, own in holes:
            if own == size:
                lines.append(f"X{number(x)}Y{number(y)}")
                area += np.pi * ((size / 2 + plating) ** 2 - (size / 2) ** 2)
    text = "\n".join([*lines, "M30", ""])
    return packed(
        chance,
        text.encode(),
        np.array([[area]]),
        0.01 * area,
        {"plating": "50 um"},
        marked_end=True,
    )


def scan(chance: random.Random) -> Written:
    """A measured surface: points x, y, z with units in the header; the answer in m, sorted."""
    unit = chance.choice((("mm", 1e-3), ("um", 1e-6), ("m", 1.0)))
    heights = chance.choice((("um", 1e-6), ("mm", 1e-3), ("nm", 1e-9)))
    n, m = chance.randrange(4, 9), chance.randrange(4, 9)
    right = np.array(
        [[1e-3 * i, 1e-3 * j, 1e-6 * chance.randrange(-90, 90)] for i in range(n) for j in range(m)]
    )
    order = chance.sample(range(3), 3)
    separator = chance.choice((",", ";", "\t"))
    head = [f"x ({unit[0]})", f"y [{unit[0]}]", f"z_{heights[0]}"]
    factors = (unit[1], unit[1], heights[1])
    lines = [separator.join(head[k] for k in order)]
    lines += [separator.join(f"{row[k] / factors[k]:.9g}" for k in order) for row in right]
    chance.shuffle(rest := lines[1:])
    text = "\n".join([lines[0], *rest, ""])
    return packed(chance, text.encode(), right[np.lexsort(right.T[::-1])], 1e-12)


def packed(
    chance: random.Random,
    content: bytes,
    right: np.ndarray,
    tolerance: float,
    words: dict[str, Any] | None = None,
    marked_end: bool = False,
) -> Written:
    """Pack a file by gzip, which has a checksum, now and then."""
    if chance.random() < 0.15:
        return Written(gzip.compress(content), right, tolerance, words or {}, True, True)
    return Written(content, right, tolerance, words or {}, marked_end)


KINDS = {
    "gerber": gerber, "stream": stream, "picture": picture, "shares": shares, "watts": watts,
    "drill": drill, "scan": scan,
}  # fmt: skip
