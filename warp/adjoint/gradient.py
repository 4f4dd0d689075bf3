"""The gradient of metrics of a solved case by all its inputs.

    A lambda = dJ/dU,   then   A_heat mu = dJ/dT + dL/dT   where a temperature field takes part

with the operators and V-cycles of the solve: one solve of each equation per metric, whatever the
number of inputs (`elastic`, `heat`). Inputs are those of `inputs`; what each changes is `variant`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import isnan
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from warp.adjoint.companions import advice
from warp.adjoint.elastic_partials import Partials
from warp.adjoint.history import HistoryPoint
from warp.adjoint.inputs import Input, inputs
from warp.adjoint.measures import measure
from warp.adjoint.moved_grid import Unchangeable
from warp.adjoint.point import ADJOINT, Point
from warp.adjoint.refused import refuse
from warp.adjoint.tape import Tape
from warp.adjoint.variant import Asked, Changeable, V
from warp.case import case as cases
from warp.case.case import Case
from warp.machine import device as devices
from warp.machine.device import Device
from warp.results.file import Result
from warp.run import process
from warp.run.kernels import compile_for
from warp.run.load_step import NO_RESIDUAL, OnProgress
from warp.voxels.grid import voxel_volumes

Array = np.ndarray
TEN_KELVIN = 10.0
PPM, CUBIC_MILLIMETRE = 1e-6, 1e-9
UNDEFINED = (
    "leaves the metric undefined: surroundings would differ; --together with theirs moves all"
)


@dataclass(frozen=True)
class Effect:
    """How a metric follows one input.

    value in `unit`; derivative: metric per unit, None where there is none, for the `reason`;
    change: of the metric by 10 % of the value, by 10 K for a temperature on a scale. beside: a
    sentence about what moves with the input.
    """

    key: str
    value: float
    unit: str
    derivative: float | None
    change: float | None
    per: str
    reason: str = ""
    beside: str = ""


@dataclass(frozen=True, eq=False)
class Gradient:
    """A metric, its effects in the order of the inputs, and its fields per voxel.

    used: how extremes were treated. residual: the largest relative residual of the adjoint solves,
    which limits the derivatives. stiffness, expansion (nz, ny, nx): change of the metric by the
    relative stiffness of each voxel, and by an expansion of 1 ppm in all directions, per mm3.
    """

    metric: str
    unit: str
    value: float
    used: str
    effects: list[Effect]
    stiffness: Array | None = None
    expansion: Array | None = None
    residual: float = ADJOINT

    @property
    def change_unit(self) -> str:
        """Return the unit of changes: temperatures in degC change by K."""
        return "K" if self.unit == "degC" else self.unit

    @cached_property
    def strongest(self) -> list[Effect]:
        """Return the effects that are not zero, the largest change first."""
        least = 1e-9 * max((abs(e.change or 0.0) for e in self.effects), default=0.0)
        found = [e for e in self.effects if e.change is not None and abs(e.change) > least]
        return sorted(found, key=lambda e: -abs(e.change or 0.0))

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the fields, ready for JSON."""
        return {
            "metric": self.metric,
            "unit": self.unit,
            "change_unit": self.change_unit,
            "value": self.value,
            "used": self.used,
            "residual": self.residual,
            "inputs": [vars(effect) for effect in self.effects],
        }


def of_result(
    result: Result,
    metrics: Sequence[str],
    device: str | Device = "auto",
    on_progress: OnProgress | None = None,
    *,
    maps: bool = False,
    together: Sequence[Sequence[str]] = (),
    keys: Sequence[str] | None = None,
    tape: Tape | None = None,
) -> list[Gradient]:
    """Differentiate metrics of a result by all inputs of its case; WarpError where it cannot.

    metrics: names as in `measures`. together: as in `inputs`. keys: the only inputs that are
    wanted. tape: of the process when it was solved; without one it is solved again. The materials
    and pictures that the case names must be as they were.
    """
    say = Residuals(on_progress or _ignore)
    device = device if isinstance(device, Device) else devices.select(device)
    case = case_of(result)
    compile_for(case, device, say)
    wish = Wish(metrics, maps, together, keys)
    if case.has_steps:
        if tape is None:
            tape = Tape(case)
            process.solve(case, device, say.on_progress, on_state=tape)
        found_back = _of_process(HistoryPoint.of(tape.case, tape, device, say, ADJOINT), wish)
        return [replace(one, residual=say.largest) for one in found_back]
    point = Point.of(case, result, device, say)
    wanted = [measure(name, point.solved) for name in metrics]
    found = [point.derivatives(one, maps) for one in wanted]
    say("inputs", 0, NO_RESIDUAL)
    linear = point.linear([derivatives for _, derivatives in found])
    effects = wish.effects(linear, point.base)
    volume = voxel_volumes(point.model.grid) if maps else None
    return [
        Gradient(
            metric=one.name,
            unit=one.unit,
            value=by.value,
            used=by.used,
            effects=effects[n],
            stiffness=_per_volume(derivatives.elastic, "stiffness", volume, 1.0),
            expansion=_per_volume(derivatives.elastic, "expansion", volume, PPM),
            residual=say.largest,
        )
        for n, (one, (by, derivatives)) in enumerate(zip(wanted, found, strict=True))
    ]


@dataclass
class Residuals:
    """Progress that notes the last residual of every adjoint solve."""

    on_progress: OnProgress
    last: dict[str, float] = field(default_factory=dict)

    def __call__(self, stage: str, iteration: int, residual: float) -> None:
        """Note a residual, and pass it on."""
        if residual == residual and (stage.startswith("adjoint") or stage.endswith("backwards")):
            self.last[stage] = residual
        self.on_progress(stage, iteration, residual)

    @property
    def largest(self) -> float:
        """Return the largest of the last residuals; 0 where nothing had to be solved."""
        return max(self.last.values(), default=0.0)


@dataclass(frozen=True)
class Wish:
    """What is differentiated: metrics by name, inputs, and whether fields are wanted, too."""

    metrics: Sequence[str]
    maps: bool
    together: Sequence[Sequence[str]]
    keys: Sequence[str] | None

    def effects(self, linear: Differential[V], base: Changeable[V]) -> list[list[Effect]]:
        """Return the effects of the wanted inputs on each metric."""
        known = inputs(base, self.together)
        wanted = [one for one in known if self.keys is None or one.key in self.keys]

        def advise(one: Input[V], why: Unchangeable) -> str:
            return advice(base, known, one, why)

        return effects_of(linear, wanted, base.unchanged, advise)


def _of_process(point: HistoryPoint, wish: Wish) -> list[Gradient]:
    """Differentiate metrics of a process."""
    wanted = [point.wanted(name) for name in wish.metrics]
    values, linear, ways = point.linear(wanted, wish.maps)
    point.say("inputs", 0, NO_RESIDUAL)
    effects = wish.effects(linear, point.base)
    found = []
    for n, (one, by) in enumerate(zip(wanted, values, strict=True)):
        maps = point.maps(ways[n]) if wish.maps else (None, None)
        found.append(Gradient(one.name, one.measure.unit, by.value, by.used, effects[n], *maps))
    return found


def case_of(result: Result) -> Case:
    """Read the case of a result again; WarpError for what cannot be differentiated."""
    info = result.provenance
    case = cases.parse(result.case, Path(info.get("case_file", "case.toml")), info.get("overrides"))
    refuse(case)
    return case


class Differential(Protocol[Asked]):
    """The change of metrics by variants of what was solved, to first order."""

    @property
    def count(self) -> int: ...

    def change(self, plus: Asked, minus: Asked) -> Array:
        """Return the change (metrics,) from one variant to another."""


def effects_of(
    linear: Differential[V],
    found: Sequence[Input[V]],
    solved: V,
    advise: Callable[[Input[V], Unchangeable], str],
) -> list[list[Effect]]:
    """Return the effects of inputs on each metric.

    solved: the case itself. advise: says why an input has no derivative, and what to do.
    """
    effects: list[list[Effect]] = [[] for _ in range(linear.count)]
    for one in found:
        reason = beside = ""
        slopes: list[float | None] = [None] * len(effects)
        try:
            above = one.make(one.value + one.step)
            below = solved if one.one_sided else one.make(one.value - one.step)
            width = one.step if one.one_sided else 2 * one.step
            slopes = [float(change) / width for change in linear.change(above, below)]
            beside = above.beside
        except Unchangeable as error:
            reason = advise(one, error)
        size = TEN_KELVIN if one.is_temperature else 0.1 * one.value
        per = "10 K" if one.is_temperature else "10 %"
        for n, slope in enumerate(slopes):
            if slope is not None and isnan(slope):
                slope, why = None, UNDEFINED
            else:
                why = reason
            change = None if slope is None else slope * size
            own = slope, change, per, why, beside
            effects[n].append(Effect(one.key, one.value, one.unit, *own))
    return effects


def _per_volume(
    found: Partials | None, name: str, volume: Array | None, scale: float
) -> Array | None:
    """Return a field of derivatives per mm3, times `scale`."""
    if found is None or volume is None:
        return None
    field: Array = getattr(found, name) * (scale * CUBIC_MILLIMETRE / volume)
    return field


def _ignore(stage: str, iteration: int, residual: float) -> None:
    """Report no progress."""
