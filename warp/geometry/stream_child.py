"""The child process of `streams`: reads one layer under limits and writes its polygons to stdout.

It runs as a script, on its own, so it imports nothing of this package.

    stream_child.py PATH gdsii|oasis CORNERS LAYER [DATATYPE] [CELL]     empty words where not given
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable
from typing import Any

MEMORY = 3_000_000_000  # bytes of address space
SECONDS = 8  # of processor time
MM = 1e-3  # m
FAULT = 3
_NO_MEMORY = 4
EXHAUSTED = (_NO_MEMORY, -9, -24, 137, 152)  # no memory, SIGKILL, SIGXCPU, and as a shell says them


class LayoutError(Exception):
    """What the user must change: a word of the case (or none) and a sentence."""

    def __init__(self, word: str, message: str) -> None:
        super().__init__(f"{word}\t{message}")


def main(
    path: str, kind: str, most: int, layer: int, datatype: int | None, name: str | None
) -> None:
    """Write `points` (n, 2) in mm and `ends` of each polygon's corners as NPZ to stdout.

    most: corners that may be drawn, repetitions and references expanded.
    """
    import gdstk
    import numpy as np

    out = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)  # the library prints its complaints
    reader = gdstk.read_oas if kind == "oasis" else gdstk.read_gds
    library = reader(path, unit=MM)
    cells = {cell.name: cell for cell in library.cells if isinstance(cell, gdstk.Cell)}
    order = _ordered(cells)
    corners = _corners(cells, order, layer, datatype)
    cell = _chosen(library, cells, name)
    if corners[cell.name] > most:
        count = f"{float(min(corners[cell.name], 10**300)):.2g}"
        raise LayoutError(
            "",
            f"draws {count} corners on layer {layer} with its repetitions, more than {most:,}",
        )
    if not corners[cell.name]:
        raise LayoutError("layer", _nothing(cells, order, cell.name, layer, datatype))
    types = sorted({of for number, of in library.layers_and_datatypes() if number == layer})
    types = [of for of in types if datatype in (None, of)]
    found = [p.points for of in types for p in cell.get_polygons(layer=layer, datatype=of)]
    ends = np.cumsum([len(points) for points in found])
    np.savez(out, points=np.concatenate(found), ends=ends)
    out.close()


def _chosen(library: Any, cells: dict[str, Any], name: str | None) -> Any:
    if name is not None:
        if name not in cells:
            raise LayoutError("cell", f"there is no cell {name!r}; there are {_some(cells)}")
        return cells[name]
    tops = [cell for cell in library.top_level() if cell.name in cells]
    if len(tops) != 1:
        raise LayoutError(
            "cell", f"is missing: the top cells are {_some([cell.name for cell in tops])}"
        )
    return tops[0]


def _ordered(cells: dict[str, Any]) -> list[str]:
    """Return cell names, each after all that it refers to; a cell within itself is a fault."""
    done: dict[str, bool] = {}
    order = []
    for start in cells:
        path = [(start, iter(_referred(cells[start])))] if start not in done else []
        if path:
            done[start] = False
        while path:
            name, below = path[-1]
            child = next(below, None)
            if child is None:
                done[name] = True
                order.append(name)
                path.pop()
            elif child not in cells or done.get(child):
                continue
            elif child in done:
                raise LayoutError("", f"has a cell {child!r} that contains itself")
            else:
                done[child] = False
                path.append((child, iter(_referred(cells[child]))))
    return order


def _referred(cell: Any) -> list[str]:
    return [reference.cell_name for reference in cell.references]


def _corners(
    cells: dict[str, Any], order: list[str], layer: int | None, datatype: int | None
) -> dict[str, int]:
    """Count the corners of every cell with all that it refers to, without expanding them."""
    total: dict[str, int] = {}
    for name in order:
        cell = cells[name]
        count = 0
        for polygon in cell.polygons:
            if _wanted(polygon.layer, polygon.datatype, layer, datatype):
                count += polygon.size * _times(polygon)
        for path in cell.paths:
            for number, kind in zip(path.layers, path.datatypes, strict=True):
                if _wanted(number, kind, layer, datatype):
                    count += 2 * _spine(path) * _times(path)
        for reference in cell.references:
            count += total.get(reference.cell_name, 0) * _times(reference)
        total[name] = count
    return total


def _spine(path: Any) -> int:
    with contextlib.suppress(AttributeError, TypeError):
        return len(path.spine())
    return 4


def _wanted(number: int, kind: int, layer: int | None, datatype: int | None) -> bool:
    return layer is None or (number == layer and datatype in (None, kind))


def _times(element: Any) -> int:
    return max(1, int(element.repetition.size)) if element.repetition.size else 1


def _nothing(
    cells: dict[str, Any], order: list[str], top: str, layer: int, datatype: int | None
) -> str:
    kinds: dict[str, set[tuple[int, int]]] = {}
    for name in order:
        cell = cells[name]
        own = {(p.layer, p.datatype) for p in cell.polygons}
        own |= {pair for p in cell.paths for pair in zip(p.layers, p.datatypes, strict=True)}
        for child in _referred(cell):
            own |= kinds.get(child, set())
        kinds[name] = own
    there = _some([f"{number}/{kind}" for number, kind in sorted(kinds[top])])
    asked = f"layer {layer}" + ("" if datatype is None else f", datatype {datatype}")
    return f"has nothing on {asked}; there are {there} (layer/datatype)"


def _some(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:12]) + (", ..." if len(found) > 12 else "") if found else "none"


def _limit() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        for kind, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS)):
            _, hard = resource.getrlimit(kind)
            least = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (least, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    _limit()
    _path, _kind, _most, _layer, _datatype, _cell = sys.argv[1:]
    try:
        _type = int(_datatype) if _datatype else None
        main(_path, _kind, int(_most), int(_layer), _type, _cell or None)
    except LayoutError as error:
        sys.stderr.write(str(error))
        sys.exit(FAULT)
    except MemoryError:
        sys.exit(_NO_MEMORY)
    except Exception as error:  # the library raises whatever its input made of it
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        sys.stderr.write(f"\tcannot be read as a layout: {reason}")
        sys.exit(FAULT)
