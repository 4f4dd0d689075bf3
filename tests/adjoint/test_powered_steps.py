"""The gradient of processes with steps under power against central differences."""

import frozen
import frozen_process
import pytest
from small_process import case

from warp.adjoint.refused import refuse
from warp.errors import WarpError

CASE = """
title = "chip on board, under power"
symmetry = "quarter"

[material.board]
youngs_modulus = { glassy = "20 GPa", rubbery = "5 GPa", glass_transition = "120 degC" }
poissons_ratio = 0.3
cte = "16 ppm/K"
conductivity = "2 W/(m K)"

[material.die]
youngs_modulus = "130 GPa"
poissons_ratio = 0.28
cte = "3 ppm/K"
conductivity = "120 W/(m K)"

[part.board]
size = "12 mm"
thickness = "1 mm"
material = "board"

[part.chip]
on = "board"
size = "6 mm"
thickness = "0.5 mm"
material = "die"
power = "4 W"

[boundary.air]
face = "board.bottom"
film = "500 W/(m^2 K)"
ambient = "25 degC"

[load]
stress_free = "200 degC"

[grid]
cells_per_layer = 2
spacing = "3 mm"
edge_spacing = "0.75 mm"

[[step]]
name = "joined"
do = "attach"
parts = ["chip"]
temperature = "180 degC"

[[step]]
name = "cold"
do = "cool"
temperature = "25 degC"

[[step]]
name = "on"
do = "power"
on = true
film = { air = "800 W/(m^2 K)" }

[[step]]
name = "off"
do = "power"
on = false
ambient = { air = "40 degC" }
"""
METRICS = [
    "board.bottom at on",
    "chip.mean at on",
    "theta_ja at on",
    "board.max_principal_mean at on",
    "board.bottom.kappa_x at off",
]
KEYS = [
    "part.chip.power",
    "step.on.film.air",
    "step.off.ambient.air",
    "step.joined.temperature",
    "part.chip.thickness",
    "boundary.air.ambient",
    "material.board.conductivity",
    "material.board.youngs_modulus.glassy",
]


def test_gradient_is_the_central_difference(cpu, tmp_path, monkeypatch):
    """The settled field under power, and the surroundings after it."""
    frozen.tighten(monkeypatch)
    at = frozen_process.point(case(tmp_path, CASE), cpu)
    frozen_process.check(at, METRICS, KEYS, share=0.2)


HOLD = '[[step]]\ndo = "hold"\nduration = "1 s"\n\n[[step]]\nname = "off"'
CAPACITY = 'density = "2000 kg/m^3"\nspecific_heat = "900 J/(kg K)"\nconductivity = '
RELAXES = 'cte = "16 ppm/K"\nrelaxation = { shear = [["1 s", "10 %"]] }'
CONSTANT = 'youngs_modulus = "20 GPa"'
REFUSED = [
    (("on = true", 'on = true\nduration = "10 s"'), "warms up in its duration"),
    (('[[step]]\nname = "off"', HOLD), "changes the body under power"),
    (('cte = "16 ppm/K"', RELAXES), "while something relaxes"),
]


@pytest.mark.parametrize(("change", "said"), REFUSED)
def test_powered_steps_without_a_gradient_are_one_sentence(tmp_path, change, said):
    text = CASE.replace("conductivity = ", CAPACITY).replace(*change)
    if "relaxes" in said:
        first, last = text.index("youngs_modulus"), text.index("\npoissons")
        text = text[:first] + CONSTANT + text[last:]
        text = text.replace('temperature = "25 degC"', 'temperature = "25 degC"\nrate = "1 K/s"')
    with pytest.raises(WarpError, match=said):
        refuse(case(tmp_path, text))
