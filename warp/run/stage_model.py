"""Put a stage of the process on the grid."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from warp.case.assembly import Assembly
from warp.case.case import Case
from warp.case.plan import LoadStep, Stage
from warp.run.flat_parts import refuse_bare_contact
from warp.run.grids import stage_grid
from warp.run.model import refuse_covered, refuse_loose
from warp.solvers.elastic.multigrid.cycle_cache import CycleCache
from warp.voxels import voxelize
from warp.voxels.grid import Grid
from warp.voxels.voxelize import VoxelModel


@dataclass(frozen=True, eq=False)
class StageModel:
    """The parts of a stage, their voxels, and the preconditioner that its load steps share."""

    stage: Stage
    assembly: Assembly
    voxels: VoxelModel
    cycle_cache: CycleCache = field(default_factory=CycleCache)

    @property
    def height(self) -> float:
        """Return the distance in m from the lowest to the highest solid."""
        bounds = [body.bounds for body in self.assembly.package.bodies if body.material is not None]
        return float(max(b[5] for b in bounds) - min(b[4] for b in bounds))

    @property
    def parts_on_grid(self) -> set[str]:
        """Return the parts that have voxels."""
        used = np.unique(self.voxels.media.part[np.unique(self.voxels.ids)])
        return {self.voxels.parts[part] for part in used if part >= 0}


def enter(case: Case, load_step: LoadStep, grid: Grid) -> StageModel:
    """Voxelise the stage of a load step; raise WarpError if it cannot be solved.

    grid: the grid of all stages (`grids.common_grid`).
    """
    voxels = voxels_of(case, load_step, grid)
    if case.has_steps:
        where = f"step {load_step.step + 1} ({load_step.name}): "
        refuse_loose(voxels, where)
        refuse_bare_contact(case, load_step, voxels, where)
    else:
        refuse_covered(case, voxels)
        refuse_loose(voxels)
    return StageModel(load_step.stage, case.stages[load_step.stage], voxels)


def voxels_of(case: Case, load_step: LoadStep, grid: Grid) -> VoxelModel:
    """Voxelise the parts of a load step's stage, whether or not they can be solved."""
    assembly = case.stages[load_step.stage]
    grid = stage_grid(case, grid, load_step.stage)
    return voxelize.voxelize(assembly.package.bodies, assembly.media, grid, case.loads.stress_free)
