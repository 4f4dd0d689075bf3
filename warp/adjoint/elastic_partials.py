"""Derivatives of a metric by what the elastic equations of one solve are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warp.adjoint.branch_partials import BranchPartials
from warp.adjoint.increment_partials import IncrementPartials
from warp.adjoint.widths import LineSums

Array = np.ndarray


@dataclass
class Partials:
    """Derivatives of L, in units of the metric.

    normal (media, 6) and shear (media, 3): by the stiffness, per Pa; strain (nodes, media, 3): by
    the thermal strain at the temperatures `nodes` in K; temperature (nz, ny, nx): by that of each
    voxel where it varies, per K; lines: by grid lines. stiffness, expansion (nz, ny, nx): by the
    relative stiffness and by an equal thermal strain in all directions of each voxel, if wanted.
    branches: where a medium relaxes; its normal and shear are then by the effective stiffness.
    increments: where one follows the incremental law; they are then by the mean stiffness.
    """

    normal: Array
    shear: Array
    nodes: Array
    strain: Array
    lines: LineSums
    temperature: Array | None = None
    stiffness: Array | None = None
    expansion: Array | None = None
    branches: BranchPartials | None = None
    increments: IncrementPartials | None = None
