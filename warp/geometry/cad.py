"""Solids from STEP files as upright prisms: lids, sockets, rings, other machined or stamped parts.

A solid is cut at every height at which a face or an edge ends. Between two cuts, a solid whose
walls are upright is a prism over its cross-section, exactly. Where walls lean or are rounded, it
becomes thin slabs, each over the section at its middle, as many as let the volume settle to VOLUME.
Curves in plane keep to CHORD. A solid must be closed and sound: what has gaps encloses no volume.
Lengths are mm, as the reader of STEP makes them from the file's unit.
Open CASCADE Technology by cadquery-ocp (the extra `cad`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from warp.geometry.strokes import Outline

REMEDY = "pip install cadquery-ocp gdstk"
CHORD = 0.5e-3  # mm: largest distance of a side from its curve
SAME = 1e-5  # mm: heights closer than this are one
UPRIGHT = 1e-6  # relative change of a section's area in a prism
VOLUME = 1e-3  # relative difference of the slabs' volume and the solid's
SLABS = (4, 8, 16, 32, 64)  # between two cuts where walls lean
MOST_LEVELS = 200
AXES = {
    "z": (0, 1, 2),
    "-z": (0, 1, 2),
    "x": (1, 2, 0),
    "-x": (1, 2, 0),
    "y": (2, 0, 1),
    "-y": (2, 0, 1),
}


class CadError(ValueError):
    """A file without a sound solid; the text says what is wrong."""


@dataclass(frozen=True, eq=False)
class Slab:
    """A piece of a solid between two heights (mm): simple polygons that do not overlap."""

    low: float
    high: float
    pieces: tuple[Outline, ...]

    @property
    def area(self) -> float:
        """Return the area of the section in mm2."""
        return sum(_area(piece) for piece in self.pieces)


@dataclass(frozen=True, eq=False)
class CadSolid:
    """Slabs from the bottom up, about the middle of the solid's box and from its bottom (mm).

    size: of the box. volume: of the solid itself (mm3).
    """

    slabs: tuple[Slab, ...]
    size: tuple[float, float, float]
    volume: float

    @property
    def ceiling(self) -> float:
        """Return the underside of the solid over its middle; its bottom where it is open there."""
        for slab in self.slabs:
            if any(_contains(piece, 0j) for piece in slab.pieces):
                return slab.low
        return 0.0


def read(path: str, solid: int | None, up: str) -> CadSolid:
    """Read a solid of a STEP file: its number from 1, the only one by default.

    up: the axis of the file that points upwards: x, y, z, or one of them with a minus sign.
    CadError says what is wrong, OSError that the file cannot be read, ImportError what is missing.
    """
    return _read(path, Path(path).stat().st_mtime_ns, solid, up)


@lru_cache(maxsize=8)
def _read(path: str, changed: int, number: int | None, up: str) -> CadSolid:
    shape = _turned(_chosen(_solids(path), number), up)
    _check(shape)
    volume = _volume(shape)
    (x0, y0, z0), (x1, y1, z1) = _box(shape)
    middle = complex(x0 + x1, y0 + y1) / 2
    slabs = list(_slabs(shape, z0, z1, volume))
    moved = tuple(
        Slab(s.low - z0, s.high - z0, tuple([p - middle for p in o] for o in s.pieces))
        for s in slabs
    )
    return CadSolid(moved, (x1 - x0, y1 - y0, z1 - z0), volume)


def _solids(path: str) -> list[Any]:
    """Return the solids of a file."""
    from OCP.IFSelect import IFSelect_RetDone
    from OCP.STEPControl import STEPControl_Reader
    from OCP.TopAbs import TopAbs_SHELL, TopAbs_SOLID
    from OCP.TopExp import TopExp_Explorer

    reader = STEPControl_Reader()
    if reader.ReadFile(path) != IFSelect_RetDone:
        raise CadError("is no STEP file")
    reader.TransferRoots()
    whole = reader.OneShape()
    explorer = TopExp_Explorer(whole, TopAbs_SOLID)
    found: list[Any] = []
    if not explorer.More() and TopExp_Explorer(whole, TopAbs_SHELL).More():
        raise CadError("is not watertight: its faces form an open shell, no solid")
    while explorer.More():
        found.append(explorer.Current())
        explorer.Next()
    return found


def _chosen(solids: list[Any], number: int | None) -> Any:
    if not solids:
        raise CadError("holds no solid: surfaces alone enclose no volume")
    if number is None and len(solids) > 1:
        raise CadError(f"holds {len(solids)} solids: say which one, solid = 1 to {len(solids)}")
    if number is not None and number > len(solids):
        raise CadError(f"holds {len(solids)} solids, no number {number}")
    return solids[(number or 1) - 1]


def _turned(shape: Any, up: str) -> Any:
    """Return a shape with its axis `up` along z; the other two keep their order."""
    if up == "z":
        return shape
    from OCP.BRepBuilderAPI import BRepBuilderAPI_Transform
    from OCP.gp import gp_Trsf

    x, y, z = AXES[up]
    rows = np.zeros((3, 3))
    rows[[0, 1, 2], [x, y, z]] = 1.0
    if up.startswith("-"):
        rows[[1, 2]] *= -1.0  # turned over about x
    turn = gp_Trsf()
    values = np.hstack([rows, np.zeros((3, 1))]).reshape(-1)
    turn.SetValues(*(float(value) for value in values))
    return BRepBuilderAPI_Transform(shape, turn, True).Shape()


def _check(shape: Any) -> None:
    """Refuse a solid that is open or unsound."""
    from OCP.BRep import BRep_Tool
    from OCP.BRepCheck import BRepCheck_Analyzer
    from OCP.TopAbs import TopAbs_SHELL
    from OCP.TopExp import TopExp_Explorer

    explorer = TopExp_Explorer(shape, TopAbs_SHELL)
    while explorer.More():
        if not BRep_Tool.IsClosed_s(explorer.Current()):
            raise CadError("is not watertight: a shell of the solid is open")
        explorer.Next()
    if not BRepCheck_Analyzer(shape).IsValid():
        raise CadError("is no sound solid: its faces cross or do not meet")
    if _volume(shape) <= 0.0:
        raise CadError("encloses no volume: its faces look inwards")


def _volume(shape: Any) -> float:
    from OCP.BRepGProp import BRepGProp
    from OCP.GProp import GProp_GProps

    found = GProp_GProps()
    BRepGProp.VolumeProperties_s(shape, found)
    return float(found.Mass())


def _box(shape: Any) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    from OCP.Bnd import Bnd_Box
    from OCP.BRepBndLib import BRepBndLib

    box = Bnd_Box()
    BRepBndLib.AddOptimal_s(shape, box, False, False)
    low, high, gap = box.CornerMin(), box.CornerMax(), box.GetGap()
    return (
        (low.X() + gap, low.Y() + gap, low.Z() + gap),
        (high.X() - gap, high.Y() - gap, high.Z() - gap),
    )


def _levels(shape: Any, z0: float, z1: float) -> list[float]:
    """Return the heights at which faces or edges end."""
    from OCP.BRep import BRep_Tool
    from OCP.TopAbs import TopAbs_VERTEX
    from OCP.TopExp import TopExp_Explorer
    from OCP.TopoDS import TopoDS

    found = [z0, z1]
    explorer = TopExp_Explorer(shape, TopAbs_VERTEX)
    while explorer.More():
        found.append(BRep_Tool.Pnt_s(TopoDS.Vertex(explorer.Current())).Z())
        explorer.Next()
    levels: list[float] = []
    for height in sorted(found):
        if z0 - SAME < height < z1 + SAME and (not levels or height - levels[-1] > SAME):
            levels.append(height)
    if len(levels) > MOST_LEVELS:
        raise CadError(f"has edges at more than {MOST_LEVELS} heights: leave its details out")
    return levels


def _slabs(shape: Any, z0: float, z1: float, volume: float) -> Iterator[Slab]:
    """Yield the slabs from the bottom up; CadError where they miss the volume."""
    levels = _levels(shape, z0, z1)
    found: list[Slab] = []
    for low, high in zip(levels, levels[1:], strict=False):
        ends = [_slab(shape, low, high, at) for at in (0.02, 0.5, 0.98)]
        areas = [slab.area for slab in ends]
        if max(areas) - min(areas) <= UPRIGHT * max(areas):
            found.append(ends[1])
            continue
        found += _leaning(shape, low, high, max(areas))
    total = sum(slab.area * (slab.high - slab.low) for slab in found)
    if abs(total - volume) > 5 * VOLUME * volume:
        raise CadError(f"is {volume:.6g} mm3, its slabs {total:.6g} mm3: its shape is not upright")
    yield from found


def _leaning(shape: Any, low: float, high: float, area: float) -> list[Slab]:
    """Return slabs between two heights, as many as make their volume settle."""
    before = None
    slabs: list[Slab] = []
    for count in SLABS:
        lines = np.linspace(low, high, count + 1).tolist()
        slabs = [_slab(shape, a, b, 0.5) for a, b in zip(lines, lines[1:], strict=False)]
        volume = sum(slab.area * (slab.high - slab.low) for slab in slabs)
        if before is not None and abs(volume - before) <= VOLUME * area * (high - low):
            break
        before = volume
    return slabs


def _slab(shape: Any, low: float, high: float, at: float) -> Slab:
    """Return the slab between two heights with the section at a share of its thickness."""
    return Slab(low, high, tuple(_section(shape, low + at * (high - low))))


def _section(shape: Any, z: float) -> list[Outline]:
    """Return the cross-section at a height as simple polygons."""
    from OCP.BRepAlgoAPI import BRepAlgoAPI_Common
    from OCP.BRepBuilderAPI import BRepBuilderAPI_MakeFace
    from OCP.BRepTools import BRepTools
    from OCP.gp import gp_Dir, gp_Pln, gp_Pnt
    from OCP.TopAbs import TopAbs_FACE, TopAbs_WIRE
    from OCP.TopExp import TopExp_Explorer
    from OCP.TopoDS import TopoDS

    (x0, y0, _), (x1, y1, _) = _box(shape)
    plane = gp_Pln(gp_Pnt(0, 0, z), gp_Dir(0, 0, 1))
    face = BRepBuilderAPI_MakeFace(plane, x0 - 1, x1 + 1, y0 - 1, y1 + 1).Face()
    common = BRepAlgoAPI_Common(shape, face)
    found: list[Outline] = []
    faces = TopExp_Explorer(common.Shape(), TopAbs_FACE)
    while faces.More():
        own = TopoDS.Face(faces.Current())
        outer = BRepTools.OuterWire_s(own)
        holes = []
        wires = TopExp_Explorer(own, TopAbs_WIRE)
        while wires.More():
            if not wires.Current().IsSame(outer):
                holes.append(_polyline(TopoDS.Wire(wires.Current()), own))
            wires.Next()
        found += _simple(_polyline(outer, own), holes)
        faces.Next()
    return found


def _polyline(wire: Any, face: Any) -> Outline:
    """Return a wire as corners in plane; curves keep to CHORD."""
    from OCP.BRepAdaptor import BRepAdaptor_Curve
    from OCP.BRepTools import BRepTools_WireExplorer
    from OCP.GCPnts import GCPnts_QuasiUniformDeflection
    from OCP.GeomAbs import GeomAbs_Line
    from OCP.TopAbs import TopAbs_REVERSED

    points: Outline = []
    explorer = BRepTools_WireExplorer(wire, face)
    while explorer.More():
        edge = explorer.Current()
        curve = BRepAdaptor_Curve(edge)
        first, last = curve.FirstParameter(), curve.LastParameter()
        if curve.GetType() == GeomAbs_Line:
            own = [curve.Value(first), curve.Value(last)]
        else:
            spread = GCPnts_QuasiUniformDeflection(curve, CHORD, first, last)
            own = [spread.Value(n + 1) for n in range(spread.NbPoints())]
        if edge.Orientation() == TopAbs_REVERSED:
            own.reverse()
        points += [complex(p.X(), p.Y()) for p in own[:-1]]
        explorer.Next()
    return points


def _simple(outer: Outline, holes: list[Outline]) -> list[Outline]:
    """Return a polygon with holes as simple polygons: cut at the lower and upper end of each."""
    if not holes:
        return [outer] if len(outer) > 2 else []
    import gdstk

    from warp.geometry.board import with_holes

    cuts = sorted({end(p.imag for p in hole) for hole in holes for end in (min, max)})
    slices = gdstk.slice(with_holes([outer], holes), cuts, "y", 1e-7)
    return [[complex(x, y) for x, y in p.points] for strip in slices for p in strip]


def _area(outline: Outline) -> float:
    pairs = zip(outline, [*outline[1:], outline[0]], strict=True)
    return abs(sum((p.conjugate() * q).imag for p, q in pairs)) / 2


def _contains(outline: Outline, point: complex) -> bool:
    """Tell whether a point lies in a polygon or on its edge, by the angle that it subtends."""
    inside = False
    for p, q in zip(outline, [*outline[1:], outline[0]], strict=True):
        a, b = p - point, q - point
        if abs((a.conjugate() * b).imag) < SAME**2 and (a.conjugate() * b).real <= 0.0:
            return True
        if (a.imag > 0.0) != (b.imag > 0.0):
            inside ^= a.real + (b.real - a.real) * a.imag / (a.imag - b.imag) > 0.0
    return inside
