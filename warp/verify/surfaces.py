"""Warpage numbers of surfaces whose shape is a formula: JEITA's height and sign."""

from __future__ import annotations

import numpy as np

from warp.machine.device import Device
from warp.results import flatness
from warp.results.surface import Surface
from warp.verify.problem import MM, Problem, Row

JEITA = "JEITA ED-7306 (2007)"


def paraboloid(height: float, tilt: float) -> Surface:
    """w = height (1 - (x/a)^2 - (y/b)^2) on 2a x 2b = 40 x 30 mm, uneven vertices, tilted."""
    x, y = (np.sin(np.linspace(-np.pi / 2, np.pi / 2, n)) for n in (81, 61))
    w = height * (1 - x[None, :] ** 2 - y[:, None] ** 2) + tilt * (x[None, :] + y[:, None])
    return Surface("substrate", "bottom", 20 * MM * x, 15 * MM * y, w, np.ones((60, 80), bool))


def jeita(device: Device) -> list[Row]:
    """Measure a dome and a bowl of 50 um each way, tilted by half a degree: +-100 um."""
    rows = []
    for name, height in (("dome", 50e-6), ("bowl", -50e-6)):
        found = flatness.warpage(paraboloid(height, 150e-6))
        rows.append(
            Row(f"tilted {name}: JEITA warpage", 2e6 * height, found.value * 1e6, 1e-3, JEITA, "um")
        )
        bent = 2 * height / (20 * MM) ** 2
        rows.append(
            Row(
                f"tilted {name}: curvature x",
                bent,
                found.kappa[0],
                1e-3,
                "second derivative",
                "1/m",
            )
        )
    return rows


PROBLEMS = [Problem("JEITA warpage", jeita)]
