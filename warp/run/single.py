"""The sequence of a run: grid, voxels, checks, heat, thermo-elasticity, numbers, result.

    div(k grad T) + q = 0                          the temperature field, where the case has films or fixed temperatures
    div C(T) (strain - thermal_strain(T, T0)) = 0  the displacement at that field or at one temperature everywhere

One way only, unless the case names bond lines (`bond_lines`): deformation does not change the heat flow. Temperature
decides stiffness and free strain; each part counts its strain from its own stress-free temperature T0. The package
floats: rigid motion is projected out, nothing is held.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from warp import compiling
from warp import device as devices
from warp.device import Device
from warp.errors import WarpError
from warp.run.kernels import compile_for
from warp.run.model import build, covered_parts, refuse_loose
from warp.run.resources import peak_memory
from warp.voxels.boundary import Boundary, Film, Fixed

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.results.file import Result

Progress = Callable[[str, int, float], None]
"""Called with (step, iteration, residual): iteration 0 when a step begins.

A step without a residual (NaN) gives its percentage as the iteration.
"""
TOLERANCE = 1e-8  # of the true relative residual; 1e-6 would fix the warpage to 5e-6, 1e-8 proves it
NO_RESIDUAL = float("nan")


def solve(case: Case, device: str | Device = "auto", progress: Progress | None = None) -> Result:
    """Solve a case for its temperatures, displacements and numbers."""
    step = progress or _silent
    place = device if isinstance(device, Device) else devices.select(device)
    compile_for(case, place, step)
    start = time.perf_counter()
    step("grid and voxels", 0, NO_RESIDUAL)
    model = build(case, place)
    lost = covered_parts(case, model)
    if lost:
        raise WarpError("; ".join(lost))
    refuse_loose(model)

    from warp.results import metrics
    from warp.results.file import Result
    from warp.run import bond_lines as coupling
    from warp.solvers.elastic import solve as elastic
    from warp.solvers.elastic import stress as elastic_stress
    from warp.solvers.heat import steady as heat

    def heated(stretch: np.ndarray | None = None) -> heat.Solution:
        step("heat", 0, NO_RESIDUAL)
        return heat.solve_steady(model, case.boundaries, case.sources, place, TOLERANCE, partial(step, "heat"), stretch)

    def bend(temperature: float | np.ndarray) -> elastic.Solution:
        step("elastic", 0, NO_RESIDUAL)
        return elastic.solve(model, temperature, place, TOLERANCE, partial(step, "elastic"))

    warm: heat.Solution | None
    temperature: float | np.ndarray | None
    lines: dict[str, Any] = {}
    if case.bond_lines:
        both = coupling.solve(model, case.bond_lines, heated, bend)
        warm, bent, temperature = both.heat, both.elastic, both.heat.temperature
        changes = coupling.bond_lines(model, case.bond_lines, both.stretch)
        lines = {"bond_lines": {"rounds": len(both.changes), "parts": changes}}
    else:
        warm = heated() if case.heated else None
        temperature = case.loads.temperature
        if temperature is None:
            assert warm is not None  # a case that asks for the solved field has films
            temperature = warm.temperature
        bent = bend(temperature)

    step("numbers", 0, NO_RESIDUAL)
    stress = elastic_stress.stress(model, bent.displacement, temperature, device=place)
    numbers = metrics.evaluate(
        model,
        None if warm is None else warm.temperature,
        bent.displacement,
        stress,
        surfaces=case.surfaces,  # type: ignore[arg-type]  # checked to be "top" or "bottom"
        zones=case.zones,
        terminals=case.terminals,
        power=powers(case),
        ambient=ambient(case.boundaries),
    )
    result = Result.of(
        case.text,
        model,
        heat=warm,
        elastic=bent,
        stress=stress,
        numbers={**numbers, **lines},
        tolerances={"heat": TOLERANCE, "elastic": TOLERANCE},
        provenance={
            "case_file": str(case.path),
            "overrides": dict(case.overrides),
            "device": place.describe(),
            "compile_s": compiling.Waited.take(),
            "wall_s": time.perf_counter() - start,
            "peak_memory_MB": peak_memory() / 1e6,
        },
    )
    return replace(result, fields={name: field for name, field in result.fields.items() if name in case.fields})


def powers(case: Case) -> dict[str, float]:
    """Heat of each part of the full package (W)."""
    total: dict[str, float] = {}
    for source in case.sources:
        total[source.part] = total.get(source.part, 0.0) + float(np.sum(source.watts))
    return total


def ambient(boundaries: Iterable[Boundary]) -> float | None:
    """The one temperature (K) of all surroundings, None where they differ."""
    known = {b.ambient for b in boundaries if isinstance(b, Film | Fixed)}
    return known.pop() if len(known) == 1 else None


def _silent(step: str, iteration: int, residual: float) -> Any:
    """Tell nobody."""
