"""Displacements held at zero: they leave the matrix, as those normal to a mirror plane do.

Held displacements are named by their flat indices in the solver's arrays. A lateral free edge
between two held displacements leaves the matrix as well: its tilt would be that of the next plane
inside the body (free_edges), but a section in a held face does not turn, and the shear there stays
what it was. The force of such an edge is that of the step before (history.step).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers.csr import Csr
from warp.solvers.elastic.free_edges import Edges
from warp.solvers.sparse import Scattered

NOWHERE = np.zeros(0, np.int64)
"""Places of a body that is not held."""


def between_held(edges: Edges, held: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Mark the edges (n,) that lie between two held displacements normal to their face.

    held: flat indices in arrays of `shape`.
    """
    j, i = (edges.m, edges.p) if edges.face == 0 else (edges.p, edges.m)
    face = np.full(len(j), edges.face)
    above, below = (
        np.isin(np.ravel_multi_index((face, edges.k - q, j, i + 1), shape), held) for q in (0, 1)
    )
    marked: np.ndarray = above & below
    return marked


def movable(edges: Sequence[Edges], held: np.ndarray, shape: tuple[int, ...]) -> list[Edges]:
    """Return the edges that are not between held displacements."""
    if not len(held):
        return list(edges)
    found = []
    for e in edges:
        free = ~between_held(e, held, shape)
        arrays = (e.k, e.m, e.p, e.stiffness, e.layer, e.plane)
        k, m, p, stiffness, layer, plane = (a[free] for a in arrays)
        found.append(Edges(e.face, k, m, p, stiffness, layer, plane))
    return found


def set_zero(device: Device, array: Array, held: np.ndarray) -> None:
    """Set the held entries of an array on a device to zero."""
    if len(held):
        array.reshape(-1)[device.asarray(held, np.int64)] = 0


def zero_rows(held: np.ndarray) -> Scattered:
    """Return a matrix of stored zeros, which sets held entries to zero by a kernel.

    A graph of launches (Device.graph) repeats kernels only, not array arithmetic.
    """
    return Scattered(held, Csr.diagonal_of(np.zeros(len(held))))
