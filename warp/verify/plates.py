"""Compare plates with laminate theory at the edges of what the solver meets: clamps and thin films.

A cantilever of two layers, held at one side face, curls as a bimetallic strip; its layers have
nu = 0 and expand along it only, so that the clamp hinders nothing else. A stiff film a
hundredth and a thousandth as thick as the flexible sheet below it bends both to the laminate's
curvature.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from warp.geometry.shapes import Body
from warp.machine.device import Device
from warp.results import surface, surface_points
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic.history.state import State
from warp.solvers.krylov import Control
from warp.verify import bending
from warp.verify.bending import Layer
from warp.verify.elastic import CLT, ROARK, ROOM, curvature, plate, stack
from warp.verify.problem import MM, Problem, Row, material
from warp.voxels.grid import make_grid
from warp.voxels.supports import Clamp
from warp.voxels.voxelize import voxelize

FILMS = {"film of a hundredth": 1e-2, "film of a thousandth": 1e-3}
"""Thickness of the film over that of the sheet."""


def cantilever(device: Device) -> list[Row]:
    """Cool 0.4 mm silicon on 0.6 mm copper, 20 mm long and held at one end, by 100 K."""
    length, dT = 20 * MM, -100.0
    layers = [Layer(0.6 * MM, 110e9, 0.0, 16.4e-6), Layer(0.4 * MM, 130e9, 0.0, 2.6e-6)]
    z = np.concatenate(([0.0], np.cumsum([layer.t for layer in layers])))
    names = [f"layer{n}" for n in range(len(layers))]
    bodies = [
        Body(name, name, (plate(length, 4 * MM, z[n], z[n + 1]),)) for n, name in enumerate(names)
    ]
    known = {
        name: material(layer.E, layer.nu, (layer.alpha, 0.0, 0.0), layer.E / 2)
        for name, layer in zip(names, layers, strict=True)
    }
    model = voxelize(bodies, known, make_grid(bodies), ROOM)
    clamp = Clamp(tuple(f"{name}.x-" for name in names))
    start = State.start(model.grid.shape)
    solution = elastic.solve(model, ROOM + dT, device, start, Control(1e-9), support=clamp)
    top = surface.sample(model, solution.displacement, names[-1], "top")
    (tip,) = surface_points.interpolate(top, top.w, np.array([length / 2]), np.zeros(1))
    lower, upper = layers
    _, expected, _ = bending.bimetal_cantilever(
        length, upper.t, upper.E, upper.alpha, lower.t, lower.E, lower.alpha, dT
    )
    name = "cantilever of two layers: tip"
    return [Row(name, 1e6 * expected, 1e6 * float(tip), 0.002, ROARK, "um")]


def film(name: str, device: Device) -> list[Row]:
    """Cool a stiff film on a flexible sheet, 10 x 10 mm, by 100 K."""
    sheet = 0.1 * MM
    layers = [
        Layer(sheet, 3e9, 0.34, 30e-6),
        Layer(sheet * FILMS[name], 200e9, 0.28, 5e-6),
    ]
    model, solution = stack(layers, -100, 10 * MM, 10 * MM, device)
    expected = bending.laminate(layers, -100)[1]
    got = curvature(model, solution.displacement)[0]
    return [Row(f"stiff {name} on a sheet: curvature", expected, got, 0.002, CLT, "1/m")]


PROBLEMS = [
    Problem("cantilever of two layers", cantilever),
    *(Problem(name, partial(film, name)) for name in FILMS),
]
