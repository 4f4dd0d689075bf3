"""Tell plates, whose warpage is asked for, from what has the shape of its neighbours."""

from warp.case.case import Case
from warp.case.plates import plates, quotable

TEXT = """
[load]
stress_free = "150 degC"
temperature = "25 degC"
[part.substrate]
size = "10 mm"
thickness = "0.4 mm"
material = "bt-hl832ns"
[part.underfill]
on = "substrate"
size = "5 mm"
thickness = "50 um"
material = "underfill-u8410-302"
[part.bumps]
shape = "columns"
inside = "underfill"
size = "4 mm"
pitch = "0.5 mm"
diameter = "80 um"
material = "sac305"
[part.die]
shape = "chip"
on = "underfill"
size = "5 mm"
thickness = "30 um"
material = "silicon"
[part.gel]
on = "die"
size = "5 mm"
thickness = "0.3 mm"
material = "tim-gel"
[part.mould]
on = "substrate"
size = "10 mm"
thickness = "0.8 mm"
material = "mould-compound"
[part.paste]
under = "substrate"
size = "10 mm"
thickness = "0.2 mm"
material = "sac305"
[part.board]
under = "paste"
size = "20 mm"
thickness = "1 mm"
material = "fr4"
[output]
terminals = ["paste"]
"""


def test_plates_are_bodies_with_a_shape_of_their_own():
    """A die of 30 um is one; films, gels, solder and bumps are none, however thick."""
    case = Case.from_toml(TEXT)
    assert plates(case) == {"substrate", "die", "mould", "board"}
    assert quotable(case) == plates(case) | {"paste"}, "terminals are asked for by name"
