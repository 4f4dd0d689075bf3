"""The load of the heat equation: heat in voxels, and what films bring from their surroundings."""

from __future__ import annotations

import numpy as np

from warp.errors import WarpError
from warp.machine.arrays import Array
from warp.solvers.heat.operator import Operator
from warp.voxels.grid import runs
from warp.voxels.voxelize import pieces


def load(A: Operator, q: np.ndarray) -> Array:
    """Return the right-hand side on A's device.

    q (nz, ny, nx): heat in W per voxel. Films add what they bring at T = datum.
    """
    b = np.array(q, float)
    b.reshape(-1)[A.surroundings.cell] += A.surroundings.heat
    return A.device.asarray(b)


def refuse_isolated(A: Operator) -> None:
    """Raise WarpError if solid voxels have no conducting path to a film.

    Their temperature would be undefined. Voxels with a film count as a part of their own; connected
    pieces without such a voxel are isolated.
    """
    ids, part = A.model.ids.copy(), np.asarray(A.model.media.part)
    ids.reshape(-1)[A.surroundings.cell] = len(part)
    grid, layers = A.model.grid, np.array([run.start for run in runs(ids)])
    part = np.append(part, len(A.model.parts))
    root, owner, _ = pieces(ids, layers, part, grid, np.ones(len(layers)))
    isolated = owner[~np.isin(root, root[owner == len(A.model.parts)])]
    if len(isolated):
        names = ", ".join(f"'{A.model.parts[p]}'" for p in np.unique(isolated))
        raise WarpError(
            f"heat cannot leave {names}: nothing leads from there to a film or fixed temperature"
        )
