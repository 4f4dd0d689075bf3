"""A metric that can be differentiated: its value, and its derivatives by the solved fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from warp.results.metrics.solved import Solved

Array = np.ndarray


@dataclass(frozen=True)
class ByFields:
    """Derivatives of a metric by w on z-faces, by temperature and by stress of voxels.

    w (nz+1, ny+1, nx+1), temperature (nz, ny, nx), stress (6, nz, ny, nx): None where the metric
    does not depend on it. used: how its extremes were treated.
    """

    value: float
    w: Array | None = None
    temperature: Array | None = None
    stress: Array | None = None
    used: str = ""


class Measure(Protocol):
    """A number of a solved model, and its derivatives."""

    @property
    def name(self) -> str: ...

    @property
    def unit(self) -> str: ...

    def value(self, solved: Solved) -> float:
        """Compute the number."""

    def by_fields(self, solved: Solved) -> ByFields:
        """Differentiate by the solved fields."""
