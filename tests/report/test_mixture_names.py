"""Legends say what layers of bumps and bond wires are made of."""

from pathlib import Path

from warp.case.case import parse
from warp.report import mixture_names

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
