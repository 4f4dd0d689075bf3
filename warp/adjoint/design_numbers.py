"""Numbers of a design at all temperatures or steps, and their derivatives by what varies.

Names are those of `measures`; besides, and without an adjoint,

    chip.stress             largest tension in 99.9 % of a part's volume, MPa
    mass                    of the whole package, g
    worst.warpage_um        any other number of the result, by its path

A case without steps has one value of a number for each temperature of interest, a process one for
each load step of the finished body. Derivatives are those of the adjoint where the case has one,
else differences of whole runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from warp.adjoint.gradient import of_result
from warp.adjoint.measures import measure
from warp.adjoint.refused import refuse
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

    @property
    def largest(self) -> float:
        """Return the value whose size is largest."""
        return max(self.values, key=abs)


def has_gradient(case: Case) -> bool:
    """Tell whether a case is differentiated by its adjoint: without steps, and a smooth law."""
    if case.has_steps or case.large_deflection:
        return False
    try:
        refuse(case)
    except WarpError:
        return False
    return True


@dataclass(frozen=True)
class Design:
    """A case that varies: its numbers, at temperatures of interest if there are any."""

    case: Case
    names: Sequence[str]
    temperatures: Sequence[str]
    device: str
    say: OnProgress

    def numbers(
        self, changed: Mapping[str, str], by: Sequence[tuple[Variable, float]] | None
    ) -> dict[str, Number]:
        """Compute the numbers of the case with changed values; by: what to differentiate by."""
        found: dict[str, list[Number]] = {name: [] for name in self.names}
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
        result = process.solve(case, self.device, self.say)
        smooth = self._smooth(case, result) if has_gradient(case) else []
        found = {name: _number(case, result, name, state) for name in self.names}
        if by is None:
            return found
        if smooth:
            found |= self._by_adjoint(result, smooth, found, by)
        rough = [name for name in self.names if name not in smooth]
        if rough:
            found |= self._by_differences(changed, state, rough, found, by)
        return found

    def _case(self, changed: Mapping[str, str], state: Mapping[str, str]) -> Case:
        tables = {**self.case.overrides, **changed, **state}
        return with_fields(cases.parse(self.case.text, self.case.path, tables))

    def _smooth(self, case: Case, result: Result) -> list[str]:
        """Return the numbers that have an adjoint."""
        found = []
        for name in self.names:
            try:
                measure(name, _solved(case, result))
            except WarpError:
                continue
            found.append(name)
        return found

    def _by_adjoint(
        self,
        result: Result,
        names: Sequence[str],
        known: Mapping[str, Number],
        by: Sequence[tuple[Variable, float]],
    ) -> dict[str, Number]:
        joint = [v.keys for v, _ in by if len(v.keys) > 1]
        keys = [v.name for v, _ in by]
        gradients = of_result(result, names, self.device, self.say, together=joint, keys=keys)
        found = {}
        for name, gradient in zip(names, gradients, strict=True):
            effects = {effect.key: effect for effect in gradient.effects}
            slopes = [_slope(effects, v) for v, _ in by]
            found[name] = Number([gradient.value], gradient.unit, known[name].states, [slopes])
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
            name: Number(
                known[name].values,
                known[name].unit,
                known[name].states,
                np.column_stack(columns[name]).tolist(),
            )
            for name in names
        }


def _joined(parts: Sequence[Number]) -> Number:
    """Join the values of a number at several temperatures."""
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
    records = result.metrics["steps"]
    last = records[-1]
    found, states, unit = [], [], ""
    for record in records:
        if (record["parts"], record["unit"]) == (last["parts"], last["unit"]):
            try:
                value, unit = _stored({**result.metrics, **record}, name)
            except KeyError:
                continue
            found.append(value)
            states.append(_state(record))
    if not found:
        raise WarpError(f"{name!r} is no number of this process")
    return Number(found, unit, states)


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
