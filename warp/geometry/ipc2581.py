"""Boards in IPC-2581, revisions A to C: stackup, materials, copper, holes and components.

Copper of a layer is what its LayerFeature sets and pad stacks put there: pads, lines, polylines,
arcs, contours with cut-outs and standard shapes, in their order; negative sets erase. Steps that a
panel repeats are drawn with it. Text and what is not understood on a copper layer is refused, other
layers are not read. Lengths become mm.
IPC-2581C (2020), Generic Requirements for Printed Board Assembly Products Manufacturing Description
Data and Transfer Methodology.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
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
    arc_stroke,
    laid_drills,
    polygon_of,
    stroke,
)
from warp.geometry.excellon import Hole
from warp.geometry.ipc2581_shapes import (
    SHAPES,
    STROKES,
    Element,
    Ipc2581Error,
    is_clockwise,
    number,
    outline_of,
    unit_of,
)
from warp.geometry.strokes import Arc, Outline

REMEDY = "pip install lxml"
KINDS: dict[str, LayerKind] = {
    **dict.fromkeys(("SIGNAL", "PLANE", "CONDUCTOR", "MIXED", "CONDFILM", "CONDFOIL"), "copper"),
    **dict.fromkeys(("DIELBASE", "DIELCORE", "DIELPREG", "DIELADHV", "DIELBONDPLY"), "dielectric"),
    "SOLDERMASK": "mask",
    "DIELCOVERLAY": "mask",
}
SILENT = {
    "Location",
    "Xform",
    "NonstandardAttribute",
    "ColorRef",
    "Color",
    "PinRef",
    "SpecRef",
    "Text",
}
PLATED = {"PLATED", "VIA", "VIA_CAPPED"}


def is_ipc2581(text: str) -> bool:
    """Tell by the root element."""
    return "<IPC-2581" in text[:5000] or "<ipc:IPC-2581" in text[:5000]


@lru_cache(maxsize=2)
def read(content: bytes, step: str | None = None) -> Board:
    """Read a board; `step`: its name, by default the first that the file names.

    Ipc2581Error where the file is none, ImportError without lxml.
    """
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=True, remove_comments=True
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise Ipc2581Error(f"is no XML: {error.msg}") from None
    for element in root.iter():
        if isinstance(element.tag, str) and "}" in element.tag:
            element.tag = element.tag.rpartition("}")[2]
    return _File(root).board(step)


class _File:
    """The parts of a file that a board needs, by name."""

    def __init__(self, root: Element) -> None:
        if root.tag != "IPC-2581":
            raise Ipc2581Error(f"begins with {root.tag!r}, not IPC-2581")
        header = root.find("Ecad/CadHeader")
        self.data = root.find("Ecad/CadData")
        if header is None or self.data is None:
            raise Ipc2581Error("has no Ecad section with CadHeader and CadData")
        self.unit = unit_of(header)
        self.root, self.header = root, header
        self.steps = {step.get("name", ""): step for step in self.data.findall("Step")}
        self.layers = {layer.get("name", ""): layer for layer in self.data.findall("Layer")}
        self.standard = self._dictionary("Standard")
        self.user = self._dictionary("User")
        self.lines = self._dictionary("LineDesc")
        self.fills = self._dictionary("FillDesc")

    def _dictionary(self, word: str) -> dict[str, tuple[Element, float]]:
        """Return the entries of a dictionary, each with its unit in mm."""
        found = {}
        for table in self.root.iter(f"Dictionary{word}"):
            unit = unit_of(table) if table.get("units") else self.unit
            for entry in table.findall(f"Entry{word}"):
                if len(entry):
                    found[entry.get("id", "")] = (entry[0], unit)
        return found

    def board(self, name: str | None) -> Board:
        """Return the board of a step."""
        named = [ref.get("name", "") for ref in self.root.findall("Content/StepRef")]
        first = next((one for one in (*named, *self.steps) if one in self.steps), None)
        chosen = name or first
        if chosen is None or chosen not in self.steps:
            raise Ipc2581Error(f"has no step {name!r}; it has {', '.join(self.steps) or 'none'}")
        step = self.steps[chosen]

        @cache
        def draw(layer: str) -> tuple[Drawn, bool]:
            own = self.layers.get(layer)
            negative = own is not None and own.get("polarity") == "NEGATIVE"
            return list(self._drawn(step, layer, 0)), negative

        drawable = tuple(
            layer
            for layer, own in self.layers.items()
            if KINDS.get(own.get("layerFunction", "")) == "copper"
        )
        return Board(
            self._outline(step),
            tuple(self._stackup()),
            tuple(self._drills(step, 0)),
            tuple(self._components(step)),
            draw,
            drawable,
        )

    def _outline(self, step: Element) -> Outline:
        polygon = step.find("Profile/Polygon")
        return [] if polygon is None else outline_of(polygon, self.unit)

    def _stackup(self) -> Iterator[BoardLayer]:
        """Yield the layers of the first stackup, from the top down.

        One that no Layer declares is a dielectric: some writers declare only what they draw.
        """
        stackup = self.data.find("Stackup")
        entries = [] if stackup is None else list(stackup.iter("StackupLayer"))
        groups = {group.get("name") for entry in entries for group in entry.iterancestors()}
        entries.sort(key=lambda entry: float(entry.get("sequence") or 0))
        for entry in entries:
            name = entry.get("layerOrGroupRef", "")
            own = self.layers.get(name)
            kind = KINDS.get("" if own is None else own.get("layerFunction", ""))
            if own is None and name not in groups:
                kind = "dielectric"
            if kind is not None:
                thickness = self.unit * number(entry, "thickness")
                yield BoardLayer(name, kind, thickness, self._material(entry, own))

    def _material(self, entry: Element, layer: Element) -> str:
        """Return the text of the material of a layer's specification, "" where there is none."""
        refs = [*entry.findall("SpecRef"), *(() if layer is None else layer.findall("SpecRef"))]
        wanted = {ref.get("id") for ref in refs}
        for spec in self.header.findall("Spec"):
            if spec.get("name") in wanted:
                for general in spec.findall("General"):
                    found = general.find("Property")
                    if general.get("type") == "MATERIAL" and found is not None:
                        return str(found.get("text") or "")
        return ""

    def _drawn(self, step: Element, layer: str, depth: int) -> Iterator[tuple[Any, bool]]:
        """Yield the polygons of a layer of a step, those of repeated steps first."""
        for placed in self._placements(step, depth):
            inner = list(self._drawn(self.steps[placed.step], layer, depth + 1))
            for laying in placed.copies():
                yield from laying.lay(inner)
        for feature in step.findall("LayerFeature"):
            if feature.get("layerRef") == layer:
                for group in feature.findall("Set"):
                    dark = group.get("polarity", "POSITIVE") != "NEGATIVE"
                    for polygon, own in self._set(group, layer, step):
                        yield polygon, own == dark
        for stack in step.findall("PadStack"):
            for pad in stack.findall("LayerPad"):
                if pad.get("layerRef") == layer:
                    yield from self._placed(pad, 0)

    def _set(self, group: Element, layer: str, step: Element) -> Iterator[tuple[Any, bool]]:
        for entry in group:
            if entry.tag in ("Features", "LocalFiducial", "GlobalFiducial", "GoodPanelMark"):
                yield from self._placed(entry, 0)
            elif entry.tag == "Pad":
                yield from self._pad(entry, layer, step)

    def _pad(self, pad: Element, layer: str, step: Element) -> Iterator[tuple[Any, bool]]:
        if any(child.tag not in SILENT for child in pad):
            yield from self._placed(pad, 0)
            return
        reference = pad.get("padstackDefRef")
        for definition in step.findall("PadStackDef"):
            if definition.get("name") == reference:
                for own in definition.findall("PadstackPadDef"):
                    if own.get("layerRef") == layer and own.get("padUse", "REGULAR") == "REGULAR":
                        inner = list(self._placed(own, 0))
                        yield from self._laying(pad).lay(inner)

    def _laying(self, element: Element, unit: float | None = None) -> Laying:
        """Return how the Location and the Xform of an element lay it."""
        unit = self.unit if unit is None else unit
        at, offset = 0j, 0j
        degrees, mirror, scale = 0.0, False, 1.0
        place, transform = element.find("Location"), element.find("Xform")
        if place is not None:
            at = unit * complex(number(place, "x"), number(place, "y"))
        if transform is not None:
            degrees = number(transform, "rotation", 0.0)
            scale = number(transform, "scale", 1.0)
            mirror = transform.get("mirror", "false").lower() in ("true", "1")
            offset = unit * complex(
                number(transform, "xOffset", 0.0), number(transform, "yOffset", 0.0)
            )
        outer = Laying.of(at, degrees, mirror, scale)
        return outer.after(Laying(at=offset)) if offset else outer

    def _placed(self, element: Element, depth: int, unit: float | None = None) -> Drawn:
        """Return the shapes of an element, at its place."""
        unit = self.unit if unit is None else unit
        drawn: Drawn = []
        for child in element:
            if child.tag not in SILENT:
                drawn += self._shape(child, unit, depth)
        laying = self._laying(element, unit)
        return drawn if laying == Laying() else laying.lay(drawn)

    def _shape(self, shape: Element, unit: float, depth: int) -> Drawn:
        """Return the polygons of a shape or of what it refers to."""
        if depth > DEEPEST:
            raise Ipc2581Error(f"line {shape.sourceline}: shapes refer to each other in a circle")
        if shape.tag in ("StandardPrimitiveRef", "UserPrimitiveRef"):
            table = self.standard if shape.tag.startswith("Standard") else self.user
            name = shape.get("id", "")
            if name not in table:
                raise Ipc2581Error(f"line {shape.sourceline}: there is no shape {name!r}")
            return self._shape(*table[name], depth + 1)
        if shape.tag in ("UserSpecial", "Features"):
            return self._placed(shape, depth + 1, unit)
        if shape.tag in STROKES:
            return [(polygon_of(o), True) for o in self._strokes(shape, unit) if len(o) > 2]
        if shape.tag in SHAPES:
            hollow = self._fill(shape) == "HOLLOW"
            polygons = SHAPES[shape.tag](shape, unit)
            if not hollow:
                return [(polygon, self._fill(shape) != "VOID") for polygon in polygons]
            pen, ends = self._pen(shape, unit)
            found = []
            for polygon in polygons:
                around = [complex(x, y) for x, y in polygon.points]
                found += stroke([*around, around[0]], pen, ends) if pen else []
            return [(polygon_of(outline), True) for outline in found]
        if shape.tag in ("LineDesc", "LineDescRef", "FillDesc", "FillDescRef"):
            return []
        raise Ipc2581Error(f"line {shape.sourceline}: {shape.tag} is not understood")

    def _fill(self, shape: Element) -> str:
        own = shape.find("FillDesc")
        reference = shape.find("FillDescRef")
        if own is None and reference is not None:
            own, _ = self.fills.get(reference.get("id", ""), (None, 1.0))
        return "FILL" if own is None else str(own.get("fillProperty", "FILL"))

    def _pen(self, shape: Element, unit: float) -> tuple[float, str]:
        """Return the radius of a line in mm, and its ends."""
        own, reference = shape.find("LineDesc"), shape.find("LineDescRef")
        if own is None and reference is not None:
            own, unit = self.lines.get(reference.get("id", ""), (None, unit))
        if own is None:
            return 0.0, "ROUND"
        return unit * number(own, "lineWidth") / 2, str(own.get("lineEnd", "ROUND"))

    def _strokes(self, shape: Element, unit: float) -> list[Outline]:
        """Return what a line, polyline or arc covers."""
        pen, ends = self._pen(shape, unit)
        if pen <= 0.0:
            return []

        def point(element: Element, x: str = "x", y: str = "y") -> complex:
            return unit * complex(number(element, x), number(element, y))

        if shape.tag == "Line":
            line = [point(shape, "startX", "startY"), point(shape, "endX", "endY")]
            return stroke(line, pen, ends)
        if shape.tag == "Arc":
            start, end = point(shape, "startX", "startY"), point(shape, "endX", "endY")
            centre = point(shape, "centerX", "centerY")
            return arc_stroke(start, end, Arc(start, end, centre, is_clockwise(shape)), pen)
        found: list[Outline] = []
        at = 0j
        for step in shape:
            if step.tag == "PolyBegin":
                at = point(step)
            elif step.tag == "PolyStepSegment":
                found += stroke([at, point(step)], pen, ends)
                at = point(step)
            elif step.tag == "PolyStepCurve":
                end, centre = point(step), point(step, "centerX", "centerY")
                found += arc_stroke(at, end, Arc(at, end, centre, is_clockwise(step)), pen)
                at = end
        return found

    def _placements(self, step: Element, depth: int) -> Iterator[Placement]:
        for entry in step.findall("StepRepeat"):
            name = entry.get("stepRef", "")
            if name not in self.steps or depth > DEEPEST:
                raise Ipc2581Error(f"line {entry.sourceline}: cannot repeat step {name!r}")
            at = self.unit * complex(number(entry, "x"), number(entry, "y"))
            mirror = entry.get("mirror", "false").lower() == "true"
            yield Placement(
                name,
                Laying.of(at, number(entry, "angle", 0.0), mirror),
                (int(number(entry, "nx", 1.0)), int(number(entry, "ny", 1.0))),
                self.unit * complex(number(entry, "dx", 0.0), number(entry, "dy", 0.0)),
            )

    def _drills(self, step: Element, depth: int) -> Iterator[Drill]:
        for placed in self._placements(step, depth):
            inner = list(self._drills(self.steps[placed.step], depth + 1))
            for laying in placed.copies():
                yield from laid_drills(inner, laying)
        for feature in step.findall("LayerFeature"):
            span = self.layers.get(feature.get("layerRef", ""))
            for hole in feature.iter("Hole"):
                yield self._drill(hole, span)
            for slot in feature.iter("SlotCavity"):
                yield from self._slot(slot, span)
        for hole in step.findall("PadStack/LayerHole"):
            yield self._drill(hole, hole)

    def _drill(self, hole: Element, layer: Element | None) -> Drill:
        at = self.unit * complex(number(hole, "x"), number(hole, "y"))
        diameter = self.unit * number(hole, "diameter")
        plated = hole.get("platingStatus", "PLATED") in PLATED
        return Drill(Hole(at, at, diameter), plated, *_span(layer))

    def _slot(self, slot: Element, layer: Element | None) -> Iterator[Drill]:
        """Yield a slot along the longer side of its outline."""
        polygon = next(slot.iter("Polygon"), None)
        if polygon is None or slot.get("platingStatus", "PLATED") not in PLATED:
            return
        laying = self._laying(slot)
        points = [laying.point(p) for p in outline_of(polygon, self.unit)]
        low = complex(min(p.real for p in points), min(p.imag for p in points))
        high = complex(max(p.real for p in points), max(p.imag for p in points))
        size, middle = high - low, (low + high) / 2
        width = min(size.real, size.imag)
        reach = complex(size.real - width, size.imag - width) / 2
        yield Drill(Hole(middle - reach, middle + reach, width), True, *_span(layer))

    def _components(self, step: Element) -> Iterator[Component]:
        """Yield the components with the rectangles of their packages, turned by quarters."""
        packages = {package.get("name"): package for package in step.findall("Package")}
        for entry in step.findall("Component"):
            package = packages.get(entry.get("packageRef"))
            polygon = None if package is None else package.find("Outline/Polygon")
            if polygon is None:
                continue
            laying = self._laying(entry)
            points = [laying.point(p) for p in outline_of(polygon, self.unit)]
            low = complex(min(p.real for p in points), min(p.imag for p in points))
            high = complex(max(p.real for p in points), max(p.imag for p in points))
            side = self.layers.get(entry.get("layerRef", ""))
            below = side is not None and side.get("side") == "BOTTOM"
            height = self.unit * number(package, "height", 0.0)
            name = entry.get("refDes", "")
            middle, size = (low + high) / 2, high - low
            yield Component(name, "bottom" if below else "top", middle, size, height)


def _span(layer: Element | None) -> tuple[str, str]:
    span = None if layer is None else layer.find("Span")
    return ("", "") if span is None else (span.get("fromLayer", ""), span.get("toLayer", ""))
