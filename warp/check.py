"""What a run would do, before it does it: how the parts stack, the grid, gaps and loose pieces, memory and time.

Voxelises the package and solves nothing. A grid of many million voxels is only counted, and gaps and loose pieces are
looked for on a coarser one: so a small machine tells what a run on a larger one would cost. A part that hangs together
with the rest by no voxel face could drift away freely: heat cannot reach it and its displacement is undefined, so
`warp run` refuses what is a warning here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warp import device, process, voxelize
from warp.errors import WarpError
from warp.grid import Grid, fitting, make_grid

if TYPE_CHECKING:
    from warp.case import Case
    from warp.part import AnyPart
    from warp.stacking import Place

# Processor time of a run of the lidded 45 mm flip chip on an AMD EPYC: 17 s for 848,388 voxels. To start takes 1.5 s.
SECONDS_PER_VOXEL_AND_CORE, SECONDS_TO_START = 2e-5, 1.5
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
    grid = make_grid(case.bodies(), case.grid, case.mirror)
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
        bytes=process.predicted_bytes(grid.cells, case),
        free=free,
        seconds=predicted_seconds(grid.cells, place),
        device=place.describe(),
        copper={layer: float(share.mean()) for layer, share in case.package.images.items()},
        gaps=[] if model is None else voxelize.gaps(model),
        warnings=warnings,
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


def predicted_seconds(cells: int, place: device.Device) -> float | None:
    """Time of both solves from a measured rate and the cores of this machine; None where never measured."""
    return None if place.cuda else SECONDS_TO_START + cells * SECONDS_PER_VOXEL_AND_CORE / place.threads


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
