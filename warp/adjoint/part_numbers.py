"""A number of one part: what the numbers of its stress and of its temperature share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warp.errors import WarpError
from warp.results.metrics.solved import Solved
from warp.results.surface import part_index

Array = np.ndarray


@dataclass(frozen=True)
class PartNumber:
    """Which number of a part, by their names."""

    part: str
    number: str

    @property
    def name(self) -> str:
        """Return the part and which number."""
        return f"{self.part}.{self.number}"

    def cells(self, solved: Solved) -> Array:
        """Mark the voxels (nz, ny, nx) of the part alone; WarpError where there are none."""
        found = marked(solved, self.part)
        if not found.any():
            raise WarpError(f"{self.name}: no voxel is of {self.part!r} alone")
        return found


def marked(solved: Solved, part: str) -> Array:
    """Mark the voxels (nz, ny, nx) of a part alone."""
    parts = np.asarray(solved.model.media.part)
    found: Array = parts[solved.model.ids] == part_index(solved.model, part)
    return found
