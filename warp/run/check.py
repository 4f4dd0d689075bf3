"""Report what a run would do: how the parts stack, the grid, gaps, loose pieces, memory and time.

Voxelises the package and solves nothing. A grid of many million voxels is only counted, and gaps
and loose pieces are looked for on a coarser one, so a small machine tells what a run on a larger
one would cost. A part that shares no voxel face with the rest could drift away freely: no heat
reaches it and its displacement is undefined, so `warp run` refuses what is a warning here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from warp.errors import WarpError
from warp.files import html_table
from warp.geometry.parts.balls import Balls
from warp.geometry.place import LEVEL
from warp.geometry.tree import Branch, stack
from warp.machine import device as devices
from warp.machine.device import Device
from warp.run import array_remarks, conditions, forecast, kernels, law_warnings, resources
from warp.run import model as run_model
from warp.run import warnings as run_warnings
from warp.run.grids import common_grid, shaped, units
from warp.run.single_layers import single_layers
from warp.run.stage_model import StageModel, enter
from warp.voxels import voxelize
from warp.voxels.boundary import exchange, faces, heat_load, split_interfaces
from warp.voxels.finest import Finest, finest
from warp.voxels.grid import Grid, fitting, make_grid, resolved_arrays, spacing
from warp.voxels.supports import Clamp

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.case.stage import Stage

LARGEST_VOXELISED = 10_000_000
"""Voxels; a larger grid is counted but not made."""


@dataclass(frozen=True)
class Report:
    """The report of `warp check`.

    Lengths in m, spacing per axis as (cells, finest, coarsest), the parts that make the finest cell
    of each axis, copper by layer as a fraction of its area. `model`: the voxels, None where they
    were too many. `picture`: the file with the section, if one was drawn.
    """

    title: str
    stack: tuple[Branch, ...]
    spacing: dict[str, tuple[int, float, float]]
    finest: dict[str, Finest]
    symmetry: str
    voxels: int
    unknowns: int
    bytes: int
    disk: int
    free: int
    seconds: float | None
    device: str
    copper: dict[str, float]
    gaps: list[voxelize.Gap]
    warnings: list[str]
    conditions: list[str] = field(default_factory=list)
    """Films, fixed temperatures, contacts and measuring zones, one sentence each."""
    seconds_range: tuple[float, float] | None = None
    """Between which a run takes, in s; wide where the case leaves linear theory."""
    to_compile: int = 0
    """Kernels that the first run on this machine compiles, whose time is not in `seconds`."""
    model: voxelize.VoxelModel | None = None
    picture: Path | None = None

    def _repr_html_(self) -> str:
        """Return the grid, the cost and the warnings, for notebooks."""
        rows = [
            [axis, f"{cells:,}", f"{1e6 * least:.4g} um", f"{1e6 * most:.4g} um"]
            for axis, (cells, least, most) in self.spacing.items()
        ]
        time = ""
        if self.seconds_range is not None:
            low, high = self.seconds_range
            time = f", {low:.0f} to {high:.0f} s on {self.device}"
        note = f"{self.voxels:,} voxels, {self.bytes / 1e6:,.0f} MB{time}"
        head = ("grid", "cells", "finest", "coarsest")
        return html_table.html(self.title, head, rows, ". ".join([note, *self.warnings]))

    def as_dict(self) -> dict[str, Any]:
        """Return the same for a script, ready for JSON."""
        return {
            "stack": [asdict(branch) for branch in self.stack],
            "grid": {
                axis: {
                    "cells": cells,
                    "finest_um": 1e6 * least,
                    "finest_at_mm": 1e3 * self.finest[axis].at,
                    "finest_parts": self.finest[axis].parts,
                    "finest_at_cut": self.finest[axis].cut,
                    "coarsest_um": 1e6 * most,
                }
                for axis, (cells, least, most) in self.spacing.items()
            },
            "symmetry": self.symmetry,
            "voxels": self.voxels,
            "unknowns": self.unknowns,
            "predicted_memory_MB": self.bytes / 1e6,
            "free_memory_MB": self.free / 1e6,
            "predicted_disk_MB": self.disk / 1e6,
            "predicted_seconds": self.seconds,
            "predicted_seconds_range": self.seconds_range,
            "kernels_to_compile": self.to_compile,
            "device": self.device,
            "copper_share": self.copper,
            "gaps": [
                {"below": g.below, "above": g.above, "height_um": 1e6 * g.height} for g in self.gaps
            ],
            "conditions": self.conditions,
            "warnings": self.warnings,
            "picture": None if self.picture is None else str(self.picture),
        }


def check(case: Case, on: str = "auto") -> Report:
    """Voxelise a case and report what a run on the device `on` would do."""
    device = devices.select(on)
    grid = common_grid(case)
    model, warnings = examine(case, grid, device)
    free, _ = device.memory()
    media = None if model is None else model.media
    seconds = forecast.predicted_seconds(case, grid, device, media)
    return Report(
        title=case.title,
        stack=stack(case.parts, case.package),
        spacing=spacing(grid),
        finest=finest(case.bodies(), grid, units(case)),
        symmetry=("none", "half", "quarter")[sum(grid.mirror)],
        voxels=grid.cells,
        unknowns=0 if case.heat_alone else grid.unknowns,
        bytes=resources.predicted_bytes(grid, case, double=device.always_double),
        disk=resources.predicted_disk(grid, case),
        free=free,
        seconds=seconds,
        device=device.describe(),
        copper={layer: float(fraction.mean()) for layer, fraction in case.package.images.items()},
        gaps=[] if model is None else [g for g in voxelize.gaps(model) if not _apparent(case, g)],
        warnings=[
            *warnings,
            *case.remarks(),
            *run_warnings.overlaps(case),
            *array_remarks.slivers(case),
            *array_remarks.openings(case),
            *run_warnings.narrow_sources(case, grid),
            *single_layers(case, grid),
            *run_warnings.coarse_units(case, grid),
            *run_warnings.outside_temperature_range(case),
            *run_warnings.would_roll_up_in_a_quarter(case),
            *law_warnings.glass_kept(case),
            *law_warnings.laws_apart(case),
        ],
        conditions=conditions.sentences(case),
        seconds_range=None if seconds is None else forecast.time_range(case, seconds),
        to_compile=kernels.to_compile(case, device),
        model=model,
    )


def _apparent(case: Case, gap: voxelize.Gap) -> bool:
    """Tell whether a gap is none: parts that are never there together, or soldered by balls.

    The bulge of a ball stays clear of the part that its neck touches.
    """
    if not run_model.ever_together(case, gap.below, gap.above):
        return True
    if not any(isinstance(case.parts[name], Balls) for name in (gap.below, gap.above)):
        return False
    places = case.package.places
    return abs(places[gap.below].z1 - places[gap.above].z0) < LEVEL


def examine(case: Case, grid: Grid, device: Device) -> tuple[voxelize.VoxelModel | None, list[str]]:
    """Voxelise, on a coarser grid if this one is large, and list what is wrong.

    The model is None where no coarser grid is small enough.
    """
    warnings = []
    try:
        run_model.refuse_too_large(case, grid, device)
    except WarpError as error:
        warnings.append(f"too large for this machine: {error}")
    shown: Grid | None = grid
    if grid.cells > LARGEST_VOXELISED:
        limited = replace(case.grid, max_cells=LARGEST_VOXELISED)
        settings, _ = fitting(case.bodies(), limited, case.mirror, shaped(case))
        shown = (
            None
            if settings is None
            else make_grid(case.bodies(), settings, case.mirror, shaped(case))
        )
        cells = (
            "were not looked for" if shown is None else f"were looked for on {shown.cells:,} voxels"
        )
        warnings.append(f"gaps and loose pieces {cells}")
        arrays = resolved_arrays(case.bodies(), case.grid, case.mirror, shaped(case))
        if arrays and not any(arrays in text for text in warnings):
            warnings.append(f"the grid has {grid.cells:.3g} voxels; {arrays}")
    if shown is None:
        return None, warnings
    model = voxelize.voxelize(case.bodies(), case.materials(), shown, case.loads.stress_free)
    found = [*run_model.covered_parts(case, model), *run_model.loose_pieces(model)]
    if not found:  # what follows would repeat it
        found = refusals(case, shown)
    return model, [*found, *warnings]


def refusals(case: Case, grid: Grid) -> list[str]:
    """List what stops a run of this case on a grid before it solves, stage by stage."""
    found = []
    seen: set[tuple[Stage, bool]] = set()
    for load_step in case.load_steps:
        if (load_step.stage, load_step.powered) in seen:
            continue
        seen.add((load_step.stage, load_step.powered))
        try:
            stage = enter(case, load_step, grid)
            if load_step.solves_heat or (load_step.temperature is None and not load_step.at_rest):
                _heat_conditions(stage, load_step.powered, load_step.solves_heat)
            if isinstance(load_step.support, Clamp):
                for face in load_step.support.faces:
                    faces(stage.voxels, face)
        except WarpError as error:
            found.append(str(error))
    return list(dict.fromkeys(found))


def _heat_conditions(stage: StageModel, powered: bool, steady: bool) -> None:
    """Raise WarpError where heat falls on no part, finds no way out, or meets no face."""
    model, boundaries = stage.voxels, stage.assembly.boundaries
    heat_load(model, stage.assembly.sources if powered else [])
    split_interfaces(model, boundaries)
    resistance = np.ones((len(model.media.part), 6))
    exchange(model, boundaries, model.ids, resistance, closed=not steady)
