"""Hold what metrics are computed from: a model, its fields, and what the case asks to measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device, select
from warp.results.flatness import Warpage, warpage
from warp.results.surface import SIDES, Model, Side, Surface, Zone, faces, part_index, sample
from warp.results.temperature import temperatures


@dataclass(frozen=True, eq=False)
class Solved:
    """Collect the fields of a solved model; a field that was not solved is None.

    temperature (nz, ny, nx) [K]; displacement (3, nz+1, ny+1, nx+1) [m]; stress
    (6, nz, ny, nx) [Pa]. surfaces: (part, side) pairs, None = both sides of every part; zones:
    measuring zone per surface; terminals: parts whose undersides are checked for coplanarity,
    together; power [W] per part of the full package; ambient [K], None if surroundings differ;
    device: where the numbers are computed, on which stress may be.
    """

    model: Model
    temperature: np.ndarray | None = None
    displacement: np.ndarray | None = None
    stress: Array | None = None
    surfaces: Sequence[tuple[str, Side]] | None = None
    zones: Mapping[tuple[str, str], Zone] = field(default_factory=dict)
    terminals: Sequence[str] = ()
    power: Mapping[str, float] = field(default_factory=dict)
    ambient: float | None = None
    device: Device = field(default_factory=partial(select, "cpu"))

    @cached_property
    def faces(self) -> dict[Side, np.ndarray]:
        """Return the outermost z-faces of every part by side."""
        bottom, top = faces(self.model)
        return {"top": top, "bottom": bottom}

    def surface(self, part: str, side: Side) -> Surface:
        """Sample the displacement of one side of a part."""
        assert self.displacement is not None
        face = self.faces[side][part_index(self.model, part)]
        return sample(self.model, self.displacement, part, side, face)

    @cached_property
    def warpages(self) -> dict[tuple[str, Side], Warpage]:
        """Measure every surface that is asked for; parts without voxels are left out if none is."""
        found: dict[tuple[str, Side], Warpage] = {}
        asked = self.surfaces
        if asked is None:
            asked = [(part, side) for part in self.model.parts for side in SIDES]
        for part, side in asked:
            face = self.faces[side][part_index(self.model, part)]
            if self.surfaces is not None or (face >= 0).any():
                found[part, side] = warpage(self.surface(part, side), self.zones.get((part, side)))
        return found

    @cached_property
    def part_temperatures(self) -> dict[str, dict[str, Any]] | None:
        """Return extremes and means of every part [degC], None without a temperature field."""
        if self.temperature is None:
            return None
        return temperatures(self.model, self.temperature)
