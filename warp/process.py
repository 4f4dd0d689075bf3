"""The sequence of a run: grid, voxels, checks, heat, thermo-elasticity, numbers, result.

    div(k grad T) + q = 0                          the temperature field, where the case has films or fixed temperatures
    div C(T) (strain - thermal_strain(T, T0)) = 0  the displacement at that field or at one temperature everywhere

One way only, unless the case names bond lines (`coupling`): deformation does not change the heat flow. Temperature
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

from warp import device as devices
from warp import voxelize as voxels
from warp.boundary import Boundary, Film, Fixed
from warp.device import Device
from warp.errors import WarpError
from warp.grid import Grid, make_grid, runs
from warp.voxelize import VoxelModel

if TYPE_CHECKING:
    from warp.case import Case
    from warp.results import Result

Progress = Callable[[str, int, float], None]
"""Called with (step, iteration, residual): iteration 0 when a step begins, residual NaN where it has none."""

TOLERANCE = 1e-8  # of the true relative residual; 1e-6 would fix the warpage to 5e-6, 1e-8 proves it
BYTES_OF_THE_PROGRAM = 290_000_000  # with its libraries and compiled kernels
SPARE = 1.05
"""Of the memory that a solve is counted to take. Measured peak and count of a process, in MB: lidded 45 mm flip chip with
373,977 voxels 427 and 451, 993,168 631 and 637, 9,959,268 3,500 and 3,618; interposer 475 and 475; resolved bumps 813 and 837.
"""
# What a run with steps remembers besides: process-fcbga.toml with 64,715 (323 MB), 249,900 (474 MB) and 1,098,134 voxels
# (1,056 MB), process-reflow.toml with 59,168 (341 MB), 219,006 (492 MB) and 808,992 (860 MB).
BYTES_OF_HISTORY = 330
BYTES_OF_RELAXING, BYTES_OF_A_TERM = 520, 230  # of a voxel that relaxes, and of each term of its series; allocations traced
NO_RESIDUAL = float("nan")


def solve(case: Case, device: str | Device = "auto", progress: Progress | None = None) -> Result:
    """Solve a case for its temperatures, displacements and numbers."""
    start = time.perf_counter()
    step = progress or _silent
    place = device if isinstance(device, Device) else devices.select(device)
    step("grid and voxels", 0, NO_RESIDUAL)
    model = build(case, place)
    lost = covered_parts(case, model)
    if lost:
        raise WarpError("; ".join(lost))
    refuse_loose(model)

    from warp import coupling, elastic, heat, metrics
    from warp.results import Result

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
    stress = elastic.stress(model, bent.displacement, temperature, device=place)
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
            "wall_s": time.perf_counter() - start,
            "peak_memory_MB": peak_memory() / 1e6,
        },
    )
    return replace(result, fields={name: field for name, field in result.fields.items() if name in case.fields})


def build(case: Case, place: Device) -> VoxelModel:
    """Lay the grid, refuse one that does not fit in the memory of `place`, and voxelise."""
    bodies = case.bodies()
    grid = make_grid(bodies, case.grid, case.mirror)
    refuse_too_large(case, grid, place)
    return voxels.voxelize(bodies, case.materials(), grid, case.loads.stress_free)


def refuse_too_large(case: Case, grid: Grid, place: Device) -> None:
    """Raise WarpError if a run on this grid needs more memory than `place` has free; it says what would fit."""
    free, _ = place.memory()
    needed = predicted_bytes(grid, case)
    if needed > free:
        fits = max(1, grid.cells * (free - BYTES_OF_THE_PROGRAM) // (needed - BYTES_OF_THE_PROGRAM))
        try:
            make_grid(case.bodies(), replace(case.grid, max_cells=fits), case.mirror)
        except WarpError as error:
            half = "" if all(case.mirror) else "; symmetry halves or quarters it where the package allows"
            raise WarpError(f"{error}{half} ({free / 1e9:.1f} GB are free on {place.name})") from None


def refuse_loose(model: VoxelModel, where: str = "") -> None:
    """Raise WarpError if nothing is there, or a part does not hang together with the rest; `where` begins the sentence."""
    loose = loose_pieces(model)
    if not model.ids.any():
        raise WarpError(f"{where}no part is solid, so there is nothing to bend")
    if loose:
        it, its = ("it", "its") if len(loose) == 1 else ("them", "their")
        raise WarpError(f"{where}{'; '.join(loose)}: nothing holds {it}, so {its} displacement is undefined")


def loose_pieces(model: VoxelModel) -> list[str]:
    """Say of every part that does not hang together with the rest how far it is from it."""
    if not model.ids.any():
        return ["no part is solid"]
    names = voxels.floating(model)
    if not names:
        return []
    gaps = voxels.gaps(model)
    found = []
    for name in names:
        near = next((gap for gap in gaps if name in (gap.above, gap.below)), None)
        if near is None:
            found.append(f"part '{name}' touches nothing")
        elif near.above == name:
            found.append(f"part '{name}' floats {1e6 * near.height:.3g} um above '{near.below}'")
        else:
            found.append(f"part '{name}' hangs {1e6 * near.height:.3g} um below '{near.above}'")
    return found


def covered_parts(case: Case, model: VoxelModel) -> list[str]:
    """Say of every solid part of which a later part leaves nothing which one that is.

    What fills an effective layer of bumps is in that layer's mixture; what lies beyond a mirror plane is not modelled.
    """
    rows = {int(row) for run in runs(model.ids) for row in np.unique(model.ids[run.start])}
    there = {model.parts[model.media.part[row]] for row in rows if model.media.part[row] >= 0}
    axes = model.grid.x, model.grid.y, model.grid.z
    bodies, found = case.bodies(), {}
    for n, body in enumerate(bodies):
        if body.part in there or body.material is None:
            continue
        spans = np.reshape(body.bounds, (3, 2))
        k, j, i = reversed([np.searchsorted(line[1:-1], span.mean()) for line, span in zip(axes, spans, strict=True)])
        cover = model.parts[model.media.part[model.ids[k, j, i]]] if model.ids[k, j, i] else ""
        modelled = all(span[1] > line[0] for line, span in zip(axes, spans, strict=True))
        if modelled and any(later.part == cover for later in bodies[n + 1 :]):
            if getattr(case.parts[cover], "model", None) != "effective":
                found[body.part] = f"nothing is left of part '{body.part}': '{cover}' comes later and covers it"
    return list(found.values())


def predicted_bytes(grid: Grid, case: Case) -> int:
    """Most memory that a run on this grid holds at once."""
    from warp.elastic_level import bytes_needed

    needed = bytes_needed((grid.x, grid.y, grid.z), grid.mirror)
    return BYTES_OF_THE_PROGRAM + round(SPARE * needed) + grid.cells * bytes_of_history(case)


def bytes_of_history(case: Case) -> int:
    """What a voxel remembers besides where the case has steps: more by the share of the volume that relaxes."""
    if not case.moments:
        return 0
    total = relaxing = 0.0
    media = case.materials()
    for body in case.bodies():
        if body.material is not None:
            law = getattr(media[body.material], "relaxation", None)
            volume = sum(shape.volume() for shape in body.shapes)
            total += volume
            relaxing += 0.0 if law is None else volume * (BYTES_OF_RELAXING + BYTES_OF_A_TERM * len(law.times))
    return BYTES_OF_HISTORY + round(relaxing / total if total else 0.0)


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


def peak_memory() -> int:
    """Most bytes that this process has held at once, 0 where the system does not tell."""
    try:
        import resource
        import sys
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _silent(step: str, iteration: int, residual: float) -> Any:
    """Tell nobody."""
