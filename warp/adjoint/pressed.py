"""Faces that a clamp presses into planes, backwards (voxels/supports, `flattening`).

The prescribed displacement of a face is (P - I) u, with u the displacement so far of its points and
P the projection on planes over them; P = X X^+ with X = [1, p, q] by the positions p, q of the
points. With t the derivative of a metric by the prescribed displacement, that by u is (P - I) t,
and that by a position p

    [(I - P) t] (X^+ u)_p + [(I - P) u] (X^+ t)_p
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warp.adjoint.widths import LineSums
from warp.solvers.elastic.layout import displacement_shape
from warp.voxels.supports import Clamp, HeldPlane, Support, held, held_planes
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Pressed:
    """Held displacements, and the planes into which some are pressed.

    at: flat indices in the solver's layout.
    """

    at: Array
    planes: list[HeldPlane]

    @classmethod
    def of(cls, model: VoxelModel, support: Support) -> Pressed | None:
        """Return what a support presses flat, None for one that does not."""
        if not (isinstance(support, Clamp) and support.flat):
            return None
        nz, ny, nx = model.grid.shape
        at, by = held(model, support, displacement_shape(nx, ny, nz))
        return cls(at, held_planes(model, at, by))

    def back(self, by_given: Array, U: Array, lines: LineSums) -> Array:
        """Return the derivatives by the displacement before; add those by grid lines.

        by_given: by displacements in the solver's layout, of which the held ones count. U
        (3, nz+1, ny+1, nx+1): the displacement before.
        """
        found, values = np.zeros_like(U), by_given.reshape(-1)[self.at]
        for plane in self.planes:
            t, u = values[plane.use], U[plane.index]
            by_plane, of_plane = (np.linalg.lstsq(plane.basis, v, rcond=None)[0] for v in (t, u))
            left, rough = t - plane.basis @ by_plane, u - plane.basis @ of_plane
            found[plane.index] -= left
            for n, axis in enumerate(plane.along, start=1):
                slope = (left * of_plane[n] + rough * by_plane[n]) / 2
                cells = plane.cells[axis]
                for side in (cells, cells + 1):
                    lines.line(axis, side, slope)
        return found
