"""Boards in ODB++: the matrix, the features of its layers, drills and components.

A job is a folder, or one file that packs it (.tgz, .tar, .zip). Of a layer, lines, pads, arcs and
surfaces are drawn in their order; negative ones erase. Text is left out: it is no copper that
counts. Symbols are the standard ones (round, square, rectangles, ovals, polygons, donuts, thermals)
and those that the job draws itself. Lengths become mm; a symbol's sizes are mil or um.
Siemens, ODB++Design Format Specification, release 8.1.
"""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol

from warp.files.bounded import GZIP, MOST_BYTES, decoded, read_bytes, unpacked
from warp.geometry import board_shapes as shapes
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
    arc_stroke,
    laid_drills,
    polygon_of,
    stroke,
    with_holes,
)
from warp.geometry.excellon import Hole
from warp.geometry.gerber_macro import rectangle
from warp.geometry.strokes import Arc, Outline

INCH, MIL, MICRON = 25.4, 25.4e-3, 1e-3  # mm
OUNCE = 35e-3  # mm of copper, 1 oz per square foot
MATRIX = re.compile(r"^(?:.*/)?matrix/matrix$")
KINDS: dict[str, LayerKind] = {
    **dict.fromkeys(("SIGNAL", "POWER_GROUND", "MIXED"), "copper"),
    "DIELECTRIC": "dielectric",
    "SOLDER_MASK": "mask",
}
NUMBER = r"(\d+\.?\d*|\.\d+)"


class OdbError(ValueError):
    """A job that is no board in ODB++; the text says what is wrong."""


class Files(Protocol):
    """The files of a job by their path within it."""

    def text(self, path: str) -> str | None:
        """Return a file's text, unpacked; None where there is none."""


class _Folder:
    """A job as a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def text(self, path: str) -> str | None:
        """Return a file's text; names are written in lower case, and by some tools in upper."""
        here = self.root
        for word in path.split("/"):
            there = {own.name.lower(): own for own in here.iterdir()} if here.is_dir() else {}
            found = there.get(word.lower()) or there.get(f"{word.lower()}.z")
            if found is None:
                return None
            here = found
        return decoded(_plain(read_bytes(here), here.name))


class _Archive:
    """A job in one file."""

    def __init__(self, content: bytes) -> None:
        files = _zipped(content) if content.startswith(b"PK") else _tarred(content)
        root = next((name[: -len("matrix/matrix")] for name in files if MATRIX.match(name)), None)
        if root is None:
            raise OdbError("holds no job of ODB++: it has no matrix/matrix")
        self.files = {name[len(root) :].lower(): own for name, own in files.items()}

    def text(self, path: str) -> str | None:
        """Return a file's text."""
        for name in (path.lower(), f"{path.lower()}.z"):
            if name in self.files:
                return decoded(_plain(self.files[name], name))
        return None


def _plain(content: bytes, name: str) -> bytes:
    if content.startswith(GZIP):
        return unpacked(content, MOST_BYTES)
    if name.lower().endswith(".z"):
        raise OdbError(f"holds {name}, packed by compress: unpack it")
    return content


def _tarred(content: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    total = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for entry in archive:
                total += entry.size
                if total > MOST_BYTES:
                    raise OdbError(f"unpacks to more than {MOST_BYTES / 1e6:.0f} MB")
                file = archive.extractfile(entry) if entry.isfile() else None
                if file is not None:
                    found[entry.name.lower()] = file.read()
    except (tarfile.TarError, EOFError) as error:
        raise OdbError(f"is a damaged archive: {error}") from None
    return found


def _zipped(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in entries) > MOST_BYTES:
                raise OdbError(f"unpacks to more than {MOST_BYTES / 1e6:.0f} MB")
            return {entry.filename.lower(): archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise OdbError(f"is a damaged archive: {error}") from None


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
    return _Job(_Folder(path)).board(step)


@lru_cache(maxsize=2)
def read(content: bytes, step: str | None = None) -> Board:
    """Read the board of a packed job; `step`: its name, by default the first of the matrix."""
    return _Job(_Archive(content)).board(step)


class _Job:
    """The tables of a job."""

    def __init__(self, files: Files) -> None:
        self.files = files
        matrix = files.text("matrix/matrix")
        if matrix is None:
            raise OdbError("has no matrix/matrix")
        blocks = list(_blocks(matrix))
        self.steps = [own.get("NAME", "").lower() for word, own in blocks if word == "STEP"]
        layers = [own for word, own in blocks if word == "LAYER"]
        self.layers = sorted(layers, key=lambda own: int(_float(own.get("ROW", "0"))))
        self.unit = _unit(files.text("misc/info") or "") or INCH
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

    def _features(self, path: str) -> _Features | None:
        text = self.files.text(path)
        return None if text is None else _Features(text, self.unit, path, self.symbol)

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
            attributes = {key.lower(): value for key, value in _pairs(text).items()}
            unit = _unit(text) or self.unit
            given = unit * _float(attributes.get(".layer_dielectric", "0"))
            if kind == "copper":
                weight = _float(attributes.get(".copper_weight", "0"))
                yield BoardLayer(name, kind, weight * OUNCE, "copper")
                below = any(own == "copper" for _, own in stack[n + 1 :])
                if not has_dielectrics and below:
                    yield BoardLayer(f"{name} dielectric", "dielectric", given)
            else:
                yield BoardLayer(name, kind, given, attributes.get(".material", ""))

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
        unit = _unit(text) or self.unit
        for word, own in _blocks(text):
            if word != "STEP-REPEAT":
                continue
            name = own.get("NAME", "").lower()
            if depth > DEEPEST:
                raise OdbError(f"repeats step {name!r} within itself")
            at = unit * complex(_float(own.get("X", "0")), _float(own.get("Y", "0")))
            mirror = own.get("MIRROR", "NO").upper() == "YES"
            laying = Laying.of(at, -_float(own.get("ANGLE", "0")), mirror)
            count = int(_float(own.get("NX", "1"))), int(_float(own.get("NY", "1")))
            pitch = unit * complex(_float(own.get("DX", "0")), _float(own.get("DY", "0")))
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
        unit = _unit(data) or self.unit
        packages = []
        for line in data.splitlines():
            if line.startswith("PKG "):
                sizes = [unit * _float(word.rstrip(";")) for word in line.split()[3:7]]
                packages.append(sizes if len(sizes) == 4 else [0.0] * 4)
        for side, folder in (("top", "comp_+_top"), ("bottom", "comp_+_bot")):
            text = self.files.text(f"steps/{step}/layers/{folder}/components") or ""
            own_unit = _unit(text) or self.unit
            for line in text.splitlines():
                words = line.split()
                if len(words) < 8 or words[0] != "CMP":
                    continue
                number = int(_float(words[1]))
                if not 0 <= number < len(packages):
                    continue
                at = own_unit * complex(_float(words[2]), _float(words[3]))
                laying = Laying.of(at, -_float(words[4]), words[5] == "M")
                x0, y0, x1, y1 = packages[number]
                ends = [laying.point(complex(x, y)) for x in (x0, x1) for y in (y0, y1)]
                low = complex(min(p.real for p in ends), min(p.imag for p in ends))
                high = complex(max(p.real for p in ends), max(p.imag for p in ends))
                which: Any = side
                yield Component(words[6], which, (low + high) / 2, high - low)


class _Features:
    """A file of features: symbols, attributes, and records in their order."""

    def __init__(
        self, text: str, unit: float, path: str, symbol: Callable[[str, float], Drawn]
    ) -> None:
        self.unit, self.path, self.symbol = _unit(text) or unit, path, symbol
        self.lines = text.splitlines()
        self.names: dict[str, tuple[str, float]] = {}
        self.drill_key: str | None = None
        for line in self.lines:
            if line.startswith("$"):
                number, _, rest = line[1:].partition(" ")
                words = rest.split()
                own = {"I": MIL, "M": MICRON}.get(words[1]) if len(words) > 1 else None
                default = MICRON if self.unit != INCH else MIL
                self.names[number.strip()] = (words[0].lower() if words else "", own or default)
            elif line.startswith("@") and line.partition(" ")[2].strip().lower() == ".drill":
                self.drill_key = line[1:].split()[0]

    def drawn(self) -> Drawn:
        """Return the polygons of lines, pads, arcs and surfaces, in their order."""
        found: Drawn = []
        for number, words, outlines in self._records():
            try:
                if words[0] == "S":
                    islands = [outline for outline, solid in outlines if solid]
                    holes = [outline for outline, solid in outlines if not solid]
                    dark = words[1] != "N"
                    found += [(polygon, dark) for polygon in with_holes(islands, holes)]
                else:
                    found += self._record(words)
            except (IndexError, KeyError):
                raise OdbError(f"line {number} of {self.path}: {' '.join(words)[:60]!r}") from None
        return found

    @cached_property
    def islands(self) -> list[Outline]:
        """Return the outlines of surfaces, without their holes."""
        return [outline for _, _, own in self._records() for outline, solid in own if solid]

    def holes(self) -> Iterator[tuple[Hole, bool]]:
        """Yield the holes and slots of a drill layer, and whether they are plated."""
        for number, words, _ in self._records():
            if words[0] not in ("P", "L"):
                continue
            plated = self._attribute(words) != "1"
            try:
                name, unit = self.names[words[5] if words[0] == "L" else words[3]]
            except (IndexError, KeyError):
                raise OdbError(f"line {number} of {self.path}: {' '.join(words)[:60]!r}") from None
            size = re.fullmatch(rf"r{NUMBER}.*", name)
            if size is None:
                continue
            start = self._point(words[1:3])
            end = self._point(words[3:5]) if words[0] == "L" else start
            yield Hole(start, end, unit * float(size[1])), plated

    def _attribute(self, words: list[str]) -> str:
        """Return the value of the attribute .drill of a record, "" where it has none."""
        for pair in words[-1].partition(";")[2].split(";")[0].split(",") if words else ():
            key, _, value = pair.partition("=")
            if self.drill_key is not None and key.strip() == self.drill_key:
                return value.strip()
        return ""

    def _records(self) -> Iterator[tuple[int, list[str], list[tuple[Outline, bool]]]]:
        """Yield line number and words of every record; of a surface, its outlines as well.

        True stands for an island, False for a hole. Attributes stay with the last word.
        """
        surface: list[str] = []
        outlines: list[tuple[Outline, bool]] = []
        for number, line in enumerate(self.lines, 1):
            head, mark, rest = line.strip().partition(";")
            words = head.split()
            if not words or words[0][0] in "#$@&" or "=" in words[0]:
                continue
            if words[0] == "S":
                surface, outlines = words, []
            elif words[0] == "SE":
                yield number, surface, outlines
            elif words[0] in ("OB", "OS", "OC", "OE"):
                self._contour(words, outlines, number)
            elif words[0] in ("P", "L", "A"):
                yield number, [*words[:-1], f"{words[-1]}{mark}{rest}"], []

    def _contour(self, words: list[str], outlines: list[tuple[Outline, bool]], n: int) -> None:
        """Add a line of a surface to its outlines."""
        try:
            if words[0] == "OB":
                outlines.append(([self._point(words[1:3])], words[3].upper() != "H"))
            elif words[0] == "OS":
                outlines[-1][0].append(self._point(words[1:3]))
            elif words[0] == "OC":
                points = outlines[-1][0]
                end, centre = self._point(words[1:3]), self._point(words[3:5])
                arc = Arc(points[-1], end, centre, words[5].upper() == "Y")
                points += [*arc.between(points[-1], end), end]
            elif len(outlines[-1][0]) > 1 and abs(outlines[-1][0][0] - outlines[-1][0][-1]) < 1e-9:
                outlines[-1][0].pop()
        except IndexError:
            raise OdbError(f"line {n} of {self.path}: {' '.join(words)[:60]!r}") from None

    def _point(self, words: list[str]) -> complex:
        return self.unit * complex(_float(words[0]), _float(words[1]))

    def _record(self, words: list[str]) -> Drawn:
        """Return the polygons of a line, a pad or an arc."""
        words = [*words[:-1], words[-1].partition(";")[0]]
        if words[0] == "P":
            return self._pad(words)
        first = 5 if words[0] == "L" else 7
        name, unit = self.names[words[first]]
        dark = words[first + 1] != "N"
        pen = self._pen(name, unit)
        start, end = self._point(words[1:3]), self._point(words[3:5])
        if words[0] == "L":
            outlines = stroke([start, end], pen)
        else:
            centre = self._point(words[5:7])
            clockwise = words[first + 3].upper() == "Y"
            outlines = arc_stroke(start, end, Arc(start, end, centre, clockwise), pen)
        return [(polygon_of(outline), dark) for outline in outlines if len(outline) > 2]

    def _pen(self, name: str, unit: float) -> float | Outline:
        size = re.fullmatch(rf"r{NUMBER}", name)
        if size is not None:
            return unit * float(size[1]) / 2
        drawn = self.symbol(name, unit)
        if len(drawn) != 1:
            raise OdbError(f"draws lines with symbol {name!r} in {self.path}")
        return [complex(x, y) for x, y in drawn[0][0].points]

    def _pad(self, words: list[str]) -> Drawn:
        """Return a symbol as a pad lays it: turned clockwise, mirrored in x, resized."""
        at, rest = self._point(words[1:3]), words[3:]
        scale = 1.0
        if rest[0] == "-1":
            scale, rest = _float(rest[2]), rest[1:2] + rest[3:]
        name, unit = self.names[rest[0]]
        dark = rest[1] != "N"
        orientation = int(_float(rest[3])) if len(rest) > 3 else 0
        degrees = 90.0 * (orientation % 4)
        mirror = 4 <= orientation <= 7 or orientation == 9
        if orientation > 7:
            degrees = _float(rest[4]) if len(rest) > 4 else 0.0
        laying = Laying.of(at, -degrees, mirror, scale)
        return [(polygon, own == dark) for polygon, own in laying.lay(self.symbol(name, unit))]


def standard_symbol(name: str, unit: float) -> list[Any] | None:
    """Return the polygons of a standard symbol, None where the name is none."""
    for pattern, make in SYMBOLS:
        found = pattern.fullmatch(name)
        if found is not None:
            return make(unit, found)
    return None


def _sizes(unit: float, found: re.Match[str], count: int) -> list[float]:
    return [unit * float(text) for text in found.groups()[:count]]


def _plain_of(make: Callable[..., Outline], count: int) -> Callable[[float, re.Match[str]], Any]:
    return lambda unit, found: shapes.plain(make(*_sizes(unit, found, count)))


def _cornered(make: Callable[..., Outline]) -> Callable[[float, re.Match[str]], Any]:
    return lambda unit, found: shapes.plain(make(*_sizes(unit, found, 3), found[4] or "1234"))


def _donut(outer: Callable[..., Outline], inner: Callable[..., Outline]) -> Any:
    def make(unit: float, found: re.Match[str]) -> Any:
        a, b = _sizes(unit, found, 2)
        return shapes.ring(outer(a), inner(b))

    return make


def _thermal(make: Callable[[float], Outline]) -> Any:
    def shape(unit: float, found: re.Match[str]) -> Any:
        outer, inner = _sizes(unit, found, 2)
        gap = unit * float(found[5])
        return shapes.thermal(make(outer), make(inner), int(found[4]), gap, float(found[3]))

    return shape


def _square(side: float) -> Outline:
    return rectangle(side, side)


def _octagon(width: float, height: float, cut: float) -> Outline:
    return shapes.chamfered(width, height, cut)


SYMBOLS: list[tuple[re.Pattern[str], Callable[[float, re.Match[str]], Any]]] = [
    (re.compile(pattern.replace("N", NUMBER)), make)
    for pattern, make in (
        ("rN", _plain_of(shapes.circle, 1)),
        ("sN", _plain_of(_square, 1)),
        ("rectNxN", _plain_of(rectangle, 2)),
        (r"rectNxNxrN(?:x([1-4]+))?", _cornered(shapes.rounded)),
        (r"rectNxNxcN(?:x([1-4]+))?", _cornered(shapes.chamfered)),
        ("ovalNxN", _plain_of(shapes.oval, 2)),
        ("diNxN", _plain_of(shapes.diamond, 2)),
        ("elNxN", _plain_of(shapes.ellipse, 2)),
        ("octNxNxN", _plain_of(_octagon, 3)),
        ("triNxN", _plain_of(shapes.triangle, 2)),
        ("donut_rNxN", _donut(shapes.circle, shapes.circle)),
        ("donut_sNxN", _donut(_square, _square)),
        ("donut_srNxN", _donut(_square, shapes.circle)),
        (r"th[rs]NxNxNx(\d+)xN", _thermal(shapes.circle)),
        (r"s_th[rs]?NxNxNx(\d+)xN", _thermal(_square)),
    )
]


def _blocks(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the blocks of a structured text: the word before the brace, and its pairs."""
    for match in re.finditer(r"^\s*([A-Z][\w-]*)\s*\{([^}]*)\}", text, re.M):
        yield match[1], _pairs(match[2])


def _pairs(text: str) -> dict[str, str]:
    rows = (line.strip().partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip() for key, _, value in rows}


def _unit(text: str) -> float | None:
    """Return the unit that a file gives, in mm."""
    found = re.search(r"^\s*(?:UNITS\s*=|U)\s*(MM|INCH)\b", text, re.M | re.I)
    return None if found is None else (1.0 if found[1].upper() == "MM" else INCH)


def _float(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not abs(found) < 1e9:
        raise OdbError(f"has {text[:40]!r} where a number should be")
    return found


def _extent(outline: Outline) -> float:
    xs, ys = [p.real for p in outline], [p.imag for p in outline]
    return (max(xs) - min(xs)) * (max(ys) - min(ys))
