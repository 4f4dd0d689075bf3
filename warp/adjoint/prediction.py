"""Predict metrics at identified values, with what the values leave open.

    variance of J = g' C g,    g = dJ/dp

with C the posterior covariance: g from the adjoint, in a process from one more run for each value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from warp.adjoint.identified import Prediction
from warp.adjoint.measures import measure
from warp.adjoint.moved_grid import Unchangeable
from warp.adjoint.point import Point
from warp.adjoint.stepwise import SHARE
from warp.adjoint.to_file import with_fields
from warp.adjoint.unknowns import Unknown, at
from warp.case import case as cases
from warp.case.case import Case
from warp.errors import WarpError
from warp.machine.device import Device
from warp.results.metrics.solved import Solved
from warp.run import process
from warp.run.load_step import OnProgress
from warp.units import TEMPERATURE, parse

Array = np.ndarray
AT = " at "
"""Between a metric and the temperature at which it is wanted."""


@dataclass(frozen=True, eq=False)
class Predictor:
    """A case whose unknowns have been identified: values (n,), covariance (n, n)."""

    case: Case
    unknowns: Sequence[Unknown]
    values: Array
    covariance: Array
    device: Device
    say: OnProgress

    def predict(self, text: str) -> Prediction:
        """Predict METRIC, or "METRIC at 217 degC"; by default at the case's own temperature."""
        name, _, temperature = text.partition(AT)
        case = self._at_temperature(temperature) if temperature else self.case
        case = with_fields(case)
        slopes = self._by_runs if case.has_steps else self._by_adjoint
        unit, value, g = slopes(case, name.strip())
        return Prediction(text, unit, value, float(np.sqrt(g @ self.covariance @ g)))

    def _at_temperature(self, text: str) -> Case:
        case = self.case
        if case.has_steps:
            raise WarpError(f"--predict {AT}{text}: a process is predicted after its last step")
        try:
            parse(text, TEMPERATURE)
        except ValueError as error:
            raise WarpError(f"--predict {AT.strip()} {text}: {error}") from None
        return cases.parse(case.text, case.path, {**case.overrides, "load.temperature": text})

    def _by_adjoint(self, case: Case, name: str) -> tuple[str, float, Array]:
        """Return unit, value and derivatives of a metric from one more solve."""
        here = at(case, self.unknowns, self.values)
        result = process.solve(here, self.device, self.say)
        point = Point.of(here, result, self.device, self.say)
        wanted = measure(name, point.solved)
        by, derivatives = point.derivatives(wanted, maps=False)
        linear = point.linear([derivatives])
        slopes = np.zeros(len(self.unknowns))
        for n, one in enumerate(self.unknowns):
            step = SHARE * one.deviation
            try:
                sides = [
                    point.base.with_case(at(case, self.unknowns, self._moved(n, sign * step)))
                    for sign in (1.0, -1.0)
                ]
            except Unchangeable as error:
                raise WarpError(f"free {one.key} has no derivative: it {error}") from None
            slopes[n] = float(linear.change(sides[0], sides[1])[0]) / (2 * step)
        return wanted.unit, by.value, slopes

    def _by_runs(self, case: Case, name: str) -> tuple[str, float, Array]:
        """Return unit, value and derivatives of a metric after a process."""
        unit, value = self._run(case, name, self.values)
        slopes = np.zeros(len(self.unknowns))
        for n, one in enumerate(self.unknowns):
            step = SHARE * one.deviation
            slopes[n] = (self._run(case, name, self._moved(n, step))[1] - value) / step
        return unit, value, slopes

    def _run(self, case: Case, name: str, values: Array) -> tuple[str, float]:
        changed = at(case, self.unknowns, values)
        result = process.solve(changed, self.device, self.say)
        field = np.array(result.temperature) if "temperature" in result.fields else None
        solved = Solved(
            result,
            field,
            np.array(result.displacement),
            zones=changed.zones,
            terminals=changed.terminals,
        )
        wanted = measure(name, solved)
        return wanted.unit, wanted.value(solved)

    def _moved(self, n: int, step: float) -> Array:
        there = np.array(self.values, float)
        there[n] += step
        return there
