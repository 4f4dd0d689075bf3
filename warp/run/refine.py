"""Estimate what the grid costs warpage and temperature, by Richardson extrapolation.

    f(h) = f(0) + C h^p        h: cell width; p = 2 with two grids, the observed order with three

The case is solved on its own grid and on one with cells half as wide along every axis: FINER. Where
that is too large, one or two coarser grids tell less for an eighth of the time (a layer of one cell
keeps it there, so h is taken from the cube root of the voxel count: Celik et al., J. Fluids Eng.
130 (2008) 078001, who also take the order from three grids).

The error is |f(0) - f| on the case's own grid times a safety factor, and that of a warpage at least
a share of the largest warpage of the package: the corners of bonded parts leave an error that two
grids may hardly show, and the heights of a surface that hardly bends are differences of others.
Factor and share for warpage are round numbers with which 95 % of the intervals hold, on surfaces
that CalculiX knows (data/benchmarks/refinement.md and refinement-held-out.md); the other factors
are 1.25 where three grids show the order (Celik) and 3 where it is assumed (Roache, J. Fluids Eng.
116 (1994) 405).

An observed order well above 2, that of the scheme, means that the coarsest grid is too coarse to
show one: 2 is assumed. Grids that disagree in direction or in sign, or that converge too slowly,
allow no extrapolation: the largest difference from the case's own grid is given as a bound.
Errors of the model itself (materials, linear theory, geometry) are not included.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from warp.errors import WarpError
from warp.machine import device as devices
from warp.machine.device import Device
from warp.run import process
from warp.run.grids import common_grid
from warp.run.load_step import OnProgress
from warp.run.model import refuse_too_large
from warp.units import ZERO_CELSIUS

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.results.file import Result

ORDER = 2.0  # of both operators on smooth fields
SHOWN = 1.1 * ORDER  # an observed order up to here is believed
SAFETY_ASSUMED, SAFETY_SHOWN = 3.0, 1.25  # Roache 1994, Celik 2008; of temperatures
FINER = 0
"""Coarser grids of an estimate by a finer one."""
SAFETY_FINER, FLOOR_FINER = 2.5, 0.002
"""Of a warpage by a finer grid; the least error that is claimed, of the package's largest."""
SAFETY_COARSER, FLOOR_COARSER = 1.25, 0.01
"""The same by coarser grids."""
SLOWEST = 0.5
"""Least order that counts as convergence: the singularity at a bimaterial corner leaves about 1."""
FASTEST = 16.0
"""Order beyond which the two finer grids agree by accident."""


@dataclass(frozen=True)
class Estimate:
    """The error of the value on a case's own grid.

    extrapolated: its limit; None where there is none, and then `error` is a bound.
    order: observed with three grids that converge, else None.
    """

    error: float
    extrapolated: float | None
    order: float | None


def solve(
    case: Case,
    device: str | Device = "auto",
    on_progress: OnProgress | None = None,
    *,
    coarser: int = FINER,
) -> Result:
    """Solve a case on its own grid and on others that show its error.

    coarser: how many coarser grids, 1 or 2; FINER (0) takes one with cells half as wide. Returns
    the result of its own grid, with the errors of warpages and temperatures in its metrics. Raises
    WarpError before it solves if the finer grid needs more memory than is free.
    """
    if coarser not in (FINER, 1, 2):
        raise ValueError("the error is estimated from a finer grid, or from one or two coarser")
    start = time.perf_counter()
    powers = (1, 0.5) if coarser == FINER else tuple(2.0**n for n in range(coarser, -1, -1))
    if coarser == FINER:
        device = device if isinstance(device, Device) else devices.select(device)
        _refuse_too_large(coarsened(case, 0.5), device)
    results: list[Result] = []
    own = powers.index(1)
    for n, times in enumerate(powers):
        prefix = f"grid {n + 1} of {len(powers)}: "
        step = None if on_progress is None else _numbered(on_progress, prefix)
        results.append(process.solve(coarsened(case, times), device, step))
        if n != own:  # only the numbers of the others are needed
            results[n] = replace(results[n], fields={})
    metrics = with_errors(
        [result.metrics for result in results], [result.grid.cells for result in results], own
    )
    return replace(
        results[own],
        metrics=metrics,
        provenance={**results[own].provenance, "wall_s": time.perf_counter() - start},
    )


def _refuse_too_large(finer: Case, device: Device) -> None:
    """Raise WarpError if the finer grid has too many voxels or needs more memory than is free."""
    try:
        refuse_too_large(finer, common_grid(finer), device)
    except WarpError:
        raise WarpError(
            "--refine solves on a grid with cells half as wide, too, which is too large for "
            f"{device.name}: `--grids 3` takes coarser grids instead, for wider errors"
        ) from None


def coarsened(case: Case, times: float) -> Case:
    """Return the case with cells `times` as wide; 0.5 halves them."""
    if times == 1:
        return case
    grid = case.file.grid
    wide = grid.model_copy(update={"refine": (grid.refine or 1) / times})
    return replace(case, file=case.file.model_copy(update={"grid": wide}))


def with_errors(
    metrics: Sequence[dict[str, Any]], voxels: Sequence[int], own: int
) -> dict[str, Any]:
    """Return the numbers of grid `own` with the errors of what bends and warms.

    Grids from coarse to fine; `own` is the last, or the first of two.
    """
    widths = [(voxels[own] / count) ** (1 / 3) for count in voxels]
    surfaces: dict[str, dict[str, Any]] = {}
    largest = _largest_warpage(metrics[own])
    for part, sides in (metrics[own].get("surfaces") or {}).items():
        surfaces[part] = {}
        for side, numbers in sides.items():
            surfaces[part][side] = dict(numbers)
            values = [m["surfaces"].get(part, {}).get(side, {}).get("warpage_um") for m in metrics]
            if None in values:  # a footprint that a coarse grid cannot measure
                continue
            found = warpage_estimate(values, widths, largest)
            surfaces[part][side] |= {
                "warpage_error_um": found.error,
                "warpage_extrapolated_um": found.extrapolated,
                "warpage_order": found.order,
            }
    warm = _temperature_errors(metrics, widths, own)
    refinement = {"voxels": list(voxels), "order": "2 assumed" if len(voxels) == 2 else "observed"}
    return {**metrics[own], "surfaces": surfaces, **warm, "refinement": refinement}


def _largest_warpage(numbers: Mapping[str, Any]) -> float:
    """Return the largest warpage of all surfaces in um, without its sign."""
    sides = [side for part in (numbers.get("surfaces") or {}).values() for side in part.values()]
    return max((abs(side.get("warpage_um") or 0.0) for side in sides), default=0.0)


def _temperature_errors(
    metrics: Sequence[dict[str, Any]], widths: Sequence[float], own: int
) -> dict[str, Any]:
    """Return the temperatures of junction and parts with their errors in K, where there are any."""
    found: dict[str, Any] = {}
    thermal = [m.get("thermal") or {} for m in metrics]
    if all("junction_C" in numbers for numbers in thermal):
        values = [numbers["junction_C"] + ZERO_CELSIUS for numbers in thermal]
        error = estimate(values, widths).error
        found["thermal"] = {**thermal[own], "junction_error_K": error}
    parts = [m.get("temperature") or {} for m in metrics]
    if parts[own]:
        found["temperature"] = {part: dict(numbers) for part, numbers in parts[own].items()}
    for part, numbers in found.get("temperature", {}).items():
        for key in ("max", "mean"):
            known = [at[part][f"{key}_C"] for at in parts if part in at]
            if len(known) == len(parts):  # otherwise a coarse grid has lost the part
                values = [value + ZERO_CELSIUS for value in known]
                numbers[f"{key}_error_K"] = estimate(values, widths).error
    return found


def warpage_estimate(values: Sequence[float], widths: Sequence[float], largest: float) -> Estimate:
    """Estimate the error and the limit of a warpage, as `estimate` does.

    largest: warpage of the package, of any of its surfaces on its own grid.
    """
    finer = widths[-1] < 1
    found = estimate(values, widths, SAFETY_FINER if finer else SAFETY_COARSER)
    floor = FLOOR_FINER if finer else FLOOR_COARSER
    return replace(found, error=max(found.error, floor * abs(largest)))


def estimate(
    values: Sequence[float], widths: Sequence[float], assumed: float = SAFETY_ASSUMED
) -> Estimate:
    """Estimate the error and the limit of the value whose cells have width 1.

    values: two or three, from coarse to fine; of width 1 is the last, or the first of two. widths:
    of the cells. assumed: the safety factor where no order is shown.
    """
    finer = widths[-1] < 1
    own, fine = values[0 if finer else -1], values[-1]
    spread = max(abs(value - own) for value in values)
    if spread == 0.0:
        return Estimate(0.0, own, None)
    order = None
    if min(values) < 0.0 < max(values):  # warpage that changes sign jumps from +|C| to -|C|
        return Estimate(spread, None, None)
    if len(values) == 3:
        order = observed_order(values, widths)
        if order is None:
            return Estimate(spread, None, None)
    rest = (fine - values[-2]) / ((widths[-2] / widths[-1]) ** min(ORDER, order or ORDER) - 1)
    limit = fine + rest
    safety = SAFETY_SHOWN if order is not None and order <= SHOWN else assumed
    return Estimate(safety * abs(limit - own), limit, order)


def observed_order(values: Sequence[float], widths: Sequence[float]) -> float | None:
    """Return p of f(0) + C h^p through three values, None if they converge too slowly."""
    from scipy.optimize import brentq  # a quarter of a second that other verbs need not spend

    h3, h2, h1 = (width / widths[-1] for width in widths)
    before, last = values[1] - values[0], values[2] - values[1]

    def surplus(p: float) -> float:
        found: float = before * (h2**p - h1**p) - last * (h3**p - h2**p)
        return found

    if before * last < 0 or before == 0 or surplus(SLOWEST) * before < 0:
        return None
    if surplus(FASTEST) * before > 0:
        return FASTEST
    order: float = brentq(surplus, SLOWEST, FASTEST)
    return order


def _numbered(on_progress: OnProgress, prefix: str) -> OnProgress:
    return lambda stage, iteration, residual: on_progress(prefix + stage, iteration, residual)
