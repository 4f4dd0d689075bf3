"""Parts become solids where the relations say: heights and volumes that a hand can check."""

import tomllib
from math import pi, sqrt

import numpy as np
import pytest
from pydantic import TypeAdapter

from warp.errors import Fault
from warp.geometry.parts import AnyPart
from warp.geometry.shapes import Body, Box
from warp.geometry.solids import build

PARTS = TypeAdapter(dict[str, AnyPart])
MM = 1e-3

FLIP_CHIP = """
[substrate]
size = "10 mm"
thickness = "1 mm"
material = "fr4"

[underfill]
on = "substrate"
size = "chip"
thickness = "80 um"
material = "underfill"

[chip]
on = "underfill"
size = ["4 mm", "3 mm"]
thickness = "0.5 mm"
material = "silicon"
"""
LID = (
    FLIP_CHIP
    + """
[tim]
on = "chip"
size = "chip"
thickness = "50 um"
material = "tim"

[adhesive]
shape = "frame"
on = "substrate"
size = "lid"
width = "1 mm"
thickness = "0.1 mm"
material = "silicone"

[lid]
shape = "lid"
on = "adhesive"
over = "tim"
size = ["9 mm", "8 mm"]
thickness = "0.6 mm"
foot_width = "1 mm"
material = "copper"
"""
)


def bodies(text: str, **changes: str) -> dict[str, Body]:
    """Bodies by part; `changes` add lines to a part's table."""
    package, faults = build(PARTS.validate_python(tables(text, **changes)))
    assert not faults, [str(fault) for fault in faults]
    return {body.part: body for body in package.bodies}


def fault(text: str, **changes: str) -> Fault:
    _, faults = build(PARTS.validate_python(tables(text, **changes)))
    assert len(faults) == 1, [f"{fault.key}: {fault}" for fault in faults]
    return faults[0]


def tables(text: str, **changes: str) -> dict:
    found = tomllib.loads(text)
    for part, lines in changes.items():
        found.setdefault(part, {}).update(tomllib.loads(lines))
    return found


def volume(body: Body) -> float:
    return sum(shape.volume() for shape in body.shapes)


def test_thickness_moves_what_stands_on_it():
    assert bodies(FLIP_CHIP)["chip"].bounds == pytest.approx(
        np.array([-2, 2, -1.5, 1.5, 1.08, 1.58]) * MM
    )
    thicker = bodies(FLIP_CHIP, substrate='thickness = "1.2 mm"')["chip"]
    assert thicker.bounds[4:] == pytest.approx((1.28 * MM, 1.78 * MM))


def test_size_follows_a_part_that_stands_on_it():
    wider = bodies(FLIP_CHIP, chip='size = "6 mm"\nat = ["1 mm", "0 mm"]')["underfill"]
    assert wider.bounds == pytest.approx(np.array([-2, 4, -3, 3, 1, 1.08]) * MM)


def test_lid_foot_follows_the_thermal_interface():
    found = bodies(LID)
    lid = found["lid"]
    foot = 1.63 - 1.1  # top of the thermal interface - top of the adhesive
    assert lid.bounds == pytest.approx(np.array([-4.5, 4.5, -4, 4, 1.1, 2.23]) * MM)
    assert volume(lid) == pytest.approx((9 * 8 * 0.6 + (9 * 8 - 7 * 6) * foot) * MM**3)
    assert volume(found["adhesive"]) == pytest.approx((9 * 8 - 7 * 6) * 0.1 * MM**3)


def test_lid_that_does_not_reach_its_thermal_interface():
    found = fault(LID, lid='foot_height = "0.57 mm"')
    assert found.key == ("part", "lid", "foot_height")
    assert "floats above 'tim' by 40 um" in found.message and '"0.53 mm"' in found.message
    assert "presses into 'tim' by 30 um" in fault(LID, lid='foot_height = "0.5 mm"').message


def test_space_between_is_filled():
    text = LID.replace(
        'on = "chip"\nsize = "chip"\nthickness = "50 um"',
        'on = "chip"\nunder = "lid"\nsize = "chip"',
    )
    text = text.replace('over = "tim"', 'foot_height = "0.55 mm"')
    assert bodies(text)["tim"].bounds[4:] == pytest.approx((1.58 * MM, 1.65 * MM))
    assert "no room" in fault(text, lid='foot_height = "0.4 mm"').message


def test_carriers_that_are_not_level_name_the_gap():
    text = (
        FLIP_CHIP + '[plate]\non = ["chip", "underfill"]\nsize = "5 mm"\nthickness = "1 '
        'mm"\nmaterial = "copper"\n'
    )
    assert "'chip', but 500 um are missing to 'underfill'" in fault(text).message


def test_hanging_and_sunk_parts():
    text = (
        FLIP_CHIP
        + """
[balls]
shape = "balls"
under = "substrate"
pitch = "1 mm"
diameter = "0.6 mm"
height = "0.5 mm"
material = "sac305"

[opening]
shape = "void"
inside = "substrate"
size = "2 mm"
lift = "0.4 mm"
"""
    )
    found = bodies(text)
    balls = found["balls"].shapes[0]
    assert len(balls.centres) == 100 and (balls.z0, balls.z1) == pytest.approx((-0.5 * MM, 0))
    assert balls.centres.min() == pytest.approx(-4.5 * MM)  # half a pitch from the edge
    assert found["opening"].material is None
    assert found["opening"].bounds[4:] == pytest.approx((0.4 * MM, 1 * MM))


def test_circle_of_parts_and_unknown_part():
    circle = fault(FLIP_CHIP, substrate='on = "chip"')
    assert "substrate rests on chip rests on underfill rests on substrate" in circle.message
    lost = fault(FLIP_CHIP, chip='on = "underfil"')
    assert lost.key == ("part", "chip", "on") and "did you mean 'underfill'?" in lost.message


def test_part_beside_its_carrier():
    assert "lies beside" in fault(FLIP_CHIP, chip='size = "1 mm"\nat = ["9 mm", "0 mm"]').message
    assert "lies beside" in fault(LID, lid='size = "5 mm"\n', adhesive='size = "9 mm"').message


def test_a_part_that_misses_its_carrier_hears_where_its_centre_counts_from():
    plate = """
[plate]
on = "substrate"
size = "chip"
at = ["9 mm", "0 mm"]
thickness = "1 mm"
material = "silicon"
"""
    words = "its 'at' counts from the centre of 'chip'"
    assert words in fault(FLIP_CHIP + plate).message
    assert words not in fault(FLIP_CHIP + plate, plate='size = "1 mm"').message


def test_part_that_says_nothing_about_its_place():
    text = FLIP_CHIP + '[spacer]\nsize = "1 mm"\nthickness = "1 mm"\nmaterial = "silicon"\n'
    assert 'does not say where it stands: add on = "substrate"' in fault(text).message


@pytest.mark.parametrize(
    ("ring", "opening"),
    [
        ('size = "9 mm"\nwidth = "1 mm"', 7 * 7),
        ('size = "9 mm"\nopening = ["5 mm", "6 mm"]', 5 * 6),
        ('size = "9 mm"\naround = "chip"\nclearance = "0.5 mm"', 5 * 4),
        ('around = "chip"\nwidth = ["1 mm", "2 mm"]\nclearance = "0.5 mm"', 5 * 4),
    ],
)
def test_frame(ring, opening):
    text = (
        FLIP_CHIP + f'[ring]\nshape = "frame"\non = "substrate"\nthickness = "1 mm"\nmaterial = '
        f'"copper"\n{ring}\n'
    )
    body = bodies(text)["ring"]
    x0, x1, y0, y1, _, _ = body.bounds
    assert volume(body) == pytest.approx((x1 - x0) * (y1 - y0) * 1 * MM - opening * MM**3)


@pytest.mark.parametrize(
    ("ring", "words"),
    [
        ('size = "9 mm"\nwidth = "5 mm"', "closes the opening"),
        ('size = "9 mm"\nopening = "9 mm"', "leaves no ring"),
        ('size = "9 mm"\nwidth = "3 mm"\naround = "chip"', "cuts into 'chip'"),
        ('size = "9 mm"', "needs a width"),
    ],
)
def test_frame_that_cannot_be(ring, words):
    text = (
        FLIP_CHIP + f'[ring]\nshape = "frame"\non = "substrate"\nthickness = "1 mm"\nmaterial = '
        f'"copper"\n{ring}\n'
    )
    assert words in fault(text).message


def array(lines: str) -> str:
    return (
        FLIP_CHIP
        + f'[bumps]\nshape = "columns"\ninside = "underfill"\nmaterial = "sac305"\n{lines}\n'
    )


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("", 20 * 15),
        ('inset = "200 um"', 19 * 14),
        ('pattern = "staggered"', 8 * 20 + 7 * 19),
        ('pattern = "perimeter"\nrows = 2', 20 * 15 - 16 * 11),
        ('depopulate = { centre = "1 mm" }', 20 * 15 - 6 * 5),
        ("depopulate = { sites = [[1, 1], [20, 15]] }", 20 * 15 - 2),
        ('section = "square"\nturn = 90', 15 * 20),
    ],
)
def test_array_sites(pattern, count):
    columns = bodies(array(f'pitch = "200 um"\ndiameter = "100 um"\n{pattern}'))["bumps"].shapes[0]
    assert len(columns.centres) == count
    assert columns.centres.mean(axis=0) == pytest.approx([0, 0], abs=1e-15)


@pytest.mark.parametrize("pattern", ["full", "staggered", "perimeter"])
def test_effective_array_keeps_the_metal(pattern):
    rows = "rows = 3\n" if pattern == "perimeter" else ""
    lines = f'pitch = "200 um"\ndiameter = "100 um"\npattern = "{pattern}"\n{rows}'
    resolved = bodies(array(lines))["bumps"]
    package, _ = build(
        PARTS.validate_python(tables(array(lines + 'model = "effective"\nfill = "underfill"')))
    )
    body = next(body for body in package.bodies if body.part == "bumps")
    fraction = package.recipes[body.material].of["sac305"]
    assert fraction * volume(body) == pytest.approx(volume(resolved))
    assert all(isinstance(shape, Box) for shape in body.shapes)
    if pattern == "full":
        assert fraction == pytest.approx(pi * 0.1**2 / (4 * 0.2**2))
        assert len(body.shapes) == 1


@pytest.mark.parametrize(
    ("lines", "key", "words"),
    [
        ('pitch = "200 um"\ndiameter = "210 um"', "diameter", "overlap"),
        ('pitch = "9 mm"\ndiameter = "1 mm"', "pitch", "leaves no site"),
        ('pitch = "1 um"\ndiameter = "1 um"', "pitch", "is its unit right?"),
        (
            'pitch = "1 mm"\ndiameter = "0.1 mm"\ndepopulate = { sites = [[5, 1]] }',
            "depopulate",
            "has 4 columns",
        ),
        (
            'pitch = "1 mm"\ndiameter = "0.1 mm"\ndepopulate = { centre = "9 mm" }',
            "depopulate",
            "leaves no site",
        ),
        ('pitch = "1 mm"\ndiameter = "0.1 mm"\nmodel = "effective"', "fill", "is missing"),
    ],
)
def test_array_that_cannot_be(lines, key, words):
    found = fault(array(lines))
    assert found.key[2] == key and words in found.message


def test_staggered_rows_may_stand_closer_than_a_pitch():
    lines = 'pitch = ["200 um", "150 um"]\npattern = "staggered"\ndiameter = '
    closest = sqrt(100**2 + 150**2)
    assert bodies(array(f'{lines}"{closest - 1} um"'))
    assert "overlap" in fault(array(f'{lines}"{closest + 1} um"')).message


def test_fillet_is_a_wedge():
    text = (
        FLIP_CHIP
        + """
[fillet]
shape = "fillet"
around = "chip"
on = "substrate"
width = "0.8 mm"
height = "0.4 mm"
steps = 8
material = "underfill"
"""
    )
    body = bodies(text)["fillet"]
    wedge = 2 * (4 + 3) * 0.8 * 0.4 / 2
    corners = 4 * 0.8**2 * 0.4 / 3  # pyramids
    assert volume(body) == pytest.approx((wedge + corners) * MM**3, rel=0.005)
    assert body.bounds[:4] == pytest.approx(np.array([-2.8, 2.8, -2.3, 2.3]) * MM)


def test_prism_disc_and_turn():
    text = """
[wafer]
shape = "disc"
diameter = "300 mm"
thickness = "775 um"
material = "silicon"

[corner]
shape = "prism"
on = "wafer"
outline = [["0 mm", "0 mm"], ["3 mm", "0 mm"], ["0 mm", "1 mm"]]
thickness = "1 mm"
turn = 90
at = ["10 mm", "0 mm"]
material = "copper"

[bar]
on = "wafer"
size = ["4 mm", "2 mm"]
thickness = "1 mm"
turn = 270
material = "silicon-110"
"""
    found = bodies(text)
    assert volume(found["wafer"]) == pytest.approx(pi / 4 * 0.3**2 * 775e-6)
    assert found["corner"].bounds[:4] == pytest.approx(np.array([9, 10, 0, 3]) * MM)
    assert volume(found["corner"]) == pytest.approx(1.5 * MM**3)
    assert found["bar"].bounds[:4] == pytest.approx(np.array([-1, 1, -2, 2]) * MM)
    assert found["bar"].material == "silicon-110 turned"
    crossed = text.replace('["0 mm", "1 mm"]]', '["0 mm", "1 mm"], ["3 mm", "1 mm"]]')
    assert "crosses itself: edges 2 and 4" in fault(crossed).message
    flat = text.replace('["0 mm", "1 mm"]]', '["9 mm", "0 mm"]]')
    assert "encloses no area" in fault(flat).message


LAMINATE = """
[substrate]
size = "10 mm"
material = "abf"
layers = [
    { thickness = "20 um", copper = 0.4 },
    { name = "build-up", lump = [{ thickness = "30 um" }, { thickness = "10 um", copper = 1.0 }] },
    { name = "core", thickness = "0.8 mm", material = "core", vias = "2 %" },
]
"""


def test_laminate_lists_layers_from_the_top():
    package, faults = build(PARTS.validate_python(tables(LAMINATE)))
    assert not faults
    heights = np.array([body.bounds[4:] for body in package.bodies])
    assert heights == pytest.approx(np.array([(0.84, 0.86), (0.8, 0.84), (0, 0.8)]) * MM)
    names = [body.material for body in package.bodies]
    assert package.recipes[names[0]].of == pytest.approx({"copper": 0.4, "abf": 0.6})
    assert package.recipes["substrate: build-up"].of == pytest.approx({"abf": 0.75, "copper": 0.25})
    core = package.recipes["substrate: core"]
    assert (core.rule, core.of["copper"]) == ("columns", 0.02)


def test_laminate_that_cannot_be():
    assert "follows from the layers" in fault(LAMINATE, substrate='thickness = "1 mm"').message
    assert "part 'substrate' for all" in fault(LAMINATE.replace('material = "abf"\n', "")).message
    both = fault(LAMINATE.replace('vias = "2 %"', "vias = 0.02, copper = 0.5"))
    assert both.key == ("part", "substrate", "layers", 2, "vias")


def test_slipped_units():
    for thin in ("9 nm", "10 nm"):  # 10 nm: less than round-off above what the grid takes for one
        assert f"{thin} thin" in fault(FLIP_CHIP, chip=f'thickness = "{thin}"').message
    assert "reaches further" in fault(FLIP_CHIP, chip='thickness = "40 m"').message
