"""Motions without energy of pieces of a body that layers one cell thick join: its mechanisms.

Such a layer has no bending stiffness and no shear across it (solvers/elastic/solve.py): what stands
on it to one side of a gap moves along z, and tilts about the middle of the layer, free of energy.

    w = 1;    w = x - xc, u = -(z - z0);    w = y - yc, v = -(z - z0)

A load that does work on one is not in the range of the operator, and the load of an adjoint solve
does so by round-off, in which conjugate gradients lose their way. Pieces are what shear strains
join: runs of solid cells along z, and edges between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from warp.adjoint.refused import NoGradient
from warp.solvers.elastic.free_edges import Edges
from warp.solvers.elastic.history.state import between_four
from warp.solvers.elastic.layout import displacement_shape
from warp.solvers.elastic.operator import Operator
from warp.solvers.elastic.rigid import activity
from warp.voxels.grid import Grid

Array = np.ndarray
NOWHERE = -1
STRAINED = 1e-9
"""Force of a motion, over that of its single displacements, above which it has energy."""
DEPENDS = (
    "{} depends on how pieces move that a layer one cell thick joins to the body: give the layer "
    "two cells, [grid] cells_per_layer = 2"
)
WORKS = 1e-4
"""Share of a load that does work on motions without energy, beyond what round-off leaves."""


@dataclass(frozen=True, eq=False)
class Mechanisms:
    """Motions without energy of the pieces of a body.

    owner: the piece of each displacement in the solver's layout, -1 for none; motions
    (3, *layout): how every piece rises, and tilts along x and y, 0 where it cannot.
    """

    owner: Array
    motions: Array

    def equilibrate(self, load: Array) -> float:
        """Remove from a load in the solver's layout what does work on a motion, in place.

        Returns the share of the load that this was.
        """
        at = np.flatnonzero(self.owner.reshape(-1) != NOWHERE)
        owner, f = self.owner.reshape(-1)[at], load.reshape(-1)
        motions = self.motions.reshape(3, -1)[:, at]
        count = int(owner.max(initial=NOWHERE)) + 1
        gram = np.empty((count, 3, 3))
        for a in range(3):
            for b in range(3):
                gram[:, a, b] = np.bincount(owner, motions[a] * motions[b], count)
        work = np.stack([np.bincount(owner, m * f[at], count) for m in motions], axis=1)
        size = np.sqrt(np.einsum("paa->pa", gram))
        size[size == 0] = 1.0
        inverse = np.linalg.pinv(gram / (size[:, :, None] * size[:, None]), 1e-12, hermitian=True)
        share = np.einsum("pab,pb->pa", inverse, work / size) / size
        removed = (share[owner].T * motions).sum(axis=0)
        size_of_load = float(np.linalg.norm(f))
        f[at] -= removed
        return float(np.linalg.norm(removed)) / size_of_load if size_of_load else 0.0

    def leave_out(self, load: Array, metric: str) -> None:
        """Equilibrate the load of a metric, in place; NoGradient if it depends on the motions."""
        if self.equilibrate(load) > WORKS:
            raise NoGradient(DEPENDS.format(metric))

    def show(self, heights: Callable[[Array], Array]) -> bool:
        """Tell whether heights change with the motions.

        heights: linear in a displacement (3, nz+1, ny+1, nx+1).
        """
        known, rng = self.owner != NOWHERE, np.random.default_rng(0)
        for motion in self.motions:
            amount = rng.uniform(1.0, 2.0, int(self.owner.max()) + 1)
            moved = np.zeros(motion.shape)
            moved[known] = motion[known] * amount[self.owner[known]]
            seen = heights(np.ascontiguousarray(moved[..., 1:-1]))
            if np.abs(seen).max() > WORKS * np.abs(moved[2]).max():
                return True
        return False


def mechanisms(A: Operator, solid: Array, grid: Grid) -> Mechanisms | None:
    """Find the mechanisms of a free body; None if shear strains join all of it."""
    runs = _runs(solid)
    count, piece = _pieces(runs, solid, A.edges)
    if count < 2:
        return None
    cells = np.where(solid, piece[runs], NOWHERE)
    owner = np.full(displacement_shape(*reversed(solid.shape)), NOWHERE)
    exists = activity(solid, grid.mirror)
    touched = list(_touched(cells))
    for a, (index, below, above) in enumerate(touched):
        alone = np.where(below == NOWHERE, above, below)
        both = (below != NOWHERE) & (above != NOWHERE) & (below != above)
        owner[a][index] = np.where(both, NOWHERE, alone)
    owner[~exists] = NOWHERE
    motions = _motions(owner, cells, count, grid)
    _without_energetic(A, owner, motions, count)
    return Mechanisms(owner, motions)


def _runs(solid: Array) -> Array:
    """Return the number of the run along z that each cell (nz, ny, nx) is in, 0 for void."""
    starts = solid.copy()
    starts[1:] &= ~solid[:-1]
    number = np.cumsum(np.moveaxis(starts, 0, -1).reshape(-1)) - 1
    found = number.reshape(*solid.shape[1:], solid.shape[0])
    return np.where(solid, np.moveaxis(found, -1, 0), 0)


def _pieces(runs: Array, solid: Array, edges: Sequence[Edges]) -> tuple[int, Array]:
    """Count the pieces, and number that of each run."""
    count = int(runs.max()) + 1
    four = between_four(solid)
    nz, ny, nx = solid.shape
    along_x, along_y = four[1, 1:nz, :ny, 1:nx], four[0, 1:nz, 1:ny, :nx]
    pairs = [
        (runs[1:, :, :-1][along_x], runs[1:, :, 1:][along_x]),
        (runs[1:, :-1][along_y], runs[1:, 1:][along_y]),
    ]
    for e in edges:
        use = e.plane > 0
        k, m, p = e.layer[use], e.m[use], e.plane[use]
        columns = ((m, p - 1), (m, p)) if e.face == 0 else ((p - 1, m), (p, m))
        first, second = (_run_of(runs, solid, k, j, i) for j, i in columns)
        pairs.append((first, second))
    one, other = (np.concatenate(side) for side in zip(*pairs, strict=True))
    graph = coo_array((np.ones(len(one), bool), (one, other)), shape=(count, count))
    return connected_components(graph, directed=False)


def _run_of(runs: Array, solid: Array, k: Array, j: Array, i: Array) -> Array:
    """Return the runs that displacements along z on level k belong to."""
    below = np.maximum(k - 1, 0)
    use = (k > 0) & solid[below, j, i]
    return runs[np.where(use, below, np.minimum(k, len(solid) - 1)), j, i]


def _touched(cells: Array) -> Iterator[tuple[tuple[slice, ...], Array, Array]]:
    """Yield for u, v and w where they lie, and the pieces of the cells below and above each."""
    nz, ny, nx = cells.shape
    inside = np.s_[:nz, :ny, 1 : nx + 2], np.s_[:nz, :, 1 : nx + 1], np.s_[:, :ny, 1 : nx + 1]
    for a, index in enumerate(inside):
        pad = [(0, 0)] * 3
        pad[2 - a] = (1, 1)
        padded = np.pad(cells, pad, constant_values=NOWHERE)
        last = [slice(None)] * 3
        first = [slice(None)] * 3
        last[2 - a], first[2 - a] = slice(None, -1), slice(1, None)
        yield index, padded[tuple(last)], padded[tuple(first)]


def _motions(owner: Array, cells: Array, count: int, grid: Grid) -> Array:
    """Return how pieces rise and tilt, about the height at which others join them."""
    motions = np.zeros((3, *owner.shape))
    z0 = _joints(cells, count, grid.zc)
    w = owner[2] != NOWHERE
    motions[0, 2][w] = 1.0
    k, j, i = np.nonzero(w)
    own = owner[2][w]
    size = np.maximum(np.bincount(own, minlength=count), 1)
    for a, q in enumerate((grid.xc[i - 1], grid.yc[j])):
        centre = np.bincount(own, q, count) / size
        motions[1 + a, 2][w] = q - centre[own]
        across = owner[a] != NOWHERE
        level = grid.zc[np.nonzero(across)[0]]
        motions[1 + a, a][across] = z0[owner[a][across]] - level
    return motions


def _joints(cells: Array, count: int, zc: Array) -> Array:
    """Return the mean height at which each piece touches others sideways; 0 if it touches none."""
    height, number = np.zeros(count), np.zeros(count)
    for axis in (1, 2):
        one = np.moveaxis(cells, axis, 1)
        a, b = one[:, :-1], one[:, 1:]
        k, *rest = np.nonzero((a != NOWHERE) & (b != NOWHERE) & (a != b))
        for side in (a, b):
            own = side[(k, *rest)]
            height += np.bincount(own, zc[k], count)
            number += np.bincount(own, minlength=count)
    return height / np.maximum(number, 1)


def _without_energetic(A: Operator, owner: Array, motions: Array, count: int) -> None:
    """Set the motions to zero that have energy: of pieces that are held at several heights."""
    device, known = A.device, owner != NOWHERE
    random = np.append(np.random.default_rng(0).uniform(1.0, 2.0, count), 0.0)[owner]
    signs = np.random.default_rng(1).integers(0, 2, owner.shape) * 2.0 - 1.0
    for motion in motions:
        forces = []
        for x in (motion * random, motion * signs):
            out = device.zeros(A.shape)
            A.apply(out, device.asarray(x), 0.0, 1.0)
            forces.append(np.abs(device.to_host(out))[known])
        left, size = (np.bincount(owner[known], f, count) for f in forces)
        strained = np.append(left > STRAINED * size, False)
        motion[strained[owner]] = 0.0
