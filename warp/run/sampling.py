"""Lay out the runs of a sweep: which keys vary, between which values, and where the points lie.

    --vary part.chip.thickness="0.5 mm, 0.6 mm, 0.775 mm"     these (one unit, at the end, will do)
    --vary part.tim.material="tim-gel, tim-indium"            names, too
    --vary part.lid.thickness="0.5 mm .. 2 mm"                everything between

grid    every value with every other; a range gives N evenly spaced values
lhs     Latin hypercube: N points, each variable's range cut into N strata with one point each
        (McKay, Beckman and Conover, Technometrics 21 (1979) 239)
sobol   Saltelli's scheme for Sobol indices: N (k + 2) points for k variables from a Sobol
        sequence; two independent matrices A and B, and for every variable A with that column of B
        (Saltelli et al., Comput. Phys. Commun. 181 (2010) 259)

Points are drawn in the unit cube, so a seed fixes them; a list of values takes equal parts of its
axis. The sequences are those of scipy.stats.qmc; SciPy has no public function for the matrices.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from warp.case.tolerance import nominal
from warp.errors import WarpError

if TYPE_CHECKING:
    from warp.case.case import Case

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
QUANTITY = re.compile(rf"\s*({NUMBER})\s*([^\d\s].*)?\s*")
SAMPLES = ("grid", "lhs", "sobol")
LEVELS = 5  # values of a range on a grid by default
POINTS = 32  # of lhs and sobol by default
RAREST = 1e-4  # fraction of the values of a normal variable that are left out at either end
MOST = 100_000  # points of a grid


@dataclass(frozen=True)
class Variable:
    """A varied key: a list of texts as --set takes them, or two ends with a unit."""

    key: str
    values: tuple[str, ...] = ()
    ends: tuple[float, float] | None = None
    unit: str = ""
    normal: tuple[float, float] | None = None
    """Mean and standard deviation of a value that scatters, instead of `values` or `ends`."""

    def at(self, fraction: float) -> str:
        """Return the value at a fraction of the axis, 0 to 1."""
        if self.normal is not None:
            mean, deviation = self.normal
            shift = NormalDist().inv_cdf(min(max(fraction, RAREST), 1 - RAREST))
            return f"{mean + deviation * shift:.10g} {self.unit}".strip()
        if self.ends is None:
            return self.values[min(int(fraction * len(self.values)), len(self.values) - 1)]
        low, high = self.ends
        return f"{low + fraction * (high - low):.8g} {self.unit}".strip()

    def levels(self, count: int) -> list[str]:
        """Return the values on a grid; a range is divided into `count` of them."""
        if self.ends is None and self.normal is None:
            return list(self.values)
        return [self.at(fraction) for fraction in np.linspace(0, 1, count)]

    def number(self, text: str) -> float:
        """Return a value as a number in its unit, or the index of a name in the list."""
        found = QUANTITY.fullmatch(text)
        if self.numeric and found:
            return float(found[1])
        return float(self.values.index(text))

    @property
    def numeric(self) -> bool:
        """Tell whether all values are numbers of one unit."""
        if self.ends is not None or self.normal is not None:
            return True
        found = [QUANTITY.fullmatch(text) for text in self.values]
        return all(found) and len({one[2] for one in found if one}) == 1

    @property
    def label(self) -> str:
        """Return the name in tables, with the unit."""
        unit = self.unit
        if self.numeric and self.ends is None and self.normal is None:
            found = QUANTITY.fullmatch(self.values[0])
            unit = (found[2] or "") if found else ""
        return f"{self.key} ({unit})" if unit else self.key


@dataclass(frozen=True)
class Design:
    """All runs of a sweep; `points`: a value for each variable, as --set takes them."""

    variables: tuple[Variable, ...]
    sample: str
    size: int
    seed: int
    points: tuple[tuple[str, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the design without its points, ready for JSON."""
        return {
            "vary": {v.key: list(v.values) or [v.at(0.0), v.at(1.0)] for v in self.variables},
            "sample": self.sample,
            "size": self.size,
            "seed": self.seed,
        }


def variable(text: str) -> Variable:
    """Read KEY=VALUES; raise WarpError with an example where that is not what it says."""
    key, equals, spec = text.partition("=")
    key, spec = key.strip(), spec.strip()
    if not equals or not key or not spec:
        raise WarpError(
            f"--vary {text}: write KEY=VALUES, "
            'e.g. part.chip.thickness="0.5 mm .. 1 mm" or "0.5 mm, 1 mm"'
        )
    if ".." not in spec:
        values = _units_shared(tuple(part.strip() for part in spec.split(",") if part.strip()))
        if len(values) < 2 or len(set(values)) < len(values):
            raise WarpError(
                f"--vary {text}: needs at least two different values, "
                "or a range such as 0.5 mm .. 1 mm"
            )
        return Variable(key, values)
    ends = [QUANTITY.fullmatch(part) for part in spec.split("..")]
    if len(ends) != 2 or not all(ends):
        raise WarpError(f"--vary {text}: a range is two quantities, e.g. 0.5 mm .. 1 mm")
    (low, first), (high, unit) = ((one[1], (one[2] or "").strip()) for one in ends if one)
    if first not in ("", unit):
        raise WarpError(f"--vary {text}: give both ends in the same unit")
    if float(low) == float(high):
        raise WarpError(f"--vary {text}: the ends are equal")
    return Variable(key, ends=(float(low), float(high)), unit=unit)


def _units_shared(values: tuple[str, ...]) -> tuple[str, ...]:
    """Give numbers without a unit the unit of the last value: "25, 100, 260 degC"."""
    found = [QUANTITY.fullmatch(text) for text in values]
    last = found[-1][2] if found and found[-1] else None
    if not last or not all(found) or any(one[2] for one in found[:-1] if one):
        return values
    return (*(f"{text} {last}" for text in values[:-1]), values[-1])


def scattering(case: Case) -> list[Variable]:
    """Return the values of a case's [tolerance] as variables; WarpError where one cannot vary."""
    found = []
    for tolerance in case.tolerances:
        value, unit = nominal(case.tables, tolerance)
        size = tolerance.size(value, unit)
        if tolerance.interval:
            found.append(Variable(tolerance.key, ends=(value - size, value + size), unit=unit))
        else:
            found.append(Variable(tolerance.key, unit=unit, normal=(value, size)))
    if not found:
        raise WarpError("--tolerances: the case has no [tolerance]")
    return found


def design(
    vary: Sequence[str],
    sample: str = "grid",
    size: int | None = None,
    seed: int = 0,
    more: Sequence[Variable] = (),
) -> Design:
    """Lay out the points of a sweep; `more`: variables beside those of --vary."""
    variables = (*(variable(text) for text in vary), *more)
    keys = [v.key for v in variables]
    if not variables:
        raise WarpError("nothing varies: give at least one --vary KEY=VALUES, or --tolerances")
    if len(set(keys)) < len(keys):
        raise WarpError(f"--vary names {next(k for k in keys if keys.count(k) > 1)} twice")
    if sample not in SAMPLES:
        raise WarpError(f"--sample {sample}: choose {', '.join(SAMPLES)}")
    if size is not None and size < 2:
        raise WarpError("--points: at least 2")
    if sample == "grid":
        size = size or LEVELS
        levels = [v.levels(size) for v in variables]
        if np.prod([float(len(one)) for one in levels]) > MOST:
            raise WarpError(f"the grid has more than {MOST:,} points; use --sample lhs")
        points = tuple(product(*levels))
    else:
        size = size or POINTS
        fractions = (
            latin(size, len(keys), seed) if sample == "lhs" else saltelli(size, len(keys), seed)
        )
        points = tuple(
            tuple(v.at(s) for v, s in zip(variables, row, strict=True)) for row in fractions
        )
    return Design(variables, sample, size, seed, points)


def latin(size: int, dimensions: int, seed: int) -> np.ndarray:
    """Return the points (size, dimensions) of a Latin hypercube in the unit cube."""
    from scipy.stats import qmc

    sampler = qmc.LatinHypercube(dimensions, rng=np.random.default_rng(seed))
    return np.asarray(sampler.random(size))


def saltelli(size: int, dimensions: int, seed: int) -> np.ndarray:
    """Return A, B, and A with one column of B for each variable, stacked.

    Shape (size (dimensions + 2), dimensions). Raises WarpError if `size` is not a power of two.
    """
    from scipy.stats import qmc

    if size & (size - 1):
        raise WarpError(
            "--sample sobol: the number of points must be a power of two, "
            f"e.g. {1 << (size.bit_length())}"
        )
    both = qmc.Sobol(2 * dimensions, rng=np.random.default_rng(seed)).random(size)
    a, b = both[:, :dimensions], both[:, dimensions:]
    mixed = []
    for n in range(dimensions):
        mixed.append(a.copy())
        mixed[-1][:, n] = b[:, n]
    return np.vstack((a, b, *mixed))
