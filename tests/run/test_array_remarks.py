"""Arrays that the grid shows otherwise than they are meant."""

import pytest

import warp
from warp.run import array_remarks, check, conditions

STACK = """
symmetry = "quarter"
[load]
stress_free = "150 degC"
[part.board]
size = "8 mm"
thickness = "0.3 mm"
material = "fr4"
[part.mould]
on = "board"
size = "board"
thickness = "0.23 mm"
material = "mould-compound"
[part.openings]
shape = "columns"
on = "board"
size = "board"
pitch = "2 mm"
diameter = "{hole}"
height = "0.23 mm"
material = "void"
[part.balls]
shape = "balls"
on = "board"
size = "board"
pitch = "2 mm"
diameter = "0.34 mm"
height = "0.28 mm"
material = "sac305"
"""
BUMPS = """
[load]
stress_free = "150 degC"
[part.die]
size = ["10 mm", "8 mm"]
thickness = "0.5 mm"
material = "silicon"
[part.bumps]
shape = "columns"
on = "die"
pitch = "{pitch}"
diameter = "30 um"
height = "50 um"
model = "effective"
fill = "underfill-uf9000ae"
material = "sac305"
"""


@pytest.mark.parametrize(
    ("hole", "cells", "words"),
    [
        ("0.34 mm", 4, "fill their holes"),
        ("0.42 mm", 4, "gap of 40 um vanishes between cells of 85 um"),
        ("0.42 mm", 9, None),
        ("0.6 mm", 4, None),
    ],
)
def test_holes_that_balls_fill_or_that_vanish_are_named(hole, cells, words):
    text = STACK.format(hole=hole) + f"[grid]\ncells_per_diameter = {cells}\n"
    found = array_remarks.openings(warp.Case.from_toml(text))
    assert len(found) == (words is not None)
    assert words is None or words in found[0]
    assert words != "gap of 40 um vanishes" or "cells_per_diameter = 9 shows it" in found[0]


def test_the_rim_of_an_effective_layer_that_costs_cells_is_named():
    """8 mm hold 145 sites of 55 um, 7.975 mm; 10 mm hold 181, 9.955 mm."""
    case = warp.Case.from_toml(BUMPS.format(pitch="55 um"))
    (found,) = array_remarks.slivers(case)
    assert "'bumps' cover 9.955 x 7.975 mm of 10 x 8 mm" in found
    assert "22.5 um in x (none at a pitch of 55.2486 um)" in found
    assert "12.5 um in y (none at a pitch of 55.1724 um)" in found
    (branch,) = check.check(case, "cpu").stack
    assert "9.955 x 7.975 x 0.05 mm" in branch.children[0].note
    whole = warp.Case.from_toml(BUMPS.format(pitch="50 um"))
    assert not array_remarks.slivers(whole)


def test_films_and_measuring_zones_are_said_again():
    text = (
        STACK.format(hole="0.6 mm")
        + """
[boundary.air]
face = ["mould.top", "mould.sides"]
convection = "natural"
emissivity = 0.9
ambient = "25 degC"
[output]
zones = { "board.bottom" = "balls", "mould.top" = ["4 mm", "2 mm"] }
"""
    )
    found = conditions.sentences(warp.Case.from_toml(text))
    assert found[0] == ("air: still air to 25 degC, emissivity 0.9, on mould.top, mould.sides")
    assert found[1].startswith("board.bottom is measured within x -3.17 to 3.17, y -3.17 to 3.17")
    assert found[1].endswith("that of balls")
    assert found[2] == "mould.top is measured within x -2 to 2, y -1 to 1 mm"
