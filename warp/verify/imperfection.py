"""Move the nodes of a deck so that another program leaves a shape that is not stable.

A flat symmetric mesh under a symmetric load stays a dome beyond the load at which it would roll up.
A saddle of a share of its height, z + SEED height ((x/a)^2 - (y/b)^2) with a and b half the
lengths, rounds the corner of the path and leads it to a stable shape, along x or along y.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from warp.verify.calculix_deck import Mesh

SEED = 0.005
"""Saddle over the height of the body: a plate that rolls up bends by a hundred times as much."""


def seeded(mesh: Mesh) -> Mesh:
    """Return a mesh whose nodes are lifted by a saddle, for a deck of large deflection."""
    nodes = mesh.nodes.copy()
    saddle = np.zeros(len(nodes))
    for axis, sense in ((0, 1.0), (1, -1.0)):
        along = nodes[:, axis]
        middle = 0.0 if mesh.model.grid.mirror[axis] else (along.min() + along.max()) / 2
        saddle += sense * ((along - middle) / np.abs(along - middle).max()) ** 2
    nodes[:, 2] += SEED * np.ptp(nodes[:, 2]) * saddle
    return replace(mesh, nodes=nodes)
