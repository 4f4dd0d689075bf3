"""Solids from STEP files, made here by Open CASCADE: exact volumes, and a lid like its table."""

from math import pi

import numpy as np
import pytest

pytest.importorskip("OCP", reason="needs the extra 'cad'")

from OCP.BRepAlgoAPI import BRepAlgoAPI_Cut
from OCP.BRepBuilderAPI import BRepBuilderAPI_Sewing
from OCP.BRepFilletAPI import BRepFilletAPI_MakeFillet
from OCP.BRepPrimAPI import BRepPrimAPI_MakeBox, BRepPrimAPI_MakeCone, BRepPrimAPI_MakeCylinder
from OCP.gp import gp_Ax2, gp_Dir, gp_Pnt
from OCP.STEPControl import STEPControl_AsIs, STEPControl_Writer
from OCP.TopAbs import TopAbs_EDGE, TopAbs_FACE
from OCP.TopExp import TopExp_Explorer
from OCP.TopoDS import TopoDS

from warp.case.case import CaseError, load
from warp.geometry import cad
from warp.run import process


def box(x, y, z, dx, dy, dz):
    return BRepPrimAPI_MakeBox(gp_Pnt(x, y, z), dx, dy, dz).Shape()


def cut(solid, *others):
    for other in others:
        solid = BRepAlgoAPI_Cut(solid, other).Shape()
    return solid


def written(path, *shapes):
    writer = STEPControl_Writer()
    for shape in shapes:
        writer.Transfer(shape, STEPControl_AsIs)
    writer.Write(str(path))
    return str(path)


def lid(x=0.0, y=0.0, z=0.0):
    """A cap of 20 x 16 x 1.6 mm with a foot 2 mm wide and 0.6 mm high."""
    return cut(box(x, y, z, 20, 16, 1.6), box(x + 2, y + 2, z - 1, 16, 12, 1.6))


def rounded(solid, radius):
    """Round the upright edges."""
    maker = BRepFilletAPI_MakeFillet(solid)
    explorer = TopExp_Explorer(solid, TopAbs_EDGE)
    while explorer.More():
        edge = TopoDS.Edge(explorer.Current())
        from OCP.BRepAdaptor import BRepAdaptor_Curve

        curve = BRepAdaptor_Curve(edge)
        first, last = curve.Value(curve.FirstParameter()), curve.Value(curve.LastParameter())
        if abs(first.Z() - last.Z()) > 0.1:
            maker.Add(radius, edge)
        explorer.Next()
    return maker.Shape()


def total(solid):
    return sum(slab.area * (slab.high - slab.low) for slab in solid.slabs)


def test_a_lid_is_two_prisms(tmp_path):
    found = cad.read(written(tmp_path / "lid.step", lid(5, 7, 9)), None, "z")
    assert found.size == pytest.approx((20, 16, 1.6), abs=1e-6)
    assert found.ceiling == pytest.approx(0.6)
    assert [(s.low, s.high) for s in found.slabs] == [
        (0.0, pytest.approx(0.6)),
        (pytest.approx(0.6), pytest.approx(1.6)),
    ]
    assert total(found) == pytest.approx(20 * 16 * 1.6 - 16 * 12 * 0.6) == found.volume


def test_rounded_corners_and_round_holes_keep_their_volume(tmp_path):
    holes = [
        BRepPrimAPI_MakeCylinder(gp_Ax2(gp_Pnt(x, 5, -1), gp_Dir(0, 0, 1)), 1.5, 9).Shape()
        for x in (4, 10)
    ]
    plate = cut(rounded(box(0, 0, 0, 15, 10, 2), 2.0), *holes)
    found = cad.read(written(tmp_path / "plate.step", plate), None, "z")
    exact = 2 * (150 - (4 - pi) * 4 - 2 * pi * 2.25)
    assert found.volume == pytest.approx(exact)
    assert total(found) == pytest.approx(exact, rel=1e-3)
    assert len(found.slabs) == 1


def test_leaning_walls_become_slabs(tmp_path):
    cone = BRepPrimAPI_MakeCone(5.0, 3.0, 2.0).Shape()
    found = cad.read(written(tmp_path / "cone.step", cone), None, "z")
    assert total(found) == pytest.approx(pi * 2 * (25 + 15 + 9) / 3, rel=2e-3)
    assert len(found.slabs) >= 4


@pytest.mark.parametrize(("up", "size"), [("x", (4, 5, 3)), ("-y", (5, 3, 4)), ("-z", (3, 4, 5))])
def test_the_axis_that_points_upwards(tmp_path, up, size):
    """A block of 3 x 4 x 5 mm with a pocket of 1 mm in its face x+, y- or z-."""
    pocket = {"x": box(2, 1, 1, 1, 2, 3), "-y": box(1, 0, 1, 1, 1, 3), "-z": box(1, 1, 0, 1, 2, 1)}
    solid = cut(box(0, 0, 0, 3, 4, 5), pocket[up])
    found = cad.read(written(tmp_path / "block.step", solid), None, up)
    assert found.size == pytest.approx(size)
    assert [s.high - s.low for s in found.slabs] == pytest.approx([size[2] - 1, 1])
    assert found.ceiling == 0.0  # the pocket looks upwards


def open_shell():
    """All faces of a box but one, sewn."""
    sewing = BRepBuilderAPI_Sewing()
    explorer = TopExp_Explorer(box(0, 0, 0, 1, 1, 1), TopAbs_FACE)
    explorer.Next()
    while explorer.More():
        sewing.Add(explorer.Current())
        explorer.Next()
    sewing.Perform()
    return sewing.SewedShape()


def hollow_solid():
    """A solid made of an open shell."""
    from OCP.BRep import BRep_Builder
    from OCP.TopoDS import TopoDS_Solid

    solid, builder = TopoDS_Solid(), BRep_Builder()
    builder.MakeSolid(solid)
    builder.Add(solid, open_shell())
    return solid


def test_what_is_no_sound_solid_is_refused(tmp_path):
    two = written(tmp_path / "two.step", box(0, 0, 0, 1, 1, 1), box(5, 0, 0, 1, 1, 2))
    assert cad.read(two, 2, "z").size == pytest.approx((1, 1, 2))
    (tmp_path / "words.step").write_text("no STEP")
    for path, number, words in (
        (two, None, "holds 2 solids: say which one"),
        (two, 3, "holds 2 solids, no number 3"),
        (written(tmp_path / "open.step", open_shell()), None, "is not watertight: its faces"),
        (str(tmp_path / "words.step"), None, "is no STEP file"),
    ):
        with pytest.raises(cad.CadError) as error:
            cad.read(path, number, "z")
        assert words in str(error.value)
    with pytest.raises(cad.CadError, match="is not watertight: a shell of the solid is open"):
        cad._check(hollow_solid())


PACKAGE = """\
symmetry = "{symmetry}"
[part.substrate]
size = ["22 mm", "18 mm"]
thickness = "0.8 mm"
material = "bt-hl832ns"
[part.chip]
shape = "chip"
on = "substrate"
size = "9 mm"
thickness = "0.5 mm"
material = "silicon"
power = "10 W"
[part.tim]
on = "chip"
under = "lid"
size = "chip"
material = "tim-polymer"
[part.adhesive]
shape = "frame"
on = "substrate"
size = ["20 mm", "16 mm"]
width = "2 mm"
thickness = "0.1 mm"
material = "lid-adhesive"
[part.lid]
on = "adhesive"
material = "copper"
{lid}
[boundary.air]
face = "lid.top"
film = "2000 W/(m^2 K)"
ambient = "25 degC"
[load]
stress_free = "165 degC"
[grid]
spacing = "2 mm"
edge_spacing = "0.5 mm"
cells_per_layer = 3
"""
TABLE = """\
shape = "lid"
size = ["20 mm", "16 mm"]
thickness = "1 mm"
foot_width = "2 mm"
foot_height = "0.6 mm"
"""


def solved(folder, lid, symmetry="quarter"):
    (folder / "case.toml").write_text(PACKAGE.format(lid=lid, symmetry=symmetry))
    return process.solve(load(folder / "case.toml"), "cpu")


def test_a_lid_from_step_bends_as_its_table(tmp_path):
    """All surfaces within 0.5 %, the junction within 0.1 K."""
    written(tmp_path / "lid.step", lid())
    drawn = solved(tmp_path, 'shape = "step"\nfile = "lid.step"').metrics
    table = solved(tmp_path, TABLE).metrics
    for part, side in (("substrate", "bottom"), ("lid", "top"), ("chip", "top")):
        wanted = table["surfaces"][part][side]["warpage_um"]
        assert drawn["surfaces"][part][side]["warpage_um"] == pytest.approx(wanted, rel=5e-3)
    junction = [found["thermal"]["junction_C"] for found in (drawn, table)]
    assert junction[0] == pytest.approx(junction[1], abs=0.1)


def test_a_turned_lid_and_the_files_it_reads(tmp_path):
    from warp.run.to_file import inputs

    written(tmp_path / "lid.step", lid())
    (tmp_path / "case.toml").write_text(
        PACKAGE.format(symmetry="none", lid='shape = "step"\nfile = "lid.step"\nturn = 90')
        .replace('["20 mm", "16 mm"]', '["16 mm", "20 mm"]')
        .replace('["22 mm", "18 mm"]', '["18 mm", "22 mm"]')
    )
    case = load(tmp_path / "case.toml")
    outline = case.package.places["lid"].outline
    assert (outline.width, outline.depth) == pytest.approx((16e-3, 20e-3))
    (body,) = [body for body in case.bodies() if body.part == "lid"]
    volume = sum(shape.volume() for shape in body.shapes)
    assert volume == pytest.approx(1e-9 * (20 * 16 * 1.6 - 16 * 12 * 0.6))
    assert tmp_path / "lid.step" in inputs(case)
    assert np.isclose(case.package.places["tim"].z0, 1.3e-3)


@pytest.mark.parametrize(
    ("lid_table", "words"),
    [
        ('shape = "step"\nfile = "x.step"', "part.lid.file: cannot read"),
        ('shape = "step"', "part.lid.file: is missing"),
        ('shape = "stp"\nfile = "x"', "'stp' is not a shape; did you mean 'step'?"),
    ],
)
def test_faults_name_the_key(tmp_path, lid_table, words):
    (tmp_path / "case.toml").write_text(PACKAGE.format(lid=lid_table, symmetry="none"))
    with pytest.raises(CaseError) as error:
        load(tmp_path / "case.toml")
    assert words in str(error.value)
