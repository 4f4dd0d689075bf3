"""Weights of the levels of a grid in sums over z: the end-corrected midpoint rule.

Strain that varies linearly in z bends a layer of thickness t with the stiffness sum(Q h z^2) over
its n cells, centres at z. With h = t/n, the midpoint rule, this is 1 - 1/n^2 of Q t^3/12. Moving
the share

    a = n / (24 (n - 2))

of a cell's weight from each second cell of the layer to the first one makes the second moment
exact and leaves the sum t as it is: Gregory's end correction (E. T. Whittaker, G. Robinson, The
Calculus of Observations, 1924, section 71), exact for quadratics. Weights hold for normal strains
and for shear in the plane; shear across the plane lies between the levels and keeps its heights.

Unequal weights make a layer more compliant across its plane, by about 4 a^2 / n. Sheets of few
cells are left as they are: a soft one between stiff ones must keep its compliance, and the bending
of a thin stiff one is a small part of the stack's.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from warp.voxels.grid import Grid

FEWEST = 7  # cells of a layer between which weight is moved


def weighted_heights(grid: Grid) -> np.ndarray:
    """Return the weight (nz,) in m of every level of a grid; its height where `breaks` are none."""
    found: np.ndarray = grid.dz.copy()
    for first, end in pairwise(grid.breaks):
        found[first:end] *= end_corrected(end - first)
    return found


def end_corrected(count: int) -> np.ndarray:
    """Return the weights of `count` equal cells of a layer, with the mean 1."""
    weights = np.ones(count)
    if count >= FEWEST:
        moved = count / (24 * (count - 2))
        weights[[0, -1]] += moved
        weights[1] -= moved
        weights[-2] -= moved
    return weights
