"""A coated square plate, its layers of one Poisson's ratio."""

import numpy as np

SIDE, T_SI, T_EMC = 100.0, 0.5, 0.2
CASE = """\
title = "coated plate"
symmetry = "quarter"
[material.wafer]
youngs_modulus = "130 GPa"
poissons_ratio = 0.28
cte = "2.6 ppm/K"
[material.mould]
youngs_modulus = "20 GPa"
poissons_ratio = 0.28
cte = "9 ppm/K"
[part.wafer]
size = "100 mm"
thickness = "0.5 mm"
material = "wafer"
[part.mould]
on = "wafer"
size = "100 mm"
thickness = "0.2 mm"
material = "mould"
[grid]
spacing = "4 mm"
edge_spacing = "2 mm"
cells_per_layer = 7
[output]
surfaces = ["wafer.bottom"]
[load]
stress_free = "100 degC"
"""


def laminate():
    """h* in mm and the curvature of linear theory in 1/mm per kelvin; layers of equal nu."""
    E, t, alpha = np.array([130e3, 20e3]), np.array([T_SI, T_EMC]), np.array([2.6e-6, 9e-6])
    z = np.array([T_SI / 2, T_SI + T_EMC / 2])
    A, B = (E * t).sum(), (E * t * z).sum()
    D = (E * (t * z**2 + t**3 / 12)).sum() - B**2 / A
    couple = (E * t * alpha * z).sum() - B / A * (E * t * alpha).sum()
    return np.sqrt(12 * D / A), couple / D
