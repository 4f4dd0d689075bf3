"""Films so thin and stiff that their thickness cannot be resolved: made softer across.

The forces across a film of nanometres are differences of displacements that agree in all the digits
of a number: they remain as noise in a residual, and a V-cycle in single precision sees little else.
Nothing else depends on them, because a film is in plane stress. So its strain across is counted
less, e_zz -> q e_zz in the energy with 0 < q <= 1,

    c_zz -> q^2 c_zz,   c_xz -> q c_xz,   c_yz -> q c_yz,   thermal strain zz -> 1/q of it

This leaves the plane-stress law in x and y and the traction across as they are; the film's own
change of thickness becomes 1/q times as large. q is such that a voxel of the film has STIFFEST
times the stiffness across of the whole stack. Likewise e_xz and e_yz: the film shears by at most
1/STIFFEST of what the stack does at the same stress.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from warp.kernels.host import voxelize as kernels
from warp.materials.curves import Values
from warp.materials.material import Array, Derived, MaterialError
from warp.voxels.grid import Grid, runs
from warp.voxels.media import MOST_ROWS, Media
from warp.voxels.media_areas import areas_of

STIFFEST = 1e3
"""Largest stiffness across of a voxel, over that of the mean solid as thick as the stack."""
REFERENCE = 300.0
"""Temperature in K of the stiffnesses that are compared."""


@dataclass(frozen=True, eq=False)
class ThinFilm(Derived):
    """A medium whose strain along z counts `factor` times (q), its shear across `shear_factor`."""

    factor: float
    shear_factor: float = 1.0

    def shear(self, T: Values) -> Array:
        """Return the shear moduli (yz, xz, xy) in Pa."""
        r = self.shear_factor
        return self.medium.shear(T) * np.array([r * r, r * r, 1.0])

    def stiffness(self, T: Values) -> Array:
        """Return the normal block (xx, yy, zz, yz, xz, xy) of the stiffness in Pa."""
        q = self.factor
        return self.medium.stiffness(T) * np.array([1.0, 1.0, q * q, q, q, 1.0])

    def thermal_strain(self, T: Values, T0: Values) -> Array:
        """Return the free strain from T0 to T, larger along z."""
        return self.medium.thermal_strain(T, T0) / np.array([1.0, 1.0, self.factor])


def softened_across(grid: Grid, ids: np.ndarray, media: Media) -> tuple[np.ndarray, Media]:
    """Give the voxels that are too thin for their stiffness media of their own.

    Returns ids, changed in place, and media; those given if there is no such voxel, if a medium has
    no mechanical properties, or if too many media would be needed. Viscoelastic media stay as they
    are.
    """
    try:
        stiffness = media.stiffness(REFERENCE)[:, 2]
    except MaterialError:  # for heat conduction only
        return ids, media
    thin, most = _thin_layers(grid, ids, media, stiffness)
    if not thin or len(media) + len(thin) > MOST_ROWS:
        return ids, media
    materials = list(media.materials)
    for k, row in thin:
        medium = media.materials[row]
        assert medium is not None
        kernels.rename(ids, row, len(materials), k)
        limits = most * grid.dz[k] / (stiffness[row], float(medium.shear(REFERENCE)[:2].max()))
        materials.append(ThinFilm(medium, *(float(min(1.0, np.sqrt(q))) for q in limits)))
    source = np.r_[np.arange(len(media)), [row for _, row in thin]]
    return ids, replace(
        media,
        part=media.part[source],
        materials=materials,
        stress_free=media.stress_free[source],
        names=[media.names[row] for row in source],
        fraction=None if media.fraction is None else media.fraction[source],
        shared=media.shared[source],
    )


def _thin_layers(
    grid: Grid, ids: np.ndarray, media: Media, stiffness: np.ndarray
) -> tuple[list[tuple[int, int]], float]:
    """Return (layer k, row) of the voxels that are too thin, and the largest stiffness by height.

    stiffness: c_zz (M,) in Pa; a voxel of height dz is too thin if it is above most * dz.
    """
    alike = runs(ids)
    areas = areas_of(grid, ids, [run.start for run in alike], len(media))
    layers = np.repeat(areas, [run.stop - run.start for run in alike], axis=0)
    volumes = grid.dz @ layers
    solid = float(volumes[1:].sum())
    if not solid:
        return [], 0.0
    most = STIFFEST * float(volumes @ stiffness) / solid / float(grid.z[-1] - grid.z[0])
    relaxes = np.array([getattr(m, "relaxation", None) is not None for m in media.materials])
    thin = (stiffness > most * grid.dz[:, None]) & (layers > 0) & ~relaxes
    return [(int(k), int(row)) for k, row in np.argwhere(thin)], most
