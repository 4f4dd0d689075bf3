"""Find the inputs that make a number smallest: sequential quadratic programming with gradients.

    minimise  max over states (J(x) / J(x0))^2, or maximise it,   low <= x <= high,  |K(x)| <= limit

with J and K numbers of `design_numbers` and x the values that vary, each scaled to 0 .. 1 between
its bounds. States are temperatures of interest, or the steps of a process; with several of them

    minimise t,   (J_s(x) / J(x0))^2 <= t   for every state s

Every run solves the case on its own grid and differentiates it there; values of one variable with
several keys change together. Runs are kept in a file and never repeated: the same command goes on.
SLSQP of SciPy (D. Kraft, DFVLR-FB 88-28, 1988); choices are those of `choices`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from warp.adjoint.design_numbers import Design, Number
from warp.adjoint.to_file import board_surface
from warp.adjoint.variables import Choice, Limit, Variable, start_of
from warp.case.case import Case
from warp.errors import WarpError
from warp.files import whole_file
from warp.results.provenance import origin
from warp.run import checkpoint
from warp.run.load_step import OnProgress

Array = np.ndarray
ENOUGH = 1e-5
"""Change of (J / J0)^2 at which the search ends: near an optimum the value is flat, and a larger
change would leave the inputs per cents away from it."""
MOST = 30  # runs
KEPT = 1.001
"""Of a limit: as far as it may be exceeded."""


@dataclass(frozen=True)
class Run:
    """One solved design: values of the variables, its numbers, and with slopes or without."""

    values: list[float]
    numbers: dict[str, Number]

    @property
    def metrics(self) -> dict[str, float]:
        """Return of each number the value whose size is largest."""
        return {name: one.largest for name, one in self.numbers.items()}

    @property
    def differentiated(self) -> bool:
        """Tell whether the run has derivatives."""
        return all(one.slopes is not None for one in self.numbers.values())


@dataclass(frozen=True)
class Outcome:
    """The runs in their order, the start first; `best` is the number of the best that is allowed.

    allowed: whether each keeps to the limits; said: how the search ended.
    """

    variables: Sequence[Variable | Choice]
    metric: str
    runs: list[Run]
    allowed: list[bool]
    best: int
    said: str

    def table(self) -> list[dict[str, Any]]:
        """Return one row for each run: values as --set takes them, numbers, allowed."""
        rows = []
        for run, good in zip(self.runs, self.allowed, strict=True):
            pairs = zip(self.variables, run.values, strict=True)
            row: dict[str, Any] = {v.name: v.text(value) for v, value in pairs}
            rows.append(row | run.metrics | {"allowed": good})
        return rows

    @property
    def units(self) -> dict[str, str]:
        """Return the unit of each number."""
        return {name: one.unit for name, one in self.runs[0].numbers.items()}


@dataclass
class Search:
    """A search in progress: the problem, and the runs made so far."""

    case: Case
    variables: Sequence[Variable | Choice]
    metric: str
    limits: Sequence[Limit]
    device: str
    say: OnProgress
    path: Path | None
    most: int
    temperatures: Sequence[str] = ()
    maximise: bool = False
    runs: list[Run] = field(default_factory=list)

    @property
    def free(self) -> list[int]:
        """Return the numbers of the variables that are no choices."""
        return [n for n, v in enumerate(self.variables) if isinstance(v, Variable)]

    def run(self, x: Array, slopes: bool = True) -> Run:
        """Return the run at scaled values; from memory where it has been made."""
        values = [self._value(v, float(s)) for v, s in zip(self.variables, x, strict=True)]
        known = [n for n, run in enumerate(self.runs) if np.allclose(run.values, values, 1e-9)]
        if known and (self.runs[known[0]].differentiated or not slopes):
            return self.runs[known[0]]
        if len(self.runs) >= self.most and not known:
            raise Stopped
        run = self._solved(values, slopes)
        if known:
            self.runs[known[0]] = run
        else:
            self.runs.append(run)
        self._store()
        return run

    @staticmethod
    def _value(v: Variable | Choice, share: float) -> float:
        share = min(max(share, 0.0), 1.0)
        if isinstance(v, Choice):
            return float(round(share * v.high))
        return float(f"{v.at(share):.10g}")

    def _solved(self, values: Sequence[float], slopes: bool) -> Run:
        changed: dict[str, str] = {}
        for v, value in zip(self.variables, values, strict=True):
            changed |= v.overrides(value)
        number = f"run {len(self.runs) + 1}: "
        names = list(dict.fromkeys([self.metric, *(one.metric for one in self.limits)]))
        design = Design(
            self.case,
            names,
            self.temperatures,
            self.device,
            lambda stage, n, r: self.say(number + stage, n, r),
        )
        pairs = zip(self.variables, values, strict=True)
        by = [(v, value) for v, value in pairs if isinstance(v, Variable)]
        return Run(list(values), design.numbers(changed, by if slopes else None))

    def scaled(self, run: Run, name: str) -> Array:
        """Return the derivatives (states, variables) of a number by the scaled values."""
        slopes = run.numbers[name].slopes
        assert slopes is not None
        found = np.zeros((len(slopes), len(self.variables)))
        spans = [self.variables[n].high - self.variables[n].low for n in self.free]
        found[:, self.free] = np.array(slopes) * spans
        return found

    def keeps(self, run: Run) -> bool:
        """Tell whether a run keeps to the limits, within 0.1 %."""
        return all(abs(run.metrics[one.metric]) <= KEPT * one.most for one in self.limits)

    def cost(self, run: Run) -> float:
        """Return what a run is judged by, infinite where it breaks a limit."""
        size = run.metrics[self.metric] ** 2
        return (-size if self.maximise else size) if self.keeps(run) else np.inf

    def best(self) -> int:
        """Return the number of the best run that keeps to the limits, the start without one."""
        return int(np.argmin([self.cost(run) for run in self.runs]))

    def shares(self, run: Run) -> Array:
        """Return the scaled values of a run."""
        return np.array(
            [
                (value - v.low) / (v.high - v.low)
                for v, value in zip(self.variables, run.values, strict=True)
            ]
        )

    def _store(self) -> None:
        if self.path is None:
            return
        with whole_file.replacing(self.path) as temporary:
            described = {"problem": self.digest(), "runs": [asdict(run) for run in self.runs]}
            temporary.write_text(json.dumps(described, indent=1), encoding="utf-8")

    def digest(self) -> str:
        """Return a name for the problem, by which stored runs are known again."""
        case, program = self.case, origin()
        parts: list[Any] = [sorted(case.overrides.items()), self.metric, list(self.temperatures)]
        parts += [[*v.keys, v.range] for v in self.variables]
        parts += [[one.metric, one.most] for one in self.limits]
        words = case.text, program["program"], json.dumps(parts)
        return checkpoint.fingerprint(*words, *case.read_from_files)[:20]

    def resume(self) -> None:
        """Take the runs that an earlier search of the same problem stored."""
        if self.path is None or not self.path.exists():
            return
        try:
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            if stored["problem"] == self.digest():
                self.runs = [
                    Run(one["values"], {k: Number(**n) for k, n in one["numbers"].items()})
                    for one in stored["runs"]
                ]
                return
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        raise WarpError(f"{self.path} belongs to another search: choose another name with -o")


class Stopped(Exception):
    """The runs that were allowed have been made."""


def optimize(
    case: Case,
    variables: Sequence[Variable | Choice],
    metric: str | None,
    path: Path | None,
    *,
    limits: Sequence[Limit] = (),
    maximise: bool = False,
    most: int = MOST,
    temperatures: Sequence[str] = (),
    device: str = "auto",
    on_progress: OnProgress | None = None,
) -> Outcome:
    """Search for the best values; the runs are kept in `path`, or in memory alone.

    Starts at the case's own values where they lie within the bounds, else in the middle. metric:
    by default the warpage of the side to the board. temperatures: at which a case without steps is
    judged by the worst. Raises WarpError where a value has no gradient.
    """
    if temperatures and case.has_steps:
        raise WarpError("--over belongs to a case without steps: a process is judged by its steps")
    metric = metric or board_surface(case)
    say = on_progress or _ignore
    search = Search(
        case, variables, metric, limits, device, say, path, most, temperatures, maximise
    )
    search.resume()
    start = np.array([start_of(v, case.text, dict(case.overrides)) for v in variables])
    said = f"{most} runs were made"
    try:
        if len(search.free) < len(variables):
            from warp.adjoint import choices

            said = choices.search(search, start)
            if search.free:
                start = search.shares(search.runs[search.best()])
                said = _followed(search, start)
        else:
            said = _followed(search, start)
    except Stopped:
        pass
    allowed = [search.keeps(run) for run in search.runs]
    return Outcome(variables, metric, search.runs, allowed, search.best(), said)


def _followed(search: Search, start: Array) -> str:
    """Follow the gradient from a start, choices as they are; return how it ended."""
    from scipy.optimize import minimize

    first = search.run(start)
    scale = abs(first.metrics[search.metric]) or 1.0
    several = len(first.numbers[search.metric].values) > 1 and not search.maximise
    free = search.free

    def whole(z: Array) -> Array:
        x = np.array(start)
        x[free] = z[: len(free)]
        return x

    def squares(z: Array) -> tuple[Array, Array]:
        """Return (J / J0)^2 of every state and its derivatives."""
        run = search.run(whole(z))
        values = np.array(run.numbers[search.metric].values) / scale
        slopes = search.scaled(run, search.metric)[:, free] / scale
        return values**2, 2 * values[:, None] * slopes

    def cost(z: Array) -> tuple[float, Array]:
        if several:
            return float(z[-1]), np.eye(len(z))[-1]
        values, slopes = squares(z)
        worst = int(values.argmax())
        sign = -1.0 if search.maximise else 1.0
        return sign * float(values[worst]), sign * slopes[worst]

    constraints = [_constraint(search, whole, one, several) for one in search.limits]
    bounds: list[tuple[float, float | None]] = [(0.0, 1.0)] * len(free)
    z = start[free]
    if several:
        z = np.append(z, 1.0)
        bounds.append((0.0, None))
        one = {
            "type": "ineq",
            "fun": lambda z: z[-1] - squares(z)[0],
            "jac": lambda z: np.hstack((-squares(z)[1], np.ones((len(squares(z)[0]), 1)))),
        }
        constraints.append(one)
    found = minimize(
        cost,
        z,
        jac=True,
        bounds=bounds,
        constraints=constraints,
        method="SLSQP",
        options={"ftol": ENOUGH, "maxiter": search.most},
    )
    return str(found.message)


def _constraint(
    search: Search, whole: Callable[[Array], Array], one: Limit, several: bool
) -> dict[str, Any]:
    """Return 1 - (K / limit)^2 >= 0 of every state, with its derivatives."""

    def value(z: Array) -> Array:
        numbers = search.run(whole(z)).numbers[one.metric]
        found: Array = 1.0 - (np.array(numbers.values) / one.most) ** 2
        return found

    def slopes(z: Array) -> Array:
        run = search.run(whole(z))
        values = np.array(run.numbers[one.metric].values)
        by = -2 * values[:, None] / one.most**2 * search.scaled(run, one.metric)[:, search.free]
        found: Array = np.hstack((by, np.zeros((len(by), 1)))) if several else by
        return found

    return {"type": "ineq", "fun": value, "jac": slopes}


def _ignore(stage: str, iteration: int, residual: float) -> None:
    """Report no progress."""
    del stage, iteration, residual
