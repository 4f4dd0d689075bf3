"""Copper from layouts with lengths of their own: GDSII, OASIS and Gerber, laid on a layer's
outline.
"""

import os
import tempfile
from math import pi
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from warp import load
from warp.case import starter
from warp.case.case import CaseError, parse
from warp.errors import Fault
from warp.geometry import copper as layout
from warp.geometry import streams
from warp.geometry.part import Drawing
from warp.machine.device import select
from warp.run import check as checks
from warp.run import model as run_model

gdstk = pytest.importorskip("gdstk", reason="needs the extra 'layout'")

SIZE = (10e-3, 8e-3)
KEY = ("part", "board", "layers", 0, "copper")


def fraction(folder: Path, name: str, **words) -> np.ndarray:
    return layout.copper_fraction(Drawing(file=name, pixel="0.1 mm", **words), folder, SIZE, KEY)


def area(fractions: np.ndarray) -> float:
    """mm2."""
    return float(fractions.mean()) * 80


@pytest.fixture
def stream(tmp_path):
    """Two overlapping rectangles, a ring and, on another layer, a path that a cell repeats; lengths
    in um.
    """
    library = gdstk.Library(unit=1e-6, precision=1e-9)
    top, pad = library.new_cell("TOP"), library.new_cell("PAD")
    top.add(gdstk.rectangle((-5000, -4000), (-4000, -3000), layer=1))
    top.add(gdstk.rectangle((-4500, -3500), (-3500, -2500), layer=1))
    top.add(gdstk.ellipse((2000, 1000), 1000, inner_radius=500, layer=1, tolerance=0.05))
    pad.add(gdstk.rectangle((0, 0), (200, 100), layer=2, datatype=5))
    top.add(gdstk.Reference(pad, (0, 0), columns=3, rows=2, spacing=(1000, 1000)))
    library.write_gds(tmp_path / "board.gds")
    library.write_oas(tmp_path / "board.oas")
    return tmp_path


@pytest.mark.parametrize("name", ["board.gds", "board.oas"])
def test_a_layer_of_a_stream_has_its_exact_area(stream, name):
    """Overlaps count once: 1.75 mm2 of squares; a ring keeps its hole; repeated cells are drawn as
    often.
    """
    found = fraction(stream, name, layer=1)
    assert found.shape == (80, 100)
    assert area(found) == pytest.approx(1.75 + pi * (1 - 0.25), rel=1e-4)
    assert found[:10, :10] == pytest.approx(1), "x-, y- is the first row"
    assert found[50, 70] == 0 and found[50, 77] == pytest.approx(1), (
        "inside the ring's hole, in the ring"
    )
    assert area(fraction(stream, name, layer=2, datatype=5)) == pytest.approx(6 * 0.02)
    assert area(fraction(stream, name, layer=1, negative=True)) == pytest.approx(80 - area(found))


def test_a_layouts_point_lies_in_the_middle(stream):
    moved = fraction(stream, "board.gds", layer=1, centre=["1 mm", "0 mm"])
    assert moved[:, :90] == pytest.approx(fraction(stream, "board.gds", layer=1)[:, 10:])
    one = fraction(stream, "board.gds", layer=2, cell="PAD", centre=["0.1 mm", "0.05 mm"])
    assert area(one) == pytest.approx(0.02) and one[39:41, 49:51] == pytest.approx(0.5)


GERBER = """%FSLAX36Y36*%
%MOMM*%
%ADD10C,0.2*%
%ADD11R,1.0X0.5*%
%ADD12C,0.6*%
%LPD*%
D10*
X-2000000Y0D02*
X2000000Y0D01*
X2000000Y1000000D01*
D11*
X-3000000Y-2000000D03*
%LPC*%
D12*
X-3000000Y-2000000D03*
%LPD*%
G36*
X1000000Y-3000000D02*
X3000000Y-3000000D01*
X3000000Y-2000000D01*
X1000000Y-2000000D01*
X1000000Y-3000000D01*
G37*
M02*
"""


def test_a_gerber_draws_and_erases_in_its_order(tmp_path):
    """A trace of two pieces with round pens, a pad less a disc, a region."""
    (tmp_path / "top.gbr").write_text(GERBER)
    found = fraction(tmp_path, "top.gbr")
    # The pens meet in (2, 0): body 4 x 0.2 and 1 x 0.2, two half discs at the ends, a quarter disc
    # at the corner less
    # the square in which the pieces overlap.
    trace = 4 * 0.2 + 1 * 0.2 + pi * 0.01 + pi * 0.01 / 4 - 0.01
    # Pad 1 x 0.5 less a disc of 0.6: what the disc has within the pad's height.
    r, h = 0.3, 0.25
    segment = r**2 * np.arccos(h / r) - h * np.sqrt(r**2 - h**2)
    pad = 0.5 - (pi * r**2 - 2 * segment)
    assert area(found) == pytest.approx(trace + pad + 2.0, rel=2e-4)
    assert found[15, 70] == pytest.approx(1) and found[20, 20] == 0


def test_arcs_of_a_gerber(tmp_path):
    """A full circle drawn with a pen of 0.2 mm, and half a disc as a region."""
    text = (
        "%FSLAX36Y36*%\n%MOMM*%\n%ADD10C,0.2*%\n%LPD*%\nD10*\nG75*\nG03*\n"
        "X1000000Y0D02*\nX1000000Y0I-1000000J0D01*\n"
    )
    region = (
        "G36*\nG01*\nX-1000000Y-3000000D02*\nG03*\nX-3000000Y-3000000I-1000000J0D01*\n"
        "G01*\nX-1000000Y-3000000D01*\n"
    )
    (tmp_path / "arcs.gbr").write_text(text + region + "G37*\nM02*\n")
    assert area(fraction(tmp_path, "arcs.gbr")) == pytest.approx(2 * pi * 0.2 + pi / 2, rel=2e-3)


@pytest.mark.parametrize(
    ("name", "words", "key", "says"),
    [
        ("board.gds", {}, "layer", "is missing: say which layer"),
        ("board.gds", {"layer": 7}, "layer", "has nothing on layer 7; there are 1/0, 2/5"),
        ("board.gds", {"layer": 2, "datatype": 1}, "layer", "layer 2, datatype 1"),
        ("board.gds", {"layer": 1, "cell": "TIP"}, "cell", "there is no cell 'TIP'"),
        (
            "board.gds",
            {"layer": 1, "centre": ["20 mm", "0 mm"]},
            None,
            'for the middle of the layout write centre = ["-1',
        ),
        ("top.gbr", {"layer": 1}, "layer", "a Gerber or drill file is one layer"),
        ("bad.gds", {"layer": 1}, None, "is of no known kind: it is no PNG"),
        ("bad.oas", {"layer": 1}, None, "is of no known kind"),
        ("bad.gbr", {}, None, "is of no known kind"),
        ("none.gds", {"layer": 1}, None, "cannot read the copper layout"),
        ("bad.dxf", {}, None, "is of no known kind"),
        ("board.npy", {"layer": 1}, "layer", "an image covers its layer"),
        ("bad.npy", {}, None, "is of no known kind"),
        ("zip.npy", {}, None, "a ZIP archive: unpack it"),
        ("header.npy", {}, None, "it is damaged"),
        ("empty.csv", {}, None, "holds 0"),
        ("words.csv", {}, None, "line 1: 'a' is not a number"),
    ],
)
def test_layouts_that_cannot_be(stream, name, words, key, says):
    (stream / "top.gbr").write_text(GERBER)
    np.save(stream / "board.npy", np.ones((2, 2)))
    (stream / "zip.npy").write_bytes(b"PK\x03\x04" + bytes(20))
    (stream / "header.npy").write_bytes(
        (stream / "board.npy").read_bytes().replace(b"(2, 2)", b"(2, 2(")
    )
    (stream / "empty.csv").write_text("")
    (stream / "words.csv").write_text("1,a\n")
    for suffix in ("gds", "oas", "gbr", "dxf", "npy"):
        (stream / f"bad.{suffix}").write_text("no layout at all")
    with pytest.raises(Fault) as error:
        layout.copper_fraction(Drawing(file=name, **words), stream, SIZE, KEY)
    found = error.value
    assert says in found.message and "\n" not in found.message
    assert found.key == (*KEY, key) if key else found.key == KEY


def test_a_slipped_unit_of_the_pixel(stream):
    with pytest.raises(Fault, match="is its unit right"):
        layout.copper_fraction(
            Drawing(file="board.gds", layer=1, pixel="0.1 um"), stream, SIZE, KEY
        )


CASE = """
[load]
stress_free = "150 degC"
[part.board]
size = ["10 mm", "8 mm"]
material = "abf-gl102"
layers = [
    { name = "L1", thickness = "20 um", copper = { file = "board.gds", layer = 1 } },
    { thickness = "100 um" },
    { name = "L2", thickness = "20 um", copper = {file = "board.oas", layer = 2, negative = true} },
]
[grid]
uniform = true
spacing = "0.1 mm"
"""


def test_a_case_reads_its_layout(stream):
    """Voxels of 0.1 mm resolve what lies on their lines; the mean over all is the layout's, rounded
    to 1/16 each.
    """
    path = stream / "board.toml"
    path.write_text(CASE)
    case = load(path)
    found = checks.check(case, on="cpu").copper
    assert found == pytest.approx(
        {"board: L1": (1.75 + pi * 0.75) / 80, "board: L2": 1 - 0.12 / 80}, rel=1e-4
    )
    model = run_model.build(case, select("cpu"))
    names = np.array(model.media.names)[model.ids[-1]]
    assert names[0, 0] == "board: L1 16/16" and names[79, 0] == "board: L1 0/16"
    level = np.array([[int(name.split()[-1].split("/")[0]) for name in row] for row in names])
    assert level.mean() / 16 == pytest.approx(found["board: L1"], rel=0.01)
    path.write_text(CASE.replace("layer = 1", "layer = 9"))
    with pytest.raises(CaseError) as error:
        load(path)
    assert str(error.value).startswith(
        f"{path}:8: part.board.layers.L1.copper.layer: 'board.gds' has nothing on layer 9"
    )


def test_a_symmetric_layout_is_seen_to_be(tmp_path):
    """Pads in the four quarters, on pixels that they cut anyhow."""
    pads = "".join(f"X{x}Y{y}D03*\n" for x in (-2345678, 2345678) for y in (-1234567, 1234567))
    (tmp_path / "pads.gbr").write_text(
        f"%FSLAX36Y36*%\n%MOMM*%\n%ADD10C,1.3*%\n%LPD*%\nD10*\n{pads}M02*\n"
    )
    path = tmp_path / "pads.toml"
    layers = 'layers = [{ thickness = "20 um", copper = "pads.gbr" }, { thickness = "100 um" }]'
    board = f'[part.board]\nsize = "8 mm"\nmaterial = "abf-gl102"\n{layers}\n'
    path.write_text(f'symmetry = "quarter"\n[load]\nstress_free = "150 degC"\n{board}')
    assert load(path).package.images["board: layer 1"].mean() * 64 == pytest.approx(
        pi * 1.3**2, rel=1e-4
    )
    path.write_text(path.read_text().replace("pads.gbr", "three.gbr"))
    (tmp_path / "three.gbr").write_text(
        (tmp_path / "pads.gbr").read_text().replace("X2345678Y1234567D03*\n", "", 1)
    )
    with pytest.raises(CaseError, match="no mirror image"):
        load(path)


def test_the_gallerys_layout_is_what_its_script_draws(tmp_path):
    script = Path(__file__).parents[1] / "gallery" / "substrate_layout.py"
    drawn = run_path(str(script))["pattern"]()
    written = starter.write("substrate-layout", tmp_path / "mine.toml")
    images = load(written).package.images
    for side, copper in zip(("top", "bottom"), drawn, strict=True):
        assert images[f"substrate: {side}-copper"] == pytest.approx(1.0 * copper[::-1])
    assert starter.write("substrate-layout", tmp_path / "second.toml").exists(), (
        "the same pictures serve both"
    )


def test_a_picture_in_a_layer_that_is_copper_anyway(tmp_path):
    np.save(tmp_path / "L1.npy", np.eye(4))
    text = """
[load]
stress_free = "150 degC"
[part.board]
size = "4 mm"
material = "copper"
layers = [{ thickness = "20 um", copper = "L1.npy" }]
"""
    case = parse(text, tmp_path / "case.toml")
    assert {body.material for body in case.bodies()} == {"copper"}


def test_a_layout_leaves_no_file_behind_while_it_is_read(stream, tmp_path, monkeypatch):
    """A killed command cannot leave what has no name."""
    empty = tmp_path / "temporary"
    empty.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(empty))
    read, seen = streams._read, []
    monkeypatch.setattr(streams, "_read", lambda *w: seen.append(os.listdir(empty)) or read(*w))
    streams.polygons.cache_clear()
    assert streams.polygons((stream / "board.gds").read_bytes(), 1, None, None)
    assert seen == [[]]


def test_a_plane_of_many_corners_has_its_exact_area(tmp_path):
    """A comb of 3000 teeth, with a slit by which a hole belongs to its outline."""
    teeth = 3000
    x = np.linspace(0.0, 9.0, 2 * teeth + 1)
    y = np.where(np.arange(x.size) % 2, 6.0, 5.0)
    hole = [(4.0, 0.0), (4.0, 1.0), (4.0, 2.0), (5.0, 2.0), (5.0, 1.0), (4.0, 1.0), (4.0, 0.0)]
    outline = [(0.0, 0.0), *hole, (9.0, 0.0), *zip(x[::-1], y[::-1], strict=True)]
    library = gdstk.Library(unit=1e-3, precision=1e-9)
    library.new_cell("top").add(gdstk.Polygon(outline, layer=1))
    library.write_gds(tmp_path / "comb.gds")
    found = fraction(tmp_path, "comb.gds", layer=1, centre=["5 mm", "4 mm"])
    assert area(found) == pytest.approx(9.0 * 5.5 - 1.0, rel=1e-6)
    assert found[15, 45] == 0.0  # in the hole
