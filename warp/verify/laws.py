"""Cool a stack through a glass transition by both laws of its stiffness.

A free plate, silicon on an organic sheet. By the incremental law its curvature is the
integral over the way of the laminate's curvature per kelvin, by the total law that of the laminate
with the last stiffness under the whole free strain.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from warp.geometry.shapes import Body
from warp.machine.device import Device
from warp.materials.curves import Constant, Curve, Transition
from warp.materials.material import ElasticLaw, Material
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic.history import incremental
from warp.solvers.elastic.history.state import State
from warp.solvers.krylov import Control
from warp.verify import bending
from warp.verify.bending import Layer
from warp.verify.elastic import CLT, curvature, plate
from warp.verify.problem import MM, Problem, Row, material
from warp.voxels.grid import make_grid
from warp.voxels.voxelize import voxelize

HOT, COLD, TG = 438.15, 298.15, 383.15  # K
STIFFNESS = Transition(20e9, 0.5e9, TG, 8.0)
EXPANSION = Transition(10e-6, 40e-6, TG, 3.0)
SHEET, SILICON = 0.4 * MM, Layer(0.5 * MM, 130e9, 0.28, 2.8e-6)
PARTS = 2000  # of the way, in the sum of the laminate's increments


def organic(law: ElasticLaw) -> Material:
    """Return the organic sheet's material."""
    laws: dict[str, Curve] = {
        "youngs_modulus": STIFFNESS,
        "poissons_ratio": Constant(0.3),
        "cte": EXPANSION,
    }
    return replace(
        material(), laws={key: (curve,) * 3 for key, curve in laws.items()}, elastic_law=law
    )


def expected(law: ElasticLaw) -> float:
    """Return the curvature in 1/m at COLD of a laminate that is flat at HOT."""
    if law == "total":
        mean = EXPANSION.integral(HOT, COLD) / (COLD - HOT)
        sheet = Layer(SHEET, STIFFNESS(COLD), 0.3, mean)
        return bending.laminate([sheet, SILICON], COLD - HOT)[1]
    lines = np.linspace(HOT, COLD, PARTS + 1)
    middle, dT = (lines[1:] + lines[:-1]) / 2, (COLD - HOT) / PARTS
    return sum(
        bending.laminate([Layer(SHEET, STIFFNESS(T), 0.3, EXPANSION(T)), SILICON], dT)[1]
        for T in middle
    )


def cooled(law: ElasticLaw, device: Device) -> list[Row]:
    """Cool 0.5 mm silicon on 0.4 mm of an organic, 24 x 24 mm, from 165 to 25 degC."""
    levels = 0.0, SHEET, SHEET + SILICON.t
    names = "sheet", "silicon"
    bodies = [
        Body(name, name, (plate(24 * MM, 24 * MM, low, high),))
        for name, low, high in zip(names, levels, levels[1:], strict=False)
    ]
    known = {"sheet": organic(law), "silicon": material(SILICON.E, SILICON.nu, SILICON.alpha)}
    model = voxelize(bodies, known, make_grid(bodies, mirror=(True, True)), HOT)
    state, start = State.start(model.grid.shape), HOT
    for fraction in incremental.fractions(model, HOT, COLD):
        end = HOT + fraction * (COLD - HOT)
        solution = elastic.solve(model, end, device, state, Control(1e-8), start=start)
        state, start = solution.state, end
    got = curvature(model, solution.displacement)[0]
    return [Row(f"glass transition, {law} law: curvature", expected(law), got, 0.005, CLT, "1/m")]


LAWS: tuple[ElasticLaw, ...] = ("total", "incremental")
PROBLEMS = [Problem(f"glass transition, {law} law", partial(cooled, law)) for law in LAWS]
