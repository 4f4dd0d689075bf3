"""A search for an optimum: its problem, its runs, and the file that they are kept in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from warp.adjoint.design_numbers import Design, Number
from warp.adjoint.variables import Choice, Limit, Variable
from warp.case import case as cases
from warp.case.case import Case
from warp.errors import WarpError
from warp.files import whole_file
from warp.results.provenance import origin
from warp.run import checkpoint
from warp.run.load_step import OnProgress

Array = np.ndarray
ENOUGH = 1e-5
"""Change of (J / J0)^2 at which a search ends: near an optimum the value is flat, and a larger
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
        return any(one.slopes is not None for one in self.numbers.values())


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
    beside: Sequence[str] = ()
    """Numbers that are shown alone."""
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

    def check(self, x: Array) -> None:
        """Raise the fault of the case at scaled values, before anything is solved or read."""
        keys = [key for v in self.variables for key in v.keys]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise WarpError(f"--vary {twice}: the key is given twice")
        values = [self._value(v, float(s)) for v, s in zip(self.variables, x, strict=True)]
        tables = {**self.case.overrides, **self._changed(values)}
        cases.parse(self.case.text, self.case.path, tables)

    def _changed(self, values: Sequence[float]) -> dict[str, str]:
        """Return what --set takes for values of the variables."""
        changed: dict[str, str] = {}
        for v, value in zip(self.variables, values, strict=True):
            changed |= v.overrides(value)
        return changed

    def _solved(self, values: Sequence[float], slopes: bool) -> Run:
        number = f"run {len(self.runs) + 1}: "
        names = list(dict.fromkeys([self.metric, *(one.metric for one in self.limits)]))
        design = Design(
            self.case,
            names,
            self.temperatures,
            self.device,
            lambda stage, n, r: self.say(number + stage, n, r),
            self.beside,
        )
        pairs = zip(self.variables, values, strict=True)
        by = [(v, value) for v, value in pairs if isinstance(v, Variable)]
        return Run(list(values), design.numbers(self._changed(values), by if slopes else None))

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
