"""Move the nodes of a deck so that another program leaves a shape that is not stable.

A flat symmetric mesh under a symmetric load stays a dome beyond the load at which it would roll up.
A saddle of a share of its height, z + SEED height ((x/a)^2 - (y/b)^2) with a and b half the
lengths, rounds the corner of the path and leads it to a stable shape, along x or along y.
"""

from __future__ import annotations

import numpy as np

SEED = 0.005
"""Saddle over the height of the body: a plate that rolls up bends by a hundred times as much."""


def seeded(nodes: np.ndarray, mirror: tuple[bool, bool]) -> np.ndarray:
    """Return nodes (n, 3) lifted by a saddle; mirror: x = 0 and y = 0 are planes of symmetry."""
    saddle = np.zeros(len(nodes))
    for axis, sense in ((0, 1.0), (1, -1.0)):
        along = nodes[:, axis]
        middle = 0.0 if mirror[axis] else (along.min() + along.max()) / 2
        saddle += sense * ((along - middle) / np.abs(along - middle).max()) ** 2
    height = np.zeros_like(nodes)
    height[:, 2] = SEED * np.ptp(nodes[:, 2]) * saddle
    lifted: np.ndarray = nodes + height
    return lifted
