"""The answer of an identification: values with intervals, correlations, and what is not told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from warp.adjoint.identify import NORMAL, Estimate, Search
from warp.adjoint.observation import Observation
from warp.adjoint.unknowns import Unknown

Array = np.ndarray
UM = 1e-6
PART = 0.3
"""Least weight of an unknown that is named in a combination."""
ALONE = 0.95
"""Weight beyond which a combination is one unknown."""
TOGETHER = 0.95
"""Correlation from which two unknowns are told together rather than each."""
FAR = 3.0
"""Distance from the start, in standard deviations before, that is remarked."""
TOO_LARGE = 1.5
"""Residuals over the noise from which the surfaces are not explained."""


@dataclass(frozen=True)
class Prediction:
    """A metric at the identified values, with its standard deviation by what they leave open."""

    metric: str
    unit: str
    value: float
    deviation: float

    @property
    def interval(self) -> tuple[float, float]:
        """Return the bounds that hold 95 % of it."""
        return self.value - NORMAL * self.deviation, self.value + NORMAL * self.deviation


@dataclass(frozen=True, eq=False)
class Identified:
    """Values that measured surfaces tell, in the order of `unknowns`.

    residuals: measured minus computed heights of each observation [m]; steps: of the search.
    """

    unknowns: Sequence[Unknown]
    observations: Sequence[Observation]
    estimate: Estimate
    residuals: list[Array]
    steps: int
    noise_given: bool
    predictions: Sequence[Prediction] = ()
    samples: Array | None = None
    """(number, unknowns) drawn from the posterior beyond its normal form, where asked for."""

    @classmethod
    def of(
        cls,
        search: Search,
        predictions: Sequence[Prediction] = (),
        samples: Array | None = None,
    ) -> Identified:
        """Collect a finished search."""
        best = search.path[-1]
        rests = search.residuals(best.seen)
        steps, given = len(search.path) - 1, search.noise is not None
        told = steps, given, predictions, samples
        return cls(search.unknowns, search.observations, best, rests, *told)

    @property
    def values(self) -> Array:
        """Return the values (n,) in their own units."""
        return self.estimate.values

    @property
    def covariance(self) -> Array:
        """Return the posterior covariance (n, n) in the units of the values."""
        sizes = np.array([one.deviation for one in self.unknowns])
        found: Array = self.estimate.covariance * np.outer(sizes, sizes)
        return found

    @property
    def deviations(self) -> Array:
        """Return the standard deviations (n,) of the posterior."""
        found: Array = np.sqrt(np.diag(self.covariance))
        return found

    @property
    def correlation(self) -> Array:
        """Return the correlations (n, n) of the posterior."""
        found: Array = self.covariance / np.outer(self.deviations, self.deviations)
        return found

    @property
    def intervals(self) -> Array:
        """Return the bounds (n, 2) that hold 95 % of each value: of the samples, if drawn."""
        if self.samples is not None:
            sampled: Array = np.quantile(self.samples, [0.025, 0.975], axis=0).T
            return sampled
        sides = NORMAL * self.deviations
        found: Array = np.column_stack((self.values - sides, self.values + sides))
        return found

    @property
    def rms(self) -> list[float]:
        """Return the root mean square of each observation's residuals [m]."""
        return [float(np.sqrt(np.mean(rest**2))) for rest in self.residuals]

    def table(self) -> list[dict[str, Any]]:
        """Return one row for each value: start, prior, value, deviation, interval."""
        rows = []
        for n, one in enumerate(self.unknowns):
            low, high = (float(bound) for bound in self.intervals[n])
            rows.append(
                {
                    "key": one.key,
                    "unit": one.unit,
                    "factor": one.factor,
                    "start": one.start,
                    "prior_deviation": one.deviation,
                    "value": float(self.values[n]),
                    "deviation": float(self.deviations[n]),
                    "low": low,
                    "high": high,
                }
            )
        return rows

    def remarks(self) -> list[str]:
        """Return what the surfaces do not tell, and what looks wrong, one sentence each."""
        return [*self._untold(), *self._paired(), *self._doubts()]

    def _untold(self) -> list[str]:
        """Name the combinations that the surfaces tell less than what was known before."""
        squares, directions = np.linalg.eigh(self.estimate.information)
        found = []
        for square, direction in zip(squares, directions.T, strict=True):
            if square >= 1.0:
                continue
            heavy = [int(n) for n in np.flatnonzero(np.abs(direction) >= PART)]
            first = int(np.abs(direction).argmax())
            direction = direction * np.sign(direction[first])
            if abs(direction[first]) > ALONE:
                name = self.unknowns[first].name
                found.append(f"the surfaces do not tell {name}: its interval is what was known")
                continue
            moves = " and ".join(
                f"{self.unknowns[n].name} by {direction[n] * self.unknowns[n].deviation:+.3g} "
                f"{self.unknowns[n].unit}".rstrip()
                for n in heavy
            )
            names = " from ".join(self.unknowns[n].name for n in heavy)
            found.append(
                f"the surfaces cannot tell {names}: changing {moves} together moves them by less "
                "than the noise"
            )
        return found

    def _paired(self) -> list[str]:
        """Name pairs that are told together."""
        found = []
        for (n, one), (m, other) in combinations(enumerate(self.unknowns), 2):
            rho = float(self.correlation[n, m])
            if abs(rho) > TOGETHER:
                found.append(
                    f"{one.name} and {other.name} are told together (correlation {rho:+.3f})"
                )
        return found

    def _doubts(self) -> list[str]:
        """Name values far from where they were expected, and residuals that are no noise."""
        found = []
        for one, value in zip(self.unknowns, self.values, strict=True):
            distance = abs(value - one.start) / one.deviation
            if distance > FAR:
                found.append(
                    f"{one.name} lies {distance:.1f} standard deviations from what was known"
                )
        for seen, rms in zip(self.observations, self.rms, strict=True):
            if self.noise_given and rms > TOO_LARGE * self.estimate.noise.deviation:
                found.append(
                    f"{seen.name} is left {rms / UM:.2g} um off, more than the noise: the model or "
                    "what is free does not explain it (see model_error)"
                )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the heights, ready for JSON."""
        return {
            "values": self.table(),
            "correlation": self.correlation.tolist(),
            "noise_um": self.estimate.noise.deviation / UM,
            "noise_given": self.noise_given,
            "model_error": self.estimate.noise.model_error,
            "steps": self.steps,
            "surfaces": [
                {"name": o.name, "surface": o.surface, "points": len(o.x), "rms_um": rms / UM}
                for o, rms in zip(self.observations, self.rms, strict=True)
            ],
            "predictions": [
                vars(one) | dict(zip(("low", "high"), one.interval, strict=True))
                for one in self.predictions
            ],
            "remarks": self.remarks(),
        }
