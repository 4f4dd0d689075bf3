"""Estimate what the grid costs warpage and temperature, by Richardson extrapolation.

    f(h) = f(0) + C h^p        h: cell width; p = 2 with two grids, the observed order with three

Each coarser grid has half the cells of the next along every axis (a layer of one cell keeps it), so
h is taken from the cube root of the voxel count (Celik et al., J. Fluids Eng. 130 (2008) 078001,
who also take the order from three grids). The error is |f(0) - f| on the finest grid times a safety
factor: 1.25 (Celik) for warpage, and where three grids show the order; 3 where it is assumed
(Roache, J. Fluids Eng. 116 (1994) 405). That of a warpage is at least FLOOR of the largest warpage
of the package: the corners of bonded parts leave an error that two grids in a row may hardly show,
and the heights of a surface that hardly bends are differences of others. FLOOR is the least round
number with which 95 % of the intervals hold, on surfaces that CalculiX knows
(data/benchmarks/refinement.md and refinement-held-out.md). An observed order well above 2, that of
the scheme, means that the coarsest grid is too coarse to show one: 2 is assumed. Grids that
disagree in direction or in sign, or that converge too slowly, allow no extrapolation: the largest
difference from the finest grid is given as a bound.
Errors of the model itself (materials, linear theory, geometry) are not included.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from warp.machine.device import Device
from warp.run import process
from warp.run.load_step import OnProgress
from warp.units import ZERO_CELSIUS

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.results.file import Result

ORDER = 2.0  # of both operators on smooth fields
SHOWN = 1.1 * ORDER  # an observed order up to here is believed
SAFETY_ASSUMED, SAFETY_SHOWN = 3.0, 1.25  # Roache 1994, Celik 2008
FLOOR = 0.01  # of the largest warpage of a package: the least error that is claimed
SLOWEST = 0.5
"""Least order that counts as convergence: the singularity at a bimaterial corner leaves about 1."""
FASTEST = 16.0
"""Order beyond which the two finer grids agree by accident."""


@dataclass(frozen=True)
class Estimate:
    """The error of the last value of a sequence of grids.

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
    grids: int = 2,
) -> Result:
    """Solve a case on its own grid and on `grids` - 1 coarser ones (2 or 3 in all).

    Returns the result of its own grid, with the errors of warpages and temperatures in its metrics.
    """
    if grids not in (2, 3):
        raise ValueError("the error is estimated from two or three grids")
    start = time.perf_counter()
    results: list[Result] = []
    for n in range(grids):
        step = None if on_progress is None else _numbered(on_progress, f"grid {n + 1} of {grids}: ")
        # Only the numbers of the coarser grids are needed.
        results.append(process.solve(coarsened(case, 2 ** (grids - 1 - n)), device, step))
        if n < grids - 1:
            results[n] = replace(results[n], fields={})
    finest = results[-1]
    voxels = [result.grid.cells for result in results]
    metrics = with_errors([result.metrics for result in results], voxels)
    return replace(
        finest,
        metrics=metrics,
        provenance={**finest.provenance, "wall_s": time.perf_counter() - start},
    )


def coarsened(case: Case, times: int) -> Case:
    """Return the case with cells `times` as wide."""
    if times == 1:
        return case
    grid = case.file.grid
    wide = grid.model_copy(update={"refine": (grid.refine or 1) / times})
    return replace(case, file=case.file.model_copy(update={"grid": wide}))


def with_errors(metrics: Sequence[dict[str, Any]], voxels: Sequence[int]) -> dict[str, Any]:
    """Return the numbers of the finest grid (the last) with the errors of what bends and warms."""
    widths = [(voxels[-1] / count) ** (1 / 3) for count in voxels]
    surfaces: dict[str, dict[str, Any]] = {}
    largest = _largest_warpage(metrics[-1])
    for part, sides in (metrics[-1].get("surfaces") or {}).items():
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
    warm = _temperature_errors(metrics, widths)
    refinement = {"voxels": list(voxels), "order": "2 assumed" if len(voxels) == 2 else "observed"}
    return {**metrics[-1], "surfaces": surfaces, **warm, "refinement": refinement}


def _largest_warpage(numbers: Mapping[str, Any]) -> float:
    """Return the largest warpage of all surfaces in um, without its sign."""
    sides = [side for part in (numbers.get("surfaces") or {}).values() for side in part.values()]
    return max((abs(side.get("warpage_um") or 0.0) for side in sides), default=0.0)


def _temperature_errors(
    metrics: Sequence[dict[str, Any]], widths: Sequence[float]
) -> dict[str, Any]:
    """Return the temperatures of junction and parts with their errors in K, where there are any."""
    found: dict[str, Any] = {}
    thermal = [m.get("thermal") or {} for m in metrics]
    if all("junction_C" in numbers for numbers in thermal):
        values = [numbers["junction_C"] + ZERO_CELSIUS for numbers in thermal]
        error = estimate(values, widths).error
        found["thermal"] = {**thermal[-1], "junction_error_K": error}
    parts = [m.get("temperature") or {} for m in metrics]
    if parts[-1]:
        found["temperature"] = {part: dict(numbers) for part, numbers in parts[-1].items()}
    for part, numbers in found.get("temperature", {}).items():
        for key in ("max", "mean"):
            known = [at[part][f"{key}_C"] for at in parts if part in at]
            if len(known) == len(parts):  # otherwise a coarse grid has lost the part
                values = [value + ZERO_CELSIUS for value in known]
                numbers[f"{key}_error_K"] = estimate(values, widths).error
    return found


def warpage_estimate(values: Sequence[float], widths: Sequence[float], largest: float) -> Estimate:
    """Estimate the error and the limit of the last of two or three warpages.

    largest: warpage of the package, of any of its surfaces on the last grid.
    """
    found = estimate(values, widths, SAFETY_SHOWN)
    return replace(found, error=max(found.error, FLOOR * abs(largest)))


def estimate(
    values: Sequence[float], widths: Sequence[float], assumed: float = SAFETY_ASSUMED
) -> Estimate:
    """Estimate the error and the limit of the last of two or three values.

    widths: of the cells, falling along the sequence, in any unit. assumed: the safety factor where
    no order is shown.
    """
    fine = values[-1]
    spread = max(abs(value - fine) for value in values)
    if spread == 0.0:
        return Estimate(0.0, fine, None)
    order = None
    if min(values) < 0.0 < max(values):  # warpage that changes sign jumps from +|C| to -|C|
        return Estimate(spread, None, None)
    if len(values) == 3:
        order = observed_order(values, widths)
        if order is None:
            return Estimate(spread, None, None)
    rest = (fine - values[-2]) / ((widths[-2] / widths[-1]) ** min(ORDER, order or ORDER) - 1)
    safety = SAFETY_SHOWN if order is not None and order <= SHOWN else assumed
    return Estimate(safety * abs(rest), fine + rest, order)


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
