"""Boards in ODB++: the matrix, the features of its layers, drills and components.

A job is a folder, or one file that packs it (.tgz, .tar, .zip). Of a layer, lines, pads, arcs and
surfaces are drawn in their order; negative ones erase. Text is left out: it is no copper that
counts. Symbols are the standard ones (round, square, rectangles, ovals, polygons, donuts, thermals)
and those that the job draws itself. Lengths become mm; a symbol's sizes are mil or um.
Siemens, ODB++Design Format Specification, release 8.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from warp.geometry.apertures import Drawn
from warp.geometry.board import (
    DEEPEST,
    Board,
    BoardLayer,
    Component,
    Drill,
    LayerKind,
    Laying,
    Placement,
    laid_drills,
)
from warp.geometry.odb_features import Features
from warp.geometry.odb_files import (
    INCH,
    Archive,
    Files,
    Folder,
    OdbError,
    blocks,
    number,
    pairs,
    unit_of,
)
from warp.geometry.odb_symbols import standard_symbol
from warp.geometry.strokes import Outline

OUNCE = 35e-3  # mm of copper, 1 oz per square foot
HEAVIEST = 10.0
"""Ounces: a larger weight of copper is a thickness in um, as in metric jobs of Altium and Ansys."""
KINDS: dict[str, LayerKind] = {
    **dict.fromkeys(("SIGNAL", "POWER_GROUND", "MIXED"), "copper"),
    "DIELECTRIC": "dielectric",
    "SOLDER_MASK": "mask",
}


def is_odb(content: bytes) -> bool:
    """Tell a packed job by the name of its matrix in the archive."""
    if content.startswith(b"PK\x03\x04"):
        return b"matrix/matrix" in content
    return content[257:262] == b"ustar" and b"matrix/matrix" in content


def is_folder(path: Path) -> bool:
    """Tell whether a path is the folder of a job."""
    return (path / "matrix" / "matrix").is_file()


def read_folder(path: Path, step: str | None = None) -> Board:
    """Read the board of a job's folder; OdbError where it is none."""
    return _Job(Folder(path)).board(step)


@lru_cache(maxsize=2)
def read(content: bytes, step: str | None = None) -> Board:
    """Read the board of a packed job; `step`: its name, by default the first of the matrix."""
    return _Job(Archive(content)).board(step)


class _Job:
    """The tables of a job."""

    def __init__(self, files: Files) -> None:
        self.files = files
        matrix = files.text("matrix/matrix")
        if matrix is None:
            raise OdbError("has no matrix/matrix")
        tables = list(blocks(matrix))
        self.steps = [own.get("NAME", "").lower() for word, own in tables if word == "STEP"]
        layers = [own for word, own in tables if word == "LAYER"]
        self.layers = sorted(layers, key=lambda own: int(number(own.get("ROW", "0"))))
        self.unit = unit_of(files.text("misc/info") or "") or INCH
        self.symbols: dict[str, Drawn] = {}

    def board(self, name: str | None) -> Board:
        """Return the board of a step."""
        chosen = (name or (self.steps or [""])[0]).lower()
        if chosen not in self.steps:
            raise OdbError(f"has no step {name!r}; it has {', '.join(self.steps) or 'none'}")

        @cache
        def draw(layer: str) -> tuple[Drawn, bool]:
            own = next(row for row in self.layers if row.get("NAME") == layer)
            negative = own.get("POLARITY", "POSITIVE").upper() == "NEGATIVE"
            return self._drawn(chosen, layer.lower(), 0), negative

        on_board = [row for row in self.layers if row.get("CONTEXT", "BOARD").upper() == "BOARD"]
        kinds = [(row.get("NAME", ""), KINDS.get(row.get("TYPE", "").upper())) for row in on_board]
        return Board(
            self._outline(chosen),
            tuple(self._stackup(chosen, kinds)),
            tuple(self._drills(chosen, on_board, 0)),
            tuple(self._components(chosen)),
            draw,
            tuple(layer for layer, kind in kinds if kind == "copper"),
        )

    def _features(self, path: str) -> Features | None:
        text = self.files.text(path)
        return None if text is None else Features(text, self.unit, path, self.symbol)

    def symbol(self, name: str, unit: float) -> Drawn:
        """Return a symbol about its origin; OdbError where it is unknown."""
        key = f"{name} {unit}"
        if key not in self.symbols:
            standard = standard_symbol(name, unit)
            if standard is None:
                self.symbols[key] = []  # a symbol that names itself draws nothing
                own = self._features(f"symbols/{name}/features")
                if own is None:
                    raise OdbError(f"names symbol {name!r}, which is not understood")
                self.symbols[key] = own.drawn()
            else:
                self.symbols[key] = [(polygon, True) for polygon in standard]
        return self.symbols[key]

    def _outline(self, step: str) -> Outline:
        profile = self._features(f"steps/{step}/profile")
        islands = [] if profile is None else profile.islands
        return max(islands, key=_extent, default=[])

    def _stackup(
        self, step: str, kinds: list[tuple[str, LayerKind | None]]
    ) -> Iterator[BoardLayer]:
        """Yield the layers from the top down; older jobs give dielectrics with the copper above."""
        stack = [(name, kind) for name, kind in kinds if kind is not None]
        has_dielectrics = any(kind == "dielectric" for _, kind in stack)
        for n, (name, kind) in enumerate(stack):
            text = self.files.text(f"steps/{step}/layers/{name.lower()}/attrlist") or ""
            attributes = {key.lower(): value for key, value in pairs(text).items()}
            unit = unit_of(text) or self.unit
            given = unit * number(attributes.get(".layer_dielectric", "0"))
            if kind == "copper":
                weight = number(attributes.get(".copper_weight", "0"))
                thickness = weight * (OUNCE if weight <= HEAVIEST else 1e-3)
                yield BoardLayer(name, kind, thickness, "copper")
                below = any(own == "copper" for _, own in stack[n + 1 :])
                if not has_dielectrics and below:
                    yield BoardLayer(f"{name} dielectric", "dielectric", given)
            else:
                material = attributes.get(".material") or attributes.get(".comment", "")
                yield BoardLayer(name, kind, given, material)

    def _drawn(self, step: str, layer: str, depth: int) -> Drawn:
        found: Drawn = []
        for placed in self._placements(step, depth):
            inner = self._drawn(placed.step, layer, depth + 1)
            for laying in placed.copies():
                found += laying.lay(inner)
        own = self._features(f"steps/{step}/layers/{layer}/features")
        return found + (own.drawn() if own is not None else [])

    def _placements(self, step: str, depth: int) -> Iterator[Placement]:
        text = self.files.text(f"steps/{step}/stephdr") or ""
        unit = unit_of(text) or self.unit
        for word, own in blocks(text):
            if word != "STEP-REPEAT":
                continue
            name = own.get("NAME", "").lower()
            if depth > DEEPEST:
                raise OdbError(f"repeats step {name!r} within itself")
            at = unit * complex(number(own.get("X", "0")), number(own.get("Y", "0")))
            mirror = own.get("MIRROR", "NO").upper() == "YES"
            laying = Laying.of(at, -number(own.get("ANGLE", "0")), mirror)
            count = int(number(own.get("NX", "1"))), int(number(own.get("NY", "1")))
            pitch = unit * complex(number(own.get("DX", "0")), number(own.get("DY", "0")))
            yield Placement(name, laying, count, pitch)

    def _drills(self, step: str, rows: list[dict[str, str]], depth: int) -> Iterator[Drill]:
        for placed in self._placements(step, depth):
            inner = list(self._drills(placed.step, rows, depth + 1))
            for laying in placed.copies():
                yield from laid_drills(inner, laying)
        for row in rows:
            if row.get("TYPE", "").upper() != "DRILL":
                continue
            name = row.get("NAME", "").lower()
            bare = re.search(r"non.?plated|npth", name) is not None
            ends = row.get("START_NAME", ""), row.get("END_NAME", "")
            own = self._features(f"steps/{step}/layers/{name}/features")
            for hole, plated in own.holes() if own is not None else ():
                yield Drill(hole, plated and not bare, *ends)

    def _components(self, step: str) -> Iterator[Component]:
        """Yield the components with the rectangles of their packages."""
        data = self.files.text(f"steps/{step}/eda/data") or ""
        unit = unit_of(data) or self.unit
        packages = []
        for line in data.splitlines():
            if line.startswith("PKG "):
                sizes = [unit * number(word.rstrip(";")) for word in line.split()[3:7]]
                packages.append(sizes if len(sizes) == 4 else [0.0] * 4)
        for side, folder in (("top", "comp_+_top"), ("bottom", "comp_+_bot")):
            text = self.files.text(f"steps/{step}/layers/{folder}/components") or ""
            own_unit = unit_of(text) or self.unit
            for line in text.splitlines():
                words = line.split()
                if len(words) < 8 or words[0] != "CMP":
                    continue
                index = int(number(words[1]))
                if not 0 <= index < len(packages):
                    continue
                at = own_unit * complex(number(words[2]), number(words[3]))
                laying = Laying.of(at, -number(words[4]), words[5] == "M")
                x0, y0, x1, y1 = packages[index]
                ends = [laying.point(complex(x, y)) for x in (x0, x1) for y in (y0, y1)]
                low = complex(min(p.real for p in ends), min(p.imag for p in ends))
                high = complex(max(p.real for p in ends), max(p.imag for p in ends))
                which: Any = side
                yield Component(words[6], which, (low + high) / 2, high - low)


def _extent(outline: Outline) -> float:
    xs, ys = [p.real for p in outline], [p.imag for p in outline]
    return (max(xs) - min(xs)) * (max(ys) - min(ys))
