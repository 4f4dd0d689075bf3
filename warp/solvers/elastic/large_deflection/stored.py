"""Store a displacement in half its memory.

    x = mean over the height of its column (float64) + rest (float32)

In float32 alone the rounding of a deflection of millimetres would strain a layer of some
micrometres by as much as its load does. The rest of w is how a plate thickens, the rest of u and v
how it turns: their rounding strains a body by 1e-7 of its strains or less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warp.machine.arrays import Array


@dataclass
class Stored:
    """A displacement of a body. `means` (3, ny+1, nx+3); `rest` and `exists` (3, nz+1, ny+1, nx+3).

    exists: True where the body has a displacement.
    """

    means: Array
    rest: Array
    exists: Array

    @classmethod
    def of(cls, x: Array, exists: Array) -> Stored:
        """Store a displacement (solver's layout)."""
        stored = cls(x[:, 0] * 0, x.astype(np.float32), exists)
        for a, own in enumerate(x):
            stored.means[a] = stored._means(own, a)
            for k, level in enumerate(own):
                stored.rest[a, k] = level - stored.means[a]
        return stored

    def zero(self) -> Stored:
        """Return no displacement of the same body."""
        return Stored(self.means * 0, self.rest * 0, self.exists)

    def component(self, a: int) -> Array:
        """Return the displacement along one axis (nz+1, ny+1, nx+3) in float64."""
        found: Array = (self.means[a] + self.rest[a]) * self.exists[a]
        return found

    def level(self, a: int, k: int) -> Array:
        """Return the displacement along one axis of one level (ny+1, nx+3) in float64."""
        found: Array = (self.means[a] + self.rest[a, k]) * self.exists[a, k]
        return found

    def full(self, out: Array) -> Array:
        """Return out = the displacement in float64."""
        for a, own in enumerate(out):
            for k, level in enumerate(own):
                level[...] = self.level(a, k)
        return out

    def scale(self, factor: float) -> None:
        """Multiply by a factor."""
        self.means *= factor
        self.rest *= factor

    def add(self, factor: float, other: Stored | Array) -> None:
        """Add a factor times another displacement of the same body."""
        if isinstance(other, Stored):
            self.means += factor * other.means
            for own, more in zip(self.rest, other.rest, strict=True):
                own += np.float32(factor) * more
            return
        for a, more in enumerate(other):
            mean = self._means(more, a)
            self.means[a] += factor * mean
            for own, level in zip(self.rest[a], more, strict=True):
                own += factor * (level - mean)

    def _means(self, own: Array, a: int) -> Array:
        count = self.exists[a].sum(axis=0)
        found: Array = own.sum(axis=0) / (count + (count == 0))
        return found
