"""Voxelise a case and refuse what cannot be solved: too large, loose pieces, parts that are covered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from warp.device import Device
from warp.errors import WarpError
from warp.run.resources import BYTES_OF_THE_PROGRAM, predicted_bytes
from warp.voxels import voxelize
from warp.voxels.grid import Grid, make_grid, runs
from warp.voxels.voxelize import VoxelModel

if TYPE_CHECKING:
    from warp.case.case import Case


def build(case: Case, place: Device) -> VoxelModel:
    """Lay the grid, refuse one that does not fit in the memory of `place`, and voxelise."""
    bodies = case.bodies()
    grid = make_grid(bodies, case.grid, case.mirror)
    refuse_too_large(case, grid, place)
    return voxelize.voxelize(bodies, case.materials(), grid, case.loads.stress_free)


def refuse_too_large(case: Case, grid: Grid, place: Device) -> None:
    """Raise WarpError if a run on this grid needs more memory than `place` has free; it says what would fit."""
    free, _ = place.memory()
    needed = predicted_bytes(grid, case)
    if needed > free:
        fits = max(1, grid.cells * (free - BYTES_OF_THE_PROGRAM) // (needed - BYTES_OF_THE_PROGRAM))
        try:
            make_grid(case.bodies(), replace(case.grid, max_cells=fits), case.mirror)
        except WarpError as error:
            half = (
                ""
                if all(case.mirror)
                else "; symmetry halves or quarters it where the package allows"
            )
            raise WarpError(
                f"{error}{half} ({free / 1e9:.1f} GB are free on {place.name})"
            ) from None


def refuse_loose(model: VoxelModel, where: str = "") -> None:
    """Raise WarpError if nothing is there, or a part does not hang together with the rest; `where` begins the sentence."""
    loose = loose_pieces(model)
    if not model.ids.any():
        raise WarpError(f"{where}no part is solid, so there is nothing to bend")
    if loose:
        it, its = ("it", "its") if len(loose) == 1 else ("them", "their")
        raise WarpError(
            f"{where}{'; '.join(loose)}: nothing holds {it}, so {its} displacement is undefined"
        )


def loose_pieces(model: VoxelModel) -> list[str]:
    """Say of every part that does not hang together with the rest how far it is from it."""
    if not model.ids.any():
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
        k, j, i = reversed(
            [
                np.searchsorted(line[1:-1], span.mean())
                for line, span in zip(axes, spans, strict=True)
            ]
        )
        cover = model.parts[model.media.part[model.ids[k, j, i]]] if model.ids[k, j, i] else ""
        modelled = all(span[1] > line[0] for line, span in zip(axes, spans, strict=True))
        if modelled and any(later.part == cover for later in bodies[n + 1 :]):
            if getattr(case.parts[cover], "model", None) != "effective":
                found[body.part] = (
                    f"nothing is left of part '{body.part}': '{cover}' comes later and covers it"
                )
    return list(found.values())
