"""Temperatures that can be differentiated: of a part, and of the junction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warp.adjoint.by_fields import Array, ByFields
from warp.adjoint.part_numbers import PartNumber, marked
from warp.errors import WarpError
from warp.results.metrics.solved import Solved
from warp.units import ZERO_CELSIUS
from warp.voxels.grid import voxel_volumes


@dataclass(frozen=True)
class PartTemperature(PartNumber):
    """Temperature of a part in degC: of its hottest cell, or its volume mean."""

    unit: str = "degC"

    def value(self, solved: Solved) -> float:
        """Compute the number."""
        cells, T = self.cells(solved), _temperature(solved)
        if self.number == "max":
            return float(T[cells].max() - ZERO_CELSIUS)
        v = voxel_volumes(solved.model.grid)[cells]
        return float((v * T[cells]).sum() / v.sum() - ZERO_CELSIUS)

    def by_fields(self, solved: Solved) -> ByFields:
        """Differentiate by the solved fields."""
        cells, T = self.cells(solved), _temperature(solved)
        by = np.zeros(T.shape)
        if self.number == "max":
            by.reshape(-1)[int(np.where(cells, T, -np.inf).argmax())] = 1.0
            return ByFields(self.value(solved), temperature=by, used="the hottest cell stays")
        v = np.where(cells, voxel_volumes(solved.model.grid), 0.0)
        return ByFields(self.value(solved), temperature=v / v.sum())


@dataclass(frozen=True)
class Junction:
    """Junction temperature in degC, or its rise over the ambient per watt (JESD51)."""

    name: str

    @property
    def unit(self) -> str:
        """Return the unit."""
        return "degC" if self.name == "junction" else "K/W"

    def _hottest(self, solved: Solved) -> PartTemperature:
        parts = [name for name, watts in solved.power.items() if watts > 0]
        present = [p for p in parts if marked(solved, p).any()]
        if not present:
            raise WarpError(f"{self.name}: no part gives off heat")
        return max(
            (PartTemperature(part, "max") for part in present), key=lambda p: p.value(solved)
        )

    def _scale(self, solved: Solved) -> float:
        if self.name == "junction":
            return 1.0
        if solved.ambient is None:
            raise WarpError("theta_ja: the surroundings differ, so there is none")
        return 1 / sum(watts for watts in solved.power.values() if watts > 0)

    def value(self, solved: Solved) -> float:
        """Compute the number."""
        found, scale = self._hottest(solved).value(solved), self._scale(solved)
        if self.name == "junction":
            return found
        assert solved.ambient is not None
        return (found - (solved.ambient - ZERO_CELSIUS)) * scale

    def by_fields(self, solved: Solved) -> ByFields:
        """Differentiate by the solved fields."""
        found, scale = self._hottest(solved).by_fields(solved), self._scale(solved)
        assert found.temperature is not None
        return ByFields(self.value(solved), temperature=scale * found.temperature, used=found.used)


def _temperature(solved: Solved) -> Array:
    if solved.temperature is None:
        raise WarpError("this case solves no temperature field")
    return solved.temperature
