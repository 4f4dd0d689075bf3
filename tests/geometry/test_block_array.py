"""Block arrays: rows of equal blocks, their volumes, their layers, and what is refused in words."""

import tomllib

import numpy as np
import pytest
from pydantic import TypeAdapter
from small_case import CASE

from warp.case.case import Case, CaseError, parse
from warp.geometry import tree
from warp.geometry.parts import AnyPart
from warp.geometry.solids import build
from warp.voxels import voxelize
from warp.voxels.grid import make_grid

PARTS = TypeAdapter(dict[str, AnyPart])
DIES = """
[dies]
shape = "block-array"
size = ["8 mm", "6 mm"]
thickness = "0.4 mm"
pitch = ["10 mm", "7 mm"]
count = [5, 3]
material = "silicon"
"""
BOARD = """
[board]
size = "60 mm"
thickness = "1 mm"
material = "fr4"
"""


def built(text):
    return build(PARTS.validate_python(tomllib.loads(text)))


def blocks(text, part="dies"):
    package, faults = built(text)
    assert not faults, [str(fault) for fault in faults]
    return [s for body in package.bodies if body.part == part for s in body.shapes]


def corners(found):
    """Bounds in whole micrometres, sorted."""
    return sorted(tuple(np.rint(1e6 * np.array(shape.bounds)).astype(int)) for shape in found)


def test_rows_and_columns_lie_centred_with_their_pitch():
    found = blocks(DIES)
    assert len(found) == 15
    volume = sum(shape.volume() for shape in found)
    assert volume == pytest.approx(15 * 8e-3 * 6e-3 * 0.4e-3, rel=1e-12)
    assert corners(found)[0] == (-24000, -16000, -10000, -4000, 0, 400)
    assert corners(found)[-1] == (16000, 24000, 4000, 10000, 0, 400)


def test_layers_stand_on_each_other_with_their_pitch():
    stack = DIES.replace('"7 mm"]', '"7 mm", "0.5 mm"]').replace("[5, 3]", "[1, 1, 4]")
    heights = [bounds[4:] for bounds in corners(blocks(BOARD + stack + 'on = "board"\n'))]
    assert heights == [(1000, 1400), (1500, 1900), (2000, 2400), (2500, 2900)]


def test_a_part_on_layers_stands_on_the_last_one():
    stack = DIES.replace('"7 mm"]', '"7 mm", "0.5 mm"]').replace("[5, 3]", "[1, 1, 4]")
    top = '[lid]\non = "dies"\nsize = "dies"\nthickness = "1 mm"\nmaterial = "copper"\n'
    assert corners(blocks(stack + top, "lid"))[0][4:] == (1900, 2900)


def test_a_turned_array_turns_its_rows_and_its_blocks():
    assert corners(blocks(DIES + "turn = 90\n"))[0] == (-10000, -4000, -24000, -16000, 0, 400)


def test_depopulated_sites_stay_empty():
    text = DIES + 'depopulate = {centre = "1 mm", sites = [[1, 1]]}\n'
    found = corners(blocks(text))
    assert len(found) == 13
    assert (-24000, -16000, -10000, -4000, 0, 400) not in found
    assert (-4000, 4000, -3000, 3000, 0, 400) not in found


def test_a_perimeter_keeps_the_outer_rows():
    assert len(blocks(DIES + 'pattern = "perimeter"\nrows = 1\n')) == 12


def test_one_layer_fills_its_host():
    hosted = DIES.replace('thickness = "0.4 mm"\n', 'inside = "board"\n')
    assert {bounds[4:] for bounds in corners(blocks(BOARD + hosted))} == {(0, 1000)}


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ('"10 mm"', '"7.9 mm"', "size", "larger than the pitch in x (7900 um)"),
        ('"7 mm"', '"5 mm"', "size", "larger than the pitch in y (5000 um)"),
        ("[5, 3]", "[5, 3, 2]", "pitch", "third length for 2 layers"),
        ("[5, 3]", "[500, 300]", "count", "150,000 blocks"),
        ('thickness = "0.4 mm"\n', "", None, 'add thickness = "0.5 mm"'),
    ],
)
def test_what_cannot_be_is_refused(old, new, key, words):
    _, faults = built(DIES.replace(old, new))
    assert len(faults) == 1
    assert faults[0].key == (("part", "dies", key) if key else ("part", "dies"))
    assert words in faults[0].message


def test_layers_that_overlap_are_refused():
    text = DIES.replace('"7 mm"]', '"7 mm", "0.3 mm"]').replace("[5, 3]", "[5, 3, 2]")
    _, faults = built(text)
    assert faults[0].key == ("part", "dies", "thickness")
    assert "larger than the pitch in z (300 um)" in faults[0].message


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("count = [5]", "needs at least 2 entries"),
        ("", "is missing: add count = [5, 7]"),
        ("count = [0, 3]", "must be greater than or equal to 1"),
    ],
)
def test_the_table_is_checked_key_by_key(tmp_path, line, words):
    table = DIES.replace("[dies]", "[part.dies]").replace("count = [5, 3]", line)
    with pytest.raises(CaseError) as error:
        parse(CASE.replace("[boundary", table + "\n[boundary"), tmp_path / "case.toml")
    assert words in str(error.value)


def test_blocks_keep_their_volume_on_the_grid(tmp_path):
    """A lead frame: blocks off the grid lines of all else, in one quarter of the package."""
    leads = """
[part.leads]
shape = "block-array"
under = "board"
size = ["0.6 mm", "0.25 mm"]
thickness = "0.2 mm"
pitch = ["11.4 mm", "0.6 mm"]
count = [2, 12]
material = "copper"
"""
    case = parse(CASE.replace("[boundary", leads + "\n[boundary"), tmp_path / "case.toml")
    grid = make_grid(case.bodies(), case.grid, case.mirror)
    voxels = voxelize.voxelize(case.bodies(), case.materials(), grid, case.loads.stress_free)
    quarter = 24 / 4 * 0.6e-3 * 0.25e-3 * 0.2e-3
    assert voxelize.part_volumes(voxels)["leads"] == pytest.approx(quarter, rel=1e-9)


def test_a_tree_says_how_many_blocks_and_bumps_there_are():
    case = Case.from_toml(
        """
[part.base]
size = "10 mm"
thickness = "1 mm"
material = "silicon"
[part.dies]
shape = "block-array"
on = "base"
size = ["1 mm", "2 mm"]
count = [3, 3]
pitch = "2.5 mm"
thickness = "0.5 mm"
material = "silicon"
depopulate = { sites = [[1, 1]] }
[part.balls]
shape = "balls"
under = "base"
size = "base"
pitch = "1 mm"
diameter = "0.5 mm"
height = "0.4 mm"
material = "sac305"
[load]
stress_free = "100 degC"
"""
    )
    [base] = tree.stack(case.parts, case.package)
    notes = {branch.name: branch.note for branch in base.children}
    assert " 8 of 1 x 2 mm " in notes["dies"] and " 100 of 500 um " in notes["balls"]


def test_the_size_of_a_block_names_no_part():
    text = "[part.a]\nshape = 'block-array'\nsize = 'b'\npitch = '1 mm'\ncount = [1, 1]\n"
    with pytest.raises(CaseError, match="is of each block, two lengths"):
        Case.from_toml(text + "material = 'copper'\nthickness = '1 mm'\n[load]\nstress_free = 0")


LEADS = """
[part.base]
size = "20 mm"
thickness = "1 mm"
material = "silicon"
[part.leads]
shape = "block-array"
inside = "base"
at = ["2 mm", "0 mm"]
size = ["0.6 mm", "0.3 mm"]
pitch = ["6 mm", "0.5 mm"]
count = [2, 12]
thickness = "0.2 mm"
material = "copper"
[part.solder]
shape = "block-array"
under = "leads"
size = "leads"
thickness = "75 um"
material = "sac305"
[load]
stress_free = "217 degC"
"""


def test_an_array_with_the_size_of_another_has_its_blocks():
    case = Case.from_toml(LEADS)
    leads, solder = (
        next(body for body in case.bodies() if body.part == part) for part in ("leads", "solder")
    )
    for block, other in zip(leads.shapes, solder.shapes, strict=True):
        assert block.bounds[:4] == pytest.approx(other.bounds[:4])
    wider = Case.from_toml(LEADS.replace('size = "leads"', 'size = "leads"\ncount = [2, 10]'))
    assert wider.package.sites["solder"] == (2, 10, 20)


def test_arrays_with_the_size_of_each_other_have_none():
    with pytest.raises(CaseError, match="is of each block, two lengths"):
        Case.from_toml(LEADS.replace('["0.6 mm", "0.3 mm"]', '"solder"'))
