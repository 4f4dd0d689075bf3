"""Evaluate a load step: its metrics, its record in a process, its measured surfaces."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from warp.case.case import Case, Zone
from warp.case.plan import LoadStep
from warp.machine.device import Device
from warp.results import hdf5, measured, metrics, surface
from warp.results.file import Result
from warp.run.load_step import Fields, Solved
from warp.run.stage_model import StageModel
from warp.run.warnings import bends, beyond_linear_theory, followed
from warp.units import ZERO_CELSIUS
from warp.voxels.boundary import Boundary, Film, Fixed, Source
from warp.voxels.supports import Clamp


def evaluate(
    case: Case, load_step: LoadStep, stage: StageModel, fields: Fields, device: Device
) -> dict[str, Any]:
    """Evaluate `metrics` at the end of a load step, as plain JSON values.

    device: the one that its stress is on.
    """
    skipped = set(case.parts) - stage.parts_on_grid if case.has_steps else set()
    surfaces = None
    if case.surfaces is not None:
        surfaces = [(part, side) for part, side in case.surfaces if part not in skipped]
    found = metrics.evaluate(
        stage.voxels,
        fields.heat_field,
        fields.displacement,
        fields.stress,
        surfaces=surfaces,  # type: ignore[arg-type]  # checked to be "top" or "bottom"
        zones=zones(case, load_step),
        terminals=[part for part in case.terminals if part not in skipped],
        power=powers(stage.assembly.sources if load_step.powered else []),
        ambient=ambient(stage.assembly.boundaries),
        device=device,
    )
    found.setdefault("surfaces", {})  # where only heat is solved
    if case.has_steps:
        found["frame"] = "clamped faces" if isinstance(load_step.support, Clamp) else "centred"
    return _plain(found)


def record(
    load_step: LoadStep, stage: StageModel, solved: Solved, numbers: dict[str, Any]
) -> dict[str, Any]:
    """Return what a process notes of a load step, with its `numbers`, as plain JSON values."""
    model, height, temperature = stage.voxels, stage.height, solved.fields.temperature
    uniform = not isinstance(temperature, np.ndarray)
    surfaces = numbers["surfaces"]
    iterations = {name: len(s.residuals) - 1 for name, s in solved.solutions.items()}
    head = {
        "step": load_step.step + 1,
        "name": load_step.name,
        "do": load_step.do,
        "last": load_step.last,
        "time_s": load_step.time,
        "temperature_C": temperature - ZERO_CELSIUS if uniform else None,
        "unit": load_step.stage.unit_name or None,
        "body": load_step.body or None,
        "parts": list(model.parts),
        "voxels": model.grid.cells,
        "iterations": iterations,
        "height_mm": 1e3 * height,
        "bends": bends(surfaces, height),
        "beyond_linear": [] if followed(numbers) else beyond_linear_theory(surfaces, height),
        **_support(load_step, solved),
    }
    return {**_plain(head), **numbers}


def worst(result: Result, parts: Iterable[str]) -> dict[str, Any]:
    """Return the largest warpage over the load steps of the finished body.

    Every measured surface of the parts counts: the plates and terminals of a case. The body is
    finished while the parts and the unit are those of the end. Empty where nothing was measured.
    """
    found = [
        (r, f"{part}.{side}", numbers["warpage_um"])
        for r in measured.finished(result.metrics["steps"])
        for part in sorted({*parts})
        for side, numbers in sorted(r["surfaces"].get(part, {}).items())
    ]
    known = [entry for entry in found if entry[2] is not None]
    if not known:
        return {}
    record, surface_name, warpage = max(known, key=lambda entry: abs(entry[2]))
    return {
        "warpage_um": warpage,
        "surface": surface_name,
        "temperature_C": record["temperature_C"],
        "step": record["step"],
        "name": record["name"],
    }


def shapes(
    load_step: LoadStep, stage: StageModel, fields: Fields, numbers: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Return the measured surfaces after a step by name: "N/PART.SIDE/x", "/y", "/w", "/z" in m."""
    found: dict[str, np.ndarray] = {}
    assert fields.displacement is not None  # processes are never heat alone
    for part, sides in numbers["surfaces"].items():
        for side in sides:
            s = surface.sample(stage.voxels, fields.displacement, part, side)
            name = f"{load_step.step + 1}/{part}.{side}"
            z = surface.levels(stage.voxels, part, side)
            found |= {f"{name}/x": s.x, f"{name}/y": s.y, f"{name}/w": s.w, f"{name}/z": z}
    return found


def powers(sources: Iterable[Source]) -> dict[str, float]:
    """Return the heat of each part of the full package in W."""
    total: dict[str, float] = {}
    for source in sources:
        total[source.part] = total.get(source.part, 0.0) + float(np.sum(source.watts))
    return total


def ambient(boundaries: Iterable[Boundary]) -> float | None:
    """Return the temperature of all surroundings in K, None if they differ."""
    known = {b.ambient for b in boundaries if isinstance(b, Film | Fixed)}
    return known.pop() if len(known) == 1 else None


def zones(case: Case, load_step: LoadStep) -> dict[tuple[str, str], Zone]:
    """Return the measuring zones inside the unit that remains; one outside it is dropped."""
    unit = load_step.stage.unit
    if unit is None:
        return case.zones
    found = {}
    for face, (x0, x1, y0, y1) in case.zones.items():
        zone = max(x0, unit[0]), min(x1, unit[1]), max(y0, unit[2]), min(y1, unit[3])
        if zone[0] < zone[1] and zone[2] < zone[3]:
            found[face] = zone
    return found


def _support(load_step: LoadStep, solved: Solved) -> dict[str, Any]:
    """Return what carries the body; on a table its weight, contact area and highest lower face."""
    if isinstance(load_step.support, Clamp):
        return {"support": {"on": "clamped", "faces": list(load_step.support.faces)}}
    resting = None if solved.elastic is None else solved.elastic.resting
    if resting is None:
        return {}
    return {
        "support": {
            "on": "table",
            "weight_N": resting.weight,
            "area_mm2": 1e6 * resting.area,
            "lift_um": 1e6 * resting.lift,
        }
    }


def _plain(numbers: dict[str, Any]) -> dict[str, Any]:
    """Return numbers as they come back from a file."""
    plain: dict[str, Any] = json.loads(json.dumps(hdf5.plain(numbers)))
    return plain
