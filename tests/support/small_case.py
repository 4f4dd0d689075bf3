"""The smallest case file with two parts: a heated chip on a board."""

CASE = """
title = "chip on board"
symmetry = "quarter"

[part.board]
size = "12 mm"
thickness = "1 mm"
material = "fr4"

[part.chip]
on = "board"
size = "6 mm"
thickness = "0.5 mm"
material = "silicon"
power = "2 W"

[boundary.air]
face = "chip.top"
film = "1000 W/(m^2 K)"
ambient = "25 degC"

[load]
stress_free = "165 degC"

[grid]
cells_per_layer = 3
spacing = "1.5 mm"
edge_spacing = "0.75 mm"
"""
