"""Find the values of a case that measured surfaces tell, and how well they tell them.

    minimise  SUM over surfaces |z - w(p)|^2 / noise^2  +  SUM over unknowns (p - p0)^2 / s^2

z and w without their planes, s what is known before (Gauss-Newton with Levenberg's damping, J the
derivatives of `tangent` or `stepwise`). The posterior is normal with the covariance

    (J' J / noise^2 + diag(1 / s^2))^-1

Noise that is not given is that of the residuals. A model error e of a surface, an unknown factor
1 +- e on its shape, adds e^2 z z' to its noise. D. Sivia, Data Analysis (2006), chapter 3;
J. More in Lecture Notes in Mathematics 630 (1978) 105 for the damping.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from warp.adjoint.observation import Observation
from warp.adjoint.tangent import Seen
from warp.adjoint.unknowns import Unknown
from warp.errors import WarpError

Array = np.ndarray
NEAR = 0.01
"""Step, in standard deviations of the posterior, at which the search ends."""
ROUGH = 0.2
"""The same of a step that explains no better: grids differ from run to run, and so do heights."""
MOST = 20  # steps
DAMPED = 1e-2
"""First damping, relative to the diagonal, after a step that made the sum larger."""
LEAST_NOISE = 1e-9  # m: surfaces without noise agree to the residuals of the solves
NORMAL = 1.959963984540054
"""Standard deviations to either side that hold 95 % of a normal distribution."""


class Forward(Protocol):
    """A case whose observations are computed at other values of the unknowns."""

    def solve(self, values: Array) -> Seen: ...

    def differentiate(self, values: Array) -> Seen: ...


@dataclass(frozen=True, eq=False)
class Noise:
    """Noise of the heights: standard deviation in m, and the share by which shapes may be off."""

    deviation: float
    model_error: float = 0.0

    def whitened(self, observation: Observation, values: Array) -> Array:
        """Return values (n,) or (n, m) at the points divided by the root of their covariance."""
        found: Array = values / self.deviation
        z = observation.measured
        size = float(np.linalg.norm(z))
        if self.model_error and size > 0.0:
            u = z / size
            stretch = 1.0 + (self.model_error * size / self.deviation) ** 2
            found = found - (1.0 - stretch**-0.5) * np.multiply.outer(u, u @ found)
        return found


@dataclass(frozen=True, eq=False)
class Estimate:
    """Values (n,) with the surfaces computed there, and what the surfaces tell of them.

    information (n, n): J' J / noise^2 with unknowns in units of their standard deviation before.
    """

    values: Array
    seen: Seen
    noise: Noise
    information: Array
    misfit: float

    @property
    def covariance(self) -> Array:
        """Return the posterior covariance in units of the standard deviations before."""
        found: Array = np.linalg.inv(self.information + np.eye(len(self.values)))
        return found


@dataclass
class Search:
    """A search in progress: the problem, and the estimates of its steps."""

    forward: Forward
    unknowns: Sequence[Unknown]
    observations: Sequence[Observation]
    noise: float | None = None
    model_error: float = 0.0
    path: list[Estimate] = field(default_factory=list)
    refused: str = ""
    """Why the last values that could not be computed were refused."""

    def run(self) -> Estimate:
        """Search for the most probable values; WarpError where no step succeeds any more."""
        values = np.array([one.start for one in self.unknowns])
        self.path = [self._estimate(values, self.forward.differentiate(values))]
        damping = 0.0
        for _ in range(MOST):
            step, size = self._step(self.path[-1], damping)
            if size < NEAR:
                return self.path[-1]
            better = self._tried(step)
            if better is None and size < ROUGH:
                return self.path[-1]
            if better is not None:
                self.path.append(better)
                damping = damping / 10 if damping > 1e-3 else 0.0
            else:
                damping = max(10 * damping, DAMPED)
        why = f"; the last refusal: {self.refused}" if self.refused else ""
        raise WarpError(f"no values were found that explain the surfaces, in {MOST} steps{why}")

    def prior(self, values: Array) -> Array:
        """Return values as distances from the start, in standard deviations before."""
        found: Array = np.array(
            [(v - one.start) / one.deviation for one, v in zip(self.unknowns, values, strict=True)]
        )
        return found

    def residuals(self, seen: Seen) -> list[Array]:
        """Return measured minus computed heights of each observation."""
        pairs = zip(self.observations, seen.heights, strict=True)
        return [one.measured - heights for one, heights in pairs]

    def misfit(self, noise: Noise, seen: Seen, values: Array) -> float:
        """Return the sum that is minimised."""
        total = float((self.prior(values) ** 2).sum())
        for one, rest in zip(self.observations, self.residuals(seen), strict=True):
            total += float((noise.whitened(one, rest) ** 2).sum())
        return total

    def _estimate(self, values: Array, seen: Seen) -> Estimate:
        noise = Noise(self.noise or self._scatter(seen), self.model_error)
        assert seen.slopes is not None
        information = np.zeros((len(values), len(values)))
        for one, slopes in zip(self.observations, self._scaled(seen), strict=True):
            white = noise.whitened(one, slopes)
            information += white.T @ white
        return Estimate(values, seen, noise, information, self.misfit(noise, seen, values))

    def _scaled(self, seen: Seen) -> list[Array]:
        """Return the derivatives by the unknowns in units of their standard deviations."""
        sizes = np.array([one.deviation for one in self.unknowns])
        return [slopes * sizes for slopes in seen.slopes or []]

    def _scatter(self, seen: Seen) -> float:
        """Return the standard deviation of the residuals."""
        rests = self.residuals(seen)
        count = sum(len(rest) - 3 for rest in rests) - len(self.unknowns)
        total = sum(float((rest**2).sum()) for rest in rests)
        return max((total / max(count, 1)) ** 0.5, LEAST_NOISE)

    def _step(self, here: Estimate, damping: float) -> tuple[Array, float]:
        """Return the next values, and the size of the step in posterior standard deviations."""
        slope = -self.prior(here.values)
        rests = self.residuals(here.seen)
        for one, slopes, rest in zip(
            self.observations, self._scaled(here.seen), rests, strict=True
        ):
            slope += here.noise.whitened(one, slopes).T @ here.noise.whitened(one, rest)
        matrix = here.information + np.eye(len(slope))
        size = float(np.sqrt(slope @ np.linalg.solve(matrix, slope)))
        step = np.linalg.solve(matrix + damping * np.diag(np.diag(matrix)), slope)
        sizes = np.array([one.deviation for one in self.unknowns])
        wanted = here.values + step * sizes
        within = [one.within(v) for one, v in zip(self.unknowns, wanted, strict=True)]
        return np.array(within), size

    def _tried(self, values: Array) -> Estimate | None:
        """Return the estimate at other values, None where they explain the surfaces less."""
        here = self.path[-1]
        try:
            seen = self.forward.differentiate(values)
        except WarpError as error:
            self.refused = str(error).splitlines()[0]
            return None
        if self.misfit(here.noise, seen, values) > here.misfit:
            return None
        return self._estimate(values, seen)
