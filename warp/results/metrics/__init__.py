"""Metrics: every number of a result, declared once and computed from the solved fields.

`evaluate` computes what METRICS declare; RECORDS are added by the driver. To add a metric, write a
module with its declaration (`declaration.Metric`) and name it in METRICS: console, report,
comparison, sweep, CSV, result file and its description show it from then on, as it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device, select
from warp.results.flatness import Warpage
from warp.results.metrics.bow_and_twist import BOW_AND_TWIST
from warp.results.metrics.declaration import Each, Group, Metric, Number, measured, merge, nested
from warp.results.metrics.interface_stress import INTERFACE_STRESS
from warp.results.metrics.large_deflection import LARGE_DEFLECTION
from warp.results.metrics.package_thermal import THERMAL
from warp.results.metrics.part_stress import PART_STRESS
from warp.results.metrics.part_temperatures import TEMPERATURES, UNIFORM_TEMPERATURE
from warp.results.metrics.records import (
    BOND_LINE_ROUNDS,
    BOND_LINES,
    FRAME,
    PROVENANCE,
    REFINEMENT,
    SOLVERS,
    STEPS,
    SUPPORTS,
    UNMOUNTED,
    WARNINGS,
    WORST,
)
from warp.results.metrics.solved import Solved
from warp.results.metrics.surface_flatness import FLATNESS, GRID_ERROR
from warp.results.metrics.terminal_coplanarity import COPLANARITY
from warp.results.metrics.tolerance_spread import JUNCTION_SPREAD, WARPAGE_SPREAD
from warp.results.surface import Model, Side, Zone
from warp.units import ZERO_CELSIUS

__all__ = [
    "METRICS",
    "RECORDS",
    "RUN",
    "ZERO_CELSIUS",
    "declared",
    "evaluate",
    "groups",
    "surface_numbers",
    "top_keys",
]
METRICS: tuple[Metric, ...] = (
    FLATNESS,
    BOW_AND_TWIST,
    COPLANARITY,
    TEMPERATURES,
    UNIFORM_TEMPERATURE,
    THERMAL,
    PART_STRESS,
    INTERFACE_STRESS,
)
"""Computed from the fields of a solved model, in the order in which the result file has them."""
RECORDS: tuple[Metric, ...] = (
    GRID_ERROR,
    WARPAGE_SPREAD,
    JUNCTION_SPREAD,
    REFINEMENT,
    BOND_LINE_ROUNDS,
    BOND_LINES,
    LARGE_DEFLECTION,
    FRAME,
    STEPS,
    SUPPORTS,
    WORST,
    UNMOUNTED,
    WARNINGS,
)
"""Added under /metrics by a run: error estimate, bond lines, steps of a process."""
RUN: tuple[Metric, ...] = (PROVENANCE, SOLVERS)
"""Stored under /provenance/info."""


def evaluate(
    model: Model,
    temperature: np.ndarray | None = None,
    displacement: Array | None = None,
    stress: Array | None = None,
    *,
    surfaces: Iterable[tuple[str, Side]] | None = None,
    zones: Mapping[tuple[str, str], Zone] | None = None,
    terminals: Sequence[str] = (),
    power: Mapping[str, float] | None = None,
    ambient: float | None = None,
    device: Device | None = None,
) -> dict[str, Any]:
    """Compute all numbers of a solved model, ready for JSON; arguments as `Solved` says.

    device: by default the CPU.
    """
    solved = Solved(
        model,
        temperature,
        displacement,
        stress,
        None if surfaces is None else list(surfaces),
        zones or {},
        terminals,
        power or {},
        ambient,
        device or select("cpu"),
    )
    numbers: dict[str, Any] = {}
    for metric in METRICS:
        values = metric.compute(solved) if metric.compute else None
        if values is not None:
            found = nested(metric.group, values)
            metric.check(found)
            merge(numbers, found)
    return numbers


def surface_numbers(surface: Warpage) -> dict[str, float | None]:
    """Compute every number of one measured surface, named as `evaluate` names them."""
    return measured([number for group, number in declared() if group.each is Each.SURFACE], surface)


def top_keys() -> list[str]:
    """List the keys at the top of what `evaluate` returns, in order."""
    keys: dict[str, None] = {}
    for metric in METRICS:
        own = metric.group.path[:1] or tuple(number.key for number in metric.numbers)
        keys |= dict.fromkeys(own)
    return list(keys)


def declared() -> Iterator[tuple[Group, Number]]:
    """Yield every number under /metrics with its group, those of one group together."""
    metrics = (*METRICS, *RECORDS)
    for group in dict.fromkeys(metric.group for metric in metrics):
        for metric in metrics:
            if metric.group == group:
                yield from ((group, number) for number in metric.numbers)


def groups(each: Each) -> list[Group]:
    """List the groups whose numbers occur once for each of these."""
    return list(dict.fromkeys(group for group, _ in declared() if group.each is each))
