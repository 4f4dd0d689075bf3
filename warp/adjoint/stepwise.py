"""Surfaces of a process after its steps, and their derivatives by unknowns.

A process remembers, so that its derivatives are differences of whole runs: one more run for every
unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from warp.adjoint.observation import Observation
from warp.adjoint.tangent import Seen
from warp.adjoint.unknowns import Unknown, at
from warp.case.case import Case
from warp.machine.device import Device
from warp.results.file import Result
from warp.results.surface import Surface
from warp.run import process
from warp.run.load_step import OnProgress

Array = np.ndarray
SHARE = 0.02
"""Change of an unknown over its standard deviation: far above the residuals of two runs."""


@dataclass(frozen=True, eq=False)
class Stepwise:
    """A case with steps: its observations at other values of the unknowns."""

    case: Case
    unknowns: Sequence[Unknown]
    observations: Sequence[Observation]
    device: Device
    say: OnProgress

    def solve(self, values: Array) -> Seen:
        """Compute the heights at other values."""
        changed = at(self.case, self.unknowns, values)
        result = process.solve(changed, self.device, self.say)
        return Seen([one.of_surface(shape_of(result, one)) for one in self.observations])

    def differentiate(self, values: Array) -> Seen:
        """Compute the heights at other values and their derivatives."""
        here = self.solve(values).heights
        slopes = [np.empty((len(h), len(self.unknowns))) for h in here]
        for n, one in enumerate(self.unknowns):
            there = np.array(values, float)
            there[n] += SHARE * one.deviation
            for slope, before, after in zip(slopes, here, self.solve(there).heights, strict=True):
                slope[:, n] = (after - before) / (SHARE * one.deviation)
        return Seen(here, slopes)


def shape_of(result: Result, observation: Observation) -> Surface:
    """Return a surface of a process after the step of an observation."""
    assert observation.step is not None
    name = f"{observation.step + 1}/{observation.surface}"
    x, y, w, z = (np.asarray(result.shapes[f"{name}/{key}"]) for key in "xywz")
    return Surface(observation.part, observation.side, x, y, w, np.isfinite(z))
