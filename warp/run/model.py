"""Voxelise a case and refuse what cannot be solved: too large, loose or overwritten parts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from warp.errors import WarpError, listed
from warp.machine import host_memory
from warp.machine.device import Device
from warp.run.grids import common_grid, shaped, stage_grid
from warp.run.resources import BYTES_OF_THE_PROGRAM, predicted_bytes, predicted_host_bytes
from warp.voxels import voxelize
from warp.voxels.grid import Grid, make_grid, runs
from warp.voxels.media_areas import areas_of
from warp.voxels.voxelize import VoxelModel

if TYPE_CHECKING:
    from warp.case.case import Case


def build(case: Case, device: Device) -> VoxelModel:
    """Voxelise all parts of a case at once; raise WarpError if it is too large for `device`."""
    grid = common_grid(case)
    refuse_too_large(case, grid, device)
    return voxelize.voxelize(case.bodies(), case.materials(), grid, case.loads.stress_free)


def refuse_too_large(case: Case, grid: Grid, device: Device) -> None:
    """Raise WarpError if a run on this grid needs more memory than `device` has free.

    Beside a GPU the host needs memory too. The message says which grid would fit.
    """
    needed = predicted_bytes(grid, case, double=device.always_double)
    _refuse_above(case, grid, needed, device.memory()[0], device.name)
    if device.cuda:
        free, _ = host_memory.free_and_total()
        _refuse_above(case, grid, predicted_host_bytes(grid, case), free, "the host of the GPU")


def _refuse_above(case: Case, grid: Grid, needed: int, free: int, where: str) -> None:
    """Raise WarpError if the bytes that a run needs are more than those that are free."""
    if needed <= free:
        return
    for step in case.load_steps:
        own = stage_grid(case, grid, step.stage)
        if own.cells > grid.cells:
            nz, ny, nx = own.shape
            raise WarpError(
                f"step {step.step + 1} ({step.name}) leaves a unit of {nx} x {ny} x {nz} = "
                f"{own.cells:,} voxels, which need {needed / 1e9:.1f} GB: enlarge its spacing "
                f"({free / 1e9:.1f} GB are free on {where})"
            )
    fits = max(1, grid.cells * (free - BYTES_OF_THE_PROGRAM) // (needed - BYTES_OF_THE_PROGRAM))
    try:
        make_grid(case.bodies(), replace(case.grid, max_cells=fits), case.mirror, shaped(case))
    except WarpError as error:
        half = (
            "" if all(case.mirror) else "; symmetry halves or quarters it where the package allows"
        )
        raise WarpError(f"{error}{half} ({free / 1e9:.1f} GB are free on {where})") from None


def refuse_loose(model: VoxelModel, where: str = "") -> None:
    """Raise WarpError if nothing is solid, or a part is not connected to the rest.

    where: the beginning of the message.
    """
    loose = loose_pieces(model)
    if not _solid(model):
        raise WarpError(f"{where}no part is solid, so there is nothing to bend")
    if loose:
        it, its = ("it", "its") if len(loose) == 1 else ("them", "their")
        remedy = (
            f"; let a step join {it} later, or give {it} a carrier or a tape that one removes"
            if where
            else ""
        )
        raise WarpError(
            f"{where}{listed(loose, '; ')}: nothing holds {it}, so {its} displacement is "
            f"undefined{remedy}"
        )


def _solid(model: VoxelModel) -> bool:
    """Tell whether any voxel is solid."""
    return any(bool(layer.any()) for layer in model.ids)


def ever_together(case: Case, *parts: str) -> bool:
    """Tell whether the parts are present at some step together."""
    return any({*parts} <= {*stage.present} for stage in case.stages)


def refuse_covered(case: Case, model: VoxelModel) -> None:
    """Raise WarpError if later parts overwrite a part completely."""
    covered = covered_parts(case, model)
    if covered:
        raise WarpError("; ".join(covered))


def loose_pieces(model: VoxelModel) -> list[str]:
    """List the parts that are not connected to the rest, each with its distance to a neighbour."""
    if not _solid(model):
        return ["no part is solid"]
    names = voxelize.floating(model)
    if not names:
        return []
    gaps = voxelize.gaps(model)
    found = []
    for name in names:
        near = next((gap for gap in gaps if name in (gap.above, gap.below)), None)
        if near is None:
            found.append(f"part '{name}' touches nothing")
        elif near.above == name:
            found.append(f"part '{name}' floats {1e6 * near.height:.3g} um above '{near.below}'")
        else:
            found.append(f"part '{name}' lies {1e6 * near.height:.3g} um below '{near.above}'")
    return found


def covered_parts(case: Case, model: VoxelModel) -> list[str]:
    """List the solid parts that later parts overwrite completely, and by which.

    The fill of an effective bump layer is part of that layer's mixture, and parts beyond a mirror
    plane are not modelled: neither counts as overwritten.
    """
    layers = [run.start for run in runs(model.ids)]
    areas = areas_of(model.grid, model.ids, layers, len(model.media))
    rows = map(int, np.flatnonzero(areas.any(axis=0)))
    present = {model.parts[model.media.part[row]] for row in rows if model.media.part[row] >= 0}
    axes = model.grid.x, model.grid.y, model.grid.z
    bodies, found = case.bodies(), {}
    for n, body in enumerate(bodies):
        if body.part in present or body.material is None:
            continue
        spans = np.reshape(body.bounds, (3, 2))
        k, j, i = reversed(
            [
                np.searchsorted(line[1:-1], span.mean())
                for line, span in zip(axes, spans, strict=True)
            ]
        )
        cover = model.parts[model.media.part[model.ids[k, j, i]]] if model.ids[k, j, i] else ""
        modelled = all(span[1] > line[0] for line, span in zip(axes, spans, strict=True))
        later = any(other.part == cover for other in bodies[n + 1 :])
        together = ever_together(case, body.part, cover)
        if (
            modelled
            and later
            and together
            and getattr(case.parts[cover], "model", None) != "effective"
        ):
            found[body.part] = (
                f"nothing is left of part '{body.part}': '{cover}' comes later and covers it"
            )
    return list(found.values())
