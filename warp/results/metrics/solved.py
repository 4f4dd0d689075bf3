"""Hold what metrics are computed from: a model, its fields, and what the case asks to measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device, select
from warp.results.flatness import Warpage, warpage
from warp.results.surface import SIDES, Model, Side, Surface, Zone, faces, part_index, sample
from warp.results.temperature import temperatures

AT_ONCE = 4
"""Surfaces that are measured at once: what NumPy does with each runs on one core."""


@dataclass(frozen=True, eq=False)
class Solved:
    """Collect the fields of a solved model; a field that was not solved is None.

    temperature (nz, ny, nx) [K]; displacement (3, nz+1, ny+1, nx+1) [m]; stress
    (6, nz, ny, nx) [Pa]. surfaces: (part, side) pairs, None = both sides of every part; zones:
    measuring zone per surface; terminals: parts whose undersides are checked for coplanarity,
    together; power [W] per part of the full package; ambient [K], None if surroundings differ;
    device: where the numbers are computed, on which displacement and stress may be.
    """

    model: Model
    temperature: np.ndarray | None = None
    displacement: Array | None = None
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
        """Sample the displacement of one side of a part, on the device."""
        assert self.displacement is not None
        face = self.faces[side][part_index(self.model, part)]
        return sample(self.model, self.displacement, part, side, face, self.device)

    @cached_property
    def warpages(self) -> dict[tuple[str, Side], Warpage]:
        """Measure every surface that is asked for; parts without voxels are left out if none is."""
        asked = self.surfaces
        if asked is None:
            every = ((part, side) for part in self.model.parts for side in SIDES)
            asked = [
                (part, side)
                for part, side in every
                if (self.faces[side][part_index(self.model, part)] >= 0).any()
            ]

        def measure(name: tuple[str, Side]) -> Warpage:
            return warpage(self.surface(*name), self.zones.get(name))

        _ = self.faces  # found once, before threads ask for it
        if self.device.threads == 1 or self.device.cuda:
            return {name: measure(name) for name in asked}
        with ThreadPoolExecutor(min(AT_ONCE, self.device.threads)) as threads:
            return dict(zip(asked, threads.map(measure, asked), strict=True))

    @cached_property
    def part_temperatures(self) -> dict[str, dict[str, Any]] | None:
        """Return extremes and means of every part [degC], None without a temperature field."""
        if self.temperature is None:
            return None
        return temperatures(self.model, self.temperature)
