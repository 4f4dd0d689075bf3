"""Metrics of a process on their way back, and their change by what they met there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from warp.adjoint import heat
from warp.adjoint.backwards import Costate
from warp.adjoint.by_fields import Measure
from warp.adjoint.course import Course
from warp.adjoint.elastic import Form
from warp.adjoint.linear import EdgeForces, Linear, explicit
from warp.adjoint.relaxed_stress import RelaxedStress
from warp.adjoint.strains import Kinematics, Strains
from warp.adjoint.temperatures import Junction, PartTemperature
from warp.results.metrics.solved import Solved

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Wanted:
    """A metric at the end of a load step: its number in the process, and what was solved there.

    motion, edges, relaxed: of a metric that depends on stress itself.
    """

    measure: Measure
    at: int
    solved: Solved
    name: str
    motion: Kinematics | None = None
    edges: EdgeForces | None = None
    relaxed: RelaxedStress | None = None


@dataclass(frozen=True, eq=False)
class Part:
    """Derivatives by the parts after load step `stage` at the temperature of `temperature`."""

    stage: int
    temperature: int
    linear: Linear


@dataclass(frozen=True, eq=False)
class HistoryLinear:
    """A solved process with the derivatives of some metrics."""

    wanted: Sequence[Wanted]
    parts: Sequence[Part]

    @property
    def count(self) -> int:
        """Return the number of metrics."""
        return len(self.wanted)

    def change(self, plus: Course, minus: Course) -> Array:
        """Return the change (metrics,) from one course to another, to first order."""
        total = np.zeros(len(self.wanted))
        for part in self.parts:
            above, below = (c.at(part.stage, part.temperature) for c in (plus, minus))
            total += part.linear.equations(above, below)
        for n, one in enumerate(self.wanted):
            above, below = (course.at(one.at, one.at) for course in (plus, minus))
            flat = not isinstance(one.measure, PartTemperature | Junction)
            total[n] += explicit(one.solved, one.measure, above, below, one.edges, flat=flat)
        return total


@dataclass(eq=False)
class Way:
    """The way back of one metric: the derivatives by the state at hand, and forms on the way."""

    wanted: Wanted
    by: Costate
    own: Strains | None = None
    """Of a metric that depends on stress itself, as `stresses.pulled_back`."""
    by_temperature: Array | None = None
    """Of the metric itself, per K of each voxel."""
    thermal: dict[int, tuple[heat.Partials, Array]] = field(default_factory=dict)
    """Derivatives by the heat equation of solves under power, and adjoint temperatures."""
    size: float = 0.0
    """Norm of the largest load so far."""
    forms: list[tuple[int, int, Form]] = field(default_factory=list)
    """Numbers of the load steps as in `Part`, in the same order for all metrics."""

    def warmed(self, n: int) -> tuple[heat.Partials | None, Array | None]:
        """Return the derivatives by the heat equation of a solve, and its adjoint temperature."""
        return self.thermal.get(n, (None, None))
