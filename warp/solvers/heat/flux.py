"""Surface temperatures and heat flows of a steady solution."""

from __future__ import annotations

import numpy as np

from warp.solvers.heat.solve import Solution
from warp.voxels import boundary


def face_temperature(solution: Solution, name: str) -> tuple[boundary.Faces, np.ndarray]:
    """Return the voxel faces of a named surface, covered ones included, and their temperature in K.

    The heat through the half voxel flows on through half a neighbour, a film or nothing. An
    interface resistance on the face has two temperatures; this is the one on the part's own side.
    """
    A, T = solution.operator, solution.temperature.reshape(-1)
    grid, ids = A.model.grid, A.split.ids.reshape(-1)
    at = boundary.faces(A.model, name, covered=True)
    ours = A.table[ids[at.cell], at.side] * at.width(grid)
    contact = A.split.extra[ids[at.cell], at.side] * at.width(grid)
    other, beyond = np.full(len(ours), np.inf), np.zeros(len(ours))
    neighbour = boundary.neighbours(A.model, at)
    solid = neighbour.cell >= 0
    there = boundary.Faces(neighbour.cell[solid], neighbour.side[solid])
    other[solid] = A.table[ids[there.cell], there.side] * there.width(grid)
    beyond[solid] = T[there.cell]
    for film in A.surroundings.contacts:
        hit = np.isin(at.key, film.faces.key, assume_unique=True)
        other[hit], beyond[hit] = 1 / film.coefficient, film.ambient
    fraction = (ours - contact) / (ours + other)
    return at, T[at.cell] + fraction * (beyond - T[at.cell])


def heat_flows(solution: Solution) -> dict[str, float]:
    """Return the heat in W that leaves the full package through each named film or fixed face."""
    T, copies = solution.temperature.reshape(-1), solution.operator.model.grid.copies
    return {
        c.name: copies * float(np.sum(c.conductance * (T[c.faces.cell] - c.ambient)))
        for c in solution.operator.surroundings.contacts
    }
