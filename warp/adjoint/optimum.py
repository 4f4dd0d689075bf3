"""Find the inputs that make a metric smallest: sequential quadratic programming with gradients.

    minimise (J(x) / J(x0))^2, or maximise it,  low <= x <= high,  |K(x)| <= limit

with J and K metrics of `measures` and x the values that vary, each scaled to 0 .. 1 between its
bounds. Every run solves the case on its own grid and differentiates it there; values of one
variable with several keys change together. Runs are kept in a file and never repeated: the same
command goes on. SLSQP of SciPy (D. Kraft, DFVLR-FB 88-28, 1988).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from warp.adjoint.gradient import of_result
from warp.adjoint.refused import refuse
from warp.adjoint.to_file import board_surface, with_fields
from warp.case import case as cases
from warp.case.case import Case
from warp.errors import WarpError
from warp.files import whole_file
from warp.results.provenance import origin
from warp.run import checkpoint, process
from warp.run.load_step import OnProgress
from warp.run.sampling import QUANTITY

Array = np.ndarray
ENOUGH = 1e-3
"""Change of (J / J0)^2 at which the search ends: below the error of most grids."""
MOST = 30  # runs


@dataclass(frozen=True)
class Variable:
    """Values that change together: their keys, bounds and unit."""

    keys: tuple[str, ...]
    low: float
    high: float
    unit: str

    @property
    def name(self) -> str:
        """Return the keys for tables."""
        return " + ".join(self.keys)

    def at(self, fraction: float) -> float:
        """Return the value at a fraction of the range."""
        return self.low + fraction * (self.high - self.low)

    def overrides(self, value: float) -> dict[str, str]:
        """Return what --set takes for a value."""
        return dict.fromkeys(self.keys, f"{value:.10g} {self.unit}".strip())


@dataclass(frozen=True)
class Limit:
    """A metric whose size must not exceed a value in its own unit."""

    metric: str
    most: float


@dataclass(frozen=True)
class Run:
    """One solved design: values of the variables, metrics, and their derivatives by them."""

    values: list[float]
    metrics: dict[str, float]
    units: dict[str, str]
    slopes: dict[str, list[float]]


@dataclass(frozen=True)
class Outcome:
    """The runs in their order, the start first; `best` is the number of the best that is allowed.

    allowed: whether each keeps to the limits; said: how the search ended.
    """

    variables: Sequence[Variable]
    metric: str
    runs: list[Run]
    allowed: list[bool]
    best: int
    said: str


def variable(text: str) -> Variable:
    """Read "KEY,KEY=LOW .. HIGH UNIT"; WarpError with an example where that is not what it says."""
    keys, equals, span = text.partition("=")
    ends = [QUANTITY.fullmatch(part) for part in span.split("..")]
    names = tuple(key.strip() for key in keys.split(",") if key.strip())
    if not equals or not names or len(ends) != 2 or not all(ends):
        raise WarpError(
            f'--vary {text}: write KEY="0.5 .. 2 mm", or KEY,KEY="1 .. 3 mm" for values together'
        )
    (low, first), (high, unit) = ((float(e[1]), (e[2] or "").strip()) for e in ends if e)
    if first not in ("", unit) or not low < high:
        raise WarpError(f"--vary {text}: a rising range in one unit, e.g. 0.5 .. 2 mm")
    return Variable(names, low, high, unit)


def limit(text: str) -> Limit:
    """Read "METRIC<=NUMBER"; the number is in the metric's unit."""
    metric, sign, number = text.partition("<=")
    found = QUANTITY.fullmatch(number)
    if not sign or found is None:
        raise WarpError(f'--keep {text}: write METRIC<=NUMBER, e.g. "junction<=95"')
    return Limit(metric.strip(), float(found[1]))


@dataclass
class Search:
    """A search in progress: the problem, and the runs made so far."""

    case: Case
    variables: Sequence[Variable]
    metric: str
    limits: Sequence[Limit]
    device: str
    say: OnProgress
    path: Path
    most: int
    runs: list[Run] = field(default_factory=list)

    def run(self, x: Array) -> Run:
        """Return the run at scaled values; from memory where it has been made."""
        values = [
            float(f"{v.at(float(s)):.10g}")
            for v, s in zip(self.variables, np.clip(x, 0.0, 1.0), strict=True)
        ]
        known = next((run for run in self.runs if np.allclose(run.values, values, 1e-9)), None)
        if known is not None:
            return known
        if len(self.runs) >= self.most:
            raise _Stopped
        run = self._solved(values)
        self.runs.append(run)
        self._store()
        return run

    def _solved(self, values: Sequence[float]) -> Run:
        changed = dict(self.case.overrides)
        for v, value in zip(self.variables, values, strict=True):
            changed |= v.overrides(value)
        case = with_fields(cases.parse(self.case.text, self.case.path, changed))
        number = f"run {len(self.runs) + 1}: "
        result = process.solve(
            case, self.device, lambda stage, n, r: self.say(number + stage, n, r)
        )
        names = list(dict.fromkeys([self.metric, *(one.metric for one in self.limits)]))
        joint = [v.keys for v in self.variables if len(v.keys) > 1]
        keys = [v.name for v in self.variables]
        found = of_result(result, names, self.device, together=joint, keys=keys)
        slopes = {}
        for name, gradient in zip(names, found, strict=True):
            by_key = {effect.key: effect for effect in gradient.effects}
            slopes[name] = [self._slope(by_key, v) for v in self.variables]
        metrics = {name: g.value for name, g in zip(names, found, strict=True)}
        units = {name: g.unit for name, g in zip(names, found, strict=True)}
        return Run(list(values), metrics, units, slopes)

    @staticmethod
    def _slope(by_key: Mapping[str, Any], v: Variable) -> float:
        effect = by_key.get(v.name)
        if effect is None:
            raise WarpError(f"{v.name} has no gradient: it is no value of the case file")
        if effect.derivative is None:
            raise WarpError(f"{v.name} has no gradient: {effect.reason}")
        slope: float = effect.derivative
        return slope

    def scaled(self, run: Run, metric: str) -> Array:
        """Return the derivatives of a metric by the scaled values."""
        spans = np.array([v.high - v.low for v in self.variables])
        found: Array = np.array(run.slopes[metric]) * spans
        return found

    def keeps(self, run: Run) -> bool:
        """Tell whether a run keeps to the limits, within 0.1 %."""
        return all(abs(run.metrics[one.metric]) <= 1.001 * one.most for one in self.limits)

    def _store(self) -> None:
        with whole_file.replacing(self.path) as temporary:
            described = {"problem": self.digest(), "runs": [vars(run) for run in self.runs]}
            temporary.write_text(json.dumps(described, indent=1), encoding="utf-8")

    def digest(self) -> str:
        """Return a name for the problem, by which stored runs are known again."""
        case, program = self.case, origin()
        parts: list[Any] = [sorted(case.overrides.items()), self.metric]
        parts += [[v.keys, v.low, v.high, v.unit] for v in self.variables]
        parts += [[one.metric, one.most] for one in self.limits]
        words = case.text, program["program"], json.dumps(parts)
        return checkpoint.fingerprint(*words, *case.read_from_files)[:20]

    def resume(self) -> None:
        """Take the runs that an earlier search of the same problem stored."""
        if not self.path.exists():
            return
        try:
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            if stored["problem"] == self.digest():
                self.runs = [Run(**run) for run in stored["runs"]]
                return
        except (ValueError, KeyError, TypeError):
            pass
        raise WarpError(f"{self.path} belongs to another search: choose another name with -o")


class _Stopped(Exception):
    """The runs that were allowed have been made."""


def optimize(
    case: Case,
    variables: Sequence[Variable],
    metric: str | None,
    path: Path,
    *,
    limits: Sequence[Limit] = (),
    maximise: bool = False,
    most: int = MOST,
    device: str = "auto",
    on_progress: OnProgress | None = None,
) -> Outcome:
    """Search for the best values; the runs are kept in `path`.

    Starts at the case's own values where they lie within the bounds, else in the middle. metric:
    by default the warpage of the side to the board. Raises WarpError where a value has no gradient.
    """
    from scipy.optimize import minimize

    refuse(case)
    metric = metric or board_surface(case)
    search = Search(case, variables, metric, limits, device, on_progress or _ignore, path, most)
    search.resume()
    start = _start(case, variables)
    first = search.run(start)
    scale = abs(first.metrics[metric]) or 1.0
    sign = -1.0 if maximise else 1.0

    def cost(x: Array) -> tuple[float, Array]:
        run = search.run(x)
        value = run.metrics[metric] / scale
        return sign * value**2, sign * 2 * value / scale * search.scaled(run, metric)

    constraints = [_constraint(search, one) for one in limits]
    try:
        found = minimize(
            cost,
            start,
            jac=True,
            bounds=[(0.0, 1.0)] * len(variables),
            constraints=constraints,
            method="SLSQP",
            options={"ftol": ENOUGH, "maxiter": most},
        )
        said = str(found.message)
    except _Stopped:
        said = f"{most} runs were made"
    allowed = [search.keeps(run) for run in search.runs]
    costs = [
        sign * run.metrics[metric] ** 2 + (0.0 if good else np.inf)
        for run, good in zip(search.runs, allowed, strict=True)
    ]
    best = int(np.argmin(costs)) if any(allowed) else 0
    return Outcome(variables, metric, search.runs, allowed, best, said)


def _constraint(search: Search, one: Limit) -> dict[str, Any]:
    """Return 1 - (K / limit)^2 >= 0 with its derivatives."""

    def value(x: Array) -> float:
        return 1.0 - (search.run(x).metrics[one.metric] / one.most) ** 2

    def slopes(x: Array) -> Array:
        run = search.run(x)
        found: Array = -2 * run.metrics[one.metric] / one.most**2 * search.scaled(run, one.metric)
        return found

    functions: dict[str, Callable[[Array], Any]] = {"fun": value, "jac": slopes}
    return {"type": "ineq", **functions}


def _start(case: Case, variables: Sequence[Variable]) -> Array:
    """Return the scaled values of the case, or the middle where it has none within the bounds."""
    from warp.case.tolerance import Tolerance, nominal

    found = []
    for v in variables:
        scaled = 0.5
        try:
            value, unit = nominal(case.tables, Tolerance(v.keys[0], 1.0, "", False))
            if unit == v.unit and v.low <= value <= v.high:
                scaled = (value - v.low) / (v.high - v.low)
        except WarpError:
            pass
        found.append(scaled)
    return np.array(found)


def _ignore(stage: str, iteration: int, residual: float) -> None:
    """Report no progress."""
    del stage, iteration, residual
