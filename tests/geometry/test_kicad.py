"""Boards of KiCad: the copper that KiCad itself plots as Gerber, and shapes by their formulas.

The board in kicad/ and its Gerber and drill files were written by KiCad 6.0.11
(tests/support/kicad_board.py).
"""

from math import pi, sqrt
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gdstk", reason="needs the extra 'layout'")

from warp.case import converted
from warp.case.case import load
from warp.errors import Fault, WarpError
from warp.geometry import kicad
from warp.geometry.copper import copper_fraction
from warp.geometry.part import Drawing
from warp.run import process

FOLDER = Path(__file__).parent / "kicad"
SIZE = (40e-3, 30e-3)
LAYERS = ("F.Cu", "In1.Cu", "In2.Cu", "B.Cu")
CENTRE = ["120 mm", "-65 mm"]


def share(folder=FOLDER, **words):
    return copper_fraction(Drawing(pixel="0.1 mm", **words), folder, SIZE, ("copper",))


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_has_the_copper_that_kicad_plots(layer):
    """The share within 0.5 % of itself, and pixel by pixel."""
    plotted = share(file=f"board-{layer.replace('.', '_')}.gbr", centre=CENTRE)
    found = share(file="board.kicad_pcb", layer=layer)
    assert found.mean() == pytest.approx(plotted.mean(), rel=5e-3)
    assert np.abs(found - plotted).max() < 0.03


def test_holes_are_those_of_the_drill_files():
    """Blind vias pass the first dielectric only."""
    through = share(file="board-PTH.drl", plating="25 um", centre=CENTRE)
    blind = share(file="board-front-in1.drl", plating="25 um", centre=CENTRE)
    for layer, drilled in (("dielectric 1", through + blind), ("dielectric 2", through)):
        found = share(file="board.kicad_pcb", layer=layer, plating="25 um")
        assert found.mean() == pytest.approx(drilled.mean(), rel=5e-3)


def test_stackup_components_and_case(tmp_path):
    """A dielectric of two sheets is one layer; the case names what the file names."""
    board = kicad.read((FOLDER / "board.kicad_pcb").read_bytes())
    stack = [(layer.name, layer.kind, round(layer.thickness, 6)) for layer in board.layers]
    assert stack[:4] == [
        ("F.Mask", "mask", 0.02),
        ("F.Cu", "copper", 0.035),
        ("dielectric 1", "dielectric", 0.21),
        ("In1.Cu", "copper", 0.018),
    ]
    assert [part.name for part in board.components] == ["U1", "U2"]
    assert [part.side for part in board.components] == ["top", "bottom"]
    case = load(converted.write(FOLDER / "board.kicad_pcb", tmp_path / "case.toml"))
    place = case.package.places["board"]
    assert (place.outline.width, place.outline.depth) == pytest.approx(SIZE)
    assert place.z1 - place.z0 == pytest.approx(1.366e-3)
    assert "polyimide" in (tmp_path / "case.toml").read_text()


CASE = """\
[part.board]
size = ["40 mm", "30 mm"]
material = "fr4"
layers = [
  { thickness = "35 um", copper = { FIRST } },
  { thickness = "0.9 mm" },
  { thickness = "35 um", copper = { LAST } },
]
[load]
stress_free = "180 degC"
[grid]
spacing = "4 mm"
edge_spacing = "2 mm"
cells_per_layer = 1
"""


def warpage(path, first, last):
    path.write_text(CASE.replace("FIRST", first).replace("LAST", last))
    return process.solve(load(path), "cpu").metrics["surfaces"]["board"]["bottom"]["warpage_um"]


def test_a_board_bends_as_from_its_gerber_files(tmp_path):
    """Within 1 %."""
    for file in FOLDER.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    centre = 'centre = ["120 mm", "-65 mm"]'
    own = [f'file = "board.kicad_pcb", layer = "{layer}"' for layer in ("In1.Cu", "B.Cu")]
    plotted = [f'file = "board-{name}.gbr", {centre}' for name in ("In1_Cu", "B_Cu")]
    found = warpage(tmp_path / "a.toml", *own)
    assert abs(found) > 10.0
    assert found == pytest.approx(warpage(tmp_path / "b.toml", *plotted), rel=1e-2)


def board(*items, version=20240108, layers='(0 "F.Cu" signal) (31 "B.Cu" signal)'):
    head = f"(kicad_pcb (version {version}) (layers {layers})"
    return f"{head} {' '.join(items)})".encode()


def area(content, layer="F.Cu"):
    """mm2 of polygons that do not overlap."""
    return sum(polygon.area() for polygon, _ in kicad.read(content).draw(layer)[0])


def pad(shape, more="", kind="smd", layers='"F.Cu"'):
    return (
        f'(footprint "x" (layer "F.Cu") (at 10 20 30) '
        f'(pad "1" {kind} {shape} (at 1 2 75) (size 2 3) (layers {layers}) {more}))'
    )


STACK = '(padstack (mode front_inner_back) (layer "B.Cu" (shape circle) (size 1 1)))'


@pytest.mark.parametrize(
    ("content", "mm2"),
    [
        (board(pad("rect")), 6.0),
        (board(pad("oval")), 2 + pi),
        (board(pad("roundrect", "(roundrect_rratio 0.25)")), 6 - (4 - pi) * 0.25),
        (
            board(pad("roundrect", "(roundrect_rratio 0) (chamfer_ratio 0.25) (chamfer top_left)")),
            6 - 0.125,
        ),
        (board(pad("trapezoid", "(rect_delta 0 1)")), 6.0),
        (board(pad("rect", layers='"*.Cu" "*.Mask"')), 6.0),
        (board(pad("rect", layers='"F.Paste"')), 0.0),
        (board(pad("rect", "(drill 3)", kind="np_thru_hole")), 0.0),
        (board(pad("rect", STACK, layers='"*.Cu"')), 6.0),
        (board('(via (at 1 2) (size 2) (drill 1) (layers "F.Cu" "B.Cu"))'), pi),
        (
            board(
                '(via (at 1 2) (size 2) (drill 1) (layers "F.Cu" "B.Cu") (remove_unused_layers))'
            ),
            0.0,
        ),
        (
            board('(gr_circle (center 0 0) (end 2 0) (stroke (width 1)) (fill no) (layer "F.Cu"))'),
            pi * (2.5**2 - 1.5**2),
        ),
        (board('(gr_poly (pts (xy 0 0) (xy 2 0) (xy 0 2)) (width 0) (layer "F.Cu"))'), 2.0),
        (
            board('(zone (layer "F.Cu") (filled_polygon (pts (xy 0 0) (xy 2 0) (xy 2 2))))'),
            2.0,
        ),
        (board('(zone (layer "F.Cu") (polygon (pts (xy 0 0) (xy 2 0) (xy 2 2))))'), 0.0),
    ],
)
def test_shapes_have_the_area_of_their_formula(content, mm2):
    assert area(content) == pytest.approx(mm2, rel=4e-3)


def test_pads_may_differ_by_layer():
    stacked = board(pad("rect", STACK, layers='"*.Cu"'))
    assert area(stacked, "B.Cu") == pytest.approx(pi / 4, rel=4e-3)


def test_arcs_of_kicad_5_have_a_centre_and_an_angle():
    """A quarter turn clockwise as seen, of radius 4: from (4, 0) below the x axis of y up."""
    old = '(gr_arc (start 0 0) (end 4 0) (angle 90) (width 0.2) (layer "F.Cu"))'
    drawn, _ = kicad.read(board(old, version=20171130)).draw("F.Cu")
    low, high = drawn[0][0].bounding_box()
    assert np.allclose([*low, *high], [-0.1, -4.1, 4.1, 0.1], atol=5e-3)
    new = '(gr_arc (start 4 0) (mid {0} {0}) (end 0 4) (width 0.2) (layer "F.Cu"))'
    again, _ = kicad.read(board(new.format(4 / sqrt(2)))).draw("F.Cu")
    assert np.allclose(again[0][0].bounding_box(), (low, high), atol=5e-3)


def test_zones_of_kicad_5_are_wider_by_their_pen():
    fill = "(filled_polygon (pts (xy 0 0) (xy 4 0) (xy 4 4) (xy 0 4)))"
    old = f'(zone (layer "F.Cu") (min_thickness 0.5) {fill})'
    drawn, _ = kicad.read(board(old, version=20171130)).draw("F.Cu")
    boxes = np.array([polygon.bounding_box() for polygon, _ in drawn])
    assert np.allclose(boxes[:, 0].min(axis=0), (-0.25, -4.25))
    assert np.allclose(boxes[:, 1].max(axis=0), (4.25, 0.25))


def test_a_board_without_a_stackup_gets_copper_of_an_ounce(tmp_path):
    edge = '(gr_rect (start 0 0) (end 20 10) (width 0.1) (layer "Edge.Cuts"))'
    empty = '(zone (layer "F.Cu") (polygon (pts (xy 0 0) (xy 2 0) (xy 2 2))))'
    (tmp_path / "old.kicad_pcb").write_bytes(board("(general (thickness 0.8))", edge, empty))
    text = converted.write(tmp_path / "old.kicad_pcb", tmp_path / "case.toml").read_text()
    assert 'thickness = "35 um"' in text and 'thickness = "730 um"' in text
    assert "1 of 1 zones are not filled" in text
    assert "# ASSUMED, the file has no stackup: 35 um of copper in each layer" in text


def test_a_board_of_one_copper_layer_has_a_dielectric():
    one = board("(general (thickness 0.8))", layers='(0 "F.Cu" signal)')
    stack = [(layer.kind, layer.thickness) for layer in kicad.read(one).layers]
    assert stack == [("copper", 0.035), ("dielectric", pytest.approx(0.765))]


def test_a_line_is_no_outline(tmp_path):
    edge = '(gr_rect (start 0 0) (end 20 0) (width 0.1) (layer "Edge.Cuts"))'
    (tmp_path / "flat.kicad_pcb").write_bytes(board(edge))
    with pytest.raises(WarpError, match="the board has no outline"):
        converted.write(tmp_path / "flat.kicad_pcb", tmp_path / "case.toml")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"(kicad_pcb (version 1)", "line 1: a bracket is not closed"),
        (b"(kicad_pcb))", "line 1: a bracket is closed that was not opened"),
        (b"(kicad_pcb (layers))", "has no copper layer"),
        (b"(" * 200, "nested more than 100 deep"),
        (board('\n(segment (start 0 0) (end x 0) (width 1) (layer "F.Cu"))'), "line 2: end of"),
        (board(pad("star")), "a pad's shape 'star' is not understood"),
        (board(pad("rect", "(drill ..)")), "line 1: drill of pad is no number"),
        (board(pad("rect", "(drill 1 (offset x 0))")), "line 1: offset has no two numbers"),
        (
            board('\n(gr_poly (pts (xy 0 nan) (xy 2 0) (xy 0 2)) (width 0) (layer "F.Cu"))'),
            "line 2: xy has no two numbers",
        ),
        (
            board("\n(setup (stackup (layer x (type core) (thickness nan))))"),
            "line 2: thickness is no number",
        ),
    ],
)
def test_what_is_wrong_with_a_board(content, words):
    with pytest.raises(ValueError, match=".*") as error:
        kicad.read(content).draw("F.Cu")
    assert words in str(error.value)


def test_faults_name_the_key(tmp_path):
    for words, message in (
        ({"layer": "F.Cuu"}, "has no layer 'F.Cuu'; did you mean 'F.Cu'?"),
        ({"layer": "F.Cu", "cell": "x"}, "has no step 'x': a board of KiCad has none"),
        ({}, "is missing: name a layer of the board: F.Mask, F.Cu"),
    ):
        with pytest.raises(Fault) as fault:
            share(file="board.kicad_pcb", **words)
        assert message in fault.value.message
    (tmp_path / "bad.kicad_pcb").write_text("(kicad_pcb (layers))")
    with pytest.raises(WarpError, match="has no copper layer"):
        converted.write(tmp_path / "bad.kicad_pcb", tmp_path / "case.toml")
