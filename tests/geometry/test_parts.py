"""Parts in a user's words: chips, gaps and vents, blocks, bond wires, copper images, free-standing
layers, starters.
"""

import json
import tomllib
from math import pi

import numpy as np
import pytest
from pydantic import TypeAdapter
from typer.testing import CliRunner

import warp
from warp.case import starter
from warp.case.case import CaseError
from warp.case.symmetry import asymmetry
from warp.cli.app import app
from warp.errors import WarpError
from warp.geometry.parts import AnyPart
from warp.geometry.shapes import Sheet
from warp.geometry.solids import build
from warp.machine import device as devices
from warp.materials import bump_layer, filled_polymer, mixing
from warp.materials.free_wires import LooseWires
from warp.materials.library import library
from warp.materials.material import normal_matrix
from warp.run import model as run_model
from warp.voxels import voxelize

PARTS = TypeAdapter(dict[str, AnyPart])
ROOM = 298.15

CHIP = """
[substrate]
size = "10 mm"
thickness = "0.4 mm"
material = "fr4"

[chip]
shape = "chip"
on = "substrate"
size = ["4 mm", "2 mm"]
thickness = "0.5 mm"
material = "silicon"
"""


def built(text, folder=None):
    package, faults = build(PARTS.validate_python(tomllib.loads(text)), folder)
    assert not faults, [str(fault) for fault in faults]
    return package


def fault(text, folder=None):
    _, faults = build(PARTS.validate_python(tomllib.loads(text)), folder)
    assert len(faults) == 1, [f"{fault.key}: {fault}" for fault in faults]
    return faults[0]


def shapes(package, part):
    return [shape for body in package.bodies if body.part == part for shape in body.shapes]


def area(boxes):
    """mm2 in plane."""
    return sum((b.x1 - b.x0) * (b.y1 - b.y0) for b in boxes) * 1e6


# gaps and vents


def frame(gaps, turn=0):
    return f"""
[ring]
shape = "frame"
size = ["10 mm", "8 mm"]
width = "1 mm"
thickness = "0.2 mm"
material = "copper"
turn = {turn}
gaps = [{gaps}]
"""


def test_gaps_interrupt_a_frame():
    whole = area(shapes(built(frame("")), "ring"))
    assert whole == pytest.approx(10 * 8 - 8 * 6)
    assert area(shapes(built(frame('{ side = "y-", width = "2 mm" }')), "ring")) == pytest.approx(
        whole - 2
    )
    boxes = shapes(
        built(
            frame('{ side = "all", width = "2 mm" }, { side = "x+", width = "1 mm", at = "1 mm" }')
        ),
        "ring",
    )
    assert area(boxes) == pytest.approx(whole - 4 * 2 - 0.5), "gaps on one side may overlap"


def test_gaps_turn_with_their_frame():
    """The gap at x+, 1 mm towards y+, lies at y+, 1 mm towards x-."""
    boxes = shapes(built(frame('{ side = "x+", width = "2 mm", at = "1 mm" }', turn=90)), "ring")
    top = sorted((b.x0 * 1e3, b.x1 * 1e3) for b in boxes if b.y0 > 3.9e-3)
    assert top == [pytest.approx((-3, -2)), pytest.approx((0, 3))]


def test_a_gap_keeps_the_corners():
    found = fault(frame('{ side = "y-", width = "9 mm" }'))
    assert found.key == ("part", "ring", "gaps", 0) and "8 mm long" in found.message


def test_vents_open_a_lids_foot_and_not_its_plate():
    lid = """
[lid]
shape = "lid"
on = "substrate"
size = "8 mm"
thickness = "0.5 mm"
foot_width = "1 mm"
foot_height = "0.7 mm"
material = "copper"
"""
    closed = sum(s.volume() for s in shapes(built(CHIP + lid), "lid"))
    vented = CHIP + lid + 'vents = [{ side = "x-", width = "2 mm" }]\n'
    assert closed - sum(s.volume() for s in shapes(built(vented), "lid")) == pytest.approx(
        2e-3 * 1e-3 * 0.7e-3
    )
    assert fault(vented.replace('"2 mm" }', '"7 mm" }')).key == ("part", "lid", "vents", 0)


def test_cut_corners_of_a_lid_and_of_its_adhesive():
    """Four triangles of 0.8 x 0.8 / 2 mm2 less, over the whole height; a vent at the corner's limb
    stays a vent.
    """
    rim = """
[glue]
shape = "frame"
on = "substrate"
size = "8 mm"
width = "1 mm"
thickness = "0.1 mm"
material = "epoxy"
corner_cut = "0.8 mm"
[lid]
shape = "lid"
on = "glue"
size = "8 mm"
thickness = "0.5 mm"
foot_width = "1 mm"
foot_height = "0.7 mm"
material = "copper"
corner_cut = "0.8 mm"
vents = [{ side = "x-", width = "2 mm" }]
"""
    cut, whole = built(CHIP + rim), built((CHIP + rim).replace('corner_cut = "0.8 mm"', ""))
    for part, height in (("glue", 0.1), ("lid", 1.2)):
        lost = sum(s.volume() for s in shapes(whole, part)) - sum(
            s.volume() for s in shapes(cut, part)
        )
        assert lost * 1e9 == pytest.approx(4 * 0.32 * height), part
    plate = shapes(cut, "lid")[0]
    assert sorted(map(tuple, np.round(plate.vertices * 1e3, 6).tolist()))[:2] == [
        (-4.0, -3.2),
        (-4.0, 3.2),
    ]
    found = fault((CHIP + rim).replace('corner_cut = "0.8 mm"', 'corner_cut = "1.2 mm"', 1))
    assert found.key == ("part", "glue", "corner_cut") and "would open the ring" in found.message


# blocks


def test_blocks_lie_at_their_sites():
    text = (
        CHIP + '[capacitors]\nshape = "blocks"\non = "substrate"\nsize = ["1 mm", "0.5 '
        'mm"]\nthickness = "0.5 mm"\n'
    )
    text += 'material = "capacitor"\nsites = [["3 mm", "1 mm"], ["-3 mm", "1 mm"]]\nturn = 90\n'
    boxes = shapes(built(text), "capacitors")
    assert [(b.x0 * 1e3, b.x1 * 1e3, b.y0 * 1e3, b.y1 * 1e3) for b in boxes] == [
        pytest.approx((-1.25, -0.75, 2.5, 3.5)),
        pytest.approx((-1.25, -0.75, -3.5, -2.5)),
    ]


# wires

WIRES = (
    CHIP
    + """
[wires]
shape = "wires"
around = "chip"
on = "substrate"
diameter = "25 um"
pitch = "100 um"
reach = "1 mm"
loop = "0.2 mm"
material = "gold"
fill = "mould-compound"
"""
)


def test_wires_keep_the_conductance_of_every_wire():
    """n k A / length between the chip's edge and the far ends, the mould compound apart."""
    package = built(WIRES)
    wires = {body.material: body.shapes[0] for body in package.bodies if body.part == "wires"}
    box = wires["wires: wires along x"]
    assert box.bounds[4:] == pytest.approx((0.4e-3, 1.1e-3))
    recipe = package.recipes["wires: wires along x"]
    known = library()
    mixed = mixing.mix([known[name] for name in recipe.of], list(recipe.of.values()), recipe.rule)
    section, length = 2e-3 * 0.7e-3, 1e-3
    k_gold, k_mould = (known[name].conductivity(ROOM)[0] for name in ("gold", "mould-compound"))
    through = (mixed.conductivity(ROOM)[0] - k_mould) * section / length
    wire = np.hypot(1, 0.7) * 1e-3
    assert through == pytest.approx(20 * (k_gold - k_mould) * pi * 25e-6**2 / 4 / wire, rel=1e-9)
    assert mixed.conductivity(ROOM)[1] == pytest.approx(mixed.conductivity(ROOM)[2])


def test_a_single_wire_has_its_place_along_the_side():
    """It is towards +y on x-, towards +x on y-, and a mirror plane notices."""
    gate = 'count = 1\noffset = "0.5 mm"\nsides = ["x-", "y-"]\nfill'
    package = built(WIRES.replace("fill", gate))
    along_x, along_y = (b.shapes[0].bounds for b in package.bodies if b.part == "wires")
    assert along_x[:4] == pytest.approx((-3e-3, -2e-3, 0.45e-3, 0.55e-3))
    assert along_y[:4] == pytest.approx((0.45e-3, 0.55e-3, -2e-3, -1e-3))
    whole = built(WIRES).recipes["wires: wires along x"]
    assert package.recipes["wires: wires along x"].of == whole.of


def test_wires_in_a_cavity_conduct_along_themselves_and_carry_nothing():
    """As the fibres do in mould compound, the compound apart."""
    recipe = built(WIRES.replace('fill = "mould-compound"', 'fill = "void"')).recipes[
        "wires: wires along y"
    ]
    filled = built(WIRES).recipes["wires: wires along y"]
    assert recipe.of["gold"] == pytest.approx(filled.of["gold"])
    gold = library()["gold"]
    loose = LooseWires(gold, recipe.fraction, recipe.direction, "wires")
    share = loose.conductivity(ROOM) / gold.conductivity(ROOM)
    assert share == pytest.approx(recipe.fraction * np.array([1e-4, 1.0, 1e-4]))
    assert loose.heat_capacity(ROOM) == pytest.approx(loose.density * gold.specific_heat(ROOM))
    assert loose.stiffness(ROOM)[0] < 1e-3 * recipe.fraction * gold.stiffness(ROOM)[0]


def _mould_apart(package, body):
    """The conductivity of a layer of wires beyond that of the mould, along its fibres, W/(m K)."""
    known = library()
    recipe = package.recipes[body.material]
    mixed = mixing.mix([known[name] for name in recipe.of], list(recipe.of.values()), recipe.rule)
    k_mould = known["mould-compound"].conductivity(ROOM)[0]
    return mixed.conductivity(ROOM)[0] - k_mould


def _wire(length):
    known = library()
    k_gold, k_mould = (known[name].conductivity(ROOM)[0] for name in ("gold", "mould-compound"))
    return (k_gold - k_mould) * pi * 25e-6**2 / 4 / length


def test_wires_that_fan_out_keep_the_conductance_of_every_wire():
    """SUM k A / length of ten wires from a pitch of 0.1 mm to 0.3 mm, 0.05 mm askew."""
    fan = 'count = 10\nend_pitch = "0.3 mm"\nend_offset = "50 um"\nsides = ["x+"]\nfill'
    package = built(WIRES.replace("fill", fan))
    layers = [body for body in package.bodies if body.part == "wires"]
    assert len(layers) == 3
    x = np.linspace(2e-3, 3e-3, 30001)
    x = (x[1:] + x[:-1]) / 2
    resistance = np.zeros_like(x)
    for body in layers:
        corners = body.shapes[0].vertices
        here = (x > corners[:, 0].min()) & (x < corners[:, 0].max())
        low = np.interp(x[here], *corners[:2].T)
        high = np.interp(x[here], *corners[[3, 2]].T)
        resistance[here] += 1 / (_mould_apart(package, body) * (high - low) * 0.7e-3)
    aslant = 50e-6 + (np.arange(10) - 4.5) * 0.2e-3
    wires = _wire(np.sqrt(1e-3**2 + 0.7e-3**2 + aslant**2)).sum()
    assert 1 / (resistance.sum() * 1e-3 / len(x)) == pytest.approx(wires, rel=1e-6)
    fractions = [package.recipes[body.material].of["gold"] for body in layers]
    assert fractions == sorted(fractions, reverse=True)


def test_wires_that_do_not_fan_out_are_straight():
    single = 'count = 10\nsides = ["x+"]\nfill'
    straight = built(WIRES.replace("fill", single))
    fan = built(WIRES.replace("fill", 'end_pitch = "100 um"\nend_offset = "0 mm"\n' + single))
    (one,), (other,) = (
        [body for body in package.bodies if body.part == "wires"] for package in (straight, fan)
    )
    assert one.shapes == other.shapes
    assert straight.recipes[one.material].of == fan.recipes[other.material].of


def test_wires_of_two_sides_are_mirror_images():
    fan = 'count = 10\nend_pitch = "0.14 mm"\nfill'
    package = built(WIRES.replace("fill", fan))
    for axis in (0, 1):
        assert asymmetry(package.bodies, [], [], axis, package.recipes) is None
    askew = built(WIRES.replace("fill", 'end_offset = "0.2 mm"\n' + fan))
    reason = asymmetry(askew.bodies, [], [], 0, askew.recipes)
    assert reason is not None and reason[0] == "wires"


ONE_BY_ONE = WIRES.replace('reach = "1 mm"', "wires = [ENDS]")


def test_a_wire_by_its_ends_is_the_single_wire_of_a_side():
    ends = '{ from = ["2 mm", "0.5 mm"], to = ["3 mm", "0.5 mm"] }'
    single = 'count = 1\noffset = "0.5 mm"\nsides = ["x+"]\nfill'
    packages = built(ONE_BY_ONE.replace("ENDS", ends)), built(WIRES.replace("fill", single))
    (one,), (other,) = ([body for body in p.bodies if body.part == "wires"] for p in packages)
    assert one.shapes[0].bounds == pytest.approx(other.shapes[0].bounds)
    recipes = packages[0].recipes[one.material], packages[1].recipes[other.material]
    assert recipes[0].rule == recipes[1].rule and recipes[0].of == pytest.approx(recipes[1].of)


def test_a_wire_aslant_keeps_its_conductance():
    """k A / length of all of it, 0.3 mm over the chip too, which is not there in the model."""
    ends = '{ from = ["1.7 mm", "0 mm"], to = ["2.9 mm", "0.9 mm"] }'
    package = built(ONE_BY_ONE.replace("ENDS", ends))
    (body,) = (body for body in package.bodies if body.part == "wires")
    shape, beside = body.shapes[0], 1.5e-3 * 0.9 / 1.2
    assert shape.volume() == pytest.approx(beside * 0.1e-3 * 0.7e-3)
    through = _mould_apart(package, body) * 0.1e-3 * 0.7e-3 / beside
    assert through == pytest.approx(_wire(np.hypot(1.5e-3, 0.7e-3)), rel=1e-9)


def test_fibres_along_another_axis_are_the_same_fibres():
    known = library()
    parts, fractions = [known["gold"], known["mould-compound"]], [0.2, 0.8]
    z, x, y = (mixing.mix(parts, fractions, rule) for rule in ("fibres", "x-fibres", "y-fibres"))
    C = normal_matrix(z.stiffness(ROOM))
    for other, order in ((x, [2, 0, 1]), (y, [0, 2, 1])):
        assert normal_matrix(other.stiffness(ROOM)) == pytest.approx(C[np.ix_(order, order)])
        assert other.shear(ROOM) == pytest.approx(z.shear(ROOM)[order])
        assert other.cte(ROOM) == pytest.approx(z.cte(ROOM)[order])
        assert other.conductivity(ROOM) == pytest.approx(z.conductivity(ROOM)[order])


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ('pitch = "100 um"', 'pitch = "20 um"', "diameter", "overlap"),
        ('diameter = "25 um"', 'diameter = "0.2 mm"\nlift = "0.69 mm"', "diameter", "overlap"),
        ('material = "gold"', 'material = "void"', "material", "cannot be void"),
        ('loop = "0.2 mm"', 'offset = "1 mm"', "offset", "add count = 1"),
        ('loop = "0.2 mm"', 'count = 21\nsides = ["x+"]', "count", "beyond the side x+"),
        (
            'loop = "0.2 mm"',
            'count = 2\noffset = "0.95 mm"\nsides = ["x-"]',
            "offset",
            "0.85 to 1.05 mm",
        ),
        ('fill = "mould-compound"', 'fill = "gold"', "fill", "like the wires"),
        ('on = "substrate"\ndiameter', "diameter", None, 'add on = "substrate"'),
        ('loop = "0.2 mm"', 'end_pitch = "0.2 mm"', "end_pitch", "add count = 1"),
        ('loop = "0.2 mm"', 'count = 2\nend_pitch = "9 um"', "diameter", "the end pitch (9 um)"),
        ('loop = "0.2 mm"', 'at = ["1 mm", "0 mm"]', "at", "see 'offset'"),
        ('reach = "1 mm"\n', "", "reach", "is missing"),
        (
            'around = "chip"\non = "substrate"\ndia',
            'on = "substrate"\ndia',
            None,
            'add around = "chip"',
        ),
    ],
)
def test_wires_that_cannot_be(old, new, key, words):
    assert old in WIRES
    found = fault(WIRES.replace(old, new))
    assert (
        words in found.message
        and found.key[:2] == ("part", "wires")
        and found.key[2:] == ((key,) if key else ())
    )


@pytest.mark.parametrize(
    ("ends", "key", "words"),
    [
        ('{ from = ["2.1 mm", "0 mm"], to = ["3 mm", "0 mm"] }', (0, "from"), "beyond 'chip'"),
        ('{ from = ["1 mm", "0 mm"], to = ["9 mm", "0 mm"] }', (0, "to"), "beyond 'substrate'"),
        ('{ from = ["0 mm", "0 mm"], to = ["0.5 mm", "0 mm"] }', (0, "to"), "is on 'chip' itself"),
    ],
)
def test_ends_of_wires_that_cannot_be(ends, key, words):
    found = fault(ONE_BY_ONE.replace("ENDS", ends))
    assert found.key == ("part", "wires", "wires", *key) and words in found.message


def test_wires_have_their_ends_once():
    both = ONE_BY_ONE.replace("ENDS", '{ from = ["2 mm", "0 mm"], to = ["3 mm", "0 mm"] }')
    found = fault(both.replace("fill", "count = 1\nfill"))
    assert found.key == ("part", "wires", "count") and "these have their ends" in found.message


def test_a_missing_part_is_named_even_by_a_key_that_does_not_place_the_part():
    """Wires stand on the substrate and around the chip; a missing `inside` is an error too."""
    found = fault(WIRES.replace('around = "chip"\n', 'around = "chip"\ninside = "nowhere"\n'))
    assert found.key == ("part", "wires", "inside") and "no part 'nowhere'" in found.message


def test_wires_round_a_chip_that_is_not_there_under_a_part_that_comes_before_them():
    wires = WIRES.replace(
        'around = "chip"\non = "substrate"\ndia', 'around = "die"\non = "substrate"\ndia'
    )
    cap = '\n[cap]\non = "wires"\nsize = "1 mm"\nthickness = "1 mm"\nmaterial = "silicon"\n'
    found = fault(wires.replace("\n[wires]", cap + "\n[wires]"))
    assert found.key == ("part", "wires", "around") and "there is no part 'die'" in found.message


# free-standing layers


def test_a_slender_column_is_a_guided_beam():
    """E A / h along, 12 E I / h^3 across, for rigid faces."""
    copper = library()["copper"]
    d, h, n = 20e-6, 2000e-6, 1e6
    layer = bump_layer.BumpLayer(copper, bump_layer.column(d, h), n, "posts")
    E = 120e9
    assert layer.stiffness(ROOM)[2] == pytest.approx(n * E * pi * d**2 / 4)
    assert layer.shear(ROOM)[0] == pytest.approx(n * h * 12 * E * pi * d**4 / 64 / h**3, rel=1e-3)
    assert layer.conductivity(ROOM)[2] == pytest.approx(n * 398 * pi * d**2 / 4)
    assert layer.density == pytest.approx(copper.density * n * pi * d**2 / 4)
    assert layer.heat_capacity(ROOM) == pytest.approx(layer.density * copper.specific_heat(ROOM))


def test_a_flat_cut_ball_is_a_short_column():
    ball, column = bump_layer.ball(1e-3, 1e-5), bump_layer.column(1e-3, 1e-5)
    for name in ("slenderness", "bending", "volume"):
        assert getattr(ball, name) == pytest.approx(getattr(column, name), rel=1e-3)
    assert bump_layer.ball(0.5e-3, 0.3e-3).radius == pytest.approx(0.2e-3), "3-4-5"


def test_faces_yield_under_a_free_standing_column():
    """Rigid punches: (1 - nu) / (4 G a) each along, and 1 / (4 k a) for heat."""
    known = library()
    rigid = bump_layer.BumpLayer(known["sac305"], bump_layer.column(1e-4, 1e-4), 1.0, "one")
    between = bump_layer.BumpLayer(
        known["sac305"], bump_layer.column(1e-4, 1e-4), 1.0, "one", (known["copper"],) * 2
    )
    G, nu, a = 120e9 / 2 / 1.34, 0.34, 0.5e-4
    added = 1e-4 / between.stiffness(ROOM)[2] - 1e-4 / rigid.stiffness(ROOM)[2]
    assert added == pytest.approx(2 * (1 - nu) / (4 * G * a), rel=1e-3)
    added = 1e-4 / between.conductivity(ROOM)[2] - 1e-4 / rigid.conductivity(ROOM)[2]
    assert added == pytest.approx(2 / (4 * 398 * a), rel=1e-3)


def test_an_effective_layer_knows_between_what_it_stands():
    bumps = """
[bumps]
shape = "columns"
on = "substrate"
size = "chip"
pitch = "0.5 mm"
diameter = "0.2 mm"
height = "0.1 mm"
material = "sac305"
model = "effective"
fill = "void"
"""
    text = CHIP.replace('on = "substrate"', 'on = "bumps"')
    package = built(text + bumps)
    recipe = package.recipes["bumps: effective"]
    assert recipe.faces == ({"fr4": pytest.approx(1.0)}, {"silicon": pytest.approx(1.0)})
    assert recipe.per_area == pytest.approx(4e6)
    assert "nothing to make effective" in fault(text + bumps.replace('"void"', '"sac305"')).message
    assert fault(text + bumps.replace('fill = "void"\n', "")).key == ("part", "bumps", "fill")


def test_the_fill_of_an_effective_layer_cures_with_the_underfill_around_it():
    text = (
        CHIP.replace('on = "substrate"', 'on = "underfill"')
        + """
[underfill]
on = "substrate"
size = "chip"
thickness = "0.1 mm"
material = "underfill-fp4549"
stress_free = "165 degC"
[bumps]
shape = "columns"
inside = "underfill"
pitch = "0.5 mm"
diameter = "0.2 mm"
material = "sac305"
model = "effective"
fill = "underfill-fp4549"
"""
    )
    assert built(text).recipes["bumps: effective"].since == {
        "underfill-fp4549": pytest.approx(438.15)
    }
    own = built(text + 'fill_stress_free = "150 degC"\n')
    assert own.recipes["bumps: effective"].since == {"underfill-fp4549": pytest.approx(423.15)}
    other = built(text.replace('fill = "underfill-fp4549"', 'fill = "epoxy"'))
    assert other.recipes["bumps: effective"].since == {}


SMALL = """
symmetry = "quarter"
[load]
stress_free = "217 degC"
[part.substrate]
size = "6 mm"
thickness = "0.4 mm"
material = "bt-hl832ns"
[part.underfill]
on = "substrate"
size = "chip"
thickness = "80 um"
material = "underfill-uf9000ae"
stress_free = "165 degC"
[part.bumps]
shape = "columns"
inside = "underfill"
pitch = "400 um"
diameter = "200 um"
material = "sn35ag"
model = "effective"
fill = "underfill-uf9000ae"
[part.chip]
on = "underfill"
size = "4 mm"
thickness = "0.4 mm"
material = "silicon"
[part.balls]
shape = "balls"
under = "substrate"
pitch = "1 mm"
diameter = "0.5 mm"
height = "0.35 mm"
material = "sac305"
model = "effective"
fill = "void"
[part.board]
under = "balls"
size = "8 mm"
thickness = "1 mm"
material = "fr4"
[grid]
edge_spacing = "0.3 mm"
cells_per_layer = 4
growth = 0.8
"""


def test_an_effective_layer_in_a_woven_laminate_is_refused(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL.replace("underfill-uf9000ae", "core-mcl-e-795g"))
    with pytest.raises(
        CaseError, match=r"part\.bumps: fibres along z need .*'core-mcl-e-795g' is not"
    ):
        warp.load(path)
    warp.load(path, {"part.bumps.model": "resolved"})


@pytest.mark.parametrize("part", ["bumps", "balls"])
def test_resolved_and_effective_arrays_bend_a_package_alike(tmp_path, part):
    """Bumps in underfill as cylinder assemblage, balls on a board as beams between half-spaces."""
    path = tmp_path / "small.toml"
    without_board = SMALL[: SMALL.index("[part.balls]")] + SMALL[SMALL.index("[grid]") :]
    path.write_text(without_board if part == "bumps" else SMALL)
    found = []
    for model in ("resolved", "effective"):
        result = warp.solve(warp.load(path, {f"part.{part}.model": model}), "cpu").summary()
        found.append(result["surfaces"]["substrate"]["bottom"]["warpage_um"])
    assert found[1] == pytest.approx(found[0], rel=0.02)


# chips


def test_a_chips_heat_arises_at_its_active_side(tmp_path):
    path = tmp_path / "chip.toml"
    cool = '[boundary.air]\nface = "package.top"\nfilm = "1000 W/(m^2 K)"\nambient = "25 degC"\n'
    parts = CHIP.replace("[substrate]", "[part.substrate]").replace("[chip]", "[part.chip]")
    path.write_text('[load]\nstress_free = "200 degC"\n' + parts + 'power = "1 W"\n' + cool)
    (source,) = warp.load(path).sources
    assert source.z == pytest.approx((0.4e-3, 0.41e-3))
    (source,) = warp.load(path, {"part.chip.face": "up"}).sources
    assert source.z == pytest.approx((0.89e-3, 0.9e-3))
    (source,) = warp.load(path, {"part.chip.shape": "plate"}).sources
    assert source.z is None
    assert not warp.load(path, {"part.chip.material": "void"}).sources
    with pytest.raises(CaseError, match="'sideways' is not one of 'down' or 'up'"):
        warp.load(path, {"part.chip.face": "sideways"})


# copper images

BOARD = """
[board]
size = ["10 mm", "8 mm"]
material = "abf-gl102"
layers = [{ thickness = "20 um", copper = "copper.npy" }, { thickness = "100 um" }]
"""


def test_each_voxel_has_its_own_fraction_of_an_image(tmp_path):
    """A picture's first row is y+; 5 x 4 mm pixels under voxels of 1 mm, lines at their edges under
    wider ones, and the mean of stripes that are narrower than a voxel.
    """
    np.save(tmp_path / "copper.npy", np.array([[1.0, 0.0], [0.5, 0.25]]))
    text = '[load]\nstress_free = "150 degC"\n' + BOARD.replace("[board]", "[part.board]")
    text += '[grid]\nuniform = true\nspacing = "1 mm"\n'
    path = tmp_path / "board.toml"
    path.write_text(text)
    model = run_model.build(warp.load(path), devices.select("cpu"))
    top = model.ids[-1]
    names = [model.media.names[top[j, i]] for j, i in ((7, 0), (7, 9), (0, 0), (0, 9))]
    assert names == [f"board: layer 1 {fraction}/16" for fraction in (16, 0, 8, 4)]
    coarse = run_model.build(warp.load(path, {"grid.spacing": "10 mm"}), devices.select("cpu"))
    fractions = {coarse.media.names[row] for row in coarse.ids[-1].ravel()}
    assert fractions == {f"board: layer 1 {fraction}/16" for fraction in (16, 0, 8, 4)}
    np.save(tmp_path / "copper.npy", np.tile([[1.0, 0.0]], (1, 64)))
    striped = run_model.build(warp.load(path), devices.select("cpu"))
    fractions = {striped.media.names[row] for row in striped.ids[-1].ravel()}
    assert fractions <= {f"board: layer 1 {fraction}/16" for fraction in (7, 8, 9)}


def test_an_image_turns_with_its_plate(tmp_path):
    np.save(tmp_path / "copper.npy", np.array([[1.0, 0.0, 0.0]]))
    (sheet,) = [
        s for s in shapes(built(BOARD + "turn = 90\n", tmp_path), "board") if isinstance(s, Sheet)
    ]
    assert sheet.fraction.tolist() == [[1.0], [0.0], [0.0]], "x- becomes y-"


def test_a_png_is_an_image_of_copper(tmp_path):
    from matplotlib.image import imsave

    imsave(tmp_path / "copper.png", np.array([[1.0, 0.0], [0.0, 0.0]]), cmap="gray")
    (sheet,) = [
        s
        for s in shapes(built(BOARD.replace(".npy", ".png"), tmp_path), "board")
        if isinstance(s, Sheet)
    ]
    assert sheet.fraction == pytest.approx(np.array([[0.0, 0.0], [1.0, 0.0]]))


def test_what_is_transparent_is_no_copper(tmp_path):
    from matplotlib.image import imsave

    pixels = np.ones((2, 2, 4))
    pixels[0, :, 3] = 0.0  # the upper half shows what lies behind the picture
    imsave(tmp_path / "copper.png", pixels)
    (sheet,) = [
        s
        for s in shapes(built(BOARD.replace(".npy", ".png"), tmp_path), "board")
        if isinstance(s, Sheet)
    ]
    assert sheet.fraction == pytest.approx(np.array([[1.0, 1.0], [0.0, 0.0]]))


@pytest.mark.parametrize(
    "text", ["1,0\n0.5,0.25\n", "\ufeff1;0 # y+\n\n0.5;0.25"], ids=["plain", "from a spreadsheet"]
)
def test_a_csv_is_an_image_of_copper(tmp_path, text):
    (tmp_path / "copper.csv").write_text(text, encoding="utf-8")
    (sheet,) = [
        s
        for s in shapes(built(BOARD.replace(".npy", ".csv"), tmp_path), "board")
        if isinstance(s, Sheet)
    ]
    assert sheet.fraction == pytest.approx(np.array([[0.5, 0.25], [1.0, 0.0]]))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot read the copper layout"),
        (b"no picture", "is of no known kind"),
        (np.full((2, 2), 1.5), "between 0 and 1"),
        (np.full(3, 0.5), "holds 3 entries"),
    ],
)
def test_images_that_cannot_be(tmp_path, content, words):
    if isinstance(content, bytes):
        (tmp_path / "copper.npy").write_bytes(content)
    elif content is not None:
        np.save(tmp_path / "copper.npy", content)
    found = fault(BOARD, tmp_path)
    assert found.key == ("part", "board", "layers", 0, "copper") and words in found.message


def test_an_image_cannot_be_lumped(tmp_path):
    np.save(tmp_path / "copper.npy", np.ones((2, 2)))
    lump = 'layers = [{ lump = [{ thickness = "20 um", copper = "copper.npy" }] }]'
    found = fault(BOARD[: BOARD.index("layers")] + lump, tmp_path)
    assert "cannot be lumped" in found.message


# starters


def test_a_starter_is_a_case_that_loads(tmp_path):
    path = starter.write("flip-chip", tmp_path / "mine.toml")
    assert warp.load(path).title == starter.kinds()["flip-chip"]
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert json.loads((tmp_path / first.removeprefix("#:schema ./")).read_text())["$defs"]
    with pytest.raises(WarpError, match="exists already"):
        starter.write("flip-chip", path)
    with pytest.raises(WarpError, match="did you mean 'flip-chip'"):
        starter.write("flipchip", tmp_path / "other.toml")


def test_new_lists_what_it_can_write():
    found = CliRunner().invoke(app, ["new"])
    assert found.exit_code == 0 and "stiffener-ring" in found.output


# one clear line


def test_bad_parts_are_one_line_with_their_place(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text(SMALL.replace('height = "0.35 mm"', 'height = "0.35"'))
    with pytest.raises(CaseError) as error:
        warp.load(path)
    line = 1 + SMALL[: SMALL.index('height = "0.35 mm"')].count("\n")
    assert str(error.value).startswith(f"{path}:{line}: part.balls.height: needs a unit")
    path.write_text(SMALL.replace('pitch = "1 mm"', 'pitch = "0.4 mm"'))
    with pytest.raises(
        CaseError, match=r"part.balls.diameter: is larger than the distance of neighbours"
    ):
        warp.load(path)


@pytest.mark.parametrize(
    ("name", "key", "value", "says"),
    [
        (
            "substrate-opening",
            "part.opening.size",
            "20 mm",
            "size: removes all of 'substrate': 20 x 20 mm out of 15 x 15 mm",
        ),
        (
            "filled-metal",
            "material.filled.mixture.of",
            "{ silver = 0.7, epoxy = 0.3 }",
            "70 % filler is more than the maximum",
        ),
        (
            "filled-metal",
            "material.filled.mixture.of",
            "{ silver = 0.4, epoxi = 0.6 }",
            "mixture: no material is called",
        ),
        (
            "filled-metal",
            "material.filled.mixture.maximum_packing",
            "1.4",
            "must not be more than 1",
        ),
        ("lid-cap", "part.lid.on", "layer", "leaves no room for the foot: 'layer' ends 0 um below"),
        (
            "lid-cap",
            "part.lid.vents",
            '[{ side = "x-", width = "20 mm" }]',
            "reaches into the corner",
        ),
        ("wafer", "part.wafer.diameter", "300", "needs a unit"),
        ("double-sided", "part.lower-chip.face", "left", "is not one of 'down' or 'up'"),
        ("interposer", "part.capacitors.sites", '[["3 mm"]]', "needs two lengths"),
    ],
)
def test_what_cannot_be_is_one_line(name, key, value, says, tmp_path):
    with pytest.raises(CaseError) as error:
        warp.load(starter.write(name, tmp_path / "case.toml"), {key: value})
    assert says in str(error.value) and "\n" not in str(error.value)


# filled polymers


def test_a_filled_polymers_curve():
    """Maxwell at 30 % of perfect conductors: (1 + 2 f) / (1 - f); smaller grains behind an
    interface conduct less.
    """
    rows = filled_polymer.curve("silver", "epoxy")["rows"]
    assert rows[0]["youngs_modulus_GPa"] == pytest.approx(3) and rows[0][
        "cte_ppm_per_K"
    ] == pytest.approx(60)
    assert rows[3]["conductivity_W_per_mK"]["maxwell"] == pytest.approx(0.2 * 1.6 / 0.7, rel=0.005)
    assert [row["fraction"] for row in rows] == sorted(row["fraction"] for row in rows)
    coarse, fine = (
        filled_polymer.curve("silver", "epoxy", size, 1e-7)["rows"][4] for size in (50e-6, 5e-6)
    )
    for rule, k in coarse["conductivity_W_per_mK"].items():
        assert fine["conductivity_W_per_mK"][rule] < k < rows[4]["conductivity_W_per_mK"][rule]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--in", "epoxy"], "needs the powder's name"),
        (["silver", "--in", "epoxi"], "did you mean epoxy"),
        (["silver", "--in", "epoxy", "--size", "5"], "needs a unit"),
        (["silver", "--in", "epoxy", "--size", "-5 um"], "greater than zero"),
        (["silver", "--in", "epoxy", "--resistance", "1 mm^2 K/W"], "needs the grains"),
    ],
)
def test_materials_says_what_a_curve_needs(words, message):
    with pytest.raises(WarpError, match=message):
        CliRunner().invoke(app, ["materials", *words], catch_exceptions=False)


def test_materials_prints_a_curve():
    found = CliRunner().invoke(app, ["materials", "alumina", "--in", "silicone", "--size", "10 um"])
    assert found.exit_code == 0 and "lewis-nielsen" in found.output and "60 %" in found.output


# copper in regions

REGIONS = BOARD.replace('"copper.npy"', "[[0.2, 0.8, 0.5], [0.4, 0.6, 1.0]]")


def test_each_region_has_its_own_share_and_lines_of_the_grid(tmp_path):
    """The first row is y+; the grid's lines lie between regions however wide its cells are."""
    text = '[load]\nstress_free = "150 degC"\n' + REGIONS.replace("[board]", "[part.board]")
    path = tmp_path / "board.toml"
    path.write_text(text + '[grid]\nspacing = "5 mm"\n')
    model = run_model.build(warp.load(path), devices.select("cpu"))
    for line in (-5e-3 / 3, 5e-3 / 3):
        assert np.abs(model.grid.x - line).min() < 1e-9
    assert np.abs(model.grid.y).min() < 1e-9
    top = model.ids[-1]
    corners = [model.media.materials[top[j, i]] for j, i in ((-1, 0), (-1, -1), (0, 0), (0, -1))]
    assert [medium.fractions[0] for medium in corners] == [0.2, 0.5, 0.4, 1.0]


def test_regions_turn_with_their_plate(tmp_path):
    (sheet,) = [
        s for s in shapes(built(REGIONS + "turn = 90\n", tmp_path), "board") if isinstance(s, Sheet)
    ]
    assert sheet.fraction.tolist() == [[0.2, 0.4], [0.8, 0.6], [0.5, 1.0]], "y+, x- becomes x-, y-"
    assert [name[-6:] for name in sheet.materials[:2]] == ["[1, 1]", "[2, 1]"]


@pytest.mark.parametrize("table", ["[[0.2, 0.8, 0.5], [0.4, 0.6, 1.0]]", "[[0.3]]"])
def test_pictures_know_the_share_of_each_region(tmp_path, table):
    text = '[load]\nstress_free = "150 degC"\n' + REGIONS.replace("[board]", "[part.board]")
    path = tmp_path / "board.toml"
    path.write_text(text)
    case = warp.load(path, {"part.board.layers.1.copper": table})
    found = voxelize.patterns(case.bodies())
    shares = {share for row in json.loads(table) for share in row}
    assert {share for _, share in found.values()} == shares
    assert {layer for layer, _ in found.values()} == {"board: layer 1"}


def test_equal_regions_bend_a_board_as_one_share_does(tmp_path):
    text = '[load]\nstress_free = "150 degC"\n' + REGIONS.replace("[board]", "[part.board]")
    path = tmp_path / "board.toml"
    path.write_text(text)
    key = "part.board.layers.1.copper"
    found = []
    for share in ("[[0.3, 0.3], [0.3, 0.3]]", "0.3"):
        result = warp.solve(warp.load(path, {key: share}), "cpu")
        found.append(result.metrics["surfaces"]["board"]["bottom"]["warpage_um"])
    assert found[0] == pytest.approx(found[1], rel=2e-3)


def test_regions_that_cannot_be(tmp_path):
    text = '[load]\nstress_free = "150 degC"\n' + REGIONS.replace("[board]", "[part.board]")
    path = tmp_path / "board.toml"
    path.write_text(text)
    for table, words in (
        ("[[0.2], [0.3, 0.4]]", "rows of different lengths"),
        ("[[1.2, 0.4]]", "between 0 and 1"),
        ("[]", "needs at least 1 entry"),
    ):
        with pytest.raises(CaseError, match=words):
            warp.load(path, {"part.board.layers.1.copper": table})
    with pytest.raises(CaseError, match=r'use symmetry = "none"'):
        warp.load(path, {"symmetry": "quarter"})


def test_branches_that_differ_by_name_and_place_only_are_folded():
    from warp.geometry.tree import Branch, folded

    def stack(name, height):
        return Branch(f"film-{name}", "plate", True, (Branch(f"die-{name}", height, True, ()),))

    (one, other) = folded([stack("a", "50 um"), stack("b", "50 um"), stack("c", "80 um")])
    assert (one.name, one.alike) == ("film-a", ("film-b",))
    assert (other.name, other.alike) == ("film-c", ())
