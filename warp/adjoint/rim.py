"""Shear in the plane at round sides (large_deflection/rim), and what inputs change in it.

    more = h A (F / D - A / M),    A = SUM a,   F = SUM a f m,   D = SUM a S f,   M = SUM a S

over the four cells around an edge along z, with their quarter areas a, solid fraction f, weight m
and compliance S = 1/G.
"""

from __future__ import annotations

import numpy as np

from warp.adjoint.elastic import Form
from warp.adjoint.strains import Strains
from warp.solvers.elastic.large_deflection.rim import Rim, bordered, sums_of_four
from warp.solvers.elastic.operator import Operator
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray


class RimForm:
    """The edges of a rim with the four cells around each: media, areas, fractions and weights."""

    def __init__(self, model: VoxelModel, A: Operator, rim: Rim) -> None:
        self.model, self.more = model, rim.more
        self.h = A.body.widths[3][1:]
        k, j, i = np.unravel_index(rim.at, A.shape[1:])
        self.edges = k, j, i - 1
        filled, soft = model.media.filled, A.body.soft[2]
        compliance = np.where(filled > 0, soft / 4, 0.0)
        count = len(k)
        self.rows = np.zeros((4, count), np.int64)
        self.area, self.S, self.fm = np.zeros((3, 4, count))
        quarter = np.pad(model.grid.area, 1) / 4
        self.cells = [(k, j - 1 + n, i - 2 + m) for n in (0, 1) for m in (0, 1)]
        for level in np.unique(k):
            here = k == level
            ids = model.ids[level]
            exists = sums_of_four((bordered(ids, model.grid.mirror) > 0).astype(float)) == 4
            corners = sums_of_four(exists.astype(float))
            cut = (filled > 0) & (filled < 1)
            weight = np.where(cut[ids], 4 / np.maximum(corners, 1.0), 1.0) * filled[ids]
            for c, (n, m) in enumerate(np.ndindex(2, 2)):
                at = j[here] + n, i[here] - 1 + m  # in arrays with a border
                rows = np.pad(ids, 1)[at]
                self.rows[c, here] = rows
                self.area[c, here] = np.where(rows > 0, quarter[at], 0.0)
                self.S[c, here] = compliance[rows]
                self.fm[c, here] = np.pad(weight, 1)[at]
        self.f = filled[self.rows]

    def add(self, form: Form, pull: Strains, loaded: Strains) -> tuple[Array, Array]:
        """Add - SUM more y g to a form; y, g: shear of `pull` and of `loaded`.

        Returns - more g and - more y of edges along z (nz+1, ny+1, nx+1).
        """
        k, j, i = self.edges
        y, g = (by.edges[2][k, j, i] for by in (pull, loaded))
        found = np.zeros((2, *loaded.edges.shape[1:]))
        if not len(k):
            return found[0], found[1]
        found[0][k, j, i], found[1][k, j, i] = -self.more * g, -self.more * y
        self._slopes(form, -y * g)
        return found[0], found[1]

    def _slopes(self, form: Form, by: Array) -> None:
        """Add the derivatives of SUM by more."""
        a, S, f, fm = self.area, self.S, self.f, self.fm
        area, counted = a.sum(axis=0), (a * fm).sum(axis=0)
        solid, mixed = (a * S * f).sum(axis=0), (a * S).sum(axis=0)
        h = self.h[self.edges[0]]
        grid = self.model.grid
        form.lines.add(2, self.edges[0], by * self.more / grid.dz[self.edges[0]])
        for c, (k, j, i) in enumerate(self.cells):
            slope = by * h * area * (area / mixed**2 - counted * f[c] / solid**2) * a[c]
            count = form.soft.shape[1]
            form.soft_sums[2] += np.bincount(self.rows[c], slope / 4, count)
            if form.found.stiffness is not None:
                np.add.at(form.found.stiffness, (k, j, i), -slope * S[c])
            by_area = counted / solid - 2 * area / mixed + area * area * S[c] / mixed**2
            by_area += area * (fm[c] / solid - counted * S[c] * f[c] / solid**2)
            by_area = by * h * by_area
            form.lines.add(0, i, by_area * grid.dy[j] / 4)
            form.lines.add(1, j, by_area * grid.dx[i] / 4)
