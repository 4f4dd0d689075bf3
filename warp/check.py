"""What a run would do, before it does it: how the parts stack, the grid, gaps and loose pieces, memory and time.

Voxelises the package and solves nothing. A grid of many million voxels is only counted, and gaps and loose pieces are
looked for on a coarser one: so a small machine tells what a run on a larger one would cost. A part that hangs together
with the rest by no voxel face could drift away freely: heat cannot reach it and its displacement is undefined, so
`warp run` refuses what is a warning here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from warp import coverage, device, flow, process, voxelize
from warp.errors import WarpError
from warp.grid import Grid, fitting, make_grid
from warp.shape import Box
from warp.supports import Table

if TYPE_CHECKING:
    from warp.case import Case
    from warp.part import AnyPart
    from warp.stacking import Place

# Processor time of a run of the lidded 45 mm flip chip on an AMD EPYC: 17 s for 848,388 voxels. To start takes 1.5 s.
SECONDS_PER_VOXEL_AND_CORE, SECONDS_TO_START = 2e-5, 1.5
MOMENT = 0.7  # of that for a moment of a process: process-fcbga.toml, 249,900 voxels, takes 53 s for 14
SAME = 1e-9  # m
LOOKED_AT = 10_000_000  # voxels; more are counted, not made


@dataclass(frozen=True)
class Branch:
    """A part in the tree of who stands on whom, with what stands on it."""

    name: str
    note: str
    solid: bool
    children: tuple[Branch, ...]


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
    picture: Path | None

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
            "gaps": [{"below": g.below, "above": g.above, "height_um": 1e6 * g.height} for g in self.gaps],
            "warnings": self.warnings,
            "picture": None if self.picture is None else str(self.picture),
        }


def check(case: Case, picture: Path | None = None, on: str = "auto") -> Report:
    """Voxelise a case and report; draws the middle section to `picture` if given."""
    place = device.select(on)
    if picture is not None:
        from warp import plots

        plots.check_writable(picture)
    grid = flow.common_grid(case)
    model, warnings = look(case, grid, place)
    if picture is not None and model is not None:
        plots.cross_section(model, picture, title=case.title)
    free, _ = place.memory()
    return Report(
        title=case.title,
        stack=stack(case.parts, case.package.places),
        spacing=spacing(grid),
        symmetry=("none", "half", "quarter")[sum(grid.mirror)],
        voxels=grid.cells,
        unknowns=grid.unknowns,
        bytes=process.predicted_bytes(grid, case),
        free=free,
        seconds=predicted_seconds(case, grid.cells, place),
        device=place.describe(),
        copper={layer: float(share.mean()) for layer, share in case.package.images.items()},
        gaps=[] if model is None else voxelize.gaps(model),
        warnings=[*warnings, *overlaps(case), *coverage.remarks(case)],
        picture=None if model is None else picture,
    )


def look(case: Case, grid: Grid, place: device.Device) -> tuple[voxelize.VoxelModel | None, list[str]]:
    """Voxelise, on a coarser grid if this one is large, and say what is wrong; None where no coarser grid is small."""
    warnings = []
    try:
        process.refuse_too_large(case, grid, place)
    except WarpError as error:
        warnings.append(f"too large for this machine: {error}")
    shown: Grid | None = grid
    if grid.cells > LOOKED_AT:
        settings, _ = fitting(case.bodies(), replace(case.grid, max_cells=LOOKED_AT), case.mirror)
        shown = None if settings is None else make_grid(case.bodies(), settings, case.mirror)
        cells = "were not looked for" if shown is None else f"were looked for on {shown.cells:,} voxels"
        warnings.append(f"gaps and loose pieces {cells}")
    if shown is None:
        return None, warnings
    model = voxelize.voxelize(case.bodies(), case.materials(), shown, case.loads.stress_free)
    return model, [*process.covered_parts(case, model), *process.loose_pieces(model), *warnings]


def overlaps(case: Case) -> list[str]:
    """Say of parts that run into one another in plane, neither lying within the other, how far.

    One within the other is meant so: a chip in mould compound, bumps in underfill.
    """
    boxes = {body.part: np.array([shape.bounds for shape in body.shapes if isinstance(shape, Box)]) for body in case.bodies()}
    solid = [body.part for body in case.bodies() if body.material is not None and len(boxes[body.part])]
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
    relaxes = any(getattr(medium, "relaxation", None) is not None for medium in case.materials().values())
    if place.cuda or relaxes or any(isinstance(moment.support, Table) for moment in case.moments):
        return None
    solves = max(1.0, MOMENT * len(case.moments))
    return SECONDS_TO_START + solves * cells * SECONDS_PER_VOXEL_AND_CORE / place.threads


def spacing(grid: Grid) -> dict[str, tuple[int, float, float]]:
    """Cells, least and greatest width along each axis."""
    widths = {"x": grid.dx, "y": grid.dy, "z": grid.dz}
    return {axis: (len(d), float(d.min()), float(d.max())) for axis, d in widths.items()}


def stack(parts: Mapping[str, AnyPart], places: Mapping[str, Place]) -> tuple[Branch, ...]:
    """Arrange the parts as a tree: each below the first part that it refers to."""
    children: dict[str | None, list[str]] = {}
    for name, part in parts.items():
        children.setdefault(_parent(part), []).append(name)

    def branch(name: str) -> Branch:
        grown = tuple(branch(child) for child in children.get(name, []))
        return Branch(name, _note(parts[name], places[name]), parts[name].shape != "void", grown)

    return tuple(branch(name) for name in children.get(None, []))


def _parent(part: AnyPart) -> str | None:
    named = part.on or part.under
    if named:
        return named[0]
    return part.inside or part.around


def _note(part: AnyPart, place: Place) -> str:
    """Relation, shape, material, size and heights of a part, in one line."""
    relation = "under, " if part.under and not part.on else "inside, " if part.inside else ""
    what = f"{relation}{part.shape}"
    material = getattr(part, "material", None)
    size = f"{_mm(place.outline.width)} x {_mm(place.outline.depth)} x {_mm(place.z1 - place.z0)} mm"
    return " · ".join(t for t in (what, material, size, f"z {_mm(place.z0)} to {_mm(place.z1)}") if t)


def _mm(metres: float) -> str:
    return f"{round(1e3 * metres, 6):.5g}"
