"""A moulded chip on a core, quickly solved, and the points where it is measured."""

from pathlib import Path

import numpy as np

from warp.adjoint.observation import Observation
from warp.case import case as cases

TEXT = """
symmetry = "quarter"

[load]
stress_free = "175 degC"

[material.mould]
poissons_ratio = 0.3
youngs_modulus = { glassy = "22 GPa", rubbery = "0.8 GPa", glass_transition = "140 degC" }
cte = { glassy = "9 ppm/K", rubbery = "32 ppm/K", glass_transition = "140 degC" }

[material.core]
youngs_modulus = "26 GPa"
poissons_ratio = 0.2
cte = "14 ppm/K"

[part.core]
size = "14 mm"
thickness = "0.3 mm"
material = "core"

[part.mould]
on = "core"
size = "14 mm"
thickness = "0.7 mm"
material = "mould"

[part.chip]
on = "core"
size = "8 mm"
thickness = "0.25 mm"
material = "silicon"

[grid]
cells_per_layer = 3
spacing = "2.5 mm"
edge_spacing = "0.8 mm"
"""
FREE = {
    "material": {
        "mould": {"youngs_modulus": {"glassy": "20 %"}, "cte": {"glassy": "15 %"}},
        "core": {"youngs_modulus": "20 %", "cte": "10 %"},
    }
}
"""What is known before of two properties of the mould compound and two of the core."""
TEMPERATURES = (25, 75, 125, 200, 250)
"""In degC."""


def moulded(more=""):
    """Return the case; more: text to add to it."""
    return cases.parse(TEXT + more, Path("moulded.toml"))


def observations(points=40):
    """Return flat surfaces of points x points at the temperatures, to be filled."""
    line = np.linspace(-6.8e-3, 6.8e-3, points)
    x, y = (a.ravel() for a in np.meshgrid(line, line))
    return [
        Observation(f"{T:g} degC", "core", "bottom", x, y, np.zeros(x.size), T + 273.15)
        for T in TEMPERATURES
    ]
