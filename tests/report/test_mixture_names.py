"""Legends say what layers of bumps and bond wires are made of."""

from pathlib import Path

from warp.case.case import parse
from warp.report import mixture_names, palette
from warp.run.check import check

CASE = """
[load]
stress_free = "217 degC"
temperature = "25 degC"
[part.substrate]
size = "6 mm"
thickness = "0.3 mm"
material = "fr4"
[part.c4]
shape = "columns"
on = "substrate"
size = "4 mm"
height = "0.1 mm"
pitch = "0.5 mm"
diameter = "0.2 mm"
material = "sac305"
model = "effective"
fill = "underfill-uf9000ae"
[part.die]
on = "c4"
size = "4 mm"
thickness = "0.4 mm"
material = "silicon"
"""


def test_a_layer_of_bumps_is_said_by_its_two_materials():
    bumps = "c4: effective"
    filled = mixture_names.of_case(parse(CASE, Path("x.toml")))
    assert mixture_names.put(bumps, bumps, filled) == "c4: sac305 in underfill-uf9000ae"
    alike = f"c4, c5: {bumps}"
    assert mixture_names.put(alike, bumps, filled) == "c4, c5: sac305 in underfill-uf9000ae"
    assert mixture_names.put("die: silicon", "silicon", filled) == "die: silicon"
    free = parse(CASE.replace('fill = "underfill-uf9000ae"', 'fill = "void"'), Path("x.toml"))
    assert mixture_names.of_case(free) == {bumps: ("c4", "sac305 in air")}


WIRES = """
[part.wires]
shape = "wires"
around = "die"
on = "substrate"
diameter = "25 um"
pitch = "0.1 mm"
count = 10
end_pitch = "0.2 mm"
reach = "0.8 mm"
material = "gold"
fill = "mould-compound"
[part.ground]
shape = "wires"
around = "die"
on = "substrate"
diameter = "25 um"
pitch = "0.1 mm"
wires = [{ from = ["1.9 mm", "1.9 mm"], to = ["2.6 mm", "2.8 mm"] }]
material = "gold"
fill = "mould-compound"
"""


def test_all_pieces_of_bond_wires_have_one_name_and_one_colour_between_mould_and_metal():
    case = parse(CASE + WIRES, Path("x.toml"))
    names = palette.wires_of(case)
    assert len(names) == 5  # two pieces of the fan along x, two along y, one wire aslant
    made = mixture_names.of_case(case)
    assert {made[name].of for name in names} == {"gold in mould-compound"}
    model = check(case, "cpu").model
    paints = palette.of(model, case)
    assert len({paints[name] for name in names}) == 1
    assert paints[names.pop()] not in {paints["silicon"], paints["fr4"]}
