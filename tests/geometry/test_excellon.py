"""Drill files give vias: barrels or filled holes, plated ones only."""

from math import pi

import numpy as np
import pytest

pytest.importorskip("gdstk", reason="needs the extra 'layout'")

from warp import load
from warp.errors import Fault
from warp.geometry import excellon
from warp.geometry.copper import copper_share
from warp.geometry.part import Drawing
from warp.machine.device import select
from warp.run import model as run_model

HEAD = "M48\nMETRIC,TZ\nT1C0.3\nT2C1.0\n%\n"


def holes(body: str, head: str = HEAD) -> list[excellon.Hole]:
    return excellon.read(head + body + "M30\n")


def area(folder, body, plating="25 um") -> float:
    (folder / "board.txt").write_text(HEAD + body + "M30\n")
    drawing = Drawing(file="board.txt", pixel="0.1 mm", plating=plating)
    return float(copper_share(drawing, folder, (20e-3, 20e-3), ("vias",)).sum()) * 0.01


def test_the_copper_of_holes(tmp_path):
    """A wall about the finished hole; two holes that overlap leave what both have; a slot."""
    ring = pi * (0.175**2 - 0.15**2)
    assert area(tmp_path, "T1\nX1.0Y1.0\nX-1.0Y1.0\n") == pytest.approx(2 * ring, rel=1e-3)
    assert area(tmp_path, "T1\nX1Y1\n".replace("1Y1", "1.0Y1.0"), "filled") == pytest.approx(
        pi * 0.15**2, rel=1e-3
    )
    slot = pi * (0.525**2 - 0.5**2) + 2 * 3 * 0.025
    assert area(tmp_path, "T2\nX-1.5Y0.0G85X1.5Y0.0\n") == pytest.approx(slot, rel=1e-3)
    routed = "T2\nG00X-1.5Y0.0\nM15\nG01X1.5Y0.0\nM16\nG05\n"
    assert area(tmp_path, routed) == pytest.approx(slot, rel=1e-3)


@pytest.mark.parametrize(
    ("head", "point"),
    [
        ("M48\nINCH,TZ\nT1C.02\n%\n", "X10000Y-5000"),
        ("M48\nINCH,LZ\nT1C.02\n%\n", "X01Y-005"),
        ("M48\nMETRIC,TZ\nT1C0.5\n%\n", "X25400Y-12700"),
        ("M48\nMETRIC,LZ,0000.0000\nT1C0.5\n%\n", "X00254Y-00127"),
        ("M48\n;FILE_FORMAT=4:4\nMETRIC,TZ\nT1F00S00C0.5\n%\n", "X254000Y-127000"),
        ("M48\nM71\nFMAT,2\nT01C0.5\n%\nG90\n", "X25.4Y-12.7"),
        ("M48\nMETRIC\nT1C0.5\nM95\nG91\n", "X25.4\nY-12.7"),
    ],
)
def test_formats_of_coordinates(head, point):
    found = holes("T1\n" + point + "\n", head)[-1]
    assert found.start == pytest.approx(25.4 - 12.7j)
    assert found.diameter == pytest.approx(0.5, rel=0.02)


def test_a_row_of_holes_and_modal_coordinates():
    found = holes("T1\nX1.0Y2.0\nX3.0\nR2X1.0\n")
    assert [hole.start for hole in found] == pytest.approx([1 + 2j, 3 + 2j, 4 + 2j, 5 + 2j])


def test_tools_without_plating_give_no_copper():
    """As KiCad marks tools, and as Altium marks what follows."""
    kicad = (
        "M48\nMETRIC\n; #@! TA.AperFunction,Plated,PTH,ViaDrill\nT1C0.3\n"
        "; #@! TA.AperFunction,NonPlated,NPTH,ComponentDrill\nT2C3.2\n%\n"
    )
    found = holes("T1\nX1.0Y1.0\nT2\nX2.0Y2.0\n", kicad)
    assert [hole.diameter for hole in found] == [0.3]
    altium = "M48\n;TYPE=NON_PLATED\nMETRIC\nT1C0.3\n%\n"
    assert holes("T1\nX1.0Y1.0\n", altium) == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("X1.0Y1.0\n", "line 6: a hole before any tool"),
        ("T7\n", "line 6: tool T7 has no diameter"),
        ("T1\nG02X1.0Y1.0A0.5\n", "line 7: 'G02X1.0Y1.0A0.5' is not a command"),
        ("T1\nX9e9\n", "line 7: 'X9E9'"),
        ("T1\nX1.0Y1.0\nR999999999X0.1\n", "line 8: a repetition of 999999999 holes"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_line(body, says):
    with pytest.raises(excellon.ExcellonError) as error:
        holes(body)
    assert says in str(error.value)


def test_a_drill_file_asks_for_the_plating(tmp_path):
    with pytest.raises(Fault, match='plating = "25 um"') as error:
        area(tmp_path, "T1\nX1.0Y1.0\n", None)
    assert error.value.key == ("vias", "plating")
    with pytest.raises(excellon.ExcellonError, match="cut off"):
        excellon.read(HEAD)


CASE = """
[load]
stress_free = "150 degC"
[part.board]
size = "10 mm"
material = "fr4"
layers = [
    { thickness = "35 um" },
    { name = "core", thickness = "0.8 mm", vias = { file = "board.drl", plating = "25 um" } },
]
[grid]
uniform = true
spacing = "1 mm"
"""


def test_vias_of_a_case_keep_their_small_shares(tmp_path):
    """A barrel holds 2.5 % of a voxel of 1 mm: levels of sixteenths would round it away."""
    points = "".join(f"X{x + 0.5}Y{y + 0.5}\n" for x in range(-5, 5) for y in range(-5, 0))
    (tmp_path / "board.drl").write_text(HEAD + "T1\n" + points + "M30\n")
    (tmp_path / "board.toml").write_text(CASE)
    case = load(tmp_path / "board.toml")
    ring = pi * (0.175**2 - 0.15**2)
    assert case.package.images["board: core"].sum() * 1e-4 == pytest.approx(50 * ring, rel=1e-3)
    model = run_model.build(case, select("cpu"))
    names = np.array(model.media.names)[model.ids[0]]
    share = float(names[0, 0].removeprefix("board: core ").removesuffix(" %")) / 100
    assert share == pytest.approx(ring, rel=0.05)
    assert names[9, 9] == "board: core 0 %"
    rule = case.package.recipes[names[0, 0]].rule
    assert rule == "columns"
