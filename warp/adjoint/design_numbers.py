"""Numbers of a design at all temperatures or steps, and their derivatives by what varies.

Names are those of `measures`; besides, and without an adjoint,

    chip.stress             largest tension in 99.9 % of a part's volume, MPa
    mass                    of the whole package, g
    worst.warpage_um        any other number of the result, by its path

A case without steps has one value of a number for each temperature of interest, a process one for
each load step of the finished body, or the one of METRIC at STEP. Derivatives are those of the
adjoint where the case has one and it is cheaper, else differences of whole runs. The adjoint of a
process goes back through the load steps that the values came from: every state has a way back of
its own, so that few values that vary and many states take differences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from warp.adjoint.gradient import of_result
from warp.adjoint.measures import measure, placed
from warp.adjoint.refused import NoGradient, refuse
from warp.adjoint.tape import Tape
from warp.adjoint.to_file import with_fields
from warp.adjoint.variables import Variable
from warp.case import case as cases
from warp.case.case import Case
from warp.errors import WarpError
from warp.results.file import Result
from warp.results.metrics.solved import Solved
from warp.results.surface import SIDES
from warp.run import process
from warp.run.grids import common_grid
from warp.run.load_step import OnProgress
from warp.run.stage_model import enter
from warp.units import ZERO_CELSIUS
from warp.voxels.grid import voxel_volumes

MASS = "mass"
GRAM = 1e-3  # kg
STRESS = "max_principal_q999_MPa"
STEP = 0.01
"""Change of a variable over its range, for differences of runs."""


@dataclass(frozen=True)
class Number:
    """A number: one value for each state, and its derivatives (states, variables) if wanted."""

    values: list[float]
    unit: str
    states: list[str]
    slopes: list[list[float]] | None = None
    load_steps: Sequence[int] = ()
    """Of a process: the number of each state among the load steps, from 0."""

    @property
    def largest(self) -> float:
        """Return the value whose size is largest."""
        return max(self.values, key=abs)


def has_gradient(case: Case) -> bool:
    """Tell whether a case is differentiated by its adjoint, else by differences of runs."""
    if case.large_deflection:  # near a change of shape it would end the search
        return False
    try:
        refuse(case)
    except NoGradient:
        return False
    return True


@dataclass(frozen=True)
class Design:
    """A case that varies: its numbers, at temperatures of interest if there are any.

    beside: numbers that need no derivatives.
    """

    case: Case
    names: Sequence[str]
    temperatures: Sequence[str]
    device: str
    say: OnProgress
    beside: Sequence[str] = ()

    def numbers(
        self, changed: Mapping[str, str], by: Sequence[tuple[Variable, float]] | None
    ) -> dict[str, Number]:
        """Compute the numbers of the case with changed values; by: what to differentiate by."""
        found: dict[str, list[Number]] = {name: [] for name in (*self.names, *self.beside)}
        for temperature in self.temperatures or [""]:
            state = {"load.temperature": temperature} if temperature else {}
            for name, one in self._at(changed, state, by).items():
                found[name].append(one)
        return {name: _joined(parts) for name, parts in found.items()}

    def _at(
        self,
        changed: Mapping[str, str],
        state: Mapping[str, str],
        by: Sequence[tuple[Variable, float]] | None,
    ) -> dict[str, Number]:
        """Compute the numbers of one run."""
        case = self._case(changed, state)
        tape = Tape(case) if by and case.has_steps and has_gradient(case) else None
        result = process.solve(case, self.device, self.say, on_state=tape)
        asked = [*self.names, *self.beside]
        found = {name: _number(case, result, name, state) for name in asked}
        if by is None:
            return found
        smooth = self._smooth(case, result, found, by) if has_gradient(case) else []
        if smooth:
            try:
                found |= self._by_adjoint(result, tape, smooth, found, by)
            except NoGradient:  # of the states that the process went through
                smooth = []
        rough = [name for name in self.names if name not in smooth]
        if rough:
            found |= self._by_differences(changed, state, rough, found, by)
        return found

    def _case(self, changed: Mapping[str, str], state: Mapping[str, str]) -> Case:
        tables = {**self.case.overrides, **changed, **state}
        return with_fields(cases.parse(self.case.text, self.case.path, tables))

    def _smooth(
        self,
        case: Case,
        result: Result,
        known: Mapping[str, Number],
        by: Sequence[tuple[Variable, float]],
    ) -> list[str]:
        """Return the numbers that have an adjoint, if it is cheaper than differences of runs."""
        found = []
        for name in self.names:
            try:
                measure(name.partition(" at ")[0], _solved(case, result))
            except WarpError:
                continue
            found.append(name)
        if case.has_steps:
            back = sum(n + 1 for name in found for n in known[name].load_steps)
            if len(by) * len(case.load_steps) < back:
                return []
        return found

    def _by_adjoint(
        self,
        result: Result,
        tape: Tape | None,
        names: Sequence[str],
        known: Mapping[str, Number],
        by: Sequence[tuple[Variable, float]],
    ) -> dict[str, Number]:
        """Differentiate numbers in all their states; tape: of a process."""
        asked = [words for name in names for words in _in_states(name, known[name])]
        gradients = iter(
            of_result(
                result,
                asked,
                self.device,
                self.say,
                together=[v.keys for v, _ in by if len(v.keys) > 1],
                keys=[v.name for v, _ in by],
                tape=tape,
            )
        )
        found = {}
        for name in names:
            own = [next(gradients) for _ in _in_states(name, known[name])]
            slopes = []
            for gradient in own:
                effects = {effect.key: effect for effect in gradient.effects}
                slopes.append([_slope(effects, v) for v, _ in by])
            found[name] = replace(known[name], values=[g.value for g in own], slopes=slopes)
        return found

    def _by_differences(
        self,
        changed: Mapping[str, str],
        state: Mapping[str, str],
        names: Sequence[str],
        known: Mapping[str, Number],
        by: Sequence[tuple[Variable, float]],
    ) -> dict[str, Number]:
        columns: dict[str, list[np.ndarray]] = {name: [] for name in names}
        for v, value in by:
            step = STEP * (v.high - v.low)
            step = -step if value + step > v.high else step
            case = self._case({**changed, **v.overrides(value + step)}, state)
            alone = list(names) == [MASS]
            result = None if alone else process.solve(case, self.device, self.say)
            for name in names:
                there = _number(case, result, name, state)
                more = np.subtract(there.values, known[name].values)
                columns[name].append(more / step)
        return {
            name: replace(known[name], slopes=np.column_stack(columns[name]).tolist())
            for name in names
        }


def _in_states(name: str, number: Number) -> list[str]:
    """Return the metrics of a number in its states, as the gradient takes them."""
    metric = name.partition(" at ")[0].strip()
    return [f"{metric} at load step {n + 1}" for n in number.load_steps] or [name]


def _joined(parts: Sequence[Number]) -> Number:
    """Join the values of a number at several temperatures; a process has been solved once."""
    if len(parts) == 1:
        return parts[0]
    slopes = [row for part in parts for row in part.slopes or []]
    return Number(
        [value for part in parts for value in part.values],
        parts[0].unit,
        [state for part in parts for state in part.states],
        slopes or None,
    )


def _slope(effects: Mapping[str, Any], v: Variable) -> float:
    effect = effects.get(v.name)
    if effect is None:
        raise WarpError(f"{v.name} has no gradient: it is no value of the case file")
    if effect.derivative is None:
        raise WarpError(f"{v.name} has no gradient: {effect.reason}")
    slope: float = effect.derivative
    return slope


def _number(case: Case, result: Result | None, name: str, state: Mapping[str, str]) -> Number:
    """Return a number of a run, after every step in which the body is finished."""
    here = next(iter(state.values()), "")
    if name == MASS or result is None:
        return Number([mass(case)], "g", [here])
    if not case.has_steps:
        value, unit = read(case, result, result.metrics, name)
        return Number([value], unit, [here])
    metric, _, place = (part.strip() for part in name.partition(" at "))
    records = result.metrics["steps"]
    found, states, numbers, unit = [], [], [], ""
    for n in _finished(records) if not place else [_placed(records, place)]:
        try:
            value, unit = _stored({**result.metrics, **records[n]}, metric)
        except KeyError:
            continue
        found.append(value)
        states.append(_state(records[n]))
        numbers.append(n)
    if not found:
        raise WarpError(f"{name!r} is no number of this process")
    return Number(found, unit, states, load_steps=numbers)


def _finished(records: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the load steps at which the body has the parts that it has at the end."""
    last = records[-1]
    whole = last["parts"], last["unit"]
    return [n for n, one in enumerate(records) if (one["parts"], one["unit"]) == whole]


def _placed(records: Sequence[Mapping[str, Any]], place: str) -> int:
    """Return the last load step of a name or at a temperature."""
    celsius = [record["temperature_C"] for record in records]
    ends = [None if one is None else one + ZERO_CELSIUS for one in celsius]
    return placed(place, [record["name"] for record in records], ends)


def _state(record: Mapping[str, Any]) -> str:
    """Name a load step: its temperature, or what it is called."""
    celsius = record.get("temperature_C")
    return str(record["name"]) if celsius is None else f"{celsius:.4g} degC"


def read(case: Case, result: Result, metrics: Mapping[str, Any], name: str) -> tuple[float, str]:
    """Return value and unit of a number; WarpError says which there are."""
    try:
        return _stored(metrics, name)
    except KeyError:
        pass
    solved = _solved(case, result)
    one = measure(name, solved)
    return float(one.value(solved)), one.unit


def _solved(case: Case, result: Result) -> Solved:
    """Return the fields of a result as metrics read them."""
    field = np.array(result.temperature) if "temperature" in result.fields else None
    displacement = None if case.heat_alone else np.array(result.displacement)
    zones, terminals = case.zones, case.terminals
    return Solved(result, field, displacement, zones=zones, terminals=terminals)


def _stored(metrics: Mapping[str, Any], name: str) -> tuple[float, str]:
    """Return value and unit of a number among the metrics of a result; KeyError without it."""
    part, _, rest = name.partition(".")
    side, _, number = rest.partition(".")
    if side in SIDES:
        values = metrics["surfaces"][part][side]
        start = f"{number or 'warpage'}_"
        key = min((k for k in values if k.startswith(start)), key=len, default="")
        return float(values[key]), key.removeprefix(start)
    if rest == "stress":
        return float(metrics["stress"][part][STRESS]), "MPa"
    if rest in ("max", "mean"):
        return float(metrics["temperature"][part][f"{rest}_C"]), "degC"
    if name == "junction":
        return float(metrics["thermal"]["junction_C"]), "degC"
    here: Any = metrics
    for step in name.split("."):
        if not isinstance(here, Mapping):
            raise KeyError(name)
        here = here[step]
    if not isinstance(here, int | float):
        raise KeyError(name)
    return float(here), name.rpartition("_")[2]


def mass(case: Case) -> float:
    """Return the mass of the whole package in g; WarpError for a material without density."""
    voxels = enter(case, case.load_steps[-1], common_grid(case)).voxels
    count = len(voxels.media)
    volume = np.bincount(voxels.ids.reshape(-1), voxel_volumes(voxels.grid).reshape(-1), count)
    try:
        density = voxels.media.density
    except WarpError as error:
        raise WarpError(f"mass: {error}") from None
    for row in np.flatnonzero((volume > 0) & ~(density > 0)):
        if row > 0:
            raise WarpError(f"mass: {voxels.media.names[row]} has no density")
    return float(volume[1:] @ density[1:]) / GRAM * 2 ** sum(voxels.grid.mirror)
