"""Numbers as tidy tables: nested results flattened to one number a row, written as CSV whole or not at all."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from warp.results import hdf5

UNIT = re.compile(r"_(um|mm|mm2|per_m|C|MPa|K_per_W|W|s|MB)$")  # how names of numbers end


def numbers(value: Any, where: tuple[str, ...] = ()) -> Iterator[tuple[str, str, float, str]]:
    """Walk a summary: ("surfaces.chip.top", "warpage", 74.6, "um") and so on."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from numbers(below, (*where, str(key)))
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for n, entry in enumerate(
            value, start=1
        ):  # interfaces by their parts, steps by their place and name
            pair = "/".join(str(entry[key]) for key in ("lower", "upper") if key in entry)
            yield from numbers(entry, (*where, pair or f"{n} {entry.get('name', '')}".strip()))
    elif isinstance(value, list) and len(value) == 3 and where[-1].endswith("_at_mm"):
        for axis, number in zip("xyz", value, strict=True):
            yield ".".join(where[:-1]), f"{where[-1].removesuffix('_mm')}_{axis}", number, "mm"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        unit = UNIT.search(where[-1])
        bare = where[-1][: unit.start()] if unit else where[-1]
        yield ".".join(where[:-1]), bare, value, unit[1].replace("per_m", "1/m") if unit else ""


def write_csv(path: Path, head: Iterable[str], rows: Iterable[Iterable[Any]]) -> Path:
    """Write a CSV file in one piece."""
    hdf5.check_writable(path)
    with hdf5.replacing(path) as temporary:
        with open(temporary, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(head)
            writer.writerows(rows)
    return path
