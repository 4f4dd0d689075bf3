"""What a run would do, before it does it: how the parts stack, the grid, gaps and loose pieces, memory and time.

Voxelises the package and solves nothing. A grid of many million voxels is only counted, and gaps and loose pieces are
looked for on a coarser one: so a small machine tells what a run on a larger one would cost. A part that hangs together
with the rest by no voxel face could drift away freely: heat cannot reach it and its displacement is undefined, so
`warp run` refuses what is a warning here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from warp import device
from warp.errors import WarpError
from warp.geometry.shapes import Box
from warp.geometry.tree import Branch, _mm, stack
from warp.run import model as run_model
from warp.run import process, resources
from warp.run import warnings as run_warnings
from warp.voxels import voxelize
from warp.voxels.grid import Grid, fitting, make_grid, spacing
from warp.voxels.supports import Table

if TYPE_CHECKING:
    from warp.case.case import Case

# Processor time of a run of the lidded 45 mm flip chip on an AMD EPYC: 17 s for 848,388 voxels. To start takes 1.5 s.
SECONDS_PER_VOXEL_AND_CORE, SECONDS_TO_START = 2e-5, 1.5
MOMENT = (
    0.7  # of that for a moment of a process: process-fcbga.toml, 249,900 voxels, takes 53 s for 14
)
SAME = 1e-9  # m
LOOKED_AT = 10_000_000  # voxels; more are counted, not made


@dataclass(frozen=True)
class Report:
    """What `warp check` says; lengths in m, spacing per axis as (cells, finest, coarsest), copper by layer as a share."""

    title: str
    stack: tuple[Branch, ...]
    spacing: dict[str, tuple[int, float, float]]
    symmetry: str
    voxels: int
    unknowns: int
    bytes: int
    free: int
    seconds: float | None
    device: str
    copper: dict[str, float]
    gaps: list[voxelize.Gap]
    warnings: list[str]
    model: voxelize.VoxelModel | None = None
    picture: Path | None = None
    """Where the section was drawn, if it was."""

    def as_dict(self) -> dict[str, Any]:
        """The same for a script."""
        return {
            "stack": [asdict(branch) for branch in self.stack],
            "grid": {
                axis: {"cells": cells, "finest_um": 1e6 * finest, "coarsest_um": 1e6 * coarsest}
                for axis, (cells, finest, coarsest) in self.spacing.items()
            },
            "symmetry": self.symmetry,
            "voxels": self.voxels,
            "unknowns": self.unknowns,
            "predicted_memory_MB": self.bytes / 1e6,
            "free_memory_MB": self.free / 1e6,
            "predicted_seconds": self.seconds,
            "device": self.device,
            "copper_share": self.copper,
            "gaps": [
                {"below": g.below, "above": g.above, "height_um": 1e6 * g.height} for g in self.gaps
            ],
            "warnings": self.warnings,
            "picture": None if self.picture is None else str(self.picture),
        }


def check(case: Case, on: str = "auto") -> Report:
    """Voxelise a case and report; the report carries the voxels, where they are few enough to make."""
    place = device.select(on)
    grid = process.common_grid(case)
    model, warnings = look(case, grid, place)
    free, _ = place.memory()
    return Report(
        title=case.title,
        stack=stack(case.parts, case.package.places),
        spacing=spacing(grid),
        symmetry=("none", "half", "quarter")[sum(grid.mirror)],
        voxels=grid.cells,
        unknowns=grid.unknowns,
        bytes=resources.predicted_bytes(grid, case),
        free=free,
        seconds=predicted_seconds(case, grid.cells, place),
        device=place.describe(),
        copper={layer: float(share.mean()) for layer, share in case.package.images.items()},
        gaps=[] if model is None else voxelize.gaps(model),
        warnings=[*warnings, *overlaps(case), *run_warnings.outside_temperature_range(case)],
        model=model,
    )


def look(
    case: Case, grid: Grid, place: device.Device
) -> tuple[voxelize.VoxelModel | None, list[str]]:
    """Voxelise, on a coarser grid if this one is large, and say what is wrong; None where no coarser grid is small."""
    warnings = []
    try:
        run_model.refuse_too_large(case, grid, place)
    except WarpError as error:
        warnings.append(f"too large for this machine: {error}")
    shown: Grid | None = grid
    if grid.cells > LOOKED_AT:
        settings, _ = fitting(case.bodies(), replace(case.grid, max_cells=LOOKED_AT), case.mirror)
        shown = None if settings is None else make_grid(case.bodies(), settings, case.mirror)
        cells = (
            "were not looked for" if shown is None else f"were looked for on {shown.cells:,} voxels"
        )
        warnings.append(f"gaps and loose pieces {cells}")
    if shown is None:
        return None, warnings
    model = voxelize.voxelize(case.bodies(), case.materials(), shown, case.loads.stress_free)
    return model, [*run_model.covered_parts(case, model), *run_model.loose_pieces(model), *warnings]


def overlaps(case: Case) -> list[str]:
    """Say of parts that run into one another in plane, neither lying within the other, how far.

    One within the other is meant so: a chip in mould compound, bumps in underfill.
    """
    boxes = {
        body.part: np.array([shape.bounds for shape in body.shapes if isinstance(shape, Box)])
        for body in case.bodies()
    }
    solid = [
        body.part for body in case.bodies() if body.material is not None and len(boxes[body.part])
    ]
    found = []
    for one, other in combinations(dict.fromkeys(solid), 2):
        a, b = boxes[one].reshape(-1, 1, 3, 2), boxes[other].reshape(1, -1, 3, 2)
        common = np.minimum(a[..., 1], b[..., 1]) - np.maximum(a[..., 0], b[..., 0])
        planes = np.minimum(np.diff(a)[..., :2, 0], np.diff(b)[..., :2, 0])
        across = (common > SAME).all(-1) & (common[..., :2] < planes - SAME).any(-1)
        if across.any():
            size = " x ".join(_mm(length) for length in common[across].max(0))
            found.append(f"'{other}' runs {size} mm into '{one}' and takes the space")
    return found


def predicted_seconds(case: Case, cells: int, place: device.Device) -> float | None:
    """Time of all solves from a measured rate and the cores of this machine; None where never measured: on GPUs, of
    materials that relax, whose moments divide themselves, and on a table.
    """
    relaxes = any(
        getattr(medium, "relaxation", None) is not None for medium in case.materials().values()
    )
    if place.cuda or relaxes or any(isinstance(moment.support, Table) for moment in case.moments):
        return None
    solves = max(1.0, MOMENT * len(case.moments))
    return SECONDS_TO_START + solves * cells * SECONDS_PER_VOXEL_AND_CORE / place.threads
