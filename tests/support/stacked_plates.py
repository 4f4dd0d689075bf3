"""Three square plates on each other, and the steps of a process that joins them."""

import json
from contextlib import suppress
from pathlib import Path

from warp.case.case import parse
from warp.run import process
from warp.verify.bending import Layer

HEAD = """\
title = "plates"
symmetry = "quarter"
[material.a]
youngs_modulus = "130 GPa"
poissons_ratio = 0.28
cte = "2.8 ppm/K"
conductivity = "100 W/(m K)"
density = "2330 kg/m^3"
specific_heat = "710 J/(kg K)"
[material.b]
youngs_modulus = "110 GPa"
poissons_ratio = 0.34
cte = "16.4 ppm/K"
conductivity = "400 W/(m K)"
density = "8960 kg/m^3"
specific_heat = "385 J/(kg K)"
[load]
stress_free = "217 degC"
[grid]
spacing = "3 mm"
edge_spacing = "0.1 mm"
growth = 1.0
cells_per_layer = 10
"""
COARSE = HEAD.replace('"0.1 mm"', '"1 mm"').replace("cells_per_layer = 10", "cells_per_layer = 3")
"""Where two runs are compared, and no theory."""
PLATES = """\
[part.a]
size = "12 mm"
thickness = "0.5 mm"
material = "a"
[part.b]
on = "a"
size = "12 mm"
thickness = "0.4 mm"
material = "b"
[part.c]
on = "b"
size = "12 mm"
thickness = "0.3 mm"
material = "a"
"""
A, B, C = (
    Layer(0.5e-3, 130e9, 0.28, 2.8e-6),
    Layer(0.4e-3, 110e9, 0.34, 16.4e-6),
    Layer(0.3e-3, 130e9, 0.28, 2.8e-6),
)


def step(do, **keys):
    """Return the table of a step."""
    return "[[step]]\n" + "".join(
        f"{key} = {json.dumps(value)}\n" for key, value in {"do": do, **keys}.items()
    )


def run(*steps, text=PLATES, head=HEAD):
    """Solve the plates with these steps."""
    return process.solve(parse(head + text + "".join(steps), Path("plates.toml")), "cpu")


def kappa(record, part="a", side="bottom"):
    """Return the curvature of a surface after a load step in 1/m."""
    return record["surfaces"][part][side]["kappa_x_per_m"]


def resumed(case, path, solved):
    """Solve a case, and again from the checkpoint after `solved` load steps; return both results.

    path: of the checkpoint.
    """

    class Stop(Exception):
        pass

    def stop(done, _):
        if done == solved + 1:  # whose checkpoint is not written yet
            raise Stop

    whole = process.solve(case, "cpu")
    with suppress(Stop):
        process.solve(case, "cpu", checkpoint_path=path, on_step=stop)
    return whole, process.solve(case, "cpu", checkpoint_path=path, resume=True)


def ends(result):
    """Return the last load step of each step."""
    return [record for record in result.metrics["steps"] if record["last"]]
