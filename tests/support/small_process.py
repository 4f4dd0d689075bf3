"""A small process: chip on board, filled, moulded, cooled, released, cut and heated."""

import warp

PARTS = """
title = "chip on board, step by step"
symmetry = "quarter"

[part.board]
size = "12 mm"
thickness = "1 mm"
material = "fr4"

[part.underfill]
on = "board"
size = "chip"
thickness = "0.1 mm"
material = "underfill-uf9000ae"

[part.bumps]
shape = "columns"
inside = "underfill"
pitch = "0.5 mm"
inset = "0.2 mm"
diameter = "0.2 mm"
material = "sac305"
model = "effective"
fill = "underfill-uf9000ae"

[part.chip]
on = "underfill"
size = "6 mm"
thickness = "0.5 mm"
material = "silicon"

[part.mould]
on = "board"
around = "chip"
shape = "fillet"
width = "0.8 mm"
height = "0.4 mm"
material = "mould-compound"

[part.carrier]
under = "board"
size = "12 mm"
thickness = "0.5 mm"
material = "silicon"

[load]
stress_free = "200 degC"

[grid]
cells_per_layer = 2
spacing = "1.5 mm"
edge_spacing = "0.75 mm"
"""
STEPS = """
[[step]]
name = "chip"
do = "attach"
parts = ["bumps", "chip"]
temperature = "217 degC"

[[step]]
name = "underfill"
do = "cure"
parts = ["underfill"]
temperature = "165 degC"
shrinkage = "0.1 %"

[[step]]
name = "moulded"
do = "cure"
parts = ["mould"]
temperature = "150 degC"
stress_free = "160 degC"

[[step]]
name = "cold"
do = "cool"
temperature = "25 degC"

[[step]]
name = "released"
do = "remove"
parts = ["carrier"]

[[step]]
name = "cut"
do = "singulate"
size = ["9 mm", "9 mm"]

[[step]]
name = "hot"
do = "heat"
temperature = "240 degC"
"""


_START, _, _REST = PARTS.partition("[part.underfill]")
MOULDED = (
    (_START + _REST[_REST.index("[part.chip]") :])
    .replace('on = "underfill"', 'on = "board"')
    .replace('material = "mould-compound"', 'material = "mould"')
    .replace('edge_spacing = "0.75 mm"', 'edge_spacing = "2 mm"')
    .replace('spacing = "1.5 mm"', 'spacing = "2 mm"')
)
"""The same without bumps and underfill, on a coarser grid; its mould is a material of the case."""


def case(tmp_path, text=PARTS + STEPS, **overrides):
    path = tmp_path / "case.toml"
    path.write_text(text)
    return warp.load(path, {key.replace("__", "."): value for key, value in overrides.items()})
