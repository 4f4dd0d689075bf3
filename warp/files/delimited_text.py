"""Tables of numbers in text, as instruments and spreadsheets write them.

Columns are separated by semicolons, tabs, commas or blanks; a comma is the decimal mark where
something else separates. Lines that begin with # are remarks; rows of words before the numbers are
the header. Blank cells, NaN and dashes are missing numbers; a mark at the ends of all lines counts
for nothing.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST_NUMBERS = 30_000_000
MOST_COLUMNS = 1_000_000
_MISSING = {"", "nan", "na", "n/a", "#n/a", "null", "none", "-", "--", "---", "inf", "-inf", "+inf"}
_POINT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.I)
_COMMA = re.compile(r"[-+]?(\d+,?\d*|,\d+)(e[-+]?\d+)?", re.I)


@dataclass(frozen=True)
class Table:
    """Numbers (rows, columns) with NaN where one is missing, and the words before them."""

    numbers: np.ndarray
    heads: list[list[str]]
    remarks: list[str]
    separator: str


def read(text: str) -> Table:
    """Read a table; ValueError names the line that is at fault or what is ambiguous."""
    lines = []
    remarks = []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("#"):
            remarks.append(stripped.lstrip("# "))
        elif stripped:
            lines.append((number, line))
    if not lines:
        raise ValueError("it is empty")
    separator = _separator([line for _, line in lines])
    decimal = "," if separator != "," else _quoted_decimal(text)
    ended = separator != "" and all(line.rstrip(" ").endswith(separator) for _, line in lines)
    heads: list[list[str]] = []
    rows: list[np.ndarray] = []
    complaint = ""
    count = 0
    for number, line in lines:
        if line.count(separator or " ") > MOST_COLUMNS:
            raise ValueError(f"line {number} has more than {MOST_COLUMNS:,} columns")
        cells = _cells(line, separator)[: -1 if ended else None]
        try:
            row = _numbers(cells, decimal)
        except ValueError as error:
            if rows:
                raise ValueError(f"line {number}: {error}") from None
            heads.append(cells)
            complaint = complaint or f"line {number}: {error}"
            continue
        if not rows and np.isnan(row).all() and "".join(cells) == "":
            continue
        rows.append(row)
        count += row.size
        if count > MOST_NUMBERS:
            raise ValueError(f"it has more than {MOST_NUMBERS:,} numbers")
    if not rows:
        raise ValueError(complaint or "it holds no numbers")
    return Table(_stacked(rows), heads, remarks, separator)


def _separator(lines: Sequence[str]) -> str:
    """Return the mark between columns, empty for blanks."""
    sample = [*lines[:200], *lines[-200:]]
    with_digits = [line for line in sample if re.search(r"\d", line)] or sample
    rows = with_digits[len(with_digits) // 2 :]
    for mark in (";", "\t"):
        if any(mark in line for line in rows):
            return mark
    number = r"(?:[-+]?\d+(?:,\d+)?|nan|-+)"
    blanks = re.compile(rf"\s*{number}\s+{number}(\s|$)", re.I)
    if all(blanks.match(line) for line in rows):
        return ""
    return "," if any("," in line for line in rows) else ""


def _quoted_decimal(text: str) -> str:
    """Return the decimal mark of a table with commas between its columns."""
    return "," if re.search(r'"\s*[-+]?\d+,\d+\s*"', text[:20_000]) else "."


def _cells(line: str, separator: str) -> list[str]:
    if separator == "":
        return line.split()
    if '"' in line:
        cells = next(csv.reader([line], delimiter=separator), [])
    else:
        cells = line.split("#")[0].split(separator)
    return [cell.strip() for cell in cells]


def _numbers(cells: Sequence[str], decimal: str) -> np.ndarray:
    """Return the numbers of a row; ValueError where a cell holds a word."""
    return np.array([_number(cell, decimal) for cell in cells])


def _number(cell: str, decimal: str) -> float:
    if decimal == "," and _COMMA.fullmatch(cell):
        return float(cell.replace(",", "."))
    if _POINT.fullmatch(cell):
        return float(cell)
    if cell.lower() in _MISSING:
        return float("nan")
    raise ValueError(f"{cell[:40]!r} is not a number")


def _stacked(rows: list[np.ndarray]) -> np.ndarray:
    lengths = {row.size for row in rows}
    if len(lengths) > 1:
        raise ValueError("its rows differ in length")
    if all(np.isnan(row).all() for row in rows):
        raise ValueError("it holds no numbers")
    return np.array(rows)
