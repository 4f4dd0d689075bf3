"""Measured surfaces, as instruments export them: points x, y, z or a matrix of heights.

The header decides, else the shape of the table. A list has columns named x, y, z, or three columns
of which two repeat as a raster does. A matrix has a height for every point of an even raster, its
first row at y+ as on a screen; its pitch is given, or stands in the file as a first row of x and a
first column of y, or follows from laying the matrix over the computed surface, where the points
must then be square. Whatever can be read in two ways is an error that names the remedy. x, y and
pitch in mm and heights in um unless the header says else; blanks, NaN and dashes lie outside the
part.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from warp.errors import WarpError
from warp.files import delimited_text
from warp.files.bounded import read_text
from warp.files.delimited_text import Table

METRES = {
    "m": 1.0,
    "mm": 1e-3,
    "um": 1e-6,
    "µm": 1e-6,
    "μm": 1e-6,
    "micron": 1e-6,
    "microns": 1e-6,
    "nm": 1e-9,
    "mil": 25.4e-6,
}
USUAL = {"x": "mm", "y": "mm", "z": "um"}
AXES = {"x": "x", "y": "y"} | dict.fromkeys(("z", "height", "w", "warpage", "displacement"), "z")
LEAST = 9  # points: a plane and a dome need a few more than a plane
NARROW = 8  # columns or rows, below which a matrix must be called one
SQUARE = 0.03  # by which points may differ from squares where the pitch is not given
_REPEATED = 0.5  # share of different values in a column, below which it repeats as a raster does
_HEIGHT = re.compile(r"\b(?:z|heights?|warpage|values?|units?)\b\W{0,5}(?:in\s+)?([a-zµμ]+)", re.I)
_PITCH = re.compile(
    r"\b(?:pitch|pixel size|spacing|step)\b\W{0,5}(\d+(?:[.,]\d+)?)\s*([a-zµμ]+)?", re.I
)


@dataclass(frozen=True)
class Points:
    """A measured surface: x, y, z of its points [m], and a note on what its file does not say."""

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    note: str = ""


@dataclass(frozen=True)
class Matrix:
    """Heights z (rows, columns) [m], first row at y+; pitch along x and y [m], None: not known."""

    z: np.ndarray
    pitch: tuple[float, float] | None


def read(path: Path, pitch: float | None = None) -> Points | Matrix:
    """Read a measured surface; a `pitch` [m] says that it is a matrix of heights.

    WarpError says what is wrong or ambiguous, and what to do about it.
    """
    try:
        table = delimited_text.read(read_text(path))
    except OSError as error:
        raise WarpError(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise WarpError(
            f"{path}: {error}; a measured surface is a CSV of x, y, z or a matrix of heights"
        ) from None
    try:
        return _points(table) if _is_list(table, pitch) else _matrix(table, pitch)
    except ValueError as error:
        raise WarpError(f"{path}: {error}") from None


def laid(scan: Points | Matrix, bounds: tuple[float, float, float, float]) -> Points:
    """Return the points of a scan; a matrix without a pitch is laid over x0, x1, y0, y1 [m]."""
    if isinstance(scan, Points):
        return scan
    rows, columns = scan.z.shape
    known = scan.pitch
    x0, x1, y0, y1 = bounds
    pitch = known or ((x1 - x0) / (columns - 1), (y1 - y0) / (rows - 1))
    note = ""
    if known is None:
        if abs(pitch[0] / pitch[1] - 1.0) > SQUARE:
            raise WarpError(
                f"the measured matrix of {columns} x {rows} heights does not say how far "
                f"its points lie apart, and "
                f"laid over {1e3 * (x1 - x0):.4g} x {1e3 * (y1 - y0):.4g} mm they would not "
                f"be square "
                f"({1e3 * pitch[0]:.4g} x {1e3 * pitch[1]:.4g} mm): give --pitch, "
                'e.g. --pitch "0.25 mm"'
            )
        note = (
            f"a matrix of {columns} x {rows} heights without a pitch, laid over the measuring zone "
            f"({1e3 * pitch[0]:.4g} mm between its points; --pitch says otherwise)"
        )
    x, y = np.meshgrid(pitch[0] * np.arange(columns), pitch[1] * np.arange(rows)[::-1])
    known_heights = np.isfinite(scan.z)
    return Points(x[known_heights], y[known_heights], scan.z[known_heights], note)


def _is_list(table: Table, pitch: float | None) -> bool:
    """Tell a list of points from a matrix; ValueError where either could be meant."""
    named = _named(table.heads)
    columns = table.numbers.shape[1]
    if named is not None:
        if pitch is not None:
            raise ValueError("its header names x, y, z, so it is not a matrix: leave --pitch out")
        return True
    if pitch is not None or _axes(table) is not None:
        return False
    head = table.heads[-1] if table.heads else []
    wordy = sum(any(letter.isalpha() for letter in cell) for cell in head)
    if wordy > 1 and len(head) == columns:
        missing = _missing(head)
        raise ValueError(
            f"the header {', '.join(head)[:80]!r} names no {missing}; name the columns x, "
            f"y, z, or for a "
            "matrix of heights give --pitch"
        )
    if columns == 3 and not table.heads and _like_raster(table.numbers):
        return True
    if columns == 3 and head and _like_raster(table.numbers):
        return True
    if columns < NARROW or len(table.numbers) < NARROW:
        raise ValueError(
            f"{len(table.numbers)} rows of {columns} numbers may be points or a matrix of "
            f"heights: add a header "
            'line "x,y,z" or, for a matrix, give --pitch'
        )
    if table.separator == "," and _like_decimal_commas(table.numbers):
        raise ValueError(
            "its commas may stand between numbers or within them: write decimal points, or "
            "semicolons "
            "between the numbers"
        )
    return False


def _like_raster(numbers: np.ndarray) -> bool:
    """Tell whether two of three columns repeat their values, as raster scans do."""
    count = len(numbers)
    different = [len(np.unique(numbers[:, n])) for n in (0, 1)]
    return min(different) > 1 and min(different) <= _REPEATED * count


def _like_decimal_commas(numbers: np.ndarray) -> bool:
    """Tell whether every second column could be the decimals of the one before."""
    known = numbers[np.isfinite(numbers)]
    decimals = numbers[:, 1::2]
    even = numbers.shape[1] % 2 == 0 and bool(np.all(known == np.rint(known)))
    return even and bool(np.all(decimals[np.isfinite(decimals)] >= 0.0))


# A list of points


def _points(table: Table) -> Points:
    named = _named(table.heads)
    columns, units = named or ({"x": 0, "y": 1, "z": 2}, dict(USUAL))
    if max(columns.values()) >= table.numbers.shape[1]:
        raise ValueError("its header has more columns than its numbers")
    points = table.numbers[:, [columns[axis] for axis in "xyz"]]
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) < LEAST:
        raise ValueError(
            f"has {len(points)} points with x, y and z; a surface needs at least {LEAST}"
        )
    _refuse_marks(points[:, 2])
    x, y, z = (points[:, n] * METRES[units[axis]] for n, axis in enumerate("xyz"))
    return Points(x, y, z)


def _named(heads: Sequence[Sequence[str]]) -> tuple[dict[str, int], dict[str, str]] | None:
    """Return where x, y, z stand and their units, from a header of names."""
    for head in reversed(heads):
        columns: dict[str, int] = {}
        units = dict(USUAL)
        for n, text in enumerate(head):
            words = re.findall(r"[a-zµμ]+", text.lower())
            axis = AXES.get(words[0]) if words else None
            if axis is None or axis in columns:
                continue
            columns[axis] = n
            units[axis] = next((word for word in words[1:] if word in METRES), units[axis])
        if set(columns) == set("xyz"):
            return columns, units
    return None


def _missing(head: Sequence[str]) -> str:
    there = {AXES.get((re.findall(r"[a-zµμ]+", text.lower()) or [""])[0]) for text in head}
    return ", ".join(axis for axis in "xyz" if axis not in there)


# A matrix of heights


def _matrix(table: Table, pitch: float | None) -> Matrix:
    words = [*(" ".join(head) for head in table.heads), *table.remarks]
    axes = _axes(table)
    if axes is not None:
        z, own = axes
    else:
        z, own = table.numbers, _pitch_in(words)
        if _counts(z[0]):
            raise ValueError(
                "its first row counts 0, 1, 2, ...: remove it where it numbers the columns"
            )
    rows = np.flatnonzero(np.isfinite(z).any(axis=1))
    columns = np.flatnonzero(np.isfinite(z).any(axis=0))
    z = z[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if np.isfinite(z).sum() < LEAST or min(z.shape) < 3:
        raise ValueError(
            f"a matrix of {z.shape[1]} x {z.shape[0]} heights is not a surface: it needs at "
            f"least 3 x 3"
        )
    _refuse_marks(z[np.isfinite(z)])
    z = z * _height_unit(words)
    return Matrix(z, (pitch, pitch) if pitch is not None else own)


def _axes(table: Table) -> tuple[np.ndarray, tuple[float, float] | None] | None:
    """Return heights and pitch of a matrix with x in its first row, y in its first column."""
    whole = table.numbers
    head = table.heads[-1] if table.heads else []
    try:
        top = np.array([float(cell.replace(",", ".")) for cell in head[1:]])
    except ValueError:
        top = np.array([])
    if top.size and top.size + 1 == whole.shape[1] and top.size >= 3:
        side, z = whole[:, 0], whole[:, 1:]
    elif min(whole.shape) > 3 and np.isnan(whole[0, 0]):
        top, side, z = whole[0, 1:], whole[1:, 0], whole[1:, 1:]
    else:
        return None
    steps = [_step(top), _step(side)]
    if steps[0] is None or steps[1] is None:
        return None
    # Rows run from y+ down and columns from x- up, whichever way the file counts.
    z = z if steps[1] < 0 else z[::-1]
    z = z if steps[0] > 0 else z[:, ::-1]
    if _counts(top) and _counts(side):
        return z[::-1], None  # numbers of rows and columns say nothing of lengths
    return z, (1e-3 * abs(steps[0]), 1e-3 * abs(steps[1]))


def _step(values: np.ndarray) -> float | None:
    """Return the step of evenly spaced values, None where they are not."""
    if values.size < 3 or not np.isfinite(values).all():
        return None
    steps = np.diff(values)
    mean = float(steps.mean())
    return mean if mean != 0.0 and np.abs(steps - mean).max() < 0.02 * abs(mean) else None


def _counts(values: np.ndarray) -> bool:
    """Tell whether values are 0, 1, 2, ... or 1, 2, 3, ..."""
    return values.size > 3 and any(
        bool(np.array_equal(values, np.arange(values.size) + first)) for first in (0, 1)
    )


def _height_unit(words: Sequence[str]) -> float:
    for text in words:
        for found in _HEIGHT.finditer(text):
            if found[1].lower() in METRES:
                return METRES[found[1].lower()]
    return METRES[USUAL["z"]]


def _pitch_in(words: Sequence[str]) -> tuple[float, float] | None:
    for text in words:
        if (found := _PITCH.search(text)) and (found[2] or "mm").lower() in METRES:
            pitch = float(found[1].replace(",", ".")) * METRES[(found[2] or "mm").lower()]
            return (pitch, pitch)
    return None


def _refuse_marks(z: np.ndarray) -> None:
    """Refuse an end of the range that is repeated and far away: it means no reading."""
    for end in (z.min(), z.max()):
        rest = z[z != end]
        count = z.size - rest.size
        if rest.size < LEAST or count < max(3, 0.002 * z.size):
            continue
        gap = min(abs(rest.min() - end), abs(rest.max() - end))
        if gap > 3.0 * np.ptp(rest) and gap > 0.0:
            raise ValueError(
                f"{count} of its heights are {end:.6g} and all others lie far away: if that "
                f"means no reading, "
                "write NaN or leave the cells blank"
            )
