"""One board, described once, and written as Gerber with a drill file, IPC-2581 and ODB++.

Shapes stand in their order: ("line", p, q, width), ("arc", p, q, centre, width), counter-clockwise,
("circle", at, diameter), ("rect" or "oval", at, width, height, degrees), ("area", outline, holes),
("clear", at, diameter), which erases. Lengths in mm, points as complex numbers.
"""

from __future__ import annotations

from cmath import rect
from dataclasses import dataclass
from math import radians
from pathlib import Path

Point = complex


@dataclass(frozen=True)
class Board:
    """Outline corners, layers (name, "copper" or "dielectric", thickness), shapes, plated holes."""

    corner: Point
    far: Point
    stack: tuple[tuple[str, str, float], ...]
    shapes: dict[str, list[tuple]]
    holes: list[tuple[Point, float]]


def example() -> Board:
    """Return a board of 40 x 30 mm with four layers, its corner at (100, 50)."""
    low, far = 100 + 50j, 140 + 80j

    def at(x: float, y: float) -> Point:
        return low + complex(x, y)

    border = [at(1, 1), at(39, 1), at(39, 29), at(1, 29)]
    window = [at(22, 4), at(36, 4), at(36, 20), at(30, 26), at(22, 20)]
    holes = [(at(5 + 6 * i, 4 + 7 * j), 0.6) for i in range(6) for j in range(4)]
    top = [
        *(("line", at(3, 2 + 1.5 * n), at(20, 2 + 1.5 * n), 0.4) for n in range(17)),
        ("arc", at(36, 15), at(28, 15), at(32, 15), 0.8),
        *(("circle", hole, 1.4) for hole, _ in holes),
        ("rect", at(30, 6), 6.0, 2.0, 30.0),
        ("oval", at(34, 24), 5.0, 1.5, 90.0),
        ("rect", at(24, 24), 3.0, 2.0, 0.0),
    ]
    plane = [("area", border, [window]), *(("clear", hole, 2.0) for hole, _ in holes[::2])]
    power = [("area", window, [])] + [("circle", hole, 1.2) for hole, _ in holes]
    bottom = [
        *(("line", at(2 + 2 * n, 2), at(2 + 2 * n, 12), 0.6) for n in range(18)),
        (
            "area",
            [at(2, 16), at(38, 16), at(38, 28), at(2, 28)],
            [[at(9, 18), at(15, 18), at(12, 26)]],
        ),
        ("circle", at(20, 14), 3.0),
    ]
    stack = (
        ("TOP", "copper", 0.035),
        ("PREPREG_1", "dielectric", 0.2),
        ("GND", "copper", 0.018),
        ("CORE", "dielectric", 0.8),
        ("PWR", "copper", 0.018),
        ("PREPREG_2", "dielectric", 0.2),
        ("BOTTOM", "copper", 0.035),
    )
    shapes = {"TOP": top, "GND": plane, "PWR": power, "BOTTOM": bottom}
    return Board(low, far, stack, shapes, holes)


def _corners(shape: tuple) -> list[Point]:
    _, at, width, height, degrees = shape
    turn = rect(1.0, radians(degrees))
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return [at + turn * complex(x * width / 2, y * height / 2) for x, y in signs]


def _spine(shape: tuple) -> tuple[Point, Point, float]:
    """Return an oval as a stroke: its two ends and its width."""
    _, at, width, height, degrees = shape
    reach = complex(max(0.0, width - height) / 2, max(0.0, height - width) / 2)
    reach *= rect(1.0, radians(degrees))
    return at - reach, at + reach, min(width, height)


# Gerber and a drill file


def write_gerber(board: Board, folder: Path) -> None:
    """Write LAYER.gbr for every copper layer, and holes.drl."""
    for name, shapes in board.shapes.items():
        (folder / f"{name}.gbr").write_text(_gerber(shapes))
    sizes = sorted({diameter for _, diameter in board.holes})
    lines = ["M48", "METRIC,TZ", *(f"T{n}C{d:.3f}" for n, d in enumerate(sizes, 1)), "%", "G05"]
    for n, size in enumerate(sizes, 1):
        lines.append(f"T{n}")
        lines += [f"X{at.real:.4f}Y{at.imag:.4f}" for at, d in board.holes if d == size]
    (folder / "holes.drl").write_text("\n".join([*lines, "M30", ""]))


def _gerber(shapes: list[tuple]) -> str:
    apertures: dict[str, int] = {}
    body = []

    def pick(size: float) -> str:
        return f"D{apertures.setdefault(f'C,{size:.6f}', 10 + len(apertures))}*"

    def xy(p: Point) -> str:
        return f"X{round(p.real * 1e6)}Y{round(p.imag * 1e6)}"

    def region(outline: list[Point]) -> list[str]:
        moves = [f"{xy(outline[0])}D02*", *(f"{xy(p)}D01*" for p in [*outline[1:], outline[0]])]
        return ["G36*", *moves, "G37*"]

    for shape in shapes:
        kind = shape[0]
        if kind in ("line", "oval"):
            p, q, width = shape[1:] if kind == "line" else _spine(shape)
            body += [pick(width), f"{xy(p)}D02*", f"{xy(q)}D01*"]
        elif kind == "arc":
            _, p, q, centre, width = shape
            offset = centre - p
            move = f"{xy(q)}I{round(offset.real * 1e6)}J{round(offset.imag * 1e6)}D01*"
            body += [pick(width), "G75*", f"{xy(p)}D02*", f"G03{move}", "G01*"]
        elif kind == "rect":
            body += region(_corners(shape))
        elif kind == "area":
            body += region(shape[1])
            for hole in shape[2]:
                body += ["%LPC*%", *region(hole), "%LPD*%"]
        else:
            clear = ("%LPC*%", "%LPD*%") if kind == "clear" else ("", "")
            body += [clear[0], pick(shape[2]), f"{xy(shape[1])}D03*", clear[1]]
    head = ["%FSLAX46Y46*%", "%MOMM*%", "%LPD*%", "G01*"]
    head += [f"%ADD{number}{aperture}*%" for aperture, number in apertures.items()]
    return "\n".join([*head, *filter(None, body), "M02*", ""])


# IPC-2581, in inches


def write_ipc2581(board: Board, path: Path) -> None:
    """Write a board in IPC-2581, revision C."""
    kinds = {"copper": "CONDUCTOR", "dielectric": "DIELCORE"}
    layers = [
        f'<Layer name="{name}" layerFunction="{kinds[kind]}" side="NONE" polarity="POSITIVE"/>'
        for name, kind, _ in board.stack
    ]
    layers.append(
        '<Layer name="DRILL" layerFunction="DRILL" side="ALL" polarity="POSITIVE">'
        '<Span fromLayer="TOP" toLayer="BOTTOM"/></Layer>'
    )
    stack = [
        f'<StackupLayer layerOrGroupRef="{name}" thickness="{_inch(t)}" tolPlus="0" tolMinus="0" '
        f'sequence="{n}"><SpecRef id="{kind}"/></StackupLayer>'
        for n, (name, kind, t) in enumerate(board.stack, 1)
    ]
    outline = [
        board.corner,
        complex(board.far.real, board.corner.imag),
        board.far,
        complex(board.corner.real, board.far.imag),
    ]
    features = []
    for name, shapes in board.shapes.items():
        sets = "\n".join(_ipc_set(shape) for shape in shapes)
        features.append(f'<LayerFeature layerRef="{name}">\n{sets}\n</LayerFeature>')
    holes = "\n".join(
        f'<Set><Hole name="H{n}" diameter="{_inch(d)}" platingStatus="VIA" plusTol="0" '
        f'minusTol="0" x="{_inch(at.real)}" y="{_inch(at.imag)}"/></Set>'
        for n, (at, d) in enumerate(board.holes)
    )
    path.write_text(f"""<?xml version="1.0" encoding="UTF-8"?>
<IPC-2581 revision="C" xmlns="http://webstds.ipc.org/2581">
<Content roleRef="Owner"><FunctionMode mode="FABRICATION"/><StepRef name="board"/>
<DictionaryStandard units="MILLIMETER">
<EntryStandard id="pad"><Circle diameter="1.4"/></EntryStandard>
</DictionaryStandard>
<DictionaryLineDesc units="MILLIMETER">
<EntryLineDesc id="thin"><LineDesc lineWidth="0.4" lineEnd="ROUND"/></EntryLineDesc>
</DictionaryLineDesc>
</Content>
<Ecad name="example"><CadHeader units="INCH">
<Spec name="copper"><General type="MATERIAL"><Property text="COPPER"/></General></Spec>
<Spec name="dielectric"><General type="MATERIAL"><Property text="FR-4"/></General></Spec>
</CadHeader><CadData>
{chr(10).join(layers)}
<Stackup name="PRIMARY" overallThickness="0" tolPlus="0" tolMinus="0" whereMeasured="METAL">
<StackupGroup name="G" thickness="0" tolPlus="0" tolMinus="0">{chr(10).join(stack)}</StackupGroup>
</Stackup>
<Step name="board" type="BOARD"><Datum x="0" y="0"/>
<Profile>{_ipc_polygon(outline, "Polygon")}</Profile>
<Package name="BGA" type="OTHER" height="{_inch(1.2)}"><Outline>
{_ipc_polygon([-4 - 3j, 4 - 3j, 4 + 3j, -4 + 3j], "Polygon")}</Outline></Package>
<Component refDes="U1" packageRef="BGA" part="BGA" layerRef="TOP" mountType="SMT">
<Xform rotation="90"/><Location {_xy(board.corner + 10 + 9j)}/>
</Component>
{chr(10).join(features)}
<LayerFeature layerRef="DRILL">
{holes}
</LayerFeature>
</Step></CadData></Ecad></IPC-2581>
""")


def _inch(length: float) -> str:
    return f"{length / 25.4:.9f}"


def _xy(p: Point) -> str:
    return f'x="{_inch(p.real)}" y="{_inch(p.imag)}"'


def _ipc_polygon(outline: list[Point], tag: str) -> str:
    steps = "".join(f"<PolyStepSegment {_xy(p)}/>" for p in [*outline[1:], outline[0]])
    return f"<{tag}><PolyBegin {_xy(outline[0])}/>{steps}</{tag}>"


def _ipc_set(shape: tuple) -> str:
    kind = shape[0]
    if kind == "circle" and shape[2] == 1.4:
        return f'<Set><Pad><Location {_xy(shape[1])}/><StandardPrimitiveRef id="pad"/></Pad></Set>'
    if kind in ("circle", "clear"):
        sign = "NEGATIVE" if kind == "clear" else "POSITIVE"
        form = f'<Circle diameter="{_inch(shape[2])}"/>'
        place = f"<Location {_xy(shape[1])}/>"
        return f'<Set polarity="{sign}"><Features>{place}{form}</Features></Set>'
    if kind in ("rect", "oval"):
        _, at, width, height, degrees = shape
        tag = "RectCenter" if kind == "rect" else "Oval"
        form = f'<{tag} width="{_inch(width)}" height="{_inch(height)}"/>'
        turn = f'<Xform rotation="{degrees}"/><Location {_xy(at)}/>'
        return f"<Set><Pad>{turn}{form}</Pad></Set>"
    if kind == "area":
        cut = "".join(_ipc_polygon(hole, "Cutout") for hole in shape[2])
        inner = f"<Contour>{_ipc_polygon(shape[1], 'Polygon')}{cut}</Contour>"
        return f'<Set><Features><Location x="0" y="0"/>{inner}</Features></Set>'
    pen = f'<LineDesc lineWidth="{_inch(shape[-1])}" lineEnd="ROUND"/>'
    if kind == "line" and shape[-1] == 0.4:
        pen = '<LineDescRef id="thin"/>'
    begin = f"<PolyBegin {_xy(shape[1])}/>"
    step = f"<PolyStepSegment {_xy(shape[2])}/>"
    if kind == "arc":
        centre = f'centerX="{_inch(shape[3].real)}" centerY="{_inch(shape[3].imag)}"'
        step = f'<PolyStepCurve {_xy(shape[2])} {centre} clockwise="false"/>'
    return f"<Set><Features><Polyline>{begin}{step}{pen}</Polyline></Features></Set>"


# ODB++, in mm


def write_odb(board: Board, folder: Path) -> None:
    """Write a job in ODB++, release 8, as a folder."""
    rows = ["STEP {\n    COL=1\n    NAME=PCB\n}"]
    kinds = {"copper": "SIGNAL", "dielectric": "DIELECTRIC"}
    for n, (name, kind, _) in enumerate(board.stack, 1):
        rows.append(_odb_layer(n, kinds[kind], name))
    ends = "    START_NAME=TOP\n    END_NAME=BOTTOM\n"
    rows.append(_odb_layer(len(board.stack) + 1, "DRILL", "DRILL", ends))
    _put(folder / "matrix" / "matrix", "\n\n".join(rows))
    _put(folder / "misc" / "info", "UNITS=MM\nODB_VERSION_MAJOR=8\n")
    step = folder / "steps" / "pcb"
    _put(step / "stephdr", "UNITS=MM\nX_DATUM=0\nY_DATUM=0\n")
    x0, y0, x1, y1 = board.corner.real, board.corner.imag, board.far.real, board.far.imag
    border = [complex(x0, y0), complex(x1, y0), complex(x1, y1), complex(x0, y1)]
    _put(step / "profile", "UNITS=MM\n" + "\n".join(_odb_surface(border, [])) + "\n")
    for name, kind, thickness in board.stack:
        weight = f".copper_weight={thickness / 0.035:.6f}\n"
        text = weight if kind == "copper" else f".layer_dielectric={thickness}\n.material=FR-4\n"
        _put(step / "layers" / name.lower() / "attrlist", "UNITS=MM\n" + text)
    for name, shapes in board.shapes.items():
        _put(step / "layers" / name.lower() / "features", _odb_features(shapes))
    lines = ["UNITS=MM", "$0 r600.0", "@0 .drill", f"F {len(board.holes)}"]
    lines += [f"P {at.real:.6f} {at.imag:.6f} 0 P 0 8 0 ;0=0" for at, _ in board.holes]
    _put(step / "layers" / "drill" / "features", "\n".join([*lines, ""]))
    at = board.corner + 10 + 9j
    _put(step / "eda" / "data", "HDR test\nUNITS=MM\nPKG BGA 0.8 -4 -3 4 3;\n")
    component = f"UNITS=MM\nCMP 0 {at.real} {at.imag} 270 N U1 BGA ;0=1\n"
    _put(step / "layers" / "comp_+_top" / "components", component)


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _odb_layer(row: int, kind: str, name: str, more: str = "") -> str:
    keys = f"    ROW={row}\n    CONTEXT=BOARD\n    TYPE={kind}\n    NAME={name}\n"
    return f"LAYER {{\n{keys}    POLARITY=POSITIVE\n{more}}}"


def _odb_surface(outline: list[Point], holes: list[list[Point]]) -> list[str]:
    lines = ["S P 0"]
    for points, mark in ((outline, "I"), *((hole, "H") for hole in holes)):
        lines.append(f"OB {points[0].real} {points[0].imag} {mark}")
        lines += [f"OS {p.real} {p.imag}" for p in [*points[1:], points[0]]]
        lines.append("OE")
    return [*lines, "SE"]


def _odb_features(shapes: list[tuple]) -> str:
    symbols: dict[str, int] = {}
    body: list[str] = []

    def pick(name: str) -> int:
        return symbols.setdefault(name, len(symbols))

    def xy(p: Point) -> str:
        return f"{p.real:.6f} {p.imag:.6f}"

    for shape in shapes:
        kind = shape[0]
        if kind == "line":
            body.append(f"L {xy(shape[1])} {xy(shape[2])} {pick(f'r{1e3 * shape[3]:.3f}')} P 0")
        elif kind == "arc":
            _, p, q, centre, width = shape
            body.append(f"A {xy(p)} {xy(q)} {xy(centre)} {pick(f'r{1e3 * width:.3f}')} P 0 N")
        elif kind in ("circle", "clear"):
            sign = "N" if kind == "clear" else "P"
            body.append(f"P {xy(shape[1])} {pick(f'r{1e3 * shape[2]:.3f}')} {sign} 0 8 0")
        elif kind in ("rect", "oval"):
            _, at, width, height, degrees = shape
            symbol = pick(f"{kind}{1e3 * width:.3f}x{1e3 * height:.3f}")
            body.append(f"P {xy(at)} {symbol} P 0 8 {(360 - degrees) % 360}")
        else:
            body += _odb_surface(shape[1], shape[2])
    names = [f"${number} {name}" for name, number in symbols.items()]
    return "\n".join(["UNITS=MM", "#", *names, "#", *body, ""])
